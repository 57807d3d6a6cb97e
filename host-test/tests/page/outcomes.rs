//! What the buttons do.

use serde_json::{Value, json};

use super::Bench;

#[tokio::test]
async fn connecting_makes_the_connection_with_its_tags() {
    let bench = Bench::start().await;
    let token = bench.simple(&["github"]).await;
    let page = bench.follow(&token, "connect", "github").await;
    assert_eq!(page.heading(), "Done");
    assert_eq!(page.outcome().unwrap(), "GitHub is connected. You can close this page.");
    page.says("<title>Done \u{2013} embedded Nango</title>");
    let connections = bench.connections().await;
    assert_eq!(connections.len(), 1);
    assert_eq!(connections[0]["tags"], json!({ "plan": "gold", "end_user_id": "u1" }));
    page.says(connections[0]["connection_id"].as_str().unwrap());
    page.keeps_quiet_about("Let it fail");
}

#[tokio::test]
async fn pressed_twice_it_connects_once_and_another_account_only_when_asked() {
    let bench = Bench::start().await;
    let token = bench.simple(&["github"]).await;
    bench.follow(&token, "connect", "github").await;
    let page = bench.follow(&token, "connect", "github").await;
    assert_eq!((bench.connections().await.len(), page.heading().as_str()), (1, "Done"));
    bench.follow(&token, "another", "github").await;
    assert_eq!(bench.connections().await.len(), 2);
    // The way without the page counts as well, and knows no slips: it is what the real one does.
    let target = format!("/connect/complete?session_token={token}");
    assert_eq!(bench.send("POST", &target, &[], "").await.status, 200);
    let page = bench.open(&token).await;
    assert_eq!(page.html.matches("Connection <code>").count(), 3);
}

#[tokio::test]
async fn several_integrations_are_connected_one_by_one() {
    let bench = Bench::start().await;
    let token = bench.simple(&["slack", "github", "slack", "stripe-api-key"]).await;
    let page = bench.open(&token).await;
    assert_eq!((page.heading().as_str(), page.html.matches("<li>").count()), ("Connect your accounts", 3));
    page.says("without a password");
    let page = bench.follow(&token, "connect", "github").await;
    assert_eq!(page.heading(), "Connect your accounts");
    assert_eq!(page.outcome().unwrap(), "GitHub is connected. Connect another, or close this page.");
    assert_eq!((page.html.matches(">Connected<").count(), page.html.matches(">Let it fail<").count()), (1, 2));
    bench.follow(&token, "connect", "stripe-api-key").await;
    let page = bench.follow(&token, "connect", "slack").await;
    assert_eq!((page.heading().as_str(), page.outcome().unwrap().as_str()), ("Done", "Slack is connected. You can close this page."));
    let made: Vec<Value> = bench.connections().await.iter().map(|row| row["provider_config_key"].clone()).collect();
    assert_eq!(made, [json!("slack"), json!("stripe-api-key"), json!("github")], "newest first");
}

#[tokio::test]
async fn a_provider_that_says_no_connects_nothing_and_can_be_tried_again() {
    let bench = Bench::start().await;
    let token = bench.simple(&["github", "slack"]).await;
    let page = bench.follow(&token, "fail", "github").await;
    assert_eq!(page.outcome().unwrap(), "GitHub said no. Nothing was connected. You can try again.");
    page.says("<title>Not connected \u{2013} embedded Nango</title>");
    assert_eq!((bench.connections().await.len(), page.html.matches(">Connect<").count()), (0, 2));
    let page = bench.follow(&token, "connect", "github").await;
    assert!(page.outcome().unwrap().starts_with("GitHub is connected."));
    // Another account that fails takes nothing from the first.
    let page = bench.follow(&token, "fail", "github").await;
    assert_eq!((bench.connections().await.len(), page.html.matches(">Connected<").count()), (1, 1));
    assert!(page.outcome().unwrap().starts_with("GitHub said no."));
}

/// A connection of u1's at github that has stopped working.
async fn broken(bench: &Bench) -> String {
    let id = bench.nango.nango.complete(&bench.simple(&["github"]).await, "github").unwrap();
    let (status, answer) = bench.api("POST", "/_demo/break", &json!({ "connection_id": id, "provider_config_key": "github" })).await;
    assert_eq!((status, answer), (200, json!({ "success": true })));
    id
}

async fn reconnect(bench: &Bench, id: &str) -> String {
    let body = json!({ "connection_id": id, "integration_id": "github", "tags": { "end_user_id": "u1", "plan": "gold" } });
    bench.session_at("/connect/sessions/reconnect", body).await
}

