//! What a world's way in must be for the suite.

use std::pin::Pin;

use serde_json::Value;

/// A world's own way in.
pub(crate) trait Entry: Send + Sync {
    /// The world: a column of the matrix, at most ten characters.
    fn name(&self) -> &'static str;

    /// Make one call as the world's clients make it, in a fresh instance with these variables: the Nango's, and the
    /// scenario's. `arguments` are as docs/tools.md has them; a world with another form for them or for results translates.
    fn call<'a>(&'a self, vars: &'a [(String, String)], tool: &'a str, arguments: &'a Value) -> Calling<'a>;
}

/// A call on its way.
pub(crate) type Calling<'a> = Pin<Box<dyn Future<Output = Said> + Send + 'a>>;

/// What a client is told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    /// A result: the structured one, and the bytes of the files beside it.
    Result { structured: Value, files: Vec<Vec<u8>> },
    /// A failure that the model reads: its sentence, and what stands in `error` of the line of JSON below.
    Error { sentence: String, error: Value },
    /// No result: a protocol error, in the gateway's words.
    Refused(String),
}

impl Said {
    /// Of the blocks of an error's text: the sentence, and a line of JSON.
    #[track_caller]
    pub(crate) fn error(blocks: &[&str]) -> Self {
        let [sentence, line] = blocks else { panic!("a sentence and a line of JSON, not {blocks:?}") };
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        Self::Error { sentence: (*sentence).to_owned(), error: line["error"].clone() }
    }
}
