//! `/connect/sessions` and `/connect/session`.

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::auth::Caller;
use super::clock::{javascript, whole_millis};
use super::end_user::{EndUser, Organization};
use super::outbound::check_webhook;
use super::routes::Turn;
use super::session::{LIFETIME, Session, new_token};
use super::state::Environment;
use super::tags::{self, Tags};
use super::validate::{Fields, Issues, Path, Text, UNIQUE_KEY, record};

/// What both ways to make a session take.
struct Wanted {
    end_user: Option<EndUser>,
    organization: Option<Organization>,
    allowed_integrations: Option<Vec<String>>,
    integrations_config_defaults: Option<Map<String, Value>>,
    overrides: Option<Map<String, Value>>,
    webhook_url_override: Option<String>,
    tags: Option<Tags>,
}

/// `POST /connect/sessions`.
pub(crate) fn create(turn: &mut Turn) -> Result<Answer, Answer> {
    turn.no_query()?;
    let mut issues = Issues::default();
    let wanted = Fields::open(turn.body(), Path::root(), &mut issues).map(|mut fields| {
        let mut wanted = Wanted::open(&mut fields);
        let allowed = fields.raw("allowed_integrations");
        let path = fields.at("allowed_integrations");
        wanted.allowed_integrations = allowed.and_then(|value| allowed_integrations(value, &path, fields.issues));
        wanted.rest(&mut fields);
        fields.end();
        wanted
    });
    if issues.is_empty() && wanted.as_ref().is_some_and(|wanted| wanted.end_user.is_none() && wanted.tags.is_none()) {
        // Tags alone would do, but it is the end user that Nango misses.
        issues.wrong_type("object", None, &Path::root().at("end_user"));
    }
    issues.done("invalid_body")?;
    let Some(wanted) = wanted else { return Err(Answer::unexpected()) };
    wanted.check_integrations(turn.environment())?;
    let session = wanted.session(turn, None, None)?;
    Ok(keep(turn, session))
}

/// `POST /connect/sessions/reconnect`.
pub(crate) fn reconnect(turn: &mut Turn) -> Result<Answer, Answer> {
    turn.no_query()?;
    let mut issues = Issues::default();
    let wanted = Fields::open(turn.body(), Path::root(), &mut issues).map(|mut fields| {
        let connection_id = fields.text("connection_id", Text::between(1, 255));
        let integration = fields.text("integration_id", Text::of(UNIQUE_KEY));
        let mut wanted = Wanted::open(&mut fields);
        wanted.rest(&mut fields);
        fields.end();
        (connection_id, integration, wanted)
    });
    issues.done("invalid_body")?;
    let Some((Some(connection_id), Some(integration), mut wanted)) = wanted else { return Err(Answer::unexpected()) };
    let environment = turn.environment();
    let Some(connection) = environment.connection(&connection_id, &integration) else {
        return Err(Answer::coded(400, "invalid_body", "ConnectionID or IntegrationId does not exists"));
    };
    // The connection's own end user stays; a given one only fills a gap. The tags come from the body alone.
    let known = connection.end_user.clone();
    wanted.allowed_integrations = Some(vec![integration.clone()]);
    wanted.check_integrations(environment)?;
    let session = wanted.session(turn, known, Some((connection_id, integration)))?;
    Ok(keep(turn, session))
}

/// `GET /connect/session`. What is not set is absent. Tags, user scopes and the webhook URL never come back.
pub(crate) fn read(turn: &mut Turn) -> Result<Answer, Answer> {
    turn.no_query()?;
    let Caller::Session(session) = &turn.caller else { return Err(Answer::unexpected()) };
    let colour = json!({ "primary": "#00B2E3" });
    let mut data = Map::new();
    data.insert("endUser".into(), session.end_user.as_ref().map(EndUser::json).into());
    data.insert(
        "connectUISettings".into(),
        json!({ "showWatermark": true, "defaultTheme": "system", "theme": { "light": colour, "dark": colour } }),
    );
    if let Some(allowed) = &session.allowed_integrations {
        data.insert("allowed_integrations".into(), json!(allowed));
    }
    if let Some(defaults) = &session.integrations_config_defaults {
        let mut shown = defaults.clone();
        for set in shown.values_mut().filter_map(Value::as_object_mut) {
            set.shift_remove("user_scopes");
        }
        data.insert("integrations_config_defaults".into(), shown.into());
    }
    if session.reconnects.is_some() {
        data.insert("isReconnecting".into(), true.into());
    }
    data.insert("websocketsPath".into(), "/".into());
    Ok(Answer::json(200, &json!({ "data": data })))
}

/// `DELETE /connect/session`.
pub(crate) fn delete(turn: &mut Turn) -> Result<Answer, Answer> {
    turn.no_query()?;
    if let Caller::Session(session) = &turn.caller {
        turn.state.sessions.remove(&session.token);
    }
    Ok(Answer::empty(204))
}

