//! Messages as lines on two streams (MCP, basic/transports, stdio), for rmcp: what is no message is answered here.

use std::io;
use std::sync::Arc;

use nango_mcp::endpoint::MAX_BODY;
use rmcp::RoleServer;
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;

use crate::monitor::Monitor;
use crate::timings::Phase;
use crate::unanswered::{Unanswered, answered};
use crate::wire::{id_in_use, malformed, refusal, too_long};

/// Both streams.
pub(crate) struct Lines<R, W> {
    input: BufReader<R>,
    /// What there is of the next line: rmcp drops a read when there is something to send, and comes again.
    line: Vec<u8>,
    /// Whether the line was too long, so that the rest of it is thrown away.
    skipping: bool,
    /// No more messages are taken once this is given notice.
    stop: Arc<Notify>,
    unanswered: Arc<Unanswered>,
    output: Output<W>,
}

/// The stream of answers. Whole lines are written to it, one after the other.
struct Output<W> {
    stream: Arc<Mutex<W>>,
    monitor: Arc<Monitor>,
}

impl<W> Clone for Output<W> {
    fn clone(&self) -> Self {
        Self { stream: self.stream.clone(), monitor: self.monitor.clone() }
    }
}

impl<W: AsyncWrite + Send + Unpin + 'static> Output<W> {
    async fn write(self, message: impl serde::Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(&message)?;
        line.push(b'\n');
        {
            let mut stream = self.stream.lock().await;
            stream.write_all(&line).await?;
            stream.flush().await?;
        }
        if let Some(timings) = &self.monitor.timings {
            timings.written(Instant::now(), &line);
        }
        Ok(())
    }
}

impl<R: AsyncRead + Send + Unpin, W> Lines<R, W> {
    pub(crate) fn new(input: R, output: W, monitor: Arc<Monitor>, stop: Arc<Notify>) -> Self {
        let output = Output { stream: Arc::new(Mutex::new(output)), monitor };
        Self { input: BufReader::new(input), line: Vec::new(), skipping: false, stop, unanswered: Arc::default(), output }
    }

    /// Read up to the end of a line, which is then in `self.line`, or nothing if it is longer than a message may be.
    /// The end of the stream ends the last line; `false` when there is no other. Whoever drops this loses nothing.
    async fn read(&mut self) -> io::Result<bool> {
        loop {
            let available = self.input.fill_buf().await?;
            if available.is_empty() {
                return Ok(self.skipping || !self.line.is_empty());
            }
            let (part, ends) = match available.iter().position(|byte| *byte == b'\n') {
                Some(end) => (available.get(..end).unwrap_or_default(), true),
                None => (available, false),
            };
            let taken = part.len() + usize::from(ends);
            if self.line.len() + part.len() > MAX_BODY {
                self.skipping = true;
                self.line = Vec::new();
            }
            if !self.skipping {
                self.line.extend_from_slice(part);
            }
            self.input.consume(taken);
            if ends {
                return Ok(true);
            }
        }
    }
}

