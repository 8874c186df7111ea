//! What is told before a run, against what the verdict of such a run then says.

use jiff::civil::date;

use super::*;
use crate::measurement::Interleaving;
use crate::record::PhaseRecord;
use crate::thresholds::{Bound, RequestRule, Severity};
use crate::units::Share;

fn phase(name: &str, seconds: f64, passes: u32) -> PhaseRecord {
    PhaseRecord {
        name: name.to_owned(),
        load: "20 users".to_owned(),
        duration_s: seconds,
        passes,
        measured: true,
        steady: passes == 1,
        idle: false,
        model: crate::record::LoadModel::Users,
        peak_load: 20.0,
    }
}

fn forecast_of(
    phases: &[PhaseRecord],
    counts: &[Vec<f64>],
    thresholds: &Thresholds,
    design: Design<'_>,
) -> Forecast {
    let requests = ["GET /a".to_owned(), "GET /b".to_owned()];
    let expected = PlannedLoad {
        phases,
        requests: &requests,
        counts,
    };
    forecast(&expected, thresholds, design, date(2026, 5, 4))
}

#[track_caller]
fn cell<'a>(forecast: &'a Forecast, subject: &Subject, metric: Metric) -> &'a CheckForecast {
    let mut cells = forecast.checks.iter();
    cells
        .find(|cell| cell.subject == *subject && cell.metric == metric)
        .unwrap()
}

/// The shop's traffic: twelve slices of 600 and 300 requests.
fn shop_counts() -> [Vec<f64>; 1] {
    [vec![7200.0, 3600.0]]
}

#[test]
fn an_unchanged_run_sees_what_was_forecast() {
    let jobs = history(8);
    let jobs_ref: Vec<&Job> = jobs.iter().collect();
    let found = forecast_of(
        &[phase("warm", 12.0, 1)],
        &shop_counts(),
        &thresholds(),
        Design::Jobs(&jobs_ref),
    );
    let verdict = judged_against(&thresholds(), &shop(100.0), &jobs);
    for subject in [Subject::Overall, request("GET /a"), request("GET /b")] {
        for metric in [Metric::P95, Metric::ErrorRate] {
            let seen = change(line(&verdict, &subject, metric)).min_detectable;
            let foreseen = cell(&found, &subject, metric).smallest.clone().unwrap();
            let (seen, foreseen) = (seen.unwrap(), foreseen.unwrap());
            assert!(
                (seen / foreseen - 1.0).abs() < 1e-5,
                "{subject:?} {metric}: {seen} {foreseen}"
            );
        }
    }
}

#[test]
fn without_a_baseline_five_usual_jobs_are_assumed() {
    let found = forecast_of(
        &[phase("warm", 12.0, 1)],
        &shop_counts(),
        &thresholds(),
        Design::Jobs(&[]),
    );
    let smallest = |subject| cell(&found, subject, Metric::P95).smallest.clone();
    let overall = smallest(&Subject::Overall).unwrap().unwrap();
    // A spread of 6 % over five jobs, 3 cells at 3 %: between a fifth and a half.
    assert!((0.2..0.5).contains(&overall), "{overall}");
    assert!(found.can_judge_anything());
}

#[test]
fn more_pairs_see_smaller_changes_and_too_few_see_nothing() {
    let duet = |pairs, slice_s| {
        let found = forecast_of(
            &[phase("warm", 12.0, 1)],
            &shop_counts(),
            &thresholds(),
            Design::Duet {
                jobs: &[],
                interleaving: Interleaving::Turns,
                pairs,
                slice_s,
                looks: 2,
            },
        );
        cell(&found, &Subject::Overall, Metric::P95).clone()
    };
    let (twelve, two_dozen) = (duet(12, 1.0), duet(24, 1.0));
    assert_eq!(twelve.requests, 10_800);
    assert!(two_dozen.smallest.unwrap() < twelve.smallest.unwrap());
    assert_eq!(
        duet(4, 10.0).smallest,
        Err(NotJudged::TooFewSlices { have: 4, need: 5 })
    );
    assert_eq!(
        duet(12, 0.01).smallest,
        Err(NotJudged::TooFewRequests {
            have: 108,
            need: 200
        })
    );
}

