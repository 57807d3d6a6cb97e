//! What of Nango's objects may leave, by allow-list; and the last scan.
//!
//! A result type names the fields it shows; everything else is dropped and counted, whatever it is called. So a
//! credential under a name nobody thought of does not leave either.

use std::marker::PhantomData;

use serde_json::{Map, Value};

use crate::config::Config;
use crate::json;
use crate::tool::{Kind, Object, Param, Passed, fits};

/// Copy the fields that `T` names out of Nango's object; count in `dropped` what stays behind.
///
/// `None` if a field that `T` requires is missing or of another kind.
pub fn project<T: Object>(value: &Value, dropped: &mut i64) -> Option<T> {
    let mut fit = true;
    let projected = T::take(fields(T::PARAMS, value.as_object()?, dropped)?, &mut fit);
    fit.then_some(projected)
}

/// The same for an object that is passed on and not looked into, such as a row of a list.
pub fn pass<T: Object>(value: &Value, dropped: &mut i64) -> Option<Passed<T>> {
    Some(Passed(fields(T::PARAMS, value.as_object()?, dropped)?.into(), PhantomData))
}

fn fields(params: &[Param], object: &Map<String, Value>, dropped: &mut i64) -> Option<Map<String, Value>> {
    let present = object.values().filter(|value| !value.is_null()).count();
    let mut out = json::empty();
    for param in params {
        match object.get(param.name).and_then(|value| fit(param.kind, value, dropped)) {
            Some(value) => json::put(&mut out, param.name, value),
            None if param.required => return None,
            None => {}
        }
    }
    *dropped += i64::try_from(present - out.len()).unwrap_or(0);
    Some(out)
}

fn fit(kind: &Kind, value: &Value, dropped: &mut i64) -> Option<Value> {
    match (kind, value) {
        (Kind::Text(_), Value::String(_)) | (Kind::Bool, Value::Bool(_)) | (Kind::Open, Value::Object(_)) => Some(value.clone()),
        (Kind::Integer { min, max }, Value::Number(number)) => number.as_i64().filter(|n| (*min..=*max).contains(n)).map(Value::from),
        (Kind::List { item, max, .. }, Value::Array(items)) => {
            *dropped += surplus(items.len(), *max);
            Some(items.iter().take(*max).filter_map(|value| fit(item, value, dropped).or_else(|| unfit(item, dropped))).collect())
        }
        (Kind::Map { key: limits, value: inner, max }, Value::Object(entries)) => {
            let kept: Map<String, Value> = entries
                .iter()
                .filter(|(key, _)| fits(limits, key))
                .filter_map(|(key, value)| Some((key.clone(), fit(inner, value, dropped)?)))
                .take(*max)
                .collect();
            *dropped += surplus(entries.len(), kept.len());
            Some(Value::Object(kept))
        }
        (Kind::Object(params), Value::Object(object)) => fields(params, object, dropped).map(Value::Object),
        _ => None,
    }
}

/// What stands for an item of another kind: nothing, or an object of which nothing is known. That an error is there
/// must show even where it cannot be read.
fn unfit(item: &Kind, dropped: &mut i64) -> Option<Value> {
    *dropped += 1;
    matches!(item, Kind::Object(params) if params.iter().all(|param| !param.required)).then(|| Value::Object(json::empty()))
}

fn surplus(have: usize, kept: usize) -> i64 {
    i64::try_from(have.saturating_sub(kept)).unwrap_or(i64::MAX)
}

/// What stands where a secret stood.
const REMOVED: &str = "[removed]";

/// How a Connect session token begins; 64 hexadecimal digits follow (packages/server/lib/middleware/access.middleware.ts).
const SESSION_TOKEN: &str = "nango_connect_session_";

/// The last scan: user and provider data may repeat a secret, results must not. Removes configured keys and handles
/// everywhere, and Connect session tokens but in the two fields that exist to carry one, and only of a link tool.
pub fn scan(result: &mut Map<String, Value>, config: &Config, link: bool) {
    let secrets: Vec<&str> = config.secrets().map(|secret| secret.expose()).collect();
    for (name, value) in result.iter_mut() {
        let carries_token = link && matches!(name.as_str(), "connect_link" | "token");
        scan_value(value, &secrets, !carries_token);
    }
}

