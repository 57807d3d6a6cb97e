//! Documents that are written by hand, held to the code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

/// Each code of docs/errors.md stands in the code as a literal, and each rule and each code given to a constructor of
/// errors stands in docs/errors.md.
#[test]
fn every_error_code_is_documented_and_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(root.join("docs/errors.md")).unwrap();
    let documented: BTreeSet<&str> =
        document.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |").map(|(code, _)| code)).collect();
    let mut files = Vec::new();
    rust_files(&root.join("src"), &mut files);
    files.push(root.join("host-test/src/fault.rs"));
    let code: String = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    for known in &documented {
        assert!(code.contains(&format!("\"{known}\"")), "docs/errors.md names `{known}`, which no code gives");
    }
    let of_rules = nango_mcp::rules::RULES.iter().map(|rule| rule.code);
    let squeezed: String = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let given = ["Error::argument(", "Error::policy(", "refuse(", "Error::transport(", "failed( ", "failed(answer.status, "]
        .into_iter()
        .flat_map(|call| {
            squeezed.split(call).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"')?.split_once('"').map(|(code, _)| code))
        });
    for code in of_rules.chain(given) {
        assert!(documented.contains(code), "docs/errors.md does not name `{code}`");
    }
}
