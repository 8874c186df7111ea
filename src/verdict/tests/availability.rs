//! Time in which nobody is served, and services that do not keep up.

use super::*;
use crate::measurement::{Arm, FailureKind};
use crate::record::samples::Traffic;
use crate::record::{LoadModel, SilenceRecord, UnsentRecord};
use crate::units::Share;

/// The silence of a slice of one second.
fn silent(class: Option<&str>, request: Option<usize>, whole_s: f64) -> SilenceRecord {
    SilenceRecord {
        class: class.map(str::to_owned),
        request,
        from_s: 0.0,
        to_s: 1.0,
        after_s: 0.0,
        whole_s,
    }
}

/// Twenty slices of the shop of which some are silent in this way.
fn run(median_ms: f64, silences: &[SilenceRecord], slices: std::ops::Range<usize>) -> RunRecord {
    record()
        .steady("warm")
        .slices(20, &both(median_ms))
        .with(|run| {
            for (index, slice) in run.slices.iter_mut().enumerate() {
                let is_silent = slices.contains(&index);
                slice.silences = Some(if is_silent {
                    silences.to_vec()
                } else {
                    Vec::new()
                });
            }
        })
        .build()
}

/// What the lines on unavailable time say: subject, class, and seconds.
fn outages(run: &RunRecord) -> Vec<(Option<String>, Option<String>, f64)> {
    let verdict = judged_alone(&thresholds(), run);
    let lines = verdict
        .checks
        .iter()
        .filter(|line| line.measure == Measure::Unavailable);
    lines
        .map(|line| {
            assert_eq!(line.outcome, CheckOutcome::Failed);
            let CheckKind::Limit(limit) = &line.kind else {
                panic!("a limit");
            };
            let (seconds, class) = match limit.outage.as_ref().unwrap() {
                Outage::Silent { seconds, class, .. } => (*seconds, class.clone()),
                Outage::Failed => (-1.0, None),
                Outage::Unsent { expected } => (-expected, None),
            };
            (line.subject.name().map(str::to_owned), class, seconds)
        })
        .collect()
}

fn warnings(run: &RunRecord) -> Vec<Warning> {
    judged_alone(&thresholds(), run).warnings
}

#[test]
fn a_target_that_is_silent_for_most_of_a_phase_fails() {
    let all = [silent(None, None, 18.0), silent(None, Some(0), 18.0)];
    assert_eq!(outages(&run(10.0, &all, 2..20)), [(None, None, 18.0)]);
    let name = [silent(None, Some(1), 18.0)];
    let run = run(10.0, &name, 2..20);
    assert_eq!(outages(&run), [(Some(run.requests[1].clone()), None, 18.0)]);
}

#[test]
fn one_class_of_a_name_that_is_silent_fails() {
    let class = [silent(Some("b"), Some(1), 15.0)];
    let run = run(10.0, &class, 2..17);
    let expected = (Some(run.requests[1].clone()), Some("b".to_owned()), 15.0);
    assert_eq!(outages(&run), [expected]);
}

#[test]
fn a_silence_that_the_services_usual_time_explains_is_none() {
    let all = [silent(None, None, 6.0), silent(None, Some(0), 6.0)];
    // P5 is 0.69 times the median: ten times that is more than the silence.
    assert_eq!(outages(&run(1500.0, &all, 2..20)), []);
    assert_eq!(outages(&run(500.0, &all, 2..20)).len(), 1);
}

/// A hang of so many seconds in most slices, whose requests take up to its length, beside slices that are served.
fn hanging(seconds: f64, model: LoadModel, most: f64) -> RunRecord {
    let served = [traffic("GET /a", 20, 10.0)];
    let waiting: Vec<Traffic> = (1..=20_u32)
        .map(|step| traffic("GET /a", 1, 50.0 * f64::from(step) * seconds))
        .collect();
    (0..20)
        .fold(record().steady("warm"), |run, slice| match slice {
            0..6 => run.slice(&served),
            _ => run.slice(&waiting),
        })
        .with(|run| {
            run.phases[0].model = model;
            run.phases[0].peak_load = most;
            for (index, slice) in run.slices.iter_mut().enumerate() {
                let silence = silent(None, None, seconds);
                slice.silences = Some(if index < 6 { vec![] } else { vec![silence] });
            }
        })
        .build()
}

#[test]
fn a_hang_that_delays_most_requests_does_not_explain_itself() {
    let long = hanging(14.0, LoadModel::Arrivals, 20.0);
    assert_eq!(outages(&long), [(None, None, 14.0)]);
    let long = hanging(14.0, LoadModel::Users, 1.0);
    assert_eq!(outages(&long), [(None, None, 14.0)]);
}

