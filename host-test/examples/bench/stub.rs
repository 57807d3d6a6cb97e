//! A Nango that costs nothing: it answers with what the embedded one answered once, from one thread.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::Write as _;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use crate::host::{KEY, Listening, prefixed};

/// What is asked for in the measured calls: method, path, body.
pub(crate) const ASKED: [(&str, &str, &str); 4] = [
    ("GET", "/integrations", ""),
    ("POST", "/connect/sessions", r#"{"tags":{"end_user_id":"u1"},"allowed_integrations":["github"]}"#),
    ("GET", "/connections?limit=201&page=0", ""),
    ("GET", "/providers", ""),
];

/// Start one as a process of its own.
pub(crate) fn start(prefix: &[&str]) -> Result<Listening> {
    let mut command: Command = prefixed(prefix, &std::env::current_exe()?);
    command.arg("--stub");
    Listening::start(command)
}

type Answers = HashMap<(String, String), (u16, Bytes)>;

/// Be one.
pub(crate) async fn serve() -> Result<()> {
    let answers = Arc::new(learn().await?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "http://{}", listener.local_addr()?)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answers = answers.clone();
        let service = service_fn(move |request| answer(answers.clone(), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn learn() -> Result<Answers> {
    let nango = Listening::nango()?;
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let mut answers = HashMap::new();
    for (method, path, body) in ASKED {
        let request = Request::builder().method(method).uri(format!("{}{path}", nango.base));
        let request = request.header("authorization", format!("Bearer {KEY}")).header("content-type", "application/json");
        let answer = client.request(request.body(Full::from(body))?).await?;
        let status = answer.status();
        ensure!(status.is_success(), "{method} {path}: {status}");
        let name = path.split('?').next().context("a path")?;
        answers.insert((method.to_owned(), name.to_owned()), (status.as_u16(), answer.into_body().collect().await?.to_bytes()));
    }
    Ok(answers)
}

async fn answer(answers: Arc<Answers>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let key = (request.method().as_str().to_owned(), request.uri().path().to_owned());
    // To its end, or the connection could not be used again.
    let _ = request.into_body().collect().await;
    let (status, body) = answers.get(&key).cloned().unwrap_or((404, Bytes::from_static(b"{}")));
    let built = Response::builder().status(status).header("content-type", "application/json").body(Full::from(body));
    Ok(built.unwrap_or_default())
}
