//! What holds for every tool. Each message names the tool.

use std::collections::BTreeSet;
use std::path::Path;

use nango_mcp::tool::{Effect, Entry, Kind, Param};
use nango_mcp::tools::TOOLS;
use nango_mcp::{CallError, INSTRUCTIONS, call_tool, list_tools};
use serde_json::{Value, json};

use crate::generated::listed_as;
use crate::samples::sample;
use crate::table::{Table, call, call_with, config, tool, with};

/// What a model takes for one another names one another.
const CONFUSABLE: &[&[&str]] = &[
    &["create_connect_session", "create_standard_connect_session", "create_reconnect_session"],
    &["get_connect_session", "cancel_connect_session"],
    &["list_connections", "get_connection"],
    &["replace_connection_tags", "update_connection_metadata", "update_connection_end_user"],
    &["list_integrations", "get_integration"],
    &["search_provider_templates", "get_provider"],
    &["create_integration", "update_integration"],
    &["list_integrations", "search_provider_templates"],
    &["list_environments", "check_environment"],
    &["describe_connection_convention", "build_connection_convention", "apply_connection_convention", "audit_connection_conventions"],
];

/// Tools that a description sends elsewhere, and where to.
const SENDS_TO: &[(&str, &str)] = &[
    ("ensure_connection", "create_connect_session"),
    ("ensure_connection", "create_reconnect_session"),
    ("wait_for_connection", "list_connections"),
    ("wait_for_connection", "get_connect_session"),
    ("get_connect_session", "create_connect_session"),
    ("get_connect_session", "wait_for_connection"),
    ("cancel_connect_session", "delete_connection"),
    ("list_integrations", "list_connections"),
    ("list_connections", "list_integrations"),
    ("get_connection", "create_reconnect_session"),
    ("create_standard_connect_session", "apply_connection_convention"),
    ("build_connection_convention", "create_standard_connect_session"),
    ("apply_connection_convention", "create_standard_connect_session"),
    ("audit_connection_conventions", "list_connections"),
    ("get_connection", "get_connection_context"),
    ("get_connection_context", "get_connection"),
    ("get_connection_context", "list_connections"),
    ("get_connection_context", "create_reconnect_session"),
    ("refresh_connection_credentials", "get_connection"),
    ("refresh_connection_credentials", "create_reconnect_session"),
    ("import_connection", "create_connect_session"),
    ("import_connection", "create_reconnect_session"),
    ("delete_connection", "create_reconnect_session"),
    ("replace_connection_tags", "list_connections"),
    ("get_integration", "list_connections"),
    ("get_provider", "get_integration"),
    ("get_provider", "create_integration"),
    ("create_integration", "get_provider"),
    ("create_integration", "search_provider_templates"),
    ("create_integration", "create_connect_session"),
    ("delete_integration", "update_integration"),
    ("delete_integration", "list_connections"),
    ("update_integration", "create_reconnect_session"),
];

/// Fields whose content is the provider's, without limits of their own.
const OPEN_ARGUMENTS: &[&str] = &["connection_config", "metadata", "custom", "body", "query", "value"];

#[test]
fn names_are_short_unique_snake_case() {
    let mut seen = BTreeSet::new();
    for Entry { name, .. } in TOOLS {
        let snake = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        assert!(snake && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.len() <= 40, "{name}");
        assert!(seen.insert(name), "{name} is there twice");
    }
}

#[test]
fn every_tool_is_a_file_of_its_toolset_and_every_such_file_a_tool() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tools");
    for Entry { name, toolset, .. } in TOOLS {
        let file = src.join(toolset.name()).join(format!("{name}.rs"));
        assert!(file.exists(), "{name}: {} is missing", file.display());
    }
    for file in crate::layers::rust_files("src/tools") {
        let text = std::fs::read_to_string(&file).unwrap();
        let stem = file.file_stem().unwrap().to_str().unwrap();
        if text.contains("tool::Tool for ") {
            assert!(TOOLS.iter().any(|entry| entry.name == stem), "{} declares a tool that TOOLS lacks", file.display());
        }
    }
}

