//! Requests and what has to come back, held against both endpoints. Where the host's differs, the case says how and why.

use serde_json::{Value, json};

use super::cases::{Case, Differs, cases};
use super::{Answer, OPEN, World, send};

/// Whether `answer` has everything that `wanted` has. Text in `wanted` that begins with `~` stands for any that contains it,
/// and `"*"` for anything that is there.
pub(crate) fn has(answer: &Value, wanted: &Value) -> bool {
    match (answer, wanted) {
        (Value::Object(answer), Value::Object(wanted)) => wanted.iter().all(|(name, wanted)| match wanted {
            Value::Null => !answer.contains_key(name) || answer[name].is_null(),
            wanted => answer.get(name).is_some_and(|answer| has(answer, wanted)),
        }),
        (Value::Array(answer), Value::Array(wanted)) => {
            answer.len() >= wanted.len() && answer.iter().zip(wanted).all(|(answer, wanted)| has(answer, wanted))
        }
        (_, Value::String(wanted)) if wanted == "*" => true,
        (Value::String(answer), Value::String(wanted)) => match wanted.strip_prefix('~') {
            Some(part) => answer.contains(part),
            None => answer == wanted,
        },
        _ => answer == wanted,
    }
}

fn check(case: &Case, answer: &Answer, status: u16, says: &Value) -> Result<(), String> {
    let fail = |why: &str| Err(format!("{}: {why}: {} {}\n{}", case.name, answer.status, answer.head, answer.body));
    if answer.status != status {
        return fail(&format!("not {status}"));
    }
    match says {
        Value::Null if answer.body.is_empty() => Ok(()),
        Value::Null => fail("a body where none should be"),
        says => match serde_json::from_str(&answer.body) {
            Ok(body) if has(&body, says) && has(&body, &json!({"jsonrpc": "2.0"})) => Ok(()),
            Ok(_) => fail(&format!("not {says}")),
            Err(_) => fail("no JSON"),
        },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_component_answers_as_mcp_demands() {
    let world = World::new().await;
    let endpoint = world.component(&[OPEN]).await;
    let mut failures = Vec::new();
    let cases = cases();
    for case in &cases {
        let answer = send(endpoint.address, case.method, case.path, &case.headers(), case.body.as_bytes()).await;
        failures.extend(check(case, &answer, case.status, &case.says).err());
    }
    assert!(failures.is_empty(), "{} of {}\n{}", failures.len(), cases.len(), failures.join("\n\n"));
    assert_eq!(endpoint.faults.load(std::sync::atomic::Ordering::SeqCst), 0);
    println!("transcripts: {} requests at the component's endpoint", cases.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_answers_the_same_or_the_case_says_why_not() {
    let world = World::new().await;
    let endpoint = world.host(&[]).await;
    let (mut failures, mut differing) = (Vec::new(), Vec::new());
    for case in &cases() {
        let answer = send(endpoint.address, case.method, case.path, &case.headers(), case.body.as_bytes()).await;
        match &case.host {
            None => failures.extend(check(case, &answer, case.status, &case.says).err()),
            Some(Differs { why, status, says }) => {
                failures.extend(check(case, &answer, *status, says).err());
                if check(case, &answer, case.status, &case.says).is_ok() {
                    failures.push(format!("{}: differs no more", case.name));
                }
                differing.push(format!("{}: {why}", case.name));
            }
        }
    }
    assert!(failures.is_empty(), "{}\n{}", failures.len(), failures.join("\n\n"));
    println!("transcripts: the host's endpoint differs in {}:\n  {}", differing.len(), differing.join("\n  "));
}

/// What both endpoints say under a configuration that offers more or less: the same, to the last member.
#[tokio::test(flavor = "multi_thread")]
async fn both_offer_the_same_prompts_and_resources() {
    let world = World::new().await;
    let key = super::super::bench::KEY;
    let configurations: [&[(&str, &str)]; 6] = [
        &[],
        &[("NANGO_MCP_READ_ONLY", "true")],
        &[("NANGO_MCP_TOOLSETS", "proxy")],
        &[("NANGO_MCP_TOOLSETS", "connect")],
        &[("NANGO_MCP_TOOLS", "list_integrations")],
        &[("NANGO_MCP_ENVIRONMENTS", "prod,Staging 2"), ("NANGO_SECRET_KEY_PROD", key)],
    ];
    let (mut asked, mut read) = (0, 0);
    for vars in configurations {
        let (component, host) = (world.component(&[vars, &[OPEN]].concat()).await, world.host(vars).await);
        let mut requests: Vec<(&str, Value)> =
            ["server/discover", "prompts/list", "resources/list", "resources/templates/list"].map(|method| (method, json!({}))).into();
        let get = json!({"name": "connect_account", "arguments": {"integration": "github", "person": "u1", "environment": "prod"}});
        requests.push(("prompts/get", get));
        for uri in
            ["conventions", "environments/default/integrations", "environments/prod/integrations", "environments/Staging%202/integrations"]
        {
            requests.push(("resources/read", json!({"uri": format!("nango://{uri}")})));
        }
        for (method, params) in &requests {
            let case = Case::stateless(method, params.clone());
            let mut answers = Vec::new();
            for endpoint in [&component, &host] {
                let answer = send(endpoint.address, "POST", "/mcp", &case.headers(), case.body.as_bytes()).await;
                let mut json = answer.json();
                // In another order.
                json["result"].as_object_mut().map(|result| result.remove("supportedVersions"));
                answers.push((answer.status, json));
            }
            assert_eq!(answers[0], answers[1], "{vars:?} {method} {params}");
            asked += 1;
            read += usize::from(answers[0].1["result"]["contents"].is_array());
        }
        assert_eq!(component.faults.load(std::sync::atomic::Ordering::SeqCst), 0);
    }
    println!("prompts and resources: {asked} requests answered alike, {read} of them with a resource's contents");
}
