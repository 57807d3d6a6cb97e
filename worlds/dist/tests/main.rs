//! What `make dist` writes, of the built components. `make test` builds them first.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod layouts;
mod materials;
mod packages;

use std::path::{Path, PathBuf};

use dist::Named;
use dist::component::Component;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The components that are given away: the Makefile's list.
fn named() -> Vec<Named> {
    let makefile = std::fs::read_to_string(root().join("Makefile")).unwrap();
    let line = makefile.lines().find_map(|line| line.strip_prefix("COMPONENTS := ")).expect("a list of components");
    line.split_whitespace().map(|word| Named::read(word).unwrap()).collect()
}

fn built(named: &Named) -> Component {
    Component::read(&root().join("dist"), &named.file).unwrap()
}

/// An empty folder for a test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("dist-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
