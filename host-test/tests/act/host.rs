//! A host of ACT's components, in this process: it gives sessions, stored credentials and HTTP, and no variables.

use std::sync::LazyLock;

use wasmtime::component::{Accessor, Component, HasSelf, Linker};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

pub(crate) use self::bindings::act::core::types::Error;
use self::bindings::act::core::types::LocalizedString;
use self::bindings::act::credentials::{store, types};
pub(crate) use self::bindings::act::tools::types::{ListToolsResponse, ToolEvent};
use self::bindings::exports::act::tools::tool_provider::ToolResult;
use super::super::bench::built;
use super::super::outside::Outside;

#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated; worlds/act/wit documents it")]
mod bindings {
    wasmtime::component::bindgen!({ path: "../worlds/act/wit", world: "nango:act/act", exports: { default: async } });
}

/// The host to which nothing is let through.
pub(crate) const DENIED: &str = "denied.example";

/// Names and CBOR.
pub(crate) type Metadata = Vec<(String, Vec<u8>)>;

/// The component, compiled.
pub(crate) struct Act {
    component: Component,
    linker: Linker<State>,
}

/// An instance of it.
pub(crate) struct Instance {
    store: Store<State>,
    act: bindings::Act,
}

/// What an instance has.
struct State {
    outside: Outside,
    /// The sessions that are open, and what is stored.
    sessions: Vec<String>,
    stored: Stored,
}

/// How the store of credentials answers.
#[derive(Clone)]
pub(crate) enum Stored {
    Fields(Metadata),
    Nothing,
    Denied,
    Unreadable,
}

impl Act {
    /// The one that all tests share, because compiling takes a second.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: LazyLock<Act> = LazyLock::new(Act::load);
        &SHARED
    }

    fn load() -> Self {
        let mut config = wasmtime::Config::new();
        config.wasm_component_model_async(true);
        let engine = Engine::new(&config).unwrap();
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).unwrap();
        store::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state).unwrap();
        types::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state).unwrap();
        Self { component: Component::from_file(&engine, built("dist/nango-mcp-act.wasm")).unwrap(), linker }
    }

    /// Names of what it imports and exports.
    pub(crate) fn names(&self) -> (Vec<String>, Vec<String>) {
        let (engine, of) = (self.component.engine(), self.component.component_type());
        let imports = of.imports(engine).map(|(name, _)| name.to_owned()).collect();
        (imports, of.exports(engine).map(|(name, _)| name.to_owned()).collect())
    }

    pub(crate) async fn instance(&self, stored: Stored) -> Instance {
        let outside = Outside::new(&[], |host| host != DENIED);
        let state = State { outside, sessions: Vec::new(), stored };
        let mut store = Store::new(self.component.engine(), state);
        let act = bindings::Act::instantiate_async(&mut store, &self.component, &self.linker).await.unwrap();
        Instance { store, act }
    }
}

impl Instance {
    pub(crate) async fn schema(&mut self) -> String {
        let sessions = self.act.act_sessions_session_provider();
        let asked = self.store.run_concurrent(async |accessor| sessions.call_get_open_session_args_schema(accessor, Vec::new()).await);
        asked.await.unwrap().unwrap().unwrap()
    }

    /// Open a session, and say its id.
    pub(crate) async fn open(&mut self, arguments: Metadata) -> Result<String, Error> {
        let sessions = self.act.act_sessions_session_provider();
        let asked = self.store.run_concurrent(async |accessor| sessions.call_open_session(accessor, arguments, Vec::new()).await);
        let id = asked.await.unwrap().unwrap()?.id;
        self.store.data_mut().sessions.push(id.clone());
        Ok(id)
    }

    pub(crate) async fn close(&mut self, id: &str) {
        self.act.act_sessions_session_provider().call_close_session(&mut self.store, id).await.unwrap();
    }

    pub(crate) async fn list(&mut self, metadata: Metadata) -> Result<ListToolsResponse, Error> {
        let tools = self.act.act_tools_tool_provider();
        self.store.run_concurrent(async |accessor| tools.call_list_tools(accessor, metadata).await).await.unwrap().unwrap()
    }

    pub(crate) async fn call(&mut self, tool: &str, arguments: Vec<u8>, metadata: Metadata) -> Vec<ToolEvent> {
        let (tools, tool) = (self.act.act_tools_tool_provider(), tool.to_owned());
        let asked = self.store.run_concurrent(async |accessor| tools.call_call_tool(accessor, tool, arguments, metadata).await);
        match asked.await.unwrap().unwrap() {
            ToolResult::Immediate(events) => events,
            ToolResult::Streaming(_) => panic!("nothing here comes in pieces"),
        }
    }
}

/// Variables as ACT hands them over.
pub(crate) fn metadata<'a>(vars: impl IntoIterator<Item = (&'a str, &'a str)>) -> Metadata {
    vars.into_iter().map(|(name, value)| (name.to_owned(), cbor(value))).collect()
}

/// Of a session, what goes along with its calls.
pub(crate) fn within(session: &str) -> Metadata {
    metadata([("std:session-id", session)])
}

pub(crate) fn cbor(value: &(impl serde::Serialize + ?Sized)) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

/// What an error says.
pub(crate) fn message(error: &Error) -> &str {
    match &error.message {
        LocalizedString::Plain(text) => text,
        LocalizedString::Localized(texts) => panic!("in one language, not {texts:?}"),
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.outside.ctx()
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.outside.http()
    }
}

impl types::Host for State {}
impl store::Host for State {}

impl store::HostWithStore<State> for HasSelf<State> {
    async fn list_secrets(_: &Accessor<State, Self>, _: Option<String>) -> Result<Vec<store::SecretInfo>, store::SecretError> {
        Err(store::SecretError::Denied)
    }

    async fn get_secret(
        accessor: &Accessor<State, Self>,
        session: String,
        want: store::SecretRequest,
    ) -> Result<store::Secret, store::SecretError> {
        accessor.with(|mut access| {
            let state = access.get();
            if !state.sessions.contains(&session) {
                return Err(store::SecretError::InvalidSession);
            }
            match &state.stored {
                Stored::Denied => Err(store::SecretError::Denied),
                Stored::Unreadable => Err(store::SecretError::Unavailable("a disk".to_owned())),
                Stored::Fields(fields) if want.key == "default" => {
                    Ok(store::Secret { kind: "std:fields".to_owned(), fields: fields.clone() })
                }
                Stored::Fields(_) | Stored::Nothing => Err(store::SecretError::NotFound),
            }
        })
    }
}
