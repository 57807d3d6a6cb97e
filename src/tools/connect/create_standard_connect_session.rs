//! A link for one integration, tagged by the convention.

use serde_json::Map;

use super::session::{named_choices, wait_for};
use super::{Defaults, Next, Session, link_output, tag_dict};
use crate::context::Context;
use crate::error::Error;
use crate::nango::{Email, IntegrationKey, Label, TagKey};
use crate::tool::{Dict, Effect, Toolset, object};
use crate::tools::conventions::{OwnerKind, Purpose, Subject};

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// Unique key, as list_integrations shows it.
        provider_config_key: IntegrationKey,
        /// Who or what connects: user id, email address, mailbox name. Becomes the tag end_user_id; an email address end_user_email too.
        principal: Label,
        /// Whose account it is.
        owner_kind: OwnerKind,
        /// What the connection is for.
        purpose: Purpose,
        /// The organization's id in your application.
        organization_id: Option<Label>,
        /// The person's name, shown on the page.
        display_name: Option<Label>,
        /// Email address, when the principal is none.
        email: Option<Email>,
        /// Settings the page starts from, by integration.
        integrations_config_defaults: Option<Defaults>,
        /// Who owns the OAuth app: customer, operator, third_party or unknown; goes into the metadata that after_connect writes.
        oauth_app_owner: Option<Label>,
        /// Also return the token alone, for an embedded Connect UI.
        include_token: bool = false,
    }
}

link_output! {
    /// The tags the connection will carry.
    tags: Dict<TagKey, String, 10>,
    /// Once the person has finished: the call that completes the convention on the new connection; add its connection_id.
    after_connect: Next,
}

fn subject(args: &Args) -> Subject<'_> {
    Subject {
        principal: &args.principal,
        owner_kind: args.owner_kind,
        purpose: args.purpose,
        organization_id: args.organization_id.as_deref(),
        display_name: args.display_name.as_deref(),
        email: args.email.as_deref(),
        oauth_app_owner: args.oauth_app_owner.as_deref(),
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "create_standard_connect_session";
    const TITLE: &'static str = "Create a Connect link by convention";
    const DESCRIPTION: &'static str = "Create a link with which a person connects one integration, tagged by this server's convention: who, which \
        environment, owner_kind and purpose. Use it so that connections stay findable and auditable; for tags of your own or \
        several integrations use create_connect_session, to repair an existing connection create_reconnect_session. The link \
        holds a session token: give it to that person only. It works for 30 minutes and more than once, each completion makes \
        another connection; `after_connect` (apply_connection_convention) then completes the convention. Needs \
        environment:connect_sessions:write.";
    const TOOLSET: Toolset = Toolset::Connect;
    const EFFECT: Effect = Effect::Write;
    const IDEMPOTENT: bool = false;
    const SCOPES: &'static [&'static str] = &["environment:connect_sessions:write"];
    const LINK: bool = true;

    fn rules(args: &Args) -> Result<(), Error> {
        subject(args).rules()
    }

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        let tags = subject(args).tags(cx.environment());
        let integration = args.provider_config_key.to_string();
        let mut after = Map::new();
        for (key, value) in [
            ("environment", Some(cx.environment())),
            ("provider_config_key", Some(&*args.provider_config_key)),
            ("principal", Some(args.principal.trim())),
            ("owner_kind", Some(args.owner_kind.as_str())),
            ("purpose", Some(args.purpose.as_str())),
            ("oauth_app_owner", args.oauth_app_owner.as_deref()),
        ] {
            after.extend(value.map(|value| (key.to_owned(), value.into())));
        }
        let session =
            Session { tags: tags.clone(), integrations_config_defaults: args.integrations_config_defaults.as_ref(), ..Session::default() };
        let created = session.create(cx, std::slice::from_ref(&integration)).map_err(|error| named_choices(cx, error))?;
        Ok(Output {
            say: created.say(&format!("connect {integration}")),
            next: wait_for(cx, &[integration], &created, &tags),
            connect_link: Some(created.connect_link),
            token: args.include_token.then_some(created.token),
            issued_at: created.issued_at,
            expires_at: created.expires_at,
            tags: tag_dict(&tags),
            after_connect: Next { tool: "apply_connection_convention".into(), arguments: after },
        })
    }
}
