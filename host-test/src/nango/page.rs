//! What a person sees at the other end of a `connect_link`, and the two health checks.

use serde_json::json;

use super::answer::Answer;
use super::routes::Turn;

/// `GET /health` and `GET /ready`.
pub(crate) fn health(_: &mut Turn) -> Result<Answer, Answer> {
    Ok(Answer::json(200, &json!({ "result": "ok" })))
}

/// `GET /`: says what this is.
pub(crate) fn show(turn: &mut Turn) -> Result<Answer, Answer> {
    let token = turn.call.query.get("session_token").and_then(|token| token.as_str());
    let session = match token.map(|token| turn.state.session(token, turn.now)) {
        None => "<p>There is no session token in this address.</p>",
        Some(None) => "<p>This session does not exist, or it has expired.</p>",
        Some(Some(_)) => {
            "<p>This session is open. <code>POST /connect/complete</code> with the same <code>session_token</code> and an \
             <code>integration</code> completes it, as a person would by signing in.</p>"
        }
    };
    Ok(Answer::html(
        200,
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Embedded Nango</title>\n\
             <h1>Embedded Nango</h1>\n<p>This is an in-memory stand-in for Nango. It connects to no provider.</p>\n{session}\n</html>\n"
        ),
    ))
}
