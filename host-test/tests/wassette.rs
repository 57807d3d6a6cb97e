//! The world of Wassette without Wassette: what its gateway would make of the built file, shown by one that follows its rules.

pub(crate) mod gateway;
pub(crate) mod sections;
mod values;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

use base64::Engine as _;
use nango_mcp::config::VARIABLES;
use nango_mcp::tools::TOOLS;
use serde_json::{Value, json};

use self::gateway::{Gateway, Grants};
use super::bench::{KEY, built, embedded};

/// The file under test.
pub(crate) fn component() -> PathBuf {
    built("dist/nango-mcp-wassette.wasm")
}

/// It, loaded.
pub(crate) static GATEWAY: LazyLock<Gateway> = LazyLock::new(|| Gateway::load(&component()));

fn kebab(name: &str) -> String {
    name.replace('_', "-")
}

/// With everything granted that a call at this address needs.
fn grants(nango: &nango_mcp_host::demo::Embedded) -> Grants {
    Grants { vars: nango.vars().into_iter().collect(), hosts: vec!["127.0.0.1".to_owned()] }
}

async fn ok(grants: &Grants, tool: &str, arguments: Value) -> Value {
    let answer = GATEWAY.call(grants, tool, &arguments).await.unwrap();
    answer["result"].get("ok").unwrap_or_else(|| panic!("{tool}: {answer}")).clone()
}

async fn err(grants: &Grants, tool: &str, arguments: Value) -> String {
    let answer = GATEWAY.call(grants, tool, &arguments).await.unwrap();
    answer["result"]["err"].as_str().unwrap_or_else(|| panic!("{tool}: {answer}")).to_owned()
}

#[test]
fn every_tool_is_a_function_of_the_world_and_nothing_else_is() {
    let names: Vec<String> = GATEWAY.tools().iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect();
    let wanted: BTreeSet<String> = TOOLS.iter().map(|entry| kebab(entry.name)).collect();
    assert_eq!(names.iter().cloned().collect::<BTreeSet<_>>(), wanted);
    let engine = wasmtime::Engine::default();
    let component = wasmtime::component::Component::from_file(&engine, component()).unwrap();
    let of = component.component_type();
    let exports: BTreeSet<String> = of.exports(&engine).map(|(name, _)| name.to_owned()).collect();
    assert_eq!(exports, wanted, "an interface or a type would be more tools, or none that is of use");
}

#[test]
fn it_imports_what_the_main_component_imports() {
    let engine = wasmtime::Engine::default();
    let imports = |path: PathBuf| -> BTreeSet<String> {
        let component = wasmtime::component::Component::from_file(&engine, path).unwrap();
        component.component_type().imports(&engine).map(|(name, _)| name.to_owned()).collect()
    };
    let (main, here) = (imports(super::bench::component()), imports(component()));
    println!("imports: {}", here.iter().cloned().collect::<Vec<_>>().join(" "));
    assert!(here.is_subset(&main), "{:?}", here.difference(&main).collect::<Vec<_>>());
}

#[test]
fn tools_are_described_and_every_key_is_required() {
    let tools = GATEWAY.tools();
    for entry in TOOLS {
        let tool = tools.iter().find(|tool| tool["name"] == kebab(entry.name)).unwrap();
        let description = tool["description"].as_str().unwrap();
        let mut own = entry.description.split_whitespace().collect::<Vec<_>>().join(" ");
        // The longest first: one name begins another.
        let mut names: Vec<&str> = TOOLS.iter().map(|entry| entry.name).collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        names.iter().for_each(|name| own = own.replace(name, &kebab(name)));
        assert!(description.starts_with(&own), "{}: {description}", entry.name);
        assert!(description.len() > 150 && !description.contains("Auto-generated"), "{description}");
        let schema = &tool["inputSchema"];
        assert_eq!(schema["required"].as_array().unwrap().len(), schema["properties"].as_object().unwrap().len());
        for name in schema["required"].as_array().unwrap().iter().filter(|name| *name != "options") {
            assert!(description.contains(&format!("\n- {}: ", name.as_str().unwrap())), "{} says nothing of {name}", entry.name);
        }
    }
    let tool = tools.iter().find(|tool| tool["name"] == "replace-connection-tags").unwrap();
    let pair = json!({"type": "array", "minItems": 2, "maxItems": 2, "prefixItems": [{"type": "string"}, {"type": "string"}]});
    assert_eq!(tool["inputSchema"]["properties"]["tags"], json!({"type": "array", "items": pair}));
    let options = &tool["inputSchema"]["properties"]["options"]["anyOf"];
    assert_eq!(options[0], json!({"type": "null"}));
    assert_eq!(options[1]["required"], json!(["mode", "confirmation"]));
    assert_eq!(options[1]["properties"]["mode"]["anyOf"][1]["enum"], json!(["replace", "merge"]));
}

