//! Configuration: what environment variables mean, and the one table that names them all. Who runs the tools hands them over.
//!
//! Read anew for every call and never kept in a static, so that one process can serve several configurations.
//! The names are those of the Python server LevSky22/nango-mcp-server, whose `.env` file works here.

mod base;
mod vars;

use std::time::Duration;

pub use self::base::Base;
pub use self::vars::{REPLACED, ReadBy, VARIABLES, Variable, warnings};
use crate::access::Access;
use crate::gateway::Gateway;
use crate::pairs;
use crate::secret::Secret;
use crate::tool::{Entry, Toolset, nearest};
use crate::tools::TOOLS;

/// Everything a call is configured by.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where Nango's API is.
    pub base: Base,
    /// NANGO_MCP_PUBLIC_NANGO_URL: where the person's browser finds Nango's API, if said.
    pub public_url: Option<String>,
    /// The environments, in the order of configuration; never empty.
    pub environments: Vec<Environment>,
    /// How long one request to Nango may take.
    pub request_timeout: Duration,
    /// Whether tools that write are hidden and refused.
    pub read_only: bool,
    /// Whether tools that write demand consent.
    pub approval: Approval,
    /// How a Connect link reaches the person.
    pub delivery: Delivery,
    /// Whether get_connection may return credentials.
    pub allow_credentials: bool,
    /// Whether a proxied call may go to another base URL than the provider's.
    pub allow_base_url_override: bool,
    /// Largest file that download_provider_file returns, in bytes.
    pub max_download_bytes: usize,
    /// The key of the convention in a connection's metadata.
    pub metadata_namespace: String,
    /// How the gateway in front grants what is missing.
    pub gateway: Gateway,
    /// The toolsets offered.
    toolsets: Vec<Toolset>,
    /// The tools offered of those; empty for all.
    tools: Vec<&'static str>,
    /// Every key that was configured, used or not, handles left out: none may appear in a result.
    keys: Vec<Secret>,
}

/// How the person's consent to a write is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// Not at all; the client's own confirmation is trusted.
    Off,
    /// By an exact phrase in `confirmation`.
    Phrase,
    /// By the client, which asks the person; by the phrase where it cannot.
    Elicit,
}

/// How a Connect link reaches the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// In the result, through the model.
    Text,
    /// By the client, and no other way.
    Elicit,
    /// By the client where it can, else in the result.
    Auto,
}

/// One Nango environment: a name of the operator's and the API key that selects it.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The name that tools use.
    pub name: String,
    /// Other names for it.
    pub aliases: Vec<String>,
    /// Its API key, or a handle that the host replaces by the key.
    pub key: Option<Secret>,
    /// The variable that holds the key.
    pub key_variable: String,
}

/// A configuration that cannot hold: which variable, and what it must be. Never contains the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The variable.
    pub variable: String,
    /// What it must be, to follow its name.
    pub message: String,
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.variable, self.message)
    }
}

impl std::error::Error for ConfigError {}

pub(crate) fn bad<T>(variable: impl Into<String>, message: impl Into<String>) -> Result<T, ConfigError> {
    Err(ConfigError { variable: variable.into(), message: message.into() })
}

impl Config {
    /// Read these variables. An empty value counts as absent.
    ///
    /// # Errors
    /// The first variable whose value cannot hold.
    pub fn from_vars(vars: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let vars: Vec<(String, String)> = vars.into_iter().collect();
        let get = |name: &str| value_of(&vars, name);
        let base = Base::parse("NANGO_BASE_URL", get("NANGO_BASE_URL").unwrap_or("https://api.nango.dev"))?;
        let public_url = get("NANGO_MCP_PUBLIC_NANGO_URL")
            .map(|url| Base::parse("NANGO_MCP_PUBLIC_NANGO_URL", url).map(|base| base.to_string()))
            .transpose()?;
        let is_key = |name: &str| name == "NANGO_SECRET_KEY" || name.starts_with("NANGO_SECRET_KEY_");
        let mut keys = Vec::new();
        for (name, value) in vars.iter().filter(|(name, value)| is_key(name) && !value.trim().is_empty()) {
            // A handle is no secret: the host that knows the key sees to it. And so short a text is slow to look for.
            if !key_form(name, value.trim())? {
                keys.push(Secret::new(value.trim()));
            }
        }
        let toolsets = toolsets(get("NANGO_MCP_TOOLSETS"))?;
        // Used before a configuration is read, and refused like the rest of it.
        Access::from_vars(&vars)?;
        Ok(Self {
            keys,
            base,
            public_url,
            environments: environments(&get)?,
            request_timeout: timeout(get("NANGO_MCP_REQUEST_TIMEOUT"))?,
            read_only: switch(&get, "NANGO_MCP_READ_ONLY")?,
            approval: approval(&get)?,
            delivery: match get("NANGO_MCP_LINK_DELIVERY") {
                None | Some("auto") => Delivery::Auto,
                Some("text") => Delivery::Text,
                Some("elicit") => Delivery::Elicit,
                Some(_) => return bad("NANGO_MCP_LINK_DELIVERY", "must be text, elicit or auto"),
            },
            allow_credentials: switch(&get, "NANGO_MCP_ALLOW_CREDENTIALS")?,
            allow_base_url_override: switch(&get, "NANGO_MCP_ALLOW_BASE_URL_OVERRIDE")?,
            max_download_bytes: max_download(get("NANGO_MCP_MAX_DOWNLOAD_BYTES"))?,
            metadata_namespace: namespace(get("NANGO_MCP_METADATA_NAMESPACE"))?,
            tools: tools(get("NANGO_MCP_TOOLS"), &toolsets)?,
            toolsets,
            gateway: Gateway::default(),
        })
    }

