//! What of a provider's JSON a call wants: a place, items that fit, fields of them.

use serde_json::Value;

use super::shape::{ROOM, value};
use crate::error::Error;
use crate::json::{self, Part, Reading, parts};
use crate::tool::{List, choices, object, text};

text! {
    /// A JSON Pointer (RFC 6901).
    pub(crate) struct Pointer(0..=512, &POINTER);
    /// A field of an item, or of an object in it: `company.name`.
    pub(crate) struct Field(1..=200);
}

static POINTER: crate::tool::Pattern = crate::tool::Pattern {
    regex: "^(/([^~]|~[01])*)?$",
    matches: |text| {
        let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        (text.is_empty() || text.starts_with('/')) && escapes
    },
    rule: "be a JSON Pointer (RFC 6901) such as /data/items",
    beyond: None,
};

choices! {
    /// How a field is compared.
    pub(crate) enum Op {
        Eq = "eq",
        Ne = "ne",
        In = "in",
        Contains = "contains",
        Icontains = "icontains",
        Lt = "lt",
        Lte = "lte",
        Gt = "gt",
        Gte = "gte",
        Exists = "exists",
    }
}

object! {
    /// A condition on items.
    pub(crate) struct Filter {
        /// Field of the item; a dot goes into an object.
        field: Field,
        /// Comparison. contains looks into texts and lists, icontains into texts without the case of A to Z.
        op: Op,
        /// What to compare with: a list for in, true or false for exists.
        value: Option<Value>,
    }
}

/// All conditions; an item fits that keeps all of them.
pub(crate) type Filters = List<Filter, 0, 10>;

/// The fields to keep.
pub(crate) type Fields = List<Field, 0, 50>;

/// Hold filters to what their comparison needs.
///
/// # Errors
/// `bad_filter`.
pub(super) fn rules(filters: &Filters) -> Result<(), Error> {
    for (at, filter) in filters.0.iter().enumerate() {
        let fits = match (filter.op, &filter.value) {
            (Op::In, Some(Value::Array(_))) | (Op::Exists, None | Some(Value::Bool(_))) | (Op::Contains, Some(_)) => true,
            (Op::Icontains, value) => value.as_ref().is_some_and(Value::is_string),
            (Op::Lt | Op::Lte | Op::Gt | Op::Gte, Some(value)) => value.is_string() || value.is_number(),
            // Null is compared with by leaving the value out.
            (Op::Eq | Op::Ne, value) => !matches!(value, Some(Value::Array(_) | Value::Object(_))),
            _ => false,
        };
        if !fits {
            let path = format!("filters[{at}].value");
            let say = format!(
                "`{path}` must fit its op: a list for in, text for icontains, text or a number for lt lte gt gte, true or false for exists, \
                 a plain value for eq and ne"
            );
            return Err(Error::argument("bad_filter", path, say));
        }
    }
    Ok(())
}

/// What stands in an object under a name, or in a list at a place.
fn member<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    // RFC 6901, section 4: no zeros in front.
    let place = name.parse::<usize>().ok().filter(|_| name == "0" || !name.starts_with(['0', '+']));
    let mut found = None;
    parts(text, &mut |part, text| {
        let fits = match part {
            Part::Key(key) => key == name,
            Part::Index(at) => place == Some(at),
        };
        if fits {
            found = Some(text);
        }
    });
    found
}

/// The text of a field: of that very name, or with its dots taken as steps into objects and lists.
pub(super) fn field<'a>(item: &'a str, name: &str) -> Option<&'a str> {
    let by_steps = || name.split('.').try_fold(item, member);
    member(item, name).or_else(|| if name.contains('.') { by_steps() } else { None })
}

/// Whether an item keeps a condition, and whether its field could be read whole for that. An absent field keeps only `ne`
/// and `exists: false`.
pub(super) fn keeps(filter: &Filter, found: Option<&str>) -> (bool, bool) {
    let wanted = filter.value.as_ref().unwrap_or(&Value::Null);
    match found {
        Some(_) if filter.op == Op::Exists => (*wanted != Value::Bool(false), true),
        Some(text) => {
            let (found, whole) = value(text, &mut Reading::of(ROOM));
            (holds(filter.op, &found, wanted), whole)
        }
        None => (filter.op == Op::Ne || (filter.op == Op::Exists && *wanted == Value::Bool(false)), true),
    }
}

