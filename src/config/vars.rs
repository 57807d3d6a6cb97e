//! The table of environment variables: the source of README's, and of what a host passes on.

use crate::tool::nearest;

/// One variable.
#[derive(Debug)]
pub struct Variable {
    /// Its name; `<ENV>` stands for an environment's name in upper case.
    pub name: &'static str,
    /// What holds without it; empty for nothing.
    pub default: &'static str,
    /// What values look like.
    pub form: &'static str,
    /// What it does.
    pub meaning: &'static str,
    /// Who reads it.
    pub read_by: ReadBy,
}

/// Who reads a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadBy {
    /// The component, in any host.
    Component,
    /// `nango-mcp-host`; never passed to the component.
    Host,
    /// Both.
    Both,
}

const fn var(name: &'static str, default: &'static str, form: &'static str, read_by: ReadBy, meaning: &'static str) -> Variable {
    Variable { name, default, form, meaning, read_by }
}

/// Every variable, in README's order.
pub static VARIABLES: &[Variable] = &[
    var(
        "NANGO_SECRET_KEY",
        "",
        "UUID v4",
        ReadBy::Component,
        "API key of the one environment. Without it the tools are listed, and each call says what to set.",
    ),
    var(
        "NANGO_BASE_URL",
        "https://api.nango.dev",
        "http(s) URL, path prefix allowed",
        ReadBy::Both,
        "Where Nango's API is. The host grants this origin and prefix, nothing else.",
    ),
    var("NANGO_ENVIRONMENT", "default", "name", ReadBy::Component, "What tools call the one environment."),
    var("NANGO_MCP_ENVIRONMENTS", "", "comma list of names", ReadBy::Component, "Several environments, each with its own key."),
    var(
        "NANGO_SECRET_KEY_<ENV>",
        "",
        "UUID v4",
        ReadBy::Component,
        "API key of environment <ENV> (upper case, other characters become `_`).",
    ),
    var("NANGO_MCP_ENVIRONMENT_ALIASES_<ENV>", "", "comma list of names", ReadBy::Component, "Other names for environment <ENV>."),
    var(
        "NANGO_MCP_PUBLIC_NANGO_URL",
        "NANGO_BASE_URL",
        "http(s) URL",
        ReadBy::Component,
        "Where the person's browser reaches Nango's API, when that differs from NANGO_BASE_URL (self-hosted). Put into Connect links as `apiURL`.",
    ),
    var(
        "NANGO_MCP_REQUEST_TIMEOUT",
        "20",
        "seconds, 0.1 to 50",
        ReadBy::Component,
        "How long one request to Nango may take, its body included.",
    ),
    var(
        "NANGO_MCP_TOOLSETS",
        "all",
        "comma list of toolsets",
        ReadBy::Component,
        "Offer only these toolsets: connect, environments, integrations, connections, proxy, conventions.",
    ),
    var("NANGO_MCP_TOOLS", "", "comma list of tools", ReadBy::Component, "Offer only these tools of the offered toolsets."),
    var(
        "NANGO_MCP_READ_ONLY",
        "false",
        "true or false",
        ReadBy::Component,
        "Hide and refuse every tool that writes; proxy_request stays, with GET and HEAD.",
    ),
    var(
        "NANGO_MCP_APPROVAL",
        "off",
        "off, phrase, elicit",
        ReadBy::Component,
        "`phrase`: tools that write demand an exact phrase in `confirmation`. `elicit`: the client asks the person; where it cannot, the phrase.",
    ),
    var(
        "NANGO_MCP_LINK_DELIVERY",
        "auto",
        "text, elicit, auto",
        ReadBy::Component,
        "How a Connect link reaches the person: `text` in the result, `elicit` only through a client that opens it (MCP elicitation, URL mode), `auto` so where the client can.",
    ),
    var("NANGO_MCP_REQUIRE_CONFIRMATION", "false", "true or false", ReadBy::Component, "The older spelling of NANGO_MCP_APPROVAL=phrase."),
    var(
        "NANGO_MCP_ALLOW_CREDENTIALS",
        "false",
        "true or false",
        ReadBy::Component,
        "Let get_connection return a connection's credentials when the call asks for them.",
    ),
    var(
        "NANGO_MCP_ALLOW_BASE_URL_OVERRIDE",
        "false",
        "true or false",
        ReadBy::Component,
        "Let proxied calls name another base URL than the provider's; Nango sends the account's credentials there.",
    ),
    var(
        "NANGO_MCP_MAX_DOWNLOAD_BYTES",
        "1048576",
        "bytes, 1 to 8388608",
        ReadBy::Component,
        "Largest file that download_provider_file returns.",
    ),
    var(
        "NANGO_MCP_METADATA_NAMESPACE",
        "nango_mcp",
        "name",
        ReadBy::Component,
        "Key under which the convention tools keep their metadata.",
    ),
    var(
        "NANGO_MCP_TOKEN_SHA256",
        "",
        "comma list of SHA-256 digests, 64 hexadecimal digits each",
        ReadBy::Both,
        "Over HTTP: let in who sends `Authorization: Bearer` with one of these tokens, and nobody else. `nango-mcp-host token` prints a token and its digest.",
    ),
    var(
        "NANGO_MCP_ANONYMOUS",
        "",
        "loopback",
        ReadBy::Component,
        "Over HTTP, without a token: let everybody in who reaches the port. Your promise that only this machine does; without it and without a token nobody is let in.",
    ),
    var(
        "NANGO_MCP_ALLOWED_HOSTS",
        "",
        "comma list of host names, a port allowed",
        ReadBy::Both,
        "Over HTTP: names by which clients reach this server, beside localhost, 127.0.0.1 and [::1].",
    ),
    var(
        "NANGO_MCP_ALLOWED_ORIGINS",
        "",
        "comma list of origins",
        ReadBy::Both,
        "Over HTTP: values of the header Origin that are let in, beside those of this machine and, over https, of the allowed hosts.",
    ),
    var("NANGO_MCP_ENV_FILE", ".env", "path", ReadBy::Host, "File of NAME=value lines; the process's own variables win."),
    var("NANGO_MCP_COMPONENT", "", "path", ReadBy::Host, "The component to load, when it is not beside the host's binary or in dist/."),
];

