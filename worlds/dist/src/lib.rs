//! What is given away with the components: checksums, a bill of materials for each, and OCI image layouts.
//!
//! Everything written here is a function of the component, its Cargo.toml and Cargo.lock: no time, no random number, no
//! path of the machine. So two who build the same source hold the same files.

pub mod component;
pub mod listing;
pub mod oci;
pub mod sbom;
pub mod sums;
pub mod units;

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

/// One component that is given away, as the Makefile's `COMPONENTS` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The name of the file before its `.wasm`.
    pub file: String,
    /// The package of the workspace that it is made of.
    pub package: String,
}

impl Named {
    /// `FILE=PACKAGE`.
    ///
    /// # Errors
    /// It has no other form.
    pub fn read(word: &str) -> Result<Self> {
        let (file, package) = word.split_once('=').with_context(|| format!("{word:?} is not FILE=PACKAGE"))?;
        let good = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        ensure!(good(file) && good(package), "{word:?} is not FILE=PACKAGE");
        Ok(Self { file: file.to_owned(), package: package.to_owned() })
    }
}

/// Write everything for these components into `folder`, in which they lie, and return the listing.
///
/// # Errors
/// A component is not built or says not what it is, cargo does not answer, or a file cannot be written.
pub fn write(root: &Path, folder: &Path, named: &[Named]) -> Result<String> {
    ensure!(!named.is_empty(), "usage: dist FILE=PACKAGE ...");
    let (mut files, mut listing) = (Vec::new(), String::new());
    // All are read first: where one is missing, nothing is written.
    let components: Vec<_> = named.iter().map(|each| component::Component::read(folder, &each.file)).collect::<Result<_>>()?;
    for (component, named) in components.iter().zip(named) {
        let units = units::Units::of(root, &named.package)?;
        let bill = format!("{}.cdx.json", named.file);
        put(&folder.join(&bill), &sbom::write(component, &units)?)?;
        let layout = format!("{}.oci", named.file);
        let policy = policy(&units.folder()?)?;
        oci::write(&folder.join(&layout), component, policy.as_deref())?;
        listing.push_str(&listing::of(component, policy.as_deref(), &bill, &layout));
        // The index of a layout has the digest of everything in it.
        files.extend([format!("{}.wasm", named.file), bill, format!("{layout}/index.json")]);
    }
    put(&folder.join(sums::FILE), sums::of(folder, &files)?.as_bytes())?;
    Ok(listing)
}

/// The policy that goes with a component, where its package has one: Wassette reads it from a layer of its own.
fn policy(package: &Path) -> Result<Option<Vec<u8>>> {
    let file = package.join("policy.yaml");
    if !file.exists() {
        return Ok(None);
    }
    std::fs::read(&file).map(Some).with_context(|| format!("cannot read {}", file.display()))
}

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