fn holds(op: Op, found: &Value, wanted: &Value) -> bool {
    match op {
        Op::Eq => same(found, wanted),
        Op::Ne => !same(found, wanted),
        Op::In => wanted.as_array().is_some_and(|values| values.iter().any(|value| same(found, value))),
        Op::Contains => match found {
            Value::String(text) => wanted.as_str().is_some_and(|part| text.contains(part)),
            Value::Array(items) => items.iter().any(|item| same(item, wanted)),
            _ => false,
        },
        Op::Icontains => match (found.as_str(), wanted.as_str()) {
            (Some(text), Some(part)) => text.to_ascii_lowercase().contains(&part.to_ascii_lowercase()),
            _ => false,
        },
        Op::Exists => true,
        Op::Lt | Op::Lte | Op::Gt | Op::Gte => compare(found, wanted).is_some_and(|order| match op {
            Op::Lt => order.is_lt(),
            Op::Lte => order.is_le(),
            Op::Gt => order.is_gt(),
            _ => order.is_ge(),
        }),
    }
}

/// Equal as JSON, numbers by value: 1 and 1.0 are one.
fn same(one: &Value, other: &Value) -> bool {
    one == other || (one.is_number() && compare(one, other).is_some_and(std::cmp::Ordering::is_eq))
}

/// The order of two numbers or two texts; dates in one form of ISO 8601 order as texts do.
fn compare(one: &Value, other: &Value) -> Option<std::cmp::Ordering> {
    match (one, other) {
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        (Value::Number(one), Value::Number(other)) => match (whole(one), whole(other)) {
            (Some(one), Some(other)) => Some(one.cmp(&other)),
            _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
        },
        _ => None,
    }
}

/// A number that 64 bits hold whole.
fn whole(number: &serde_json::Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

/// Only these fields of an item, under the names they were asked for by, and whether all of them are whole. `seen` tells,
/// field by field, whether some item had it.
pub(super) fn pick(item: &str, fields: &Fields, seen: &mut [bool]) -> (Value, bool) {
    let (mut picked, mut whole, mut room) = (json::empty(), true, Reading::of(ROOM));
    for (name, seen) in fields.0.iter().zip(seen) {
        if let Some(text) = field(item, name) {
            let (value, is_whole) = value(text, &mut room);
            json::put(&mut picked, name, value);
            whole &= is_whole;
            *seen = true;
        }
    }
    (picked.into(), whole)
}

/// What stands at a JSON Pointer, or how far it leads and what stands there.
pub(super) fn resolve<'a>(text: &'a str, pointer: &str) -> Result<&'a str, String> {
    let (mut here, mut walked) = (text, String::new());
    for token in pointer.split('/').skip(1) {
        let name = token.replace("~1", "/").replace("~0", "~");
        let Some(next) = member(here, &name) else {
            let place = if walked.is_empty() { "the root".to_owned() } else { walked };
            return Err(format!("{place} has {}", available(here)));
        };
        walked.push('/');
        walked.push_str(token);
        here = next;
    }
    Ok(here)
}

/// What an object or a list has, for a sentence.
pub(super) fn available(text: &str) -> String {
    let (mut names, mut count): (Vec<String>, usize) = (Vec::new(), 0);
    let mut list = false;
    parts(text, &mut |part, _| {
        count += 1;
        match part {
            Part::Key(name) if names.len() < 20 => names.push(name.chars().filter(|c| !crate::tool::is_hidden(*c)).take(64).collect()),
            Part::Key(_) => {}
            Part::Index(_) => list = true,
        }
    });
    match (list, names.len()) {
        (true, _) => format!("a list of {count} items"),
        (false, 0) => format!("no members ({})", super::shape::kind(text)),
        (false, named) if named < count => format!("{} and {} more", names.join(", "), count - named),
        (false, _) => names.join(", "),
    }
}
