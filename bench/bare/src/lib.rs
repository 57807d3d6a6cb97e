//! What a call costs before anything is done in it: waki's own handler and client, and the one POST to Nango that
//! `create_connect_session` makes. Its body comes with the request and Nango's answer goes back as it is; nothing is looked at.
//!
//! No length is announced, in neither direction: then a host ends a body at its length, waki finds its stream closed, and takes
//! that for an error (waki 0.5.1, `write_to_outgoing_body`). So bodies go in chunks, as with any other component on waki.

use std::fmt::Display;

use waki::{Client, ErrorCode, Request, Response, handler};

#[handler]
fn relay(request: Request) -> Result<Response, ErrorCode> {
    let base = variable("NANGO_BASE_URL")?;
    let key = variable("NANGO_SECRET_KEY")?;
    let body = request.body().map_err(failed)?;
    let sent = Client::new()
        .post(&format!("{base}/connect/sessions"))
        .header("accept", "application/json")
        .header("user-agent", "bench-bare")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {key}"))
        .body(body)
        .send();
    let answer = sent.map_err(failed)?;
    let status = answer.status_code();
    let body = answer.body().map_err(failed)?;
    Response::builder().status_code(status).header("content-type", "application/json").body(body).build()
}

#[expect(clippy::disallowed_methods, reason = "nothing else hands variables to a bare component")]
fn variable(name: &str) -> Result<String, ErrorCode> {
    std::env::var(name).map_err(failed)
}

fn failed(error: impl Display) -> ErrorCode {
    ErrorCode::InternalError(Some(error.to_string()))
}
