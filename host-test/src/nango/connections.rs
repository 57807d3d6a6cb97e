//! `/connections`: list, read, patch, delete.

use std::collections::HashSet;

use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::answer::Answer;
use super::clock::whole_millis;
use super::completion::made_up;
use super::connection::{Connection, Times};
use super::end_user::EndUser;
use super::outbound::check_webhook;
use super::providers::Catalogue;
use super::routes::Turn;
use super::state::State;
use super::tags::{self, Tags};
use super::validate::{CONNECTION_ID, Fields, Issues, Path, Text, UNIQUE_KEY};

const ROWS: usize = 10_000;
const ROWS_MAX: f64 = 2000.0;
const TRUE: [&str; 6] = ["true", "1", "yes", "on", "y", "enabled"];
const FALSE: [&str; 6] = ["false", "0", "no", "off", "n", "disabled"];

/// `GET /connections`: newest first, without a total.
pub(crate) fn list(turn: &mut Turn) -> Result<Answer, Answer> {
    let filter = Filter::read(&turn.call.query)?;
    let mut found: Vec<&Connection> = turn.environment().connections.iter().filter(|row| filter.takes(row)).collect();
    found.sort_by_key(|connection| std::cmp::Reverse((connection.created_at, connection.id)));
    let from = filter.page.saturating_mul(filter.limit);
    let rows: Vec<Value> = found.into_iter().skip(from).take(filter.limit).map(Connection::row).collect();
    Ok(Answer::json(200, &json!({ "connections": rows })))
}

struct Filter {
    connection_id: Option<String>,
    search: Option<String>,
    end_user: Option<String>,
    integrations: Option<Vec<String>>,
    organization: Option<String>,
    tags: Tags,
    limit: usize,
    page: usize,
}

impl Filter {
    fn read(query: &Map<String, Value>) -> Result<Filter, Answer> {
        const TERM: Text = Text::between(1, 255);
        let mut issues = Issues::default();
        let mut fields = Fields::over(query, Path::root(), &mut issues);
        let connection_id = fields.optional_text("connectionId", TERM);
        let search = fields.optional_text("search", TERM).map(|term| term.to_lowercase());
        let end_user = fields.optional_text("endUserId", TERM);
        let integrations = fields.optional_text("integrationId", TERM);
        let organization = fields.optional_text("endUserOrganizationId", TERM);
        let path = fields.at("tags");
        let tags = fields.raw("tags").and_then(|value| tags::read(Some(value), &path, fields.issues));
        let limit = number(&mut fields, "limit", 1.0, Some(ROWS_MAX));
        let page = number(&mut fields, "page", 0.0, None);
        fields.end();
        issues.done("invalid_query_params")?;
        Ok(Filter {
            connection_id,
            search,
            end_user,
            integrations: integrations.map(|keys| keys.split(',').map(|key| key.trim().to_owned()).collect()),
            organization,
            tags: tags.unwrap_or_default(),
            limit: limit.unwrap_or(ROWS),
            page: page.unwrap_or(0),
        })
    }

    fn takes(&self, row: &Connection) -> bool {
        let user = row.end_user.as_ref();
        let same = |wanted: &Option<String>, held: Option<&String>| wanted.is_none() || wanted.as_ref() == held;
        let organization = user.and_then(|user| user.organization.as_ref()).map(|organization| &organization.id);
        let searched = |term: &String| {
            let name = user.and_then(|user| user.display_name.as_ref());
            let email = user.and_then(|user| user.email.as_ref());
            [Some(&row.connection_id), name, email].into_iter().flatten().any(|text| text.to_lowercase().contains(term))
        };
        same(&self.connection_id, Some(&row.connection_id))
            && same(&self.end_user, user.map(|user| &user.id))
            && same(&self.organization, organization)
            && self.integrations.as_ref().is_none_or(|keys| keys.contains(&row.integration))
            && self.search.as_ref().is_none_or(searched)
            && self.tags.iter().all(|(key, value)| row.tags.get(key) == Some(value))
    }
}

