//! The sandbox: a component compiled once, and a fresh instance of it for every call.
//!
//! A call ends in one of three ways: the guest returns, the guest traps, or its time is over. Waiting inside the
//! host is cut by a tokio timeout; computing in the guest is cut too, because the epoch makes it yield every tick.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result, anyhow};
use wasmtime::component::{Component, InstancePre, Linker, ResourceTable};
use wasmtime::{
    Cache, CacheConfig, Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store, UpdateDeadline, WasmCoreDump,
};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::egress::{Egress, Pool, Watcher};
use crate::fault::Fault;
use crate::limits::{Guard, Limits, Refused};
use crate::monitor::Monitor;
use crate::outcome::{mask, weight};
use crate::places::{self, Places};
use crate::settings::Grant;
use crate::timings::{self, Phase};

#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated; wit/nango-mcp.wit documents it")]
mod bindings {
    wasmtime::component::bindgen!({ path: "../wit", world: "nango-mcp", exports: { default: async } });
}

pub use bindings::exports::nango::mcp::tools as wit;

/// How often a computing guest yields to the host.
const TICK: std::time::Duration = std::time::Duration::from_millis(100);

/// What a call wrote to, up to so much, is cleared in place of being given back to the system (PAGEMAP_SCAN, Linux 6.7). Giving back
/// interrupts the other cores, so that two workers are slower than one. A call of create_connect_session writes to 100 kB;
/// all 64 places together keep 16 MiB at the most, which the host's RSS allows for (docs/performance.md).
const MEMORY_KEPT: usize = 256 * 1024;

/// The same for its tables; the component's has a few hundred entries of 8 bytes.
const TABLES_KEPT: usize = 16 * 1024;

/// What the guest writes to stderr is kept up to here; it is for the log.
const STDERR: usize = 16 * 1024;

/// A compiled component with what it is granted.
#[derive(Clone)]
pub struct Sandbox {
    pre: bindings::NangoMcpPre<State>,
    pub(crate) grant: Arc<Grant>,
    limits: Limits,
    pool: Pool,
    places: Arc<Places>,
    /// Those of this principal, where it may not have all.
    own_places: Option<Arc<Places>>,
    watcher: Watcher,
    peak: Arc<AtomicUsize>,
}

/// A call for nobody who could be asked.
pub fn plain(name: &str, arguments: &str) -> wit::Call {
    let (name, arguments) = (name.to_owned(), arguments.to_owned());
    wit::Call { name, arguments, client: wit::ClientFeatures::empty(), answers: Vec::new(), state: None }
}

/// The state of one call.
pub(crate) struct State {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    egress: Egress,
    guard: Guard,
    stderr: MemoryOutputPipe,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.egress, table: &mut self.table, ctx: &mut self.http }
    }
}

impl Sandbox {
    /// Compile a component, or take its machine code from the cache, and link it.
    ///
    /// # Errors
    /// The file is no component, does not export `nango:mcp/tools`, or imports what this host does not give: it has
    /// no filesystem and no sockets to link.
    pub fn load(component: &Path, grant: Grant, limits: Limits) -> Result<Self> {
        let pool = Pool::of(&grant.origin);
        pool.warm();
        let engine = engine(&limits)?;
        let text = || format!("cannot load the component {}", component.display());
        let component = Component::from_file(&engine, component).map_err(broken).with_context(text)?;
        let mut linker = Linker::new(&engine);
        link(&mut linker).map_err(broken).context("cannot link WASI")?;
        let pre = linker.instantiate_pre(&component).and_then(bindings::NangoMcpPre::new).map_err(broken).with_context(text)?;
        keep_time(&engine)?;
        let places = Arc::new(Places::new(limits.calls, limits.queue));
        let watcher = Watcher { monitor: Arc::default(), principal: Arc::from("local") };
        Ok(Self { pre, grant: Arc::new(grant), limits, pool, places, own_places: None, watcher, peak: Arc::default() })
    }

    /// As before, and what happens is told to this one.
    #[must_use]
    pub fn watched(mut self, monitor: Arc<Monitor>) -> Self {
        self.watcher.monitor = monitor;
        self
    }

    /// The same component for another principal, in the same places, or in its share of them.
    #[must_use]
    pub fn granted(&self, principal: Arc<str>, grant: Grant, limits: Limits) -> Self {
        let pool = if grant.origin == self.grant.origin { self.pool.clone() } else { Pool::of(&grant.origin) };
        let watcher = Watcher { principal, ..self.watcher.clone() };
        let own_places = limits.share.map(|share| Arc::new(Places::new(share, limits.queue)));
        Self { pool, own_places, watcher, limits, grant: Arc::new(grant), ..self.clone() }
    }

