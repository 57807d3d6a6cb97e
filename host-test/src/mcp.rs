//! MCP on top of the WIT interface, by rmcp: the same server over stdio and Streamable HTTP, all protocol revisions.

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use nango_mcp::access::Access;
use nango_mcp::mcp::{LIST_TTL_MS, MALFORMED};
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomRequest, CustomResult, DiscoverResult,
    ErrorCode, GetPromptRequestParams, GetPromptResponse, Implementation, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, MetaObject, PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams,
    ReadResourceResponse, Resource, ResourceContents, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Map, Value, json};

use crate::elicit::{self, Opened};
use crate::offers::{self, Offered};
use crate::progress;
use crate::sandbox::{Fault, Sandbox, plain, wit};

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

/// The server of one sandbox. Cheap to clone.
#[derive(Clone)]
pub struct Server {
    sandbox: Sandbox,
    shared: Arc<Shared>,
}

struct Shared {
    config: ServerConfig,
    tools: Vec<Tool>,
    beside: Offered,
    demo: bool,
    opened: Opened,
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
        let info = sandbox.info().await.map_err(|fault| anyhow!("{}", sentence(&fault)))?;
        let tools = match sandbox.list_tools().await.map_err(|fault| anyhow!("{}", sentence(&fault)))? {
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
        Ok(Self { sandbox, shared: Arc::new(Shared { config, tools, beside, demo, opened: Opened::default() }) })
    }

    /// The tools, as clients see them.
    pub fn tools(&self) -> &[Tool] {
        &self.shared.tools
    }

    /// Who may use it over HTTP, by its configuration.
    pub fn access(&self) -> &Access {
        &self.sandbox.grant.access
    }

    /// Call a tool.
    ///
    /// # Errors
    /// A protocol error: unknown tool, malformed arguments, or a configuration that cannot hold.
    pub async fn call(&self, name: &str, arguments: &str) -> Result<CallToolResult, ErrorData> {
        match self.enter(plain(name, arguments)).await? {
            Ended::Done(result) => Ok(*result),
            // Nobody can be asked.
            Ended::Asks(needs) => Ok(self.finish(called(needs.otherwise))),
        }
    }

    async fn enter(&self, call: wit::Call) -> Result<Ended, ErrorData> {
        let result = match self.sandbox.call(call).await {
            Err(fault) => faulty(&fault),
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
        if self.shared.demo {
            result.meta.get_or_insert_default().insert("demo".into(), true.into());
        }
        result
    }

    /// A call of a client, with the questions that come up put to it.
    async fn serve(&self, request: CallToolRequestParams, context: &RequestContext<RoleServer>) -> Result<CallToolResponse, ErrorData> {
        let arguments = Value::Object(request.arguments.unwrap_or_default());
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
            let needs = match self.enter(call.clone()).await? {
                Ended::Done(result) => {
                    let structured = result.structured_content.clone().unwrap_or_default();
                    match opened {
                        Some(id) => self.shared.opened.remember(id, &structured),
                        None if call.name == "wait_for_connection" => {
                            self.shared.opened.tell(&context.peer, &arguments, &structured).await;
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
        if let Ok(info) = serde_json::to_value(&self.shared.config.server_info) {
            meta.get_or_insert_default().insert("io.modelcontextprotocol/serverInfo".into(), info);
        }
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        self.shared.config.clone()
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
        let list = ListToolsResult::with_all_items(self.shared.tools.clone());
        let mut list = list.with_ttl_ms(LIST_TTL_MS).with_cache_scope(CacheScope::Public);
        self.sign(&mut list.meta);
        Ok(list)
    }

    async fn call_tool(&self, request: CallToolRequestParams, context: RequestContext<RoleServer>) -> Result<CallToolResponse, ErrorData> {
        progress::attend(&context, self.serve(request, &context)).await
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        one_page(request)?;
        let list = ListPromptsResult::with_all_items(self.shared.beside.prompts.clone());
        let mut list = list.with_ttl_ms(LIST_TTL_MS).with_cache_scope(CacheScope::Public);
        self.sign(&mut list.meta);
        Ok(list)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let mut result = offers::prompt(&self.shared.tools, request)?;
        self.sign(&mut result.meta);
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        one_page(request)?;
        let list = ListResourcesResult::with_all_items(self.shared.beside.listed());
        let mut list = list.with_ttl_ms(LIST_TTL_MS).with_cache_scope(CacheScope::Public);
        self.sign(&mut list.meta);
        Ok(list)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        one_page(request)?;
        let list = ListResourceTemplatesResult::with_all_items(Vec::new());
        let mut list = list.with_ttl_ms(LIST_TTL_MS).with_cache_scope(CacheScope::Public);
        self.sign(&mut list.meta);
        Ok(list)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let resource = self.shared.beside.find(&request.uri)?;
        let called = progress::attend(&context, self.call(resource.tool, &resource.arguments)).await?;
        let mut result = offers::contents(request.uri, called)?;
        self.sign(&mut result.meta);
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
        self.shared.tools.iter().find(|tool| tool.name == name).cloned()
    }
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

/// A call without an outcome, as a result that the model can read.
fn faulty(fault: &Fault) -> CallToolResult {
    let code = match fault {
        Fault::Time(_) => "time_limit",
        Fault::Memory(_) => "memory_limit",
        Fault::Trap => "component_trapped",
    };
    let message = sentence(fault);
    let error = json!({"kind": "host", "code": code, "message": message});
    let mut made = CallToolResult::error(vec![ContentBlock::text(message), ContentBlock::text(json!({"error": error}).to_string())]);
    made.meta.get_or_insert_default().insert("nango-mcp/error".into(), error);
    made
}

fn sentence(fault: &Fault) -> String {
    match fault {
        Fault::Time(limit) => {
            format!("the call was ended after {} s, the host's limit; what it had begun may have taken effect: look before you repeat it", limit.as_secs_f32())
        }
        Fault::Memory(limit) => format!("the call was ended because it needed more than {} MiB of memory, the host's limit: ask for less", limit >> 20),
        Fault::Trap => {
            "the component failed inside this call; the next call gets a fresh one. Look before you repeat it, and please report it with the host's log".into()
        }
    }
}
