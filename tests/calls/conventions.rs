//! The convention: in words, as values, and written to a connection.

use serde_json::{Map, Value, json};

use crate::samples::{connection, sample};
use crate::table::{Outcome, Table, call, call_with, config, refused, with};

const DESCRIBE: &str = "describe_connection_convention";
const BUILD: &str = "build_connection_convention";
const APPLY: &str = "apply_connection_convention";
const READ: &str = "GET /connections/c-1?provider_config_key=github";
const TAGS: &str = "PATCH /connections/c-1?provider_config_key=github";
const MERGE: &str = "PATCH /connections/metadata";
const REPLACE: &str = "POST /connections/metadata";

#[track_caller]
fn build(change: Value) -> Value {
    let outcome = call(&Table::new(), BUILD, &with(&sample(BUILD).0, change));
    assert!(outcome.sent.is_empty());
    outcome.value().clone()
}

/// Call with `change` laid over the sample, of a Nango whose connection this is.
#[track_caller]
fn apply(change: Value, connection: Value) -> Outcome {
    let nango = Table::new().on(READ, 200, connection).on(TAGS, 200, json!({"success": true})).on(MERGE, 200, json!({"metadata": {}})).on(
        REPLACE,
        201,
        json!({"metadata": {}}),
    );
    call(&nango, APPLY, &with(&sample(APPLY).0, change))
}

/// A connection with these tags and no end user.
fn tagged(tags: Value) -> Value {
    with(&connection(), json!({"tags": tags, "end_user": null}))
}

/// The tags that were sent, which are those of the result.
#[track_caller]
fn written(outcome: &Outcome) -> Value {
    assert_eq!(outcome.lines()[..2], [READ, TAGS], "{}", outcome.text());
    let body = outcome.sent[1].body.clone().unwrap();
    assert_eq!(body, json!({"tags": outcome.value()["tags"]}));
    body["tags"].clone()
}

fn some_tags(count: usize) -> Map<String, Value> {
    (0..count).map(|at| (format!("k{at}"), json!("v"))).collect()
}

#[test]
fn the_convention_is_told_without_a_request() {
    let named = config(&[("NANGO_MCP_METADATA_NAMESPACE", "my_app"), ("NANGO_SECRET_KEY", "")]);
    let outcome = call_with(&named, &Table::new(), DESCRIBE, &json!({}));
    let told = outcome.value();
    let keys: Vec<&String> = told.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["principle", "recommended_tags", "optional_routing_tags", "metadata_namespace", "fields", "avoid"]);
    assert_eq!(told["recommended_tags"], json!(["end_user_id", "end_user_email", "organization_id"]));
    assert_eq!(told["optional_routing_tags"], json!(["workspace_id", "project_id", "environment"]));
    assert_eq!(told["metadata_namespace"], "my_app");
    assert_eq!(call(&Table::new(), DESCRIBE, &json!({})).value()["metadata_namespace"], "nango_mcp");
}

#[test]
fn the_words_name_every_argument_and_every_value() {
    let outcome = call(&Table::new(), DESCRIBE, &json!({}));
    let fields = &outcome.value()["fields"];
    let schema = crate::table::tool(BUILD).input_schema(&config(&[]));
    for (name, property) in schema["properties"].as_object().unwrap() {
        if name == "provider_config_key" {
            continue;
        }
        let said = fields[name].as_str().unwrap_or_else(|| panic!("{name} is not described"));
        for choice in property["enum"].as_array().filter(|_| name != "environment").into_iter().flatten() {
            assert!(said.contains(choice.as_str().unwrap()), "{name}: {choice}");
        }
    }
}

#[test]
fn the_values_of_an_account_are_built() {
    assert_eq!(
        build(json!({})),
        json!({
            "connection_id": "dev__github__u1",
            "tags": {"end_user_id": "u1", "environment": "dev", "owner_kind": "user", "purpose": "documents"},
            "metadata": {"nango_mcp": {"environment": "dev", "principal": "u1", "owner_kind": "user", "purpose": "documents"}},
        })
    );
    let built = build(json!({
        "principal": " Ann.Lee@Example.com ", "owner_kind": "shared_mailbox", "purpose": "crm_sync", "oauth_app_owner": " operator ",
        "organization_id": "acme", "display_name": "Ann Lee",
    }));
    let expected = json!({
        "connection_id": "dev__github__ann-lee-at-example-com",
        "tags": {
            "end_user_id": "Ann.Lee@Example.com", "environment": "dev", "owner_kind": "shared_mailbox", "purpose": "crm_sync",
            "end_user_email": "Ann.Lee@Example.com", "organization_id": "acme", "end_user_display_name": "Ann Lee",
        },
        "metadata": {"nango_mcp": {
            "environment": "dev", "principal": " Ann.Lee@Example.com ", "owner_kind": "shared_mailbox", "purpose": "crm_sync",
            "oauth_app_owner": "operator",
        }},
    });
    // As text: the convention has an order.
    assert_eq!(built.to_string(), expected.to_string());
}

