//! Secrets planted wherever Nango could put them, of every kind of credential, random in each place: none comes out of
//! any tool. And secrets given as arguments: none comes back.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use nango_mcp::Config;
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::{Map, Value, json};

use crate::kinds::seed;
use crate::samples::branches::{self, Branch};
use crate::samples::connection;
use crate::table::{KEY, Outcome, TOKEN, Table, call, call_with, config, http, tool, with};

/// Fields of the credentials of a connection, by type (packages/types/lib/auth/api.ts); a dot leads into an object.
pub(super) const CREDENTIALS: &[(&str, &[&str])] = &[
    ("OAUTH1", &["oauth_token", "oauth_token_secret", "raw.oauth_token", "raw.user_id"]),
    (
        "OAUTH2",
        &[
            "access_token",
            "refresh_token",
            "id_token",
            "config_override.client_id",
            "config_override.client_secret",
            "raw.access_token",
            "raw.refresh_token",
            "raw.id_token",
            "raw.authed_user.access_token",
        ],
    ),
    ("OAUTH2_CC", &["token", "client_id", "client_secret", "client_certificate", "client_private_key", "raw.access_token"]),
    ("API_KEY", &["apiKey"]),
    ("BASIC", &["username", "password"]),
    ("TBA", &["token_id", "token_secret", "config_override.client_id", "config_override.client_secret"]),
    ("APP", &["access_token", "jwtToken", "raw.token", "raw.permissions_token"]),
    ("APP_STORE", &["access_token", "private_key", "raw.token"]),
    ("CUSTOM", &["app.access_token", "user.access_token", "user.refresh_token", "raw.cookie", "raw.session"]),
    ("JWT", &["privateKeyId", "issuerId", "privateKey", "privateKey2.id", "privateKey2.secret", "token"]),
    ("BILL", &["username", "password", "organization_id", "dev_key", "session_id", "user_id", "raw.sessionId"]),
    ("TWO_STEP", &["token", "refresh_token", "client_id", "client_secret", "raw.jwt", "custom_field", "raw.cookie"]),
    ("SIGNATURE", &["username", "password", "token"]),
    ("TABLEAU", &["pat_name", "pat_secret", "content_url", "token", "raw.token"]),
    ("PERIMETER", &["api_key", "token", "raw.token"]),
    (
        "AWS_SIGV4",
        &["role_arn", "external_id", "access_key_id", "secret_access_key", "session_token", "raw.AccessKeyId", "raw.SecretAccessKey"],
    ),
    ("MCP_OAUTH2", &["access_token", "refresh_token", "client_id", "client_secret", "raw.access_token", "raw.registration_access_token"]),
    ("MCP_OAUTH2_GENERIC", &["access_token", "refresh_token", "config_override.client_secret", "raw.access_token"]),
    ("INSTALL_PLUGIN", &["username", "password", "access_token", "raw.key"]),
    ("NONE", &["anything"]),
];

/// Secrets that Nango keeps in connection_config, and those of an integration's own credentials.
const CONFIG: &[&str] = &["oauth_client_id", "oauth_client_secret", "installation_secret", "jwtToken", "userCredentials.password"];
const INTEGRATION: &[&str] =
    &["client_id", "client_secret", "webhook_secret", "app_id", "private_key", "aws_access_key", "custom.private_key", "hmac_key"];

/// The keys of other environments, and a handle, which is no secret.
const OTHERS: [&str; 3] = ["7b0c9d2e-1f3a-4b5c-8d6e-9f0a1b2c3d4e", "host:test", KEY];

/// Makes random secrets, all with one mark to find them by.
pub(super) struct Mint {
    mark: String,
    rng: RefCell<TestRng>,
    made: Cell<usize>,
    /// The kinds of places, by type of credentials and field.
    slots: RefCell<BTreeSet<String>>,
}

