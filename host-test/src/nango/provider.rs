//! The provider behind `/proxy`, played: an echo, and some paths that answer as a provider's API might.
//!
//! Whatever is not listed here is echoed: 200 with `{"provider","method","path","query","headers","body"}`, that is
//! the path below the provider's base URL, the headers that Nango would forward (`Nango-Proxy-*`, without the prefix),
//! the body: JSON, a form as the object it becomes, or text. Nothing is random and nothing is kept, so the same call has the same answer.
//!
//! | Path | Answer |
//! |---|---|
//! | `/status/<code>?text=…` | that status, 400 to 599, with `{"message"}` |
//! | `GET /contacts?count=&page=&per_page=` | `{"contacts","total","next_page"}`; 300 in one page, at most 20,000 |
//! | `POST /contacts?count=` | 201, the body with the id after `count` |
//! | `GET /contacts/<id>?count=` | one of them, or 404 |
//! | `PATCH`, `PUT`, `DELETE /contacts/<id>` | 200 with id and body; 204 |
//! | `GET /list?count=` | a bare array of small objects |
//! | `GET /matrix?bytes=` | arrays of zeros, to 6 MiB |
//! | `GET /blob?bytes=&as=` | an object with one long string, to 12 MiB; as `escaped` characters, as a `key`, in the one `item` of a list, as its many `members` or as `lists` in it |
//! | `GET /deep?levels=` | arrays in arrays, to 100,000 |
//! | `GET /text?bytes=`, `/html`, `/csv?rows=` | in UTF-8 |
//! | `GET /latin1` | text in ISO 8859-1, which is no UTF-8 |
//! | `GET /mislabelled`, `/broken` | JSON as text/plain; half a JSON value as application/json |
//! | `GET /untyped` | JSON without a content type, as Nango streams it; with `?buffered=true` as it buffers it |
//! | `/nothing` | 204 |
//! | `GET /binary?bytes=` | application/octet-stream with every byte there is, to 12 MiB |
//! | `GET /files/<name>?bytes=` | pdf, png, csv, txt, else binary; with `?disposition=attachment` as an attachment |
//! | `GET /say?text=…`, `/say` with a body | `{"said"}` |
//!
//! A number that is none counts as absent, one too high as the highest.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::call::Call;
use super::sample;

const FORWARDED: &str = "nango-proxy-";
const KIB: usize = 1024;
const BYTES_MAX: usize = 12 * KIB * KIB;
const MATRIX_MAX: usize = 6 * KIB * KIB;
const LEVELS_MAX: usize = 100_000;
const ROWS_MAX: usize = 20_000;
const CONTACTS: usize = 300;

/// What the provider answers, as Nango passes it on.
pub(crate) fn answer(provider: &str, call: &Call) -> Answer {
    let path = resolved(call.path.strip_prefix("/proxy").unwrap_or_default());
    let decoded = Call::segments_of(&path);
    let segments: Vec<&str> = decoded.iter().map(AsRef::as_ref).collect();
    let method = if call.method == "HEAD" { "GET" } else { &call.method };
    let answer = match (method, segments.as_slice()) {
        (_, ["status", code]) => status(provider, code, call),
        (_, ["contacts"]) => contacts(method, call),
        (_, ["contacts", id]) => contact(method, id, call),
        (_, ["nothing"]) => Some(Answer::empty(204)),
        (_, ["say"]) => said(method, call),
        ("GET", [one]) => structured(one, call).or_else(|| written(one, call)),
        ("GET", ["files", name]) => Some(file(name, call)),
        _ => None,
    };
    passed_on(answer.unwrap_or_else(|| echo(provider, &path, call)), call)
}

