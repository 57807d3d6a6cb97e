//! Cursors of lists: where to go on, bound to the other arguments of the call.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::error::Error;
use crate::nango::Cursor;

/// Where a list goes on. Stateless: the text is `<offset>_<way>_<digest>`, with no identifier in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Rows before it.
    pub(crate) offset: usize,
    /// How the first page was found, where a list has several ways.
    pub(crate) way: char,
}

impl Place {
    /// The beginning.
    pub(crate) fn start(way: char) -> Self {
        Self { offset: 0, way }
    }

    /// Read a cursor; `call` is what it must belong to: the other arguments, written out.
    ///
    /// # Errors
    /// `bad_cursor`.
    pub(crate) fn read(cursor: &Cursor, call: &str) -> Result<Self, Error> {
        let place = || {
            let mut parts = cursor.split('_');
            let (offset, way, digest) = (parts.next()?, parts.next()?, parts.next()?);
            let place = Self { offset: offset.parse().ok().filter(|offset| *offset <= 10_000_000)?, way: way.chars().next()? };
            (way.len() == 1 && digest == place.digest(call) && parts.next().is_none()).then_some(place)
        };
        let say = "`cursor` does not belong to these arguments: repeat them exactly as in the call that returned it, or start again without it";
        place().ok_or_else(|| Error::argument("bad_cursor", "cursor", say))
    }

    /// The cursor's text.
    pub(crate) fn write(self, call: &str) -> String {
        format!("{}_{}_{}", self.offset, self.way, self.digest(call))
    }

    /// Catches mistakes, not forgery: a forged offset reads nothing that the tool would not list anyway.
    fn digest(self, call: &str) -> String {
        let mut hasher = DefaultHasher::new();
        (self.offset, self.way, call).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}
