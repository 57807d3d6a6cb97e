//! Who may know whom, read off the source: the fences that no compiler puts up.

use std::path::{Path, PathBuf};

/// Every Rust file below a folder of the project, build products excepted.
pub(crate) fn rust_files(folder: &str) -> Vec<PathBuf> {
    fn collect(folder: &Path, out: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                collect(&path, out);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                out.push(path);
            }
        }
    }
    let mut out = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut out);
    out.sort();
    assert!(!out.is_empty(), "no Rust file in {folder}");
    out
}

/// Code without comments, line by line. Good enough for words: `//` inside a text cuts it short.
fn code(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(|line| line.split("//").next().unwrap_or_default().to_owned()).collect()
}

/// No line of code in the folder has one of the words, but for the files named.
#[track_caller]
fn fence(folder: &str, words: &[&str], but: &[&str]) {
    for file in rust_files(folder) {
        if but.iter().any(|but| file.ends_with(but)) {
            continue;
        }
        for (at, line) in code(&file).iter().enumerate() {
            let found = words.iter().find(|word| line.contains(**word));
            assert!(found.is_none(), "{}:{}: `{}` has no place here", file.display(), at + 1, found.unwrap());
        }
    }
}

#[test]
fn only_one_module_knows_wasi() {
    fence("src", &["waki", "wasi:", "wasi::", "wit_bindgen", "wasi_http::"], &["src/wasi_http.rs"]);
    let outside: Vec<String> = rust_files("src").iter().flat_map(|file| code(file)).filter(|line| line.contains("wasi_http")).collect();
    assert_eq!(outside, ["pub mod wasi_http;"], "the module is declared and not used in the library");
}

#[test]
fn nango_knows_no_mcp() {
    fence(
        "src/nango",
        &["CallResult", "CallError", "tool::Tool", "tool::Entry", "crate::tools", "crate::call", "Effect", "isError", "structured"],
        &[],
    );
}

#[test]
fn tools_reach_the_world_through_the_context_only() {
    fence("src/tools", &["Transport", "HttpRequest", "HttpAnswer", "transport", "std::env", "std::time", "std::fs", "std::net"], &[]);
}

#[test]
fn variables_are_handed_over() {
    fence("src", &["std::env", "env::var", "option_env!", "get_environment"], &[]);
    let reads: Vec<String> =
        rust_files("worlds").iter().flat_map(|file| code(file)).filter(|line| line.contains("get_environment")).collect();
    assert_eq!(reads.len(), 1, "in one place, for every call anew: {reads:?}");
}

#[test]
fn time_and_chance_come_through_the_transport() {
    fence(
        "src",
        &["SystemTime", "Instant::now", "thread::sleep", "static mut", "thread_local!", "OnceLock", "LazyLock"],
        &["src/wasi_http.rs"],
    );
}

#[test]
fn a_secret_is_shown_where_it_must_be_only() {
    fence("src", &[".expose()"], &["src/secret.rs", "src/project.rs", "src/wasi_http.rs"]);
    let secret = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/secret.rs")).unwrap();
    assert!(!secret.contains("Display for Secret") && !secret.contains("Serialize"));
    assert!(!format!("{:?}", nango_mcp::Secret::new("shown-to-nobody")).contains("shown"));
}

#[test]
fn no_file_is_too_long_to_read() {
    for folder in ["src", "tests", "worlds", "host-test"] {
        for file in rust_files(folder) {
            let lines = std::fs::read_to_string(&file).unwrap().lines().count();
            assert!(lines <= 500, "{} has {lines} lines; 500 are the limit", file.display());
        }
    }
}
