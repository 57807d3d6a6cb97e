//! CBOR (RFC 8949) read, and the little of it that is written.

use ciborium_ll::{Decoder, Header, simple};
use nango_mcp::json;
use serde_json::{Number, Value};

/// How deep an item may nest; serde_json reads as deep.
const DEEPEST: usize = 128;

/// One item as JSON has it; `None` if there is none, something follows it, or JSON has no such thing.
pub(crate) fn read(mut bytes: &[u8]) -> Option<Value> {
    let mut decoder = Decoder::from(&mut bytes);
    let header = decoder.pull().ok()?;
    let value = item(&mut decoder, header, DEEPEST)?;
    bytes.is_empty().then_some(value)
}

fn item(decoder: &mut Decoder<&mut &[u8]>, header: Header, depth: usize) -> Option<Value> {
    let deeper = depth.checked_sub(1)?;
    Some(match header {
        Header::Positive(number) => number.into(),
        Header::Negative(number) => (-1 - i64::try_from(number).ok()?).into(),
        Header::Float(number) => Number::from_f64(number)?.into(),
        Header::Simple(simple::FALSE) => false.into(),
        Header::Simple(simple::TRUE) => true.into(),
        Header::Simple(simple::NULL) => Value::Null,
        Header::Text(length) => string(decoder, length)?.into(),
        Header::Array(length) => {
            let mut items = Vec::new();
            while let Some(header) = next(decoder, length, items.len())? {
                items.push(item(decoder, header, deeper)?);
            }
            items.into()
        }
        Header::Map(length) => {
            let (mut members, mut read) = (json::empty(), 0);
            while let Some(header) = next(decoder, length, read)? {
                let Header::Text(name) = header else { return None };
                let name = string(decoder, name)?;
                let header = decoder.pull().ok()?;
                let member = item(decoder, header, deeper)?;
                if members.insert(name, member).is_some() {
                    return None;
                }
                read += 1;
            }
            members.into()
        }
        // Bytes, tags, and simple values that are none of JSON's.
        _ => return None,
    })
}

/// The header of the next of so many items, or of items up to a break; `Some(None)` at their end.
fn next(decoder: &mut Decoder<&mut &[u8]>, length: Option<usize>, read: usize) -> Option<Option<Header>> {
    if length.is_some_and(|length| read >= length) {
        return Some(None);
    }
    match decoder.pull().ok()? {
        Header::Break if length.is_none() => Some(None),
        header => Some(Some(header)),
    }
}

/// A text, in whatever pieces it comes.
fn string(decoder: &mut Decoder<&mut &[u8]>, length: Option<usize>) -> Option<String> {
    let (mut text, mut buffer) = (String::new(), [0; 512]);
    let mut segments = decoder.text(length);
    while let Some(mut segment) = segments.pull().ok()? {
        while let Some(piece) = segment.pull(&mut buffer).ok()? {
            text.push_str(piece);
        }
    }
    Some(text)
}

/// `true` or `false` (section 3.3).
pub(crate) fn truth(truth: bool) -> Vec<u8> {
    vec![0xf4 + u8::from(truth)]
}

/// A text (section 3.1, major type 3).
pub(crate) fn text(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    // Its length in the least bytes, as ACT wants it.
    let mut item = match length {
        0..24 => vec![0x60 + length as u8],
        24..0x100 => vec![0x78, length as u8],
        0x100..0x1_0000 => [[0x79].as_slice(), &(length as u16).to_be_bytes()].concat(),
        _ => [[0x7a].as_slice(), &length.to_be_bytes()].concat(),
    };
    item.extend_from_slice(text.as_bytes());
    item
}

/// A list of one text (major type 4).
pub(crate) fn list_of_one(text: &str) -> Vec<u8> {
    let mut item = vec![0x81];
    item.extend(self::text(text));
    item
}