    /// Whether the operator offers this tool.
    pub(crate) fn offers(&self, entry: &Entry) -> bool {
        self.toolsets.contains(&entry.toolset) && (self.tools.is_empty() || self.tools.contains(&entry.name))
    }

    /// The names of the tools that are offered, in the order of the table: in read-only mode those that read.
    pub fn offered(&self) -> impl Iterator<Item = &'static str> {
        TOOLS.iter().filter(|entry| entry.is_offered(self)).map(|entry| entry.name)
    }

    /// The environment of that name or alias; case and punctuation do not matter.
    pub fn environment(&self, name: &str) -> Option<&Environment> {
        let wanted = fold(name);
        self.environments.iter().find(|environment| environment.names().any(|known| fold(known) == wanted))
    }

    /// ` Also known as: live (prod).` — to follow the description of `environment`; empty without aliases.
    pub fn aliases_sentence(&self) -> String {
        let aliases: Vec<String> = self
            .environments
            .iter()
            .flat_map(|environment| environment.aliases.iter().map(move |alias| format!("{alias} = {}", environment.name)))
            .collect();
        if aliases.is_empty() { String::new() } else { format!(" Aliases: {}.", aliases.join(", ")) }
    }

    /// The names of the environments, for a sentence.
    pub fn names(&self) -> String {
        self.environments.iter().map(|environment| environment.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Every secret that must not appear in a result.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.keys.iter()
    }
}

impl Environment {
    /// `<ENV>` in the names of its variables.
    pub fn suffix(&self) -> String {
        suffix(&self.name)
    }

    fn names(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.name).chain(&self.aliases)
    }
}

/// The value of a variable, without blanks around it. Not inlined: it is asked for two dozen times.
#[inline(never)]
pub(crate) fn value_of<'a>(vars: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs::value(vars, name).map(str::trim).filter(|value| !value.is_empty())
}

/// What two names must share to be one: letters and digits, without case.
fn fold(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// `NANGO_SECRET_KEY_<ENV>`: upper case, everything but letters and digits becomes `_`.
fn suffix(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

fn environments<'a>(get: &impl Fn(&str) -> Option<&'a str>) -> Result<Vec<Environment>, ConfigError> {
    let list = |text: &str| -> Vec<String> { text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect() };
    let (variable, names) = match get("NANGO_MCP_ENVIRONMENTS") {
        Some(names) => ("NANGO_MCP_ENVIRONMENTS", list(names)),
        None => ("NANGO_ENVIRONMENT", vec![get("NANGO_ENVIRONMENT").unwrap_or("default").to_owned()]),
    };
    let single = variable == "NANGO_ENVIRONMENT";
    let fits =
        |name: &String| name.len() <= 64 && !fold(name).is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._- ".contains(c));
    if names.is_empty() || !names.iter().all(fits) {
        return bad(variable, "must name environments by ASCII letters, digits, space, `.`, `_` and `-`, at most 64 characters each");
    }
    let mut environments = Vec::new();
    for name in names {
        let suffix = suffix(&name);
        let own = format!("NANGO_SECRET_KEY_{suffix}");
        // A single environment may use either spelling; the suffixed one is the more exact.
        let key_variable = if single && get(&own).is_none() { "NANGO_SECRET_KEY".to_owned() } else { own };
        let key = get(&key_variable).map(Secret::new);
        let alias_variable = format!("NANGO_MCP_ENVIRONMENT_ALIASES_{suffix}");
        let aliases = list(get(&alias_variable).unwrap_or_default());
        if !aliases.iter().all(fits) {
            return bad(alias_variable, "must name aliases by ASCII letters, digits, space, `.`, `_` and `-`, at most 64 characters each");
        }
        environments.push(Environment { name, aliases, key, key_variable });
    }
    for (at, environment) in environments.iter().enumerate() {
        let before = || environments.iter().take(at);
        if before().any(|other| suffix(&other.name) == suffix(&environment.name)) {
            return bad(variable, "must not list an environment twice (case and punctuation do not count)");
        }
        if before().any(|other| other.names().any(|name| environment.names().any(|own| fold(own) == fold(name)))) {
            return bad(variable, "and its aliases must not name two environments alike (case and punctuation do not count)");
        }
    }
    Ok(environments)
}

/// Nango's keys are UUIDs of version 4 (packages/server/lib/middleware/access.middleware.ts); a host may give a
/// handle `host:<environment>` instead, and replace it by the key outside the sandbox. Says whether it is one.
fn key_form(variable: &str, key: &str) -> Result<bool, ConfigError> {
    let uuid = key.len() == 36
        && key.char_indices().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            14 => c == '4',
            19 => matches!(c.to_ascii_lowercase(), '8' | '9' | 'a' | 'b'),
            _ => c.is_ascii_hexdigit(),
        });
    if uuid || key.starts_with("host:") {
        return Ok(!uuid);
    }
    bad(variable, "is not a Nango secret key: these are UUIDs (version 4), shown in Nango under Environment Settings")
}

