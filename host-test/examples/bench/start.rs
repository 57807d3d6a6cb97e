//! How long it takes from starting the host to its first answered call.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::host::{HOST, Host, KEY, file, is_good, link};
use crate::{now, stub};

/// Milliseconds.
#[derive(Default)]
pub(crate) struct Starts {
    /// With the compiled code in the cache: the median of `count`.
    pub(crate) warm: f64,
    pub(crate) count: usize,
    /// With an empty cache: the component is compiled.
    pub(crate) first: f64,
}

impl Starts {
    pub(crate) fn line(&self) -> String {
        format!("start to the first answered call: {:.1} ms (median of {}), the very first {:.0} ms", self.warm, self.count, self.first)
    }
}

pub(crate) fn measure(count: usize) -> Result<Starts> {
    let stub = stub::start(&[])?;
    let cache = std::env::temp_dir().join(format!("nango-mcp-bench-{}", std::process::id()));
    std::fs::create_dir_all(&cache)?;
    let cache_text = cache.to_string_lossy().into_owned();
    let vars = [("NANGO_BASE_URL", stub.base.as_str()), ("NANGO_SECRET_KEY", KEY), ("XDG_CACHE_HOME", cache_text.as_str())];
    let first = one(&vars);
    let mut warm = (0..count).map(|_| one(&vars)).collect::<Result<Vec<Duration>>>();
    std::fs::remove_dir_all(&cache)?;
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    if let Ok(warm) = &mut warm {
        warm.sort();
    }
    Ok(Starts { first: ms(first?), warm: warm?.get(count / 2).copied().map(ms).unwrap_or_default(), count })
}

fn one(vars: &[(&str, &str)]) -> Result<Duration> {
    let (tool, arguments) = link();
    let begun = now();
    let mut host = Host::start(&[], &file(HOST), &[], vars)?;
    host.hello()?;
    let answer = host.call(tool, &arguments)?;
    let took = begun.elapsed();
    ensure!(is_good(&answer), "the first call failed");
    Ok(took)
}