impl Mint {
    pub(super) fn new() -> Self {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&seed().to_le_bytes());
        let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mark = format!("q{:012x}", rng.next_u64() >> 16);
        Self { mark, rng: RefCell::new(rng), made: Cell::new(0), slots: RefCell::default() }
    }

    /// A secret of one form or another: what lets words, modes, scopes or tokens pass must not let it pass.
    pub(super) fn secret(&self, slot: &str) -> String {
        self.slots.borrow_mut().insert(slot.to_owned());
        self.made.set(self.made.get() + 1);
        let digits = format!("{:016x}", self.rng.borrow_mut().next_u64());
        match self.made.get() % 5 {
            0 => format!("{}_{digits}", self.mark).to_uppercase(),
            1 => format!("-----BEGIN RSA PRIVATE KEY-----\n{}+/{digits}==\n-----END RSA PRIVATE KEY-----", self.mark),
            2 => format!("{digits}.{}", self.mark),
            _ => format!("{}{digits}", self.mark),
        }
    }

    /// An object of secrets, by field.
    fn object(&self, slot: &str, fields: &[&str]) -> Value {
        let mut object = json!({});
        for field in fields {
            let secret = self.secret(&format!("{slot}.{field}")).into();
            match field.split_once('.') {
                Some((outer, inner)) if object[outer].is_object() => put(&mut object[outer], inner, secret),
                Some((outer, inner)) => {
                    object[outer] = json!({});
                    put(&mut object[outer], inner, secret);
                }
                None => object[*field] = secret,
            }
        }
        object
    }

    /// Whether a secret is in the text.
    pub(super) fn is_in(&self, text: &str) -> bool {
        text.to_ascii_lowercase().contains(&self.mark)
    }

    #[track_caller]
    pub(super) fn absent(&self, text: &str, what: &str) {
        let found = text.to_ascii_lowercase().find(&self.mark);
        let around = |at: usize| text.chars().skip(at.saturating_sub(200)).take(400).collect::<String>();
        assert!(found.is_none(), "{what}: a planted secret came out: … {} …", around(found.unwrap()));
    }
}

/// Put a value at a way through objects.
fn put(object: &mut Value, way: &str, value: Value) {
    match way.split_once('.') {
        Some((outer, inner)) => {
            if !object[outer].is_object() {
                object[outer] = json!({});
            }
            put(&mut object[outer], inner, value);
        }
        None => object[way] = value,
    }
}

/// Secrets in every object of Nango's, at every depth; in the user's data what this server itself knows to be secret.
struct Planter<'a> {
    mint: &'a Mint,
    kind: &'static str,
    fields: &'static [&'static str],
    /// What the user's data repeats.
    known: String,
}

impl Planter<'_> {
    fn plant(&self, value: Value) -> Value {
        match value {
            Value::Object(object) => {
                let session = object.contains_key("connect_link");
                let mut out: Map<String, Value> = object
                    .into_iter()
                    .map(|(key, value)| match key.as_str() {
                        "tags" | "metadata" => (key, self.open(value)),
                        "connection_config" => (key, self.configured(value)),
                        "token" | "connect_link" | "expires_at" if session => (key, value),
                        "credentials" => (key, Value::Null),
                        _ => (key, self.plant(value)),
                    })
                    .collect();
                let mut credentials = if out.contains_key("unique_key") {
                    self.mint.object("integration", INTEGRATION)
                } else {
                    self.mint.object(self.kind, self.fields)
                };
                credentials["type"] = self.kind.into();
                out.insert("credentials".into(), credentials.clone());
                // The same names where nobody expects them, as texts and within objects and lists.
                for field in self.fields {
                    let name = field.split('.').next().unwrap();
                    out.entry(name).or_insert_with(|| self.mint.secret(&format!("{}.{field} astray", self.kind)).into());
                }
                for name in ["x_unknown", "raw"] {
                    let deep = || self.mint.object(&format!("{} below", self.kind), self.fields);
                    out.entry(name).or_insert_with(|| json!([[{"deeper": {"credentials": deep()}}]]));
                }
                out.into()
            }
            // Of many rows the first tell as much as all.
            Value::Array(items) => items.into_iter().enumerate().map(|(at, item)| if at < 3 { self.plant(item) } else { item }).collect(),
            other => other,
        }
    }

    /// The user's data.
    fn open(&self, value: Value) -> Value {
        let Value::Object(mut object) = value else { return value };
        object.insert("held".into(), self.known.clone().into());
        object.insert("clean".into(), "stays".into());
        object.into()
    }

    /// Settings of a connection, and a template's form of them.
    fn configured(&self, value: Value) -> Value {
        let Value::Object(mut object) = value else { return value };
        for (name, secret) in
            [CONFIG, self.fields].into_iter().flat_map(|fields| self.mint.object("connection_config", fields).as_object().cloned().unwrap())
        {
            object.entry(name).or_insert(secret);
        }
        object.into()
    }

    /// A provider's answer: the user's data at every depth.
    fn provided(&self, value: Value) -> Value {
        match value {
            Value::Object(object) => {
                let object: Map<String, Value> = object.into_iter().map(|(key, value)| (key, self.provided(value))).collect();
                self.open(object.into())
            }
            Value::Array(items) => items.into_iter().map(|item| self.provided(item)).collect(),
            Value::String(text) => format!("{text} {}", self.known).into(),
            other => other,
        }
    }
}