fn timeout(text: Option<&str>) -> Result<Duration, ConfigError> {
    // serde_json's number parser is in the component anyway; the standard library's would add 15 kB.
    match crate::json::read(text.unwrap_or("20").as_bytes()).and_then(|number| number.as_f64()) {
        Some(seconds) if (0.1..=50.0).contains(&seconds) => Ok(Duration::from_millis((seconds * 1000.0) as u64)),
        _ => bad("NANGO_MCP_REQUEST_TIMEOUT", "must be a number of seconds from 0.1 to 50"),
    }
}

fn max_download(text: Option<&str>) -> Result<usize, ConfigError> {
    match text.unwrap_or("1048576").parse() {
        Ok(bytes) if (1..=8 << 20).contains(&bytes) => Ok(bytes),
        _ => bad("NANGO_MCP_MAX_DOWNLOAD_BYTES", "must be a number of bytes from 1 to 8388608 (8 MiB)"),
    }
}

fn namespace(text: Option<&str>) -> Result<String, ConfigError> {
    let name = text.unwrap_or("nango_mcp");
    if name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c)) {
        return Ok(name.to_owned());
    }
    bad("NANGO_MCP_METADATA_NAMESPACE", "must be at most 64 letters, digits, `_`, `-` and `.`")
}

/// The names of a comma list; an empty list says nothing.
fn names(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty())
}

fn toolsets(text: Option<&str>) -> Result<Vec<Toolset>, ConfigError> {
    let mut chosen = Vec::new();
    for name in names(text) {
        match Toolset::ALL.iter().find(|set| set.name() == name) {
            Some(set) => chosen.push(*set),
            None if name == "all" => chosen.extend(Toolset::ALL),
            None => {
                let known: Vec<&str> = Toolset::ALL.iter().map(|set| set.name()).collect();
                return bad("NANGO_MCP_TOOLSETS", format!("must be a comma list of {}, or all", known.join(", ")));
            }
        }
    }
    Ok(if chosen.is_empty() { Toolset::ALL.to_vec() } else { chosen })
}

fn tools(text: Option<&str>, toolsets: &[Toolset]) -> Result<Vec<&'static str>, ConfigError> {
    let mut chosen = Vec::new();
    for name in names(text) {
        let Some(entry) = TOOLS.iter().find(|entry| entry.name == name) else {
            let near = nearest(name, TOOLS.iter().map(|entry| entry.name));
            let near = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
            return bad("NANGO_MCP_TOOLS", format!("must be a comma list of tool names, and one of them is none{near}"));
        };
        if !toolsets.contains(&entry.toolset) {
            let set = entry.toolset.name();
            return bad("NANGO_MCP_TOOLS", format!("names {name}, whose toolset {set} NANGO_MCP_TOOLSETS leaves out"));
        }
        chosen.push(entry.name);
    }
    Ok(chosen)
}

fn switch<'a>(get: &impl Fn(&str) -> Option<&'a str>, name: &str) -> Result<bool, ConfigError> {
    match get(name).unwrap_or("false").to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => bad(name, "must be true or false"),
    }
}

fn approval<'a>(get: &impl Fn(&str) -> Option<&'a str>) -> Result<Approval, ConfigError> {
    let required = switch(get, "NANGO_MCP_REQUIRE_CONFIRMATION")?;
    match get("NANGO_MCP_APPROVAL") {
        Some("off") if required => bad("NANGO_MCP_APPROVAL", "must not be off while NANGO_MCP_REQUIRE_CONFIRMATION is true"),
        Some("off") => Ok(Approval::Off),
        Some("phrase") => Ok(Approval::Phrase),
        Some("elicit") => Ok(Approval::Elicit),
        Some(_) => bad("NANGO_MCP_APPROVAL", "must be off, phrase or elicit"),
        None if required => Ok(Approval::Phrase),
        None => Ok(Approval::Off),
    }
}
