//! What the tools that create a link have in common: the request's body, and the result around the link.

use serde_json::{Map, Value};

use super::wait_for_connection::{keys, unknown_integration};
use super::{Defaults, EndUser, Next, Organization, Overrides, TagsArg};
use crate::context::Context;
use crate::error::Error;
use crate::json;
use crate::nango::tags::{self, Tags};
use crate::nango::{Answer, Path, Request, UrlOrEmpty, link, time};
use crate::pairs;
use crate::tool::{Arg, Dict};

/// A Connect session to be created.
#[derive(Default)]
pub(crate) struct Session<'a> {
    /// The tags to send: without those that Nango makes of `end_user` and `organization` itself.
    pub(crate) tags: Tags,
    pub(crate) end_user: Option<&'a EndUser>,
    pub(crate) organization: Option<&'a Organization>,
    pub(crate) integrations_config_defaults: Option<&'a Defaults>,
    pub(crate) overrides: Option<&'a Overrides>,
    pub(crate) webhook_url_override: Option<String>,
}

/// A created session: Nango's answer, made fit for the person.
pub(crate) struct Created {
    pub(crate) connect_link: String,
    pub(crate) token: String,
    pub(crate) issued_at: Option<String>,
    pub(crate) expires_at: String,
}

/// The tags that Nango makes of end user and organization (packages/shared/lib/services/endUser.service.ts).
///
/// # Errors
/// As [`tags::normalise`], for the end user's own tags.
pub(crate) fn generated(end_user: Option<&EndUser>, organization: Option<&Organization>) -> Result<Tags, Error> {
    let mut made = Tags::new();
    let mut add = |key: &str, value: Option<&str>| made.extend(value.map(|value| (key.to_owned(), value.to_owned())));
    if let Some(user) = end_user {
        add("end_user_id", Some(&user.id));
        add("end_user_email", user.email.as_deref());
        add("end_user_display_name", user.display_name.as_deref());
    }
    if let Some(organization) = organization {
        add("organization_id", Some(&organization.id));
        add("organization_display_name", organization.display_name.as_deref());
    }
    let own = end_user.and_then(|user| user.tags.as_ref());
    let own = own.map(|own| given(Some(own), "end_user.tags")).transpose()?.unwrap_or_default();
    Ok(tags::lay(own, &made))
}

/// Tags as given in an argument.
///
/// # Errors
/// As [`tags::normalise`].
pub(crate) fn given(tags: Option<&TagsArg>, path: &str) -> Result<Tags, Error> {
    let pairs: Vec<(String, String)> =
        tags.map(|tags| tags.0.iter().map(|(key, value)| (key.clone(), value.to_string())).collect()).unwrap_or_default();
    tags::normalise(&pairs, path)
}

/// All tags that the connection will carry: generated ones under given ones.
///
/// # Errors
/// As [`tags::normalise`] and [`tags::capacity`].
pub(crate) fn merged(tags: Option<&TagsArg>, end_user: Option<&EndUser>, organization: Option<&Organization>) -> Result<Tags, Error> {
    let merged = tags::lay(generated(end_user, organization)?, &given(tags, "tags")?);
    tags::capacity(&merged)?;
    Ok(merged)
}

/// Tags as a result field.
pub(crate) fn tag_dict<K>(tags: &Tags) -> Dict<K, String, 10> {
    tags.iter().cloned().collect()
}

/// A field of the body, if there is a value.
fn optional(value: Option<&impl Arg>) -> Value {
    value.map_or(Value::Null, Arg::give)
}

impl Session<'_> {
    /// The body that both routes share; the caller adds what is its own.
    fn body(self) -> Map<String, Value> {
        let mut body = json::empty();
        // Nango wants one of the two; an empty object counts.
        let tags: Map<String, Value> = self.tags.into_iter().map(|(key, value)| (key, value.into())).collect();
        if !tags.is_empty() || self.end_user.is_none() {
            json::put(&mut body, "tags", tags.into());
        }
        json::put_if(&mut body, "end_user", optional(self.end_user));
        json::put_if(&mut body, "organization", optional(self.organization));
        json::put_if(&mut body, "integrations_config_defaults", optional(self.integrations_config_defaults));
        json::put_if(&mut body, "overrides", optional(self.overrides));
        json::put_if(&mut body, "webhook_url_override", self.webhook_url_override.give());
        body
    }

    /// POST /connect/sessions.
    pub(crate) fn create(self, cx: &Context<'_>, allowed: &[String]) -> Result<Created, Error> {
        cx.handover.check()?;
        let mut body = self.body();
        json::put(&mut body, "allowed_integrations", allowed.into());
        let request = Request::post("POST /connect/sessions", Path::fixed("/connect/sessions"), body.into());
        created(cx, &cx.send(&request)?)
    }

    /// POST /connect/sessions/reconnect, where the integration is called integration_id.
    pub(crate) fn reconnect(self, cx: &Context<'_>, connection_id: &str, integration: &str) -> Result<Created, Error> {
        cx.handover.check()?;
        let mut body = self.body();
        json::put(&mut body, "connection_id", json::text(connection_id));
        json::put(&mut body, "integration_id", json::text(integration));
        let path = Path::fixed("/connect/sessions/reconnect");
        created(cx, &cx.send(&Request::post("POST /connect/sessions/reconnect", path, body.into()))?)
    }
}

