//! The command line, as a person or a script uses it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use nango_mcp::tool::Effect;
use nango_mcp::tools::TOOLS;
use serde_json::Value;

use super::bench::{KEY, component, embedded};

/// Run the built host in an empty folder, with these variables and nothing else of this process's environment but
/// what finding the compiled-code cache needs.
pub(crate) fn host(folder: &Path, vars: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nango-mcp-host"));
    command.env_clear().current_dir(folder).args(arguments).arg("--component").arg(component());
    for name in ["HOME", "XDG_CACHE_HOME", "PATH"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.envs(vars.iter().copied()).stdin(Stdio::null()).output().unwrap()
}

pub(crate) fn folder(name: &str) -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const LINK: &str = r#"{"environment":"default","allowed_integrations":["github"],"tags":{"end_user_id":"u1"}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn call_prints_the_result_and_exits_0() {
    let nango = embedded().await;
    let base = format!("http://{}", nango.address);
    let folder = folder("call");
    let run = host(&folder, &[("NANGO_BASE_URL", &base), ("NANGO_SECRET_KEY", KEY)], &["call", "create_connect_session", LINK]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let result: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert!(result["connect_link"].as_str().unwrap().contains("session_token="));
    assert_eq!(text(&run.stderr), "", "nothing to say about a good run");
}

#[test]
fn call_prints_an_error_and_exits_1() {
    let folder = folder("error");
    let run = host(&folder, &[], &["call", "create_connect_session", LINK]);
    assert_eq!(run.status.code(), Some(1));
    assert!(text(&run.stderr).contains("set NANGO_SECRET_KEY"), "{}", text(&run.stderr));
    let error: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(error["error"]["code"], "missing_key");

    for (arguments, says) in [
        (["call", "create_conect_session", "{}"], "create_connect_session"),
        (["call", "create_connect_session", "[]"], "one JSON object"),
        (["call", "create_connect_session", "{"], "one JSON object"),
    ] {
        let run = host(&folder, &[], &arguments);
        assert_eq!((run.status.code(), run.stdout.len()), (Some(1), 0), "{arguments:?}");
        assert!(text(&run.stderr).contains(says), "{}", text(&run.stderr));
    }
}

#[test]
fn a_configuration_that_cannot_hold_is_refused_at_start() {
    let folder = folder("configuration");
    for (name, value) in [
        ("NANGO_MCP_REQUEST_TIMEOUT", "soon"),
        ("NANGO_SECRET_KEY", "sk-not-a-uuid"),
        ("NANGO_BASE_URL", "nango.internal:3003"),
        ("NANGO_MCP_READ_ONLY", "maybe"),
    ] {
        let run = host(&folder, &[(name, value)], &["tools"]);
        assert_eq!(run.status.code(), Some(2), "{name}");
        let said = text(&run.stderr);
        assert!(said.contains(name) && !said.contains(value), "{said}");
        assert!(run.stdout.is_empty());
        let run = host(&folder, &[(name, value)], &["call", "create_connect_session", LINK]);
        assert_eq!(run.status.code(), Some(1), "a call ends with 0 or 1");
        assert!(text(&run.stderr).contains(name));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_env_file_of_the_python_server_works() {
    let nango = embedded().await;
    let folder = folder("env");
    let mut file = std::fs::File::create(folder.join(".env")).unwrap();
    write!(file, "# Nango\nNANGO_BASE_URL=\"http://{}\"\nNANGO_MCP_ENVIRONMENTS=prod,dev\n\nNANGO_SECRET_KEY_PROD='{KEY}'\nNANGO_MCP_ENVIRONMENT_ALIASES_PROD=live\nNANGO_MCP_SECRET_RESOLVER=direct\nNANGO_MCP_REQUEST_TIMEUT=5\n", nango.address).unwrap();
    drop(file);
    let run = host(&folder, &[], &["call", "list_integrations", r#"{"environment":"LIVE"}"#]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let said = text(&run.stderr);
    assert!(said.contains("NANGO_MCP_SECRET_RESOLVER has no effect here"), "{said}");
    assert!(said.contains("did you mean NANGO_MCP_REQUEST_TIMEOUT?"), "{said}");

    // The process's own variables win, when the file is named.
    let wrong = [("NANGO_SECRET_KEY_PROD", "00000000-0000-4000-8000-000000000000"), ("NANGO_MCP_ENV_FILE", ".env")];
    let run = host(&folder, &wrong, &["call", "list_integrations", r#"{"environment":"prod"}"#]);
    assert!(text(&run.stdout).contains("key_rejected"), "{}", text(&run.stderr));
    // A file that merely lies there says nothing about a key from elsewhere: not where it goes, not what it may do.
    let run = host(&folder, &[("NANGO_SECRET_KEY", KEY)], &["call", "list_environments"]);
    let listed: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((&listed["base_url"], &listed["environments"][0]["name"]), (&"https://api.nango.dev".into(), &"default".into()));
    assert!(text(&run.stderr).contains("NANGO_MCP_ENV_FILE"), "{}", text(&run.stderr));
    // Another program's file is none of our business.
    std::fs::write(folder.join(".env"), "not an assignment\nAPP_NAME=My Shop\nNANGO_ENVIRONMENT=shop\n").unwrap();
    let run = host(&folder, &[], &["call", "list_environments"]);
    assert!(text(&run.stdout).contains("\"shop\""), "{}", text(&run.stderr));

    std::fs::write(folder.join("broken.env"), format!("NANGO_SECRET_KEY {KEY}\n")).unwrap();
    let run = host(&folder, &[("NANGO_MCP_ENV_FILE", "broken.env")], &["tools"]);
    assert_eq!(run.status.code(), Some(2));
    assert!(text(&run.stderr).contains("broken.env") && !text(&run.stderr).contains(KEY), "{}", text(&run.stderr));
    let run = host(&folder, &[("NANGO_MCP_ENV_FILE", "missing.env")], &["tools"]);
    assert_eq!(run.status.code(), Some(2));
}

#[test]
fn variables_that_are_no_text_are_passed_over() {
    use std::os::unix::ffi::OsStrExt as _;

    let mut command = Command::new(env!("CARGO_BIN_EXE_nango-mcp-host"));
    command.current_dir(folder("bytes")).arg("tools").arg("--component").arg(component());
    let run = command.env("FOO", std::ffi::OsStr::from_bytes(b"a\xff")).output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
}

#[test]
fn tools_are_listed_for_people_and_programs() {
    let folder = folder("tools");
    let run = host(&folder, &[], &["tools"]);
    let listed = text(&run.stdout);
    let names: Vec<&str> = listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, TOOLS.iter().map(|entry| entry.name).collect::<Vec<_>>());
    let run = host(&folder, &[("NANGO_MCP_READ_ONLY", "true")], &["tools", "--json"]);
    let tools: Vec<Value> = serde_json::from_slice(&run.stdout).unwrap();
    let reading = TOOLS.iter().filter(|entry| entry.effect == Effect::Read || entry.read_only.is_some());
    assert_eq!(tools.iter().map(|tool| &tool["name"]).collect::<Vec<_>>(), reading.map(|entry| entry.name).collect::<Vec<_>>());
    assert!(tools.iter().all(|tool| tool["annotations"]["readOnlyHint"] == true));
}

#[test]
fn the_demo_tells_its_story_and_only_the_demo_uses_the_embedded_nango() {
    let folder = folder("demo");
    let run = host(&folder, &[], &["demo"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let story = text(&run.stdout);
    assert!(story.contains("session_token=nango_connect_session_") && story.contains("Done."), "{story}");
    let run = host(&folder, &[], &["call", "--demo", "list_environments"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
}

#[test]
fn help_teaches() {
    let folder = folder("help");
    let said = text(&host(&folder, &[], &["--help"]).stdout);
    for word in ["stdio", "http", "tools", "call", "demo", "nango", "NANGO_SECRET_KEY", "NANGO_BASE_URL"] {
        assert!(said.contains(word), "{word} in {said}");
    }
}

#[test]
fn a_token_is_printed_with_its_digest() {
    let folder = folder("token");
    let token = || {
        let said = text(&host(&folder, &[], &["token"]).stdout);
        let field = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        (field("token "), field("digest "))
    };
    let ((token, digest), (other, _)) = (token(), token());
    assert_eq!(nango_mcp::access::digest(&token), digest);
    assert!(token != other && token.len() > 60, "{token}");
    assert_eq!(nango_mcp::access::digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "FIPS 180-4, B.1");
    // What is no digest is refused at start, by name.
    let run = host(&folder, &[("NANGO_MCP_TOKEN_SHA256", &token)], &["http", "--listen", "127.0.0.1:0"]);
    assert_eq!(run.status.code(), Some(2));
    let said = text(&run.stderr);
    assert!(said.contains("NANGO_MCP_TOKEN_SHA256") && said.contains("nango-mcp-host token") && !said.contains(&token), "{said}");
}

#[test]
fn beyond_loopback_only_when_said() {
    let folder = folder("listen");
    let run = host(&folder, &[], &["http", "--listen", "0.0.0.0:0"]);
    assert_eq!(run.status.code(), Some(2));
    assert!(text(&run.stderr).contains("--unauthenticated"), "{}", text(&run.stderr));
}
