//! A link for new connections, with tags or end user as the caller likes.

use super::session::{given, merged, wait_for, webhook};
use super::{Defaults, EndUser, Organization, Overrides, Session, TagsArg, link_output, tag_dict};
use crate::context::Context;
use crate::error::Error;
use crate::nango::{IntegrationKey, TagKey, UrlOrEmpty};
use crate::tool::{Dict, Effect, List, Toolset, object};

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// Integrations offered on the page, by unique key as list_integrations shows it.
        allowed_integrations: List<IntegrationKey, 1, 100>,
        /// Tags of the connection, such as {"end_user_id": "u1", "organization_id": "acme"}. Required unless end_user is given.
        tags: Option<TagsArg>,
        /// The person, in Nango's older form; Nango turns it into tags, and given tags win.
        end_user: Option<EndUser>,
        /// The person's organization, in Nango's older form.
        organization: Option<Organization>,
        /// Settings the page starts from, by integration.
        integrations_config_defaults: Option<Defaults>,
        /// What the page shows, by integration.
        overrides: Option<Overrides>,
        /// Where Nango sends webhooks about this connection instead of the environment's URL.
        webhook_url_override: Option<UrlOrEmpty>,
        /// Also return the token alone, for an embedded Connect UI.
        include_token: bool = false,
    }
}

link_output! {
    /// The integrations the page offers.
    allowed_integrations: List<String, 1, 100>,
    /// All tags the connection will carry, those made from end_user and organization included.
    tags: Dict<TagKey, String, 10>,
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "create_connect_session";
    const TITLE: &'static str = "Create a Connect link";
    const DESCRIPTION: &'static str = "Create a link with which a person connects new accounts at integrations of your choice. Use it to set the tags \
        yourself or to offer several integrations; whether a person is connected already ensure_connection shows, for one integration under the tagging convention use \
        create_standard_connect_session, to repair an existing connection create_reconnect_session. The link holds a session \
        token: give it to that person only. It works for 30 minutes and more than once, each completion makes another \
        connection, and nothing is connected before. Nango takes 10 tags in all, keys in lower case. Needs \
        environment:connect_sessions:write.";
    const TOOLSET: Toolset = Toolset::Connect;
    const EFFECT: Effect = Effect::Write;
    const IDEMPOTENT: bool = false;
    const SCOPES: &'static [&'static str] = &["environment:connect_sessions:write"];
    const LINK: bool = true;

    fn rules(args: &Args) -> Result<(), Error> {
        if args.tags.is_none() && args.end_user.is_none() {
            let say = "say who connects: give `tags`, for example {\"end_user_id\": \"u1\"}, or `end_user`, for example {\"id\": \"u1\"}";
            return Err(Error::argument("person_missing", "tags", say));
        }
        merged(args.tags.as_ref(), args.end_user.as_ref(), args.organization.as_ref()).map(|_| ())
    }

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        let tags = merged(args.tags.as_ref(), args.end_user.as_ref(), args.organization.as_ref())?;
        let integrations: Vec<String> = args.allowed_integrations.0.iter().map(|key| key.to_string()).collect();
        let session = Session {
            tags: given(args.tags.as_ref(), "tags")?,
            end_user: args.end_user.as_ref(),
            organization: args.organization.as_ref(),
            integrations_config_defaults: args.integrations_config_defaults.as_ref(),
            overrides: args.overrides.as_ref(),
            webhook_url_override: webhook(args.webhook_url_override.as_ref()),
        };
        let created = session.create(cx, &integrations)?;
        Ok(Output {
            say: created.say(&format!("connect {}", integrations.join(" or "))),
            next: wait_for(cx, &integrations, &created, &tags),
            connect_link: Some(created.connect_link),
            token: args.include_token.then_some(created.token),
            issued_at: created.issued_at,
            expires_at: created.expires_at,
            allowed_integrations: List(integrations),
            tags: tag_dict(&tags),
        })
    }
}
