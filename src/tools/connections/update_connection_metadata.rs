//! A connection's metadata, merged or replaced.

use serde_json::Value;

use super::{echoed, look};
use crate::context::Context;
use crate::error::Error;
use crate::json;
use crate::nango::{ConnectionId, IntegrationKey, Path, Request};
use crate::tool::{Effect, List, Open, Toolset, choices, object, result};

choices! {
    /// What becomes of the metadata that is there.
    pub(crate) enum Mode {
        Merge = "merge",
        Replace = "replace",
    }
}

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// Connection id, as list_connections shows it.
        connection_id: ConnectionId,
        /// Its integration's unique key.
        provider_config_key: IntegrationKey,
        /// The metadata: any JSON object. It is no place for secrets, get_connection shows it.
        metadata: Open,
        /// merge: these top-level keys are set, the others stay. replace: exactly this remains.
        mode: Mode = "merge",
    }
}

result! {
    /// The metadata afterwards.
    pub(crate) struct Output {
        /// All metadata after the change; where it could not be read back, what was sent.
        metadata: Open,
        /// Whether metadata was read back from Nango.
        read_back: bool,
        /// What to know about the result: objects that were replaced whole, why nothing was read back.
        warnings: List<String, 0, 10>,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "update_connection_metadata";
    const TITLE: &'static str = "Write a connection's metadata";
    const DESCRIPTION: &'static str = "Write the metadata of a connection: your application's own JSON, which Nango's syncs and actions read. Use it for \
        settings by customer, such as field mappings; for labels to filter by use replace_connection_tags, for the person \
        update_connection_end_user. By default top-level keys are merged, shallowly: a nested object replaces the old one \
        whole. mode replace discards all else. Needs environment:connections:update, and environment:connections:read to show \
        the metadata afterwards.";
    const TOOLSET: Toolset = Toolset::Connections;
    const EFFECT: Effect = Effect::Write;
    const IDEMPOTENT: bool = true;
    const SCOPES: &'static [&'static str] = &["environment:connections:update"];
    const BETTER_WITH: &'static [&'static str] = &["environment:connections:read"];

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        let body = json::object([
            ("connection_id", json::text(&args.connection_id)),
            ("provider_config_key", json::text(&args.provider_config_key)),
            ("metadata", args.metadata.clone().into()),
        ]);
        let path = Path::fixed("/connections/metadata");
        // Both answer with what was sent, not with what is there then.
        let (request, mut warnings) = match args.mode {
            Mode::Merge => (Request::patch("PATCH /connections/metadata", path, body.into()), whole(&args.metadata)),
            Mode::Replace => (Request::post("POST /connections/metadata", path, body.into()), Vec::new()),
        };
        echoed(&cx.send(&request)?)?;
        let metadata = match look(cx, &args.connection_id, &args.provider_config_key) {
            Ok(mut connection) => match connection.get_mut("metadata").map(Value::take) {
                Some(Value::Object(metadata)) => Some(metadata),
                _ => {
                    warnings.push("it was written, but the connection read afterwards shows no metadata".into());
                    None
                }
            },
            Err(error) => {
                warnings.push(format!("it was written, but not read back, so this is only what was sent: {}", error.sentence()));
                None
            }
        };
        let read_back = metadata.is_some();
        Ok(Output { metadata: metadata.unwrap_or_else(|| args.metadata.clone()), read_back, warnings: List(warnings) })
    }
}

/// That merging is shallow, where it shows.
fn whole(metadata: &Open) -> Vec<String> {
    if metadata.values().any(Value::is_object) {
        return vec!["the merge is shallow: an object given here now stands in place of the one under that key, not merged with it".into()];
    }
    Vec::new()
}
