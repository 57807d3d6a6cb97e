//! One call that decides: connected already, to be repaired, or to be connected.

use serde_json::{Map, Value};

use super::session::{Created, given, named_choices, wait, wait_for};
use super::{Kept, Next, Session, TagsArg};
use crate::context::Context;
use crate::error::Error;
use crate::json;
use crate::nango::tags::{self, Tags};
use crate::nango::{ConnectionId, Email, IntegrationKey, Label, Path, Request, TagKey};
use crate::tool::{Dict, Effect, List, Toolset, choices, object, result};
use crate::tools::connect::kept::shown_mode;
use crate::tools::connections;

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// The integration's unique key, as list_integrations shows it.
        provider_config_key: IntegrationKey,
        /// The person's id in your application; the tag end_user_id.
        end_user_id: Label,
        /// The person's email address, for a new connection: the tag end_user_email.
        end_user_email: Option<Email>,
        /// The person's organization: the tag organization_id. A connection for another one does not count.
        organization_id: Option<Label>,
        /// More tags. A connection with another value of one does not count; a new one gets them.
        tags: Option<TagsArg>,
        /// Make a reconnect link although the connection works, for example after scopes changed.
        reconnect_healthy: bool = false,
    }
}

choices! {
    /// What is needed.
    pub(crate) enum Status {
        Connected = "connected",
        ReconnectRequired = "reconnect_required",
        ConnectRequired = "connect_required",
        Ambiguous = "ambiguous",
    }
}

result! {
    /// One of several connections.
    pub(crate) struct Candidate {
        /// Its id.
        connection_id: String,
        /// When it was made.
        created: Option<String>,
        /// Whether the list shows that its credentials no longer work.
        broken: bool,
        /// Its tags.
        tags: Dict<TagKey, String, 100>,
    }
}

result! {
    /// What is, and what to do.
    pub(crate) struct Output {
        /// connected: nothing to do; reconnect_required and connect_required: the person opens the link; ambiguous: several fit.
        status: Status,
        /// Why that is so.
        reason: String,
        /// The connection, where there is one.
        connection_id: Option<String>,
        /// The integration's unique key.
        provider_config_key: String,
        /// The connections that fit, where they are several.
        connections: Option<List<Candidate, 0, 20>>,
        /// The link for the person; absent where the client shows it to them itself. It contains a session token: whoever
        /// opens it connects an account as that person.
        connect_link: Option<String>,
        /// When the link was issued, on Nango's clock.
        issued_at: Option<String>,
        /// When it stops working: 30 minutes later.
        expires_at: Option<String>,
        /// One sentence to tell the person.
        say: String,
        /// The call to make next.
        next: Next,
        /// All tags the connection has or will carry.
        tags: Dict<TagKey, String, 100>,
        /// What completing the link will reset, and what could not be read or kept.
        warnings: List<String, 0, 10>,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "ensure_connection";
    const TITLE: &'static str = "Make sure a person is connected";
    const DESCRIPTION: &'static str = "Find out whether one person is connected at one integration, and get the link if they are not: nothing to do, a link \
        to connect, or a link to repair. Use it first when a person's account is needed; to offer several integrations use \
        create_connect_session, for a known broken connection create_reconnect_session. It looks at the connection itself, so a \
        token that no longer works is found, and offers no new connection beside one of this person. A link is for that person \
        only and works for 30 minutes, a connect link more than once; then call `next`. Needs environment:connections:list and \
        environment:connect_sessions:write.";
    const TOOLSET: Toolset = Toolset::Connect;
    const EFFECT: Effect = Effect::Write;
    const IDEMPOTENT: bool = true;
    const SCOPES: &'static [&'static str] = &["environment:connections:list", "environment:connect_sessions:write"];
    const BETTER_WITH: &'static [&'static str] = &["environment:connections:read", "environment:integrations:list"];
    const LINK: bool = true;

    fn rules(args: &Args) -> Result<(), Error> {
        let given = given(args.tags.as_ref(), "tags")?;
        for (key, value) in named(args) {
            tags::short(value, key)?;
            if given.iter().any(|(tag, _)| tag == key) {
                let say = format!("`tags` has {key}, which is an argument of its own: Nango keeps keys in lower case");
                return Err(Error::argument("duplicate_tag", "tags", say));
            }
        }
        tags::capacity(&wanted(args)?)
    }

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        let (rows, others) = rows(cx, args)?;
        match rows.as_slice() {
            [] => connect(cx, args, others),
            [row] => known(cx, args, row),
            rows => Ok(ambiguous(cx, args, rows)),
        }
    }
}

