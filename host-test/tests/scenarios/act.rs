//! The component of ACT, by its own interfaces: the key stored, the rest told to a session.

use serde_json::Value;

use super::super::act::host::{self, Stored, ToolEvent, cbor, message, within};
use super::entry::{Calling, Entry, Said};

pub(crate) struct Act;

impl Entry for Act {
    fn name(&self) -> &'static str {
        "act"
    }

    fn call<'a>(&'a self, vars: &'a [(String, String)], tool: &'a str, arguments: &'a Value) -> Calling<'a> {
        let is_stored = |name: &str| name.starts_with("NANGO_SECRET_KEY") || name == "NANGO_BASE_URL";
        let vars = vars.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let (stored, told): (Vec<_>, Vec<_>) = vars.partition(|(name, _)| is_stored(name));
        Box::pin(async move {
            let mut instance = host::Act::shared().instance(Stored::Fields(host::metadata(stored))).await;
            match instance.open(host::metadata(told)).await {
                Ok(session) => said(instance.call(tool, cbor(arguments), within(&session)).await),
                Err(error) => Said::Refused(message(&error).to_owned()),
            }
        })
    }
}

fn said(events: Vec<ToolEvent>) -> Said {
    let (mut structured, mut files) = (None, Vec::new());
    for event in events {
        match event {
            ToolEvent::Content(part) if structured.is_none() => {
                assert_eq!(part.mime_type.as_deref(), Some("application/json"));
                structured = Some(serde_json::from_slice(&part.data).unwrap());
            }
            ToolEvent::Content(part) => files.push(part.data),
            ToolEvent::Error(error) => {
                return match message(&error).lines().collect::<Vec<_>>().as_slice() {
                    lines @ [_, _] => Said::error(lines),
                    _ => Said::Refused(message(&error).to_owned()),
                };
            }
        }
    }
    Said::Result { structured: structured.expect("a result has a structure"), files }
}
