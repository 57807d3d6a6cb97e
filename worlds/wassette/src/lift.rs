//! Arguments as the host hands them over, into the text of one JSON object.

use nango_mcp::json;
use nango_mcp::tool::{Entry, Param};
use nango_mcp::typed::{Type, taken};
use serde_json::Value;

use crate::layout::{Layout, PAIR, Way, up};

/// Where values come from: core values one after the other, or bytes of memory.
pub(crate) enum Source<'a> {
    Flat(&'a [u64]),
    Memory(Vec<u8>, usize),
}

impl Source<'_> {
    /// The next number of so many bytes; 0 where there is none, which no host does.
    fn number(&mut self, size: usize) -> u64 {
        match self {
            Self::Flat(values) => match values.split_first() {
                Some((first, rest)) => {
                    *values = rest;
                    *first
                }
                None => 0,
            },
            Self::Memory(bytes, at) => {
                let begin = up(*at, size);
                *at = begin + size;
                let number = bytes.get(begin..*at).unwrap_or_default();
                number.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
            }
        }
    }

    /// Go to where a value of this alignment begins, or may begin after one of it.
    fn align(&mut self, align: usize) {
        if let Self::Memory(_, at) = self {
            *at = up(*at, align);
        }
    }

    /// Pass over a value that is not there.
    fn skip(&mut self, layout: Layout) {
        match self {
            Self::Flat(values) => *values = values.get(layout.flat..).unwrap_or_default(),
            Self::Memory(_, at) => *at = up(*at, layout.align) + layout.size,
        }
    }

    /// The memory behind an address and a number of values: the host has given it to us.
    fn block(&mut self, layout: Layout) -> (Vec<u8>, usize) {
        let (address, count) = (self.number(4) as usize, self.number(4) as usize);
        (take(address, count.saturating_mul(layout.size), layout.align), count)
    }

    fn text(&mut self) -> String {
        let (bytes, _) = self.block(Layout { size: 1, align: 1, flat: 1 });
        // Hosts check that it is UTF-8 (CanonicalABI.md, `load_string`).
        String::from_utf8(bytes).unwrap_or_default()
    }
}

/// Take memory over that the host allocated here for what it passes, and give it back to the allocator.
pub(crate) fn take(address: usize, size: usize, align: usize) -> Vec<u8> {
    let Ok(layout) = std::alloc::Layout::from_size_align(size, align) else { return Vec::new() };
    if size == 0 {
        return Vec::new();
    }
    let block = core::ptr::with_exposed_provenance_mut::<u8>(address);
    // SAFETY: the host lowers each argument into a block that it allocates by `cabi_realloc` with this size and alignment, fills it
    // before the call, and leaves it to the callee; nobody else knows the block, and each is taken once.
    unsafe {
        let bytes = core::slice::from_raw_parts(block, size).to_vec();
        std::alloc::dealloc(block, layout);
        bytes
    }
}

/// The arguments of a tool as JSON.
pub(crate) fn arguments(entry: &Entry, mut source: Source<'_>) -> String {
    let (taken, options) = taken(entry);
    let mut out = String::from("{");
    for taken in taken {
        field(&mut out, taken.param, taken.optional, &mut source);
    }
    if !options.is_empty() {
        let layout = Layout::record(options.iter().map(|param| (Type::argument(param.kind), true)), Way::In);
        if present(layout, &mut source) {
            for param in options {
                field(&mut out, param, true, &mut source);
            }
        }
    }
    out.push('}');
    out
}

/// The size and alignment of a tool's arguments where they are too many to come as core values.
pub(crate) fn layout(entry: &Entry) -> Layout {
    let (taken, options) = taken(entry);
    let options = Layout::record(options.iter().map(|param| (Type::argument(param.kind), true)), Way::In);
    let own = taken.iter().map(|taken| (Type::argument(taken.param.kind), taken.optional));
    Layout::record(own, Way::In).and(options.option())
}

/// Whether an option is there; if not, it is passed over.
fn present(layout: Layout, source: &mut Source<'_>) -> bool {
    source.align(layout.option().align);
    let there = source.number(1) != 0;
    if there {
        source.align(layout.align);
    } else {
        source.skip(layout);
    }
    there
}

/// A field by its name in the tables; nothing where it is not given.
fn field(out: &mut String, param: &'static Param, optional: bool, source: &mut Source<'_>) {
    let of = Type::argument(param.kind);
    if optional && !present(Layout::of(of, Way::In), source) {
        return;
    }
    if !out.ends_with('{') {
        out.push(',');
    }
    quote(out, param.name);
    out.push(':');
    value(out, of, source);
    if optional {
        source.align(Layout::of(of, Way::In).option().align);
    }
}

fn value(out: &mut String, of: Type, source: &mut Source<'_>) {
    match of {
        Type::Text => quote(out, &source.text()),
        Type::Bool => out.push_str(if source.number(1) == 0 { "false" } else { "true" }),
        Type::U32 => out.push_str(&source.number(4).to_string()),
        Type::S64 => out.push_str(&source.number(8).cast_signed().to_string()),
        Type::Choice(choices) => {
            let at = source.number(1) as usize;
            quote(out, choices.get(at).copied().unwrap_or_default());
        }
        Type::List(kind) => {
            let of = Type::argument(kind);
            list(out, "[]", Layout::of(of, Way::In), source, &mut |out, source| value(out, of, source));
        }
        Type::Pairs => list(out, "{}", PAIR, source, &mut |out, source| {
            quote(out, &source.text());
            out.push(':');
            quote(out, &source.text());
        }),
        Type::Record(params) => {
            out.push('{');
            for param in params {
                field(out, param, !param.required, source);
            }
            out.push('}');
            source.align(Layout::of(of, Way::In).align);
        }
        Type::Json => {
            let text = source.text();
            match json::read(text.as_bytes()) {
                // With every digit as it was written.
                Some(_) => out.push_str(&text),
                // Half an object is no text that somebody wants to send: with this nothing is JSON any longer.
                None if text.trim_start().starts_with(['{', '[']) => out.push('{'),
                None => quote(out, &text),
            }
        }
    }
}

fn list(out: &mut String, around: &str, layout: Layout, source: &mut Source<'_>, item: &mut dyn FnMut(&mut String, &mut Source<'_>)) {
    let (open, close) = around.split_at(1);
    let (bytes, count) = source.block(layout);
    let mut items = Source::Memory(bytes, 0);
    for at in 0..count {
        out.push_str(if at == 0 { open } else { "," });
        item(out, &mut items);
        items.align(layout.align);
    }
    out.push_str(if count == 0 { around } else { close });
}

fn quote(out: &mut String, text: &str) {
    out.push_str(&json::write(&Value::from(text)));
}