/// The path that a URL parser makes of it before it is sent: dot segments, encoded ones too, are gone.
fn resolved(path: &str) -> String {
    let mut kept = Vec::new();
    let mut parts = path.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let dots = part.to_ascii_lowercase().replace("%2e", ".");
        match dots.as_str() {
            "." => {}
            ".." => {
                kept.pop();
            }
            _ => {
                kept.push(part);
                continue;
            }
        }
        if parts.peek().is_none() {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

/// The headers that come through: of a success the id of the request alone, unless it is an attachment, which Nango
/// streams with all it has; of an error all. A 204 comes bare. HEAD has the head only.
fn passed_on(mut answer: Answer, call: &Call) -> Answer {
    let streamed = answer.headers.iter().any(|(name, _)| *name == "content-disposition");
    if answer.status != 204 {
        answer = answer.with("x-request-id", request_id(call));
    }
    if answer.status >= 400 || streamed {
        answer = answer
            .with("link", "<https://api.example.com/contacts?page=2>; rel=\"next\"")
            .with("set-cookie", "session=embedded; Path=/; HttpOnly")
            .with("x-ratelimit-remaining", "7");
    }
    if matches!(answer.status, 429 | 503) {
        answer = answer.with("retry-after", "7");
    }
    if call.method == "HEAD" {
        answer.body.clear();
        answer = answer.with("content-length", "0");
    }
    answer
}

fn request_id(call: &Call) -> String {
    let mut hasher = DefaultHasher::new();
    (&call.method, &call.path, &call.query_text).hash(&mut hasher);
    format!("embedded-{:016x}", hasher.finish())
}

fn echo(provider: &str, path: &str, call: &Call) -> Answer {
    let headers: Map<String, Value> = call
        .headers
        .iter()
        .filter_map(|(name, value)| {
            let name = name.as_str().strip_prefix(FORWARDED)?;
            Some((name.to_owned(), String::from_utf8_lossy(value.as_bytes()).into()))
        })
        .collect();
    Answer::json(
        200,
        &json!({
            "provider": provider,
            "method": call.method,
            "path": path,
            "query": call.query_text,
            "headers": headers,
            "body": call.forwarded_body(),
        }),
    )
}

fn status(provider: &str, code: &str, call: &Call) -> Option<Answer> {
    let status = code.parse::<u16>().ok().filter(|status| (400..600).contains(status))?;
    let message = text(call, "text").unwrap_or_else(|| format!("{provider} (embedded) answers {status}"));
    Some(Answer::json(status, &json!({ "message": message })))
}

fn contacts(method: &str, call: &Call) -> Option<Answer> {
    let total = number(call, "count", CONTACTS, ROWS_MAX);
    match method {
        "GET" => {
            let size = number(call, "per_page", total, ROWS_MAX).max(1);
            let page = number(call, "page", 1, usize::MAX).max(1);
            let skipped = size.saturating_mul(page - 1);
            let rows = sample::array((1..=total).skip(skipped).take(size).map(sample::contact));
            let next = Value::from(Some(page + 1).filter(|_| skipped.saturating_add(size) < total));
            Some(raw(200, "application/json", format!("{{\"contacts\":{rows},\"total\":{total},\"next_page\":{next}}}")))
        }
        "POST" => Some(Answer::json(201, &with_id(total + 1, call))),
        _ => None,
    }
}

fn contact(method: &str, id: &str, call: &Call) -> Option<Answer> {
    let id = id.parse::<usize>().ok().filter(|id| *id > 0);
    let total = number(call, "count", CONTACTS, ROWS_MAX);
    let known = match method {
        "GET" => id.filter(|id| *id <= total).map(|id| Answer::json(200, &sample::contact(id))),
        "PATCH" | "PUT" => id.map(|id| Answer::json(200, &with_id(id, call))),
        "DELETE" => id.map(|_| Answer::empty(204)),
        _ => return None,
    };
    Some(known.unwrap_or_else(|| Answer::json(404, &json!({ "message": "No such contact", "code": "not_found" }))))
}

/// The body, with this id in front.
fn with_id(id: usize, call: &Call) -> Value {
    let mut kept = Map::from_iter([("id".to_owned(), id.into())]);
    match call.forwarded_body() {
        Value::Object(mut fields) => {
            fields.remove("id");
            kept.extend(fields);
        }
        Value::Null => {}
        other => {
            kept.insert("body".to_owned(), other);
        }
    }
    kept.into()
}

fn said(method: &str, call: &Call) -> Option<Answer> {
    let said = if method == "GET" { text(call, "text").into() } else { call.forwarded_body() };
    Some(Answer::json(200, &json!({ "said": said })))
}

/// Answers that try how JSON is read.
fn structured(name: &str, call: &Call) -> Option<Answer> {
    let small = || json!({ "ok": true, "items": [1, 2, 3] }).to_string();
    let json = |body: String| Some(raw(200, "application/json", body));
    match name {
        "list" => {
            let row = |id: usize| json!({ "id": id, "name": format!("item-{id}") });
            json(sample::array((1..=number(call, "count", 100, ROWS_MAX)).map(row)))
        }
        "matrix" => json(sample::matrix(number(call, "bytes", KIB, MATRIX_MAX))),
        "blob" => json(sample::blob(text(call, "as").as_deref(), number(call, "bytes", KIB, BYTES_MAX))),
        "deep" => {
            let levels = number(call, "levels", 100, LEVELS_MAX);
            json("[".repeat(levels) + &"]".repeat(levels))
        }
        "mislabelled" => Some(raw(200, "text/plain; charset=utf-8", small())),
        // What Nango buffers, Express gives a type.
        "untyped" if text(call, "buffered").is_some() => Some(raw(200, "application/octet-stream", small())),
        "untyped" => Some(Answer { status: 200, headers: Vec::new(), body: small().into_bytes() }),
        "broken" => json("{\"ok\":true,\"items\":[1,2".to_owned()),
        _ => None,
    }
}

/// Answers that are no JSON.
fn written(name: &str, call: &Call) -> Option<Answer> {
    Some(match name {
        "text" => raw(200, "text/plain; charset=utf-8", sample::text(number(call, "bytes", sample::SENTENCE.len(), BYTES_MAX))),
        "html" => raw(200, "text/html; charset=utf-8", sample::HTML),
        "csv" => raw(200, "text/csv; charset=utf-8", sample::csv(number(call, "rows", 10, ROWS_MAX))),
        "latin1" => raw(200, "text/plain; charset=iso-8859-1", sample::LATIN1),
        "binary" => raw(200, "application/octet-stream", sample::binary(number(call, "bytes", KIB, BYTES_MAX))),
        _ => return None,
    })
}

fn file(name: &str, call: &Call) -> Answer {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let (kind, body) = sample::file(extension.as_deref().unwrap_or_default(), number(call, "bytes", KIB, BYTES_MAX));
    let answer = raw(200, kind, body);
    match text(call, "disposition") {
        // Attachment or inline, as it was asked; a name that no header can hold is left out.
        Some(how) => answer.with("content-disposition", format!("{how}; filename=\"{}\"", name.replace(['"', '\\'], "_"))),
        None => answer,
    }
}

fn raw(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Answer {
    Answer { status, headers: vec![("content-type", kind.to_owned())], body: body.into() }
}

fn text(call: &Call, key: &str) -> Option<String> {
    call.query.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn number(call: &Call, key: &str, absent: usize, max: usize) -> usize {
    text(call, key).and_then(|text| text.parse().ok()).unwrap_or(absent).min(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_segments_are_resolved_as_a_url_parser_does() {
        for (path, expected) in [
            ("/a/../b", "/b"),
            ("/a/%2E%2e/b", "/b"),
            ("/../../a/./b", "/a/b"),
            ("/a/..", "/"),
            ("/a/b/.", "/a/b/"),
            ("/a//b/", "/a//b/"),
            ("/a%2Fb/...", "/a%2Fb/..."),
            ("", "/"),
        ] {
            assert_eq!(resolved(path), expected, "{path}");
        }
    }
}
