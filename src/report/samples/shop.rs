//! The shop that all stories are of: what it is asked for, and how its runs went before.

use std::sync::LazyLock;
use std::time::Duration;

use super::{Gate, gate, recorded};
use crate::baseline::Baseline;
use crate::measurement::{Arm, FailureKind, Parts};
use crate::record::samples::{RecordBuilder, Traffic, record, traffic};
use crate::record::{PartsRecord, RunRecord};

/// Promises as a team would write them.
pub(super) const PROMISES: &str = "\
limits:
  overall: { p95: 800ms, error_rate: 1% }
  requests:
    GET /orders: { p95: 120ms }
";

/// What a second of the shop is: one request for a profile for every two for orders, which take twice as long.
pub(super) fn second(orders_ms: f64) -> [Traffic; 2] {
    [
        traffic("GET /orders", 400, orders_ms),
        traffic("GET /user/profile", 200, 20.0),
    ]
}

/// The same second, in which so many orders fail.
pub(super) fn failing(kind: FailureKind, count: u64) -> [Traffic; 2] {
    let [orders, profile] = second(40.0);
    [orders.failing(kind, count), profile]
}

/// What every run of the shop tells beside its requests.
pub(super) fn finished(run: RecordBuilder) -> RunRecord {
    run.with(|run| {
        run.target.url = "https://api.example.com/prod".to_owned();
        run.target.loopback = false;
        run.run.commit = Some("3f2c9ab4d8e1f0a7b6c5d4e3f2a1b0c9d8e7f6a5".to_owned());
        run.run.url = Some("https://ci.example.com/shop/runs/1842".to_owned());
        run.run.attempt = Some(1);
        run.health.late_p99_s = 0.000_31;
        run.health.cpu_share = 0.35;
        if let Some(base) = &mut run.base {
            base.url = "https://main.example.com/prod".to_owned();
            base.loopback = false;
        }
        if !run.slices.is_empty() {
            let mut parts = Parts::default();
            for micros in [12_000, 18_000, 31_000, 52_000] {
                parts.first_byte.record_micros(micros);
            }
            run.parts.push(PartsRecord {
                phase: 0,
                arm: Arm::Target,
                request: 0,
                parts,
            });
        }
    })
    .build()
}

pub(super) fn steady(traffic: &[Traffic]) -> RunRecord {
    finished(record().steady("warm").slices(12, traffic))
}

/// A run of twelve slices whose orders take so long; P95 is 1.45 times that.
pub(super) fn shop(orders_ms: f64) -> RunRecord {
    steady(&second(orders_ms))
}

/// Ten runs whose orders take about 40 ms.
pub(super) fn history() -> &'static Baseline {
    static HISTORY: LazyLock<Baseline> = LazyLock::new(|| {
        let medians = [40.0, 41.6, 38.8, 40.4, 41.2, 39.6, 38.4, 42.0, 40.0, 40.8];
        recorded(medians.map(shop))
    });
    &HISTORY
}

pub(super) fn duet(base: &[Traffic], target: &[Traffic]) -> Gate {
    let run = (0..12).fold(record().steady("warm"), |run, _| run.pair(base, target));
    let mut run = finished(run);
    run.parts = [Arm::Base, Arm::Target]
        .into_iter()
        .flat_map(|arm| (0..run.requests.len()).map(move |request| (arm, request)))
        .map(|(arm, request)| PartsRecord {
            phase: 0,
            arm,
            request,
            parts: waiting(&run, arm, request),
        })
        .collect();
    gate(run).against("8d10e7f")
}

/// Nearly all of each latency is the wait for the first byte.
fn waiting(run: &RunRecord, arm: Arm, request: usize) -> Parts {
    let latencies = run
        .pooled(Some(request), |slice| slice.arm == arm)
        .latencies();
    let mut parts = Parts::default();
    for percent in 0..=100 {
        let seconds = latencies.quantile(f64::from(percent) / 100.0);
        let latency = Duration::from_secs_f64(seconds.unwrap_or(0.0));
        // Every request was sent.
        let times = latencies.count() / 101;
        (0..times).for_each(|_| parts.service.record(latency));
        (0..times).for_each(|_| parts.first_byte.record(latency.mul_f64(0.96)));
        (0..times).for_each(|_| parts.body.record(latency.mul_f64(0.04)));
    }
    parts
}
