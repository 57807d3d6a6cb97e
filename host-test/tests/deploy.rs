//! The deployments below deploy/, as far as they can be tried without their hosts: files, names, grants, no secrets; and the
//! script that starts wasmtime, with a stand-in for wasmtime.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nango_mcp::config::VARIABLES;
use serde_json::Value;
use uuid::Uuid;

use super::bench::{KEY, component};

const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file below deploy/, by its path from the repository's root.
fn files() -> Vec<(String, String)> {
    let (root, mut folders, mut files) = (root(), vec![root().join("deploy")], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                files.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// Where Nango is when nothing else is said.
fn nango() -> &'static str {
    VARIABLES.iter().find(|variable| variable.name == "NANGO_BASE_URL").unwrap().default
}

/// The variables that a text names: `NANGO_`, and what may follow in a name or, as `<ENV>`, in the table of names.
fn named(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices("NANGO_") {
        let rest = &text[at..];
        let end = rest.find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        // `NANGO_*`, and the bare prefix in a script, are no names.
        if name == "NANGO_" || name.ends_with('_') && rest.starts_with('*') {
            continue;
        }
        let all_environments = name.ends_with('_') && rest.starts_with("<ENV>");
        names.insert(if all_environments { format!("{name}<ENV>") } else { name.to_owned() });
    }
    names
}

fn is_variable(name: &str) -> bool {
    VARIABLES.iter().any(|variable| match variable.name.strip_suffix("<ENV>") {
        Some(prefix) => name.strip_prefix(prefix).is_some_and(|environment| !environment.is_empty()),
        None => name == variable.name,
    })
}

/// What looks like a Nango key or a digest.
fn secrets(text: &str) -> Vec<&str> {
    let pieces = text.split(|c: char| !(c.is_ascii_hexdigit() || c == '-')).map(|piece| piece.trim_matches('-'));
    let is_key = |piece: &str| piece.len() == 36 && Uuid::try_parse(piece).is_ok();
    let is_digest = |piece: &str| piece.split('-').any(|part| part.len() >= 64);
    pieces.filter(|piece| is_key(piece) || is_digest(piece)).collect()
}

#[test]
fn every_variable_named_there_exists() {
    let wrong = "NANGO_MCP_TOKEN_SHA265 and NANGO_SECRET_KEY_<ENV>, NANGO_SECRET_KEY_PROD, NANGO_MCP_TOKEN_SHA256; NANGO_* NANGO_MCP_*";
    let unknown: Vec<String> = named(wrong).into_iter().filter(|name| !is_variable(name)).collect();
    assert_eq!(unknown, ["NANGO_MCP_TOKEN_SHA265"]);

    let mut seen = BTreeSet::new();
    for (path, text) in files() {
        for name in named(&text) {
            assert!(is_variable(&name), "{path} names {name}, which is no variable of this project");
            seen.insert(name);
        }
    }
    println!("named: {}", seen.into_iter().collect::<Vec<_>>().join(" "));
}

#[test]
fn no_key_and_no_digest_is_in_them() {
    let planted = format!("KEY={KEY}, and a digest: \"{DIGEST}\"; sha256:{DIGEST} not 2026-07-28-deadbeef");
    assert_eq!(secrets(&planted), [KEY, DIGEST, DIGEST]);

    for (path, text) in files() {
        assert_eq!(secrets(&text).len(), 0, "{path} holds what looks like a secret");
    }
}

#[test]
fn only_the_script_for_loopback_lets_anonymous_clients_in() {
    const NAME: &str = "NANGO_MCP_ANONYMOUS";
    for (path, text) in files() {
        match path.as_str() {
            "deploy/wasmtime/serve" => assert!(text.contains(NAME), "the name that this test looks for is another now"),
            "deploy/wasmtime/README.md" => {}
            // Prose may name it; an assignment would be copied.
            _ if path.ends_with(".md") => {
                for set in [format!("{NAME}="), format!("{NAME}:"), format!("{NAME} =")] {
                    assert!(!text.contains(&set), "{path} sets {NAME}");
                }
            }
            _ => assert!(!text.contains(NAME), "{path} has {NAME}"),
        }
    }
}

#[test]
fn each_says_how_the_key_and_the_token_get_in() {
    let index = read("deploy/README.md");
    for host in ["wasmtime", "container", "spin", "wasmcloud"] {
        let readme = read(&format!("deploy/{host}/README.md"));
        for needed in ["NANGO_SECRET_KEY", "NANGO_MCP_TOKEN_SHA256", "NANGO_MCP_ALLOWED_HOSTS", "nango-mcp-host token", "make build"] {
            assert!(readme.contains(needed), "deploy/{host}/README.md does not say {needed}");
        }
        for section in ["**Granted:**", "**Not limited", "## The key and the token", "## What was tried"] {
            assert!(readme.contains(section), "deploy/{host}/README.md has no {section}");
        }
        assert!(index.contains(&format!("]({host}/)")), "deploy/README.md does not lead to {host}/");
    }
    assert!(read("deploy/wasmcloud/README.md").contains(" dist/nango-mcp.wasm\n"), "what is pushed is the component");
}

#[test]
fn links_between_them_lead_somewhere() {
    for (path, text) in files().into_iter().filter(|(path, _)| path.ends_with(".md")) {
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if !link.starts_with("http") {
                assert!(root().join(&path).parent().unwrap().join(link).exists(), "{path} leads to {link}, which is not there");
            }
        }
    }
}

