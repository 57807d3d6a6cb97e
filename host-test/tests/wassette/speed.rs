//! Loading and calling the world of Wassette, beside the main component, both in the same host without a cache and turn by turn.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wasmtime::component::{InstancePre, Val};

use super::super::bench::{component as main_component, embedded};
use super::gateway::{self, Gateway, Grants, State};
use super::{component, grants};

/// What a load or a call may take of what it takes the main component.
const MOST: f64 = 1.5;

const LOADS: usize = 3;
const CALLS: usize = 60;

/// The middle of many; the least of few, which other tests beside this one disturb least.
fn typical(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[if times.len() < CALLS { 0 } else { times.len() / 2 }]
}

/// How often the first takes the time of the second, and a line that says so.
fn beside(what: &str, here: Vec<Duration>, main: Vec<Duration>) -> f64 {
    let (here, main) = (typical(here), typical(main));
    let ratio = here.as_secs_f64() / main.as_secs_f64();
    println!("{what}: {:.2} ms, the main component {:.2} ms: {ratio:.2} x", here.as_secs_f64() * 1e3, main.as_secs_f64() * 1e3);
    ratio
}

/// `call-tool` of the main component's interface, in a fresh instance.
async fn call_main(pre: &InstancePre<State>, grants: &Grants, tool: &str, arguments: &str) {
    let mut store = gateway::store(pre.engine(), grants);
    let instance = pre.instantiate_async(&mut store).await.unwrap();
    let tools = instance.get_export_index(&mut store, None, "nango:mcp/tools@0.1.0").unwrap();
    let call = instance.get_export_index(&mut store, Some(&tools), "call-tool").unwrap();
    let call = instance.get_func(&mut store, call).unwrap();
    let text = |text: &str| Val::String(text.to_owned());
    let field = |name: &str, value: Val| (name.to_owned(), value);
    let record = Val::Record(vec![
        field("name", text(tool)),
        field("arguments", text(arguments)),
        field("client", Val::Flags(Vec::new())),
        field("answers", Val::List(Vec::new())),
        field("state", Val::Option(None)),
    ]);
    let mut results = [Val::Bool(false)];
    call.call_async(&mut store, &[record], &mut results).await.unwrap();
    assert!(matches!(&results[0], Val::Result(Ok(Some(_)))), "{results:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn loading_and_calling_take_about_as_long_as_the_main_component() {
    let (here, main) = (std::fs::read(component()).unwrap(), std::fs::read(main_component()).unwrap());
    let (mut loads, mut main_loads) = (Vec::new(), Vec::new());
    for _ in 0..LOADS {
        for (bytes, loads) in [(&here, &mut loads), (&main, &mut main_loads)] {
            let begun = Instant::now();
            gateway::link(bytes);
            loads.push(begun.elapsed());
        }
    }
    let loading = beside("load, without a cache", loads, main_loads);

    let nango = embedded().await;
    assert!(nango.nango.seed_connections("default", "github", 1) == 1);
    // 60 calls by each, of 200 requests a minute.
    let grants = grants(&nango);
    let gateway = Gateway::load(&component());
    let (pre, _) = gateway::link(&main);
    let snake = json!({"connection_id": "seed-0001", "provider_config_key": "github"});
    let kebab = json!({"environment": null, "connection-id": "seed-0001", "provider-config-key": "github", "options": null});
    let mut ratios = vec![loading];
    for (tool, snake, kebab) in [("list_environments", json!({}), json!({})), ("get_connection", snake, kebab)] {
        let (mut calls, mut main_calls) = (Vec::new(), Vec::new());
        for _ in 0..CALLS {
            let begun = Instant::now();
            let answer: Value = gateway.call(&grants, &tool.replace('_', "-"), &kebab).await.unwrap();
            calls.push(begun.elapsed());
            assert!(answer["result"]["ok"].is_object(), "{answer}");
            let begun = Instant::now();
            call_main(&pre, &grants, tool, &snake.to_string()).await;
            main_calls.push(begun.elapsed());
        }
        ratios.push(beside(&format!("call of {tool}"), calls, main_calls));
    }
    assert!(ratios.iter().all(|ratio| *ratio <= MOST), "{ratios:?}, of which none may be above {MOST}");
}
