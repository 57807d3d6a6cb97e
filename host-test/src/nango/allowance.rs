//! The rate limit: so many calls in a fixed window of 60 seconds.

use time::{Duration, OffsetDateTime};

use super::answer::Answer;

const WINDOW: Duration = Duration::seconds(60);

/// One bucket of calls.
#[derive(Debug, Default)]
pub(crate) struct Allowance {
    opened: Option<OffsetDateTime>,
    used: u32,
}

/// What is left after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    limit: u32,
    remaining: u32,
    /// Epoch seconds.
    reset: i64,
    /// Whole seconds to wait, when the call is one too many. It may be 0.
    retry_after: Option<i64>,
}

impl Allowance {
    /// Counts one call.
    pub(crate) fn take(&mut self, limit: u32, now: OffsetDateTime) -> Left {
        let opened = match self.opened {
            Some(opened) if now < opened + WINDOW => opened,
            _ => {
                self.used = 0;
                now
            }
        };
        self.opened = Some(opened);
        self.used = self.used.saturating_add(1);
        let end = opened + WINDOW;
        Left {
            limit,
            remaining: limit.saturating_sub(self.used),
            reset: end.unix_timestamp(),
            retry_after: (self.used > limit).then(|| (end - now).whole_seconds()),
        }
    }
}

impl Left {
    /// Nango's own 429, if it is due. It has no message.
    pub(crate) fn refusal(self, method: &str, path: &str) -> Option<Answer> {
        let wait = self.retry_after?;
        let error = serde_json::json!({ "code": "too_many_request", "method": method, "path": path });
        Some(Answer::json(429, &serde_json::json!({ "error": error })).with("retry-after", wait.to_string()))
    }

    /// Adds the headers that every counted answer carries. An upstream's own, already there, stay.
    pub(crate) fn stamp(self, mut answer: Answer) -> Answer {
        let stamps = [
            ("x-ratelimit-limit", i64::from(self.limit)),
            ("x-ratelimit-remaining", i64::from(self.remaining)),
            ("x-ratelimit-reset", self.reset),
        ];
        for (name, value) in stamps {
            if !answer.headers.iter().any(|(held, _)| *held == name) {
                answer = answer.with(name, value.to_string());
            }
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_fixed_and_opens_with_its_first_call() {
        let start = OffsetDateTime::UNIX_EPOCH;
        let mut allowance = Allowance::default();
        assert_eq!(allowance.take(2, start).remaining, 1);
        assert_eq!(allowance.take(2, start + Duration::seconds(30)).retry_after, None);
        assert_eq!(allowance.take(2, start + Duration::milliseconds(57_500)).retry_after, Some(2));
        assert_eq!(allowance.take(2, start + Duration::milliseconds(59_500)).retry_after, Some(0));
        let reopened = allowance.take(2, start + Duration::seconds(60));
        assert_eq!((reopened.remaining, reopened.reset, reopened.retry_after), (1, 120, None));
    }
}
