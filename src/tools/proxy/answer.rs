//! A provider's answer as a result of bounded size.

use base64ct::{Base64, Encoding};
use serde_json::Value;

use super::cursor::Start;
use super::narrow::{self, Fields, Filters, available, pick, resolve};
use super::page::{self, Page, Wanted};
use super::shape::{beginning, kind, preview, shape};
use crate::error::Error;
use crate::json::{self, Part, parts};
use crate::nango::proxy::ProviderAnswer;
use crate::tool::{Int, List, result};

result! {
    /// What the response is, and how to get at the rest.
    pub(crate) struct Meta {
        /// json, text, binary or none.
        kind: String,
        /// Bytes of the provider's body.
        bytes: Int<0, 16_777_216>,
        /// Whether the response is less than what the provider sent.
        truncated: bool,
        /// How a binary response is written: base64.
        encoding: Option<String>,
        /// Items returned.
        returned: Option<Int<0, 16_777_216>>,
        /// Items in the list.
        total: Option<Int<0, 16_777_216>>,
        /// Items that keep the filters, from this page on.
        matched: Option<Int<0, 16_777_216>>,
        /// Where in the provider's JSON the returned items stand (JSON Pointer).
        response_path: Option<String>,
        /// Where the next page begins: pass it as cursor, with the other arguments unchanged.
        next_cursor: Option<String>,
        /// True with next_cursor: every page asks the provider again.
        refetch: Option<bool>,
        /// The shape of the provider's JSON.
        shape: Option<Value>,
        /// What stands beside the list, such as the provider's own paging; shortened.
        beside: Option<Value>,
        /// How to see more.
        narrow: Option<String>,
        /// What else there is to know.
        warnings: List<String, 0, 20>,
    }
}

/// How the caller wants an answer.
pub(super) struct View<'a> {
    pub(super) response_path: Option<&'a str>,
    pub(super) fields: Option<&'a Fields>,
    pub(super) filters: &'a Filters,
    pub(super) start: Start,
    pub(super) page_size: usize,
    pub(super) describe: bool,
    /// Bytes of JSON that a response may take.
    pub(super) inline: usize,
    /// Whether the request may be sent again: only what is read has further pages, and can be had as a file.
    pub(super) again: bool,
    /// Bytes that download_provider_file returns at most.
    pub(super) file: usize,
}

/// A response, and where the next page of it begins.
pub(super) struct Shown {
    pub(super) response: Option<Value>,
    pub(super) meta: Meta,
    pub(super) next: Option<Start>,
}

impl View<'_> {
    fn narrows(&self) -> bool {
        self.fields.is_some() || !self.filters.0.is_empty() || self.start.offset > 0 || self.response_path.is_some() || self.describe
    }
}

/// Show an answer.
///
/// # Errors
/// `no_such_path`, `no_such_field`, `several_lists`, `data_changed`: what was asked for is not there; the message says
/// what is.
pub(super) fn show(answer: &ProviderAnswer, view: &View<'_>) -> Result<Shown, Error> {
    let body = answer.body.as_slice();
    let mut shown = Shown {
        response: None,
        meta: Meta {
            kind: "none".to_owned(),
            bytes: Int(i64::try_from(body.len()).unwrap_or(i64::MAX)),
            truncated: false,
            encoding: None,
            returned: None,
            total: None,
            matched: None,
            response_path: None,
            next_cursor: None,
            refetch: None,
            shape: None,
            beside: None,
            narrow: None,
            warnings: List(Vec::new()),
        },
        next: None,
    };
    let media_type = answer.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let said_json = media_type.contains("json");
    let text = std::str::from_utf8(body).map(|text| text.trim_start_matches('\u{feff}'));
    let mended = text.ok().filter(|_| said_json).and_then(json::mended);
    if mended.is_some() {
        shown.warn("the provider's text has halves of characters, which became U+FFFD");
    }
    match mended.as_deref().map_or(text, Ok) {
        Ok("") => {}
        Ok(text) if is_json(text, said_json) => {
            if !said_json {
                shown.warn("the provider did not call this JSON");
            }
            shown.meta.kind = "json".to_owned();
            shown.json(text, view)?;
        }
        // No text has a NUL.
        Ok(text) if !text.contains('\0') => {
            if said_json {
                shown.warn("the provider called this JSON, and it is none, or not whole");
            }
            shown.text(text, view);
        }
        _ => shown.binary(body, view),
    }
    Ok(shown)
}

/// Whether to read a text as JSON: where it is called so, or has the form of an object or a list.
fn is_json(text: &str, said: bool) -> bool {
    (said || text.trim_start().starts_with(['{', '['])) && parts(text, &mut |_, _| {}).is_some()
}

