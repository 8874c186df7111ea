//! What a gate may come to: passed, failed, inconclusive, and what bends these.

use std::collections::BTreeMap;

use super::shop::{PROMISES, duet, history, second, shop, steady};
use super::{Gate, Sample, gate, recorded};
use crate::metric::Metric;
use crate::record::ReferenceRecord;
use crate::record::samples::traffic;
use crate::units::six_digits;

/// Nothing changed.
pub(in crate::report) fn passed() -> Sample {
    gate(shop(40.4))
        .after(history())
        .promising(PROMISES)
        .judged()
}

/// Orders take more than twice as long, and break their limit.
pub(in crate::report) fn failed() -> Sample {
    gate(shop(97.0))
        .after(history())
        .promising(PROMISES)
        .judged()
}

/// Orders became slower and kept every limit, with what is accepted of that.
pub(in crate::report) fn regressed(accepted: &str) -> Sample {
    gate(shop(58.0))
        .after(history())
        .promising(format!("{PROMISES}regression:\n{accepted}"))
        .judged()
}

/// The runs before vary so much that nobody can tell, and a limit lies where the run lies.
pub(in crate::report) fn inconclusive() -> Gate {
    let medians = [30.0, 52.0, 41.0, 33.0, 58.0, 38.0];
    gate(shop(55.0))
        .after(&recorded(medians.map(shop)))
        .promising("limits: { requests: { GET /orders: { p95: 80ms } } }")
}

/// Two runs before.
pub(in crate::report) fn provisional() -> Sample {
    gate(shop(40.4))
        .after(&recorded([40.0, 41.6].map(shop)))
        .promising(PROMISES)
        .judged()
}

/// Two versions in one job, both alike.
pub(in crate::report) fn duet_passed() -> Sample {
    duet(&second(40.0), &second(40.2))
        .promising(PROMISES)
        .judged()
}

/// Two versions in one job, the new one slower, with what is accepted of that.
pub(in crate::report) fn duet_failed(accepted: &str) -> Sample {
    duet(&second(40.0), &second(51.0))
        .promising(format!("{PROMISES}regression:\n{accepted}"))
        .judged()
}

/// The same where so much is tolerated.
pub(in crate::report) fn duet_tolerated() -> Sample {
    duet(&second(40.0), &second(51.0))
        .promising("regression: { tolerance: 60%, must_detect: { duet: 80% } }")
        .judged()
}

/// The same where P99 is gated, as it is by default.
pub(in crate::report) fn duet_far() -> Sample {
    duet(&second(40.0), &second(51.0))
        .promising(format!(
            "{PROMISES}regression: {{ gate: [p95, p99, error_rate] }}"
        ))
        .judged()
}

/// The same with all its pairs.
pub(in crate::report) fn duet_whole() -> Sample {
    duet(&second(40.0), &second(51.0))
        .promising(PROMISES)
        .judged_whole()
}

/// What failed, had it been enforced.
pub(in crate::report) fn observed() -> Sample {
    gate(shop(97.0))
        .after(history())
        .promising(format!("mode: observe\n{PROMISES}"))
        .judged()
}

/// A limit is broken that only warns.
pub(in crate::report) fn warned() -> Sample {
    let promises = "limits: { overall: { p95: 800ms }, warn: { overall: { p95: 50ms } } }";
    gate(shop(40.0))
        .after(history())
        .promising(promises)
        .judged()
}

fn accepting(until: &str) -> String {
    format!(
        "{PROMISES}regression:\n  accepted:\n    - {{ request: GET /orders, metric: p95, up_to: 60%, until: {until}, reason: adds tax lines }}\n"
    )
}

/// A slow-down that somebody wants.
pub(in crate::report) fn accepted() -> Sample {
    gate(shop(58.0))
        .after(history())
        .promising(accepting("2027-01-31"))
        .judged()
}

/// The same, past its date.
pub(in crate::report) fn acceptance_expired() -> Sample {
    gate(shop(58.0))
        .after(history())
        .promising(accepting("2026-04-30"))
        .judged()
}

/// A slow-down that did not come.
pub(in crate::report) fn acceptance_unneeded() -> Sample {
    gate(shop(40.0))
        .after(history())
        .promising(accepting("2027-01-31"))
        .judged()
}

/// Suspiciously good.
pub(in crate::report) fn much_faster() -> Sample {
    let fast = [
        traffic("GET /orders", 400, 6.0),
        traffic("GET /user/profile", 200, 3.0),
    ];
    gate(steady(&fast))
        .after(history())
        .promising(PROMISES)
        .judged()
}

/// Another machine, and certificates that nobody checked.
pub(in crate::report) fn insecure_on_another_machine() -> Sample {
    let mut run = shop(40.0);
    run.run.insecure = true;
    run.base_missing = Some("the baseline names no commit yet".to_owned());
    run.reference_missing = Some("70 of 3000 requests to it failed".to_owned());
    "Xeon Platinum 8370C".clone_into(&mut run.environment.cpu);
    gate(run).after(history()).promising(PROMISES).judged()
}

/// A reference service whose P95 takes so many milliseconds.
fn reference(p95_ms: f64) -> ReferenceRecord {
    let latency = |of_p95: f64| six_digits(p95_ms * of_p95 / 1e3);
    ReferenceRecord {
        service: "built-in".to_owned(),
        built_in_s: Some(0.025),
        rate: 50.0,
        requests: 3000,
        failures: 0,
        latencies: BTreeMap::from([
            (Metric::P50, latency(0.66)),
            (Metric::P95, latency(1.0)),
            (Metric::P99, latency(1.18)),
        ]),
    }
}

/// The same target on a runner whose speed a reference shows: `slow` times that of the baseline's.
fn beside_a_reference(slow: f64) -> Sample {
    let run = |slow: f64| {
        let mut run = shop(40.0 * slow);
        run.reference = Some(reference(50.0 * slow));
        run
    };
    let jobs = recorded([0.9, 1.1, 0.95, 1.12, 0.98, 1.04, 0.88, 1.07, 1.01].map(run));
    gate(run(slow)).after(&jobs).promising(PROMISES).judged()
}

/// A runner that is slower today, as its reference shows.
pub(in crate::report) fn on_a_slow_runner() -> Sample {
    beside_a_reference(1.15)
}

/// A runner that is twice as slow as any before.
pub(in crate::report) fn on_another_machine() -> Sample {
    beside_a_reference(2.0)
}

/// Three results of one CI run.
pub(in crate::report) fn several_candidates() -> Sample {
    gate(shop(40.4))
        .and(shop(40.8))
        .and(shop(40.0))
        .after(history())
        .promising(PROMISES)
        .judged()
}

/// As slow as the newest runs, which became slower step by step since the release.
pub(in crate::report) fn drifted() -> Sample {
    let mut baseline = recorded([40.0, 41.6, 58.8, 60.4, 61.2, 59.6, 58.4, 62.0, 60.0].map(shop));
    baseline.anchor = baseline.jobs.first().cloned();
    baseline.jobs.drain(..2);
    gate(shop(60.0))
        .after(&baseline)
        .promising(PROMISES)
        .judged()
}