fn keep(turn: &mut Turn, session: Session) -> Answer {
    let token = &session.token;
    let link = format!("{}/?session_token={token}", turn.public_url);
    let data = json!({ "token": token, "connect_link": link, "expires_at": javascript(session.expires_at) });
    turn.state.sessions.insert(token.clone(), session);
    Answer::json(201, &json!({ "data": data }))
}

fn allowed_integrations(value: &Value, path: &Path, issues: &mut Issues) -> Option<Vec<String>> {
    let Value::Array(items) = value else {
        issues.wrong_type("array", Some(value), path);
        return None;
    };
    let read = |(index, item)| Text::of(UNIQUE_KEY).check(Some(item), &path.index(index), issues);
    let keys: Vec<String> = items.iter().enumerate().filter_map(read).collect();
    // An empty list restricts nothing.
    (!keys.is_empty()).then_some(keys)
}

impl Wanted {
    /// The fields before `allowed_integrations`, in the schema's order.
    fn open(fields: &mut Fields) -> Wanted {
        let path = fields.at("end_user");
        let end_user = fields.raw("end_user").and_then(|value| EndUser::read(value, path, fields.issues));
        let path = fields.at("organization");
        let organization = fields.raw("organization").and_then(|value| Organization::read(value, path, fields.issues));
        Wanted {
            end_user,
            organization,
            allowed_integrations: None,
            integrations_config_defaults: None,
            overrides: None,
            webhook_url_override: None,
            tags: None,
        }
    }

    /// The fields after it.
    fn rest(&mut self, fields: &mut Fields) {
        self.integrations_config_defaults = fields.optional_record("integrations_config_defaults").map(|defaults| {
            let path = fields.at("integrations_config_defaults");
            for (key, set) in defaults {
                check_defaults(set, path.at(key), fields.issues);
            }
            tags::stored(defaults.clone())
        });
        self.overrides = fields.optional_record("overrides").cloned();
        let path = fields.at("overrides");
        for (key, set) in self.overrides.iter().flatten() {
            if let Some(mut set) = Fields::open(Some(set), path.at(key), fields.issues) {
                set.optional_text("docs_connect", Text::any());
            }
        }
        if let Some(url) = fields.optional_text("webhook_url_override", Text::any()) {
            check_webhook(&url, &fields.at("webhook_url_override"), fields.issues);
            self.webhook_url_override = Some(url).filter(|url| !url.is_empty());
        }
        let path = fields.at("tags");
        self.tags = fields.raw("tags").and_then(|value| tags::read(Some(value), &path, fields.issues));
    }

    /// Every integration named must be there; then, without a plan that allows it, no documentation link may change.
    fn check_integrations(&self, environment: &Environment) -> Result<(), Answer> {
        let mut issues = Issues::default();
        let mut check = |key: &str, path: &Path| {
            if !environment.integrations.contains_key(key) {
                issues.add("custom", "Integration does not exist", path);
            }
        };
        let root = Path::root();
        for (index, key) in self.allowed_integrations.iter().flatten().enumerate() {
            check(key, &root.at("allowed_integrations").index(index));
        }
        for key in self.integrations_config_defaults.iter().flat_map(Map::keys) {
            check(key, &root.at("integrations_config_defaults").at(key));
        }
        for key in self.overrides.iter().flat_map(Map::keys) {
            check(key, &root.at("overrides").at(key));
        }
        issues.done("invalid_body")?;
        if self.overrides.iter().flat_map(Map::values).any(|set| set.get("docs_connect").is_some()) {
            return Err(Answer::coded(403, "forbidden", "You are not allowed to override the docs connect url"));
        }
        Ok(())
    }

    fn session(self, turn: &Turn, known: Option<EndUser>, reconnects: Option<(String, String)>) -> Result<Session, Answer> {
        let generated = tags::generated(self.end_user.as_ref(), self.organization.as_ref());
        let tags =
            tags::merged(generated, self.tags).map_err(|_| Answer::coded(500, "server_error", "Failed to create connect session"))?;
        let given = self.end_user.map(|user| EndUser { organization: self.organization, ..user });
        Ok(Session {
            token: new_token(),
            environment: turn.caller.environment().to_owned(),
            end_user: known.or(given),
            allowed_integrations: self.allowed_integrations,
            integrations_config_defaults: self.integrations_config_defaults,
            tags,
            webhook_url_override: self.webhook_url_override,
            reconnects,
            expires_at: whole_millis(turn.now) + LIFETIME,
            attempts: Vec::new(),
        })
    }
}

fn check_defaults(value: &Value, path: Path, issues: &mut Issues) {
    let Some(mut fields) = Fields::open(Some(value), path, issues) else { return };
    fields.optional_text("user_scopes", Text::any());
    let path = fields.at("authorization_params");
    for (key, value) in fields.optional_record("authorization_params").into_iter().flatten() {
        Text::any().check(Some(value), &path.at(key), fields.issues);
    }
    let path = fields.at("connection_config");
    if let Some(value) = fields.raw("connection_config")
        && let Some(config) = record(Some(value), &path, fields.issues)
    {
        // Free but for this one, which a session takes as a string.
        Fields::over(config, path, fields.issues).optional_text("oauth_scopes_override", Text::any());
    }
    fields.end();
}
