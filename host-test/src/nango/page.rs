//! The Connect page: what a person sees at the other end of a `connect_link`.
//!
//! It plays both Nango's page and the provider's: one button completes the session, one lets it fail. It is plain HTML;
//! the forms have no address of their own and so go to the page's, which is how the token stays out of its text.

mod frame;
mod html;
mod item;
mod person;
mod view;

use super::answer::Answer;
use super::completion;
use super::routes::Turn;
use super::session::Session;
use frame::{again, page};
use html::Html;
use view::View;

/// `GET /`: the page as things stand. It changes nothing.
pub(crate) fn show(turn: &mut Turn) -> Result<Answer, Answer> {
    if turn.call.query.contains_key("session_token") {
        let session = session(turn)?;
        return Ok(View::of(turn, &session).answer());
    }
    let main = Html::default()
        .markup("<h1>Embedded Nango</h1>\n<p>Links that <code>create_connect_session</code> and its like return lead here. ")
        .markup("This address is none of them: it has no <code>session_token</code>.</p>\n");
    Ok(page(200, "Not a link", &main))
}

/// `POST /`: one of the page's buttons.
pub(crate) fn press(turn: &mut Turn) -> Result<Answer, Answer> {
    const UNKNOWN: &str = "Only the buttons of this page are understood. Nothing was done.";
    let session = session(turn)?;
    let view = View::of(turn, &session);
    if !turn.call.is_form() {
        return Err(view.refusal(415, UNKNOWN));
    }
    let form = turn.call.forwarded_body();
    let field = |name: &str| form.get(name).and_then(|value| value.as_str()).unwrap_or_default();
    let integration = field("integration");
    let done = match field("do") {
        // Pressed twice before the page changed: one connection, not two.
        "connect" if view.connected(integration) => Ok(()),
        "connect" | "another" => completion::complete(turn.state, turn.catalogue, &session, integration, None, turn.now).map(drop),
        "fail" => completion::fail(turn.state, &session, integration),
        _ => return Err(view.refusal(400, UNKNOWN)),
    };
    match done {
        Ok(()) => Ok(again(turn.call.query_text.as_deref().unwrap_or_default())),
        Err(answer) => Err(view.refusal(answer.status, "This link is not for that integration. Nothing was connected.")),
    }
}

/// The session of the link, or the page that says there is none.
fn session(turn: &Turn) -> Result<Session, Answer> {
    let token = turn.call.query.get("session_token").and_then(|token| token.as_str()).unwrap_or_default();
    turn.state.session(token, turn.now).ok_or_else(|| {
        let main = Html::default()
            .markup("<h1>This link does not work</h1>\n<p>It has expired, it was cancelled, or it was never one. ")
            .markup("Ask whoever gave it to you for a new one; links work for 30 minutes.</p>\n");
        page(404, "This link does not work", &main)
    })
}
