//! The component as an HTTP server: one request in, one response out, on waki's `wasi:http` bindings.
//!
//! Nothing here may trap: a client that goes away in the middle is no fault of the server's. What is said to whom is
//! decided in `nango_mcp::endpoint`.

use nango_mcp::access::Access;
use nango_mcp::endpoint::{Head, MAX_BODY, PATIENCE, Response, answer, gate};
use nango_mcp::transport::TransportError;
use nango_mcp::wasi_http::{WasiHttp, headers, read_all, write_all};
use waki::bindings::exports::wasi::http::incoming_handler::Guest;
use waki::bindings::wasi::http::types::{Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam};

impl Guest for super::Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let vars = nango_mcp_base::variables();
        let (access, config) = (Access::from_vars(&vars), super::configuration(vars));
        let head = head(&request);
        let response = gate(&access, config.is_ok(), &head).unwrap_or_else(|| match body(&request, head.length()) {
            Ok(body) => answer(&config, &WasiHttp, &head, &body),
            Err(TransportError::TooLarge) => Response::too_large(),
            Err(TransportError::Timeout) => Response::too_slow(),
            Err(_) => Response::cut_off(),
        });
        respond(&response, head.method == "HEAD", out);
    }
}

fn head(request: &IncomingRequest) -> Head {
    let method = match request.method() {
        Method::Get => "GET".to_owned(),
        Method::Head => "HEAD".to_owned(),
        Method::Post => "POST".to_owned(),
        // Which of the others it is makes no difference.
        _ => String::new(),
    };
    let target = request.path_with_query().unwrap_or_default();
    Head { method, target, authority: request.authority(), headers: headers(&request.headers()) }
}

fn body(request: &IncomingRequest, length: Option<u64>) -> Result<Vec<u8>, TransportError> {
    let body = request.consume().map_err(|()| TransportError::Protocol)?;
    let stream = body.stream().map_err(|()| TransportError::Protocol)?;
    read_all(&stream, length, MAX_BODY, PATIENCE)
}

fn respond(response: &Response, bodiless: bool, out: ResponseOutparam) {
    // The body that HEAD leaves out has a length, but hosts hold an announced length against what is written.
    let (body, length) =
        if bodiless { ("", None) } else { (response.body.as_str(), Some(("content-length", response.body.len().to_string()))) };
    let headers = response.headers.iter().chain(&length).map(|(name, value)| ((*name).to_owned(), value.clone().into_bytes()));
    let headers: Vec<(String, Vec<u8>)> = headers.collect();
    // A host may keep a header to itself: then it gets those that it takes.
    let fields = Fields::from_list(&headers).unwrap_or_else(|_| {
        let fields = Fields::new();
        for (name, value) in &headers {
            let _ = fields.append(name, value);
        }
        fields
    });
    let outgoing = OutgoingResponse::new(fields);
    // It is 200 from the beginning.
    if response.status != 200 {
        let _ = outgoing.set_status_code(response.status);
    }
    let taken = outgoing.body();
    ResponseOutparam::set(out, Ok(outgoing));
    let Ok(taken) = taken else { return };
    let Ok(stream) = taken.write() else { return };
    let written = write_all(&stream, body.as_bytes(), PATIENCE);
    drop(stream);
    if written.is_ok() {
        let _ = OutgoingBody::finish(taken, None);
    }
}
