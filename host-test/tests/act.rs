//! The component of ACT at its own interfaces: what ACT's own host, which checks before it calls, lets nobody try.

pub(crate) mod host;

use serde_json::{Value, json};

use self::host::{Act, Error, Instance, Stored, ToolEvent, cbor, message, metadata, within};
use super::bench::{KEY, embedded};

/// The one error that a call ended with.
#[track_caller]
fn error(events: &[ToolEvent]) -> &Error {
    match events {
        [ToolEvent::Error(error)] => error,
        events => panic!("one error, not {events:?}"),
    }
}

#[track_caller]
fn text(events: &[ToolEvent]) -> String {
    match events {
        [ToolEvent::Content(part)] => String::from_utf8(part.data.clone()).unwrap(),
        events => panic!("one part, not {events:?}"),
    }
}

/// An instance with a session of these variables.
async fn opened(stored: Stored, vars: &[(&str, &str)]) -> (Instance, String) {
    let mut instance = Act::shared().instance(stored).await;
    let session = instance.open(metadata(vars.iter().copied())).await.unwrap();
    (instance, session)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_imports_wasi_0_2_and_the_store_and_exports_what_act_looks_for() {
    let (imports, exports) = Act::shared().names();
    for import in imports.iter().filter(|import| !import.starts_with("act:")) {
        let (interface, version) = import.split_once('@').unwrap();
        let (package, _) = interface.split_once('/').unwrap();
        assert!(["wasi:cli", "wasi:io", "wasi:clocks", "wasi:random", "wasi:http"].contains(&package), "{import}");
        assert!(version.strip_prefix("0.2.").is_some_and(|patch| patch.parse::<u32>().is_ok()), "{import} is a pre-release");
        assert!(!interface.contains("environment"), "ACT's hosts give no variables");
    }
    let of_act: Vec<&String> = imports.iter().filter(|import| import.starts_with("act:")).collect();
    assert_eq!(
        of_act,
        [
            "act:core/types@0.4.0",
            "act:credentials/types@0.1.0",
            "act:credentials/store@0.1.0",
            "act:tools/types@0.2.0",
            "act:sessions/types@0.2.0"
        ]
    );
    assert_eq!(exports, ["act:tools/tool-provider@0.2.0", "act:sessions/session-provider@0.2.0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn its_list_is_the_library_s_under_the_session_s_variables() {
    let vars = [("NANGO_MCP_ENVIRONMENTS", "prod,dev"), ("NANGO_MCP_READ_ONLY", "true")];
    // Nobody is asked for a credential to show a list.
    let (mut instance, session) = opened(Stored::Unreadable, &vars).await;
    let listed = instance.list(within(&session)).await.unwrap().tools;
    let config = nango_mcp::Config::from_vars(vars.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap();
    let of_library = nango_mcp::list_tools(&config);
    assert!(!of_library.is_empty() && listed.len() == of_library.len());
    for (tool, other) in listed.iter().zip(&of_library) {
        assert_eq!(
            (tool.name.as_str(), serde_json::from_str(&tool.parameters_schema).ok()),
            (other.entry.name, Some(other.input_schema.clone()))
        );
        let says = |name: &str| {
            let (_, value) = tool.metadata.iter().find(|(known, _)| known == name).unwrap();
            ciborium::from_reader::<Value, _>(value.as_slice()).unwrap()
        };
        let reads = other.effect == nango_mcp::tool::Effect::Read;
        assert_eq!((says("std:read-only"), says("std:tags")), (json!(reads), json!([other.entry.toolset.name()])), "{}", tool.name);
    }
}

/// CBOR that is no map that JSON could be, or that is built to hurt.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_arguments_are_refused() {
    let (mut instance, session) = opened(Stored::Nothing, &[("std:api-key", KEY)]).await;
    let deep = |open: &[u8], close: &[u8]| [open.repeat(100_000), close.to_vec()].concat();
    let huge = cbor(&json!({"environment": "x".repeat(nango_mcp::MAX_ARGUMENTS)}));
    let hostile: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", vec![]),
        ("a list", cbor(&json!([]))),
        ("a text", cbor(&json!("{}"))),
        ("more than one item", [cbor(&json!({})), cbor(&json!({}))].concat()),
        ("cut off", vec![0xa1, 0x61]),
        ("a length of 2^64", vec![0xbb, 255, 255, 255, 255, 255, 255, 255, 255]),
        ("a text of 2^63", vec![0xa1, 0x7b, 127, 255, 255, 255, 255, 255, 255, 255]),
        ("a list of 2^32 in it", vec![0xa1, 0x61, b'a', 0x9a, 255, 255, 255, 255]),
        ("no UTF-8", vec![0xa1, 0x61, 0xff, 0xf5]),
        ("a key that is a number", vec![0xa1, 0x01, 0xf5]),
        ("a key twice", vec![0xa2, 0x61, b'a', 0xf5, 0x61, b'a', 0xf4]),
        ("bytes", vec![0xa1, 0x61, b'a', 0x41, 0]),
        ("a tag", vec![0xa1, 0x61, b'a', 0xc2, 0x41, 1]),
        ("undefined", vec![0xa1, 0x61, b'a', 0xf7]),
        ("no number", vec![0xa1, 0x61, b'a', 0xf9, 0x7e, 0]),
        ("less than any", vec![0xa1, 0x61, b'a', 0x3b, 255, 255, 255, 255, 255, 255, 255, 255]),
        ("a break alone", vec![0xff]),
        ("lists in lists", deep(&[0x81], &[0xf5])),
        ("endless lists in lists", deep(&[0x9f], &[])),
        ("maps in maps", deep(&[0xa1, 0x61, b'a'], &[0xf5])),
        ("too much", huge),
    ];
    for (name, arguments) in hostile {
        let events = instance.call("list_environments", arguments, within(&session)).await;
        assert_eq!(error(&events).kind, "std:invalid-args", "{name}");
    }
    // In pieces, and with all that JSON has.
    let pieces = b"\xbf\x7f\x63env\x68ironment\xff\x67default\xff";
    let events = instance.call("describe_connection_convention", pieces.to_vec(), within(&session)).await;
    assert!(message(error(&events)).starts_with("unknown argument `environment`"), "{events:?}");
    let all = cbor(&json!({"a": [null, true, 1.5, -7, u64::MAX, i64::MIN, {"é\"": ""}]}));
    let events = instance.call("describe_connection_convention", all, within(&session)).await;
    assert!(message(error(&events)).contains("unknown_argument"), "{events:?}");
    let events = instance.call("list_environments", vec![0xa0], within(&session)).await;
    assert!(text(&events).contains("default"), "it works still");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_told_known_names_with_values_that_can_hold() {
    let mut instance = Act::shared().instance(Stored::Nothing).await;
    let schema: Value = serde_json::from_str(&instance.schema().await).unwrap();
    assert_eq!(schema["additionalProperties"], json!(false));
    for name in ["std:api-key", "std:bearer-token", "NANGO_SECRET_KEY", "NANGO_BASE_URL", "NANGO_MCP_READ_ONLY"] {
        assert_eq!(schema["properties"][name]["type"], "string", "{name}");
    }
    assert_eq!(schema["properties"].get("NANGO_MCP_TOKEN_SHA256"), None, "it serves no HTTP");
    assert_eq!(schema["patternProperties"]["^NANGO_SECRET_KEY_"]["type"], "string");
    let refused = [
        (metadata([("NANGO_BASE", "x")]), "NANGO_BASE is not known"),
        (metadata([("NANGO_MCP_TOKEN_SHA256", "x")]), "is not known"),
        (vec![("NANGO_BASE_URL".to_owned(), cbor(&json!(["x"])))], "NANGO_BASE_URL must be a text"),
        (vec![("NANGO_BASE_URL".to_owned(), vec![])], "NANGO_BASE_URL must be a text"),
        (metadata([("std:api-key", "not-a-key-9f1d")]), "NANGO_SECRET_KEY is not a Nango secret key"),
        (metadata([("NANGO_MCP_READ_ONLY", "perhaps")]), "NANGO_MCP_READ_ONLY"),
        (metadata([("NANGO_ENVIRONMENT", "x".repeat(70_000).as_str())]), "65536 bytes"),
    ];
    for (arguments, says) in refused {
        let error = instance.open(arguments).await.unwrap_err();
        assert_eq!(error.kind, "std:invalid-args");
        assert!(message(&error).contains(says) && !message(&error).contains("9f1d"), "{}", message(&error));
    }
    let typed = vec![("NANGO_MCP_READ_ONLY".to_owned(), cbor(&true)), ("NANGO_MCP_REQUEST_TIMEOUT".to_owned(), cbor(&2.5))];
    assert!(instance.open(typed).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_apart_cannot_be_guessed_and_end() {
    let (mut instance, one) = opened(Stored::Nothing, &[("NANGO_ENVIRONMENT", "one")]).await;
    let two = instance.open(metadata([("NANGO_ENVIRONMENT", "two")])).await.unwrap();
    assert!(one.len() == 32 && two.len() == 32 && one != two, "128 random bits: {one} {two}");
    for (session, name) in [(&one, "one"), (&two, "two")] {
        assert!(text(&instance.call("list_environments", vec![0xa0], within(session)).await).contains(name));
    }
    instance.close("nobody").await;
    instance.close(&one).await;
    for unknown in [within(&one), within(""), vec![("std:session-id".to_owned(), vec![0xf6])], vec![("std:session-id".to_owned(), vec![])]]
    {
        let events = instance.call("list_environments", vec![0xa0], unknown.clone()).await;
        assert_eq!(error(&events).kind, "std:session-not-found");
        assert_eq!(instance.list(unknown).await.unwrap_err().kind, "std:session-not-found");
    }
    assert!(text(&instance.call("list_environments", vec![0xa0], within(&two)).await).contains("two"));
    let mut open = 1;
    let refused = loop {
        match instance.open(Vec::new()).await {
            Ok(_) => open += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((open, refused.kind.as_str()), (256, "nango:too_many_sessions"));
    instance.close(&two).await;
    assert!(instance.open(Vec::new()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_along_with_a_call_configures_nothing() {
    let (mut instance, session) = opened(Stored::Nothing, &[("std:api-key", KEY), ("NANGO_MCP_READ_ONLY", "true")]).await;
    let mut along = within(&session);
    along.extend(metadata([("NANGO_MCP_READ_ONLY", "false"), ("NANGO_BASE_URL", "http://127.0.0.1:1")]));
    let link = cbor(&json!({"environment": "default", "allowed_integrations": ["github"], "tags": {"end_user_id": "u1"}}));
    let events = instance.call("create_connect_session", link, along).await;
    assert_eq!(error(&events).kind, "nango:read_only");
    let along = metadata([("std:api-key", KEY)]);
    let events = instance.call("list_connections", cbor(&json!({"environment": "default"})), along).await;
    assert_eq!(error(&events).kind, "std:credential-required");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_key_goes_where_its_storer_said() {
    let nango = embedded().await;
    let base = format!("http://{}", nango.address);
    let key = ("NANGO_SECRET_KEY", KEY);
    let stored = |vars: &[(&str, &str)]| Stored::Fields(metadata(vars.iter().copied()));
    let elsewhere = "http://127.0.0.1:9/";
    let cases = [
        (stored(&[key, ("NANGO_BASE_URL", &base)]), vec![], None),
        (stored(&[key, ("NANGO_BASE_URL", &base)]), vec![("NANGO_BASE_URL", base.as_str())], None),
        (stored(&[key, ("NANGO_BASE_URL", &base)]), vec![("NANGO_BASE_URL", elsewhere)], Some("nango:configuration")),
        // Stored without a URL it is Nango Cloud's.
        (stored(&[key]), vec![("NANGO_BASE_URL", base.as_str())], Some("nango:configuration")),
        // Nor does a key of the client's own go along with what is stored.
        (stored(&[key, ("NANGO_BASE_URL", elsewhere)]), vec![("NANGO_BASE_URL", base.as_str()), ("std:bearer-token", KEY)], None),
        (
            stored(&[key, ("NANGO_BASE_URL", &base), ("NANGO_MCP_TOOLSETS", "connect")]),
            vec![("NANGO_MCP_TOOLSETS", "")],
            Some("std:not-found"),
        ),
        // Nor does whoever opens a session widen what a stored key is for.
        (stored(&[key, ("NANGO_BASE_URL", &base)]), vec![("NANGO_MCP_ALLOW_CREDENTIALS", "true")], Some("nango:configuration")),
        (stored(&[key, ("NANGO_BASE_URL", &base)]), vec![("NANGO_MCP_ALLOW_BASE_URL_OVERRIDE", "true")], Some("nango:configuration")),
        (stored(&[key, ("NANGO_BASE_URL", &base)]), vec![("NANGO_MCP_PUBLIC_NANGO_URL", elsewhere)], Some("nango:configuration")),
        (
            stored(&[key, ("NANGO_BASE_URL", &base), ("NANGO_MCP_ALLOW_CREDENTIALS", "false")]),
            vec![("NANGO_MCP_ALLOW_CREDENTIALS", "true")],
            None,
        ),
        (stored(&[("NANGO_BASE_URL", &base)]), vec![], Some("std:credential-required")),
        (stored(&[("NANGO_SECRET", KEY)]), vec![], Some("std:invalid-args")),
        (stored(&[("NANGO_SECRET_KEY", "not-a-key-9f1d")]), vec![], Some("std:invalid-args")),
        (Stored::Nothing, vec![], Some("std:credential-required")),
        (Stored::Denied, vec![], Some("std:credential-required")),
        (Stored::Unreadable, vec![], Some("std:credential-required")),
    ];
    for (at, (stored, told, fails)) in cases.into_iter().enumerate() {
        nango.nango.clear_requests();
        let (mut instance, session) = opened(stored, &told).await;
        let events = instance.call("list_integrations", cbor(&json!({"environment": "default"})), within(&session)).await;
        assert!(!format!("{events:?}").contains(KEY) && !format!("{events:?}").contains("9f1d"), "case {at}");
        match fails {
            None => assert!(text(&events).contains("github"), "case {at}: {events:?}"),
            Some(kind) => {
                assert_eq!(error(&events).kind, kind, "case {at}: {events:?}");
                assert!(nango.nango.requests().is_empty(), "case {at}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_host_and_other_failures_have_their_kinds() {
    let base = format!("http://{}:3003/api", host::DENIED);
    let (mut instance, session) = opened(Stored::Nothing, &[("std:api-key", KEY), ("NANGO_BASE_URL", &base)]).await;
    let wide = json!({"environment": "default", "allowed_integrations": ["github"], "tags": {"end_user_id": "u1"}, "end_user": 1});
    for (tool, arguments, kind, says) in [
        ("list_connections", json!({"environment": "default"}), "std:capability-denied", "`--allow http=http://denied.example:3003`\n"),
        ("list_connections", json!({"environment": "other"}), "std:invalid-args", "no such `environment`"),
        ("create_connect_session", wide, "std:invalid-args", "`end_user`"),
        ("list_connection", json!({}), "std:not-found", "did you mean list_connections?"),
    ] {
        let events = instance.call(tool, cbor(&arguments), within(&session)).await;
        assert_eq!(error(&events).kind, kind, "{tool}");
        assert!(message(error(&events)).contains(says), "{}", message(error(&events)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_behind_the_result_with_its_type() {
    let (nango, _server) = super::documents::tools::furnished().await;
    let vars = nango.vars();
    let vars: Vec<(&str, &str)> = vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let (mut instance, session) = opened(Stored::Nothing, &vars).await;
    let arguments =
        json!({"environment": "default", "provider_config_key": "github", "connection_id": "ada-github", "path": "/files/report.pdf"});
    let events = instance.call("download_provider_file", cbor(&arguments), within(&session)).await;
    let [ToolEvent::Content(result), ToolEvent::Content(file)] = events.as_slice() else { panic!("{events:?}") };
    let result: Value = serde_json::from_slice(&result.data).unwrap();
    assert_eq!((result["size"].as_u64(), file.mime_type.as_deref()), (Some(file.data.len() as u64), result["media_type"].as_str()));
    assert!(file.metadata.iter().any(|(name, uri)| name == "nango:uri" && ciborium::from_reader::<String, _>(uri.as_slice()).is_ok()));
}
