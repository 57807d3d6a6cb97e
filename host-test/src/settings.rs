//! Where configuration comes from: the process's environment over a `.env` file; and what of it the component gets.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use nango_mcp::config::{Base, ReadBy, VARIABLES, warnings};

use crate::egress::Origin;

/// Names and values.
pub type Vars = Vec<(String, String)>;

/// What one component is given.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Its environment variables: those of the configuration table, no others.
    pub vars: Vars,
    /// The one origin it may reach.
    pub origin: Origin,
}

/// Read the process's environment and the `.env` file, say on stderr what has no effect, and decide the grant.
///
/// # Errors
/// A named file that is missing or malformed, a base URL that is none.
pub fn read() -> Result<Grant> {
    #[expect(clippy::disallowed_methods, reason = "the host's one place that reads the environment")]
    let process: Vars = std::env::vars().collect();
    let vars = with_file(process)?;
    for line in warnings(vars.iter().map(|(name, _)| name.as_str())) {
        tracing::warn!("{line}");
    }
    grant(&vars)
}

/// The process's variables, completed by those of the file they name (or `.env`, if there is one).
fn with_file(process: Vars) -> Result<Vars> {
    let named = process.iter().find(|(name, value)| name == "NANGO_MCP_ENV_FILE" && !value.is_empty());
    let (path, wanted) = match named {
        Some((_, path)) => (PathBuf::from(path), true),
        None => (PathBuf::from(".env"), false),
    };
    let mut vars = process;
    if !wanted && !path.exists() {
        return Ok(vars);
    }
    let keyed = vars.iter().any(|(name, value)| name.starts_with("NANGO_SECRET_KEY") && !value.is_empty());
    for (name, value) in from_file(&path)? {
        if vars.iter().any(|(have, _)| *have == name) {
            continue;
        }
        // Clients start servers in the folder of whatever project is open. A file that lies there by chance, or by
        // somebody's intent, must not tell where a key from elsewhere is sent.
        if keyed && !wanted && ADDRESSES.contains(&name.as_str()) {
            bail!(
                "{name} comes from the file .env in this folder, but the API key from the environment: \
                 set both in one place, or name the file with NANGO_MCP_ENV_FILE"
            );
        }
        vars.push((name, value));
    }
    Ok(vars)
}

/// Variables that say where keys and session tokens go.
const ADDRESSES: [&str; 2] = ["NANGO_BASE_URL", "NANGO_MCP_PUBLIC_NANGO_URL"];

/// The lines of a `.env` file. An error names the file and never a line's content: it may be a key.
fn from_file(path: &Path) -> Result<Vars> {
    let lines = dotenvy::from_path_iter(path).with_context(|| format!("cannot read the environment file {}", path.display()))?;
    let mut vars = Vars::new();
    for (number, line) in lines.enumerate() {
        match line {
            Ok(line) => vars.push(line),
            Err(_) => bail!("assignment {} in {} is not NAME=value", number + 1, path.display()),
        }
    }
    Ok(vars)
}

/// What the component gets of these variables.
///
/// # Errors
/// NANGO_BASE_URL is no http(s) URL.
pub fn grant(vars: &Vars) -> Result<Grant> {
    let base = vars.iter().find(|(name, value)| name == "NANGO_BASE_URL" && !value.trim().is_empty());
    let base = base.map_or("https://api.nango.dev", |(_, value)| value.trim());
    let origin = Origin::of(Base::parse("NANGO_BASE_URL", base)?);
    let for_component = |name: &str| {
        VARIABLES.iter().any(|variable| {
            let named = match variable.name.strip_suffix("<ENV>") {
                Some(prefix) => name.starts_with(prefix),
                None => name == variable.name,
            };
            named && variable.read_by != ReadBy::Host
        })
    };
    Ok(Grant { vars: vars.iter().filter(|(name, _)| for_component(name)).cloned().collect(), origin })
}

/// The component to load: the one named, else `nango-mcp.wasm` beside the binary, else in `dist/`.
///
/// # Errors
/// None is there; the text says where was looked and how to build it.
pub fn component(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = named {
        if path.is_file() {
            return Ok(path.to_owned());
        }
        bail!("no component at {}", path.display());
    }
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("nango-mcp.wasm")));
    let tried: Vec<PathBuf> = beside.into_iter().chain([PathBuf::from("dist/nango-mcp.wasm")]).collect();
    match tried.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => {
            let tried: Vec<String> = tried.iter().map(|path| path.display().to_string()).collect();
            bail!("no component found (looked at {}); build it with `make build`, or name it with --component", tried.join(" and "))
        }
    }
}
