//! JSON read by a table: what the table names becomes a value, everything else goes by unread.
//!
//! One visitor for all of it. A body of 4 MiB never becomes values as a whole, so what a hostile or merely large answer
//! costs is its own text and what is kept of it; and what is kept has a budget.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::json;
use crate::tool::{Arg, Kind, Param, Text, fits};

/// What keeping a value costs, in bytes of memory of the component; measured on wasm32.
const VALUE: usize = 48;
/// What an object costs beyond its members: its table, and room for four of them.
const OBJECT: usize = 336;
/// What a key costs beyond its text.
const KEY: usize = 32;

/// What no value fits.
static NOTHING: Kind = Kind::Integer { min: 1, max: 0 };

/// What a reading has left, and what it left behind.
#[derive(Debug)]
pub(crate) struct Reading {
    /// Bytes of memory that may still be spent on values.
    pub(crate) budget: usize,
    /// Fields and items that the table does not name, or that are of another kind.
    pub(crate) dropped: i64,
    /// Whether the budget ended it.
    spent: bool,
}

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// The text is not JSON, or nested deeper than 128 levels where it is kept.
    NotJson,
    /// More would be kept than the budget has.
    TooLarge,
}

impl Reading {
    /// With this many bytes to spend.
    pub(crate) fn of(budget: usize) -> Self {
        Self { budget, dropped: 0, spent: false }
    }

    /// Read a text, or what stands at `under` in it. `None` is a value of another kind, or an object that lacks what its
    /// table requires.
    ///
    /// # Errors
    /// [`Unread`].
    pub(crate) fn read(&mut self, text: &[u8], under: Option<&str>, kind: &'static Kind) -> Result<Option<Value>, Unread> {
        let mut found = None;
        self.run(text, under, Then::One(kind, &mut found))?;
        Ok(found)
    }

    /// Visit the items of a list, one at a time: `None` is an item that does not fit. `item` says whether it keeps the
    /// item, so that only what is kept is paid for and counted. Returns whether there was a list.
    ///
    /// # Errors
    /// [`Unread`].
    pub(crate) fn each(
        &mut self,
        text: &[u8],
        under: Option<&str>,
        kind: &'static Kind,
        item: &mut dyn FnMut(Option<Value>) -> bool,
    ) -> Result<bool, Unread> {
        let mut list = false;
        self.run(text, under, Then::Each(kind, item, &mut list))?;
        Ok(list)
    }

    #[inline(never)]
    fn run<'b>(&mut self, text: &[u8], under: Option<&'b str>, then: Then<'b>) -> Result<(), Unread> {
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let step = Step { reading: &mut *self, under, then };
        let read = step.deserialize(&mut deserializer).and_then(|_| deserializer.end());
        read.map_err(|_| if self.spent { Unread::TooLarge } else { Unread::NotJson })
    }
}

/// The table of a type, for as long as the program runs.
pub(crate) const fn kind_of<T: Arg>() -> &'static Kind {
    &T::KIND
}

/// What to do with the value that comes next.
enum Then<'a> {
    /// Keep it.
    One(&'static Kind, &'a mut Option<Value>),
    /// Hand out its items.
    Each(&'static Kind, &'a mut dyn FnMut(Option<Value>) -> bool, &'a mut bool),
    /// Return it to the object or list around it.
    Inner(&'static Kind),
}

/// A place in the text, and what is wanted there.
struct Step<'a, 'b> {
    reading: &'a mut Reading,
    /// The member of the root to go to first.
    under: Option<&'b str>,
    then: Then<'b>,
}

impl<'de> DeserializeSeed<'de> for Step<'_, '_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Value>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Reading {
    fn inner(&mut self, kind: &'static Kind) -> Step<'_, 'static> {
        Step { reading: self, under: None, then: Then::Inner(kind) }
    }

    /// Spend memory, or end the reading.
    fn spend<E: Error>(&mut self, bytes: usize) -> Result<(), E> {
        let left = self.budget.checked_sub(bytes);
        self.spent = left.is_none();
        self.budget = left.ok_or_else(|| E::custom(""))?;
        Ok(())
    }
}

impl Step<'_, '_> {
    /// What is wanted here; nothing where a member or a list is looked for.
    fn kind(&self) -> Option<&'static Kind> {
        match &self.then {
            Then::One(kind, _) | Then::Inner(kind) if self.under.is_none() => Some(kind),
            _ => None,
        }
    }

    fn give(self, value: Option<Value>) -> Option<Value> {
        match self.then {
            Then::One(_, found) if self.under.is_none() => {
                *found = value;
                None
            }
            Then::Inner(_) => value,
            _ => None,
        }
    }

    /// A value that is no object, no list and no text.
    fn scalar<E: Error>(self, value: Value) -> Result<Option<Value>, E> {
        let fits = match (self.kind(), &value) {
            (Some(Kind::Any), _) | (Some(Kind::Bool), Value::Bool(_)) => true,
            (Some(Kind::Integer { min, max }), Value::Number(number)) => number.as_i64().is_some_and(|n| (*min..=*max).contains(&n)),
            _ => false,
        };
        if !fits {
            return Ok(if value.is_null() { self.give(None) } else { self.misfit() });
        }
        self.reading.spend(VALUE)?;
        Ok(self.give(Some(value)))
    }

    /// A value of another kind: counted, and gone. But that an error is there must show even where it cannot be read,
    /// so where objects may be empty an empty one stands for it.
    fn misfit(self) -> Option<Value> {
        self.reading.dropped += 1;
        let value = match self.kind() {
            Some(Kind::Object(params)) if all_optional(params) && matches!(self.then, Then::Inner(_)) => Some(json::empty().into()),
            Some(Kind::List { item: Kind::Object(params), .. }) if all_optional(params) => Some(vec![Value::from(json::empty())].into()),
            _ => None,
        };
        self.give(value)
    }
}