/// The tags that have an argument of their own.
fn named(args: &Args) -> impl Iterator<Item = (&'static str, &str)> {
    let all = [
        ("end_user_id", Some(&*args.end_user_id)),
        ("end_user_email", args.end_user_email.as_deref()),
        ("organization_id", args.organization_id.as_deref()),
    ];
    all.into_iter().filter_map(|(key, value)| Some((key, value?)))
}

/// All tags that a connection should carry.
fn wanted(args: &Args) -> Result<Tags, Error> {
    let own = named(args).map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    Ok(tags::lay(own, &given(args.tags.as_ref(), "tags")?))
}

/// The person's connections at the integration, but for those that are for something else: that have another value of a
/// tag which the call names; and how many those are. One that lacks the tag counts, so that no second connection is made
/// beside it.
fn rows(cx: &Context<'_>, args: &Args) -> Result<(Vec<Value>, usize), Error> {
    let found = fetch(cx, args, "tags[end_user_id]")?;
    // Connections from before tags.
    let found = if found.is_empty() && args.tags.is_none() { fetch(cx, args, "endUserId")? } else { found };
    let given = given(args.tags.as_ref(), "tags")?;
    let organization = args.organization_id.iter().map(|id| ("organization_id", &**id));
    let mine: Vec<(&str, &str)> = organization.chain(given.iter().map(|(key, value)| (key.as_str(), value.as_str()))).collect();
    let all = found.len();
    let rows: Vec<Value> =
        found.into_iter().filter(|row| !mine.iter().any(|(key, value)| tag(row, key).is_some_and(|other| other != *value))).collect();
    let others = all - rows.len();
    Ok((rows, others))
}

/// A tag of a connection; the organization stands elsewhere in those from before tags.
fn tag<'a>(row: &'a Value, key: &str) -> Option<&'a str> {
    let older = || row.get("end_user")?.get("organization")?.get("id")?.as_str();
    json::text_at(row, "tags", key).or_else(|| if key == "organization_id" { older() } else { None })
}

fn fetch(cx: &Context<'_>, args: &Args, by: &str) -> Result<Vec<Value>, Error> {
    let request = Request::get("GET /connections", Path::fixed("/connections"))
        .query("integrationId", &*args.provider_config_key)
        .query(by, &*args.end_user_id)
        .query("limit", "100");
    let answer = cx.send(&request)?;
    // An answer without the list must not read as "nobody is connected".
    match answer.json()?.get_mut("connections").map(Value::take) {
        Some(Value::Array(rows)) if rows.iter().all(Value::is_object) => Ok(rows),
        _ => Err(Error::invalid_answer(answer.route, answer.status)),
    }
}

/// The connection's id, if it is one that can be asked for.
fn id_of(row: &Value) -> Option<ConnectionId> {
    ConnectionId::from_text(row.get("connection_id")?.as_str()?)
}

