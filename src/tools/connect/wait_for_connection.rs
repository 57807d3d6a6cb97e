//! Waiting for the person.

use serde_json::Value;

use super::{Next, TagsArg};
use crate::context::Context;
use crate::error::Error;
use crate::json;
use crate::nango::{Answer, ConnectionId, IntegrationKey, Label, Path, Request, Timestamp, time};
use crate::tool::{Effect, Int, List, Toolset, choices, object, result};
use crate::tools::connections;

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// Integrations, by unique key; a connection at any of them will do.
        provider_config_keys: List<IntegrationKey, 1, 100>,
        /// The person: the tag end_user_id.
        end_user_id: Option<Label>,
        /// Instead of the person: tags, all of which the connection carries.
        tags: Option<TagsArg>,
        /// Instead of the person: the connection that is being repaired, at its one integration.
        connection_id: Option<ConnectionId>,
        /// issued_at of the link: what was connected before does not count.
        since: Option<Timestamp>,
        /// How long to wait.
        timeout_seconds: Int<1, 50> = 25,
    }
}

choices! {
    /// How the wait ended.
    pub(crate) enum Status {
        Connected = "connected",
        Pending = "pending",
    }
}

result! {
    /// What came of the wait.
    pub(crate) struct Output {
        /// connected, or pending: not yet.
        status: Status,
        /// The connection.
        connection_id: Option<String>,
        /// Its integration's unique key.
        provider_config_key: Option<String>,
        /// How long it took.
        waited_seconds: Int<0, 60>,
        /// One sentence on how to go on.
        say: String,
        /// The call to make next.
        next: Next,
    }
}

/// Who or what is waited for.
enum Whom<'a> {
    Person(Vec<(String, &'a str)>),
    Connection(&'a ConnectionId, &'a IntegrationKey),
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "wait_for_connection";
    const TITLE: &'static str = "Wait until a person has connected";
    const DESCRIPTION: &'static str = "Wait up to 50 seconds until a person has finished a Connect link, and return the connection. Use it after the person \
        got the link, with `next` of the tool that made it; while they have not finished it answers pending, and can be called \
        again. To see all connections without waiting use list_connections; whether a link still works shows \
        get_connect_session. It asks Nango every second, less often after half a minute or when the rate limit runs low. Needs \
        environment:connections:list, with connection_id environment:connections:read.";
    const TOOLSET: Toolset = Toolset::Connect;
    const EFFECT: Effect = Effect::Read;
    const IDEMPOTENT: bool = true;
    const SCOPES: &'static [&'static str] = &["environment:connections:list"];
    const BETTER_WITH: &'static [&'static str] = &["environment:connections:read", "environment:integrations:list"];

    fn rules(args: &Args) -> Result<(), Error> {
        whom(args).map(|_| ())
    }

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        let whom = whom(args)?;
        let since = args.since.as_ref().and_then(|since| time::micros(since));
        let limit = u64::try_from(args.timeout_seconds.0).unwrap_or(1) * 1000;
        let mut look = first_look(cx, args, &whom, since);
        let mut was_there = false;
        loop {
            let remaining = match look {
                Ok(Look { found: Some((id, key)), .. }) => return Ok(connected(cx, id, key)),
                Ok(Look { remaining, .. }) => {
                    was_there = true;
                    remaining
                }
                // What passes by itself does not end a wait, unless nothing else was ever heard.
                Err(error) if error.may_pass() && (was_there || cx.elapsed_millis() < limit) => None,
                Err(error) => return Err(error),
            };
            let elapsed = cx.elapsed_millis();
            if elapsed >= limit {
                return Ok(pending(cx, args));
            }
            cx.pause(interval(elapsed, remaining).min(limit - elapsed));
            look = self::look(cx, args, &whom, since);
        }
    }
}

/// Milliseconds to the next look. Each look is a request of the account's 200 a minute; Nango says how many are left.
fn interval(elapsed: u64, remaining: Option<u32>) -> u64 {
    match remaining {
        Some(..10) => 10_000,
        Some(..50) => 4_000,
        _ if elapsed < 30_000 => 1_000,
        _ => 2_000,
    }
}

/// What the arguments say about whom.
fn whom(args: &Args) -> Result<Whom<'_>, Error> {
    let tags = args.tags.as_ref().filter(|tags| !tags.0.is_empty());
    match (&args.end_user_id, tags, &args.connection_id) {
        (Some(user), None, None) => Ok(Whom::Person(vec![("end_user_id".into(), user)])),
        (None, Some(tags), None) => Ok(Whom::Person(tags.0.iter().map(|(key, value)| (key.to_ascii_lowercase(), &**value)).collect())),
        (None, None, Some(id)) => match args.provider_config_keys.0.as_slice() {
            [key] => Ok(Whom::Connection(id, key)),
            _ => Err(Error::argument("one_integration", "provider_config_keys", "with `connection_id` name its one integration")),
        },
        _ => {
            let say = "say for whom to wait: give exactly one of `end_user_id`, `tags` and `connection_id`";
            Err(Error::argument("one_way_to_wait", "end_user_id", say))
        }
    }
}

/// One look.
struct Look {
    /// Id and integration of the connection.
    found: Option<(String, String)>,
    /// What is left of the rate limit.
    remaining: Option<u32>,
}

impl Look {
    fn of(answer: &Answer, found: Option<(String, String)>) -> Self {
        Self { found, remaining: answer.rate_limit.map(|limit| limit.remaining) }
    }
}

