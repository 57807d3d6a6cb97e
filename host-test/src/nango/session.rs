//! One connect session.

use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::end_user::EndUser;
use super::tags::Tags;

/// How every session token begins.
pub(crate) const TOKEN_PREFIX: &str = "nango_connect_session_";
/// How long a session lives; a call cannot change it.
pub(crate) const LIFETIME: Duration = Duration::minutes(30);

/// A connect session. Completing it does not use it up.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub token: String,
    pub environment: String,
    pub end_user: Option<EndUser>,
    /// None: every integration of the environment.
    pub allowed_integrations: Option<Vec<String>>,
    pub integrations_config_defaults: Option<Map<String, Value>>,
    /// Generated ones included.
    pub tags: Tags,
    pub webhook_url_override: Option<String>,
    /// The id and integration of the connection that completion updates.
    pub reconnects: Option<(String, String)>,
    pub expires_at: OffsetDateTime,
    /// What came of it so far, the newest last: each connection made or renewed, and the failures not made up for.
    pub attempts: Vec<Attempt>,
}

/// What came of one try to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub integration: String,
    /// None: the provider said no.
    pub connection_id: Option<String>,
}

impl Session {
    pub(crate) fn alive(&self, now: OffsetDateTime) -> bool {
        now < self.expires_at
    }

    pub(crate) fn allows(&self, integration: &str) -> bool {
        self.allowed_integrations.as_ref().is_none_or(|allowed| allowed.iter().any(|key| key == integration))
    }

    /// Remembers what came of a try. A success makes up for the failures before it.
    pub(crate) fn note(&mut self, integration: &str, connection_id: Option<&str>) {
        let attempt = Attempt { integration: integration.to_owned(), connection_id: connection_id.map(str::to_owned) };
        self.attempts.retain(|held| *held != attempt && (held.connection_id.is_some() || held.integration != integration));
        self.attempts.push(attempt);
    }

    /// The connection configuration it sets for an integration.
    pub(crate) fn connection_config(&self, integration: &str) -> Map<String, Value> {
        let defaults = self.integrations_config_defaults.as_ref().and_then(|defaults| defaults.get(integration));
        defaults.and_then(|set| set.get("connection_config")).and_then(Value::as_object).cloned().unwrap_or_default()
    }
}

/// A new token: 64 random hexadecimal digits, but for the few bits that mark a UUID.
pub(crate) fn new_token() -> String {
    format!("{TOKEN_PREFIX}{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// Whether a text has the form of a token.
pub(crate) fn is_token(text: &str) -> bool {
    let digits = text.strip_prefix(TOKEN_PREFIX).unwrap_or_default();
    digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_one_form() {
        let token = new_token();
        assert!(is_token(&token));
        assert!(!is_token(&token[..token.len() - 1]));
        assert!(!is_token(&token.to_uppercase()));
        assert!(!is_token("nango_connect_session_"));
        assert_ne!(token, new_token());
    }

    fn session() -> Session {
        Session {
            token: new_token(),
            environment: "dev".to_owned(),
            end_user: None,
            allowed_integrations: None,
            integrations_config_defaults: None,
            tags: Tags::new(),
            webhook_url_override: None,
            reconnects: None,
            expires_at: OffsetDateTime::UNIX_EPOCH + LIFETIME,
            attempts: Vec::new(),
        }
    }

    #[test]
    fn a_session_lives_thirty_minutes() {
        let (start, session) = (OffsetDateTime::UNIX_EPOCH, session());
        assert!(session.alive(start + Duration::seconds(1799)));
        assert!(!session.alive(start + Duration::seconds(1800)));
    }

    #[test]
    fn what_came_of_it_is_kept_once() {
        let mut session = session();
        for (integration, id) in [("a", None), ("b", None), ("a", None), ("a", Some("1")), ("a", Some("1")), ("a", Some("2"))] {
            session.note(integration, id);
        }
        let kept: Vec<_> = session.attempts.iter().map(|held| (held.integration.as_str(), held.connection_id.as_deref())).collect();
        assert_eq!(kept, [("b", None), ("a", Some("1")), ("a", Some("2"))]);
    }
}
