//! Drift from the anchor.

use super::*;

/// Held against ten jobs about `newest` ms and an anchor of `anchor` ms.
fn drifted(run: &RunRecord, newest: f64, anchor: f64) -> Verdict {
    let spread = [1.0, 1.02, 0.98, 1.01, 0.99].into_iter().cycle().take(10);
    let jobs: Vec<Job> = spread
        .map(|factor| Job::from_record(&shop(newest * factor), false))
        .collect();
    let anchor = Job::from_record(&shop(anchor), false);
    judge(&JudgeInput {
        thresholds: &thresholds(),
        candidates: std::slice::from_ref(run),
        matching: Matching::Jobs(jobs.iter().collect()),
        anchor: Some(&anchor),
    })
}

fn since_anchor(verdict: &Verdict) -> Vec<&Check> {
    let lines = verdict.checks.iter();
    let drift = lines.filter(|line| match &line.kind {
        CheckKind::Change(check) => check.reference == Reference::Anchor,
        CheckKind::Limit(_) => false,
    });
    drift.collect()
}

#[test]
fn what_adds_up_since_the_anchor_fails() {
    // Each step was one that no run failed by: the newest jobs are as slow as this run.
    let verdict = drifted(&shop(160.0), 160.0, 100.0);
    assert_eq!(verdict.outcome, Outcome::Failed);
    let failed: Vec<&Check> = verdict
        .checks
        .iter()
        .filter(|line| line.outcome.fails(line.enforcement))
        .collect();
    assert!(!failed.is_empty());
    for line in failed {
        assert_eq!(change(line).reference, Reference::Anchor, "{line:?}");
        assert!((change(line).tolerance - 0.1).abs() < 1e-12);
    }
}

#[test]
fn less_than_the_wider_tolerance_is_no_drift() {
    let verdict = drifted(&shop(108.0), 108.0, 100.0);
    assert_eq!(verdict.outcome, Outcome::Passed, "{:?}", verdict.checks);
    assert!(
        since_anchor(&verdict)
            .iter()
            .all(|line| line.outcome == CheckOutcome::Passed)
    );
    assert!(!since_anchor(&verdict).is_empty());
}

#[test]
fn of_a_proposed_commit_drift_is_only_reported() {
    let mut run = shop(160.0);
    run.run.from_pull_request = true;
    let verdict = drifted(&run, 160.0, 100.0);
    assert_eq!(verdict.outcome, Outcome::Passed);
    let worse = since_anchor(&verdict);
    assert!(
        worse
            .iter()
            .any(|line| line.outcome == CheckOutcome::Failed)
    );
    assert!(
        worse
            .iter()
            .all(|line| line.enforcement == Enforcement::Reported)
    );
}

#[test]
fn the_noise_of_the_anchor_is_that_of_the_jobs() {
    let verdict = drifted(&shop(100.0), 100.0, 100.0);
    let newest = change(line(&verdict, &Subject::Overall, Metric::P95))
        .change
        .unwrap();
    let anchor = since_anchor(&verdict)
        .into_iter()
        .find(|line| line.measure == Measure::Metric(Metric::P95))
        .unwrap();
    let anchor = change(anchor).change.unwrap();
    // One draw on either side, against one and the mean of ten.
    let width = |change: EstimatedChange| libm::log1p(change.upper) - libm::log1p(change.lower);
    let expected = libm::sqrt(2.0 / 1.1);
    assert!((width(anchor) / width(newest) - expected).abs() < 1e-3);
}

#[test]
fn a_duet_has_no_anchor() {
    let anchor = Job::from_record(&shop(50.0), false);
    let verdict = judge(&JudgeInput {
        thresholds: &thresholds(),
        candidates: &[duet_of(&both(100.0), &both(100.0))],
        matching: Matching::None(Mismatch::NoBaseline),
        anchor: Some(&anchor),
    });
    assert!(since_anchor(&verdict).is_empty());
}
