//! Questions of the component, put to the person by the client: as `input_required` in the stateless revision, as
//! `elicitation/create` in those before it, where the client is there to be asked.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rmcp::model::{
    ClientCapabilities, CustomNotification, ElicitRequest, ElicitRequestParams, InputRequest, InputRequests, InputRequiredResult,
    InputResponses, ProtocolVersion, ServerNotification,
};
use rmcp::service::RequestContext;
use rmcp::{Peer, RoleServer};
use serde_json::{Value, json};

use crate::sandbox::wit;

/// How long a person may take to answer. Clients that give up earlier cancel the call.
const PATIENCE: Duration = Duration::from_secs(300);

/// Links whose completion may still be told; the oldest go first.
const MOST: usize = 64;

/// What the client of a request can ask the person: an empty `elicitation` stands for forms alone.
pub(crate) fn features(capabilities: Option<&ClientCapabilities>) -> wit::ClientFeatures {
    let mut features = wit::ClientFeatures::empty();
    if let Some(elicitation) = capabilities.and_then(|capabilities| capabilities.elicitation.as_ref()) {
        if elicitation.url.is_some() {
            features |= wit::ClientFeatures::ELICIT_URL;
        }
        if elicitation.form.is_some() || elicitation.url.is_none() {
            features |= wit::ClientFeatures::ELICIT_FORM;
        }
    }
    features
}

/// Whether a request is of the revision that answers with questions instead of asking.
pub(crate) fn is_stateless(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
}

/// The answers that a stateless request brings.
pub(crate) fn answers(responses: Option<InputResponses>) -> Vec<(String, String)> {
    responses.unwrap_or_default().into_iter().map(|(key, answer)| (key, answer.to_string())).collect()
}

/// The questions as the result of a stateless request.
///
/// # Errors
/// A form that is no schema of MCP's.
pub(crate) fn required(needs: &wit::NeedsInput) -> Result<InputRequiredResult> {
    let mut requests = InputRequests::new();
    for question in &needs.questions {
        requests.insert(question.key.clone(), InputRequest::Elicitation(ElicitRequest::new(params(question, "")?)));
    }
    Ok(InputRequiredResult::new(Some(requests), needs.state.clone()))
}

fn params(question: &wit::Question, id: &str) -> Result<ElicitRequestParams> {
    let params = match &question.ask {
        wit::Ask::OpenUrl(url) => json!({"mode": "url", "message": question.message, "url": url, "elicitationId": id}),
        wit::Ask::Form(schema) => {
            json!({"mode": "form", "message": question.message, "requestedSchema": serde_json::from_str::<Value>(schema)?})
        }
    };
    serde_json::from_value(params).context("the component asks what MCP has no form for")
}

/// Put the questions to the client, and wait. The answers, and the id under which a link was opened.
///
/// # Errors
/// The client does not answer, or not with an answer.
pub(crate) async fn ask(peer: &Peer<RoleServer>, needs: &wit::NeedsInput) -> Result<(Vec<(String, String)>, Option<String>)> {
    let (mut answers, mut opened) = (Vec::new(), None);
    for question in &needs.questions {
        let id = uuid::Uuid::new_v4().to_string();
        let answer = peer.create_elicitation_with_timeout(params(question, &id)?, Some(PATIENCE)).await?;
        answers.push((question.key.clone(), serde_json::to_string(&answer)?));
        if matches!(question.ask, wit::Ask::OpenUrl(_)) {
            opened = Some(id);
        }
    }
    Ok((answers, opened))
}

/// Links that a person has opened and not yet finished: by what wait_for_connection is called with for each.
#[derive(Default)]
pub(crate) struct Opened(Mutex<Vec<(String, Value)>>);

impl Opened {
    /// Remember a link by the `next` of its result.
    pub(crate) fn remember(&self, id: String, result: &Value) {
        let Some(waits) = result.pointer("/next/arguments").map(essence) else { return };
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.len() >= MOST {
            opened.remove(0);
        }
        opened.push((id, waits));
    }

    /// The links that a wait which ended well was for.
    fn finished(&self, arguments: &Value) -> Vec<String> {
        let waits = essence(arguments);
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (done, left) = std::mem::take(&mut *opened).into_iter().partition(|(_, of)| *of == waits);
        *opened = left;
        done.into_iter().map(|(id, _): (String, Value)| id).collect()
    }

    /// Tell the client that the person has finished (MCP 2025-11-25, client/elicitation, "completion notifications").
    pub(crate) async fn tell(&self, peer: &Peer<RoleServer>, arguments: &Value, result: &Value) {
        if result.get("status").and_then(Value::as_str) != Some("connected") {
            return;
        }
        for id in self.finished(arguments) {
            let notification = CustomNotification::new("notifications/elicitation/complete", Some(json!({"elicitationId": id})));
            // A client that has gone needs not be told.
            let _ = peer.send_notification(ServerNotification::CustomNotification(notification)).await;
        }
    }
}

/// What tells one wait from another: all but how long it is, and the environment that needs not be named.
fn essence(arguments: &Value) -> Value {
    let mut arguments = arguments.clone();
    if let Some(fields) = arguments.as_object_mut() {
        for name in ["timeout_seconds", "environment"] {
            fields.remove(name);
        }
    }
    arguments
}
