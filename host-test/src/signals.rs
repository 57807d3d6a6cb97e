//! Signals: when to end, and when to read the configuration again.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::task::JoinHandle;

use crate::audit::Event;
use crate::start::Loader;

/// SIGINT and SIGTERM, from the moment that this is made: none is lost between two waits.
pub(crate) struct Stop {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    /// # Errors
    /// The signals cannot be waited for.
    pub(crate) fn new() -> Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let of = |kind| signal(kind).context("cannot wait for signals");
            Ok(Self { interrupt: of(SignalKind::interrupt())?, terminate: of(SignalKind::terminate())? })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Wait until the end is asked for.
    pub(crate) async fn asked(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// From now on, let `reload` do its work at every SIGHUP, one after the other. What cannot hold changes nothing: the
/// configuration of before stays.
///
/// # Errors
/// The signal cannot be waited for.
pub(crate) fn on_hangup<F: Future<Output = Result<()>> + Send>(
    loader: Arc<Loader>,
    reload: impl Fn(Arc<Loader>) -> F + Send + 'static,
) -> Result<JoinHandle<()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut hangups = signal(SignalKind::hangup()).context("cannot wait for SIGHUP")?;
        Ok(tokio::spawn(async move {
            while hangups.recv().await.is_some() {
                let monitor = loader.monitor.clone();
                if let Err(error) = monitor.audit.reopen() {
                    tracing::error!("{error:#}");
                }
                let reloaded = reload(loader.clone()).await;
                monitor.metrics.reloaded(reloaded.is_ok());
                monitor.audit.write(&Event::Reload { outcome: if reloaded.is_ok() { "ok" } else { "refused" } });
                match reloaded {
                    Ok(()) => tracing::info!("the configuration was read again"),
                    Err(error) => tracing::error!("the configuration stays as it was: {error:#}"),
                }
            }
        }))
    }
    #[cfg(not(unix))]
    {
        let _ = (loader, reload);
        Ok(tokio::spawn(std::future::pending()))
    }
}
