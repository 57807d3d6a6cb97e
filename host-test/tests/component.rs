//! The built file: what it imports and exports, and that its lists are the library's.

use nango_mcp::Config;
use wasmtime::component::Component;
use wasmtime::{Config as EngineConfig, Engine};

use super::bench::{component, server};

fn names() -> (Vec<String>, Vec<String>) {
    let engine = Engine::new(&EngineConfig::new()).unwrap();
    let component = Component::from_file(&engine, component()).unwrap();
    let of = component.component_type();
    let imports = of.imports(&engine).map(|(name, _)| name.to_owned()).collect();
    (imports, of.exports(&engine).map(|(name, _)| name.to_owned()).collect())
}

#[test]
fn it_imports_wasi_0_2_without_files_and_sockets() {
    let (imports, exports) = names();
    println!("imports: {}\nexports: {}", imports.join(" "), exports.join(" "));
    for import in &imports {
        let (interface, version) = import.split_once('@').unwrap();
        let (package, _) = interface.split_once('/').unwrap();
        assert!(["wasi:cli", "wasi:io", "wasi:clocks", "wasi:random", "wasi:http"].contains(&package), "{import}");
        let patch = version.strip_prefix("0.2.").unwrap_or_else(|| panic!("{import}"));
        assert!(patch.parse::<u32>().is_ok(), "{import} is a pre-release");
    }
    assert!(imports.iter().any(|import| import.starts_with("wasi:http/outgoing-handler@")));
    let [tools, handler] = exports.as_slice() else { panic!("{exports:?}") };
    assert_eq!(tools, "nango:mcp/tools@0.1.0");
    assert!(handler.starts_with("wasi:http/incoming-handler@0.2."), "{handler}");
}

#[tokio::test(flavor = "multi_thread")]
async fn its_tools_are_the_library_s() {
    let vars = [("NANGO_MCP_ENVIRONMENTS", "prod,dev"), ("NANGO_MCP_ENVIRONMENT_ALIASES_PROD", "live")];
    let config = Config::from_vars(vars.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap();
    let listed = server(&vars).await;
    let of_library: Vec<_> = nango_mcp::list_tools(&config)
        .into_iter()
        .map(|tool| (tool.entry.name.to_owned(), tool.input_schema, tool.output_schema))
        .collect();
    let of_component: Vec<_> = listed
        .tools()
        .iter()
        .map(|tool| {
            let schema = |schema: &serde_json::Map<String, serde_json::Value>| serde_json::Value::Object(schema.clone());
            (tool.name.to_string(), schema(&tool.input_schema), schema(tool.output_schema.as_ref().unwrap()))
        })
        .collect();
    assert_eq!(of_component, of_library);
}
