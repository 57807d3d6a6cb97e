//! The policy file: for each bearer token a narrower configuration.
//!
//! A principal's policy becomes variables, those of the server with less in them, and the component is given these: what
//! it does not know it cannot do. So an environment that is not a principal's has no name, no alias and no handle in its
//! instances. A policy only narrows; one that would widen is refused.

mod rules;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use nango_mcp::Config;
use serde::Deserialize;

use self::rules::Rules;
use crate::keys;
use crate::limits::Limits;
use crate::settings::{self, Grant, Vars};

/// The largest file, in bytes: some ten thousand principals.
const MOST: u64 = 4 << 20;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    #[serde(default)]
    principal: BTreeMap<String, Rules>,
}

/// One principal, with what it is granted.
#[derive(Debug)]
pub struct Principal {
    /// Its name, for the audit log.
    pub name: Arc<str>,
    /// The SHA-256 digests of its tokens, in lower case.
    pub digests: Vec<String>,
    /// What its instances get.
    pub grant: Grant,
    /// Its limits.
    pub limits: Limits,
    /// Whether it may read /metrics.
    pub metrics: bool,
}

impl Policy {
    /// Read a file.
    ///
    /// # Errors
    /// It cannot be read, everybody may change it, or it is not of the form: the text names the line and the key, never a value.
    pub fn read(path: &Path) -> Result<Self> {
        let what = || format!("policy {}", path.display());
        let mut file = keys::open(path).with_context(what)?;
        let found = file.metadata().with_context(what)?;
        if !found.is_file() {
            bail!("{}: is no regular file", what());
        }
        // Who writes it grants himself everything.
        if found.mode() & 0o002 != 0 {
            bail!(
                "{}: everybody on this machine may change it (mode {:03o}): `chmod o-w {}`",
                what(),
                found.mode() & 0o777,
                path.display()
            );
        }
        if found.len() > MOST {
            bail!("{}: a policy file has at most {MOST} bytes", what());
        }
        let mut text = String::new();
        file.read_to_string(&mut text).with_context(what)?;
        Self::parse(&text).with_context(what)
    }

    fn parse(text: &str) -> Result<Self> {
        let policy: Self = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
            anyhow!("line {line}: {}", without_values(error.message()))
        })?;
        if policy.principal.is_empty() {
            bail!("it names nobody: a principal is a table [principal.<name>] with token_sha256");
        }
        Ok(policy)
    }

    /// Whether it has more than one principal.
    pub(crate) fn names_several(&self) -> bool {
        self.principal.len() > 1
    }

    /// The principals, with what each is granted of what the server is.
    ///
    /// # Errors
    /// A rule that cannot hold, by its name.
    pub fn principals(&self, vars: &Vars, config: &Config, limits: Limits) -> Result<Vec<Principal>> {
        let mut taken = BTreeMap::new();
        let mut all = Vec::new();
        for (name, rules) in &self.principal {
            if !nameable(name) {
                bail!("principal.{name:?}: a name has at most 64 letters, digits, `.`, `_` and `-`");
            }
            let digests = rules.digests().with_context(|| format!("principal.{name}"))?;
            for digest in &digests {
                if let Some(other) = taken.insert(digest.clone(), name) {
                    bail!("principal.{name}.token_sha256: a digest that principal.{other} has, too");
                }
            }
            let made = rules.narrow(vars, config).and_then(|vars| settings::grant_within(&vars, config));
            let grant = made.with_context(|| format!("principal.{name}"))?;
            let (rate, burst) = (rules.calls_per_minute.unwrap_or(limits.rate), rules.burst.or(limits.burst));
            let limits = Limits { rate, burst, share: rules.calls_at_once.or(limits.share), ..limits };
            all.push(Principal { name: name.as_str().into(), digests, grant, limits, metrics: rules.metrics });
        }
        Ok(all)
    }
}

