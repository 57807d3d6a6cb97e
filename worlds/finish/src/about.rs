//! What a component says of itself: name, version, licence, description and where its source is, in the sections that
//! `wasm-tools metadata show` and registries read.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use wasm_metadata::AddMetadataField::Set;
use wasm_metadata::{AddMetadata, Description, Licenses, Source, Version};

/// A package, as `cargo metadata` shows what its Cargo.toml says. There is no source where it names no repository.
#[derive(Debug, Deserialize)]
pub(crate) struct About {
    name: String,
    version: String,
    license: String,
    description: String,
    repository: Option<String>,
}

#[derive(Deserialize)]
struct Workspace {
    packages: Vec<serde_json::Value>,
}

impl About {
    /// A package of the workspace in the current folder.
    ///
    /// # Errors
    /// cargo cannot be run, the package is not in the workspace, or it says nothing of its licence or what it is.
    pub(crate) fn of(package: &str) -> Result<Self> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo).args(["metadata", "--no-deps", "--offline", "--format-version=1"]).output();
        let output = output.context("cannot run cargo metadata")?;
        ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
        Self::find(&output.stdout, package)
    }

    fn find(workspace: &[u8], package: &str) -> Result<Self> {
        let workspace: Workspace = serde_json::from_slice(workspace).context("cargo metadata wrote something unknown")?;
        let found = workspace.packages.into_iter().find(|each| each.get("name").is_some_and(|name| name == package));
        let found = found.with_context(|| format!("{package} is no package of this workspace"))?;
        serde_json::from_value(found).with_context(|| format!("the Cargo.toml of {package} lacks licence or description"))
    }

    /// The component with these words in it, under the name that `output` has before its `.wasm`: hosts that load a folder
    /// of components tell them apart by it.
    ///
    /// # Errors
    /// It is no component, `output` has no name, or the licence is no SPDX expression.
    pub(crate) fn write(self, component: &[u8], output: &Path) -> Result<Vec<u8>> {
        let name = output.file_stem().and_then(|name| name.to_str()).context("the output has no name")?;
        let mut words = AddMetadata::default();
        words.name = Set(name.to_owned());
        words.version = Set(Version::new(self.version));
        words.licenses = Set(Licenses::new(&self.license).with_context(|| format!("the licence of {}", self.name))?);
        words.description = Set(Description::new(self.description));
        if let Some(repository) = &self.repository {
            words.source = Set(Source::new(repository).with_context(|| format!("the repository of {}", self.name))?);
        }
        words.to_wasm(component)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSPACE: &str = r#"{"packages": [
        {"name": "bare", "version": "1.0.0", "license": null, "description": null, "repository": null},
        {"name": "a", "version": "1.2.3", "license": "MIT", "description": "What it is", "repository": "https://example.com/a"}
    ]}"#;

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn the_words_are_those_of_the_package() {
        let about = About::find(WORKSPACE.as_bytes(), "a").unwrap();
        let component = about.write(EMPTY, Path::new("dist/a-b.wasm")).unwrap();
        let wasm_metadata::Payload::Component { metadata, .. } = wasm_metadata::Payload::from_binary(&component).unwrap() else {
            panic!("a module");
        };
        let text = |part: Option<String>| part.unwrap_or_default();
        assert_eq!(text(metadata.name), "a-b");
        assert_eq!(text(metadata.version.map(|part| part.to_string())), "1.2.3");
        assert_eq!(text(metadata.licenses.map(|part| part.to_string())), "MIT");
        assert_eq!(text(metadata.description.map(|part| part.to_string())), "What it is");
        assert_eq!(text(metadata.source.map(|part| part.to_string())), "https://example.com/a");
        assert!(metadata.producers.is_none(), "nothing that was not asked for");
    }

    #[test]
    fn a_package_that_says_too_little_is_refused() {
        for (workspace, package, says) in
            [(WORKSPACE, "b", "b is no package"), (WORKSPACE, "bare", "licence or description"), ("{}", "a", "unknown")]
        {
            let error = About::find(workspace.as_bytes(), package).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
        let bad = WORKSPACE.replace("MIT", "Whatever");
        let refused = About::find(bad.as_bytes(), "a").unwrap().write(EMPTY, Path::new("a.wasm"));
        assert_eq!(refused.unwrap_err().to_string(), "the licence of a");
        assert!(About::find(WORKSPACE.as_bytes(), "a").unwrap().write(b"(component)", Path::new("a.wasm")).is_err());
    }
}
