//! A JSON text taken apart one level, each part as its own text: for data that has no table, such as a provider's.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parts {
    /// An object, of members.
    Object,
    /// A list, of items.
    List,
    /// A text, a number, a truth or null.
    Leaf,
}

/// Visit the members of an object (key and text) or the items of a list (index and text). `None` if it is no JSON; parts
/// may have been visited before that shows.
#[inline(never)]
pub(crate) fn parts<'de>(text: &'de str, visit: &mut dyn FnMut(Part<'_>, &'de str)) -> Option<Parts> {
    // As bytes, like everything else that is read: a second reader would be in the component twice.
    let mut deserializer = serde_json::Deserializer::from_slice(text.as_bytes());
    let found = Apart(visit).deserialize(&mut deserializer).ok()?;
    deserializer.end().ok().map(|()| found)
}

/// Where a part stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// Under this key.
    Key(&'a str),
    /// At this place, from 0.
    Index(usize),
}

struct Apart<'a, 'de>(&'a mut dyn FnMut(Part<'_>, &'de str));

impl<'de> DeserializeSeed<'de> for Apart<'_, 'de> {
    type Value = Parts;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Parts, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Apart<'_, 'de> {
    type Value = Parts;

    fn expecting(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<Parts, E> {
        Ok(Parts::Leaf)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Parts, E> {
        Ok(Parts::Leaf)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Parts, E> {
        Ok(Parts::Leaf)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Parts, E> {
        Ok(Parts::Leaf)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Parts, E> {
        Ok(Parts::Leaf)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Parts, E> {
        Ok(Parts::Leaf)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Parts, A::Error> {
        let mut at = 0;
        while let Some(item) = items.next_element::<&RawValue>()? {
            (self.0)(Part::Index(at), item.get());
            at += 1;
        }
        Ok(Parts::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Parts, A::Error> {
        while let Some(key) = members.next_key::<String>()? {
            (self.0)(Part::Key(&key), members.next_value::<&RawValue>()?.get());
        }
        Ok(Parts::Object)
    }
}
