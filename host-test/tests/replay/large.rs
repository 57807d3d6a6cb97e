//! Catalogues and lists as large as a real account's.

use nango_mcp_host::nango::{Nango, Options};
use serde_json::{Value, json};

use super::setup::{Bench, DEV};

#[tokio::test]
async fn the_catalogue_grows_to_the_size_of_nangos() {
    let bench = Bench::of(Options { catalogue: 1000, ..Options::default() }).await;
    let reply = bench.server.send_raw(&Bench::request(DEV, "GET", "/providers", None), None).await;
    assert!((900_000..=950_000).contains(&reply.body.len()), "{}", reply.body.len());
    let listed: Value = serde_json::from_slice(&reply.body).expect("JSON");
    let names: Vec<&str> = listed["data"].as_array().expect("rows").iter().filter_map(|row| row["name"].as_str()).collect();
    assert!(names.len() > 1000 && names.is_sorted(), "the made-up ones are among the others");
    let found = bench.call("GET", "/providers?search=acme-0", Value::Null).await.body;
    assert_eq!(found["data"][0]["name"], "acme-0001-crm");
    let one = bench.call("GET", "/providers/borealis-0002-mail", Value::Null).await.body;
    assert_eq!(one["data"]["display_name"], "Borealis Mail 2");
    // They are as good as the others: they can be integrated and called.
    let body = json!({ "provider": "acme-0001-crm", "unique_key": "acme" });
    assert_eq!(bench.call("POST", "/integrations", body).await.status, 200);
    bench.import("c", "acme", json!({ "type": "API_KEY", "apiKey": "k" })).await;
    assert_eq!(bench.proxy("acme", "GET", "/x", Value::Null).await.status, 200);
}

#[tokio::test]
async fn connections_are_seeded_in_numbers() {
    let bench = Bench::start().await;
    assert_eq!(bench.nango.seed_connections("dev", "nobody", 5), 0);
    assert_eq!(bench.nango.seed_connections("dev", "github", 10_000), 10_000);
    assert_eq!(bench.nango.seed_connections("dev", "github", 10_001), 1, "those that exist stay");
    let page = bench.call("GET", "/connections?limit=2000&page=4&integrationId=github", Value::Null).await.body;
    let rows = page["connections"].as_array().expect("rows");
    assert_eq!((rows.len(), &rows[0]["connection_id"]), (2000, &json!("seed-2001")), "newest first");
    assert_eq!(rows[1]["tags"], json!({ "end_user_id": "user-2000", "organization_id": "org-00" }));
    assert_eq!((&rows[1]["errors"][0]["type"], &rows[0]["errors"]), (&json!("auth"), &json!([])));
    let of = bench.call("GET", "/connections?tags[organization_id]=org-07", Value::Null).await.body;
    assert_eq!(of["connections"].as_array().map(Vec::len), Some(500));
}

#[tokio::test]
async fn without_an_option_nothing_is_added() {
    let nango = Nango::new(Options::default());
    assert_eq!(nango.seed_connections("dev", "github", 1), 0, "no integration, no connection");
    let bench = Bench::start().await;
    let listed = bench.call("GET", "/providers?search=acme", Value::Null).await.body;
    assert_eq!(listed, json!({ "data": [] }));
}
