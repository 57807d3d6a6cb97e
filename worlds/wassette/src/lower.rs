//! A result as the host reads it: one block of memory with everything in it.

use nango_mcp::json;
use nango_mcp::tool::Param;
use nango_mcp::typed::{Type, retold};
use serde_json::{Map, Value};

use crate::layout::{Layout, PAIR, Way, up};

/// Memory in the making. Addresses are counted from its beginning until it is whole.
#[derive(Default)]
pub(crate) struct Image {
    bytes: Vec<u8>,
    /// Where addresses stand.
    addresses: Vec<usize>,
}

impl Image {
    /// Room for so many bytes, zeros.
    fn room(&mut self, size: usize, align: usize) -> usize {
        let at = up(self.bytes.len(), align);
        self.bytes.resize(at + size, 0);
        at
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        if let Some(place) = self.bytes.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }

    /// Address and number of values.
    fn refer(&mut self, at: usize, address: usize, count: usize) {
        self.addresses.push(at);
        self.put(at, &(address as u32).to_le_bytes());
        self.put(at + 4, &(count as u32).to_le_bytes());
    }

    fn text(&mut self, at: usize, text: &str) {
        let address = self.room(text.len(), 1);
        self.put(address, text.as_bytes());
        self.refer(at, address, text.len());
    }

    /// Room for a list of values, each written by `item`.
    fn list(&mut self, at: usize, layout: Layout, count: usize) -> usize {
        let first = self.room(layout.size * count, layout.align);
        self.refer(at, first, count);
        first
    }

    fn value(&mut self, at: usize, of: Type, value: &Value) {
        match of {
            Type::Text => self.text(at, value.as_str().unwrap_or_default()),
            Type::Json => self.text(at, &json::write(value)),
            Type::Bool => self.put(at, &[u8::from(value == &Value::Bool(true))]),
            Type::S64 => self.put(at, &value.as_i64().unwrap_or_default().to_le_bytes()),
            Type::List(kind) => {
                let of = Way::Out.item(kind);
                let layout = Layout::of(of, Way::Out);
                let items = value.as_array().map_or(&[][..], Vec::as_slice);
                let first = self.list(at, layout, items.len());
                for (nth, item) in items.iter().enumerate() {
                    self.value(first + nth * layout.size, of, item);
                }
            }
            Type::Pairs => {
                let pairs = value.as_object();
                let first = self.list(at, PAIR, pairs.map_or(0, Map::len));
                for (nth, (name, value)) in pairs.into_iter().flatten().enumerate() {
                    let at = first + nth * PAIR.size;
                    self.text(at, name);
                    self.text(at + 8, value.as_str().unwrap_or_default());
                }
            }
            Type::Record(params) => {
                let fields = value.as_object();
                match params {
                    // A further call, which is to be made here.
                    [tool, arguments] if (tool.name, arguments.name) == ("tool", "arguments") => {
                        let mut next = fields.cloned().unwrap_or_default();
                        retold(&mut next);
                        self.fields(at, params.iter(), &next);
                    }
                    params => self.fields(at, params.iter(), fields.unwrap_or(&Map::new())),
                }
            }
            // Arguments only (`Type::result`).
            Type::U32 | Type::Choice(_) => {}
        }
    }

    fn fields(&mut self, begin: usize, params: impl Iterator<Item = &'static Param>, fields: &Map<String, Value>) {
        let mut at = begin;
        for param in params {
            let of = Way::Out.of(param);
            let layout = Layout::of(of, Way::Out);
            let value = fields.get(param.name).filter(|value| !value.is_null());
            let whole = if param.required { layout } else { layout.option() };
            at = up(at, whole.align);
            let place = if param.required { at } else { up(at + 1, layout.align) };
            if !param.required {
                self.put(at, &[u8::from(value.is_some())]);
            }
            match value {
                Some(value) => self.value(place, of, value),
                None if param.required => self.value(place, of, &Value::Null),
                None => {}
            }
            at += whole.size;
        }
    }

    /// Whole, in memory that begins where the widest value may.
    fn finish(mut self) -> Vec<u64> {
        let mut words = vec![0_u64; self.bytes.len().div_ceil(8)];
        let base = words.as_ptr().expose_provenance() as u32;
        for at in std::mem::take(&mut self.addresses) {
            let address = self.bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes);
            self.put(at, &base.wrapping_add(address).to_le_bytes());
        }
        for (word, bytes) in words.iter_mut().zip(self.bytes.chunks(8)) {
            *word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        words
    }
}

/// `result<record, string>`: a record of these fields, or a text.
pub(crate) fn result(params: &[&'static Param], outcome: Result<Map<String, Value>, String>) -> Vec<u64> {
    let record = Layout::record(params.iter().map(|param| (Way::Out.of(param), !param.required)), Way::Out);
    let align = record.align.max(4);
    let mut image = Image::default();
    image.room(align + record.size.max(8), align);
    match outcome {
        Ok(fields) => image.fields(align, params.iter().copied(), &fields),
        Err(text) => {
            image.put(0, &[1]);
            image.text(align, &text);
        }
    }
    image.finish()
}
