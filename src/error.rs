//! What can go wrong in a call, by who must act on it.
//!
//! Every [`Error`] reaches the model as a result with `isError`: a sentence that says what, where and the
//! remedy, and the same as one line of JSON. No message repeats the value of an argument or of a secret.

use serde_json::{Map, Value};

use crate::json;

/// Why a call failed. One pointer: an error is rare, and every result that may hold one is moved around.
#[derive(Debug, Clone, PartialEq)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone, PartialEq)]
struct Inner {
    cause: Cause,
    /// What a call of several steps did before it failed.
    done: Vec<String>,
    /// What it did not do because of that.
    not_done: Vec<String>,
}

/// Who must act, and on what.
#[derive(Debug, Clone, PartialEq)]
pub enum Cause {
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
    /// HTTP status; 0 where Nango refused nothing, but what it holds does not allow the call.
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
    /// Whether the request may have had its effect all the same.
    pub outcome_unknown: bool,
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

    /// A failure that Nango reported.
    pub fn nango(error: ApiError) -> Self {
        Self::of(Cause::Nango(error))
    }

    /// A failure on the way to Nango or back.
    pub fn transport(code: &'static str, mut message: String, outcome_unknown: bool) -> Self {
        if outcome_unknown {
            message.push_str("; the request may have taken effect: look before you repeat it");
        }
        Self::of(Cause::Transport { code, message, outcome_unknown })
    }

    // Not generic and not inlined, and so but once in the component.
    #[inline(never)]
    fn refused(code: &'static str, argument: Option<String>, message: String) -> Self {
        Self::of(match argument {
            Some(argument) => Cause::Argument { code, argument, message },
            None => Cause::Policy { code, message },
        })
    }

    #[inline(never)]
    fn of(cause: Cause) -> Self {
        Self(Box::new(Inner { cause, done: Vec::new(), not_done: Vec::new() }))
    }

    /// Of a call of several steps: what was done before this failure, and what was not done because of it.
    #[must_use]
    pub fn after(mut self, done: &[&str], not_done: &[&str]) -> Self {
        // Nango said that it was done, if not what came of it.
        if !done.is_empty()
            && let Cause::Nango(api) = &mut self.0.cause
            && (200..300).contains(&api.status)
        {
            api.outcome_unknown = false;
            api.hint = api.hint.take().map(|hint| hint.strip_prefix(LOOK).unwrap_or(&hint).to_owned());
        }
        // Where nobody knows whether the last step took effect, it is not said to be undone.
        let perhaps = match self.cause() {
            Cause::Nango(ApiError { outcome_unknown: true, .. }) | Cause::Transport { outcome_unknown: true, .. } => " (perhaps: look)",
            _ => "",
        };
        self.0.done = done.iter().map(|step| (*step).to_owned()).collect();
        self.0.not_done = not_done.iter().map(|step| format!("{step}{perhaps}")).collect();
        self
    }

    /// Of one of several arguments of a kind: which. Nango's own field, if it named one, stays.
    #[must_use]
    pub(crate) fn about(mut self, argument: &str) -> Self {
        if let Cause::Nango(api) = &mut self.0.cause
            && api.fields.is_empty()
        {
            api.fields.push((argument.to_owned(), api.code.clone()));
            api.message = format!("{argument}: {}", api.message);
        }
        self
    }

    /// Who must act, and on what.
    pub fn cause(&self) -> &Cause {
        &self.0.cause
    }

    /// What Nango reported, if it was Nango.
    pub fn api(&self) -> Option<&ApiError> {
        match self.cause() {
            Cause::Nango(api) => Some(api),
            _ => None,
        }
    }

    /// Whether it may be over by itself in a moment.
    pub(crate) fn may_pass(&self) -> bool {
        match self.cause() {
            Cause::Transport { code, .. } => matches!(*code, "timeout" | "connection_lost" | "connection_refused"),
            Cause::Nango(api) => api.status == 429 || api.status >= 500,
            Cause::Argument { .. } | Cause::Policy { .. } => false,
        }
    }

