//! What docs/migration.md says of LevSky22/nango-mcp-server, held to that server's tools and to ours.

mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use nango_mcp::config::{REPLACED, VARIABLES};
use serde_json::Value;

use self::table::{Row, To};

/// The versions that have a fixture, each with all that it had.
pub(crate) const VERSIONS: [(&str, &[&str]); 2] = [("2.x", &["2.0.0"]), ("0.x", &["0.x", "0.x-later"])];

/// A tool of the Python server: its arguments, and whether they are required.
type Arguments = Vec<(String, bool)>;

/// The tools of a version, in its order; what later fixtures add stands behind.
fn tools_of(fixtures: &[&str]) -> Vec<(String, Arguments)> {
    let mut tools: Vec<(String, Arguments)> = Vec::new();
    for fixture in fixtures {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/peer/{fixture}.json"));
        let list: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for (name, arguments) in list.as_object().unwrap() {
            let arguments = arguments.as_object().unwrap().iter().map(|(name, required)| (name.clone(), required.as_bool().unwrap()));
            match tools.iter_mut().find(|(have, _)| have == name) {
                Some((_, have)) => have.extend(arguments),
                None => tools.push((name.clone(), arguments.collect())),
            }
        }
    }
    tools
}

fn all_tools() -> Vec<(String, Arguments)> {
    VERSIONS.iter().flat_map(|(_, fixtures)| tools_of(fixtures)).collect()
}

/// `connectionId` as `connection_id`.
fn snake(name: &str) -> String {
    name.chars().flat_map(|c| c.is_uppercase().then_some('_').into_iter().chain(c.to_lowercase())).collect()
}

#[track_caller]
fn row(old: &str) -> &'static Row {
    let rows: Vec<&Row> = table::TOOLS.iter().filter(|row| row.old == old).collect();
    let [row] = rows[..] else { panic!("{old} has {} rows in tests/migration/table.rs", rows.len()) };
    row
}

/// Where an argument went; `None` for its own name in snake case.
#[track_caller]
fn went(row: &Row, argument: &str) -> Option<&'static To> {
    let all = row.arguments.iter().chain(table::EVERYWHERE);
    let found: Vec<&To> = all.filter(|(name, _)| *name == argument).map(|(_, to)| to).collect();
    assert!(found.len() <= 1, "{}: {argument} is there twice", row.old);
    found.first().copied()
}

/// The new names that an old argument stands for.
fn names(row: &Row, argument: &str) -> Vec<String> {
    match went(row, argument) {
        None | Some(To::Kept(_)) => vec![argument.to_owned()],
        Some(To::Into(names, _)) => names.iter().map(|name| (*name).to_owned()).collect(),
        Some(To::Gone(_)) => Vec::new(),
    }
}

/// Ours of that name: its arguments, and whether they are required.
#[track_caller]
fn ours(name: &str) -> BTreeMap<&'static str, bool> {
    crate::table::tool(name).params().into_iter().map(|param| (param.name, param.required)).collect()
}

#[test]
fn every_old_tool_and_argument_went_somewhere() {
    for (tool, arguments) in all_tools() {
        let row = row(&tool);
        let Some(new) = row.new else {
            assert!(!row.note.is_empty(), "{tool}: why is it gone?");
            continue;
        };
        for (argument, _) in arguments {
            let argument = snake(&argument);
            for name in names(row, &argument) {
                let known = ours(new).contains_key(name.as_str());
                assert!(known, "{tool}: {argument} became `{name}`, which {new} does not take");
            }
        }
    }
}

#[test]
fn the_table_has_nothing_that_never_was() {
    let tools = all_tools();
    let had = |tool: &str| -> BTreeSet<String> {
        tools.iter().filter(|(name, _)| name == tool).flat_map(|(_, arguments)| arguments).map(|(name, _)| snake(name)).collect()
    };
    for row in table::TOOLS {
        assert!(tools.iter().any(|(name, _)| name == row.old), "{} was no tool", row.old);
        for (argument, to) in row.arguments {
            assert!(had(row.old).contains(*argument), "{}: {argument} was no argument", row.old);
            let idle = matches!(to, To::Into([only], "") if only == argument) || matches!(to, To::Kept(""));
            assert!(!idle, "{}: {argument} says nothing", row.old);
        }
    }
    for (argument, _) in table::EVERYWHERE {
        assert!(tools.iter().any(|(tool, _)| had(tool).contains(*argument)), "{argument} was no argument");
    }
}

