//! The tables as types of the component model: for worlds that offer every tool as a function of its own (WIT).
//!
//! A function takes what its tool demands as parameters, `environment` first and optional, because one configured environment
//! leaves nothing to guess; all else is in one last parameter, an optional record. What generates the WIT, and what reads and
//! writes the values there, both ask here.

use serde_json::{Map, Value};

use crate::json;
use crate::tool::{Entry, Kind, Param, Text};
use crate::tools::TOOLS;

/// A type of the component model, as far as the tables need them.
#[derive(Debug, Clone, Copy)]
pub enum Type {
    /// `string`.
    Text,
    /// `bool`.
    Bool,
    /// `u32`.
    U32,
    /// `s64`.
    S64,
    /// `enum` of these, each with `-` for `_`.
    Choice(&'static [&'static str]),
    /// `list` of it.
    List(&'static Kind),
    /// `list<tuple<string, string>>`: an object whose keys are data, and its values text.
    Pairs,
    /// `record`: fields that need not be there are `option`s.
    Record(&'static [Param]),
    /// `string` that holds JSON. Of an argument, text that is no JSON counts as a string, unless it begins like an object or a list.
    Json,
}

/// An object with more fields than this is JSON text as an argument: a caller must write a null for each that it leaves out.
const FEW: usize = 8;

impl Type {
    /// Of an argument.
    pub fn argument(kind: &'static Kind) -> Self {
        match kind {
            Kind::Text(Text { choices, .. }) if !choices.is_empty() => Self::Choice(choices),
            Kind::Integer { min, max } if *min >= 0 && *max <= i64::from(u32::MAX) => Self::U32,
            Kind::Object(params) if params.len() > FEW => Self::Json,
            kind => Self::result(kind),
        }
    }

    /// Of a result's field.
    pub fn result(kind: &'static Kind) -> Self {
        match kind {
            Kind::Text(_) => Self::Text,
            Kind::Bool => Self::Bool,
            Kind::Integer { .. } => Self::S64,
            Kind::List { item, .. } => Self::List(item),
            Kind::Map { value: Kind::Text(_), .. } => Self::Pairs,
            Kind::Object(params) => Self::Record(params),
            Kind::Map { .. } | Kind::Open | Kind::Any | Kind::Raw => Self::Json,
        }
    }
}

/// A parameter of a function.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// The argument.
    pub param: &'static Param,
    /// Whether it is an `option`.
    pub optional: bool,
}

/// The parameters of a tool's function, and the fields of the record that is its last one: all optional; none, no record.
pub fn taken(entry: &Entry) -> (Vec<Taken>, Vec<&'static Param>) {
    let (mut taken, mut options) = (Vec::new(), Vec::new());
    for param in entry.params() {
        match param.name {
            "environment" => taken.push(Taken { param, optional: true }),
            _ if param.required => taken.push(Taken { param, optional: false }),
            _ => options.push(param),
        }
    }
    (taken, options)
}

/// The name of the last parameter.
pub const OPTIONS: &str = "options";

/// What a file in a result becomes: a field of its own.
static CONTENT: Param = Param {
    name: "content_base64",
    doc: "The file, in base64.",
    kind: &Kind::Text(Text::of(0, usize::MAX)),
    required: true,
    default: None,
};

/// The fields of the record that a tool's function returns.
pub fn given(entry: &'static Entry) -> Vec<&'static Param> {
    entry.output.iter().chain(entry.files.then_some(&CONTENT)).collect()
}

/// A name of the tables as WIT has it.
pub fn name(name: &str) -> String {
    name.replace('_', "-")
}

/// A further call that a result names in its `next`, in the form that the function takes: every name there, null for what is
/// not given.
pub fn retold(next: &mut Map<String, Value>) {
    let tool = next.get("tool").and_then(Value::as_str).unwrap_or_default();
    let Some(entry) = TOOLS.iter().find(|entry| entry.name == tool) else { return };
    let Some(Value::Object(arguments)) = next.get("arguments") else { return };
    let (taken, options) = taken(entry);
    let mut told = fields(taken.iter().map(|taken| taken.param), arguments);
    if !options.is_empty() {
        let given = options.iter().any(|param| arguments.contains_key(param.name));
        let record = if given { fields(options.into_iter(), arguments).into() } else { Value::Null };
        json::put(&mut told, OPTIONS, record);
    }
    let tool = name(entry.name);
    json::put(next, "tool", json::text(&tool));
    json::put(next, "arguments", told.into());
}

fn fields(params: impl Iterator<Item = &'static Param>, given: &Map<String, Value>) -> Map<String, Value> {
    let mut told = json::empty();
    for param in params {
        let value = given.get(param.name).map_or(Value::Null, |value| retell(Type::argument(param.kind), value));
        json::put(&mut told, &name(param.name), value);
    }
    told
}

fn retell(of: Type, value: &Value) -> Value {
    match (of, value) {
        (Type::Choice(_), Value::String(text)) => json::text(&name(text)),
        (Type::List(kind), Value::Array(items)) => items.iter().map(|item| retell(Type::argument(kind), item)).collect(),
        (Type::Pairs, Value::Object(pairs)) => {
            pairs.iter().map(|(name, value)| Value::Array(vec![json::text(name), value.clone()])).collect()
        }
        (Type::Record(params), Value::Object(given)) => fields(params.iter(), given).into(),
        (Type::Json, value) => json::text(&json::write(value)),
        (_, value) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_further_call_is_told_in_the_form_of_its_function() {
        let arguments = json!({"environment": "dev", "provider_config_keys": ["github"], "tags": {"a_b": "c_d"}, "timeout_seconds": 5});
        let mut next = json!({"tool": "wait_for_connection", "arguments": arguments}).as_object().unwrap().clone();
        retold(&mut next);
        let options = json!({"end-user-id": null, "tags": [["a_b", "c_d"]], "connection-id": null, "since": null, "timeout-seconds": 5});
        let told = json!({"environment": "dev", "provider-config-keys": ["github"], "options": options});
        assert_eq!(Value::Object(next), json!({"tool": "wait-for-connection", "arguments": told}));
    }

    #[test]
    fn without_options_the_record_is_null_and_what_is_no_tool_stays() {
        let mut next = json!({"tool": "get_connection", "arguments": {"connection_id": "c", "provider_config_key": "g"}});
        retold(next.as_object_mut().unwrap());
        let told = json!({"environment": null, "connection-id": "c", "provider-config-key": "g", "options": null});
        assert_eq!(next, json!({"tool": "get-connection", "arguments": told}));
        let mut none = json!({"tool": "", "arguments": {}});
        retold(none.as_object_mut().unwrap());
        assert_eq!(none, json!({"tool": "", "arguments": {}}));
    }
}
