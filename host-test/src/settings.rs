//! Where configuration comes from: the process's environment over a `.env` file; and what of it the component gets.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use nango_mcp::Config;
use nango_mcp::access::Access;
use nango_mcp::config::{ConfigError, ReadBy, VARIABLES, warnings};

use crate::egress::Origin;
use crate::keys::{Keys, VARIABLE};
use crate::secrets::Secrets;

/// Names and values.
pub type Vars = Vec<(String, String)>;

/// What one component is given.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Its environment variables: those of the configuration table, no others, with a handle in place of each key.
    pub vars: Vars,
    /// The one origin it may reach.
    pub origin: Origin,
    /// Who may use it over HTTP.
    pub access: Access,
    /// The keys behind the handles in its variables.
    pub secrets: Secrets,
    /// Whether it may send reads alone.
    pub read_only: bool,
    /// The configuration that these variables make, with the keys themselves.
    pub config: Arc<Config>,
}

/// Read the process's environment, the `.env` file and the keys, and say on stderr what has no effect. Waits for key
/// commands, and may be called again at any time. With `nango`, which names a Nango and a key, only what says what may be
/// done is taken of the rest.
///
/// # Errors
/// A named file that is missing or malformed, a key file or command that gives no key.
pub fn variables(keys: &Keys, nango: Option<&Vars>) -> Result<Vars> {
    const WHICH: [&str; 4] = ["NANGO_SECRET_KEY", "NANGO_BASE_URL", "NANGO_ENVIRONMENT", "NANGO_MCP_ENVIRONMENT"];
    let mut vars = all(!keys.is_empty())?;
    let given = keys.read(&vars)?;
    vars.retain(|(name, _)| !given.iter().any(|(have, _)| have == name));
    vars.extend(given);
    if let Some(nango) = nango {
        vars.retain(|(name, _)| !WHICH.iter().any(|which| name.starts_with(which)) && name != "NANGO_MCP_PUBLIC_NANGO_URL");
        vars.extend(nango.iter().cloned());
    }
    Ok(vars)
}

/// The process's environment.
#[expect(clippy::disallowed_methods, reason = "the host's one place that reads the environment")]
pub(crate) fn environment() -> std::env::VarsOs {
    std::env::vars_os()
}

fn all(keyed: bool) -> Result<Vars> {
    let text = |text: std::ffi::OsString| text.into_string().ok();
    let process: Vars = environment().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect();
    let vars = with_file(process, keyed)?;
    for line in warnings(vars.iter().map(|(name, _)| name.as_str())) {
        tracing::warn!("{line}");
    }
    Ok(vars)
}

/// The process's variables, completed by those of the file that NANGO_MCP_ENV_FILE names, or else of `.env`.
///
/// A `.env` that nobody named is read only where the environment has no API key. Clients start servers in the folder
/// of whatever project is open: a file that lies there must not say where a key from elsewhere is sent, nor what may
/// be done with it. `keyed` is whether a key comes from a flag, which is the same.
fn with_file(mut vars: Vars, keyed: bool) -> Result<Vars> {
    // An empty variable is an absent one, and hides nothing that the file says.
    vars.retain(|(name, value)| !name.starts_with("NANGO_") || !value.is_empty());
    let named = vars.iter().find(|(name, value)| name == "NANGO_MCP_ENV_FILE" && !value.is_empty());
    let lines = match named {
        Some((_, path)) => {
            let (text, open) = file(path).with_context(|| format!("cannot read the environment file {path}"))?;
            let lines = env_file(&text).map_err(|line| anyhow!("line {line} of {path} is not NAME=value"))?;
            warn_if_open(path, open, &lines);
            lines
        }
        None => {
            let (text, open) = file(".env").unwrap_or_default();
            // It may be another program's, with lines of another form.
            let ours: Vars = match env_file(&text) {
                Ok(lines) => lines,
                Err(line) => {
                    if text.contains("NANGO_") {
                        tracing::warn!("line {line} of .env is not NAME=value and is passed over");
                    }
                    text.lines().filter_map(|line| env_file(line).ok()?.pop()).collect()
                }
            };
            let keyed = keyed || vars.iter().any(|(name, value)| name.starts_with(VARIABLE) && !value.is_empty());
            if keyed && ours.iter().any(|(name, _)| name.starts_with("NANGO_")) {
                tracing::warn!(
                    "the file .env in this folder is not read, because the API key comes from elsewhere; \
                     if it is meant, name it with NANGO_MCP_ENV_FILE"
                );
                Vars::new()
            } else {
                warn_if_open(".env", open, &ours);
                ours
            }
        }
    };
    for (name, value) in lines {
        if name.starts_with("NANGO_") && !vars.iter().any(|(have, _)| *have == name) {
            vars.push((name, value));
        }
    }
    Ok(vars)
}

