//! The world of a case: an embedded Nango in the situation of its start, and the server in front of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use nango_mcp_host::limits::Limits;
use nango_mcp_host::mcp::Server;
use nango_mcp_host::nango::{self, Clock, Key, Nango, Options};
use nango_mcp_host::sandbox::Sandbox;
use nango_mcp_host::settings;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::case::{Case, Connection, Link, Step};

/// The moment at which every case begins where nobody waits for the clock: 2026-11-23T12:41:40Z.
const NOON: i64 = 1_795_437_700;
/// What a person takes to open a link and to authorize.
const A_MOMENT: Duration = Duration::from_secs(20);
/// Longer than a link works.
const LONG_AGO: Duration = Duration::from_secs(31 * 60);

/// A running case.
pub(crate) struct World {
    /// The server under test.
    pub(crate) server: Server,
    /// The state.
    pub(crate) nango: Nango,
    /// The links of the start, by name.
    pub(crate) links: BTreeMap<String, String>,
    /// Each environment as it was at the start.
    pub(crate) before: BTreeMap<String, Value>,
    clock: Clock,
    _task: Task,
}

impl World {
    /// Start it, with a clock that stands still between steps.
    ///
    /// # Errors
    /// The situation cannot be made, or the component does not start.
    pub(crate) async fn start(case: &Case, component: &Path) -> Result<Self> {
        Self::with(case, component, Clock::fixed(NOON)).await
    }

    /// The same with a clock that goes.
    ///
    /// # Errors
    /// As [`World::start`].
    pub(crate) async fn live(case: &Case, component: &Path) -> Result<Self> {
        Self::with(case, component, Clock::system()).await
    }

    async fn with(case: &Case, component: &Path, clock: Clock) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot listen on 127.0.0.1")?;
        let address = listener.local_addr()?;
        let mut keys = Vec::new();
        let mut vars = vec![
            ("NANGO_BASE_URL".to_owned(), format!("http://{address}")),
            // Links stand in answers: handing them over is part of what is judged.
            ("NANGO_MCP_LINK_DELIVERY".to_owned(), "text".to_owned()),
        ];
        if !case.start.environments.is_empty() {
            vars.push(("NANGO_MCP_ENVIRONMENTS".to_owned(), case.start.environments.join(",")));
        }
        let mut own = BTreeMap::new();
        for environment in case.environments() {
            // The situation is made with a key of its own: the operator's may not be allowed to.
            let (all, operators) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
            keys.push(Key::full(all.as_str(), environment));
            let scopes = case.start.scopes.clone().unwrap_or_else(|| vec!["environment:*".to_owned()]);
            keys.push(Key { secret: operators.clone(), environment: environment.to_owned(), scopes });
            own.insert(environment.to_owned(), all);
            let name = match case.start.environments.is_empty() {
                true => "NANGO_SECRET_KEY".to_owned(),
                false => format!("NANGO_SECRET_KEY_{}", environment.to_uppercase()),
            };
            vars.push((name, operators));
        }
        // Nobody is to wait for a window of 60 seconds to end while the clock stands still.
        let options = Options { keys, rate_limit: 1_000_000, clock: clock.clone(), ..Options::default() };
        let nango = Nango::new(options);
        let served = nango.clone();
        let task = tokio::spawn(async move {
            if let Err(error) = nango::serve(listener, served).await {
                tracing::error!("the embedded Nango stopped: {error}");
            }
        });
        let task = Task(task);
        let maker = Maker { address, keys: own, client: Client::builder(TokioExecutor::new()).build_http(), clock: &clock, nango: &nango };
        let links = maker.make(case).await?;
        let before = snapshots(&nango, case);
        nango.clear_requests();
        let sandbox = Sandbox::load(component, settings::grant(&vars)?, Limits::default())?;
        let server = Server::start(sandbox, false).await?;
        Ok(Self { server, nango, links, before, clock, _task: task })
    }

    /// Each environment as it is now.
    pub(crate) fn now(&self, case: &Case) -> BTreeMap<String, Value> {
        snapshots(&self.nango, case)
    }

    /// What happens between calls. Gives what came of it; an error where it cannot happen, such as that a link is closed.
    ///
    /// # Errors
    /// It cannot happen.
    pub(crate) fn happen(&self, step: &Step, link: &str) -> Result<Value> {
        if let Some(minutes) = step.minutes {
            self.clock.advance(Duration::from_secs(minutes * 60));
        }
        if let (Some(id), Some(integration)) = (&step.revokes, &step.at) {
            ensure!(self.nango.break_connection(id, integration), "there is no connection {id} at {integration}");
        }
        let mut made = Map::new();
        if step.opens.is_some() {
            self.clock.advance(A_MOMENT);
            let token = token_in(link).context("that is no link")?;
            for integration in &step.connects {
                made.insert(integration.clone(), self.nango.complete(token, integration)?.into());
            }
        }
        Ok(made.into())
    }
}

/// The embedded Nango's task, which ends with its world.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn snapshots(nango: &Nango, case: &Case) -> BTreeMap<String, Value> {
    case.environments().into_iter().map(|name| (name.to_owned(), nango.snapshot(name))).collect()
}

/// The session token in a link.
pub(crate) fn token_in(link: &str) -> Option<&str> {
    let rest = link.split_once("session_token=")?.1;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    rest.get(..end)
}

/// Makes the situation of a start through Nango's own routes, so that it is one that Nango can be in.
struct Maker<'a> {
    address: SocketAddr,
    keys: BTreeMap<String, String>,
    client: Client<HttpConnector, Full<Bytes>>,
    clock: &'a Clock,
    nango: &'a Nango,
}