/// The answer, checked: a link that is no web link must not reach a person. A session that was made all the same is
/// harmless and expires by itself.
fn created(cx: &Context<'_>, answer: &Answer) -> Result<Created, Error> {
    let body = answer.json()?;
    let text = |key: &str| json::text_at(&body, "data", key);
    let session = || {
        let expires_at = text("expires_at")?.to_owned();
        Some(Created {
            connect_link: link::for_person(text("connect_link")?, cx.config)?,
            token: text("token")?.to_owned(),
            issued_at: time::issued_at(&expires_at),
            expires_at,
        })
    };
    session().ok_or_else(|| Error::invalid_answer(answer.route, answer.status))
}

impl Created {
    /// One sentence for the person. It has neither link nor token, so that it fits wherever those must not stand.
    pub(crate) fn say(&self, what: &str) -> String {
        let until = time::clock(&self.expires_at).map_or("for 30 minutes".into(), |clock| format!("until {clock}"));
        format!("Please open the link to {what}; it is for you alone and works {until}.")
    }
}

/// wait_for_connection at these integrations for whom `whom` names, from the link on.
pub(crate) fn wait(cx: &Context<'_>, integrations: &[String], created: &Created, whom: Map<String, Value>) -> Next {
    let mut arguments = json::object([
        ("environment", json::text(cx.environment())),
        ("provider_config_keys", integrations.iter().map(|key| json::text(key)).collect()),
    ]);
    arguments.extend(whom);
    json::put_if(&mut arguments, "since", created.issued_at.as_deref().map_or(Value::Null, json::text));
    Next { tool: "wait_for_connection".into(), arguments }
}

/// [`wait`] for whom the tags name: all of them, so that another link of the same person is not taken for this one. Without any
/// tag there is no telling who it was, but from the list.
pub(crate) fn wait_for(cx: &Context<'_>, integrations: &[String], created: &Created, tags: &Tags) -> Next {
    let of_person = tags.iter().all(|(key, _)| key.starts_with("end_user_"));
    let whom = match pairs::value(tags, "end_user_id").filter(|_| of_person) {
        Some(id) => json::object([("end_user_id", json::text(id))]),
        None if tags.is_empty() => {
            let mut arguments = json::object([("environment", json::text(cx.environment()))]);
            if let [only] = integrations {
                json::put(&mut arguments, "integration_id", json::text(only));
            }
            return Next { tool: "list_connections".into(), arguments };
        }
        None => {
            let tags: Map<String, Value> = tags.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
            json::object([("tags", tags.into())])
        }
    };
    wait(cx, integrations, created, whom)
}

/// The one integration of a link, which does not exist, with those that do, where they may be listed.
pub(crate) fn named_choices(cx: &Context<'_>, error: Error) -> Error {
    if error.code() != "unknown_integration" {
        return error;
    }
    let listed = cx.send(&Request::get("GET /integrations", Path::fixed("/integrations"))).and_then(|answer| answer.json());
    unknown_integration("provider_config_key", &listed.as_ref().map(keys).unwrap_or_default())
}

/// The webhook override as Nango takes it.
pub(crate) fn webhook(url: Option<&UrlOrEmpty>) -> Option<String> {
    url.map(|url| url.to_string())
}

/// Declare the result of a link tool: what all of them return, then its own fields.
macro_rules! link_output {
    ($($(#[doc = $doc:literal])+ $field:ident : $ty:ty,)*) => {
        crate::tool::result! {
            /// The link and what to do with it.
            pub(crate) struct Output {
                /// The link for the person; absent where the client shows it to them itself. It contains a session token: whoever
                /// opens it connects an account as that person.
                connect_link: Option<String>,
                /// The session token alone, only if include_token was true.
                token: Option<String>,
                /// When the session was issued, on Nango's clock.
                issued_at: Option<String>,
                /// When link and token stop working: 30 minutes later.
                expires_at: String,
                /// One sentence to tell the person.
                say: String,
                /// The call that shows whether the person has finished.
                next: crate::tools::connect::Next,
                $($(#[doc = $doc])+ $field: $ty,)*
            }
        }
    };
}
pub(crate) use link_output;
