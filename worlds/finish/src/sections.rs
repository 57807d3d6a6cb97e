//! A component as its sections: which go, and which is written anew.

use anyhow::{Context as _, Result, ensure};

/// How a component begins (component-model, Binary.md, "preamble").
const PREAMBLE: &[u8; 8] = b"\0asm\x0d\0\x01\0";

/// The section that holds a core module (component-model, Binary.md, "section").
const CORE_MODULE: u8 = 1;

/// Custom sections that are dropped: `strip` takes the names out of core modules but leaves the component's own, 8 kB.
const DROPPED: [&[u8]; 1] = [b"component-name"];

/// One section.
struct Section<'a> {
    id: u8,
    content: &'a [u8],
    /// With its id and length.
    whole: &'a [u8],
}

/// The component with its largest core module, which is the program, written anew, and without the dropped sections; all
/// else byte for byte.
pub(crate) fn rewrite(component: &[u8], module: &dyn Fn(&[u8]) -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    let sections = read(component)?;
    let program = sections.iter().filter(|section| section.id == CORE_MODULE).map(|section| section.content.len()).max();
    let mut finished = PREAMBLE.to_vec();
    for section in sections {
        if section.id == CORE_MODULE && Some(section.content.len()) == program {
            let content = module(section.content)?;
            finished.push(CORE_MODULE);
            finished.extend(length(content.len()));
            finished.extend(content);
        } else if !section.is_dropped() {
            finished.extend_from_slice(section.whole);
        }
    }
    Ok(finished)
}

fn read(component: &[u8]) -> Result<Vec<Section<'_>>> {
    ensure!(component.starts_with(PREAMBLE), "it does not begin like a component");
    let mut sections = Vec::new();
    let mut rest = component.get(PREAMBLE.len()..).unwrap_or_default();
    while let Some((id, after)) = rest.split_first() {
        let (length, content) = number(after).context("a section has no length")?;
        let (content, next) = content.split_at_checked(length).context("a section is cut off")?;
        let whole = rest.get(..rest.len() - next.len()).unwrap_or_default();
        sections.push(Section { id: *id, content, whole });
        rest = next;
    }
    Ok(sections)
}

impl Section<'_> {
    fn is_dropped(&self) -> bool {
        let name = number(self.content).and_then(|(length, name)| name.get(..length));
        self.id == 0 && name.is_some_and(|name| DROPPED.contains(&name))
    }
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

/// The same number as bytes.
pub(crate) fn length(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(id: u8, content: &[u8]) -> Vec<u8> {
        [&[id], length(content.len()).as_slice(), content].concat()
    }

    #[test]
    fn the_names_go_the_program_is_written_anew_and_the_rest_stays() {
        let (names, other, types) = (section(0, b"\x0ecomponent-nameXY"), section(0, b"\x05otherXY"), section(7, b"abc"));
        let (program, shim) = (section(1, &[7; 300]), section(1, &[8; 200]));
        let component = [PREAMBLE.as_slice(), &types, &shim, &names, &program, &other].concat();
        let finished = rewrite(&component, &|module| Ok(module.iter().take(130).map(|byte| byte + 2).collect())).unwrap();
        assert_eq!(finished, [PREAMBLE.as_slice(), &types, &shim, &section(1, &[9; 130]), &other].concat());
    }

    #[test]
    fn lengths_are_read_as_they_are_written() {
        for value in [0, 1, 127, 128, 129, 16_383, 16_384, 375_778, 0xffff_ffff] {
            assert_eq!(number(&length(value)), Some((value, [].as_slice())), "{value}");
        }
    }

    #[test]
    fn what_is_no_component_is_refused() {
        for bytes in [b"".as_slice(), b"\0asm\x01\0\0\0", b"\0asm\x0d\0\x01\0\x07", b"\0asm\x0d\0\x01\0\x07\x05ab"] {
            assert!(rewrite(bytes, &|module| Ok(module.to_vec())).is_err(), "{bytes:?}");
        }
    }
}
