//! JSON read and written.
//!
//! One way each, for all: serde_json's others (`Display`, `json!` of what is no literal, reading into another type than
//! [`Value`]) each bring machinery of their own into the component. For the same reason nothing here is inlined.

use serde_json::{Map, Value};

/// Read a JSON text; `None` if it is none.
#[inline(never)]
pub fn read(text: &[u8]) -> Option<Value> {
    serde_json::from_slice(text).ok()
}

/// Write a value as JSON text, on one line.
#[inline(never)]
pub fn write(value: &Value) -> String {
    // Writing a `Value` to memory cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}

/// An object of these fields, in this order.
pub(crate) fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    collect(&mut fields.into_iter())
}

#[inline(never)]
fn collect(fields: &mut dyn Iterator<Item = (&str, Value)>) -> Map<String, Value> {
    let mut object = Map::new();
    for (name, value) in fields {
        object.insert(name.to_owned(), value);
    }
    object
}
