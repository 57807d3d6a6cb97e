//! MCP on top of the WIT interface, by rmcp: the same server over stdio and Streamable HTTP, all protocol revisions.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context as _, Result, anyhow};
use nango_mcp::access::Access;
use nango_mcp::mcp::{LIST_TTL_MS, MALFORMED};
use nango_mcp::tools::TOOLS;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomRequest, CustomResult, DiscoverResult,
    ErrorCode, GetPromptRequestParams, GetPromptResponse, Implementation, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, MetaObject, PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams,
    ReadResourceResponse, Resource, ResourceContents, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::audit::{Event, milliseconds};
use crate::bucket::Bucket;
use crate::egress::Watcher;
use crate::elicit::{self, Opened};
use crate::fault::Fault;
use crate::limits::Limits;
use crate::offers::{self, Offered};
use crate::progress;
use crate::sandbox::{Sandbox, plain, wit};
use crate::settings::Grant;

/// Revisions served: the stateless one and those with a handshake.
const REVISIONS: [ProtocolVersion; 4] =
    [ProtocolVersion::V_2025_03_26, ProtocolVersion::V_2025_06_18, ProtocolVersion::V_2025_11_25, ProtocolVersion::V_2026_07_28];

/// Methods served.
const METHODS: [&str; 10] = [
    "initialize",
    "ping",
    "server/discover",
    "tools/list",
    "tools/call",
    "prompts/list",
    "prompts/get",
    "resources/list",
    "resources/templates/list",
    "resources/read",
];

/// The server of one principal. Cheap to clone; the clones are one.
#[derive(Clone)]
pub struct Server(Arc<RwLock<Arc<Inner>>>);

/// What a server is until it is told to be another.
#[derive(Clone)]
struct Inner {
    sandbox: Sandbox,
    config: ServerConfig,
    tools: Vec<Tool>,
    beside: Offered,
    demo: bool,
    opened: Arc<Opened>,
    bucket: Option<Arc<Bucket>>,
}

/// How a call ended.
enum Ended {
    Done(Box<CallToolResult>),
    Asks(Box<wit::NeedsInput>),
}

impl Server {
    /// Ask the component who it is and what it offers. `demo` marks everything as answered by the embedded Nango.
    ///
    /// # Errors
    /// The component does not return, or its configuration cannot hold: the text names the variable.
    pub async fn start(sandbox: Sandbox, demo: bool) -> Result<Self> {
        let unfit = |fault: Fault| anyhow!("the component does not start: {fault}");
        let info = sandbox.info().await.map_err(unfit)?;
        let tools = match sandbox.list_tools().await.map_err(unfit)? {
            Ok(tools) => tools.iter().map(tool).collect::<Result<Vec<Tool>>>()?,
            Err(wit::CallError::Configuration(text)) => return Err(anyhow!("configuration: {text}")),
            Err(error) => return Err(anyhow!("the component lists no tools: {error:?}")),
        };
        let name = if demo { format!("{} (demo)", info.name) } else { info.name };
        let implementation = Implementation::new(name, info.version).with_title(info.title);
        let beside = Offered::with(&tools)?;
        let mut capabilities = ServerCapabilities::builder().enable_tools().build();
        (capabilities.prompts, capabilities.resources) = beside.capabilities();
        let config = ServerConfig::new(capabilities).with_server_info(implementation).with_instructions(info.instructions);
        let bucket = Bucket::of(sandbox.limits().rate, sandbox.limits().burst, Instant::now().into_std()).map(Arc::new);
        let inner = Inner { sandbox, config, tools, beside, demo, opened: Arc::default(), bucket };
        Ok(Self(Arc::new(RwLock::new(Arc::new(inner)))))
    }

    /// The same component for another principal.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub async fn granted(&self, principal: Arc<str>, grant: Grant, limits: Limits) -> Result<Self> {
        let now = self.now();
        Self::start(now.sandbox.granted(principal, grant, limits), now.demo).await
    }

    /// Be as another from the next request on. Calls that run go on as they began.
    pub fn become_as(&self, other: &Self) {
        // Links that were opened are told of, whoever made them.
        let next = Inner { opened: self.now().opened.clone(), ..Inner::clone(&other.now()) };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
    }

    fn now(&self) -> Arc<Inner> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The tools, as clients see them.
    pub fn tools(&self) -> Vec<Tool> {
        self.now().tools.clone()
    }

    /// Who may use it over HTTP, by its configuration.
    pub fn access(&self) -> Access {
        self.now().sandbox.grant.access.clone()
    }

    /// What its principal is granted.
    pub(crate) fn grant(&self) -> Arc<Grant> {
        self.now().sandbox.grant.clone()
    }

    /// Its sandbox.
    pub(crate) fn sandbox(&self) -> Sandbox {
        self.now().sandbox.clone()
    }

    /// Call a tool.
    ///
    /// # Errors
    /// A protocol error: unknown tool, malformed arguments, or a configuration that cannot hold.
    pub async fn call(&self, name: &str, arguments: &str) -> Result<CallToolResult, ErrorData> {
        self.now().call(name, arguments).await
    }
}

