//! The embedded Nango: an in-memory server with the REST behaviour of Nango, for the demo and for tests.
//!
//! It answers as a self-hosted Nango 0.71.4 was observed to answer: the same statuses, error shapes, messages,
//! order of checks, clocks and rate limit. It keeps everything in memory and never opens a connection of its own.
//!
//! | Route | Remark |
//! |---|---|
//! | `GET /health`, `GET /ready` | no authentication |
//! | `/integrations`, `/integrations/:key` | list and one, create, patch, delete |
//! | `/connections`, `/connections/:id`, `/connections/metadata`, `GET /connection` | list, import, read, patch, delete, metadata |
//! | `/connect/sessions`, `/connect/sessions/reconnect`, `/connect/session` | create, reconnect, read, revoke |
//! | `/providers`, `/providers/:name`, `/providers.json` | a small catalogue, or a large one ([`Options::catalogue`]) |
//! | `POST /api-auth/api-key/:integration` | the end user's API key, as the Connect UI sends it |
//! | `/proxy/*` | Nango's own refusals, then a played provider: an echo, and what `provider` lists |
//! | `GET /?session_token=…`, `POST` by its form | **embedded only**: the Connect page, where `connect_link` leads |
//! | `POST /connect/complete?session_token=…&integration=…` | **embedded only**: the person's click without the page |
//! | `POST /_demo/break` | **embedded only**: [`Nango::break_connection`] with an API key, `{connection_id, provider_config_key}` |
//!
//! Three things differ from Nango on purpose. The last three routes do not exist there: its Connect page is a program
//! of its own, and a real person goes through the provider's pages as well. A proxied call is answered by a played
//! provider, since no real one is asked. And that provider refreshes a token only if its refresh token begins with
//! `refreshable`: a new access token for one hour. Any other refresh fails, as it does for a Nango that cannot reach the
//! provider.

mod allowance;
mod answer;
mod api_key;
mod app;
mod auth;
mod breaking;
mod call;
mod clock;
mod completion;
mod connection;
mod connections;
mod end_user;
mod import;
mod integrations;
mod metadata;
mod outbound;
mod page;
mod provider;
mod providers;
mod proxy;
mod routes;
mod sample;
mod seen;
mod session;
mod sessions;
mod snapshot;
mod state;
mod synthetic;
mod tags;
mod validate;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Extract};
use axum::response::Response;
use serde_json::Value;

pub use api_key::Key;
pub use clock::Clock;
pub use seen::Seen;

use answer::Answer;
use call::Call;
use providers::Catalogue;
use seen::Ring;
use state::State;

/// Nango's own limit on a request body; above it the answer is the generic 500.
const BODY_LIMIT: usize = 75 * 1024 * 1024;

/// What an embedded Nango is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The API keys it knows. All belong to one account and so share one rate limit.
    pub keys: Vec<Key>,
    /// Base of `connect_link` and of logo URLs; `http://<bound address>` when absent.
    pub public_url: Option<String>,
    /// Calls allowed in each window of 60 seconds.
    pub rate_limit: u32,
    /// The server's clock: session expiry, windows, timestamps.
    pub clock: Clock,
    /// So many synthetic providers more in the catalogue, at most 10,000. A thousand make it as large as Nango's.
    pub catalogue: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options { keys: Vec::new(), public_url: None, rate_limit: 200, clock: Clock::system(), catalogue: 0 }
    }
}

/// An embedded Nango. Clones share one state.
#[derive(Clone)]
pub struct Nango {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    catalogue: Catalogue,
    state: Mutex<State>,
    seen: Mutex<Ring>,
    bound: Mutex<Option<SocketAddr>>,
}

impl Nango {
    /// An empty Nango: no integration, no connection.
    pub fn new(options: Options) -> Nango {
        let catalogue = Catalogue::with(options.catalogue);
        let inner = Inner { options, catalogue, state: Mutex::default(), seen: Mutex::default(), bound: Mutex::default() };
        Nango { inner: Arc::new(inner) }
    }