#[test]
fn too_few_requests_are_named_with_those_needed() {
    let found = forecast_of(
        &[phase("warm", 12.0, 1)],
        &[vec![299.0, 300.0]],
        &thresholds(),
        Design::Jobs(&[]),
    );
    assert_eq!(
        cell(&found, &Subject::Overall, Metric::P95).smallest,
        Err(NotJudged::TooFewRequests {
            have: 599,
            need: 600
        })
    );
    let errors = cell(&found, &request("GET /b"), Metric::ErrorRate);
    assert_eq!((errors.requests, errors.need), (300, 381));
    assert!(errors.smallest.is_err());
}

#[test]
fn a_run_that_nothing_could_be_judged_by_is_of_no_use() {
    let scant = [vec![40.0, 20.0]];
    let found = |thresholds: &Thresholds| {
        forecast_of(
            &[phase("warm", 12.0, 1)],
            &scant,
            thresholds,
            Design::Jobs(&[]),
        )
    };
    assert!(!found(&thresholds()).can_judge_anything());
    let limit = |bound| Limit {
        subject: Subject::Overall,
        phase: None,
        bound,
        severity: Severity::Fail,
        line: None,
    };
    let p95 = limit(Bound::Latency {
        metric: Metric::P95,
        at_most: std::time::Duration::from_secs(1),
    });
    let error_rate = limit(Bound::ErrorRate(Share::ONE_PERCENT));
    let limits_only = |limits| {
        let mut limited = limited(limits);
        limited.regression.gate.clear();
        limited
    };
    let judged = found(&limits_only(vec![p95, error_rate.clone()]));
    assert!(judged.can_judge_anything());
    let is_judged: Vec<bool> = judged
        .limits
        .iter()
        .map(LimitForecast::can_be_judged)
        .collect();
    assert_eq!(is_judged, [true, false], "60 of 52, and 60 of 268");
    assert!(!found(&limits_only(vec![error_rate])).can_judge_anything());
}

#[test]
fn what_is_off_or_new_is_said() {
    let jobs = [Job::from_record(
        &record()
            .steady("warm")
            .slices(12, &[traffic("GET /a", 600, 100.0)])
            .build(),
        false,
    )];
    let jobs: Vec<&Job> = jobs.iter().collect();
    let mut adjusted = thresholds();
    adjusted
        .regression
        .requests
        .insert("GET /a".to_owned(), RequestRule::Off);
    let found = forecast_of(
        &[phase("warm", 12.0, 1)],
        &shop_counts(),
        &adjusted,
        Design::Jobs(&jobs),
    );
    let smallest = |name| cell(&found, &request(name), Metric::P95).smallest.clone();
    assert_eq!(smallest("GET /a"), Err(NotJudged::Off));
    assert_eq!(smallest("GET /b"), Err(NotJudged::NewRequest));
}

#[test]
fn a_gated_burst_is_counted_by_its_passes() {
    let mut gated = thresholds();
    gated.regression.phases.push("burst".to_owned());
    let phases = [phase("burst", 5.0, 6)];
    let found = forecast_of(
        &phases,
        &[vec![3000.0, 0.0]],
        &gated,
        Design::Duet {
            jobs: &[],
            interleaving: Interleaving::Turns,
            pairs: 12,
            slice_s: 5.0,
            looks: 2,
        },
    );
    let p95 = cell(&found, &Subject::Overall, Metric::P95);
    assert_eq!(
        (p95.phase.as_deref(), p95.requests),
        (Some("burst"), 3000),
        "six passes of 500"
    );
    assert!(p95.smallest.is_ok());
    assert_eq!(found.checks.len(), 3, "with one name, overall is its cell");
}
