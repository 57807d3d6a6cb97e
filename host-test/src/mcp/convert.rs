//! What the component gives, in the types of rmcp.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use rmcp::model::{CallToolResult, ContentBlock, Resource, ResourceContents, Tool, ToolAnnotations};
use serde_json::{Map, Value};

use crate::sandbox::wit;

/// A tool as rmcp has it.
///
/// # Errors
/// A schema that is no JSON object.
pub(super) fn tool(tool: &wit::Tool) -> Result<Tool> {
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

/// A result as rmcp has it.
pub(super) fn called(result: wit::CallResult) -> CallToolResult {
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
