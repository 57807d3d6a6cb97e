//! A built component, and what it says of itself.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use wasm_metadata::{Metadata, Payload as Described};
use wasmparser::{ComponentTypeRef, Parser, Payload};

/// A component as its file has it.
#[derive(Clone, Debug)]
pub struct Component {
    /// The file's name, with `.wasm`.
    pub file: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// The name in its `component-name` section.
    pub name: String,
    /// Its version, of SemVer.
    pub version: String,
    /// Its licence, an SPDX expression.
    pub license: String,
    /// One sentence of what it is.
    pub description: String,
    /// The URL of its source, where the project names one.
    pub source: Option<String>,
    /// What it imports, in the order of the file: `wasi:io/poll@0.2.6`.
    pub imports: Vec<String>,
    /// What it exports, in the order of the file.
    pub exports: Vec<String>,
}

impl Component {
    /// The component `<file>.wasm` in a folder.
    ///
    /// # Errors
    /// It is not there, is no component, or does not say what it is.
    pub fn read(folder: &Path, file: &str) -> Result<Self> {
        let path = folder.join(format!("{file}.wasm"));
        if !path.is_file() {
            bail!("{} is not built: run `make build`, which builds it first", path.display());
        }
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(format!("{file}.wasm"), bytes).with_context(|| format!("{} is not what `make build` writes", path.display()))
    }

    /// As before, of bytes.
    ///
    /// # Errors
    /// They are no component, or it does not say what it is.
    pub fn parse(file: String, bytes: Vec<u8>) -> Result<Self> {
        let Described::Component { metadata, .. } = Described::from_binary(&bytes)? else { bail!("it is a core module") };
        let (imports, exports) = names(&bytes)?;
        let Metadata { name, version, licenses, description, source, .. } = metadata;
        let says = |what: &str| format!("it does not say its {what}: `finish-component IN OUT PACKAGE` writes that");
        Ok(Self {
            file,
            name: name.with_context(|| says("name"))?,
            version: version.with_context(|| says("version"))?.to_string(),
            license: licenses.with_context(|| says("licence"))?.to_string(),
            description: description.with_context(|| says("description"))?.to_string(),
            source: source.map(|source| source.to_string()),
            imports,
            exports,
            bytes,
        })
    }

    /// The file's size as `gzip -9` would make it, in bytes.
    pub fn compressed(&self) -> usize {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to memory does not fail.
        let _ = gzip.write_all(&self.bytes);
        gzip.finish().map_or(0, |bytes| bytes.len())
    }
}

/// What the outermost component imports and exports.
fn names(bytes: &[u8]) -> Result<(Vec<String>, Vec<String>)> {
    let (mut depth, mut imports, mut exports) = (0_usize, Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let import = import?;
                    // A world's own types are imports of the format, and nothing that a host has to give.
                    if !matches!(import.ty, ComponentTypeRef::Type(_)) {
                        imports.push(import.name.name.to_owned());
                    }
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

/// SHA-256, in 64 hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
