//! `POST /_demo/break`, which Nango has not: a connection stops working, as when its provider takes the access back.

use serde_json::json;

use super::answer::Answer;
use super::routes::Turn;
use super::validate::{CONNECTION_ID, Fields, Issues, Path, Text, UNIQUE_KEY};

/// Breaks the connection named in the body, by `connection_id` and `provider_config_key`.
pub(crate) fn run(turn: &mut Turn) -> Result<Answer, Answer> {
    turn.no_query()?;
    let mut issues = Issues::default();
    let named = Fields::open(turn.body(), Path::root(), &mut issues).map(|mut fields| {
        let named = (fields.text("connection_id", Text::of(CONNECTION_ID)), fields.text("provider_config_key", Text::of(UNIQUE_KEY)));
        fields.end();
        named
    });
    issues.done("invalid_body")?;
    let Some((Some(id), Some(integration))) = named else { return Err(Answer::unexpected()) };
    let now = turn.now;
    match turn.environment().connection(&id, &integration) {
        Some(found) => {
            found.fail_for_good(now);
            Ok(Answer::json(200, &json!({ "success": true })))
        }
        None => Err(Answer::coded(404, "unknown_connection", "No such connection in this environment")),
    }
}
