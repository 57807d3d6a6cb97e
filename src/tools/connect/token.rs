//! A Connect session named by what a person holds of it: the link, or the token in it.

use crate::error::Error;
use crate::nango::{ConnectLink, Path, Request, SessionToken, token_in};
use crate::secret::Secret;
use crate::tool::object;

object! {
    /// Arguments of the tools that look at a session or end it.
    pub(crate) struct Held {
        /// The link, as the tool that made it returned it.
        connect_link: Option<ConnectLink>,
        /// Instead of the link: its session token.
        session_token: Option<SessionToken>,
    }
}

impl Held {
    /// The token, from one of the two.
    ///
    /// # Errors
    /// `link_or_token`, unless it is exactly one.
    pub(crate) fn token(&self) -> Result<Secret, Error> {
        match (&self.connect_link, &self.session_token) {
            (Some(link), None) => Ok(Secret::new(token_in(link).unwrap_or_default())),
            (None, Some(token)) => Ok(Secret::new(&**token)),
            _ => Err(Error::argument("link_or_token", "connect_link", "give either `connect_link` or `session_token`")),
        }
    }

    /// A request as that session, on the one route that its token opens.
    ///
    /// # Errors
    /// As [`Held::token`].
    pub(crate) fn request(&self, make: fn(&'static str, Path) -> Request, route: &'static str) -> Result<Request, Error> {
        Ok(make(route, Path::fixed("/connect/session")).of_session(self.token()?))
    }
}

/// Whether Nango does not know the session any longer: it has expired, was cancelled, or never was one of this Nango.
pub(crate) fn is_gone(error: &Error) -> bool {
    error.code() == "unknown_connect_session_token"
}
