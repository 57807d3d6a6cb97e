//! Names with values, in order and few of them: headers, variables, tags.

/// The first value of that name. Not inlined: it is asked for in many places.
#[inline(never)]
pub(crate) fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
}
