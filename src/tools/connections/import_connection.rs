//! A connection made from credentials that exist already.

use serde_json::{Map, Value};

use super::{Shown, is, row};
use crate::context::Context;
use crate::error::Error;
use crate::json;
use crate::nango::tags::Tags;
use crate::nango::{ConnectionId, Email, IntegrationKey, Label, LongText, Path, Request};
use crate::tool::{Arg, Effect, Int, List, Open, Passed, Pattern, Toolset, choices, object, result, text};
use crate::tools::connect::{EndUser, TagsArg, merged};

text! {
    /// A token, a key or a certificate.
    pub(crate) struct SecretText(1..=16384);
    /// A moment in UTC.
    pub(crate) struct Moment(20..=30, &MOMENT);
}

static MOMENT: Pattern = Pattern {
    regex: r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z$",
    matches: |text| {
        let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        let rest = shape.strip_prefix("0000-00-00T00:00:00").and_then(|rest| rest.strip_suffix('Z'));
        let digits = |fraction: &str| !fraction.is_empty() && fraction.bytes().all(|c| c == b'0');
        rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('.').is_some_and(digits))
    },
    rule: "be a UTC time such as 2030-01-31T12:00:00Z",
    beyond: None,
};

choices! {
    /// Nango's kinds of credentials that can be imported.
    pub(crate) enum Kind {
        OAuth2 = "OAUTH2",
        ClientCredentials = "OAUTH2_CC",
        OAuth1 = "OAUTH1",
        ApiKey = "API_KEY",
        Basic = "BASIC",
        Nothing = "NONE",
        Tba = "TBA",
        App = "APP",
        Custom = "CUSTOM",
    }
}

object! {
    /// The credentials.
    pub(crate) struct Credentials {
        /// The provider's auth mode, which decides the other fields. NONE has no other.
        r#type: Kind,
        /// OAUTH2, required.
        access_token: Option<SecretText>,
        /// OAUTH2; without it the connection ends with the access token.
        refresh_token: Option<SecretText>,
        /// OAUTH2, OAUTH2_CC: when the token expires.
        expires_at: Option<Moment>,
        /// OAUTH2_CC, required. OAUTH2, TBA: of the issuing app, if not the integration's.
        client_id: Option<Label>,
        /// As client_id.
        client_secret: Option<SecretText>,
        /// OAUTH2_CC, required.
        token: Option<SecretText>,
        /// OAUTH2_CC: the certificate, for mutual TLS.
        client_certificate: Option<SecretText>,
        /// OAUTH2_CC: its private key.
        client_private_key: Option<SecretText>,
        /// OAUTH1, required.
        oauth_token: Option<SecretText>,
        /// OAUTH1, required.
        oauth_token_secret: Option<SecretText>,
        /// API_KEY, required.
        api_key: Option<SecretText>,
        /// BASIC, required; may be empty.
        username: Option<LongText>,
        /// BASIC, required; may be empty.
        password: Option<LongText>,
        /// TBA, required.
        token_id: Option<SecretText>,
        /// TBA, required.
        token_secret: Option<SecretText>,
        /// APP and CUSTOM, required.
        app_id: Option<Label>,
        /// APP and CUSTOM, required.
        installation_id: Option<Label>,
    }
}

/// The fields of each type: required ones, and those that may be left out (packages/server/lib/helpers/validation.ts).
static FIELDS: &[(&str, &[&str], &[&str])] = &[
    ("OAUTH2", &["access_token"], &["refresh_token", "expires_at", "client_id", "client_secret"]),
    ("OAUTH2_CC", &["token", "client_id", "client_secret"], &["client_certificate", "client_private_key", "expires_at"]),
    ("OAUTH1", &["oauth_token", "oauth_token_secret"], &[]),
    ("API_KEY", &["api_key"], &[]),
    ("BASIC", &["username", "password"], &[]),
    ("NONE", &[], &[]),
    ("TBA", &["token_id", "token_secret"], &["client_id", "client_secret"]),
    ("APP", &["app_id", "installation_id"], &[]),
    ("CUSTOM", &["app_id", "installation_id"], &[]),
];

