//! Limits over whole records.

use std::time::Duration;

use super::*;
use crate::measurement::{Arm, FailureKind, Parts};
use crate::record::PartsRecord;
use crate::thresholds::{Bound, FailureSet, Severity};
use crate::units::Share;

fn promise(bound: Bound) -> Limit {
    Limit {
        subject: Subject::Overall,
        phase: None,
        bound,
        severity: Severity::Fail,
        line: Some(3),
    }
}

fn p95(millis: u64) -> Limit {
    promise(Bound::Latency {
        metric: Metric::P95,
        at_most: Duration::from_millis(millis),
    })
}

fn error_rate(fraction: f64) -> Limit {
    promise(Bound::ErrorRate(Share::new(fraction).unwrap()))
}

fn outcome_of(limit: Limit, run: &RunRecord) -> (Outcome, CheckOutcome) {
    let verdict = judged_alone(&limited(vec![limit]), run);
    (verdict.outcome, verdict.checks[0].outcome.clone())
}

#[test]
fn a_limit_is_kept_broken_or_undecided() {
    // 600 requests evenly between 50 and 150 ms: 5 % are over 145 ms.
    let run = record()
        .steady("warm")
        .slices(12, &[traffic("GET /a", 600, 100.0)])
        .build();
    for (millis, outcome, line) in [
        (148, Outcome::Passed, CheckOutcome::Passed),
        (145, Outcome::Inconclusive, CheckOutcome::Inconclusive),
        (142, Outcome::Failed, CheckOutcome::Failed),
    ] {
        assert_eq!(outcome_of(p95(millis), &run), (outcome, line), "{millis}");
    }
    let verdict = judged_alone(&limited(vec![p95(142)]), &run);
    let line = &verdict.checks[0];
    assert_eq!((line.requests, limit(line).slices), (7200, 12));
    assert!((line.current.unwrap() - 0.145).abs() < 1e-3);
    assert!(!limit(line).assumes_independence);
    let (lower, upper) = limit(line).interval.unwrap();
    assert!(
        0.05 < lower && lower < 0.08 && upper > lower,
        "{lower} {upper}"
    );
}

#[test]
fn a_limit_needs_as_many_requests_as_could_keep_it() {
    for (limit, need) in [
        (p95(900), 52),
        (
            promise(Bound::Latency {
                metric: Metric::P99,
                at_most: Duration::from_millis(900),
            }),
            268,
        ),
        (error_rate(0.01), 268),
        (error_rate(0.05), 52),
        (error_rate(0.0), 1),
        (error_rate(1.0), 1),
    ] {
        let of = |requests| {
            record()
                .steady("warm")
                .slice(&[traffic("GET /a", requests, 1.0)])
                .build()
        };
        assert_eq!(
            outcome_of(limit.clone(), &of(need)).0,
            Outcome::Passed,
            "{limit:?}"
        );
        if need > 1 {
            let have = need - 1;
            let short = CheckOutcome::NotJudged(NotJudged::TooFewRequests { have, need });
            assert_eq!(outcome_of(limit, &of(have)), (Outcome::Invalid, short));
        }
    }
}

#[test]
fn too_few_requests_for_a_limit_are_named() {
    let run = record()
        .steady("warm")
        .slice(&[traffic("GET /a", 20, 1.0)])
        .build();
    let verdict = judged_alone(&limited(vec![p95(900)]), &run);
    assert_eq!(
        verdict.invalid,
        [InvalidReason::TooFewForLimit { check: 0 }]
    );
}

#[test]
fn a_broken_limit_outweighs_one_without_requests() {
    let run = record()
        .steady("warm")
        .slices(
            12,
            &[traffic("GET /a", 600, 100.0), traffic("GET /b", 1, 1.0)],
        )
        .build();
    let rare = Limit {
        subject: request("GET /b"),
        ..p95(900)
    };
    let verdict = judged_alone(&limited(vec![rare, p95(90)]), &run);
    assert_eq!(verdict.outcome, Outcome::Failed);
    assert!(verdict.invalid.is_empty());
}

#[test]
fn none_at_all_is_exact() {
    let of = |failures| {
        let errors = traffic("GET /a", 100, 1.0).failing(FailureKind::Status(504), failures);
        record().steady("warm").slice(&[errors]).build()
    };
    assert_eq!(outcome_of(error_rate(0.0), &of(0)).1, CheckOutcome::Passed);
    assert_eq!(outcome_of(error_rate(0.0), &of(1)).1, CheckOutcome::Failed);
}

#[test]
fn an_error_in_a_dropped_slice_breaks_an_exact_promise() {
    let run = record()
        .steady("warm")
        .slices(9, &[traffic("GET /a", 100, 1.0)])
        .slice(&[traffic("GET /a", 100, 1.0).failing(FailureKind::Timeout, 1)])
        .late(1.0)
        .build();
    assert_eq!(outcome_of(error_rate(0.0), &run).1, CheckOutcome::Failed);
}

