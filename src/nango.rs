//! Nango's REST API as data: requests, answers, identifiers, tags, errors. Pure, and without a word of MCP.
//!
//! Routes and rules are those of NangoHQ/nango 0.71 (packages/server/lib/routes.public.ts and the controllers it
//! names); where a running server behaves otherwise, the comment says "observed".

mod failure;
mod ids;
pub mod link;
mod paging;
mod path;
pub(crate) mod proxy;
mod said;
pub mod tags;
pub mod time;
mod url;

use std::time::Duration;

use serde_json::Value;

use crate::secret::Secret;

pub(crate) use self::failure::{failure, no_json, rate_limited, read, too_large};
pub use self::ids::*;
pub use self::paging::Window;
pub(crate) use self::path::encode;
pub use self::path::{Path, is_dot_segment};
pub use self::proxy::{BaseUrl, HeaderName, HeaderValue, ProxyPath};
pub use self::url::WebUrl;

/// Answers of Nango's own routes above this many bytes are given up: the largest, the provider catalogue, has
/// 0.92 MB (0.71.10) and grows.
const ANSWER_CAP: usize = 4 * 1024 * 1024;

/// The body of a request: JSON, built here or handed through as it was written.
#[derive(Debug, Clone)]
pub enum Body {
    /// A value of ours.
    Json(Value),
    /// JSON text of the caller's, for a provider.
    Text(String),
}

/// A request to Nango, still without base URL and key.
#[derive(Debug, Clone)]
pub struct Request {
    /// HTTP method.
    pub method: &'static str,
    /// The route for people and for error mapping, such as `GET /connections/:id`.
    pub route: &'static str,
    /// The path, segments encoded.
    pub path: Path,
    /// The query, names and values not yet encoded.
    pub query: Vec<(String, String)>,
    /// What stands in the query before that, encoded already.
    pub written_query: String,
    /// The JSON body.
    pub body: Option<Body>,
    /// Headers beside those that every request has.
    pub headers: Vec<(String, String)>,
    /// How much longer than other requests it may take: Nango repeats some for us.
    pub patience: Duration,
    /// Whether the environment's key is sent; `/health` needs none.
    pub keyed: bool,
    /// The token of a Connect session, sent in place of a key.
    pub token: Option<Secret>,
    /// Largest answer body, in bytes.
    pub answer_cap: usize,
}

impl Request {
    // Not inlined, as `add`: every tool makes requests.
    #[inline(never)]
    pub(crate) fn new(method: &'static str, route: &'static str, path: Path) -> Self {
        Self {
            method,
            route,
            path,
            query: Vec::new(),
            written_query: String::new(),
            body: None,
            headers: Vec::new(),
            patience: Duration::ZERO,
            keyed: true,
            token: None,
            answer_cap: ANSWER_CAP,
        }
    }

    /// A read. `route` is the method and the route's pattern.
    pub fn get(route: &'static str, path: Path) -> Self {
        Self::new("GET", route, path)
    }

    /// A POST of JSON.
    pub fn post(route: &'static str, path: Path, body: Value) -> Self {
        Self { body: Some(Body::Json(body)), ..Self::new("POST", route, path) }
    }

    /// A PATCH of JSON.
    pub fn patch(route: &'static str, path: Path, body: Value) -> Self {
        Self { body: Some(Body::Json(body)), ..Self::new("PATCH", route, path) }
    }

    /// A DELETE.
    pub fn delete(route: &'static str, path: Path) -> Self {
        Self::new("DELETE", route, path)
    }

    /// Without the key.
    pub fn keyless(self) -> Self {
        Self { keyed: false, ..self }
    }

    /// As a Connect session, by its token.
    pub(crate) fn of_session(self, token: Secret) -> Self {
        Self { keyed: false, token: Some(token), ..self }
    }

    /// With a query parameter.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.add(name.into(), value.into());
        self
    }

    #[inline(never)]
    fn add(&mut self, name: String, value: String) {
        self.query.push((name, value));
    }

    /// With a query parameter, if there is a value.
    pub fn query_if(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Whether it changes nothing.
    pub(crate) fn reads(&self) -> bool {
        matches!(self.method, "GET" | "HEAD")
    }

    /// Path and query as they go over the wire.
    pub fn target(&self) -> String {
        let written = Some(&self.written_query).filter(|query| !query.is_empty()).cloned();
        let pairs = self.query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        let query: Vec<String> = written.into_iter().chain(pairs).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{mark}{}", self.path.as_str(), query.join("&"))
    }
}

/// A successful answer, its body still unread.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The route that gave it, for error mapping.
    pub route: &'static str,
    /// HTTP status.
    pub status: u16,
    /// The body: JSON, as far as is known; empty where there is none.
    pub body: Vec<u8>,
    /// `X-RateLimit-*`, where present.
    pub rate_limit: Option<RateLimit>,
}

/// What is left of the account's allowance (packages/server/lib/middleware/ratelimit.middleware.ts).
#[derive(Debug, Clone, Copy)]
pub struct RateLimit {
    /// Requests a minute.
    pub limit: u32,
    /// Requests left in this minute.
    pub remaining: u32,
    /// When the minute ends, in Unix seconds.
    pub reset: u64,
}
