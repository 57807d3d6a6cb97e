//! What became of a link.

use serde_json::Value;

use super::token::{Held, is_gone};
use crate::context::Context;
use crate::error::Error;
use crate::nango::Request;
use crate::tool::{Effect, List, Toolset, choices, result};
use crate::tools::connections::{Person, PersonOrganization};

choices! {
    /// Whether a session can be used.
    pub(crate) enum Status {
        Open = "open",
        Expired = "expired",
    }
}

result! {
    /// A session, as far as it can be seen.
    pub(crate) struct Output {
        /// open: the link works; expired: it ran out, was cancelled, or is none of this Nango.
        status: Status,
        /// The integrations that the page offers; absent when it offers all.
        allowed_integrations: Option<List<String, 0, 1000>>,
        /// Who connects; tags cannot be read back.
        end_user: Option<Person>,
        /// Whether it repairs a connection.
        is_reconnecting: Option<bool>,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Held;
    type Output = Output;
    const NAME: &'static str = "get_connect_session";
    const TITLE: &'static str = "Look at a Connect link";
    const DESCRIPTION: &'static str = "Show whether a Connect link still works and for which integrations; for whom where it was made with end_user, because tags \
        cannot be read back. Use it when a person says that a link \
        fails, before making another with create_connect_session; whether they have finished shows wait_for_connection, and \
        cancel_connect_session takes the link back. An \
        expired or cancelled link is a status, not an error. It asks as the link's own session: no API key and no scope.";
    const TOOLSET: Toolset = Toolset::Connect;
    const EFFECT: Effect = Effect::Read;
    const IDEMPOTENT: bool = true;
    const SCOPES: &'static [&'static str] = &[];
    const ENVIRONMENT: bool = false;

    fn rules(args: &Held) -> Result<(), Error> {
        args.token().map(|_| ())
    }

    fn call(cx: &Context<'_>, args: &Held) -> Result<Output, Error> {
        let answer = match cx.send(&args.request(Request::get, "GET /connect/session")?) {
            Err(error) if is_gone(&error) => {
                return Ok(Output { status: Status::Expired, allowed_integrations: None, end_user: None, is_reconnecting: None });
            }
            answer => answer?,
        };
        let body = answer.json()?;
        // Which of its fields a session has depends on how it was made; one of these it always has.
        let is_session =
            |data: &&Value| ["endUser", "allowed_integrations", "connectUISettings"].iter().any(|name| data.get(name).is_some());
        let session = body.get("data").filter(is_session);
        let session = session.ok_or_else(|| Error::invalid_answer(answer.route, answer.status))?;
        let texts = |list: &Vec<Value>| list.iter().filter_map(Value::as_str).map(str::to_owned).take(1000).collect();
        Ok(Output {
            status: Status::Open,
            allowed_integrations: session.get("allowed_integrations").and_then(Value::as_array).map(texts).map(List),
            end_user: session.get("endUser").filter(|user| user.is_object()).map(person),
            is_reconnecting: Some(session.get("isReconnecting").and_then(Value::as_bool).unwrap_or(false)),
        })
    }
}

/// The person, in the words of the other tools.
fn person(user: &Value) -> Person {
    let text = |value: &Value, field: &str| value.get(field).and_then(Value::as_str).map(str::to_owned);
    let organization = user.get("organization").filter(|organization| organization.is_object());
    Person {
        id: text(user, "id"),
        email: text(user, "email"),
        display_name: text(user, "display_name"),
        organization: organization.map(|of| PersonOrganization { id: text(of, "id"), display_name: text(of, "display_name") }),
    }
}
