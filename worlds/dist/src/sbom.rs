//! The bill of materials of a component: CycloneDX 1.5, as JSON.
//!
//! It has neither serial number nor time, which the standard leaves open: the same component has the same bill.

use anyhow::{Context as _, Result, ensure};
use cyclonedx_bom::external_models::normalized_string::NormalizedString;
use cyclonedx_bom::external_models::spdx::SpdxExpression;
use cyclonedx_bom::models::component::{Classification, Component as Entry, Components, Scope};
use cyclonedx_bom::models::dependency::{Dependencies, Dependency};
use cyclonedx_bom::models::hash::{Hash, HashAlgorithm, HashValue, Hashes};
use cyclonedx_bom::models::license::{LicenseChoice, Licenses};
use cyclonedx_bom::models::metadata::Metadata;
use cyclonedx_bom::prelude::{Bom, Purl, SpecVersion, Validate as _};

use crate::component::{Component, sha256};
use crate::units::{Crate, Origin, Units};

/// The C library of the target, which is linked besides what cargo builds: start-up code, and what the standard library
/// calls of it. It comes with the toolchain and has no version of its own there.
const LIBC: (&str, &str) = ("wasi-libc", "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT");

/// The bill of a component made of these crates.
///
/// # Errors
/// A name or licence is not of the form that CycloneDX asks for.
pub fn write(component: &Component, units: &Units) -> Result<Vec<u8>> {
    let root = units.crates.get(&units.root).context("the component is not made of a package")?;
    let mut own = entry(root)?;
    own.component_type = Classification::Application;
    own.name = NormalizedString::new(&component.name);
    own.description = Some(NormalizedString::new(&component.description));
    own.hashes = Some(digest(&sha256(&component.bytes)));
    let mut entries = Vec::new();
    for each in units.crates.iter().filter(|(id, _)| **id != units.root).map(|(_, each)| each) {
        entries.push(entry(each)?);
    }
    let mut libc = Entry::new(Classification::Library, LIBC.0, "", Some(LIBC.0.to_owned()));
    libc.version = None;
    libc.licenses = Some(license(LIBC.1)?);
    entries.push(libc);
    entries.sort_by(|one, other| one.bom_ref.cmp(&other.bom_ref));
    let metadata = Metadata { component: Some(own), ..Metadata::default() };
    let bill = Bom {
        version: 1,
        serial_number: None,
        metadata: Some(metadata),
        components: Some(Components(entries)),
        services: None,
        external_references: None,
        dependencies: Some(Dependencies(dependencies(units)?)),
        compositions: None,
        properties: None,
        vulnerabilities: None,
        signature: None,
        annotations: None,
        formulation: None,
        spec_version: SpecVersion::V1_5,
    };
    let valid = bill.validate_version(SpecVersion::V1_5);
    ensure!(valid.passed(), "the bill of {} is not valid: {valid:?}", component.file);
    let mut text = Vec::new();
    bill.output_as_json_v1_5(&mut text)?;
    Ok(text)
}

/// Which crate needs which. Every crate needs the standard library, so only the root says it.
fn dependencies(units: &Units) -> Result<Vec<Dependency>> {
    let mut all = vec![Dependency { dependency_ref: LIBC.0.to_owned(), dependencies: Vec::new() }];
    for (id, each) in &units.crates {
        let needed = each.needs.iter().filter_map(|id| units.crates.get(id));
        let told = |needed: &&Crate| needed.origin != Origin::Toolchain || each.origin == Origin::Toolchain || *id == units.root;
        let mut dependencies = needed.filter(told).map(reference).collect::<Result<Vec<_>>>()?;
        if each.origin == Origin::Toolchain && each.name == "std" {
            dependencies.push(LIBC.0.to_owned());
        }
        dependencies.sort();
        all.push(Dependency { dependency_ref: reference(each)?, dependencies });
    }
    all.sort_by(|one, other| one.dependency_ref.cmp(&other.dependency_ref));
    Ok(all)
}

/// The name of a crate within the bill: its package URL.
fn reference(each: &Crate) -> Result<String> {
    Ok(purl(each)?.to_string())
}

fn purl(each: &Crate) -> Result<Purl> {
    // What is not published has no place in a registry's namespace.
    let of = if each.origin == Origin::Registry { "cargo" } else { "generic" };
    Purl::new(of, &each.name, &each.version).with_context(|| format!("{} has no package URL", each.name))
}

fn entry(each: &Crate) -> Result<Entry> {
    let mut entry = Entry::new(Classification::Library, &each.name, &each.version, Some(reference(each)?));
    entry.purl = Some(purl(each)?);
    entry.scope = Some(Scope::Required);
    entry.licenses = Some(license(&each.license).with_context(|| format!("the licence of {}", each.name))?);
    entry.hashes = each.checksum.as_deref().map(digest);
    if each.origin == Origin::Toolchain {
        entry.description = Some(NormalizedString::new("Rust's standard library, built with the component"));
    }
    Ok(entry)
}

fn license(expression: &str) -> Result<Licenses> {
    let expression = SpdxExpression::try_from(expression.to_owned())?;
    Ok(Licenses(vec![LicenseChoice::Expression(expression)]))
}

fn digest(hex: &str) -> Hashes {
    Hashes(vec![Hash { alg: HashAlgorithm::SHA_256, content: HashValue(hex.to_owned()) }])
}