fn all_optional(params: &[Param]) -> bool {
    params.iter().all(|param| !param.required)
}

impl<'de> Visitor<'de> for Step<'_, '_> {
    type Value = Option<Value>;

    fn expecting(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<Option<Value>, E> {
        self.scalar(Value::Null)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Option<Value>, E> {
        self.scalar(truth.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Option<Value>, E> {
        self.scalar(number.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Option<Value>, E> {
        self.scalar(number.into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Option<Value>, E> {
        self.scalar(number.into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<Value>, E> {
        if !matches!(self.kind(), Some(Kind::Text(_) | Kind::Any)) {
            return Ok(self.misfit());
        }
        self.reading.spend(VALUE + KEY + text.len())?;
        Ok(self.give(Some(json::text(text))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Option<Value>, A::Error> {
        if self.under.is_none()
            && let Then::Each(kind, item, list) = self.then
        {
            *list = true;
            loop {
                let before = (self.reading.budget, self.reading.dropped);
                let Some(value) = items.next_element_seed(self.reading.inner(kind))? else { break };
                if !item(value) {
                    (self.reading.budget, self.reading.dropped) = before;
                }
            }
            return Ok(None);
        }
        let (kind, most) = match self.kind() {
            Some(Kind::Any) => (&Kind::Any, usize::MAX),
            Some(Kind::List { item, max, .. }) => (*item, *max),
            _ => {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(self.misfit());
            }
        };
        self.reading.spend(VALUE + KEY)?;
        let mut kept = Vec::new();
        while kept.len() < most {
            match items.next_element_seed(self.reading.inner(kind))? {
                Some(Some(value)) => kept.push(value),
                Some(None) => {}
                None => break,
            }
        }
        while items.next_element::<IgnoredAny>()?.is_some() {
            self.reading.dropped += 1;
        }
        Ok(self.give(Some(kept.into())))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<Option<Value>, A::Error> {
        if let Some(under) = self.under.take() {
            let mut then = Some(self.then);
            while let Some(key) = entries.next_key::<String>()? {
                match then.take_if(|_| key == under) {
                    Some(then) => drop(entries.next_value_seed(Step { reading: &mut *self.reading, under: None, then })?),
                    None => drop(entries.next_value::<IgnoredAny>()?),
                }
            }
            return Ok(None);
        }
        let kept = match self.kind() {
            Some(Kind::Object(params)) => self.reading.members(params, &mut entries)?,
            Some(Kind::Open | Kind::Any) => Some(self.reading.entries(None, &Kind::Any, usize::MAX, &mut entries)?),
            Some(Kind::Map { key, value, max }) => Some(self.reading.entries(Some(key), value, *max, &mut entries)?),
            _ => {
                while entries.next_key::<IgnoredAny>()?.is_some() {
                    entries.next_value::<IgnoredAny>()?;
                }
                None
            }
        };
        Ok(match kept {
            Some(kept) => self.give(Some(kept.into())),
            None => self.misfit(),
        })
    }
}

impl Reading {
    /// The members that a table names, in its order; `None` if one is missing that it requires.
    fn members<'de, A: MapAccess<'de>>(
        &mut self,
        params: &'static [Param],
        entries: &mut A,
    ) -> Result<Option<Map<String, Value>>, A::Error> {
        self.spend(OBJECT)?;
        let mut found: Vec<Option<Value>> = vec![None; params.len()];
        while let Some(name) = entries.next_key_seed(Name(params))? {
            match name.and_then(|at| Some((at, params.get(at)?.kind))) {
                Some((at, kind)) => {
                    let value = entries.next_value_seed(self.inner(kind))?;
                    if let Some(slot) = found.get_mut(at) {
                        *slot = value;
                    }
                }
                // Counts what is there and is not null.
                None => drop(entries.next_value_seed(self.inner(&NOTHING))?),
            }
        }
        let mut kept = json::empty();
        for (param, value) in params.iter().zip(found) {
            match value {
                Some(value) => {
                    self.spend(KEY + param.name.len())?;
                    json::put(&mut kept, param.name, value);
                }
                None if param.required => return Ok(None),
                None => {}
            }
        }
        Ok(Some(kept))
    }

    /// Members whose keys are data.
    fn entries<'de, A: MapAccess<'de>>(
        &mut self,
        limits: Option<&Text>,
        kind: &'static Kind,
        most: usize,
        entries: &mut A,
    ) -> Result<Map<String, Value>, A::Error> {
        self.spend(OBJECT)?;
        let mut kept = json::empty();
        while let Some(key) = entries.next_key::<String>()? {
            if kept.len() >= most || limits.is_some_and(|limits| !fits(limits, &key)) {
                entries.next_value::<IgnoredAny>()?;
                self.dropped += 1;
            } else if let Some(value) = entries.next_value_seed(self.inner(kind))? {
                self.spend(VALUE + KEY + key.len())?;
                kept.insert(key, value);
            }
        }
        Ok(kept)
    }
}

/// Which of these parameters a key names.
struct Name(&'static [Param]);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<usize>;

    fn expecting(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|param| param.name == key))
    }
}
