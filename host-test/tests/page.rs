//! The Connect page of the embedded Nango, as a browser gets it; host-test/browser opens it in a real one.

mod demo;
mod hostile;
mod outcomes;

use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use nango_mcp_host::demo::Embedded;
use nango_mcp_host::nango::{Clock, Options};
use serde_json::{Value, json};

use super::bench::KEY;

/// 23 November 2026, 12:41:40 UTC.
const NOW: i64 = 1_795_437_700;

/// An embedded Nango, and a browser without any cleverness.
struct Bench {
    nango: Embedded,
    clock: Clock,
}

struct Reply {
    status: u16,
    headers: http::HeaderMap,
    html: String,
}

impl Reply {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// What stands between `<h1>` and its end, as text without tags.
    fn heading(&self) -> String {
        assert_eq!(self.html.matches("<h1>").count(), 1, "one h1: {}", self.html);
        let inner = self.html.split("<h1>").nth(1).and_then(|rest| rest.split("</h1>").next()).unwrap();
        inner.replace("<bdi>", "").replace("</bdi>", "")
    }

    /// What came of the last button, if that is told.
    fn outcome(&self) -> Option<String> {
        let inner = self.html.split("role=\"status\"").nth(1)?.split_once('>')?.1.split("</p>").next()?;
        Some(inner.replace("<bdi>", "").replace("</bdi>", ""))
    }

    #[track_caller]
    fn says(&self, words: &str) {
        assert!(self.html.contains(words), "no {words:?} in {}", self.html);
    }

    #[track_caller]
    fn keeps_quiet_about(&self, words: &str) {
        assert!(!self.html.contains(words), "{words:?} in {}", self.html);
    }
}

impl Bench {
    async fn start() -> Bench {
        let clock = Clock::fixed(NOW);
        let options = Options { clock: clock.clone(), ..Options::default() };
        let bench = Bench { nango: Embedded::with(([127, 0, 0, 1], 0).into(), KEY.into(), options).await.unwrap(), clock };
        // The catalogue's own name has its auth mode in it.
        assert_eq!(bench.api("PATCH", "/integrations/github", &json!({ "display_name": "GitHub" })).await.0, 200);
        bench
    }

