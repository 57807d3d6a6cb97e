//! Mutated requests to the built component, each in an instance of its own: what a client cannot see, a trap, is counted.

#[path = "../../../tests/fuzz/request.rs"]
mod request;

use std::time::Instant;

use http_body_util::{BodyExt as _, Full};
use nango_mcp_host::incoming::Handler;
use nango_mcp_host::limits::Limits;
use nango_mcp_host::sandbox::Sandbox;

use self::request::{Counts, Request, judge, one, requests, runner, seconds};
use super::super::bench::KEY;
use super::{OPEN, World};

fn of(request: &Request) -> Option<http::Request<wasmtime_wasi_http::WasiBody>> {
    let mut made = http::Request::builder().method(request.method.as_str()).uri(request.target.as_str());
    for (name, value) in &request.headers {
        made = made.header(name, value.as_bytes());
    }
    if !request.headers.iter().any(|(name, _)| name == "host") {
        made = made.header("host", "localhost");
    }
    let body = Full::new(request.body.clone().into()).map_err(|never| match never {});
    // wasmtime itself refuses a Host that is no text, before there is an instance.
    made.body(body.boxed_unsync()).ok().filter(|made| made.headers().get("host").is_none_or(|host| host.to_str().is_ok()))
}

#[tokio::test(flavor = "multi_thread")]
async fn mutated_requests_do_not_trap() {
    let world = World::new().await;
    let grant = nango_mcp_host::settings::grant(&world.with(&[OPEN])).unwrap();
    let handler = Handler::of(Sandbox::load(&super::super::bench::component(), grant, Limits::default()).unwrap()).unwrap();
    let (mut runner, strategy) = (runner(), requests());
    let (begun, mut counts, mut traps, mut no_http) = (Instant::now(), Counts::default(), 0, 0);
    while counts.requests < 10_000 || begun.elapsed() < seconds() {
        let request = one(&strategy, &mut runner);
        // What no HTTP server would hand on.
        let Some(sent) = of(&request) else {
            no_http += 1;
            continue;
        };
        let handled = handler.handle(sent).await;
        let response = handled.response.unwrap_or_else(|| panic!("no response\n{request:?}"));
        let status = response.status().as_u16();
        let body = String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
        if !matches!(handled.ended.await, Ok(Ok(()))) {
            traps += 1;
            println!("TRAP {request:?}");
        }
        counts.count(&request, status);
        assert!(!body.contains(KEY), "{request:?}");
        judge(&request, status, &body).unwrap_or_else(|why| panic!("{why}\n{request:?}\n{status} {body}"));
    }
    println!("fuzz, the built component: {counts}; {no_http} were no HTTP; {traps} traps");
    assert_eq!(traps, 0);
    counts.check();
}
