//! The whole conversation over stdio of the built host: questions to the person, the wait, signs of life, cancellation.

#![allow(clippy::needless_pass_by_value, reason = "a `json!` written where it is used is given away")]

use std::time::{Duration, Instant};

use nango_mcp_host::demo::Embedded;
use serde_json::{Value, json};

use super::bench::{KEY, embedded};
use super::stdio::Client;

const MODERN: &str = "2026-07-28";

/// A client that has shaken hands, with these capabilities, in front of that Nango.
fn client(nango: &Embedded, capabilities: Value, more: &[(&str, &str)]) -> Client {
    let mut client = stateless(nango, more);
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": {"name": "t", "version": "1"}});
    client.ask(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}));
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    client
}

fn stateless(nango: &Embedded, more: &[(&str, &str)]) -> Client {
    let base = format!("http://{}", nango.address);
    let own = [("NANGO_BASE_URL", base.as_str()), ("NANGO_SECRET_KEY", KEY)];
    Client::with(&[], &own.into_iter().chain(more.iter().copied()).collect::<Vec<_>>())
}

fn call(id: u32, name: &str, arguments: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name, "arguments": arguments}})
}

/// The same in the stateless revision, with what the client can do and what it brings back.
fn modern(id: u32, name: &str, arguments: &Value, capabilities: &Value, back: Value) -> Value {
    let mut call = call(id, name, arguments);
    let params = call["params"].as_object_mut().unwrap();
    params.extend(back.as_object().unwrap().clone());
    params.insert(
        "_meta".into(),
        json!({"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": capabilities}),
    );
    call
}

fn token(link: &str) -> &str {
    link.split("session_token=").nth(1).unwrap().split('&').next().unwrap()
}

