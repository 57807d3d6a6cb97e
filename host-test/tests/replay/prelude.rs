//! What the requests did that were made but not recorded, so far as later answers show it.
//!
//! `$abcd` stands for a recorded session token, by its last four digits.

use super::Sent;
use serde_json::Value;

pub(super) const DEV: &str = "00000000-0000-4000-8000-00000000dead";
pub(super) const PROD: &str = "00000000-0000-4000-8000-00000000beef";
pub(super) const SESSIONS_ONLY: &str = "00000000-0000-4000-8000-0000000c0de1";
pub(super) const READ_ONLY: &str = "00000000-0000-4000-8000-0000000c0de2";

/// What happens before a recorded pair.
pub(super) struct Prelude {
    pub before: &'static str,
    pub steps: &'static [Step],
}

/// One thing that happens.
pub(super) enum Step {
    /// So many seconds pass.
    Wait(u64),
    /// The window's calls are used up.
    Exhaust,
    /// Method, path, body; and which recorded token or id the one that is made stands for.
    Send(&'static str, &'static str, &'static str, Option<&'static str>),
}

use Step::{Exhaust, Send, Wait};

pub(super) const PRELUDE: &[Prelude] = &[
    Prelude {
        before: "int-create-datadog",
        steps: &[
            Send("POST", "/integrations", r#"{"provider":"stripe-api-key","unique_key":"stripe-api-key"}"#, None),
            Send("POST", "/integrations", r#"{"provider":"airtable-pat","unique_key":"airtable-pat"}"#, None),
            Send("POST", "/integrations", r#"{"provider":"unauthenticated","unique_key":"unauthenticated"}"#, None),
        ],
    },
    Prelude {
        before: "conn-import-nodid",
        steps: &[Send(
            "POST",
            "/connections",
            r#"{"provider_config_key":"github","connection_id":"conn-gh-1","credentials":{"type":"OAUTH2","access_token":"a"}}"#,
            None,
        )],
    },
    Prelude {
        before: "conn-get-tags",
        steps: &[Send("PATCH", "/connections/conn-gh-1?provider_config_key=github", r#"{"tags":{"only":"one"}}"#, None)],
    },
    Prelude {
        before: "conn-get-tags2",
        steps: &[Send("PATCH", "/connections/conn-gh-1?provider_config_key=github", r#"{"tags":{}}"#, None)],
    },
    Prelude {
        before: "meta-patch-404",
        steps: &[
            Send(
                "POST",
                "/connections/metadata",
                r#"{"connection_id":"conn-gh-1","provider_config_key":"github","metadata":{"x":1,"deep":{"a":1}}}"#,
                None,
            ),
            Send(
                "PATCH",
                "/connections/metadata",
                r#"{"connection_id":"conn-gh-1","provider_config_key":"github","metadata":{"y":2,"deep":{"b":2}}}"#,
                None,
            ),
        ],
    },
    Prelude {
        before: "cs-integrations-viatoken",
        steps: &[Send("POST", "/connect/sessions", r#"{"tags":{"a":"b"},"allowed_integrations":["github"]}"#, Some("$9274"))],
    },
    Prelude {
        before: "rc-session-tags",
        steps: &[Send(
            "POST",
            "/connect/sessions/reconnect",
            r#"{"connection_id":"conn-gh-1","integration_id":"github","tags":{"a":"b"},
                "integrations_config_defaults":{"github":{"authorization_params":{"prompt":"consent"}}}}"#,
            Some("$00e4"),
        )],
    },
    Prelude { before: "cs-get-deleted", steps: &[Send("DELETE", "/connect/session", "$c3f7", None)] },
    Prelude { before: "rate-429", steps: &[Exhaust] },
    Prelude { before: "px-dns", steps: &[Wait(60)] },
    Prelude {
        before: "conn-oddid-get",
        steps: &[Send(
            "POST",
            "/connections",
            r#"{"provider_config_key":"airtable-pat","connection_id":"a b","credentials":{"type":"API_KEY","apiKey":"p"}}"#,
            None,
        )],
    },
    Prelude {
        before: "conn-oddid-get (2)",
        steps: &[Send(
            "POST",
            "/connections",
            r#"{"provider_config_key":"airtable-pat","connection_id":"a/b","credentials":{"type":"API_KEY","apiKey":"p"}}"#,
            None,
        )],
    },
    Prelude { before: "conn-del-again", steps: &[Send("DELETE", "/connections/conn-exp?provider_config_key=github", "", None)] },
    Prelude {
        before: "flow-conn",
        steps: &[
            Send(
                "POST",
                "/connect/sessions",
                r#"{"tags":{"source":"mcp","end_user_id":"u5"},"allowed_integrations":["airtable-pat"]}"#,
                Some("$ff77"),
            ),
            Send(
                "POST",
                "/api-auth/api-key/airtable-pat?connect_session_token=$ff77",
                r#"{"apiKey":"patFake"}"#,
                Some("e1aa9d70-4662-4d55-b0fb-6790cc86e08e"),
            ),
        ],
    },
    Prelude {
        before: "flow-rc-complete",
        steps: &[Send(
            "POST",
            "/connect/sessions/reconnect",
            r#"{"connection_id":"e1aa9d70-4662-4d55-b0fb-6790cc86e08e","integration_id":"airtable-pat"}"#,
            Some("$3e78"),
        )],
    },
    Prelude {
        before: "rcw-session-notags",
        steps: &[Send(
            "POST",
            "/connections",
            r#"{"provider_config_key":"airtable-pat","connection_id":"conn-rc","credentials":{"type":"API_KEY","apiKey":"p"},
                "tags":{"source":"mcp"},"metadata":{"kept":false}}"#,
            None,
        )],
    },
    Prelude {
        before: "rcw-after",
        steps: &[Send("POST", "/api-auth/api-key/airtable-pat?connect_session_token=$71b0", r#"{"apiKey":"p2"}"#, None)],
    },
    Prelude {
        before: "rcw-enduser-get",
        steps: &[Send(
            "POST",
            "/connect/sessions/reconnect",
            r#"{"connection_id":"conn-rc","integration_id":"airtable-pat","end_user":{"id":"zz"}}"#,
            Some("$006e"),
        )],
    },
];

impl Step {
    /// The request of a `Send`. A body that is a token is the caller instead of the key.
    pub(super) fn request(&self) -> Option<Sent> {
        let Send(method, path, body, _) = self else { return None };
        let caller = if body.starts_with('$') { expand(body) } else { DEV.to_owned() };
        let mut headers = vec![("Authorization".to_owned(), format!("Bearer {caller}"))];
        if path.starts_with("/api-auth") {
            headers.clear();
        }
        let body: Option<Value> = serde_json::from_str(body).ok();
        if body.is_some() {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        Some(Sent { method: (*method).to_owned(), path: expand(path), headers, body })
    }
}

/// Writes out recorded session tokens.
pub(super) fn expand(text: &str) -> String {
    match text.split_once('$') {
        Some((before, digits)) => format!("{before}nango_connect_session_{digits:0>64}"),
        None => text.to_owned(),
    }
}
