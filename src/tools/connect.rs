//! Connect sessions: links with which people connect their accounts.

pub(crate) mod cancel_connect_session;
pub(crate) mod create_connect_session;
pub(crate) mod create_reconnect_session;
pub(crate) mod create_standard_connect_session;
pub(crate) mod ensure_connection;
pub(crate) mod get_connect_session;
mod kept;
mod session;
mod token;
pub(crate) mod wait_for_connection;

use crate::nango::{AnyKey, Email, IntegrationKey, Label, LongText, TagKey, TagValue};
use crate::tool::{Dict, Open, Passed, object, result};

pub(crate) use self::kept::Kept;
pub(crate) use self::session::{Session, given, link_output, merged, tag_dict, wait};

/// Tags as arguments.
pub(crate) type TagsArg = Dict<TagKey, TagValue, 10>;

/// Settings by integration.
pub(crate) type Defaults = Passed<Dict<IntegrationKey, IntegrationDefaults, 100>>;

/// Overrides by integration.
pub(crate) type Overrides = Passed<Dict<IntegrationKey, IntegrationOverrides, 100>>;

object! {
    /// The person who connects.
    pub(crate) struct EndUser {
        /// Id in your application; becomes the tag end_user_id.
        id: Label,
        /// Email address; becomes the tag end_user_email.
        email: Option<Email>,
        /// Name; becomes the tag end_user_display_name.
        display_name: Option<Label>,
        /// More tags; they count towards the 10.
        tags: Option<TagsArg>,
    }
}

object! {
    /// The organization of the person.
    pub(crate) struct Organization {
        /// Id in your application; becomes the tag organization_id.
        id: Label,
        /// Name; becomes the tag organization_display_name.
        display_name: Option<Label>,
    }
}

object! {
    /// What the Connect page starts from for one integration.
    pub(crate) struct IntegrationDefaults {
        /// OAuth2 only: parameters of the authorization URL, such as {"prompt": "consent"}.
        authorization_params: Option<Dict<AnyKey, LongText, 50>>,
        /// Connection fields, such as {"subdomain": "acme"}; oauth_scopes_override is text with commas.
        connection_config: Option<Open>,
        /// Slack only: user scopes, comma-separated.
        user_scopes: Option<LongText>,
    }
}

object! {
    /// What the Connect page shows for one integration.
    pub(crate) struct IntegrationOverrides {
        /// Address of your own instructions; Nango Cloud's Growth and Enterprise plans only.
        docs_connect: Option<LongText>,
    }
}

result! {
    /// The call to make next.
    pub(crate) struct Next {
        /// The tool.
        tool: String,
        /// Its arguments, ready to pass.
        arguments: Open,
    }
}
