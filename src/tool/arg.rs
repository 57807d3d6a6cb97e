//! Rust types as argument and result fields: [`Arg`], the macros that declare them, and the generic ones.

use std::marker::PhantomData;

use serde_json::{Map, Value};

use super::kind::{Kind, Param, Text};
use crate::json;

/// A type that may be a field of `object!`.
pub trait Arg: Sized {
    /// What it holds.
    const KIND: Kind;
    /// Whether the field must be present.
    const REQUIRED: bool = true;
    /// Read a value that `check` let pass; null stands for an absent one, which `check` never lets pass itself. If it
    /// is of another kind all the same, clear `fit` and return anything: one flag instead of a way out at every field
    /// keeps the component a quarter smaller.
    fn take(value: Value, fit: &mut bool) -> Self;
    /// Write it; null leaves the field out.
    fn give(&self) -> Value;
}

/// A closed object: what `object!` declares.
pub trait Object: Sized {
    /// Its fields, in the order of the declaration.
    const PARAMS: &'static [Param];
    /// The same as the table of one value.
    const TABLE: Kind = Kind::Object(Self::PARAMS);
    /// Read it from an object that `check` let pass; `fit` as in [`Arg::take`].
    fn take(object: Map<String, Value>, fit: &mut bool) -> Self;
    /// Write it.
    fn give(&self) -> Map<String, Value>;
}

/// The name of a field without Rust's `r#`.
pub const fn plain(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}

/// The values of an object in the order of its table; the default where there is none, null where there is no default.
/// Not inlined, as all that is done for every tool.
#[inline(never)]
pub fn values(params: &[Param], mut object: Map<String, Value>) -> std::vec::IntoIter<Value> {
    let mut values = Vec::with_capacity(params.len());
    for param in params {
        let value = json::take(&mut object, param.name);
        let default = if value.is_null() { param.default.and_then(|text| json::read(text.as_bytes())) } else { None };
        values.push(default.unwrap_or(value));
    }
    values.into_iter()
}

/// The next of them.
#[inline(never)]
pub fn next(values: &mut std::vec::IntoIter<Value>) -> Value {
    values.next().unwrap_or_default()
}

/// The members of an object.
#[inline(never)]
pub fn members(value: Value, fit: &mut bool) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => {
            *fit = false;
            json::empty()
        }
    }
}

/// The items of a list.
#[inline(never)]
fn items(value: Value, fit: &mut bool) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        _ => {
            *fit = false;
            Vec::new()
        }
    }
}

/// An object of these values, each under the name of its parameter; null leaves it out.
#[inline(never)]
pub fn named(params: &[Param], values: &mut [Value]) -> Map<String, Value> {
    let mut object = json::empty();
    for (param, value) in params.iter().zip(values) {
        json::put_if(&mut object, param.name, value.take());
    }
    object
}

/// What an argument means, for its schema, and a tool for its description.
pub const fn argument_doc(doc: &'static str) -> &'static str {
    if cfg!(feature = "prose") { doc } else { "" }
}

/// What a result field means: for documents, which a native build writes.
pub const fn result_doc(doc: &'static str) -> &'static str {
    if cfg!(target_arch = "wasm32") { "" } else { doc }
}

/// The first of the choices.
#[expect(clippy::panic, reason = "evaluated by the compiler: it fails the build, not a call")]
pub const fn first<T: Copy>(all: &'static [(&'static str, T)]) -> T {
    match all {
        [(_, first), ..] => *first,
        [] => panic!("an enum of no choices does not compile"),
    }
}

/// Declare a closed object: an ordinary struct whose doc comments are the descriptions of its fields.
///
/// A field is required unless it is an `Option` or has a default (`limit: Int<1, 200> = 50`).
/// Every field's type implements [`Arg`], so objects nest: as a field, in a list, as the value of a map.
macro_rules! object {
    ($($object:tt)*) => { $crate::tool::declare! { argument_doc $($object)* } };
}

/// The same for an object of results only. Published schemas of results have no descriptions, so the component does not
/// carry them; docs/tools.md has them from a native build.
macro_rules! result {
    ($($object:tt)*) => { $crate::tool::declare! { result_doc $($object)* } };
}

