//! Changes over whole records.

use std::time::Duration;

use super::*;
use crate::record::DuetSettings;
use crate::thresholds::{Bound, Severity};

#[test]
fn an_unchanged_run_passes_and_a_slower_one_fails() {
    for (record, jobs, comparison) in [
        (
            shop(100.0),
            10,
            Comparison::History {
                jobs: 10,
                candidates: 1,
            },
        ),
        (
            shop(100.0),
            1,
            Comparison::Provisional {
                jobs: 1,
                candidates: 1,
            },
        ),
    ] {
        let verdict = judged_against(&thresholds(), &record, &history(jobs));
        assert_eq!(verdict.outcome, Outcome::Passed);
        assert_eq!(verdict.comparison, comparison);
    }
    let verdict = judged_against(&thresholds(), &shop(160.0), &history(5));
    assert_eq!(verdict.outcome, Outcome::Failed);
    for subject in [Subject::Overall, request("GET /a"), request("GET /b")] {
        assert_eq!(
            line(&verdict, &subject, Metric::P95).outcome,
            CheckOutcome::Failed
        );
        assert_eq!(
            line(&verdict, &subject, Metric::ErrorRate).outcome,
            CheckOutcome::Passed
        );
    }
}

#[test]
fn golden_history_of_ten_through_a_whole_verdict() {
    let only = |median| {
        record()
            .steady("warm")
            .slices(12, &[traffic("GET /a", 600, median)])
            .build()
    };
    let jobs: Vec<Job> = [
        100.0, 104.0, 97.0, 101.0, 103.0, 99.0, 96.0, 105.0, 100.0, 102.0,
    ]
    .map(|median| Job::from_record(&only(median), false))
    .into();
    let verdict = judged_against(&thresholds(), &only(122.0), &jobs);
    let line = line(&verdict, &Subject::Overall, Metric::P95);
    assert_eq!(line.outcome, CheckOutcome::Failed);
    // Histograms of three digits move p a little from the exact 0.001 155 92.
    let p = change(line).change.unwrap().p;
    assert!((p - 0.001_156).abs() < 1e-4, "{p}");
    assert_eq!(change(line).change.unwrap().units, 10);
}

#[test]
fn a_duet_is_judged_by_its_pairs() {
    let verdict = judged_alone(&thresholds(), &duet(100.0, 100.0));
    assert_eq!(verdict.outcome, Outcome::Passed);
    assert_eq!(
        verdict.comparison,
        Comparison::Duet {
            pairs: 12,
            dropped: 0
        }
    );
    let verdict = judged_alone(&thresholds(), &duet(100.0, 125.0));
    assert_eq!(verdict.outcome, Outcome::Failed);
    let line = line(&verdict, &request("GET /a"), Metric::P95);
    let check = change(line);
    assert!((check.change.unwrap().estimate - 0.25).abs() < 5e-3);
    assert!((check.before.unwrap() - 0.145).abs() < 1e-3);
    assert!((line.current.unwrap() - 0.181).abs() < 1e-3);
    assert_eq!((check.change.unwrap().units, line.requests), (12, 7200));
}

#[test]
fn looks_share_the_false_alarms() {
    // Differences of 7 % with a spread: p lies between .005 and .01.
    let mut run = record().steady("warm");
    for percent in [
        4.0, 20.0, 2.0, 15.0, 8.0, 14.0, 20.0, 3.0, 9.0, 12.0, 10.0, 8.0,
    ] {
        let slow = 100.0 * (0.983 + percent / 100.0);
        run = run.pair(
            &[traffic("GET /a", 600, 100.0)],
            &[traffic("GET /a", 600, slow)],
        );
    }
    let run = run.build();
    let mut thresholds = thresholds();
    thresholds.regression.gate = vec![Metric::P95, Metric::ErrorRate];
    let outcome = |looks, look| {
        let mut run = run.clone();
        run.duet = Some(DuetSettings {
            interleaving: crate::measurement::Interleaving::Turns,
            pairs: 12,
            slice_s: 1.0,
            guard_s: 0.3,
            looks,
            look,
            restart_every: None,
        });
        let verdict = judged_alone(&thresholds, &run);
        let p = change(line(&verdict, &Subject::Overall, Metric::P95))
            .change
            .unwrap()
            .p;
        (verdict.outcome, p)
    };
    let (one, p) = outcome(1, None);
    assert!(p > 0.005 && p < 0.006, "{p}");
    assert_eq!(one, Outcome::Failed);
    assert_eq!(outcome(2, None).0, Outcome::Passed, "of an earlier version");
    assert_eq!(outcome(3, Some(1)).0, Outcome::Passed);
    assert_eq!(
        outcome(3, Some(3)).0,
        Outcome::Failed,
        "most is left to the last"
    );
}

