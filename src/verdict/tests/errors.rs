//! Error rates and arms that only fail.

use super::*;
use crate::measurement::FailureKind;

#[test]
fn a_base_that_only_fails_is_nothing_to_compare_with() {
    let dead = |name, of| traffic(name, of, 100.0).failing(FailureKind::Status(404), of);
    let base = [traffic("GET /a", 600, 100.0), dead("GET /b", 300)];
    let verdict = judged_alone(&thresholds(), &duet_of(&base, &both(100.0)));
    let line = line(&verdict, &request("GET /b"), Metric::P95);
    assert_eq!(line.outcome, CheckOutcome::NotJudged(NotJudged::BaseFails));
    assert_eq!(line.enforcement, Enforcement::Reported);

    let silent = [dead("GET /a", 600), dead("GET /b", 300)];
    let verdict = judged_alone(&thresholds(), &duet_of(&silent, &both(100.0)));
    assert_eq!(
        (verdict.outcome, verdict.invalid),
        (Outcome::Invalid, vec![InvalidReason::BaseUnresponsive])
    );
}

#[test]
fn a_candidate_that_only_fails_fails_by_its_errors() {
    let down = |name, of| traffic(name, of, 100.0).failing(FailureKind::Connect, of);
    let target = [down("GET /a", 600), down("GET /b", 300)];
    let run = record().steady("warm").slices(12, &target).build();
    for verdict in [
        judged_alone(&thresholds(), &duet_of(&both(100.0), &target)),
        judged_against(&thresholds(), &run, &history(10)),
        judged_against(&thresholds(), &run, &history(1)),
    ] {
        assert_eq!(verdict.outcome, Outcome::Failed);
        let errors = line(&verdict, &Subject::Overall, Metric::ErrorRate);
        assert_eq!(errors.outcome, CheckOutcome::Failed);
        let latency = line(&verdict, &Subject::Overall, Metric::P95);
        let CheckOutcome::NotJudged(NotJudged::TooFewRequests { have, .. }) = latency.outcome
        else {
            panic!("{latency:?}");
        };
        assert_eq!(have, 0);
    }
}

#[test]
fn a_few_errors_more_are_nobodys_business() {
    let with = |errors| [traffic("GET /a", 600, 100.0).failing(FailureKind::Status(500), errors)];
    let mut run = record().steady("warm");
    for _ in 0..11 {
        run = run.pair(&with(0), &with(0));
    }
    let verdict = judged_alone(&thresholds(), &run.pair(&with(0), &with(4)).build());
    let line = line(&verdict, &Subject::Overall, Metric::ErrorRate);
    assert_eq!(line.outcome, CheckOutcome::Passed);
    assert!(change(line).below_floor);
    assert!(change(line).min_detectable.unwrap() > 0.001);
    let verdict = judged_alone(&thresholds(), &duet_of(&with(0), &with(12)));
    assert_eq!(verdict.outcome, Outcome::Failed);
}

#[test]
fn more_errors_than_a_long_history_fail() {
    let with = |errors| {
        let traffic = traffic("GET /a", 600, 100.0).failing(FailureKind::Status(500), errors);
        record().steady("warm").slices(12, &[traffic]).build()
    };
    // Ten jobs of 36 errors each pool 360, more than the candidate's 240.
    let jobs = vec![Job::from_record(&with(3), false); 10];
    assert_eq!(
        judged_against(&thresholds(), &with(20), &jobs).outcome,
        Outcome::Failed
    );
}
