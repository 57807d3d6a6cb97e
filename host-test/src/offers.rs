//! Prompts and resources as rmcp has them: the library says which go with the tools that the component lists.

use anyhow::{Context as _, Result};
use nango_mcp::mcp::{self, INTEGRATIONS, MEDIA_TYPE, UNKNOWN_RESOURCE};
use rmcp::ErrorData;
use rmcp::model::{
    CacheScope, CallToolResult, GetPromptRequestParams, GetPromptResult, Prompt, PromptsCapability, ReadResourceResult, Resource,
    ResourceContents, ResourcesCapability, Tool,
};
use serde_json::{Value, json};

/// What is offered beside tools.
#[derive(Clone)]
pub(crate) struct Offered {
    pub(crate) prompts: Vec<Prompt>,
    resources: Vec<Readable>,
}

/// A resource, and the call that reads it.
#[derive(Clone)]
pub(crate) struct Readable {
    resource: Resource,
    pub(crate) tool: &'static str,
    pub(crate) arguments: String,
}

fn has(tools: &[Tool], name: &str) -> bool {
    tools.iter().any(|tool| tool.name == name)
}

impl Offered {
    /// What goes with these tools.
    ///
    /// # Errors
    /// The library describes a prompt in a form that MCP has not.
    pub(crate) fn with(tools: &[Tool]) -> Result<Self> {
        let offers = |name: &str| has(tools, name);
        let prompts = serde_json::from_value(mcp::prompts(&offers)).context("the library describes no prompt")?;
        // The component's configuration is its own; what it tells of the environments is in its schemas.
        let schema = tools.iter().find(|tool| tool.name == INTEGRATIONS).map(|tool| Value::Object((*tool.input_schema).clone()));
        let named = schema.as_ref().and_then(|schema| schema.pointer("/properties/environment/enum")?.as_array());
        let environments = named.into_iter().flatten().filter_map(Value::as_str);
        let mut resources = Vec::new();
        mcp::resources(&offers, environments, &mut |found| {
            let resource = Resource::new(found.uri(), found.name()).with_mime_type(MEDIA_TYPE);
            resources.push(Readable { resource, tool: found.tool(), arguments: found.arguments() });
        });
        Ok(Self { prompts, resources })
    }

    /// What to announce: nothing of what there is nothing of.
    pub(crate) fn capabilities(&self) -> (Option<PromptsCapability>, Option<ResourcesCapability>) {
        let prompts = (!self.prompts.is_empty()).then(PromptsCapability::default);
        (prompts, (!self.resources.is_empty()).then(ResourcesCapability::default))
    }

    /// The resources, as clients see them.
    pub(crate) fn listed(&self) -> Vec<Resource> {
        self.resources.iter().map(|readable| readable.resource.clone()).collect()
    }

    /// The resource at exactly that place. rmcp gives the error the code of the client's revision.
    pub(crate) fn find(&self, uri: &str) -> Result<&Readable, ErrorData> {
        let found = self.resources.iter().find(|readable| readable.resource.uri == uri);
        found.ok_or_else(|| ErrorData::resource_not_found(UNKNOWN_RESOURCE, Some(json!({"uri": uri}))))
    }
}

/// A prompt with its arguments filled in.
pub(crate) fn prompt(tools: &[Tool], request: GetPromptRequestParams) -> Result<GetPromptResult, ErrorData> {
    let arguments = Value::Object(request.arguments.unwrap_or_default());
    let made = mcp::prompt(&|name| has(tools, name), &request.name, &arguments).map_err(|say| ErrorData::invalid_params(say, None))?;
    let messages = serde_json::from_value(made.get("messages").cloned().unwrap_or_default());
    messages.map(GetPromptResult::new).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

/// What the tool behind a resource answered, as the resource's contents.
pub(crate) fn contents(uri: String, called: CallToolResult) -> Result<ReadResourceResult, ErrorData> {
    let text = called.content.into_iter().find_map(|block| Some(block.as_text()?.text.clone())).unwrap_or_default();
    if called.is_error == Some(true) {
        let data = called.meta.and_then(|meta| serde_json::to_value(meta).ok());
        return Err(ErrorData::internal_error(text, data));
    }
    let contents = ResourceContents::text(text, uri).with_mime_type(MEDIA_TYPE);
    // As the component says: it was read with a key, and may be another thing in a moment.
    let mut result = ReadResourceResult::new(vec![contents]).with_ttl_ms(0).with_cache_scope(CacheScope::Private);
    result.meta = called.meta;
    Ok(result)
}
