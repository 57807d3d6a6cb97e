//! A link that repairs a connection, with its tags kept.

use super::session::{generated, given, merged, wait, webhook};
use super::{Defaults, EndUser, Kept, Organization, Overrides, Session, TagsArg, link_output, tag_dict};
use crate::context::Context;
use crate::error::Error;
use crate::json;
use crate::nango::tags::{self, Tags};
use crate::nango::{ConnectionId, IntegrationKey, TagKey, UrlOrEmpty};
use crate::pairs;
use crate::tool::{Dict, Effect, List, Toolset, object};

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// The connection to repair, as list_connections shows it.
        connection_id: ConnectionId,
        /// Its integration's unique key.
        provider_config_key: IntegrationKey,
        /// Send the connection's tags and webhook URL again. With false they are replaced by what this call gives, or wiped.
        preserve_tags: bool = true,
        /// Tags to add or change; they win over kept ones.
        tags: Option<TagsArg>,
        /// The person, in Nango's older form; where the connection has one, only its tags count.
        end_user: Option<EndUser>,
        /// The person's organization, in Nango's older form.
        organization: Option<Organization>,
        /// Settings the page starts from, under the connection's integration.
        integrations_config_defaults: Option<Defaults>,
        /// What the page shows, by integration.
        overrides: Option<Overrides>,
        /// Where Nango sends webhooks about this connection; without it the present URL is kept, empty clears it.
        webhook_url_override: Option<UrlOrEmpty>,
        /// Also return the token alone, for an embedded Connect UI.
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
    const DESCRIPTION: &'static str = "Create a link with which a person authorizes an existing connection again; it keeps its id. Use it when get_connection \
        or list_connections shows errors, or after scopes changed; for an account not connected yet use create_connect_session \
        or create_standard_connect_session. Completing it would wipe tags and webhook URL, so they are read first and sent \
        again; `warnings` says what is lost all the same. The link holds a session token, works for 30 minutes and is for that \
        person only. Needs environment:connect_sessions:write, and environment:connections:read to keep tags.";
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
        let mut kept = if args.preserve_tags {
            Kept::read(cx, &args.connection_id, &args.provider_config_key)?
        } else {
            let say = "completing this link replaces the connection's tags and webhook URL by what this call gives";
            Kept { warnings: vec![say.to_owned()], ..Kept::default() }
        };
        if let (Some(person), Some(given)) = (&kept.person, &args.end_user)
            && **person != *given.id
        {
            let say = "Nango keeps the person that the connection has; `end_user` changes its tags alone (update_connection_end_user changes both)";
            kept.warnings.push(say.to_owned());
        }
        // What the call names wins; an end user or organization in the call makes tags too.
        let named = tags::lay(generated(args.end_user.as_ref(), args.organization.as_ref())?, &given(args.tags.as_ref(), "tags")?);
        let preserved: Tags = kept.tags.iter().filter(|(key, _)| !named.iter().any(|(name, _)| name == key)).cloned().collect();
        let (had, has) = (pairs::value(&kept.tags, "end_user_id"), pairs::value(&named, "end_user_id"));
        if had.is_some() && has.is_some() && had != has && preserved.iter().any(|(key, _)| key.starts_with("end_user_")) {
            kept.warnings.push("the former person's end_user tags are kept where this call names no others".to_owned());
        }
        let all = tags::lay(preserved.clone(), &named);
        tags::capacity(&all)?;
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
            next: wait(
                cx,
                &[args.provider_config_key.to_string()],
                &created,
                json::object([("connection_id", json::text(&args.connection_id))]),
            ),
            connect_link: Some(created.connect_link),
            token: args.include_token.then_some(created.token),
            issued_at: created.issued_at,
            expires_at: created.expires_at,
            tags: tag_dict(&all),
            preserved_tags: tag_dict(&preserved),
            warnings: List(kept.warnings),
        })
    }
}
