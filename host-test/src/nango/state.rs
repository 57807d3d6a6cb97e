//! Everything the server remembers.

use std::collections::{BTreeMap, HashMap};

use time::OffsetDateTime;

use super::allowance::Allowance;
use super::connection::Connection;
use super::integrations::Integration;
use super::session::Session;

/// The state of one account.
#[derive(Default)]
pub(crate) struct State {
    pub environments: BTreeMap<String, Environment>,
    /// By token.
    pub sessions: HashMap<String, Session>,
    /// The calls made with API keys, all of them.
    pub account: Allowance,
    /// The calls made without one: session tokens, and routes that ask for none.
    pub address: Allowance,
    connections_made: u64,
}

/// One environment; it sees nothing of the others.
#[derive(Default)]
pub(crate) struct Environment {
    /// By unique key, which is also the order of the list.
    pub integrations: BTreeMap<String, Integration>,
    pub connections: Vec<Connection>,
}

impl State {
    pub(crate) fn environment(&mut self, name: &str) -> &mut Environment {
        self.environments.entry(name.to_owned()).or_default()
    }

    /// A session that has not expired.
    pub(crate) fn session(&self, token: &str, now: OffsetDateTime) -> Option<Session> {
        self.sessions.get(token).filter(|session| session.alive(now)).cloned()
    }

    pub(crate) fn find_connection(&mut self, id: &str, integration: &str) -> Option<&mut Connection> {
        self.environments.values_mut().find_map(|environment| environment.connection(id, integration))
    }

    /// Stores a new connection under the next number.
    pub(crate) fn add_connection(&mut self, environment: &str, mut connection: Connection) {
        self.connections_made += 1;
        connection.id = self.connections_made;
        self.environment(environment).connections.push(connection);
    }
}

impl Environment {
    /// The pair of id and integration is what identifies a connection.
    pub(crate) fn connection(&mut self, id: &str, integration: &str) -> Option<&mut Connection> {
        self.connections.iter_mut().find(|connection| connection.is(id, integration))
    }
}
