//! What is judged at all, and what every verdict says besides.

use super::*;
use crate::baseline::Difference;
use crate::measurement::{Arm, FailureKind, Interleaving, Parts, Scheduling, UnreachableCause};
use crate::record::{DuetSettings, Ended, PartsRecord};
use crate::thresholds::{Abort, MissingBaseline};
use crate::units::Share;

fn invalid(run: &RunRecord) -> Vec<InvalidReason> {
    let verdict = judged_alone(&thresholds(), run);
    assert_eq!(verdict.outcome, Outcome::Invalid);
    assert!(verdict.checks.is_empty());
    verdict.invalid
}

#[test]
fn what_never_answered_or_was_cut_short_is_not_judged() {
    let ended = |ended| {
        record()
            .steady("warm")
            .slices(12, &both(1.0))
            .with(|run| run.run.ended = ended)
            .build()
    };
    let why = "connection refused".to_owned();
    let unreachable = Ended::Unreachable {
        arm: Arm::Target,
        cause: UnreachableCause::Proxy,
        why: why.clone(),
    };
    assert_eq!(
        invalid(&ended(unreachable)),
        [InvalidReason::Unreachable {
            arm: Arm::Target,
            cause: UnreachableCause::Proxy,
            why
        }]
    );
    let interrupted = Ended::Interrupted { signal: 15 };
    assert_eq!(invalid(&ended(interrupted)), [InvalidReason::Interrupted]);
}

#[test]
fn a_measured_phase_without_a_request_is_not_judged() {
    let run = record()
        .steady("warm")
        .slices(12, &both(1.0))
        .steady("peak")
        .slices(2, &[])
        .build();
    assert_eq!(invalid(&run), [InvalidReason::NoRequests]);
    let idle = record()
        .steady("warm")
        .slices(12, &both(1.0))
        .repeated("idle")
        .with(|run| run.phases[1].idle = true)
        .build();
    assert_eq!(judged_alone(&thresholds(), &idle).outcome, Outcome::Passed);
    let nothing = JudgeInput {
        thresholds: &thresholds(),
        candidates: &[],
        matching: Matching::None(Mismatch::NoBaseline),
        anchor: None,
    };
    assert_eq!(judge(&nothing).invalid, [InvalidReason::NoRequests]);
}

#[test]
fn a_generator_that_fell_behind_is_not_judged() {
    let late = |slices: usize| {
        let run = record().steady("warm").slices(12, &both(10.0));
        run.with(|run| {
            for slice in run.slices.iter_mut().take(slices) {
                slice.late_p99_s = 0.5;
            }
        })
        .build()
    };
    assert_eq!(
        judged_alone(&thresholds(), &late(3)).outcome,
        Outcome::Passed
    );
    let [
        InvalidReason::GeneratorLate {
            dropped: 4,
            of: 12,
            worst_s,
            limit_s,
        },
    ] = invalid(&late(4))[..]
    else {
        panic!("the generator was late");
    };
    assert!((worst_s - 0.5).abs() < 1e-12 && (limit_s - 0.005).abs() < 1e-12);
}

#[test]
fn a_generator_that_ran_out_of_something_is_not_judged() {
    let run = |change: fn(&mut RunRecord)| {
        let run = record().steady("warm").slices(12, &both(10.0));
        run.with(change).build()
    };
    let busy = run(|run| run.health.core_share = Some(0.97));
    let [InvalidReason::GeneratorBusy { share, limit }] = invalid(&busy)[..] else {
        panic!("a core was busy");
    };
    assert!((share - 0.97).abs() < 1e-12 && (limit - 0.9).abs() < 1e-12);
    let short = run(|run| run.health.achieved = Some(0.98));
    assert!(matches!(
        invalid(&short)[..],
        [InvalidReason::GeneratorShort { .. }]
    ));
    let healthy = run(|run| {
        run.health.core_share = Some(0.89);
        run.health.achieved = Some(0.991);
    });
    assert_eq!(
        judged_alone(&thresholds(), &healthy).outcome,
        Outcome::Passed
    );
    let no_sockets = record()
        .steady("warm")
        .slices(11, &both(10.0))
        .slice(&[traffic("GET /a", 600, 10.0).failing(FailureKind::NoSocket, 3)])
        .build();
    assert_eq!(
        invalid(&no_sockets),
        [InvalidReason::NoSockets { requests: 3 }]
    );
}

