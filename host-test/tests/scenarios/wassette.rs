//! The world of Wassette: arguments go in by the types of the functions, as a client of its gateway writes them; results are read
//! back by the tables of the tools.

use base64::Engine as _;
use nango_mcp::tool::{Entry, Kind, Param};
use nango_mcp::tools::TOOLS;
use serde_json::{Map, Value};
use wasmtime::component::Type;

use super::super::wassette::GATEWAY;
use super::super::wassette::gateway::Grants;
use super::entry::{Calling, Entry as World, Said};

pub(crate) struct Functions;

impl World for Functions {
    fn name(&self) -> &'static str {
        "wassette"
    }

    fn call<'a>(&'a self, vars: &'a [(String, String)], tool: &'a str, arguments: &'a Value) -> Calling<'a> {
        Box::pin(async move {
            let grants = Grants { vars: vars.to_vec(), hosts: vec!["127.0.0.1".to_owned()] };
            let function = tool.replace('_', "-");
            let arguments = told(arguments, GATEWAY.params(&function).unwrap_or_default());
            match GATEWAY.call(&grants, &function, &arguments).await {
                Ok(answer) => said(tool, &answer["result"]),
                Err(refusal) => Said::Refused(refusal),
            }
        })
    }
}

/// Arguments as a function takes them. What it does not have is left out, as gateways do.
fn told(arguments: &Value, params: Vec<(String, Type)>) -> Value {
    let mut told = Map::new();
    for (name, of) in params {
        let value = if name == "options" {
            let Type::Option(option) = &of else { panic!("options are optional") };
            let Type::Record(record) = option.ty() else { panic!("options are a record") };
            let given = record.fields().any(|field| arguments.get(field.name.replace('-', "_")).is_some());
            if given { tell(arguments, &option.ty()) } else { Value::Null }
        } else {
            match arguments.get(name.replace('-', "_")) {
                Some(value) => tell(value, &of),
                None if matches!(of, Type::Option(_)) => Value::Null,
                None => continue,
            }
        };
        told.insert(name, value);
    }
    told.into()
}

fn tell(value: &Value, of: &Type) -> Value {
    match (of, value) {
        (Type::Option(_), Value::Null) => Value::Null,
        (Type::Option(option), value) => tell(value, &option.ty()),
        (Type::String, Value::Array(_) | Value::Object(_) | Value::Bool(_)) => value.to_string().into(),
        (Type::List(_), Value::Object(pairs)) => {
            pairs.iter().map(|(name, value)| Value::from(vec![name.as_str().into(), value.clone()])).collect()
        }
        (Type::List(list), Value::Array(items)) => items.iter().map(|item| tell(item, &list.ty())).collect(),
        (Type::Enum(_), Value::String(text)) => text.replace('_', "-").into(),
        (Type::Record(record), given) => {
            let field = |name: &str, of: &Type| given.get(name.replace('-', "_")).map_or(Value::Null, |value| tell(value, of));
            record.fields().map(|at| (at.name.to_owned(), field(at.name, &at.ty))).collect()
        }
        (_, value) => value.clone(),
    }
}

fn said(tool: &str, result: &Value) -> Said {
    let Some(given) = result["ok"].as_object() else {
        let text = result["err"].as_str().unwrap().strip_prefix("ERROR ").expect("it begins so");
        return match text.split_once('\n') {
            Some((sentence, line)) => Said::error(&[sentence, line]),
            None => Said::Refused(text.to_owned()),
        };
    };
    let entry = TOOLS.iter().find(|entry| entry.name == tool).unwrap();
    let decode = |blob: &Value| base64::engine::general_purpose::STANDARD.decode(blob.as_str().unwrap()).unwrap();
    let files = given.get("content-base64").into_iter().map(decode).collect();
    let known = entry.output.len() + usize::from(entry.files);
    assert_eq!(given.len(), known, "{tool} has other fields than its table");
    Said::Result { structured: fields(entry.output, given), files }
}

/// A record as the table has it.
fn fields(params: &'static [Param], given: &Map<String, Value>) -> Value {
    let mut read = Map::new();
    for param in params {
        let value = given.get(&param.name.replace('_', "-")).unwrap_or_else(|| panic!("no {}", param.name));
        match value {
            Value::Null if !param.required => {}
            value => drop(read.insert(param.name.to_owned(), field(param.kind, value))),
        }
    }
    if let (Some(Value::String(tool)), Some(arguments)) = (read.get("tool"), read.get("arguments"))
        && let Some(entry) = TOOLS.iter().find(|entry| entry.name == tool.replace('-', "_"))
    {
        let arguments = untold(entry, arguments);
        read.insert("tool".to_owned(), entry.name.into());
        read.insert("arguments".to_owned(), arguments);
    }
    read.into()
}

fn field(kind: &'static Kind, value: &Value) -> Value {
    match (kind, value) {
        (Kind::Object(params), Value::Object(given)) => fields(params, given),
        (Kind::List { item, .. }, Value::Array(items)) => items.iter().map(|value| field(item, value)).collect(),
        (Kind::Map { value: Kind::Text(_), .. }, Value::Array(pairs)) => {
            pairs.iter().map(|pair| (pair[0].as_str().unwrap().to_owned(), pair[1].clone())).collect()
        }
        (Kind::Map { .. } | Kind::Open | Kind::Any | Kind::Raw, Value::String(json)) => serde_json::from_str(json).unwrap(),
        (_, value) => value.clone(),
    }
}

/// The arguments of a further call as the table has them.
fn untold(entry: &Entry, told: &Value) -> Value {
    let mut read = Map::new();
    for param in entry.params() {
        let name = param.name.replace('_', "-");
        let value = told.get(&name).or_else(|| told["options"].get(&name)).unwrap_or(&Value::Null);
        let value = match (param.kind, value) {
            (_, Value::Null) => continue,
            (Kind::Text(text), Value::String(told)) if !text.choices.is_empty() => {
                let choice = text.choices.iter().find(|choice| choice.replace('_', "-") == *told);
                (*choice.unwrap_or_else(|| panic!("{told} is no choice"))).into()
            }
            (kind, value) => field(kind, value),
        };
        read.insert(param.name.to_owned(), value);
    }
    read.into()
}