#[test]
fn titles_and_descriptions_are_for_people_and_models() {
    for Entry { name, title, description, .. } in TOOLS {
        let words = name.replace('_', " ");
        assert!(title.to_lowercase() != words || title.len() > name.len(), "{name}: the title `{title}` only repeats the name");
        assert_ne!(title, name);
        assert!((40..=900).contains(&description.len()), "{name}: the description has {} bytes", description.len());
        assert!(description.ends_with('.') && description.starts_with(char::is_uppercase), "{name}: sentences");
        assert!(!description.starts_with(name), "{name}: the description begins with the tool's name");
        assert!(!description.contains("  ") && !description.contains('\n'), "{name}: blanks in the description");
        assert!(description.contains("Use it "), "{name}: the description does not say when to use the tool");
    }
    assert!(INSTRUCTIONS.len() < 2048, "clients cut instructions at 2 KB");
}

#[test]
fn a_description_names_what_the_tool_may_be_confused_with() {
    let groups = CONFUSABLE.iter().flat_map(|group| group.iter().flat_map(move |from| group.iter().map(move |to| (*from, *to))));
    for (from, to) in groups.filter(|(from, to)| from != to).chain(SENDS_TO.iter().copied()) {
        tool(to);
        let words: Vec<&str> = tool(from).description.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        assert!(words.contains(&to), "{from}: the description does not name {to}");
    }
}

#[test]
fn whatever_looks_like_a_tool_in_a_description_is_one() {
    let verbs =
        ["create_", "list_", "get_", "check_", "delete_", "update_", "search_", "import_", "apply_", "audit_", "download_", "replace_"];
    for entry in TOOLS {
        let mut texts = vec![entry.description, INSTRUCTIONS];
        let (params, output) = (entry.params(), entry.output.iter());
        walk(params.into_iter().chain(output), "", &mut |_, param| texts.push(param.doc));
        for word in texts.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric() && c != '_')) {
            let known = TOOLS.iter().any(|entry| entry.name == word);
            assert!(known || !verbs.iter().any(|verb| word.starts_with(verb)), "{}: names `{word}`, which is no tool", entry.name);
        }
    }
}

/// Visit every field, with its path, at every depth.
fn walk<'a>(params: impl IntoIterator<Item = &'a Param>, path: &str, visit: &mut impl FnMut(&str, &'a Param)) {
    fn inner<'a>(kind: &'a Kind, path: &str, visit: &mut dyn FnMut(&str, &'a Param)) {
        match kind {
            Kind::List { item, .. } => inner(item, &format!("{path}[]"), visit),
            Kind::Map { value, .. } => inner(value, &format!("{path}.*"), visit),
            Kind::Object(params) => {
                for param in *params {
                    let at = format!("{path}.{}", param.name);
                    visit(&at, param);
                    inner(param.kind, &at, visit);
                }
            }
            Kind::Text(_) | Kind::Bool | Kind::Integer { .. } | Kind::Open | Kind::Any | Kind::Raw => {}
        }
    }
    for param in params {
        let at = format!("{path}{}", param.name);
        visit(&at, param);
        inner(param.kind, &at, &mut |path, param| visit(path, param));
    }
}

#[test]
fn every_field_is_documented_at_every_depth() {
    for entry in TOOLS {
        for (side, params) in [("argument", entry.params()), ("result", entry.output.iter().collect())] {
            walk(params, "", &mut |path, param| {
                let doc = param.doc.trim();
                assert!(doc.len() >= 5 && doc.ends_with('.'), "{}: {side} {path} is not documented by a sentence: `{doc}`", entry.name);
                assert!(doc.len() <= 300, "{}: {side} {path} is documented at length", entry.name);
            });
        }
    }
}

