//! A link that repairs a connection, with its tags kept.

use serde_json::Value;

use super::session::{generated, given, merged, webhook};
use super::{Defaults, EndUser, Next, Organization, Overrides, Session, TagsArg, link_output, tag_dict};
use crate::context::Context;
use crate::error::Error;
use crate::json;
use crate::nango::tags::{self, Tags};
use crate::nango::{ConnectionId, IntegrationKey, Path, Request, TagKey, UrlOrEmpty};
use crate::tool::{Dict, Effect, List, Toolset, object};
use crate::tools::connections;

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// The connection to repair, as list_connections shows it.
        connection_id: ConnectionId,
        /// Its integration, by unique key.
        provider_config_key: IntegrationKey,
        /// Read the connection first and send its tags and webhook URL again. With false they are replaced by what this call gives, or wiped.
        preserve_tags: bool = true,
        /// Tags to add or change; they win over kept ones.
        tags: Option<TagsArg>,
        /// The person, in Nango's older form; ignored by Nango where the connection already has one, but for its tags.
        end_user: Option<EndUser>,
        /// The person's organization, in Nango's older form.
        organization: Option<Organization>,
        /// Settings the page starts from; the only key that has an effect is the connection's integration.
        integrations_config_defaults: Option<Defaults>,
        /// What the page shows, by integration.
        overrides: Option<Overrides>,
        /// Where Nango sends webhooks about this connection; without it the present URL is kept, empty clears it.
        webhook_url_override: Option<UrlOrEmpty>,
        /// Also return the token alone, for a Connect UI embedded in your application.
        include_token: bool = false,
    }
}

link_output! {
    /// All tags the connection will carry afterwards.
    tags: Dict<TagKey, String, 10>,
    /// Those of them that were read from the connection and sent again.
    preserved_tags: Dict<TagKey, String, 10>,
    /// What completing the link will reset, and what could not be kept. Empty when nothing is lost.
    warnings: List<String, 0, 10>,
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "create_reconnect_session";
    const TITLE: &'static str = "Create a reconnect link";
    const DESCRIPTION: &'static str = "Create a link with which a person authorizes an existing connection again; it keeps its id. Use it when \
        get_connection or list_connections shows errors, or after scopes changed; for an account that is not connected yet use \
        create_connect_session or create_standard_connect_session. Completing it replaces tags and webhook URL, so this tool reads the \
        connection first and sends them again; `warnings` says what is lost all the same (metadata and connection_config of API-key \
        providers). Until then nothing changes. Give the link to that person only: it contains a session token and works for 30 minutes. The \
        API key needs environment:connect_sessions:write, and environment:connections:read to keep tags.";
    const TOOLSET: Toolset = Toolset::Connect;
    const EFFECT: Effect = Effect::Write;
    const IDEMPOTENT: bool = false;
    const SCOPES: &'static [&'static str] = &["environment:connect_sessions:write"];
    const BETTER_WITH: &'static [&'static str] = &["environment:connections:read"];
    const LINK: bool = true;

    fn rules(args: &Args) -> Result<(), Error> {
        merged(args.tags.as_ref(), args.end_user.as_ref(), args.organization.as_ref()).map(|_| ())
    }

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        let kept = if args.preserve_tags { Kept::read(cx, args)? } else { Kept::default() };
        // What the call names wins; an end user or organization in the call makes tags too.
        let named = tags::lay(generated(args.end_user.as_ref(), args.organization.as_ref())?, &given(args.tags.as_ref(), "tags")?);
        let preserved: Tags = kept.tags.iter().filter(|(key, _)| !named.iter().any(|(name, _)| name == key)).cloned().collect();
        let all = tags::lay(preserved.clone(), &named);
        tags::capacity(&all)?;
        let next =
            Next { tool: "get_connection".into(), arguments: connections::arguments(cx, &args.connection_id, &args.provider_config_key) };
        let session = Session {
            tags: tags::lay(preserved.clone(), &given(args.tags.as_ref(), "tags")?),
            end_user: args.end_user.as_ref(),
            organization: args.organization.as_ref(),
            integrations_config_defaults: args.integrations_config_defaults.as_ref(),
            overrides: args.overrides.as_ref(),
            webhook_url_override: webhook(args.webhook_url_override.as_ref()).or(kept.webhook_url_override),
        };
        let created = session.reconnect(cx, &args.connection_id, &args.provider_config_key)?;
        Ok(Output {
            say: created.say(&format!("reconnect {}", &*args.provider_config_key)),
            next,
            connect_link: created.connect_link,
            token: args.include_token.then_some(created.token),
            issued_at: created.issued_at,
            expires_at: created.expires_at,
            tags: tag_dict(&all),
            preserved_tags: tag_dict(&preserved),
            warnings: List(kept.warnings),
        })
    }
}

