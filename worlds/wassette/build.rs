//! The functions of wit/tools.wit as exports: the world's description for the linker, and for each function a way from its
//! core form (component-model, CanonicalABI.md, "flattening") into `called`.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use wit_component::{StringEncoding, metadata};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Resolve, WorldItem};

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=wit");
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir("wit")?;
    let world = resolve.select_world(&[package], Some("tools"))?;
    let out = std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?;
    let described = metadata::encode(&resolve, world, StringEncoding::UTF8, None)?;
    std::fs::write(Path::new(&out).join("world.bin"), described)?;

    let mut exports = String::new();
    for item in resolve.worlds.get(world).context("the world")?.exports.values() {
        let WorldItem::Function(function) = item else { continue };
        let name = &function.name;
        let core = resolve.wasm_signature(AbiVariant::GuestExport, function);
        ensure!(core.retptr, "{name} returns no pointer");
        let (mut params, mut values) = (Vec::new(), Vec::new());
        for (at, of) in core.params.iter().enumerate() {
            let of = match of {
                WasmType::I64 => "u64",
                WasmType::I32 | WasmType::Pointer | WasmType::Length => "u32",
                other => anyhow::bail!("{name} takes {other:?}"),
            };
            params.push(format!("a{at}: {of}"));
            values.push(format!("u64::from(a{at})"));
        }
        let (id, place) = (name.replace('-', "_"), if core.indirect_params { "Memory" } else { "Flat" });
        writeln!(exports, "#[unsafe(export_name = \"{name}\")]")?;
        writeln!(exports, "extern \"C\" fn {id}({}) -> *const u64 {{", params.join(", "))?;
        writeln!(exports, "    called(\"{id}\", Given::{place}(&[{}]))\n}}", values.join(", "))?;
    }
    std::fs::write(Path::new(&out).join("exports.rs"), exports)?;
    Ok(())
}
