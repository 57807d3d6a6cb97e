//! The routes, and the order in which a request is examined: bad JSON 400, content type 415, caller 401,
//! rate limit 429, scope 403; then the route's own checks, the query before the body.

use std::borrow::Cow;

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::answer::Answer;
use super::auth::{Caller, Entry, caller};
use super::call::Call;
use super::providers::Catalogue;
use super::state::{Environment, State};
use super::validate::{Fields, Issues, Path};
use super::{Nango, breaking, completion, connections, import, integrations, metadata, page, providers, proxy, sessions};

/// A request under way, with all that its route may use.
pub(crate) struct Turn<'a> {
    pub call: &'a Call,
    pub caller: Caller,
    pub state: &'a mut State,
    pub catalogue: &'a Catalogue,
    pub now: OffsetDateTime,
    pub public_url: &'a str,
    /// What stands where the pattern has a `:`.
    pub param: String,
}

impl Turn<'_> {
    /// The caller's environment.
    pub(crate) fn environment(&mut self) -> &mut Environment {
        self.state.environment(self.caller.environment())
    }

    /// Refuses any query parameter.
    pub(crate) fn no_query(&self) -> Result<(), Answer> {
        let mut issues = Issues::default();
        Fields::over(&self.call.query, Path::root(), &mut issues).end();
        issues.done("invalid_query_params")
    }

    /// The body for a checker; it may be absent.
    pub(crate) fn body(&self) -> Option<&Value> {
        self.call.json()
    }
}

type Run = fn(&mut Turn) -> Result<Answer, Answer>;

struct Route {
    method: &'static str,
    pattern: &'static str,
    entry: Entry,
    /// One of these is needed.
    scopes: &'static [&'static str],
    run: Run,
}

macro_rules! routes {
    ($($method:ident $pattern:literal $entry:expr, [$($scope:literal),*] => $run:path;)*) => {
        &[$(Route { method: stringify!($method), pattern: $pattern, entry: $entry, scopes: &[$($scope),*], run: $run }),*]
    };
}

const KEY: Entry = Entry::Key;
const API_KEY_SESSION: Entry = Entry::SessionInQuery("connect_session_token");
const CLICK_SESSION: Entry = Entry::SessionInQuery("session_token");

/// The first that matches is taken.
static ROUTES: &[Route] = routes! {
    GET "/" Entry::Page, [] => page::show;
    POST "/" Entry::Page, [] => page::press;
    GET "/health" Entry::Open, [] => health;
    GET "/ready" Entry::Open, [] => health;
    GET "/providers.json" Entry::Counted, [] => providers::map;
    GET "/providers" Entry::KeyOrSession, [] => providers::list;
    GET "/providers/:provider" Entry::KeyOrSession, [] => providers::one;
    GET "/integrations" Entry::KeyOrSession,
        ["environment:integrations:list", "environment:integrations:list_credentials"] => integrations::list;
    POST "/integrations" KEY, ["environment:integrations:create"] => integrations::create;
    GET "/integrations/:key" KEY, ["environment:integrations:read", "environment:integrations:read_credentials"] => integrations::read;
    PATCH "/integrations/:key" KEY, ["environment:integrations:update"] => integrations::patch;
    DELETE "/integrations/:key" KEY, ["environment:integrations:delete"] => integrations::delete;
    GET "/connections" KEY, ["environment:connections:list", "environment:connections:list_credentials"] => connections::list;
    GET "/connection" KEY, ["environment:connections:list", "environment:connections:list_credentials"] => connections::list;
    POST "/connections" KEY, ["environment:connections:create"] => import::import;
    POST "/connections/metadata" KEY, ["environment:connections:update"] => metadata::replace;
    PATCH "/connections/metadata" KEY, ["environment:connections:update"] => metadata::merge;
    GET "/connections/:id" KEY, ["environment:connections:read", "environment:connections:read_credentials"] => connections::read;
    PATCH "/connections/:id" KEY, ["environment:connections:update"] => connections::patch;
    DELETE "/connections/:id" KEY, ["environment:connections:delete"] => connections::delete;
    POST "/connect/sessions" KEY, ["environment:connect_sessions:write"] => sessions::create;
    POST "/connect/sessions/reconnect" KEY, ["environment:connect_sessions:write"] => sessions::reconnect;
    GET "/connect/session" Entry::Session, [] => sessions::read;
    DELETE "/connect/session" Entry::Session, [] => sessions::delete;
    POST "/api-auth/api-key/:integration" API_KEY_SESSION, [] => completion::api_key;
    POST "/connect/complete" CLICK_SESSION, [] => completion::click;
    POST "/_demo/break" KEY, ["environment:connections:update"] => breaking::run;
    ANY "/proxy/*" KEY, ["environment:proxy"] => proxy::call;
};