#[test]
fn what_is_said_wins_over_what_is_derived_and_blanks_say_nothing() {
    let built = build(json!({"principal": "a@example.com", "email": "b@example.com", "oauth_app_owner": "  "}));
    assert_eq!(built["tags"]["end_user_email"], "b@example.com");
    assert_eq!(built["metadata"]["nango_mcp"].get("oauth_app_owner"), None);
    assert_eq!(build(json!({"principal": "a at b@"}))["tags"].get("end_user_email"), None);
}

#[test]
fn environment_and_namespace_are_those_of_the_configuration() {
    let several = config(&[
        ("NANGO_MCP_ENVIRONMENTS", "dev,Live EU"),
        ("NANGO_MCP_ENVIRONMENT_ALIASES_LIVE_EU", "prod"),
        ("NANGO_MCP_METADATA_NAMESPACE", "my_app"),
    ]);
    let outcome = call_with(&several, &Table::new(), BUILD, &with(&sample(BUILD).0, json!({"environment": "PROD"})));
    assert_eq!(outcome.value()["connection_id"], "Live EU__github__u1");
    assert_eq!(outcome.value()["tags"]["environment"], "Live EU");
    assert_eq!(outcome.value()["metadata"]["my_app"]["environment"], "Live EU");
}

#[test]
fn an_id_of_just_the_length_is_built_and_a_longer_one_refused() {
    let fits = 255 - "dev__github__".len();
    assert_eq!(build(json!({"principal": "a".repeat(fits)}))["connection_id"].as_str().unwrap().len(), 255);
    let outcome =
        refused(BUILD, &with(&sample(BUILD).0, json!({"principal": "a".repeat(fits + 1)})), "connection_id_too_long", "principal");
    assert!(outcome.sentence().contains("256 characters"), "{}", outcome.sentence());
}

#[test]
fn a_link_the_values_and_the_written_tags_are_one_convention() {
    let change = json!({
        "principal": "a@example.com", "display_name": "A", "organization_id": "acme", "email": "b@example.com", "oauth_app_owner": "customer",
    });
    let link = "create_standard_connect_session";
    let (arguments, nango) = sample(link);
    let session = call(&nango, link, &with(&arguments, change.clone()));
    let built = build(change);
    assert_eq!(session.value()["tags"], built["tags"]);
    // What the link tells to do afterwards changes none of the tags that the session has given the connection.
    let after = &session.value()["after_connect"];
    assert_eq!(after["tool"], APPLY);
    let arguments = with(&after["arguments"], json!({"connection_id": "c-1"}));
    let nango = Table::new().on(READ, 200, tagged(built["tags"].clone())).on("*", 200, json!({"success": true, "metadata": {}}));
    let outcome = call(&nango, APPLY, &arguments);
    assert_eq!(written(&outcome), built["tags"]);
    assert_eq!((&outcome.value()["metadata"], &outcome.value()["warnings"]), (&built["metadata"], &json!([])));
}

#[test]
fn other_tags_are_kept_and_those_of_the_convention_written() {
    let outcome = apply(json!({"oauth_app_owner": "operator"}), tagged(json!({"team": "t", "end_user_id": "u1", "owner_kind": "robot"})));
    assert_eq!(outcome.lines(), [READ, TAGS, MERGE]);
    let tags = json!({"team": "t", "end_user_id": "u1", "owner_kind": "user", "environment": "dev", "purpose": "documents"});
    let metadata = json!({"nango_mcp": {
        "environment": "dev", "principal": "u1", "owner_kind": "user", "purpose": "documents", "oauth_app_owner": "operator",
    }});
    assert_eq!(written(&outcome), tags);
    assert_eq!(outcome.sent[2].body, Some(json!({"connection_id": "c-1", "provider_config_key": "github", "metadata": metadata})));
    assert_eq!(
        outcome.value(),
        &json!({
            "tags": tags, "identity_projection": {}, "metadata": metadata,
            "warnings": ["other values than before: owner_kind"],
        })
    );
}

