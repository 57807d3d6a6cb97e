//! [`Transport`] over WASI HTTP: the only I/O of the component.
//!
//! Built on waki's `wasi:http` bindings but not on its client, which has no total deadline, reads without a limit and
//! cannot overlap requests. Here one deadline bounds everything from connecting to the last byte of the body, a slow
//! drip included: every wait is a `poll` that also contains the deadline's timer.

use std::time::Duration;

use waki::bindings::wasi::clocks::monotonic_clock;
use waki::bindings::wasi::http::outgoing_handler;
use waki::bindings::wasi::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingBody, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
};
use waki::bindings::wasi::io::poll::{Pollable, poll};
use waki::bindings::wasi::io::streams::{InputStream, OutputStream, StreamError};

use crate::transport::{HttpAnswer, HttpRequest, Transport, TransportError};

/// Bytes asked for in one read.
const CHUNK: u64 = 64 * 1024;

/// The host's WASI HTTP.
#[derive(Debug, Clone, Copy)]
pub struct WasiHttp;

impl Transport for WasiHttp {
    fn send(&self, requests: &[HttpRequest], within: Duration) -> Vec<Result<HttpAnswer, TransportError>> {
        let nanos = u64::try_from(within.as_nanos()).unwrap_or(u64::MAX);
        let timer = monotonic_clock::subscribe_duration(nanos);
        let mut exchanges: Vec<Exchange> = requests.iter().map(|request| Exchange::begin(request, nanos)).collect();
        loop {
            let active: Vec<(usize, Pollable)> =
                exchanges.iter().enumerate().filter_map(|(at, exchange)| Some((at, exchange.pollable()?))).collect();
            if active.is_empty() {
                break;
            }
            let pollables: Vec<&Pollable> = active.iter().map(|(_, pollable)| pollable).chain([&timer]).collect();
            let ready = poll(&pollables);
            let late = ready.iter().any(|at| usize::try_from(*at).is_ok_and(|at| at == active.len()));
            drop(pollables);
            let ready: Vec<usize> =
                ready.into_iter().filter_map(|at| active.get(usize::try_from(at).ok()?).map(|(exchange, _)| *exchange)).collect();
            // A pollable is a child of what it watches and must go first.
            drop(active);
            for at in ready {
                if let Some(exchange) = exchanges.get_mut(at) {
                    exchange.advance();
                }
            }
            if late {
                exchanges.iter_mut().for_each(Exchange::give_up);
            }
        }
        exchanges.into_iter().map(Exchange::outcome).collect()
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(monotonic_clock::now())
    }

    fn sleep(&self, duration: Duration) {
        monotonic_clock::subscribe_duration(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)).block();
    }
}

/// One request on its way: first its body is written, then the response is awaited, then read. A body that cannot be
/// written whole is no failure by itself: a host that denies a POST, or a server that answers early, closes the body's
/// stream, and the reason stands in the response.
struct Exchange {
    writing: Option<Writing>,
    stage: Stage,
    cap: usize,
    /// Whether the answer has no body, whatever its headers say: an answer to HEAD (RFC 9110, section 9.3.2).
    bodiless: bool,
}

enum Stage {
    Waiting(FutureIncomingResponse),
    Reading(Reading),
    Done(Result<HttpAnswer, TransportError>),
}

/// A request body not yet written whole. Fields drop in this order, children first.
struct Writing {
    stream: OutputStream,
    body: OutgoingBody,
    bytes: Vec<u8>,
    written: usize,
}

/// A response body not yet read whole. Fields drop in this order, children first.
struct Reading {
    stream: InputStream,
    _body: IncomingBody,
    answer: HttpAnswer,
    expected: Option<usize>,
}

impl Exchange {
    fn begin(request: &HttpRequest, within: u64) -> Self {
        let (writing, stage) = match start(request, within) {
            // Hosts take some bytes at once: whoever waits first waits in vain.
            Ok((response, writing)) => (writing.and_then(Writing::advance), Stage::Waiting(response)),
            Err(error) => (None, Stage::Done(Err(error))),
        };
        Self { writing, stage, cap: request.answer_cap, bodiless: request.method == "HEAD" }
    }

    /// What to wait for; nothing when it is over.
    fn pollable(&self) -> Option<Pollable> {
        match (&self.stage, &self.writing) {
            (Stage::Done(_), _) => None,
            (Stage::Reading(reading), _) => Some(reading.stream.subscribe()),
            (Stage::Waiting(_), Some(writing)) => Some(writing.stream.subscribe()),
            (Stage::Waiting(response), None) => Some(response.subscribe()),
        }
    }

