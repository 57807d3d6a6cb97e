//! Replays recorded Nango requests against the embedded Nango and compares the answers.
//!
//! Each pair must agree in status, content type, the presence of the rate-limit headers, and in its body: the same
//! keys in the same order at every depth, the same JSON types, equal values; a generated value (an id, a token, a
//! time, a host) agrees when its form does. Everything is then replayed with other ids, keys, integrations and tags,
//! which shows that the server knows none of the recorded ones.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says by failing what it misses, and by printing what it found"
)]

mod compare;
mod connections;
mod integrations;
mod large;
mod prelude;
mod provider;
mod refresh;
mod rename;
mod setup;
mod unrecorded;
mod wire;

use std::collections::HashMap;
use std::time::Duration;

use nango_mcp_host::nango::{Clock, Key, Nango, Options};
use serde_json::Value;

use compare::Comparison;
use prelude::{PRELUDE, Step};
use rename::Renaming;
use wire::{Reply, Server};

const RECORDED: &str = include_str!("fixtures/recorded.jsonl");
/// When the recording began.
const START: i64 = 1_795_437_650;
/// So much passes between two requests.
const TICK: Duration = Duration::from_millis(10);
const LIMIT: u32 = 200;

/// The pairs that do not agree, and why. A pair that agrees must not be here.
const EXPLAINED: [(&str, &str); 4] = [
    ("prov-list", "the embedded catalogue has 15 providers, Nango's 981"),
    ("prov-search-regex", "matches everything, hence the same difference"),
    ("prov-json", "the same catalogue as a map"),
    ("px-github-nonet", "the recorded server could not reach the provider; the embedded one answers in its place"),
];

#[tokio::test]
async fn recorded_pairs_are_answered_alike() {
    Replay::start(Renaming::None).await.run().await.judge("as recorded");
}

#[tokio::test]
async fn renamed_pairs_are_answered_alike() {
    Replay::start(Renaming::Shifted).await.run().await.judge("renamed");
}

/// One recorded request with what was answered.
pub(crate) struct Pair {
    pub name: String,
    pub request: Sent,
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub response: Value,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<Value>,
}