impl View<'_> {
    /// How to get a body of so many bytes whole.
    fn whole(&self, bytes: usize) -> &'static str {
        match (self.again, bytes <= self.file) {
            (true, true) => "download_provider_file returns the whole",
            (true, false) => {
                "it is larger than download_provider_file may return, which the operator sets by NANGO_MCP_MAX_DOWNLOAD_BYTES: ask the provider for less"
            }
            (false, _) => "the rest is not shown: sending the request again would have its effect again",
        }
    }
}

impl Shown {
    fn warn(&mut self, say: &str) {
        self.meta.warnings.0.push(say.to_owned());
    }

    fn cut(&mut self, how: &str) {
        self.meta.truncated = true;
        self.meta.narrow = Some(how.to_owned());
    }

    fn text(&mut self, text: &str, view: &View<'_>) {
        self.meta.kind = "text".to_owned();
        if view.narrows() {
            self.warn("this is no JSON: response_path, fields, filters, cursor and describe have no effect");
        }
        let fits = json::fitting(text, view.inline);
        self.response = Some(json::text(fits));
        if fits.len() < text.len() {
            self.cut(view.whole(text.len()));
        }
    }

    fn binary(&mut self, body: &[u8], view: &View<'_>) {
        self.meta.kind = "binary".to_owned();
        // What cannot be had again is shown as far as it goes.
        let mut shown = body;
        if body.len().div_ceil(3) * 4 > view.inline {
            self.cut(view.whole(body.len()));
            shown = if view.again { &[] } else { body.get(..view.inline / 4 * 3).unwrap_or_default() };
        }
        if !shown.is_empty() {
            self.meta.encoding = Some("base64".to_owned());
            self.response = Some(Base64::encode_string(shown).into());
        }
    }

    fn json(&mut self, text: &str, view: &View<'_>) -> Result<(), Error> {
        if has_long_number(text) {
            self.warn("numbers that 64 bits do not hold are rounded, or null where they are too large: ask the provider for them as text");
        }
        if !view.narrows() && text.len() <= view.inline {
            self.response = json::read(text.as_bytes());
            if self.response.is_some() {
                return Ok(());
            }
        }
        let pointer = view.response_path.unwrap_or_default();
        let target = resolve(text, pointer)
            .map_err(|has| Error::argument("no_such_path", "response_path", format!("the answer has nothing at `response_path`: {has}")))?;
        if view.describe {
            self.meta.shape = Some(shape(target, view.inline));
            self.cut("call again without `describe`, with what of the shape you want");
            return Ok(());
        }
        let (here, list) = self.list(target, pointer, view)?;
        let Some(list) = list else {
            self.whole(target, view);
            return Ok(());
        };
        let wanted = Wanted {
            filters: view.filters,
            fields: view.fields,
            start: Start { offset: view.start.offset, prefix: view.start.prefix.clone() },
            size: view.page_size,
            bytes: view.inline,
        };
        let page = page::page(list, &wanted)?;
        let is_member = list.len() < target.len();
        self.page(page, view, text, is_member);
        self.meta.beside = is_member.then(|| beside(target, list));
        self.meta.response_path = Some(here);
        Ok(())
    }

