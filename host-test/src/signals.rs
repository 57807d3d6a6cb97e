//! Signals: when to end, and when to read the configuration again.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::task::JoinHandle;

use crate::audit::Event;
use crate::start::Loader;

/// Wait until SIGINT or SIGTERM asks for the end.
pub(crate) async fn stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
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