impl Inner {
    async fn call(&self, name: &str, arguments: &str) -> Result<CallToolResult, ErrorData> {
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
        let known = self.tools.iter().map(|tool| &*tool.name).chain(TOOLS.iter().map(|entry| entry.name));
        let tool = known.into_iter().find(|name| *name == call.name).unwrap_or("unknown");
        let watcher = self.sandbox.watcher();
        let mut record = Record { watcher, tool, environment, begun: Instant::now(), outcome: "cancelled", code: None };
        let ended = match self.bucket.as_ref().map_or(Ok(()), |bucket| bucket.take(Instant::now().into_std())) {
            Ok(()) => self.sandbox.call(call).await,
            Err(wait) => Err(Fault::Rate(wait)),
        };
        let (outcome, code) = match &ended {
            Ok(Ok(wit::Outcome::Done(result))) if result.is_error => ("error", code_of(result.meta.as_deref())),
            Ok(Ok(wit::Outcome::Done(_))) => ("ok", None),
            Ok(Ok(wit::Outcome::NeedsInput(_))) => ("asked", None),
            Ok(Err(wit::CallError::UnknownTool(_))) => ("refused", Some("unknown_tool".to_owned())),
            Ok(Err(wit::CallError::MalformedArguments)) => ("refused", Some("malformed_arguments".to_owned())),
            Ok(Err(wit::CallError::Configuration(_))) => ("refused", Some("configuration".to_owned())),
            Err(fault) => ("refused", Some(fault.code().to_owned())),
        };
        (record.outcome, record.code) = (outcome, code);
        drop(record);
        let result = match ended {
            Err(fault) => fault.result(),
            Ok(Ok(wit::Outcome::Done(mut result))) => {
                self.mask(&mut result);
                called(result)
            }
            Ok(Ok(wit::Outcome::NeedsInput(mut needs))) => {
                self.mask(&mut needs.otherwise);
                let secrets = &self.sandbox.grant.secrets;
                needs.questions.iter_mut().for_each(|question| secrets.mask_text(&mut question.message));
                needs.state.iter_mut().for_each(|state| secrets.mask_text(state));
                return Ok(Ended::Asks(Box::new(needs)));
            }
            Ok(Err(wit::CallError::UnknownTool(mut text))) => {
                self.sandbox.grant.secrets.mask_text(&mut text);
                return Err(ErrorData::invalid_params(text, None));
            }
            Ok(Err(wit::CallError::MalformedArguments)) => {
                return Err(ErrorData::invalid_params(MALFORMED, None));
            }
            Ok(Err(wit::CallError::Configuration(text))) => return Err(ErrorData::internal_error(text, None)),
        };
        Ok(Ended::Done(Box::new(self.finish(result))))
    }

    /// Take the keys out of a result, of which the component cannot know.
    fn mask(&self, result: &mut wit::CallResult) {
        let secrets = &self.sandbox.grant.secrets;
        for content in &mut result.content {
            match content {
                wit::Content::Text(text) => secrets.mask_text(text),
                wit::Content::File(file) => secrets.mask(&mut file.bytes),
                wit::Content::Link(link) => secrets.mask_text(&mut link.uri),
            }
        }
        result.structured.iter_mut().chain(&mut result.meta).for_each(|text| secrets.mask_text(text));
    }

    /// Results say whether the embedded Nango made them.
    fn finish(&self, mut result: CallToolResult) -> CallToolResult {
        if self.demo {
            result.meta.get_or_insert_default().insert("demo".into(), true.into());
        }
        result
    }

