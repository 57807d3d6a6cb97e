//! The credential that ACT stores for this component, which the model and the command line never see.

use super::bindings::act::credentials::store::{SecretError, SecretRequest, get_secret};
use super::variables::{self, Variables};
use super::{Error, error, session};

/// Its name, which is the one that `act secret set` takes when it is told none.
const NAME: &str = "default";

/// What only whoever stored a key may allow to be done with it: to show credentials, to send them elsewhere, and where the page
/// sends the person who opens a link.
const WIDENING: [&str; 3] = ["NANGO_MCP_ALLOW_CREDENTIALS", "NANGO_MCP_ALLOW_BASE_URL_OVERRIDE", "NANGO_MCP_PUBLIC_NANGO_URL"];

/// How the key of a variable gets in, to follow what is missing.
pub(crate) type Words = fn(variable: &str) -> String;

/// How a key gets in where there is no session.
pub(crate) const SESSIONLESS: Words = |variable| {
    format!(
        "ACT hands keys to sessions: store it with `act secret set COMPONENT --field {variable} --fields-stdin` and start act with \
         `--session-args '{{}}' --allow creds`, or open a session with it as `std:api-key`"
    )
};

/// How it gets in where none is stored.
pub(crate) const ABSENT: Words = |variable| {
    format!("store it with `act secret set COMPONENT --field {variable} --fields-stdin`, or open the session with it as `std:api-key`")
};

/// How it gets in where the store is closed to this component.
pub(crate) const DENIED: Words = |_| {
    "ACT denied its stored credentials to this component: start act with `--allow creds`, or open the session with `std:api-key`".to_owned()
};

/// How it gets in where the store cannot be read.
pub(crate) const UNREADABLE: fn(&str) -> String =
    |_| "ACT's store of credentials cannot be read: look at what act logs, or open the session with `std:api-key`".to_owned();

/// What is stored, as variables; else how a key gets in. Asked for anew at each call, so that a key that was replaced is
/// used at once and none stays in memory.
pub(crate) fn stored(session: &str) -> Result<Result<Variables, Words>, Error> {
    let want = SecretRequest {
        key: NAME.to_owned(),
        kind: None,
        resource: None,
        scopes: Vec::new(),
        hint: Some("the API key of Nango".to_owned()),
    };
    match get_secret(session, &want) {
        Ok(secret) => variables::read(&secret.fields).map(Ok),
        Err(SecretError::NotFound) => Ok(Err(ABSENT)),
        Err(SecretError::Denied) => Ok(Err(DENIED)),
        Err(SecretError::InvalidSession | SecretError::Unavailable(_)) => Ok(Err(UNREADABLE)),
    }
}

/// What is stored, and what a session was given besides. The operator stores, and whoever opens a session may be a model: what
/// is stored counts, and a stored key goes where its storer said and nowhere else.
pub(crate) fn joined(mut stored: Variables, given: Variables) -> Result<Variables, Error> {
    let base = |vars: &Variables| session::read(vars.clone()).map(|config| config.base);
    let names_base = given.iter().any(|(name, _)| name == "NANGO_BASE_URL");
    if variables::hold_key(&stored) && names_base && base(&stored)? != base(&given)? {
        let say = "NANGO_BASE_URL is not where the stored key belongs: store it beside the key, \
                   `act secret set COMPONENT --field NANGO_SECRET_KEY --field NANGO_BASE_URL --fields-stdin`";
        return Err(error("nango:configuration", say.to_owned()));
    }
    if variables::hold_key(&stored)
        && let Some((name, _)) =
            given.iter().find(|(name, _)| WIDENING.contains(&name.as_str()) && !stored.iter().any(|(own, _)| own == name))
    {
        let say = format!(
            "{name} widens what the stored key is for: store it beside the key, \
             `act secret set COMPONENT --field NANGO_SECRET_KEY --field {name} --fields-stdin`"
        );
        return Err(error("nango:configuration", say));
    }
    // The first of a name counts.
    stored.extend(given);
    Ok(stored)
}
