//! Names that would be markup, if they could.

use serde_json::json;

use super::Bench;

const HOSTILE: [&str; 14] = [
    "<script>alert(1)</script>",
    "</title></style></h1></bdi><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' autofocus onfocus=alert(1) x='",
    "\" formaction=\"https://evil.example\" x=\"",
    "<!--",
    "]]><![CDATA[",
    "&lt;script&gt;&#x3c;&quot;&amp",
    "<svg/onload=alert(1)>",
    "</form><form action=https://evil.example>",
    "\u{202e}gnp.exe\u{2066}",
    "\u{0}<\u{0}b>\u{1b}[31m\u{7f}\u{85}",
    "{{7*7}}${7*7}<%= 7 %>",
    "＜script＞ ‹b› Ω é 🦀",
];

/// The page without its text and the values of attributes: what a browser takes for structure.
fn skeleton(html: &str) -> String {
    let (mut kept, mut in_tag, mut in_value) = (String::new(), false, false);
    for c in html.chars() {
        match c {
            '<' if !in_tag => (in_tag, in_value) = (true, false),
            '"' if in_tag => in_value = !in_value,
            '>' if in_tag && !in_value => in_tag = false,
            _ if in_tag && !in_value => {}
            _ => continue,
        }
        kept.push(c);
    }
    kept
}

/// The text as the page must hold it: by the book, not by the page's own code.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;");
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The pages of one life with this name everywhere: open, failed, connected, one of two connected.
async fn pages(name: &str, id: &str) -> Vec<String> {
    let bench = Bench::start().await;
    for integration in ["github", "slack"] {
        let (status, answer) = bench.api("PATCH", &format!("/integrations/{integration}"), &json!({ "display_name": name })).await;
        assert_eq!(status, 200, "{answer}");
    }
    let user = json!({ "id": name, "display_name": name });
    let body = json!({ "end_user": user, "organization": { "id": name, "display_name": name }, "allowed_integrations": ["github"] });
    let token = bench.session(body.clone()).await;
    let mut pages = vec![bench.open(&token).await.html];
    pages.push(bench.follow(&token, "fail", "github").await.html);
    pages.push(bench.follow(&token, "connect", "github").await.html);
    let several = json!({ "tags": { "end_user_id": name, "organization_id": name }, "allowed_integrations": ["github", "slack"] });
    let token = bench.session(several).await;
    pages.push(bench.follow(&token, "connect", "slack").await.html);
    // An id that the caller of the API chose.
    let import = json!({ "provider_config_key": "github", "connection_id": id, "credentials": { "type": "OAUTH2", "access_token": "t" } });
    assert_eq!(bench.api("POST", "/connections", &import).await.0, 201);
    let token = bench.session_at("/connect/sessions/reconnect", json!({ "connection_id": id, "integration_id": "github" })).await;
    pages.push(bench.open(&token).await.html);
    pages.push(bench.follow(&token, "connect", "github").await.html);
    pages
}

#[tokio::test]
async fn a_name_is_text_wherever_it_stands() {
    let harmless: Vec<String> = pages("Name", "id").await.iter().map(|page| skeleton(page)).collect();
    assert!(harmless[0].contains("<h1>") && harmless[0].contains("<button"), "{}", harmless[0]);
    for name in HOSTILE {
        let id = "a\"b'c/{}$x=";
        for (page, harmless) in pages(name, id).await.iter().zip(&harmless) {
            assert_eq!(&skeleton(page), harmless, "{name:?}");
            assert!(page.contains(&escaped(name)), "{name:?} in {page}");
            assert!(!page.contains('\0') && !page.contains('\u{1b}'));
        }
    }
}

#[tokio::test]
async fn a_key_is_text_too() {
    let bench = Bench::start().await;
    let key = "a key: ~.@_-";
    let body = json!({ "provider": "unauthenticated", "unique_key": key });
    let (status, answer) = bench.api("POST", "/integrations", &body).await;
    assert_eq!(status, 200, "{answer}");
    let token = bench.simple(&[key]).await;
    let page = bench.open(&token).await;
    page.says("value=\"a key: ~.@_-\"");
    page.says("needs no credentials");
    assert_eq!(bench.follow(&token, "connect", key).await.heading(), "Done");
}

#[tokio::test]
async fn a_form_that_makes_no_sense_is_refused() {
    let bench = Bench::start().await;
    let token = bench.simple(&["github"]).await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let target = format!("/?session_token={token}");
    let long = format!("do=connect&integration={}", "x".repeat(100_000));
    for body in ["", "&&&", "do", "do[]=connect&integration[]=github", "do[x]=connect", "%FF%FE=%00", "integration=github", &long] {
        let page = bench.send("POST", &target, &form, body).await;
        assert!((400..500).contains(&page.status), "{} of {body:.40}", page.status);
        page.keeps_quiet_about("xxxxxxxxxx");
    }
    for kind in ["text/plain", "multipart/form-data; boundary=x", "application/json"] {
        let page = bench.send("POST", &target, &[("content-type", kind)], "{\"do\":\"connect\",\"integration\":\"github\"}").await;
        assert_eq!(page.status, 415, "{kind}");
    }
    // Other methods are as unknown here as at any path.
    assert_eq!(bench.send("PUT", &target, &form, "do=connect&integration=github").await.status, 404);
    assert_eq!(bench.send("DELETE", &target, &[], "").await.status, 404);
    assert_eq!(bench.connections().await.len(), 0);
}

#[tokio::test]
async fn a_hostile_query_goes_nowhere_else() {
    let bench = Bench::start().await;
    let token = bench.simple(&["github"]).await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for more in ["&apiURL=https://evil.example", "&x=%0d%0aset-cookie:a=b", "&next=//evil.example", "&x=%22%3E%3Cscript%3E"] {
        let reply = bench.send("POST", &format!("/?session_token={token}{more}"), &form, "do=fail&integration=github").await;
        assert_eq!((reply.status, reply.header("location")), (303, format!("?session_token={token}{more}").as_str()));
        assert_eq!(reply.header("set-cookie"), "");
        let page = bench.send("GET", &format!("/?session_token={token}{more}"), &[], "").await;
        page.keeps_quiet_about("evil.example");
        page.keeps_quiet_about("<script");
    }
}
