//! The end of the demo, with somebody and with nobody in front of it.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nango_mcp_host::demo::{PATIENCE, invite};
use nango_mcp_host::limits::Limits;
use nango_mcp_host::mcp::Server;

use super::super::bench::{embedded, sandbox};
use super::Bench;

/// What was printed so far, for whoever reads along.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Screen {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The token of the link, once it is there.
    async fn token(&self) -> String {
        for _ in 0..1000 {
            if let Some((_, rest)) = self.text().split_once("?session_token=") {
                return rest.split('&').next().unwrap().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no link in {}", self.text());
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn start() -> (Server, Bench) {
    let nango = embedded().await;
    let server = Server::start(sandbox(&nango.vars(), Limits::default()), true).await.unwrap();
    (server, Bench { nango, clock: nango_mcp_host::nango::Clock::system() })
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_gets_a_link_and_their_click_ends_it() {
    let (server, bench) = start().await;
    let screen = Screen::default();
    let mut out = screen.clone();
    let clicking = async {
        let token = screen.token().await;
        assert!(screen.text().contains("Open this in a browser and press Connect"), "{}", screen.text());
        // A first try may fail: the demo goes on waiting.
        bench.follow(&token, "fail", "slack").await;
        assert!(!screen.text().contains("click"), "{}", screen.text());
        assert_eq!(bench.follow(&token, "connect", "slack").await.heading(), "Done");
    };
    let (ended, ()) = tokio::join!(invite(&server, &mut out, true, Duration::from_secs(60)), clicking);
    ended.unwrap();
    let said = screen.text();
    let id = bench.connections().await[0]["connection_id"].as_str().unwrap().to_owned();
    assert!(said.contains(" UTC; Ctrl-C ends.") && said.contains(&id) && said.contains("That was your click"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_not_wait_for_ever() {
    let (server, bench) = start().await;
    let mut screen = Screen::default();
    invite(&server, &mut screen, true, Duration::from_millis(200)).await.unwrap();
    assert!(screen.text().contains("Nobody pressed Connect"), "{}", screen.text());
    assert_eq!((bench.connections().await.len(), PATIENCE), (0, Duration::from_secs(300)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_in_one_line_how_to_see_it() {
    let (server, bench) = start().await;
    let mut screen = Screen::default();
    invite(&server, &mut screen, false, PATIENCE).await.unwrap();
    let said = screen.text();
    assert_eq!((said.lines().count(), bench.nango.nango.sessions()), (1, 0), "{said}");
    assert!(said.contains("nango-mcp-host nango"), "{said}");
}
