//! All that an environment holds, in one look: what the state in the end is judged by.

use serde_json::{Map, Value, json};

use super::Nango;
use super::clock::javascript;
use super::connection::Times;
use super::end_user::EndUser;
use super::session::Session;

impl Nango {
    /// An environment at one moment, secrets included:
    ///
    /// - `integrations`: by unique key, with `provider`, `display_name`, `forward_webhooks`, `credentials` and `created_at`;
    /// - `connections`: as [`Nango::connection`] shows them, oldest first;
    /// - `links`: the sessions that could still be used, oldest first, with `token`, `allowed_integrations` (null: all),
    ///   `tags`, `end_user` and `reconnects` (null: none).
    ///
    /// It counts as no request, and no clock of a connection moves.
    pub fn snapshot(&self, environment: &str) -> Value {
        let now = self.options().clock.now();
        let mut state = self.state();
        let mut open: Vec<&Session> =
            state.sessions.values().filter(|session| session.environment == environment && session.alive(now)).collect();
        open.sort_by_key(|session| (session.expires_at, &session.token));
        let links: Vec<Value> = open.into_iter().map(link).collect();
        let held = state.environment(environment);
        let integrations: Map<String, Value> = held
            .integrations
            .iter()
            .map(|(key, found)| {
                let shown = json!({
                    "provider": found.provider,
                    "display_name": found.display_name,
                    "forward_webhooks": found.forward_webhooks,
                    "credentials": found.credentials,
                    "created_at": javascript(found.created_at),
                });
                (key.clone(), shown)
            })
            .collect();
        let connections: Vec<Value> = held.connections.iter().map(|found| found.full(Times::Read, true)).collect();
        json!({ "integrations": integrations, "connections": connections, "links": links })
    }
}

fn link(session: &Session) -> Value {
    let reconnects =
        session.reconnects.as_ref().map(|(id, integration)| json!({ "connection_id": id, "provider_config_key": integration }));
    json!({
        "token": session.token,
        "allowed_integrations": session.allowed_integrations,
        "tags": session.tags,
        "end_user": session.end_user.as_ref().map(EndUser::json),
        "reconnects": reconnects,
    })
}
