//! What of Nango's objects may leave, by allow-list; and the last scan.
//!
//! A result type names the fields it shows; everything else is dropped and counted, whatever it is called. So a
//! credential under a name nobody thought of does not leave either.

use serde_json::{Map, Value};

use crate::config::Config;
use crate::error::Error;
use crate::json::{self, Reading, Unread, kind_of};
use crate::nango::{self, Answer};
use crate::tool::{Arg, Kind};

/// Memory that may be kept of one answer, in bytes: 200 connections with all the tags that Nango allows take a third.
const KEEP: usize = 3 * 1024 * 1024;

impl Answer {
    /// Its body as a value, for what is only looked into here and does not leave.
    ///
    /// # Errors
    /// `invalid_answer`, `answer_too_large`.
    pub(crate) fn json(&self) -> Result<Value, Error> {
        let mut reading = Reading::of(json::BUDGET);
        reading.read(&self.body, None, kind_of::<Value>()).map(Option::unwrap_or_default).map_err(|unread| self.unread(unread))
    }

    /// What `T` names of the body, or of what stands at `under` in it; counts in `dropped` what stays behind.
    ///
    /// # Errors
    /// `invalid_answer`, also where something is missing that `T` requires; `answer_too_large`.
    pub(crate) fn project<T: Arg>(&self, under: Option<&str>, dropped: &mut i64) -> Result<T, Error> {
        let mut fit = true;
        let value = T::take(self.kept(under, kind_of::<T>(), dropped)?, &mut fit);
        if fit { Ok(value) } else { Err(self.other()) }
    }

    #[inline(never)]
    fn kept(&self, under: Option<&str>, kind: &'static Kind, dropped: &mut i64) -> Result<Value, Error> {
        let mut reading = Reading::of(KEEP);
        let found = reading.read(&self.body, under, kind).map_err(|unread| self.unread(unread))?;
        *dropped += reading.dropped;
        found.ok_or_else(|| self.other())
    }

    /// The same of every item of a list, one at a time; `item` says whether it keeps the item. An item that lacks what `T` requires ends it: a row without its
    /// id is no row, and a list without it would be another list.
    ///
    /// # Errors
    /// As [`Answer::project`].
    #[inline(never)]
    pub(crate) fn each(
        &self,
        under: &str,
        kind: &'static Kind,
        dropped: &mut i64,
        item: &mut dyn FnMut(Value) -> bool,
    ) -> Result<(), Error> {
        let mut reading = Reading::of(KEEP);
        let mut whole = true;
        let mut take = |value: Option<Value>| match value {
            Some(value) => item(value),
            None => {
                whole = false;
                false
            }
        };
        let list = reading.each(&self.body, Some(under), kind, &mut take).map_err(|unread| self.unread(unread))?;
        *dropped += reading.dropped;
        if list && whole { Ok(()) } else { Err(self.other()) }
    }

    fn unread(&self, unread: Unread) -> Error {
        match unread {
            Unread::NotJson => nango::no_json(self),
            Unread::TooLarge => nango::too_large(self),
        }
    }

    fn other(&self) -> Error {
        Error::invalid_answer(self.route, self.status)
    }
}

/// What stands where a secret stood.
const REMOVED: &str = "[removed]";

/// How a Connect session token begins (packages/server/lib/middleware/access.middleware.ts).
const SESSION_TOKEN: &str = "nango_connect_session_";

/// So many hexadecimal digits follow.
const SESSION_DIGITS: usize = 64;

/// The last scan: user and provider data may repeat a secret, results must not. Removes configured keys and handles
/// everywhere, and Connect session tokens but in the texts that exist to carry one, and only of a link tool: `connect_link`
/// and `token` of the result, and `connect_link` of each of its `reconnect_links`.
pub fn scan(result: &mut Map<String, Value>, config: &Config, link: bool) {
    let secrets: Vec<&str> = config.secrets().map(|secret| secret.expose()).collect();
    let carriers: &[&str] = if link { &["connect_link", "token"] } else { &[] };
    for (name, value) in result.iter_mut() {
        match value {
            Value::Array(items) if link && name == "reconnect_links" => {
                items.iter_mut().for_each(|item| scan_link(item, &secrets));
            }
            value => scan_field(name, value, &secrets, carriers),
        }
    }
}

