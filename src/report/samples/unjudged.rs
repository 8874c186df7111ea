//! Runs that were not compared, not judged, or stopped early.

use super::shop::{PROMISES, duet, failing, finished, history, second, shop, steady};
use super::{Sample, gate, recorded};
use crate::measurement::FailureKind;
use crate::record::Ended;
use crate::record::samples::{record, traffic};

/// The first run of a gate.
pub(in crate::report) fn no_baseline() -> Sample {
    gate(shop(40.0)).promising(PROMISES).judged()
}

/// The first run of a gate that requires a baseline.
pub(in crate::report) fn baseline_required() -> Sample {
    let required = format!("{PROMISES}regression: {{ missing_baseline: fail }}\n");
    gate(shop(40.0)).promising(required).judged()
}

/// The baseline is of a scenario with fewer users.
pub(in crate::report) fn scenario_differs() -> Sample {
    let mut run = shop(40.0);
    run.scenario.sha256 = "0ther".to_owned();
    run.scenario.text = "name: shop\nload:\n- phase: warm\n  users: 20\n".to_owned();
    let mut before = history().clone();
    before.scenario.text = "name: shop\nload:\n- phase: warm\n  users: 10\n".to_owned();
    gate(run).after(&before).promising(PROMISES).judged()
}

/// Every job of the baseline ran in another region.
pub(in crate::report) fn no_job_matches() -> Sample {
    let mut run = shop(40.0);
    run.labels
        .insert("region".to_owned(), "eu-west-1".to_owned());
    gate(run).after(history()).promising(PROMISES).judged()
}

/// The machine had no time to send.
pub(in crate::report) fn generator_late() -> Sample {
    let mut run = shop(40.0);
    for slice in run.slices.iter_mut().take(5) {
        slice.late_p99_s = 0.062;
    }
    run.health.late_p99_s = 0.048;
    run.health.cpu_share = 0.97;
    run.health.steal_share = Some(0.22);
    run.health.achieved = Some(0.81);
    gate(run).after(history()).promising(PROMISES).judged()
}

/// The machine had no time to send in one slice of twelve, and nobody has to mind.
pub(in crate::report) fn late_slice() -> Sample {
    let mut run = shop(40.0);
    run.slices[3].late_p99_s = 0.062;
    gate(run).after(history()).promising(PROMISES).judged()
}

/// A core had no moment to spare.
pub(in crate::report) fn generator_busy() -> Sample {
    let mut run = shop(40.0);
    run.health.core_share = Some(0.97);
    gate(run).after(history()).promising(PROMISES).judged()
}

/// Arrivals were started too late to be the load that was asked for.
pub(in crate::report) fn generator_short() -> Sample {
    let mut run = shop(40.0);
    run.health.achieved = Some(0.942);
    gate(run).after(history()).promising(PROMISES).judged()
}

/// The machine had no port left.
pub(in crate::report) fn no_sockets() -> Sample {
    gate(steady(&failing(FailureKind::NoSocket, 3)))
        .after(history())
        .promising(PROMISES)
        .judged()
}

/// Nobody answers.
pub(in crate::report) fn unreachable() -> Sample {
    let run = record().steady("warm").with(|run| {
        run.requests = ["GET /orders", "GET /user/profile"]
            .map(str::to_owned)
            .into();
        run.run.ended = Ended::Unreachable {
            arm: crate::measurement::Arm::Target,
            cause: crate::measurement::UnreachableCause::Unknown,
            why: "Connection refused (os error 111)".to_owned(),
        };
    });
    gate(finished(run))
        .after(history())
        .promising(PROMISES)
        .judged()
}

/// Somebody pressed Ctrl-C.
pub(in crate::report) fn interrupted() -> Sample {
    let mut run = finished(record().steady("warm").slices(4, &second(40.0)));
    run.run.ended = Ended::Interrupted { signal: 2 };
    run.run.duration_s = 4.2;
    gate(run).after(history()).promising(PROMISES).judged()
}

/// A phase that should have sent something did not.
pub(in crate::report) fn no_requests() -> Sample {
    let run = record().steady("warm").slices(12, &[]);
    gate(finished(run)).judged()
}

/// A limit on what is hardly ever sent.
pub(in crate::report) fn too_few_for_a_limit() -> Sample {
    let rare = [
        traffic("GET /orders", 600, 40.0),
        traffic("GET /report", 1, 90.0),
    ];
    gate(steady(&rare))
        .promising("limits: { requests: { GET /report: { p95: 500ms } } }")
        .judged()
}

/// A limit would have had enough requests, were it not for a slice in which the generator was late.
pub(in crate::report) fn too_few_since_late() -> Sample {
    let rare = |requests| {
        [
            traffic("GET /orders", 600, 40.0),
            traffic("GET /report", requests, 90.0),
        ]
    };
    let mut run = record().steady("warm");
    for _ in 0..6 {
        run = run.slices(1, &rare(4)).slices(1, &rare(5));
    }
    let mut run = finished(run);
    run.slices[3].late_p99_s = 0.062;
    gate(run)
        .promising("limits: { requests: { GET /report: { p95: 500ms } } }")
        .judged()
}

/// So little was sent that nothing gated can be judged.
pub(in crate::report) fn too_few_for_regression() -> Sample {
    let run = finished(
        record()
            .steady("warm")
            .slices(12, &[traffic("GET /orders", 30, 40.0)]),
    );
    gate(run.clone())
        .after(&recorded([run.clone(), run]))
        .judged()
}

/// The base of a duet only fails.
pub(in crate::report) fn base_silent() -> Sample {
    let dead = [traffic("GET /orders", 400, 40.0).failing(FailureKind::Connect, 400)];
    duet(&dead, &[traffic("GET /orders", 400, 40.0)]).judged()
}

/// What could not be judged, had it been enforced.
pub(in crate::report) fn observed_invalid() -> Sample {
    let required = "mode: observe\nregression: { missing_baseline: fail }\n";
    gate(shop(40.0)).promising(required).judged()
}

/// The load had cost all that it may cost.
pub(in crate::report) fn budget_spent() -> Sample {
    let mut run = shop(40.0);
    run.run.duration_s = 41.0;
    run.run.ended = Ended::BudgetSpent { usd: 0.5003 };
    gate(run).after(history()).judged()
}

/// Most requests failed, so the run was stopped.
pub(in crate::report) fn aborted() -> Sample {
    let mut run = finished(
        record()
            .steady("warm")
            .slices(3, &failing(FailureKind::Status(503), 390)),
    );
    run.run.duration_s = 3.0;
    run.run.ended = Ended::Aborted {
        failures: 1170,
        requests: 1800,
    };
    gate(run)
        .after(history())
        .promising(format!(
            "{PROMISES}abort: {{ error_rate: 50%, after: 3s }}\n"
        ))
        .judged()
}
