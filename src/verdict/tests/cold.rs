//! Cold starts: held to limits, gated, and never passed for want of them.

use std::time::Duration;

use super::*;
use crate::measurement::FailureKind;
use crate::thresholds::{Bound, Severity};
use crate::units::Share;

/// Four bursts of 600 requests, so many of each delayed by a cold start; `marked` answers say whether there was one.
fn bursts(cold: u64, cold_ms: f64, marked: u64) -> RunRecord {
    let burst = [traffic("POST /report", 600, 40.0).cold(cold, cold_ms)];
    let mut run = record().repeated("burst");
    for _ in 0..4 {
        run = run.slice(&burst).next_pass();
    }
    run.marking(marked).build()
}

fn limited_to(bound: Bound) -> Thresholds {
    limited(vec![Limit {
        subject: Subject::Overall,
        phase: None,
        bound,
        severity: Severity::Fail,
        line: Some(1),
    }])
}

fn latency(metric: Metric, millis: u64) -> Bound {
    Bound::Latency {
        metric,
        at_most: Duration::from_millis(millis),
    }
}

fn share(percent: f64) -> Bound {
    Bound::ColdShare(Share::new(percent / 100.0).unwrap())
}

fn gating(metrics: &[Metric]) -> Thresholds {
    Thresholds {
        regression: Regression {
            gate: metrics.to_vec(),
            phases: vec!["burst".to_owned()],
            ..Regression::default()
        },
        ..thresholds()
    }
}

fn jobs() -> Vec<Job> {
    let millis = [
        500.0, 520.0, 485.0, 505.0, 515.0, 495.0, 480.0, 525.0, 500.0, 510.0,
    ];
    millis
        .map(|millis| Job::from_record(&bursts(100, millis, 2400), false))
        .into()
}

#[test]
fn cold_starts_and_warm_requests_have_separate_limits() {
    use Outcome::{Failed, Passed};
    let run = bursts(100, 500.0, 2400);
    for (bound, outcome, current) in [
        (latency(Metric::ColdP50, 1200), Passed, 0.5),
        (latency(Metric::ColdP50, 400), Failed, 0.5),
        // One in six is cold: P95 of all is a cold start's, that of the warm ones is not.
        (latency(Metric::P95, 100), Failed, 0.5),
        (latency(Metric::WarmP95, 100), Passed, 0.058),
        (latency(Metric::WarmP95, 50), Failed, 0.058),
        (share(25.0), Passed, 1.0 / 6.0),
        (share(10.0), Failed, 1.0 / 6.0),
    ] {
        let verdict = judged_alone(&limited_to(bound), &run);
        assert_eq!(verdict.outcome, outcome, "{bound:?}");
        let reported = verdict.checks[0].current.unwrap();
        assert!(
            (reported / current - 1.0).abs() < 0.01,
            "{bound:?}: {reported}"
        );
    }
}

#[test]
fn a_failure_is_no_cold_start_and_over_every_warm_limit() {
    let failing = traffic("POST /report", 600, 40.0)
        .cold(100, 500.0)
        .failing(FailureKind::Status(503), 50);
    let run = record().repeated("burst").slices(4, &[failing]);
    let run = run.marking(2400).build();
    let warm = judged_alone(&limited_to(latency(Metric::WarmP95, 100)), &run);
    assert_eq!(warm.outcome, Outcome::Failed);
    assert_eq!(
        (warm.checks[0].requests, limit(&warm.checks[0]).over),
        (2000, Some(200))
    );
    let cold = judged_alone(&limited_to(share(25.0)), &run);
    assert_eq!(
        (cold.checks[0].requests, limit(&cold.checks[0]).over),
        (2200, Some(400))
    );
}

#[test]
fn too_few_cold_starts_leave_a_limit_open_and_the_run_valid() {
    for (cold, outcome) in [(0, Outcome::Inconclusive), (1, Outcome::Passed)] {
        let verdict = judged_alone(
            &limited_to(latency(Metric::ColdP50, 1200)),
            &bursts(cold, 500.0, 2400),
        );
        assert_eq!(verdict.outcome, outcome, "{cold}");
    }
    let verdict = judged_alone(
        &limited_to(latency(Metric::ColdP95, 1200)),
        &bursts(10, 500.0, 2400),
    );
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
    assert_eq!(
        verdict.checks[0].outcome,
        CheckOutcome::NotJudged(NotJudged::TooFewColdStarts { have: 40, need: 52 })
    );
}