#[test]
fn metadata_is_merged_or_replaced() {
    assert_eq!(apply(json!({"patch_metadata": true}), tagged(json!({}))).lines()[2], MERGE);
    let outcome = apply(json!({"patch_metadata": false}), tagged(json!({})));
    assert_eq!(outcome.value()["warnings"], json!(["other metadata is replaced (1 keys)"]));
    assert_eq!(outcome.lines(), [READ, TAGS, REPLACE]);
    assert_eq!(outcome.sent[2].body.as_ref().unwrap()["metadata"], outcome.value()["metadata"]);
}

#[test]
fn the_end_user_record_says_name_and_address() {
    let person = |change: Value| {
        let end_user = with(&json!({"id": "u1", "email": "n@example.com", "display_name": "N N"}), change);
        with(&tagged(json!({"end_user_email": "old@example.com", "end_user_display_name": "Old"})), json!({"end_user": end_user}))
    };
    let outcome = apply(json!({"principal": "p@example.com"}), person(json!({})));
    let tags = written(&outcome);
    assert_eq!((&tags["end_user_email"], &tags["end_user_display_name"]), (&json!("n@example.com"), &json!("N N")));
    assert_eq!(outcome.value()["identity_projection"], json!({"display_name": "N N", "email": "n@example.com"}));
    let warnings = outcome.value()["warnings"].as_array().unwrap();
    assert!(warnings.len() == 2 && warnings[0].as_str().unwrap().contains("another id than `principal`"), "{warnings:?}");
    assert_eq!(warnings[1], "other values than before: end_user_email, end_user_display_name");
    // The same person: nothing to warn of.
    let outcome = apply(json!({"principal": "u1"}), person(json!({"email": "old@example.com", "display_name": "Old"})));
    assert_eq!(outcome.value()["warnings"], json!([]));
    // What cannot be a tag is not written.
    for odd in [json!({"email": "nobody", "display_name": ""}), json!({"email": 7, "display_name": "\u{1f600}".repeat(128)})] {
        let outcome = apply(json!({}), person(odd));
        assert_eq!(outcome.value()["identity_projection"], json!({}));
        assert_eq!((&written(&outcome)["end_user_email"], &outcome.value()["warnings"]), (&json!("old@example.com"), &json!([])));
    }
}

#[test]
fn an_address_taken_from_the_principal_does_not_replace_one_of_the_same_person() {
    let kept = json!({"end_user_id": "a@example.com", "end_user_email": "b@example.com"});
    let outcome = apply(json!({"principal": "a@example.com"}), tagged(kept.clone()));
    assert_eq!(written(&outcome)["end_user_email"], "b@example.com");
    // Of another person it is out of date.
    let outcome = apply(json!({"principal": "c@example.com"}), tagged(kept));
    assert_eq!(written(&outcome)["end_user_email"], "c@example.com");
    assert_eq!(outcome.value()["warnings"], json!(["other values than before: end_user_id, end_user_email"]));
    assert_eq!(written(&apply(json!({"principal": "c@example.com"}), tagged(json!({}))))["end_user_email"], "c@example.com");
}

#[test]
fn a_second_call_finds_nothing_to_change() {
    let change = json!({"principal": "a@example.com"});
    let person = json!({"end_user": {"id": "a@example.com", "email": "n@example.com", "display_name": "N"}});
    let first = apply(change.clone(), with(&tagged(json!({"team": "t"})), person.clone()));
    let second = apply(change, with(&tagged(first.value()["tags"].clone()), person));
    assert_eq!(second.value(), first.value());
    assert_eq!(second.value()["warnings"], json!([]));
}

#[test]
fn more_tags_than_nango_takes_are_refused_before_anything_is_written() {
    assert_eq!(written(&apply(json!({}), tagged(some_tags(6).into()))).as_object().unwrap().len(), 10);
    let outcome = apply(json!({}), tagged(some_tags(8).into()));
    assert_eq!((outcome.lines(), outcome.code(), &outcome.error["field"]), (vec![READ], "too_many_tags", &json!("connection_id")));
    for number in ["has 8 tags", "would be 12", "takes 10", "so 2 of its own"] {
        assert!(outcome.sentence().contains(number), "{}", outcome.sentence());
    }
    // Name and address count too; a key that is there already does not.
    let person = json!({"end_user": {"id": "u1", "email": "n@example.com", "display_name": "N"}});
    assert_eq!(apply(json!({}), with(&tagged(some_tags(5).into()), person)).code(), "too_many_tags");
    let mut full = some_tags(7);
    full.extend(["end_user_id", "purpose", "owner_kind"].map(|key| (key.to_owned(), json!("v"))));
    assert_eq!(apply(json!({}), tagged(full.clone().into())).code(), "too_many_tags");
    full.shift_remove("k6");
    written(&apply(json!({}), tagged(full.into())));
}

