//! The HTTP endpoint under requests that nobody would send on purpose. The same requests go to the built component in
//! `host-test/tests/endpoint/fuzz.rs`. `make fuzz` gives both more time.

pub(crate) mod request;

use std::time::{Duration, Instant};

use nango_mcp::access::Access;
use nango_mcp::endpoint::{Head, answer, gate};
use nango_mcp::transport::{HttpAnswer, HttpRequest, TransportError};
use nango_mcp::{Config, Transport};

use self::request::{Counts, Request, corpus, judge, requests, runner};

/// A Nango that answers everything with the same little.
struct Dull;

impl Transport for Dull {
    fn send(&self, requests: &[HttpRequest], _within: Duration) -> Vec<Result<HttpAnswer, TransportError>> {
        let json = vec![("content-type".to_owned(), "application/json".to_owned())];
        requests.iter().map(|_| Ok(HttpAnswer { status: 200, headers: json.clone(), body: b"{\"data\":[]}".to_vec() })).collect()
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _duration: Duration) {}
}

/// One request through the whole of the endpoint; any bytes may be in it. A fuzzer of another kind can call it, too.
pub(crate) fn endpoint(request: &Request) -> (u16, String) {
    let vars = [("NANGO_SECRET_KEY", super::table::KEY), ("NANGO_MCP_ANONYMOUS", "loopback")];
    let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let access = Access::from_vars(&vars);
    let config = Config::from_vars(vars);
    let head = Head {
        method: request.method.clone(),
        target: request.target.clone(),
        authority: Some("localhost".into()),
        headers: request.headers.clone(),
    };
    let response = gate(&access, config.is_ok(), &head).unwrap_or_else(|| answer(&config, &Dull, &head, &request.body));
    (response.status, response.body)
}

#[test]
fn the_corpus_is_answered_in_many_ways() {
    let mut seen: Vec<u16> = corpus().iter().map(|request| endpoint(request).0).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, [200, 202, 400, 403, 404, 405, 415], "every kind of answer has an ancestor");
}

#[test]
#[allow(clippy::disallowed_methods, reason = "`make fuzz` says how long it goes on")]
fn mutated_requests_get_an_answer_that_mcp_knows() {
    let seconds = request::seconds();
    let (mut runner, strategy) = (runner(), requests());
    let (begun, mut counts) = (Instant::now(), Counts::default());
    while counts.requests < 10_000 || begun.elapsed() < seconds {
        let request = request::one(&strategy, &mut runner);
        let (status, body) = endpoint(&request);
        counts.count(&request, status);
        assert!(!body.contains(super::table::KEY), "{request:?}");
        judge(&request, status, &body).unwrap_or_else(|why| panic!("{why}\n{request:?}\n{status} {body}"));
    }
    request::tell(&format!("fuzz, the library: {counts}"));
    counts.check();
}
