//! One request as the routes see it: decoded segments, a parsed query, a parsed JSON body.

use std::borrow::Cow;

use axum::http::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, error::Category};

/// A request.
pub(crate) struct Call {
    pub method: String,
    /// As it was sent, percent-encoding included, without the query.
    pub path: String,
    /// The raw query, without its question mark.
    pub query_text: Option<String>,
    pub query: Map<String, Value>,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    /// The JSON body, none when there is no body or it is not JSON by its content type; or what is wrong with it.
    pub body: Result<Option<Value>, String>,
}

impl Call {
    pub(crate) fn new(method: &Method, uri: &Uri, headers: &HeaderMap, bytes: Vec<u8>) -> Call {
        let query_text = uri.query().map(str::to_owned);
        let mut call = Call {
            method: method.as_str().to_owned(),
            path: uri.path().to_owned(),
            query: query_text.as_deref().map(parse_query).unwrap_or_default(),
            query_text,
            headers: headers.clone(),
            bytes,
            body: Ok(None),
        };
        if call.is_json() && !call.bytes.is_empty() {
            call.body = parse_json(&call.bytes).map(Some);
        }
        call
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The path's segments, decoded one by one. A trailing slash is the same path, as Express has it.
    pub(crate) fn segments(&self) -> Vec<Cow<'_, str>> {
        Call::segments_of(&self.path)
    }

    pub(crate) fn segments_of(path: &str) -> Vec<Cow<'_, str>> {
        let path = path.trim_start_matches('/');
        let path = path.strip_suffix('/').unwrap_or(path);
        path.split('/').map(|segment| percent_decode_str(segment).decode_utf8_lossy()).collect()
    }

    pub(crate) fn has_content_type(&self) -> bool {
        self.headers.contains_key("content-type")
    }

    pub(crate) fn is_json(&self) -> bool {
        self.is("application/json")
    }

    /// Whether the body is what a page's form sends.
    pub(crate) fn is_form(&self) -> bool {
        self.is("application/x-www-form-urlencoded")
    }

    fn is(&self, media_type: &str) -> bool {
        let essence = self.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case(media_type)
    }

    /// The body as the proxy passes it on: a form has become an object, and what is neither is text.
    pub(crate) fn forwarded_body(&self) -> Value {
        match self.json() {
            Some(body) => body.clone(),
            None if self.bytes.is_empty() => Value::Null,
            None if self.is_form() => parse_query(&String::from_utf8_lossy(&self.bytes)).into(),
            None => String::from_utf8_lossy(&self.bytes).into(),
        }
    }

    /// The body, for a checker: none when there is none.
    pub(crate) fn json(&self) -> Option<&Value> {
        self.body.as_ref().ok().and_then(Option::as_ref)
    }
}

/// As Express' parser: only objects and arrays, and the messages of JavaScript's `JSON.parse` in its common cases.
fn parse_json(bytes: &[u8]) -> Result<Value, String> {
    let text = String::from_utf8_lossy(bytes);
    let parsed = serde_json::from_str::<Value>(&text);
    match parsed {
        Ok(value) if value.is_object() || value.is_array() => Ok(value),
        Ok(_) => Err(unexpected_token(&text, text.len() - text.trim_start().len())),
        Err(error) if error.classify() == Category::Eof => Err("Unexpected end of JSON input".to_owned()),
        Err(error) => {
            let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
            Err(unexpected_token(&text, before + error.column().saturating_sub(1)))
        }
    }
}

fn unexpected_token(text: &str, position: usize) -> String {
    let token = text.get(position..).and_then(|rest| rest.chars().next()).unwrap_or_default();
    format!("Unexpected token '{token}', \"{}\" is not valid JSON", text.chars().take(20).collect::<String>())
}

/// A query as `qs` reads it: `a=1&a=2` is a list, `a[b]=c` an object.
fn parse_query(text: &str) -> Map<String, Value> {
    let mut query = Map::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (decode(key), Value::String(decode(value)));
        let inner = key.strip_suffix(']').and_then(|start| start.split_once('['));
        match inner.filter(|(outer, _)| !outer.is_empty()) {
            None => put(&mut query, key, value),
            Some((outer, name)) if name.is_empty() || name.bytes().all(|b| b.is_ascii_digit()) => {
                let list = query.entry(outer).or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(items) = list {
                    items.push(value);
                }
            }
            Some((outer, name)) => {
                let nested = query.entry(outer).or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(fields) = nested {
                    put(fields, name.to_owned(), value);
                }
            }
        }
    }
    query
}

fn put(map: &mut Map<String, Value>, key: String, value: Value) {
    match map.get_mut(&key) {
        None => {
            map.insert(key, value);
        }
        Some(Value::Array(items)) => items.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_query_is_read_as_qs_reads_it() {
        let query = parse_query("include=webhook&include=credentials&tags[Project]=A+b&tags%5Bx%5D=%C3%A9&search=");
        let expected = json!({
            "include": ["webhook", "credentials"],
            "tags": { "Project": "A b", "x": "é" },
            "search": "",
        });
        assert_eq!(Value::Object(query), expected);
    }

    #[test]
    fn bad_json_is_told_in_javascript_words() {
        assert_eq!(parse_json(b"{\"a\":").unwrap_err(), "Unexpected end of JSON input");
        assert_eq!(parse_json(b"hello").unwrap_err(), "Unexpected token 'h', \"hello\" is not valid JSON");
        assert_eq!(parse_json(b"1").unwrap_err(), "Unexpected token '1', \"1\" is not valid JSON");
        assert!(parse_json(b"[]").is_ok());
    }
}
