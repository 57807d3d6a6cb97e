//! A token's policy is its configuration: what is not in it does not exist for whoever holds the token.

use std::os::unix::fs::PermissionsExt as _;

use nango_mcp::access::digest;
use nango_mcp_host::nango::{Key, Nango, Options};
use serde_json::{Value, json};

use super::super::bench::{KEY, component};
use super::super::cli::{folder, host, text};
use super::Host;

const DEV_KEY: &str = "7b0c9d2e-1f3a-4b5c-8d6e-9f0a1b2c3d4e";
const PROD: &str = "nmcp_prod-token-of-the-test";
const DEV: &str = "nmcp_dev-token-of-the-test";
const WHOLE: &str = "nmcp_whole-token-of-the-test";

/// A Nango with two environments.
pub(super) struct World {
    pub(super) nango: Nango,
    base: String,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl World {
    pub(super) async fn new() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let keys = vec![Key::full(KEY, "prod"), Key::full(DEV_KEY, "dev")];
        let nango = Nango::new(Options { keys, public_url: Some(base.clone()), rate_limit: 100_000, ..Options::default() });
        nango.seed("prod");
        nango.seed("dev");
        let served = nango.clone();
        let task = tokio::spawn(async move { nango_mcp_host::nango::serve(listener, served).await });
        Self { nango, base, task }
    }

