//! Wanted slow-downs.

use super::*;
use crate::thresholds::Acceptance;

/// GET /a's P95 may be 40 % worse until `until`; the records are of 2026-05-04.
fn accepting(until: &str) -> Thresholds {
    let mut thresholds = gating_p95();
    thresholds.regression.accepted = vec![Acceptance {
        subject: request("GET /a"),
        metric: Metric::P95,
        up_to: 0.4,
        until: until.parse().unwrap(),
        reason: "adds tax lines".to_owned(),
        line: 9,
    }];
    thresholds
}

fn gating_p95() -> Thresholds {
    let mut thresholds = thresholds();
    thresholds.regression.gate = vec![Metric::P95, Metric::ErrorRate];
    thresholds
}

/// Only GET /a becomes slower.
fn slower(factor: f64) -> RunRecord {
    let target = [
        traffic("GET /a", 600, 100.0 * factor),
        traffic("GET /b", 300, 50.0),
    ];
    duet_of(&both(100.0), &target)
}

#[test]
fn within_an_acceptance_a_slow_down_passes() {
    let run = slower(1.3);
    assert_eq!(judged_alone(&thresholds(), &run).outcome, Outcome::Failed);
    let verdict = judged_alone(&accepting("2026-05-04"), &run);
    assert_eq!(verdict.outcome, Outcome::Passed);
    for subject in [request("GET /a"), Subject::Overall] {
        let line = line(&verdict, &subject, Metric::P95);
        assert_eq!(change(line).acceptance, Some(0));
        assert!((change(line).tolerance - 0.4).abs() < 1e-12);
    }
    assert_eq!(
        change(line(&verdict, &request("GET /b"), Metric::P95)).acceptance,
        None
    );
    assert!(verdict.warnings.is_empty(), "{:?}", verdict.warnings);
}

#[test]
fn beyond_an_acceptance_a_slow_down_fails() {
    let verdict = judged_alone(&accepting("2027-01-31"), &slower(1.8));
    let line = line(&verdict, &request("GET /a"), Metric::P95);
    assert_eq!(line.outcome, CheckOutcome::Failed);
    assert_eq!(verdict.outcome, Outcome::Failed);
}

#[test]
fn past_its_date_an_acceptance_fails_again() {
    let verdict = judged_alone(&accepting("2026-05-03"), &slower(1.3));
    assert_eq!(verdict.outcome, Outcome::Failed);
    assert!(
        verdict
            .warnings
            .contains(&Warning::AcceptanceExpired { acceptance: 0 })
    );
}

#[test]
fn an_acceptance_that_is_no_longer_needed_is_said() {
    let unneeded = Warning::AcceptanceUnneeded { acceptance: 0 };
    let verdict = judged_alone(&accepting("2027-01-31"), &slower(1.0));
    assert_eq!(verdict.outcome, Outcome::Passed);
    assert!(verdict.warnings.contains(&unneeded));

    let mut ungated = accepting("2027-01-31");
    ungated.regression.gate = vec![Metric::P50];
    assert!(
        judged_alone(&ungated, &slower(1.0))
            .warnings
            .contains(&unneeded)
    );
}

#[test]
fn with_one_name_its_acceptance_is_overalls() {
    let only = |factor| [traffic("GET /a", 600, 100.0 * factor)];
    let run = duet_of(&only(1.0), &only(1.3));
    assert_eq!(judged_alone(&thresholds(), &run).outcome, Outcome::Failed);
    assert_eq!(
        judged_alone(&accepting("2027-01-31"), &run).outcome,
        Outcome::Passed
    );
}
