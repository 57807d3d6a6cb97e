//! A component that invites people to connect an account. It knows nothing of Nango's API and has no HTTP of its own: it
//! imports `nango:mcp/tools`, and `wac plug` puts nango-mcp.wasm there.

use serde_json::{Value, json};

#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated; wit/nango-mcp.wit documents it")]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package example:compose;
            world inviter {
                import nango:mcp/tools@0.1.0;
                /// The link for a person to connect an account at an integration, or why there is none.
                export invite: func(person: string, integration: string) -> result<string, string>;
            }
        ",
        world: "inviter",
        generate_all,
    });
}

use bindings::nango::mcp::tools::{self, CallError, CallResult, ClientFeatures, Content, Outcome};

struct Inviter;

bindings::export!(Inviter with_types_in bindings);

impl bindings::Guest for Inviter {
    fn invite(person: String, integration: String) -> Result<String, String> {
        let arguments = json!({ "allowed_integrations": [integration], "tags": { "end_user_id": person } });
        let call = tools::Call {
            name: "create_connect_session".to_owned(),
            arguments: arguments.to_string(),
            client: ClientFeatures::empty(),
            answers: Vec::new(),
            state: None,
        };
        match tools::call_tool(&call) {
            Ok(Outcome::Done(result)) => link(&result),
            // Nobody can be asked here, so this is what the tool says without an answer.
            Ok(Outcome::NeedsInput(needs)) => link(&needs.otherwise),
            Err(CallError::UnknownTool(name)) => Err(format!("the plug has no tool {name}")),
            Err(CallError::MalformedArguments) => Err("the plug refused the arguments".to_owned()),
            Err(CallError::Configuration(why)) => Err(why),
        }
    }
}

fn link(result: &CallResult) -> Result<String, String> {
    if result.is_error {
        let text = result.content.iter().find_map(|content| match content {
            Content::Text(text) => Some(text.clone()),
            _ => None,
        });
        return Err(text.unwrap_or_default());
    }
    let session: Value = result.structured.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let link = session.get("connect_link").and_then(Value::as_str);
    link.map(str::to_owned).ok_or_else(|| "the result has no link".to_owned())
}