fn at_the_first_of_three_looks(run: &RunRecord) -> RunRecord {
    let duet = DuetSettings {
        interleaving: crate::measurement::Interleaving::Turns,
        pairs: 36,
        slice_s: 1.0,
        guard_s: 0.3,
        looks: 3,
        look: Some(1),
        restart_every: None,
    };
    RunRecord {
        duet: Some(duet),
        ..run.clone()
    }
}

#[test]
fn a_duet_is_settled_by_a_change_or_by_all_that_is_gated() {
    let settled = |thresholds: &Thresholds, run: &RunRecord| {
        let run = at_the_first_of_three_looks(run);
        let verdict = judged_alone(thresholds, &run);
        (verdict.outcome, verdict.settled)
    };
    let mut p95 = thresholds();
    p95.regression.gate = vec![Metric::P95];
    assert_eq!(settled(&p95, &duet(100.0, 100.0)), (Outcome::Passed, true));
    assert_eq!(settled(&p95, &duet(100.0, 200.0)), (Outcome::Failed, true));
    // The whole would catch a smaller change than is ruled out so far.
    assert_eq!(settled(&p95, &duet(100.0, 107.0)), (Outcome::Passed, false));
    // The rest brings what P99.9 needs of the names together, which blocks nothing where it lacks it.
    let mut both = p95.clone();
    both.regression.gate.push(Metric::P999);
    assert_eq!(
        settled(&both, &duet(100.0, 100.0)),
        (Outcome::Passed, false)
    );
    // The whole run may keep a limit that its first part breaks.
    let broken = Thresholds {
        limits: vec![Limit {
            subject: Subject::Overall,
            phase: None,
            bound: Bound::Latency {
                metric: Metric::P95,
                at_most: Duration::from_millis(50),
            },
            severity: Severity::Fail,
            line: None,
        }],
        ..p95
    };
    assert_eq!(
        settled(&broken, &duet(100.0, 100.0)),
        (Outcome::Failed, false)
    );
}

#[test]
fn a_change_below_the_floor_does_not_fail() {
    let mut thresholds = thresholds();
    let run = duet(1.0, 1.4);
    assert_eq!(judged_alone(&thresholds, &run).outcome, Outcome::Passed);
    thresholds.regression.floor = Duration::from_micros(100);
    assert_eq!(judged_alone(&thresholds, &run).outcome, Outcome::Failed);
}

#[test]
fn no_line_promises_to_catch_what_its_floor_would_spare() {
    // P95 is 1.45 ms: a floor of 1 ms is 69 % of it.
    let overall = |floor| {
        let mut thresholds = thresholds();
        thresholds.regression.floor = Duration::from_micros(floor);
        let verdict = judged_alone(&thresholds, &duet(1.0, 1.0));
        let line = line(&verdict, &Subject::Overall, Metric::P95);
        (change(line).floor, change(line).min_detectable.unwrap())
    };
    let (floor, caught) = overall(1000);
    assert_eq!(floor, Some(0.001));
    assert!(caught > 0.69 && caught < 0.9, "{caught}");
    let (_, caught) = overall(10);
    assert!(caught < 0.2, "{caught}");
}

