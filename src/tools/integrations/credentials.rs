//! Credentials of an integration: those of the app that is registered at the provider.

use serde_json::Value;

use crate::error::Error;
use crate::json;
use crate::nango::{Label, Scope, SecretText, Url};
use crate::tool::{Arg, List, choices, object};

/// Scopes of an integration.
pub(crate) type Scopes = List<Scope, 0, 200>;

choices! {
    /// Auth modes of which an integration has credentials.
    pub(crate) enum CredentialsType {
        /// OAuth 1.0a.
        Oauth1 = "OAUTH1",
        /// OAuth 2.0.
        Oauth2 = "OAUTH2",
        /// NetSuite's tokens.
        Tba = "TBA",
        /// An app that is installed, such as GitHub's.
        App = "APP",
        /// Both an app and OAuth.
        Custom = "CUSTOM",
    }
}

object! {
    /// The union of what the types take; the rules say which belongs to which.
    pub(crate) struct Credentials {
        /// The provider's auth mode. OAUTH1, OAUTH2, TBA: client_id and client_secret. APP: app_id, app_link, private_key. CUSTOM: all five.
        r#type: CredentialsType,
        /// Client id at the provider.
        client_id: Option<Label>,
        /// Client secret at the provider.
        client_secret: Option<SecretText>,
        /// Scopes to ask people for; OAUTH1, OAUTH2 and TBA only.
        scopes: Option<Scopes>,
        /// What the provider signs webhooks with; OAUTH1, OAUTH2 and TBA only.
        webhook_secret: Option<Label>,
        /// App id at the provider.
        app_id: Option<Label>,
        /// Public page of the app.
        app_link: Option<Url>,
        /// Private RSA key of the app, in PEM.
        private_key: Option<SecretText>,
    }
}

/// What a type needs, and what it takes beside that (packages/server/lib/helpers/validation.ts).
fn fields(of: CredentialsType) -> (&'static [&'static str], &'static [&'static str]) {
    match of {
        CredentialsType::Oauth1 | CredentialsType::Oauth2 | CredentialsType::Tba => {
            (&["client_id", "client_secret"], &["scopes", "webhook_secret"])
        }
        CredentialsType::App => (&["app_id", "app_link", "private_key"], &[]),
        CredentialsType::Custom => (&["client_id", "client_secret", "app_id", "app_link", "private_key"], &[]),
    }
}

impl Credentials {
    /// Whether they have what their type needs and nothing else.
    ///
    /// # Errors
    /// `credentials_incomplete`, `credentials_surplus`.
    pub(crate) fn rules(&self) -> Result<(), Error> {
        let (needed, more) = fields(self.r#type);
        let given = self.give();
        let refuse = |code, field: &str, must: &str| {
            let say = format!("`credentials.{field}` {must}: with this `credentials.type` they are {}", needed.join(", "));
            Err(Error::argument(code, format!("credentials.{field}"), say))
        };
        if let Some(field) = needed.iter().find(|field| given.get(field).is_none()) {
            return refuse("credentials_incomplete", field, "is missing");
        }
        let known = |field: &str| field == "type" || needed.contains(&field) || more.contains(&field);
        match given.as_object().and_then(|given| given.keys().find(|field| !known(field))) {
            Some(field) => refuse("credentials_surplus", field, "has no place here"),
            None => Ok(()),
        }
    }

    /// As Nango takes them.
    pub(crate) fn body(&self) -> Value {
        let mut body = self.give();
        if let Some(fields) = body.as_object_mut() {
            json::put_if(fields, "scopes", self.scopes.as_ref().map(joined).unwrap_or_default());
            // Files end in a line feed, after which Nango finds no end of the key.
            json::put_if(fields, "private_key", self.private_key.as_ref().map(|key| json::text(key.trim())).unwrap_or_default());
        }
        body
    }
}

/// Scopes as Nango keeps them.
pub(crate) fn joined(scopes: &Scopes) -> Value {
    let scopes: Vec<&str> = scopes.0.iter().map(|scope| &**scope).collect();
    scopes.join(",").into()
}
