//! Questions to the person, where the client in front can put them (MCP elicitation): consent before a write, and a link
//! that does not pass through the model.
//!
//! Stateless, as everything here: a question goes out with a state, and the same call comes back with the answers and
//! that state. The client is whose word is taken for the person's, so nothing is gained by forging either: it could as well
//! say "accept" to the question itself. A model has no way to write them.

use serde_json::{Map, Value};

use crate::call::{CallResult, File};
use crate::config::{Config, Delivery};
use crate::error::Error;
use crate::json::{self, Reading};
use crate::pairs;
use crate::project::scan;
use crate::tool::{Effect, Entry};

/// What the client can do beyond calling tools (`client-features` of the WIT interface).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Client {
    /// Show a form to the person and return the answer.
    pub elicit_form: bool,
    /// Ask the person to open a URL.
    pub elicit_url: bool,
}

/// A question to the person.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Its key among the answers.
    pub key: &'static str,
    /// What to tell the person.
    pub message: String,
    /// How to ask.
    pub ask: Ask,
}

/// How a question is put.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// Open this URL.
    OpenUrl(String),
    /// Fill in a form of this JSON Schema.
    Form(Value),
}

/// A call that needs the person.
#[derive(Debug, Clone, PartialEq)]
pub struct Needs {
    /// What to ask.
    pub question: Question,
    /// To come back with the answer.
    pub state: String,
    /// The result where nobody can ask.
    pub otherwise: CallResult,
}

/// The client of a call, and what it brought back.
#[derive(Debug, Clone, Copy, Default)]
pub struct Person<'a> {
    /// What the client can do.
    pub client: Client,
    /// Keys of questions, and the answers as JSON: `{"action": "accept", "content": {…}}`.
    pub answers: &'a [(String, String)],
    /// The state that came with the questions.
    pub state: Option<&'a str>,
}

/// The question whether a call may be made.
pub(crate) const APPROVE: &str = "approve";

/// The question to open a link.
pub(crate) const OPEN: &str = "open_link";

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    Yes,
    No,
}

impl Person<'_> {
    /// The answer to a question, if there is one. To a form it is yes only if it says `"approve": true`.
    pub(crate) fn said(&self, key: &str) -> Option<Said> {
        let answer = json::read(pairs::value(self.answers, key)?.as_bytes()).unwrap_or_default();
        let accepted = answer.get("action").and_then(Value::as_str) == Some("accept");
        let ticked = key != APPROVE || json::at(&answer, "content", APPROVE) == Some(&true.into());
        Some(if accepted && ticked { Said::Yes } else { Said::No })
    }
}

/// How the link of this call reaches the person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Handover {
    /// In the result.
    #[default]
    Text,
    /// By the client.
    Client,
    /// Not at all: the operator wants it by the client, which cannot.
    None,
}

impl Handover {
    pub(crate) fn of(config: &Config, entry: &Entry, client: Client, arguments: &Map<String, Value>) -> Self {
        let token = arguments.get("include_token") == Some(&true.into());
        let one = entry.output.iter().any(|field| field.name == "connect_link");
        match config.delivery {
            _ if !entry.link => Self::Text,
            Delivery::Text => Self::Text,
            Delivery::Auto if client.elicit_url && one && !token => Self::Client,
            Delivery::Auto => Self::Text,
            Delivery::Elicit if client.elicit_url && one && !token => Self::Client,
            Delivery::Elicit => Self::None,
        }
    }

    /// Whether a link may be made at all.
    ///
    /// # Errors
    /// `link_not_deliverable`.
    pub(crate) fn check(self) -> Result<(), Error> {
        match self {
            Self::Text | Self::Client => Ok(()),
            Self::None => Err(Error::policy(
                "link_not_deliverable",
                "this server hands a link to the person only through a client that opens it (MCP elicitation, URL mode), one link at a time and \
                 without `include_token`; the operator can allow links in results with NANGO_MCP_LINK_DELIVERY=auto",
            )),
        }
    }
}

/// Take link and token out of a result, and ask the person to open the link. The rest of the result is the state: it
/// says nothing that its client may not know, and is read again by the table of the result.
pub(crate) fn open_link(mut result: Map<String, Value>, config: &Config) -> (Question, String) {
    let link = json::take(&mut result, "connect_link");
    for name in ["connect_link", "token"] {
        result.shift_remove(name);
    }
    let message = result.get("say").and_then(Value::as_str).unwrap_or_default().to_owned();
    scan(&mut result, config, false);
    let ask = Ask::OpenUrl(link.as_str().unwrap_or_default().to_owned());
    (Question { key: OPEN, message, ask }, json::write(&result.into()))
}

