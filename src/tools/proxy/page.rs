//! A page of a provider's list: items that fit, one at a time, so that a list of any length costs one item of memory.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::cursor::Start;
use super::narrow::{Fields, Filters, Op, available, field, keeps, pick};
use super::shape::{ROOM, preview, value};
use crate::error::Error;
use crate::json::{self, Part, Reading, parts};
use crate::tools::text_of;

/// What is wanted of a list.
pub(super) struct Wanted<'a> {
    pub(super) filters: &'a Filters,
    pub(super) fields: Option<&'a Fields>,
    pub(super) start: Start,
    /// Items of a page, at most.
    pub(super) size: usize,
    /// Bytes of a page, at most, but for one item that is larger.
    pub(super) bytes: usize,
}

/// What was found.
#[derive(Default)]
pub(super) struct Page {
    pub(super) items: Vec<Value>,
    /// Items of the list.
    pub(super) total: usize,
    /// Items that fit the filters, from the page's beginning on.
    pub(super) matched: usize,
    /// Where the next page begins, if there is one.
    pub(super) next: Option<Start>,
    /// Whether an item was too large and is shown as a preview.
    pub(super) shortened: bool,
    /// Whether a field was too large to be compared, and its preview was instead.
    pub(super) guessed: bool,
    /// Fields asked for that no item of the page has, by their place in `fields`.
    pub(super) missing: Vec<usize>,
}

struct Scan<'a> {
    wanted: &'a Wanted<'a>,
    page: Page,
    used: usize,
    /// Digest of the items before `next`.
    hash: Sha256,
    next: usize,
    full: bool,
    changed: bool,
    first: Option<String>,
    /// For every filter, whether some item has its field.
    filtered: Vec<bool>,
    /// The same of every field.
    picked: Vec<bool>,
}

/// Read a page out of a list.
///
/// # Errors
/// `data_changed` if the items before the cursor are not those it was made of; on the first page `no_such_field` if a
/// filter asks for a field that no item has, or if none of the fields exists that are asked for.
pub(super) fn page(list: &str, wanted: &Wanted<'_>) -> Result<Page, Error> {
    let mut scan = Scan {
        wanted,
        page: Page::default(),
        used: 0,
        hash: Sha256::new(),
        next: 0,
        full: false,
        changed: false,
        first: None,
        filtered: vec![false; wanted.filters.0.len()],
        picked: vec![false; wanted.fields.map_or(0, |fields| fields.0.len())],
    };
    parts(list, &mut |part, text| {
        if let Part::Index(at) = part {
            scan.item(at, text);
        }
    });
    scan.finish()
}

impl Scan<'_> {
    fn item(&mut self, at: usize, text: &str) {
        self.page.total += 1;
        let start = &self.wanted.start;
        if at < start.offset {
            return self.pass(text);
        }
        if at == start.offset && at > 0 {
            self.changed = text_of(self.hash.clone()) != start.prefix;
        }
        if self.full && self.wanted.filters.0.is_empty() {
            return;
        }
        if self.first.is_none() {
            self.first = Some(available(text));
        }
        let mut fits = true;
        for (filter, seen) in self.wanted.filters.0.iter().zip(&mut self.filtered) {
            let found = field(text, &filter.field);
            // That a field is absent is what these two may be about.
            *seen |= found.is_some() || matches!(filter.op, Op::Exists | Op::Ne);
            let (keeps, whole) = keeps(filter, found);
            fits &= keeps;
            self.page.guessed |= !whole;
        }
        if fits {
            self.page.matched += 1;
            self.full = self.full || !self.take(text);
        }
        if !self.full {
            self.pass(text);
        }
        self.full = self.full || self.page.items.len() >= self.wanted.size;
    }

    /// The item lies before the next page.
    fn pass(&mut self, text: &str) {
        self.hash.update(text);
        self.hash.update([0]);
        self.next += 1;
    }

    /// Put an item on the page, if it has room.
    fn take(&mut self, text: &str) -> bool {
        let (mut shown, mut whole) = match self.wanted.fields {
            Some(fields) => pick(text, fields, &mut self.picked),
            None => value(text, &mut Reading::of(ROOM)),
        };
        let mut bytes = json::write(&shown).len() + 1;
        if bytes > self.wanted.bytes {
            shown = preview(text, self.wanted.bytes - 1);
            bytes = json::write(&shown).len() + 1;
            whole = false;
        }
        self.page.shortened |= !whole;
        if self.used + bytes > self.wanted.bytes && !self.page.items.is_empty() {
            return false;
        }
        self.used += bytes;
        self.page.items.push(shown);
        true
    }

    fn finish(mut self) -> Result<Page, Error> {
        let Start { offset, prefix } = &self.wanted.start;
        let ends_there = *offset > 0 && self.page.total == *offset;
        if self.changed || self.page.total < *offset || (ends_there && text_of(self.hash.clone()) != *prefix) {
            let say = "the items before `cursor` are no longer those it was made of: start again without it, or page by the provider's own \
                parameters in `query`";
            return Err(Error::argument("data_changed", "cursor", say));
        }
        let has = self.first.as_deref().unwrap_or_default();
        let unknown = |path: String, which: &str| {
            let say = format!("no item{which} has the field that `{path}` names; the first one has {has}");
            Err(Error::argument("no_such_field", path, say))
        };
        // A later page follows one that had them.
        if self.page.total > 0
            && *offset == 0
            && let Some(at) = self.filtered.iter().position(|seen| !seen)
        {
            return unknown(format!("filters[{at}].field"), "");
        }
        if *offset == 0 && !self.page.items.is_empty() && !self.picked.is_empty() && !self.picked.contains(&true) {
            return unknown("fields".to_owned(), " of the first page");
        }
        if !self.page.items.is_empty() {
            self.page.missing = self.picked.iter().enumerate().filter(|(_, seen)| !**seen).map(|(at, _)| at).collect();
        }
        let more = match self.wanted.filters.0.is_empty() {
            true => self.next < self.page.total,
            false => self.page.matched > self.page.items.len(),
        };
        self.page.next = more.then(|| Start { offset: self.next, prefix: text_of(self.hash) });
        Ok(self.page)
    }
}
