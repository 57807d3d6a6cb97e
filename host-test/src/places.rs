//! Room for calls: so many at once, so many more that wait, and a clear answer to the rest.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::fault::Fault;
use crate::limits::{Limits, QUEUE_TIME};

/// The places of one engine.
pub(crate) struct Places {
    free: Semaphore,
    most: u32,
    waiting: AtomicU32,
    queue: u32,
    patience: Duration,
}

impl Places {
    pub(crate) fn new(limits: &Limits) -> Self {
        let most = usize::try_from(limits.calls).unwrap_or(Semaphore::MAX_PERMITS);
        Self { free: Semaphore::new(most), most: limits.calls, waiting: AtomicU32::new(0), queue: limits.queue, patience: QUEUE_TIME }
    }

    /// Take a place, at once or after a short wait.
    ///
    /// # Errors
    /// [`Fault::Busy`]: too many wait, or none became free in time.
    pub(crate) async fn take(&self) -> Result<SemaphorePermit<'_>, Fault> {
        if let Ok(place) = self.free.try_acquire() {
            return Ok(place);
        }
        let _waits = Waits::beside(&self.waiting, self.queue).ok_or(Fault::Busy)?;
        match tokio::time::timeout(self.patience, self.free.acquire()).await {
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
        let places = Places { patience: Duration::from_millis(20), ..Places::new(&Limits { calls: 1, queue: 1, ..Limits::default() }) };
        let held = places.take().await.unwrap();
        let mut second = Box::pin(places.take());
        assert!(now(second.as_mut()).await.is_none(), "it waits");
        assert_eq!((places.running(), places.waiting()), (1, 1));
        assert_eq!(places.take().await.unwrap_err(), Fault::Busy, "nobody waits behind it");
        drop(held);
        let second = second.await.unwrap();
        assert_eq!((places.running(), places.waiting()), (1, 0));
        // One that waits in vain is told, and so is not counted any longer.
        assert_eq!(places.take().await.unwrap_err(), Fault::Busy);
        assert_eq!(places.waiting(), 0);
        // One whose client leaves makes room for another.
        let mut left = Box::pin(places.take());
        assert!(now(left.as_mut()).await.is_none());
        drop(left);
        assert_eq!(places.waiting(), 0);
        drop(second);
        assert_eq!(places.running(), 0);
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
