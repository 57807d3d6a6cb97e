//! Nango's identifiers as types that carry their own limits.
//!
//! Source: packages/server/lib/helpers/validation.ts and packages/shared/lib/services/tags/schema.ts.

use super::path::is_dot_segment;
use crate::tool::{Beyond, Pattern, text};

text! {
    /// An integration's unique key, as a connection refers to it (`provider_config_key`).
    pub struct IntegrationKey(1..=255, &INTEGRATION_KEY);
    /// A connection's id.
    pub struct ConnectionId(1..=255, &CONNECTION_ID);
    /// A provider of Nango's catalogue, by its name there.
    pub struct ProviderName(1..=255, &PROVIDER_NAME);
    /// The key of a tag; Nango keeps it in lower case.
    pub struct TagKey(1..=64, &TAG_KEY);
    /// The value of a tag.
    pub struct TagValue(1..=255);
    /// A name, a user id, a label.
    pub struct Label(1..=255);
    /// An email address.
    pub struct Email(5..=255, &EMAIL);
    /// An http(s) URL, or nothing to clear a setting.
    pub struct UrlOrEmpty(0..=2048, &URL_OR_EMPTY);
    /// An http(s) URL.
    pub struct Url(1..=2048, &URL);
    /// One OAuth scope as Nango takes it in an integration.
    pub struct Scope(1..=255, &SCOPE);
    /// A secret of an integration.
    pub struct SecretText(1..=8192);
    /// Free text of some length.
    pub struct LongText(0..=8192);
    /// A search text.
    pub struct Search(1..=255);
    /// An opaque cursor.
    pub struct Cursor(1..=512, &CURSOR);
    /// The token of a Connect session.
    pub struct SessionToken(86..=86, &SESSION_TOKEN);
    /// A link with the token of a Connect session in it.
    pub struct ConnectLink(1..=4096, &CONNECT_LINK);
    /// A time, as Nango writes it.
    pub struct Timestamp(20..=40, &TIMESTAMP);
    /// Any key of a map, such as the name of an authorization parameter.
    pub struct AnyKey(1..=255);
}

/// An identifier that may stand in a path: its type refuses dot segments.
pub trait Segment {
    /// The identifier.
    fn text(&self) -> &str;
}

impl Segment for IntegrationKey {
    fn text(&self) -> &str {
        self
    }
}

impl Segment for ConnectionId {
    fn text(&self) -> &str {
        self
    }
}

impl Segment for ProviderName {
    fn text(&self) -> &str {
        self
    }
}

/// Of identifiers that stand in a path.
const NO_DOT_SEGMENT: Option<Beyond> =
    Some(Beyond { code: "dot_segment", refuses: is_dot_segment, rule: "not contain `.` or `..` as a path segment, in any encoding" });

static INTEGRATION_KEY: Pattern = Pattern {
    regex: r"^[a-zA-Z0-9~:.@ _-]+$",
    matches: |text| text.chars().all(|c| c.is_ascii_alphanumeric() || "~:.@ _-".contains(c)),
    rule: "consist of letters, digits, space and ~ : . @ _ - only",
    beyond: NO_DOT_SEGMENT,
};

// Without dots there is no dot segment.
static PROVIDER_NAME: Pattern = Pattern {
    regex: r"^[a-zA-Z0-9_-]+$",
    matches: |text| text.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)),
    rule: "consist of letters, digits, _ and - only",
    beyond: None,
};

static CONNECTION_ID: Pattern = Pattern {
    // In ranges: it stands in every tool that names a connection.
    regex: r#"^[ "$'+-;=@-\]_a-~]+$"#,
    matches: |text| text.chars().all(|c| c.is_ascii_alphanumeric() || ",.;:=+~[]|@${}\"'\\/_ -".contains(c)),
    rule: "consist of letters, digits, space and , . ; : = + ~ [ ] | @ $ { } \" ' \\ / _ - only",
    beyond: NO_DOT_SEGMENT,
};

static TAG_KEY: Pattern = Pattern {
    regex: r"^[a-zA-Z][a-zA-Z0-9_\-./]*$",
    matches: |text| {
        text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
    },
    rule: "begin with a letter and go on with letters, digits and _ - . / only",
    beyond: None,
};

static EMAIL: Pattern = Pattern {
    regex: r"^[A-Za-z0-9_'+.-]*[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,}$",
    matches: is_email,
    rule: "be an email address",
    beyond: Some(Beyond { code: "stray_dot", refuses: has_stray_dot, rule: "be an email address without a leading or a double dot" }),
};

