//! The tagging convention: whose account a connection is and what for, written into its tags and metadata. It is that
//! of LevSky22/nango-mcp-server, so that connections tagged by either are one.

use crate::error::Error;
use crate::nango::tags::{self, Tags};
use crate::nango::Email;
use crate::tool::choices;

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
            ("organization_id", self.organization_id),
            ("end_user_display_name", self.display_name),
        ];
        tags.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))).collect()
    }
}