/// What [`object!`] and [`result!`] have in common.
macro_rules! declare {
    (
        $doc_of:ident
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($(#[doc = $doc:literal])+ $field:ident : $ty:ty $(= $default:literal)?,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        $vis struct $name { $($(#[doc = $doc])+ $vis $field: $ty,)* }

        impl $crate::tool::Object for $name {
            const PARAMS: &'static [$crate::tool::Param] = &[$($crate::tool::Param {
                name: const { $crate::tool::plain(stringify!($field)) },
                doc: $crate::tool::$doc_of(concat!($($doc),+)),
                kind: &<$ty as $crate::tool::Arg>::KIND,
                required: <$ty as $crate::tool::Arg>::REQUIRED $(&& { let _ = $default; false })?,
                default: { let _default: Option<&'static str> = None; $(let _default = Some(stringify!($default));)? _default },
            },)*];

            #[allow(unused_mut, unused_variables, reason = "an object may have no fields")]
            fn take(object: serde_json::Map<String, serde_json::Value>, fit: &mut bool) -> Self {
                let mut values = $crate::tool::values(Self::PARAMS, object);
                Self { $($field: <$ty as $crate::tool::Arg>::take($crate::tool::next(&mut values), fit),)* }
            }

            fn give(&self) -> serde_json::Map<String, serde_json::Value> {
                let mut values = [$(<$ty as $crate::tool::Arg>::give(&self.$field)),*];
                $crate::tool::named(Self::PARAMS, &mut values)
            }
        }

        impl $crate::tool::Arg for $name {
            const KIND: $crate::tool::Kind = $crate::tool::Kind::Object(<Self as $crate::tool::Object>::PARAMS);
            fn take(value: serde_json::Value, fit: &mut bool) -> Self {
                <Self as $crate::tool::Object>::take($crate::tool::members(value, fit), fit)
            }
            fn give(&self) -> serde_json::Value {
                serde_json::Value::Object(<Self as $crate::tool::Object>::give(self))
            }
        }
    };
}

/// Declare a text type with limits of its own: `text! { /// docs  pub struct Name(min..=max, &PATTERN); }`.
macro_rules! text {
    ($($(#[$meta:meta])* $vis:vis struct $name:ident($min:literal ..= $max:literal $(, $pattern:expr)?);)*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        $vis struct $name(String);

        impl $crate::tool::Key for $name {
            const TEXT: $crate::tool::Text = $crate::tool::Text {
                min: $min, max: $max, choices: &[],
                pattern: { let _none: Option<&'static $crate::tool::Pattern> = None; $(let _none = Some($pattern);)? _none },
            };
        }

        impl $name {
            /// Make one of a text that fits.
            #[allow(dead_code, reason = "few are made of text")]
            $vis fn from_text(text: &str) -> Option<Self> {
                $crate::tool::fits(&<Self as $crate::tool::Key>::TEXT, text).then(|| Self(text.to_owned()))
            }
        }

        impl std::ops::Deref for $name {
            type Target = str;
            fn deref(&self) -> &str { &self.0 }
        }

        impl $crate::tool::Arg for $name {
            const KIND: $crate::tool::Kind = $crate::tool::Kind::Text(<$name as $crate::tool::Key>::TEXT);
            fn take(value: serde_json::Value, fit: &mut bool) -> Self {
                Self(<String as $crate::tool::Arg>::take(value, fit))
            }
            fn give(&self) -> serde_json::Value { <String as $crate::tool::Arg>::give(&self.0) }
        }
    )*};
}

/// Declare a text of few values: `choices! { /// docs  pub enum Kind { User = "user", … } }`.
macro_rules! choices {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $value:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $vis enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            const ALL: &'static [(&'static str, Self)] = &[$(($value, Self::$variant)),+];
        }

        impl $name {
            /// The value as it is written.
            $vis fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $value,)+ }
            }
        }

        impl $crate::tool::Arg for $name {
            const KIND: $crate::tool::Kind = $crate::tool::Kind::Text($crate::tool::Text {
                min: 1, max: 64, choices: &[$($value),+], pattern: None,
            });
            fn take(value: serde_json::Value, fit: &mut bool) -> Self {
                let text = <String as $crate::tool::Arg>::take(value, fit);
                let known = Self::ALL.iter().find(|(value, _)| *value == text);
                *fit &= known.is_some();
                known.map_or($crate::tool::first(Self::ALL), |(_, choice)| *choice)
            }
            fn give(&self) -> serde_json::Value { self.as_str().into() }
        }
    };
}

pub(crate) use {choices, declare, object, result, text};

/// A list of `MIN` to `MAX` items.
#[derive(Debug, Clone)]
pub struct List<T, const MIN: usize, const MAX: usize>(pub Vec<T>);

impl<T: Arg, const MIN: usize, const MAX: usize> Arg for List<T, MIN, MAX> {
    const KIND: Kind = Kind::List { item: &T::KIND, min: MIN, max: MAX };
    fn take(value: Value, fit: &mut bool) -> Self {
        Self(items(value, fit).into_iter().map(|item| T::take(item, fit)).collect())
    }
    fn give(&self) -> Value {
        Value::Array(self.0.iter().map(T::give).collect())
    }
}

