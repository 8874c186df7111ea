//! What a person should know of a run: each story brings a caution, or a reason that hangs on what the responses were.

use std::time::Duration;

use super::shop::{PROMISES, duet, failing, finished, history, second, steady};
use super::*;
use crate::measurement::{Arm, FailureKind, Interleaving, Parts, Scheduling};
use crate::record::samples::{Traffic, record, traffic};
use crate::record::{DropCount, DuetSettings, LoadModel, PartsRecord};

/// The shop with one more word on its responses.
fn answering(orders_ms: f64, parts: Parts) -> RunRecord {
    let mut run = shop::shop(orders_ms);
    run.parts.push(PartsRecord {
        phase: 0,
        arm: Arm::Target,
        request: 0,
        parts,
    });
    run
}

/// So many of 4,800 responses redirect, and were not followed.
fn redirecting(redirects: u64) -> Sample {
    let parts = Parts {
        statuses: [(200, 4800 - redirects), (302, redirects)].into(),
        unfollowed: redirects,
        redirect: Some("https://api.example.com/login".to_owned()),
        ..Parts::default()
    };
    gate(answering(40.0, parts))
        .after(history())
        .promising(PROMISES)
        .judged()
}

/// Every response of a name redirects.
pub(in crate::report) fn redirected() -> Sample {
    redirecting(4800)
}

/// Most responses of a name redirect.
pub(in crate::report) fn mostly_redirected() -> Sample {
    redirecting(3200)
}

/// Some redirects led out of the target.
pub(in crate::report) fn strayed() -> Sample {
    let mut run = steady(&failing(FailureKind::Redirect, 2));
    run.parts.push(PartsRecord {
        phase: 0,
        arm: Arm::Target,
        request: 0,
        parts: Parts {
            statuses: [(200, 4776), (301, 24)].into(),
            redirect: Some("https://elsewhere.example.com/".to_owned()),
            ..Parts::default()
        },
    });
    gate(run).after(history()).promising(PROMISES).judged()
}

/// Connections died, and their requests were sent again.
pub(in crate::report) fn resent() -> Sample {
    let mut run = steady(&failing(FailureKind::Resent, 1));
    run.parts.push(PartsRecord {
        phase: 0,
        arm: Arm::Target,
        request: 0,
        parts: Parts {
            statuses: [(200, 4800)].into(),
            resent: 12,
            ..Parts::default()
        },
    });
    gate(run).after(history()).promising(PROMISES).judged()
}

/// Failures are counted by other rules than in the baseline: its own are older, or those of the run are.
pub(in crate::report) fn other_counting(baseline_is_older: bool) -> Sample {
    let mut before = history().clone();
    let mut run = shop::shop(40.0);
    if baseline_is_older {
        before.jobs.iter_mut().for_each(|job| job.counting = 0);
    } else {
        run.counting = 0;
    }
    gate(run).after(&before).promising(PROMISES).judged()
}

/// The generator was late in half of the jobs before.
pub(in crate::report) fn late_jobs() -> Sample {
    let mut before = history().clone();
    for job in before.jobs.iter_mut().step_by(2) {
        job.late = DropCount { dropped: 2, of: 12 };
    }
    gate(shop::shop(40.0))
        .after(&before)
        .promising(PROMISES)
        .judged()
}

/// The generator ran before every other program, which it did not do before.
pub(in crate::report) fn other_scheduling(scheduling: Scheduling) -> Sample {
    let mut run = shop::shop(40.0);
    run.environment.scheduling = Some(scheduling);
    run.environment.runner = Some("github-hosted ubuntu-24.04".to_owned());
    gate(run).after(history()).promising(PROMISES).judged()
}

/// Nothing but statuses of a proxy came back.
pub(in crate::report) fn proxy_responses() -> Sample {
    let bad = [
        traffic("GET /orders", 400, 40.0).failing(FailureKind::Status(503), 400),
        traffic("GET /user/profile", 200, 20.0).failing(FailureKind::Status(502), 200),
    ];
    let mut run = steady(&bad);
    run.target.proxy = Some("proxy.example.com:3128".to_owned());
    run.target.proxy_variable = Some("HTTP_PROXY".to_owned());
    run.target.proxy_forwards = true;
    gate(run).after(history()).promising(PROMISES).judged()
}

