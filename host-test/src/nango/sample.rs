//! The bodies that the played provider answers with.

use std::fmt::Write as _;

use serde_json::{Value, json};

const FIRST: [&str; 8] = ["Ada", "Bruno", "Chloé", "Dmitri", "Elif", "Fatou", "Günter", "Hana"];
const LAST: [&str; 7] = ["Lovelace", "Silva", "Martin", "Petrov", "Yılmaz", "Diop", "Müller"];
const COMPANIES: [(&str, &str); 5] =
    [("Analytical Engines", "GB"), ("Müller Maschinenbau", "DE"), ("Nordlys", "NO"), ("Tejidos del Sur", "ES"), ("Sakura Works", "JP")];
const STATUSES: [&str; 3] = ["open", "won", "lost"];
const TAGS: [&str; 6] = ["newsletter", "partner", "priority", "q1", "renewal", "trial"];

/// An object or a list of about so many bytes, nearly all of which are in one place.
pub(crate) fn blob(form: Option<&str>, bytes: usize) -> String {
    let long = |text: &str| text.repeat(bytes / text.len());
    match form {
        Some("escaped") => format!("{{\"blob\":\"{}\"}}", long("\\n")),
        Some("key") => format!("{{\"{}\":1}}", long("k")),
        Some("item") => format!("[{{\"id\":1,\"blob\":\"{}\"}}]", long("x")),
        Some("members") => {
            let members: Vec<String> = (0..bytes / 16).map(|at| format!("\"m{at}\":{{}}")).collect();
            format!("[{{\"id\":1,{}}}]", members.join(","))
        }
        Some("lists") => format!("[{{\"id\":1,\"blob\":[{}[]]}}]", long("[],")),
        _ => format!("{{\"blob\":\"{}\"}}", long("x")),
    }
}

/// Letters of one to four bytes.
pub(super) const SENTENCE: &str = "Grüße aus Köln: naïve café, 東京, 👋.\n";
pub(super) const HTML: &str = "<!DOCTYPE html>\n<html lang=\"de\">\n<head><meta charset=\"utf-8\"><title>Grüße</title></head>\n\
     <body>\n<h1>Grüße aus Köln</h1>\n<p>Ein <b>Absatz</b> &amp; ein <a href=\"/next\">Verweis</a>.</p>\n</body>\n</html>\n";
/// "Grüße aus Köln" in ISO 8859-1.
pub(super) const LATIN1: &[u8] = b"Gr\xfc\xdfe aus K\xf6ln\n";

/// The contact with this id, from 1 on.
pub(super) fn contact(id: usize) -> Value {
    let nth = id.saturating_sub(1);
    let (first, last) = (turn(&FIRST, nth), turn(&LAST, nth));
    let (company, country) = turn(&COMPANIES, nth);
    let (month, day, hour) = (1 + nth / 28 % 12, 1 + nth % 28, nth % 24);
    json!({
        "id": id,
        "name": format!("{first} {last}"),
        "email": format!("contact{id}@example.com"),
        "company": { "name": company, "country": country },
        "amount": f64::from(u32::try_from(id % 1000).unwrap_or_default()) * 12.5,
        "status": turn(&STATUSES, nth),
        "tags": [turn(&TAGS, nth), turn(&TAGS, nth + 1)],
        "created": format!("2026-{month:02}-{day:02}T{hour:02}:00:00Z"),
        "notes": format!(
            "Met {first} at the fair, where {company} showed a new line. They asked for a quote in two weeks, prefer a \
             call in the morning, and want the contract in writing; the next step is number {id} on our list."
        ),
    })
}

/// One after the other, and again.
fn turn<T: Copy + Default>(of: &[T], nth: usize) -> T {
    of.get(nth % of.len().max(1)).copied().unwrap_or_default()
}

/// A JSON array, written value by value.
pub(super) fn array(values: impl Iterator<Item = Value>) -> String {
    let mut text = String::from("[");
    for value in values {
        let comma = if text.len() > 1 { "," } else { "" };
        let _ = write!(text, "{comma}{value}");
    }
    text + "]"
}

/// Arrays of zeros, so many bytes or a little less.
pub(super) fn matrix(bytes: usize) -> String {
    let row = format!("[{}0]", "0,".repeat(49));
    let mut text = format!("[{row}");
    while text.len() + row.len() + 2 <= bytes {
        text.push(',');
        text.push_str(&row);
    }
    text + "]"
}

/// The sentence over and over, cut between two letters.
pub(super) fn text(bytes: usize) -> String {
    let mut text = SENTENCE.repeat(bytes.div_ceil(SENTENCE.len()));
    text.truncate(text.floor_char_boundary(bytes));
    text
}

/// Contacts as a table.
pub(super) fn csv(rows: usize) -> String {
    let mut text = String::from("id,name,email,amount\n");
    for id in 1..=rows {
        let contact = contact(id);
        let shown = |field: &str| contact.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let amount = contact.get("amount").cloned().unwrap_or_default();
        let _ = writeln!(text, "{id},\"{}\",{},{amount}", shown("name"), shown("email"));
    }
    text
}

/// 0, 255, 254 and so on down to 1, and again.
pub(super) fn binary(bytes: usize) -> Vec<u8> {
    (0..=u8::MAX).map(u8::wrapping_neg).cycle().take(bytes).collect()
}

/// The media type of a file and its bytes: the mark of its format, then filling.
pub(super) fn file(extension: &str, bytes: usize) -> (&'static str, Vec<u8>) {
    let (kind, mark): (_, &[u8]) = match extension {
        "pdf" => ("application/pdf", b"%PDF-1.7\n"),
        "png" => ("image/png", b"\x89PNG\r\n\x1a\n"),
        "csv" => return ("text/csv; charset=utf-8", text(bytes).into_bytes()),
        "txt" => return ("text/plain; charset=utf-8", text(bytes).into_bytes()),
        _ => ("application/octet-stream", b""),
    };
    let mut body = mark.to_vec();
    body.extend(binary(bytes.saturating_sub(mark.len())));
    body.truncate(bytes);
    (kind, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_as_long_as_asked() {
        for bytes in [1000, 100_000] {
            assert_eq!(binary(bytes).len(), bytes);
            assert_eq!(file("pdf", bytes).1.len(), bytes);
            assert!((bytes - 3..=bytes).contains(&text(bytes).len()));
            assert!((bytes - 110..=bytes).contains(&matrix(bytes).len()));
        }
    }

    #[test]
    fn a_contact_has_notes_of_some_length() {
        let notes = contact(20_000)["notes"].as_str().map_or(0, str::len);
        assert!((180..=260).contains(&notes), "{notes}");
    }
}
