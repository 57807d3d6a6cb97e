//! Room for calls: so many at once, so many more that wait, and a clear answer to the rest.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::fault::Fault;

/// How long a call waits for a place at most. A place is free after milliseconds, or it is held by calls that wait for
/// people: then the client had better know.
const PATIENCE: Duration = Duration::from_secs(5);

/// The places of one engine, or of one principal in it.
pub(crate) struct Places {
    free: Semaphore,
    most: u32,
    waiting: AtomicU32,
    queue: u32,
}

/// A call's place among its principal's, and among all; free when this is dropped.
pub(crate) struct Place<'a> {
    _own: Option<SemaphorePermit<'a>>,
    _shared: SemaphorePermit<'a>,
}

/// Take a place, at once or after a short wait: first among one's own, so that who has used those up waits in nobody's way.
///
/// # Errors
/// [`Fault::Busy`]: too many wait, or none became free in time.
pub(crate) async fn take<'a>(own: Option<&'a Places>, shared: &'a Places) -> Result<Place<'a>, Fault> {
    let until = Instant::now() + PATIENCE;
    let own = match own {
        Some(own) => Some(own.take(until).await?),
        None => None,
    };
    Ok(Place { _own: own, _shared: shared.take(until).await? })
}

impl Places {
    /// So many, and so many more that wait.
    pub(crate) fn new(most: u32, queue: u32) -> Self {
        let permits = usize::try_from(most).unwrap_or(Semaphore::MAX_PERMITS);
        Self { free: Semaphore::new(permits), most, waiting: AtomicU32::new(0), queue }
    }

    async fn take(&self, until: Instant) -> Result<SemaphorePermit<'_>, Fault> {
        if let Ok(place) = self.free.try_acquire() {
            return Ok(place);
        }
        let _waits = Waits::beside(&self.waiting, self.queue).ok_or(Fault::Busy)?;
        match tokio::time::timeout_at(until, self.free.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(Fault::Busy),
        }
    }

    /// How many calls run.
    pub(crate) fn running(&self) -> u32 {
        self.most.saturating_sub(u32::try_from(self.free.available_permits()).unwrap_or(u32::MAX))
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> u32 {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// One that waits, until it is dropped: then it has its place, or its client is gone.
struct Waits<'a>(&'a AtomicU32);

impl<'a> Waits<'a> {
    fn beside(waiting: &'a AtomicU32, most: u32) -> Option<Self> {
        let next = |waiting: u32| (waiting < most).then_some(waiting + 1);
        waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok().map(|_| Self(waiting))
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn some_run_some_wait_and_the_rest_is_told() {
        let places = Places::new(1, 1);
        let soon = || Instant::now() + Duration::from_millis(20);
        let held = places.take(soon()).await.unwrap();
        let mut second = Box::pin(places.take(soon()));
        assert!(now(second.as_mut()).await.is_none(), "it waits");
        assert_eq!((places.running(), places.waiting()), (1, 1));
        assert_eq!(places.take(soon()).await.unwrap_err(), Fault::Busy, "nobody waits behind it");
        drop(held);
        let second = second.await.unwrap();
        assert_eq!((places.running(), places.waiting()), (1, 0));
        // One that waits in vain is told, and so is not counted any longer.
        assert_eq!(places.take(soon()).await.unwrap_err(), Fault::Busy);
        assert_eq!(places.waiting(), 0);
        // One whose client leaves makes room for another.
        let mut left = Box::pin(places.take(soon()));
        assert!(now(left.as_mut()).await.is_none());
        drop(left);
        assert_eq!(places.waiting(), 0);
        drop(second);
        assert_eq!(places.running(), 0);
    }

    #[tokio::test]
    async fn who_has_no_place_of_his_own_takes_none_of_all() {
        let (own, shared) = (Places::new(1, 0), Places::new(2, 0));
        let held = take(Some(&own), &shared).await.unwrap();
        assert_eq!(take(Some(&own), &shared).await.err(), Some(Fault::Busy));
        assert_eq!(shared.running(), 1);
        let other = take(Some(&Places::new(1, 0)), &shared).await.map(drop);
        assert_eq!(other, Ok(()));
        drop(held);
        assert_eq!((own.running(), shared.running()), (0, 0));
    }

    /// Poll once.
    async fn now<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
        let mut future = future;
        std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
            std::task::Poll::Ready(value) => std::task::Poll::Ready(Some(value)),
            std::task::Poll::Pending => std::task::Poll::Ready(None),
        })
        .await
    }
}
