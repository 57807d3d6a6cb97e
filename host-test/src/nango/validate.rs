//! A checker of inputs that reports as Nango's own does: every issue with its code, message and path.
//!
//! Fields are checked in the order in which a schema names them; unknown keys come last, in one issue.

use serde_json::{Map, Value, json};

use super::answer::Answer;

/// One thing wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issue {
    pub code: &'static str,
    pub message: String,
    pub path: Vec<String>,
}

impl Issue {
    pub(crate) fn json(&self) -> Value {
        json!({ "code": self.code, "message": self.message, "path": self.path })
    }
}

/// Where a value stands in the input. Every element is a string, indices too.
#[derive(Clone, Debug, Default)]
pub(crate) struct Path(Vec<String>);

impl Path {
    pub(crate) fn root() -> Path {
        Path::default()
    }

    pub(crate) fn at(&self, key: &str) -> Path {
        let mut elements = self.0.clone();
        elements.push(key.to_owned());
        Path(elements)
    }

    pub(crate) fn index(&self, index: usize) -> Path {
        self.at(&index.to_string())
    }
}

/// The issues of one input.
#[derive(Debug, Default)]
pub(crate) struct Issues(Vec<Issue>);

impl Issues {
    pub(crate) fn add(&mut self, code: &'static str, message: impl Into<String>, path: &Path) {
        self.0.push(Issue { code, message: message.into(), path: path.0.clone() });
    }

    pub(crate) fn wrong_type(&mut self, expected: &str, found: Option<&Value>, path: &Path) {
        let received = kind(found);
        self.add("invalid_type", format!("Invalid input: expected {expected}, received {received}"), path);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The error answer if there is any issue.
    pub(crate) fn done(self, outer: &str) -> Result<(), Answer> {
        if self.0.is_empty() { Ok(()) } else { Err(Answer::invalid(outer, &self.0)) }
    }
}

fn kind(value: Option<&Value>) -> &'static str {
    match value {
        None => "undefined",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(_)) => "number",
        Some(Value::String(_)) => "string",
        Some(Value::Array(_)) => "array",
        Some(Value::Object(_)) => "object",
    }
}

/// A set of characters, beside ASCII letters and digits, and how Nango shows it.
#[derive(Clone, Copy)]
pub(crate) struct Charset {
    extra: &'static str,
    shown: &'static str,
}

/// Unique keys of integrations, and provider searches.
pub(crate) const UNIQUE_KEY: Charset = Charset { extra: "~:.@ _-", shown: "/^[a-zA-Z0-9~:.@ _-]+$/" };
/// Names of providers.
pub(crate) const PROVIDER: Charset = Charset { extra: "_-", shown: "/^[a-zA-Z0-9_-]+$/" };
/// Connection ids in a path.
pub(crate) const CONNECTION_ID: Charset = Charset { extra: ",.;:=+~[]|@${}\"'\\/_ -", shown: r#"/^[a-zA-Z0-9,.;:=+~[\]|@${}"'\\/_ -]+$/"# };
/// `Retry-On`: statuses with commas between.
pub(crate) const STATUS_LIST: &str = r"/^\d+(,\d+)*$/";

impl Charset {
    fn accepts(self, text: &str) -> bool {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || self.extra.contains(c))
    }
}

/// What a string must look like. Its form is checked before its length.
#[derive(Clone, Copy, Default)]
pub(crate) struct Text {
    min: usize,
    max: Option<usize>,
    charset: Option<Charset>,
    email: bool,
}

impl Text {
    pub(super) const fn any() -> Text {
        Text { min: 0, max: None, charset: None, email: false }
    }

    pub(super) const fn between(min: usize, max: usize) -> Text {
        Text { min, max: Some(max), charset: None, email: false }
    }

    pub(super) const fn at_least(min: usize) -> Text {
        Text { min, max: None, charset: None, email: false }
    }

    pub(super) const fn of(charset: Charset) -> Text {
        Text { min: 0, max: Some(255), charset: Some(charset), email: false }
    }

    pub(super) const fn email(min: usize) -> Text {
        Text { min, max: None, charset: None, email: true }
    }

    pub(super) fn check(self, value: Option<&Value>, path: &Path, issues: &mut Issues) -> Option<String> {
        let Some(Value::String(text)) = value else {
            issues.wrong_type("string", value, path);
            return None;
        };
        if let Some(charset) = self.charset.filter(|charset| !charset.accepts(text)) {
            issues.add("invalid_format", format!("Invalid string: must match pattern {}", charset.shown), path);
        }
        if self.email && !is_email(text) {
            issues.add("invalid_format", "Invalid email address", path);
        }
        let length = length(text);
        if length < self.min {
            issues.add("too_small", format!("Too small: expected string to have >={} characters", self.min), path);
        }
        if let Some(max) = self.max.filter(|max| length > *max) {
            issues.add("too_big", format!("Too big: expected string to have <={max} characters"), path);
        }
        Some(text.clone())
    }
}

