//! Every property of a tool's arguments, at every depth: where it is, what it may hold, and how to put a value there.

use nango_mcp::tool::{Entry, Kind, Param, Text, fits};
use serde_json::{Map, Value, json};

/// A way from a value into a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The field of a closed object.
    Field(&'static str),
    /// The first item of a list.
    Item,
    /// The value of an only key.
    Key,
}

/// What stands at a place.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Holds {
    /// A value.
    Value(&'static Kind),
    /// The key of a map, whose values are of this kind.
    Key(&'static Text, &'static Kind),
}

/// The only key of a map on the way to a place.
pub(crate) const KEY: &str = "a-key";

/// A property.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The way from the arguments; the last step to a key is the map.
    pub(crate) steps: Vec<Step>,
    pub(crate) holds: Holds,
}

/// Every property of a tool at every depth, but for `environment`, whose values are configuration.
pub(crate) fn places(entry: &Entry) -> Vec<Place> {
    let mut found = Vec::new();
    for param in entry.params().into_iter().filter(|param| param.name != "environment") {
        below(param.kind, vec![Step::Field(param.name)], &mut found);
    }
    found
}

fn below(kind: &'static Kind, steps: Vec<Step>, found: &mut Vec<Place>) {
    found.push(Place { steps: steps.clone(), holds: Holds::Value(kind) });
    let with = |step: Step| steps.iter().copied().chain([step]).collect::<Vec<_>>();
    match kind {
        Kind::List { item, .. } => below(item, with(Step::Item), found),
        Kind::Map { key, value, .. } => {
            found.push(Place { steps: steps.clone(), holds: Holds::Key(key, value) });
            below(value, with(Step::Key), found);
        }
        Kind::Object(params) => params.iter().for_each(|param| below(param.kind, with(Step::Field(param.name)), found)),
        Kind::Text(_) | Kind::Bool | Kind::Integer { .. } | Kind::Open | Kind::Any | Kind::Raw => {}
    }
}

impl Place {
    /// As errors name it.
    pub(crate) fn path(&self) -> String {
        let mut path = String::new();
        for step in &self.steps {
            match step {
                Step::Item => path.push_str("[0]"),
                Step::Field(name) if path.is_empty() => path.push_str(name),
                Step::Field(name) => path.push_str(&format!(".{name}")),
                Step::Key => path.push_str(&format!(".{KEY}")),
            }
        }
        path
    }

    /// The text that may stand here.
    pub(crate) fn text(&self) -> Option<&'static Text> {
        match self.holds {
            Holds::Value(Kind::Text(text)) | Holds::Key(text, _) => Some(text),
            Holds::Value(_) => None,
        }
    }

    /// These arguments with a value here; whatever else is needed around it is the least that fits.
    pub(crate) fn put(&self, entry: &Entry, arguments: &Value, value: Value) -> Value {
        let mut arguments = arguments.clone();
        let Some((Step::Field(name), rest)) = self.steps.split_first() else { panic!("a place begins at an argument") };
        let param = entry.params().into_iter().find(|param| param.name == *name).unwrap();
        let value = match self.holds {
            Holds::Value(_) => value,
            Holds::Key(_, kind) => keyed(value.as_str().unwrap(), least(kind)),
        };
        arguments[*name] = around(param.kind, rest, value);
        arguments
    }
}

fn keyed(key: &str, value: Value) -> Value {
    Map::from_iter([(key.to_owned(), value)]).into()
}

fn around(kind: &'static Kind, steps: &[Step], value: Value) -> Value {
    let Some((step, rest)) = steps.split_first() else { return value };
    match (kind, step) {
        (Kind::Object(params), Step::Field(name)) => {
            let mut object = least(kind);
            object[*name] = around(field(params, name).kind, rest, value);
            object
        }
        (Kind::List { item, min, .. }, Step::Item) => {
            let mut items = vec![around(item, rest, value)];
            items.resize_with((*min).max(1), || least(item));
            items.into()
        }
        (Kind::Map { value: inner, .. }, Step::Key) => keyed(KEY, around(inner, rest, value)),
        _ => panic!("{step:?} leads nowhere in {kind:?}"),
    }
}

/// The field of that name.
pub(crate) fn field(params: &'static [Param], name: &str) -> &'static Param {
    params.iter().find(|param| param.name == name).unwrap()
}

/// The least value that fits.
pub(crate) fn least(kind: &'static Kind) -> Value {
    match kind {
        Kind::Text(text) => fitting(text).into(),
        Kind::Bool => false.into(),
        Kind::Integer { min, .. } => (*min).into(),
        Kind::List { item, min, .. } => (0..*min).map(|_| least(item)).collect(),
        Kind::Map { .. } | Kind::Open => json!({}),
        Kind::Object(params) => {
            let required = params.iter().filter(|param| param.required);
            required.map(|param| (param.name.to_owned(), least(param.kind))).collect::<Map<_, _>>().into()
        }
        Kind::Any | Kind::Raw => json!("harmless"),
    }
}

const SESSION_TOKEN: &str = "nango_connect_session_00000000000000000000000000000000000000000000000000000000000000aa";
const SESSION_LINK: &str =
    "https://harmless.example/?session_token=nango_connect_session_00000000000000000000000000000000000000000000000000000000000000aa";

/// A text that fits.
pub(crate) fn fitting(text: &Text) -> String {
    let some =
        ["harmless", "harm@less.example", "https://harmless.example", "/harmless", "2031-01-31T12:00:00Z", SESSION_TOKEN, SESSION_LINK];
    let found = text.choices.iter().chain(&some).find(|some| fits(text, some));
    (*found.unwrap_or_else(|| panic!("nothing fits {text:?}"))).to_owned()
}

/// What the random values of this run come from: always the same, unless NANGO_MCP_TEST_SEED says another number.
pub(crate) fn seed() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of the server")]
    let given = std::env::var("NANGO_MCP_TEST_SEED").ok();
    given.map_or(1, |given| given.parse().unwrap_or_else(|_| panic!("NANGO_MCP_TEST_SEED is a number")))
}
