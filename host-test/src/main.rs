//! The command line of the host.

use std::io::{IsTerminal as _, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};
use nango_mcp::access::Access;
use nango_mcp_host::audit::Audit;
use nango_mcp_host::demo::{Embedded, PATIENCE, RATE_LIMIT, invite, tell};
use nango_mcp_host::keys::Keys;
use nango_mcp_host::limits::Limits;
use nango_mcp_host::mcp::Server;
use nango_mcp_host::monitor::Monitor;
use nango_mcp_host::nango::{self, Key, Nango, Options};
use nango_mcp_host::policy::Policy;
use nango_mcp_host::start::Loader;
use nango_mcp_host::timings::Timings;
use nango_mcp_host::{dumps, http, settings, stdio};

/// Nango's control plane as MCP tools, each call in a fresh WebAssembly sandbox.
///
/// The component may reach the origin in NANGO_BASE_URL and nothing else; it gets the NANGO_* variables of the
/// configuration table and no others; it has no files and no sockets. Configuration comes from the environment or,
/// where that has no API key, from a `.env` file in the current folder; NANGO_MCP_ENV_FILE names another. API keys may also
/// come from files of their own (--key-file) or from a secret manager's command (--key-command).
#[derive(Parser)]
#[command(
    version,
    after_help = "Try it without an account:\n  nango-mcp-host demo\n\nUse it with an MCP client (stdio):\n  NANGO_SECRET_KEY=... nango-mcp-host stdio"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// The component; by default nango-mcp.wasm beside this program, or in dist/.
    #[arg(long, global = true, value_name = "FILE", env = "NANGO_MCP_COMPONENT")]
    component: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Speak MCP on stdin and stdout, for clients that start their servers.
    Stdio {
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        watch: Watch,
        #[command(flatten)]
        limits: Limits,
    },
    /// Speak MCP over Streamable HTTP at /mcp.
    Http {
        #[command(flatten)]
        source: Source,
        /// Address and port.
        #[arg(long, default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
        /// Listen beyond loopback although nobody is asked for a token: only behind a proxy that does. Better: set
        /// NANGO_MCP_TOKEN_SHA256.
        #[arg(long)]
        unauthenticated: bool,
        /// A host name under which clients reach this server, beside localhost and the address; may be repeated.
        #[arg(long, value_name = "HOST", value_parser = host_name)]
        allowed_host: Vec<String>,
        /// What each token may do: a TOML file; docs/host.md describes it, `policy check` tries it.
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        #[command(flatten)]
        watch: Watch,
        #[command(flatten)]
        limits: Limits,
        /// Connections of clients at once; more are told so.
        #[arg(long = "limit-connections", value_name = "N", default_value_t = 512, help_heading = "Limits",
            value_parser = clap::value_parser!(u32).range(1..=65_535))]
        connections: u32,
    },
    /// Look at a policy file before it is used.
    #[command(subcommand)]
    Policy(Look),
    /// List the tools.
    Tools {
        #[command(flatten)]
        source: Source,
        /// As JSON: the array of an MCP tools/list result.
        #[arg(long)]
        json: bool,
    },
    /// Call one tool and print its result. Exit status 0, or 1 when it is an error.
    Call {
        #[command(flatten)]
        source: Source,
        /// The tool.
        name: String,
        /// Its arguments, a JSON object; `-` reads them from stdin.
        #[arg(default_value = "{}")]
        arguments: String,
    },
    /// Print a fresh token for the HTTP endpoint, and the digest by which the server knows it.
    Token,
    /// Connect an account, break it and repair it, against the embedded Nango.
    Demo,
    /// Serve the embedded Nango alone, for trying clients out: in memory, with sample integrations.
    Nango {
        /// Address and port.
        #[arg(long, default_value = "127.0.0.1:3003")]
        listen: SocketAddr,
        /// The API key it accepts; a fresh one is printed without it.
        #[arg(long, value_name = "UUID")]
        key: Option<uuid::Uuid>,
        /// Requests a minute for the whole account, as Nango counts them.
        #[arg(long, default_value_t = RATE_LIMIT)]
        rate_limit: u32,
        /// Synthetic providers beside the few of the catalogue; 1000 make it as large as Nango's.
        #[arg(long, value_name = "N", default_value_t = 0)]
        catalogue: usize,
        /// Connections of the integration github to begin with, one in ten broken.
        #[arg(long, value_name = "N", default_value_t = 0)]
        connections: usize,
    },
}

#[derive(Subcommand)]
enum Look {
    /// Say what each principal may do with the configuration as it is, or why it cannot hold. Exit status 0 or 2.
    Check {
        /// The policy file.
        file: PathBuf,
        #[command(flatten)]
        keys: Keys,
    },
}