#[test]
fn no_cold_start_passes_a_share_limit_only_if_responses_say_so() {
    for (marked, outcome) in [(2400, Outcome::Passed), (0, Outcome::Inconclusive)] {
        for percent in [0.0, 10.0] {
            let run = bursts(0, 0.0, marked);
            let verdict = judged_alone(&limited_to(share(percent)), &run);
            assert_eq!(verdict.outcome, outcome, "{marked} {percent}");
        }
    }
}

#[test]
fn only_a_slower_cold_start_fails_the_gate() {
    use Outcome::{Failed, Passed};
    let jobs = jobs();
    for (metric, run, outcome) in [
        (Metric::ColdP50, bursts(100, 505.0, 2400), Passed),
        (Metric::ColdP50, bursts(100, 800.0, 2400), Failed),
        (Metric::ColdShare, bursts(200, 505.0, 2400), Failed),
        (Metric::WarmP95, bursts(100, 800.0, 2400), Passed),
    ] {
        let verdict = judged_against(&gating(&[metric]), &run, &jobs);
        assert_eq!(verdict.outcome, outcome, "{metric}");
    }
}

#[test]
fn a_gate_that_expects_cold_starts_and_saw_none_is_inconclusive() {
    let none = bursts(0, 0.0, 0);
    for metric in [Metric::ColdP50, Metric::ColdShare] {
        for jobs in [jobs(), Vec::new()] {
            let verdict = if jobs.is_empty() {
                judged_alone(&gating(&[metric]), &none)
            } else {
                judged_against(&gating(&[metric]), &none, &jobs)
            };
            assert_eq!(verdict.outcome, Outcome::Inconclusive, "{metric}");
            assert!(verdict.invalid.is_empty());
        }
    }
}

#[test]
fn a_duet_pairs_cold_starts() {
    let pairs = |cold_ms: f64| {
        let arm = |millis| [traffic("POST /report", 600, 40.0).cold(40, millis)];
        let run = (0..12).fold(record().steady("warm"), |run, _| {
            run.pair(&arm(500.0), &arm(cold_ms))
        });
        run.marking(7200).build()
    };
    let gate = Thresholds {
        regression: Regression {
            gate: vec![Metric::ColdP50],
            ..Regression::default()
        },
        ..thresholds()
    };
    assert_eq!(judged_alone(&gate, &pairs(505.0)).outcome, Outcome::Passed);
    assert_eq!(judged_alone(&gate, &pairs(700.0)).outcome, Outcome::Failed);
}

#[test]
fn a_name_with_too_few_cold_starts_blocks_nothing() {
    let burst = [
        traffic("GET /a", 600, 40.0).cold(100, 500.0),
        traffic("GET /b", 600, 40.0).cold(1, 500.0),
    ];
    let bursts = || {
        (0..4).fold(record().repeated("burst"), |run, _| {
            run.slice(&burst).next_pass()
        })
    };
    let run = bursts().marking(4800).build();
    let jobs: Vec<Job> = (0..5).map(|_| Job::from_record(&run, false)).collect();
    let verdict = judged_against(&gating(&[Metric::ColdP50]), &run, &jobs);
    assert_eq!(verdict.outcome, Outcome::Passed);
    assert_eq!(
        line(&verdict, &request("GET /b"), Metric::ColdP50).outcome,
        CheckOutcome::NotJudged(NotJudged::TooFewColdStarts { have: 4, need: 60 })
    );
}

#[test]
fn warm_metrics_are_judged_with_a_warning_without_a_header() {
    let gate = limited_to(latency(Metric::WarmP95, 100));
    let verdict = judged_alone(&gate, &bursts(0, 0.0, 0));
    assert_eq!(verdict.outcome, Outcome::Passed);
    assert_eq!(verdict.warnings, [Warning::NoColdStartHeader]);
    let verdict = judged_alone(&gate, &bursts(0, 0.0, 2400));
    assert!(verdict.warnings.is_empty());
}

#[test]
fn cold_starts_are_told_of_overall_without_being_gated() {
    let run = bursts(100, 500.0, 2400);
    let reported = |run: &RunRecord, jobs: &[Job]| {
        let verdict = judged_against(&gating(&[Metric::P50]), run, jobs);
        let lines = verdict.checks.into_iter();
        let metrics = lines.map(|line| line.measure);
        metrics
            .filter(|measure| matches!(measure, Measure::Metric(it) if it.needs_marks()))
            .count()
    };
    // The share, the cold median, and of warm ones the median, P90, P95 and P99.
    assert_eq!(reported(&run, &jobs()), 6);
    let never = bursts(0, 0.0, 0);
    assert_eq!(reported(&never, &[Job::from_record(&never, false)]), 0);
}
