//! Which cells there are, and which of them may fail the build.

use super::*;
use crate::thresholds::RequestRule;

#[test]
fn the_lines_come_in_order() {
    let verdict = judged_against(&thresholds(), &shop(100.0), &history(10));
    let listed: Vec<(&Subject, &Measure, Enforcement)> = verdict
        .checks
        .iter()
        .map(|line| (&line.subject, &line.measure, line.enforcement))
        .collect();
    let (a, b) = (request("GET /a"), request("GET /b"));
    let mut expected = Vec::new();
    for subject in [&Subject::Overall, &a, &b] {
        for (metric, standing) in [
            (Metric::P95, Enforcement::Gated),
            (Metric::P99, Enforcement::Gated),
            (Metric::ErrorRate, Enforcement::Gated),
            (Metric::P50, Enforcement::Reported),
            (Metric::P90, Enforcement::Reported),
            (Metric::RequestsPerSecond, Enforcement::Reported),
        ] {
            expected.push((subject.clone(), Measure::Metric(metric), standing));
        }
    }
    let listed: Vec<_> = listed
        .into_iter()
        .map(|(s, m, st)| (s.clone(), *m, st))
        .collect();
    assert_eq!(listed, expected);
}

#[test]
fn with_one_name_overall_is_its_only_cell() {
    let only = [traffic("GET /a", 600, 100.0)];
    let verdict = judged_alone(&thresholds(), &duet_of(&only, &only));
    assert!(
        verdict
            .checks
            .iter()
            .all(|line| line.subject == Subject::Overall)
    );
}

#[test]
fn a_name_has_a_rule_of_its_own() {
    let mut thresholds = thresholds();
    let target = [traffic("GET /a", 600, 130.0), traffic("GET /b", 300, 50.0)];
    let run = duet_of(&both(100.0), &target);
    let rule = |name: &str, rule| (name.to_owned(), rule);
    thresholds.regression.requests = [rule(
        "GET /a",
        RequestRule::Adjusted {
            tolerance: Some(0.5),
            floor: None,
        },
    )]
    .into();
    let verdict = judged_alone(&thresholds, &run);
    let outcome = |verdict: &Verdict| {
        line(verdict, &request("GET /a"), Metric::P95)
            .outcome
            .clone()
    };
    assert_eq!(outcome(&verdict), CheckOutcome::Inconclusive);
    thresholds.regression.requests = [rule("GET /a", RequestRule::Off)].into();
    let verdict = judged_alone(&thresholds, &run);
    assert_eq!(outcome(&verdict), CheckOutcome::NotJudged(NotJudged::Off));
    let off = line(&verdict, &request("GET /a"), Metric::P95);
    assert_eq!(off.enforcement, Enforcement::Reported);
    assert!(change(off).change.is_some());
    // Overall is not off, and holds GET /a's requests too.
    assert_eq!(verdict.outcome, Outcome::Failed);
}

#[test]
fn a_name_with_too_few_requests_blocks_nothing() {
    let traffic = [traffic("GET /a", 600, 100.0), traffic("GET /b", 15, 100.0)];
    let verdict = judged_alone(&thresholds(), &duet_of(&traffic, &traffic));
    let line = line(&verdict, &request("GET /b"), Metric::P95);
    let short = NotJudged::TooFewRequests {
        have: 180,
        need: 200,
    };
    assert_eq!(line.outcome, CheckOutcome::NotJudged(short));
    assert_eq!(verdict.outcome, Outcome::Passed);
}

#[test]
fn a_name_that_is_rare_by_design_is_one_line() {
    let traffic = [
        traffic("GET /a", 600, 100.0),
        traffic("POST /login", 1, 100.0),
    ];
    let verdict = judged_alone(&thresholds(), &duet_of(&traffic, &traffic));
    let rare = Warning::RareRequests {
        requests: vec!["POST /login".to_owned()],
    };
    assert_eq!(verdict.warnings, [rare]);
    let unjudged = verdict.checks.iter().filter(|line| {
        line.subject == request("POST /login")
            && matches!(
                line.outcome,
                CheckOutcome::NotJudged(NotJudged::TooFewRequests { .. })
            )
    });
    assert_eq!(unjudged.count(), 0);
    assert_eq!(verdict.outcome, Outcome::Passed);
}

#[test]
fn too_few_requests_or_slices_overall_are_invalid() {
    let of = |pairs: u32, requests| {
        let only = [traffic("GET /a", requests, 100.0)];
        let run = (0..pairs).fold(record().steady("warm"), |run, _| run.pair(&only, &only));
        let verdict = judged_alone(&thresholds(), &run.build());
        (
            verdict.outcome,
            verdict.invalid,
            verdict.checks[0].outcome.clone(),
        )
    };
    let invalid = vec![InvalidReason::TooFewForRegression { check: 0 }];
    let few = CheckOutcome::NotJudged(NotJudged::TooFewRequests {
        have: 199,
        need: 200,
    });
    assert_eq!(of(1, 199), (Outcome::Invalid, invalid.clone(), few));
    let short = CheckOutcome::NotJudged(NotJudged::TooFewSlices { have: 4, need: 5 });
    assert_eq!(of(4, 600), (Outcome::Invalid, invalid, short));
    assert_eq!(of(5, 40).0, Outcome::Passed);
}