/// The last scan, over a body: a text loses its secrets as every text does, other bytes as a file's.
pub(crate) fn scan_bytes(body: &mut Vec<u8>, config: &Config) {
    let secrets: Vec<&str> = config.secrets().map(|secret| secret.expose()).collect();
    match std::str::from_utf8(body) {
        Ok(text) => {
            if let Some(text) = clean(text, &secrets, true) {
                *body = text.into_bytes();
            }
        }
        Err(_) => mask(body, config),
    }
}

/// The last scan, over the bytes of a file: what it removes becomes `*`, so that the size stays.
pub(crate) fn mask(bytes: &mut [u8], config: &Config) {
    let secrets: Vec<&str> = config.secrets().map(|secret| secret.expose()).collect();
    // As Latin-1 every byte is a character of its own, and what is sought is ASCII.
    let mut from = 0;
    loop {
        let rest: String =
            bytes.get(from..).unwrap_or_default().iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '?' }).collect();
        let Some((begin, end)) = first_secret(&rest, &secrets, true) else { return };
        bytes.iter_mut().take(from + end).skip(from + begin).for_each(|byte| *byte = b'*');
        from += end;
    }
}

fn scan_link(item: &mut Value, secrets: &[&str]) {
    match item {
        // Its keys are those of a closed object: nothing of Nango's.
        Value::Object(link) => link.iter_mut().for_each(|(name, value)| scan_field(name, value, secrets, &["connect_link"])),
        other => scan_value(other, secrets, true),
    }
}

/// Scan a field; only a text may carry a token.
fn scan_field(name: &str, value: &mut Value, secrets: &[&str], carriers: &[&str]) {
    let carries_token = value.is_string() && carriers.contains(&name);
    scan_value(value, secrets, !carries_token);
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
    // Nearly every text of a result is shorter than any secret.
    let shortest = secrets.iter().map(|secret| secret.len()).min().unwrap_or(usize::MAX);
    if text.len() < shortest.min(SESSION_TOKEN.len() + SESSION_DIGITS) {
        return None;
    }
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
            let digits = lower.get(at + prefix.len()..)?.bytes().take(SESSION_DIGITS).take_while(u8::is_ascii_hexdigit).count();
            (digits == SESSION_DIGITS).then_some((at, prefix.len() + digits))
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
    fn a_list_of_links_carries_tokens_in_its_links_alone() {
        let token = format!("nango_connect_session_{}", "a".repeat(64));
        let link = format!("https://c?t={token}");
        let value = json!({
            "reconnect_links": [
                {"connect_link": link, "token": token, "say": link, "warnings": [token], "connection_id": KEY},
                {"connect_link": [link], "inner": {"connect_link": link}},
                {"connect_link": {"connect_link": link, token.clone(): token}},
                {"connect_link": format!("{link}{KEY}")},
                link, [{"connect_link": link}],
            ],
            "other": {"reconnect_links": [{"connect_link": link}]}, "links": [{"connect_link": link}], "connect_link": [link],
        });
        let gone = "https://c?t=[removed]";
        let mut clean = json!({
            "reconnect_links": [
                {"connect_link": link, "token": REMOVED, "say": gone, "warnings": [REMOVED], "connection_id": REMOVED},
                {"connect_link": [gone], "inner": {"connect_link": gone}},
                {"connect_link": {"connect_link": gone, REMOVED: REMOVED}},
                {"connect_link": format!("{link}[removed]")},
                gone, [{"connect_link": gone}],
            ],
            "other": {"reconnect_links": [{"connect_link": gone}]}, "links": [{"connect_link": gone}], "connect_link": [gone],
        });
        assert_eq!(scanned(value.clone(), true), clean);
        clean["reconnect_links"][0]["connect_link"] = gone.into();
        clean["reconnect_links"][3]["connect_link"] = format!("{gone}[removed]").into();
        assert_eq!(scanned(value, false), clean);
        // Where it is no list, it is nothing that carries a token.
        for odd in [json!({"connect_link": link}), json!(link)] {
            assert!(!scanned(json!({"reconnect_links": odd}), true).to_string().contains(&token));
        }
    }

    #[test]
    fn what_only_looks_like_a_token_stays() {
        let value = json!({"tags": {"a": "nango_connect_session_abc"}});
        assert_eq!(scanned(value.clone(), false), value);
    }
}