/// As [`look`], and on the way whether the integrations exist: of one that does not, nobody would ever come.
fn first_look(cx: &Context<'_>, args: &Args, whom: &Whom<'_>, since: Option<i64>) -> Result<Look, Error> {
    let Whom::Person(tags) = whom else { return look(cx, args, whom, since) };
    let [rows, integrations] = cx.send_both(&[list(args, tags), Request::get("GET /integrations", Path::fixed("/integrations"))]);
    if let Some(known) = integrations.ok().and_then(|answer| answer.json().ok()) {
        let known = keys(&known);
        let unknown = args.provider_config_keys.0.iter().position(|key| !known.is_empty() && !known.contains(&&**key));
        if let Some(at) = unknown {
            return Err(unknown_integration(&format!("provider_config_keys[{at}]"), &known));
        }
    }
    of_list(&rows?, since)
}

/// The keys in a list of integrations.
pub(super) fn keys(listed: &Value) -> Vec<&str> {
    let keys = json::items(listed, "data").iter().filter_map(|row| row.get("unique_key")?.as_str());
    keys.filter(|key| IntegrationKey::from_text(key).is_some()).collect()
}

/// The refusal that names what there is.
pub(super) fn unknown_integration(argument: &str, known: &[&str]) -> Error {
    let named: Vec<String> = known.iter().take(20).map(|key| format!("`{key}`")).collect();
    let hint = match named.len() {
        0 => "list_integrations shows those that there are".to_owned(),
        few if few < known.len() => format!("there are: {}; list_integrations shows all", named.join(", ")),
        _ => format!("there are: {}", named.join(", ")),
    };
    connections::refuse("unknown_integration", "this environment has no such integration", &hint).about(argument)
}

fn look(cx: &Context<'_>, args: &Args, whom: &Whom<'_>, since: Option<i64>) -> Result<Look, Error> {
    match whom {
        Whom::Person(tags) => of_list(&cx.send(&list(args, tags))?, since),
        Whom::Connection(id, key) => match cx.send(&connections::read(id, key)) {
            Ok(answer) => {
                let connection = answer.json()?;
                if !connections::is(&connection, id, key) {
                    return Err(Error::invalid_answer(answer.route, answer.status));
                }
                // Completing a link moves updated_at; reading and tagging do not (observed).
                let repaired = !connections::is_broken(&connection) && is_after(&connection, "updated_at", since);
                Ok(Look::of(&answer, repaired.then(|| (id.to_string(), key.to_string()))))
            }
            Err(error) if error.code() == "refresh_failed" => Ok(Look { found: None, remaining: None }),
            Err(error) => Err(error),
        },
    }
}

/// The newest few: what is new stands first.
fn list(args: &Args, tags: &[(String, &str)]) -> Request {
    let keys: Vec<&str> = args.provider_config_keys.0.iter().map(|key| &**key).collect();
    let request = Request::get("GET /connections", Path::fixed("/connections")).query("integrationId", keys.join(","));
    let request = tags.iter().fold(request, |request, (key, value)| request.query(format!("tags[{key}]"), *value));
    request.query("limit", "10")
}

fn of_list(answer: &Answer, since: Option<i64>) -> Result<Look, Error> {
    let body = answer.json()?;
    if !body.get("connections").is_some_and(Value::is_array) {
        return Err(Error::invalid_answer(answer.route, answer.status));
    }
    let text = |row: &Value, field: &str| row.get(field).and_then(Value::as_str).map(str::to_owned);
    let rows = json::items(&body, "connections");
    if !rows.iter().all(Value::is_object) {
        return Err(Error::invalid_answer(answer.route, answer.status));
    }
    let found = rows.iter().filter(|row| is_after(row, "created", since) && !connections::is_broken(row));
    Ok(Look::of(answer, found.filter_map(|row| Some((text(row, "connection_id")?, text(row, "provider_config_key")?))).next()))
}

/// Whether the time in that field is after a moment; without a moment any is.
fn is_after(row: &Value, field: &str, since: Option<i64>) -> bool {
    let at = row.get(field).and_then(Value::as_str).and_then(time::micros);
    since.is_none_or(|since| at.is_some_and(|at| at > since))
}

fn connected(cx: &Context<'_>, id: String, key: String) -> Output {
    let arguments = json::object([
        ("environment", json::text(cx.environment())),
        ("connection_id", json::text(&id)),
        ("provider_config_key", json::text(&key)),
    ]);
    Output {
        status: Status::Connected,
        waited_seconds: waited(cx),
        say: format!("{key} is connected."),
        next: Next { tool: "get_connection".into(), arguments },
        connection_id: Some(id),
        provider_config_key: Some(key),
    }
}

fn pending(cx: &Context<'_>, args: &Args) -> Output {
    let mut arguments = json::object([("environment", json::text(cx.environment()))]);
    for (name, value) in [
        ("provider_config_keys", args.provider_config_keys.0.iter().map(|key| json::text(key)).collect()),
        ("end_user_id", args.end_user_id.as_deref().map_or(Value::Null, json::text)),
        ("tags", args.tags.as_ref().map_or(Value::Null, crate::tool::Arg::give)),
        ("connection_id", args.connection_id.as_deref().map_or(Value::Null, json::text)),
        ("since", args.since.as_deref().map_or(Value::Null, json::text)),
        ("timeout_seconds", args.timeout_seconds.0.into()),
    ] {
        json::put_if(&mut arguments, name, value);
    }
    let say = "Not yet: the person has not finished. Wait again, or ask whether the page shows a problem; a link works for 30 minutes.";
    Output {
        status: Status::Pending,
        connection_id: None,
        provider_config_key: None,
        waited_seconds: waited(cx),
        say: say.into(),
        next: Next { tool: "wait_for_connection".into(), arguments },
    }
}

fn waited(cx: &Context<'_>) -> Int<0, 60> {
    Int(i64::try_from(cx.elapsed_millis() / 1000).unwrap_or(60).min(60))
}
