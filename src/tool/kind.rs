//! What an argument or a result field may hold, as static data: one table that the schema, the check of
//! arguments and the projection of results all read.

/// The kind of a JSON value, with its limits.
#[derive(Debug)]
pub enum Kind {
    /// A string.
    Text(Text),
    /// `true` or `false`.
    Bool,
    /// A whole number within these bounds, both included.
    Integer {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// A list.
    List {
        /// Kind of every item.
        item: &'static Kind,
        /// Least number of items.
        min: usize,
        /// Greatest number of items.
        max: usize,
    },
    /// An object whose keys are data.
    Map {
        /// What keys look like.
        key: Text,
        /// Kind of every value.
        value: &'static Kind,
        /// Greatest number of keys.
        max: usize,
    },
    /// A closed object: these keys and no others.
    Object(&'static [Param]),
    /// An open object whose meaning is the provider's or the user's.
    Open,
    /// Any JSON value.
    Any,
    /// Any JSON value as its own text: an argument that is passed on as it was written, every digit included. Only
    /// directly among a tool's arguments.
    Raw,
}

/// Limits of a string. Lengths count Unicode code points, as JSON Schema does.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// Least length.
    pub min: usize,
    /// Greatest length.
    pub max: usize,
    /// The only values allowed; empty for any.
    pub choices: &'static [&'static str],
    /// The form demanded beyond length.
    pub pattern: Option<&'static Pattern>,
}

impl Text {
    /// Any text of that length.
    pub const fn of(min: usize, max: usize) -> Self {
        Self { min, max, choices: &[], pattern: None }
    }
}

/// A form of text, thrice: for schemas, for the check and for people.
#[derive(Debug)]
pub struct Pattern {
    /// The regular expression published in the schema; portable (no look-around).
    pub regex: &'static str,
    /// The same as code.
    pub matches: fn(&str) -> bool,
    /// The same in words, to follow "must".
    pub rule: &'static str,
    /// What no portable regular expression says: refused all the same, by a code of [`crate::rules::RULES`].
    pub beyond: Option<Beyond>,
}

/// A rule about text that the published schema leaves out.
#[derive(Debug)]
pub struct Beyond {
    /// The rule's code.
    pub code: &'static str,
    /// Whether it refuses this text.
    pub refuses: fn(&str) -> bool,
    /// The rule in words, to follow "must".
    pub rule: &'static str,
}

/// A named argument or result field.
#[derive(Debug)]
pub struct Param {
    /// Its key.
    pub name: &'static str,
    /// What it means: one line or a few, for the model.
    pub doc: &'static str,
    /// What it may hold.
    pub kind: &'static Kind,
    /// Whether it must be present.
    pub required: bool,
    /// The value used when it is absent, as JSON text.
    pub default: Option<&'static str>,
}