fn ensure() -> Value {
    json!({"provider_config_key": "github", "end_user_id": "u1"})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_opened_by_the_client_and_its_completion_told() {
    let nango = embedded().await;
    let mut client = client(&nango, json!({"elicitation": {"form": {}, "url": {}}}), &[]);
    client.send(&call(1, "ensure_connection", &ensure()));
    let question = client.next();
    assert_eq!((&question["method"], &question["params"]["mode"]), (&json!("elicitation/create"), &json!("url")), "{question}");
    let (url, id) = (question["params"]["url"].as_str().unwrap(), question["params"]["elicitationId"].clone());
    assert!(question["params"]["message"].as_str().unwrap().starts_with("Please open the link to connect github;"));
    client.send(&json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept"}}));
    let answer = client.next();
    let result = &answer["result"];
    assert_eq!((&answer["id"], &result["isError"]), (&json!(1), &json!(false)), "{answer}");
    assert!(!answer.to_string().contains("nango_connect_session_"), "{answer}");
    assert_eq!(result["structuredContent"]["status"], "connect_required");
    assert_eq!(nango.nango.sessions(), 1, "the answer made no second link");

    // The wait is on when the person finishes.
    let waits = result["structuredContent"]["next"].clone();
    client.send(&call(2, waits["tool"].as_str().unwrap(), &waits["arguments"]));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let connection = nango.nango.complete(token(url), "github").unwrap();
    let told = client.next();
    assert_eq!(told, json!({"jsonrpc": "2.0", "method": "notifications/elicitation/complete", "params": {"elicitationId": id}}));
    let answer = client.next();
    assert_eq!(answer["result"]["structuredContent"]["status"], "connected", "{answer}");
    assert_eq!(answer["result"]["structuredContent"]["connection_id"], connection);
    // It is told once.
    let answer = client.ask(&call(3, waits["tool"].as_str().unwrap(), &waits["arguments"]));
    assert_eq!(answer["result"]["structuredContent"]["status"], "connected");
    // And now there is nothing to do.
    let answer = client.ask(&call(4, "ensure_connection", &ensure()));
    assert_eq!(answer["result"]["structuredContent"]["status"], "connected", "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_capability_the_link_is_text() {
    let nango = embedded().await;
    for capabilities in [json!({}), json!({"elicitation": {}}), json!({"elicitation": {"form": {}}})] {
        let mut legacy = client(&nango, capabilities.clone(), &[]);
        let answer = legacy.ask(&call(1, "ensure_connection", &ensure()));
        assert!(answer["result"]["structuredContent"]["connect_link"].is_string(), "{capabilities}: {answer}");
        let mut modern_client = stateless(&nango, &[]);
        let answer = modern_client.ask(&modern(1, "ensure_connection", &ensure(), &capabilities, json!({})));
        assert!(answer["result"]["structuredContent"]["connect_link"].is_string(), "{capabilities}: {answer}");
        // Under `elicit` none is made.
        let mut strict = client(&nango, capabilities, &[("NANGO_MCP_LINK_DELIVERY", "elicit")]);
        let answer = strict.ask(&call(1, "ensure_connection", &ensure()));
        assert_eq!(answer["result"]["_meta"]["nango-mcp/error"]["code"], "link_not_deliverable", "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_declines_or_fails_to_ask() {
    let nango = embedded().await;
    let url = || json!({"elicitation": {"url": {}}});
    for (answer, delivery, code) in [
        (json!({"result": {"action": "decline"}}), "auto", Some("declined")),
        (json!({"result": {"action": "cancel"}}), "elicit", Some("declined")),
        (json!({"error": {"code": -32603, "message": "no browser"}}), "auto", None),
        (json!({"error": {"code": -32603, "message": "no browser"}}), "elicit", Some("link_not_deliverable")),
    ] {
        let mut client = client(&nango, url(), &[("NANGO_MCP_LINK_DELIVERY", delivery)]);
        client.send(&call(1, "ensure_connection", &ensure()));
        let question = client.next();
        let mut reply = json!({"jsonrpc": "2.0", "id": question["id"]});
        reply.as_object_mut().unwrap().extend(answer.as_object().unwrap().clone());
        client.send(&reply);
        let result = client.next()["result"].clone();
        match code {
            Some(code) => {
                assert_eq!(result["_meta"]["nango-mcp/error"]["code"], code, "{result}");
                assert!(!result.to_string().contains("nango_connect_session_"), "{result}");
            }
            None => assert!(result["structuredContent"]["connect_link"].is_string(), "text always works: {result}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stateless_revision_answers_with_the_question() {
    let nango = embedded().await;
    let mut client = stateless(&nango, &[("NANGO_MCP_APPROVAL", "elicit")]);
    let both = json!({"elicitation": {"form": {}, "url": {}}});
    let asked = client.ask(&modern(1, "ensure_connection", &ensure(), &both, json!({})))["result"].clone();
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let form = &asked["inputRequests"]["approve"];
    assert_eq!((&form["method"], &form["params"]["mode"]), (&json!("elicitation/create"), &json!("form")));
    assert_eq!(form["params"]["requestedSchema"]["properties"]["approve"]["type"], "boolean");
    assert!(nango.nango.requests().is_empty(), "asked before anything is sent");

    let yes =
        json!({"inputResponses": {"approve": {"action": "accept", "content": {"approve": true}}}, "requestState": asked["requestState"]});
    let asked = client.ask(&modern(2, "ensure_connection", &ensure(), &both, yes))["result"].clone();
    let link = &asked["inputRequests"]["open_link"]["params"];
    assert_eq!((&asked["resultType"], &link["mode"]), (&json!("input_required"), &json!("url")), "{asked}");
    assert!(link["url"].as_str().unwrap().contains("session_token="));

    let opened = json!({"inputResponses": {"open_link": {"action": "accept"}}, "requestState": asked["requestState"]});
    let answer = client.ask(&modern(3, "ensure_connection", &ensure(), &both, opened))["result"].clone();
    assert_eq!((&answer["resultType"], &answer["structuredContent"]["status"]), (&json!("complete"), &json!("connect_required")));
    assert!(!answer.to_string().contains("nango_connect_session_") && nango.nango.sessions() == 1, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_is_asked_with_plain_words_and_only_for_writes() {
    let nango = embedded().await;
    let mut client = client(&nango, json!({"elicitation": {}}), &[("NANGO_MCP_APPROVAL", "elicit")]);
    let answer = client.ask(&call(1, "list_integrations", &json!({})));
    assert_eq!(answer["result"]["isError"], false, "a read asks nobody: {answer}");
    client.send(&call(2, "delete_integration", &json!({"integration_id": "github"})));
    let question = client.next();
    let message = question["params"]["message"].as_str().unwrap();
    for part in ["delete_integration", "in environment default?", "deletes or overwrites", "github"] {
        assert!(message.contains(part), "{message}");
    }
    client.send(&json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {"approve": false}}}));
    assert_eq!(client.next()["result"]["_meta"]["nango-mcp/error"]["code"], "declined");
    let listed = client.ask(&call(3, "list_integrations", &json!({})));
    assert!(listed.to_string().contains("\"github\""), "it is still there");
    client.send(&call(4, "delete_integration", &json!({"integration_id": "github"})));
    let question = client.next();
    client.send(&json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {"approve": true}}}));
    assert_eq!(client.next()["result"]["structuredContent"]["deleted"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_call_gives_signs_of_life_and_a_cancelled_one_stops() {
    let nango = embedded().await;
    let mut client = client(&nango, json!({}), &[]);
    let arguments = json!({"provider_config_keys": ["github"], "end_user_id": "nobody", "timeout_seconds": 3});
    let mut long = call(1, "wait_for_connection", &arguments);
    long["params"]["_meta"] = json!({"progressToken": "p-1"});
    client.send(&long);
    let mut seconds = Vec::new();
    let answer = loop {
        let message = client.next();
        if message["method"] != "notifications/progress" {
            break message;
        }
        assert_eq!(message["params"]["progressToken"], "p-1");
        seconds.push(message["params"]["progress"].as_f64().unwrap());
    };
    assert_eq!(answer["result"]["structuredContent"]["status"], "pending", "{answer}");
    assert!(seconds.len() >= 2 && seconds.windows(2).all(|pair| pair[0] < pair[1]), "{seconds:?}");
    // A short call, or one without a token, says nothing.
    let mut short = call(2, "list_environments", &json!({}));
    short["params"]["_meta"] = json!({"progressToken": 7});
    assert!(client.ask(&short)["result"].is_object());

    let arguments = json!({"provider_config_keys": ["github"], "end_user_id": "nobody", "timeout_seconds": 50});
    client.send(&call(3, "wait_for_connection", &arguments));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 3, "reason": "enough"}}));
    // What comes next is the answer to this, not to the cancelled call.
    assert!(client.ask(&call(4, "list_environments", &json!({})))["result"].is_object());
    let looks = nango.nango.requests().len();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(nango.nango.requests().len(), looks, "it polls no longer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_returns_within_a_look_of_the_click() {
    let nango = embedded().await;
    let mut late = Vec::new();
    // Clicks spread over the seconds between two looks; two people wait for the same person.
    for delay in [100, 450, 800, 1150, 1500, 1850] {
        let server = super::bench::server_at(nango.address, &[]).await;
        let ada = json!({"provider_config_key": "github", "end_user_id": format!("ada-{delay}")});
        let link = server.call("ensure_connection", &ada.to_string()).await.unwrap();
        let link = super::bench::good(&link).clone();
        let waits = link["next"]["arguments"].to_string();
        let waiting: Vec<_> = (0..2)
            .map(|_| {
                let (server, waits) = (server.clone(), waits.clone());
                tokio::spawn(async move { (server.call("wait_for_connection", &waits).await.unwrap(), Instant::now()) })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(delay)).await;
        let id = nango.nango.complete(token(link["connect_link"].as_str().unwrap()), "github").unwrap();
        let clicked = Instant::now();
        for one in waiting {
            let (result, at) = one.await.unwrap();
            assert_eq!(super::bench::good(&result)["connection_id"], id);
            late.push(at.duration_since(clicked));
        }
    }
    late.sort();
    // One interval and time for a look; that it is 0.2 s at most is for a machine that does nothing else.
    assert!(late.last().unwrap() < &Duration::from_millis(2500), "{late:?}");
    println!("from click to answer: {late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_looked_at_and_taken_back() {
    let nango = embedded().await;
    let server = super::bench::server_at(nango.address, &[]).await;
    let link = super::bench::good(&server.call("ensure_connection", &ensure().to_string()).await.unwrap())["connect_link"].clone();
    let held = json!({"connect_link": link}).to_string();
    let state = async |tool: &str| super::bench::good(&server.call(tool, &held).await.unwrap()).clone();
    let seen = state("get_connect_session").await;
    assert_eq!((&seen["status"], &seen["allowed_integrations"]), (&json!("open"), &json!(["github"])), "{seen}");
    assert_eq!(state("cancel_connect_session").await, json!({"cancelled": true, "was_open": true}));
    assert_eq!(state("cancel_connect_session").await, json!({"cancelled": true, "was_open": false}));
    assert_eq!(state("get_connect_session").await, json!({"status": "expired"}));
    assert!(nango.nango.complete(token(link.as_str().unwrap()), "github").is_err());
}
