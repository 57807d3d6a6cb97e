//! `/connections/metadata`: what the customer keeps on connections.

use serde_json::{Map, Value};

use super::answer::Answer;
use super::routes::Turn;
use super::tags;
use super::validate::{Fields, Issues, Path, Text, UNIQUE_KEY};

/// `POST`: the metadata becomes what is sent.
pub(crate) fn replace(turn: &mut Turn) -> Result<Answer, Answer> {
    write(turn, 201, |kept, given| *kept = given)
}

/// `PATCH`: its top-level keys are replaced one by one.
pub(crate) fn merge(turn: &mut Turn) -> Result<Answer, Answer> {
    write(turn, 200, |kept, given| kept.extend(given))
}

fn write(turn: &mut Turn, status: u16, change: fn(&mut Map<String, Value>, Map<String, Value>)) -> Result<Answer, Answer> {
    turn.no_query()?;
    let mut issues = Issues::default();
    let read = Fields::open(turn.body(), Path::root(), &mut issues).map(|mut fields| {
        let value = fields.raw("connection_id");
        let path = fields.at("connection_id");
        let ids = connection_ids(value, &path, fields.issues);
        let integration = fields.text("provider_config_key", Text::of(UNIQUE_KEY));
        let given = fields.raw("metadata");
        let path = fields.at("metadata");
        let metadata = super::validate::record(given, &path, fields.issues).cloned();
        fields.end();
        (ids, integration, metadata)
    });
    issues.done("invalid_body")?;
    let Some((Some(ids), Some(integration), Some(metadata))) = read else { return Err(Answer::unexpected()) };
    let echo = turn.body().cloned().unwrap_or_default();
    let environment = turn.environment();
    // All or nothing.
    for id in &ids {
        if environment.connection(id, &integration).is_none() {
            return Err(missing(id, &integration, ids.len() > 1));
        }
    }
    for id in &ids {
        if let Some(connection) = environment.connection(id, &integration) {
            change(&mut connection.metadata, metadata.clone());
            connection.metadata = tags::stored(std::mem::take(&mut connection.metadata));
        }
    }
    // The input again, not what came of it.
    Ok(Answer::json(status, &echo))
}

fn connection_ids(value: Option<&Value>, path: &Path, issues: &mut Issues) -> Option<Vec<String>> {
    let ids = match value {
        Some(Value::String(id)) => Some(vec![id.clone()]),
        Some(Value::Array(items)) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    if ids.is_none() {
        issues.add("invalid_union", "Invalid input", path);
    }
    ids
}

fn missing(id: &str, integration: &str, several: bool) -> Answer {
    let mut message = format!(
        "Connection with connection id {id} and provider config key {integration} not found. \
         Please make sure the connection exists in the Nango dashboard"
    );
    if several {
        message.push_str(". No actions were taken on any of the connections as a result of this failure.");
    }
    Answer::coded(404, "unknown_connection", &message)
}