/// A number in a query. An empty one counts as 0, as JavaScript has it.
fn number(fields: &mut Fields, key: &'static str, min: f64, max: Option<f64>) -> Option<usize> {
    let text = fields.raw(key)?.as_str().map(str::trim);
    let path = fields.at(key);
    let value = match text {
        Some("") => Some(0.0),
        Some(text) => text.parse::<f64>().ok().filter(|value| value.is_finite()),
        None => None,
    };
    let Some(value) = value else {
        fields.issues.add("invalid_type", "Invalid input: expected number, received NaN", &path);
        return None;
    };
    if value < min {
        fields.issues.add("too_small", format!("Too small: expected number to be >={min}"), &path);
    }
    if let Some(max) = max.filter(|max| value > *max) {
        fields.issues.add("too_big", format!("Too big: expected number to be <={max}"), &path);
    }
    Some(value as usize)
}

/// The id in the path and the integration in the query, which is required; then what else the query may hold.
fn target<T>(turn: &Turn, more: impl FnOnce(&mut Fields) -> T) -> Result<(String, String, T), Answer> {
    let mut issues = Issues::default();
    let mut fields = Fields::over(&turn.call.query, Path::root(), &mut issues);
    let integration = fields.text("provider_config_key", Text::of(UNIQUE_KEY));
    let more = more(&mut fields);
    fields.end();
    issues.done("invalid_query_params")?;
    let mut issues = Issues::default();
    let id = Value::String(turn.param.clone());
    Text::of(CONNECTION_ID).check(Some(&id), &Path::root().at("connectionId"), &mut issues);
    issues.done("invalid_uri_params")?;
    Ok((turn.param.clone(), integration.unwrap_or_default(), more))
}

fn flag(fields: &mut Fields, key: &'static str) -> bool {
    let Some(value) = fields.raw(key) else { return false };
    let word = value.as_str().unwrap_or_default().to_ascii_lowercase();
    if !TRUE.contains(&word.as_str()) && !FALSE.contains(&word.as_str()) {
        let path = fields.at(key);
        let words: Vec<String> = TRUE.iter().chain(&FALSE).map(|word| format!("\"{word}\"")).collect();
        fields.issues.add("invalid_value", format!("Invalid option: expected one of {}", words.join("|")), &path);
    }
    TRUE.contains(&word.as_str())
}

/// Finds a connection for reading or patching; the two ways not to are told apart.
fn find<'t>(turn: &'t mut Turn, id: &str, integration: &str) -> Result<&'t mut Connection, Answer> {
    let environment = turn.environment();
    if !environment.integrations.contains_key(integration) {
        return Err(Answer::coded(400, "unknown_provider_config", "Provider does not exists"));
    }
    environment.connection(id, integration).ok_or_else(|| Answer::coded(404, "not_found", "Failed to find connection"))
}

/// `GET /connections/:id`.
pub(crate) fn read(turn: &mut Turn) -> Result<Answer, Answer> {
    let (id, integration, (refresh, force)) = target(turn, |fields| {
        let refresh = flag(fields, "refresh_token");
        let force = flag(fields, "force_refresh");
        (refresh, flag(fields, "refresh_github_app_jwt_token") || force)
    })?;
    let scope = "environment:connections:read_credentials";
    let entitled = turn.caller.allows(scope);
    if refresh || force {
        turn.caller.require(&[scope])?;
    }
    let now = turn.now;
    let connection = find(turn, &id, &integration)?;
    if entitled && connection.wants_refresh(force, now) {
        if !connection.can_refresh() {
            return Err(refresh_failed(connection, now));
        }
        connection.refresh(now);
    }
    // A key that cannot see credentials does not count as having fetched them.
    if entitled {
        connection.last_fetched_at = Some(whole_millis(now));
    }
    let mut shown = connection.full(Times::Read, entitled);
    if !refresh {
        hide_refresh_token(&mut shown);
    }
    Ok(Answer::json(200, &shown))
}

/// OAuth2 credentials keep their refresh token to themselves unless it is asked for (getConnection.ts).
fn hide_refresh_token(shown: &mut Value) {
    let Some(credentials) = shown.get_mut("credentials").filter(|held| held.get("type").is_some_and(|kind| kind == "OAUTH2")) else {
        return;
    };
    for place in ["", "/raw"] {
        if let Some(Value::Object(fields)) = credentials.pointer_mut(place) {
            fields.shift_remove("refresh_token");
        }
    }
}