/// Whoever rewrites a call by the table has all that the new tool demands.
#[test]
fn no_required_argument_comes_as_a_surprise() {
    for (_, fixtures) in VERSIONS {
        let tools = tools_of(fixtures);
        for (tool, arguments) in &tools {
            let row = row(tool);
            // A tool that became part of another is told of in words.
            let Some(new) = row.new.filter(|new| *new == tool || tools.iter().all(|(name, _)| name != new)) else { continue };
            let given: BTreeSet<String> = arguments.iter().flat_map(|(name, _)| names(row, &snake(name))).collect();
            let required = ours(new).into_iter().filter(|(_, required)| *required);
            let missing: Vec<&str> = required.map(|(name, _)| name).filter(|name| !given.contains(*name)).collect();
            assert!(missing.is_empty(), "{tool}: {missing:?} of {new} come from no old argument");
        }
    }
}

#[test]
fn notes_name_what_is_there() {
    let notes = table::TOOLS.iter().flat_map(|row| {
        let arguments = row.arguments.iter().chain(table::EVERYWHERE).map(|(_, to)| match to {
            To::Kept(note) | To::Into(_, note) | To::Gone(note) => *note,
        });
        arguments.chain([row.note]).map(move |note| (row, note))
    });
    for (row, note) in notes {
        assert!(!note.ends_with('.') && !note.starts_with(' '), "{}: {note}", row.old);
        for word in note.split('`').skip(1).step_by(2) {
            let variable = word.split('=').next().unwrap();
            // A path, and what their own members are called.
            let theirs = word.contains('/')
                || ["company.name", "oauth_scopes", "default_scopes", "op", "field", "path", "{field, op, value}"].contains(&word);
            let first = word.split('.').next().unwrap();
            let argument = theirs || row.new.is_none_or(|new| ours(new).contains_key(first)) || row.new == Some("import_connection");
            assert!(argument || VARIABLES.iter().any(|known| known.name == variable), "{}: `{word}` in: {note}", row.old);
        }
        for word in note.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| word.starts_with("get_")) {
            ours(word);
        }
    }
}

#[test]
fn nearly_all_tools_of_2_0_0_are_here_by_name() {
    let by_name = |fixture: &str| {
        let tools = tools_of(&[fixture]);
        (tools.iter().filter(|(name, _)| row(name).new == Some(name)).count(), tools.len())
    };
    assert_eq!((by_name("2.0.0"), by_name("0.x")), ((26, 28), (21, 23)));
    let guide = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/migration.md")).unwrap();
    assert!(guide.contains("26 of its 28 tools have the same name"));
}

#[test]
fn variables_that_work_unchanged_exist() {
    for (name, note) in table::VARIABLES {
        assert!(VARIABLES.iter().any(|variable| variable.name == *name), "{name}");
        assert!(note.is_empty() || note.ends_with('.'), "{name}");
    }
    assert!(REPLACED.iter().all(|(name, _)| VARIABLES.iter().all(|variable| variable.name != *name)));
}

/// A cell of a table, in which `|` and `<` are themselves.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

fn note(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {}", cell(text)) }
}

fn code(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The tools of a version, each with where it and its arguments went.
pub(crate) fn tools(fixtures: &[&str]) -> String {
    let mut out = String::from("| Tool | Here | Arguments |\n|---|---|---|\n");
    for (tool, arguments) in tools_of(fixtures) {
        let row = row(&tool);
        let here = match row.new {
            Some(new) if new == tool => format!("the same{}", note(row.note)),
            Some(new) => format!("`{new}`{}", note(row.note)),
            None => format!("none{}", note(row.note)),
        };
        let mut same = Vec::new();
        let mut others = Vec::new();
        for (argument, _) in arguments.into_iter().filter(|_| row.new.is_some()) {
            let name = snake(&argument);
            match went(row, &name) {
                None if name == argument => same.push(argument),
                None => others.push(format!("`{argument}` → `{name}`")),
                Some(To::Kept(text)) if name == argument => others.push(format!("`{argument}`{}", note(text))),
                Some(To::Kept(text)) => others.push(format!("`{argument}` → `{name}`{}", note(text))),
                Some(To::Into(names, text)) => {
                    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
                    others.push(format!("`{argument}` → {}{}", code(&names), note(text)));
                }
                Some(To::Gone(text)) => others.push(format!("`{argument}` → none{}", note(text))),
            }
        }
        if !same.is_empty() {
            others.insert(0, code(&same));
        }
        out += &format!("| `{tool}` | {here} | {} |\n", others.join("<br>"));
    }
    out
}

/// The variables that work, and what replaces the others.
pub(crate) fn variables() -> (String, String) {
    let mut kept = String::from("| Variable | What is otherwise |\n|---|---|\n");
    for (name, text) in table::VARIABLES {
        kept += &format!("| `{name}` | {} |\n", cell(text));
    }
    let mut replaced = String::from("| Variable | What does its work |\n|---|---|\n");
    for (name, remedy) in REPLACED {
        let star = if name.ends_with('_') { "*" } else { "" };
        replaced += &format!("| `{name}{star}` | {} |\n", cell(remedy));
    }
    (kept, replaced)
}
