//! Cursors of lists: where to go on, bound to the other arguments of the call.

use crate::context::Context;
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
    /// Where this call begins: at its cursor, or at the start of a list that is found in this way.
    ///
    /// # Errors
    /// `bad_cursor`, if the cursor is not one of a call with these other arguments.
    pub(crate) fn of(cx: &Context<'_>, cursor: Option<&Cursor>, way: char) -> Result<Self, Error> {
        match cursor {
            None => Ok(Self { offset: 0, way }),
            Some(cursor) => Self::read(cx, cursor),
        }
    }

    /// The cursor's text, for a call with these arguments.
    pub(crate) fn write(self, cx: &Context<'_>) -> String {
        format!("{}_{}_{}", self.offset, self.way, self.digest(cx))
    }

    fn read(cx: &Context<'_>, cursor: &Cursor) -> Result<Self, Error> {
        let place = || {
            let mut parts = cursor.splitn(3, '_');
            let (offset, way, digest) = (parts.next()?, parts.next()?, parts.next()?);
            let place = Self { offset: offset.parse().ok().filter(|offset| *offset <= 10_000_000)?, way: way.chars().next()? };
            (way.len() == 1 && digest == place.digest(cx)).then_some(place)
        };
        let say =
            "`cursor` does not belong to these arguments: repeat them exactly as in the call that returned it, or start again without it";
        place().ok_or_else(|| Error::argument("bad_cursor", "cursor", say))
    }

    /// Of the place, the environment and the arguments beside the cursor. Catches mistakes, not forgery: a forged offset
    /// reads nothing that the tool would not list anyway.
    fn digest(self, cx: &Context<'_>) -> String {
        super::digest(&[&self.offset.to_string(), &self.way.to_string(), cx.environment(), cx.arguments()])
    }
}
