//! Sessions: who opens one says how its calls are configured, and ACT's store of credentials what they do not hold.
//!
//! What else goes along with a call configures nothing, because a model can write it (`_meta`).

use std::cell::RefCell;

use nango_mcp::{Config, Gateway};

use super::bindings::wasi::random::random::get_random_u64;
use super::variables::{self, Variables};
use super::{Error, Metadata, cbor, credential, error};

/// How many are open at once, at most, and how long names and values of one are together.
const MOST: usize = 256;
const LONGEST: usize = 64 * 1024;

struct Session {
    id: String,
    given: Variables,
}

thread_local! {
    static OPEN: RefCell<Vec<Session>> = const { RefCell::new(Vec::new()) };
}

/// Opens a session with these arguments, and says its id.
pub(crate) fn open(arguments: &Metadata) -> Result<String, Error> {
    if arguments.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > LONGEST {
        return Err(error("std:invalid-args", format!("a session takes {LONGEST} bytes at most")));
    }
    let given = variables::read(arguments)?;
    read(given.clone())?;
    let id = format!("{:016x}{:016x}", get_random_u64(), get_random_u64());
    OPEN.with_borrow_mut(|open| {
        if open.len() >= MOST {
            return Err(error("nango:too_many_sessions", format!("{MOST} sessions are open, and no more can be: close one")));
        }
        open.push(Session { id: id.clone(), given });
        Ok(id)
    })
}

/// Ends a session, and forgets what it was given.
pub(crate) fn close(id: &str) {
    OPEN.with_borrow_mut(|open| open.retain(|session| session.id != id));
}

/// The configuration of a list: nobody is asked for a credential.
pub(crate) fn of_list(metadata: &Metadata) -> Result<Config, Error> {
    read(find(metadata)?.map(|(_, given)| given).unwrap_or_default())
}

/// The configuration of a call, with a key if there is one.
pub(crate) fn of_call(metadata: &Metadata) -> Result<Config, Error> {
    let Some((id, given)) = find(metadata)? else { return words(read(Variables::new())?, credential::SESSIONLESS) };
    if variables::hold_key(&given) {
        return words(read(given)?, credential::ABSENT);
    }
    match credential::stored(&id)? {
        Ok(stored) => words(read(credential::joined(stored, given)?)?, credential::ABSENT),
        Err(why) => words(read(given)?, why),
    }
}

fn words(mut config: Config, key: credential::Words) -> Result<Config, Error> {
    config.gateway = Gateway { allow: |origin| format!("allow it where act is started, `--allow http={origin}`"), key };
    Ok(config)
}

/// The session of a call: its id, and what it was given.
fn find(metadata: &Metadata) -> Result<Option<(String, Variables)>, Error> {
    let Some((_, id)) = metadata.iter().find(|(name, _)| name == "std:session-id") else { return Ok(None) };
    let id = cbor::read(id).and_then(|id| id.as_str().map(str::to_owned)).unwrap_or_default();
    let given = OPEN.with_borrow(|open| open.iter().find(|session| session.id == id).map(|session| session.given.clone()));
    let lost = || error("std:session-not-found", "this session is not open: open another".to_owned());
    given.map(|given| Some((id, given))).ok_or_else(lost)
}

/// The configuration of variables.
pub(crate) fn read(vars: Variables) -> Result<Config, Error> {
    Config::from_vars(vars).map_err(|bad| error("std:invalid-args", bad.to_string()))
}