/// The text of a file, and whether others than its owner can read it. Of what is no regular file nobody else can.
fn file(path: &str) -> std::io::Result<(String, bool)> {
    let file = std::fs::File::open(path)?;
    let metadata = file.metadata()?;
    Ok((std::io::read_to_string(file)?, metadata.is_file() && metadata.mode() & 0o044 != 0))
}

/// Not refused, as a key file is: such files worked, and other programs may have to read them.
fn warn_if_open(path: &str, open: bool, lines: &Vars) {
    if open && lines.iter().any(|(name, value)| name.starts_with(VARIABLE) && !value.is_empty()) {
        tracing::warn!("{path} holds an API key, and others on this machine can read it: `chmod 600 {path}`");
    }
}

/// `NAME=value` lines as LevSky22/nango-mcp-server reads them: comments with `#`, outer quotes taken off, nothing
/// expanded, so that a `$` in a value stays one. An error is the number of the line; its content may be a key.
fn env_file(text: &str) -> Result<Vars, usize> {
    let mut vars = Vars::new();
    for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=').ok_or(at + 1)?;
        let value = value.trim();
        let unquoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
        vars.push((name.trim().to_owned(), unquoted.unwrap_or(value).to_owned()));
    }
    Ok(vars)
}

/// What the component gets of these variables.
///
/// # Errors
/// The first variable whose value cannot hold.
pub fn grant(vars: &Vars) -> Result<Grant> {
    let config = Config::from_vars(vars.iter().cloned()).map_err(unfit)?;
    grant_of(vars, config.clone(), &config)
}

#[expect(clippy::needless_pass_by_value, reason = "the form of map_err")]
fn unfit(error: ConfigError) -> anyhow::Error {
    anyhow!("configuration: {error}")
}

/// The same of variables that are a part of `whole`, whose keys must not come back either.
///
/// # Errors
/// As [`grant`].
pub(crate) fn grant_within(vars: &Vars, whole: &Config) -> Result<Grant> {
    grant_of(vars, Config::from_vars(vars.iter().cloned()).map_err(unfit)?, whole)
}

fn grant_of(vars: &Vars, config: Config, whole: &Config) -> Result<Grant> {
    let access = Access::from_vars(vars).map_err(unfit)?;
    let for_component = |name: &str| {
        VARIABLES.iter().any(|variable| {
            let named = match variable.name.strip_suffix("<ENV>") {
                Some(prefix) => name.starts_with(prefix),
                None => name == variable.name,
            };
            named && variable.read_by != ReadBy::Host
        })
    };
    let (guest, secrets) = Secrets::take(vars, &config, whole)?;
    Ok(Grant {
        vars: guest.into_iter().filter(|(name, _)| for_component(name)).collect(),
        origin: Origin::of(config.base.clone()),
        access,
        secrets,
        read_only: config.read_only,
        config: Arc::new(config),
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn env_files_as_the_python_server_reads_them() {
        let text = "\u{feff}# comment\r\nA=1\r\n\n export B = \"x y\" \nC='$D'\nE=prod, dev\nF=\nG=\"half\n";
        let vars = [("A", "1"), ("B", "x y"), ("C", "$D"), ("E", "prod, dev"), ("F", ""), ("G", "\"half")];
        assert_eq!(env_file(text), Ok(vars.map(|(name, value)| (name.to_owned(), value.to_owned())).into()));
        assert_eq!(env_file("A=1\n\nkey"), Err(3));
    }
}
