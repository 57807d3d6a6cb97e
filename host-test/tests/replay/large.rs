//! A catalogue as large as a real account's.

use nango_mcp_host::nango::Options;
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
async fn without_an_option_nothing_is_added() {
    let bench = Bench::start().await;
    let listed = bench.call("GET", "/providers?search=acme", Value::Null).await.body;
    assert_eq!(listed, json!({ "data": [] }));
}
