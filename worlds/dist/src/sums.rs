//! `SHA256SUMS`, as `sha256sum --check` reads it.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::component::sha256;

/// The file of checksums.
pub const FILE: &str = "SHA256SUMS";

/// A line for each of these files in a folder, in the order of their names.
///
/// # Errors
/// One cannot be read.
pub fn of(folder: &Path, files: &[String]) -> Result<String> {
    let mut files: Vec<&String> = files.iter().collect();
    files.sort();
    let mut lines = String::new();
    for file in files {
        let bytes = std::fs::read(folder.join(file)).with_context(|| format!("cannot read {file}"))?;
        lines.push_str(&format!("{}  {file}\n", sha256(&bytes)));
    }
    Ok(lines)
}
