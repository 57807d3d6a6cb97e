//! No core dumps: one would hold the API keys.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Forbid core dumps of this process.
///
/// The limit of their size alone does not: where /proc/sys/kernel/core_pattern names a program, that is given the dump
/// whatever the limit is (core(5)). A process that is not dumpable leaves none there either. And other processes of the
/// same user may no longer read its memory, nor the keys in its environment: /proc/PID/mem and /proc/PID/environ are root's
/// then. /proc/PID/status and /proc/PID/stat stay readable.
///
/// # Errors
/// The system refuses one of the two.
pub fn forbid() -> std::io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}
