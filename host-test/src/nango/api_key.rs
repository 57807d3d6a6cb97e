//! API keys and their scopes.

use uuid::{Uuid, Variant, Version};

/// An API key: the key alone selects the environment.
#[derive(Clone, Debug)]
pub struct Key {
    /// A UUID v4.
    pub secret: String,
    /// The environment it opens.
    pub environment: String,
    /// What it may do: `environment:*` for everything, `environment:connections:*` for a family,
    /// `environment:connections:read` for one thing.
    pub scopes: Vec<String>,
}

impl Key {
    /// A key that may do everything in its environment.
    pub fn full(secret: impl Into<String>, environment: impl Into<String>) -> Key {
        Key { secret: secret.into(), environment: environment.into(), scopes: vec!["environment:*".to_owned()] }
    }

    /// Whether one of the scopes covers a required one.
    pub(crate) fn allows(&self, required: &str) -> bool {
        self.scopes.iter().any(|held| covers(held, required))
    }
}

fn covers(held: &str, required: &str) -> bool {
    match held.strip_suffix('*') {
        Some(family) if family.ends_with(':') => required.starts_with(family),
        _ => held == required,
    }
}

/// Whether a text is written as a UUID v4 is: 36 characters with their hyphens.
pub(crate) fn is_uuid_v4(text: &str) -> bool {
    text.len() == 36
        && Uuid::try_parse(text).is_ok_and(|id| id.get_version() == Some(Version::Random) && id.get_variant() == Variant::RFC4122)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_covers_its_family_and_nothing_else() {
        let read = "environment:connections:read";
        assert!(covers("environment:*", read));
        assert!(covers("environment:connections:*", read));
        assert!(covers(read, read));
        assert!(!covers("environment:connections:read", "environment:connections:read_credentials"));
        assert!(!covers("environment:integrations:*", read));
        assert!(!covers("environment:conn*", read));
        assert!(!covers("account:*", read));
    }

    #[test]
    fn only_a_hyphenated_uuid_v4_is_a_key() {
        assert!(is_uuid_v4("00000000-0000-4000-8000-00000000dead"));
        assert!(!is_uuid_v4("00000000-0000-1000-8000-00000000dead"));
        assert!(!is_uuid_v4("0000000000004000800000000000dead"));
        assert!(!is_uuid_v4(""));
    }
}
