//! The person of a connection, changed without losing anything else.
//!
//! PATCH with `end_user` writes the person's record whole and replaces the connection's tags by those it makes of it
//! (packages/server/lib/controllers/shared/connections/patchConnection.ts, observed). The record may be shared with
//! other connections. So all of that is looked at first, sent along, and read back.

use serde_json::{Map, Value};

use super::{look, patch, refuse, tag_object, tags_of};
use crate::context::Context;
use crate::error::Error;
use crate::json;
use crate::nango::tags::{self, MAX_TAGS, Tags};
use crate::nango::{ConnectionId, Email, IntegrationKey, Label, Path, Request, TagKey};
use crate::tool::{Dict, Effect, Toolset, object, result};
use crate::tools::connect::tag_dict;

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// Connection id, as list_connections shows it.
        connection_id: ConnectionId,
        /// Its integration's unique key.
        provider_config_key: IntegrationKey,
        /// The person's id in your application; required where the connection has no person yet.
        id: Option<Label>,
        /// Email address; without it the present one stays.
        email: Option<Email>,
        /// Name; without it the present one stays.
        display_name: Option<Label>,
    }
}

result! {
    /// The person.
    pub(crate) struct EndUser {
        /// The id in your application.
        id: String,
        /// The email address.
        email: Option<String>,
        /// The name.
        display_name: Option<String>,
    }
}

result! {
    /// The person and the tags, as read back.
    pub(crate) struct Output {
        /// The person of the connection now.
        end_user: EndUser,
        /// Always true: what was read back is what was asked for.
        verified: bool,
        /// All tags of the connection now.
        tags: Dict<TagKey, String, 10>,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "update_connection_end_user";
    const TITLE: &'static str = "Change a connection's person";
    const DESCRIPTION: &'static str = "Change the person of one connection: id, email or name, and the tags made of them. Use it to correct whose connection \
        it is; for other tags use replace_connection_tags, for your own data update_connection_metadata. What is left out \
        stays. It looks first and refuses, with nothing changed, a person shared with other connections, an id in use \
        elsewhere, an organization, or more than 10 tags; afterwards it reads the connection and fails unless all is as asked. \
        Needs environment:connections:read, environment:connections:list and environment:connections:update.";
    const TOOLSET: Toolset = Toolset::Connections;
    const EFFECT: Effect = Effect::Write;
    const IDEMPOTENT: bool = false;
    const SCOPES: &'static [&'static str] =
        &["environment:connections:read", "environment:connections:list", "environment:connections:update"];

    fn rules(args: &Args) -> Result<(), Error> {
        let invalid = |argument: &str, say: &str| Err(Error::argument("invalid_end_user_identity", argument, say));
        if args.id.is_none() && args.email.is_none() && args.display_name.is_none() {
            return invalid("id", "give at least one of `id`, `email` and `display_name`");
        }
        for (name, label) in [("id", &args.id), ("display_name", &args.display_name)] {
            let Some(label) = label else { continue };
            if label.trim().is_empty() {
                return invalid(name, "`id` and `display_name` must be more than blanks");
            }
            tags::short(label, name)?;
        }
        Ok(())
    }

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        let before = look(cx, &args.connection_id, &args.provider_config_key)?;
        let change = plan(args, &before)?;
        let is_tagged = json::text_at(&before, "tags", "end_user_id") == Some(change.person.id.as_str());
        alone(cx, args, change.old_id.as_deref(), &change.person.id, is_tagged)?;
        patch(cx, &args.connection_id, &args.provider_config_key, change.body())
            .map_err(|error| error.after(&[], &["end user changed"]))?;
        verify(cx, args, &change).map_err(|error| error.after(&["end user changed"], &["verified"]))?;
        Ok(Output { end_user: change.person, verified: true, tags: tag_dict(&change.tags) })
    }
}

/// What is to be written, and so to be read back.
struct Change {
    old_id: Option<String>,
    person: EndUser,
    /// The person's own tags, which go into the record.
    own: Tags,
    /// All tags of the connection.
    tags: Tags,
}

impl Change {
    fn body(&self) -> Map<String, Value> {
        let mut person = json::object([("id", json::text(&self.person.id))]);
        for (key, value) in [("email", &self.person.email), ("display_name", &self.person.display_name)] {
            json::put_if(&mut person, key, value.as_deref().map(json::text).unwrap_or_default());
        }
        if !self.own.is_empty() {
            json::put(&mut person, "tags", tag_object(&self.own));
        }
        json::object([("end_user", person.into()), ("tags", tag_object(&self.tags))])
    }
}