/// What the connection has that completing a reconnect would wipe.
#[derive(Default)]
struct Kept {
    tags: Tags,
    webhook_url_override: Option<String>,
    warnings: Vec<String>,
}

impl Kept {
    /// Read it. A key that may not read connections is no obstacle: the link is still wanted.
    fn read(cx: &Context<'_>, args: &Args) -> Result<Self, Error> {
        let answer = cx.send(&connections::read(&args.connection_id, &args.provider_config_key));
        if answer.as_ref().is_err_and(|error| error.code() == "missing_scope") {
            let say = "the API key may not read connections (environment:connections:read), so the connection's present tags and webhook \
                URL are not known and completing this link replaces them by the ones given here";
            return Ok(Self { warnings: vec![say.into()], ..Self::default() });
        }
        // A failed refresh is the usual reason for a reconnect. What is not this connection is refused: a link made all
        // the same would wipe its tags, or put another's in their place.
        let connection = connections::found(cx, &args.connection_id, &args.provider_config_key, answer)?;
        let (tags, lost) = connections::tags_of(&connection);
        let mut warnings = losses(cx, &connection);
        if !lost.is_empty() {
            warnings.push(format!(
                "{} of the connection's tags break Nango's own rules and cannot be sent again: completing this link drops them",
                lost.len()
            ));
        }
        let webhook_url_override = connection.get("webhook_url_override").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { tags, webhook_url_override, warnings })
    }
}

/// What completing the reconnect resets: for providers without OAuth, metadata and connection_config
/// (observed for API_KEY; packages/server/lib/controllers/auth for the others).
fn losses(cx: &Context<'_>, connection: &Value) -> Vec<String> {
    let lost: Vec<String> = ["metadata", "connection_config"]
        .into_iter()
        .filter_map(|field| {
            let keys = connection.get(field)?.as_object()?;
            let names: Vec<&str> = keys.keys().map(String::as_str).take(10).collect();
            (!names.is_empty()).then(|| format!("{field} ({})", names.join(", ")))
        })
        .collect();
    if lost.is_empty() {
        return Vec::new();
    }
    let lost = lost.join(" and ");
    match auth_mode(cx, connection) {
        Some(mode) if mode.contains("OAUTH") || mode == "APP" || mode == "CUSTOM" => Vec::new(),
        Some(mode) => vec![format!("the provider's auth mode is {mode}: completing this link resets {lost}; write them again afterwards")],
        None => vec![format!("unless the provider uses OAuth, completing this link resets {lost}; look at them afterwards")],
    }
}

/// The auth mode: of the credentials where the key may see them, else of the provider, which any key may read.
fn auth_mode(cx: &Context<'_>, connection: &Value) -> Option<String> {
    let of_credentials = json::text_at(connection, "credentials", "type").map(str::to_owned);
    let mode = of_credentials.or_else(|| {
        let provider = IntegrationKey::from_text(connection.get("provider")?.as_str()?)?;
        let request = Request::get("GET /providers/:provider", Path::fixed("/providers").segment(&provider));
        json::text_at(&cx.send(&request).ok()?.json().ok()?, "data", "auth_mode").map(str::to_owned)
    });
    mode.filter(|mode| connections::is_mode(mode))
}
