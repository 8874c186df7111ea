//! Checks of every kind: errors, floors, rates, names, phases, and all of them together.

use super::shop::{duet, failing, finished, history, second, steady};
use super::{Sample, gate, recorded};
use crate::measurement::FailureKind;
use crate::record::samples::{RecordBuilder, Traffic, record, traffic};

/// More requests fail than before, too few to matter.
pub(in crate::report) fn few_errors() -> Sample {
    let run = record().steady("warm").slices(11, &second(40.0));
    let run = run.slice(&failing(FailureKind::Timeout, 4));
    gate(finished(run)).after(history()).judged()
}

/// So many more requests fail than before that a limit breaks too, with what is accepted of that.
pub(in crate::report) fn more_errors(accepted: &str) -> Sample {
    let with = |count| {
        let [orders, profile] = failing(FailureKind::Status(429), count);
        steady(&[orders, profile.failing(FailureKind::Timeout, 1)])
    };
    let few = with(1);
    gate(with(30))
        .after(&recorded((0..5).map(|_| few.clone())))
        .promising(format!(
            "limits: {{ overall: {{ error_rate: 5% }}, errors: {{ 429: 4%, 5xx: 1% }} }}\nregression:\n{accepted}"
        ))
        .judged()
}

/// A third of the rate is gone, which is gated, with what is accepted of that.
pub(in crate::report) fn rate_lost(accepted: &str) -> Sample {
    let orders = |count| [traffic("GET /orders", count, 40.0)];
    duet(&orders(600), &orders(400))
        .promising(format!(
            "regression:\n  gate: [requests_per_second, error_rate]\n{accepted}"
        ))
        .judged()
}

/// A faster service, whose changes are too small to matter in two ways.
pub(in crate::report) fn below_floors() -> Sample {
    let quick = |orders| {
        [
            traffic("GET /orders", 400, orders),
            traffic("GET /user/profile", 200, 5.0 * orders),
        ]
    };
    duet(&quick(1.0), &quick(1.5))
        .promising("regression: { floor: 2ms, requests: { GET /user/profile: { floor: 10ms } } }")
        .judged()
}

/// Names that come, go, are turned off, are rare or only fail on the base.
pub(in crate::report) fn names_come_and_go() -> Sample {
    let base = [
        traffic("GET /orders", 400, 40.0),
        traffic("GET /old", 200, 20.0),
        traffic("GET /broken", 200, 20.0).failing(FailureKind::Status(404), 200),
        traffic("GET /off", 200, 20.0),
        traffic("GET /rare", 1, 20.0),
    ];
    let target = [
        traffic("GET /orders", 400, 40.0),
        traffic("GET /new", 200, 20.0),
        traffic("GET /broken", 200, 20.0),
        traffic("GET /off", 200, 30.0),
        traffic("GET /rare", 1, 20.0),
    ];
    duet(&base, &target)
        .promising("regression: { requests: { GET /off: off } }")
        .judged()
}

/// A burst is gated and held to limits, beside a steady phase; a rate must not be too small.
pub(in crate::report) fn phases() -> Sample {
    let run = |burst_ms: f64| {
        let bursts = |run: RecordBuilder, _| run.slices(4, &second(burst_ms)).next_pass();
        let steady = record().steady("warm").slices(12, &second(40.0));
        finished((0..3).fold(steady.repeated("burst"), bursts))
    };
    let promises = "\
limits:
  overall: { p95: 800ms, requests_per_second: 700 }
  requests:
    GET /orders: { phases: { burst: { p95: 120ms } } }
regression:
  phases: [burst]
";
    gate(run(90.0))
        .after(&recorded([60.0, 61.0, 59.0, 60.0, 60.5].map(run)))
        .promising(promises)
        .judged()
}

/// A bit of everything that speaks of names: two phases, failures, an acceptance that is too small, another machine, a
/// name that is gone, a limit that is broken and one that warns.
pub(in crate::report) fn everything() -> Sample {
    let run = |orders_ms: f64, failures: u64| {
        let [orders, profile] = second(orders_ms);
        let orders = orders.failing(FailureKind::Status(503), failures);
        let burst = [orders.clone(), profile.clone()];
        let steady = record().steady("warm").slices(10, &[orders, profile]);
        finished(steady.repeated("burst").slices(2, &burst))
    };
    let mut before = run(40.0, 1);
    before.requests.push("GET /gone".to_owned());
    let mut gone = before.slices[0].cells[1].clone();
    gone.request = 2;
    before.slices[0].cells.push(gone);
    let mut now = run(70.0, 20);
    now.run.insecure = true;
    "Xeon".clone_into(&mut now.environment.cpu);
    let promises = "\
limits:
  requests:
    GET /orders: { p95: 90ms, phases: { burst: { p95: 95ms } } }
  warn:
    requests: { GET /orders: { p99: 50ms } }
regression:
  phases: [burst]
  accepted:
    - { request: GET /orders, metric: p95, up_to: 10%, until: 2027-01-31, reason: adds tax lines }
";
    gate(now)
        .after(&recorded((0..5).map(|_| before.clone())))
        .promising(promises)
        .judged()
}

/// So many names, of which the last ones are slower. A single slice keeps it small.
pub(in crate::report) fn many_names(count: usize, slower: usize) -> Sample {
    let [usual, slow] = [40.0, 64.0].map(|median| {
        let traffic = traffic("", 2100, median);
        // What is recorded once is handed on with every clone.
        let _ = record()
            .steady("warm")
            .slice(std::slice::from_ref(&traffic));
        traffic
    });
    let run = |slower: usize| {
        let all = (0..count).map(|number| {
            let traffic = if number + slower >= count {
                &slow
            } else {
                &usual
            };
            traffic.called(format!("GET /catalog/items/{number}/details"))
        });
        let all: Vec<Traffic> = all.collect();
        finished(record().steady("warm").slice(&all))
    };
    let mut before = recorded([run(0)]);
    for day in 2..=5 {
        let mut job = before.jobs[0].clone();
        job.id = format!("recorded-{day}");
        before.jobs.push(job);
    }
    gate(run(slower)).after(&before).judged()
}
