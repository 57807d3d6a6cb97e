//! list_integrations, list_connections and get_connection.

use serde_json::{Value, json};

use crate::samples::{connection, integration, row, sample};
use crate::table::{Outcome, Table, call, call_with, config, refused, with};

/// A Nango of that many connections, that answers one query.
fn page(line: &str, from: usize, to: usize) -> (String, Value) {
    let rows: Vec<Value> = (from..to).map(|at| row(&format!("c-{at}"))).collect();
    (line.to_owned(), json!({"connections": rows}))
}

#[track_caller]
fn list(nango: &Table, change: Value) -> Outcome {
    call(nango, "list_connections", &with(&json!({"environment": "dev"}), change))
}

/// The one request that these arguments make.
#[track_caller]
fn query(change: Value) -> String {
    let nango = Table::new().on("*", 200, json!({"connections": [row("c-1")]}));
    let outcome = list(&nango, change);
    let [line] = outcome.lines()[..] else { panic!("{:?}", outcome.lines()) };
    let target = line.strip_prefix("GET /connections?").unwrap();
    let pairs: Vec<String> = form_urlencoded::parse(target.as_bytes()).map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

#[test]
fn a_row_shows_what_is_declared_and_counts_the_rest() {
    let end_user =
        json!({"id": "u1", "email": null, "display_name": "U", "tags": {"x": "y"}, "organization": {"id": "o", "display_name": null}});
    let full = with(
        &row("c-1"),
        json!({"errors": [{"type": "auth", "log_id": "17_x"}], "end_user": end_user, "metadata": {"secret": 1}, "new_field": {"a": 1}}),
    );
    let nango = Table::new().on("*", 200, json!({"connections": [full]}));
    assert_eq!(
        list(&nango, json!({})).value(),
        &json!({
            "connections": [{
                "connection_id": "c-1", "provider_config_key": "github", "provider": "github", "created": "2026-11-23T13:05:43.66+00:00",
                "errors": [{"type": "auth", "log_id": "17_x"}],
                "end_user": {"id": "u1", "display_name": "U", "organization": {"id": "o"}},
                "tags": {"end_user_id": "u1"},
            }],
            // id, metadata and new_field of the row; tags of the end user.
            "dropped_fields": 4,
        })
    );
}

#[test]
fn filters_become_query_parameters() {
    for (change, expected) in [
        (json!({}), "limit=51&page=0"),
        (json!({"limit": 1}), "limit=2&page=0"),
        (json!({"limit": 200}), "limit=201&page=0"),
        (json!({"integration_id": "git hub"}), "integrationId=git hub&limit=51&page=0"),
        (json!({"connection_id": "a/b&c=d".replace('&', ";")}), "connectionId=a/b;c=d&limit=51&page=0"),
        (json!({"search": "é & =#?"}), "search=é & =#?&limit=51&page=0"),
        (json!({"end_user_id": "u 1"}), "tags[end_user_id]=u 1&limit=51&page=0"),
        (json!({"organization_id": "o"}), "tags[organization_id]=o&limit=51&page=0"),
        (json!({"tags": {"Team": "A", "x.y": "é"}}), "tags[team]=A&tags[x.y]=é&limit=51&page=0"),
        (json!({"with_errors": true}), "limit=51&page=0"),
        (
            json!({"integration_id": "g", "connection_id": "c", "search": "s", "end_user_id": "u", "organization_id": "o", "tags": {"t": "v"}, "limit": 3}),
            "integrationId=g&connectionId=c&search=s&tags[end_user_id]=u&tags[organization_id]=o&tags[t]=v&limit=4&page=0",
        ),
    ] {
        assert_eq!(query(change), expected);
    }
}

#[test]
fn one_tag_cannot_be_asked_for_twice() {
    for change in [
        json!({"end_user_id": "u1", "tags": {"END_USER_ID": "u2"}}),
        json!({"organization_id": "o", "tags": {"organization_id": "o"}}),
        json!({"tags": {"A": "1", "a": "2"}}),
    ] {
        refused("list_connections", &with(&json!({"environment": "dev"}), change), "duplicate_tag", "tags");
    }
}

#[test]
fn a_person_from_before_tags_is_found_when_nothing_else_was_asked() {
    let none = json!({"connections": []});
    let (by_tag, by_user) = ("GET /connections?tags%5Bend_user_id%5D=u1&limit=51&page=0", "GET /connections?endUserId=u1&limit=51&page=0");
    let outcome = list(
        &Table::new().on(by_tag, 200, none.clone()).on(by_user, 200, json!({"connections": [row("old")]})),
        json!({"end_user_id": "u1"}),
    );
    assert_eq!((outcome.lines(), &outcome.value()["connections"][0]["connection_id"]), (vec![by_tag, by_user], &json!("old")));
    let outcome = list(&Table::new().on("*", 200, none.clone()), json!({"organization_id": "o"}));
    assert!(outcome.lines()[1].starts_with("GET /connections?endUserOrganizationId=o&"), "{:?}", outcome.lines());
    let outcome = list(&Table::new().on("*", 200, none.clone()), json!({"end_user_id": "u1", "tags": {}}));
    assert_eq!(outcome.sent.len(), 2, "no tag is no other tag");
    for change in [json!({"end_user_id": "u1", "tags": {"a": "b"}}), json!({"search": "u1"}), json!({})] {
        assert_eq!(list(&Table::new().on("*", 200, none.clone()), change).sent.len(), 1);
    }
    assert_eq!(list(&Table::new().on("*", 200, json!({"connections": [row("new")]})), json!({"end_user_id": "u1"})).sent.len(), 1);
}

#[test]
fn cursors_lead_through_all_pages() {
    for (change, found_by) in [(json!({"limit": 2}), ""), (json!({"limit": 2, "end_user_id": "u1"}), "endUserId=u1&")] {
        // Five rows. The list of a person from before tags goes on in the way in which it began.
        let pages = [
            page(&format!("GET /connections?{found_by}limit=3&page=0"), 0, 3),
            page(&format!("GET /connections?{found_by}limit=5&page=0"), 0, 5),
            page(&format!("GET /connections?{found_by}limit=4&page=1"), 4, 5),
        ];
        let nango = Table::new().on("GET /connections?tags%5Bend_user_id%5D=u1&limit=3&page=0", 200, json!({"connections": []}));
        let nango = pages.into_iter().fold(nango, |nango, (line, body)| nango.on(&line, 200, body));
        let (mut seen, mut cursor) = (Vec::new(), Value::Null);
        loop {
            let outcome = list(&nango, with(&change, json!({"cursor": cursor})));
            let value = outcome.value();
            seen.extend(value["connections"].as_array().unwrap().iter().map(|row| row["connection_id"].as_str().unwrap().to_owned()));
            cursor = value.get("next_cursor").cloned().unwrap_or_default();
            assert!(outcome.sent.len() == 1 || seen.len() == 2);
            if cursor.is_null() {
                break;
            }
            assert!(!cursor.as_str().unwrap().contains("u1") && seen.len() < 5, "{cursor}");
        }
        assert_eq!(seen, ["c-0", "c-1", "c-2", "c-3", "c-4"]);
    }
}

#[test]
fn a_cursor_belongs_to_the_other_arguments() {
    let nango = Table::new().on("*", 200, json!({"connections": [row("c-1"), row("c-2")]}));
    let cursor = list(&nango, json!({"limit": 1, "search": "a"})).value()["next_cursor"].clone();
    let dev = json!({"environment": "dev"});
    for change in [
        json!({"limit": 2, "search": "a"}),
        json!({"limit": 1}),
        json!({"limit": 1, "search": "b"}),
        json!({"limit": 1, "search": "a", "with_errors": true}),
        json!({"limit": 1, "search": "a", "tags": {}}),
    ] {
        refused("list_connections", &with(&with(&dev, change), json!({"cursor": cursor})), "bad_cursor", "cursor");
    }
    list(&nango, json!({"limit": 1, "search": "a", "cursor": cursor, "with_errors": false})).value();
    let text = cursor.as_str().unwrap();
    let (offset, rest) = text.split_once('_').unwrap();
    let forged = [
        format!("{}_{rest}", offset.parse::<u32>().unwrap() + 1),
        format!("{text}_x"),
        "1".into(),
        "nonsense".into(),
        "1_t_0000000000000000".into(),
        format!("{}_t_x", u64::MAX),
        "_".into(),
        "-".into(),
    ];
    for cursor in forged {
        refused("list_connections", &with(&dev, json!({"limit": 1, "search": "a", "cursor": cursor})), "bad_cursor", "cursor");
        refused("list_integrations", &with(&dev, json!({"limit": 1, "cursor": cursor})), "bad_cursor", "cursor");
    }
    // A cursor of one list is none of the other.
    refused("list_integrations", &with(&dev, json!({"limit": 1, "cursor": text})), "bad_cursor", "cursor");
}

#[test]
fn a_cursor_belongs_to_its_tool() {
    let dev = json!({"environment": "dev", "limit": 1});
    let nango = Table::new().on("GET /integrations", 200, json!({"data": [integration("github"), integration("slack")]}));
    let cursor = call(&nango, "list_integrations", &dev).value()["next_cursor"].clone();
    for other in ["list_connections", "audit_connection_conventions"] {
        refused(other, &with(&dev, json!({"cursor": cursor})), "bad_cursor", "cursor");
    }
}

#[test]
fn with_errors_filters_the_page_and_still_goes_on() {
    let broken = with(&row("broken"), json!({"errors": [{"type": "sync", "log_id": "1"}]}));
    let nango = Table::new().on("*", 200, json!({"connections": [row("well"), broken, row("next")]}));
    let outcome = list(&nango, json!({"limit": 2, "with_errors": true}));
    assert_eq!(outcome.value()["connections"].as_array().unwrap().len(), 1);
    assert_eq!(outcome.value()["connections"][0]["connection_id"], "broken");
    assert!(outcome.value()["next_cursor"].is_string());
}

#[test]
fn integrations_are_listed_a_page_at_a_time() {
    let keys = ["airtable-pat", "datadog", "github"];
    let data: Vec<Value> = keys.iter().map(|key| integration(key)).collect();
    let nango = Table::new().on("GET /integrations", 200, json!({"data": data}));
    let list = |change: Value| call(&nango, "list_integrations", &with(&json!({"environment": "dev"}), change));
    let outcome = list(json!({}));
    assert_eq!(
        (outcome.lines(), &outcome.value()["total"], outcome.value().get("next_cursor")),
        (vec!["GET /integrations"], &json!(3), None)
    );
    assert_eq!(
        outcome.value()["integrations"][2],
        json!({
            "unique_key": "github", "provider": "github", "display_name": "GitHub", "forward_webhooks": true,
            "created_at": "2026-11-23T12:40:52.859Z", "updated_at": "2026-11-23T12:40:52.859Z",
        })
    );
    assert_eq!(outcome.value()["dropped_fields"], 3, "the three logos");
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    for left in [2, 1, 0] {
        let outcome = list(json!({"limit": 1, "cursor": cursor}));
        let value = outcome.value();
        assert_eq!((value["total"].as_i64(), value.get("next_cursor").is_some()), (Some(3), left > 0));
        seen.push(value["integrations"][0]["unique_key"].as_str().unwrap().to_owned());
        cursor = value.get("next_cursor").cloned().unwrap_or_default();
    }
    assert_eq!(seen, keys);
}

#[test]
fn a_connection_is_shown_without_credentials() {
    let (arguments, nango) = sample("get_connection");
    let outcome = call(&nango, "get_connection", &arguments);
    assert_eq!(outcome.lines(), ["GET /connections/c-1?provider_config_key=github"]);
    assert_eq!(
        outcome.value(),
        &json!({
            "connection_id": "c-1", "provider_config_key": "github", "provider": "github", "errors": [],
            "end_user": {"id": "u1", "email": "u1@example.com"},
            "tags": {"end_user_id": "u1", "team": "t"}, "metadata": {"own": [1]}, "connection_config_names": ["subdomain"],
            "created_at": "2026-11-23T13:06:19.418+00:00", "updated_at": "2026-11-23T13:06:19.529+00:00",
            "last_fetched_at": "2026-11-23T13:06:19.539+00:00",
            // id, the end user's tags, credentials.
            "dropped_fields": 3,
        })
    );
    let bare = json!({"connection_id": "c-1", "provider_config_key": "github", "errors": []});
    let outcome = call(&Table::new().on("*", 200, bare.clone()), "get_connection", &arguments);
    assert_eq!(outcome.value(), &with(&bare, json!({"dropped_fields": 0})));
}

#[test]
fn another_connection_than_the_one_asked_for_is_no_answer() {
    for change in [json!({"connection_id": "c-2"}), json!({"provider_config_key": "gitlab"})] {
        let nango = Table::new().on("*", 200, with(&connection(), change.clone()));
        let outcome = call(&nango, "get_connection", &sample("get_connection").0);
        assert_eq!(outcome.code(), "invalid_answer", "{change}");
    }
}

#[test]
fn credentials_are_shown_only_when_allowed_and_asked_for() {
    let arguments = |include: Value| with(&sample("get_connection").0, json!({"include_credentials": include}));
    let outcome = call(&Table::new(), "get_connection", &arguments(json!(true)));
    assert_eq!((outcome.error["kind"].as_str(), outcome.code(), outcome.sent.len()), (Some("policy"), "credentials_not_allowed", 0));
    assert!(outcome.sentence().contains("NANGO_MCP_ALLOW_CREDENTIALS=true"));
    let allowing = config(&[("NANGO_MCP_ALLOW_CREDENTIALS", "true")]);
    let asked = |include| call_with(&allowing, &sample("get_connection").1, "get_connection", &arguments(include));
    assert_eq!(asked(json!(true)).value()["credentials"], connection()["credentials"]);
    assert!(!asked(json!(false)).text().contains("gho_") && !asked(Value::Null).text().contains("gho_"));
    // A key without the scope gets them empty and no word of it (observed).
    for credentials in [json!({}), Value::Null] {
        let nango = Table::new().on("*", 200, with(&connection(), json!({"credentials": credentials})));
        let outcome = call_with(&allowing, &nango, "get_connection", &arguments(json!(true)));
        assert_eq!(outcome.code(), "missing_scope", "{}", outcome.text());
        assert!(outcome.sentence().contains("environment:connections:read_credentials"), "{}", outcome.sentence());
    }
}