impl<R, W> Transport<RoleServer> for Lines<R, W>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    type Error = io::Error;

    fn send(&mut self, message: TxJsonRpcMessage<RoleServer>) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let (output, unanswered, stop) = (self.output.clone(), self.unanswered.clone(), self.stop.clone());
        let answers = unanswered.answers(answered(&message).as_ref());
        async move {
            let written = output.write(message).await;
            if answers {
                unanswered.written();
            }
            if written.is_err() {
                // Nobody hears what is done any longer: nothing more is begun.
                stop.notify_one();
            }
            written
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let (stop, unanswered) = (self.stop.clone(), self.unanswered.clone());
            let read = tokio::select! {
                read = async { unanswered.room().await; self.read().await } => read,
                () = stop.notified() => return None,
            };
            match read {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    tracing::error!("cannot read from the client: {error}");
                    return None;
                }
            }
            let line = std::mem::take(&mut self.line);
            let message = line.trim_ascii();
            let answer = if std::mem::take(&mut self.skipping) {
                Some(too_long())
            } else if message.is_empty() {
                None
            } else {
                let timeline = self.output.monitor.timings.as_ref().and_then(|timings| timings.arrived(message));
                let read = serde_json::from_slice(message);
                if let Some(timeline) = timeline {
                    timeline.lap(Phase::Accept);
                }
                match read {
                    Ok(message) if self.unanswered.take(&message) => return Some(message),
                    Ok(_) => Some(id_in_use()),
                    Err(_) => refusal(message).or_else(|| malformed(message)),
                }
            };
            if let Some(answer) = answer {
                // A task of its own, because rmcp may drop this in the middle of the line.
                let _ = tokio::spawn(self.output.clone().write(answer)).await;
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.output.stream.lock().await.flush().await
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::JsonRpcMessage;
    use serde_json::{Value, json};

    use super::*;

    /// What becomes of an input: how many messages, and which answers.
    async fn played(input: Vec<u8>) -> (usize, Vec<Value>) {
        let mut lines = Lines::new(io::Cursor::new(input), Vec::new(), Arc::default(), Arc::default());
        let mut messages = 0;
        while let Some(message) = lines.receive().await {
            let JsonRpcMessage::Request(request) = message else { panic!("{message:?}") };
            lines.unanswered.answers(Some(&request.id));
            messages += 1;
        }
        let output = lines.output.stream.lock().await;
        (messages, output.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }

    #[tokio::test]
    async fn messages_pass_and_the_rest_is_answered_once() {
        let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        let input =
            [ping, "", "  ", "{bad", "[]", r#"{"jsonrpc":"2.0","id":"x","method":7}"#, r#"{"jsonrpc":"2.0","method":7}"#, ping, "{"];
        let (messages, answers) = played(input.join("\n").into_bytes()).await;
        assert_eq!(messages, 2);
        let seen: Vec<_> = answers.iter().map(|answer| (answer["error"]["code"].as_i64().unwrap(), answer["id"].clone())).collect();
        let null = Value::Null;
        assert_eq!(seen, [(-32700, null.clone()), (-32600, null.clone()), (-32600, json!("x")), (-32600, null.clone()), (-32700, null)]);
    }

    #[tokio::test]
    async fn the_last_line_needs_no_end() {
        let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        assert_eq!(played(ping.into()).await, (1, Vec::new()));
        assert_eq!(played(format!("{ping}\n{ping}").into()).await, (2, Vec::new()));
    }

    #[tokio::test]
    async fn an_id_that_none_may_be_is_told() {
        let of = |id: &str| format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\"}}\n").into_bytes();
        for id in ["1.5", "9223372036854775808", "true", "{}"] {
            let (messages, answers) = played(of(id)).await;
            assert_eq!((messages, answers.len()), (0, 1), "{id}");
            assert_eq!(
                (&answers[0]["id"], &answers[0]["error"]["message"]),
                (&Value::Null, &json!("`id` is a text or an integer")),
                "{id}"
            );
        }
        assert_eq!(played(of("9223372036854775807")).await, (1, Vec::new()));
    }

    #[tokio::test]
    async fn a_line_without_end_takes_no_memory() {
        let ping = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        let long = vec![b'x'; 3 * MAX_BODY];
        let (messages, answers) = played([ping.as_slice(), b"\n", &long, b"\n", ping, b"\n"].concat()).await;
        assert_eq!((messages, answers.len()), (2, 1), "{answers:?}");
        assert!(answers[0]["error"]["message"].as_str().unwrap().contains("4 MiB"), "{answers:?}");
        let mut lines = Lines::new(io::Cursor::new(long), Vec::new(), Arc::default(), Arc::default());
        assert!(lines.receive().await.is_none());
        assert!(lines.line.capacity() <= MAX_BODY, "{}", lines.line.capacity());
    }

    #[tokio::test]
    async fn a_read_that_is_dropped_is_gone_on_with() {
        let (mut client, server) = tokio::io::duplex(64);
        let mut lines = Lines::new(server, Vec::new(), Arc::default(), Arc::default());
        for part in [r#"{"jsonrpc":"2.0","#, r#""id":1,"meth"#, "od\":\"ping\"}\n"] {
            assert!(tokio::time::timeout(std::time::Duration::from_millis(20), lines.receive()).await.is_err());
            client.write_all(part.as_bytes()).await.unwrap();
        }
        assert!(lines.receive().await.is_some());
    }

    #[tokio::test]
    async fn a_client_that_reads_nothing_is_not_read_from_for_ever() {
        let ping = |id: usize| format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\"}}\n");
        let input: String = (0..2000).map(ping).collect();
        let mut lines = Lines::new(io::Cursor::new(input), Vec::new(), Arc::default(), Arc::default());
        let mut taken = Vec::new();
        while let Ok(message) = tokio::time::timeout(std::time::Duration::from_millis(50), lines.receive()).await {
            let Some(JsonRpcMessage::Request(request)) = message else { panic!("{message:?}") };
            taken.push(request.id);
        }
        assert_eq!(taken.len(), 1024);
        let answer = TxJsonRpcMessage::<RoleServer>::error(rmcp::ErrorData::internal_error("x", None), taken.pop());
        lines.send(answer).await.unwrap();
        assert!(lines.receive().await.is_some(), "one is answered, one more is taken");
    }

    #[tokio::test]
    async fn an_id_is_of_one_request_until_it_is_answered_or_cancelled() {
        let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        let cancelled = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
        let input = [ping, ping, cancelled, ping, ""].join("\n").into_bytes();
        let mut lines = Lines::new(io::Cursor::new(input), Vec::new(), Arc::default(), Arc::default());
        let mut passed = 0;
        while lines.receive().await.is_some() {
            passed += 1;
        }
        assert_eq!(passed, 3);
        let output = String::from_utf8(lines.output.stream.lock().await.clone()).unwrap();
        let answer: Value = serde_json::from_str(&output).unwrap();
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32600), &Value::Null), "{answer}");
    }

    #[tokio::test]
    async fn an_id_is_free_as_soon_as_its_answer_can_be_read() {
        let ping = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n";
        // Of the answer the client can read all but the end, and the write is not over.
        let (_client, output) = tokio::io::duplex(16);
        let mut lines = Lines::new(io::Cursor::new(ping.repeat(2)), output, Arc::default(), Arc::default());
        let Some(JsonRpcMessage::Request(first)) = lines.receive().await else { panic!("a request") };
        let answer = TxJsonRpcMessage::<RoleServer>::error(rmcp::ErrorData::internal_error("x", None), Some(first.id));
        let writing = tokio::spawn(lines.send(answer));
        tokio::task::yield_now().await;
        assert!(!writing.is_finished());
        let next = tokio::time::timeout(std::time::Duration::from_secs(5), lines.receive()).await.expect("it is refused");
        assert!(matches!(next, Some(JsonRpcMessage::Request(_))));
        assert_eq!(lines.unanswered.counted(), 2, "both are in memory");
        writing.abort();
    }
}