    fn advance(&mut self) {
        if matches!(self.stage, Stage::Waiting(_))
            && let Some(writing) = self.writing.take()
        {
            // A stream that closes early is no verdict: the response, or its error, is.
            self.writing = writing.advance();
            return;
        }
        let stage = std::mem::replace(&mut self.stage, Stage::Done(Err(TransportError::Protocol)));
        self.stage = match stage {
            Stage::Waiting(response) => match response.get() {
                None => Stage::Waiting(response),
                Some(Ok(Ok(response))) => match Reading::begin(&response, self.cap, self.bodiless) {
                    Ok(reading) => reading.advance(self.cap),
                    Err(error) => Stage::Done(Err(error)),
                },
                Some(Ok(Err(code))) => Stage::Done(Err(reason(&code))),
                Some(Err(())) => Stage::Done(Err(TransportError::Protocol)),
            },
            Stage::Reading(reading) => reading.advance(self.cap),
            done => done,
        };
    }

    fn give_up(&mut self) {
        if !matches!(self.stage, Stage::Done(_)) {
            self.writing = None;
            self.stage = Stage::Done(Err(TransportError::Timeout));
        }
    }

    fn outcome(self) -> Result<HttpAnswer, TransportError> {
        match self.stage {
            Stage::Done(outcome) => outcome,
            _ => Err(TransportError::Protocol),
        }
    }
}

/// Headers, names in lower case. What is no UTF-8 is no value that anything here looks for.
pub fn headers(fields: &Fields) -> Vec<(String, String)> {
    let read = |(mut name, value): (String, Vec<u8>)| {
        name.make_ascii_lowercase();
        (name, String::from_utf8(value).unwrap_or_default())
    };
    fields.entries().into_iter().map(read).collect()
}

fn start(request: &HttpRequest, within: u64) -> Result<(FutureIncomingResponse, Option<Writing>), TransportError> {
    let bearer = request.bearer.as_ref().map(|secret| ("authorization".to_owned(), format!("Bearer {}", secret.expose())));
    let headers = request.headers.iter().chain(&bearer).map(|(name, value)| (name.clone(), value.clone().into_bytes()));
    let fields = Fields::from_list(&headers.collect::<Vec<_>>()).map_err(|_| TransportError::Protocol)?;
    let outgoing = OutgoingRequest::new(fields);
    let method = match request.method {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        other => Method::Other(other.to_owned()),
    };
    let scheme = if request.https { Scheme::Https } else { Scheme::Http };
    let set = outgoing
        .set_method(&method)
        .and_then(|()| outgoing.set_scheme(Some(&scheme)))
        .and_then(|()| outgoing.set_authority(Some(&request.authority)))
        .and_then(|()| outgoing.set_path_with_query(Some(&request.path_with_query)));
    set.map_err(|()| TransportError::Protocol)?;
    let writing = match &request.body {
        None => None,
        Some(bytes) => {
            let body = outgoing.body().map_err(|()| TransportError::Protocol)?;
            let stream = body.write().map_err(|()| TransportError::Protocol)?;
            Some(Writing { stream, body, bytes: bytes.clone(), written: 0 })
        }
    };
    // A host may not support it; the timer holds in any case, for connecting and the rest of the body too.
    let options = RequestOptions::new();
    let _ = options.set_first_byte_timeout(Some(within));
    let response = outgoing_handler::handle(outgoing, Some(options)).map_err(|code| reason(&code))?;
    Ok((response, writing))
}

impl Writing {
    /// Write what the host takes; `None` when nothing is left to do.
    fn advance(mut self) -> Option<Self> {
        while self.written < self.bytes.len() {
            let permit = self.stream.check_write().ok()?;
            if permit == 0 {
                return Some(self);
            }
            let rest = self.bytes.get(self.written..)?;
            let take = rest.len().min(usize::try_from(permit).unwrap_or(usize::MAX));
            self.stream.write(rest.get(..take)?).ok()?;
            self.written += take;
        }
        let flushed = self.stream.flush();
        drop(self.stream);
        if flushed.is_ok() {
            let _ = OutgoingBody::finish(self.body, None);
        }
        None
    }
}

impl Reading {
    fn begin(response: &waki::bindings::wasi::http::types::IncomingResponse, cap: usize, bodiless: bool) -> Result<Self, TransportError> {
        let mut answer = HttpAnswer { status: response.status(), headers: headers(&response.headers()), body: Vec::new() };
        // A length beyond what this 32-bit guest could hold is a length beyond the cap.
        let announced = answer.header("content-length").filter(|_| !bodiless).and_then(|length| length.trim().parse::<u64>().ok());
        let expected = announced.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        if expected.is_some_and(|expected| expected > cap) {
            return Err(TransportError::TooLarge);
        }
        answer.body.reserve(expected.unwrap_or(0));
        let body = response.consume().map_err(|()| TransportError::Protocol)?;
        let stream = body.stream().map_err(|()| TransportError::Protocol)?;
        Ok(Self { stream, _body: body, answer, expected })
    }

