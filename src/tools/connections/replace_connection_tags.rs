//! A connection's tags, replaced or added to.

use serde_json::Value;

use super::{HeldTags, look, patch, tag_object, tags_of};
use crate::context::Context;
use crate::error::Error;
use crate::json;
use crate::nango::tags::{self, Tags};
use crate::nango::{ConnectionId, IntegrationKey, TagKey};
use crate::tool::{Dict, Effect, List, Toolset, choices, is_hidden, object, result};
use crate::tools::connect::{TagsArg, given, tag_dict};

choices! {
    /// What becomes of the tags that are there.
    pub(crate) enum Mode {
        Replace = "replace",
        Merge = "merge",
    }
}

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// Connection id, as list_connections shows it.
        connection_id: ConnectionId,
        /// Its integration's unique key.
        provider_config_key: IntegrationKey,
        /// The tags, up to 10. Nango keeps keys in lower case; an empty object with replace removes all.
        tags: TagsArg,
        /// replace: exactly these remain. merge: these are added or changed, the others stay.
        mode: Mode = "replace",
    }
}

result! {
    /// The tags, before and after.
    pub(crate) struct Output {
        /// Tags before; absent when the API key may not read connections.
        before: Option<HeldTags>,
        /// Tags after.
        after: Dict<TagKey, String, 10>,
        /// What could not be kept or read.
        warnings: List<String, 0, 10>,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "replace_connection_tags";
    const TITLE: &'static str = "Set a connection's tags";
    const DESCRIPTION: &'static str = "Set the tags of a connection: the whole set, or with mode merge only the given ones. Use it to route, group or find \
        connections (list_connections filters by tags); for data of your application use update_connection_metadata, for the \
        person's id, email and name update_connection_end_user. With mode replace all other tags go, end_user_id too: `before` \
        shows them. Nango takes 10 tags. Needs environment:connections:update, and environment:connections:read for `before` \
        and merge.";
    const TOOLSET: Toolset = Toolset::Connections;
    const EFFECT: Effect = Effect::Write;
    const IDEMPOTENT: bool = true;
    const SCOPES: &'static [&'static str] = &["environment:connections:update"];
    const BETTER_WITH: &'static [&'static str] = &["environment:connections:read"];

    fn rules(args: &Args) -> Result<(), Error> {
        given(Some(&args.tags), "tags").map(|_| ())
    }

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        let mut after = given(Some(&args.tags), "tags")?;
        let mut warnings = Vec::new();
        let before = match look(cx, &args.connection_id, &args.provider_config_key) {
            Ok(connection) => Some(connection),
            Err(error) if error.code() == "missing_scope" && args.mode == Mode::Replace => {
                warnings.push(format!("the tags before are not known: {}", error.sentence()));
                None
            }
            Err(error) => return Err(error.after(&[], &["tags changed"])),
        };
        if let (Mode::Merge, Some(connection)) = (args.mode, &before) {
            let (kept, lost) = tags_of(connection);
            if !lost.is_empty() {
                warnings.push(format!("these tags break Nango's own rules and could not be kept: {}", named(&lost)));
            }
            after = tags::lay(kept, &after);
            tags::capacity(&after)?;
        }
        let body = json::object([("tags", tag_object(&after))]);
        patch(cx, &args.connection_id, &args.provider_config_key, body)?;
        Ok(Output { before: before.map(|connection| held(&connection)), after: tag_dict(&after), warnings: List(warnings) })
    }
}

/// The first of these names, for a sentence.
fn named(names: &[String]) -> String {
    let first: Vec<String> = names.iter().take(10).map(|name| name.chars().filter(|c| !is_hidden(*c)).take(64).collect()).collect();
    first.join(", ")
}

/// All tags that the connection has, whether they could be sent again or not.
fn held(connection: &Value) -> HeldTags {
    let mut tags = Tags::new();
    if let Some(Value::Object(object)) = connection.get("tags") {
        for (key, value) in object.iter().take(100) {
            tags.extend(value.as_str().map(|value| (key.clone(), value.to_owned())));
        }
    }
    tags.into_iter().collect()
}