#[test]
fn short_hangs_that_make_up_most_of_a_phase_fail() {
    for (model, most) in [(LoadModel::Arrivals, 20.0), (LoadModel::Users, 20.0)] {
        assert_eq!(outages(&hanging(4.0, model, most)), [(None, None, 14.0)]);
    }
    // One user who waits long now and then may have sent long requests.
    assert_eq!(outages(&hanging(4.0, LoadModel::Users, 1.0)), []);
    // Less than half of the phase is a pause, unless the limit is written.
    let mut pauses = hanging(4.0, LoadModel::Users, 20.0);
    for slice in &mut pauses.slices[10..] {
        slice.silences = Some(Vec::new());
    }
    assert_eq!(outages(&pauses), []);
    let written = Thresholds {
        availability: Some(Availability {
            share: Share::ONE_PERCENT,
            line: Some(1),
        }),
        ..thresholds()
    };
    assert_eq!(judged_alone(&written, &pauses).outcome, Outcome::Failed);
    let one_user = hanging(4.0, LoadModel::Users, 1.0);
    assert_eq!(judged_alone(&written, &one_user).outcome, Outcome::Failed);
}

#[test]
fn short_hangs_that_no_percentile_shows_fail() {
    // In most slices the users wait, after they have sent many quick requests.
    let hidden = |whole_s: f64, users: f64, median_ms: f64| {
        record()
            .steady("warm")
            .slices(20, &[traffic("GET /a", 200, median_ms)])
            .with(|run| {
                run.phases[0].model = LoadModel::Users;
                run.phases[0].peak_load = users;
                for slice in &mut run.slices[..14] {
                    slice.silences = Some(vec![silent(None, None, whole_s)]);
                }
                for slice in &mut run.slices[14..] {
                    slice.silences = Some(Vec::new());
                }
            })
            .build()
    };
    for (whole_s, users, median_ms, fails) in [
        (4.5, 4.0, 5.0, true),
        (4.5, 1.0, 5.0, true),
        (1.9, 4.0, 5.0, true),
        // One long request of one user says nothing of others.
        (1.9, 1.0, 5.0, false),
        (0.9, 8.0, 5.0, true),
        (0.9, 4.0, 5.0, false),
        // P95, 1.45 times the median, is a tenth of the wait or more.
        (4.5, 4.0, 400.0, false),
        (0.9, 8.0, 80.0, false),
    ] {
        let found = outages(&hidden(whole_s, users, median_ms));
        let expected = if fails {
            vec![(None, None, 14.0)]
        } else {
            vec![]
        };
        assert_eq!(
            found, expected,
            "{whole_s} s, {users} users, {median_ms} ms"
        );
    }
}

#[test]
fn a_pause_is_no_outage_and_a_short_outage_is_a_caution() {
    let pause = [silent(None, None, 4.9)];
    let short = run(10.0, &pause, 2..7);
    assert_eq!((outages(&short), warnings(&short)), (vec![], vec![]));
    let rare = [silent(None, Some(1), 6.0)];
    let caution = Warning::Silent {
        arm: Arm::Target,
        subject: Subject::Request(short.requests[1].clone()),
        class: None,
        seconds: 6.0,
        of_s: 20.0,
    };
    let rare = run(10.0, &rare, 2..8);
    assert_eq!((outages(&rare), warnings(&rare)), (vec![], vec![caution]));
}

#[test]
fn what_is_not_measured_or_older_is_not_judged() {
    let all = [silent(None, None, 18.0)];
    let mut unmeasured = run(10.0, &all, 2..20);
    unmeasured.phases.insert(0, unmeasured.phases[0].clone());
    unmeasured.phases[0].measured = false;
    for slice in &mut unmeasured.slices[20..] {
        slice.phase = 1;
    }
    unmeasured.slices[19].phase = 1;
    assert!(
        outages(&unmeasured)
            .iter()
            .all(|(_, _, seconds)| *seconds <= 1.0)
    );
    let older = record()
        .steady("warm")
        .slices(
            20,
            &[traffic("GET /a", 10, 5.0).failing(FailureKind::Timeout, 10)],
        )
        .build();
    assert_eq!(outages(&older), []);
}

#[test]
fn a_name_of_which_every_request_failed_or_none_was_sent_fails() {
    let slices = |count| {
        let dead = traffic("GET /b", count, 5.0).failing(FailureKind::Status(500), count);
        record()
            .steady("warm")
            .slices(20, &[traffic("GET /a", 10, 5.0)])
            .slice(&[dead])
            .with(|run| run.slices[0].silences = Some(Vec::new()))
            .build()
    };
    let dead = Some("GET /b".to_owned());
    assert_eq!(outages(&slices(2)), [(dead.clone(), None, -1.0)]);
    assert_eq!(outages(&slices(1)), [], "one may fail by chance");
    let unsent = |expected| {
        let mut run = run(10.0, &[], 0..0);
        run.unsent = vec![UnsentRecord {
            request: 1,
            expected,
        }];
        run
    };
    let name = unsent(10.0).requests[1].clone();
    assert_eq!(outages(&unsent(10.0)), [(Some(name.clone()), None, -10.0)]);
    assert_eq!(outages(&unsent(9.0)), []);
    assert_eq!(
        warnings(&unsent(9.0)),
        [Warning::NeverSent { request: name }]
    );
}

