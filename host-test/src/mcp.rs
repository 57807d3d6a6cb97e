//! MCP on top of the WIT interface, by rmcp: the same server over stdio and Streamable HTTP, all protocol revisions.

mod calls;
mod convert;

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Result, anyhow};
use nango_mcp::access::Access;
use nango_mcp::mcp::LIST_TTL_MS;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CustomRequest, CustomResult, DiscoverResult, ErrorCode,
    GetPromptRequestParams, GetPromptResponse, Implementation, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities,
    ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tokio::time::Instant;

use self::calls::Inner;
use self::convert::tool;
use crate::bucket::Bucket;
use crate::fault::Fault;
use crate::limits::Limits;
use crate::offers::{self, Offered};
use crate::progress;
use crate::sandbox::{Sandbox, wit};
use crate::settings::Grant;
use crate::timings::{self, Phase};

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

impl Server {
    /// Ask the component who it is and what it offers. `demo` marks everything as answered by the embedded Nango.
    ///
    /// # Errors
    /// The component does not return, or its configuration cannot hold: the text names the variable.
    pub async fn start(sandbox: Sandbox, demo: bool) -> Result<Self> {
        let unfit = |fault: Fault| anyhow!("the component does not start: {}", fault.at_start());
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
        let signature = serde_json::to_value(&config.server_info)?;
        let inner = Inner { sandbox, config, signature, tools, beside, demo, opened: Arc::default(), bucket };
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
        let timeline = now.timeline(&context);
        if let Some(timeline) = &timeline {
            timeline.lap(Phase::Decode);
        }
        timings::along(timeline, progress::attend(&context, now.serve(request, &context))).await
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

/// No list gives a cursor, so no request may bring one.
fn one_page(request: Option<PaginatedRequestParams>) -> Result<(), ErrorData> {
    match request.and_then(|page| page.cursor) {
        None => Ok(()),
        Some(_) => Err(ErrorData::invalid_params("unknown cursor: the list has one page", None)),
    }
}