#[test]
fn an_error_burst_in_a_late_slice_breaks_the_limits_on_errors() {
    let burst = traffic("GET /a", 100, 1.0).failing(FailureKind::Status(429), 90);
    let run = record()
        .steady("warm")
        .slices(8, &[traffic("GET /a", 100, 1.0)])
        .slice(&[burst])
        .late(1.0)
        .build();
    assert_eq!(outcome_of(error_rate(0.05), &run).1, CheckOutcome::Failed);
    let set = FailureSet::Kind(FailureKind::Status(429));
    let throttled = promise(Bound::Failures(set, Share::new(0.05).unwrap()));
    let verdict = judged_alone(&limited(vec![throttled]), &run);
    let line = &verdict.checks[0];
    assert_eq!(
        (&line.outcome, line.requests, limit(line).over),
        (&CheckOutcome::Failed, 900, Some(90))
    );
}

#[test]
fn late_slices_count_all_but_latencies_with_a_warning() {
    let slow = traffic("GET /a", 600, 100.0)
        .cold(300, 900.0)
        .failing(FailureKind::Status(503), 60);
    let run = record()
        .steady("warm")
        .slices(8, &[traffic("GET /a", 600, 100.0)])
        .slice(&[slow])
        .late(1.0)
        .with(|run| {
            run.cold_start = Some("x-cold-start".to_owned());
            let parts = Parts {
                marked: 5400,
                ..Parts::default()
            };
            run.parts.push(PartsRecord {
                phase: 0,
                arm: Arm::Target,
                request: 0,
                parts,
            });
        })
        .build();
    let share = |percent: f64| Share::new(percent / 100.0).unwrap();
    let rate = Bound::RequestsPerSecond(599.0);
    for (bound, outcome, hits) in [
        (
            Bound::ColdShare(share(1.0)),
            CheckOutcome::Failed,
            Some(300),
        ),
        (Bound::ErrorRate(share(0.2)), CheckOutcome::Failed, Some(60)),
        (rate, CheckOutcome::Passed, None),
    ] {
        let verdict = judged_alone(&limited(vec![promise(bound)]), &run);
        let line = &verdict.checks[0];
        assert_eq!(
            (&line.outcome, limit(line).over),
            (&outcome, hits),
            "{bound:?}"
        );
        assert_eq!(line.requests, 5400 - if hits == Some(300) { 60 } else { 0 });
        let expected = Warning::LateSlices {
            dropped: 1,
            of: 9,
            worst_s: 1.0,
            limit_s: 0.02,
        };
        assert!(
            verdict
                .warnings
                .iter()
                .any(|caution| std::mem::discriminant(caution) == std::mem::discriminant(&expected)),
            "{:?}",
            verdict.warnings
        );
    }
    let kept = record()
        .steady("warm")
        .slices(9, &[traffic("GET /a", 600, 100.0)])
        .build();
    assert_eq!(judged_alone(&limited(Vec::new()), &kept).warnings, []);
}

/// Nine slices about 100 ms, of which the generator was late in the last, whose latencies lie about this.
fn ending_late(median_ms: f64) -> RunRecord {
    record()
        .steady("warm")
        .slices(8, &[traffic("GET /a", 600, 100.0)])
        .slice(&[traffic("GET /a", 600, median_ms)])
        .late(1.0)
        .build()
}

#[test]
fn a_latency_limit_that_late_slices_would_turn_is_inconclusive() {
    // Kept without the late slice, in which a ninth of all requests take longer.
    let outcome = (Outcome::Inconclusive, CheckOutcome::Inconclusive);
    assert_eq!(outcome_of(p95(200), &ending_late(1000.0)), outcome);
    // And where with it nothing else comes out, it is passed.
    let outcome = (Outcome::Passed, CheckOutcome::Passed);
    assert_eq!(outcome_of(p95(200), &ending_late(100.0)), outcome);
}

#[test]
fn a_latency_limit_broken_with_and_without_late_slices_fails() {
    let outcome = (Outcome::Failed, CheckOutcome::Failed);
    assert_eq!(outcome_of(p95(120), &ending_late(1000.0)), outcome);
}

#[test]
fn failures_are_counted_by_their_kind() {
    let errors = traffic("GET /a", 1000, 1.0)
        .failing(FailureKind::Status(429), 100)
        .failing(FailureKind::Status(503), 1);
    let run = record().steady("warm").slices(12, &[errors]).build();
    let kind = |set| promise(Bound::Failures(set, Share::new(0.02).unwrap()));
    for (set, outcome) in [
        (
            FailureSet::Kind(FailureKind::Status(429)),
            CheckOutcome::Failed,
        ),
        (FailureSet::StatusClass(4), CheckOutcome::Failed),
        (FailureSet::StatusClass(5), CheckOutcome::Passed),
        (FailureSet::Kind(FailureKind::Timeout), CheckOutcome::Passed),
    ] {
        assert_eq!(outcome_of(kind(set), &run).1, outcome, "{set:?}");
    }
}

