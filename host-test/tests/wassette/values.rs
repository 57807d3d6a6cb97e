//! Types as JSON Schema and values as JSON, by Wassette's rules: every parameter and every field is required, null stands for an
//! absent option, and a number is whole where its type is.

use serde_json::{Map, Value, json};
use wasmtime::component::{Type, Val};

/// The schema of an object whose fields are all required.
pub(crate) fn object(fields: &[(String, Type)]) -> Value {
    let properties: Map<String, Value> = fields.iter().map(|(name, of)| (name.clone(), schema(of))).collect();
    let required: Vec<&String> = fields.iter().map(|(name, _)| name).collect();
    json!({"type": "object", "properties": properties, "required": required})
}

fn schema(of: &Type) -> Value {
    match of {
        Type::Bool => json!({"type": "boolean"}),
        Type::U32 | Type::S64 => json!({"type": "number"}),
        Type::String => json!({"type": "string"}),
        Type::List(list) => json!({"type": "array", "items": schema(&list.ty())}),
        Type::Tuple(tuple) => {
            let items: Vec<Value> = tuple.types().map(|of| schema(&of)).collect();
            json!({"type": "array", "minItems": items.len(), "maxItems": items.len(), "prefixItems": items})
        }
        Type::Record(record) => object(&fields(record)),
        Type::Enum(choice) => json!({"type": "string", "enum": choice.names().collect::<Vec<_>>()}),
        Type::Option(option) => json!({"anyOf": [{"type": "null"}, schema(&option.ty())]}),
        Type::Result(result) => {
            let side =
                |name: &str, of: Option<Type>| json!({"type": "object", "properties": {name: schema(&of.unwrap())}, "required": [name]});
            json!({"oneOf": [side("ok", result.ok()), side("err", result.err())]})
        }
        other => panic!("{other:?} is no type that a tool should have"),
    }
}

fn fields(record: &wasmtime::component::types::Record) -> Vec<(String, Type)> {
    record.fields().map(|field| (field.name.to_owned(), field.ty)).collect()
}

/// JSON as a value of a type.
pub(crate) fn lower(value: &Value, of: &Type) -> Result<Val, String> {
    let misfit = || format!("expected {} shape, found: {value}", schema(of));
    Ok(match (of, value) {
        (Type::Option(_), Value::Null) => Val::Option(None),
        (Type::Option(option), value) => Val::Option(Some(Box::new(lower(value, &option.ty())?))),
        (Type::Bool, Value::Bool(truth)) => Val::Bool(*truth),
        (Type::U32, Value::Number(number)) => Val::U32(number.as_u64().and_then(|number| u32::try_from(number).ok()).ok_or_else(misfit)?),
        (Type::S64, Value::Number(number)) => Val::S64(number.as_i64().ok_or_else(misfit)?),
        (Type::String, Value::String(text)) => Val::String(text.clone()),
        (Type::Enum(choice), Value::String(text)) if choice.names().any(|name| name == text) => Val::Enum(text.clone()),
        (Type::List(list), Value::Array(items)) => Val::List(items.iter().map(|item| lower(item, &list.ty())).collect::<Result<_, _>>()?),
        (Type::Tuple(tuple), Value::Array(items)) if items.len() == tuple.types().count() => {
            Val::Tuple(items.iter().zip(tuple.types()).map(|(item, of)| lower(item, &of)).collect::<Result<_, _>>()?)
        }
        (Type::Record(record), Value::Object(given)) => {
            let field = |(name, of): (String, Type)| {
                let value = given.get(&name).ok_or_else(|| format!("expected object shape for record, found: missing field {name}"))?;
                Ok((name, lower(value, &of)?))
            };
            Val::Record(fields(record).into_iter().map(field).collect::<Result<_, String>>()?)
        }
        _ => return Err(misfit()),
    })
}

/// A value as JSON.
pub(crate) fn lift(value: &Val) -> Value {
    match value {
        Val::Bool(truth) => (*truth).into(),
        Val::U32(number) => (*number).into(),
        Val::S64(number) => (*number).into(),
        Val::String(text) | Val::Enum(text) => text.clone().into(),
        Val::List(items) | Val::Tuple(items) => items.iter().map(lift).collect(),
        Val::Record(fields) => fields.iter().map(|(name, value)| (name.clone(), lift(value))).collect(),
        Val::Option(option) => option.as_deref().map_or(Value::Null, lift),
        Val::Result(Ok(value)) => json!({"ok": value.as_deref().map_or(Value::Null, lift)}),
        Val::Result(Err(value)) => json!({"err": value.as_deref().map_or(Value::Null, lift)}),
        other => panic!("{other:?} is no value that a tool should have"),
    }
}
