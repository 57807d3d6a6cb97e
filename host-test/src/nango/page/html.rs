//! HTML under construction.

/// Markup is what this program's text is written with; all else comes in as text and is escaped. There is no third way in.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Markup, which only the source of this program can hold.
    pub(super) fn markup(mut self, markup: &'static str) -> Html {
        self.0.push_str(markup);
        self
    }

    /// Text between tags, or in an attribute between double quotes.
    pub(super) fn text(mut self, text: &str) -> Html {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // HTML has no way to write these; a browser would drop them or take them for something else.
                c if c.is_control() && !matches!(c, '\n' | '\t') => self.0.push(char::REPLACEMENT_CHARACTER),
                c => self.0.push(c),
            }
        }
        self
    }

    /// Somebody else's text: whatever direction it is written in, it does not turn the words around it.
    pub(super) fn theirs(self, text: &str) -> Html {
        self.markup("<bdi>").text(text).markup("</bdi>")
    }

    /// What was built elsewhere.
    pub(super) fn html(mut self, html: &Html) -> Html {
        self.0.push_str(&html.0);
        self
    }

    /// One piece for each item.
    pub(super) fn each<T>(self, items: impl IntoIterator<Item = T>, piece: impl Fn(Html, T) -> Html) -> Html {
        items.into_iter().fold(self, piece)
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_markup() {
        let html = Html::default().markup("<p title=\"").text("\" onclick='x' <b>&amp;\0\u{85}").markup("\">").theirs("</bdi>\u{202e}");
        let expected = "<p title=\"&quot; onclick=&#39;x&#39; &lt;b&gt;&amp;amp;\u{fffd}\u{fffd}\"><bdi>&lt;/bdi&gt;\u{202e}</bdi>";
        assert_eq!(html.into_string(), expected);
    }
}