    pub(super) fn vars<'a>(&'a self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let vars = [
            ("NANGO_BASE_URL", self.base.as_str()),
            ("NANGO_MCP_ENVIRONMENTS", "prod,dev"),
            ("NANGO_SECRET_KEY_PROD", KEY),
            ("NANGO_SECRET_KEY_DEV", DEV_KEY),
            ("NANGO_MCP_ENVIRONMENT_ALIASES_PROD", "live"),
            ("NANGO_MCP_ENVIRONMENT_ALIASES_DEV", "test"),
        ];
        vars.into_iter().chain(more.iter().copied()).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(super) fn policy() -> String {
    format!(
        "[principal.support]\ntoken_sha256 = [\"{}\"]\nenvironments = [\"live\"]\ntoolsets = [\"connect\", \"connections\"]\nread_only = true\n\n\
         [principal.developers]\ntoken_sha256 = [\"{}\"]\nenvironments = [\"dev\"]\nmetrics = true\n",
        digest(PROD),
        digest(DEV)
    )
}

fn tools(host: &Host, token: &str) -> Vec<String> {
    let listed = host.post(Some(token), &json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).json();
    listed["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_in_a_policy_does_not_exist() {
    let world = World::new().await;
    let folder = folder("policy");
    std::fs::write(folder.join("policy.toml"), policy()).unwrap();
    let whole = digest(WHOLE);
    let vars = world.vars(&[("NANGO_MCP_TOKEN_SHA256", whole.as_str())]);
    tokio::task::block_in_place(|| {
        let host = Host::http(&folder, &component(), &vars, &["--policy", "policy.toml"]);
        let list = |token: &str, environment: Value| {
            let arguments = if environment.is_null() { json!({}) } else { json!({"environment": environment}) };
            host.call(Some(token), "list_connections", &arguments)
        };
        // One's own environment, by every name of it, or by none.
        for name in [json!("prod"), json!("live"), json!("PROD"), json!(null)] {
            list(PROD, name).good();
        }
        for name in [json!("dev"), json!("test"), json!("Dev"), json!(null)] {
            list(DEV, name).good();
        }
        assert_eq!(world.nango.requests().len(), 8);
        // The other's, by every name: nothing is sent, and the answer does not even tell that there is one.
        for (token, names) in [(PROD, ["dev", "DEV", "test", "host:dev", "d-e-v"]), (DEV, ["prod", "LIVE", "live", "host:prod", "pro.d"])] {
            for name in names {
                let answer = list(token, json!(name));
                assert_eq!(answer.code(), "unknown_environment", "{name}: {answer:?}");
                let own = if token == PROD { "prod" } else { "dev" };
                assert!(answer.body.contains(own), "{answer:?}");
            }
        }
        assert_eq!(world.nango.requests().len(), 8);
        let schema = host.post(Some(PROD), &json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).body;
        assert!(!schema.contains("\"dev\"") && !schema.contains("test ="), "its schemas do not name the other");
        let environments = host.call(Some(DEV), "list_environments", &json!({})).good();
        assert!(!environments.to_string().contains("prod"), "{environments}");

        // Tools: fewer, and reads alone.
        let (support, developers, all) = (tools(&host, PROD), tools(&host, DEV), tools(&host, WHOLE));
        assert!(support.contains(&"list_connections".to_owned()) && !support.contains(&"proxy_request".to_owned()), "{support:?}");
        assert!(!support.contains(&"delete_connection".to_owned()) && developers == all, "{support:?}");
        let connection = json!({"provider_config_key": "github", "connection_id": "c1"});
        let session = json!({"allowed_integrations": ["github"], "tags": {"end_user_id": "u1"}});
        assert_eq!(host.call(Some(PROD), "delete_connection", &connection).code(), "read_only");
        assert_eq!(host.call(Some(PROD), "create_connect_session", &session).code(), "read_only");
        let proxied = json!({"provider_config_key": "github", "connection_id": "c1", "method": "GET", "path": "/x"});
        assert_eq!(host.call(Some(PROD), "proxy_request", &proxied).json()["error"]["code"], -32602);
        assert_eq!(world.nango.requests().len(), 8, "nothing of it was sent");

        // The whole configuration, and nobody.
        list(WHOLE, json!("dev")).good();
        list(WHOLE, json!("prod")).good();
        let nobody = list("nmcp_somebody-else", json!(null));
        assert_eq!(nobody.status, 401);
        assert!(!nobody.body.contains("support") && !nobody.body.contains("prod"), "{nobody:?}");
    });
}

/// The policy file of docs/host.md holds, with its shortened digests written out.
#[test]
fn the_policy_in_the_documentation_holds() {
    let text = include_str!("../../../docs/host.md");
    let file = text.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let mut file = file.to_owned();
    for at in 0.. {
        let Some(cut) = file.find('…') else {
            assert_eq!(at, 3, "a digest each");
            break;
        };
        file.replace_range(cut - 8..cut + '…'.len_utf8() + 4, &digest(&at.to_string()));
    }
    let folder = folder("policy-documented");
    std::fs::write(folder.join("policy.toml"), file).unwrap();
    let vars = [("NANGO_MCP_ENVIRONMENTS", "prod,dev"), ("NANGO_SECRET_KEY_PROD", KEY), ("NANGO_SECRET_KEY_DEV", DEV_KEY)];
    let run = host(&folder, &vars, &["policy", "check", "policy.toml"]);
    assert_eq!(
        text_of(&run),
        "onboarding: reads and writes in prod; tools: 2; 60 calls a minute; tokens: 1\n\
         prometheus: reads and writes in prod, dev; tools: 1; any number of calls; tokens: 1\n\
         support: reads in prod; tools: 5; any number of calls; tokens: 1\n"
    );
}

fn text_of(run: &std::process::Output) -> String {
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    text(&run.stdout)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_taken_back_while_calls_go_on() {
    let world = World::new().await;
    let folder = folder("policy-reload");
    let file = folder.join("policy.toml");
    std::fs::write(&file, policy()).unwrap();
    let vars = world.vars(&[]);
    tokio::task::block_in_place(|| {
        let host = Host::http(&folder, &component(), &vars, &["--policy", "policy.toml"]);
        let status = |token: &str| host.call(Some(token), "list_connections", &json!({})).status;
        assert_eq!((status(PROD), status(DEV), status("x")), (200, 200, 401));
        std::fs::write(&file, policy().replace(&digest(DEV), &digest("nmcp_another"))).unwrap();
        host.signal("HUP");
        host.says("the configuration was read again");
        assert_eq!((status(PROD), status(DEV), status("nmcp_another")), (200, 401, 200));
        // What cannot hold changes nothing.
        for broken in [String::new(), policy().replace("\"live\"", "\"staging\""), policy().replace("read_only", "raed_only")] {
            std::fs::write(&file, broken).unwrap();
            host.signal("HUP");
            host.says("the configuration stays as it was");
            assert_eq!((status(PROD), status(DEV), status("nmcp_another")), (200, 401, 200));
        }
        // Nobody is waited for at the other end.
        std::fs::remove_file(&file).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
        host.signal("HUP");
        assert!(host.says("the configuration stays as it was").contains("is no regular file"));
        assert_eq!((status(PROD), status(DEV), status("nmcp_another")), (200, 401, 200));
    });
}

/// Whose file is gone has not taken his keys back on purpose.
#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_without_any_key_is_no_other_configuration() {
    let world = World::new().await;
    let folder = folder("reload-keys");
    let file = folder.join(".env");
    let lines: Vec<String> = world.vars(&[]).iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    std::fs::write(&file, lines.concat()).unwrap();
    tokio::task::block_in_place(|| {
        let host = Host::http(&folder, &component(), &[], &[]);
        let works = || host.call(None, "list_connections", &json!({"environment": "dev"})).good();
        works();
        for spoilt in ["garbage", "NANGO_SECRET_KEY: x"] {
            std::fs::write(&file, spoilt).unwrap();
            host.signal("HUP");
            assert!(host.says("the configuration stays as it was").contains("no environment has an API key any longer"));
            works();
        }
        std::fs::remove_file(&file).unwrap();
        host.signal("HUP");
        host.says("the configuration stays as it was");
        works();
    });
}

/// Calls that wait for a person hold their places for most of a minute.
#[tokio::test(flavor = "multi_thread")]
async fn no_token_takes_all_places() {
    let world = World::new().await;
    let folder = folder("policy-places");
    std::fs::write(folder.join("policy.toml"), policy().replace("metrics = true", "metrics = true\ncalls_at_once = 1")).unwrap();
    let vars = world.vars(&[]);
    let wait = |environment: &str| {
        let arguments = json!({"environment": environment, "provider_config_keys": ["github"], "end_user_id": "nobody"});
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "wait_for_connection", "arguments": arguments}})
            .to_string()
    };
    tokio::task::block_in_place(|| {
        let host = Host::http(&folder, &component(), &vars, &["--policy", "policy.toml", "--limit-calls", "4", "--limit-queue", "0"]);
        let held = |token: &str, environment: &str, most: usize| -> Vec<_> {
            let all: Vec<_> = (0..most).map(|_| host.open("POST", "/mcp", Some(token), &wait(environment))).collect();
            std::thread::sleep(std::time::Duration::from_millis(500));
            all
        };
        // Three quarters of four, by default.
        let _waiting = held(PROD, "prod", 3);
        assert_eq!(host.call(Some(PROD), "list_connections", &json!({})).code(), "busy");
        host.call(Some(DEV), "list_connections", &json!({})).good();
        // As many as its policy says.
        let _waits = held(DEV, "dev", 1);
        assert_eq!(host.call(Some(DEV), "list_environments", &json!({})).code(), "busy");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_looked_at_before_it_is_used() {
    let world = World::new().await;
    let folder = folder("policy-check");
    std::fs::write(folder.join("good.toml"), policy()).unwrap();
    std::fs::write(folder.join("bad.toml"), policy().replace("dev\"]", "stagin\"]")).unwrap();
    let vars = world.vars(&[]);
    let run = host(&folder, &vars, &["policy", "check", "good.toml"]);
    assert_eq!(
        text_of(&run),
        "developers: reads and writes in dev; tools: 31; any number of calls; tokens: 1\n\
         support: reads in prod; tools: 5; any number of calls; tokens: 1\n"
    );
    let run = host(&folder, &vars, &["policy", "check", "bad.toml"]);
    assert_eq!(run.status.code(), Some(2));
    assert!(
        text(&run.stderr).contains("policy bad.toml: principal.developers: environments: one of them is none of this server's (prod, dev)")
    );
    std::fs::set_permissions(folder.join("bad.toml"), std::fs::Permissions::from_mode(0o666)).unwrap();
    let run = host(&folder, &vars, &["policy", "check", "bad.toml"]);
    assert_eq!(run.status.code(), Some(2));
    let says = "policy bad.toml: everybody on this machine may change it (mode 666): `chmod o-w bad.toml`";
    assert!(text(&run.stderr).contains(says), "{}", text(&run.stderr));
    // A token with two grants would have the larger.
    let whole = digest(PROD);
    let run = host(
        &folder,
        &world.vars(&[("NANGO_MCP_TOKEN_SHA256", whole.as_str())]),
        &["http", "--listen", "127.0.0.1:0", "--policy", "good.toml"],
    );
    assert!(
        text(&run.stderr).contains("principal.support.token_sha256: NANGO_MCP_TOKEN_SHA256 has this digest, too"),
        "{}",
        text(&run.stderr)
    );
}
