//! The provider that the embedded Nango plays behind its proxy.

use serde_json::{Value, json};

use super::setup::{Bench, DEV, token};
use super::wire::Raw;

async fn start() -> Bench {
    let bench = Bench::start().await;
    bench.import("c", "github", token()).await;
    bench
}

async fn get(bench: &Bench, path: &str) -> Raw {
    bench.proxy("github", "GET", path, Value::Null).await
}

fn read(raw: &Raw) -> Value {
    serde_json::from_slice(&raw.body).expect("JSON")
}

#[tokio::test]
async fn contacts_are_paged_read_and_written() {
    let bench = start().await;
    let all = read(&get(&bench, "/contacts").await);
    assert_eq!((all["contacts"].as_array().map(Vec::len), &all["total"], &all["next_page"]), (Some(300), &json!(300), &Value::Null));
    let first = &all["contacts"][0];
    assert_eq!((&first["id"], &first["created"], &first["company"]["country"]), (&json!(1), &json!("2026-01-01T00:00:00Z"), &json!("GB")));
    let page = read(&get(&bench, "/contacts?count=25&per_page=10&page=2").await);
    assert_eq!((&page["contacts"][0]["id"], &page["next_page"]), (&json!(11), &json!(3)));
    let last = read(&get(&bench, "/contacts?count=25&per_page=10&page=3").await);
    assert_eq!((last["contacts"].as_array().map(Vec::len), &last["next_page"]), (Some(5), &Value::Null));
    assert_eq!(read(&get(&bench, "/contacts?count=99999999").await)["total"], 20_000);

    assert_eq!(read(&get(&bench, "/contacts/1").await), *first);
    assert_eq!(get(&bench, "/contacts/301").await.status, 404);
    let call = |method: &'static str, path: &'static str| bench.proxy("github", method, path, json!({ "id": 5, "name": "Ada" }));
    let made = call("POST", "/contacts").await;
    assert_eq!((made.status, read(&made)), (201, json!({ "id": 301, "name": "Ada" })));
    for method in ["PATCH", "PUT"] {
        assert_eq!(read(&call(method, "/contacts/7").await), json!({ "id": 7, "name": "Ada" }));
    }
    let gone = bench.proxy("github", "DELETE", "/contacts/7", Value::Null).await;
    assert_eq!((gone.status, gone.body.len(), gone.headers.contains_key("x-request-id")), (204, 0, false));
}

#[tokio::test]
async fn json_comes_in_every_size_and_shape() {
    let bench = start().await;
    assert_eq!(read(&get(&bench, "/list?count=3").await)[2], json!({ "id": 3, "name": "item-3" }));
    let matrix = get(&bench, "/matrix?bytes=6291456").await;
    assert!((6_291_000..=6_291_456).contains(&matrix.body.len()), "{}", matrix.body.len());
    assert_eq!(read(&matrix)[0][49], 0);
    assert_eq!(read(&get(&bench, "/blob?bytes=100000").await)["blob"].as_str().map(str::len), Some(100_000));
    let deep = get(&bench, "/deep?levels=100000").await.body;
    assert_eq!((deep.len(), deep[99_999], deep[100_000]), (200_000, b'[', b']'));
    for (path, kind) in [
        ("/mislabelled", Some("text/plain; charset=utf-8")),
        ("/untyped", None),
        ("/untyped?buffered=true", Some("application/octet-stream")),
    ] {
        let reply = get(&bench, path).await;
        assert_eq!(reply.headers.get("content-type").map(String::as_str), kind, "{path}");
        assert_eq!(read(&reply)["ok"], true);
    }
    let broken = get(&bench, "/broken").await;
    assert_eq!(broken.headers["content-type"], "application/json");
    assert!(serde_json::from_slice::<Value>(&broken.body).is_err());
    assert_eq!(get(&bench, "/nothing").await.status, 204);
}

