//! The world of Wassette beside the main component: loading without a cache, and calling, turn by turn in the same host.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde_json::{Value, json};
use wasmtime::component::{InstancePre, Val};

use crate::host::{KEY, file};
use crate::now;
use crate::outside::Outside;
use crate::wassette::gateway::{Gateway, Grants, link, store};

/// Milliseconds of a load, and how often the calls of the main component go into one of this world: nothing sent, one request.
#[derive(Default)]
pub(crate) struct Worlds {
    pub(crate) load: f64,
    pub(crate) main_load: f64,
    pub(crate) nothing: f64,
    pub(crate) request: f64,
}

pub(crate) async fn measure(base: &str, loads: usize, calls: usize) -> Result<Worlds> {
    let path = file("dist/nango-mcp-wassette.wasm");
    let (here, main) = (std::fs::read(&path).context("build it first: make worlds")?, std::fs::read(file("dist/nango-mcp.wasm"))?);
    let (mut times, mut main_times) = (Vec::new(), Vec::new());
    for _ in 0..loads {
        for (bytes, times) in [(&here, &mut times), (&main, &mut main_times)] {
            let begun = now();
            link(bytes);
            times.push(begun.elapsed());
        }
    }
    let host = base.strip_prefix("http://").and_then(|authority| authority.split(':').next()).context("a base URL")?.to_owned();
    let vars = vec![("NANGO_BASE_URL".to_owned(), base.to_owned()), ("NANGO_SECRET_KEY".to_owned(), KEY.to_owned())];
    let grants = Grants { vars, hosts: vec![host] };
    let (gateway, (pre, _)) = (Gateway::load(&path), link(&main));
    let nothing = beside(&gateway, &pre, &grants, ("list_environments", json!({}), json!({})), calls).await?;
    let (snake, kebab) = (json!({"environment": "default"}), json!({"environment": "default", "options": null}));
    let request = beside(&gateway, &pre, &grants, ("list_integrations", snake, kebab), calls).await?;
    Ok(Worlds { load: middle(times), main_load: middle(main_times), nothing, request })
}

/// How often a call of the main component goes into one of this world.
async fn beside(
    gateway: &Gateway,
    pre: &InstancePre<Outside>,
    grants: &Grants,
    (tool, snake, kebab): (&str, Value, Value),
    calls: usize,
) -> Result<f64> {
    let (mut times, mut main_times) = (Vec::new(), Vec::new());
    for _ in 0..calls {
        let begun = now();
        let answer = gateway.call(grants, &tool.replace('_', "-"), &kebab).await;
        times.push(begun.elapsed());
        ensure!(answer.as_ref().is_ok_and(|answer| answer.pointer("/result/ok").is_some()), "{tool}: {answer:?}");
        let begun = now();
        call_main(pre, grants, tool, &snake.to_string()).await?;
        main_times.push(begun.elapsed());
    }
    Ok(middle(times) / middle(main_times))
}

/// Milliseconds.
fn middle(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

/// `call-tool` of the main component's interface, by values as well, in a fresh instance.
async fn call_main(pre: &InstancePre<Outside>, grants: &Grants, tool: &str, arguments: &str) -> Result<()> {
    let mut store = store(pre.engine(), grants);
    let instance = pre.instantiate_async(&mut store).await.map_err(|error| anyhow!("{error:#}"))?;
    let tools = instance.get_export_index(&mut store, None, "nango:mcp/tools@0.1.0").context("the interface")?;
    let call = instance.get_export_index(&mut store, Some(&tools), "call-tool").context("call-tool")?;
    let call = instance.get_func(&mut store, call).context("call-tool")?;
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
    call.call_async(&mut store, &[record], &mut results).await.map_err(|error| anyhow!("{error:#}"))?;
    match results {
        [Val::Result(Ok(Some(outcome)))] if !format!("{outcome:?}").contains("(\"is-error\", Bool(true))") => Ok(()),
        other => bail!("{tool}: {other:?}"),
    }
}
