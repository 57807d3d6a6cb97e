//! The convention in words.

use crate::context::Context;
use crate::error::Error;
use crate::nango::AnyKey;
use crate::tool::{Dict, Effect, List, Toolset, object, result};

object! {
    /// Arguments: none.
    pub(crate) struct Args {}
}

result! {
    /// The convention.
    pub(crate) struct Output {
        /// What tags are for, and what metadata is for.
        principle: String,
        /// Tags that every connection should carry.
        recommended_tags: List<String, 0, 10>,
        /// Tags that help where they apply.
        optional_routing_tags: List<String, 0, 10>,
        /// The key of the convention in a connection's metadata.
        metadata_namespace: String,
        /// What each argument of the convention tools means and where it is written.
        fields: Dict<AnyKey, String, 20>,
        /// What not to do.
        avoid: List<String, 0, 10>,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

/// Arguments of the convention, in words.
const FIELDS: [(&str, &str); 8] = [
    ("environment", "The configured name of the Nango environment; tag environment, and in the metadata."),
    ("principal", "Who or what the account belongs to: a user id, an email address, a mailbox name; tag end_user_id, and in the metadata."),
    (
        "owner_kind",
        "Whose account it is: user, shared_mailbox, service_account, company_account or app_account; tag owner_kind, and in the metadata.",
    ),
    (
        "purpose",
        "What it is for: mailbox_readwrite, task_management, accounting, documents, messaging or crm_sync; tag purpose, and in the metadata.",
    ),
    ("email", "The person's address, by default the principal where that is one; tag end_user_email."),
    ("organization_id", "The organization's id in your application; tag organization_id."),
    ("display_name", "The person's name; tag end_user_display_name."),
    ("oauth_app_owner", "Who owns the OAuth app: customer, operator, third_party, unknown, or a word of your own; in the metadata only."),
];

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "describe_connection_convention";
    const TITLE: &'static str = "Explain the tagging convention";
    const DESCRIPTION: &'static str = "Describe this server's tagging convention: which tags and metadata a connection should carry, what they mean and which \
        values they take. Use it once before tagging or auditing; for one account's values use build_connection_convention, to \
        write them apply_connection_convention, to check an environment audit_connection_conventions. It sends nothing. \
        Connections without the convention work too, and other tags may stand beside it.";
    const TOOLSET: Toolset = Toolset::Conventions;
    const EFFECT: Effect = Effect::Read;
    const IDEMPOTENT: bool = true;
    const SCOPES: &'static [&'static str] = &[];
    const ENVIRONMENT: bool = false;
    const OPEN_WORLD: bool = false;

    fn call(cx: &Context<'_>, _args: &Args) -> Result<Output, Error> {
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Ok(Output {
            principle:
                "Tags say whose a connection is: lists find by them, webhooks carry them. Metadata configures what runs on it. Neither \
                is a place for secrets."
                    .to_owned(),
            recommended_tags: List(list(&["end_user_id", "end_user_email", "organization_id"])),
            optional_routing_tags: List(list(&["workspace_id", "project_id", "environment"])),
            metadata_namespace: cx.config.metadata_namespace.clone(),
            fields: FIELDS.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect(),
            avoid: List(list(&[
                "Tokens, passwords or keys in tags or metadata: everybody who may read connections sees them.",
                "Records of the provider in metadata: it is for settings, not for data.",
                "Writing tags without those already there: Nango replaces the whole set. apply_connection_convention keeps them.",
            ])),
        })
    }
}
