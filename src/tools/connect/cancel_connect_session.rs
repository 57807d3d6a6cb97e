//! A link taken back.

use super::token::{Held, is_gone};
use crate::context::Context;
use crate::error::Error;
use crate::nango::Request;
use crate::tool::{Effect, Toolset, result};

result! {
    /// What was done.
    pub(crate) struct Output {
        /// The link works no longer.
        cancelled: bool,
        /// Whether it worked before this call. False, too, for a link of another Nango, which goes on to work there.
        was_open: bool,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Held;
    type Output = Output;
    const NAME: &'static str = "cancel_connect_session";
    const TITLE: &'static str = "Cancel a Connect link";
    const DESCRIPTION: &'static str = "Take a Connect link back before it runs out, so that nobody can connect with it. Use it when a link went to the \
        wrong person or is no longer wanted; to look at one first use get_connect_session, to remove what was connected with it \
        delete_connection. Connections made before stay. A link that has expired already is no error. It acts as the link's own \
        session: no API key and no scope.";
    const TOOLSET: Toolset = Toolset::Connect;
    const EFFECT: Effect = Effect::Write;
    const IDEMPOTENT: bool = true;
    const SCOPES: &'static [&'static str] = &[];
    const ENVIRONMENT: bool = false;

    fn rules(args: &Held) -> Result<(), Error> {
        args.token().map(|_| ())
    }

    fn call(cx: &Context<'_>, args: &Held) -> Result<Output, Error> {
        match cx.send(&args.request(Request::delete, "DELETE /connect/session")?) {
            Ok(answer) if answer.status == 204 => Ok(Output { cancelled: true, was_open: true }),
            Ok(answer) => Err(Error::invalid_answer(answer.route, answer.status)),
            Err(error) if is_gone(&error) => Ok(Output { cancelled: true, was_open: false }),
            Err(error) => Err(error),
        }
    }
}