#[test]
fn spin_is_granted_nango_alone() {
    let manifest: Value = toml::from_str(&read("deploy/spin/spin.toml")).unwrap();
    assert_eq!(manifest["spin_manifest_version"], 2);
    let triggers = manifest["trigger"]["http"].as_array().unwrap();
    assert_eq!(triggers.len(), 1);
    assert_eq!(triggers[0]["route"], "/...");
    let components = manifest["component"].as_object().unwrap();
    assert_eq!(components.keys().collect::<Vec<_>>(), [triggers[0]["component"].as_str().unwrap()]);

    let of_spin = components.values().next().unwrap();
    let source = root().join("deploy/spin").join(of_spin["source"].as_str().unwrap());
    assert!(source.ends_with("dist/nango-mcp.wasm"), "{}", source.display());
    assert_eq!(source.canonicalize().unwrap(), component().canonicalize().unwrap());
    assert_eq!(of_spin["allowed_outbound_hosts"], serde_json::json!([nango()]));
    assert_eq!(of_spin["environment"], serde_json::json!({ "NANGO_BASE_URL": nango() }), "the key and the token are given at start");
    assert_eq!(manifest.get("variables"), None, "Spin's variables do not reach the component");
    for other in ["variables", "key_value_stores", "sqlite_databases", "files", "ai_models"] {
        assert_eq!(of_spin.get(other), None, "{other} is not needed");
    }
}

#[test]
fn wasmcloud_is_granted_nango_alone() {
    let documents: Vec<Value> = serde_saphyr::from_multiple(&read("deploy/wasmcloud/workload.yaml")).unwrap();
    let [service, workload] = documents.as_slice() else { panic!("{documents:?}") };
    assert_eq!((&service["apiVersion"], &service["kind"]), (&"v1".into(), &"Service".into()));
    assert_eq!(service["spec"]["ports"], serde_json::json!([{ "name": "http", "port": 80, "protocol": "TCP" }]));

    assert_eq!(workload["apiVersion"], "runtime.wasmcloud.dev/v1alpha1");
    assert_eq!(workload["kind"], "WorkloadDeployment");
    let spec = &workload["spec"]["template"]["spec"];
    assert_eq!(spec["kubernetes"]["service"]["name"], service["metadata"]["name"]);

    let interfaces = spec["hostInterfaces"].as_array().unwrap();
    assert_eq!(interfaces.len(), 1);
    let http = &interfaces[0];
    assert_eq!((&http["namespace"], &http["package"]), (&"wasi".into(), &"http".into()));
    assert_eq!(http["interfaces"], serde_json::json!(["incoming-handler"]));

    let components = spec["components"].as_array().unwrap();
    assert_eq!(components.len(), 1);
    let resources = &components[0]["localResources"];
    assert_eq!(resources["allowedHosts"], serde_json::json!([nango()]));
    let variables = resources["environment"]["config"].as_object().unwrap();
    assert_eq!(variables["NANGO_BASE_URL"], nango());
    assert_eq!(variables["NANGO_MCP_ALLOWED_HOSTS"], http["config"]["host"], "requests are routed by it, and then refused");
    assert_eq!(variables.len(), 2, "the key and the token come from the Secret: {variables:?}");
    let secret = &resources["environment"]["secretFrom"][0]["name"];
    let made = format!("kubectl create secret generic {} --from-env-file", secret.as_str().unwrap());
    assert!(read("deploy/wasmcloud/README.md").contains(&made), "README does not say how the Secret {secret} is made");

    // What docs and CRD of wasmCloud do not know would be dropped without a word.
    let known = |value: &Value, keys: &[&str]| {
        let unknown: Vec<&String> = value.as_object().unwrap().keys().filter(|key| !keys.contains(&key.as_str())).collect();
        assert_eq!(unknown, Vec::<&String>::new());
    };
    known(&workload["spec"], &["replicas", "template"]);
    known(spec, &["components", "hostInterfaces", "hostSelector", "kubernetes"]);
    known(&components[0], &["name", "image", "localResources"]);
    known(resources, &["allowedHosts", "environment"]);
    known(&resources["environment"], &["config", "secretFrom"]);
    known(http, &["namespace", "package", "interfaces", "config"]);
}

