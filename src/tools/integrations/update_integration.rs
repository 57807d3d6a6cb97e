//! An integration changed, and links for the people whom the change concerns.

use serde_json::{Map, Value};

use super::credentials::{Scopes, joined};
use super::{Credentials, Integration, Settings, changed, path};
use crate::context::Context;
use crate::error::{ApiError, Error};
use crate::json;
use crate::nango::{ConnectionId, IntegrationKey, Label, Request};
use crate::tool::{Effect, Int, List, Object, Passed, Toolset, object, result};
use crate::tools::connect::{Kept, Next, Session, wait};

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// Unique key, as list_integrations shows it.
        integration_id: IntegrationKey,
        /// A new name for people.
        display_name: Option<Label>,
        /// A new unique key; only while nothing is connected.
        unique_key: Option<IntegrationKey>,
        /// New credentials, whole and with their scopes; to change scopes alone use scopes.
        credentials: Option<Credentials>,
        /// New scopes in place of all present ones, [] for none; not beside credentials.
        scopes: Option<Scopes>,
        /// Whether Nango forwards the provider's webhooks.
        forward_webhooks: Option<bool>,
        /// Values of integration_config fields to set; others stay.
        integration_config: Option<Settings>,
        /// Other settings to set, for providers without integration_config; others stay.
        custom: Option<Settings>,
        /// Connections to make reconnect links for afterwards, such as after new scopes.
        reconnect_connection_ids: Option<List<ConnectionId, 0, 20>>,
    }
}

result! {
    /// A link with which a person authorizes a connection again.
    pub(crate) struct ReconnectLink {
        /// The connection.
        connection_id: String,
        /// The link for its person. It contains a session token.
        connect_link: String,
        /// When the link was issued, on Nango's clock.
        issued_at: Option<String>,
        /// When the link stops working.
        expires_at: String,
        /// The call that shows whether the person has finished.
        next: Next,
        /// One sentence to tell the person.
        say: String,
        /// What completing the link will reset, and what could not be kept.
        warnings: List<String, 0, 10>,
    }
}

result! {
    /// The change and the links.
    pub(crate) struct Output {
        /// The integration after the change.
        integration: Passed<Integration>,
        /// A link for each of reconnect_connection_ids, but for those in not_done.
        reconnect_links: List<ReconnectLink, 0, 20>,
        /// What was done.
        done: List<String, 0, 21>,
        /// Links that could not be made, each with the reason; the change stays.
        not_done: List<String, 0, 20>,
        /// How many fields of Nango's object are not shown here.
        dropped_fields: Int<0, 1_000_000>,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "update_integration";
    const TITLE: &'static str = "Change an integration";
    const DESCRIPTION: &'static str = "Change an integration: name, scopes, credentials or settings; what is not given stays. Use it to ask for other scopes \
        or to replace a client secret; for another integration of the provider use create_integration. New scopes reach an \
        account only when its person authorizes again: each of `reconnect_connection_ids` gets a 30-minute link, for its \
        person only, as of create_reconnect_session. A link that fails stands in `not_done` and undoes nothing. Needs \
        environment:integrations:update, for `scopes` also environment:integrations:read_credentials, for links \
        environment:connect_sessions:write and environment:connections:read.";
    const TOOLSET: Toolset = Toolset::Integrations;
    const EFFECT: Effect = Effect::Write;
    const IDEMPOTENT: bool = false;
    const SCOPES: &'static [&'static str] = &["environment:integrations:update"];
    const BETTER_WITH: &'static [&'static str] =
        &["environment:integrations:read_credentials", "environment:connect_sessions:write", "environment:connections:read"];
    const LINK: bool = true;

    fn rules(args: &Args) -> Result<(), Error> {
        if let Some(credentials) = &args.credentials {
            credentials.rules()?;
            if args.scopes.is_some() {
                let say = "`scopes` are for a change of scopes alone: with `credentials`, give them as `credentials.scopes`";
                return Err(Error::argument("scopes_twice", "scopes", say));
            }
        }
        if args.scopes.is_none() && body(args).is_empty() {
            let say = "nothing to change: give a new name, key, scopes, credentials or settings; for reconnect links alone use \
                create_reconnect_session";
            return Err(Error::argument("nothing_to_change", "", say));
        }
        Ok(())
    }

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        let mut body = body(args);
        if let Some(scopes) = &args.scopes {
            json::put(&mut body, "credentials", with_scopes(cx, &args.integration_id, joined(scopes))?);
        }
        // Read before anything is written: a wrong id shows while it costs nothing.
        let mut people: Vec<(&ConnectionId, Kept)> = Vec::new();
        for (at, id) in args.reconnect_connection_ids.iter().flat_map(|ids| &ids.0).enumerate() {
            // One link each, however often it is named.
            if people.iter().any(|(known, _)| *known == id) {
                continue;
            }
            let kept = Kept::read(cx, id, &args.integration_id)
                .map_err(|error| error.about(&format!("reconnect_connection_ids[{at}]")).after(&[], &["the change"]))?;
            people.push((id, kept));
        }
        let request = Request::patch("PATCH /integrations/:uniqueKey", path(&args.integration_id), body.into());
        let steps: &[&str] = if people.is_empty() { &[] } else { &["the change", "the reconnect links"] };
        let answer = cx.send(&request).map_err(|error| error.after(&[], steps))?;
        let key = args.unique_key.as_ref().unwrap_or(&args.integration_id);
        let mut dropped = 0;
        let integration = changed(&answer, key, &mut dropped)?;
        let (mut links, mut done, mut not_done) = (Vec::new(), vec!["the change".to_owned()], Vec::new());
        for (id, kept) in people {
            let name = format!("reconnect link for {}", &**id);
            match link(cx, id, key, kept) {
                Ok(link) => {
                    links.push(link);
                    done.push(name);
                }
                Err(error) => not_done.push(format!("{name}: {}", error.sentence())),
            }
        }
        Ok(Output { integration, reconnect_links: List(links), done: List(done), not_done: List(not_done), dropped_fields: Int(dropped) })
    }
}

