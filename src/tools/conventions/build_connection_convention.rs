//! The convention's values for one account, unwritten.

use super::{OwnerKind, Purpose, Subject};
use crate::context::Context;
use crate::error::Error;
use crate::nango::{Email, IntegrationKey, Label, TagKey};
use crate::tool::{Dict, Effect, Open, Toolset, object, result};
use crate::tools::connect::tag_dict;

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// Unique key, as list_integrations shows it.
        provider_config_key: IntegrationKey,
        /// Who or what the account belongs to: a user id, an email address, a mailbox name.
        principal: Label,
        /// Whose account it is.
        owner_kind: OwnerKind,
        /// What the connection is for.
        purpose: Purpose,
        /// The organization's id in your application.
        organization_id: Option<Label>,
        /// The person's name.
        display_name: Option<Label>,
        /// Email address, when the principal is none.
        email: Option<Email>,
        /// Who owns the OAuth app: customer, operator, third_party or unknown.
        oauth_app_owner: Option<Label>,
    }
}

result! {
    /// What to give the connection.
    pub(crate) struct Output {
        /// An id for a connection that you make yourself; Nango makes that of a Connect link.
        connection_id: String,
        /// Tags.
        tags: Dict<TagKey, String, 10>,
        /// Metadata, under the convention's key.
        metadata: Open,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

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

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "build_connection_convention";
    const TITLE: &'static str = "Work out a connection's tags";
    const DESCRIPTION: &'static str = "Build the id, tags and metadata that the convention gives to one account's connection, without writing them. Use it to \
        see them, or to pass them to import_connection; to write them to an existing connection use \
        apply_connection_convention, to let a person connect with them create_standard_connect_session, for their meaning \
        describe_connection_convention, to find connections without them audit_connection_conventions. It sends nothing and \
        always gives the same result.";
    const TOOLSET: Toolset = Toolset::Conventions;
    const EFFECT: Effect = Effect::Read;
    const IDEMPOTENT: bool = true;
    const SCOPES: &'static [&'static str] = &[];
    const OPEN_WORLD: bool = false;

    fn rules(args: &Args) -> Result<(), Error> {
        subject(args).rules()
    }

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        let subject = subject(args);
        let environment = cx.environment();
        Ok(Output {
            connection_id: subject.connection_id(environment, &args.provider_config_key)?,
            tags: tag_dict(&subject.tags(environment)),
            metadata: subject.metadata(environment, &cx.config.metadata_namespace),
        })
    }
}
