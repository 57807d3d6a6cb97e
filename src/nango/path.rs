//! Paths built from segments, so that an identifier can never become another route.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

use super::ids::Segment;

/// Everything but RFC 3986's unreserved characters is encoded.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A path whose fixed parts are constants and whose other segments are encoded.
#[derive(Debug, Clone)]
pub struct Path {
    encoded: String,
    values: Vec<String>,
}

impl Path {
    /// A route's constant beginning.
    pub fn fixed(path: &'static str) -> Self {
        Self { encoded: path.to_owned(), values: Vec::new() }
    }

    /// One more segment: percent-encoded whole, `/` included.
    ///
    /// Only types that refuse dot segments in every encoding may be one: encoding does not hide `..`, and a proxy on
    /// the way might decode and resolve it.
    pub fn segment(mut self, segment: &impl Segment) -> Self {
        self.encoded.push('/');
        self.encoded.push_str(&encode(segment.text()));
        self.values.push(segment.text().to_owned());
        self
    }

    /// A provider's path behind `/proxy`; only [`super::proxy::ProxyPath`] may be one.
    pub(super) fn proxied(route: &str) -> Self {
        Self { encoded: format!("/proxy{}", super::proxy::encode_route(route)), values: Vec::new() }
    }

    /// The segments that are no constants, as they were before encoding.
    pub(super) fn values(&self) -> &[String] {
        &self.values
    }

    /// The path as it goes over the wire.
    pub fn as_str(&self) -> &str {
        &self.encoded
    }
}

/// Percent-encode all that is not unreserved: as a path segment, or a name or value of a query.
#[inline(never)]
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Whether some reader on the way could take part of this text for `.` or `..`: after any number of percent
/// decodings, split at slashes of both kinds.
pub fn is_dot_segment(text: &str) -> bool {
    let mut text = text.as_bytes().to_vec();
    // Each decoding shortens the text, so this ends.
    loop {
        if text.split(|byte| matches!(byte, b'/' | b'\\')).any(|segment| matches!(segment, b"." | b"..")) {
            return true;
        }
        let decoded: Vec<u8> = percent_decode(&text).collect();
        if decoded.len() == text.len() {
            return false;
        }
        text = decoded;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nango::ConnectionId;

    #[test]
    fn a_segment_stays_one_segment() {
        let at = |id| Path::fixed("/connections").segment(&ConnectionId::from_text(id).unwrap()).as_str().to_owned();
        assert_eq!(at("a/b"), "/connections/a%2Fb");
        assert_eq!(at("a b\\'c"), "/connections/a%20b%5C%27c");
        assert_eq!(at("u@x.org|1"), "/connections/u%40x.org%7C1");
    }

    #[test]
    fn hostile_ids_make_no_segment() {
        for id in ["..", "a/../b", "a\\..", "%2e%2e", "a?b", "a#b", "é", "", "."] {
            assert!(ConnectionId::from_text(id).is_none(), "{id}");
        }
    }

    #[test]
    fn dot_segments_are_seen_in_every_encoding() {
        for text in ["..", ".", "a/../b", "%2e%2e", "%252e%252E", "a\\..\\b", "x%2f..", "%2e."] {
            assert!(is_dot_segment(text), "{text}");
        }
        for text in ["...", "a.b", "..a", "v1.0", "%zz", ""] {
            assert!(!is_dot_segment(text), "{text}");
        }
    }
}