#[test]
fn an_abort_fails_by_its_own_line() {
    let run = record()
        .steady("warm")
        .slices(3, &both(1.0))
        .steady("peak")
        .with(|run| {
            run.run.ended = Ended::Aborted {
                failures: 700,
                requests: 1000,
            };
        })
        .build();
    let mut thresholds = thresholds();
    thresholds.abort = Some(Abort {
        error_rate: Share::new(0.5).unwrap(),
        after: std::time::Duration::from_secs(10),
    });
    let verdict = judged_against(&thresholds, &run, &history(10));
    assert_eq!(verdict.outcome, Outcome::Failed);
    assert_eq!(verdict.checks.len(), 1);
    assert_eq!(verdict.checks[0].outcome, CheckOutcome::Failed);
    assert!((verdict.checks[0].current.unwrap() - 0.7).abs() < 1e-12);
    assert_eq!(
        verdict.comparison,
        Comparison::None(NoComparison::NotJudged)
    );
    let aborted = Warning::Aborted {
        failures: 700,
        requests: 1000,
    };
    assert!(verdict.warnings.contains(&aborted));
}

#[test]
fn a_missing_baseline_is_said_or_invalid() {
    let mut thresholds = thresholds();
    let verdict = judged_alone(&thresholds, &shop(100.0));
    assert_eq!(verdict.outcome, Outcome::Passed);
    let expected = Comparison::None(NoComparison::Baseline(Mismatch::NoBaseline));
    assert_eq!(verdict.comparison, expected);
    let outcomes: Vec<_> = verdict
        .checks
        .iter()
        .map(|line| (&line.subject, &line.outcome))
        .collect();
    let not_compared = (
        &Subject::Overall,
        &CheckOutcome::NotJudged(NotJudged::NoComparison),
    );
    assert_eq!(outcomes, [not_compared; 3]);
    assert!(verdict.checks[0].current.is_some());

    thresholds.regression.missing_baseline = MissingBaseline::Fail;
    let verdict = judged_alone(&thresholds, &shop(100.0));
    assert_eq!(verdict.outcome, Outcome::Invalid);
    assert_eq!(verdict.invalid, [InvalidReason::MissingBaseline]);
}

#[test]
fn a_mismatch_is_handed_on() {
    let differences = vec![Difference {
        property: "cores".to_owned(),
        baseline: "4".to_owned(),
        current: "2".to_owned(),
    }];
    let mismatch = Mismatch::NoJobMatches { differences };
    let verdict = judge(&JudgeInput {
        thresholds: &thresholds(),
        candidates: &[shop(1.0)],
        matching: Matching::None(mismatch.clone()),
        anchor: None,
    });
    assert_eq!(
        verdict.comparison,
        Comparison::None(NoComparison::Baseline(mismatch))
    );
}

#[test]
fn observing_is_said_and_judged_alike() {
    let thresholds = Thresholds {
        mode: Mode::Observe,
        ..thresholds()
    };
    let verdict = judged_against(&thresholds, &shop(150.0), &history(10));
    assert!(verdict.observed);
    assert_eq!(verdict.outcome, Outcome::Failed);
}

#[test]
fn another_cpu_and_unchecked_certificates_are_said() {
    let run = record()
        .steady("warm")
        .slices(12, &both(100.0))
        .with(|run| {
            "Xeon".clone_into(&mut run.environment.cpu);
            run.run.insecure = true;
        })
        .build();
    let verdict = judged_against(&thresholds(), &run, &history(10));
    let other = Warning::CpuDiffers {
        baseline: "EPYC".to_owned(),
        current: "Xeon".to_owned(),
    };
    assert!(verdict.warnings.contains(&other));
    assert!(verdict.warnings.contains(&Warning::CertificatesUnchecked));
}

#[test]
fn another_scheduling_than_the_baselines_is_a_caution() {
    let run = |scheduling| {
        let run = record().steady("warm").slices(12, &both(100.0));
        run.with(|run| run.environment.scheduling = scheduling)
            .build()
    };
    let warnings = |scheduling, jobs: &[Job]| {
        let verdict = judged_against(&thresholds(), &run(scheduling), jobs);
        let warnings = verdict.warnings.into_iter();
        warnings
            .filter(|caution| matches!(caution, Warning::SchedulingDiffers { .. }))
            .collect::<Vec<_>>()
    };
    // Results of versions that did not say it are of normal scheduling.
    assert_eq!(warnings(None, &history(10)), []);
    assert_eq!(warnings(Some(Scheduling::Normal), &history(10)), []);
    let mut mixed = history(10);
    for job in &mut mixed[..4] {
        job.environment.scheduling = Some(Scheduling::RealTime);
    }
    let differs = |differing, current| Warning::SchedulingDiffers {
        differing,
        jobs: 10,
        current,
    };
    assert_eq!(
        warnings(Some(Scheduling::RealTime), &mixed),
        [differs(6, Scheduling::RealTime)]
    );
    assert_eq!(warnings(None, &mixed), [differs(4, Scheduling::Normal)]);
}