#[test]
fn a_failure_is_over_any_latency_limit() {
    let errors = traffic("GET /a", 1000, 1.0).failing(FailureKind::Status(500), 100);
    let run = record().steady("warm").slices(12, &[errors]).build();
    assert_eq!(outcome_of(p95(900), &run).1, CheckOutcome::Failed);
}

#[test]
fn a_broken_warning_fails_nothing() {
    let warning = Limit {
        severity: Severity::Warn,
        ..p95(90)
    };
    let verdict = judged_alone(&limited(vec![warning.clone()]), &shop(100.0));
    let line = &verdict.checks[0];
    assert_eq!(
        (line.enforcement, &line.outcome),
        (Enforcement::Warned, &CheckOutcome::Failed)
    );
    assert_eq!(verdict.outcome, Outcome::Passed);
    let rare = record()
        .steady("warm")
        .slice(&[traffic("GET /a", 5, 1.0)])
        .build();
    assert_eq!(outcome_of(warning, &rare).0, Outcome::Passed);
}

#[test]
fn bursts_make_a_limit_undecided_that_chance_would_break() {
    let quiet = traffic("GET /a", 1000, 1.0);
    let burst = quiet.clone().failing(FailureKind::Timeout, 200);
    let even = quiet.clone().failing(FailureKind::Timeout, 17);
    let bursts = record()
        .steady("warm")
        .slices(11, std::slice::from_ref(&quiet))
        .slice(&[burst])
        .build();
    let evenly = record().steady("warm").slices(12, &[even]).build();
    assert_eq!(
        outcome_of(error_rate(0.01), &bursts).1,
        CheckOutcome::Inconclusive
    );
    assert_eq!(
        outcome_of(error_rate(0.01), &evenly).1,
        CheckOutcome::Failed
    );
}

#[test]
fn few_slices_count_requests_as_independent_and_say_so() {
    let run = record().steady("warm").slices(9, &both(100.0)).build();
    let verdict = judged_alone(&limited(vec![p95(300)]), &run);
    assert!(limit(&verdict.checks[0]).assumes_independence);
}

#[test]
fn a_limit_of_a_phase_looks_at_that_phase() {
    let run = record()
        .steady("warm")
        .slices(12, &[traffic("GET /a", 600, 10.0)])
        .repeated("burst")
        .slices(12, &[traffic("GET /a", 600, 1000.0)])
        .build();
    for (phase, outcome) in [
        (Some("warm"), CheckOutcome::Passed),
        (Some("burst"), CheckOutcome::Failed),
        (None, CheckOutcome::Failed),
    ] {
        let limit = Limit {
            phase: phase.map(str::to_owned),
            ..p95(200)
        };
        assert_eq!(outcome_of(limit, &run).1, outcome, "{phase:?}");
    }
}

#[test]
fn the_base_arm_is_not_held_to_limits() {
    assert_eq!(
        outcome_of(p95(200), &duet(1000.0, 100.0)).1,
        CheckOutcome::Passed
    );
}

#[test]
fn a_rate_is_held_by_its_interval() {
    let mut run = record().steady("warm");
    for requests in [98, 100, 102, 99, 101, 100, 97, 103, 100, 100] {
        run = run.slice(&[traffic("GET /a", requests, 1.0)]);
    }
    let run = run.build();
    for (at_least, outcome) in [
        (97.0, CheckOutcome::Passed),
        (100.0, CheckOutcome::Inconclusive),
        (103.0, CheckOutcome::Failed),
    ] {
        let limit = promise(Bound::RequestsPerSecond(at_least));
        assert_eq!(outcome_of(limit, &run).1, outcome, "{at_least}");
    }
}

#[test]
fn a_rate_that_never_varies_is_judged_at_its_value() {
    let run = shop(100.0);
    for (at_least, outcome) in [(900.0, CheckOutcome::Passed), (901.0, CheckOutcome::Failed)] {
        let limit = promise(Bound::RequestsPerSecond(at_least));
        assert_eq!(outcome_of(limit, &run).1, outcome, "{at_least}");
    }
}

#[test]
fn phases_of_different_rates_are_no_spread() {
    let run = record()
        .steady("slow")
        .slices(10, &[traffic("GET /a", 50, 1.0)])
        .steady("fast")
        .slices(10, &[traffic("GET /a", 150, 1.0)])
        .build();
    let limit = promise(Bound::RequestsPerSecond(99.0));
    assert_eq!(outcome_of(limit, &run).1, CheckOutcome::Passed);
}

#[test]
fn a_rate_of_one_slice_has_no_interval() {
    let run = record().steady("warm").slice(&both(1.0)).build();
    let limit = promise(Bound::RequestsPerSecond(10.0));
    let short = CheckOutcome::NotJudged(NotJudged::TooFewSlices { have: 1, need: 2 });
    assert_eq!(outcome_of(limit, &run), (Outcome::Invalid, short));
}
