//! The server's clock and the three ways Nango writes a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration as StdDuration;

use time::{Duration, OffsetDateTime};

/// A clock that a test can move. Clones move together.
#[derive(Clone, Debug)]
pub struct Clock {
    fixed: Option<OffsetDateTime>,
    ahead_micros: Arc<AtomicI64>,
}

impl Clock {
    /// The system's time, plus whatever it was advanced by.
    pub fn system() -> Clock {
        Clock { fixed: None, ahead_micros: Arc::default() }
    }

    /// Stands at the given seconds since 1970 until it is advanced.
    pub fn fixed(unix_seconds: i64) -> Clock {
        let instant = OffsetDateTime::from_unix_timestamp(unix_seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Clock { fixed: Some(instant), ahead_micros: Arc::default() }
    }

    /// Moves the clock, and all its clones, forward.
    pub fn advance(&self, by: StdDuration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.ahead_micros.fetch_add(micros, Ordering::SeqCst);
    }

    /// Seconds since 1970.
    pub fn unix_seconds(&self) -> i64 {
        self.now().unix_timestamp()
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        let base = self.fixed.unwrap_or_else(OffsetDateTime::now_utc);
        base + Duration::microseconds(self.ahead_micros.load(Ordering::SeqCst))
    }
}

/// Whole milliseconds, the precision of a time that Nango's server itself takes.
pub(crate) fn whole_millis(time: OffsetDateTime) -> OffsetDateTime {
    time - Duration::nanoseconds(i64::from(time.nanosecond() % 1_000_000))
}

/// As JavaScript writes it: `2026-01-02T03:04:05.678Z`.
pub(crate) fn javascript(time: OffsetDateTime) -> String {
    format!("{}.{:03}Z", seconds(time), time.millisecond())
}

/// As a connection that is read writes it: `2026-01-02T03:04:05.670+00:00`.
pub(crate) fn with_offset(time: OffsetDateTime) -> String {
    format!("{}.{:03}+00:00", seconds(time), time.millisecond())
}

/// As PostgreSQL's JSON writes it: `2026-01-02T03:04:05.67+00:00`, no trailing zero in the fraction.
pub(crate) fn postgres(time: OffsetDateTime) -> String {
    let fraction = format!("{:06}", time.microsecond());
    match fraction.trim_end_matches('0') {
        "" => format!("{}+00:00", seconds(time)),
        digits => format!("{}.{digits}+00:00", seconds(time)),
    }
}

fn seconds(time: OffsetDateTime) -> String {
    let month = u8::from(time.month());
    let (year, day, hour, minute, second) = (time.year(), time.day(), time.hour(), time.minute(), time.second());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_three_ways() {
        let clock = Clock::fixed(1_795_437_700);
        assert_eq!(javascript(clock.now()), "2026-11-23T12:41:40.000Z");
        assert_eq!(postgres(clock.now()), "2026-11-23T12:41:40+00:00");
        clock.advance(StdDuration::from_micros(780_000));
        assert_eq!(postgres(clock.now()), "2026-11-23T12:41:40.78+00:00");
        assert_eq!(with_offset(clock.now()), "2026-11-23T12:41:40.780+00:00");
        clock.advance(StdDuration::from_micros(248));
        assert_eq!(postgres(clock.now()), "2026-11-23T12:41:40.780248+00:00");
        assert_eq!(javascript(whole_millis(clock.now())), "2026-11-23T12:41:40.780Z");
    }
}