#[test]
fn the_limit_can_be_written_and_turned_off() {
    let all = [silent(None, None, 18.0)];
    let run = run(10.0, &all, 2..20);
    let lines = |availability| {
        let thresholds = Thresholds {
            availability,
            ..thresholds()
        };
        let verdict = judged_alone(&thresholds, &run);
        let lines = verdict.checks.into_iter();
        let own = lines.filter(|line| line.measure == Measure::Unavailable);
        own.map(|line| line.outcome).collect::<Vec<_>>()
    };
    let at_most = |share: f64| {
        Some(Availability {
            share: Share::new(share).unwrap(),
            line: Some(1),
        })
    };
    assert_eq!(lines(None), []);
    assert_eq!(lines(at_most(0.95)), [CheckOutcome::Passed]);
    assert_eq!(lines(at_most(0.85)), [CheckOutcome::Failed]);
}

#[test]
fn nothing_is_compared_with_a_base_that_is_silent() {
    let pairs = (0..12).fold(record().steady("warm"), |run, _| {
        run.pair(&both(10.0), &both(10.0))
    });
    let run = pairs
        .with(|run| {
            for slice in &mut run.slices {
                let is_silent = slice.arm == Arm::Base && slice.pair >= Some(2);
                let mut silence = silent(None, None, 20.0);
                silence.after_s = 1.0;
                slice.silences = Some(if is_silent { vec![silence] } else { Vec::new() });
            }
        })
        .build();
    let verdict = judged_alone(&thresholds(), &run);
    let base = InvalidReason::BaseUnavailable {
        seconds: 20.0,
        of_s: 22.0,
    };
    assert_eq!(
        (verdict.outcome, verdict.invalid),
        (Outcome::Invalid, vec![base])
    );
}

#[test]
fn a_few_waits_that_make_up_most_of_the_time_are_said() {
    let of = |count: u64, millis: f64| {
        let fast = traffic("GET /a", 1000, 10.0);
        let slices = record().steady("warm").slices(20, &[fast]);
        let run = slices.slice(&[traffic("GET /b", count, millis)]);
        run.with(|run| run.slices[0].silences = Some(Vec::new()))
            .build()
    };
    let said = warnings(&of(8, 18_000.0));
    let [Warning::LongWaits { by_time_s, p99_s }] = said[..] else {
        panic!("{said:?}");
    };
    assert!(by_time_s > 7.0 && p99_s < 0.1, "{by_time_s} {p99_s}");
    assert_eq!(warnings(&of(8, 30.0)), []);
}

/// Twelve slices of which each has so many arrivals and responses, and takes so long.
fn arrivals(of: impl Fn(u32) -> (u64, u64, f64)) -> RunRecord {
    (0..12)
        .fold(record().steady("peak"), |run, slice| {
            let (due, _, millis) = of(slice);
            run.slice(&[traffic("GET /a", due, millis)])
        })
        .with(|run| {
            run.phases[0].model = LoadModel::Arrivals;
            for (index, slice) in (0..).zip(&mut run.slices) {
                slice.silences = Some(Vec::new());
                slice.cells[0].completed = Some(of(index).1);
            }
        })
        .build()
}

#[test]
fn a_service_that_falls_behind_is_shown_with_its_rate() {
    let behind = arrivals(|slice| (500, 200, 500.0 * f64::from(slice + 1)));
    let [
        Warning::Overloaded {
            due,
            served,
            first_s,
            last_s,
            ..
        },
    ] = &warnings(&behind)[..]
    else {
        panic!("a caution");
    };
    assert!((due - 500.0).abs() < 1e-9 && (served - 200.0).abs() < 1e-9);
    assert!(first_s * 3.0 < *last_s);
}

#[test]
fn a_service_that_keeps_up_however_slow_has_no_caution() {
    // Responses come three slices later, and as fast as arrivals do.
    let slow = arrivals(|slice| (500, if slice < 3 { 0 } else { 500 }, 3000.0));
    assert_eq!(warnings(&slow), []);
    // It becomes slower and still answers them all.
    let slower = arrivals(|slice| (500, 500, 10.0 * f64::from(slice + 1)));
    assert_eq!(warnings(&slower), []);
}