/// One of an integration's scopes, which Nango keeps joined by commas (packages/server/lib/helpers/validation.ts).
static SCOPE: Pattern = Pattern {
    regex: r"^[0-9a-zA-Z:/_.*-]+$",
    matches: |text| text.chars().all(|c| c.is_ascii_alphanumeric() || ":/_.*-".contains(c)),
    rule: "be one scope, of letters, digits and : / _ . * - only",
    beyond: None,
};

// Of printable ASCII, as RFC 3986 has it: which characters `\s` leaves out differs from validator to validator.
pub(super) static URL: Pattern = Pattern { regex: "^https?://[!-~]+$", matches: is_url, rule: "be an http or https URL", beyond: None };

static URL_OR_EMPTY: Pattern = Pattern {
    regex: "^(https?://[!-~]+)?$",
    matches: |text| text.is_empty() || is_url(text),
    rule: "be an http or https URL, or empty to clear it",
    beyond: None,
};

static CURSOR: Pattern = Pattern {
    regex: r"^[A-Za-z0-9_-]+$",
    matches: |text| text.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)),
    rule: "be a cursor as an earlier call returned it",
    beyond: None,
};

/// packages/shared/lib/services/connectSession.service.ts: a prefix and 32 random bytes.
static SESSION_TOKEN: Pattern = Pattern {
    regex: "^nango_connect_session_[0-9a-f]{64}$",
    matches: is_session_token,
    rule: "be a Connect session token, `nango_connect_session_` and 64 hexadecimal digits",
    beyond: None,
};

static CONNECT_LINK: Pattern = Pattern {
    // Printable ASCII as in a URL, up to `?` without `?` and `#`, up to the token without `#`.
    regex: r#"^https?://[!-"$->@-~]+\?([!-"$-~]*&)?session_token=nango_connect_session_[0-9a-f]{64}([&#][!-~]*)?$"#,
    matches: |text| token_in(text).is_some(),
    rule: "be a Connect link, with its session_token",
    beyond: None,
};

/// The session token in a Connect link.
pub fn token_in(link: &str) -> Option<&str> {
    let (address, query) = link.split('#').next()?.split_once('?')?;
    let token = query.split('&').find_map(|pair| pair.strip_prefix("session_token=").filter(|token| is_session_token(token)))?;
    let host = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"))?;
    (!host.is_empty() && link.bytes().all(|byte| byte.is_ascii_graphic())).then_some(token)
}

fn is_session_token(text: &str) -> bool {
    let digits = text.strip_prefix("nango_connect_session_").unwrap_or_default();
    digits.len() == 64 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

static TIMESTAMP: Pattern = Pattern {
    regex: r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$",
    matches: is_timestamp,
    rule: "be a time such as 2026-11-23T12:42:45.060Z",
    beyond: Some(Beyond { code: "no_such_time", refuses: |text| super::time::millis(text).is_none(), rule: "be a time that exists" }),
};

/// The form alone; whether there is such a day is asked beyond it.
fn is_timestamp(text: &str) -> bool {
    let Some((whole, rest)) = text.split_at_checked(19) else { return false };
    let shape: String = whole.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count()),
        None => ("0", rest),
    };
    let zone: String = zone.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    shape == "9999-99-99T99:99:99" && !fraction.is_empty() && matches!(zone.as_str(), "Z" | "+99:99" | "-99:99")
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| ('!'..='~').contains(&c)))
}

/// Nango's own rule (zod's email), but for [`has_stray_dot`], which no portable regular expression says.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let local_fits = local.chars().all(|c| c.is_ascii_alphanumeric() || "_'+.-".contains(c))
        && local.ends_with(|c: char| c.is_ascii_alphanumeric() || "_+-".contains(c));
    let Some((parents, last)) = domain.rsplit_once('.') else { return false };
    let label = |label: &str| {
        label.starts_with(|c: char| c.is_ascii_alphanumeric()) && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    local_fits && parents.split('.').all(label) && last.len() >= 2 && last.chars().all(|c| c.is_ascii_alphabetic())
}

/// A leading or a double dot, which Nango refuses in an email address.
fn has_stray_dot(email: &str) -> bool {
    email.starts_with('.') || email.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emails_as_nango_takes_them() {
        for good in ["a@b.co", "first.last+tag@sub.example.com", "o'neil@x.org", "9@9.aa"] {
            assert!(Email::from_text(good).is_some(), "{good}");
        }
        for bad in ["a@b", "@b.co", "a.@b.co", ".a@b.co", "a..b@c.co", "a@b@c.co", "a@-b.co", "a b@c.co", "a@b.c", "a@b..co"] {
            assert!(Email::from_text(bad).is_none(), "{bad}");
        }
    }
}
