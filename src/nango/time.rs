//! Times as Nango writes them: RFC 3339, in UTC or with an offset. Two conversions of the Gregorian calendar are all
//! that is needed; the `time` crate for them would be 6 kB of the component.

/// Life of a Connect session (packages/server/lib/services/connectSession.service.ts); not configurable by a call.
const SESSION_LIFE: i64 = 30 * 60 * 1000;

const DAY: i64 = 24 * 60 * 60 * 1000;

/// When a session that expires then was issued, on Nango's clock and in Nango's form (`2026-11-23T12:43:12.060Z`).
pub fn issued_at(expires_at: &str) -> Option<String> {
    let millis = millis(expires_at)? - SESSION_LIFE;
    let (year, month, day) = date(millis.div_euclid(DAY));
    let (time, millis) = (millis.rem_euclid(DAY) / 1000, millis.rem_euclid(1000));
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z"))
}

/// `13:12 UTC`, for a sentence.
pub fn clock(at: &str) -> Option<String> {
    let minutes = millis(at)?.rem_euclid(DAY) / 60_000;
    Some(format!("{:02}:{:02} UTC", minutes / 60, minutes % 60))
}

/// Milliseconds since 1970 (RFC 3339 §5.6); finer digits are cut off.
pub fn millis(text: &str) -> Option<i64> {
    micros(text).map(|micros| micros.div_euclid(1000))
}

/// Microseconds since 1970, as Nango writes them in lists (observed); finer digits are cut off.
pub fn micros(text: &str) -> Option<i64> {
    let fixed = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        10 => matches!(byte, b'T' | b't' | b' '),
        13 | 16 => byte == b':',
        _ => byte.is_ascii_digit(),
    };
    let (whole, rest) = text.split_at_checked(19)?;
    if !whole.bytes().enumerate().all(fixed) {
        return None;
    }
    let field = |from: usize, most: i64| number(whole.get(from..from + 2)?).filter(|value| *value <= most);
    let (year, month, day) = (number(whole.get(..4)?)?, field(5, 12)?, field(8, 31)?);
    let seconds = field(11, 23)? * 3600 + field(14, 59)? * 60 + field(17, 60)?;
    // The day exists if it comes back.
    let day_count = days(year, month, day);
    if date(day_count) != (year, month, day) {
        return None;
    }
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count()),
        None => ("000", rest),
    };
    let micros = fraction.bytes().chain([b'0'; 5]).take(6).fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    (!fraction.is_empty()).then_some((day_count * DAY + seconds * 1000 - offset(zone)?) * 1000 + micros)
}

/// `Z`, or hours and minutes ahead of UTC, in milliseconds.
fn offset(zone: &str) -> Option<i64> {
    let (sign, rest) = match zone.as_bytes() {
        [b'Z' | b'z'] => return Some(0),
        [b'+', ..] => (1, zone.strip_prefix('+')?),
        _ => (-1, zone.strip_prefix('-')?),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let part = |text: &str, most: i64| number(text).filter(|value| text.len() == 2 && *value <= most);
    Some(sign * (part(hours, 23)? * 60 + part(minutes, 59)?) * 60_000)
}

/// A number of decimal digits.
fn number(digits: &str) -> Option<i64> {
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// Days from 1970-01-01 to a date. The year is counted from March, so that the leap day is its last, and split into
/// eras of 400 years, which all have 146,097 days.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468
}

/// The date that lies so many days after 1970-01-01: the inverse of [`days`].
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = (from_march + 2) % 12 + 1;
    (era * 400 + year + i64::from(month <= 2), month, day_of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_was_issued_thirty_minutes_before_it_expires() {
        assert_eq!(issued_at("2026-11-23T13:12:45.060Z").as_deref(), Some("2026-11-23T12:42:45.060Z"));
        assert_eq!(issued_at("2027-01-01T00:10:00+00:00").as_deref(), Some("2026-12-31T23:40:00.000Z"));
        assert_eq!(issued_at("2028-03-01T00:10:00.5+01:00").as_deref(), Some("2028-02-29T22:40:00.500Z"));
        assert_eq!(clock("2026-11-23T14:12:45.804248+01:00").as_deref(), Some("13:12 UTC"));
        assert_eq!(clock("2026-11-23T00:12:45-02:30").as_deref(), Some("02:42 UTC"));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "soon",
            "2026-11-23",
            "2026-11-23T13:12:45",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T13:60:00Z",
            "2026-11-23T13:12:45.Z",
            "2026-11-23T13:12:45+1:00",
            "2026-11-23T13:12:45+01:00x",
            "é026-11-23T13:12:4",
        ] {
            assert_eq!(millis(text), None, "{text}");
        }
    }

    #[test]
    fn the_calendar_goes_there_and_back() {
        assert_eq!((days(1970, 1, 1), days(2000, 3, 1), days(1969, 12, 31)), (0, 11_017, -1));
        // Every day from 1600 to 2400 comes after the one before it.
        let mut before = date(days(1600, 1, 1) - 1);
        for day in days(1600, 1, 1)..days(2400, 1, 1) {
            let now = date(day);
            assert!(now > before && days(now.0, now.1, now.2) == day, "{now:?}");
            before = now;
        }
    }
}