#[test]
fn totals_are_those_of_measured_phases_of_the_target() {
    let run = record()
        .unmeasured("warm-up")
        .slice(&both(1.0))
        .steady("warm")
        .pair(&both(1.0), &both(1.0))
        .build();
    assert_eq!(judged_alone(&thresholds(), &run).totals.requests, 900);
}

#[test]
fn a_first_run_says_what_a_later_one_would_lack() {
    let lacking = |run: &RunRecord| {
        let verdict = judged_alone(&thresholds(), run);
        let mut warnings = verdict.warnings.into_iter();
        warnings.find_map(|caution| {
            let Warning::TooFewToCompare { why, times, .. } = caution else {
                return None;
            };
            Some((why, times))
        })
    };
    let of = |requests: u64| {
        let each = [traffic("GET /a", requests / 4, 10.0)];
        record().steady("warm").slices(4, &each).build()
    };
    let (short, long) = (of(400), of(40_000));
    let (why, times) = lacking(&short).unwrap();
    let NotJudged::TooFewRequests { have, need } = why else {
        panic!("{why:?}");
    };
    assert_eq!(have, 400);
    assert!((times - need as f64 / 400.0).abs() < 1e-6);
    // It is just what makes a later run invalid.
    let job = Job::from_record(&short, false);
    let later = judged_against(&thresholds(), &short, &[job]);
    assert_eq!(later.outcome, Outcome::Invalid);
    let enough = of(need + 4);
    let job = Job::from_record(&enough, false);
    let later = judged_against(&thresholds(), &enough, &[job]);
    assert_ne!(later.outcome, Outcome::Invalid);
    assert_eq!(lacking(&long), None);
    // What is compared needs no forecast.
    let jobs = history(5);
    let compared = judged_against(&thresholds(), &shop(100.0), &jobs);
    let forecast = |caution: &Warning| matches!(caution, Warning::TooFewToCompare { .. });
    assert!(!compared.warnings.iter().any(forecast));
}

#[test]
fn a_comparison_knows_jobs_in_which_the_generator_was_late() {
    let late = record()
        .steady("warm")
        .slices(12, &both(100.0))
        .late(5.0)
        .build();
    let late = Job::from_record(&late, false);
    assert_eq!((late.late.dropped, late.late.of), (1, 12));
    // It is kept in the file, and left out of a job without one.
    let stored = serde_json::to_string(&late).unwrap();
    assert_eq!(serde_json::from_str::<Job>(&stored).unwrap(), late);
    let on_time = serde_json::to_value(&history(1)[0]).unwrap();
    assert!(on_time.get("late").is_none());
    let cautioned = |jobs: &[Job]| {
        let verdict = judged_against(&thresholds(), &shop(100.0), jobs);
        let mut warnings = verdict.warnings.into_iter();
        warnings.find_map(|caution| {
            let Warning::LateJobs { late, of, .. } = caution else {
                return None;
            };
            Some((late, of))
        })
    };
    assert_eq!(cautioned(std::slice::from_ref(&late)), Some((1, 1)));
    let mut jobs = history(9);
    jobs.push(late);
    assert_eq!(cautioned(&jobs), None, "one of ten");
}

/// Twelve slices of the shop, of which these responses to `GET /a` and `GET /b` redirect.
fn redirecting(unfollowed: [u64; 2]) -> RunRecord {
    let run = record().steady("warm").slices(12, &both(1.0));
    run.with(|run| {
        for (request, unfollowed) in unfollowed.into_iter().enumerate() {
            run.parts.push(PartsRecord {
                phase: 0,
                arm: Arm::Target,
                request,
                parts: Parts {
                    statuses: [(200, 100 - unfollowed), (302, unfollowed)].into(),
                    unfollowed,
                    redirect: Some("https://a.b/".to_owned()),
                    ..Parts::default()
                },
            });
        }
    })
    .build()
}

fn unfollowed(request: &str, redirects: u64) -> UnfollowedRedirects {
    UnfollowedRedirects {
        arm: Arm::Target,
        request: request.to_owned(),
        redirects,
        responses: 100,
        status: Some(302),
        address: Some("https://a.b/".to_owned()),
    }
}