object! {
    /// The person. Further tags have an argument of their own.
    pub(crate) struct Person {
        /// Id in your application.
        id: Label,
        /// Email address.
        email: Option<Email>,
        /// Name.
        display_name: Option<Label>,
    }
}

object! {
    /// Arguments.
    pub(crate) struct Args {
        /// Unique key, as list_integrations shows it.
        provider_config_key: IntegrationKey,
        /// The credentials: type, and the fields that go with it.
        credentials: Passed<Credentials>,
        /// The connection's id in Nango; without it Nango makes one up.
        connection_id: Option<ConnectionId>,
        /// Your application's own JSON.
        metadata: Option<Open>,
        /// Values of connection fields, such as {"subdomain": "acme"}. TBA needs accountId; oauth_scopes_override is a list here.
        connection_config: Option<Open>,
        /// Tags, up to 10 with those made from end_user.
        tags: Option<TagsArg>,
        /// The person, in Nango's older form.
        end_user: Option<Person>,
        /// Replace an existing connection of this id, with all it holds.
        overwrite: bool = false,
    }
}

result! {
    /// The imported connection.
    pub(crate) struct Output {
        /// The connection, as Nango holds it now.
        connection: Shown,
        /// Whether a connection of that id was there and is replaced; absent when the API key may not look.
        overwritten: Option<bool>,
        /// What could not be found out.
        warnings: List<String, 0, 10>,
        /// How many fields of Nango's object are not shown here, the credentials among them.
        dropped_fields: Int<0, 1_000_000>,
    }
}

/// See [`crate::tool::Tool`].
pub(crate) struct Tool;

impl crate::tool::Tool for Tool {
    type Args = Args;
    type Output = Output;
    const NAME: &'static str = "import_connection";
    const TITLE: &'static str = "Import existing credentials";
    const DESCRIPTION: &'static str = "Create a connection from credentials you already hold, such as an API key. Use it to migrate accounts; where a person \
        should authorize use create_connect_session, to repair a connection create_reconnect_session: credentials given here \
        pass through this conversation. An existing connection_id is refused with `connection_exists` unless overwrite is \
        true, which resets its tags, metadata, connection_config and refresh token. Credentials do not come back. Needs \
        environment:connections:create, and environment:connections:list when connection_id is given.";
    const TOOLSET: Toolset = Toolset::Connections;
    const EFFECT: Effect = Effect::Destructive;
    const IDEMPOTENT: bool = false;
    const SCOPES: &'static [&'static str] = &["environment:connections:create"];
    const BETTER_WITH: &'static [&'static str] = &["environment:connections:list"];

    fn effect(args: &Args) -> Effect {
        if args.overwrite { Effect::Destructive } else { Effect::Write }
    }

    fn rules(args: &Args) -> Result<(), Error> {
        tags(args)?;
        let config = args.connection_config.as_ref();
        let kind = complete(&args.credentials.give())?;
        if kind == "TBA" && config.and_then(|config| config.get("accountId")).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(incomplete("connection_config.accountId"));
        }
        match config.and_then(|config| config.get("oauth_scopes_override")) {
            Some(Value::Array(scopes)) if scopes.iter().all(Value::is_string) => Ok(()),
            None => Ok(()),
            Some(_) => Err(Error::argument(
                "scopes_not_a_list",
                "connection_config.oauth_scopes_override",
                "`connection_config.oauth_scopes_override` must be a list of texts here, unlike for Connect sessions",
            )),
        }
    }

    fn call(cx: &Context<'_>, args: &Args) -> Result<Output, Error> {
        let mut warnings = Vec::new();
        let overwritten = match &args.connection_id {
            Some(id) => exists(cx, args, id, &mut warnings)?,
            None => Some(false),
        };
        let path = Path::fixed("/connections");
        let answer = cx.send(&Request::post("POST /connections", path, body(args)?.into()))?;
        let after = |error: Error| error.after(&["connection imported"], &["connection read"]);
        let mut dropped = 0;
        let connection: Shown = answer.project(None, &mut dropped).map_err(after)?;
        let shown = connection.give();
        let same = args.connection_id.as_ref().is_none_or(|id| is(&shown, id, &args.provider_config_key));
        if !same {
            return Err(after(Error::invalid_answer(answer.route, answer.status)));
        }
        Ok(Output { connection, overwritten, warnings: List(warnings), dropped_fields: Int(dropped) })
    }
}