/// Answers a request.
pub(crate) fn answer(nango: &Nango, call: &Call) -> Answer {
    if call.method == "OPTIONS" {
        return preflight();
    }
    if let Err(message) = &call.body {
        return Answer::coded(400, "invalid_json", message);
    }
    let Some((route, param)) = find(call) else { return unmatched(call) };
    let any_body = route.method == "ANY" || route.entry == Entry::Page;
    if !any_body && call.method != "GET" && call.method != "HEAD" && call.has_content_type() && !call.is_json() {
        return Answer::coded(415, "invalid_content_type", "Content-Type header must be application/json");
    }
    let options = nango.options();
    let now = options.clock.now();
    let public_url = nango.public_url();
    let state = &mut *nango.state();
    let caller = match caller(route.entry, call, options, state, now) {
        Ok(caller) => caller,
        Err(refused) => return refused,
    };
    // API keys share the account's window. Session tokens and open routes are counted apart from it.
    let left = match (&caller, route.entry) {
        (_, Entry::Open | Entry::Page) => None,
        (Caller::Key(_), _) => Some(state.account.take(options.rate_limit, now)),
        _ => Some(state.address.take(options.rate_limit, now)),
    };
    let refusal = left.and_then(|left| left.refusal(&call.method, &call.path));
    let answer = refusal.unwrap_or_else(|| {
        let mut turn = Turn { call, caller, state, catalogue: nango.catalogue(), now, public_url: &public_url, param };
        let permitted = turn.caller.require(route.scopes);
        permitted.and_then(|()| (route.run)(&mut turn)).unwrap_or_else(|refused| refused)
    });
    match left {
        Some(left) => left.stamp(answer),
        None => answer,
    }
}

fn find(call: &Call) -> Option<(&'static Route, String)> {
    let segments = call.segments();
    // HEAD is served as GET; the transport drops the body.
    let method = if call.method == "HEAD" { "GET" } else { &call.method };
    ROUTES.iter().find_map(|route| {
        if route.method != "ANY" && route.method != method {
            return None;
        }
        matches(route.pattern, &segments).map(|param| (route, param))
    })
}

/// The parameter of a path that fits a pattern; empty when the pattern has none.
fn matches(pattern: &str, segments: &[Cow<'_, str>]) -> Option<String> {
    let mut param = String::new();
    let mut given = segments.iter();
    for wanted in pattern.trim_start_matches('/').split('/') {
        if wanted == "*" {
            return Some(param);
        }
        let segment = given.next()?;
        if wanted.starts_with(':') && !segment.is_empty() {
            param = segment.clone().into_owned();
        } else if wanted != segment {
            return None;
        }
    }
    given.next().is_none().then_some(param)
}

/// `GET /health` and `GET /ready`.
fn health(_: &mut Turn) -> Result<Answer, Answer> {
    Ok(Answer::json(200, &json!({ "result": "ok" })))
}

/// An unmatched GET falls to the dashboard, which is not there: the observed server answered 500. A full installation
/// would answer 200 with a page.
fn unmatched(call: &Call) -> Answer {
    match call.method.as_str() {
        "GET" | "HEAD" => Answer::unexpected(),
        method => Answer::unmatched(method, &call.path),
    }
}

fn preflight() -> Answer {
    Answer::empty(204).with("access-control-allow-methods", "GET,HEAD,PUT,PATCH,POST,DELETE").with("access-control-allow-headers", "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_segments() {
        let path = |segments: &[&'static str]| segments.iter().map(|s| Cow::Borrowed(*s)).collect::<Vec<_>>();
        assert_eq!(matches("/connections/:id", &path(&["connections", "a/b"])).as_deref(), Some("a/b"));
        assert_eq!(matches("/connections/:id", &path(&["connections", ""])), None);
        assert_eq!(matches("/connections", &path(&["connections"])).as_deref(), Some(""));
        assert_eq!(matches("/connections", &path(&["connections", "x"])), None);
        assert_eq!(matches("/proxy/*", &path(&["proxy", "a", "b"])).as_deref(), Some(""));
        assert_eq!(matches("/", &path(&[""])).as_deref(), Some(""));
    }
}
