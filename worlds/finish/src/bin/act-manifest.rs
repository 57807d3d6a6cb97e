//! `act-manifest MANIFEST COMPONENT`: writes what an `act.toml` says into a finished component, which ACT's hosts demand
//! before they load one: the section `act:component`, the same as CBOR (ACT-SPEC, section 3.2).
//!
//! The version is that of this workspace. ACT's own tool for this, `act-build pack`, would have to be installed to build;
//! `make act` holds the component against its `validate`.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use toml::{Table, Value};
use wasm_encoder::{ComponentSection as _, CustomSection};

/// The name of the section.
const SECTION: &str = "act:component";

fn main() -> Result<()> {
    let mut files = std::env::args_os().skip(1).map(PathBuf::from);
    let (manifest, component) = files.next().zip(files.next()).context("usage: act-manifest MANIFEST COMPONENT")?;
    let read = |file: &PathBuf| std::fs::read(file).with_context(|| format!("cannot read {}", file.display()));
    let text = String::from_utf8(read(&manifest)?).with_context(|| format!("{} is no text", manifest.display()))?;
    let bytes = described(read(&component)?, &text).with_context(|| format!("cannot write {} into the component", manifest.display()))?;
    std::fs::write(&component, bytes).with_context(|| format!("cannot write {}", component.display()))
}

/// The component with the section at its end.
fn described(mut component: Vec<u8>, manifest: &str) -> Result<Vec<u8>> {
    ensure!(component.starts_with(b"\0asm\x0d\0\x01\0"), "the file does not begin like a component");
    let data = section(manifest)?;
    CustomSection { name: SECTION.into(), data: data.as_slice().into() }.append_to_component(&mut component);
    Ok(component)
}

fn section(manifest: &str) -> Result<Vec<u8>> {
    let mut manifest: Table = manifest.parse().context("it is no TOML")?;
    let std = manifest.get_mut("std").and_then(Value::as_table_mut).context("it has no table [std]")?;
    ensure!(std.get("name").is_some_and(Value::is_str), "[std] has no `name`");
    ensure!(!std.contains_key("version"), "[std] has a `version`, which is the workspace's to say");
    std.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
    let mut bytes = Vec::new();
    ciborium::into_writer(&manifest, &mut bytes).context("it is nothing for CBOR")?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn the_manifest_stands_at_the_end_with_the_version() {
        let component = described([COMPONENT, b"\0\x02\x01x"].concat(), "[std]\nname = \"n\"").unwrap();
        let version = env!("CARGO_PKG_VERSION").as_bytes();
        let cbor = [b"\xa1\x63std\xa2\x64name\x61n\x67version", [0x60 + version.len() as u8].as_slice(), version].concat();
        let section = [b"\x0dact:component".as_slice(), &cbor].concat();
        assert_eq!(component, [COMPONENT, b"\0\x02\x01x\0", &[section.len() as u8], &section].concat());
    }

    #[test]
    fn what_is_no_manifest_and_no_component_is_refused() {
        for manifest in ["[std", "", "std = 1", "[std]\nversion = \"1\"", "[std]\nname = \"n\"\nversion = \"1\"", "[std]\nname = 1"] {
            assert!(described(COMPONENT.to_vec(), manifest).is_err(), "{manifest}");
        }
        assert!(described(b"\0asm\x01\0\0\0".to_vec(), "[std]\nname = \"n\"").is_err());
    }
}