/// The result of a call whose link the client has shown to the person; nothing if this is none.
///
/// # Errors
/// `declined`.
pub(crate) fn opened(entry: &Entry, person: Person<'_>, config: &Config) -> Option<Result<Map<String, Value>, Error>> {
    let said = person.said(OPEN)?;
    let read = Reading::of(json::BUDGET).read(person.state?.as_bytes(), None, entry.result).ok()??;
    let Value::Object(mut result) = read else { return None };
    for name in ["connect_link", "token"] {
        result.shift_remove(name);
    }
    scan(&mut result, config, false);
    if said == Said::No {
        let say = "the person did not want to open the link, so nothing was connected; ask them before you make another";
        return Some(Err(Error::policy("declined", say)));
    }
    json::put(&mut result, "say", json::text("The person has agreed to open the link: go on with `next`, which waits for them."));
    Some(Ok(result))
}

/// The question whether a call may be made: which tool, where, on what, for whom, and what it does.
pub(crate) fn approve(entry: &Entry, environment: &str, effect: Effect, about: &str) -> Question {
    let does = match effect {
        Effect::Destructive => "It deletes or overwrites something for good.",
        _ => "It changes something in Nango.",
    };
    let place = if environment.is_empty() { String::new() } else { format!(" in environment {environment}") };
    let message = format!("Allow \u{201c}{}\u{201d} ({}){place}? {does}{about}", entry.title, entry.name);
    let tick = json::object([
        ("type", json::text("boolean")),
        ("title", json::text("Allow this call")),
        ("description", json::text("Only this one, with exactly these arguments.")),
    ]);
    let schema = json::object([
        ("type", json::text("object")),
        ("properties", json::object([(APPROVE, tick.into())]).into()),
        ("required", [APPROVE].into_iter().map(json::text).collect()),
    ]);
    Question { key: APPROVE, message, ask: Ask::Form(schema.into()) }
}

/// What a person recognises a call by. The values are the model's, so they are short, in quotes, and without characters
/// that could pass for something else.
pub(crate) fn about(arguments: &Map<String, Value>) -> String {
    const NAMES: &[(&str, &str)] = &[
        ("Integration", "provider_config_key"),
        ("Integration", "integration_id"),
        ("Integration", "unique_key"),
        ("Integrations", "allowed_integrations"),
        ("Connection", "connection_id"),
        ("Person", "end_user_id"),
        ("Person", "principal"),
        ("Person", "id"),
        ("Person", "email"),
        ("Request", "method"),
        ("Path", "path"),
    ];
    let mut about = String::new();
    let mut add = |what: &str, value: &Value| {
        let texts: Vec<String> = match value {
            Value::Array(items) => items.iter().filter_map(Value::as_str).take(5).map(plain).collect(),
            value => value.as_str().map(plain).into_iter().collect(),
        };
        if !texts.is_empty() {
            about.push_str(&format!(" {what}: {}.", texts.join(", ")));
        }
    };
    for (what, name) in NAMES {
        add(what, arguments.get(*name).unwrap_or(&Value::Null));
    }
    for (object, name) in [("end_user", "id"), ("tags", "end_user_id")] {
        add("Person", arguments.get(object).and_then(|object| object.get(name)).unwrap_or(&Value::Null));
    }
    // Names of the schema; what they hold may be long, and a secret.
    let others: Vec<&str> = arguments.keys().map(String::as_str).filter(|name| !NAMES.iter().any(|(_, known)| known == name)).collect();
    if !others.is_empty() {
        about.push_str(&format!(" Also: {}.", others.join(", ")));
    }
    about
}

fn plain(text: &str) -> String {
    let plain = |c: &char| c.is_alphanumeric() || (c.is_ascii_graphic() && *c != '"') || *c == ' ';
    let shown: String = text.chars().filter(plain).take(80).collect();
    let cut = if text.chars().count() > 80 { "\u{2026}" } else { "" };
    format!("\u{201c}{shown}{cut}\u{201d}")
}

/// What binds an approval to a call: its tool, environment and arguments, in whatever order they are written.
pub(crate) fn binding(entry: &Entry, environment: &str, arguments: &Map<String, Value>) -> String {
    let arguments = json::write(&json::sorted(arguments.clone().into()));
    format!("{APPROVE}:{}", crate::tools::digest(&[entry.name, environment, &arguments]))
}

/// A result of these blocks.
pub(crate) fn done(result: Map<String, Value>, files: Vec<File>) -> CallResult {
    let structured = Value::Object(result);
    CallResult { text: vec![json::write(&structured)], files, structured: Some(structured), meta: None, is_error: false }
}
