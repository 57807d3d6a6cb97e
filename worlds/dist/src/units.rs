//! What is compiled into a component: cargo's own plan of the build, standard library included.
//!
//! `cargo metadata` and `cargo tree` show what is asked for by the workspace as a whole; the plan shows what this one
//! component gets, crate by crate. What runs on the building machine, macros and build scripts, is not in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use toml::{Table, Value};

/// How a component is built, as far as it decides what is built: the Makefile's `WASM` and `SMALL`.
pub const BUILD: [&str; 6] =
    ["--profile", "component", "--target", TARGET, "-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"];

const TARGET: &str = "wasm32-wasip2";

/// The licence of the standard library, whose parts do not all repeat it (COPYRIGHT of rust-lang/rust).
const LIBRARY: &str = "MIT OR Apache-2.0";

/// Where a crate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// This repository.
    Workspace,
    /// The package registry.
    Registry,
    /// The toolchain: the standard library.
    Toolchain,
}

/// A crate in a component.
#[derive(Clone, Debug)]
pub struct Crate {
    /// Its name.
    pub name: String,
    /// Its version; of the standard library that of the toolchain.
    pub version: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Its licence, an SPDX expression.
    pub license: String,
    /// The SHA-256 of its archive, as the lock file has it.
    pub checksum: Option<String>,
    /// The crates it needs, by cargo's names for them.
    pub needs: Vec<String>,
    folder: PathBuf,
}

/// The crates in a component, by cargo's names for them.
#[derive(Clone, Debug)]
pub struct Units {
    /// The package that the component is made of.
    pub root: String,
    /// All crates, the root too.
    pub crates: BTreeMap<String, Crate>,
}

/// What `cargo build --unit-graph` writes, as far as it is read here.
#[derive(Deserialize)]
struct Plan {
    units: Vec<Unit>,
    roots: Vec<usize>,
}

#[derive(Deserialize)]
struct Unit {
    pkg_id: String,
    platform: Option<String>,
    mode: String,
    dependencies: Vec<Needed>,
}

#[derive(Deserialize)]
struct Needed {
    index: usize,
}

impl Unit {
    fn is_inside(&self) -> bool {
        self.platform.as_deref() == Some(TARGET) && self.mode == "build"
    }
}

impl Units {
    /// Of a package of the workspace at `root`.
    ///
    /// # Errors
    /// cargo has no plan for it, or a crate's licence or checksum cannot be found.
    pub fn of(root: &Path, package: &str) -> Result<Self> {
        let plan = run(root, "cargo", &[&["build", "--locked", "--unit-graph", "-Zunstable-options", "-p", package], &BUILD[..]].concat())?;
        let plan: Plan = serde_json::from_str(&plan).context("cargo's plan has another form")?;
        let places = Places::find(root)?;
        let [at] = plan.roots.as_slice() else { bail!("cargo plans {} things for {package}", plan.roots.len()) };
        let own = plan.units.get(*at).context("cargo's plan has no root")?;
        let mut crates: BTreeMap<String, Crate> = BTreeMap::new();
        for unit in plan.units.iter().filter(|unit| unit.is_inside()) {
            let needed = unit.dependencies.iter().filter_map(|needed| plan.units.get(needed.index));
            let needs = needed.filter(|needed| needed.is_inside()).map(|needed| needed.pkg_id.clone());
            if !crates.contains_key(&unit.pkg_id) {
                crates.insert(unit.pkg_id.clone(), places.read(&unit.pkg_id)?);
            }
            if let Some(found) = crates.get_mut(&unit.pkg_id) {
                found.needs.extend(needs);
                found.needs.sort();
                found.needs.dedup();
            }
        }
        Ok(Self { root: own.pkg_id.clone(), crates })
    }

    /// The folder of the package that the component is made of.
    ///
    /// # Errors
    /// There is none.
    pub fn folder(&self) -> Result<PathBuf> {
        Ok(self.crates.get(&self.root).context("the component is not made of a package")?.folder.clone())
    }
}

/// Where crates lie on this machine, and what the lock files say of them.
struct Places {
    sources: Vec<PathBuf>,
    library: PathBuf,
    toolchain: String,
    workspace: Table,
    locks: Vec<Table>,
}

