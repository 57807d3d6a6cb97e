//! The convention, written to a connection.

use serde_json::Value;

use super::{OwnerKind, Purpose, Subject};
use crate::context::Context;
use crate::error::Error;
use crate::json;
use crate::nango::tags::{self, MAX_TAGS, Tags};
use crate::nango::{ConnectionId, Email, IntegrationKey, Label, Path, Request, TagKey};
use crate::pairs;
use crate::tool::{Dict, Effect, List, Open, Toolset, object, result};
use crate::tools::connect::tag_dict;
use crate::tools::connections::{echoed, found, patch, read, tag_object, tags_of};

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// Connection id, as list_connections shows it.
        connection_id: ConnectionId,
        /// Its integration's unique key.
        provider_config_key: IntegrationKey,
        /// Who or what the account belongs to; becomes the tag end_user_id and, if it is an email address, end_user_email.
        principal: Label,
        /// Whose account it is.
        owner_kind: OwnerKind,
        /// What the connection is for.
        purpose: Purpose,
        /// Who owns the OAuth app: customer, operator, third_party or unknown; goes into the metadata.
        oauth_app_owner: Option<Label>,
        /// Keep the connection's other metadata. With false, all of it is replaced by that of the convention.
        patch_metadata: bool = true,
    }
}

result! {
    /// What of Nango's end user record went into the tags.
    pub(crate) struct Identity {
        /// The name, in end_user_display_name.
        display_name: Option<String>,
        /// The email address, in end_user_email.
        email: Option<String>,
    }
}

result! {
    /// What was written.
    pub(crate) struct Output {
        /// All tags of the connection now.
        tags: Dict<TagKey, String, 10>,
        /// What of Nango's end user record went into the tags; empty where the connection has none.
        identity_projection: Identity,
        /// The metadata that was written; other keys are not shown.
        metadata: Open,
        /// What was replaced or dropped, and what to look at. Empty when there is nothing to say.
        warnings: List<String, 0, 10>,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

fn subject(args: &Args) -> Subject<'_> {
    Subject {
        principal: &args.principal,
        owner_kind: args.owner_kind,
        purpose: args.purpose,
        organization_id: None,
        display_name: None,
        email: None,
        oauth_app_owner: args.oauth_app_owner.as_deref(),
    }
}

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "apply_connection_convention";
    const TITLE: &'static str = "Tag a connection by convention";
    const DESCRIPTION: &'static str = "Write the convention's tags and metadata to an existing connection. Use it when a person has finished the link of \
        create_standard_connect_session (its `after_connect` has the arguments but for connection_id), or on what \
        audit_connection_conventions found; to see the values first use build_connection_convention, for their meaning \
        describe_connection_convention, for other tags replace_connection_tags. Other tags stay, and the end user's name and \
        email are copied into tags. More than Nango's 10 tags are refused before anything is written. Needs \
        environment:connections:read and environment:connections:update.";
    const TOOLSET: Toolset = Toolset::Conventions;
    const EFFECT: Effect = Effect::Write;
    const IDEMPOTENT: bool = true;
    const SCOPES: &'static [&'static str] = &["environment:connections:read", "environment:connections:update"];

    fn rules(args: &Args) -> Result<(), Error> {
        subject(args).rules()
    }

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        let subject = subject(args);
        let (connection, mut warnings) = present(cx, args)?;
        let (kept, lost) = tags_of(&connection);
        let identity = identity(&connection, args.principal.trim(), &mut warnings);
        let tags = merged(&kept, subject.tags(cx.environment()), &identity);
        capacity(&kept, &tags)?;
        report(&kept, lost.len(), &tags, &mut warnings);
        patch(cx, &args.connection_id, &args.provider_config_key, json::object([("tags", tag_object(&tags))]))
            .map_err(|error| error.after(&[], &["tags written", "metadata written"]))?;
        let metadata = subject.metadata(cx.environment(), &cx.config.metadata_namespace);
        let (own, before) = (metadata.values().next(), json::at(&connection, "metadata", &cx.config.metadata_namespace));
        if before.is_some_and(|before| Some(before) != own) {
            warnings.push(format!("metadata under {} was another and is replaced", cx.config.metadata_namespace));
        }
        let gone = others(&connection, &cx.config.metadata_namespace);
        if !args.patch_metadata && gone > 0 {
            warnings.push(format!("other metadata is replaced ({gone} keys)"));
        }
        cx.send(&write_metadata(args, metadata.clone()))
            .and_then(|answer| echoed(&answer))
            .map_err(|error| error.after(&["tags written"], &["metadata written: the same call again does it"]))?;
        Ok(Output { tags: tag_dict(&tags), identity_projection: identity, metadata, warnings: List(warnings) })
    }
}