/// There is one: does it work?
fn known(cx: &Context<'_>, args: &Args, row: &Value) -> Result<Output, Error> {
    let invalid = || Error::invalid_answer("GET /connections", 200);
    let (id, key) = (id_of(row).ok_or_else(invalid)?, &args.provider_config_key);
    if !connections::is(row, &id, key) {
        return Err(invalid());
    }
    let mut warnings = Vec::new();
    let (connection, broken) = match cx.send(&connections::read(&id, key)) {
        Ok(answer) => {
            let connection = answer.json()?;
            if !connections::is(&connection, &id, key) {
                return Err(Error::invalid_answer(answer.route, answer.status));
            }
            let broken = connections::is_broken(&connection);
            (connection, broken)
        }
        Err(error) if error.code() == "refresh_failed" => {
            let shown = error.api().and_then(|api| api.connection.clone());
            (shown.filter(|shown| connections::is(shown, &id, key)).unwrap_or_else(|| row.clone()), true)
        }
        Err(error) if error.code() == "missing_scope" => {
            let say = "the API key may not read connections (environment:connections:read), so health and tags are those of the list, and the \
                webhook URL is not known";
            warnings.push(say.to_owned());
            (row.clone(), connections::is_broken(row))
        }
        Err(error) => return Err(error),
    };
    let (held, _) = connections::tags_of(&connection);
    if !broken && !args.reconnect_healthy {
        return Ok(Output {
            status: Status::Connected,
            reason: "the person's connection works".into(),
            say: format!("Your {} account is connected.", &**key),
            next: Next { tool: "get_connection".into(), arguments: connections::arguments(cx, &id, key) },
            ..bare(&id, key, &held, warnings)
        });
    }
    let kept = Kept::of(&connection, || shown_mode(&connection));
    warnings.extend(kept.warnings);
    let all = tags::lay(kept.tags, &wanted(args)?);
    tags::capacity(&all)?;
    let session = Session { tags: all.clone(), webhook_url_override: kept.webhook_url_override, ..Session::default() };
    let created = session.reconnect(cx, &id, key)?;
    let reason = if broken { "its credentials no longer work" } else { "it works, and reconnect_healthy asks for a link all the same" };
    let output = Output {
        status: Status::ReconnectRequired,
        reason: reason.into(),
        say: created.say(&format!("reconnect {}", &**key)),
        next: wait(cx, &[key.to_string()], &created, json::object([("connection_id", json::text(&id))])),
        ..bare(&id, key, &all, warnings)
    };
    Ok(linked(output, created))
}

/// There is none.
fn connect(cx: &Context<'_>, args: &Args, others: usize) -> Result<Output, Error> {
    let reason = match others {
        0 => "the person has no connection at this integration",
        _ => "none of the person's connections at this integration is for this organization and these tags",
    };
    let key = &args.provider_config_key;
    let all = wanted(args)?;
    let session = Session { tags: all.clone(), ..Session::default() };
    let created = session.create(cx, &[key.to_string()]).map_err(|error| named_choices(cx, error))?;
    let output = Output {
        status: Status::ConnectRequired,
        reason: reason.into(),
        say: created.say(&format!("connect {}", &**key)),
        next: wait_for(cx, &[key.to_string()], &created, &all),
        connection_id: None,
        ..bare("", key, &all, Vec::new())
    };
    Ok(linked(output, created))
}

/// Several: which one is meant is not for us to say.
fn ambiguous(cx: &Context<'_>, args: &Args, rows: &[Value]) -> Output {
    let key = &args.provider_config_key;
    let candidate = |row: &Value| {
        let (held, _) = connections::tags_of(row);
        Some(Candidate {
            connection_id: id_of(row)?.to_string(),
            created: row.get("created").and_then(Value::as_str).map(str::to_owned),
            broken: connections::is_broken(row),
            tags: held.into_iter().collect(),
        })
    };
    let arguments = json::object([
        ("environment", json::text(cx.environment())),
        ("integration_id", json::text(key)),
        ("end_user_id", json::text(&args.end_user_id)),
    ]);
    Output {
        status: Status::Ambiguous,
        reason: format!("{} connections of this person fit: name one of them to the other tools, or tell them apart by tags", rows.len()),
        connections: Some(List(rows.iter().filter_map(candidate).take(20).collect())),
        say: format!("You have several {} accounts connected: which one do you mean?", &**key),
        next: Next { tool: "list_connections".into(), arguments },
        connection_id: None,
        ..bare("", key, &Tags::new(), Vec::new())
    }
}

/// A result without a link.
fn bare(id: &str, key: &IntegrationKey, tags: &Tags, warnings: Vec<String>) -> Output {
    Output {
        status: Status::Connected,
        reason: String::new(),
        connection_id: Some(id.to_owned()),
        provider_config_key: key.to_string(),
        connections: None,
        connect_link: None,
        issued_at: None,
        expires_at: None,
        say: String::new(),
        next: Next { tool: String::new(), arguments: Map::new() },
        tags: tags.iter().cloned().collect(),
        warnings: List(warnings),
    }
}

fn linked(output: Output, created: Created) -> Output {
    Output { connect_link: Some(created.connect_link), issued_at: created.issued_at, expires_at: Some(created.expires_at), ..output }
}