    /// The list that is meant: the target, or the one list among its members.
    fn list<'a>(&self, target: &'a str, pointer: &str, view: &View<'_>) -> Result<(String, Option<&'a str>), Error> {
        if kind(target) == "list" {
            return Ok((pointer.to_owned(), Some(target)));
        }
        let mut lists = Vec::new();
        parts(target, &mut |part, text| {
            if let (Part::Key(key), "list") = (part, kind(text)) {
                lists.push((format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), text));
            }
        });
        // Fields of the object itself need no list.
        let own = view.filters.0.is_empty() && view.start.offset == 0;
        if own && view.fields.is_some_and(|fields| fields.0.iter().any(|name| narrow::field(target, name).is_some())) {
            return Ok((pointer.to_owned(), None));
        }
        match lists.as_slice() {
            // Unasked, a list stands for its object only where it is most of it.
            [(path, list)] if !own || view.fields.is_some() || list.len() > target.len() / 2 => Ok((path.clone(), Some(*list))),
            [_, _, ..] if !own || view.fields.is_some() => {
                let paths: Vec<&str> = lists.iter().take(10).map(|(path, _)| path.as_str()).collect();
                let more = if lists.len() > paths.len() { ", …" } else { "" };
                let say = format!("several lists are meant: say which by `response_path`, one of {}{more}", paths.join(", "));
                Err(Error::argument("several_lists", "response_path", say))
            }
            [] if !own => {
                let say = format!("there is no list to filter or to page: what stands there has {}", available(target));
                Err(Error::argument("no_such_path", "response_path", say))
            }
            [] if view.fields.is_some() => {
                let say = format!("nothing has the fields that `fields` names; what stands there has {}", available(target));
                Err(Error::argument("no_such_field", "fields", say))
            }
            _ => Ok((pointer.to_owned(), None)),
        }
    }

    /// What is no list, or not to be paged.
    fn whole(&mut self, target: &str, view: &View<'_>) {
        let (value, whole) = match view.fields {
            Some(fields) => pick(target, fields, &mut vec![false; fields.0.len()]),
            // Blanks and escapes make no JSON four times as long as it need be.
            None if target.len() / 4 > view.inline => (Value::Null, false),
            None => json::read(target.as_bytes()).map_or((Value::Null, false), |value| (value, true)),
        };
        if whole && json::write(&value).len() <= view.inline {
            self.response = Some(value);
            self.meta.truncated = view.narrows();
            return;
        }
        if kind(target) == "string"
            && let Some((begin, _)) = beginning(target, view.inline)
        {
            self.response = Some(json::text(json::fitting(&begin, view.inline)));
            return self.cut(view.whole(self.meta.bytes.0.try_into().unwrap_or(usize::MAX)));
        }
        self.meta.shape = Some(shape(target, view.inline));
        self.response = Some(preview(target, view.inline));
        self.cut("the response is a preview: say what you want by `response_path` and `fields`, as the shape names them");
    }

    fn page(&mut self, page: Page, view: &View<'_>, text: &str, is_member: bool) {
        let count = |count: usize| Some(Int(i64::try_from(count).unwrap_or(i64::MAX)));
        self.meta.returned = count(page.items.len());
        self.meta.total = count(page.total);
        if !view.filters.0.is_empty() {
            self.meta.matched = count(page.matched);
        }
        if page.shortened {
            self.warn("an item is larger than a response may be and is shown as a preview: `fields` makes it smaller");
        }
        if page.guessed {
            self.warn("a field that a filter names is too large to compare in some items: its beginning was compared");
        }
        if !page.missing.is_empty() {
            let which: Vec<String> = page.missing.iter().map(|at| format!("fields[{at}]")).collect();
            self.warn(&format!("no item of this page has what {} names", which.join(", ")));
        }
        let picked = is_member || view.fields.is_some() || view.response_path.is_some_and(|path| !path.is_empty());
        self.meta.truncated = page.shortened || picked || page.items.len() < page.total;
        if page.next.is_some() {
            self.cut(match view.again {
                true => "`fields` and `filters` make pages smaller; `next_cursor` or, better, the provider's own paging in `query` goes on",
                false => "the rest is not shown: sending the request again would have its effect again",
            });
        }
        if !view.narrows() {
            self.meta.shape = Some(shape(text, view.inline));
        }
        self.next = page.next.filter(|_| view.again);
        self.response = Some(page.items.into());
    }
}

/// The members of an object beside this list, shortened.
fn beside(object: &str, list: &str) -> Value {
    let mut beside = json::empty();
    parts(object, &mut |part, text| {
        if let Part::Key(name) = part
            && text.as_ptr() != list.as_ptr()
            && beside.len() < 20
            && name.len() <= 100
        {
            json::put(&mut beside, name, preview(text, 300));
        }
    });
    beside.into()
}

/// Whether a number has more digits than a double; zeros in front say nothing.
fn many(digits: &str) -> bool {
    digits.trim_start_matches(['-', '0', '.']).len() > 18
}

/// Whether some number has more digits than an integer or a double of 64 bits holds (RFC 8259, section 6).
fn has_long_number(text: &str) -> bool {
    let (mut in_text, mut escaped) = (false, false);
    let outside = |c: char| {
        let quote = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        in_text ^= quote;
        in_text || !(c.is_ascii_digit() || "+-.eE".contains(c))
    };
    text.split(outside).filter(|number| number.len() > 4).any(|number| match number.split_once(['e', 'E']) {
        // A double ends before 10 to the power of 309.
        Some((digits, exponent)) => many(digits) || exponent.trim_start_matches(['+', '0']).parse::<u64>().is_ok_and(|power| power > 307),
        None if number.contains('.') => many(number),
        None => number.trim_start_matches('-').parse::<u64>().is_err(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_seen_and_only_those() {
        for text in ["[12345678901234567890123]", "{\"a\":0.10000000000000000555}", "-12345678901234567890123", "[1e400]", "{\"a\":1E+308}"]
        {
            assert!(has_long_number(text), "{text}");
        }
        for text in [
            "[1,2.5,9223372036854775807]",
            "{\"a\":\"12345678901234567890123\\\"0.10000000000000000555\"}",
            "0.000000000000000000001",
            "true",
            "[0.1,0.2,0.3,1e10]",
        ] {
            assert!(!has_long_number(text), "{text}");
        }
    }
}