/// Slices vary far more than they did before.
pub(in crate::report) fn noisy() -> Sample {
    let medians = [24.0, 40.0, 64.0].into_iter().cycle().take(12);
    let run = medians.fold(record().steady("warm"), |run, median| {
        run.slice(&second(median))
    });
    gate(finished(run))
        .after(history())
        .promising(PROMISES)
        .judged()
}

/// A first run that is too short for a second one to be compared with it.
pub(in crate::report) fn too_few_to_compare() -> Sample {
    let few = [traffic("GET /orders", 30, 40.0)];
    gate(steady(&few)).judged()
}

/// A duet that swings so much that it would take more pairs.
pub(in crate::report) fn noisy_duet() -> Sample {
    let medians = [40.0, 45.4, 35.24, 40.0].into_iter().cycle().take(12);
    let run = medians.fold(record().steady("warm"), |run, median| {
        run.pair(&second(median), &second(1600.0 / median))
    });
    let mut run = finished(run);
    run.duet = Some(DuetSettings {
        interleaving: Interleaving::Turns,
        pairs: 12,
        slice_s: 1.0,
        guard_s: 0.5,
        looks: 2,
        look: None,
        restart_every: Some(6),
    });
    gate(run).against("8d10e7f").promising(PROMISES).judged()
}

/// A mixed duet in which nothing changed.
pub(in crate::report) fn mixed_duet() -> Sample {
    mixed(&second(40.0), &second(40.2))
        .promising(PROMISES)
        .judged()
}

/// A mixed duet of two versions that share a quota.
pub(in crate::report) fn throttled_duet() -> Sample {
    let throttled = failing(FailureKind::Status(429), 8);
    let unlimited = "limits: { overall: { error_rate: off } }";
    mixed(&throttled, &throttled).promising(unlimited).judged()
}

fn mixed(base: &[Traffic], target: &[Traffic]) -> Gate {
    let mut run = duet(base, target).records.remove(0);
    run.duet = Some(DuetSettings {
        interleaving: Interleaving::Mixed,
        pairs: 36,
        slice_s: 0.5,
        guard_s: 0.0,
        looks: 3,
        look: Some(1),
        restart_every: None,
    });
    for slice in &mut run.slices {
        slice.start_s = f64::from(slice.pair.unwrap_or_default());
    }
    gate(run).against("8d10e7f")
}

/// A duet of so few pairs that no change can be judged.
pub(in crate::report) fn too_few_pairs() -> Sample {
    let run = (0..3).fold(record().steady("warm"), |run, _| {
        let traffic = [traffic("GET /orders", 1000, 40.0)];
        run.pair(&traffic, &traffic)
    });
    gate(finished(run)).against("8d10e7f").judged()
}

/// A duet whose machine was late in half of the pairs.
pub(in crate::report) fn duet_late() -> Sample {
    let mut run = duet(&second(40.0), &second(40.2)).records.remove(0);
    for slice in run.slices.iter_mut().step_by(4) {
        slice.late_p99_s = 0.062;
    }
    gate(run).against("8d10e7f").promising(PROMISES).judged()
}

/// One request in six hundred takes a minute.
pub(in crate::report) fn long_waits() -> Sample {
    let [orders, profile] = second(40.0);
    let mut run = steady(&[orders, profile, traffic("GET /export", 1, 60_000.0)]);
    for slice in &mut run.slices {
        slice.silences = Some(Vec::new());
    }
    gate(run).judged()
}

/// Arrivals, of which so great a share gets its response in time, and which take longer and longer where that is not all.
fn arrivals(share: f64) -> RunRecord {
    let growth = if share < 1.0 { 0.5 } else { 0.0 };
    let medians = (0..12).map(|slice| 40.0 * (1.0 + growth * f64::from(slice)));
    let run = medians.fold(record().steady("warm"), |run, median| {
        run.slice(&second(median))
    });
    let run = run.with(|run| {
        run.phases[0].model = LoadModel::Arrivals;
        "600/s".clone_into(&mut run.phases[0].load);
        run.phases[0].peak_load = 600.0;
        for slice in &mut run.slices {
            slice.silences = Some(Vec::new());
            for cell in &mut slice.cells {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "some hundreds"
                )]
                let completed = (cell.requests as f64 * share) as u64;
                cell.completed = Some(completed);
                cell.first_s = Some(0.04);
            }
        }
    });
    finished(run)
}

/// The service does not keep up with the arrivals.
pub(in crate::report) fn overloaded() -> Sample {
    let mut run = arrivals(0.7);
    run.health.achieved = Some(0.998);
    gate(run).promising(PROMISES).judged()
}