/// How many keys the connection's metadata has beside that of the convention.
fn others(connection: &Value, own: &str) -> usize {
    connection.get("metadata").and_then(Value::as_object).map_or(0, |keys| keys.len() - usize::from(keys.contains_key(own)))
}

/// The connection as it is, also where its credentials no longer work.
fn present(cx: &Context<'_>, args: &Args) -> Result<(Value, Vec<String>), Error> {
    let answer = cx.send(&read(&args.connection_id, &args.provider_config_key));
    let mut warnings = Vec::new();
    if answer.as_ref().is_err_and(|error| error.code() == "refresh_failed") {
        let say = "the provider no longer accepts the connection's credentials: create_reconnect_session gives the link that repairs it";
        warnings.push(say.to_owned());
    }
    let connection = found(cx, &args.connection_id, &args.provider_config_key, answer)?;
    // Tags are written as a whole: what has none to read gives none to keep.
    if !connection.get("tags").is_some_and(Value::is_object) {
        return Err(Error::invalid_answer("GET /connections/:id", 200));
    }
    Ok((connection, warnings))
}

/// Name and email of the end user record, as far as they fit into a tag.
fn identity(connection: &Value, principal: &str, warnings: &mut Vec<String>) -> Identity {
    let text = |field: &str| json::text_at(connection, "end_user", field);
    let fits = |value: &&str| !value.is_empty() && tags::short(value, "").is_ok();
    let display_name = text("display_name").filter(fits).map(str::to_owned);
    let email = text("email").filter(|email| Email::from_text(email).is_some()).map(str::to_owned);
    let another = text("id").is_some_and(|id| id != principal);
    if another && (display_name.is_some() || email.is_some()) {
        let say = "Nango's end user record of this connection has another id than `principal`: its name and email now stand in the tags beside \
            that principal";
        warnings.push(say.to_owned());
    }
    Identity { display_name, email }
}

/// The connection's tags, those of the convention over them, those of the end user record over both.
fn merged(kept: &Tags, mut tags: Tags, identity: &Identity) -> Tags {
    // The address here is only taken from the principal. One that the same person already has was said on purpose.
    if pairs::value(kept, "end_user_id") == pairs::value(&tags, "end_user_id") && pairs::value(kept, "end_user_email").is_some() {
        tags.retain(|(key, _)| key != "end_user_email");
    }
    let mut known = Tags::new();
    for (key, value) in [("end_user_display_name", &identity.display_name), ("end_user_email", &identity.email)] {
        known.extend(value.as_ref().map(|value| (key.to_owned(), value.clone())));
    }
    tags::lay(tags::lay(kept.clone(), &tags), &known)
}

/// Refuse more tags than Nango takes, before anything is written.
fn capacity(kept: &Tags, tags: &Tags) -> Result<(), Error> {
    if tags.len() <= MAX_TAGS {
        return Ok(());
    }
    let say = format!(
        "the connection has {} tags, and with those of the convention they would be {}; Nango takes {MAX_TAGS}, so {} of its own must go \
         first (replace_connection_tags)",
        kept.len(),
        tags.len(),
        tags.len() - MAX_TAGS
    );
    Err(Error::argument("too_many_tags", "connection_id", say))
}

/// Say what of the connection's tags is no longer what it was.
fn report(kept: &Tags, lost: usize, tags: &Tags, warnings: &mut Vec<String>) {
    let mut replaced = Vec::new();
    for (key, value) in kept {
        if pairs::value(tags, key) != Some(value) {
            replaced.push(key.as_str());
        }
    }
    if !replaced.is_empty() {
        warnings.push(format!("other values than before: {}", replaced.join(", ")));
    }
    if lost > 0 {
        warnings.push(format!("{lost} of the connection's tags broke Nango's own rules and were dropped"));
    }
}

/// PATCH /connections/metadata merges the uppermost keys, POST replaces everything (observed).
fn write_metadata(args: &Args, metadata: Open) -> Request {
    let body = json::object([
        ("connection_id", json::text(&args.connection_id)),
        ("provider_config_key", json::text(&args.provider_config_key)),
        ("metadata", metadata.into()),
    ]);
    let path = Path::fixed("/connections/metadata");
    if args.patch_metadata {
        Request::patch("PATCH /connections/metadata", path, body.into())
    } else {
        Request::post("POST /connections/metadata", path, body.into())
    }
}