/// Configurations whose secrets must not come out: several keys, and a handle instead of a key.
fn configs() -> Vec<Config> {
    let several = [
        ("NANGO_MCP_ENVIRONMENTS", "dev,live,test"),
        ("NANGO_SECRET_KEY_DEV", KEY),
        ("NANGO_SECRET_KEY_LIVE", OTHERS[0]),
        ("NANGO_SECRET_KEY_TEST", OTHERS[1]),
    ];
    vec![config(&several), config(&[("NANGO_SECRET_KEY", "host:dev")])]
}

/// What the user's data repeats under a configuration: its keys, one in both cases.
fn known(config: &Config, token: bool) -> String {
    let keys: Vec<String> = config.secrets().map(|secret| secret.expose().to_owned()).collect();
    // A configuration of handles has no key that could come out.
    let upper = keys.first().map(|key| key.to_uppercase()).unwrap_or_default();
    format!("a {} {upper} {} z", keys.join(","), if token { TOKEN } else { "" })
}

/// Nothing of what this server knows to be secret; a session token only where a link tool gives it.
#[track_caller]
fn nothing_known(config: &Config, outcome: &Outcome, name: &str) {
    let mut text = outcome.text().to_ascii_lowercase();
    for secret in config.secrets() {
        assert!(!text.contains(&secret.expose().to_ascii_lowercase()), "{name}: a configured key came out: {text}");
    }
    if let (true, Some(structured)) = (tool(name).link, &outcome.result.structured) {
        let mut rest = with(structured, json!({"connect_link": null, "token": null}));
        let links = rest.get_mut("reconnect_links").and_then(Value::as_array_mut);
        links.into_iter().flatten().for_each(|link| *link = with(link, json!({"connect_link": null})));
        text = rest.to_string();
    }
    assert!(!text.contains(TOKEN), "{name}: a session token came out: {text}");
}

/// Of a file, what it is called and its bytes as text.
fn files(outcome: &Outcome) -> String {
    outcome.result.files.iter().map(|file| format!("{} {:?} {}", file.uri, file.media_type, String::from_utf8_lossy(&file.bytes))).collect()
}

fn is_proxied(branch: &Branch) -> bool {
    ["proxy_request", "download_provider_file"].contains(&branch.tool)
}