#[test]
fn every_argument_has_a_limit_at_every_depth() {
    fn limited(kind: &Kind, open: bool) -> bool {
        match kind {
            Kind::Text(text) => !text.choices.is_empty() || text.max <= 65_536,
            Kind::Integer { min, max } => min < max && *max < i64::MAX,
            Kind::List { item, max, .. } => *max <= 1000 && limited(item, open),
            Kind::Map { key, value, max } => *max <= 1000 && key.max <= 1000 && limited(value, open),
            Kind::Open | Kind::Any | Kind::Raw => open,
            Kind::Bool | Kind::Object(_) => true,
        }
    }
    for entry in TOOLS {
        walk(entry.params(), "", &mut |path, param| {
            let open = OPEN_ARGUMENTS.contains(&param.name);
            assert!(limited(param.kind, open), "{}: argument {path} has no limit", entry.name);
        });
    }
}

#[test]
fn every_default_is_json_that_its_kind_takes() {
    for entry in TOOLS {
        walk(entry.params(), "", &mut |path, param| {
            let Some(default) = param.default else { return };
            let value: Value = serde_json::from_str(default).unwrap_or_else(|_| panic!("{}: {path}: {default} is no JSON", entry.name));
            let fits = match param.kind {
                Kind::Integer { min, max } => value.as_i64().is_some_and(|number| (*min..=*max).contains(&number)),
                Kind::Bool => value.is_boolean(),
                Kind::Text(text) => value.as_str().is_some_and(|value| text.choices.is_empty() || text.choices.contains(&value)),
                _ => false,
            };
            assert!(fits, "{}: {path}: its kind does not take the default {default}", entry.name);
        });
    }
}

#[test]
fn required_arguments_come_first() {
    for entry in TOOLS {
        let optional_from = |params: &[&Param]| params.iter().position(|param| !param.required).unwrap_or(params.len());
        let params = entry.params();
        let late: Vec<&str> = params.iter().skip(optional_from(&params)).filter(|param| param.required).map(|param| param.name).collect();
        assert!(late.is_empty(), "{}: {late:?} are required and stand behind optional arguments", entry.name);
        let (first, last) = (params.first().map(|param| param.name), params.last().map(|param| param.name));
        assert_eq!(entry.environment, first == Some("environment"), "{}", entry.name);
        assert_eq!(entry.effect != Effect::Read, last == Some("confirmation"), "{}", entry.name);
    }
}

#[test]
fn schemas_are_portable() {
    fn portable(name: &str, schema: &Value, argument: bool) {
        let object = schema.as_object().unwrap_or_else(|| panic!("{name}: a schema is an object: {schema}"));
        for word in ["$ref", "$defs", "oneOf", "anyOf", "allOf", "not", "if", "format", "const"] {
            assert!(!object.contains_key(word), "{name}: {word} in {schema}");
        }
        // Any JSON: a schema without a type.
        if object.keys().all(|key| key == "description") {
            return;
        }
        match object["type"].as_str().unwrap_or_else(|| panic!("{name}: one type each: {schema}")) {
            "array" => portable(name, object.get("items").unwrap_or_else(|| panic!("{name}: a list without items")), argument),
            "object" => {
                let properties = object.get("properties").and_then(Value::as_object);
                properties.into_iter().flatten().for_each(|(_, inner)| portable(name, inner, argument));
                match object.get("additionalProperties") {
                    Some(Value::Object(_)) => portable(name, &object["additionalProperties"], argument),
                    // Results leave that out: what is not named is not there.
                    more => assert!(!argument || more.is_some_and(Value::is_boolean), "{name}: neither open nor closed: {schema}"),
                }
            }
            other => assert!(["string", "integer", "boolean"].contains(&other), "{name}: type {other}"),
        }
    }
    for listed in list_tools(&config(&[])) {
        for (schema, argument) in [(&listed.input_schema, true), (&listed.output_schema, false)] {
            portable(listed.entry.name, schema, argument);
            assert_eq!((&schema["type"], &schema["additionalProperties"]), (&"object".into(), &false.into()), "{}", listed.entry.name);
        }
        assert!(jsonschema::meta::is_valid(&listed.input_schema) && jsonschema::meta::is_valid(&listed.output_schema));
    }
}

