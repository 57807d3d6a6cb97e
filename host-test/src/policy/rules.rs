//! The rules of one principal, and the narrower variables that they make of the server's.

use anyhow::{Result, anyhow, bail};
use nango_mcp::Config;
use nango_mcp::config::{Approval, ConfigError};
use nango_mcp::tool::nearest;
use serde::Deserialize;

use crate::settings::Vars;

/// What one principal may do; what is not said is as the server has it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rules {
    pub(super) token_sha256: Vec<String>,
    pub(super) environments: Option<Vec<String>>,
    pub(super) toolsets: Option<Vec<String>>,
    pub(super) tools: Option<Vec<String>>,
    pub(super) read_only: Option<bool>,
    pub(super) approval: Option<String>,
    pub(super) allow_credentials: Option<bool>,
    pub(super) allow_base_url_override: Option<bool>,
    pub(super) calls_per_minute: Option<u32>,
    pub(super) burst: Option<u32>,
    pub(super) calls_at_once: Option<u32>,
    #[serde(default)]
    pub(super) metrics: bool,
}

impl Rules {
    pub(super) fn digests(&self) -> Result<Vec<String>> {
        let digests: Vec<String> = self.token_sha256.iter().map(|digest| digest.trim().to_ascii_lowercase()).collect();
        if digests.is_empty() || !digests.iter().all(|digest| digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            bail!(
                "token_sha256: must list SHA-256 digests, 64 hexadecimal digits each, of tokens: `nango-mcp-host token` prints a token and its digest"
            );
        }
        Ok(digests)
    }

    /// The variables of the server, with less in them.
    pub(super) fn narrow(&self, base: &Vars, config: &Config) -> Result<Vars> {
        let mut vars = base.clone();
        if let Some(names) = &self.environments {
            narrow_environments(&mut vars, names, config)?;
        }
        if self.toolsets.is_some() || self.tools.is_some() {
            let tools = self.tools(config)?.join(",");
            vars.retain(|(name, _)| name != "NANGO_MCP_TOOLSETS");
            set(&mut vars, "NANGO_MCP_TOOLS", &tools);
        }
        if let Some(read_only) = self.read_only {
            if config.read_only && !read_only {
                bail!("read_only: must not be false, because NANGO_MCP_READ_ONLY is true");
            }
            set(&mut vars, "NANGO_MCP_READ_ONLY", &read_only.to_string());
        }
        for (key, allow, has, name) in [
            ("allow_credentials", self.allow_credentials, config.allow_credentials, "NANGO_MCP_ALLOW_CREDENTIALS"),
            ("allow_base_url_override", self.allow_base_url_override, config.allow_base_url_override, "NANGO_MCP_ALLOW_BASE_URL_OVERRIDE"),
        ] {
            if allow == Some(true) && !has {
                bail!("{key}: must not be true, because {name} is not");
            }
            if let Some(allow) = allow {
                set(&mut vars, name, &allow.to_string());
            }
        }
        if let Some(approval) = &self.approval {
            if !["off", "phrase", "elicit"].contains(&approval.as_str()) {
                bail!("approval: must be off, phrase or elicit");
            }
            if approval == "off" && config.approval != Approval::Off {
                bail!("approval: must not be off, because NANGO_MCP_APPROVAL asks for one");
            }
            vars.retain(|(name, _)| name != "NANGO_MCP_REQUIRE_CONFIRMATION");
            set(&mut vars, "NANGO_MCP_APPROVAL", approval);
        }
        for (key, number) in [("calls_per_minute", self.calls_per_minute), ("burst", self.burst), ("calls_at_once", self.calls_at_once)] {
            if number.is_some_and(|number| !(1..=1_000_000).contains(&number)) {
                bail!("{key}: must be from 1 to 1000000");
            }
        }
        Ok(vars)
    }

    /// The tools that both the server and the rules offer.
    fn tools(&self, config: &Config) -> Result<Vec<&'static str>> {
        // In a variable an empty list says nothing; here it would be read as all, by nobody's wish.
        for (key, list) in [("toolsets", &self.toolsets), ("tools", &self.tools)] {
            if list.as_ref().is_some_and(|list| list.iter().all(|name| name.trim().is_empty())) {
                bail!("{key}: must name at least one; leave it out for all, and take the principal out to lock it out");
            }
        }
        let listed =
            |name: &str, list: &Option<Vec<String>>| (name.to_owned(), list.iter().flatten().cloned().collect::<Vec<_>>().join(","));
        let wanted = [listed("NANGO_MCP_TOOLSETS", &self.toolsets), listed("NANGO_MCP_TOOLS", &self.tools)];
        let wanted = Config::from_vars(wanted).map_err(|error: ConfigError| {
            let key = if error.variable == "NANGO_MCP_TOOLSETS" { "toolsets" } else { "tools" };
            let said = error.message.replace("NANGO_MCP_TOOLSETS leaves", "`toolsets` leaves");
            anyhow!("{key}: {said}")
        })?;
        let offered: Vec<&str> = config.offered().collect();
        let tools: Vec<&'static str> = wanted.offered().collect();
        if let Some(missing) = self.tools.iter().flatten().find(|name| !offered.contains(&name.as_str())) {
            bail!("tools: {missing} is not offered by this server (NANGO_MCP_TOOLSETS, NANGO_MCP_TOOLS)");
        }
        let tools: Vec<&'static str> = tools.into_iter().filter(|name| offered.contains(name)).collect();
        if tools.is_empty() {
            bail!("toolsets: this server offers none of their tools (NANGO_MCP_TOOLSETS, NANGO_MCP_TOOLS)");
        }
        Ok(tools)
    }
}

fn narrow_environments(vars: &mut Vars, names: &[String], config: &Config) -> Result<()> {
    let mut kept = Vec::new();
    for name in names {
        let Some(environment) = config.environment(name) else {
            let near = nearest(name, config.environments.iter().map(|environment| environment.name.as_str()));
            let near = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
            bail!("environments: one of them is none of this server's ({}){near}", config.names());
        };
        if kept.iter().any(|have: &&nango_mcp::config::Environment| have.name == environment.name) {
            bail!("environments: {} is named twice", environment.name);
        }
        kept.push(environment);
    }
    if kept.is_empty() {
        bail!("environments: must name at least one of {}", config.names());
    }
    vars.retain(|(name, _)| {
        !(name.starts_with("NANGO_SECRET_KEY")
            || name.starts_with("NANGO_MCP_ENVIRONMENT_ALIASES_")
            || name == "NANGO_ENVIRONMENT"
            || name == "NANGO_MCP_ENVIRONMENTS")
    });
    vars.push((
        "NANGO_MCP_ENVIRONMENTS".to_owned(),
        kept.iter().map(|environment| environment.name.as_str()).collect::<Vec<_>>().join(","),
    ));
    for environment in kept {
        let suffix = environment.suffix();
        if let Some(key) = &environment.key {
            vars.push((format!("NANGO_SECRET_KEY_{suffix}"), key.expose().to_owned()));
        }
        if !environment.aliases.is_empty() {
            vars.push((format!("NANGO_MCP_ENVIRONMENT_ALIASES_{suffix}"), environment.aliases.join(",")));
        }
    }
    Ok(())
}

fn set(vars: &mut Vars, name: &str, value: &str) {
    vars.retain(|(have, _)| have != name);
    vars.push((name.to_owned(), value.to_owned()));
}
