//! Answers as a document shows them: the same at every run, and no longer than one reads.

use std::net::SocketAddr;

use base64::Engine as _;
use rmcp::model::CallToolResult;
use serde_json::Value;

/// Characters of a text, above which it is cut.
const TEXT: usize = 300;
/// Items of a list.
const ITEMS: usize = 3;

/// Puts placeholders where a run is not as the one before: the port, session tokens, ids that Nango makes up.
pub(crate) struct Stable {
    address: SocketAddr,
    /// The ids met so far.
    ids: Vec<String>,
}

impl Stable {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, ids: Vec::new() }
    }

    /// A text that is the same at every run.
    pub(crate) fn text(&mut self, text: &str) -> String {
        let port = self.address.port();
        let text = text.replace(&format!("127.0.0.1:{port}"), "127.0.0.1:3003").replace(&format!("127.0.0.1%3A{port}"), "127.0.0.1%3A3003");
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some(first) = rest.chars().next() {
            if let Some(token) = begins(rest, "nango_connect_session_", |c| c.is_ascii_hexdigit(), 64) {
                out += "nango_connect_session_…";
                rest = &rest[token..];
            } else if let Some(cursor) = begins(rest, "eyJ", |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'), 17) {
                // It holds a digest of the arguments, and among them may be an id.
                out += &rest[..20];
                out.push('…');
                rest = &rest[cursor..];
            } else if is_uuid(rest) && !out.ends_with(|c: char| c.is_ascii_alphanumeric()) {
                out += &self.id(&rest[..36]);
                rest = &rest[36..];
            } else {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        out
    }

    /// The placeholder of an id: the same for the same id.
    fn id(&mut self, id: &str) -> String {
        let at = self.ids.iter().position(|known| known == id).unwrap_or_else(|| {
            self.ids.push(id.to_owned());
            self.ids.len() - 1
        });
        format!("00000000-0000-4000-8000-{:012}", at + 1)
    }

    /// JSON as a block of a document: stable, indented, with long lists and texts cut.
    pub(super) fn json(&mut self, value: &Value) -> String {
        let mut value = value.clone();
        // Which of several overlapping answers says it is chance.
        if let Some(remaining) = value.pointer_mut("/rate_limit/remaining") {
            *remaining = "…".into();
        }
        shorten(&mut value);
        format!("```json\n{}\n```\n", self.text(&serde_json::to_string_pretty(&value).unwrap()))
    }

    /// The answer to a call that must succeed, and what of it is no JSON.
    #[track_caller]
    pub(super) fn answer(&mut self, result: &CallToolResult) -> String {
        let mut out = self.json(super::super::bench::good(result));
        for block in &result.content {
            if let Some(resource) = block.as_resource() {
                let shown = serde_json::to_value(&resource.resource).unwrap();
                let bytes = base64::engine::general_purpose::STANDARD.decode(shown["blob"].as_str().unwrap()).unwrap().len();
                let text = |name: &str| shown[name].as_str().unwrap().to_owned();
                out += &format!("\nwith a resource of the media type `{}`, at `{}`, {bytes} bytes.\n", text("mimeType"), text("uri"));
            }
        }
        out
    }
}

/// How long a token is that stands at the beginning: a mark, and at least so many characters of a kind.
fn begins(text: &str, mark: &str, of: impl Fn(char) -> bool, least: usize) -> Option<usize> {
    let rest = text.strip_prefix(mark)?;
    let length = rest.find(|c| !of(c)).unwrap_or(rest.len());
    (length >= least).then_some(mark.len() + length)
}

fn is_uuid(text: &str) -> bool {
    let form = |(at, byte): (usize, &u8)| if [8, 13, 18, 23].contains(&at) { *byte == b'-' } else { byte.is_ascii_hexdigit() };
    text.as_bytes().get(..36).is_some_and(|bytes| bytes.iter().enumerate().all(form))
}

/// Cut what is long, and say so.
fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.chars().count() > TEXT => {
            let begin: String = text.chars().take(TEXT / 2).collect();
            *text = format!("{begin}… ({} characters)", text.chars().count());
        }
        Value::Array(items) => {
            let more = items.len().saturating_sub(ITEMS);
            // One line less is no gain where there is only one more.
            if more > 1 {
                items.truncate(ITEMS);
                items.push(format!("… {more} more").into());
            }
            items.iter_mut().for_each(shorten);
        }
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}

#[test]
fn what_changes_gets_a_placeholder_and_what_is_long_is_cut() {
    let mut stable = Stable::new(([127, 0, 0, 1], 4711).into());
    let (one, two) = ("6f2a1c7e-90b4-4d53-8a1e-3c5d7e9f0b21", "7f2a1c7e-90b4-4d53-8a1e-3c5d7e9f0b21");
    let token = format!("nango_connect_session_{}", "a1".repeat(32));
    let text = stable.text(&format!("http://127.0.0.1:4711/?t={token}&u=http%3A%2F%2F127.0.0.1%3A4711 {two} {one} {two} é"));
    let id = |n: u8| format!("00000000-0000-4000-8000-00000000000{n}");
    let local = "http://127.0.0.1:3003/?t=nango_connect_session_…&u=http%3A%2F%2F127.0.0.1%3A3003";
    assert_eq!(text, format!("{local} {} {} {} é", id(1), id(2), id(1)));
    let mut long = serde_json::json!({"a": [1, 2, 3, 4], "b": [1, 2, 3, 4, 5], "c": "é".repeat(301)});
    shorten(&mut long);
    let cut = format!("{}… (301 characters)", "é".repeat(150));
    assert_eq!(long, serde_json::json!({"a": [1, 2, 3, 4], "b": [1, 2, 3, "… 2 more"], "c": cut}));
}
