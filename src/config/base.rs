//! Where Nango is.

use super::{ConfigError, bad};
use crate::nango::WebUrl;

/// The base URL of Nango's API, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// Whether it is https.
    pub https: bool,
    /// Host and port, as written.
    pub authority: String,
    /// Host alone, lower case.
    pub host: String,
    /// Path prefix without a trailing slash; often empty.
    pub prefix: String,
}

impl Base {
    /// Take an http(s) URL apart.
    ///
    /// # Errors
    /// If it is no absolute http(s) URL, or carries a user, a query or a fragment.
    pub fn parse(variable: &str, url: &str) -> Result<Self, ConfigError> {
        let rule = "must be an absolute http or https URL without user, query and fragment, such as https://api.nango.dev";
        let Some(url) = WebUrl::parse(url) else { return bad(variable, rule) };
        if url.rest.contains(['?', '#']) || crate::nango::is_dot_segment(url.rest) {
            return bad(variable, rule);
        }
        Ok(Self {
            https: url.https,
            authority: url.authority.to_owned(),
            host: url.host.to_ascii_lowercase(),
            prefix: url.rest.trim_end_matches('/').to_owned(),
        })
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme(), self.authority)
    }

    fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }

    /// Whether this is Nango Cloud, whose Connect links need no API address.
    pub fn is_cloud(&self) -> bool {
        self.host == "nango.dev" || self.host.ends_with(".nango.dev")
    }
}

impl std::fmt::Display for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}{}", self.scheme(), self.authority, self.prefix)
    }
}