impl Places {
    fn find(root: &Path) -> Result<Self> {
        let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"))).context("HOME is not set")?;
        let sources = home.join("registry/src");
        let entries = std::fs::read_dir(&sources).with_context(|| format!("no sources in {}", sources.display()))?;
        let sources = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        let sysroot = run(root, "rustc", &["--print", "sysroot"])?;
        let library = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library");
        let version = run(root, "rustc", &["--version"])?;
        let toolchain = version.split(' ').nth(1).context("rustc does not say its version")?.to_owned();
        let locks = vec![table(&root.join("Cargo.lock"))?, table(&library.join("Cargo.lock"))?];
        Ok(Self { sources, library, toolchain, workspace: table(&root.join("Cargo.toml"))?, locks })
    }

    /// A crate by cargo's name: `registry+<index>#<name>@<version>`, `path+file://<folder>#<name>@<version>`, or, where
    /// the folder has the crate's name, `path+file://<folder>#<version>`.
    fn read(&self, id: &str) -> Result<Crate> {
        let (place, rest) = id.split_once('#').with_context(|| format!("cargo names a crate {id:?}"))?;
        let path = place.strip_prefix("path+file://").map(PathBuf::from);
        let (name, version) = match (rest.split_once('@'), &path) {
            (Some(named), _) => named,
            (None, Some(path)) => (path.file_name().and_then(|name| name.to_str()).unwrap_or_default(), rest),
            (None, None) => bail!("cargo names a crate {id:?}"),
        };
        let origin = match &path {
            None => Origin::Registry,
            Some(path) if path.starts_with(&self.library) => Origin::Toolchain,
            Some(_) => Origin::Workspace,
        };
        let unpacked = || self.sources.iter().map(|source| source.join(format!("{name}-{version}"))).find(|folder| folder.is_dir());
        let folder = path.clone().or_else(unpacked).with_context(|| format!("the source of {name} {version} is not there"))?;
        let license = match self.license(&folder) {
            None if origin == Origin::Toolchain => LIBRARY.to_owned(),
            license => license.with_context(|| format!("the Cargo.toml of {name} {version} does not say its licence"))?,
        };
        let checksum = self.checksum(name, version);
        ensure!(checksum.is_some() == (origin == Origin::Registry), "the checksum of {name} {version} is in no lock file");
        let version = if origin == Origin::Toolchain { self.toolchain.clone() } else { version.to_owned() };
        Ok(Crate { name: name.to_owned(), version, origin, license, checksum, needs: Vec::new(), folder })
    }

    fn license(&self, folder: &Path) -> Option<String> {
        let manifest = table(&folder.join("Cargo.toml")).ok()?;
        let own = manifest.get("package").and_then(|package| package.get("license"));
        let inherited = || self.workspace.get("workspace")?.get("package")?.get("license");
        let license = match own {
            Some(Value::Table(_)) => inherited(),
            other => other,
        };
        // With a slash, as it was written before there were expressions.
        Some(license.and_then(Value::as_str)?.replace('/', " OR "))
    }

    fn checksum(&self, name: &str, version: &str) -> Option<String> {
        let packages = self.locks.iter().filter_map(|lock| lock.get("package")?.as_array()).flatten();
        let says = |package: &Value, key: &str| package.get(key).and_then(Value::as_str).map(str::to_owned);
        let mut same =
            packages.filter(|each| says(each, "name").as_deref() == Some(name) && says(each, "version").as_deref() == Some(version));
        same.find_map(|package| says(package, "checksum"))
    }
}

fn table(file: &Path) -> Result<Table> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    text.parse().with_context(|| format!("cannot read {}", file.display()))
}

fn run(folder: &Path, program: &str, arguments: &[&str]) -> Result<String> {
    // The standard library is built with a component, which a released cargo does and plans only when told that it may.
    let output = Command::new(program).args(arguments).current_dir(folder).env("RUSTC_BOOTSTRAP", "1").output();
    let output = output.with_context(|| format!("cannot run {program}"))?;
    ensure!(output.status.success(), "{program} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    String::from_utf8(output.stdout).with_context(|| format!("{program} wrote something that is no text"))
}