#[test]
fn the_image_holds_the_component_and_the_wasmtime_of_the_tests() {
    let dockerfile = read("deploy/container/Dockerfile").replace("\\\n", " ");
    let lines: Vec<&str> = dockerfile.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let of = |instruction: &str| -> Vec<&str> {
        lines.iter().filter_map(|line| line.strip_prefix(instruction)?.strip_prefix(' ')).map(str::trim).collect()
    };

    let lock: Value = toml::from_str(&read("Cargo.lock")).unwrap();
    let wasmtime = lock["package"].as_array().unwrap().iter().find(|package| package["name"] == "wasmtime").unwrap();
    let version = format!("--version {} ", wasmtime["version"].as_str().unwrap());
    let install = of("RUN");
    assert_eq!(install.len(), 1);
    assert!(install[0].contains(&version) && install[0].contains(" --locked "), "{}: the tests run on{version}", install[0]);
    for said in ["deploy/container/README.md", "deploy/wasmtime/README.md", "deploy/wasmtime/serve"] {
        assert!(read(said).contains(wasmtime["version"].as_str().unwrap()), "{said} names another wasmtime");
    }
    let toolchain: Value = toml::from_str(&read("rust-toolchain.toml")).unwrap();
    let rust = of("FROM")[0].split(['-', ':']).nth(1).unwrap().to_owned();
    assert!(toolchain["toolchain"]["channel"].as_str().unwrap().starts_with(&rust), "Rust {rust} is not the one of the project");

    let ignore = read("deploy/container/Dockerfile.dockerignore");
    let sent: BTreeSet<&str> = ignore.lines().filter_map(|line| line.strip_prefix('!')).collect();
    assert!(ignore.lines().any(|line| line == "*"), "nothing is sent to the builder but what is named");
    let copied: BTreeSet<&str> = of("COPY")
        .into_iter()
        .filter(|copy| !copy.contains("--from="))
        .map(|copy| copy.split_whitespace().find(|word| !word.starts_with("--")).unwrap())
        .collect();
    assert_eq!(copied, sent);
    assert_eq!(copied, BTreeSet::from(["deploy/wasmtime/serve", "dist/nango-mcp.wasm"]));
    assert!(copied.iter().all(|path| root().join(path).is_file()));
    let component = of("COPY").into_iter().find(|copy| copy.contains("dist/nango-mcp.wasm")).unwrap();
    let there = component.split_whitespace().last().unwrap();
    assert!(of("ENV").concat().contains(&format!("COMPONENT={there}")), "the script looks for the component elsewhere");

    assert!(lines.iter().all(|line| !line.contains("NANGO_")), "no variable of the project is in a layer");
    let [user] = of("USER").try_into().unwrap();
    assert!(user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 0)), "{user}");
    assert_eq!(of("STOPSIGNAL"), ["SIGINT"]);
    for instruction in [of("ENTRYPOINT")[0], of("HEALTHCHECK")[0].split_once("CMD ").unwrap().1] {
        serde_json::from_str::<Vec<String>>(instruction).unwrap_or_else(|error| panic!("{instruction}: {error}"));
    }
    assert!(of("HEALTHCHECK")[0].contains("GET /health "));
}