/// A rate that counts responses, held against jobs that counted what was due.
pub(in crate::report) fn other_rate() -> Sample {
    let promises = "regression: { gate: [p95, requests_per_second, error_rate] }";
    gate(arrivals(1.0))
        .after(history())
        .promising(promises)
        .judged()
}

/// Most failures came within one second.
pub(in crate::report) fn burst_of_errors() -> Sample {
    let run = record().steady("warm").slices(11, &second(40.0));
    let run = run.slice(&failing(FailureKind::Status(500), 300));
    gate(finished(run)).after(history()).judged()
}

/// More cold starts than before make the gated latency longer.
pub(in crate::report) fn more_cold_starts() -> Sample {
    let run = |cold| {
        let traffic = [traffic("GET /orders", 400, 40.0).cold(cold, 900.0)];
        let run = record().steady("warm").slices(12, &traffic).marking(4800);
        let mut parts = Parts::default();
        for index in 0..4800 {
            if index < 12 * cold {
                parts.cold.record(Duration::from_millis(900));
            } else {
                parts.warm.record(Duration::from_millis(40));
            }
        }
        finished(run.with(|run| {
            run.parts.push(PartsRecord {
                phase: 0,
                arm: Arm::Target,
                request: 0,
                parts,
            });
        }))
    };
    gate(run(48))
        .after(&recorded((0..6).map(|_| run(4))))
        .judged()
}

/// Requests fail in every way that there is.
pub(in crate::report) fn failures_of_every_kind() -> Sample {
    let kinds = [
        FailureKind::Status(404),
        FailureKind::Status(500),
        FailureKind::Timeout,
        FailureKind::Unfinished,
        FailureKind::Unserved,
        FailureKind::Dns,
        FailureKind::Connect,
        FailureKind::Reset,
        FailureKind::Resent,
        FailureKind::Redirect,
        FailureKind::Tls,
        FailureKind::Protocol,
        FailureKind::Body,
        FailureKind::Proxy,
        FailureKind::Expectation,
        FailureKind::Unset,
    ];
    let [orders, profile] = second(40.0);
    let counted = (1..).zip(kinds);
    let orders = counted.fold(orders, |orders, (count, kind)| orders.failing(kind, count));
    gate(steady(&[orders, profile]))
        .after(history())
        .promising(PROMISES)
        .judged()
}

/// Two results, the newer one slower and with a name more; their machines differ.
pub(in crate::report) fn compared() -> Sample {
    let old = shop::shop(40.0);
    let [orders, profile] = second(58.0);
    let mut new = steady(&[orders, profile, traffic("GET /new", 300, 30.0)]);
    "Xeon".clone_into(&mut new.environment.cpu);
    comparison(&old, new)
}

/// Two results that are alike.
pub(in crate::report) fn compared_alike() -> Sample {
    comparison(&shop::shop(40.0), shop::shop(40.2))
}

/// The run becomes a part of the baseline.
pub(in crate::report) fn becoming_baseline() -> Sample {
    no_baseline().occasion(Occasion::Recorded)
}

/// A stranger may have written the record.
pub(in crate::report) fn hearsay() -> Sample {
    regressed("").occasion(Occasion::Hearsay)
}

/// A stored result, with no file written and by a program of another name.
pub(in crate::report) fn again() -> Sample {
    let mut sample = regressed("").occasion(Occasion::Again);
    sample.files.clear();
    sample
}

/// A first run of a commit that is only proposed, with arguments that it takes to run it again.
pub(in crate::report) fn proposed() -> Sample {
    let mut run = shop::shop(40.0);
    run.run.from_pull_request = true;
    run.run.extra_args = ["--header", "X-Team: shop", "--timeout", "3s"]
        .map(str::to_owned)
        .into();
    run.run.commit = None;
    run.run.url = None;
    gate(run).promising(PROMISES).judged()
}

/// Nothing changed, and nothing is enforced.
pub(in crate::report) fn observed_passed() -> Sample {
    gate(shop::shop(40.4))
        .after(history())
        .promising(format!("mode: observe\n{PROMISES}"))
        .judged()
}

/// Three results of one CI run, all of them slower.
pub(in crate::report) fn several_candidates_failed() -> Sample {
    let mut third = shop::shop(59.0);
    third.run.id = "third".to_owned();
    gate(shop::shop(58.0))
        .and(shop::shop(57.0))
        .and(third)
        .after(history())
        .promising(PROMISES)
        .judged()
}
