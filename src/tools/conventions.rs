//! The tagging convention: whose account a connection is and what for, written into its tags and metadata. It is that
//! of LevSky22/nango-mcp-server, so that connections tagged by either are one.

pub(crate) mod apply_connection_convention;
pub(crate) mod audit_connection_conventions;
pub(crate) mod build_connection_convention;
pub(crate) mod describe_connection_convention;

use serde_json::Value;

use crate::error::Error;
use crate::json;
use crate::nango::tags::{self, Tags};
use crate::nango::{ConnectionId, Email};
use crate::tool::{Open, choices};

choices! {
    /// Whose account it is.
    pub(crate) enum OwnerKind {
        User = "user",
        SharedMailbox = "shared_mailbox",
        ServiceAccount = "service_account",
        CompanyAccount = "company_account",
        AppAccount = "app_account",
    }
}

choices! {
    /// What the connection is for.
    pub(crate) enum Purpose {
        MailboxReadwrite = "mailbox_readwrite",
        TaskManagement = "task_management",
        Accounting = "accounting",
        Documents = "documents",
        Messaging = "messaging",
        CrmSync = "crm_sync",
    }
}

/// What the convention writes down about a connection.
pub(crate) struct Subject<'a> {
    pub(crate) principal: &'a str,
    pub(crate) owner_kind: OwnerKind,
    pub(crate) purpose: Purpose,
    pub(crate) organization_id: Option<&'a str>,
    pub(crate) display_name: Option<&'a str>,
    pub(crate) email: Option<&'a str>,
    pub(crate) oauth_app_owner: Option<&'a str>,
}

impl Subject<'_> {
    /// What no schema says of it; the other tags have no rule of Nango's to break.
    ///
    /// # Errors
    /// `blank_principal`, `tag_too_long`.
    pub(crate) fn rules(&self) -> Result<(), Error> {
        if self.principal.trim().is_empty() {
            return Err(Error::argument("blank_principal", "principal", "argument `principal` must be more than blanks"));
        }
        let labels = [("principal", Some(self.principal)), ("organization_id", self.organization_id), ("display_name", self.display_name)];
        labels.into_iter().try_for_each(|(name, label)| label.map_or(Ok(()), |label| tags::short(label, name)))
    }

    /// The tags, in the convention's order. An address that is not said is the principal, where that is one.
    pub(crate) fn tags(&self, environment: &str) -> Tags {
        let principal = self.principal.trim();
        let email = self.email.or_else(|| Email::from_text(principal).map(|_| principal));
        let tags = [
            ("end_user_id", Some(principal)),
            ("environment", Some(environment)),
            ("owner_kind", Some(self.owner_kind.as_str())),
            ("purpose", Some(self.purpose.as_str())),
            ("end_user_email", email),
            ("organization_id", said(self.organization_id)),
            ("end_user_display_name", said(self.display_name)),
        ];
        tags.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))).collect()
    }

    /// The metadata, under the operator's key.
    pub(crate) fn metadata(&self, environment: &str, namespace: &str) -> Open {
        let mut own = json::object([
            ("environment", json::text(environment)),
            ("principal", json::text(self.principal)),
            ("owner_kind", json::text(self.owner_kind.as_str())),
            ("purpose", json::text(self.purpose.as_str())),
        ]);
        if let Some(owner) = said(self.oauth_app_owner) {
            json::put(&mut own, "oauth_app_owner", json::text(owner));
        }
        json::object([(namespace, own.into())])
    }

    /// The id of a connection that is not made by a person at a Connect link, where Nango makes the id.
    ///
    /// # Errors
    /// `connection_id_too_long`. Its characters are ones that Nango takes: names of environments and integrations have
    /// no others.
    pub(crate) fn connection_id(&self, environment: &str, integration: &str) -> Result<String, Error> {
        let id = format!("{environment}__{integration}__{}", slug(self.principal));
        if ConnectionId::from_text(&id).is_some() {
            return Ok(id);
        }
        let say = format!(
            "the convention's id, environment__provider_config_key__principal, would have {} characters, and Nango takes 255: choose a \
             shorter `principal`, or an id of your own",
            id.len()
        );
        Err(Error::argument("connection_id_too_long", "principal", say))
    }
}

/// A text without blanks around it, if anything is left of it.
fn said(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// The principal as part of an id: lower case, `@` said as a word, runs of everything else one hyphen.
fn slug(principal: &str) -> String {
    let mut slug = String::new();
    for c in principal.to_ascii_lowercase().replace('@', "-at-").chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    match slug.trim_end_matches('-') {
        "" => "principal".to_owned(),
        slug => slug.to_owned(),
    }
}

/// What a connection lacks: what makes it hard to attribute, and what is only recommended.
pub(crate) fn lacks(connection: &Value, environment: &str, namespace: &str) -> (Vec<String>, Vec<String>) {
    let tag = |key: &str| json::text_at(connection, "tags", key).unwrap_or_default();
    let (mut required, mut recommended) = (Vec::new(), Vec::new());
    if tag("end_user_id").is_empty() {
        required.push("missing_tag:end_user_id".to_owned());
    }
    // Only a value that is there can be wrong: not every connection follows the convention.
    let (owner_kind, purpose) = (tag("owner_kind"), tag("purpose"));
    if !owner_kind.is_empty() && OwnerKind::ALL.iter().all(|(known, _)| *known != owner_kind) {
        required.push("invalid_tag:owner_kind".to_owned());
    }
    if !purpose.is_empty() && Purpose::ALL.iter().all(|(known, _)| *known != purpose) {
        required.push("invalid_tag:purpose".to_owned());
    }
    for key in ["end_user_email", "organization_id"] {
        if tag(key).is_empty() {
            recommended.push(format!("missing_tag:{key}"));
        }
    }
    if tag("environment") != environment {
        recommended.push("missing_or_wrong_tag:environment".to_owned());
    }
    if !json::at(connection, "metadata", namespace).is_some_and(Value::is_object) {
        recommended.push(format!("missing_metadata:{namespace}"));
    }
    (required, recommended)
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_principal_becomes_part_of_an_id() {
        for (principal, expected) in [
            ("u1", "u1"),
            (" Ann.Lee@Example.com ", "ann-lee-at-example-com"),
            ("@", "at"),
            ("a  --  b", "a-b"),
            ("_a_", "a"),
            ("Zoë/7", "zo-7"),
            ("日本", "principal"),
            ("--", "principal"),
        ] {
            assert_eq!(slug(principal), expected, "{principal}");
        }
    }
}