/// The script with these variables and arguments, and `echo` in wasmtime's place: it prints its arguments.
fn serve(vars: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(root().join("deploy/wasmtime/serve"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", std::env::temp_dir()).env("WASMTIME", "echo");
    command.envs(vars.iter().copied()).args(arguments).output().unwrap()
}

/// The arguments that wasmtime got.
#[track_caller]
fn arguments(output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).split_whitespace().map(str::to_owned).collect()
}

/// The values of `--env` among them.
fn env(arguments: &[String]) -> Vec<&str> {
    arguments.windows(2).filter(|pair| pair[0] == "--env").map(|pair| pair[1].as_str()).collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_script_hands_variables_on_by_name() {
    let vars =
        [("NANGO_SECRET_KEY", KEY), ("NANGO_SECRET_KEY_PROD", KEY), ("NANGO_MCP_TOOLS", ""), ("NANGO_MCP_ENV_FILE", "/x"), ("X", "1")];
    let output = serve(&vars, &["-W", "max-table-elements=100"]);
    let given = arguments(&output);
    assert_eq!(env(&given), ["NANGO_SECRET_KEY", "NANGO_SECRET_KEY_PROD", "NANGO_MCP_ANONYMOUS=loopback"]);
    assert!(given.windows(2).any(|pair| pair == ["--addr", "127.0.0.1:8080"]), "{given:?}");
    assert!(given.windows(2).any(|pair| pair == ["-S", "cli"]), "{given:?}");
    assert!(given.windows(2).any(|pair| pair == ["-W", "max-table-elements=100"]), "{given:?}");
    assert!(given.last().unwrap().ends_with("dist/nango-mcp.wasm"), "{given:?}");
    let said = stderr(&output);
    assert!(said.contains("http://127.0.0.1:8080/mcp") && said.contains("claude mcp add"), "{said}");
    assert!(!given.iter().any(|given| given.contains(KEY)) && !said.contains(KEY));
}

#[test]
fn the_script_opens_other_addresses_with_a_token_alone() {
    let anonymous = ("NANGO_MCP_ANONYMOUS", "loopback");
    for address in ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:80", "127.0.0.1.example:80", "127.1:8080", "[::ffff:127.0.0.1]:80", ":8080"] {
        let output = serve(&[("ADDR", address), anonymous], &[]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{address}: {output:?}");
    }
    let refusal = stderr(&serve(&[("ADDR", "0.0.0.0:8080")], &[]));
    assert!(refusal.contains("NANGO_MCP_TOKEN_SHA256") && refusal.contains("nango-mcp-host token"), "{refusal}");

    for address in ["0.0.0.0:8080", "127.0.0.1:8080"] {
        let output = serve(&[("ADDR", address), anonymous, ("NANGO_MCP_TOKEN_SHA256", DIGEST)], &[]);
        assert_eq!(env(&arguments(&output)), ["NANGO_MCP_TOKEN_SHA256"], "{address}");
        assert!(stderr(&output).contains("Authorization: Bearer") && !stderr(&output).contains(DIGEST), "{output:?}");
    }
    for (address, becomes) in [("127.0.0.2:81", "127.0.0.2:81"), ("[::1]:8080", "[::1]:8080"), ("localhost:82", "127.0.0.1:82")] {
        let given = arguments(&serve(&[("ADDR", address)], &[]));
        assert_eq!(env(&given), ["NANGO_MCP_ANONYMOUS=loopback"], "{address}");
        assert!(given.windows(2).any(|pair| pair == ["--addr", becomes]), "{given:?}");
    }
}

#[test]
fn the_script_says_what_is_missing() {
    let help = serve(&[], &["--help"]);
    let text = String::from_utf8(help.stdout).unwrap();
    assert!(help.status.success() && ["ADDR", "WASMTIME", "COMPONENT"].iter().all(|name| text.contains(name)), "{text}");
    for (name, remedy) in [("WASMTIME", "install wasmtime"), ("COMPONENT", "make build")] {
        let output = serve(&[(name, "/nowhere/at/all")], &[]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains("/nowhere/at/all") && stderr(&output).contains(remedy), "{output:?}");
    }
    assert!(stderr(&serve(&[], &[])).contains("no NANGO_SECRET_KEY is set"));
    // Where nothing compiled can be kept, wasmtime must not try.
    assert!(arguments(&serve(&[("HOME", "/nowhere/at/all")], &[])).windows(2).any(|pair| pair == ["-C", "cache=n"]));
}
