//! A gateway that does with a component what Wassette does: every exported function is a tool, its schemas come from its types and
//! its description from the section `package-docs`, each call has an instance of its own, and nothing but granted hosts is reached.

use std::path::Path;

use serde_json::{Value, json};
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, InstancePre, Linker, Type, Val};
use wasmtime::{Config, Engine, Store};

use super::super::outside::Outside;
use super::values;

/// A loaded component.
pub(crate) struct Gateway {
    pre: InstancePre<Outside>,
    functions: Vec<(String, ComponentFunc)>,
    /// What its section `package-docs` says, version left out.
    pub(crate) docs: Value,
}

/// What one call is granted.
#[derive(Clone, Default)]
pub(crate) struct Grants {
    /// The policy's environment keys and the component's secrets, with their values.
    pub(crate) vars: Vec<(String, String)>,
    /// The policy's hosts: exact, any port.
    pub(crate) hosts: Vec<String>,
}

/// Compile a component, without any cache, and link it.
pub(crate) fn link(bytes: &[u8]) -> (InstancePre<Outside>, Component) {
    let engine = Engine::new(&Config::new()).unwrap();
    let component = Component::from_binary(&engine, bytes).unwrap();
    let mut linker = Linker::<Outside>::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).unwrap();
    (linker.instantiate_pre(&component).unwrap(), component)
}

/// A store for one call.
pub(crate) fn store(engine: &Engine, grants: &Grants) -> Store<Outside> {
    let hosts = grants.hosts.clone();
    Store::new(engine, Outside::new(&grants.vars, move |host| hosts.iter().any(|granted| granted == host)))
}

impl Gateway {
    /// Load a file.
    pub(crate) fn load(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let (pre, component) = link(&bytes);
        let engine = pre.engine().clone();
        let mut functions = Vec::new();
        for (name, item) in component.component_type().exports(&engine) {
            if let ComponentItem::ComponentFunc(function) = item.ty {
                functions.push((name.to_owned(), function));
            }
        }
        let docs = super::sections::of(&bytes).into_iter().find(|(name, _)| name == "package-docs").expect("package-docs").1;
        let docs = serde_json::from_slice(&docs[1..]).unwrap();
        Self { pre, functions, docs }
    }

    /// tools/list.
    pub(crate) fn tools(&self) -> Vec<Value> {
        let described = |name: &str| {
            let worlds = self.docs["worlds"].as_object().unwrap();
            worlds.values().find_map(|world| world["func_exports"][name]["docs"].as_str()).map(str::to_owned)
        };
        let tool = |(name, function): &(String, ComponentFunc)| {
            let params: Vec<(String, Type)> = function.params().map(|(name, of)| (name.to_owned(), of)).collect();
            let results: Vec<Type> = function.results().collect();
            json!({
                "name": name,
                "description": described(name).unwrap_or_else(|| format!("Auto-generated schema for function '{name}'")),
                "inputSchema": values::object(&params),
                "outputSchema": values::object(&[("result".to_owned(), results[0].clone())]),
            })
        };
        self.functions.iter().map(tool).collect()
    }

    /// The parameters of a function.
    pub(crate) fn params(&self, tool: &str) -> Option<Vec<(String, Type)>> {
        let (_, function) = self.functions.iter().find(|(name, _)| name == tool)?;
        Some(function.params().map(|(name, of)| (name.to_owned(), of)).collect())
    }

    /// tools/call: what stands in `structuredContent`, or a protocol error.
    pub(crate) async fn call(&self, grants: &Grants, tool: &str, arguments: &Value) -> Result<Value, String> {
        let answers = self.calls(grants, &[(tool, arguments.clone())]).await?;
        Ok(answers.into_iter().next().unwrap())
    }

    /// Several calls in one instance, which Wassette does not make but others may.
    pub(crate) async fn calls(&self, grants: &Grants, calls: &[(&str, Value)]) -> Result<Vec<Value>, String> {
        let mut store = store(self.pre.engine(), grants);
        let instance = self.pre.instantiate_async(&mut store).await.map_err(|error| format!("{error:#}"))?;
        let mut answers = Vec::new();
        for (tool, arguments) in calls {
            let params = self.params(tool).ok_or_else(|| format!("Tool not found: {tool}"))?;
            let mut given = Vec::new();
            for (name, of) in &params {
                given.push(values::lower(arguments.get(name).ok_or_else(|| format!("missing field {name}"))?, of)?);
            }
            let function = instance.get_func(&mut store, tool).unwrap();
            let mut results = [Val::Bool(false)];
            function.call_async(&mut store, &given, &mut results).await.map_err(|error| format!("{error:#}"))?;
            answers.push(json!({"result": values::lift(&results[0])}));
        }
        Ok(answers)
    }
}
