//! The calls of one principal: from a client's request to its answer, questions to the person included.

use std::sync::Arc;

use nango_mcp::mcp::MALFORMED;
use nango_mcp::tools::TOOLS;
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, MetaObject, ServerConfig, Tool};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::Value;
use tokio::time::Instant;

use super::convert::called;
use crate::bucket::Bucket;
use crate::elicit::{self, Opened};
use crate::fault::Fault;
use crate::offers::Offered;
use crate::record::Record;
use crate::sandbox::{Sandbox, plain, wit};
use crate::timings::Timeline;

/// What a server is until it is told to be another.
#[derive(Clone)]
pub(super) struct Inner {
    pub(super) sandbox: Sandbox,
    pub(super) config: ServerConfig,
    /// Its server info, as results carry it.
    pub(super) signature: Value,
    pub(super) tools: Vec<Tool>,
    pub(super) beside: Offered,
    pub(super) demo: bool,
    pub(super) opened: Arc<Opened>,
    pub(super) bucket: Option<Arc<Bucket>>,
}

/// How a call ended.
enum Ended {
    Done(Box<CallToolResult>),
    Asks(Box<wit::NeedsInput>),
}

impl Inner {
    pub(super) async fn call(&self, name: &str, arguments: &str) -> Result<CallToolResult, ErrorData> {
        let environment = serde_json::from_str::<Value>(arguments).ok().and_then(|arguments| self.environment(&arguments));
        match self.enter(plain(name, arguments), environment).await? {
            Ended::Done(result) => Ok(*result),
            // Nobody can be asked.
            Ended::Asks(needs) => Ok(self.finish(called(needs.otherwise))),
        }
    }

    /// The environment that a call is for, by the operator's name for it.
    fn environment(&self, arguments: &Value) -> Option<&str> {
        let config = &self.sandbox.grant.config;
        match arguments.get("environment") {
            Some(name) => config.environment(name.as_str()?).map(|environment| environment.name.as_str()),
            None => <&[_; 1]>::try_from(config.environments.as_slice()).ok().map(|[only]| only.name.as_str()),
        }
    }

    /// Run a call, and have it written down how it ended.
    async fn enter(&self, call: wit::Call, environment: Option<&str>) -> Result<Ended, ErrorData> {
        // A name that is none is the client's own words.
        let mut known = self.tools.iter().map(|tool| &*tool.name).chain(TOOLS.iter().map(|entry| entry.name));
        let tool = known.find(|name| *name == call.name).unwrap_or("unknown");
        let record = Record::begin(self.sandbox.watcher(), tool, environment);
        let ended = match self.bucket.as_ref().map_or(Ok(()), |bucket| bucket.take(Instant::now().into_std())) {
            Ok(()) => self.sandbox.call(call).await,
            Err(wait) => Err(Fault::Rate(wait)),
        };
        record.end(&ended);
        let result = match ended {
            Err(fault) => fault.result(),
            Ok(Ok(wit::Outcome::Done(result))) => called(result),
            Ok(Ok(wit::Outcome::NeedsInput(needs))) => return Ok(Ended::Asks(Box::new(needs))),
            Ok(Err(wit::CallError::UnknownTool(text))) => return Err(ErrorData::invalid_params(text, None)),
            Ok(Err(wit::CallError::MalformedArguments)) => return Err(ErrorData::invalid_params(MALFORMED, None)),
            Ok(Err(wit::CallError::Configuration(text))) => return Err(ErrorData::internal_error(text, None)),
        };
        Ok(Ended::Done(Box::new(self.finish(result))))
    }

    /// Results say whether the embedded Nango made them.
    fn finish(&self, mut result: CallToolResult) -> CallToolResult {
        if self.demo {
            result.meta.get_or_insert_default().insert("demo".into(), true.into());
        }
        result
    }

    /// A call of a client, with the questions that come up put to it.
    pub(super) async fn serve(
        &self,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        let environment = self.environment(&arguments);
        let stateless = elicit::is_stateless(context);
        let mut call = wit::Call {
            name: request.name.into_owned(),
            arguments: arguments.to_string(),
            client: elicit::features(context.client_capabilities().as_ref()),
            answers: elicit::answers(request.input_responses),
            state: request.request_state,
        };
        let mut opened = None;
        // Consent, a link, and one more in case the component asks again.
        for _ in 0..3 {
            let needs = match self.enter(call.clone(), environment).await? {
                Ended::Done(result) => {
                    let structured = result.structured_content.as_ref().unwrap_or(&Value::Null);
                    match opened {
                        Some(id) => self.opened.remember(id, structured),
                        None if call.name == "wait_for_connection" => {
                            self.opened.tell(&context.peer, &arguments, structured).await;
                        }
                        None => {}
                    }
                    return Ok(self.signed(*result).into());
                }
                Ended::Asks(needs) => needs,
            };
            if stateless {
                let mut required = elicit::required(&needs).map_err(|error| ErrorData::internal_error(format!("{error:#}"), None))?;
                self.sign(&mut required.meta);
                return Ok(required.into());
            }
            match elicit::ask(&context.peer, &needs).await {
                Ok((answers, link)) => {
                    (call.answers, call.state) = (answers, needs.state);
                    opened = link;
                }
                Err(error) => {
                    tracing::info!("the client did not put a question to the person: {error:#}");
                    return Ok(self.signed(self.finish(called(needs.otherwise))).into());
                }
            }
        }
        Err(ErrorData::internal_error("the component asks without end", None))
    }

    /// The timeline of a request, if anybody asked for timings: over HTTP it came along, over stdio it goes by the id.
    pub(super) fn timeline(&self, context: &RequestContext<RoleServer>) -> Option<Arc<Timeline>> {
        let timings = self.sandbox.watcher().monitor.timings.as_ref()?;
        let parts = context.extensions.get::<http::request::Parts>();
        parts.map_or_else(|| timings.pending(&context.id), |parts| parts.extensions.get().cloned())
    }

    fn signed(&self, mut result: CallToolResult) -> CallToolResult {
        self.sign(&mut result.meta);
        result
    }

    /// Results name their server (2026-07-28, "server info").
    pub(super) fn sign(&self, meta: &mut Option<MetaObject>) {
        meta.get_or_insert_default().insert("io.modelcontextprotocol/serverInfo".into(), self.signature.clone());
    }
}
