//! Who comes in over HTTP, and to which server: every token opens a door to the server of its principal.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use anyhow::{Result, bail};
use axum::body::Bytes;
use http_body_util::combinators::BoxBody;
use nango_mcp::access::{Access, bearer, digest};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};

use crate::limits::Limits;
use crate::mcp::Server;
use crate::policy::Policy;
use crate::settings::Vars;

/// The doors of one endpoint.
#[derive(Clone)]
pub struct Doors {
    access: Access,
    by_digest: HashMap<String, Door>,
    /// Where nobody is asked for a token.
    open: Option<Door>,
}

/// The way to one principal's server.
#[derive(Clone)]
pub(crate) struct Door {
    service: StreamableHttpService<Server, LocalSessionManager>,
    /// Whether who comes in here may read /metrics.
    pub(crate) metrics: bool,
}

impl Door {
    fn to(server: Server, metrics: bool) -> Self {
        // Host and Origin are looked at by the rules in front of it.
        let config = StreamableHttpServerConfig::default()
            .disable_allowed_hosts()
            .disable_allowed_origins()
            .with_legacy_session_mode(false)
            .with_json_response(true);
        let service = StreamableHttpService::new(move || Ok(server.clone()), LocalSessionManager::default().into(), config);
        Self { service, metrics }
    }

    pub(crate) async fn handle(&self, request: axum::extract::Request) -> http::Response<BoxBody<Bytes, Infallible>> {
        self.service.handle(request).await
    }
}

impl Doors {
    /// Every token of NANGO_MCP_TOKEN_SHA256, or everybody where there is none, has the whole server.
    ///
    /// # Errors
    /// The component does not start for one of them.
    pub async fn of(server: &Server, access: Access) -> Result<Self> {
        let limits = *server.sandbox().limits();
        let several = access.digests().nth(1).is_some();
        Self::within(server, access, Limits { share: several.then(|| limits.fair_share()), ..limits }).await
    }

    async fn within(server: &Server, access: Access, limits: Limits) -> Result<Self> {
        let grant = server.grant();
        let mut by_digest = HashMap::new();
        for digest in access.digests() {
            // Enough of it to tell tokens apart; nobody finds a token by it.
            let name = format!("token-{}", digest.get(..8).unwrap_or_default());
            let own = server.granted(name.into(), (*grant).clone(), limits).await?;
            by_digest.insert(digest, Door::to(own, true));
        }
        let open = match by_digest.is_empty() {
            true => Some(Door::to(server.granted(Arc::from("anonymous"), (*grant).clone(), limits).await?, true)),
            false => None,
        };
        Ok(Self { access, by_digest, open })
    }

    /// The same, and a door for every principal of a policy.
    ///
    /// # Errors
    /// A rule of the policy that cannot hold.
    pub async fn with(server: &Server, access: Access, policy: &Policy, vars: &Vars, limits: Limits) -> Result<Self> {
        let several = access.has_tokens() || policy.names_several();
        let limits = Limits { share: several.then(|| limits.fair_share()), ..limits };
        let mut doors = Self::within(server, access, limits).await?;
        // With a policy, who has no token has no door.
        doors.open = None;
        for principal in policy.principals(vars, &server.grant().config, limits)? {
            for digest in &principal.digests {
                if doors.by_digest.contains_key(digest) {
                    let name = &principal.name;
                    bail!("principal.{name}.token_sha256: NANGO_MCP_TOKEN_SHA256 has this digest, too, and grants everything");
                }
            }
            let own = server.granted(principal.name.clone(), principal.grant, principal.limits).await?;
            doors.access = doors.access.and_tokens(principal.digests.iter().map(String::as_str));
            let door = Door::to(own, principal.metrics);
            doors.by_digest.extend(principal.digests.into_iter().map(|digest| (digest, door.clone())));
        }
        Ok(doors)
    }

    /// The same, known by these names, too.
    #[must_use]
    pub fn known_as<'a>(mut self, hosts: impl IntoIterator<Item = &'a str>) -> Self {
        self.access = self.access.known_as(hosts);
        self
    }

    /// The same, where nobody is asked for a token open to everybody.
    #[must_use]
    pub(crate) fn opened(mut self) -> Self {
        self.access = self.access.open();
        self
    }

    /// The rules in front of them.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The door for who sent this Authorization header. The rules have been asked before.
    pub(crate) fn find(&self, authorization: Option<&str>) -> Option<&Door> {
        match &self.open {
            Some(open) => Some(open),
            None => self.by_digest.get(&digest(authorization.and_then(bearer)?)),
        }
    }
}
