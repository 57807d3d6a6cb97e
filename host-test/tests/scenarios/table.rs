//! The scenarios.

use serde_json::{Value, json};

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

    fn after(mut self, step: Before) -> Self {
        self.before.push(step);
        self
    }
}

/// All of them.
pub(crate) fn scenarios() -> Vec<Scenario> {
    use Expected::{Error, Refused, Result};
    let link = || json!({"allowed_integrations": ["github"], "tags": {"end_user_id": "u1"}});
    let ada = || json!({"connection_id": "ada-github", "provider_config_key": "github"});
    vec![
        call("a link", "create_connect_session", link(), Result(vec![("/tags/end_user_id", json!("u1"))])),
        call("a connection", "get_connection", ada(), Result(vec![("/connection_id", json!("ada-github"))])),
        call("a page", "list_connections", json!({"limit": 2}), Result(vec![("/connections/1/provider_config_key", json!("hubspot"))])),
        call("a link looked at", "get_connect_session", json!({"connect_link": "$0/connect_link"}), Result(vec![]))
            .after(Before::Call("create_connect_session", link())),
        call("a broken connection", "get_connection_context", ada(), Result(vec![])).after(Before::Break("ada-github", "github")),
        call("an unknown argument", "get_connection", json!({"conection_id": "x"}), Error("unknown_argument", "connection_id")),
        call("no key", "list_connections", json!({}), Error("missing_key", "NANGO_SECRET_KEY")).with(&[("NANGO_SECRET_KEY", "")]),
        call("an unknown tool", "list_connection", json!({}), Refused("list_connections")),
    ]
}
