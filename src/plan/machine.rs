//! The machine that sends the load.

use std::fs;

use crate::record::Environment;

/// Describes this machine, as far as it tells.
pub(super) fn describe(runner: Option<String>) -> Environment {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Environment {
        arch: std::env::consts::ARCH.to_owned(),
        os: std::env::consts::OS.to_owned(),
        kernel: first_line("/proc/sys/kernel/osrelease"),
        cpu: field("/proc/cpuinfo", "model name"),
        cores: u32::try_from(cores).unwrap_or(u32::MAX),
        memory_mb: memory_mb(),
        runner,
    }
}

fn first_line(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// The first value of a `name: value` line.
fn field(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let value = text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    });
    value.unwrap_or_default()
}

fn memory_mb() -> u64 {
    let total = field("/proc/meminfo", "MemTotal");
    let kilobytes = total
        .split_whitespace()
        .next()
        .and_then(|number| number.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}