#[test]
fn it_carries_its_name_and_its_docs() {
    let sections = sections::of(&std::fs::read(component()).unwrap());
    let names: Vec<&str> = sections.iter().map(|(name, _)| name.as_str()).collect();
    let name = &sections.iter().find(|(name, _)| name == "component-name").unwrap().1;
    assert_eq!(name.as_slice(), b"\0\x13\x12nango-mcp-wassette", "{names:?}");
    let docs = &sections.iter().find(|(name, _)| name == "package-docs").unwrap().1;
    assert_eq!(docs[0], 1, "its version");
    assert_eq!(GATEWAY.docs["worlds"].as_object().unwrap().keys().collect::<Vec<_>>(), ["root"], "another name breaks other tools");
}

#[tokio::test(flavor = "multi_thread")]
async fn null_stands_for_what_is_not_given() {
    let nango = embedded().await;
    let grants = grants(&nango);
    let listed = ok(&grants, "list-integrations", json!({"environment": null, "options": null})).await;
    assert_eq!(listed["integrations"].as_array().unwrap().len(), 7, "{listed}");
    let page = json!({"environment": "default", "options": {"limit": 2, "cursor": null}});
    let page = ok(&grants, "list-integrations", page).await;
    assert_eq!(page["integrations"].as_array().unwrap().len(), 2, "{page}");
    let missing = GATEWAY.call(&grants, "list-integrations", &json!({"environment": null})).await.unwrap_err();
    assert_eq!(missing, "missing field options", "the gateway's own words, which is why the descriptions say so");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_made_and_its_next_call_can_be_made_as_it_is_told() {
    let nango = embedded().await;
    let grants = grants(&nango);
    let options = json!({
        "tags": [["end_user_id", "u1"], ["team", "a\"b\\c\u{1f600}"]], "end-user": null, "organization": null,
        "integrations-config-defaults": null, "overrides": null, "webhook-url-override": null, "include-token": true, "confirmation": null,
    });
    let arguments = json!({"environment": null, "allowed-integrations": ["github"], "options": options});
    let link = ok(&grants, "create-connect-session", arguments).await;
    assert_eq!(link["tags"], json!([["end_user_id", "u1"], ["team", "a\"b\\c\u{1f600}"]]));
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    let id = nango.nango.complete(link["token"].as_str().unwrap(), "github").unwrap();
    let mut next = link["next"].clone();
    for tool in ["wait-for-connection", "get-connection"] {
        assert_eq!(next["tool"], tool);
        let arguments: Value = serde_json::from_str(next["arguments"].as_str().unwrap()).unwrap();
        let answer = ok(&grants, tool, arguments).await;
        assert_eq!(answer["connection-id"], json!(id), "{answer}");
        next = answer.get("next").cloned().unwrap_or_default();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_called_again_answers_the_same() {
    let nango = embedded().await;
    let grants = grants(&nango);
    let proxied = json!({
        "environment": null, "connection-id": "seed-0001", "provider-config-key": "github", "method": "POST", "path": "/echo", "options": {
            "query": "{\"a\":[1,true]}", "headers": [["x-a", "1"]], "body": format!("[\"{}\"]", "x".repeat(5000)), "base-url-override": null,
            "retries": 1, "response-path": null, "fields": ["a", "b"], "filters": null, "page-size": 3, "cursor": null, "describe": null,
            "inline-limit": null, "confirmation": null,
        },
    });
    assert_eq!(nango.nango.seed_connections("default", "github", 1), 1);
    let calls = [("proxy-request", proxied), ("list-integrations", json!({"environment": null, "options": null}))];
    let calls: Vec<_> = calls.iter().cycle().take(40).cloned().collect();
    let answers = GATEWAY.calls(&grants, &calls).await.unwrap();
    for (at, answer) in answers.iter().enumerate() {
        let mut first = answers[at % 2].clone();
        let mut answer = answer.clone();
        // Each request has an id of its own.
        for answer in [&mut first, &mut answer] {
            answer["result"]["ok"].as_object_mut().unwrap_or_else(|| panic!("{at}")).remove("headers");
        }
        assert_eq!(answer, first, "call {at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_begin_unmistakably_and_name_the_grant() {
    let nango = embedded().await;
    let all = grants(&nango);
    let missing = json!({"environment": null, "connection-id": "nobody", "provider-config-key": "github", "options": null});
    let text = err(&all, "get-connection", missing.clone()).await;
    let (sentence, line) = text.split_once('\n').unwrap();
    assert!(sentence.starts_with("ERROR "), "{text}");
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["error"]["code"], "unknown_connection");

    let denied = Grants { hosts: vec!["api.nango.dev".to_owned()], ..all.clone() };
    let text = err(&denied, "get-connection", missing.clone()).await;
    assert!(text.starts_with("ERROR ") && text.contains("`wassette permission grant network nango-mcp-wassette 127.0.0.1`"), "{text}");

    let keyless = Grants { vars: all.vars.iter().filter(|(name, _)| name != "NANGO_SECRET_KEY").cloned().collect(), ..all.clone() };
    let text = err(&keyless, "get-connection", missing.clone()).await;
    assert!(text.starts_with("ERROR ") && text.contains("`wassette secret set nango-mcp-wassette NANGO_SECRET_KEY="), "{text}");

    let vars = [("NANGO_MCP_ENVIRONMENTS", "prod,dev"), ("NANGO_SECRET_KEY_DEV", KEY)];
    let half = Grants { vars: vars.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(), ..all.clone() };
    let of_prod = json!({"environment": "prod", "connection-id": "nobody", "provider-config-key": "github", "options": null});
    let text = err(&half, "get-connection", of_prod).await;
    assert!(text.contains("`wassette secret set nango-mcp-wassette NANGO_SECRET_KEY_PROD="), "{text}");

    let wrong = Grants { vars: vec![("NANGO_SECRET_KEY".to_owned(), "no-key".to_owned())], ..all.clone() };
    let text = err(&wrong, "get-connection", missing).await;
    assert!(text.starts_with("ERROR NANGO_SECRET_KEY ") && text.contains("wassette secret set") && !text.contains("no-key"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_texts_are_arguments_and_nothing_else() {
    let nango = embedded().await;
    let grants = grants(&nango);
    nango.nango.clear_requests();
    for hostile in ["\",\"x\":\"", "a\",\"provider_config_key\":\"slack", "\u{0}", "\\", "\n", "../../x", "}", &"x".repeat(70_000)] {
        let arguments = json!({"environment": null, "connection-id": hostile, "provider-config-key": "github", "options": null});
        let text = err(&grants, "get-connection", arguments).await;
        let code = serde_json::from_str::<Value>(text.split_once('\n').unwrap().1).unwrap()["error"]["code"].clone();
        assert_ne!(code, "unknown_argument", "{hostile:?} became a name");
    }
    for seen in nango.nango.requests() {
        assert!(seen.path.starts_with("/connections/") && seen.path.ends_with("?provider_config_key=github"), "{}", seen.path);
    }
    // JSON in a text cannot become a neighbour either.
    for hostile in ["{},\"mode\":\"replace\"", "{\"a\":1}}", "[1,2", "{\"a\":1} {\"b\":2}", "\u{feff}{}", ""] {
        let arguments = json!({
            "environment": null, "connection-id": "c", "provider-config-key": "github", "metadata": hostile, "options": null,
        });
        let text = err(&grants, "update-connection-metadata", arguments).await;
        // Half an object is not sent as the text that it is, either.
        let says = match hostile.starts_with(['{', '[']) {
            true => "ERROR a text that must be JSON is not",
            false => "argument `metadata` must be an object, not a string",
        };
        assert!(text.contains(says), "{hostile:?}: {text}");
    }
    assert!(nango.nango.requests().iter().all(|seen| seen.path.starts_with("/connections/")), "nothing of it was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_large_goes_through_or_is_refused() {
    let nango = embedded().await;
    let grants = grants(&nango);
    assert_eq!(nango.nango.seed_connections("default", "github", 1), 1);
    let download = |bytes: usize| {
        let options = json!({
            "query": format!("{{\"bytes\":{bytes}}}"), "headers": null, "base-url-override": null, "suggested-name": null,
        });
        json!({
            "environment": null, "provider-config-key": "github", "connection-id": "seed-0001", "path": "/files/report.pdf",
            "options": options,
        })
    };
    let file = ok(&grants, "download-provider-file", download(1_000_000)).await;
    let bytes = base64::engine::general_purpose::STANDARD.decode(file["content-base64"].as_str().unwrap()).unwrap();
    assert_eq!((bytes.len(), file["size"].as_u64()), (1_000_000, Some(1_000_000)));
    assert!(bytes.starts_with(b"%PDF-1.7"));
    let text = err(&grants, "download-provider-file", download(1_100_000)).await;
    assert!(text.starts_with("ERROR ") && text.contains("NANGO_MCP_MAX_DOWNLOAD_BYTES"), "{text}");

    let metadata = format!("{{\"a\":\"{}\"}}", "x".repeat(1280 * 1024));
    let arguments =
        json!({"environment": null, "connection-id": "seed-0001", "provider-config-key": "github", "metadata": metadata, "options": null});
    nango.nango.clear_requests();
    let text = err(&grants, "update-connection-metadata", arguments).await;
    assert!(text.starts_with("ERROR ") && text.contains("1.25 MiB") && nango.nango.requests().is_empty(), "{text}");
}

/// The policy that travels with the component grants what the component needs, and nothing that does not exist.
#[test]
fn the_policy_grants_nango_and_the_variables() {
    let text = std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../worlds/wassette/policy.yaml")).unwrap();
    assert!(!text.contains(KEY));
    let policies: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    let [policy] = policies.as_slice() else { panic!("{policies:?}") };
    assert_eq!(policy["version"], "1.0");
    let permissions = policy["permissions"].as_object().unwrap();
    assert_eq!(permissions.keys().collect::<Vec<_>>(), ["network", "environment"], "no storage");
    let base = VARIABLES.iter().find(|variable| variable.name == "NANGO_BASE_URL").unwrap().default;
    assert_eq!(permissions["network"]["allow"], json!([{"host": base.strip_prefix("https://").unwrap()}]));
    let keys: Vec<&str> =
        permissions["environment"]["allow"].as_array().unwrap().iter().map(|allowed| allowed["key"].as_str().unwrap()).collect();
    // A policy has no patterns, so names that hold an environment's are for the operator to add.
    let http = ["NANGO_MCP_TOKEN_SHA256", "NANGO_MCP_ANONYMOUS", "NANGO_MCP_ALLOWED_HOSTS", "NANGO_MCP_ALLOWED_ORIGINS"];
    let of_calls = |name: &&str| !name.contains('<') && !http.contains(name);
    let read = VARIABLES.iter().filter(|variable| variable.read_by != nango_mcp::config::ReadBy::Host).map(|variable| variable.name);
    // What is asked of the client, and which tools are listed, cannot be had here.
    assert_eq!(keys, read.filter(of_calls).collect::<Vec<_>>());
}