/// The last scan, over a text.
pub fn scan_text(text: &str, config: &Config) -> String {
    let secrets: Vec<&str> = config.secrets().map(|secret| secret.expose()).collect();
    clean(text, &secrets, true).unwrap_or_else(|| text.to_owned())
}

fn scan_value(value: &mut Value, secrets: &[&str], tokens: bool) {
    match value {
        Value::String(text) => {
            if let Some(clean) = clean(text, secrets, tokens) {
                *text = clean;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| scan_value(item, secrets, tokens)),
        Value::Object(object) => {
            if object.keys().any(|key| clean(key, secrets, tokens).is_some()) {
                let entries = std::mem::take(object);
                *object = entries.into_iter().map(|(key, value)| (clean(&key, secrets, tokens).unwrap_or(key), value)).collect();
            }
            object.values_mut().for_each(|value| scan_value(value, secrets, tokens));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A text without these values.
pub(crate) fn without(text: &str, values: &[&str]) -> String {
    clean(text, values, false).unwrap_or_else(|| text.to_owned())
}

/// The text without secrets, or `None` if it holds none. Keys compare without case: UUIDs may be written either way.
fn clean(text: &str, secrets: &[&str], tokens: bool) -> Option<String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((begin, end)) = first_secret(rest, secrets, tokens) {
        out.push_str(rest.get(..begin)?);
        out.push_str(REMOVED);
        rest = rest.get(end..)?;
    }
    (rest.len() < text.len()).then(|| out + rest)
}

/// Where the first secret begins and ends.
fn first_secret(text: &str, secrets: &[&str], tokens: bool) -> Option<(usize, usize)> {
    // ASCII lower case keeps every byte's place, so places in `lower` are places in `text`.
    let lower = text.to_ascii_lowercase();
    let keys = secrets.iter().filter_map(|secret| Some((lower.find(&secret.to_ascii_lowercase())?, secret.len())));
    let token = || {
        lower.match_indices(SESSION_TOKEN).find_map(|(at, prefix)| {
            let digits = lower.get(at + prefix.len()..)?.bytes().take(64).take_while(u8::is_ascii_hexdigit).count();
            (digits == 64).then_some((at, prefix.len() + digits))
        })
    };
    keys.chain(tokens.then(token).flatten()).min().map(|(at, length)| (at, at + length))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "0f7e31ab-5c42-4d1a-9a51-2b6a3c9f0d11";

    fn scanned(value: Value, link: bool) -> Value {
        let config = Config::from_vars([("NANGO_SECRET_KEY".to_owned(), KEY.to_owned())]).unwrap();
        let Value::Object(mut object) = value else { panic!("an object") };
        scan(&mut object, &config, link);
        Value::Object(object)
    }

    #[test]
    fn keys_and_session_tokens_do_not_leave() {
        let token = format!("nango_connect_session_{}", "a".repeat(64));
        let upper = KEY.to_uppercase();
        let value = json!({"tags": {"a": format!("x{KEY}y{upper}z"), KEY: "b"}, "metadata": [token, "é"], "connect_link": token});
        let clean = json!({"tags": {"a": "x[removed]y[removed]z", REMOVED: "b"}, "metadata": [REMOVED, "é"]});
        let mut elsewhere = clean.clone();
        elsewhere["connect_link"] = REMOVED.into();
        assert_eq!(scanned(value.clone(), false), elsewhere);
        let mut by_link_tool = clean;
        by_link_tool["connect_link"] = value["connect_link"].clone();
        assert_eq!(scanned(value, true), by_link_tool);
    }

    #[test]
    fn what_only_looks_like_a_token_stays() {
        let value = json!({"tags": {"a": "nango_connect_session_abc"}});
        assert_eq!(scanned(value.clone(), false), value);
    }
}