    /// Read what is there, to the announced length or the end.
    fn advance(mut self, cap: usize) -> Stage {
        loop {
            if self.expected == Some(self.answer.body.len()) {
                return Stage::Done(Ok(self.answer));
            }
            match self.stream.read(CHUNK) {
                Ok(bytes) if bytes.is_empty() => return Stage::Reading(self),
                Ok(bytes) => {
                    if let Err(error) = append(&mut self.answer.body, &bytes, cap) {
                        return Stage::Done(Err(error));
                    }
                }
                // Not every host notices a body that ends before its announced length.
                Err(StreamError::Closed) if self.expected.is_some_and(|expected| self.answer.body.len() < expected) => {
                    return Stage::Done(Err(TransportError::Broken));
                }
                Err(StreamError::Closed) => return Stage::Done(Ok(self.answer)),
                // Headers had come, so the server is there and speaks HTTP: only the body broke off. Which of the many
                // ways it did would cost 3 kB to ask.
                Err(StreamError::LastOperationFailed(_)) => return Stage::Done(Err(TransportError::Broken)),
            }
        }
    }
}

/// Put bytes to a body, unless it becomes longer than its cap. Its memory doubles, but never beyond that.
fn append(body: &mut Vec<u8>, bytes: &[u8], cap: usize) -> Result<(), TransportError> {
    let needed = body.len() + bytes.len();
    if needed > cap {
        return Err(TransportError::TooLarge);
    }
    if needed > body.capacity() {
        body.reserve_exact((body.capacity() * 2).clamp(needed, cap) - body.len());
    }
    body.extend_from_slice(bytes);
    Ok(())
}

/// Read a stream to its end.
///
/// # Errors
/// `TooLarge` beyond the cap, `Timeout` if it does not end in time, `Broken` if it breaks off.
pub fn read_all(stream: &InputStream, length: Option<u64>, cap: usize, within: Duration) -> Result<Vec<u8>, TransportError> {
    let mut patience = Patience::new(within);
    let mut body = Vec::new();
    while length != Some(body.len() as u64) {
        match stream.read(CHUNK) {
            Ok(bytes) if bytes.is_empty() => patience.wait(&stream.subscribe())?,
            Ok(bytes) => append(&mut body, &bytes, cap)?,
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(_)) => return Err(TransportError::Broken),
        }
    }
    Ok(body)
}

/// A deadline for several waits, whose timer is made by the first of them: most bodies are there at once.
struct Patience {
    within: Duration,
    timer: Option<Pollable>,
}

impl Patience {
    fn new(within: Duration) -> Self {
        Self { within, timer: None }
    }

    fn wait(&mut self, what: &Pollable) -> Result<(), TransportError> {
        let timer = self.timer.get_or_insert_with(|| timer(self.within));
        if poll(&[what, timer]).contains(&1) { Err(TransportError::Timeout) } else { Ok(()) }
    }
}

/// Write all bytes to a stream.
///
/// # Errors
/// `Timeout` if they are not taken in time, `Broken` if nobody takes them.
pub fn write_all(stream: &OutputStream, bytes: &[u8], within: Duration) -> Result<(), TransportError> {
    let mut patience = Patience::new(within);
    let mut rest = bytes;
    while !rest.is_empty() {
        let permit = stream.check_write().map_err(|_| TransportError::Broken)?;
        let (now, later) = rest.split_at(rest.len().min(usize::try_from(permit).unwrap_or(usize::MAX)));
        if now.is_empty() {
            patience.wait(&stream.subscribe())?;
        } else {
            stream.write(now).map_err(|_| TransportError::Broken)?;
            rest = later;
        }
    }
    stream.flush().map_err(|_| TransportError::Broken)
}

fn timer(within: Duration) -> Pollable {
    monotonic_clock::subscribe_duration(u64::try_from(within.as_nanos()).unwrap_or(u64::MAX))
}

fn reason(code: &ErrorCode) -> TransportError {
    match code {
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => TransportError::Denied,
        ErrorCode::ConnectionRefused | ErrorCode::DestinationUnavailable | ErrorCode::DestinationIpUnroutable => TransportError::Refused,
        ErrorCode::DnsError(_) | ErrorCode::DnsTimeout | ErrorCode::DestinationNotFound => TransportError::Unresolved,
        ErrorCode::TlsProtocolError | ErrorCode::TlsCertificateError | ErrorCode::TlsAlertReceived(_) => TransportError::Tls,
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => TransportError::Timeout,
        ErrorCode::ConnectionTerminated | ErrorCode::HttpResponseIncomplete => TransportError::Broken,
        ErrorCode::HttpResponseBodySize(_) => TransportError::TooLarge,
        _ => TransportError::Protocol,
    }
}
