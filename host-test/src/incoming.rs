//! The component's own HTTP endpoint, `wasi:http/incoming-handler`, within this host's limits: what `wasmtime serve` does
//! with it, one request in a fresh instance. The tests look through it at what no client of a socket can see: a trap.

use anyhow::{Context as _, Result, anyhow};
use http::{Request, Response};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::{WasiBody, WasiHttpView as _};

use crate::fault::Fault;
use crate::sandbox::{Sandbox, State};

/// The incoming handler of one component.
#[derive(Clone)]
pub struct Handler {
    sandbox: Sandbox,
    pre: ProxyPre<State>,
}

/// What became of a request.
pub struct Handled {
    /// The response; nothing if the guest set none.
    pub response: Option<Response<WasiBody>>,
    /// How the instance ended, once the response was taken or given up.
    pub ended: JoinHandle<Result<(), Fault>>,
}

impl Handler {
    /// The incoming handler of the sandbox's component.
    ///
    /// # Errors
    /// It exports none.
    pub fn of(sandbox: Sandbox) -> Result<Self> {
        let pre = ProxyPre::new(sandbox.instance_pre().clone()).map_err(|error| anyhow!("{error:#}"));
        Ok(Self { pre: pre.context("the component is no HTTP server")?, sandbox })
    }

    /// Answer one request. It must name its host, in its address or in a Host header.
    pub async fn handle(&self, request: Request<WasiBody>) -> Handled {
        let (sender, receiver) = oneshot::channel();
        let Self { sandbox, pre } = self.clone();
        let ended = tokio::spawn(async move {
            let run = sandbox.within(async |store| {
                let incoming = store.data_mut().http().new_incoming_request(Scheme::Http, request)?;
                let out = store.data_mut().http().new_response_outparam(sender)?;
                let proxy = pre.instantiate_async(&mut *store).await?;
                proxy.wasi_http_incoming_handler().call_handle(store, incoming, out).await
            });
            run.await
        });
        // Without a response the sender is dropped with the instance.
        let response = receiver.await.ok().and_then(Result::ok);
        Handled { response: response.map(|response| response.map(WasiBody::new)), ended }
    }
}
