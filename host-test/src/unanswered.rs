//! Requests that are not answered yet: so many at once, and each with an id of its own.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rmcp::RoleServer;
use rmcp::model::{ClientNotification, JsonRpcMessage, RequestId};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use tokio::sync::Notify;

/// A client that sends and reads nothing gets no more than these taken from it: each waits in memory, and then its answer does.
const MOST: usize = 1024;

/// Those of one client.
#[derive(Default)]
pub(crate) struct Unanswered {
    open: Mutex<Open>,
    fewer: Notify,
}

#[derive(Default)]
struct Open {
    /// Free again as soon as an answer is on its way: a client may use an id for the next request once it has read that.
    ids: HashSet<RequestId>,
    /// Counted until the answer is written, and no longer in memory.
    count: usize,
}

impl Unanswered {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn counted(&self) -> usize {
        self.open().count
    }

    /// Wait until there is room for one more.
    pub(crate) async fn room(&self) {
        while self.open().count >= MOST {
            self.fewer.notified().await;
        }
    }

    /// Whether a message may pass: not a request with the id of one that is not answered, because only one of both answers would
    /// be told from the other (JSON-RPC 2.0 §4; MCP, basic, "Requests").
    pub(crate) fn take(&self, message: &RxJsonRpcMessage<RoleServer>) -> bool {
        match message {
            JsonRpcMessage::Request(request) => {
                let mut open = self.open();
                let fresh = open.ids.insert(request.id.clone());
                open.count += usize::from(fresh);
                fresh
            }
            // What is cancelled may stay without an answer.
            JsonRpcMessage::Notification(told) => {
                if let ClientNotification::CancelledNotification(cancelled) = &told.notification
                    && self.answers(cancelled.params.request_id.as_ref())
                {
                    self.written();
                }
                true
            }
            _ => true,
        }
    }

    /// Whether a message that is about to be written answers one of them. Its id is free from now on.
    pub(crate) fn answers(&self, id: Option<&RequestId>) -> bool {
        id.is_some_and(|id| self.open().ids.remove(id))
    }

    /// An answer is written: there is one fewer.
    pub(crate) fn written(&self) {
        let mut open = self.open();
        open.count = open.count.saturating_sub(1);
        self.fewer.notify_one();
    }
}

/// The request that a message answers.
pub(crate) fn answered(message: &TxJsonRpcMessage<RoleServer>) -> Option<RequestId> {
    match message {
        JsonRpcMessage::Response(answer) => Some(answer.id.clone()),
        JsonRpcMessage::Error(error) => error.id.clone(),
        _ => None,
    }
}
