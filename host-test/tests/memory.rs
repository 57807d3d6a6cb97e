//! How much memory a call takes, held by the host's own limiter: every call in a fresh instance, ended when it wants more.

use nango_mcp_host::demo::Embedded;
use nango_mcp_host::limits::Limits;
use nango_mcp_host::mcp::Server;
use nango_mcp_host::nango::Options;
use nango_mcp_host::sandbox::Sandbox;
use rmcp::ErrorData;
use rmcp::model::{CallToolResult, ErrorCode};
use serde_json::{Value, json};

use super::bench::{KEY, bad, good, sandbox};

const MIB: usize = 1 << 20;

/// A server whose calls get so much memory, over an embedded Nango as large as Nango itself.
async fn small(memory: usize, vars: &[(&str, &str)]) -> (Bench, Embedded) {
    let options = Options { catalogue: 1000, rate_limit: u32::MAX, ..Options::default() };
    let nango = Embedded::with(([127, 0, 0, 1], 0).into(), KEY.into(), options).await.unwrap();
    let mut all = nango.vars();
    all.extend(vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let sandbox = sandbox(&all, Limits { memory, calls: 4, ..Limits::default() });
    (Bench { server: Server::start(sandbox.clone(), false).await.unwrap(), sandbox, memory }, nango)
}

struct Bench {
    server: Server,
    sandbox: Sandbox,
    memory: usize,
}

impl Bench {
    /// The result, or the protocol error; the memory that the call had is printed.
    async fn call(&self, tool: &str, arguments: &Value) -> Result<CallToolResult, ErrorData> {
        self.sandbox.take_peak();
        let result = self.server.call(tool, &arguments.to_string()).await;
        let (peak, arguments) = (self.sandbox.take_peak(), arguments.to_string());
        let says = match &result {
            Ok(result) if result.is_error == Some(true) => result.content[0].as_text().map_or("", |text| &text.text),
            Ok(_) => "",
            Err(error) => &error.message,
        };
        let begin = |text: &str| text[..text.floor_char_boundary(150)].to_owned();
        println!("{:>6} of {:>6} kB: {tool} {} {}", peak / 1000, self.memory / 1000, begin(&arguments), begin(says));
        result
    }

    /// A call that must succeed.
    async fn good(&self, tool: &str, arguments: &Value) -> Value {
        good(&self.call(tool, arguments).await.unwrap()).clone()
    }

    /// A call that must succeed or be refused for its arguments: never out of memory, never a trap.
    async fn good_or_refused(&self, tool: &str, arguments: &Value) {
        match self.call(tool, arguments).await {
            Ok(result) if result.is_error == Some(true) => {
                let error = bad(&result);
                assert_eq!(error["kind"], "argument", "{tool}: {error}");
            }
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.code, ErrorCode::INVALID_PARAMS, "{tool}: {error}");
                assert!(error.message.contains("very many small values"), "{tool}: {error}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_catalogue_is_searched_within_8_mib() {
    let (bench, _nango) = small(8 * MIB, &[]).await;
    for query in ["github", "crm", "e", "no such provider at all"] {
        bench.good("search_provider_templates", &json!({"query": query, "limit": 50})).await;
    }
    bench.good("search_provider_templates", &json!({"query": "a", "auth_mode": "NONE", "category": "none"})).await;
}

/// Answers of 4 MiB, or just under it: some paths of the played provider and their parameters.
fn large() -> [(&'static str, Value); 7] {
    let bytes = 4 * MIB - 64;
    [
        ("/contacts", json!({"count": 9780})),
        ("/list", json!({"count": 20_000})),
        ("/matrix", json!({"bytes": bytes})),
        ("/deep", json!({"levels": 100_000})),
        ("/text", json!({"bytes": bytes})),
        ("/csv", json!({"rows": 20_000})),
        ("/binary", json!({"bytes": bytes})),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_s_answer_of_4_mib_is_read_within_16_mib() {
    let (bench, nango) = small(16 * MIB, &[]).await;
    nango.nango.seed_connections("default", "github", 1);
    for (path, query) in large() {
        let plain = json!({"provider_config_key": "github", "connection_id": "seed-0001", "method": "GET", "path": path, "query": query});
        let with = |more: Value| {
            let mut arguments = plain.clone();
            arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            arguments
        };
        let shown = bench.good("proxy_request", &plain).await;
        assert_eq!(shown["ok"], true, "{shown}");
        if path == "/contacts" {
            let bytes = shown["response_meta"]["bytes"].as_u64().unwrap();
            assert!((4_150_000..=4_194_304).contains(&bytes), "{bytes} bytes are not just under the cap");
        }
        bench.good("proxy_request", &with(json!({"describe": true}))).await;
        // Where nothing fits what is asked for, the answer is an argument error that says what is there.
        bench.good_or_refused("proxy_request", &with(json!({"fields": ["id", "name", "company.name"]}))).await;
        bench.good_or_refused("proxy_request", &with(json!({"filters": [{"field": "id", "op": "gt", "value": 19_000}]}))).await;
        bench.good_or_refused("proxy_request", &with(json!({"filters": [{"field": "name", "op": "ne", "value": "x"}]}))).await;
        bench.good_or_refused("proxy_request", &with(json!({"page_size": 100, "inline_limit": 1024}))).await;
        bench.good_or_refused("proxy_request", &with(json!({"response_path": "/nowhere/1"}))).await;
        let cursor = shown["response_meta"]["next_cursor"].clone();
        if cursor.is_string() {
            bench.good("proxy_request", &with(json!({"cursor": cursor}))).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_audits_at_their_limits_stay_within_16_mib() {
    let (bench, nango) = small(16 * MIB, &[]).await;
    assert_eq!(nango.nango.seed_connections("default", "github", 2000), 2000);
    let page = bench.good("list_connections", &json!({"limit": 200})).await;
    assert_eq!(page["connections"].as_array().unwrap().len(), 200);
    bench.good("list_connections", &json!({"limit": 200, "with_errors": true})).await;
    let audit = bench.good("audit_connection_conventions", &json!({"limit": 2000})).await;
    assert_eq!(audit["checked"], 2000);
}

/// So many small values that their JSON is just under 1 MiB.
fn tiny(form: &str) -> Value {
    match form {
        "numbers" => json!({"a": vec![0; 520_000]}),
        "objects" => json!({"a": vec![json!({}); 340_000]}),
        "lists" => json!({"a": vec![json!([]); 340_000]}),
        "texts" => json!({"a": vec![""; 340_000]}),
        "keyed" => json!({"a": vec![json!({"a": 1}); 125_000]}),
        "keys" => (0..90_000).map(|n| (format!("{n:x}"), Value::from(1))).collect::<serde_json::Map<_, _>>().into(),
        _ => json!({"a": "x".repeat(MIB - 1000)}),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_of_1_mib_are_taken_within_16_mib_or_refused() {
    let (bench, nango) = small(16 * MIB, &[]).await;
    nango.nango.seed_connections("default", "github", 1);
    let account = json!({"environment": "default", "provider_config_key": "github", "connection_id": "seed-0001"});
    let with = |more: Value| {
        let mut arguments = account.clone();
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };
    for form in ["numbers", "objects", "lists", "texts", "keyed", "keys", "one text"] {
        let values = tiny(form);
        assert!((800_000..MIB).contains(&values.to_string().len()), "{form}: {}", values.to_string().len());
        bench.good_or_refused("update_connection_metadata", &with(json!({"metadata": values}))).await;
        bench.good_or_refused("update_connection_metadata", &with(json!({"metadata": values, "mode": "replace"}))).await;
        let credentials = json!({"type": "OAUTH2", "access_token": "t"});
        let import = json!({"connection_id": format!("i-{}", form.len()), "credentials": credentials, "metadata": values});
        bench.good_or_refused("import_connection", &with(import)).await;
        // Not /echo, whose answer repeats the body: see below.
        for path in ["/contacts", "/status/400"] {
            bench.good_or_refused("proxy_request", &with(json!({"method": "POST", "path": path, "body": values}))).await;
        }
        // Where no such argument exists, too.
        bench.good_or_refused("list_connections", &json!({"tags": values})).await;
        bench.good_or_refused("create_connect_session", &json!({"allowed_integrations": values["a"], "tags": values})).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_value_of_4_mib_is_read_within_16_mib() {
    let (bench, nango) = small(16 * MIB, &[]).await;
    nango.nango.seed_connections("default", "github", 1);
    for form in ["text", "escaped", "key", "item", "members", "lists"] {
        let query = json!({"bytes": 4 * MIB - 64, "as": form});
        let plain =
            json!({"provider_config_key": "github", "connection_id": "seed-0001", "method": "GET", "path": "/blob", "query": query});
        let with = |more: Value| {
            let mut arguments = plain.clone();
            arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            arguments
        };
        for limit in [1024, 32_768] {
            let shown = bench.good("proxy_request", &with(json!({"inline_limit": limit}))).await;
            let written = |name: &str| shown["response_meta"][name].to_string().len();
            assert!(shown["response"].to_string().len() <= limit && written("shape") <= limit, "{form}, {limit}: {shown}");
            assert_eq!(shown["response_meta"]["truncated"], true);
        }
        let described = bench.good("proxy_request", &with(json!({"describe": true}))).await;
        assert!(described.to_string().len() <= 33_000, "{form}: {described}");
        bench.good_or_refused("proxy_request", &with(json!({"fields": ["id", "blob", "blob.0", "m0"]}))).await;
        for (op, value) in [("contains", json!("y")), ("eq", json!("x")), ("exists", json!(true)), ("ne", Value::Null)] {
            let filters = json!([{"field": "blob", "op": op, "value": value}, {"field": "id", "op": "exists"}]);
            bench.good_or_refused("proxy_request", &with(json!({"filters": filters}))).await;
        }
        bench.good_or_refused("proxy_request", &with(json!({"response_path": "/blob"}))).await;
        bench.good_or_refused("proxy_request", &with(json!({"response_path": "/0/blob", "fields": ["a"]}))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_1_mib_is_repeated_within_16_mib() {
    let (bench, nango) = small(16 * MIB, &[]).await;
    nango.nango.seed_connections("default", "github", 1);
    for form in ["numbers", "objects", "lists", "texts", "keyed", "keys", "one text"] {
        let call =
            json!({"provider_config_key": "github", "connection_id": "seed-0001", "method": "POST", "path": "/echo", "body": tiny(form)});
        bench.good("proxy_request", &call).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_8_mib_is_downloaded_within_32_mib() {
    let (bench, nango) = small(32 * MIB, &[("NANGO_MCP_MAX_DOWNLOAD_BYTES", "8388608")]).await;
    nango.nango.seed_connections("default", "github", 1);
    for path in ["/files/all.bin", "/files/all.txt"] {
        let arguments = json!({"provider_config_key": "github", "connection_id": "seed-0001", "path": path, "query": {"bytes": 8 * MIB}});
        let file = bench.good("download_provider_file", &arguments).await;
        assert!(file["size"].as_u64().is_some_and(|size| size > 8_388_600), "{file}");
    }
}
