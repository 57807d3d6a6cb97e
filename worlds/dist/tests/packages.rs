//! The components themselves, the files as a whole, and the table of sizes.

use std::fs;

use dist::component::{Component, sha256};
use dist::{Named, listing};

use super::{built, folder, named, root};

/// `key = "value"` in a Cargo.toml.
fn says(manifest: &str, key: &str) -> Option<String> {
    let line = manifest.lines().find_map(|line| line.strip_prefix(&format!("{key} = ")))?;
    Some(line.trim_matches('"').to_owned())
}

#[test]
fn every_component_says_what_it_is() {
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for named in named() {
        let component = built(&named);
        let manifests = fs::read_dir(root().join("worlds")).unwrap().map(|entry| entry.unwrap().path().join("Cargo.toml"));
        let manifests = manifests.filter_map(|path| fs::read_to_string(path).ok());
        let own = manifests.into_iter().find(|text| says(text, "name").as_ref() == Some(&named.package)).unwrap();
        assert_eq!(component.name, named.file);
        assert_eq!(Some(component.version), says(&workspace, "version"));
        assert_eq!(Some(component.license), says(&workspace, "license"));
        assert_eq!(Some(component.description), says(&own, "description"));
        assert_eq!(component.source, says(&workspace, "repository"));
        assert!(!component.imports.is_empty() && !component.exports.is_empty());
        assert!(component.imports.iter().all(|name| name.contains(':')), "interfaces, and no types: {:?}", component.imports);
    }
}

#[test]
fn everything_is_written_summed_and_listed() {
    let (out, named) = (folder("all"), named());
    for each in &named {
        fs::write(out.join(format!("{}.wasm", each.file)), &built(each).bytes).unwrap();
    }
    let listing = dist::write(&root(), &out, &named).unwrap();
    println!("{listing}");
    let sums = fs::read_to_string(out.join("SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), 3 * named.len());
    for line in sums.lines() {
        let (digest, file) = line.split_once("  ").unwrap();
        assert_eq!(sha256(&fs::read(out.join(file)).unwrap()), digest, "{file}");
    }
    for each in &named {
        let component = built(each);
        assert!(listing.contains(&sha256(&component.bytes)) && sums.contains(&sha256(&component.bytes)));
        for name in component.imports.iter().chain(&component.exports) {
            assert!(listing.contains(name), "{name}");
        }
    }
}

#[test]
fn what_is_not_built_is_named_and_nothing_is_written() {
    let out = folder("missing");
    let error = dist::write(&root(), &out, &[Named::read("nango-mcp=nango-mcp-component").unwrap()]).unwrap_err();
    assert!(error.to_string().ends_with("nango-mcp.wasm is not built: run `make build`, which builds it first"), "{error}");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
    assert!(dist::write(&root(), &out, &[]).unwrap_err().to_string().starts_with("usage"));
    for bad in ["nango-mcp", "=a", "a=", "../a=b", "a=b c"] {
        assert!(Named::read(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_file_that_says_nothing_of_itself_is_refused() {
    for (bytes, says) in [
        (b"\0asm\x0d\0\x01\0".as_slice(), "does not say its name"),
        (b"\0asm\x01\0\0\0", "core module"),
        (b"(component)", ""),
        (b"\0asm\x0d\0\x01\0\x07", ""),
    ] {
        let error = Component::parse("a.wasm".to_owned(), bytes.to_vec()).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn the_table_of_sizes_is_as_they_are() {
    let path = root().join("docs/packages.md");
    let text = fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- sizes:begin -->\n", "<!-- sizes:end -->");
    let (before, rest) = text.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    let components: Vec<Component> = named().iter().map(built).collect();
    let fresh = format!("{before}{begin}{}{end}{after}", listing::table(&components));
    if fresh == text {
        return;
    }
    #[expect(clippy::disallowed_methods, reason = "how `make generate` asks for it")]
    if std::env::var("UPDATE").is_ok_and(|update| update == "1") {
        return fs::write(path, fresh).unwrap();
    }
    panic!("docs/packages.md is stale: run `make generate` and commit what it changes");
}
