//! What the server received, for the tests that look at it.

use std::collections::VecDeque;

use super::call::Call;

const CAPACITY: usize = 10_000;

/// A request that was received, and the status it got.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `GET` and so on.
    pub method: String,
    /// Path and query as they were sent.
    pub path: String,
    /// Whether there was an Authorization header. Its value is not kept.
    pub authorized: bool,
    /// The other headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The status of the answer.
    pub status: u16,
}

impl Seen {
    pub(crate) fn of(call: &Call, status: u16) -> Seen {
        let headers = call.headers.iter().filter(|(name, _)| *name != "authorization");
        Seen {
            method: call.method.clone(),
            path: match &call.query_text {
                Some(query) => format!("{}?{query}", call.path),
                None => call.path.clone(),
            },
            authorized: call.headers.contains_key("authorization"),
            headers: headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect(),
            body: call.bytes.clone(),
            status,
        }
    }

    /// A header's value, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_str())
    }
}

/// The last requests.
#[derive(Debug, Default)]
pub(crate) struct Ring(VecDeque<Seen>);

impl Ring {
    pub(super) fn push(&mut self, seen: Seen) {
        if self.0.len() == CAPACITY {
            self.0.pop_front();
        }
        self.0.push_back(seen);
    }

    pub(super) fn all(&self) -> Vec<Seen> {
        self.0.iter().cloned().collect()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