#[test]
fn tags_that_nango_would_not_take_back_are_dropped_and_told() {
    let outcome = apply(json!({}), tagged(json!({"team": "t", "1bad": "x", "empty": "", "number": 7})));
    assert_eq!(written(&outcome)["team"], "t");
    assert_eq!(outcome.value()["warnings"], json!(["3 of the connection's tags broke Nango's own rules and were dropped"]));
}

#[test]
fn only_the_connection_that_was_asked_for_is_written() {
    for change in [
        json!({"connection_id": "c-2"}),
        json!({"provider_config_key": "slack"}),
        json!({"connection_id": null}),
        json!({"tags": null}),
        json!({"tags": []}),
        json!({"tags": "x"}),
    ] {
        let outcome = apply(json!({}), with(&connection(), change.clone()));
        assert_eq!((outcome.code(), outcome.lines()), ("invalid_answer", vec![READ]), "{change}");
    }
}

#[test]
fn a_connection_that_cannot_be_refreshed_is_tagged_all_the_same() {
    let failure =
        |connection: Value| json!({"error": {"code": "invalid_credentials", "message": "no", "payload": {"connection": connection}}});
    let nango = |connection: Value| {
        Table::new().on(READ, 400, failure(connection)).on(TAGS, 200, json!({"success": true})).on(MERGE, 200, json!({"metadata": {}}))
    };
    let outcome = call(&nango(tagged(json!({"team": "t"}))), APPLY, &sample(APPLY).0);
    assert_eq!(written(&outcome)["team"], "t");
    assert!(outcome.value()["warnings"][0].as_str().unwrap().contains("create_reconnect_session"));
    // Another connection is not tagged, and what the report leaves out is read off the list.
    let other = nango(with(&connection(), json!({"connection_id": "c-2"})));
    assert_eq!(call(&other, APPLY, &sample(APPLY).0).code(), "invalid_answer");
    for (row, code) in
        [(tagged(json!({"team": "t"})), ""), (json!({}), "invalid_answer"), (with(&connection(), json!({"tags": null})), "invalid_answer")]
    {
        let nango = nango(json!({})).on("GET /connections", 200, json!({"connections": [row]}));
        let outcome = call(&nango, APPLY, &sample(APPLY).0);
        assert_eq!((outcome.code(), outcome.lines().contains(&TAGS)), (code, code.is_empty()), "{}", outcome.text());
    }
}

#[test]
fn what_nango_refuses_is_told_with_what_was_done() {
    let scope = |scope: &str| json!({"error": {"code": "forbidden", "message": format!("Insufficient scope. Required: {scope}")}});
    let unknown = json!({"error": {"code": "not_found", "message": "Failed to find connection"}});
    let (read, update) = (scope("environment:connections:read"), scope("environment:connections:update"));
    for (line, status, body, code) in [
        (READ, 403, &read, "missing_scope"),
        (READ, 404, &unknown, "unknown_connection"),
        (TAGS, 403, &update, "missing_scope"),
        (TAGS, 404, &unknown, "unknown_connection"),
        (MERGE, 403, &update, "missing_scope"),
        (MERGE, 404, &json!({"error": {"code": "unknown_connection"}}), "unknown_connection"),
        (MERGE, 500, &json!({"error": {"code": "server_error"}}), "nango_failed"),
    ] {
        let lines = [READ, TAGS, MERGE];
        let nango = lines.iter().fold(Table::new(), |nango, at| match *at == line {
            true => nango.on(at, status, body.clone()),
            false => nango.on(at, 200, with(&connection(), json!({"success": true}))),
        });
        let outcome = call(&nango, APPLY, &sample(APPLY).0);
        let steps = lines.iter().position(|at| *at == line).unwrap() + 1;
        assert_eq!((outcome.code(), outcome.lines()), (code, lines[..steps].to_vec()), "{line}");
        let (done, not_done) = if line == MERGE {
            (json!(["tags written"]), json!(["metadata written: the same call again does it"]))
        } else if line == TAGS {
            (Value::Null, json!(["tags written", "metadata written"]))
        } else {
            (Value::Null, Value::Null)
        };
        // What failed inside Nango may have been done.
        let perhaps = |steps: Value| match steps.as_array() {
            Some(steps) if status >= 500 => {
                steps.iter().map(|step| Value::from(format!("{} (perhaps: look)", step.as_str().unwrap()))).collect()
            }
            _ => steps,
        };
        let not_done = perhaps(not_done);
        assert_eq!((&outcome.error["done"], &outcome.error["not_done"]), (&done, &not_done), "{line}");
        if status == 403 {
            assert!(outcome.sentence().contains("Required: environment:connections:"), "{}", outcome.sentence());
        }
    }
}