#[tokio::test]
async fn text_and_files_have_their_media_types() {
    let bench = start().await;
    for (path, kind) in [
        ("/text?bytes=1000", "text/plain; charset=utf-8"),
        ("/html", "text/html; charset=utf-8"),
        ("/csv?rows=3", "text/csv; charset=utf-8"),
    ] {
        let reply = get(&bench, path).await;
        assert_eq!(reply.headers["content-type"], kind);
        assert!(String::from_utf8(reply.body).is_ok_and(|text| !text.is_ascii()), "{path}");
    }
    let latin = get(&bench, "/latin1").await;
    assert_eq!(latin.headers["content-type"], "text/plain; charset=iso-8859-1");
    assert!(String::from_utf8(latin.body).is_err());
    let binary = get(&bench, "/binary?bytes=12582912").await;
    assert_eq!(
        (binary.body.len(), &binary.body[..2], binary.headers["content-type"].as_str()),
        (12_582_912, &[0, 255][..], "application/octet-stream")
    );
    for (name, kind, start) in [
        ("report.pdf", "application/pdf", &b"%PDF-1.7"[..]),
        ("logo.PNG", "image/png", b"\x89PNG"),
        ("a%20b.csv", "text/csv; charset=utf-8", "Grüße".as_bytes()),
        ("notes.txt", "text/plain; charset=utf-8", b"Gr"),
        ("unknown", "application/octet-stream", b"\0"),
    ] {
        let reply = get(&bench, &format!("/files/{name}?bytes=5000")).await;
        assert_eq!((reply.headers["content-type"].as_str(), reply.headers.contains_key("content-disposition")), (kind, false));
        assert!(reply.body.starts_with(start) && (4997..=5000).contains(&reply.body.len()), "{name}");
    }
}

#[tokio::test]
async fn a_success_brings_two_headers_and_an_error_all() {
    let bench = start().await;
    let theirs = ["link", "set-cookie", "retry-after"];
    let fine = get(&bench, "/contacts").await;
    assert!(fine.headers.contains_key("x-request-id") && !theirs.iter().any(|name| fine.headers.contains_key(*name)));
    assert_eq!(fine.headers["x-ratelimit-remaining"], "198");
    let refused = get(&bench, "/status/429?text=sk-planted").await;
    assert_eq!((refused.status, read(&refused)), (429, json!({ "message": "sk-planted" })));
    assert!(theirs.iter().all(|name| refused.headers.contains_key(*name)));
    assert_eq!(refused.headers["x-ratelimit-remaining"], "7");
    assert!(!get(&bench, "/status/404").await.headers.contains_key("retry-after"));
    let attached = get(&bench, "/files/r%C3%A9sum%C3%A9.pdf?disposition=attachment").await;
    assert_eq!(attached.headers["content-disposition"], "attachment; filename=\"résumé.pdf\"");
    assert!(attached.headers.contains_key("link"));
}

#[tokio::test]
async fn head_has_no_body_and_says_so() {
    let bench = start().await;
    for (path, status) in [("/contacts", 200), ("/anything", 200), ("/status/404", 404)] {
        let reply = bench.proxy("github", "HEAD", path, Value::Null).await;
        assert_eq!((reply.status, reply.headers["content-length"].as_str(), reply.body.len()), (status, "0", 0), "{path}");
        assert!(reply.headers["content-type"].starts_with("application/json"));
    }
}

#[tokio::test]
async fn the_provider_says_what_it_is_told() {
    let bench = start().await;
    assert_eq!(read(&get(&bench, "/say?text=a+b%26").await), json!({ "said": "a b&" }));
    let said = bench.proxy("github", "POST", "/say", json!({ "k": [1] })).await;
    assert_eq!(read(&said), json!({ "said": { "k": [1] } }));
    assert_eq!(read(&get(&bench, "/a/../b/%2e%2e/c?x=..").await)["path"], "/c");
    let mut request = Bench::request(DEV, "POST", "/proxy/form", None);
    for (name, value) in [("Provider-Config-Key", "github"), ("Connection-Id", "c"), ("Content-Type", "application/x-www-form-urlencoded")]
    {
        request.headers.push((name.to_owned(), value.to_owned()));
    }
    assert_eq!(bench.server.send_text(&request, Some("a=1&b=x+y")).await.body["body"], json!({ "a": "1", "b": "x y" }));
}

#[tokio::test]
async fn the_proxy_checks_its_headers_first() {
    let bench = start().await;
    let cases = [
        (vec![("Connection-Id", "é"), ("Provider-Config-Key", "github")], "invalid_headers"),
        (vec![("Connection-Id", "c"), ("Provider-Config-Key", "a/b")], "invalid_headers"),
        (vec![("Connection-Id", "c"), ("Provider-Config-Key", "github"), ("Decompress", "yes")], "invalid_headers"),
        (
            vec![("Connection-Id", "c"), ("Provider-Config-Key", "no"), ("Base-Url-Override", "http://[::1]")],
            "base_url_override_not_allowed",
        ),
        (vec![("Connection-Id", "c"), ("Provider-Config-Key", "no")], "unknown_provider_config"),
    ];
    for (headers, code) in cases {
        let mut request = Bench::request(DEV, "GET", "/proxy/user", None);
        request.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        assert_eq!(bench.server.send(&request).await.body["error"]["code"], code, "{headers:?}");
    }
}