impl Maker<'_> {
    async fn make(&self, case: &Case) -> Result<BTreeMap<String, String>> {
        if case.start.integrations.is_empty() {
            case.environments().into_iter().for_each(|environment| self.nango.seed(environment));
        }
        for held in &case.start.integrations {
            let provider = held.provider.as_ref().unwrap_or(&held.key);
            let environment = case.environment(held.environment.as_ref());
            let mut body = json!({ "provider": provider, "unique_key": held.key });
            let mut put = |name: &str, value: Value| body.as_object_mut().and_then(|body| body.insert(name.to_owned(), value));
            if let Some(name) = &held.display_name {
                put("display_name", name.as_str().into());
            }
            let mode = self.mode(environment, provider).await?;
            if matches!(mode.as_str(), "OAUTH1" | "OAUTH2") {
                let (id, secret) = (format!("client-of-{}", held.key), format!("secret-of-{}", held.key));
                put("credentials", json!({ "type": mode, "client_id": id, "client_secret": secret, "scopes": held.scopes.join(",") }));
            }
            self.send(environment, Method::POST, "/integrations", Some(&body)).await?;
        }
        if let Some(many) = &case.start.many {
            let made = self.nango.seed_connections(case.environment(None), &many.integration, many.count);
            ensure!(made == many.count, "there is no integration {}", many.integration);
        }
        for held in &case.start.connections {
            self.connection(case, held).await?;
        }
        // The old ones first: the clock does not go back.
        let mut links = BTreeMap::new();
        for expired in [true, false] {
            for held in case.start.links.iter().filter(|held| held.expired == expired) {
                links.insert(held.name.clone(), self.link(case, held).await?);
            }
            if expired && !links.is_empty() {
                self.clock.advance(LONG_AGO);
            }
        }
        self.clock.advance(A_MOMENT);
        Ok(links)
    }

    async fn mode(&self, environment: &str, provider: &str) -> Result<String> {
        let entry = self.send(environment, Method::GET, &format!("/providers/{provider}"), None).await?;
        Ok(entry.pointer("/data/auth_mode").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    async fn connection(&self, case: &Case, held: &Connection) -> Result<()> {
        let environment = case.environment(held.environment.as_ref());
        // Lists are by time: each is a moment younger than the one before.
        self.clock.advance(Duration::from_secs(1));
        let integration = self.send(environment, Method::GET, &format!("/integrations/{}", held.integration), None).await?;
        let provider = integration.pointer("/data/provider").and_then(Value::as_str).context("an integration has a provider")?;
        let mode = self.mode(environment, provider).await?;
        let secret = format!("secret-of-{}", held.id);
        let mut credentials = match mode.as_str() {
            "OAUTH2" => json!({ "type": mode, "access_token": secret }),
            "OAUTH1" => json!({ "type": mode, "oauth_token": secret, "oauth_token_secret": secret }),
            "API_KEY" => json!({ "type": mode, "apiKey": secret }),
            "BASIC" => json!({ "type": mode, "username": held.id, "password": secret }),
            "NONE" => json!({ "type": mode }),
            other => bail!("connections of the auth mode {other} are not made here"),
        };
        if let (true, Some(parts)) = (held.refreshable, credentials.as_object_mut()) {
            parts.insert("refresh_token".to_owned(), "refreshable-and-kept".into());
            let soon = time::Duration::minutes(10) + time::Duration::seconds(self.clock.unix_seconds());
            let expiry = (time::OffsetDateTime::UNIX_EPOCH + soon).format(&time::format_description::well_known::Rfc3339)?;
            parts.insert("expires_at".to_owned(), expiry.into());
        }
        let mut body = json!({
            "provider_config_key": held.integration,
            "connection_id": held.id,
            "credentials": credentials,
            "tags": held.tags,
            "metadata": held.metadata,
        });
        if let (Some(person), Some(body)) = (&held.person, body.as_object_mut()) {
            body.insert("end_user".to_owned(), person.clone().into());
        }
        self.send(environment, Method::POST, "/connections", Some(&body)).await?;
        if held.broken {
            self.nango.break_connection(&held.id, &held.integration);
        }
        Ok(())
    }

    async fn link(&self, case: &Case, held: &Link) -> Result<String> {
        self.clock.advance(Duration::from_secs(1));
        let (path, body) = match (&held.reconnects, held.integrations.as_slice()) {
            (Some(id), [only]) => {
                ("/connect/sessions/reconnect", json!({ "connection_id": id, "integration_id": only, "tags": held.tags }))
            }
            (Some(_), _) => bail!("the link {} repairs a connection of exactly one integration", held.name),
            (None, offered) => ("/connect/sessions", json!({ "allowed_integrations": offered, "tags": held.tags })),
        };
        let answer = self.send(case.environment(held.environment.as_ref()), Method::POST, path, Some(&body)).await?;
        Ok(answer.pointer("/data/connect_link").and_then(Value::as_str).context("a session has a link")?.to_owned())
    }

    async fn send(&self, environment: &str, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let key = self.keys.get(environment).context("an environment has a key")?;
        let mut request = Request::builder()
            .method(&method)
            .uri(format!("http://{}{path}", self.address))
            .header("authorization", format!("Bearer {key}"));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let sent = body.map(Value::to_string).unwrap_or_default();
        let answer = self.client.request(request.body(Full::from(sent))?).await?;
        let status = answer.status();
        let bytes = answer.into_body().collect().await?.to_bytes();
        if !status.is_success() {
            return Err(anyhow!("the start cannot be made: {method} {path} gave {status}: {}", String::from_utf8_lossy(&bytes)));
        }
        Ok(serde_json::from_slice(&bytes)?)
    }
}
