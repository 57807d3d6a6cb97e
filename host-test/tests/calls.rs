//! The built component against the embedded Nango, over sockets.

use nango_mcp::tools::TOOLS;
use serde_json::{Value, json};

use super::bench::{KEY, bad, embedded, good, server, server_at};

const LINK: &str = r#"{"environment":"default","allowed_integrations":["github"],"tags":{"end_user_id":"u1"}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_made_opened_and_found() {
    let nango = embedded().await;
    let server = server_at(nango.address, &[]).await;
    let session = server.call("create_connect_session", LINK).await.unwrap();
    let session = good(&session);
    let link = session["connect_link"].as_str().unwrap();
    let api = format!("apiURL=http%3A%2F%2F127.0.0.1%3A{}", nango.address.port());
    assert!(link.starts_with(&format!("http://{}/?session_token=nango_connect_session_", nango.address)) && link.ends_with(&api), "{link}");
    assert_eq!(session.get("token"), None, "only with include_token");

    let token = link.split("session_token=").nth(1).unwrap().split('&').next().unwrap();
    // Nango writes whole milliseconds: nobody is as fast as this test.
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    let id = nango.nango.complete(token, "github").unwrap();
    let next = server.call(session["next"]["tool"].as_str().unwrap(), &session["next"]["arguments"].to_string()).await.unwrap();
    assert_eq!((&good(&next)["status"], &good(&next)["connection_id"]), (&json!("connected"), &json!(id)));
    let then = server.call(good(&next)["next"]["tool"].as_str().unwrap(), &good(&next)["next"]["arguments"].to_string()).await.unwrap();
    assert_eq!(good(&then)["tags"], json!({"end_user_id": "u1"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_four_first_mistakes_get_four_different_answers() {
    let nango = embedded().await;
    let base = format!("http://{}", nango.address);
    let elsewhere = embedded().await;
    drop(elsewhere);
    let wrong_key = [("NANGO_BASE_URL", base.as_str()), ("NANGO_SECRET_KEY", "00000000-0000-4000-8000-000000000000")];
    let right = [("NANGO_BASE_URL", base.as_str()), ("NANGO_SECRET_KEY", KEY)];
    let wrong_url = [("NANGO_BASE_URL", "http://127.0.0.1:9"), ("NANGO_SECRET_KEY", KEY)];
    let unknown = r#"{"allowed_integrations":["github","githib"],"tags":{"end_user_id":"u1"}}"#;
    let nobody = r#"{"allowed_integrations":["github"]}"#;
    for (vars, arguments, code, field, says) in [
        (wrong_key, LINK, "key_rejected", json!(null), "NANGO_SECRET_KEY"),
        (wrong_url, LINK, "connection_refused", json!(null), "http://127.0.0.1:9"),
        (right, unknown, "unknown_integration", json!("allowed_integrations[1]"), "list_integrations"),
        (right, nobody, "person_missing", json!("tags"), "end_user_id"),
    ] {
        let result = server(&vars).await.call("create_connect_session", arguments).await.unwrap();
        let error = bad(&result);
        assert_eq!((&error["code"], &error["field"]), (&json!(code), &field), "{error}");
        let sentence = &result.content[0].as_text().unwrap().text;
        assert!(sentence.contains(says), "{sentence}");
        assert!(!format!("{:?}", result.content).contains("0000-4000"), "the key must not be repeated");
    }
    assert_eq!(nango.nango.sessions(), 0, "none of them made a session");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_input_sends_nothing() {
    let nango = embedded().await;
    let server = server_at(nango.address, &[]).await;
    let hidden = "sk-live-51H8qNOTREPEATED";
    for (tool, arguments) in [
        ("create_connect_session", json!({"allowed_integrations": [], "tags": {}})),
        ("create_connect_session", json!({"allowed_integrations": [hidden, 1], "tags": {}})),
        ("create_connect_session", json!({"allowedIntegrations": ["github"], "tags": {}})),
        ("create_connect_session", json!({"allowed_integrations": ["github"], "tags": {"1": hidden}})),
        ("create_connect_session", json!({"allowed_integrations": ["github"], "end_user": {"id": 1}})),
        ("create_connect_session", json!({"allowed_integrations": ["github"], "tags": {"a": "x".repeat(256)}})),
        ("create_connect_session", json!({"allowed_integrations": ["github"], "tags": {}, "webhook_url_override": hidden})),
        (
            "create_standard_connect_session",
            json!({"provider_config_key": "github", "principal": hidden, "owner_kind": hidden, "purpose": "documents"}),
        ),
        ("create_reconnect_session", json!({"connection_id": "../integrations", "provider_config_key": "github"})),
        ("get_connection", json!({"connection_id": "%2e%2e/integrations?x=", "provider_config_key": "github"})),
        ("get_connection", json!({"connection_id": "c1", "provider_config_key": ".."})),
        ("list_connections", json!({"limit": 0})),
        ("list_connections", json!({"cursor": "50_t_0"})),
        ("list_connections", json!({"environment": hidden})),
    ] {
        let result = server.call(tool, &arguments.to_string()).await.unwrap();
        let error = bad(&result);
        assert_eq!(error["kind"], "argument", "{tool} {arguments} {error}");
        assert!(!format!("{:?}", result.content).contains(hidden), "{tool} repeats a value: {error}");
    }
    assert!(nango.nango.requests().is_empty(), "{:?}", nango.nango.requests().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_stay_in_their_segment() {
    let nango = embedded().await;
    let server = server_at(nango.address, &[]).await;
    for id in ["a/b", "a b", "u@example.com", "a|b${c}", "back\\slash", "quote'\"", "[x],;:=+~"] {
        nango.nango.clear_requests();
        let arguments = json!({"connection_id": id, "provider_config_key": "github"});
        let result = server.call("get_connection", &arguments.to_string()).await.unwrap();
        assert_eq!(bad(&result)["code"], "unknown_connection", "{id}");
        let seen = nango.nango.requests();
        let path = &seen[0].path;
        let segment = path.strip_prefix("/connections/").and_then(|rest| rest.strip_suffix("?provider_config_key=github"));
        assert!(seen.len() == 1 && segment.is_some_and(|segment| !segment.contains(['/', '?', '#', ' ', '\\'])), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconnect_keeps_tags_end_to_end() {
    let nango = embedded().await;
    let server = server_at(nango.address, &[]).await;
    let tags = json!({"end_user_id": "u1", "team": "blue"});
    let arguments = json!({"allowed_integrations": ["airtable-pat"], "tags": tags, "include_token": true});
    let session = server.call("create_connect_session", &arguments.to_string()).await.unwrap();
    let id = nango.nango.complete(good(&session)["token"].as_str().unwrap(), "airtable-pat").unwrap();
    nango.nango.break_connection(&id, "airtable-pat");

    let arguments = json!({"connection_id": id, "provider_config_key": "airtable-pat", "tags": {"Team": "red"}, "include_token": true});
    let session = server.call("create_reconnect_session", &arguments.to_string()).await.unwrap();
    let session = good(&session);
    assert_eq!(session["preserved_tags"], json!({"end_user_id": "u1"}), "the given tag wins");
    nango.nango.complete(session["token"].as_str().unwrap(), "airtable-pat").unwrap();
    let connection = nango.nango.connection(&id, "airtable-pat").unwrap();
    assert_eq!((&connection["tags"], &connection["errors"]), (&json!({"team": "red", "end_user_id": "u1"}), &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_connections_at_a_time() {
    let nango = embedded().await;
    let server = server_at(nango.address, &[]).await;
    let session = server.call("create_connect_session", &LINK.replace("\"tags\"", "\"include_token\":true,\"tags\"")).await.unwrap();
    for _ in 0..7 {
        nango.nango.complete(good(&session)["token"].as_str().unwrap(), "github").unwrap();
    }
    let (mut cursor, mut ids) = (Value::Null, Vec::new());
    loop {
        let mut arguments = json!({"end_user_id": "u1", "limit": 3});
        if cursor.is_string() {
            arguments["cursor"] = cursor;
        }
        let page = server.call("list_connections", &arguments.to_string()).await.unwrap();
        let page = good(&page);
        ids.extend(page["connections"].as_array().unwrap().iter().map(|row| row["connection_id"].to_string()));
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((all, ids.len()), (7, 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_is_checked() {
    let nango = embedded().await;
    let result = server_at(nango.address, &[]).await.call("check_environment", "{}").await.unwrap();
    let report = good(&result);
    assert_eq!((&report["ready"], &report["problems"]), (&json!(true), &json!([])), "{report}");
    assert_eq!(report["scopes"]["environment:connections:list"], "granted");
    assert_eq!(report["rate_limit"]["limit"], 200);

    let gone = server(&[("NANGO_BASE_URL", "http://127.0.0.1:9"), ("NANGO_SECRET_KEY", KEY)]).await;
    let result = gone.call("check_environment", "{}").await.unwrap();
    let report = good(&result);
    assert_eq!((&report["ready"], &report["reachable"]), (&json!(false), &json!(false)), "{report}");
    assert!(report["problems"][0].as_str().unwrap().contains("nobody answers"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_tools_are_listed_and_calls_name_the_variable() {
    let server = server(&[]).await;
    let tools = server.tools();
    let listed: Vec<&str> = tools.iter().map(|tool| &*tool.name).collect();
    assert_eq!(listed, TOOLS.iter().map(|entry| entry.name).collect::<Vec<_>>());
    let result = server.call("list_connections", "{}").await.unwrap();
    assert_eq!(bad(&result)["code"], "missing_key");
    assert!(result.content[0].as_text().unwrap().text.contains("NANGO_SECRET_KEY"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_is_independent() {
    let nango = embedded().await;
    let server = server_at(nango.address, &[]).await;
    let calls: Vec<_> = (0..100)
        .map(|n| {
            let server = server.clone();
            let tags = json!({"allowed_integrations": ["github"], "tags": {"end_user_id": format!("u{n}")}});
            tokio::spawn(async move { server.call("create_connect_session", &tags.to_string()).await.unwrap() })
        })
        .collect();
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(good(&call.await.unwrap())["tags"]["end_user_id"], format!("u{n}"));
    }
    assert_eq!(nango.nango.sessions(), 100);
}