/// What is to be changed, but for scopes alone. Empty settings change nothing.
fn body(args: &Args) -> Map<String, Value> {
    let mut body = Object::give(args);
    for own in ["integration_id", "scopes", "reconnect_connection_ids"] {
        body.shift_remove(own);
    }
    if let Some(credentials) = &args.credentials {
        json::put(&mut body, "credentials", credentials.body());
    }
    body.retain(|_, value| value.as_object().is_none_or(|settings| !settings.is_empty()));
    body
}

/// The integration's credentials with other scopes: Nango takes credentials whole only. They go back to Nango and
/// nowhere else.
fn with_scopes(cx: &Context<'_>, key: &IntegrationKey, scopes: Value) -> Result<Value, Error> {
    let request = Request::get("GET /integrations/:uniqueKey", path(key)).query("include", "credentials");
    let answer = match cx.send(&request) {
        Err(error) if error.code() == "missing_scope" => return Err(unreadable(403)),
        answer => answer?,
    };
    let body = answer.json()?;
    if json::text_at(&body, "data", "unique_key") != Some(key) {
        return Err(Error::invalid_answer(answer.route, answer.status));
    }
    // Without the scope they are left out in silence (observed).
    let credentials = json::at(&body, "data", "credentials").ok_or_else(|| unreadable(answer.status))?;
    let text = |name: &str| credentials.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    // Other types have no scopes in Nango; an app of Nango's own has no id here (packages/server/lib/utils/integrations.ts).
    let (Some(kind @ ("OAUTH1" | "OAUTH2" | "TBA")), Some(id), Some(secret)) = (text("type"), text("client_id"), text("client_secret"))
    else {
        return Err(refused(
            answer.status,
            "scopes_not_settable",
            "this integration has no client of its own whose scopes Nango could change; nothing was changed",
            "get_provider shows the auth mode of its provider; with OAUTH1, OAUTH2 or TBA give `credentials` whole, scopes included",
        ));
    };
    let mut merged = json::object([("type", kind.into()), ("client_id", id.into()), ("client_secret", secret.into()), ("scopes", scopes)]);
    // Sent again, so that nothing takes it for cleared.
    json::put_if(&mut merged, "webhook_secret", text("webhook_secret").map_or(Value::Null, Value::from));
    Ok(merged.into())
}

fn unreadable(status: u16) -> Error {
    refused(
        status,
        "missing_scope",
        "Nango changes scopes only together with the integration's credentials, and the API key may not read those; nothing was changed",
        "the operator can add environment:integrations:read_credentials to the API key, or give `credentials` whole, scopes included",
    )
}

fn refused(status: u16, code: &str, message: &str, hint: &str) -> Error {
    let (code, message, hint) = (code.to_owned(), message.to_owned(), Some(hint.to_owned()));
    Error::nango(ApiError { status, code, message, hint, ..ApiError::default() })
}

/// A reconnect link as of create_reconnect_session, with everything kept that can be.
fn link(cx: &Context<'_>, id: &ConnectionId, integration: &IntegrationKey, kept: Kept) -> Result<ReconnectLink, Error> {
    let session = Session { tags: kept.tags, webhook_url_override: kept.webhook_url_override, ..Session::default() };
    let created = session.reconnect(cx, id, integration)?;
    Ok(ReconnectLink {
        connection_id: id.to_string(),
        say: created.say(&format!("reconnect {}", &**integration)),
        next: wait(cx, &[integration.to_string()], &created, json::object([("connection_id", json::text(id))])),
        connect_link: created.connect_link,
        issued_at: created.issued_at,
        expires_at: created.expires_at,
        warnings: List(kept.warnings),
    })
}
