//! What a server is made from, so that it can be made again while it runs.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, Result, bail};

use crate::doors::Doors;
use crate::keys::Keys;
use crate::limits::Limits;
use crate::mcp::Server;
use crate::monitor::Monitor;
use crate::policy::Policy;
use crate::sandbox::Sandbox;
use crate::settings::{self, Vars};

/// Makes servers of one component from the configuration as it is at that moment.
pub struct Loader {
    /// The component.
    pub component: PathBuf,
    /// What calls may use.
    pub limits: Limits,
    /// The variables of the embedded Nango, where that answers.
    pub demo: Option<Vars>,
    /// Where keys come from, beside the environment and `.env`.
    pub keys: Keys,
    /// The policy file.
    pub policy: Option<PathBuf>,
    /// Where events go.
    pub monitor: Arc<Monitor>,
    /// Compiled once.
    compiled: OnceLock<Sandbox>,
    /// Whether there was an API key the last time.
    keyed: AtomicBool,
}

impl Loader {
    /// For a component.
    pub fn new(component: PathBuf, limits: Limits) -> Self {
        let (keys, monitor, compiled) = (Keys::default(), Arc::default(), OnceLock::new());
        Self { component, limits, demo: None, keys, policy: None, monitor, compiled, keyed: AtomicBool::new(false) }
    }

    /// A server with the whole configuration.
    ///
    /// # Errors
    /// The configuration cannot hold, or the component does not start.
    pub async fn server(&self) -> Result<Server> {
        self.serve(&self.variables().await?).await
    }

    /// The same, and the doors of an HTTP endpoint: the whole configuration for the tokens in it, and what the policy says for others.
    ///
    /// # Errors
    /// As [`Loader::server`], and a policy that cannot hold.
    pub async fn endpoint(&self) -> Result<(Server, Doors)> {
        let vars = self.variables().await?;
        let server = self.serve(&vars).await?;
        let doors = match &self.policy {
            None => Doors::of(&server, server.access()).await?,
            Some(path) => {
                let file = path.clone();
                // A disk may take its time, while calls go on.
                let read = tokio::task::spawn_blocking(move || Policy::read(&file)).await;
                let policy = read.context("cannot read the policy")??;
                let doors = Doors::with(&server, server.access(), &policy, &vars, self.limits).await;
                doors.with_context(|| format!("policy {}", path.display()))?
            }
        };
        Ok((server, doors))
    }

    /// Key commands may take their time, while calls go on.
    async fn variables(&self) -> Result<Vars> {
        let (keys, demo) = (self.keys.clone(), self.demo.clone());
        tokio::task::spawn_blocking(move || settings::variables(&keys, demo.as_ref())).await.context("cannot read the configuration")?
    }

    async fn serve(&self, vars: &Vars) -> Result<Server> {
        let grant = settings::grant(vars)?;
        let keyed = grant.config.environments.iter().any(|environment| environment.key.is_some());
        if self.keyed.fetch_or(keyed, Ordering::Relaxed) && !keyed {
            bail!("no environment has an API key any longer: is the file there that it stood in?");
        }
        let sandbox = match self.compiled.get() {
            Some(compiled) => compiled.granted(Arc::from("local"), grant, self.limits),
            None => {
                let sandbox = Sandbox::load(&self.component, grant, self.limits)?.watched(self.monitor.clone());
                self.compiled.get_or_init(|| sandbox).clone()
            }
        };
        Server::start(sandbox, self.demo.is_some()).await
    }
}