/// The provider did not take the refresh token. The answer shows the clocks as they were before.
fn refresh_failed(connection: &mut Connection, now: OffsetDateTime) -> Answer {
    connection.note_auth_error(now);
    let shown = connection.full(Times::Read, false);
    connection.updated_at = whole_millis(now);
    connection.last_fetched_at = Some(whole_millis(now));
    let message = "The external API returned an error when trying to refresh the access token. Please try again later.";
    let error = json!({ "code": "invalid_credentials", "message": message, "payload": { "connection": shown } });
    Answer::json(400, &json!({ "error": error }))
}

/// `PATCH /connections/:id`. None of the connection's clocks moves.
pub(crate) fn patch(turn: &mut Turn) -> Result<Answer, Answer> {
    let (id, integration, ()) = target(turn, |_| ())?;
    let mut issues = Issues::default();
    let read = Fields::open(turn.body(), Path::root(), &mut issues).map(|mut fields| {
        let path = fields.at("end_user");
        let end_user = fields.raw("end_user").and_then(|value| EndUser::read(value, path, fields.issues));
        let path = fields.at("tags");
        let tags = fields.raw("tags").and_then(|value| tags::read(Some(value), &path, fields.issues));
        let webhook = fields.optional_text("webhook_url_override", Text::any());
        if let Some(url) = &webhook {
            check_webhook(url, &fields.at("webhook_url_override"), fields.issues);
        }
        fields.end();
        (end_user, tags, webhook)
    });
    issues.done("invalid_body")?;
    let (end_user, tags, webhook) = read.unwrap_or_default();
    let connection = find(turn, &id, &integration)?;
    if end_user.is_some() || tags.is_some() {
        let generated = tags::generated(end_user.as_ref(), None);
        // Here, unlike elsewhere, it is found out before it is written (patchConnection.ts).
        connection.tags = tags::merged(generated, tags).map_err(|_| Answer::coded(400, "invalid_body", &tags::too_many()))?;
    }
    if end_user.is_some() {
        connection.end_user = end_user;
    }
    if let Some(url) = webhook {
        connection.webhook_url_override = Some(url).filter(|url| !url.is_empty());
    }
    Ok(Answer::json(200, &json!({ "success": true })))
}

/// `DELETE /connections/:id`. Whatever of the pair is unknown, it is the connection, and a 400.
pub(crate) fn delete(turn: &mut Turn) -> Result<Answer, Answer> {
    let (id, integration, ()) = target(turn, |_| ())?;
    let connections = &mut turn.environment().connections;
    match connections.iter().position(|connection| connection.is(&id, &integration)) {
        Some(index) => {
            connections.remove(index);
            Ok(Answer::json(200, &json!({ "success": true })))
        }
        None => Err(Answer::bare(400, "unknown_connection")),
    }
}

/// What [`super::Nango::seed_connections`] does.
pub(crate) fn seed(
    state: &mut State,
    catalogue: &Catalogue,
    (environment, integration): (&str, &str),
    count: usize,
    now: OffsetDateTime,
) -> usize {
    let held = state.environment(environment);
    let Some(provider) = held.integrations.get(integration).map(|found| found.provider.clone()) else { return 0 };
    let mode = catalogue.auth_mode(&provider).unwrap_or_default();
    let taken: HashSet<String> =
        held.connections.iter().filter(|row| row.integration == integration).map(|row| row.connection_id.clone()).collect();
    let free = (1..=count).map(|nth| (nth, format!("seed-{nth:04}"))).filter(|(_, id)| !taken.contains(id));
    let mut made = 0;
    for (nth, id) in free {
        let age = Duration::seconds(i64::try_from(count - nth).unwrap_or_default());
        let mut connection = Connection::new(id, integration.to_owned(), provider.clone(), made_up(mode), now - age);
        connection.tags.insert("end_user_id".to_owned(), format!("user-{nth:04}").into());
        connection.tags.insert("organization_id".to_owned(), format!("org-{:02}", nth % 20).into());
        if nth % 10 == 0 {
            connection.fail_for_good(now);
        }
        state.add_connection(environment, connection);
        made += 1;
    }
    made
}