/// What the operator sees of what happens.
#[derive(Args, Clone)]
struct Watch {
    /// Append a line of JSON for every call and every denied request: who, which tool, how it ended; no arguments.
    /// `-` is stderr. SIGHUP opens the file anew.
    #[arg(long, value_name = "FILE")]
    audit_log: Option<String>,
    /// Measure where the time of calls goes, by phase, and print the table on stderr in the end.
    #[arg(long)]
    timings: bool,
}

/// Which Nango answers, and by which keys.
#[derive(Args, Clone, Default)]
struct Source {
    /// Use the embedded Nango instead of the configured one; results say so.
    #[arg(long, conflicts_with_all = ["key_file", "key_command"])]
    demo: bool,
    #[command(flatten)]
    keys: Keys,
}

/// What is logged unless RUST_LOG says otherwise. rmcp would log ids as clients wrote them, line feeds included.
const FILTER: &str = "warn,rmcp=off,nango_mcp_host=info";

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| FILTER.into()))
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .with_target(false)
        // A log that cannot be written must not end a call: to say so on stderr, which is the log, would panic.
        .log_internal_errors(false)
        .init();
    if let Err(error) = dumps::forbid() {
        tracing::warn!("core dumps could not be forbidden, and one would hold the API key: {error}");
    }
    let run = || -> Result<ExitCode> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
        let code = runtime.block_on(run(Cli::parse()))?;
        // A blocked read of stdin would hold a graceful shutdown for ever.
        runtime.shutdown_background();
        Ok(code)
    };
    run().unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "nango-mcp-host: {error:#}");
        ExitCode::from(2)
    })
}

