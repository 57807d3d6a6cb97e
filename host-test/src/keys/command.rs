//! A key command: what it prints, within its time.

use std::io::{ErrorKind, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process_group};

use super::{MOST, VARIABLE};
use crate::settings::environment;

/// How often a command is looked after. Most take a good part of a second.
const TICK: Duration = Duration::from_millis(10);

/// What a command prints; `origin` names it in errors. Its own text is not repeated: it may hold a token.
///
/// It is over when the shell ends, not when its stdout does: what it leaves running, as an agent, may hold that open.
///
/// # Errors
/// It cannot be run, fails, or takes too long.
pub(super) fn run(origin: &str, command: &str, patience: Duration) -> Result<Vec<u8>> {
    let mut shell = Command::new("sh");
    // stdin may be the MCP stream. A group of its own, to end with all that it started.
    shell.arg("-c").arg(command).stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
    for (name, _) in environment().filter(|(name, _)| name.as_encoded_bytes().starts_with(VARIABLE.as_bytes())) {
        shell.env_remove(name);
    }
    let mut child = shell.spawn().with_context(|| format!("cannot run {origin}"))?;
    match follow(&mut child, patience) {
        Ok(Some((status, bytes))) if status.success() || bytes.len() > MOST => Ok(bytes),
        Ok(Some((status, _))) => bail!("{origin} failed ({status}); what it said of that stands above"),
        Ok(None) => {
            bail!("{origin} took longer than {} s, and was ended; it cannot ask in the terminal: sign in before", patience.as_secs_f32())
        }
        Err(error) => Err(error).with_context(|| format!("cannot read what {origin} prints")),
    }
}

/// Wait until it ends or its time is over, reading meanwhile: a full pipe would stop it. Nothing if its time was over.
fn follow(child: &mut Child, patience: Duration) -> std::io::Result<Option<(std::process::ExitStatus, Vec<u8>)>> {
    let followed = watch(child, patience);
    if !matches!(followed, Ok(Some(_))) {
        end(child);
    }
    followed
}

fn watch(child: &mut Child, patience: Duration) -> std::io::Result<Option<(std::process::ExitStatus, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let mut stdout = child.stdout.take();
    if let Some(pipe) = &stdout {
        fcntl_setfl(pipe, OFlags::NONBLOCK)?;
    }
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        // Asked first: what it printed before its end is in the pipe then.
        let ended = child.try_wait()?;
        if let Some(pipe) = &mut stdout {
            drain(pipe, &mut bytes)?;
        }
        match ended {
            Some(status) => return Ok(Some((status, bytes))),
            // Too much already: it is not waited for.
            None if bytes.len() > MOST => {
                end(child);
                return Ok(Some((child.wait()?, bytes)));
            }
            None if tokio::time::Instant::now() >= deadline => return Ok(None),
            None => std::thread::sleep(TICK),
        }
    }
}

/// Take what is in the pipe now, up to a byte more than may be.
fn drain(pipe: &mut ChildStdout, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    let most = u64::try_from((MOST + 1).saturating_sub(bytes.len())).unwrap_or(0);
    match pipe.take(most).read_to_end(bytes) {
        Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
        _ => Ok(()),
    }
}

/// End it and what it started, unless that has left its group. Once it was waited for, its number may be another's.
fn end(child: &mut Child) {
    if let Ok(None) = child.try_wait() {
        let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
        let _ = child.wait();
    }
}
