//! The machine that sends the load.

use crate::record::Environment;

/// Describes this machine, as far as it is known.
pub(super) fn describe(runner: Option<String>) -> Environment {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Environment {
        arch: std::env::consts::ARCH.to_owned(),
        os: std::env::consts::OS.to_owned(),
        kernel: system::kernel(),
        cpu: system::cpu(),
        cores: u32::try_from(cores).unwrap_or(u32::MAX),
        memory_mb: system::memory_mb(),
        runner,
        scheduling: None,
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs;

    pub(super) fn kernel() -> String {
        first_line("/proc/sys/kernel/osrelease")
    }

    pub(super) fn cpu() -> String {
        field("/proc/cpuinfo", "model name")
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

    pub(super) fn memory_mb() -> u64 {
        let total = field("/proc/meminfo", "MemTotal");
        let kilobytes = total
            .split_whitespace()
            .next()
            .and_then(|number| number.parse::<u64>().ok());
        kilobytes.unwrap_or(0) / 1024
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use sysinfo::{CpuRefreshKind, MemoryRefreshKind, System};

    pub(super) fn kernel() -> String {
        System::kernel_version().unwrap_or_default()
    }

    pub(super) fn cpu() -> String {
        let mut system = System::new();
        system.refresh_cpu_list(CpuRefreshKind::nothing());
        let first = system.cpus().first();
        first.map_or_else(String::new, |cpu| cpu.brand().trim().to_owned())
    }

    pub(super) fn memory_mb() -> u64 {
        let mut system = System::new();
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        system.total_memory() >> 20
    }
}