/// A text of the person's record; empty ones count as none.
fn text(person: &Value, field: &str) -> Option<String> {
    person.get(field).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The person after the change, and all tags: those that Nango makes of the person, under those the connection has,
/// under what this call names.
fn plan(args: &Args, before: &Value) -> Result<Change, Error> {
    let present = before.get("end_user").unwrap_or(&Value::Null);
    if present.get("organization").is_some_and(|organization| !organization.is_null()) {
        return Err(refuse(
            "end_user_organization_unsupported",
            "the person of this connection has an organization, which Nango would drop with this change: nothing was changed",
            "let the person reconnect with create_reconnect_session, which can name both, or use replace_connection_tags",
        ));
    }
    let old_id = text(present, "id");
    let Some(id) = args.id.as_deref().map(str::to_owned).or_else(|| old_id.clone()) else {
        return Err(refuse(
            "end_user_id_required",
            "this connection has no person yet, and a person needs an id: nothing was changed",
            "give `id`, the person's id in your application",
        ));
    };
    let email = args.email.as_deref().map(str::to_owned).or_else(|| text(present, "email"));
    let display_name = args.display_name.as_deref().map(str::to_owned).or_else(|| text(present, "display_name"));
    let (own, lost_own) = tags_of(present);
    let (held, lost) = tags_of(before);
    if !lost.is_empty() || !lost_own.is_empty() {
        return Err(refuse(
            "end_user_tags_unsupported",
            "a tag of this connection or of its person breaks Nango's own rules and could not be kept: nothing was changed",
            "set the connection's tags with replace_connection_tags first; those of the person's record can only be changed in Nango",
        ));
    }
    let identity = |id: Option<&str>, email: Option<&str>, name: Option<&str>| -> Tags {
        let tags = [("end_user_id", id), ("end_user_email", email), ("end_user_display_name", name)];
        tags.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))).collect()
    };
    // The record keeps its keys as they are, the connection's tags are in lower case.
    let lower: Tags = own.iter().map(|(key, value)| (key.to_ascii_lowercase(), value.clone())).collect();
    let made = tags::lay(identity(Some(&id), email.as_deref(), display_name.as_deref()), &lower);
    let named = identity(args.id.as_deref(), args.email.as_deref(), args.display_name.as_deref());
    let tags = tags::lay(tags::lay(made, &held), &named);
    if tags.len() > MAX_TAGS {
        let say = format!(
            "the connection's {} tags and those that Nango makes of the person are {} together, and Nango takes {MAX_TAGS}: nothing was changed",
            held.len(),
            tags.len()
        );
        return Err(refuse("end_user_tag_capacity_exceeded", &say, "remove tags with replace_connection_tags first"));
    }
    Ok(Change { old_id, person: EndUser { id, email, display_name }, own, tags })
}

/// Refuse where the change would reach other connections: the person's record is one for all of them.
/// Where `is_tagged`, the connection's tags name the new id already, and others may name it too.
fn alone(cx: &Context<'_>, args: &Args, old_id: Option<&str>, id: &str, is_tagged: bool) -> Result<(), Error> {
    if let Some(old_id) = old_id
        && others(cx, args, "endUserId", old_id)?
    {
        return Err(refuse(
            "end_user_shared_connection_unsupported",
            "the person of this connection has other connections too, which this change would reach: nothing was changed",
            "list_connections with the person's id shows them",
        ));
    }
    if old_id != Some(id) && (others(cx, args, "endUserId", id)? || (!is_tagged && others(cx, args, "tags[end_user_id]", id)?)) {
        return Err(refuse(
            "end_user_id_conflict",
            "another connection has a person of this id already: nothing was changed",
            "give another `id`, or let the person connect with create_connect_session",
        ));
    }
    Ok(())
}

/// Whether connections other than this one have a person of that id, in Nango's record or in their tags.
fn others(cx: &Context<'_>, args: &Args, by: &str, id: &str) -> Result<bool, Error> {
    let request = Request::get("GET /connections", Path::fixed("/connections")).query(by, id).query("limit", "2");
    let answer = cx.send(&request)?;
    let body = answer.json()?;
    if !body.get("connections").is_some_and(Value::is_array) {
        return Err(Error::invalid_answer(answer.route, answer.status));
    }
    Ok(json::items(&body, "connections").iter().any(|row| !super::is(row, &args.connection_id, &args.provider_config_key)))
}

/// Read the connection back: person and tags must be as planned.
fn verify(cx: &Context<'_>, args: &Args, change: &Change) -> Result<(), Error> {
    let now = look(cx, &args.connection_id, &args.provider_config_key)?;
    let person = now.get("end_user").unwrap_or(&Value::Null);
    let same = text(person, "id").as_ref() == Some(&change.person.id)
        && text(person, "email") == change.person.email
        && text(person, "display_name") == change.person.display_name
        && now.get("tags") == Some(&tag_object(&change.tags));
    if same {
        return Ok(());
    }
    Err(refuse(
        "end_user_verification_failed",
        "the connection was changed, but reading it back shows another person or other tags than were written",
        "look at it with get_connection before you go on",
    ))
}
