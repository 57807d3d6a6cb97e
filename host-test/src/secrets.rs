//! The API keys, which stay outside the sandbox. The guest is given handles, `host:<environment>`; a handle becomes its key
//! in the Authorization header of a request that has left the sandbox, and nowhere else.

use std::fmt;
use std::sync::Arc;

use anyhow::{Result, bail};
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, Request};
use memchr::memmem::Finder;
use nango_mcp::Config;

use crate::settings::Vars;

/// The keys of one component.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Held>);

#[derive(Default)]
struct Held {
    /// The handle's header, and the key's that takes its place.
    handles: Vec<(String, HeaderValue)>,
    /// What must never come back.
    finders: Vec<Finder<'static>>,
    /// The same with all letters large, and with all small, where that is another text.
    spelled: Vec<Finder<'static>>,
    /// The longest of them, in bytes.
    longest: usize,
    /// Whether the guest has the keys itself.
    passed_on: bool,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.handles.len())
    }
}

impl Secrets {
    /// Take the keys out of the variables, and put handles in their place. A key that no environment uses goes without one.
    /// `config` is that of these variables, `whole` has every key that the host knows: none of them may come back.
    ///
    /// # Errors
    /// A key is a handle: then it is not this host that has the key.
    pub fn take(vars: &Vars, config: &Config, whole: &Config) -> Result<(Vars, Self)> {
        let mut held = Held::default();
        let mut guest: Vars = vars.iter().filter(|(name, _)| !name.starts_with("NANGO_SECRET_KEY")).cloned().collect();
        for environment in &config.environments {
            let Some(key) = &environment.key else { continue };
            if key.expose().starts_with("host:") {
                bail!("configuration: {} is a handle, and this host is the one that has to know the key itself", environment.key_variable);
            }
            let handle = format!("host:{}", environment.name);
            let mut header = HeaderValue::from_str(&format!("Bearer {}", key.expose()))?;
            header.set_sensitive(true);
            held.handles.push((format!("Bearer {handle}"), header));
            guest.push((environment.key_variable.clone(), handle));
        }
        for key in whole.secrets() {
            held.longest = held.longest.max(key.expose().len());
            held.finders.push(Finder::new(key.expose()).into_owned());
            let spelled = [key.expose().to_ascii_uppercase(), key.expose().to_ascii_lowercase()];
            held.spelled.extend(spelled.iter().filter(|text| *text != key.expose()).map(|text| Finder::new(text).into_owned()));
        }
        Ok((guest, Self(Arc::new(held))))
    }

    /// None outside the sandbox: the guest has the keys in its variables, as in a gateway that cannot keep them from it. For
    /// comparison alone.
    pub fn passed_on() -> Self {
        Self(Arc::new(Held { passed_on: true, ..Held::default() }))
    }

    /// Put the key in the place of its handle. `path` is that below the granted prefix.
    ///
    /// # Errors
    /// The request has no authorization that it may have; the text says why, for the operator.
    pub(crate) fn authorize<B>(&self, request: &mut Request<B>, path: &str) -> Result<(), &'static str> {
        if self.0.passed_on {
            return Ok(());
        }
        let mut given = request.headers().get_all(AUTHORIZATION).iter();
        let header = match (given.next(), given.next()) {
            (Some(header), None) => header.as_bytes(),
            (Some(_), Some(_)) => return Err("it has two Authorization headers"),
            (None, _) if request.method() == Method::GET && matches!(path, "/health" | "/ready") => return Ok(()),
            (None, _) => return Err("it has no handle"),
        };
        if let Some(token) = header.strip_prefix(b"Bearer nango_connect_session_") {
            let whole = token.len() == 64 && token.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            return if whole && path == "/connect/session" { Ok(()) } else { Err("a session's token is for the session alone") };
        }
        let key = self.0.handles.iter().find(|(handle, _)| handle.as_bytes() == header).map(|(_, key)| key.clone());
        let key = key.ok_or("its Authorization is no handle of this call")?;
        request.headers_mut().insert(AUTHORIZATION, key);
        Ok(())
    }

    /// Whether a key stands in these bytes.
    pub(crate) fn stand_in(&self, bytes: &[u8]) -> bool {
        self.0.finders.iter().any(|finder| finder.find(bytes).is_some())
    }

    /// Take the keys out of what goes to a client, in capitals or not: a person may have written one into the arguments, and
    /// results repeat tags. The places keep their length.
    pub(crate) fn mask(&self, bytes: &mut [u8]) {
        for finder in self.0.finders.iter().chain(&self.0.spelled) {
            let found: Vec<usize> = finder.find_iter(bytes).collect();
            for at in found {
                bytes.iter_mut().skip(at).take(finder.needle().len()).for_each(|byte| *byte = b'*');
            }
        }
    }

    /// The same of a text.
    pub(crate) fn mask_text(&self, text: &mut String) {
        if self.0.finders.iter().chain(&self.0.spelled).any(|finder| finder.find(text.as_bytes()).is_some()) {
            let mut bytes = std::mem::take(text).into_bytes();
            self.mask(&mut bytes);
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
    }

    /// Look for keys in bytes that come in pieces.
    pub(crate) fn watch(&self) -> Watch {
        Watch { secrets: self.clone(), tail: Vec::new() }
    }
}

/// What is left of the pieces before, in which a key may have begun.
pub(crate) struct Watch {
    secrets: Secrets,
    tail: Vec<u8>,
}

