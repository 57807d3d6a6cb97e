//! Times as Nango writes them.

use time::{Date, Duration, Month, PrimitiveDateTime, Time};

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

/// A time of RFC 3339, in UTC. The calendar is the library's; reading with it as well would add 4 kB to the component.
fn parse(text: &str) -> Option<PrimitiveDateTime> {
    let fixed = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        10 => matches!(byte, b'T' | b't' | b' '),
        13 | 16 => byte == b':',
        _ => byte.is_ascii_digit(),
    };
    if !text.bytes().take(19).enumerate().all(fixed) {
        return None;
    }
    let (fraction, zone) = match text.get(19..)?.strip_prefix('.') {
        Some(rest) => rest.split_at_checked(rest.find(|c: char| !c.is_ascii_digit()).filter(|digits| *digits > 0)?)?,
        None => ("0", text.get(19..)?),
    };
    let year = i32::from(number(text, 0)?) * 100 + i32::from(number(text, 2)?);
    let date = Date::from_calendar_date(year, Month::try_from(number(text, 5)?).ok()?, number(text, 8)?).ok()?;
    let milli = fraction.bytes().chain([b'0'; 2]).take(3).fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    let time = Time::from_hms_milli(number(text, 11)?, number(text, 14)?, number(text, 17)?, milli).ok()?;
    PrimitiveDateTime::new(date, time).checked_sub(offset(zone)?)
}

/// `Z`, or hours and minutes ahead of UTC.
fn offset(zone: &str) -> Option<Duration> {
    let ahead = match zone.bytes().next()? {
        b'Z' | b'z' if zone.len() == 1 => return Some(Duration::ZERO),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = (number(zone, 1)?, number(zone, 4)?);
    let fits = zone.len() == 6 && zone.get(3..4) == Some(":") && hours < 24 && minutes < 60;
    fits.then(|| Duration::minutes(ahead * (i64::from(hours) * 60 + i64::from(minutes))))
}

/// The two digits there.
fn number(text: &str, at: usize) -> Option<u8> {
    text.get(at..at + 2)?.bytes().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + (digit - b'0')))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_session_was_issued_thirty_minutes_before_it_expires() {
        assert_eq!(super::issued_at("2026-11-23T13:12:45.060Z").as_deref(), Some("2026-11-23T12:42:45.060Z"));
        assert_eq!(super::issued_at("2027-01-01T00:10:00+00:00").as_deref(), Some("2026-12-31T23:40:00.000Z"));
        assert_eq!(super::issued_at("soon"), None);
        assert_eq!(super::clock("2026-11-23T14:12:45+01:00").as_deref(), Some("13:12 UTC"));
        assert_eq!(super::issued_at("2024-03-01T00:00:00.5-00:30").as_deref(), Some("2024-03-01T00:00:00.500Z"));
        for wrong in ["2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T13:12:45", "2026-11-23T13:12:45.Z", "2026-11-23T13:12:45+1:00", "é026-11-23T13:12:45Z"] {
            assert_eq!(super::clock(wrong), None, "{wrong}");
        }
    }
}