#[test]
fn a_far_quantile_blocks_nothing_beside_a_nearer_one() {
    let mut thresholds = thresholds();
    let few = [traffic("GET /a", 80, 100.0)];
    let run = duet_of(&few, &few);
    let verdict = judged_alone(&thresholds, &run);
    let short = NotJudged::TooFewRequests {
        have: 960,
        need: 1000,
    };
    let p99 = |verdict: &Verdict| {
        line(verdict, &Subject::Overall, Metric::P99)
            .outcome
            .clone()
    };
    assert_eq!(p99(&verdict), CheckOutcome::NotJudged(short.clone()));
    assert_eq!(verdict.outcome, Outcome::Passed);
    thresholds.regression.gate = vec![Metric::P99, Metric::ErrorRate];
    let verdict = judged_alone(&thresholds, &run);
    assert_eq!(p99(&verdict), CheckOutcome::NotJudged(short));
    assert_eq!(verdict.outcome, Outcome::Invalid);
}

#[test]
fn new_names_are_told_and_gone_ones_are_said() {
    let (a, b) = (traffic("GET /a", 600, 100.0), traffic("GET /b", 300, 50.0));
    for (base, target, new, gone) in [
        (
            [a.clone()].as_slice(),
            [a.clone(), b.clone()].as_slice(),
            true,
            false,
        ),
        (
            &[a.clone(), b.clone()],
            std::slice::from_ref(&a),
            false,
            true,
        ),
    ] {
        let run = |traffic: &[Traffic]| record().steady("warm").slices(12, traffic).build();
        let jobs = vec![Job::from_record(&run(base), false); 5];
        for verdict in [
            judged_against(&thresholds(), &run(target), &jobs),
            judged_alone(&thresholds(), &duet_of(base, target)),
        ] {
            let news = verdict.checks.iter().any(|line| {
                line.subject == request("GET /b")
                    && line.outcome == CheckOutcome::NotJudged(NotJudged::NewRequest)
            });
            assert_eq!(news, new);
            let vanished = Warning::MissingRequest {
                request: "GET /b".to_owned(),
            };
            assert_eq!(verdict.warnings.contains(&vanished), gone);
            assert_ne!(verdict.outcome, Outcome::Invalid);
        }
    }
}

#[test]
fn a_repeated_phase_is_gated_where_it_is_named() {
    let bursts = |median| {
        let run = record()
            .steady("warm")
            .slices(12, &both(100.0))
            .repeated("burst");
        (0..3)
            .fold(run, |run, _| run.slices(4, &both(median)).next_pass())
            .build()
    };
    let jobs = vec![Job::from_record(&bursts(200.0), false); 10];
    let mut thresholds = thresholds();
    let slow = bursts(400.0);
    let verdict = judged_against(&thresholds, &slow, &jobs);
    assert_eq!(verdict.outcome, Outcome::Passed);
    let in_burst = |verdict: &Verdict| -> Vec<(Enforcement, CheckOutcome)> {
        let lines = verdict
            .checks
            .iter()
            .filter(|line| line.phase.as_deref() == Some("burst"));
        let latencies = lines.filter(|line| line.measure == Measure::Metric(Metric::P95));
        latencies
            .map(|line| (line.enforcement, line.outcome.clone()))
            .collect()
    };
    assert_eq!(
        in_burst(&verdict),
        [(Enforcement::Reported, CheckOutcome::Failed)]
    );

    thresholds.regression.phases = vec!["burst".to_owned()];
    let verdict = judged_against(&thresholds, &slow, &jobs);
    assert_eq!(verdict.outcome, Outcome::Failed);
    assert_eq!(
        in_burst(&verdict),
        vec![(Enforcement::Gated, CheckOutcome::Failed); 3]
    );
}

#[test]
fn a_duet_needs_five_passes_of_a_gated_phase() {
    let mut thresholds = thresholds();
    thresholds.regression.phases = vec!["burst".to_owned()];
    let passes = |count, target_ms| {
        let run = record().repeated("burst");
        let run = (0..count).fold(run, |run, _| {
            run.pair(&both(100.0), &both(target_ms)).next_pass()
        });
        judged_alone(&thresholds, &run.build())
    };
    assert_eq!(passes(5, 100.0).outcome, Outcome::Passed);
    assert_eq!(passes(5, 140.0).outcome, Outcome::Failed);
    let verdict = passes(4, 100.0);
    assert_eq!(verdict.outcome, Outcome::Invalid);
    let short = NotJudged::TooFewSlices { have: 4, need: 5 };
    assert_eq!(verdict.checks[0].outcome, CheckOutcome::NotJudged(short));
}

#[test]
fn a_run_without_steady_phases_does_not_pass_in_silence() {
    let run = record().repeated("burst").slices(12, &both(100.0)).build();
    let jobs = vec![Job::from_record(&run, false); 5];
    assert_eq!(
        judged_against(&thresholds(), &run, &jobs).outcome,
        Outcome::Invalid
    );
}
