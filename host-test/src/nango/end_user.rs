//! End users and their organizations, as sessions and connections carry them.

use serde_json::{Map, Value, json};

use super::tags::{CAPACITY, too_many};
use super::validate::{Fields, Issues, Path, Text};

/// The person whose account is connected.
#[derive(Clone, Debug)]
pub(crate) struct EndUser {
    pub id: String,
    pub email: Option<String>,
    pub display_name: Option<String>,
    pub tags: Option<Map<String, Value>>,
    pub organization: Option<Organization>,
}

/// The organization of an end user.
#[derive(Clone, Debug)]
pub(crate) struct Organization {
    pub id: String,
    pub display_name: Option<String>,
}

impl EndUser {
    /// Checks an end user.
    pub(crate) fn read(value: &Value, path: Path, issues: &mut Issues) -> Option<EndUser> {
        let mut fields = Fields::open(Some(value), path, issues)?;
        let id = fields.text("id", Text::between(1, 255));
        let email = fields.optional_text("email", Text::email(5));
        let display_name = fields.optional_text("display_name", Text::between(0, 255));
        let tags = fields.optional_record("tags");
        let place = fields.at("tags");
        for (key, value) in tags.into_iter().flatten() {
            Text::any().check(Some(value), &place.at(key), fields.issues);
        }
        if tags.is_some_and(|tags| tags.len() > CAPACITY) {
            fields.issues.add("custom", too_many(), &place);
        }
        fields.end();
        Some(EndUser { id: id?, email, display_name, tags: tags.cloned(), organization: None })
    }

    /// As Nango shows it: what is not known is null.
    pub(crate) fn json(&self) -> Value {
        let organization = self.organization.as_ref().map(|o| json!({ "id": o.id, "display_name": o.display_name }));
        json!({
            "id": self.id,
            "display_name": self.display_name,
            "email": self.email,
            "tags": self.tags,
            "organization": organization,
        })
    }
}

impl Organization {
    /// Checks an organization. Its id may be empty.
    pub(crate) fn read(value: &Value, path: Path, issues: &mut Issues) -> Option<Organization> {
        let mut fields = Fields::open(Some(value), path, issues)?;
        let id = fields.text("id", Text::between(0, 255));
        let display_name = fields.optional_text("display_name", Text::between(0, 255));
        fields.end();
        Some(Organization { id: id?, display_name })
    }
}
