//! Arguments against their table: everything a schema says, with errors that name the argument and the rule.
//!
//! No message repeats a value: it could be a secret. Unknown names are repeated only as the path of the
//! complaint, shortened, because the caller cannot find them otherwise.

use serde_json::{Map, Value};

use super::arg::whole;
use super::kind::{Kind, Param, Text};
use crate::error::Error;

/// Where a value stands. It becomes text only in a complaint: nearly all arguments fit.
#[derive(Clone, Copy)]
enum Place<'a> {
    Root,
    Member(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl Place<'_> {
    fn path(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Member(of, name) => join(&of.path(), name),
            Self::Item(of, at) => format!("{}[{at}]", of.path()),
        }
    }
}

/// Check the arguments, a closed object.
pub(super) fn arguments(params: &[&Param], arguments: &Map<String, Value>) -> Result<(), Error> {
    object(params, arguments, &Place::Root)
}

fn object(params: &[&Param], object: &Map<String, Value>, place: &Place<'_>) -> Result<(), Error> {
    for key in object.keys() {
        if !params.iter().any(|param| param.name == key) {
            return Err(unknown(params, key, &place.path()));
        }
    }
    for param in params {
        let at = Place::Member(place, param.name);
        match object.get(param.name) {
            Some(value) => kind(param.kind, value, &at)?,
            None if param.required => {
                let (at, form) = (at.path(), describe(param.kind));
                return Err(Error::argument("missing_argument", &at, format!("missing argument `{at}` ({form})")));
            }
            None => {}
        }
    }
    Ok(())
}

fn kind(kind: &Kind, value: &Value, place: &Place<'_>) -> Result<(), Error> {
    match (kind, value) {
        (Kind::Text(limits), Value::String(content)) => {
            text(limits, content).map_err(|Misfit { code, rule }| refuse(code, &place.path(), &rule))
        }
        (Kind::Bool, Value::Bool(_)) | (Kind::Open, Value::Object(_)) | (Kind::Any | Kind::Raw, _) => Ok(()),
        (Kind::Integer { min, max }, Value::Number(_)) => match whole(value) {
            Some(number) if (*min..=*max).contains(&number) => Ok(()),
            _ => Err(refuse("out_of_range", &place.path(), &format!("be a whole number from {min} to {max}"))),
        },
        (Kind::List { item, min, max }, Value::Array(items)) => {
            if !(*min..=*max).contains(&items.len()) {
                return Err(refuse("wrong_length", &place.path(), &format!("have {}", span(*min, *max, "item"))));
            }
            items.iter().enumerate().try_for_each(|(index, value)| self::kind(item, value, &Place::Item(place, index)))
        }
        (Kind::Map { key, value: inner, max }, Value::Object(entries)) => {
            if entries.len() > *max {
                return Err(refuse("wrong_length", &place.path(), &format!("have at most {max} keys")));
            }
            entries.iter().try_for_each(|(name, value)| {
                let at = Place::Member(place, name);
                text(key, name).map_err(|Misfit { code, rule }| {
                    Error::argument(code, at.path(), format!("every key of `{}` must {rule}", place.path()))
                })?;
                self::kind(inner, value, &at)
            })
        }
        (Kind::Object(params), Value::Object(fields)) => {
            let params: Vec<&Param> = params.iter().collect();
            object(&params, fields, place)
        }
        _ => {
            let got = match value {
                Value::Null => "null (leave it out instead)",
                Value::Bool(_) => "a boolean",
                Value::Number(_) => "a number",
                Value::String(_) => "a string",
                Value::Array(_) => "a list",
                Value::Object(_) => "an object",
            };
            Err(refuse("wrong_type", &place.path(), &format!("be {}, not {got}", describe(kind))))
        }
    }
}

/// What a text does not keep: `must {rule}`.
struct Misfit {
    code: &'static str,
    rule: String,
}

/// Hold a text to its limits.
fn text(limits: &Text, content: &str) -> Result<(), Misfit> {
    let refuse = |code, rule: String| Err(Misfit { code, rule });
    if !limits.choices.is_empty() {
        if limits.choices.contains(&content) {
            return Ok(());
        }
        return refuse("unknown_value", format!("be one of {}", limits.choices.join(", ")));
    }
    let length = content.chars().count();
    if !(limits.min..=limits.max).contains(&length) {
        return refuse("wrong_length", format!("have {}", span(limits.min, limits.max, "character")));
    }
    let Some(pattern) = limits.pattern else { return Ok(()) };
    match &pattern.beyond {
        _ if !(pattern.matches)(content) => refuse("wrong_format", pattern.rule.to_owned()),
        Some(beyond) if (beyond.refuses)(content) => refuse(beyond.code, beyond.rule.to_owned()),
        _ => Ok(()),
    }
}

/// Whether a text keeps its limits, those beyond the schema included.
pub fn fits(limits: &Text, content: &str) -> bool {
    text(limits, content).is_ok()
}

/// `argument `path` must …`.
fn refuse(code: &'static str, path: &str, rule: &str) -> Error {
    Error::argument(code, path, format!("argument `{path}` must {rule}"))
}

fn unknown(params: &[&Param], key: &str, path: &str) -> Error {
    let at = join(path, key);
    let names = || params.iter().map(|param| param.name);
    let remedy = match nearest(key, names()) {
        Some(name) => format!("did you mean `{}`?", join(path, name)),
        None if params.is_empty() => "it takes no arguments".to_owned(),
        None => format!("known: {}", names().collect::<Vec<_>>().join(", ")),
    };
    Error::argument("unknown_argument", &at, format!("unknown argument `{at}`; {remedy}"))
}

/// The known name that a wrong one probably meant: the same letters in another spelling, or few edits away.
pub fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let fold = |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let folded = fold(wrong);
    if wrong.len() > 64 || folded.is_empty() {
        return None;
    }
    known
        .map(|name| (strsim::levenshtein(&fold(name), &folded), name))
        .filter(|(edits, name)| *edits <= name.len() / 3)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

fn describe(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text(_) => "a string",
        Kind::Bool => "true or false",
        Kind::Integer { .. } => "a whole number",
        Kind::List { .. } => "a list",
        Kind::Map { .. } | Kind::Object(_) | Kind::Open => "an object",
        Kind::Any | Kind::Raw => "any JSON value",
    }
}

fn span(min: usize, max: usize, noun: &str) -> String {
    match (min, max) {
        (min, usize::MAX) => format!("at least {min} {noun}s"),
        (0, max) => format!("at most {max} {noun}s"),
        (min, max) => format!("{min} to {max} {noun}s"),
    }
}

/// Whether a character shows nothing, or changes the direction or the line of what follows: control, zero-width and
/// bidirectional formatting characters, line separators, and tags, which spell whole texts that only a model sees. None of
/// them is repeated to a model.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
}

/// `path.name`, with a name that came from outside shortened to what is worth repeating.
fn join(path: &str, name: &str) -> String {
    let clean: String = name.chars().filter(|c| !is_hidden(*c)).take(64).collect();
    match path {
        "" => clean,
        path => format!("{path}.{clean}"),
    }
}
