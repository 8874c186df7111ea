//! Changes over whole records.

use std::time::Duration;

use super::*;
use crate::measurement::FailureKind;
use crate::thresholds::RequestRule;

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
            Comparison::Single {
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
            LineOutcome::Failed
        );
        assert_eq!(
            line(&verdict, &subject, Metric::ErrorRate).outcome,
            LineOutcome::Passed
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
    .map(|median| Job::of(&only(median), false))
    .into();
    let verdict = judged_against(&thresholds(), &only(122.0), &jobs);
    let line = line(&verdict, &Subject::Overall, Metric::P95);
    assert_eq!(line.outcome, LineOutcome::Failed);
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
fn two_looks_share_the_false_alarms() {
    // Differences of 9 % with a spread: p lies between .005 and .01.
    let mut run = record().steady("warm");
    for percent in [
        4.0, 20.0, 2.0, 15.0, 8.0, 14.0, 20.0, 3.0, 9.0, 12.0, 10.0, 8.0,
    ] {
        let slow = 100.0 * (1.008 + percent / 100.0);
        run = run.pair(
            &[traffic("GET /a", 600, 100.0)],
            &[traffic("GET /a", 600, slow)],
        );
    }
    let run = run.build();
    let thresholds = thresholds();
    let outcome = |looks| {
        let verdict = judge(&Case {
            thresholds: &thresholds,
            candidates: std::slice::from_ref(&run),
            matching: Matching::None(Mismatch::NoBaseline),
            looks,
        });
        let p = change(line(&verdict, &Subject::Overall, Metric::P95))
            .change
            .unwrap()
            .p;
        (verdict.outcome, p)
    };
    let (one, p) = outcome(Looks::One);
    assert!(p > 0.005 && p < 0.01, "{p}");
    assert_eq!(
        (one, outcome(Looks::Two).0),
        (Outcome::Failed, Outcome::Passed)
    );
}

#[test]
fn the_lines_come_in_order() {
    let verdict = judged_against(&thresholds(), &shop(100.0), &history(10));
    let told: Vec<(&Subject, &Measure, Standing)> = verdict
        .lines
        .iter()
        .map(|line| (&line.subject, &line.measure, line.standing))
        .collect();
    let (a, b) = (request("GET /a"), request("GET /b"));
    let mut expected = Vec::new();
    for subject in [&Subject::Overall, &a, &b] {
        for (metric, standing) in [
            (Metric::P95, Standing::Gated),
            (Metric::ErrorRate, Standing::Gated),
            (Metric::P50, Standing::Reported),
            (Metric::P90, Standing::Reported),
            (Metric::P99, Standing::Reported),
            (Metric::RequestsPerSecond, Standing::Reported),
        ] {
            // GET /a and GET /b hold fewer than 10,000 requests, which P99 needs.
            if metric != Metric::P99 || *subject == Subject::Overall {
                expected.push((subject.clone(), Measure::Metric(metric), standing));
            }
        }
    }
    let told: Vec<_> = told
        .into_iter()
        .map(|(s, m, st)| (s.clone(), *m, st))
        .collect();
    assert_eq!(told, expected);
}

#[test]
fn with_one_name_overall_is_its_only_cell() {
    let only = [traffic("GET /a", 600, 100.0)];
    let verdict = judged_alone(&thresholds(), &duet_of(&only, &only));
    assert!(
        verdict
            .lines
            .iter()
            .all(|line| line.subject == Subject::Overall)
    );
}

#[test]
fn a_change_below_the_floor_does_not_fail() {
    let mut thresholds = thresholds();
    let run = duet(1.0, 1.5);
    assert_eq!(judged_alone(&thresholds, &run).outcome, Outcome::Passed);
    thresholds.regression.floor = Duration::from_micros(100);
    assert_eq!(judged_alone(&thresholds, &run).outcome, Outcome::Failed);
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
    assert_eq!(outcome(&verdict), LineOutcome::Inconclusive);
    thresholds.regression.requests = [rule("GET /a", RequestRule::Off)].into();
    let verdict = judged_alone(&thresholds, &run);
    assert_eq!(outcome(&verdict), LineOutcome::NotJudged(NotJudged::Off));
    let off = line(&verdict, &request("GET /a"), Metric::P95);
    assert_eq!(off.standing, Standing::Reported);
    assert!(change(off).change.is_some());
    // Overall is not off, and holds GET /a's requests too.
    assert_eq!(verdict.outcome, Outcome::Failed);
}

#[test]
fn a_name_with_too_few_requests_blocks_nothing() {
    let traffic = [traffic("GET /a", 600, 100.0), traffic("GET /b", 30, 100.0)];
    let verdict = judged_alone(&thresholds(), &duet_of(&traffic, &traffic));
    let line = line(&verdict, &request("GET /b"), Metric::P95);
    let short = NotJudged::TooFewRequests {
        have: 360,
        need: 2000,
    };
    assert_eq!(line.outcome, LineOutcome::NotJudged(short));
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
            verdict.lines[0].outcome.clone(),
        )
    };
    let invalid = vec![Invalidity::TooFewForRegression { line: 0 }];
    let few = LineOutcome::NotJudged(NotJudged::TooFewRequests {
        have: 1999,
        need: 2000,
    });
    assert_eq!(of(1, 1999), (Outcome::Invalid, invalid.clone(), few));
    let short = LineOutcome::NotJudged(NotJudged::TooFewSlices { have: 4, need: 5 });
    assert_eq!(of(4, 600), (Outcome::Invalid, invalid, short));
    assert_eq!(of(5, 400).0, Outcome::Passed);
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
        (&[a.clone(), b.clone()], &[a.clone()], false, true),
    ] {
        let run = |traffic: &[Traffic]| record().steady("warm").slices(12, traffic).build();
        let jobs = vec![Job::of(&run(base), false); 5];
        for verdict in [
            judged_against(&thresholds(), &run(target), &jobs),
            judged_alone(&thresholds(), &duet_of(base, target)),
        ] {
            let news = verdict.lines.iter().any(|line| {
                line.subject == request("GET /b")
                    && line.outcome == LineOutcome::NotJudged(NotJudged::NewRequest)
            });
            assert_eq!(news, new);
            let vanished = Caution::Vanished {
                request: "GET /b".to_owned(),
            };
            assert_eq!(verdict.cautions.contains(&vanished), gone);
            assert_ne!(verdict.outcome, Outcome::Invalid);
        }
    }
}