#[test]
fn the_effect_follows_from_the_name() {
    for Entry { name, effect, idempotent, .. } in TOOLS {
        let expected = match name.split('_').next().unwrap() {
            "list" | "get" | "check" | "search" | "describe" | "audit" | "build" | "wait" | "download" => Effect::Read,
            "create" | "update" | "refresh" | "ensure" | "cancel" | "apply" | "replace" => Effect::Write,
            // import overwrites where it is told to, proxy_request does what its method says: at worst they destroy.
            "delete" | "import" | "proxy" => Effect::Destructive,
            verb => panic!("{name}: which effect does `{verb}` have? say it here"),
        };
        assert_eq!(*effect, expected, "{name}");
        assert!(*effect != Effect::Read || *idempotent, "{name}: what changes nothing may be repeated");
        assert!(!(name.starts_with("create_") && *idempotent), "{name}: every call creates another");
    }
}

#[test]
fn scopes_are_spelt_as_nango_does_and_said() {
    let some = ["connect_sessions", "connections", "integrations", "providers", "proxy", "environments"];
    for entry in TOOLS {
        for scope in entry.scopes.iter().chain(entry.better_with) {
            let parts: Vec<&str> = scope.split(':').collect();
            let whole = parts.len() == 3 || *scope == "environment:proxy";
            assert!(parts[0] == "environment" && whole && some.contains(&parts[1]), "{}: {scope}", entry.name);
        }
        for scope in entry.scopes {
            assert!(entry.description.contains(scope), "{}: the description does not name {scope}", entry.name);
        }
        assert!(entry.scopes.is_empty() || entry.open_world, "{}: what stays here needs no scope", entry.name);
    }
}

#[test]
fn a_tool_that_reads_sends_only_get_and_one_that_stays_here_nothing() {
    for entry in TOOLS {
        let (arguments, nango) = sample(entry.name);
        let outcome = call(&nango, entry.name, &arguments);
        assert!(!outcome.result.is_error, "{}: {}", entry.name, outcome.text());
        // A forced refresh is a GET too, and the only one that changes something.
        let gets = outcome.sent.iter().all(|sent| sent.line.starts_with("GET ") && !sent.line.contains("force_refresh"));
        assert_eq!(gets, entry.effect == Effect::Read || entry.read_only.is_some(), "{}: {:?}", entry.name, outcome.lines());
        assert_eq!(outcome.sent.is_empty(), !entry.open_world, "{}", entry.name);
    }
}

#[test]
fn the_next_call_that_a_result_names_can_be_made() {
    fn calls(value: &Value, out: &mut Vec<(String, Value)>) {
        if let (Some(tool), Some(arguments)) = (value.get("tool").and_then(Value::as_str), value.get("arguments")) {
            out.push((tool.to_owned(), arguments.clone()));
        }
        match value {
            Value::Array(items) => items.iter().for_each(|item| calls(item, out)),
            Value::Object(object) => object.values().for_each(|item| calls(item, out)),
            _ => {}
        }
    }
    let mut checked = 0;
    for entry in TOOLS {
        let (arguments, nango) = sample(entry.name);
        let mut named = Vec::new();
        calls(call(&nango, entry.name, &arguments).value(), &mut named);
        for (next, arguments) in named {
            // The connection's id is Nango's, and known only when the person has finished.
            let arguments =
                if next == "apply_connection_convention" { with(&arguments, json!({"connection_id": "c-1"})) } else { arguments };
            let outcome = call(&sample(tool(&next).name).1, &next, &arguments);
            assert!(!outcome.result.is_error, "{}: {next} {arguments}: {}", entry.name, outcome.text());
            checked += 1;
        }
    }
    assert!(checked >= 4);
}

