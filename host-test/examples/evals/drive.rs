//! A driver in front of a case: a program that gets the request, reaches the server by MCP, and says a last word.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use nango_mcp_host::http::router;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use super::case::{Case, Step};
use super::judge::judge;
use super::play::request;
use super::world::{World, token_in};

/// How often people look whether there is a link for them.
const LOOK: Duration = Duration::from_millis(100);

/// Let a driver do a case. Gives what the judge says of the end.
///
/// # Errors
/// The driver does not start, fails, or is not done in time.
pub(crate) async fn drive(case: &Case, file: &Path, component: &Path, command: &str, limit: Duration) -> Result<Vec<String>> {
    let world = World::live(case, component).await?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot listen on 127.0.0.1")?;
    let address = listener.local_addr()?;
    let routes = router(world.server.clone(), world.server.access(), address).await?;
    let served = tokio::spawn(async move { axum::serve(listener, routes).await });
    let mut people = People::of(case, &world);
    let said = converse(case, file, &format!("http://{address}/mcp"), command, limit, &world, &mut people).await;
    served.abort();
    let answer = said?;
    // A link may be handed over with the last word, and is opened then.
    while people.look(&world, case)? {}
    Ok(judge(case, &world, &answer))
}

async fn converse(
    case: &Case,
    file: &Path,
    url: &str,
    command: &str,
    limit: Duration,
    world: &World,
    people: &mut People,
) -> Result<String> {
    let mut child = start(command, url, file)?;
    let mut stdin = child.stdin.take().context("the driver has a stdin")?;
    let request = request(case, world)?;
    // One that does not read it may have ended already; what it says is judged all the same.
    let _ = stdin.write_all(request.as_bytes()).await;
    drop(stdin);
    let pid = child.id();
    let mut output = std::pin::pin!(child.wait_with_output());
    let deadline = tokio::time::sleep(limit);
    tokio::pin!(deadline);
    let mut looks = tokio::time::interval(LOOK);
    let output = loop {
        tokio::select! {
            output = &mut output => break output.context("the driver cannot be waited for")?,
            _ = looks.tick() => {
                people.look(world, case)?;
            }
            () = &mut deadline => {
                end(pid).await;
                bail!("not done in {} s", limit.as_secs_f32());
            }
        }
    };
    ensure!(output.status.success(), "the driver failed ({})", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// No shell: a program and its arguments, in a process group of its own so that what it starts ends with it.
fn start(command: &str, url: &str, file: &Path) -> Result<Child> {
    let mut words = command.split_whitespace();
    let program = words.next().context("the driver is a program")?;
    let mut built = Command::new(program);
    built.args(words).env("MCP_URL", url).env("EVAL_CASE", file).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(built.as_std_mut(), 0);
    built.spawn().with_context(|| format!("cannot start {program}"))
}

/// Ends the driver's group. The driver itself dies with its handle, should this find nothing.
async fn end(pid: Option<u32>) {
    if let Some(pid) = pid {
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{pid}")]).stderr(Stdio::null()).status().await;
    }
}

/// The people and the provider: they do what they do in the right way, in that order.
struct People {
    todo: VecDeque<Step>,
    /// Links that somebody has opened, and those of the start, which are nobody's unless the case says so.
    seen: BTreeSet<String>,
}

impl People {
    fn of(case: &Case, world: &World) -> Self {
        let todo = case.right.steps.iter().filter(|step| step.call.is_none()).cloned().collect();
        let seen = world.links.values().filter_map(|link| token_in(link)).map(str::to_owned).collect();
        Self { todo, seen }
    }

    /// Do what can be done now; whether anything was.
    fn look(&mut self, world: &World, case: &Case) -> Result<bool> {
        let Some(step) = self.todo.front() else { return Ok(false) };
        let link = match &step.opens {
            None => String::new(),
            Some(of_start) if of_start.starts_with("$links.") => {
                world.links.get(of_start.trim_start_matches("$links.")).cloned().unwrap_or_default()
            }
            Some(_) => match self.new_link(world, case, step) {
                Some(token) => {
                    self.seen.insert(token.clone());
                    format!("?session_token={token}")
                }
                None => return Ok(false),
            },
        };
        let done = world.happen(step, &link);
        if step.refused.is_none() {
            done?;
        }
        self.todo.pop_front();
        Ok(true)
    }

    /// The first link that nobody has opened yet and that offers what is to be connected.
    fn new_link(&self, world: &World, case: &Case, step: &Step) -> Option<String> {
        let now = world.now(case);
        let links = now.values().flat_map(|state| state.get("links").and_then(Value::as_array).into_iter().flatten());
        let offers = |link: &Value| match link.get("allowed_integrations").and_then(Value::as_array) {
            Some(offered) => step.connects.iter().all(|wanted| offered.iter().any(|key| key == wanted)),
            None => true,
        };
        let token = |link: &Value| link.get("token").and_then(Value::as_str).map(str::to_owned);
        links.filter(|link| offers(link)).filter_map(token).find(|token| !self.seen.contains(token))
    }
}