#[test]
fn names_that_are_only_redirected_make_a_run_invalid() {
    let found = invalid(&redirecting([100, 20]));
    assert_eq!(
        found,
        [InvalidReason::Unfollowed(vec![unfollowed("GET /a", 100)])]
    );
    let verdict = judged_alone(&thresholds(), &redirecting([51, 50]));
    let most = Warning::Unfollowed(vec![unfollowed("GET /a", 51)]);
    assert_eq!(verdict.outcome, Outcome::Passed);
    assert!(verdict.warnings.contains(&most), "{:?}", verdict.warnings);
    // A phase that is not measured decides nothing.
    let mut warming = redirecting([100, 100]);
    warming.phases[0].measured = false;
    assert!(
        !invalid(&warming)
            .iter()
            .any(|why| matches!(why, InvalidReason::Unfollowed(_)))
    );
}

#[test]
fn requests_that_were_sent_again_are_a_caution() {
    let mut run = redirecting([0, 0]);
    (run.parts[0].parts.resent, run.parts[1].parts.resent) = (2, 3);
    let verdict = judged_alone(&thresholds(), &run);
    let resent = Warning::Resent {
        resent: 5,
        most: Some(("GET /b".to_owned(), 3)),
    };
    assert!(verdict.warnings.contains(&resent), "{:?}", verdict.warnings);
}

#[test]
fn a_comparison_says_if_its_sides_count_failures_differently() {
    let run = shop(100.0);
    let mut jobs = history(10);
    let spans = |run: &RunRecord, jobs: &[Job]| {
        let warnings = judged_against(&thresholds(), run, jobs).warnings;
        [true, false].into_iter().find(|older| {
            warnings.contains(&Warning::FailureRulesDiffer {
                baseline_is_older: *older,
            })
        })
    };
    assert_eq!(spans(&run, &jobs), None);
    jobs[3].counting = 0;
    assert_eq!(spans(&run, &jobs), Some(true));
    let mut old = run.clone();
    old.counting = 0;
    jobs.retain(|job| job.counting > 0);
    assert_eq!(spans(&old, &jobs), Some(false));
}

#[test]
fn a_proxy_that_may_have_sent_every_response_is_named() {
    let found = |statuses: &[(u16, u64)], forwards| {
        let failing = |traffic: Traffic, (status, count): &(u16, u64)| {
            traffic.failing(FailureKind::Status(*status), *count)
        };
        let all = statuses.iter().fold(traffic("GET /a", 100, 100.0), failing);
        let run = record()
            .steady("warm")
            .slices(12, &[all])
            .with(|run| run.target.proxy_forwards = forwards)
            .build();
        let verdict = judged_against(&thresholds(), &run, &history(10));
        let mut warnings = verdict.warnings.into_iter();
        warnings.find(|own| matches!(own, Warning::ProxyResponses { .. }))
    };
    let named = Warning::ProxyResponses {
        arm: Arm::Target,
        status: 503,
        requests: 1200,
    };
    assert_eq!(found(&[(503, 99), (407, 1)], true), Some(named));
    assert_eq!(found(&[(503, 100)], false), None, "it was a tunnel");
    assert_eq!(found(&[(503, 99)], true), None, "one came through");
    assert_eq!(found(&[(503, 99), (500, 1)], true), None);
}

#[test]
fn versions_that_share_a_quota_are_not_compared_by_latency() {
    let both = |throttled: u64| {
        let [a, b] = both(100.0);
        [a.failing(FailureKind::Status(429), throttled), b]
    };
    let mixed = |throttled: u64, interleaving| {
        let mut run = duet_of(&both(throttled), &both(throttled));
        run.duet = Some(DuetSettings {
            interleaving,
            pairs: 12,
            slice_s: 0.5,
            guard_s: 0.0,
            looks: 1,
            look: None,
            restart_every: None,
        });
        judged_alone(&thresholds(), &run)
    };
    // One in a hundred of 900 may be throttled where no limit says so.
    let few = mixed(9, Interleaving::Mixed);
    assert_eq!(few.outcome, Outcome::Passed);
    let many = mixed(18, Interleaving::Mixed);
    assert_eq!(many.outcome, Outcome::Invalid);
    let throttled = InvalidReason::Throttled {
        arm: Arm::Base,
        share: 0.02,
        limit: 0.01,
    };
    assert_eq!(many.invalid, [throttled]);
    let latency = line(&many, &Subject::Overall, Metric::P95);
    assert_eq!(
        latency.outcome,
        CheckOutcome::NotJudged(NotJudged::Throttled)
    );
    let errors = line(&many, &Subject::Overall, Metric::ErrorRate);
    assert_eq!(errors.outcome, CheckOutcome::Passed);
    // In turns each version has the quota for itself.
    assert_eq!(mixed(18, Interleaving::Turns).outcome, Outcome::Passed);
}