    pub(crate) fn watcher(&self) -> &Watcher {
        &self.watcher
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How many calls run, and how many wait for a place.
    pub(crate) fn load_now(&self) -> (u32, u32) {
        (self.places.running(), self.places.waiting())
    }

    /// `info`.
    ///
    /// # Errors
    /// The guest did not return.
    pub async fn info(&self) -> Result<wit::ServerInfo, Fault> {
        self.enter(async |tools, store| tools.nango_mcp_tools().call_info(store).await).await
    }

    /// `list-tools`.
    ///
    /// # Errors
    /// The guest did not return.
    pub async fn list_tools(&self) -> Result<Result<Vec<wit::Tool>, wit::CallError>, Fault> {
        self.enter(async |tools, store| tools.nango_mcp_tools().call_list_tools(store).await).await
    }

    /// `call-tool`, for nobody who could be asked.
    ///
    /// # Errors
    /// The guest did not return.
    pub async fn call_tool(&self, name: &str, arguments: &str) -> Result<Result<wit::Outcome, wit::CallError>, Fault> {
        self.call(plain(name, arguments)).await
    }

    /// `call-tool`.
    ///
    /// # Errors
    /// The guest did not return.
    pub async fn call(&self, call: wit::Call) -> Result<Result<wit::Outcome, wit::CallError>, Fault> {
        let (mut outcome, limit) = self
            .enter(async |tools, store| {
                let outcome = tools.nango_mcp_tools().call_call_tool(&mut *store, &call).await?;
                Ok((outcome, store.data().egress.limit(&self.limits)))
            })
            .await?;
        // To the component a limit looks like a broken connection.
        if let (Ok(wit::Outcome::Done(result)), Some(limit)) = (&mut outcome, limit)
            && result.is_error
        {
            limit.explain(result);
        }
        if weight(&outcome) > self.limits.output {
            return Err(Fault::Output(self.limits.output));
        }
        mask(&mut outcome, &self.grant.secrets);
        Ok(outcome)
    }

    /// What the memory of an instance holds after a call, as a core dump of WebAssembly. Needs [`Limits::dump`].
    ///
    /// # Errors
    /// The guest did not return, or left no dump.
    pub async fn memory_after(&self, call: wit::Call) -> Result<Vec<u8>, Fault> {
        self.within(async |store| {
            let tools = self.pre.instantiate_async(&mut *store).await?;
            let _ = tools.nango_mcp_tools().call_call_tool(&mut *store, &call).await?;
            // With its time over, the next entry traps, and a trap leaves a dump.
            store.epoch_deadline_trap();
            store.set_epoch_deadline(0);
            store.engine().increment_epoch();
            let trap = match tools.nango_mcp_tools().call_info(&mut *store).await {
                Ok(_) => return Err(wasmtime::Error::msg("it did not trap")),
                Err(trap) => trap,
            };
            let dump = trap.downcast_ref::<WasmCoreDump>().ok_or_else(|| wasmtime::Error::msg("no dump"))?;
            Ok(dump.serialize(&mut *store, "after the call"))
        })
        .await
    }

    /// The most memory that a call had since this was last asked, in bytes.
    pub fn take_peak(&self) -> usize {
        self.peak.swap(0, Ordering::Relaxed)
    }

    /// Run one exported function of the interface in a fresh instance, within the limits.
    async fn enter<T>(&self, run: impl AsyncFnOnce(bindings::NangoMcp, &mut Store<State>) -> wasmtime::Result<T>) -> Result<T, Fault> {
        self.within(async |store| {
            let tools = self.pre.instantiate_async(&mut *store).await?;
            timings::lap(Phase::Instantiate);
            run(tools, store).await
        })
        .await
    }

    /// The component, linked and ready to be instantiated.
    pub(crate) fn instance_pre(&self) -> &InstancePre<State> {
        self.pre.instance_pre()
    }

    /// Run something in a fresh store, within the limits.
    pub(crate) async fn within<T>(&self, run: impl AsyncFnOnce(&mut Store<State>) -> wasmtime::Result<T>) -> Result<T, Fault> {
        let deadline = tokio::time::Instant::now() + self.limits.time;
        let late = |_| Fault::Time(self.limits.time);
        let place = places::take(self.own_places.as_deref(), &self.places);
        let _place = tokio::time::timeout_at(deadline, place).await.map_err(late)??;
        let mut store = self.store();
        let outcome = tokio::time::timeout_at(deadline, run(&mut store)).await;
        timings::lap(Phase::Guest);
        self.peak.fetch_max(store.data().guard.peak, Ordering::Relaxed);
        let said = store.data().stderr.contents();
        if !said.is_empty() {
            tracing::debug!(stderr = %String::from_utf8_lossy(&said), "the component wrote");
        }
        let refused = store.data().guard.refused;
        drop(store);
        timings::lap(Phase::Instantiate);
        outcome.map_err(late)?.map_err(|trap| self.explain(&trap, refused))
    }

    /// What a trap comes from.
    fn explain(&self, trap: &wasmtime::Error, refused: Option<Refused>) -> Fault {
        match refused {
            Some(Refused::Memory) => return Fault::Memory(self.limits.memory),
            Some(Refused::Tables) => return Fault::Tables(self.limits.tables),
            None => {}
        }
        let text = format!("{trap:#}");
        // wasmtime has no type for this one.
        if text.contains("instance count too high") {
            return Fault::Instances(self.limits.instances);
        }
        tracing::warn!("the component trapped: {text}");
        Fault::Trap
    }

    fn store(&self) -> Store<State> {
        let stderr = MemoryOutputPipe::new(STDERR);
        let mut wasi = WasiCtx::builder();
        wasi.stderr(stderr.clone()).envs(&self.grant.vars);
        let state = State {
            table: ResourceTable::new(),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            egress: Egress::new(&self.grant, self.pool.clone(), &self.limits, self.watcher.clone()),
            guard: Guard::new(self.limits),
            stderr,
        };
        let mut store = Store::new(self.pre.engine(), state);
        store.limiter(|state| &mut state.guard);
        store.set_epoch_deadline(1);
        // Yielding lets the timeout of `enter` cut a guest that only computes.
        store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(1)));
        store
    }
}

