//! A token bucket: so many calls a minute, a tenth of them at once.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The calls of one principal.
#[derive(Debug)]
pub(crate) struct Bucket {
    per_minute: f64,
    burst: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    left: f64,
    seen: Instant,
}

impl Bucket {
    /// Full at first. `None` for no limit, which 0 calls a minute mean.
    pub(crate) fn of(per_minute: u32, burst: Option<u32>, now: Instant) -> Option<Self> {
        if per_minute == 0 {
            return None;
        }
        let burst = f64::from(burst.unwrap_or(per_minute.div_ceil(10)).max(1));
        Some(Self { per_minute: f64::from(per_minute), burst, state: Mutex::new(State { left: burst, seen: now }) })
    }

    /// Take a call out.
    ///
    /// # Errors
    /// The time until there is one.
    pub(crate) fn take(&self, now: Instant) -> Result<(), Duration> {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let passed = now.saturating_duration_since(state.seen).as_secs_f64();
        state.left = (state.left + passed * self.per_minute / 60.0).min(self.burst);
        state.seen = now;
        if state.left >= 1.0 {
            state.left -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - state.left) * 60.0 / self.per_minute))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let begun = tokio::time::Instant::now().into_std();
        let at = |seconds: f64| begun + Duration::from_secs_f64(seconds);
        let bucket = Bucket::of(60, Some(3), begun).unwrap();
        assert!((0..3).all(|_| bucket.take(at(0.0)).is_ok()));
        let wait = bucket.take(at(0.0)).unwrap_err();
        assert!((wait.as_secs_f64() - 1.0).abs() < 1e-6, "{wait:?}");
        assert!(bucket.take(at(0.5)).is_err() && bucket.take(at(1.1)).is_ok() && bucket.take(at(1.2)).is_err());
        // Idleness fills it, to its brim and no further.
        assert!((0..3).all(|_| bucket.take(at(1000.0)).is_ok()) && bucket.take(at(1000.0)).is_err());
        // A clock that stands still or goes back gives nothing.
        assert!(bucket.take(at(999.0)).is_err());
        assert!(Bucket::of(0, None, begun).is_none());
        let tenth = Bucket::of(25, None, begun).unwrap();
        assert!((0..3).all(|_| tenth.take(begun).is_ok()) && tenth.take(begun).is_err());
    }
}
