//! Everyday requests to the server, each played the right way and two wrong ways, and judged by what they leave behind.
//!
//! Run it with `make evals`; `evals/README.md` says how a case is written. With `--driver COMMAND` a program takes the
//! operator's place: it gets the request on stdin, the server's address in `MCP_URL`, and its stdout is the answer.

#[path = "evals/mod.rs"]
mod harness;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;

use harness::case::{Case, load_all};
use harness::drive::drive;
use harness::{file, run};
use nango_mcp::tools::TOOLS;

/// Play and judge the cases in evals/cases, or let a driver do them.
#[derive(Parser)]
struct Cli {
    /// Only these cases, by name or the number it begins with; commas between several.
    #[arg(long, value_delimiter = ',', value_name = "CASE")]
    only: Vec<String>,
    /// Tell every call, its answer and what the judge says.
    #[arg(long)]
    tell: bool,
    /// A program that does each case in place of the operator. No shell: the program and its arguments, blanks between.
    #[arg(long, value_name = "COMMAND")]
    driver: Option<String>,
    /// How long a driver may take for one case.
    #[arg(long, default_value_t = 120, value_name = "N")]
    seconds: u64,
    /// Where the cases are.
    #[arg(long, value_name = "FOLDER")]
    cases: Option<PathBuf>,
    /// The component under test; by default dist/nango-mcp.wasm.
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(evaluate(&cli))
}

async fn evaluate(cli: &Cli) -> Result<ExitCode> {
    let folder = cli.cases.clone().unwrap_or_else(|| file("evals/cases"));
    let component = cli.component.clone().unwrap_or_else(|| file("dist/nango-mcp.wasm"));
    ensure!(component.is_file(), "{} is not built: make build", component.display());
    let mut cases = load_all(&folder)?;
    for wanted in &cli.only {
        ensure!(cases.iter().any(|case| is(case, wanted)), "there is no case {wanted}");
    }
    cases.retain(|case| cli.only.is_empty() || cli.only.iter().any(|wanted| is(case, wanted)));
    match &cli.driver {
        Some(command) => driven(cli, &cases, &folder, &component, command).await,
        None => played(cli, &cases, &component).await,
    }
}

fn is(case: &Case, wanted: &str) -> bool {
    case.name == wanted || case.name.split_once('-').is_some_and(|(number, _)| number == wanted)
}

async fn played(cli: &Cli, cases: &[Case], component: &Path) -> Result<ExitCode> {
    let (mut right, mut wrong, mut failed) = (0, 0, false);
    let mut tools = BTreeSet::new();
    for case in cases {
        let verdict = run(case, component).await;
        let caught = verdict.wrong.iter().filter(|missed| missed.is_none()).count();
        let passes = verdict.right.is_empty();
        right += usize::from(passes);
        wrong += caught;
        failed |= !passes || caught < verdict.wrong.len();
        let state = if passes { "passes" } else { "FAILS" };
        let plural = if caught == 1 { "way fails" } else { "ways fail" };
        say(&format!("{:<36} right way {state}, {caught} wrong {plural}", case.name))?;
        for sentence in &verdict.right {
            say(&format!("    the right way: {sentence}"))?;
        }
        for (at, missed) in verdict.wrong.iter().enumerate() {
            if let Some(missed) = missed {
                say(&format!("    wrong way {} passes, or fails for another reason: {missed}", at + 1))?;
            }
        }
        if cli.tell {
            say(&format!("\n{}", verdict.told))?;
        }
        tools.extend(verdict.tools);
    }
    say(&format!("the right ways use {} of {} tools", tools.len(), TOOLS.len()))?;
    say(&format!("evals: {right} right ways pass, {wrong} wrong ways fail"))?;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn driven(cli: &Cli, cases: &[Case], folder: &Path, component: &Path, command: &str) -> Result<ExitCode> {
    let mut passed = 0;
    for case in cases {
        let begun = tokio::time::Instant::now();
        let path = folder.join(format!("{}.toml", case.name));
        let path = path.canonicalize().with_context(|| format!("cannot find {}", path.display()))?;
        let wrong = match drive(case, &path, component, command, Duration::from_secs(cli.seconds)).await {
            Ok(wrong) => wrong,
            Err(error) => vec![format!("{error:#}")],
        };
        passed += usize::from(wrong.is_empty());
        let state = if wrong.is_empty() { "passes" } else { "FAILS" };
        say(&format!("{:<36} driver {state} in {:.1} s", case.name, begun.elapsed().as_secs_f64()))?;
        for sentence in wrong {
            say(&format!("    {sentence}"))?;
        }
    }
    say(&format!("driver: {passed} of {} cases pass", cases.len()))?;
    Ok(if passed == cases.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