fn strings(value: &Value) -> Vec<(String, String)> {
    let entries = value.as_object().into_iter().flatten();
    entries.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

fn pairs() -> Vec<Pair> {
    let read = |line: &str| {
        let pair: Value = serde_json::from_str(line).expect("a line of the fixture is JSON");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let request = &pair["request"];
        Pair {
            name: text(&pair["name"]),
            request: Sent {
                method: text(&request["method"]),
                path: text(&request["path"]),
                headers: strings(&request["headers"]),
                body: Some(request["body"].clone()).filter(|body| !body.is_null()),
            },
            status: u16::try_from(pair["status"].as_u64().unwrap_or_default()).expect("a status"),
            headers: strings(&pair["headers"]).into_iter().collect(),
            response: pair["response"].clone(),
        }
    };
    RECORDED.lines().map(read).collect()
}

struct Replay {
    server: Server,
    clock: Clock,
    renaming: Renaming,
    /// Recorded tokens and ids, and what the server made in their place.
    bound: HashMap<String, String>,
    /// The entity tag last seen of a path.
    tags: HashMap<String, String>,
    differences: Vec<(String, Vec<String>)>,
    replayed: usize,
}

impl Replay {
    async fn start(renaming: Renaming) -> Replay {
        let clock = Clock::fixed(START);
        let scoped = |secret: &str, scopes: &[&str]| Key {
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            ..Key::full(renaming.key(secret), "dev")
        };
        let keys = vec![
            Key::full(renaming.key(prelude::DEV), "dev"),
            Key::full(renaming.key(prelude::PROD), "prod"),
            scoped(prelude::SESSIONS_ONLY, &["environment:connect_sessions:write"]),
            scoped(prelude::READ_ONLY, &["environment:connections:read", "environment:integrations:read"]),
        ];
        let options = Options { keys, clock: clock.clone(), rate_limit: LIMIT, ..Options::default() };
        Replay {
            server: Server::start(Nango::new(options)).await,
            clock,
            renaming,
            bound: HashMap::new(),
            tags: HashMap::new(),
            differences: Vec::new(),
            replayed: 0,
        }
    }

    async fn run(mut self) -> Replay {
        for pair in pairs() {
            for step in PRELUDE.iter().filter(|prelude| prelude.before == pair.name).flat_map(|prelude| prelude.steps) {
                self.prepare(step).await;
            }
            self.replay(&pair).await;
        }
        self
    }

    async fn prepare(&mut self, step: &Step) {
        match step {
            Step::Wait(seconds) => self.clock.advance(Duration::from_secs(*seconds)),
            Step::Exhaust => {
                let request = Step::Send("GET", "/providers/none", "", None).request().expect("a request");
                for _ in 0..LIMIT {
                    self.send(&request).await;
                }
            }
            Step::Send(.., binds) => {
                self.clock.advance(TICK);
                let request = step.request().expect("a request");
                let reply = self.send(&request).await;
                assert!(reply.status < 300, "prelude {request:?}: {} {}", reply.status, reply.body);
                if let Some(recorded) = binds {
                    let made = reply.body["data"]["token"].as_str().or(reply.body["connectionId"].as_str());
                    self.bound.insert(prelude::expand(recorded), made.expect("a token or an id").to_owned());
                }
            }
        }
    }

    async fn replay(&mut self, pair: &Pair) {
        self.clock.advance(TICK);
        let reply = self.send(&pair.request).await;
        let expected = self.renaming.value(&pair.response);
        let mut comparison = Comparison::new(&mut self.bound);
        comparison.heads(pair, &reply);
        comparison.bodies(&expected, &reply.body);
        let found = comparison.differences();
        if !found.is_empty() {
            self.differences.push((pair.name.clone(), found));
        }
        self.replayed += 1;
    }

    /// Sends a request under its new names, with the tokens and ids of this server.
    async fn send(&mut self, recorded: &Sent) -> Reply {
        let mut request = self.renaming.request(recorded);
        let bound = |text: &str| self.bound.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        request.path = bound(&request.path);
        for (name, value) in &mut request.headers {
            *value = bound(value);
            if let ("If-None-Match", Some(tag)) = (name.as_str(), self.tags.get(&request.path)) {
                value.clone_from(tag);
            }
        }
        request.body = request.body.map(|body| serde_json::from_str(&bound(&body.to_string())).expect("JSON"));
        let reply = self.server.send(&request).await;
        if let Some(tag) = reply.headers.get("etag") {
            self.tags.insert(request.path, tag.clone());
        }
        reply
    }

    /// Reports, and fails on any difference that is not explained and any explanation that is not needed.
    fn judge(&self, how: &str) {
        let explained = |name: &str| EXPLAINED.iter().find(|(listed, _)| *listed == name).map(|(_, reason)| *reason);
        let different = |name: &str| self.differences.iter().any(|(found, _)| found == name);
        let known = self.differences.iter().filter(|(name, _)| explained(name).is_some()).count();
        println!(
            "{how}: recorded pairs: {}, replayed: {}, equal: {}, explained differences: {known}",
            pairs().len(),
            self.replayed,
            self.replayed - self.differences.len(),
        );
        let mut wrong = Vec::new();
        for (name, found) in &self.differences {
            match explained(name) {
                Some(reason) => println!("  {name}: {reason}"),
                None => wrong.push(format!("{name}:\n    {}", found.join("\n    "))),
            }
        }
        for (name, _) in EXPLAINED.iter().filter(|(name, _)| !different(name)) {
            wrong.push(format!("{name}: is explained, but has become equal"));
        }
        for prelude in PRELUDE.iter().filter(|prelude| pairs().iter().all(|pair| pair.name != prelude.before)) {
            wrong.push(format!("{}: has a prelude, but was not recorded", prelude.before));
        }
        assert!(wrong.is_empty(), "{how}: {} wrong\n  {}", wrong.len(), wrong.join("\n  "));
    }
}