/// JavaScript's length: UTF-16 units.
pub(crate) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// An address as Nango's checker takes it: one `@`, no stray dot, a dotted domain that ends in letters.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let local_ok = !local.is_empty()
        && !local.starts_with('.')
        && !local.ends_with(['.', '\''])
        && !local.contains("..")
        && local.chars().all(|c| c.is_ascii_alphanumeric() || "_'+-.".contains(c));
    let Some((labels, top)) = domain.rsplit_once('.') else { return false };
    let label_ok = |label: &str| {
        label.starts_with(|c: char| c.is_ascii_alphanumeric()) && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    local_ok && labels.split('.').all(label_ok) && top.len() >= 2 && top.chars().all(|c| c.is_ascii_alphabetic())
}

/// The fields of an object under check.
pub(crate) struct Fields<'v, 'i> {
    map: &'v Map<String, Value>,
    path: Path,
    known: Vec<&'static str>,
    pub issues: &'i mut Issues,
}

impl<'v, 'i> Fields<'v, 'i> {
    /// None, with an issue, when the value is not an object.
    pub(super) fn open(value: Option<&'v Value>, path: Path, issues: &'i mut Issues) -> Option<Fields<'v, 'i>> {
        match value {
            Some(Value::Object(map)) => Some(Fields::over(map, path, issues)),
            _ => {
                issues.wrong_type("object", value, &path);
                None
            }
        }
    }

    pub(super) fn over(map: &'v Map<String, Value>, path: Path, issues: &'i mut Issues) -> Fields<'v, 'i> {
        Fields { map, path, known: Vec::new(), issues }
    }

    pub(super) fn at(&self, key: &str) -> Path {
        self.path.at(key)
    }

    /// A field to be checked by the caller.
    pub(super) fn raw(&mut self, key: &'static str) -> Option<&'v Value> {
        self.known.push(key);
        self.map.get(key)
    }

    pub(super) fn text(&mut self, key: &'static str, rule: Text) -> Option<String> {
        let value = self.raw(key);
        rule.check(value, &self.path.at(key), self.issues)
    }

    pub(super) fn optional_text(&mut self, key: &'static str, rule: Text) -> Option<String> {
        let value = self.raw(key)?;
        rule.check(Some(value), &self.path.at(key), self.issues)
    }

    pub(super) fn optional_bool(&mut self, key: &'static str) -> Option<bool> {
        let value = self.raw(key)?;
        if !value.is_boolean() {
            self.issues.wrong_type("boolean", Some(value), &self.path.at(key));
        }
        value.as_bool()
    }

    pub(super) fn optional_record(&mut self, key: &'static str) -> Option<&'v Map<String, Value>> {
        let value = self.raw(key)?;
        record(Some(value), &self.path.at(key), self.issues)
    }

    /// Ends a strict object: whatever was not asked for is reported.
    pub(super) fn end(self) {
        let unknown: Vec<String> =
            self.map.keys().filter(|key| !self.known.contains(&key.as_str())).map(|key| format!("\"{key}\"")).collect();
        if !unknown.is_empty() {
            let noun = if unknown.len() == 1 { "key" } else { "keys" };
            self.issues.add("unrecognized_keys", format!("Unrecognized {noun}: {}", unknown.join(", ")), &self.path);
        }
    }
}

/// An object whose keys are free.
pub(crate) fn record<'v>(value: Option<&'v Value>, path: &Path, issues: &mut Issues) -> Option<&'v Map<String, Value>> {
    if !matches!(value, Some(Value::Object(_))) {
        issues.wrong_type("record", value, path);
    }
    value.and_then(Value::as_object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_is_taken_as_nango_takes_it() {
        for good in ["a@b.co", "o'neil+x@mail.example.com", "a.b@x-y.org"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["bad", "a@b", ".a@b.co", "a..b@c.co", "a@b.c", "a@-b.co", "a b@c.co", "é@b.co", "a@b@c.co"] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn unknown_keys_come_last_and_together() {
        let body = json!({ "x": 1, "y": 2 });
        let mut issues = Issues::default();
        let mut fields = Fields::open(Some(&body), Path::root(), &mut issues).unwrap();
        fields.text("id", Text::between(1, 255));
        fields.end();
        assert_eq!(issues.0[0].message, "Invalid input: expected string, received undefined");
        assert_eq!(issues.0[1].message, "Unrecognized keys: \"x\", \"y\"");
    }

    #[test]
    fn length_counts_as_javascript_does() {
        let mut issues = Issues::default();
        Text::between(1, 255).check(Some(&json!("😀".repeat(128))), &Path::root(), &mut issues);
        assert_eq!(issues.len(), 1);
    }
}
