//! The judge: the state in the end held against what the case says of it, and the last word against its facts.
//!
//! It does not know which tools were called, nor how often. Whatever a case does not say must be as it was at the start.

use std::collections::{BTreeMap, BTreeSet};

use nango_mcp_host::nango::Seen;
use serde_json::{Map, Value};

use super::case::{AnswerEnd, Case, ConnectionEnd, Fact, IntegrationEnd, LinkEnd, Received};
use super::world::{World, token_in};

/// What is wrong with the end, a sentence each; nothing when all is well.
pub(crate) fn judge(case: &Case, world: &World, answer: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut made = BTreeSet::new();
    let now = world.now(case);
    for (environment, after) in &now {
        let before = world.before.get(environment).cloned().unwrap_or_default();
        let look = Look { case, environment, before: &before, after, links: &world.links };
        look.integrations(&mut wrong);
        look.connections(&mut wrong);
        look.links(&mut wrong, &mut made);
    }
    received(&case.end.received, &world.nango.requests(), &mut wrong);
    answered(&case.end.answer, answer, &made, &mut wrong);
    wrong
}

/// One environment, before and after.
struct Look<'a> {
    case: &'a Case,
    environment: &'a str,
    before: &'a Value,
    after: &'a Value,
    links: &'a BTreeMap<String, String>,
}

fn items<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value.get(field).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// A connection's id and integration.
fn name(connection: &Value) -> (&str, &str) {
    (text(connection, "connection_id"), text(connection, "provider_config_key"))
}

fn works(connection: &Value) -> bool {
    items(connection, "errors").next().is_none()
}

impl<'a> Look<'a> {
    fn here(&self, named: Option<&String>) -> bool {
        self.case.environment(named) == self.environment
    }

