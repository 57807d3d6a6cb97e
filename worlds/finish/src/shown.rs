//! The section in which gateways read what the functions of a component are for.

use wasm_encoder::{ComponentSection as _, CustomSection};

/// The docs of its functions: `package-docs`, a version and then JSON.
pub(crate) fn docs(json: &[u8]) -> Vec<u8> {
    let (name, data) = ("package-docs".into(), [b"\x01", json.trim_ascii()].concat().into());
    let mut section = Vec::new();
    CustomSection { name, data }.append_to_component(&mut section);
    section
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docs_follow_their_version() {
        assert_eq!(docs(b"{}\n"), b"\0\x10\x0cpackage-docs\x01{}");
    }
}