    /// A call of a client, with the questions that come up put to it.
    async fn serve(&self, request: CallToolRequestParams, context: &RequestContext<RoleServer>) -> Result<CallToolResponse, ErrorData> {
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
                    let structured = result.structured_content.clone().unwrap_or_default();
                    match opened {
                        Some(id) => self.opened.remember(id, &structured),
                        None if call.name == "wait_for_connection" => {
                            self.opened.tell(&context.peer, &arguments, &structured).await;
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

    fn signed(&self, mut result: CallToolResult) -> CallToolResult {
        self.sign(&mut result.meta);
        result
    }

    /// Results name their server (2026-07-28, "server info").
    fn sign(&self, meta: &mut Option<MetaObject>) {
        if let Ok(info) = serde_json::to_value(&self.config.server_info) {
            meta.get_or_insert_default().insert("io.modelcontextprotocol/serverInfo".into(), info);
        }
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        self.now().config.clone()
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(&REVISIONS)
    }

    async fn discover(&self, _context: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let result = DiscoverResult::from_server_info(REVISIONS.to_vec(), self.get_info());
        Ok(result.with_ttl_ms(LIST_TTL_MS).with_cache_scope(CacheScope::Public))
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        one_page(request)?;
        let now = self.now();
        let list = ListToolsResult::with_all_items(now.tools.clone());
        let mut list = list.with_ttl_ms(LIST_TTL_MS).with_cache_scope(CacheScope::Public);
        now.sign(&mut list.meta);
        Ok(list)
    }

    async fn call_tool(&self, request: CallToolRequestParams, context: RequestContext<RoleServer>) -> Result<CallToolResponse, ErrorData> {
        let now = self.now();
        progress::attend(&context, now.serve(request, &context)).await
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        one_page(request)?;
        let now = self.now();
        let list = ListPromptsResult::with_all_items(now.beside.prompts.clone());
        let mut list = list.with_ttl_ms(LIST_TTL_MS).with_cache_scope(CacheScope::Public);
        now.sign(&mut list.meta);
        Ok(list)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let now = self.now();
        let mut result = offers::prompt(&now.tools, request)?;
        now.sign(&mut result.meta);
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        one_page(request)?;
        let now = self.now();
        let list = ListResourcesResult::with_all_items(now.beside.listed());
        let mut list = list.with_ttl_ms(LIST_TTL_MS).with_cache_scope(CacheScope::Public);
        now.sign(&mut list.meta);
        Ok(list)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        one_page(request)?;
        let now = self.now();
        let list = ListResourceTemplatesResult::with_all_items(Vec::new());
        let mut list = list.with_ttl_ms(LIST_TTL_MS).with_cache_scope(CacheScope::Public);
        now.sign(&mut list.meta);
        Ok(list)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let now = self.now();
        let resource = now.beside.find(&request.uri)?;
        let called = progress::attend(&context, now.call(resource.tool, &resource.arguments)).await?;
        let mut result = offers::contents(request.uri, called)?;
        now.sign(&mut result.meta);
        Ok(result.into())
    }

    /// Where rmcp cannot read a request's params as those of its method, it takes the method for an unknown one.
    async fn on_custom_request(&self, request: CustomRequest, _context: RequestContext<RoleServer>) -> Result<CustomResult, ErrorData> {
        if METHODS.contains(&request.method.as_str()) {
            return Err(ErrorData::invalid_params(format!("the params of {} are not of its form", request.method), None));
        }
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, request.method, None))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.now().tools.iter().find(|tool| tool.name == name).cloned()
    }
}

/// A call under way. It is written down when this is dropped: a call that its client gives up ends so, too.
struct Record<'a> {
    watcher: &'a Watcher,
    tool: &'a str,
    environment: Option<&'a str>,
    begun: Instant,
    outcome: &'static str,
    code: Option<String>,
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        let (Watcher { monitor, principal }, took) = (self.watcher, self.begun.elapsed());
        monitor.metrics.called(principal, self.tool, self.outcome, took);
        monitor.audit.write(&Event::Call {
            principal,
            tool: self.tool,
            environment: self.environment,
            outcome: self.outcome,
            code: self.code.as_deref(),
            ms: milliseconds(took),
        });
    }
}

/// The code of an error, in the `_meta` of its result.
fn code_of(meta: Option<&str>) -> Option<String> {
    let meta: Value = serde_json::from_str(meta?).ok()?;
    let code = meta.pointer("/nango-mcp~1error/code")?.as_str()?;
    // Some codes are Nango's own words.
    let plain = code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    Some(if plain { code.to_owned() } else { "other".to_owned() })
}

/// No list gives a cursor, so no request may bring one.
fn one_page(request: Option<PaginatedRequestParams>) -> Result<(), ErrorData> {
    match request.and_then(|page| page.cursor) {
        None => Ok(()),
        Some(_) => Err(ErrorData::invalid_params("unknown cursor: the list has one page", None)),
    }
}

fn tool(tool: &wit::Tool) -> Result<Tool> {
    let schema = |text: &str| serde_json::from_str::<Map<String, Value>>(text).with_context(|| format!("schema of {}", tool.name));
    let hints = ToolAnnotations::new()
        .read_only(tool.annotations.read_only)
        .destructive(tool.annotations.destructive)
        .idempotent(tool.annotations.idempotent)
        .open_world(tool.annotations.open_world);
    let mut made = Tool::new(tool.name.clone(), tool.description.clone(), Arc::new(schema(&tool.input_schema)?));
    made.title = Some(tool.title.clone());
    made.output_schema = Some(Arc::new(schema(&tool.output_schema)?));
    made.annotations = Some(hints);
    Ok(made)
}

fn called(result: wit::CallResult) -> CallToolResult {
    let content = result.content.into_iter().map(block).collect();
    let mut made = if result.is_error { CallToolResult::error(content) } else { CallToolResult::success(content) };
    made.structured_content = result.structured.and_then(|text| serde_json::from_str(&text).ok());
    made.meta = result.meta.and_then(|text| serde_json::from_str(&text).ok());
    made
}

fn block(content: wit::Content) -> ContentBlock {
    match content {
        wit::Content::Text(text) => ContentBlock::text(text),
        wit::Content::Link(link) => {
            let mut resource = Resource::new(link.uri, link.name);
            resource.mime_type = link.media_type;
            resource.size = link.size;
            ContentBlock::resource_link(resource)
        }
        wit::Content::File(file) => {
            use base64::Engine as _;
            let blob = base64::engine::general_purpose::STANDARD.encode(&file.bytes);
            let mut contents = ResourceContents::blob(blob, file.uri);
            if let Some(media_type) = file.media_type {
                contents = contents.with_mime_type(media_type);
            }
            ContentBlock::resource(contents)
        }
    }
}
