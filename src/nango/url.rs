//! Web addresses, taken apart as far as needed (RFC 3986 §3). The `http` crate's `Uri` would do it too, at 10 kB of
//! the component.

/// An absolute http or https URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebUrl<'a> {
    /// Whether it is https.
    pub https: bool,
    /// Host and port as written.
    pub authority: &'a str,
    /// Host alone as written; an IPv6 address in brackets.
    pub host: &'a str,
    /// Path, query and fragment.
    pub rest: &'a str,
}

impl<'a> WebUrl<'a> {
    /// Take it apart; `None` if it is no such URL. A user part is refused: nobody needs it, and it makes one host look
    /// like another.
    pub fn parse(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once(':')?;
        let rest = rest.strip_prefix("//")?;
        let https = scheme.eq_ignore_ascii_case("https");
        if !https && !scheme.eq_ignore_ascii_case("http") {
            return None;
        }
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let printable = rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
        printable.then_some(Self { https, authority, host: host(authority)?, rest })
    }
}

/// The host of `host`, `host:port`, `[address]` or `[address]:port`.
fn host(authority: &str) -> Option<&str> {
    let end = match authority.starts_with('[') {
        true => authority.find(']')? + 1,
        false => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(end);
    let inside = host.strip_prefix('[').map(|address| address.trim_end_matches(']'));
    let fits = match inside {
        Some(address) => address.contains(':') && address.bytes().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(&byte)),
        None => !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)),
    };
    let number = |port: &str| !port.starts_with('+') && port.parse::<u16>().is_ok_and(|port| port > 0);
    (fits && (port.is_empty() || port.strip_prefix(':').is_some_and(number))).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_urls_come_apart() {
        let parts = |url| WebUrl::parse(url).map(|url| (url.https, url.authority, url.host, url.rest));
        assert_eq!(parts("https://api.nango.dev"), Some((true, "api.nango.dev", "api.nango.dev", "")));
        assert_eq!(parts("HTTP://n:3003/a?b#c"), Some((false, "n:3003", "n", "/a?b#c")));
        assert_eq!(parts("http://[::1]:80?x"), Some((false, "[::1]:80", "[::1]", "?x")));
        assert_eq!(parts("http://127.0.0.1#x"), Some((false, "127.0.0.1", "127.0.0.1", "#x")));
    }

    #[test]
    fn what_is_none_is_refused() {
        for url in [
            "",
            "n",
            "//n",
            "ftp://n",
            "javascript://n",
            "http:/n",
            "http://",
            "http:///x",
            "http://:80",
            "http://n:",
            "http://n:x",
            "http://n:65536",
            "http://n:+1",
            "http://u@n",
            "http://u:p@n/",
            "http://[::1",
            "http://[]",
            "http://[x]",
            "http://n m",
            "http://n/ x",
            "http://n/\u{7}",
            "http://n/é",
            "http://é/",
            "http://n\\@m/",
        ] {
            assert_eq!(WebUrl::parse(url), None, "{url}");
        }
    }
}
