//! An embedded Nango with the demo's integrations, for tests that write their own requests.

use nango_mcp_host::nango::{Clock, Key, Nango, Options};
use serde_json::{Value, json};

use super::Sent;
use super::wire::{Raw, Reply, Server};

pub(super) const DEV: &str = "aaaaaaaa-0000-4000-8000-000000000001";
pub(super) const PROD: &str = "aaaaaaaa-0000-4000-8000-000000000002";

pub(super) struct Bench {
    pub nango: Nango,
    pub clock: Clock,
    pub server: Server,
}

impl Bench {
    pub(super) async fn start() -> Bench {
        Bench::of(Options::default()).await
    }

    /// Started with these options, but with a clock that stands and the two full keys beside those given.
    pub(super) async fn of(mut options: Options) -> Bench {
        let clock = Clock::fixed(1_800_000_000);
        options.clock = clock.clone();
        options.keys.extend([Key::full(DEV, "dev"), Key::full(PROD, "prod")]);
        let nango = Nango::new(options);
        nango.seed("dev");
        Bench { server: Server::start(nango.clone()).await, nango, clock }
    }

    pub(super) fn request(bearer: &str, method: &str, path: &str, body: Option<Value>) -> Sent {
        let mut headers = vec![("Authorization".to_owned(), format!("Bearer {bearer}"))];
        if body.is_some() {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        Sent { method: method.to_owned(), path: path.to_owned(), headers, body }
    }

    pub(super) async fn call(&self, method: &str, path: &str, body: Value) -> Reply {
        let body = Some(body).filter(|body| !body.is_null());
        self.server.send(&Bench::request(DEV, method, path, body)).await
    }

    pub(super) async fn session(&self, path: &str, body: Value) -> String {
        let reply = self.call("POST", path, body).await;
        reply.body["data"]["token"].as_str().unwrap_or_else(|| panic!("no session: {}", reply.body)).to_owned()
    }

    pub(super) async fn click(&self, token: &str, integration: &str) -> Reply {
        let path = format!("/connect/complete?session_token={token}&integration={integration}");
        self.call("POST", &path, Value::Null).await
    }

    pub(super) async fn import(&self, id: &str, integration: &str, credentials: Value) {
        let body = json!({
            "provider_config_key": integration,
            "connection_id": id,
            "credentials": credentials,
            "tags": { "source": "crm", "end_user_id": "u1" },
            "metadata": { "plan": "gold" },
            "connection_config": { "region": "eu" },
            "webhook_url_override": "https://hooks.example.com/a",
        });
        let reply = self.call("POST", "/connections", body).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
    }

    /// A call through the proxy for the connection `c` of an integration.
    pub(super) async fn proxy(&self, integration: &str, method: &str, path: &str, body: Value) -> Raw {
        let body = Some(body).filter(|body| !body.is_null());
        let mut request = Bench::request(DEV, method, &format!("/proxy{path}"), body.clone());
        for (name, value) in [("Provider-Config-Key", integration), ("Connection-Id", "c")] {
            request.headers.push((name.to_owned(), value.to_owned()));
        }
        self.server.send_raw(&request, body.map(|body| body.to_string()).as_deref()).await
    }

    pub(super) fn connection(&self, id: &str, integration: &str) -> Value {
        self.nango.connection(id, integration).expect("a connection")
    }
}

pub(super) fn token() -> Value {
    json!({ "type": "OAUTH2", "access_token": "t" })
}
