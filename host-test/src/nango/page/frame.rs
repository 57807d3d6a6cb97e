//! What all pages have: their frame, their style and the headers that fence them in.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::answer::Answer;
use super::html::Html;

const STYLE: &str = include_str!("style.css");

/// Nothing is loaded and nothing runs; the one style is known by its digest; forms go back to where they came from.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let digits = nango_mcp::access::digest(STYLE);
    let byte = |at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let digest = STANDARD.encode((0..digits.len()).step_by(2).filter_map(byte).collect::<Vec<u8>>());
    format!("default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
});

/// A page with this title and this in its main part.
pub(super) fn page(status: u16, title: &str, main: &Html) -> Answer {
    let html = Html::default()
        .markup("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>")
        .text(title)
        .markup(" \u{2013} embedded Nango</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
        .markup("<meta name=\"color-scheme\" content=\"light dark\">\n<style>")
        .markup(STYLE)
        .markup("</style>\n</head>\n<body>\n<header>\n<p><strong>This is the embedded Nango of nango-mcp,</strong> ")
        .markup("which plays Nango and the providers in memory. No real account is touched.</p>\n</header>\n<main>\n")
        .html(main)
        .markup("</main>\n</body>\n</html>\n");
    fenced(Answer::html(status, html.into_string()))
}

/// Sends the browser to the same address again by GET, so that a reload repeats nothing.
pub(super) fn again(query: &str) -> Answer {
    fenced(Answer::empty(303).with("location", format!("?{query}")))
}

/// The token stands in the address: it goes to nobody by a referrer, and nobody keeps the page.
fn fenced(answer: Answer) -> Answer {
    answer
        .with("content-security-policy", POLICY.as_str())
        .with("referrer-policy", "no-referrer")
        .with("x-content-type-options", "nosniff")
        .with("cache-control", "no-store")
}