fn nameable(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

/// What the parser says, without what it read: somebody may have written a token where its digest belongs.
fn without_values(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    match (first.starts_with("invalid "), first.split_once(", expected ")) {
        (true, Some((_, expected))) => format!("expected {expected}"),
        (true, None) => "it is not of the form of a policy".to_owned(),
        (false, _) => first.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    const PROD: &str = "6f2a1c7e-90b4-4d53-8a1e-3c5d7e9f0b21";
    const DEV: &str = "7b0c9d2e-1f3a-4b5c-8d6e-9f0a1b2c3d4e";

    fn base(more: &[(&str, &str)]) -> Vars {
        let vars = [
            ("NANGO_MCP_ENVIRONMENTS", "prod,dev"),
            ("NANGO_SECRET_KEY_PROD", PROD),
            ("NANGO_SECRET_KEY_DEV", DEV),
            ("NANGO_MCP_ENVIRONMENT_ALIASES_PROD", "live"),
        ];
        vars.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn principals(vars: &Vars, rules: &str) -> Result<Vec<Principal>> {
        let config = Config::from_vars(vars.iter().cloned())?;
        Policy::parse(&format!("[principal.a]\ntoken_sha256 = [\"{DIGEST}\"]\n{rules}"))?.principals(vars, &config, Limits::default())
    }

    fn refusal(vars: &Vars, rules: &str) -> String {
        format!("{:#}", principals(vars, rules).map(|_| ()).unwrap_err())
    }

    #[test]
    fn a_principal_has_the_variables_of_its_environments_alone() {
        let vars = base(&[("NANGO_MCP_READ_ONLY", "false")]);
        let all = principals(&vars, "environments = [\"LIVE\"]\nread_only = true\ntools = [\"list_connections\"]").unwrap();
        let mut guest = all[0].grant.vars.clone();
        guest.sort();
        let expected = [
            ("NANGO_MCP_ENVIRONMENTS", "prod"),
            ("NANGO_MCP_ENVIRONMENT_ALIASES_PROD", "live"),
            ("NANGO_MCP_READ_ONLY", "true"),
            ("NANGO_MCP_TOOLS", "list_connections"),
            ("NANGO_SECRET_KEY_PROD", "host:prod"),
        ];
        assert_eq!(guest, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(all[0].grant.read_only);
        // The keys that it may not use must not come back to it either.
        let mut text = DEV.to_owned();
        all[0].grant.secrets.mask_text(&mut text);
        assert_eq!(text, "*".repeat(36));
    }

    #[test]
    fn without_rules_a_principal_has_what_the_server_has() {
        let vars = base(&[]);
        let config = Config::from_vars(vars.iter().cloned()).unwrap();
        let whole = settings::grant(&vars).unwrap();
        let all = Policy::parse(&format!("[principal.a]\ntoken_sha256 = [\"{}\"]", DIGEST.to_uppercase())).unwrap();
        let all = all.principals(&vars, &config, Limits::default()).unwrap();
        assert_eq!((&all[0].grant.vars, &all[0].digests[0]), (&whole.vars, &DIGEST.to_owned()));
    }

    #[test]
    fn toolsets_are_cut_with_those_of_the_server() {
        let vars = base(&[("NANGO_MCP_TOOLS", "list_connections,list_integrations")]);
        let all = principals(&vars, "toolsets = [\"connections\", \"proxy\"]").unwrap();
        assert!(all[0].grant.vars.contains(&("NANGO_MCP_TOOLS".to_owned(), "list_connections".to_owned())));
        assert_eq!(
            refusal(&vars, "toolsets = [\"proxy\"]"),
            "principal.a: toolsets: this server offers none of their tools (NANGO_MCP_TOOLSETS, NANGO_MCP_TOOLS)"
        );
    }

    #[test]
    fn what_cannot_hold_or_would_widen_is_refused_by_name() {
        let open = base(&[]);
        let strict = base(&[("NANGO_MCP_READ_ONLY", "true"), ("NANGO_MCP_APPROVAL", "phrase"), ("NANGO_MCP_TOOLSETS", "connect")]);
        for (vars, rules, says) in [
            (&open, "environments = [\"staging\"]", "principal.a: environments: one of them is none of this server's (prod, dev)"),
            (&open, "environments = [\"prodd\"]", "did you mean prod?"),
            (&open, "environments = [\"prod\", \"Live\"]", "environments: prod is named twice"),
            (&open, "environments = []", "environments: must name at least one of prod, dev"),
            (&open, "toolsets = []", "principal.a: toolsets: must name at least one"),
            (&open, "tools = []", "principal.a: tools: must name at least one"),
            (&open, "tools = [\" \", \"\"]", "principal.a: tools: must name at least one"),
            (&open, "toolsets = [\"conect\"]", "toolsets: must be a comma list of"),
            (
                &open,
                "tools = [\"list_conections\"]",
                "tools: must be a comma list of tool names, and one of them is none; did you mean list_connections?",
            ),
            (&open, "toolsets = [\"connect\"]\ntools = [\"list_connections\"]", "whose toolset connections `toolsets` leaves out"),
            (&open, "allow_credentials = true", "allow_credentials: must not be true, because NANGO_MCP_ALLOW_CREDENTIALS is not"),
            (&open, "allow_base_url_override = true", "allow_base_url_override: must not be true"),
            (&open, "approval = \"maybe\"", "approval: must be off, phrase or elicit"),
            (&open, "calls_per_minute = 0", "calls_per_minute: must be from 1 to 1000000"),
            (&open, "burst = 0", "burst: must be from 1 to 1000000"),
            (&open, "calls_at_once = 0", "calls_at_once: must be from 1 to 1000000"),
            (&open, "calls_per_minute = -1", "line 3: "),
            (&open, "read_onyl = true", "line 3: unknown field `read_onyl`"),
            (&open, "read_only = \"yes\"", "line 3: expected a boolean"),
            (&strict, "read_only = false", "read_only: must not be false, because NANGO_MCP_READ_ONLY is true"),
            (&strict, "approval = \"off\"", "approval: must not be off, because NANGO_MCP_APPROVAL asks for one"),
            (&strict, "tools = [\"list_connections\"]", "tools: list_connections is not offered by this server"),
        ] {
            let said = refusal(vars, rules);
            assert!(said.contains(says), "{rules}: {said}");
        }
        for (text, says) in [
            ("", "it names nobody"),
            ("[principal.a]\n", "missing field `token_sha256`"),
            ("[principal.a]\ntoken_sha256 = []", "principal.a: token_sha256: must list SHA-256 digests"),
            ("[principal.\"a b\"]\ntoken_sha256 = [\"DIGEST\"]", "a name has at most 64 letters"),
            (
                "[principal.a]\ntoken_sha256 = [\"DIGEST\"]\n[principal.b]\ntoken_sha256 = [\"DIGEST\"]",
                "a digest that principal.a has, too",
            ),
            ("[principals.a]\n", "unknown field `principals`"),
            ("[principal.a\n", "line 1: "),
        ] {
            let config = Config::from_vars(open.iter().cloned()).unwrap();
            let made =
                Policy::parse(&text.replace("DIGEST", DIGEST)).and_then(|policy| policy.principals(&open, &config, Limits::default()));
            let said = format!("{:#}", made.map(|_| ()).unwrap_err());
            assert!(said.contains(says), "{text}: {said}");
        }
    }

    #[test]
    fn a_token_in_the_place_of_its_digest_is_not_repeated() {
        const TOKEN: &str = "nmcp_0123456789abcdef0123456789abcdef";
        for text in [
            format!("[principal.a]\ntoken_sha256 = [\"{TOKEN}\"]"),
            format!("[principal.a]\ntoken_sha256 = \"{TOKEN}\""),
            format!("[principal.a]\ntoken_sha256 = [\"{DIGEST}\"]\nread_only = \"{TOKEN}\""),
            format!("[principal.a]\ntoken_sha256 = [\"{DIGEST}\"]\nburst = {TOKEN}"),
            format!("[principal.a]\ntoken_sha256 = {TOKEN}"),
            format!("[principal.a]\ntoken_sha256 = [\"{DIGEST}\"]\nenvironments = [\"{TOKEN}\"]"),
            format!("[principal.a]\ntoken_sha256 = [\"{DIGEST}\"]\ntools = [\"{TOKEN}\"]"),
            format!("[principal.a]\ntoken_sha256 = [\"{DIGEST}\"]\napproval = \"{TOKEN}\""),
        ] {
            let vars = base(&[]);
            let config = Config::from_vars(vars.iter().cloned()).unwrap();
            let made = Policy::parse(&text).and_then(|policy| policy.principals(&vars, &config, Limits::default()));
            let said = format!("{:#}", made.map(|_| ()).unwrap_err());
            assert!(!said.contains("nmcp_"), "{text}: {said}");
        }
    }
}
