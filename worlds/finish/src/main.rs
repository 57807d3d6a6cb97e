//! `finish-component IN OUT [PACKAGE [DOCS]]`: the last step of building a component. Its core module is optimised for size
//! by Binaryen, and the debug names that the linker made up go. With PACKAGE it says what it is, in words of that package;
//! with DOCS, a file of JSON, what its functions are for, to gateways that show that.
//!
//! Binaryen gives locals and code an order that packs better than LLVM's: a tenth less to compile, and 7 kB less to
//! download.

mod about;
mod optimise;
mod order;
mod sections;
mod shown;

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use about::About;

fn main() -> Result<()> {
    let mut words = std::env::args_os().skip(1);
    let (input, output) = words.next().zip(words.next()).context("usage: finish-component IN OUT [PACKAGE [DOCS]]")?;
    let (input, output) = (PathBuf::from(input), PathBuf::from(output));
    let about = words.next().map(|package| About::of(&package.to_string_lossy())).transpose()?;
    let component = std::fs::read(&input).with_context(|| format!("cannot read {}", input.display()))?;
    let finished = sections::rewrite(&component, &|module| optimise::module(module, &output));
    let finished = finished.and_then(|finished| match about {
        Some(about) => about.write(&finished, &output),
        None => Ok(finished),
    });
    let mut finished = finished.with_context(|| format!("cannot finish {}", input.display()))?;
    if let Some(docs) = words.next().map(PathBuf::from) {
        let json = std::fs::read(&docs).with_context(|| format!("cannot read {}", docs.display()))?;
        finished.extend(shown::docs(&json));
    }
    std::fs::write(&output, finished).with_context(|| format!("cannot write {}", output.display()))
}