    async fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let mut request = http::Request::builder().method(method).uri(format!("http://{}{target}", self.nango.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = client.request(request.body(Full::new(Bytes::from(body.to_owned()))).unwrap()).await.unwrap();
        let (head, body) = answer.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Reply { status: head.status.as_u16(), headers: head.headers, html: String::from_utf8(bytes.into()).unwrap() }
    }

    /// A call of Nango's API with the key.
    async fn api(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let bearer = format!("Bearer {KEY}");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let reply = self.send(method, path, &[("authorization", &bearer), ("content-type", "application/json")], &body).await;
        (reply.status, serde_json::from_str(&reply.html).unwrap_or_default())
    }

    async fn session_at(&self, path: &str, body: Value) -> String {
        let (status, made) = self.api("POST", path, &body).await;
        assert_eq!(status, 201, "{made}");
        made["data"]["token"].as_str().unwrap().to_owned()
    }

    async fn session(&self, body: Value) -> String {
        self.session_at("/connect/sessions", body).await
    }

    /// A session for these integrations and the person u1.
    async fn simple(&self, integrations: &[&str]) -> String {
        self.session(json!({ "allowed_integrations": integrations, "tags": { "end_user_id": "u1", "plan": "gold" } })).await
    }

    async fn open(&self, token: &str) -> Reply {
        self.send("GET", &format!("/?session_token={token}&apiURL=http%3A%2F%2Flocalhost"), &[], "").await
    }

    /// A button's answer.
    async fn press(&self, token: &str, button: &str, integration: &str) -> Reply {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let target = format!("/?session_token={token}&apiURL=http%3A%2F%2Flocalhost");
        self.send("POST", &target, &form, &format!("integration={}&do={button}", integration.replace(' ', "+"))).await
    }

    /// A button's answer, and the page to which it leads.
    async fn follow(&self, token: &str, button: &str, integration: &str) -> Reply {
        let reply = self.press(token, button, integration).await;
        assert_eq!((reply.status, reply.html.as_str()), (303, ""));
        assert_eq!(reply.header("location"), format!("?session_token={token}&apiURL=http%3A%2F%2Flocalhost"));
        let page = self.send("GET", &format!("/{}", reply.header("location")), &[], "").await;
        assert_eq!(page.status, 200);
        page
    }

    async fn connections(&self) -> Vec<Value> {
        let (_, list) = self.api("GET", "/connections", &Value::Null).await;
        list["connections"].as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn the_page_says_who_connects_what_until_when() {
    let bench = Bench::start().await;
    let user = json!({ "id": "ada", "display_name": "Ada Lovelace", "email": "ada@example.com" });
    let organization = json!({ "id": "engines", "display_name": "Analytical Engines" });
    let token = bench.session(json!({ "allowed_integrations": ["github"], "end_user": user, "organization": organization })).await;
    let page = bench.open(&token).await;
    assert_eq!((page.status, page.heading().as_str(), page.outcome()), (200, "Connect GitHub", None));
    for words in [
        "<html lang=\"en\">",
        "<main>",
        "<title>Connect \u{2013} embedded Nango</title>",
        "This is the embedded Nango of nango-mcp",
        "No real account is touched.",
        "<dt>For</dt><dd><bdi>Ada Lovelace</bdi> (<code><bdi>ada</bdi></code>)</dd>",
        "<dt>Email</dt><dd><bdi>ada@example.com</bdi></dd>",
        "<dt>Organization</dt><dd><bdi>Analytical Engines</bdi> (<code><bdi>engines</bdi></code>)</dd>",
        "<time datetime=\"2026-11-23T13:11:40.000Z\">13:11 UTC on 23 November 2026</time>",
        "without signing in",
        "<form method=\"post\">",
        ">Connect<span",
        ">Let it fail<span",
    ] {
        page.says(words);
    }
    page.keeps_quiet_about("Renews");
    page.keeps_quiet_about("<script");
    page.keeps_quiet_about("session_token");
    page.keeps_quiet_about(token.strip_prefix("nango_connect_session_").unwrap());
}

#[tokio::test]
async fn who_connects_may_stand_in_the_tags_or_nowhere() {
    let bench = Bench::start().await;
    let tags = json!({ "end_user_id": "u7", "end_user_email": "u7@example.com", "organization_id": "o1", "secret_plan": "gold" });
    let page = bench.open(&bench.session(json!({ "tags": tags })).await).await;
    for value in ["u7", "u7@example.com", "o1"] {
        page.says(&format!("<dd><bdi>{value}</bdi></dd>"));
    }
    page.keeps_quiet_about("gold");
    // No list means all integrations.
    assert_eq!((page.heading().as_str(), page.html.matches("<li>").count()), ("Connect your accounts", 7));
    let page = bench.open(&bench.session(json!({ "tags": {} })).await).await;
    page.keeps_quiet_about("<dt>For</dt>");
}

#[tokio::test]
async fn the_end_user_of_a_session_wins_over_its_tags() {
    let bench = Bench::start().await;
    let token = bench.session(json!({ "end_user": { "id": "u1" }, "tags": { "end_user_id": "u2" } })).await;
    let page = bench.open(&token).await;
    page.says("<dd><bdi>u1</bdi></dd>");
    page.keeps_quiet_about("u2");
}

#[tokio::test]
async fn a_link_that_does_not_work_says_so_and_why() {
    let bench = Bench::start().await;
    let cancelled = bench.simple(&["github"]).await;
    let bearer = format!("Bearer {cancelled}");
    assert_eq!(bench.send("DELETE", "/connect/session", &[("authorization", &bearer)], "").await.status, 204);
    let expired = bench.simple(&["github"]).await;
    assert_eq!(bench.open(&expired).await.status, 200);
    bench.clock.advance(Duration::from_secs(1800));
    let unknown = format!("nango_connect_session_{}", "0".repeat(64));
    let twice = format!("{unknown}&session_token={unknown}");
    let mut pages = Vec::new();
    for token in [&cancelled, &expired, &unknown, &twice, "", "x", "%22%3E%3Cscript%3Ealert(1)%3C/script%3E"] {
        let page = bench.open(token).await;
        assert_eq!((page.status, page.heading().as_str()), (404, "This link does not work"), "{token}");
        page.says("It has expired, it was cancelled, or it was never one.");
        page.says("Ask whoever gave it to you for a new one");
        let pressed = bench.press(token, "connect", "github").await;
        assert_eq!((pressed.status, &pressed.html), (404, &page.html), "{token}");
        pages.push(page.html);
    }
    pages.dedup();
    assert_eq!(pages.len(), 1, "which of them it was is nobody's business");
    assert_eq!(bench.connections().await.len(), 0);
}

#[tokio::test]
async fn an_address_without_a_token_is_no_link() {
    let bench = Bench::start().await;
    let page = bench.send("GET", "/", &[], "").await;
    assert_eq!((page.status, page.heading().as_str()), (200, "Embedded Nango"));
    page.says("create_connect_session");
    assert_eq!(bench.send("POST", "/", &[("content-type", "application/x-www-form-urlencoded")], "do=connect").await.status, 404);
}

#[tokio::test]
async fn looking_changes_nothing() {
    let bench = Bench::start().await;
    let token = bench.simple(&["github"]).await;
    let first = bench.open(&token).await.html;
    for method in ["GET", "HEAD", "GET"] {
        let target = format!("/?session_token={token}&do=connect&integration=github");
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let reply = bench.send(method, &target, &form, "do=connect&integration=github").await;
        assert_eq!(reply.status, 200);
    }
    assert_eq!(bench.open(&token).await.html, first);
    assert_eq!(bench.connections().await.len(), 0);
}

#[tokio::test]
async fn every_page_is_fenced_in() {
    let bench = Bench::start().await;
    let token = bench.simple(&["github"]).await;
    let open = bench.open(&token).await;
    let style = open.html.split("<style>").nth(1).and_then(|rest| rest.split("</style>").next()).unwrap();
    let hex = nango_mcp::access::digest(style);
    let digest: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect();
    let digest = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, digest);
    let policy = format!("default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'");
    for (reply, status) in [
        (open, 200),
        (bench.press(&token, "fail", "github").await, 303),
        (bench.press(&token, "connect", "github").await, 303),
        (bench.press(&token, "connect", "slack").await, 400),
        (bench.press(&token, "connect", "nope").await, 404),
        (bench.press(&token, "delete", "github").await, 400),
        (bench.send("POST", &format!("/?session_token={token}"), &[("content-type", "application/json")], "{}").await, 415),
        (bench.send("POST", &format!("/?session_token={token}"), &[], "do=connect&integration=github").await, 415),
        (bench.open("x").await, 404),
        (bench.send("GET", "/", &[], "").await, 200),
    ] {
        assert_eq!(reply.status, status, "{}", reply.html);
        assert_eq!(reply.header("content-security-policy"), policy);
        assert_eq!(reply.header("referrer-policy"), "no-referrer");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!(reply.header("access-control-allow-origin"), "", "no other site's script may read it");
        assert!(status == 303 || reply.header("content-type") == "text/html; charset=utf-8");
        for outside in ["src=", "href=", "url(", "@import", "http:", "https:"] {
            reply.keeps_quiet_about(outside);
        }
        reply.keeps_quiet_about(&token);
    }
}