#[tokio::test]
async fn reconnecting_repairs_the_same_connection() {
    let bench = Bench::start().await;
    let id = broken(&bench).await;
    let token = reconnect(&bench, &id).await;
    let page = bench.open(&token).await;
    assert_eq!((page.heading().as_str(), page.outcome()), ("Connect GitHub again", None));
    page.says(&format!("<dt>Renews the connection</dt><dd><code><bdi>{id}</bdi></code></dd>"));
    page.says("The connection has stopped working.");

    let page = bench.follow(&token, "fail", "github").await;
    assert_eq!(page.outcome().unwrap(), "GitHub said no. The connection is as it was before. You can try again.");
    page.says("The connection has stopped working.");
    assert_ne!(bench.nango.nango.connection(&id, "github").unwrap()["errors"], json!([]));

    let page = bench.follow(&token, "connect", "github").await;
    assert_eq!(page.heading(), "Done");
    assert_eq!(page.outcome().unwrap(), "GitHub is connected again and has kept its id. You can close this page.");
    page.keeps_quiet_about("<button");
    let connections = bench.connections().await;
    assert_eq!(connections.len(), 1);
    assert_eq!((&connections[0]["connection_id"], &connections[0]["errors"]), (&json!(id), &json!([])));
    assert_eq!(connections[0]["tags"], json!({ "plan": "gold", "end_user_id": "u1" }));

    // Broken again while the link still works: nothing is done any more, and the link repairs once more.
    bench.nango.nango.break_connection(&id, "github");
    let page = bench.open(&token).await;
    assert_eq!((page.heading().as_str(), page.outcome()), ("Connect GitHub again", None));
    assert_eq!(bench.follow(&token, "connect", "github").await.heading(), "Done");
}

#[tokio::test]
async fn the_page_knows_how_the_connection_stands() {
    let bench = Bench::start().await;
    let token = bench.simple(&["github"]).await;
    let id = bench.nango.nango.complete(&token, "github").unwrap();
    let again = reconnect(&bench, &id).await;
    bench.open(&again).await.says("The connection works. Connecting again gives it new credentials.");
    bench.nango.nango.break_connection(&id, "github");
    let page = bench.open(&token).await;
    assert_eq!((page.heading().as_str(), page.outcome()), ("Connect GitHub", None));
    page.says("it has stopped working since");
    bench.follow(&token, "connect", "github").await;
    assert_eq!(bench.connections().await.len(), 1, "a second connection beside the broken one repairs nothing");
    bench.api("DELETE", &format!("/connections/{id}?provider_config_key=github"), &Value::Null).await;
    bench.open(&again).await.says("The connection was deleted.");
    assert_eq!(bench.open(&token).await.html.matches(">Connect<").count(), 1, "as if it had never been");
    bench.follow(&again, "connect", "github").await.says(&id);
    bench.api("DELETE", "/integrations/github", &Value::Null).await;
    let page = bench.open(&again).await;
    page.says("This integration does not exist any more.");
    assert_eq!(bench.press(&again, "connect", "github").await.status, 404);
    // A link for all integrations, where there are none any more.
    let all = bench.session(json!({ "tags": {} })).await;
    for key in ["hubspot", "slack", "zendesk", "airtable-pat", "stripe-api-key", "unauthenticated"] {
        bench.api("DELETE", &format!("/integrations/{key}"), &Value::Null).await;
    }
    bench.open(&all).await.says("There is nothing to connect");
}

#[tokio::test]
async fn what_the_link_is_not_for_is_refused() {
    let bench = Bench::start().await;
    let token = bench.simple(&["github"]).await;
    for (button, integration, status) in [
        ("connect", "slack", 400),
        ("another", "slack", 400),
        ("fail", "slack", 400),
        ("connect", "nope", 404),
        ("fail", "nope", 404),
        ("connect", "", 404),
        ("", "github", 400),
        ("Connect", "github", 400),
        ("connect&do=connect", "github", 400),
    ] {
        let page = bench.press(&token, button, integration).await;
        assert_eq!(page.status, status, "{button} {integration}");
        assert!(page.outcome().unwrap().contains("Nothing was"), "{}", page.html);
        page.says(">Connect<");
    }
    assert_eq!(bench.connections().await.len(), 0);
    assert_eq!(bench.open(&token).await.outcome(), None, "what was refused leaves no trace");
}

#[tokio::test]
async fn breaking_takes_a_key_and_a_connection() {
    let bench = Bench::start().await;
    let id = broken(&bench).await;
    let body = json!({ "connection_id": id, "provider_config_key": "github" });
    let json = [("content-type", "application/json")];
    assert_eq!(bench.send("POST", "/_demo/break", &json, &body.to_string()).await.status, 401);
    let unknown = json!({ "connection_id": id, "provider_config_key": "slack" });
    let (status, answer) = bench.api("POST", "/_demo/break", &unknown).await;
    assert_eq!((status, &answer["error"]["code"]), (404, &json!("unknown_connection")));
    let (status, answer) = bench.api("POST", "/_demo/break", &json!({ "id": id })).await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!("invalid_body")));
}
