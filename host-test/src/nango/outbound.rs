//! Which addresses Nango would never call.

use std::net::{IpAddr, Ipv4Addr};

use super::validate::{Issues, Path};

/// What a host is, for a server that does not want to be led into its own network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    Loopback,
    Private,
    /// nango.dev and what is below it.
    Nango,
    Other,
}

/// The host of an http(s) URL; none when it is not one.
pub(crate) fn host(url: &str) -> Option<Host> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let address = authority.rsplit('@').next().unwrap_or_default();
    let name = match address.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => address.split(':').next().unwrap_or_default(),
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if name.is_empty() || name.contains(char::is_whitespace) {
        return None;
    }
    Some(match name.parse::<IpAddr>() {
        Ok(ip) => of_ip(ip),
        Err(_) if name == "localhost" || name.ends_with(".localhost") => Host::Loopback,
        Err(_) if name == "nango.dev" || name.ends_with(".nango.dev") => Host::Nango,
        Err(_) => Host::Other,
    })
}

fn of_ip(ip: IpAddr) -> Host {
    let v4 = match ip {
        IpAddr::V4(v4) => Some(v4),
        IpAddr::V6(v6) => v6.to_ipv4_mapped(),
    };
    let private = |v4: Ipv4Addr| v4.is_private() || v4.is_link_local();
    match (v4, ip) {
        (Some(v4), _) if v4.is_loopback() || v4.is_unspecified() => Host::Loopback,
        (Some(v4), _) if private(v4) => Host::Private,
        (None, IpAddr::V6(v6)) if v6.is_loopback() || v6.is_unspecified() => Host::Loopback,
        (None, IpAddr::V6(v6)) if v6.is_unique_local() || v6.is_unicast_link_local() => Host::Private,
        _ => Host::Other,
    }
}

/// Checks a webhook URL. An empty one is allowed: it clears.
pub(crate) fn check_webhook(url: &str, path: &Path, issues: &mut Issues) {
    if url.is_empty() {
        return;
    }
    match host(url) {
        None => issues.add("invalid_union", "Invalid input", path),
        Some(Host::Nango) => issues.add("custom", "Webhook URLs cannot point to Nango's domain (nango.dev).", path),
        Some(Host::Loopback | Host::Private) => issues.add("custom", "This webhook URL is not allowed.", path),
        Some(Host::Other) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_apart() {
        let cases = [
            ("http://127.0.0.1:9901/x", Some(Host::Loopback)),
            ("http://[::1]/", Some(Host::Loopback)),
            ("http://[::ffff:10.0.0.1]/", Some(Host::Private)),
            ("http://user@LOCALHOST:1", Some(Host::Loopback)),
            ("https://10.1.2.3", Some(Host::Private)),
            ("https://169.254.169.254/latest", Some(Host::Private)),
            ("https://api.nango.dev/x", Some(Host::Nango)),
            ("https://notnango.dev", Some(Host::Other)),
            ("ftp://example.com", None),
            ("nope", None),
            ("https://", None),
        ];
        for (url, expected) in cases {
            assert_eq!(host(url), expected, "{url}");
        }
    }
}
