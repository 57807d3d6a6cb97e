//! Who calls: an API key, or a connect session by its token.

use time::OffsetDateTime;

use super::Options;
use super::answer::Answer;
use super::api_key::{Key, is_uuid_v4};
use super::call::Call;
use super::session::{Session, TOKEN_PREFIX, is_token};
use super::state::State;

/// Which credentials a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Nobody is asked.
    Open,
    /// Nobody is asked, and a form may be sent: the Connect page itself says what is wrong with a link.
    Page,
    /// Nobody is asked, but calls are counted.
    Counted,
    Key,
    /// A session token in the Authorization header.
    Session,
    KeyOrSession,
    /// A session token in the query, by this parameter.
    SessionInQuery(&'static str),
}

/// The caller of a request.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    Nobody,
    Key(Key),
    Session(Box<Session>),
}

impl Caller {
    pub(crate) fn environment(&self) -> &str {
        match self {
            Caller::Nobody => "",
            Caller::Key(key) => &key.environment,
            Caller::Session(session) => &session.environment,
        }
    }

    /// A session's own routes ask for no scope.
    pub(crate) fn allows(&self, scope: &str) -> bool {
        match self {
            Caller::Key(key) => key.allows(scope),
            Caller::Nobody | Caller::Session(_) => true,
        }
    }

    /// Refuses unless one of the scopes is held. The message names them.
    pub(crate) fn require(&self, scopes: &[&str]) -> Result<(), Answer> {
        if scopes.is_empty() || scopes.iter().any(|scope| self.allows(scope)) {
            return Ok(());
        }
        let needed = match scopes {
            [one] => format!("Required: {one}"),
            _ => format!("Required one of: {}", scopes.join(" or ")),
        };
        Err(Answer::coded(403, "forbidden", &format!("Insufficient scope. {needed}")))
    }
}

/// Finds the caller, or the 401 that says why there is none.
pub(crate) fn caller(entry: Entry, call: &Call, options: &Options, state: &State, now: OffsetDateTime) -> Result<Caller, Answer> {
    if let Entry::SessionInQuery(name) = entry {
        // Not observed without the parameter; a token that is not there has no format either.
        let token = call.query.get(name).and_then(|token| token.as_str()).unwrap_or_default();
        return session(token, state, now);
    }
    if matches!(entry, Entry::Open | Entry::Page | Entry::Counted) {
        return Ok(Caller::Nobody);
    }
    let Some(header) = call.header("authorization") else {
        return Err(refused("missing_auth_header", "The request is missing the Authorization header."));
    };
    // A bare secret is accepted too.
    let secret = header.strip_prefix("Bearer ").unwrap_or(header).trim();
    match entry {
        Entry::Session => session(secret, state, now),
        Entry::KeyOrSession if secret.starts_with(TOKEN_PREFIX) => session(secret, state, now),
        _ => key(secret, options),
    }
}

fn key(secret: &str, options: &Options) -> Result<Caller, Answer> {
    if !is_uuid_v4(secret) {
        return Err(refused("invalid_secret_key_format", "The provided secret key is not a UUID v4."));
    }
    match options.keys.iter().find(|key| key.secret == secret) {
        Some(key) => Ok(Caller::Key(key.clone())),
        None => Err(refused("unknown_account", "The provided authorization header does not match any account.")),
    }
}

fn session(token: &str, state: &State, now: OffsetDateTime) -> Result<Caller, Answer> {
    if !is_token(token) {
        let message = "The provided connect session token is not following correct format: nango_connect_session_RANDOM)";
        return Err(refused("invalid_connect_session_token_format", message));
    }
    match state.session(token, now) {
        Some(session) => Ok(Caller::Session(Box::new(session))),
        None => Err(refused("unknown_connect_session_token", "The provided connect session token does not match any account.")),
    }
}

fn refused(code: &str, why: &str) -> Answer {
    Answer::legacy(401, code, &format!("Authentication failed. {why}"))
}