#[test]
fn a_base_that_only_fails_is_nothing_to_compare_with() {
    let dead = |name, of| traffic(name, of, 100.0).failing(FailureKind::Status(404), of);
    let base = [traffic("GET /a", 600, 100.0), dead("GET /b", 300)];
    let verdict = judged_alone(&thresholds(), &duet_of(&base, &both(100.0)));
    let line = line(&verdict, &request("GET /b"), Metric::P95);
    assert_eq!(line.outcome, LineOutcome::NotJudged(NotJudged::BaseFails));
    assert_eq!(line.standing, Standing::Reported);

    let silent = [dead("GET /a", 600), dead("GET /b", 300)];
    let verdict = judged_alone(&thresholds(), &duet_of(&silent, &both(100.0)));
    assert_eq!(
        (verdict.outcome, verdict.invalid),
        (Outcome::Invalid, vec![Invalidity::BaseSilent])
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
        assert_eq!(errors.outcome, LineOutcome::Failed);
        let latency = line(&verdict, &Subject::Overall, Metric::P95);
        let short = NotJudged::TooFewRequests {
            have: 0,
            need: 2000,
        };
        assert_eq!(latency.outcome, LineOutcome::NotJudged(short));
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
    assert_eq!(line.outcome, LineOutcome::Passed);
    assert!(change(line).below_floor);
    assert!(change(line).would_catch.unwrap() > 0.001);
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
    let jobs = vec![Job::of(&with(3), false); 10];
    assert_eq!(
        judged_against(&thresholds(), &with(20), &jobs).outcome,
        Outcome::Failed
    );
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
    assert!(check.would_catch.unwrap() < 0.0);
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
        .cautions
        .iter()
        .any(|caution| matches!(caution, Caution::MuchFaster { .. }));
    assert!(doubted);
}

#[test]
fn what_a_set_up_cannot_see_is_said() {
    let blind = |verdict: &Verdict| {
        let mut cautions = verdict.cautions.iter();
        cautions.any(|caution| matches!(caution, Caution::CannotDetect { .. }))
    };
    assert!(blind(&judged_against(
        &thresholds(),
        &shop(100.0),
        &history(1)
    )));
    let duet = judged_alone(&thresholds(), &duet(100.0, 100.0));
    assert!(!blind(&duet));
    let seen = change(line(&duet, &Subject::Overall, Metric::P95))
        .would_catch
        .unwrap();
    assert!(seen > 0.05 && seen < 0.2, "{seen}");
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
    let jobs = vec![Job::of(&bursts(200.0), false); 10];
    let mut thresholds = thresholds();
    let slow = bursts(400.0);
    let verdict = judged_against(&thresholds, &slow, &jobs);
    assert_eq!(verdict.outcome, Outcome::Passed);
    let in_burst = |verdict: &Verdict| -> Vec<(Standing, LineOutcome)> {
        let lines = verdict
            .lines
            .iter()
            .filter(|line| line.phase.as_deref() == Some("burst"));
        let latencies = lines.filter(|line| line.measure == Measure::Metric(Metric::P95));
        latencies
            .map(|line| (line.standing, line.outcome.clone()))
            .collect()
    };
    assert_eq!(
        in_burst(&verdict),
        [(Standing::Reported, LineOutcome::Failed)]
    );

    thresholds.regression.phases = vec!["burst".to_owned()];
    let verdict = judged_against(&thresholds, &slow, &jobs);
    assert_eq!(verdict.outcome, Outcome::Failed);
    assert_eq!(
        in_burst(&verdict),
        vec![(Standing::Gated, LineOutcome::Failed); 3]
    );
}

#[test]
fn several_candidates_are_one_job() {
    let candidates = [shop(115.0), shop(116.0), shop(114.0)];
    let (thresholds, jobs) = (thresholds(), history(10));
    let verdict = judge(&Case {
        thresholds: &thresholds,
        candidates: &candidates,
        matching: Matching::Jobs(jobs.iter().collect()),
        looks: Looks::One,
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
    let jobs = vec![Job::of(&run(100.0), false); 5];
    assert_eq!(
        judged_against(&thresholds(), &run(100.0), &jobs).outcome,
        Outcome::Passed
    );
    let jobs = vec![Job::of(&run(2e6), false); 5];
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
