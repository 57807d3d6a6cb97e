//! create_integration: credentials by type, and what Nango may say about them.

use serde_json::{Value, json};

use super::integrations::shown;
use crate::samples::{integration, sample};
use crate::table::{Outcome, Table, call, refused, with};

const TOOL: &str = "create_integration";
const POST: &str = "POST /integrations";

#[track_caller]
fn create(change: Value) -> Outcome {
    call(&sample(TOOL).1, TOOL, &with(&sample(TOOL).0, change))
}

/// What Nango refuses so.
#[track_caller]
fn answered(change: Value, error: Value) -> Outcome {
    call(&Table::new().on(POST, 400, json!({"error": error})), TOOL, &with(&sample(TOOL).0, change))
}

fn body(outcome: &Outcome) -> &Value {
    outcome.sent[0].body.as_ref().unwrap()
}

#[test]
fn an_integration_is_made_and_its_credentials_stay() {
    let outcome = create(json!({}));
    assert_eq!(outcome.lines(), [POST]);
    assert_eq!(
        body(&outcome),
        &json!({
            "provider": "github", "unique_key": "github",
            "credentials": {"type": "OAUTH2", "client_id": "own-client-id", "client_secret": "own-client-secret", "scopes": "repo,user"},
        })
    );
    assert_eq!(outcome.value(), &json!({"integration": shown("github"), "dropped_fields": 1}));
    assert!(!outcome.text().contains("own-client"));
}

#[test]
fn all_arguments_are_sent() {
    let outcome = create(json!({
        "display_name": "GitHub of ours", "forward_webhooks": false, "integration_config": {"region": "eu"}, "custom": {"x": ""}, "credentials": null,
    }));
    assert_eq!(
        body(&outcome),
        &json!({
            "provider": "github", "unique_key": "github", "display_name": "GitHub of ours", "forward_webhooks": false,
            "integration_config": {"region": "eu"}, "custom": {"x": ""},
        })
    );
}

#[test]
fn every_type_takes_its_own_fields() {
    let oauth = json!({"client_id": "own-client-id", "client_secret": "own-client-secret"});
    let app = json!({"app_id": "own-app-id", "app_link": "https://github.com/apps/own", "private_key": "-----BEGIN own-key END-----"});
    let both = with(&oauth, app.clone());
    let more = json!({"scopes": ["repo"], "webhook_secret": "own-webhook-secret"});
    for (kind, fields, extra) in [
        ("OAUTH1", &oauth, &more),
        ("OAUTH2", &oauth, &more),
        ("TBA", &oauth, &more),
        ("APP", &app, &json!({})),
        ("CUSTOM", &both, &json!({})),
    ] {
        let whole = with(&with(fields, extra.clone()), json!({"type": kind}));
        let mut sent = whole.clone();
        if whole.get("scopes").is_some() {
            sent["scopes"] = "repo".into();
        }
        assert_eq!(body(&create(json!({"credentials": whole})))["credentials"], sent, "{kind}");
        for field in fields.as_object().unwrap().keys() {
            let mut lacking = json!({});
            lacking[field] = Value::Null;
            let arguments = with(&sample(TOOL).0, json!({"credentials": with(&whole, lacking)}));
            refused(TOOL, &arguments, "credentials_incomplete", &format!("credentials.{field}"));
        }
        for (field, value) in with(&both, more.clone()).as_object().unwrap() {
            if whole.get(field).is_none() {
                let mut surplus = json!({});
                surplus[field] = value.clone();
                let arguments = with(&sample(TOOL).0, json!({"credentials": with(&whole, surplus)}));
                refused(TOOL, &arguments, "credentials_surplus", &format!("credentials.{field}"));
            }
        }
    }
}