impl Watch {
    /// Whether a key ends in this piece.
    pub(crate) fn sees(&mut self, piece: &[u8]) -> bool {
        let overlap = self.secrets.0.longest.saturating_sub(1);
        // Where the piece meets the tail, and the piece itself.
        let head = piece.get(..overlap.min(piece.len())).unwrap_or(piece);
        self.tail.extend_from_slice(head);
        let found = self.secrets.stand_in(&self.tail) || self.secrets.stand_in(piece);
        if piece.len() > overlap {
            self.tail = piece.get(piece.len() - overlap..).unwrap_or_default().to_vec();
        } else {
            let beyond = self.tail.len().saturating_sub(overlap);
            self.tail.drain(..beyond);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "6f2a1c7e-90b4-4d53-8a1e-3c5d7e9f0b21";
    const OTHER: &str = "7b0c9d2e-1f3a-4b5c-8d6e-9f0a1b2c3d4e";

    fn taken(vars: &[(&str, &str)]) -> Result<(Vars, Secrets)> {
        let vars: Vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let config = Config::from_vars(vars.iter().cloned())?;
        Secrets::take(&vars, &config, &config)
    }

    #[test]
    fn the_guest_gets_handles() {
        let vars = [
            ("NANGO_MCP_ENVIRONMENTS", "dev,Live EU,idle"),
            ("NANGO_SECRET_KEY_DEV", KEY),
            ("NANGO_SECRET_KEY_LIVE_EU", OTHER),
            ("NANGO_SECRET_KEY", OTHER),
        ];
        let (guest, secrets) = taken(&vars).unwrap();
        assert!(!format!("{guest:?}{secrets:?}").contains(KEY) && !format!("{guest:?}").contains(OTHER));
        let handles: Vec<_> = guest.iter().filter(|(name, _)| name.starts_with("NANGO_SECRET_KEY")).collect();
        let handle = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(handles, [&handle("NANGO_SECRET_KEY_DEV", "host:dev"), &handle("NANGO_SECRET_KEY_LIVE_EU", "host:Live EU")]);
        assert!(taken(&[("NANGO_SECRET_KEY", "host:dev")]).is_err());
        assert!(taken(&[("NANGO_SECRET_KEY", "nonsense")]).is_err_and(|error| !error.to_string().contains("nonsense")));
    }

    #[test]
    fn only_a_handle_of_this_call_becomes_a_key() {
        let (_, secrets) = taken(&[("NANGO_SECRET_KEY", KEY), ("NANGO_ENVIRONMENT", "dev")]).unwrap();
        let token = format!("Bearer nango_connect_session_{}", "0a".repeat(32));
        let key = format!("Bearer {KEY}");
        for (method, path, header, sent) in [
            ("POST", "/connect/sessions", Some("Bearer host:dev"), Ok(Some(key.as_str()))),
            ("GET", "/health", None, Ok(None)),
            ("POST", "/health", None, Err(())),
            ("GET", "/connections", None, Err(())),
            ("GET", "/connections", Some("Bearer host:prod"), Err(())),
            ("GET", "/connections", Some("Bearer host:DEV"), Err(())),
            ("GET", "/connections", Some("bearer host:dev"), Err(())),
            ("GET", "/connections", Some("Bearer host:dev "), Err(())),
            ("GET", "/connections", Some("Bearer  host:dev"), Err(())),
            ("GET", "/connections", Some("host:dev"), Err(())),
            ("GET", "/connections", Some("Basic aG9zdDpkZXY="), Err(())),
            ("GET", "/connections", Some(&key), Err(())),
            ("GET", "/connect/session", Some(&token), Ok(Some(token.as_str()))),
            ("DELETE", "/connect/session", Some(&token), Ok(Some(token.as_str()))),
            ("GET", "/connections", Some(&token), Err(())),
            ("GET", "/connect/session", Some("Bearer nango_connect_session_xyz"), Err(())),
        ] {
            let mut request = Request::builder().method(method).uri("http://n/");
            if let Some(header) = header {
                request = request.header(AUTHORIZATION, header);
            }
            let mut request = request.body(()).unwrap();
            let outcome = secrets.authorize(&mut request, path).map_err(|_| ());
            let sent_header = request.headers().get(AUTHORIZATION).map(|header| header.to_str().unwrap());
            assert_eq!(outcome.map(|()| sent_header), sent, "{method} {path} {header:?}");
        }
        let mut twice =
            Request::builder().header(AUTHORIZATION, "Bearer host:dev").header(AUTHORIZATION, "Bearer host:dev").body(()).unwrap();
        assert!(secrets.authorize(&mut twice, "/connections").is_err());
    }

    #[test]
    fn keys_are_taken_out_of_what_goes_to_a_client() {
        let (_, secrets) = taken(&[("NANGO_SECRET_KEY", KEY)]).unwrap();
        let mut text = format!("{{\"a\":\"{KEY}\",\"b\":\"é{KEY}{KEY}\"}}");
        let capitals = text.to_uppercase();
        let expected = text.replace(KEY, &"*".repeat(36));
        secrets.mask_text(&mut text);
        assert_eq!(text, expected);
        let mut text = capitals.clone();
        secrets.mask_text(&mut text);
        assert_eq!(text, capitals.replace(&KEY.to_uppercase(), &"*".repeat(36)));
    }

    #[test]
    fn a_key_is_seen_however_it_is_cut() {
        let (_, secrets) = taken(&[("NANGO_SECRET_KEY", KEY)]).unwrap();
        let text = format!("{}{KEY}{}", "a".repeat(50), "b".repeat(50));
        for size in 1..=text.len() {
            let mut watch = secrets.watch();
            assert!(text.as_bytes().chunks(size).any(|piece| watch.sees(piece)), "in pieces of {size}");
        }
        for size in [1, 7, 36, 100] {
            let mut watch = secrets.watch();
            let almost = text.replace(KEY, &KEY[..35]);
            assert!(!almost.as_bytes().chunks(size).any(|piece| watch.sees(piece)), "in pieces of {size}");
        }
    }
}