    /// A success of this route whose body is not what the route answers with.
    pub fn invalid_answer(route: &str, status: u16) -> Self {
        let say = format!("the answer to {route} is not what Nango answers with");
        Self::unbelievable(
            route,
            status,
            say,
            "look at NANGO_BASE_URL, at the version of Nango there, and for links at its NANGO_PUBLIC_CONNECT_URL",
        )
    }

    /// A success that cannot be believed: after a write nobody knows what it did.
    #[inline(never)]
    pub(crate) fn unbelievable(route: &str, status: u16, message: String, hint: &str) -> Self {
        let outcome_unknown = writes(route);
        let look = if outcome_unknown { LOOK } else { "" };
        let hint = Some(format!("{look}{hint}"));
        Self::nango(ApiError { status, code: "invalid_answer".into(), message, hint, outcome_unknown, ..ApiError::default() })
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        match self.cause() {
            Cause::Argument { code, .. } | Cause::Policy { code, .. } | Cause::Transport { code, .. } => code,
            Cause::Nango(api) => &api.code,
        }
    }

    /// The sentence for the model: what, where, remedy; and how far the call came.
    pub fn sentence(&self) -> String {
        let mut sentence = self.reason();
        for (word, steps) in [("done", &self.0.done), ("not done", &self.0.not_done)] {
            if !steps.is_empty() {
                sentence.push_str(&format!("; {word}: {}", steps.join(", ")));
            }
        }
        sentence
    }

    fn reason(&self) -> String {
        match self.cause() {
            Cause::Argument { message, .. } | Cause::Policy { message, .. } | Cause::Transport { message, .. } => message.clone(),
            Cause::Nango(api) => match &api.hint {
                Some(hint) => format!("{}; {hint}", api.message),
                None => api.message.clone(),
            },
        }
    }

    /// `{kind, code, message, status?, field?, fields?, hint?, retry_after_seconds?, outcome_unknown?, done?, not_done?}`.
    pub fn to_json(&self) -> Value {
        let (kind, message) = match self.cause() {
            Cause::Argument { message, .. } => ("argument", message),
            Cause::Policy { message, .. } => ("policy", message),
            Cause::Nango(api) => ("nango", &api.message),
            Cause::Transport { message, .. } => ("transport", message),
        };
        let mut out = json::object([("kind", json::text(kind)), ("code", json::text(self.code())), ("message", json::text(message))]);
        match self.cause() {
            Cause::Argument { argument, .. } if !argument.is_empty() => json::put(&mut out, "field", json::text(argument)),
            Cause::Nango(api) => api.describe(&mut out),
            Cause::Transport { outcome_unknown: true, .. } => json::put(&mut out, "outcome_unknown", true.into()),
            Cause::Argument { .. } | Cause::Policy { .. } | Cause::Transport { .. } => {}
        }
        for (key, steps) in [("done", &self.0.done), ("not_done", &self.0.not_done)] {
            if !steps.is_empty() {
                json::put(&mut out, key, steps.as_slice().into());
            }
        }
        Value::Object(out)
    }
}

/// The remedy begins so where nobody knows what a write did.
const LOOK: &str = "the request may have taken effect, so look before you repeat it; ";

/// Whether a route, method first, is of a write.
pub(crate) fn writes(route: &str) -> bool {
    !route.starts_with("GET ")
}

impl ApiError {
    /// What only Nango's failures have.
    fn describe(&self, out: &mut Map<String, Value>) {
        if self.status > 0 {
            json::put(out, "status", self.status.into());
        }
        if let Some((path, _)) = self.fields.first() {
            json::put(out, "field", json::text(path));
        }
        if self.fields.len() > 1 {
            let fields =
                self.fields.iter().map(|(path, reason)| json::object([("field", json::text(path)), ("reason", json::text(reason))]));
            json::put(out, "fields", fields.collect());
        }
        if let Some(hint) = &self.hint {
            json::put(out, "hint", json::text(hint));
        }
        if let Some(seconds) = self.retry_after_seconds {
            json::put(out, "retry_after_seconds", seconds.into());
        }
        if self.outcome_unknown {
            json::put(out, "outcome_unknown", true.into());
        }
    }
}
