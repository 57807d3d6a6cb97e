//! What a call has at hand: its configuration, its environment, its time, and the way to Nango.

use std::cell::RefCell;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::ask::{Handover, Question};
use crate::call::File;
use crate::config::{Config, Environment};
use crate::error::Error;
use crate::json;
use crate::nango::{Answer, Body, Request, failure};
use crate::transport::{HttpAnswer, HttpRequest, Transport, TransportError};

/// A whole call, waits included. TypeScript MCP clients give up at 60 s, the host at 58 s.
const CALL_LIMIT: Duration = Duration::from_secs(55);

/// What a request should have where a call could as well end without it.
const FAIR_CHANCE: Duration = Duration::from_secs(10);

/// The context of one call. Always the first parameter.
pub struct Context<'a> {
    /// The configuration of this call.
    pub config: &'a Config,
    transport: &'a dyn Transport,
    started: Duration,
    environment: Option<&'a Environment>,
    /// See [`Context::arguments`].
    arguments: String,
    files: RefCell<Vec<File>>,
    /// How the link of this call reaches the person.
    pub(crate) handover: Handover,
    /// What the person has to be asked before this call is made, and the state that comes back with the answer.
    pub(crate) question: RefCell<Option<(Question, String)>>,
}

impl<'a> Context<'a> {
    /// Begin a call.
    pub fn new(config: &'a Config, transport: &'a dyn Transport) -> Self {
        Self {
            config,
            transport,
            started: transport.now(),
            environment: None,
            arguments: String::new(),
            files: RefCell::default(),
            handover: Handover::default(),
            question: RefCell::default(),
        }
    }

    /// The tool and the arguments that a cursor is bound to, as text: all but the cursor itself, the environment and the confirmation,
    /// and without those that say no more than their default.
    pub(crate) fn arguments(&self) -> &str {
        &self.arguments
    }

    /// Remember them, and whose they are.
    pub(crate) fn bind(&mut self, tool: &str, arguments: Map<String, Value>) {
        // In whatever order they are written the next time.
        self.arguments = tool.to_owned() + &json::write(&json::sorted(arguments.into()));
    }