#[test]
fn the_list_is_in_order_and_small_and_does_not_change() {
    let config = config(&[]);
    let listed = list_tools(&config);
    assert!(listed.iter().map(|listed| listed.entry.name).eq(TOOLS.iter().map(|entry| entry.name)));
    let list: Vec<Value> = listed.iter().map(listed_as).collect();
    // Every conversation pays for the list, so it has a budget, in all and for a server that only connects people.
    let bytes = |list: &[Value]| list.iter().map(|tool| tool.to_string().len() + 1).sum::<usize>();
    assert!(bytes(&list) < 72_000, "tools/list has {} bytes", bytes(&list));
    let connecting = crate::table::config(&[("NANGO_MCP_TOOLSETS", "connect,environments")]);
    let connecting: Vec<Value> = list_tools(&connecting).iter().map(listed_as).collect();
    assert!(bytes(&connecting) < 24_000, "tools/list of connect and environments has {} bytes", bytes(&connecting));
    assert_eq!(list, list_tools(&config).iter().map(listed_as).collect::<Vec<_>>());
}

#[test]
fn the_listed_environment_is_one_of_those_configured() {
    let config = config(&[("NANGO_MCP_ENVIRONMENTS", "dev, live"), ("NANGO_MCP_ENVIRONMENT_ALIASES_LIVE", "prod")]);
    for listed in list_tools(&config).iter().filter(|listed| listed.entry.environment) {
        let environment = &listed.input_schema["properties"]["environment"];
        assert_eq!(environment["enum"], serde_json::json!(["dev", "live"]), "{}", listed.entry.name);
        assert!(environment["description"].as_str().unwrap().contains("prod = live"), "{}", listed.entry.name);
        assert!(listed.input_schema["required"].as_array().unwrap().contains(&"environment".into()), "{}", listed.entry.name);
    }
}

#[test]
fn read_only_lists_and_calls_only_what_reads() {
    let config = config(&[("NANGO_MCP_READ_ONLY", "true")]);
    let listed: Vec<&str> = list_tools(&config).iter().map(|listed| listed.entry.name).collect();
    for entry in TOOLS {
        let (arguments, nango) = sample(entry.name);
        let outcome = call_with(&config, &nango, entry.name, &arguments);
        // The sample of a tool that does both only reads.
        let reads = entry.effect == Effect::Read || entry.read_only.is_some();
        assert_eq!(listed.contains(&entry.name), reads, "{}", entry.name);
        assert_eq!(outcome.result.is_error, !reads, "{}: {}", entry.name, outcome.text());
        if outcome.result.is_error {
            assert_eq!((outcome.error["kind"].as_str(), outcome.code()), (Some("policy"), "read_only"), "{}", entry.name);
            assert!(outcome.sentence().contains("NANGO_MCP_READ_ONLY") && outcome.sent.is_empty(), "{}", entry.name);
        }
    }
}

#[test]
fn an_unknown_tool_is_a_protocol_error_that_names_the_nearest() {
    let unknown = |name: &str| match call_tool(&config(&[]), &Table::new(), name, "{}") {
        Err(CallError::UnknownTool(text)) => text,
        other => panic!("{name}: {other:?}"),
    };
    for (wrong, right) in
        [("list_connection", "list_connections"), ("getConnection", "get_connection"), ("create-connect-session", "create_connect_session")]
    {
        assert!(unknown(wrong).contains(&format!("did you mean {right}?")), "{}", unknown(wrong));
    }
    assert!(!unknown("drop_all_tables").contains("did you mean"));
    assert!(!unknown(&format!("x{}", "y\u{7}".repeat(400))).contains('\u{7}') && unknown(&"z".repeat(4000)).len() < 200);
}
