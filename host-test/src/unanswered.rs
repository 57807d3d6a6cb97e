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
    ids: Mutex<HashSet<RequestId>>,
    fewer: Notify,
}

impl Unanswered {
    fn ids(&self) -> MutexGuard<'_, HashSet<RequestId>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wait until there is room for one more.
    pub(crate) async fn room(&self) {
        while self.ids().len() >= MOST {
            self.fewer.notified().await;
        }
    }

    /// Whether a message may pass: not a request with the id of one that is not answered, because only one of both answers would
    /// be told from the other (JSON-RPC 2.0 §4; MCP, basic, "Requests").
    pub(crate) fn take(&self, message: &RxJsonRpcMessage<RoleServer>) -> bool {
        match message {
            JsonRpcMessage::Request(request) => self.ids().insert(request.id.clone()),
            // What is cancelled may stay without an answer.
            JsonRpcMessage::Notification(told) => {
                if let ClientNotification::CancelledNotification(cancelled) = &told.notification {
                    self.end(cancelled.params.request_id.as_ref());
                }
                true
            }
            _ => true,
        }
    }

    /// A message was written: if it is an answer, there is one fewer.
    pub(crate) fn end(&self, id: Option<&RequestId>) {
        if id.is_some_and(|id| self.ids().remove(id)) {
            self.fewer.notify_one();
        }
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