/// An object with up to `MAX` keys that are data; keys are limited by `K`.
#[derive(Debug, Clone)]
pub struct Dict<K, V, const MAX: usize>(pub Vec<(String, V)>, PhantomData<K>);

/// A text type that may be the key of a [`Dict`].
pub trait Key {
    /// Its limits.
    const TEXT: Text;
}

impl<K: Key, V: Arg, const MAX: usize> Arg for Dict<K, V, MAX> {
    const KIND: Kind = Kind::Map { key: K::TEXT, value: &V::KIND, max: MAX };
    fn take(value: Value, fit: &mut bool) -> Self {
        let mut taken = Vec::new();
        for (key, value) in members(value, fit) {
            taken.push((key, V::take(value, fit)));
        }
        Self(taken, PhantomData)
    }
    fn give(&self) -> Value {
        let mut object = json::empty();
        for (key, value) in &self.0 {
            json::put(&mut object, key, value.give());
        }
        Value::Object(object)
    }
}

impl<K, V, const MAX: usize> FromIterator<(String, V)> for Dict<K, V, MAX> {
    fn from_iter<I: IntoIterator<Item = (String, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect(), PhantomData)
    }
}

/// The whole number that a JSON number stands for: `1.0` is one, as JSON Schema counts it.
pub(super) fn whole(value: &Value) -> Option<i64> {
    let float = || value.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9e15).map(|f| f as i64);
    value.as_i64().or_else(float)
}

/// A value of `T`'s kind that is passed on as it is: held to `T`'s table by `check` or by `project`, never looked into.
/// It costs no code by field.
#[derive(Debug, Clone)]
pub struct Passed<T>(Value, PhantomData<T>);

impl<T> Passed<T> {
    /// A value that was read by `T`'s table.
    pub(crate) fn of(value: Value) -> Self {
        Self(value, PhantomData)
    }
}

impl<T: Arg> Arg for Passed<T> {
    const KIND: Kind = T::KIND;
    fn take(value: Value, _fit: &mut bool) -> Self {
        Self(value, PhantomData)
    }
    fn give(&self) -> Value {
        self.0.clone()
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy)]
pub struct Int<const MIN: i64, const MAX: i64>(pub i64);

impl<const MIN: i64, const MAX: i64> Arg for Int<MIN, MAX> {
    const KIND: Kind = Kind::Integer { min: MIN, max: MAX };
    fn take(value: Value, fit: &mut bool) -> Self {
        Self(number(&value, fit).unwrap_or(MIN))
    }
    fn give(&self) -> Value {
        self.0.into()
    }
}

#[inline(never)]
fn number(value: &Value, fit: &mut bool) -> Option<i64> {
    let number = whole(value);
    *fit &= number.is_some();
    number
}

impl Arg for bool {
    const KIND: Kind = Kind::Bool;
    #[inline(never)]
    fn take(value: Value, fit: &mut bool) -> Self {
        let truth = value.as_bool();
        *fit &= truth.is_some();
        truth.unwrap_or_default()
    }
    fn give(&self) -> Value {
        Value::Bool(*self)
    }
}

/// Text without a form of its own: for results, where Nango decides.
impl Arg for String {
    const KIND: Kind = Kind::Text(Text::of(0, usize::MAX));
    #[inline(never)]
    fn take(value: Value, fit: &mut bool) -> Self {
        match value {
            Value::String(text) => text,
            _ => {
                *fit = false;
                Self::new()
            }
        }
    }
    fn give(&self) -> Value {
        json::text(self)
    }
}

/// An open object.
pub type Open = Map<String, Value>;

impl Arg for Open {
    const KIND: Kind = Kind::Open;
    fn take(value: Value, fit: &mut bool) -> Self {
        members(value, fit)
    }
    fn give(&self) -> Value {
        Value::Object(self.clone())
    }
}

/// Any JSON value.
impl Arg for Value {
    const KIND: Kind = Kind::Any;
    fn take(value: Value, _fit: &mut bool) -> Self {
        value
    }
    fn give(&self) -> Value {
        self.clone()
    }
}

/// Any JSON value, as its own text.
#[derive(Debug, Clone)]
pub struct Raw(pub String);

impl Arg for Raw {
    const KIND: Kind = Kind::Raw;
    fn take(value: Value, fit: &mut bool) -> Self {
        Self(<String as Arg>::take(value, fit))
    }
    fn give(&self) -> Value {
        json::text(&self.0)
    }
}

impl<T: Arg> Arg for Option<T> {
    const KIND: Kind = T::KIND;
    const REQUIRED: bool = false;
    fn take(value: Value, fit: &mut bool) -> Self {
        (!value.is_null()).then(|| T::take(value, fit))
    }
    fn give(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::give)
    }
}