fn engine(limits: &Limits) -> Result<Engine> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    // Of the component model's own concurrency the component makes no use, and stores are smaller without.
    config.concurrency_support(false);
    config.coredump_on_trap(limits.dump);
    let mut pool = PoolingAllocationConfig::default();
    // The component has three core modules (its own and two adapters of the component model), one memory and two tables.
    pool.total_component_instances(limits.calls)
        .total_core_instances(limits.calls * 8)
        .total_memories(limits.calls * 2)
        .total_tables(limits.calls * 4)
        .total_stacks(limits.calls)
        // What an instance may have of these is for its guard to say, which names the limit.
        .table_elements(usize::try_from(limits.tables)?.max(20_000))
        .max_memory_size(limits.memory.max(16 << 20))
        .table_keep_resident(TABLES_KEPT);
    // Without it the beginning of a memory would be kept, which is the unused end of the guest's stack.
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes).linear_memory_keep_resident(MEMORY_KEPT);
    }
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    // A small reservation per slot: 64 MiB memories need no 4 GiB of address space each.
    config.memory_reservation(u64::try_from(limits.memory.max(16 << 20))?);
    match Cache::new(CacheConfig::new()) {
        Ok(cache) => {
            config.cache(Some(cache));
        }
        Err(error) => tracing::warn!("compiled code is not cached: {error:#}"),
    }
    Engine::new(&config).map_err(broken).context("cannot start wasmtime")
}

/// What a component may import: WASI's clocks, random numbers, streams, environment, exit and standard streams, and HTTP.
fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
    use wasmtime_wasi::p2::bindings::{cli, random};
    use wasmtime_wasi::random::{WasiRandom, WasiRandomView as _};

    wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async(linker)?;
    cli::environment::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::exit::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    random::insecure::add_to_linker::<State, WasiRandom>(linker, State::random)?;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(linker, State::random)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)
}

/// wasmtime's error with its causes, as one of ours.
#[expect(clippy::needless_pass_by_value, reason = "the form of map_err")]
fn broken(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}

/// Advance the engine's epoch until it is gone.
fn keep_time(engine: &Engine) -> Result<()> {
    let engine = engine.weak();
    let tick = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    };
    std::thread::Builder::new().name("epoch".into()).spawn(tick).context("cannot start the epoch thread")?;
    Ok(())
}