/// All tags that the connection will carry.
fn tags(args: &Args) -> Result<Tags, Error> {
    let person =
        args.end_user.clone().map(|person| EndUser { id: person.id, email: person.email, display_name: person.display_name, tags: None });
    merged(args.tags.as_ref(), person.as_ref(), None)
}

/// The type, if the credentials have the fields that go with it and no others.
fn complete(credentials: &Value) -> Result<&'static str, Error> {
    let of = |kind: &str| FIELDS.iter().find(|(name, ..)| *name == kind);
    let Some((kind, required, optional)) = credentials.get("type").and_then(Value::as_str).and_then(of) else {
        return Err(Error::argument("unknown_value", "credentials.type", "`credentials.type` is not one of the types"));
    };
    for field in credentials.as_object().into_iter().flat_map(Map::keys) {
        if field != "type" && !required.iter().chain(*optional).any(|known| known == field) {
            return Err(Error::argument(
                "credentials_surplus",
                format!("credentials.{field}"),
                format!("`credentials.{field}` does not go with the type in `credentials.type`"),
            ));
        }
    }
    match required.iter().find(|field| credentials.get(**field).is_none()) {
        Some(missing) => Err(incomplete(&format!("credentials.{missing}"))),
        None => Ok(kind),
    }
}

fn incomplete(field: &str) -> Error {
    Error::argument("credentials_incomplete", field, format!("the type in `credentials.type` needs `{field}`"))
}

/// Whether the connection is there; refused if it is and may not be replaced. Nango itself replaces it without a word.
fn exists(cx: &Context<'_>, args: &Args, id: &ConnectionId, warnings: &mut Vec<String>) -> Result<Option<bool>, Error> {
    let row = match row(cx, id, &args.provider_config_key) {
        Ok(row) => row,
        Err(error) if error.code() == "missing_scope" && args.overwrite => {
            warnings.push(format!("whether a connection was overwritten is not known: {}", error.sentence()));
            return Ok(None);
        }
        Err(error) => return Err(error.after(&[], &["connection imported"])),
    };
    if row.is_null() {
        return Ok(Some(false));
    }
    if !is(&row, id, &args.provider_config_key) {
        return Err(Error::invalid_answer("GET /connections", 200).after(&[], &["connection imported"]));
    }
    if args.overwrite {
        return Ok(Some(true));
    }
    Err(super::refuse(
        "connection_exists",
        "a connection of this id exists already, and nothing was written: importing over it resets its tags, metadata, connection_config and \
         refresh token to what this call gives",
        "choose another connection_id or none, or give overwrite=true when it shall be replaced",
    ))
}

/// The body of POST /connections.
fn body(args: &Args) -> Result<Map<String, Value>, Error> {
    let mut body = json::empty();
    json::put(&mut body, "provider_config_key", json::text(&args.provider_config_key));
    json::put(&mut body, "credentials", credentials(args.credentials.give()));
    json::put_if(&mut body, "connection_id", args.connection_id.give());
    json::put_if(&mut body, "metadata", args.metadata.give());
    json::put_if(&mut body, "connection_config", args.connection_config.give());
    json::put_if(&mut body, "end_user", args.end_user.give());
    // Nango adds those of end_user itself; where both are given, all go, so that none is lost.
    if args.tags.as_ref().is_some_and(|tags| !tags.0.is_empty()) {
        json::put(&mut body, "tags", super::tag_object(&tags(args)?));
    }
    Ok(body)
}

/// Our field names as Nango's.
fn credentials(value: Value) -> Value {
    let Value::Object(mut credentials) = value else { return value };
    if let Some(key) = credentials.remove("api_key") {
        json::put(&mut credentials, "apiKey", key);
    }
    if matches!(credentials.get("type").and_then(Value::as_str), Some("OAUTH2" | "TBA")) {
        let mut app = json::empty();
        for field in ["client_id", "client_secret"] {
            json::put_if(&mut app, field, credentials.remove(field).unwrap_or_default());
        }
        if !app.is_empty() {
            json::put(&mut credentials, "config_override", app.into());
        }
    }
    credentials.into()
}
