//! The scenarios.

use serde_json::{Value, json};

use super::super::documents::tools::arguments;

/// A call and what must come of it, in every world.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Variables beside those that point at the Nango; `$KEY` is the right key, and an empty value takes a variable away.
    pub(crate) vars: Vec<(&'static str, &'static str)>,
    /// What happens beforehand, by the host, on a Nango with Ada's GitHub and two connections at HubSpot.
    pub(crate) before: Vec<Before>,
    pub(crate) tool: &'static str,
    pub(crate) arguments: Value,
    pub(crate) expected: Expected,
    /// Where a world differs.
    pub(crate) differs: Vec<Differs>,
}

/// A step beforehand.
pub(crate) enum Before {
    /// A call, which must succeed.
    Call(&'static str, Value),
    /// The provider has taken the token back.
    Break(&'static str, &'static str),
}

/// How a call must end.
pub(crate) enum Expected {
    /// With a result that has these values at these places.
    Result(Vec<(&'static str, Value)>),
    /// With an error of this code, whose sentence has these words.
    Error(&'static str, &'static str),
    /// With a protocol error that has these words.
    Refused(&'static str),
}

/// A difference of one world's, and what must come there instead.
pub(crate) struct Differs {
    pub(crate) world: &'static str,
    pub(crate) why: &'static str,
    pub(crate) expected: Expected,
}

fn call(name: &'static str, tool: &'static str, arguments: Value, expected: Expected) -> Scenario {
    Scenario { name, vars: Vec::new(), before: Vec::new(), tool, arguments, expected, differs: Vec::new() }
}

impl Scenario {
    fn with(mut self, vars: &[(&'static str, &'static str)]) -> Self {
        self.vars.extend(vars);
        self
    }

    fn but(mut self, world: &'static str, why: &'static str, expected: Expected) -> Self {
        self.differs.push(Differs { world, why, expected });
        self
    }

    fn after(mut self, step: Before) -> Self {
        self.before.push(step);
        self
    }
}

/// A tool's own call of docs/tools.md.
fn of_docs(tool: &'static str, fields: Vec<(&'static str, Value)>) -> Scenario {
    call(tool, tool, arguments(tool), Expected::Result(fields))
}

/// Every tool as docs/tools.md calls it.
fn documented() -> Vec<Scenario> {
    let made = || Before::Call("create_connect_session", arguments("create_connect_session"));
    let link = || json!({"connect_link": "$0/connect_link"});
    vec![
        of_docs("create_connect_session", vec![("/tags/end_user_id", json!("grace")), ("/next/tool", json!("wait_for_connection"))]),
        of_docs("create_standard_connect_session", vec![("/tags/purpose", json!("crm_sync"))]),
        of_docs("create_reconnect_session", vec![("/preserved_tags/team", json!("engines")), ("/warnings", json!([]))]),
        of_docs("ensure_connection", vec![("/status", json!("connect_required"))]),
        of_docs("wait_for_connection", vec![("/status", json!("connected")), ("/connection_id", json!("ada-github"))]),
        call("get_connect_session", "get_connect_session", link(), Expected::Result(vec![("/status", json!("open"))])).after(made()),
        call("cancel_connect_session", "cancel_connect_session", link(), Expected::Result(vec![("/cancelled", json!(true))])).after(made()),
        of_docs("list_environments", vec![("/environments/0/name", json!("default"))]),
        of_docs("check_environment", vec![("/ready", json!(true)), ("/rate_limit/limit", json!(200))]),
        of_docs("list_integrations", vec![("/total", json!(7))]),
        of_docs("get_integration", vec![("/integration/provider", json!("github"))]),
        of_docs("search_provider_templates", vec![("/matches/0/name", json!("github"))]),
        of_docs("get_provider", vec![("/provider/auth_mode", json!("OAUTH2"))]),
        of_docs("create_integration", vec![("/integration/unique_key", json!("github-reports"))]),
        of_docs("update_integration", vec![("/done/1", json!("reconnect link for ada-github"))]),
        of_docs("delete_integration", vec![("/deleted", json!(true)), ("/connections_removed", json!(1))]),
        of_docs("list_connections", vec![("/connections/0/connection_id", json!("ada-github"))]),
        of_docs("get_connection", vec![("/tags/end_user_id", json!("ada")), ("/metadata/folder", json!("inbox"))]),
        of_docs("get_connection_context", vec![("/health", json!("ok"))]),
        of_docs("refresh_connection_credentials", vec![("/refreshed", json!(true))]),
        of_docs("import_connection", vec![("/connection/connection_id", json!("grace-github")), ("/overwritten", json!(false))]),
        of_docs("delete_connection", vec![("/deleted", json!(true))]),
        of_docs("replace_connection_tags", vec![("/after/team", json!("mathematics")), ("/after/end_user_id", json!("ada"))]),
        of_docs("update_connection_metadata", vec![("/metadata", json!({"folder": "inbox", "language": "en"}))]),
        of_docs("update_connection_end_user", vec![("/end_user/email", json!("ada.lovelace@example.com"))]),
        of_docs("proxy_request", vec![("/status", json!(200)), ("/response/0/company.name", json!("Analytical Engines"))]),
        of_docs("download_provider_file", vec![("/size", json!(3000)), ("/media_type", json!("application/pdf"))]),
        of_docs("describe_connection_convention", vec![("/metadata_namespace", json!("nango_mcp"))]),
        of_docs("build_connection_convention", vec![("/connection_id", json!("default__github__ada-at-example-com"))]),
        of_docs("apply_connection_convention", vec![("/metadata/nango_mcp/purpose", json!("documents"))]),
        of_docs("audit_connection_conventions", vec![("/checked", json!(3)), ("/healthy", json!(true))]),
    ]
}

/// All of them.
pub(crate) fn scenarios() -> Vec<Scenario> {
    use Expected::{Error, Refused, Result};
    let ada = || json!({"connection_id": "ada-github", "provider_config_key": "github"});
    let person = |id: &str| json!({"allowed_integrations": ["github"], "tags": {"end_user_id": id}});
    let proxied = |more: Value| {
        let mut arguments = json!({"connection_id": "ada-github", "provider_config_key": "github", "path": "/contacts"});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };
    let body = json!({"n": 12, "text": "a\"b\\c\n\u{1f600}", "list": [1.5, null, {"deep": true}]});
    let several = [("NANGO_MCP_ENVIRONMENTS", "prod,default"), ("NANGO_SECRET_KEY_DEFAULT", "$KEY"), ("NANGO_SECRET_KEY", "")];
    let mut all = documented();
    all.extend([
        call("a broken connection", "get_connection_context", ada(), Result(vec![("/health", json!("reconnect_required"))]))
            .after(Before::Break("ada-github", "github")),
        call("letters of all lengths", "create_connect_session", person("a\"b\\ü€\u{1f600}"), Result(vec![])),
        call("a body passed on", "proxy_request", proxied(json!({"method": "POST", "path": "/echo", "body": body})), Result(vec![])),
        call(
            "headers and a query",
            "proxy_request",
            proxied(json!({"method": "GET", "path": "/echo", "headers": {"x-a": "1"}, "query": {"q": ["a", 2, true]}})),
            Result(vec![]),
        ),
        call("a described answer", "proxy_request", proxied(json!({"method": "GET", "describe": true})), Result(vec![])),
        call(
            "credentials asked for",
            "get_connection",
            json!({"connection_id": "ada-github", "provider_config_key": "github", "include_credentials": true}),
            Error("credentials_not_allowed", "NANGO_MCP_ALLOW_CREDENTIALS"),
        ),
        call("one of several environments", "list_connections", json!({"environment": "default"}), Result(vec![])).with(&several),
        call("no environment of several", "list_connections", json!({}), Error("missing_argument", "prod, default")).with(&several),
        call(
            "an environment that is not there",
            "list_connections",
            json!({"environment": "dev"}),
            Error("unknown_environment", "default"),
        ),
        call(
            "an unknown connection",
            "get_connection",
            json!({"connection_id": "nobody", "provider_config_key": "github"}),
            Error("unknown_connection", ""),
        ),
        call(
            "an unknown integration",
            "get_integration",
            json!({"integration_id": "githib"}),
            Error("unknown_integration", "list_integrations"),
        ),
        call(
            "nobody to connect",
            "create_connect_session",
            json!({"allowed_integrations": ["github"]}),
            Error("person_missing", "end_user_id"),
        ),
        call(
            "an empty list",
            "create_connect_session",
            json!({"allowed_integrations": [], "tags": {}}),
            Error("wrong_length", "allowed_integrations"),
        ),
        call("beyond a limit", "list_connections", json!({"limit": 0}), Error("out_of_range", "limit")),
        call(
            "a path that climbs",
            "get_connection",
            json!({"connection_id": "../integrations", "provider_config_key": "github"}),
            Error("dot_segment", "connection_id"),
        ),
        call(
            "a provider's error",
            "proxy_request",
            proxied(json!({"method": "GET", "path": "/status/404"})),
            Result(vec![("/ok", json!(false))]),
        ),
        call("read-only", "delete_connection", ada(), Error("read_only", "NANGO_MCP_READ_ONLY")).with(&[("NANGO_MCP_READ_ONLY", "true")]),
        call("without the phrase", "delete_connection", ada(), Error("confirmation_required", "I understand"))
            .with(&[("NANGO_MCP_APPROVAL", "phrase")]),
        call("a client that cannot ask", "delete_connection", ada(), Error("confirmation_required", "I understand"))
            .with(&[("NANGO_MCP_APPROVAL", "elicit")]),
        call("a link for nobody's client", "create_connect_session", person("u1"), Error("link_not_deliverable", "MCP elicitation"))
            .with(&[("NANGO_MCP_LINK_DELIVERY", "elicit")]),
        call("a wrong key", "list_connections", json!({}), Error("key_rejected", "NANGO_SECRET_KEY"))
            .with(&[("NANGO_SECRET_KEY", "00000000-0000-4000-8000-000000000000")]),
        call("nobody there", "list_connections", json!({}), Error("connection_refused", "127.0.0.1:9"))
            .with(&[("NANGO_BASE_URL", "http://127.0.0.1:9")]),
        call("no key", "list_connections", json!({}), Error("missing_key", "NANGO_SECRET_KEY"))
            .with(&[("NANGO_SECRET_KEY", "")])
            .but(
                "wassette",
                "the same failure, and in its sentence the command of Wassette's that mends it",
                Error("missing_key", "wassette secret set"),
            )
            .but("act", "the same failure, and in its sentence ACT's own ways to hand a key over", Error("missing_key", "act secret set")),
        call("a key that is none", "list_connections", json!({}), Refused("NANGO_SECRET_KEY")).with(&[("NANGO_SECRET_KEY", "no-key")]),
        call(
            "an unknown argument",
            "get_connection",
            json!({"conection_id": "x", "provider_config_key": "github"}),
            Error("unknown_argument", "connection_id"),
        )
        .but(
            "wassette",
            "types are checked by the gateway, in its own words, before the component is called",
            Refused("missing field connection-id"),
        ),
        call(
            "a wrong type",
            "get_connection",
            json!({"connection_id": 1, "provider_config_key": "github"}),
            Error("wrong_type", "connection_id"),
        )
        .but("wassette", "types are checked by the gateway, in its own words, before the component is called", Refused("expected")),
        call(
            "a value that is no choice",
            "replace_connection_tags",
            json!({"connection_id": "ada-github", "provider_config_key": "github", "tags": {}, "mode": "mix"}),
            Error("unknown_value", "replace, merge"),
        )
        .but("wassette", "types are checked by the gateway, in its own words, before the component is called", Refused("expected")),
        call("an unknown tool", "list_connection", json!({}), Refused("list_connections")).but(
            "wassette",
            "tools are looked up by the gateway, which names none that is near",
            Refused("list-connection"),
        ),
        call("a tool that is not offered", "delete_connection", ada(), Refused("NANGO_MCP_TOOLSETS"))
            .with(&[("NANGO_MCP_TOOLSETS", "connect")]),
    ]);
    all
}