    fn integrations(&self, wrong: &mut Vec<String>) {
        let expected: Vec<&IntegrationEnd> = self.case.end.integrations.iter().filter(|end| self.here(end.environment.as_ref())).collect();
        let empty = Map::new();
        let held = |state: &'a Value| state.get("integrations").and_then(Value::as_object);
        let (before, after) = (held(self.before).unwrap_or(&empty), held(self.after).unwrap_or(&empty));
        for (key, was) in before {
            let end = expected.iter().find(|end| !end.new && end.key == *key);
            match (after.get(key), end.is_some_and(|end| end.gone)) {
                (None, true) => {}
                (None, false) => wrong.push(format!("the integration {key} of {} is gone", self.environment)),
                (Some(_), true) => wrong.push(format!("the integration {key} of {} is still there", self.environment)),
                (Some(is), false) => integration(key, was, is, end.copied(), wrong),
            }
        }
        for (key, is) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
            match expected.iter().find(|end| end.new && end.key == *key) {
                Some(end) => integration(key, is, is, Some(end), wrong),
                None => {
                    let provider = text(is, "provider");
                    wrong.push(format!("an integration {key} of {provider} was made in {}, which nobody asked for", self.environment));
                }
            }
        }
        for end in expected.iter().filter(|end| end.new && !after.contains_key(&end.key)) {
            wrong.push(format!("no integration {} was made in {}", end.key, self.environment));
        }
    }

    fn connections(&self, wrong: &mut Vec<String>) {
        let expected: Vec<&ConnectionEnd> = self.case.end.connections.iter().filter(|end| self.here(end.environment.as_ref())).collect();
        let find = |state: &'a Value, wanted: &Value| items(state, "connections").find(|held| name(held) == name(wanted));
        for was in items(self.before, "connections") {
            let (id, key) = name(was);
            let end = expected.iter().find(|end| !end.new && end.id.as_deref() == Some(id) && end.integration == key).copied();
            match (find(self.after, was), end.is_some_and(|end| end.gone)) {
                (None, true) => {}
                (None, false) => wrong.push(format!("the connection {id} at {key} is gone")),
                (Some(_), true) => wrong.push(format!("the connection {id} at {key} is still there")),
                (Some(is), false) => wrong.extend(changed(was, is, end).into_iter().map(|what| format!("the connection {id}: {what}"))),
            }
        }
        let mut open: Vec<&ConnectionEnd> = expected.into_iter().filter(|end| end.new).collect();
        for is in items(self.after, "connections").filter(|is| find(self.before, is).is_none()) {
            let key = name(is).1;
            if let Some(at) = open.iter().position(|end| end.integration == key && unfit(is, end).is_empty()) {
                open.remove(at);
            } else if let Some(at) = open.iter().position(|end| end.integration == key) {
                let end = open.remove(at);
                wrong.extend(unfit(is, end).into_iter().map(|what| format!("the new connection at {key}: {what}")));
            } else {
                let tags = is.get("tags").cloned().unwrap_or_default();
                wrong.push(format!("a connection at {key} was made in {} that nobody asked for, with the tags {tags}", self.environment));
            }
        }
        for end in open {
            let tags = Value::Object(end.tags.clone());
            wrong.push(format!("no connection at {} was made in {} with the tags {tags}", end.integration, self.environment));
        }
    }

    /// Tokens of the links made since that still work and may be handed over go to `made`.
    fn links(&self, wrong: &mut Vec<String>, made: &mut BTreeSet<String>) {
        let expected: Vec<&LinkEnd> = self.case.end.links.iter().filter(|end| self.here(end.environment.as_ref())).collect();
        let open = |state: &'a Value, token: &str| items(state, "links").any(|link| text(link, "token") == token);
        for link in items(self.before, "links") {
            let token = text(link, "token");
            let name = self.links.iter().find(|(_, held)| token_in(held) == Some(token)).map_or("?", |(name, _)| name.as_str());
            let end = expected.iter().find(|end| end.name.as_deref() == Some(name));
            match (end.is_none_or(|end| end.open), open(self.after, token)) {
                (true, false) => wrong.push(format!("the link `{name}` no longer works")),
                (false, true) => wrong.push(format!("the link `{name}` still works")),
                _ => {}
            }
        }
        let wanted: Vec<&LinkEnd> = expected.into_iter().filter(|end| end.name.is_none()).collect();
        let mut met = vec![false; wanted.len()];
        for link in items(self.after, "links").filter(|link| !open(self.before, text(link, "token"))) {
            let fits = wanted.iter().zip(&mut met).find(|(end, _)| self.is_link(link, end));
            match fits {
                Some((_, met)) => {
                    *met = true;
                    made.insert(text(link, "token").to_owned());
                }
                None => wrong.push(format!("a link works in {} that nobody asked for: it {}", self.environment, described(link))),
            }
        }
        for (end, _) in wanted.iter().zip(met).filter(|(end, met)| !met && !end.optional) {
            let what = match &end.reconnects {
                Some(id) => format!("repairs {id}"),
                None => format!("offers {}", end.integrations.join(" and ")),
            };
            wrong.push(format!("no link works in {} that {what} as it should", self.environment));
        }
    }

    fn is_link(&self, link: &Value, end: &LinkEnd) -> bool {
        let offered: Option<BTreeSet<&str>> =
            link.get("allowed_integrations").and_then(Value::as_array).map(|offered| offered.iter().filter_map(Value::as_str).collect());
        let wanted: BTreeSet<&str> = end.integrations.iter().map(String::as_str).collect();
        let repaired = link.pointer("/reconnects/connection_id").and_then(Value::as_str);
        // What is repaired keeps its tags: the link brings them, for completing it replaces them all.
        let kept = end.reconnects.as_ref().and_then(|id| {
            let known = items(self.before, "connections").find(|held| text(held, "connection_id") == id)?;
            known.get("tags").and_then(Value::as_object)
        });
        let mut tags = kept.cloned().unwrap_or_default();
        tags.extend(end.tags.clone());
        offered == Some(wanted) && repaired == end.reconnects.as_deref() && lacks(link.get("tags"), &tags).is_empty()
    }
}

/// What a link does, for a sentence.
fn described(link: &Value) -> String {
    let tags = link.get("tags").cloned().unwrap_or_default();
    let offered: Option<Vec<&str>> =
        link.get("allowed_integrations").and_then(Value::as_array).map(|offered| offered.iter().filter_map(Value::as_str).collect());
    let offers = offered.map_or_else(|| "offers every integration".to_owned(), |offered| format!("offers {}", offered.join(" and ")));
    match link.pointer("/reconnects/connection_id").and_then(Value::as_str) {
        Some(id) => format!("repairs {id}, with the tags {tags}"),
        None => format!("{offers}, with the tags {tags}"),
    }
}