#[test]
fn a_lost_rate_fails_where_it_is_gated() {
    let mut thresholds = thresholds();
    thresholds.regression.gate = vec![Metric::RequestsPerSecond];
    let of = |requests| [traffic("GET /a", requests, 100.0)];
    let verdict = judged_alone(&thresholds, &duet_of(&of(600), &of(400)));
    assert_eq!(verdict.outcome, Outcome::Failed);
    let check = change(line(&verdict, &Subject::Overall, Metric::RequestsPerSecond));
    let estimate = check.change.unwrap();
    assert!((estimate.estimate + 1.0 / 3.0).abs() < 1e-5);
    assert!(estimate.lower < estimate.estimate && estimate.estimate < estimate.upper);
    assert!(check.min_detectable.unwrap() < 0.0);
    assert_eq!(
        judged_alone(&thresholds, &duet_of(&of(400), &of(600))).outcome,
        Outcome::Passed
    );
}

#[test]
fn a_much_faster_run_passes_and_is_doubted() {
    let verdict = judged_against(&thresholds(), &shop(40.0), &history(10));
    assert_eq!(verdict.outcome, Outcome::Passed);
    let doubted = verdict
        .warnings
        .iter()
        .any(|caution| matches!(caution, Warning::MuchFaster { .. }));
    assert!(doubted);
}

#[test]
fn what_a_set_up_cannot_see_is_said() {
    let blind = |verdict: &Verdict| {
        let mut warnings = verdict.warnings.iter();
        warnings.any(|caution| matches!(caution, Warning::CannotDetect { .. }))
    };
    assert!(blind(&judged_against(
        &thresholds(),
        &shop(100.0),
        &history(1)
    )));
    let duet = judged_alone(&thresholds(), &duet(100.0, 100.0));
    assert!(!blind(&duet));
    let seen = change(line(&duet, &Subject::Overall, Metric::P95))
        .min_detectable
        .unwrap();
    assert!(seen > 0.05 && seen < 0.2, "{seen}");
}

#[test]
fn several_candidates_are_one_job() {
    let candidates = [shop(115.0), shop(116.0), shop(114.0)];
    let (thresholds, jobs) = (thresholds(), history(10));
    let verdict = judge(&JudgeInput {
        thresholds: &thresholds,
        candidates: &candidates,
        matching: Matching::Jobs(jobs.iter().collect()),
        anchor: None,
    });
    assert_eq!(
        verdict.comparison,
        Comparison::History {
            jobs: 10,
            candidates: 3
        }
    );
    let width = |verdict: &Verdict| {
        let change = change(line(verdict, &Subject::Overall, Metric::P95))
            .change
            .unwrap();
        change.upper - change.lower
    };
    assert!(width(&verdict) < width(&judged_against(&thresholds, &candidates[0], &jobs)));
}

#[test]
fn odd_slices_do_no_harm() {
    // Nothing in a slice, equal latencies in all, latencies beyond what a histogram holds.
    let run = |median| {
        record()
            .steady("warm")
            .slices(11, &both(median))
            .slice(&[])
            .build()
    };
    let jobs = vec![Job::from_record(&run(100.0), false); 5];
    assert_eq!(
        judged_against(&thresholds(), &run(100.0), &jobs).outcome,
        Outcome::Passed
    );
    let jobs = vec![Job::from_record(&run(2e6), false); 5];
    assert_eq!(
        judged_against(&thresholds(), &run(2e6), &jobs).outcome,
        Outcome::Passed
    );
}

#[test]
fn a_verdict_is_the_same_every_time() {
    let jobs = history(7);
    let once = format!("{:?}", judged_against(&thresholds(), &shop(111.0), &jobs));
    for _ in 0..3 {
        assert_eq!(
            format!("{:?}", judged_against(&thresholds(), &shop(111.0), &jobs)),
            once
        );
    }
    let mut turned = history(7);
    turned.reverse();
    let turned = judged_against(&thresholds(), &shop(111.0), &turned);
    assert_eq!(format!("{turned:?}"), once);
}