    /// Adds the demo's integrations to an environment: github, hubspot, slack, zendesk (OAuth2), airtable-pat
    /// (API key), stripe-api-key (basic) and unauthenticated (none). Those that exist already stay as they are.
    pub fn seed(&self, environment: &str) {
        let now = self.inner.options.clock.now();
        integrations::seed(self.state().environment(environment), &self.inner.catalogue, now);
    }

    /// Adds connections `seed-0001` and on to an integration, the newest last, a second apart, each with tags
    /// `end_user_id` and `organization_id`; every tenth is broken, as by [`Nango::break_connection`]. Ids that are
    /// taken are passed over. Gives how many were made: none when there is no such integration.
    pub fn seed_connections(&self, environment: &str, integration: &str, count: usize) -> usize {
        let now = self.inner.options.clock.now();
        connections::seed(&mut self.state(), &self.inner.catalogue, (environment, integration), count, now)
    }

    /// The requests received, oldest first: the last 10,000 of them.
    pub fn requests(&self) -> Vec<Seen> {
        lock(&self.inner.seen).all()
    }

    /// Forgets the requests received.
    pub fn clear_requests(&self) {
        lock(&self.inner.seen).clear();
    }

    /// A connection as `GET /connections/:id` shows it, all credentials included; no clock of it moves. When two
    /// environments have the same pair, the alphabetically first environment's.
    pub fn connection(&self, id: &str, integration: &str) -> Option<Value> {
        self.state().find_connection(id, integration).map(|found| found.full(connection::Times::Read, true))
    }

    /// How many sessions could still be used.
    pub fn sessions(&self) -> usize {
        let now = self.inner.options.clock.now();
        self.state().sessions.values().filter(|session| session.alive(now)).count()
    }

    /// Makes a connection look as after a failed refresh: an `auth` error in `errors[]`. If its credentials are OAuth2
    /// ones, they are also expired from now on, so that reading it answers 400 `invalid_credentials` and the proxy 424.
    /// False when there is no such connection.
    pub fn break_connection(&self, id: &str, integration: &str) -> bool {
        let now = self.inner.options.clock.now();
        match self.state().find_connection(id, integration) {
            Some(found) => {
                found.fail_for_good(now);
                true
            }
            None => false,
        }
    }

    /// The end user's click: completes a session for an integration and gives the connection's id. It does what
    /// `POST /connect/complete` does, without counting as a request.
    pub fn complete(&self, session_token: &str, integration: &str) -> anyhow::Result<String> {
        let now = self.inner.options.clock.now();
        let mut state = self.state();
        let session = state.session(session_token, now).ok_or_else(|| anyhow::anyhow!("no such session, or expired"))?;
        completion::complete(&mut state, &self.inner.catalogue, &session, integration, None, now)
            .map_err(|refused| anyhow::anyhow!("Nango answered {}: {}", refused.status, refused.text()))
    }

    /// Answers one request and remembers it.
    fn exchange(&self, call: &Call) -> Answer {
        let answer = routes::answer(self, call);
        lock(&self.inner.seen).push(Seen::of(call, answer.status));
        answer
    }

    fn options(&self) -> &Options {
        &self.inner.options
    }

    fn catalogue(&self) -> &Catalogue {
        &self.inner.catalogue
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.inner.state)
    }

    fn public_url(&self) -> String {
        if let Some(url) = &self.inner.options.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        match *lock(&self.inner.bound) {
            Some(address) => format!("http://{address}"),
            None => "http://localhost".to_owned(),
        }
    }
}

/// Locks whatever happened to the thread that held it last: the state is plain data, whole between two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves on a listener until the future is dropped.
pub async fn serve(listener: tokio::net::TcpListener, nango: Nango) -> std::io::Result<()> {
    *lock(&nango.inner.bound) = Some(listener.local_addr()?);
    axum::serve(listener, Router::new().fallback(receive).with_state(nango)).await
}

async fn receive(Extract(nango): Extract<Nango>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let answer = match to_bytes(body, BODY_LIMIT).await {
        Ok(bytes) => nango.exchange(&Call::new(&head.method, &head.uri, &head.headers, bytes.to_vec())),
        Err(_) => Answer::unexpected(),
    };
    answer.into_response(head.method.as_str(), head.headers.get("if-none-match").and_then(|tag| tag.to_str().ok()))
}