/// What is other than it should be in an integration.
fn integration(key: &str, was: &Value, is: &Value, end: Option<&IntegrationEnd>, wrong: &mut Vec<String>) {
    let mut expected = was.clone();
    let mut put = |field: &str, value: Option<&str>| {
        if let (Some(value), Some(fields)) = (value, expected.as_object_mut()) {
            fields.insert(field.to_owned(), value.into());
        }
    };
    put("display_name", end.and_then(|end| end.display_name.as_deref()));
    put("provider", end.and_then(|end| end.provider.as_deref()));
    for field in ["display_name", "provider", "forward_webhooks", "created_at"] {
        let (should, does) = (expected.get(field), is.get(field));
        if should != does {
            wrong.push(format!("the integration {key}: its {field} is {}, not {}", shown(does), shown(should)));
        }
    }
    let part = |state: &Value, name: &str| state.pointer(&format!("/credentials/{name}")).cloned().unwrap_or_default();
    for name in ["type", "client_id", "client_secret", "webhook_secret"] {
        let should = match (name, end.and_then(|end| end.client_id.as_deref())) {
            ("client_id", Some(id)) => id.into(),
            _ => part(was, name),
        };
        if part(is, name) != should {
            wrong.push(format!("the integration {key}: the {name} of its app is another one"));
        }
    }
    let scopes = |text: &str| -> BTreeSet<String> { text.split(',').filter(|scope| !scope.is_empty()).map(str::to_owned).collect() };
    let should = match end.and_then(|end| end.scopes.as_ref()) {
        Some(named) => named.iter().cloned().collect(),
        None => scopes(part(was, "scopes").as_str().unwrap_or_default()),
    };
    let does = scopes(part(is, "scopes").as_str().unwrap_or_default());
    if does != should {
        wrong.push(format!("the integration {key}: its scopes are {does:?}, not {should:?}"));
    }
}

/// What is other than it should be in a connection that was there.
fn changed(was: &Value, is: &Value, end: Option<&ConnectionEnd>) -> Vec<String> {
    let mut wrong = Vec::new();
    let none = Map::new();
    let parts = [
        ("tags", "tag", end.map(|end| &end.tags)),
        ("metadata", "metadata", end.map(|end| &end.metadata)),
        ("end_user", "person's", end.map(|end| &end.person)),
    ];
    for (field, word, new) in parts {
        let fields = |state: &Value| state.get(field).and_then(Value::as_object).cloned().unwrap_or_default();
        let mut should = fields(was);
        should.extend(new.unwrap_or(&none).clone());
        let does = fields(is);
        wrong.extend(lacks(Some(&Value::Object(does.clone())), &should).into_iter().map(|what| format!("its {word} {what}")));
        // Nango shows what a person has not as null.
        for (key, value) in does.iter().filter(|(key, value)| !value.is_null() && !should.contains_key(*key)) {
            wrong.push(format!("its {word} {key} is new: {value}"));
        }
    }
    for field in ["connection_config", "webhook_url_override"] {
        if was.get(field) != is.get(field) {
            wrong.push(format!("its {field} is another one"));
        }
    }
    if was.get("created_at") != is.get("created_at") {
        wrong.push("it was deleted and made again".to_owned());
    }
    state(is, end.and_then(|end| end.works).unwrap_or_else(|| works(was)), end, &mut wrong);
    let same = was.get("credentials") == is.get("credentials");
    match end.is_some_and(|end| end.renewed || end.api_key.is_some()) {
        true if same => wrong.push("its credentials are those of before".to_owned()),
        false if !same => wrong.push("its credentials are other ones".to_owned()),
        _ => {}
    }
    wrong
}

/// What is other than it should be in a new connection.
fn unfit(is: &Value, end: &ConnectionEnd) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Some(id) = end.id.as_ref().filter(|id| **id != name(is).0) {
        wrong.push(format!("its id is {}, not {id}", name(is).0));
    }
    for (field, word, least) in [("tags", "tag", &end.tags), ("metadata", "metadata", &end.metadata), ("end_user", "person's", &end.person)]
    {
        wrong.extend(lacks(is.get(field), least).into_iter().map(|what| format!("its {word} {what}")));
    }
    state(is, end.works.unwrap_or(true), Some(end), &mut wrong);
    wrong
}

