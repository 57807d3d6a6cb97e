//! What stands before a call, and what is seen of it: the same at every run.

use nango_mcp_host::demo::Embedded;
use serde_json::Value;

use super::super::bench::{KEY, good};
use super::super::documents::stable::Stable;
use super::super::documents::tools::furnished;
use super::entry::{Entry, Said};
use super::table::{Before, Scenario};

/// What a call came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) said: Said,
    /// The requests that Nango was sent: method, path and status, sorted, because some of them overlap.
    pub(crate) asked: Vec<String>,
}

/// Play a scenario in a world, on a Nango of its own.
pub(crate) async fn play(scenario: &Scenario, world: &dyn Entry) -> Seen {
    let (nango, server) = furnished().await;
    let mut answers = Vec::new();
    for step in &scenario.before {
        match step {
            Before::Call(tool, arguments) => {
                let result = server.call(tool, &filled(arguments, &answers).to_string()).await.unwrap();
                answers.push(good(&result).clone());
            }
            Before::Break(id, integration) => assert!(nango.nango.break_connection(id, integration)),
        }
    }
    let mut vars: Vec<(String, String)> = nango.vars().into_iter().collect();
    for (name, value) in &scenario.vars {
        let value = value.replace("$KEY", KEY);
        vars.retain(|(known, _)| known != name);
        if !value.is_empty() {
            vars.push(((*name).to_owned(), value));
        }
    }
    let arguments = filled(&scenario.arguments, &answers);
    nango.nango.clear_requests();
    let said = world.call(&vars, scenario.tool, &arguments).await;
    let mut stable = Stable::new(nango.address);
    Seen { said: steady(said, &mut stable), asked: asked(&nango, &mut stable) }
}

/// Arguments in which `$0/pointer` stands for what the first call beforehand answered there.
fn filled(arguments: &Value, answers: &[Value]) -> Value {
    match arguments {
        Value::String(text) => match text.strip_prefix('$').and_then(|rest| rest.split_at_checked(1)) {
            Some((nth, pointer)) => answers[nth.parse::<usize>().unwrap()].pointer(pointer).unwrap().clone(),
            None => arguments.clone(),
        },
        Value::Array(items) => items.iter().map(|item| filled(item, answers)).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), filled(value, answers))).collect(),
        _ => arguments.clone(),
    }
}

fn asked(nango: &Embedded, stable: &mut Stable) -> Vec<String> {
    let requests = nango.nango.requests();
    let mut asked: Vec<String> =
        requests.iter().map(|seen| stable.text(&format!("{} {} {}", seen.method, seen.path, seen.status))).collect();
    asked.sort();
    asked
}

/// Ports, tokens and ids as placeholders, and fields in one order.
fn steady(said: Said, stable: &mut Stable) -> Said {
    let mut value = |mut value: Value| {
        // Which of several overlapping answers says it is chance.
        if let Some(remaining) = value.pointer_mut("/rate_limit/remaining") {
            *remaining = "…".into();
        }
        // Nango makes it of the time and chance.
        for error in value.get_mut("errors").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(id) = error.get_mut("log_id") {
                *id = "…".into();
            }
        }
        value.sort_all_objects();
        serde_json::from_str::<Value>(&stable.text(&value.to_string())).unwrap()
    };
    match said {
        Said::Result { structured, files } => Said::Result { structured: value(structured), files },
        Said::Error { sentence, error } => {
            let error = value(error);
            Said::Error { sentence: stable.text(&sentence), error }
        }
        Said::Refused(text) => Said::Refused(stable.text(&text)),
    }
}
