//! Documents with answers in them: each is written from a run of the built component, and held to it.

mod session;
pub(crate) mod stable;
pub(crate) mod tools;

use std::path::Path;

/// The moment at which all examples happen: 2026-11-23T12:41:40Z.
const NOON: i64 = 1_795_437_700;

/// Hold a committed document against what it should be; with UPDATE=1 in the environment, write it.
#[track_caller]
pub(crate) fn check_or_update(path: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    if committed == text {
        return;
    }
    if std::env::var("UPDATE").is_ok_and(|update| update == "1") {
        return std::fs::write(path, text).unwrap();
    }
    let differs = text.lines().zip(committed.lines()).position(|(new, old)| new != old);
    let line = differs.unwrap_or_else(|| text.lines().count().min(committed.lines().count()));
    panic!(
        "{} is stale from line {} on: run `make generate` and commit what it changes\n  is       {}\n  should be {}",
        path.display(),
        line + 1,
        committed.lines().nth(line).unwrap_or_default(),
        text.lines().nth(line).unwrap_or_default()
    );
}
