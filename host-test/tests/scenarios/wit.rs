//! The interface `nango:mcp/tools` of the main component.

use nango_mcp_host::limits::Limits;
use nango_mcp_host::sandbox::{Sandbox, plain, wit};
use serde_json::Value;

use super::super::bench::component;
use super::entry::{Calling, Entry, Said};

pub(crate) struct Tools;

impl Entry for Tools {
    fn name(&self) -> &'static str {
        "wit"
    }

    fn call<'a>(&'a self, vars: &'a [(String, String)], tool: &'a str, arguments: &'a Value) -> Calling<'a> {
        Box::pin(async move {
            let grant = match nango_mcp_host::settings::grant(&vars.to_vec()) {
                Ok(grant) => grant,
                Err(error) => return Said::Refused(format!("{error:#}")),
            };
            let sandbox = Sandbox::load(&component(), grant, Limits::default()).unwrap();
            match sandbox.call(plain(tool, &arguments.to_string())).await.unwrap() {
                Ok(wit::Outcome::Done(result)) => said(result),
                Ok(wit::Outcome::NeedsInput(_)) => panic!("a question to nobody"),
                Err(error) => Said::Refused(format!("{error:?}")),
            }
        })
    }
}

fn said(result: wit::CallResult) -> Said {
    let mut texts = Vec::new();
    let mut files = Vec::new();
    for block in &result.content {
        match block {
            wit::Content::Text(text) => texts.push(text.as_str()),
            wit::Content::File(file) => files.push(file.bytes.clone()),
            wit::Content::Link(_) => {}
        }
    }
    match result.structured {
        _ if result.is_error => Said::error(&texts),
        Some(structured) => Said::Result { structured: serde_json::from_str(&structured).unwrap(), files },
        None => panic!("a result without structure"),
    }
}