#[test]
fn scopes_are_one_each_and_a_key_file_ends_where_the_key_ends() {
    for (scopes, code) in [(json!(["repo user"]), "wrong_format"), (json!(["repo,user"]), "wrong_format"), (json!([""]), "wrong_length")] {
        let credentials = with(&sample(TOOL).0["credentials"], json!({"scopes": scopes}));
        refused(TOOL, &with(&sample(TOOL).0, json!({"credentials": credentials})), code, "credentials.scopes[0]");
    }
    let none = with(&sample(TOOL).0["credentials"], json!({"scopes": []}));
    assert_eq!(body(&create(json!({"credentials": none})))["credentials"]["scopes"], "");
    let app = json!({"type": "APP", "app_id": "own-app-id", "app_link": "https://a.b", "private_key": "\n-----BEGIN\nx\nEND-----\n"});
    assert_eq!(body(&create(json!({"credentials": app})))["credentials"]["private_key"], "-----BEGIN\nx\nEND-----");
}

#[test]
fn other_arguments_that_nango_would_refuse_are_refused_here() {
    for (change, code, field) in [
        (json!({"provider": "git.hub"}), "wrong_format", "provider"),
        (json!({"unique_key": "a/b"}), "wrong_format", "unique_key"),
        (json!({"display_name": ""}), "wrong_length", "display_name"),
        (json!({"credentials": {"type": "API_KEY"}}), "unknown_value", "credentials.type"),
        (json!({"credentials": {}}), "missing_argument", "credentials.type"),
        (json!({"custom": {"a": 1}}), "wrong_type", "custom.a"),
    ] {
        refused(TOOL, &with(&sample(TOOL).0, change), code, field);
    }
}

#[test]
fn what_nango_says_becomes_a_remedy() {
    let field = |message: &str, path: &str| json!({"code": "invalid_body", "errors": [{"code": "invalid_string", "message": message, "path": [path]}]});
    let said = |message: &str| json!({"code": "invalid_body", "message": message});
    for (error, code, remedy) in [
        (field("Invalid provider", "provider"), "unknown_provider", "search_provider_templates"),
        (field("Unique key already exists", "uniqueKey"), "integration_exists", "another `unique_key`"),
        (said("Missing credentials"), "credentials_missing", "get_provider"),
        (said("incompatible credentials auth type and provider auth"), "credentials_mismatch", "`credentials.type`"),
        (said("This provider does not accept integration configuration"), "invalid_body", "integration configuration"),
    ] {
        let outcome = answered(json!({}), error);
        assert_eq!(outcome.code(), code, "{}", outcome.text());
        assert!(outcome.sentence().contains(remedy), "{}", outcome.sentence());
    }
    // The argument as it is called here.
    assert_eq!(answered(json!({}), field("Unique key already exists", "uniqueKey")).error["field"], "unique_key");
}

#[test]
fn a_secret_that_nango_repeats_is_not_shown() {
    let credentials = |secret: &str| json!({"type": "OAUTH2", "client_id": "own-client-id", "client_secret": secret});
    for secret in ["own-client-secret", "s3cr", "zq"] {
        let said = format!("no {secret} and {} are no good", secret.to_uppercase());
        let error = json!({"code": "invalid_body", "message": said, "errors": [{"message": said, "path": ["credentials"]}]});
        let outcome = answered(json!({"credentials": credentials(secret)}), error);
        assert!(!outcome.text().to_lowercase().contains(secret), "{}", outcome.text());
        assert_eq!(outcome.error["field"], "credentials");
    }
    // A case that is known is known all the same.
    let error = json!({"code": "invalid_body", "message": "incompatible credentials auth type and provider auth"});
    assert_eq!(answered(json!({"credentials": credentials("a")}), error).code(), "credentials_mismatch");
}

#[test]
fn an_answer_that_is_not_the_integration_says_that_it_was_made() {
    for data in [integration("other"), json!({}), Value::Null] {
        let outcome = call(&Table::new().on(POST, 200, json!({"data": data})), TOOL, &sample(TOOL).0);
        assert_eq!((outcome.code(), &outcome.error["done"]), ("invalid_answer", &json!(["the change, which Nango took"])));
    }
}
