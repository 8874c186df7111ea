//! How well the generator did: what a run's validity is judged by.

use std::fs;
use std::time::{Duration, Instant};

use super::cpu_time::process_time;
use crate::measurement::{LatencyHistogram, Measurement, Scheduling};
use crate::scenario::{Phase, Shape};

/// Files that the process holds open besides one connection per user.
const RESERVE: u64 = 64;

/// How well the generator did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GeneratorHealth {
    /// P99 of its own delay over the measured phases, in seconds.
    pub late_p99: f64,
    /// CPU time over wall time and cores that it may use, 0 to 1.
    pub cpu_share: f64,
    /// CPU time of the busiest core's thread over the time that measured phases took, 0 to 1; none where none was
    /// measured.
    pub core_share: Option<f64>,
    /// Share of CPU time that the host took (steal), 0 to 1; absent if unknown.
    pub steal_share: Option<f64>,
    /// Arrivals started or queued in time over arrivals planned, in the open model.
    pub achieved: Option<f64>,
    /// Files and sockets that the process may hold open.
    pub open_files: Option<u64>,
    /// Which scheduling its threads had.
    pub scheduling: Scheduling,
}

/// A limit of open files that is too low for the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the load needs {needed} open files, but the limit of this process is {limit}; raise it with `ulimit -n {needed}`, or use fewer users"
)]
pub struct TooFewFiles {
    /// Files that the load may need.
    pub needed: u64,
    /// The most that the system allows.
    pub limit: u64,
}

/// Makes sure that every user of every arm can have its connection, raising the soft limit where the hard one allows
/// it. Returns the limit; none where there is none.
pub(super) fn open_files(load: &[Phase], arms: u64) -> Result<Option<u64>, TooFewFiles> {
    raise_open_files(peak_users(load) * arms + RESERVE)
}

#[cfg(unix)]
fn raise_open_files(needed: u64) -> Result<Option<u64>, TooFewFiles> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
    if enough(current) {
        return Ok(current);
    }
    let raised = Rlimit {
        current: Some(needed),
        maximum,
    };
    if enough(maximum) && setrlimit(Resource::Nofile, raised).is_ok() {
        return Ok(Some(needed));
    }
    let limit = maximum.or(current).unwrap_or_default();
    Err(TooFewFiles { needed, limit })
}

/// Windows limits sockets by memory alone.
#[cfg(windows)]
fn raise_open_files(_needed: u64) -> Result<Option<u64>, TooFewFiles> {
    Ok(None)
}

/// The most users at once. Those of one phase may still finish their task when those of the next have come.
fn peak_users(load: &[Phase]) -> u64 {
    let users = |phase: &Phase| u64::from(phase.shape.most_users());
    let one = load.iter().map(users).max();
    let two = load
        .windows(2)
        .map(|pair| match (pair[0].shape, pair[1].shape) {
            (Shape::Users { .. }, Shape::Users { .. }) => 0,
            _ => users(&pair[0]) + users(&pair[1]),
        });
    one.max(two.max()).unwrap_or_default()
}

/// What the system says at the start of the load, to be compared with what it says at the end.
pub(super) struct CpuSnapshot {
    at: Instant,
    cpu: Duration,
    host: Option<HostTimes>,
}

/// CPU times of the whole machine, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct HostTimes {
    all: u64,
    stolen: u64,
}

impl CpuSnapshot {
    pub(super) fn now() -> Self {
        Self {
            at: Instant::now(),
            cpu: process_time(),
            host: host_times(),
        }
    }

    /// CPU time of this process over wall time and cores, and steal over all CPU time, since then.
    pub(super) fn shares(&self, cores: usize) -> (f64, Option<f64>) {
        let wall = self.at.elapsed().as_secs_f64() * cores as f64;
        let cpu = process_time().saturating_sub(self.cpu).as_secs_f64();
        let steal = self.host.zip(host_times()).map(|(before, after)| {
            let all = after.all.saturating_sub(before.all).max(1);
            after.stolen.saturating_sub(before.stolen) as f64 / all as f64
        });
        (if wall > 0.0 { cpu / wall } else { 0.0 }, steal)
    }
}

/// P99 of the generator's delay over the measured phases; over all where none is.
pub(super) fn late_p99(measurement: &Measurement, load: &[Phase]) -> f64 {
    let is_measured = |phase: usize| load.iter().any(|one| one.index == phase && one.measure);
    let slices = measurement.slices.iter();
    let measured = slices.filter(|slice| is_measured(slice.phase));
    let late = LatencyHistogram::sum(measured.map(|slice| &slice.late));
    late.quantile(0.99).unwrap_or_default()
}

fn host_times() -> Option<HostTimes> {
    parse_host_times(&fs::read_to_string("/proc/stat").ok()?)
}

/// The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal; guest times are in user.
fn parse_host_times(text: &str) -> Option<HostTimes> {
    let line = text.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = line
        .split_ascii_whitespace()
        .take(8)
        .map_while(|field| field.parse().ok())
        .collect();
    Some(HostTimes {
        all: ticks.iter().sum(),
        stolen: *ticks.get(7)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(shape: Shape) -> Phase {
        Phase {
            name: "a".into(),
            index: 0,
            pass: 0,
            passes: 1,
            duration: Duration::from_secs(1),
            shape,
            measure: true,
        }
    }

    #[test]
    fn steal_is_the_eighth_field_of_the_first_line() {
        let text = "cpu  10 1 5 100 2 0 1 7 3 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        let times = HostTimes {
            all: 126,
            stolen: 7,
        };
        assert_eq!(parse_host_times(text), Some(times));
        assert_eq!(parse_host_times("intr 1 2 3"), None);
    }

    #[cfg(unix)]
    #[test]
    fn more_users_than_files_are_refused_before_anything_is_sent() {
        let load = [phase(Shape::Users {
            from: 0,
            to: u32::MAX,
        })];
        let error = open_files(&load, 1).unwrap_err();
        assert_eq!(error.needed, u64::from(u32::MAX) + RESERVE);
        assert!(error.to_string().contains("ulimit -n"));
    }

    #[test]
    fn users_that_leave_may_overlap_with_arrivals() {
        let users = phase(Shape::Users { from: 10, to: 20 });
        assert_eq!(peak_users(&[users.clone(), users.clone()]), 20);
        let arrivals = phase(Shape::Arrivals {
            from: 1.0,
            to: 1.0,
            spacing: crate::scenario::Spacing::Even,
            max_users: 5,
        });
        assert_eq!(peak_users(&[users, arrivals]), 25);
    }
}
