//! The component as a library: `wac plug` puts it where examples/compose imports `nango:mcp/tools`, and what comes out runs
//! in a plain wasmtime, with nothing of our host around it.

use std::path::Path;

use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, plug};
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store};

use super::bench::{KEY, built, component, embedded};
use super::outside::Outside;

/// `wac plug SOCKET --plug PLUG`.
fn plugged(socket: &Path, plug_in: &Path) -> Vec<u8> {
    let mut graph = CompositionGraph::new();
    let mut register = |name: &str, file: &Path| {
        let package = Package::from_file(name, None, file, graph.types_mut()).unwrap();
        graph.register_package(package).unwrap()
    };
    let (socket, plug_in) = (register("socket", socket), register("plug", plug_in));
    plug(&mut graph, vec![plug_in], socket).unwrap();
    graph.encode(EncodeOptions::default()).unwrap()
}

/// The composed component, compiled once.
struct Inviter {
    engine: Engine,
    component: Component,
}

impl Inviter {
    fn new(bytes: &[u8]) -> Self {
        let engine = Engine::new(&Config::new()).unwrap();
        let component = Component::new(&engine, bytes).unwrap();
        Self { engine, component }
    }

    fn names(&self) -> (Vec<String>, Vec<String>) {
        let of = self.component.component_type();
        let imports = of.imports(&self.engine).map(|(name, _)| name.to_owned()).collect();
        (imports, of.exports(&self.engine).map(|(name, _)| name.to_owned()).collect())
    }

    /// Its one export, with these variables.
    async fn invite(&self, vars: &[(&str, &str)], person: &str, integration: &str) -> Result<String, String> {
        let mut linker = Linker::<Outside>::new(&self.engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).unwrap();
        let vars: Vec<(String, String)> = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        // Any host may be reached, as in most runtimes.
        let mut store = Store::new(&self.engine, Outside::new(&vars, |_| true));
        let instance = linker.instantiate_async(&mut store, &self.component).await.unwrap();
        let invite = instance.get_typed_func::<(&str, &str), (Result<String, String>,)>(&mut store, "invite").unwrap();
        let (answer,) = invite.call_async(&mut store, (person, integration)).await.unwrap();
        println!("invite({person:?}, {integration:?})\n  -> {answer:?}");
        answer
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_component_makes_a_link_through_the_interface() {
    let socket = built("target/wasm32-wasip2/component/example_compose.wasm");
    let composed = plugged(&socket, &component());
    println!("wac plug example_compose.wasm --plug nango-mcp.wasm: {} bytes", composed.len());
    std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("inviter.wasm"), &composed).unwrap();
    let inviter = Inviter::new(&composed);
    let (imports, exports) = inviter.names();
    println!("imports {}\nexports {}", imports.join(" "), exports.join(" "));
    assert_eq!(exports, ["invite"], "the plug's own exports stay inside, its HTTP server too");
    assert!(!imports.iter().any(|import| import.starts_with("nango:")), "{imports:?}");

    let nango = embedded().await;
    let base = format!("http://{}", nango.address);
    let vars = [("NANGO_BASE_URL", base.as_str()), ("NANGO_SECRET_KEY", KEY)];
    let link = inviter.invite(&vars, "u1", "github").await.unwrap();
    assert!(link.starts_with(&format!("{base}/?session_token=nango_connect_session_")), "{link}");
    let token = link.split("session_token=").nth(1).unwrap().split('&').next().unwrap();
    nango.nango.complete(token, "github").unwrap();
    assert_eq!(nango.nango.sessions(), 1);

    // What goes wrong arrives as the tool says it, and nothing traps.
    let unknown = inviter.invite(&vars, "u1", "githib").await.unwrap_err();
    assert!(unknown.contains("list_integrations"), "{unknown}");
    let nobody = inviter.invite(&vars, "", "github").await.unwrap_err();
    assert!(nobody.contains("end_user_id"), "{nobody}");
    let no_key = inviter.invite(&[], "u1", "github").await.unwrap_err();
    assert!(no_key.contains("NANGO_SECRET_KEY"), "{no_key}");
    let no_nango = inviter.invite(&[("NANGO_BASE_URL", "http://127.0.0.1:9"), ("NANGO_SECRET_KEY", KEY)], "u1", "github").await;
    assert!(no_nango.unwrap_err().contains("http://127.0.0.1:9"));
}

#[test]
#[should_panic(expected = "NoPlugHappened")]
fn a_socket_that_imports_nothing_of_ours_is_not_plugged() {
    plugged(&component(), &component());
}