/// Variables of the Python server that have no meaning here, and what does their work; `_` at the end stands for all that
/// begin so.
pub static REPLACED: &[(&str, &str)] = &[
    ("NANGO_MCP_NANGO_URL", "set NANGO_BASE_URL instead"),
    ("NANGO_MCP_SECRET_RESOLVER", "fetch the key with the host's `--key-command`, or read it from a file with `--key-file`"),
    ("INFISICAL_", "fetch the key with the host's `--key-command 'infisical secrets get NANGO_SECRET_KEY --plain --silent'`"),
    ("NANGO_MCP_INFISICAL_", "fetch the key with the host's `--key-command 'infisical secrets get NANGO_SECRET_KEY --plain --silent'`"),
    ("NANGO_MCP_TRANSPORT", "choose by command: `stdio` or `http`"),
    ("NANGO_MCP_HTTP_ALLOWED_HOSTS", "list other names than localhost in NANGO_MCP_ALLOWED_HOSTS"),
    ("NANGO_MCP_HTTP_HOST", "use `http --listen ADDRESS:PORT`"),
    ("NANGO_MCP_HTTP_PORT", "use `http --listen ADDRESS:PORT`"),
    ("NANGO_MCP_HTTP_MAX_", "connections are pooled without a setting"),
    ("NANGO_MCP_AUTH_MODE", "set NANGO_MCP_TOKEN_SHA256 to the digest of a token, which `nango-mcp-host token` prints"),
    ("NANGO_MCP_TOKENS", "list the digests of tokens, and what each may do, in a policy file: `http --policy FILE`"),
    ("NANGO_MCP_TOKEN_REGISTRY_FILE", "list the digests of tokens, and what each may do, in a policy file: `http --policy FILE`"),
    ("NANGO_MCP_OAUTH_", "there is no OAuth here: set NANGO_MCP_TOKEN_SHA256, or put an authenticating proxy in front"),
    ("NANGO_MCP_DENY_ENVIRONMENTS", "list only the wanted ones in NANGO_MCP_ENVIRONMENTS"),
    ("NANGO_MCP_REQUEST_STATE_", "nothing is kept between calls"),
    ("NANGO_MCP_RATE_LIMIT_", "a rate-limited request is repeated as long as the call's own deadline allows"),
    ("NANGO_MCP_ENVIRONMENT_MAX_CONCURRENCY", "calls are independent; there is no gate"),
    ("NANGO_MCP_ENVIRONMENT_ACQUIRE_TIMEOUT", "calls are independent; there is no gate"),
    ("NANGO_MCP_ARTIFACT_", "nothing is written to disk"),
];

/// A line for each variable that has no effect: once at start, on stderr. Values are not looked at.
pub fn warnings<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    names.into_iter().filter_map(warning).collect()
}

fn warning(name: &str) -> Option<String> {
    let known = |variable: &&Variable| match variable.name.strip_suffix("<ENV>") {
        Some(prefix) => name.starts_with(prefix),
        None => name == variable.name,
    };
    if VARIABLES.iter().any(|variable| known(&variable)) {
        return None;
    }
    let replaced = |(old, _): &&(&str, &str)| if old.ends_with('_') { name.starts_with(old) } else { name == *old };
    if let Some((_, remedy)) = REPLACED.iter().find(replaced) {
        return Some(format!("{name} has no effect here: {remedy}"));
    }
    if !name.starts_with("NANGO_MCP_") {
        return None;
    }
    Some(match nearest(name, VARIABLES.iter().map(|variable| variable.name)) {
        Some(near) => format!("{name} is not known and has no effect; did you mean {near}?"),
        None => format!("{name} is not known and has no effect"),
    })
}
