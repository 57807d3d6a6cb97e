//! What tests give a component beside its own interfaces: WASI with its variables, and HTTP to hosts that may be reached.

use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{Error, RequestOptions, Result, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

/// The state of one instance.
pub(crate) struct Outside {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    way: Way,
}

/// The way out: whether a host may be reached.
struct Way(Box<dyn Fn(&str) -> bool + Send>);

impl Outside {
    pub(crate) fn new(vars: &[(String, String)], may: impl Fn(&str) -> bool + Send + 'static) -> Self {
        let wasi = WasiCtx::builder().envs(vars).build();
        Self { table: ResourceTable::new(), wasi, http: WasiHttpCtx::new(), way: Way(Box::new(may)) }
    }
}

impl WasiView for Outside {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Outside {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.way, table: &mut self.table, ctx: &mut self.http }
    }
}

type Sent = (http::Response<WasiBody>, Box<dyn Future<Output = Result<()>> + Send>);

impl WasiHttpHooks for Way {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _finished: Box<dyn Future<Output = Result<()>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent>> + Send> {
        if !request.uri().host().is_some_and(&self.0) {
            return Box::new(std::future::ready(Err(Error::HttpRequestDenied)));
        }
        Box::new(async move {
            let client: Client<HttpConnector, WasiBody> = Client::builder(TokioExecutor::new()).build_http();
            let response = client.request(request).await.map_err(|_| Error::ConnectionRefused)?;
            let response = response.map(|body| body.map_err(|_| Error::ConnectionTerminated).boxed_unsync());
            Ok((response, Box::new(std::future::ready(Ok(()))) as Box<dyn Future<Output = Result<()>> + Send>))
        })
    }
}
