//! `finish-component IN OUT`: copy a component without its debug names.
//!
//! `strip` takes the names out of core modules but leaves the component's own name section, 8 kB of labels that the
//! linker made up.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

/// How a component begins (component-model, Binary.md, "preamble").
const PREAMBLE: &[u8; 8] = b"\0asm\x0d\0\x01\0";

/// Custom sections that are dropped.
const DROPPED: [&[u8]; 1] = [b"component-name"];

fn main() -> Result<()> {
    let mut files = std::env::args_os().skip(1).map(PathBuf::from);
    let (input, output) = files.next().zip(files.next()).context("usage: finish-component IN OUT")?;
    let component = std::fs::read(&input).with_context(|| format!("cannot read {}", input.display()))?;
    let finished = finish(&component).with_context(|| format!("{} is no component", input.display()))?;
    std::fs::write(&output, finished).with_context(|| format!("cannot write {}", output.display()))
}

/// The component without the dropped sections, all else byte for byte. Nested modules are sections like others.
fn finish(component: &[u8]) -> Result<Vec<u8>> {
    ensure!(component.starts_with(PREAMBLE), "it does not begin like one");
    let mut finished = PREAMBLE.to_vec();
    let mut rest = component.get(PREAMBLE.len()..).unwrap_or_default();
    while let Some((id, after)) = rest.split_first() {
        let (length, content) = number(after).context("a section has no length")?;
        let (content, next) = content.split_at_checked(length).context("a section is cut off")?;
        let name = number(content).and_then(|(length, name)| name.get(..length));
        let dropped = *id == 0 && name.is_some_and(|name| DROPPED.contains(&name));
        let whole = rest.len() - next.len();
        if !dropped {
            finished.extend_from_slice(rest.get(..whole).unwrap_or_default());
        }
        rest = next;
    }
    Ok(finished)
}

/// An unsigned LEB128 number of at most 32 bits, and what follows it.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_usize;
    for (at, byte) in bytes.iter().enumerate().take(5) {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(at + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_go_and_the_rest_stays() {
        let section = |id: u8, content: &[u8]| [&[id, content.len() as u8], content].concat();
        let (names, other, types) = (section(0, b"\x0ecomponent-nameXY"), section(0, b"\x05otherXY"), section(7, b"abc"));
        let component = [PREAMBLE.as_slice(), &types, &names, &other].concat();
        assert_eq!(finish(&component).unwrap(), [PREAMBLE.as_slice(), &types, &other].concat());
    }

    #[test]
    fn what_is_no_component_is_refused() {
        for bytes in [b"".as_slice(), b"\0asm\x01\0\0\0", b"\0asm\x0d\0\x01\0\x07", b"\0asm\x0d\0\x01\0\x07\x05ab"] {
            assert!(finish(bytes).is_err(), "{bytes:?}");
        }
    }
}
