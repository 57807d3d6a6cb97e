//! The bill of materials: what is in a component, and nothing else.

use std::collections::BTreeSet;

use cyclonedx_bom::prelude::{Bom, SpecVersion, Validate as _};
use dist::component::sha256;
use dist::sbom;
use dist::units::{BUILD, Units};
use serde_json::Value;

use super::{built, named, root};

fn bill() -> (Vec<u8>, Value) {
    let named = &named()[0];
    let text = sbom::write(&built(named), &Units::of(&root(), &named.package).unwrap()).unwrap();
    let value = serde_json::from_slice(&text).unwrap();
    (text, value)
}

#[test]
fn it_names_what_is_compiled_in_with_version_licence_and_checksum() {
    let (text, bill) = bill();
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let entries = bill["components"].as_array().unwrap();
    let names: BTreeSet<&str> = entries.iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    println!("{} crates: {}", entries.len(), names.iter().copied().collect::<Vec<_>>().join(" "));
    for inside in ["nango-mcp", "serde_json", "sha2", "waki", "wit-bindgen", "std", "core", "alloc", "wasi-libc"] {
        assert!(names.contains(inside), "{inside}");
    }
    // The host's, of the tests, and what only runs while it is built.
    for outside in ["wasmtime", "tokio", "jsonschema", "serde_derive", "syn", "wit-bindgen-rust-macro", "wasm-opt"] {
        assert!(!names.contains(outside), "{outside}");
    }
    for entry in entries {
        assert!(entry["licenses"][0]["expression"].is_string(), "{entry}");
        let published = entry["purl"].as_str().is_some_and(|purl| purl.starts_with("pkg:cargo/"));
        assert_eq!(entry["hashes"].is_array(), published, "{entry}");
    }
    let json = entries.iter().find(|entry| entry["name"] == "serde_json").unwrap();
    let (version, digest) = (json["version"].as_str().unwrap(), json["hashes"][0]["content"].as_str().unwrap());
    let locked = lock.split("\n\n").find(|package| package.contains(&format!("name = \"serde_json\"\nversion = \"{version}\"\n")));
    assert!(locked.is_some_and(|package| package.contains(&format!("checksum = \"{digest}\""))), "{json}");
    let text = String::from_utf8(text).unwrap();
    for path in ["file:", "/rustlib", env!("CARGO_MANIFEST_DIR"), "timestamp", "serialNumber"] {
        assert!(!text.contains(path), "{path}");
    }
}

#[test]
fn it_is_of_this_file_and_every_reference_is_in_it() {
    let (_, bill) = bill();
    let component = built(&named()[0]);
    let own = &bill["metadata"]["component"];
    assert_eq!((&own["name"], &own["version"]), (&component.name.clone().into(), &component.version.clone().into()));
    assert_eq!(own["hashes"][0]["content"], sha256(&component.bytes));
    let known: BTreeSet<&str> =
        bill["components"].as_array().unwrap().iter().chain([own]).map(|entry| entry["bom-ref"].as_str().unwrap()).collect();
    let mut reached = BTreeSet::from([own["bom-ref"].as_str().unwrap()]);
    let edges = bill["dependencies"].as_array().unwrap();
    assert_eq!(edges.len(), known.len());
    loop {
        let before = reached.len();
        for edge in edges.iter().filter(|edge| reached.contains(edge["ref"].as_str().unwrap())).collect::<Vec<_>>() {
            reached.extend(edge["dependsOn"].as_array().into_iter().flatten().map(|needed| needed.as_str().unwrap()));
        }
        if reached.len() == before {
            break;
        }
    }
    assert_eq!(reached, known, "everything is needed by something");
}

#[test]
fn it_is_valid_and_the_same_each_time() {
    let (text, _) = bill();
    assert_eq!(text, bill().0);
    let read = Bom::parse_from_json(text.as_slice()).unwrap();
    assert!(read.validate_version(SpecVersion::V1_5).passed());
}

#[test]
fn the_plan_is_of_the_build_that_the_makefile_does() {
    let makefile = std::fs::read_to_string(root().join("Makefile")).unwrap();
    for word in BUILD {
        assert!(makefile.contains(word), "the Makefile builds without {word}");
    }
    let error = Units::of(&root(), "no-such-package").unwrap_err();
    assert!(error.to_string().contains("no-such-package"), "{error}");
}
