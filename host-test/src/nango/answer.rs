//! Answers, and the three shapes in which Nango reports an error.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use uuid::Uuid;

use super::validate::Issue;

const JSON: &str = "application/json; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// One answer, before the transport adds its own headers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Answer {
        Answer { status, headers: vec![("content-type", JSON.to_owned())], body: body.to_string().into_bytes() }
    }

    pub(crate) fn html(status: u16, body: String) -> Answer {
        Answer { status, headers: vec![("content-type", HTML.to_owned())], body: body.into_bytes() }
    }

    pub(crate) fn empty(status: u16) -> Answer {
        Answer { status, headers: Vec::new(), body: Vec::new() }
    }

    /// Shape A: what is wrong with the input, issue by issue. `outer` names the part: `invalid_body` and its like.
    pub(crate) fn invalid(outer: &str, issues: &[Issue]) -> Answer {
        let errors: Vec<Value> = issues.iter().map(Issue::json).collect();
        Answer::json(400, &json!({ "error": { "code": outer, "errors": errors } }))
    }

    /// Shape B: a code and a message.
    pub(crate) fn coded(status: u16, code: &str, message: &str) -> Answer {
        Answer::json(status, &json!({ "error": { "code": code, "message": message } }))
    }

    /// Shape B without its message, which Nango leaves out of some refusals.
    pub(crate) fn bare(status: u16, code: &str) -> Answer {
        Answer::json(status, &json!({ "error": { "code": code } }))
    }

    /// Shape C, the older one: the message first, and a payload.
    pub(crate) fn legacy(status: u16, code: &str, message: &str) -> Answer {
        Answer::json(status, &json!({ "error": { "message": message, "code": code, "payload": {} } }))
    }

    /// The 500 of everything Nango did not foresee; here the payload is a string.
    pub(crate) fn unexpected() -> Answer {
        let id = Uuid::new_v4().to_string();
        let message = format!("An error occurred. Please contact support with this unique id: \"{id}\"");
        let error = json!({ "message": message, "code": "generic_error_support", "payload": id });
        Answer::json(500, &json!({ "error": error }))
    }

    /// What Express says of a method and path that nothing serves.
    pub(crate) fn unmatched(method: &str, path: &str) -> Answer {
        let path = path.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        Answer::html(
            404,
            format!(
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Error</title>\n</head>\n\
                 <body>\n<pre>Cannot {method} {path}</pre>\n</body>\n</html>\n"
            ),
        )
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }

    /// The body as text, for a message.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The answer on the wire: a weak entity tag, 304 when the caller holds it already, and but for pages the CORS headers.
    pub(crate) fn into_response(self, method: &str, if_none_match: Option<&str>) -> Response<Body> {
        let tag = self.entity_tag();
        let fresh = self.status == 200 && matches!(method, "GET" | "HEAD") && if_none_match.is_some_and(|held| held == tag);
        let status = if fresh { 304 } else { self.status };
        let mut response = Response::new(if fresh { Body::empty() } else { Body::from(self.body) });
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        for (name, value) in self.headers {
            if fresh && name == "content-type" {
                continue;
            }
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        if let (Ok(tag), true) = (HeaderValue::try_from(tag), status != 204) {
            headers.insert(header::ETAG, tag);
        }
        // A page is for the person who opens it: no other site's script may read it.
        if headers.contains_key(header::CONTENT_SECURITY_POLICY) {
            return response;
        }
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        let exposed = "X-RateLimit-Limit,X-RateLimit-Remaining,X-RateLimit-Reset,Retry-After";
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(exposed));
        response
    }

    fn entity_tag(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.body.hash(&mut hasher);
        format!("W/\"{:x}-{:x}\"", self.body.len(), hasher.finish())
    }
}
