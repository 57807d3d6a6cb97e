//! Who may use the HTTP endpoint: bearer tokens, known by their digests, and the hosts and origins of browsers.
//!
//! Closed by default. A component cannot know on which address it listens nor who its peer is, and a check of Host and
//! Origin stops DNS rebinding but is no access control: whoever reaches the port writes what he likes there. So without
//! a token everything is refused, unless the operator promises that only this machine reaches the port.

use sha2::{Digest as _, Sha256};

use crate::config::{ConfigError, bad, value_of};

/// Names under which a server on the same machine is reached.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Who may use the endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// NANGO_MCP_TOKEN_SHA256.
    digests: Vec<[u8; 32]>,
    /// NANGO_MCP_ANONYMOUS=loopback.
    anonymous: bool,
    /// NANGO_MCP_ALLOWED_HOSTS, lower case.
    hosts: Vec<String>,
    /// NANGO_MCP_ALLOWED_ORIGINS, lower case.
    origins: Vec<String>,
}

/// What an Authorization header is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Come in.
    Granted,
    /// A token is demanded, and none was given.
    Missing,
    /// The token is not one of those that are known.
    Unknown,
    /// Nobody comes in: neither a digest nor the operator's promise is configured.
    Closed,
}

impl Access {
    /// Read these variables.
    ///
    /// # Errors
    /// The first of them whose value cannot hold.
    pub fn from_vars(vars: &[(String, String)]) -> Result<Self, ConfigError> {
        let list = |name: &str| -> Vec<String> {
            let text = value_of(vars, name).unwrap_or_default();
            text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_ascii_lowercase).collect()
        };
        let mut digests = Vec::new();
        for digest in list("NANGO_MCP_TOKEN_SHA256") {
            match unhex(&digest) {
                Some(digest) => digests.push(digest),
                None => {
                    return bad(
                        "NANGO_MCP_TOKEN_SHA256",
                        "must be a comma list of SHA-256 digests, 64 hexadecimal digits each, of tokens: `nango-mcp-host token` prints a token and its digest",
                    );
                }
            }
        }
        let anonymous = match value_of(vars, "NANGO_MCP_ANONYMOUS") {
            None => false,
            Some("loopback") => true,
            Some(_) => {
                return bad("NANGO_MCP_ANONYMOUS", "must be loopback, which promises that only this machine reaches the port, or absent");
            }
        };
        let hosts = list("NANGO_MCP_ALLOWED_HOSTS");
        if !hosts.iter().all(|host| !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._:[]".contains(c))) {
            return bad(
                "NANGO_MCP_ALLOWED_HOSTS",
                "must be a comma list of host names, such as mcp.example.com, each with or without a port",
            );
        }
        let origins = list("NANGO_MCP_ALLOWED_ORIGINS");
        if !origins.iter().all(|origin| split_origin(origin).is_some_and(|(_, host)| !host.is_empty() && !host.contains(['/', '*']))) {
            return bad("NANGO_MCP_ALLOWED_ORIGINS", "must be a comma list of origins, such as https://app.example.com");
        }
        Ok(Self { digests, anonymous, hosts, origins })
    }

    /// As before, but where no token is demanded everybody comes in: the server itself sees to it that only this machine
    /// reaches the port, or its operator has said that he wants it so.
    #[must_use]
    pub fn open(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// As before, and known by these names, too.
    #[must_use]
    pub fn known_as<'a>(mut self, hosts: impl IntoIterator<Item = &'a str>) -> Self {
        self.hosts.extend(hosts.into_iter().map(str::to_ascii_lowercase));
        self
    }

    /// As before, and open to the holders of these tokens, too: digests of 64 hexadecimal digits; others are passed over.
    #[must_use]
    pub fn and_tokens<'a>(mut self, digests: impl IntoIterator<Item = &'a str>) -> Self {
        self.digests.extend(digests.into_iter().filter_map(unhex));
        self
    }

    /// The digests of the tokens that are known, as [`digest`] writes them.
    pub fn digests(&self) -> impl Iterator<Item = String> {
        self.digests.iter().map(|digest| crate::tools::hex(digest))
    }

    /// Whether tokens are demanded.
    pub fn has_tokens(&self) -> bool {
        !self.digests.is_empty()
    }

    /// Judge an Authorization header (RFC 6750, section 2.1).
    pub fn admits(&self, authorization: Option<&str>) -> Admission {
        if self.digests.is_empty() {
            return if self.anonymous { Admission::Granted } else { Admission::Closed };
        }
        let Some(token) = authorization.and_then(bearer) else { return Admission::Missing };
        let given: [u8; 32] = Sha256::digest(token).into();
        // Every digest is compared to its end, so that time tells nothing of how near a token was.
        let mut known = false;
        for digest in &self.digests {
            let differing = digest.iter().zip(&given).fold(0, |differing, (one, other)| differing | (one ^ other));
            known |= std::hint::black_box(differing) == 0;
        }
        if known { Admission::Granted } else { Admission::Unknown }
    }

    /// Whether this server is known by that name: a Host header, its port included.
    pub fn knows_host(&self, host: &str) -> bool {
        let host = host.trim().to_ascii_lowercase();
        let name = without_port(&host);
        LOOPBACK.contains(&name) || self.hosts.iter().any(|known| *known == host || known == name)
    }

    /// Whether pages of that origin may call: those of this machine, those listed, and over https those of a listed host.
    pub fn knows_origin(&self, origin: &str) -> bool {
        let origin = origin.trim().to_ascii_lowercase();
        let Some((scheme, host)) = split_origin(&origin) else { return false };
        let name = without_port(host);
        self.origins.contains(&origin)
            || LOOPBACK.contains(&name)
            || (scheme == "https" && self.hosts.iter().any(|known| known == host || known == name))
    }
}

/// Scheme and host of an http(s) origin (RFC 6454, section 7).
fn split_origin(origin: &str) -> Option<(&str, &str)> {
    origin.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    }
}

/// The token in an Authorization header (RFC 6750, section 2.1).
pub fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The digest of a token, as NANGO_MCP_TOKEN_SHA256 holds it.
pub fn digest(token: &str) -> String {
    crate::tools::hex(&Sha256::digest(token))
}

/// 64 hexadecimal digits as bytes.
fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16)?.try_into().ok()).collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = pair.iter().fold(0, |byte, digit| byte << 4 | digit);
    }
    Some(bytes)
}
