//! Sections that gateways read of a component: its name, and what its functions are for.

use crate::sections::length;

/// A custom section.
fn custom(name: &str, content: &[u8]) -> Vec<u8> {
    let body = [text(name), content.to_vec()].concat();
    [vec![0], length(body.len()), body].concat()
}

fn text(text: &str) -> Vec<u8> {
    [length(text.len()), text.as_bytes().to_vec()].concat()
}

/// The component's name (component-model, Binary.md, "name section"): subsection 0 of `component-name`.
pub(crate) fn name(name: &str) -> Vec<u8> {
    let name = text(name);
    custom("component-name", &[vec![0], length(name.len()), name].concat())
}

/// The docs of its functions: `package-docs`, a version and then JSON.
pub(crate) fn docs(json: &[u8]) -> Vec<u8> {
    custom("package-docs", &[b"\x01", json.trim_ascii()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_subsection() {
        assert_eq!(name("ab"), [b"\0\x14\x0ecomponent-name".as_slice(), b"\0\x03\x02ab"].concat());
    }

    #[test]
    fn docs_follow_their_version() {
        assert_eq!(docs(b"{}\n"), b"\0\x10\x0cpackage-docs\x01{}");
    }
}
