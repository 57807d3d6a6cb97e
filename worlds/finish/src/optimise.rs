//! A core module made smaller by Binaryen.

use std::path::Path;

use anyhow::{Context as _, Result};
use wasm_opt::{Feature, OptimizationOptions, Pass};

use crate::order;

/// What of WebAssembly the toolchain uses. All of it is in WebAssembly 2.0, which every host of components has.
const FEATURES: [Feature; 6] =
    [Feature::MutableGlobals, Feature::SignExt, Feature::TruncSat, Feature::BulkMemory, Feature::ReferenceTypes, Feature::Multivalue];

/// First of all, once: addresses become constants, and control flow is laid anew.
const BEFORE: [Pass; 4] = [Pass::SimplifyGlobals, Pass::GenerateGlobalEffects, Pass::Flatten, Pass::Rereloop];

/// Binaryen's own order for functions at `-Oz` (pass.cpp, addDefaultFunctionOptimizationPasses) but for local-cse, which
/// makes smaller code that compresses worse.
const FUNCTIONS: [Pass; 30] = [
    Pass::SsaNomerge,
    Pass::Dce,
    Pass::RemoveUnusedNames,
    Pass::RemoveUnusedBrs,
    Pass::RemoveUnusedNames,
    Pass::OptimizeInstructions,
    Pass::PickLoadSigns,
    Pass::PrecomputePropagate,
    Pass::OptimizeAddedConstantsPropagate,
    Pass::CodePushing,
    Pass::SimplifyLocalsNostructure,
    Pass::Vacuum,
    Pass::RecorderLocals,
    Pass::RemoveUnusedBrs,
    Pass::CoalesceLocals,
    Pass::SimplifyLocals,
    Pass::Vacuum,
    Pass::RecorderLocals,
    Pass::CoalesceLocals,
    Pass::RecorderLocals,
    Pass::Vacuum,
    Pass::CodeFolding,
    Pass::MergeBlocks,
    Pass::RemoveUnusedBrs,
    Pass::RemoveUnusedNames,
    Pass::MergeBlocks,
    Pass::PrecomputePropagate,
    Pass::OptimizeInstructions,
    Pass::Rse,
    Pass::Vacuum,
];

/// Last, once. Without memory-packing, which `-Oz` has: the zeros it cuts out of the data compress better than the
/// addresses that it puts there instead.
const AFTER: [Pass; 6] = [
    Pass::DaeOptimizing,
    Pass::InliningOptimizing,
    Pass::DuplicateFunctionElimination,
    Pass::RemoveUnusedModuleElements,
    Pass::StripProducers,
    // Alignments are hints, and one for all packs better.
    Pass::Dealign,
];

/// And once more over the whole: functions in the order of the names that `order` gives them, without any name.
const LAST: [Pass; 4] = [Pass::ReorderFunctionsByName, Pass::StripDebug, Pass::GenerateStackIr, Pass::OptimizeStackIr];

/// The module, optimised.
pub(crate) fn module(module: &[u8], output: &Path) -> Result<Vec<u8>> {
    let passes = BEFORE.into_iter().chain(FUNCTIONS).chain(FUNCTIONS).chain(FUNCTIONS).chain(AFTER);
    let small = run(module, output, passes)?;
    run(&order::named(&small)?, output, LAST)
}

/// Binaryen reads and writes files: they lie beside `output` meanwhile.
fn run(module: &[u8], output: &Path, passes: impl IntoIterator<Item = Pass>) -> Result<Vec<u8>> {
    let (before, after) = (output.with_extension("core.wasm"), output.with_extension("optimised.wasm"));
    std::fs::write(&before, module).with_context(|| format!("cannot write {}", before.display()))?;
    let mut options = OptimizationOptions::new_optimize_for_size_aggressively();
    // The stack lies lowest in memory, so no address is near zero, and an offset added to one never wraps around.
    // A call takes about as much code as six instructions, and more time: what is no longer is put where it is called. Of 2, 4, 6, 8 and
    // 10, up to 6 make the component smaller than 2, which is the default, and from 8 on it grows by kilobytes.
    options.always_inline_max_size(6);
    options.add_default_passes(false).low_memory_unused(true).mvp_features_only();
    for feature in FEATURES {
        options.enable_feature(feature);
    }
    for pass in passes {
        options.add_pass(pass);
    }
    let optimised = options.run(&before, &after).context("Binaryen refused the core module");
    let optimised = optimised.and_then(|()| std::fs::read(&after).context("Binaryen wrote nothing"));
    for file in [before, after] {
        let _ = std::fs::remove_file(file);
    }
    optimised
}

#[cfg(test)]
mod tests {
    use super::*;

    fn optimised(module_bytes: &[u8], name: &str) -> Result<Vec<u8>> {
        let folder = std::env::temp_dir().join(format!("finish-component-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let optimised = module(module_bytes, &folder.join("out.wasm"));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "nothing stays behind");
        std::fs::remove_dir(&folder).unwrap();
        optimised
    }

    #[test]
    fn what_nobody_calls_goes() {
        // (module (func (export "f") (result i32) (i32.add (i32.const 1) (i32.const 2))) (func))
        let module = b"\0asm\x01\0\0\0\x01\x08\x02\x60\x00\x01\x7f\x60\x00\x00\x03\x03\x02\x00\x01\x07\x05\x01\x01f\x00\x00\
            \x0a\x0d\x02\x07\x00\x41\x01\x41\x02\x6a\x0b\x03\x00\x01\x0b";
        let small = optimised(module, "small").unwrap();
        assert!(small.ends_with(b"\x07\x05\x01\x01f\x00\x00\x0a\x06\x01\x04\x00\x41\x03\x0b"), "{small:x?}");
    }

    #[test]
    fn what_is_no_module_is_refused() {
        for (name, bytes) in [("text", b"(module".as_slice()), ("cut", b"\0asm\x01\0\0\0\x01\x08\x02")] {
            assert!(optimised(bytes, name).is_err(), "{name}");
        }
    }
}
