//! One connection, and the forms in which Nango shows it.

use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::clock::{javascript, postgres, whole_millis, with_offset};
use super::end_user::EndUser;
use super::tags::Tags;

/// How a refresh token begins that the played provider takes; it refuses all others.
const REFRESHABLE: &str = "refreshable";

/// A connection.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub id: u64,
    pub connection_id: String,
    pub integration: String,
    pub provider: String,
    /// Ids of the log entries of its `auth` errors.
    pub auth_errors: Vec<String>,
    pub end_user: Option<EndUser>,
    pub tags: Tags,
    pub metadata: Map<String, Value>,
    pub connection_config: Map<String, Value>,
    pub webhook_url_override: Option<String>,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    pub last_fetched_at: Option<OffsetDateTime>,
    pub credentials: Value,
}

/// How a full connection writes its times: an import's reply with a `Z`, a read with `+00:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Times {
    Import,
    Read,
}

impl Connection {
    /// A new connection. Without credentials the database takes the times: microseconds, and never fetched.
    pub(crate) fn new(connection_id: String, integration: String, provider: String, credentials: Value, now: OffsetDateTime) -> Connection {
        let bare = credentials.as_object().is_some_and(Map::is_empty);
        let created_at = if bare { now } else { whole_millis(now) };
        Connection {
            id: 0,
            connection_id,
            integration,
            provider,
            auth_errors: Vec::new(),
            end_user: None,
            tags: Tags::new(),
            metadata: Map::new(),
            connection_config: Map::new(),
            webhook_url_override: None,
            created_at,
            updated_at: created_at,
            last_fetched_at: (!bare).then_some(created_at),
            credentials,
        }
    }

    pub(crate) fn is(&self, connection_id: &str, integration: &str) -> bool {
        self.connection_id == connection_id && self.integration == integration
    }

    fn head(&self) -> Map<String, Value> {
        let errors: Vec<Value> = self.auth_errors.iter().map(|id| json!({ "type": "auth", "log_id": id })).collect();
        let mut map = Map::new();
        map.insert("id".into(), self.id.into());
        map.insert("connection_id".into(), self.connection_id.as_str().into());
        map.insert("provider_config_key".into(), self.integration.as_str().into());
        map.insert("provider".into(), self.provider.as_str().into());
        map.insert("errors".into(), errors.into());
        map.insert("end_user".into(), self.end_user.as_ref().map(EndUser::json).into());
        map.insert("tags".into(), self.tags.clone().into());
        map.insert("metadata".into(), self.metadata.clone().into());
        map
    }

    /// A row of the list.
    pub(crate) fn row(&self) -> Value {
        let mut map = self.head();
        map.insert("created".into(), postgres(self.created_at).into());
        Value::Object(map)
    }

    /// The whole connection. Without the right to its credentials, they are `{}`.
    pub(crate) fn full(&self, times: Times, credentials: bool) -> Value {
        let write = |time| match times {
            Times::Import => javascript(time),
            Times::Read => with_offset(time),
        };
        let mut map = self.head();
        map.insert("connection_config".into(), self.connection_config.clone().into());
        map.insert("webhook_url_override".into(), self.webhook_url_override.clone().into());
        map.insert("created_at".into(), write(self.created_at).into());
        map.insert("updated_at".into(), write(self.updated_at).into());
        map.insert("last_fetched_at".into(), self.last_fetched_at.map(write).into());
        map.insert("credentials".into(), if credentials { self.credentials.clone() } else { json!({}) });
        Value::Object(map)
    }

    fn has_refresh_token(&self) -> bool {
        self.credentials.get("refresh_token").is_some_and(Value::is_string)
    }

    fn expired(&self, now: OffsetDateTime) -> bool {
        let expiry = self.credentials.get("expires_at").and_then(Value::as_str);
        expiry.and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok()).is_some_and(|at| at <= now)
    }

    /// Whether Nango would refresh now. Without a refresh token it never does, and does not say so.
    pub(crate) fn wants_refresh(&self, force: bool, now: OffsetDateTime) -> bool {
        self.has_refresh_token() && (force || self.expired(now))
    }

    /// Whether the played provider takes its refresh token.
    pub(crate) fn can_refresh(&self) -> bool {
        self.credentials.get("refresh_token").and_then(Value::as_str).is_some_and(|token| token.starts_with(REFRESHABLE))
    }

    /// A refresh that works: a new access token for an hour, and nothing wrong any more.
    pub(crate) fn refresh(&mut self, now: OffsetDateTime) {
        let token = format!("embedded_{}", Uuid::new_v4().simple());
        if let Value::Object(credentials) = &mut self.credentials {
            let refresh_token = credentials.get("refresh_token").cloned().unwrap_or_default();
            let raw = json!({ "access_token": token, "refresh_token": refresh_token, "expires_in": 3600, "token_type": "bearer" });
            credentials.insert("access_token".into(), token.into());
            credentials.insert("expires_at".into(), javascript(whole_millis(now) + Duration::HOUR).into());
            credentials.insert("raw".into(), raw);
        }
        self.auth_errors.clear();
        self.updated_at = whole_millis(now);
        self.last_fetched_at = Some(self.updated_at);
    }

    /// A failed refresh: the error replaces the one before.
    pub(crate) fn note_auth_error(&mut self, now: OffsetDateTime) {
        let millis = now.unix_timestamp_nanos() / 1_000_000;
        let random = Uuid::new_v4().simple().to_string();
        self.auth_errors = vec![format!("{millis}_{}", &random[..8])];
    }

    /// As after a refresh that failed because the provider has taken the access back.
    pub(crate) fn fail_for_good(&mut self, now: OffsetDateTime) {
        self.expire(now);
        self.note_auth_error(now);
    }

    /// Lets OAuth2 credentials run out, with a refresh token that no provider will take.
    fn expire(&mut self, now: OffsetDateTime) {
        if self.credentials.get("type").and_then(Value::as_str) != Some("OAUTH2") {
            return;
        }
        let taken = self.can_refresh();
        if let Value::Object(credentials) = &mut self.credentials {
            if taken || !credentials.contains_key("refresh_token") {
                credentials.insert("refresh_token".into(), "revoked".into());
            }
            credentials.insert("expires_at".into(), javascript(now - Duration::SECOND).into());
        }
    }
}