#[test]
fn planted_secrets_come_out_of_no_tool() {
    let mint = Mint::new();
    let (mut tools, mut calls, mut fine) = (BTreeSet::new(), 0, 0);
    for (kind, fields) in CREDENTIALS {
        for config in configs() {
            let planter = Planter { mint: &mint, kind, fields, known: known(&config, true) };
            for branch in branches::all() {
                let (arguments, nango) = branch.make();
                let nango = match branch.tool {
                    "proxy_request" => nango.changed(|value| planter.provided(value)),
                    "download_provider_file" => Table::new().raw("*", 200, &[], &planter.known),
                    _ => nango.changed(|value| planter.plant(value)),
                };
                let outcome = call_with(&config, &nango, branch.tool, &arguments);
                let name = format!("{} ({}) with {kind}", branch.tool, branch.what);
                mint.absent(&outcome.text(), &name);
                nothing_known(&config, &outcome, branch.tool);
                let files = files(&outcome);
                assert!(config.secrets().all(|secret| !files.contains(secret.expose())) && !files.contains(TOKEN), "{name}: {files}");
                // Scopes of an integration can be changed alone only where its credentials are of some types.
                assert!(!outcome.result.is_error || outcome.code() == "scopes_not_settable", "{name}: {}", outcome.text());
                fine += usize::from(!outcome.result.is_error);
                calls += 1;
                tools.insert(branch.tool);
            }
        }
    }
    let (slots, made) = (mint.slots.borrow().len(), mint.made.get());
    println!(
        "planted secrets: {} tools x {slots} secrets, 0 leaks ({made} values in {calls} calls, {fine} of them successes)",
        tools.len()
    );
    assert!(
        tools.len() == nango_mcp::tools::TOOLS.len() && slots >= 250 && made >= 50_000 && fine * 10 > calls * 9,
        "{slots} {made} {fine}"
    );
}

#[test]
fn planted_secrets_come_out_of_no_error() {
    let mint = Mint::new();
    let mut cases = 0;
    for branch in branches::all() {
        let (arguments, nango) = branch.make();
        let steps = call(&nango, branch.tool, &arguments).sent.len();
        for (step, (status, code)) in (0..steps).flat_map(|step| ERRORS.iter().map(move |error| (step, *error))) {
            // A refresh that fails is where Nango shows the connection; of the others each takes the next type.
            let kinds = if code == "invalid_credentials" { CREDENTIALS } else { &CREDENTIALS[cases % CREDENTIALS.len()..][..1] };
            for (kind, fields) in kinds {
                let config = &configs()[cases % 2];
                let planter = Planter { mint: &mint, kind, fields, known: known(config, true) };
                let (arguments, nango) = branch.make();
                let nango = if is_proxied(&branch) { nango } else { nango.changed(|value| planter.plant(value)) };
                let headers = [("content-type", "application/json"), ("retry-after", "100"), ("x-request-id", TOKEN)];
                let answer = http(status, &headers, failing(&planter, status, code).to_string());
                let outcome = call_with(config, &nango.broken_at(step, Ok(answer)), branch.tool, &arguments);
                let name = format!("{} ({}), {status} {code} at {step}, with {kind}", branch.tool, branch.what);
                // What is no refusal of Nango's is the provider's answer.
                if outcome.result.is_error || !is_proxied(&branch) {
                    mint.absent(&outcome.text(), &name);
                }
                nothing_known(config, &outcome, branch.tool);
                cases += 1;
            }
        }
    }
    println!("planted secrets in errors: {cases} cases, {} values, 0 leaks", mint.made.get());
    assert!(cases >= 2_000, "{cases}");
}

/// Refusals of Nango's.
const ERRORS: &[(u16, &str)] = &[
    (400, "invalid_credentials"),
    (400, "invalid_body"),
    (401, "unknown_account"),
    (403, "forbidden"),
    (404, "not_found"),
    (424, "connection_refresh_backoff"),
    (429, "too_many_request"),
    (500, "generic_error_support"),
    (500, "ECONNREFUSED"),
];

/// An error with a whole connection in it, secrets beside it, and keys and tokens in its words.
fn failing(planter: &Planter<'_>, status: u16, code: &str) -> Value {
    let said = format!("Insufficient scope: \"{}\" {} end", planter.mint.secret("quoted"), planter.known);
    let error = json!({
        "code": code, "message": said, "method": "get", "payload": {"connection": connection()},
        "errors": [{"code": code, "message": said, "path": ["a", TOKEN, KEY]}, {"code": said}],
    });
    let mut error = planter.plant(error);
    error["path"] = "/x".into();
    if status == 500 && code == "ECONNREFUSED" { error } else { json!({"error": error, "secret": planter.mint.secret("beside")}) }
}
