//! Cursors into a provider's answer. Nothing is kept between calls, so a cursor asks the provider again; it holds no
//! address and no id, only digests that tell whether it still belongs to the call and to the data.

use base64ct::{Base64, Encoding};

use crate::context::Context;
use crate::error::Error;
use crate::json;
use crate::nango::Cursor;

/// Where a page begins.
#[derive(Debug, Default)]
pub(super) struct Start {
    /// Items before it.
    pub(super) offset: usize,
    /// Digest of those items; empty at the beginning.
    pub(super) prefix: String,
}

/// Of the environment and the arguments beside the cursor.
fn request(cx: &Context<'_>) -> String {
    crate::tools::digest(&[cx.environment(), cx.arguments()])
}

/// Where this call begins.
///
/// # Errors
/// `bad_cursor` if it is none of ours, `cursor_mismatch` if it is of another call.
pub(super) fn start(cx: &Context<'_>, cursor: Option<&Cursor>) -> Result<Start, Error> {
    let Some(cursor) = cursor else { return Ok(Start::default()) };
    let read = || {
        let value = json::read(&decode(cursor)?)?;
        let text = |key: &str| value.get(key)?.as_str().map(str::to_owned);
        let offset = usize::try_from(value.get("offset")?.as_u64()?).ok()?;
        (value.get("v")?.as_u64() == Some(1)).then_some(())?;
        Some((Start { offset, prefix: text("prefix")? }, text("request")?))
    };
    let Some((start, of)) = read() else {
        return Err(Error::argument("bad_cursor", "cursor", "`cursor` is none that this tool returned: start again without it"));
    };
    if of != request(cx) {
        let say = "`cursor` belongs to other arguments: repeat them exactly as in the call that returned it, or start again without it";
        return Err(Error::argument("cursor_mismatch", "cursor", say));
    }
    Ok(start)
}

/// The cursor of the page that begins here.
pub(super) fn write(cx: &Context<'_>, start: &Start) -> String {
    let cursor = json::object([
        ("v", 1.into()),
        ("offset", start.offset.into()),
        ("request", request(cx).into()),
        ("prefix", json::text(&start.prefix)),
    ]);
    encode(json::write(&cursor.into()).as_bytes())
}

/// Base64 that is at home in a URL (RFC 4648, section 5), made of the other, which files come in: two alphabets would be in
/// the component twice.
fn encode(bytes: &[u8]) -> String {
    Base64::encode_string(bytes).replace('+', "-").replace('/', "_").replace('=', "")
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let padding = "=".repeat((4 - text.len() % 4) % 4);
    Base64::decode_vec(&(text.replace('-', "+").replace('_', "/") + &padding)).ok()
}
