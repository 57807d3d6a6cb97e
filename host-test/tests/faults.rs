//! A Nango that is slow, broken, lying or not there: every call ends inside its deadline with an explained error.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::json;

use super::bench::{Play, bad, embedded, good, json as answer, server, server_at, stub, typed};

/// A link is asked for from a Nango that plays this; the error's code, and what its sentence must say.
async fn check(play: Play, code: &str, says: &str) {
    let (address, count) = stub(play).await;
    let server = server_at(address, &[("NANGO_MCP_REQUEST_TIMEOUT", "1")]).await;
    let arguments = json!({"environment": "default", "allowed_integrations": ["github"], "tags": {"end_user_id": "u1"}});
    let begun = Instant::now();
    let result = server.call("create_connect_session", &arguments.to_string()).await.unwrap();
    let error = bad(&result);
    assert_eq!(error["code"], code, "{error}");
    let sentence = result.content[0].as_text().unwrap().text.clone();
    assert!(sentence.contains(says), "{sentence}");
    // A deadline, not a speed: the request's own limit is 1 s, a hang would be 20 s and more.
    assert!(begun.elapsed() < Duration::from_secs(10), "{code} took {:?}", begun.elapsed());
    assert!(count.load(Ordering::SeqCst) >= 1, "nothing was sent");
    // The next call works on a fresh instance: a list of environments needs no Nango.
    assert_ne!(server.call("list_environments", "{}").await.unwrap().is_error, Some(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nango_that_never_answers_is_a_timeout() {
    check(Play::Stall(Vec::new()), "timeout", "NANGO_MCP_REQUEST_TIMEOUT").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_stops_in_the_middle_is_a_timeout() {
    let half = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 400\r\n\r\n{\"data\":".to_vec();
    check(Play::Stall(half), "timeout", "within 1.0 s").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_drip_is_a_timeout() {
    let head = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{".to_vec();
    check(Play::Drip(head), "timeout", "look before you repeat it").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_is_told() {
    check(Play::Close, "connection_lost", "look before you repeat it").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_shorter_than_announced_is_told() {
    let short = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 400\r\n\r\n{\"data\":1}".to_vec();
    check(Play::Answer(short), "connection_lost", "broke before the answer").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_is_told() {
    check(Play::Answer(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), "protocol_error", "NANGO_BASE_URL").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_is_no_nango() {
    check(typed("200 OK", "text/html; charset=utf-8", "<!doctype html><title>Nango</title>"), "not_nango", "not of its dashboard").await;
    check(typed("404 Not Found", "text/html", "<pre>Cannot POST /connect/sessions</pre>"), "not_nango", "NANGO_BASE_URL").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_that_is_cut_off_is_told() {
    check(answer("201 Created", "{\"data\":{\"token\":"), "invalid_answer", "not whole JSON").await;
    check(answer("201 Created", "{\"data\":{}}"), "invalid_answer", "not what Nango answers with").await;
    check(answer("201 Created", "[1]"), "invalid_answer", "not what Nango answers with").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_error_is_told_with_its_id() {
    let body = r#"{"error":{"message":"An error occurred. Please contact support with this unique id: 7","code":"generic_error_support","payload":"7"}}"#;
    check(answer("500 Internal Server Error", body), "nango_failed", "unique id: 7").await;
    check(answer("502 Bad Gateway", ""), "nango_failed", "502").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let moved = b"HTTP/1.1 301 Moved\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n".to_vec();
    check(Play::Answer(moved), "redirected", "not followed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_above_the_cap_is_given_up() {
    let announced = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 99999999999\r\n\r\n".to_vec();
    check(Play::Stall(announced), "answer_too_large", "4 MiB").await;
    let mut unannounced = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\n\r\n\"".to_vec();
    unannounced.resize(5 << 20, b'x');
    check(Play::Answer(unannounced), "answer_too_large", "4 MiB").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deeply_nested_json_does_not_trap() {
    check(answer("201 Created", &"[".repeat(100_000)), "invalid_answer", "not whole JSON").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_told_and_nothing_may_have_happened() {
    // Bound and dropped: nothing listens on it now.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = server_at(free, &[]).await;
    let result = server.call("create_connect_session", r#"{"allowed_integrations":["github"],"tags":{"a":"b"}}"#).await.unwrap();
    let error = bad(&result);
    assert_eq!((&error["code"], &error["outcome_unknown"]), (&json!("connection_refused"), &json!(null)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_does_not_resolve_is_told() {
    let vars = [("NANGO_BASE_URL", "http://nango.invalid"), ("NANGO_SECRET_KEY", super::bench::KEY)];
    let result = server(&vars).await.call("list_integrations", "{}").await.unwrap();
    assert_eq!(bad(&result)["code"], "unresolved_host");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_to_a_server_without_it_is_told() {
    let (address, _) = stub(Play::Answer(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())).await;
    let base = format!("https://{address}");
    let vars = [("NANGO_BASE_URL", base.as_str()), ("NANGO_SECRET_KEY", super::bench::KEY)];
    let result = server(&vars).await.call("list_integrations", "{}").await.unwrap();
    assert_eq!(bad(&result)["code"], "tls_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rate_limit_is_waited_out_or_told() {
    let body = r#"{"error":{"code":"too_many_request","method":"POST","path":"/connect/sessions"}}"#;
    let limited = |seconds: u32| {
        let head = format!("HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\nretry-after: {seconds}\r\n");
        Play::Answer(format!("{head}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).into_bytes())
    };
    let (address, count) = stub(limited(57)).await;
    let server = server_at(address, &[]).await;
    let result = server.call("list_integrations", "{}").await.unwrap();
    let error = bad(&result);
    assert_eq!((&error["code"], &error["retry_after_seconds"]), (&json!("rate_limited"), &json!(57)), "{error}");
    assert_eq!(count.load(Ordering::SeqCst), 1, "57 s do not fit into a call of 55 s");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_head_has_no_body_whatever_its_length_says() {
    let head = |status: &str| {
        Play::Answer(
            format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: 6000000\r\nconnection: close\r\n\r\n").into(),
        )
    };
    let arguments = r#"{"provider_config_key":"github","connection_id":"c-1","method":"HEAD","path":"/user"}"#;
    for (status, ok) in [("200 OK", true), ("404 Not Found", false)] {
        let (address, _) = stub(head(status)).await;
        let result = server_at(address, &[]).await.call("proxy_request", arguments).await.unwrap();
        assert_eq!(good(&result)["ok"], ok, "{result:?}");
    }
    let nango = embedded().await;
    let result = server_at(nango.address, &[]).await.call("proxy_request", arguments).await.unwrap();
    assert!(good(&result)["response_meta"]["warnings"].to_string().contains("unknown connection"), "{result:?}");
}