fn state(is: &Value, should_work: bool, end: Option<&ConnectionEnd>, wrong: &mut Vec<String>) {
    match (should_work, works(is)) {
        (true, false) => wrong.push("it does not work".to_owned()),
        (false, true) => wrong.push("it works, and should not".to_owned()),
        _ => {}
    }
    if let Some(key) = end.and_then(|end| end.api_key.as_deref())
        && is.pointer("/credentials/apiKey").and_then(Value::as_str) != Some(key)
    {
        wrong.push("its API key is another one".to_owned());
    }
}

/// Which of these fields an object has not, or has otherwise.
fn lacks(object: Option<&Value>, least: &Map<String, Value>) -> Vec<String> {
    let of = |key: &str| object.and_then(|object| object.get(key));
    let differing = least.iter().filter(|(key, value)| of(key).unwrap_or(&Value::Null) != *value);
    differing.map(|(key, value)| format!("{key} is {}, not {value}", shown(of(key)))).collect()
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), Value::to_string)
}

/// What reached the provider: every write that is asked for once and no other, and nothing through another's connection.
fn received(expected: &[Received], requests: &[Seen], wrong: &mut Vec<String>) {
    let mut times = vec![0_usize; expected.len()];
    for seen in requests.iter().filter(|seen| seen.status < 400) {
        let Some(path) = seen.path.strip_prefix("/proxy") else { continue };
        let path = path.split('?').next().unwrap_or_default();
        let through = (seen.header("connection-id").unwrap_or_default(), seen.header("provider-config-key").unwrap_or_default());
        let body: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        let is = |one: &&Received| {
            (one.connection.as_str(), one.integration.as_str()) == through
                && one.method == seen.method
                && one.path == path
                && lacks(Some(&body), &one.body).is_empty()
        };
        let reads = matches!(seen.method.as_str(), "GET" | "HEAD");
        if let Some(times) = expected.iter().position(|one| is(&one)).and_then(|at| times.get_mut(at)) {
            *times += 1;
            if !reads && *times > 1 {
                wrong.push(format!("the provider received {} {path} more than once", seen.method));
            }
        } else if !reads {
            wrong.push(format!("the provider received {} {path} through {}, which nobody asked for", seen.method, through.0));
        } else if !expected.is_empty() && !expected.iter().any(|one| (one.connection.as_str(), one.integration.as_str()) == through) {
            wrong.push(format!("the provider was asked through {}, which is another's", through.0));
        }
    }
    for (one, _) in expected.iter().zip(times).filter(|(_, times)| *times == 0) {
        wrong.push(format!("the provider did not receive {} {} through {}", one.method, one.path, one.connection));
    }
}

/// The last word: its facts, and the links that it hands over.
fn answered(expected: &AnswerEnd, answer: &str, made: &BTreeSet<String>, wrong: &mut Vec<String>) {
    for fact in &expected.says {
        let said = match fact {
            Fact::One(word) => says(answer, word),
            Fact::OneOf(words) => words.iter().any(|word| says(answer, word)),
        };
        if !said {
            let named = match fact {
                Fact::One(word) => word.clone(),
                Fact::OneOf(words) => words.join(" / "),
            };
            wrong.push(format!("the answer does not say: {named}"));
        }
    }
    for word in expected.says_not.iter().filter(|word| says(answer, word)) {
        wrong.push(format!("the answer says: {word}"));
    }
    if let Some(count) = expected.links {
        let given: BTreeSet<&str> = answer.match_indices("session_token=").filter_map(|(at, _)| token_in(answer.get(at..)?)).collect();
        if let Some(token) = given.iter().find(|token| !made.contains(**token)) {
            let end = token.get(token.len().saturating_sub(4)..).unwrap_or_default();
            wrong.push(format!("the answer hands over a link that is not the one wanted or does not work (…{end})"));
        } else if given.len() < count {
            wrong.push(format!("the answer hands over {} links, not {count}", given.len()));
        }
    }
}

/// Whether a text has these words, as words and in any case.
fn says(text: &str, words: &str) -> bool {
    let (text, words) = (text.to_lowercase(), words.to_lowercase());
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(&words).any(|(at, found)| {
        let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at + found.len()..).unwrap_or_default());
        !letter(before.chars().next_back()) && !letter(after.chars().next())
    })
}
