//! Texts made from the tables and committed: a snapshot of every tool, and sections of README and of the migration guide.

mod wassette;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use nango_mcp::config::{ReadBy, VARIABLES};
use nango_mcp::tool::{Effect, Entry};
use nango_mcp::tools::TOOLS;
use nango_mcp::{Config, Listed, list_tools};
use serde_json::{Value, json};

use crate::migration;

/// Hold a committed file against what it should be; with UPDATE=1 in the environment, write it.
#[track_caller]
fn check_or_update(path: &Path, text: &str) {
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    if committed == text {
        return;
    }
    #[expect(clippy::disallowed_methods, reason = "how `make generate` asks for it")]
    if std::env::var("UPDATE").is_ok_and(|update| update == "1") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        return std::fs::write(path, text).unwrap();
    }
    let differs = text.lines().zip(committed.lines()).position(|(new, old)| new != old);
    let line = differs.unwrap_or_else(|| text.lines().count().min(committed.lines().count()));
    panic!("{} is stale from line {} on: run `make generate` and commit what it changes", path.display(), line + 1);
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A tool as tools/list shows it.
pub(crate) fn listed_as(listed: &Listed) -> Value {
    let Entry { name, title, description, effect, idempotent, open_world, .. } = listed.entry;
    json!({
        "name": name,
        "title": title,
        "description": description,
        "inputSchema": listed.input_schema,
        "outputSchema": listed.output_schema,
        "annotations": {
            "readOnlyHint": *effect == Effect::Read,
            "destructiveHint": *effect == Effect::Destructive,
            "idempotentHint": idempotent,
            "openWorldHint": open_world,
        },
    })
}

#[test]
fn every_tool_is_as_its_snapshot() {
    let config = Config::from_vars([]).unwrap();
    for listed in list_tools(&config) {
        let text = format!("{:#}\n", listed_as(&listed));
        check_or_update(&root(&format!("tests/snapshots/{}.json", listed.entry.name)), &text);
    }
}

#[test]
fn every_snapshot_is_of_a_tool() {
    for file in std::fs::read_dir(root("tests/snapshots")).unwrap() {
        let path = file.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        assert!(TOOLS.iter().any(|entry| entry.name == stem), "{} is of no tool: delete it", path.display());
    }
}

/// Replace what stands between `<!-- name:begin -->` and `<!-- name:end -->`.
#[track_caller]
fn section(path: &Path, name: &str, body: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    let (begin, end) = (format!("<!-- {name}:begin -->"), format!("<!-- {name}:end -->"));
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{} lacks {begin}", path.display()));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{} lacks {end}", path.display()));
    check_or_update(path, &format!("{before}{begin}\n{body}{end}{after}"));
}

#[test]
fn readme_says_what_the_tables_say() {
    let readme = root("README.md");
    for (name, body) in [("tools", tools()), ("scopes", scopes()), ("configuration", configuration())] {
        section(&readme, name, &body);
    }
}

#[test]
fn the_migration_guide_says_what_its_table_says() {
    let guide = root("docs/migration.md");
    let (kept, replaced) = migration::variables();
    section(&guide, "variables", &kept);
    section(&guide, "replaced", &replaced);
    for (version, fixtures) in migration::VERSIONS {
        section(&guide, &format!("tools-{version}"), &migration::tools(fixtures));
    }
}

/// Toolsets in the order of their first tools.
fn toolsets() -> Vec<(&'static str, Vec<&'static Entry>)> {
    let mut sets: Vec<(&str, Vec<&Entry>)> = Vec::new();
    for entry in TOOLS {
        match sets.iter_mut().find(|(name, _)| *name == entry.toolset.name()) {
            Some((_, entries)) => entries.push(entry),
            None => sets.push((entry.toolset.name(), vec![entry])),
        }
    }
    sets
}

/// A cell of a table: one line, in which `|` and `<` are themselves.
fn cell(text: &str) -> String {
    assert!(!text.contains('\n'));
    text.replace('|', "\\|").replace('<', "&lt;")
}

fn code(texts: impl IntoIterator<Item = &'static str>) -> String {
    let texts: Vec<String> = texts.into_iter().map(|text| format!("`{text}`")).collect();
    if texts.is_empty() { "none".to_owned() } else { texts.join(", ") }
}

fn tools() -> String {
    let mut out = String::from("| Toolset | Tool | What it does | Effect | API key scopes |\n|---|---|---|---|---|\n");
    for (set, entries) in toolsets() {
        for (at, entry) in entries.into_iter().enumerate() {
            let does = entry.description.split_once(". ").map_or(entry.description, |(first, _)| first);
            let effect = match entry.effect {
                Effect::Read => "reads",
                Effect::Write => "writes",
                Effect::Destructive => "deletes or overwrites",
            };
            let set = if at == 0 { set } else { "" };
            let scopes = code(entry.scopes.iter().copied());
            out += &format!("| {set} | `{}` | {}. | {effect} | {scopes} |\n", entry.name, cell(does.trim_end_matches('.')));
        }
    }
    out
}

fn scopes() -> String {
    let mut out = String::from("| Toolset | Smallest API key | Better with |\n|---|---|---|\n");
    for (set, entries) in toolsets() {
        let needed: BTreeSet<&str> = entries.iter().flat_map(|entry| entry.scopes.iter().copied()).collect();
        let better: BTreeSet<&str> = entries.iter().flat_map(|entry| entry.better_with.iter().copied()).collect();
        let needs = if needed.is_empty() { "any key".to_owned() } else { code(needed.iter().copied()) };
        let better = better.difference(&needed).copied().collect::<Vec<_>>();
        let better = if better.is_empty() { String::new() } else { code(better) };
        out += &format!("| {set} | {needs} | {better} |\n");
    }
    out
}

fn configuration() -> String {
    let mut out = String::from("| Variable | Default | Values | Meaning | Read by |\n|---|---|---|---|---|\n");
    for variable in VARIABLES {
        let default = if variable.default.is_empty() { String::new() } else { format!("`{}`", variable.default) };
        let read_by = match variable.read_by {
            ReadBy::Component => "component",
            ReadBy::Host => "host",
            ReadBy::Both => "both",
        };
        out += &format!("| `{}` | {default} | {} | {} | {read_by} |\n", variable.name, cell(variable.form), cell(variable.meaning));
    }
    out
}

#[test]
fn the_tables_are_fit_for_readme() {
    let mut names = BTreeSet::new();
    for variable in VARIABLES {
        assert!(names.insert(variable.name), "{} is there twice", variable.name);
        assert!(variable.meaning.ends_with('.') && !variable.form.is_empty(), "{}", variable.name);
    }
    for line in [tools(), scopes(), configuration()].iter().flat_map(|table| table.lines()) {
        assert!(line.starts_with("| ") || line.starts_with("|---"), "{line}");
    }
}
