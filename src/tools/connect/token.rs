//! A Connect session named by what a person holds of it: the link, or the token in it.

use crate::error::Error;
use crate::nango::{ConnectLink, Path, Request, SessionToken, token_in};
use crate::secret::Secret;

/// The route that a session's own token opens.
pub(crate) const PATH: &str = "/connect/session";

/// The token, from one of the two.
///
/// # Errors
/// `link_or_token`, unless it is exactly one.
pub(crate) fn token(link: Option<&ConnectLink>, token: Option<&SessionToken>) -> Result<Secret, Error> {
    match (link, token) {
        (Some(link), None) => Ok(Secret::new(token_in(link).unwrap_or_default())),
        (None, Some(token)) => Ok(Secret::new(&**token)),
        _ => Err(Error::argument("link_or_token", "connect_link", "give either `connect_link` or `session_token`")),
    }
}

/// A request as that session.
pub(crate) fn request(make: fn(&'static str, Path) -> Request, route: &'static str, token: Secret) -> Request {
    make(route, Path::fixed(PATH)).of_session(token)
}

/// Whether Nango does not know the session any longer: it has expired, was cancelled, or never was one of this Nango.
pub(crate) fn is_gone(error: &Error) -> bool {
    error.code() == "unknown_connect_session_token"
}
