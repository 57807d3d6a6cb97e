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
        Self { encoded: format!("/proxy{}", super::proxy::encode_route(route)), values: route.split('/').map(str::to_owned).collect() }
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
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Whether some reader on the way could take part of this text for `.` or `..`: after any number of [`reread`]ings, split
/// at slashes of both kinds, without what stands behind `;` (which Java servers cut off before they resolve dots).
pub fn is_dot_segment(text: &str) -> bool {
    let mut text = lenient(text.as_bytes());
    loop {
        if has_dot_segment(&text) {
            return true;
        }
        // Each one that finds something shortens the text, so this ends.
        let again = reread(&text);
        if again.len() == text.len() {
            return false;
        }
        text = again;
    }
}

/// Whether a segment is `.` or `..` as it stands there.
pub(super) fn has_dot_segment(text: &[u8]) -> bool {
    let name = |segment: &[u8]| matches!(segment.split(|byte| *byte == b';').next(), Some(b"." | b".."));
    text.split(|byte| matches!(byte, b'/' | b'\\' | b'?' | b'#')).any(name)
}

/// Percent-decode a text once, and take for dots and slashes what lenient readers take for them.
#[inline(never)]
pub(super) fn reread(text: &[u8]) -> Vec<u8> {
    let decoded: Vec<u8> = percent_decode(text).collect();
    lenient(&decoded)
}

/// Dots and slashes in other forms: overlong UTF-8, `%u002e` as old servers decode it, and the characters that Unicode
/// normalisation (NFKC) makes the same.
const FORMS: &[(&[u8], &[u8])] = &[
    (b"\xc0\xae", b"."),
    (b"\xe0\x80\xae", b"."),
    (b"\xf0\x80\x80\xae", b"."),
    (b"\xc0\xaf", b"/"),
    (b"\xe0\x80\xaf", b"/"),
    (b"\xf0\x80\x80\xaf", b"/"),
    (b"\xc1\x9c", b"/"),
    (b"\xef\xbc\x8e", b"."),
    (b"\xef\xbc\x8f", b"/"),
    (b"\xef\xbc\xbc", b"/"),
    (b"\xe2\x80\xa4", b"."),
    (b"\xe2\x80\xa5", b".."),
    (b"%u002e", b"."),
    (b"%u002f", b"/"),
    (b"%u005c", b"/"),
];

pub(super) fn lenient(text: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), text);
    while let Some((first, more)) = rest.split_first() {
        let is = |form: &[u8]| rest.get(..form.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(form));
        match FORMS.iter().find(|(form, _)| is(form)) {
            Some((form, plain)) => {
                out.extend_from_slice(plain);
                rest = rest.get(form.len()..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = more;
            }
        }
    }
    out
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
        for text in [
            "..",
            ".",
            "a/../b",
            "%2e%2e",
            "%252e%252E",
            "a\\..\\b",
            "x%2f..",
            "%2e.",
            "..;x",
            "a/.;b/c",
            "%c0%ae%C0%AE",
            "a%e0%80%af..",
            "%u002E.",
            "．．",
            "‥",
            "%ef%bc%8e.",
        ] {
            assert!(is_dot_segment(text), "{text}");
        }
        for text in ["...", "a.b", "..a", "v1.0", "%zz", "", "a;..", "%c0%80", "%u00e9", "é", "%E9"] {
            assert!(!is_dot_segment(text), "{text}");
        }
    }
}
