//! Times as Nango writes them.

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime, UtcOffset};

/// Life of a Connect session (packages/server/lib/services/connectSession.service.ts); not configurable by a call.
const SESSION_LIFE: Duration = Duration::minutes(30);

/// When a session that expires then was issued, on Nango's clock and in Nango's form (`2026-11-23T12:43:12.060Z`).
pub fn issued_at(expires_at: &str) -> Option<String> {
    let at = parse(expires_at)?.checked_sub(SESSION_LIFE)?;
    let (date, time) = (at.date(), at.time());
    Some(format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        date.year(), u8::from(date.month()), date.day(), time.hour(), time.minute(), time.second(), time.millisecond(),
    ))
}

/// `13:12 UTC`, for a sentence.
pub fn clock(at: &str) -> Option<String> {
    parse(at).map(|at| format!("{:02}:{:02} UTC", at.hour(), at.minute()))
}

fn parse(text: &str) -> Option<OffsetDateTime> {
    Some(OffsetDateTime::parse(text, &Rfc3339).ok()?.to_offset(UtcOffset::UTC))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_session_was_issued_thirty_minutes_before_it_expires() {
        assert_eq!(super::issued_at("2026-11-23T13:12:45.060Z").as_deref(), Some("2026-11-23T12:42:45.060Z"));
        assert_eq!(super::issued_at("2027-01-01T00:10:00+00:00").as_deref(), Some("2026-12-31T23:40:00.000Z"));
        assert_eq!(super::issued_at("soon"), None);
        assert_eq!(super::clock("2026-11-23T14:12:45+01:00").as_deref(), Some("13:12 UTC"));
    }
}