async fn run(cli: Cli) -> Result<ExitCode> {
    let component = cli.component.as_deref();
    let mut out = std::io::stdout();
    match cli.command {
        Command::Stdio { source, watch, limits } => {
            let (loader, _embedded) = prepare(component, &source, limits).await?;
            let loader = watch.over(loader)?;
            let monitor = loader.monitor.clone();
            let served = stdio::serve(Arc::new(loader)).await;
            Watch::end(&monitor);
            served?;
        }
        Command::Http { source, listen, unauthenticated, allowed_host, policy, watch, limits, connections } => {
            let (loader, _embedded) = prepare(component, &source, limits).await?;
            let mut loader = watch.over(loader)?;
            loader.policy = policy;
            let (monitor, connections) = (loader.monitor.clone(), usize::try_from(connections)?);
            let served = http::serve(Arc::new(loader), http::Endpoint { listen, unauthenticated, hosts: allowed_host, connections }).await;
            Watch::end(&monitor);
            served?;
        }
        Command::Policy(Look::Check { file, keys }) => check(&file, &keys, &mut out)?,
        Command::Tools { source, json } => {
            let (server, _embedded) = start(component, &source).await?;
            if json {
                writeln!(out, "{}", serde_json::to_string_pretty(&server.tools())?)?;
            } else {
                for tool in server.tools() {
                    let description = tool.description.as_deref().unwrap_or_default();
                    let first = description.split_once(". ").map_or(description, |(first, _)| first);
                    writeln!(out, "{:<32} {}", tool.name, first.trim_end_matches('.'))?;
                }
            }
        }
        Command::Call { source, name, arguments } => return call(component, &source, &name, arguments).await,
        Command::Token => {
            let token = fresh_token();
            let digest = nango_mcp::access::digest(&token);
            writeln!(
                out,
                "token   {token}\ndigest  {digest}\n\nThe server is given the digest, NANGO_MCP_TOKEN_SHA256={digest};\n\
                 its clients the token, as the header `Authorization: Bearer <token>`. It is shown this once."
            )?;
        }
        Command::Demo => {
            let (server, embedded) = start(component, &Source { demo: true, ..Source::default() }).await?;
            if let Some(embedded) = embedded {
                tell(&server, &embedded, &mut out).await?;
                let watched = std::io::stdin().is_terminal() && out.is_terminal();
                invite(&server, &mut out, watched, PATIENCE).await?;
            }
        }
        Command::Nango { listen, key, rate_limit, catalogue, connections } => {
            let key = key.unwrap_or_else(uuid::Uuid::new_v4).to_string();
            let options = Options { keys: vec![Key::full(key.as_str(), "default")], rate_limit, catalogue, ..Options::default() };
            serve_nango(listen, options, connections, &key, &mut out).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// 244 random bits, from the system's generator.
fn fresh_token() -> String {
    format!("nmcp_{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}

/// Serve the embedded Nango alone until Ctrl-C.
async fn serve_nango(listen: SocketAddr, options: Options, connections: usize, key: &str, out: &mut impl Write) -> Result<()> {
    let listener = tokio::net::TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let address = listener.local_addr()?;
    let nango = Nango::new(options);
    nango.seed("default");
    nango.seed_connections("default", "github", connections);
    let say = format!(
        "The embedded Nango listens. Point a server at it with\n\n  NANGO_BASE_URL=http://{address} NANGO_SECRET_KEY={key}\n\n\
         It keeps everything in memory. Ctrl-C ends it.\n"
    );
    // Whoever started it may have read what it wanted and closed the pipe.
    let _ = out.write_all(say.as_bytes());
    tokio::select! {
        served = nango::serve(listener, nango) => served.context("the embedded Nango stopped"),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}

impl Watch {
    /// Have what happens to its servers written down.
    fn over(&self, mut loader: Loader) -> Result<Loader> {
        let audit = self.audit_log.as_deref().map(Audit::to).transpose()?.unwrap_or_default();
        let timings = self.timings.then(Timings::default);
        loader.monitor = Arc::new(Monitor { audit, timings, ..Monitor::default() });
        Ok(loader)
    }

    /// What there is to say in the end.
    fn end(monitor: &Monitor) {
        if let Some(timings) = &monitor.timings {
            let _ = timings.tell(&mut std::io::stderr());
        }
    }
}

/// A name as NANGO_MCP_ALLOWED_HOSTS has several.
fn host_name(name: &str) -> Result<String, String> {
    let one = [("NANGO_MCP_ALLOWED_HOSTS".to_owned(), name.to_owned())];
    match Access::from_vars(&one) {
        Ok(_) if !name.trim().is_empty() && !name.contains(',') => Ok(name.to_owned()),
        _ => Err("a host name, such as mcp.example.com, with or without a port".to_owned()),
    }
}

/// Say what a policy comes to.
fn check(file: &std::path::Path, keys: &Keys, out: &mut impl Write) -> Result<()> {
    let vars = settings::variables(keys, None)?;
    let config = settings::grant(&vars)?.config;
    let principals = Policy::read(file)?.principals(&vars, &config, Limits::default());
    for principal in principals.with_context(|| format!("policy {}", file.display()))? {
        let config = &principal.grant.config;
        let rate = match principal.limits.rate {
            0 => "any number of calls".to_owned(),
            rate => format!("{rate} calls a minute"),
        };
        let may = if config.read_only { "reads" } else { "reads and writes" };
        writeln!(
            out,
            "{}: {may} in {}; tools: {}; {rate}; tokens: {}",
            principal.name,
            config.names(),
            config.offered().count(),
            principal.digests.len()
        )?;
    }
    Ok(())
}

/// Load the component and ask it for its tools.
async fn start(component: Option<&std::path::Path>, source: &Source) -> Result<(Server, Option<Embedded>)> {
    let (loader, embedded) = prepare(component, source, Limits::default()).await?;
    Ok((loader.server().await?, embedded))
}

/// What a server is to be made from, and the embedded Nango, where that is to answer.
async fn prepare(component: Option<&std::path::Path>, source: &Source, limits: Limits) -> Result<(Loader, Option<Embedded>)> {
    let component = settings::component(component)?;
    let embedded = match source.demo {
        true => Some(Embedded::start(([127, 0, 0, 1], 0).into(), uuid::Uuid::new_v4().to_string(), RATE_LIMIT).await?),
        false => None,
    };
    let mut loader = Loader::new(component, limits);
    loader.keys = source.keys.clone();
    loader.demo = embedded.as_ref().map(Embedded::vars);
    Ok((loader, embedded))
}

/// The structured result goes to stdout; of an error its sentence goes to stderr and its JSON to stdout.
async fn call(component: Option<&std::path::Path>, source: &Source, name: &str, arguments: String) -> Result<ExitCode> {
    let arguments = match arguments.as_str() {
        "-" => std::io::read_to_string(std::io::stdin()).context("cannot read the arguments from stdin")?,
        _ => arguments,
    };
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    let (server, _embedded) = match start(component, source).await {
        Ok(started) => started,
        Err(error) => {
            writeln!(err, "nango-mcp-host: {error:#}")?;
            return Ok(ExitCode::FAILURE);
        }
    };
    if source.demo {
        writeln!(err, "(the embedded Nango answers)")?;
    }
    let result = match server.call(name, &arguments).await {
        Ok(result) => result,
        Err(error) => {
            writeln!(err, "{}", error.message)?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut texts = result.content.iter().filter_map(|block| block.as_text()).map(|text| text.text.as_str());
    if result.is_error == Some(true) {
        writeln!(err, "{}", texts.next().unwrap_or_default())?;
        texts.try_for_each(|text| writeln!(out, "{text}"))?;
        return Ok(ExitCode::FAILURE);
    }
    match &result.structured_content {
        Some(structured) => writeln!(out, "{}", serde_json::to_string_pretty(structured)?)?,
        None => texts.try_for_each(|text| writeln!(out, "{text}"))?,
    }
    Ok(ExitCode::SUCCESS)
}
