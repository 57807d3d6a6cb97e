//! The section in which gateways read what the functions of a component are for.

use crate::sections::length;

/// A custom section.
fn custom(name: &str, content: &[u8]) -> Vec<u8> {
    let body = [text(name), content.to_vec()].concat();
    [vec![0], length(body.len()), body].concat()
}

fn text(text: &str) -> Vec<u8> {
    [length(text.len()), text.as_bytes().to_vec()].concat()
}

/// The docs of its functions: `package-docs`, a version and then JSON.
pub(crate) fn docs(json: &[u8]) -> Vec<u8> {
    custom("package-docs", &[b"\x01", json.trim_ascii()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docs_follow_their_version() {
        assert_eq!(docs(b"{}\n"), b"\0\x10\x0cpackage-docs\x01{}");
    }
}