    /// The call's environment.
    pub(crate) fn chosen(&self) -> Option<&'a Environment> {
        self.environment
    }

    /// Put a file into the result.
    pub(crate) fn attach(&self, file: File) {
        self.files.borrow_mut().push(file);
    }

    /// The files of the result.
    pub(crate) fn files(&self) -> Vec<File> {
        self.files.take()
    }

    /// Choose the environment by name or alias.
    pub(crate) fn choose(&mut self, name: &str) -> Result<(), Error> {
        let unknown =
            || Error::argument("unknown_environment", "environment", format!("no such `environment`; configured: {}", self.config.names()));
        self.environment = Some(self.config.environment(name).ok_or_else(unknown)?);
        Ok(())
    }

    /// The name of the call's environment.
    pub fn environment(&self) -> &'a str {
        self.environment.map_or("", |environment| environment.name.as_str())
    }

    /// Send one request and take Nango's answer, or its failure as an error.
    ///
    /// # Errors
    /// No key, no answer, or an answer that is no success.
    pub fn send(&self, request: &Request) -> Result<Answer, Error> {
        let mut answers = self.send_all(std::slice::from_ref(request));
        answers.pop().unwrap_or_else(|| Err(unanswered()))
    }

    /// Send requests that do not depend on each other at once. Answers come in their order.
    pub fn send_all(&self, requests: &[Request]) -> Vec<Result<Answer, Error>> {
        let wires: Result<Vec<HttpRequest>, Error> = requests.iter().map(|request| self.address(request)).collect();
        let wires = match wires {
            Ok(wires) => wires,
            Err(error) => return requests.iter().map(|_| Err(error.clone())).collect(),
        };
        let answers = self.transport_with_patience(requests, &wires, self.config.request_timeout);
        requests
            .iter()
            .zip(answers)
            .map(|(request, answer)| match answer {
                Ok(answer) => crate::nango::read(request, answer, &self.config.base, self.environment),
                Err(error) => Err(failure(request, error, self.config, self.config.request_timeout)),
            })
            .collect()
    }

    /// Send two requests at once.
    pub(crate) fn send_both(&self, requests: &[Request; 2]) -> [Result<Answer, Error>; 2] {
        let mut answers = self.send_all(requests).into_iter();
        let mut next = || answers.next().unwrap_or_else(|| Err(unanswered()));
        [next(), next()]
    }

    /// Send one request whose answer is a provider's: status, headers and body as they came.
    ///
    /// # Errors
    /// No key, no answer.
    pub(crate) fn pass(&self, request: &Request) -> Result<HttpAnswer, Error> {
        let wire = self.address(request)?;
        let within = self.config.request_timeout + request.patience;
        let answer =
            self.transport_with_patience(std::slice::from_ref(request), &[wire], within).pop().unwrap_or(Err(TransportError::Protocol));
        answer.map_err(|error| failure(request, error, self.config, within))
    }

    /// Repeat what a rate limit turned away, a few times and as long as this call has time for it: a request that Nango
    /// turned away had no effect, so this holds for every method; what the provider turned away, for reads alone.
    fn transport_with_patience(
        &self,
        requests: &[Request],
        wires: &[HttpRequest],
        within: Duration,
    ) -> Vec<Result<HttpAnswer, TransportError>> {
        let mut answers = self.transport.send(wires, self.remaining().min(within));
        for tried in 0.. {
            let limited: Vec<(usize, Duration)> = requests
                .iter()
                .zip(&answers)
                .enumerate()
                .filter_map(|(at, (request, answer))| Some((at, crate::nango::rate_limited(request, answer.as_ref().ok()?, tried)?)))
                .collect();
            let Some(wait) = limited.iter().map(|(_, wait)| *wait).max() else { break };
            // One second beyond the wait is the least in which another try can end well.
            if wait.saturating_add(Duration::from_secs(1)) > self.remaining() {
                break;
            }
            self.transport.sleep(wait);
            let again: Vec<HttpRequest> = limited.iter().filter_map(|(at, _)| wires.get(*at).cloned()).collect();
            let fresh = self.transport.send(&again, self.remaining().min(within));
            for ((at, _), answer) in limited.into_iter().zip(fresh) {
                if let Some(slot) = answers.get_mut(at) {
                    *slot = answer;
                }
            }
        }
        answers
    }

    fn elapsed(&self) -> Duration {
        self.transport.now().saturating_sub(self.started)
    }

    /// Milliseconds since the call began.
    pub(crate) fn elapsed_millis(&self) -> u64 {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Let milliseconds pass.
    pub(crate) fn pause(&self, millis: u64) {
        self.transport.sleep(Duration::from_millis(millis));
    }

    /// Whether a call that could end here should send another request all the same.
    pub(crate) fn has_time(&self) -> bool {
        self.remaining() >= FAIR_CHANCE
    }

    fn remaining(&self) -> Duration {
        CALL_LIMIT.saturating_sub(self.elapsed())
    }

    /// Complete a request: base URL, key, headers.
    fn address(&self, request: &Request) -> Result<HttpRequest, Error> {
        let base = &self.config.base;
        let bearer = match (request.keyed, self.environment) {
            (false, _) => request.token.clone(),
            (true, Some(environment)) => Some(environment.key.clone().ok_or_else(|| {
                let set = (self.config.gateway.key)(&environment.key_variable);
                let say = format!("no API key for environment `{}`: {set}", environment.name);
                Error::policy("missing_key", say)
            })?),
            (true, None) => return Err(Error::policy("missing_key", "this call has no environment")),
        };
        let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut headers = vec![own("accept", "application/json"), own("user-agent", concat!("nango-mcp/", env!("CARGO_PKG_VERSION")))];
        let body = request.body.as_ref().map(|body| match body {
            Body::Json(value) => json::write(value).into_bytes(),
            Body::Text(text) => text.clone().into_bytes(),
        });
        if let Some(body) = &body {
            headers.push(own("content-type", "application/json"));
            headers.push(("content-length".to_owned(), body.len().to_string()));
        }
        headers.extend(request.headers.iter().cloned());
        Ok(HttpRequest {
            method: request.method,
            https: base.https,
            authority: base.authority.clone(),
            path_with_query: format!("{}{}", base.prefix, request.target()),
            headers,
            bearer,
            body,
            answer_cap: request.answer_cap,
        })
    }
}

fn unanswered() -> Error {
    Error::transport("protocol_error", "the host gave no answer to a request".into(), true)
}
