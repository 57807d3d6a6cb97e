//! What can go wrong in a call, by who must act on it.
//!
//! Every [`Error`] reaches the model as a result with `isError`: a sentence that says what, where and the
//! remedy, and the same as one line of JSON. No message repeats the value of an argument or of a secret.

use serde_json::{Map, Value};

use crate::json;

/// Why a call failed.
#[derive(Debug, Clone, PartialEq)]
pub enum Error {
    /// The model must change an argument. Nothing was sent.
    Argument {
        /// Stable code, such as `missing_argument`.
        code: &'static str,
        /// Path of the argument, such as `tags.team` or `allowed_integrations[1]`; empty for the whole object.
        argument: String,
        /// What is wrong and the rule that says so.
        message: String,
    },
    /// The operator's configuration does not allow the call. Nothing was sent.
    Policy {
        /// Stable code, such as `read_only`.
        code: &'static str,
        /// What is not allowed, and the setting that decides it.
        message: String,
    },
    /// Nango answered, but not with success.
    Nango(ApiError),
    /// Nango was not reached, or its answer did not arrive whole.
    Transport {
        /// Stable code, such as `host_denied`.
        code: &'static str,
        /// What happened, where, and the remedy.
        message: String,
        /// Whether the request may have had its effect all the same.
        outcome_unknown: bool,
    },
}

/// A failure that Nango reported, mapped on route, status and Nango's own code.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// Stable code: ours where the case is known (`unknown_integration`), else Nango's own.
    pub code: String,
    /// What Nango said, shortened and cleaned, and where.
    pub message: String,
    /// The fields Nango complained about: path and reason.
    pub fields: Vec<(String, String)>,
    /// The remedy.
    pub hint: Option<String>,
    /// Seconds after which a rate-limited call may be repeated.
    pub retry_after_seconds: Option<u64>,
    /// `error.payload.connection`, which Nango adds when a refresh fails. For tools to read; never shown.
    pub connection: Option<Value>,
}

impl Error {
    /// An error of one argument.
    pub fn argument(code: &'static str, argument: impl Into<String>, message: impl Into<String>) -> Self {
        Self::refused(code, Some(argument.into()), message.into())
    }

    /// A refusal by configuration.
    pub fn policy(code: &'static str, message: impl Into<String>) -> Self {
        Self::refused(code, None, message.into())
    }

    // Not generic, and so but once in the component.
    #[inline(never)]
    fn refused(code: &'static str, argument: Option<String>, message: String) -> Self {
        match argument {
            Some(argument) => Self::Argument { code, argument, message },
            None => Self::Policy { code, message },
        }
    }

    /// A success of this route whose body is not what the route answers with.
    pub fn invalid_answer(route: &str) -> Self {
        Self::Nango(ApiError {
            status: 200,
            code: "invalid_answer".into(),
            message: format!("the answer to {route} is not what Nango answers with"),
            hint: Some("look at NANGO_BASE_URL, and at the version of Nango there".into()),
            ..ApiError::default()
        })
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::Argument { code, .. } | Self::Policy { code, .. } | Self::Transport { code, .. } => code,
            Self::Nango(api) => &api.code,
        }
    }

    /// The sentence for the model: what, where, remedy.
    pub fn sentence(&self) -> String {
        match self {
            Self::Argument { message, .. } | Self::Policy { message, .. } => message.clone(),
            Self::Nango(api) => match &api.hint {
                Some(hint) => format!("{}; {hint}", api.message),
                None => api.message.clone(),
            },
            Self::Transport { message, outcome_unknown, .. } if *outcome_unknown => {
                format!("{message}; the request may have taken effect: look before you repeat it")
            }
            Self::Transport { message, .. } => message.clone(),
        }
    }

    /// `{kind, code, message, status?, field?, fields?, hint?, retry_after_seconds?, outcome_unknown?}`.
    pub fn to_json(&self) -> Value {
        let (kind, message) = match self {
            Self::Argument { message, .. } => ("argument", message),
            Self::Policy { message, .. } => ("policy", message),
            Self::Nango(api) => ("nango", &api.message),
            Self::Transport { message, .. } => ("transport", message),
        };
        let mut out = json::object([("kind", json::text(kind)), ("code", json::text(self.code())), ("message", json::text(message))]);
        match self {
            Self::Argument { argument, .. } if !argument.is_empty() => json::put(&mut out, "field", json::text(argument)),
            Self::Nango(api) => api.describe(&mut out),
            Self::Transport { outcome_unknown: true, .. } => json::put(&mut out, "outcome_unknown", true.into()),
            Self::Argument { .. } | Self::Policy { .. } | Self::Transport { .. } => {}
        }
        Value::Object(out)
    }
}

impl ApiError {
    /// What only Nango's failures have.
    fn describe(&self, out: &mut Map<String, Value>) {
        json::put(out, "status", self.status.into());
        if let Some((path, _)) = self.fields.first() {
            json::put(out, "field", json::text(path));
        }
        if self.fields.len() > 1 {
            let fields = self.fields.iter().map(|(path, reason)| json::object([("field", json::text(path)), ("reason", json::text(reason))]));
            json::put(out, "fields", fields.collect());
        }
        if let Some(hint) = &self.hint {
            json::put(out, "hint", json::text(hint));
        }
        if let Some(seconds) = self.retry_after_seconds {
            json::put(out, "retry_after_seconds", seconds.into());
        }
    }
}
