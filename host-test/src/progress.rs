//! Signs of life from a call that takes its time: the host's own, so that the component needs nothing for it.

use std::time::Duration;

use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, Peer, RoleServer};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::http::Hangup;

/// Between two of them, and before the first: a call that is over sooner needs none.
const PERIOD: Duration = Duration::from_secs(1);

/// Wait for what a request is answered with, with signs of life where the client asked for them, and no longer than it does.
pub(crate) async fn attend<T>(
    context: &RequestContext<RoleServer>,
    work: impl Future<Output = Result<T, ErrorData>>,
) -> Result<T, ErrorData> {
    let progress = async {
        match context.meta.get_progress_token() {
            Some(token) => tell(context.peer.clone(), token).await,
            None => std::future::pending().await,
        }
    };
    // Dropping the call ends its instance, and with it the request to Nango.
    let hung_up = async {
        match context.extensions.get::<http::request::Parts>().and_then(|parts| parts.extensions.get::<Hangup>()) {
            Some(hangup) => hangup.clone().wait().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        result = work => result,
        () = hung_up => Err(ErrorData::internal_error("the client hung up", None)),
        () = context.ct.cancelled() => Err(ErrorData::internal_error("cancelled by the client", None)),
        () = progress => Err(ErrorData::internal_error("the call was given up", None)),
    }
}

/// Tell the client every second how long a call takes, for as long as this is polled (MCP, basic/utilities/progress).
async fn tell(peer: Peer<RoleServer>, token: ProgressToken) {
    let begun = Instant::now();
    let mut ticks = interval_at(begun + PERIOD, PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let seconds = begun.elapsed().as_secs();
        #[expect(clippy::cast_precision_loss, reason = "a call has at most a minute")]
        let told = ProgressNotificationParam::new(token.clone(), seconds as f64).with_message(format!("{seconds} s"));
        if peer.notify_progress(told).await.is_err() {
            // Nobody listens any longer; the call is ended by whoever notices that.
            std::future::pending::<()>().await;
        }
    }
}
