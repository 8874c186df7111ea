//! What a failed change came from.

use std::time::Duration;

use super::*;
use crate::measurement::{Arm, FailureKind, Part, Parts};
use crate::record::PartsRecord;

const MS: Duration = Duration::from_millis(1);

/// A thousand requests that spent so long in connecting and in waiting for the first byte.
fn parts(connect: u32, first_byte: u32) -> Parts {
    let mut parts = Parts::default();
    for _ in 0..1000 {
        parts.service.record((connect + first_byte) * MS);
        parts.connect.record(connect * MS);
        parts.first_byte.record(first_byte * MS);
    }
    parts
}

/// A thousand answers, so many of them cold at 900 ms, the others warm at `warm`.
fn cold(cold: u32, warm: u32) -> Parts {
    let mut parts = Parts::default();
    for index in 0..1000 {
        if index < cold {
            parts.cold.record(900 * MS);
        } else {
            parts.warm.record(warm * MS);
        }
    }
    parts
}

/// A duet of GET /a alone, slower by half, with these parts on the base and on the target.
fn slower(base: &Parts, target: &Parts) -> RunRecord {
    let only = |median| [traffic("GET /a", 600, median)];
    let mut run = duet_of(&only(100.0), &only(150.0));
    for (arm, parts) in [(Arm::Base, base), (Arm::Target, target)] {
        run.parts.push(PartsRecord {
            phase: 0,
            arm,
            request: 0,
            parts: parts.clone(),
        });
    }
    run
}

fn found(verdict: &Verdict, metric: Metric) -> Attribution {
    let line = line(verdict, &Subject::Overall, metric);
    assert_eq!(line.outcome, CheckOutcome::Failed, "{line:?}");
    change(line).attribution.clone().unwrap()
}

#[test]
fn the_part_that_makes_up_most_of_the_growth_is_named() {
    let run = slower(&parts(5, 90), &parts(5, 160));
    let found = found(&judged_alone(&thresholds(), &run), Metric::P95);
    let part = found.part.unwrap();
    assert_eq!(part.part, Part::FirstByte);
    assert!((part.growth() - 0.07).abs() < 1e-3, "{part:?}");
    let pairs = u32::try_from(run.slices.len() / 2).unwrap();
    assert_eq!(
        found.location,
        Some(ChangeLocation::Units {
            worse: pairs,
            of: pairs
        })
    );
    assert_eq!((found.cold, found.kind), (None, None));
}

#[test]
fn where_every_part_grew_a_little_none_is_named() {
    let run = slower(&parts(50, 50), &parts(70, 70));
    let found = found(&judged_alone(&thresholds(), &run), Metric::P95);
    assert_eq!(found.part, None);
}

#[test]
fn more_cold_starts_are_named_where_warm_answers_hardly_changed() {
    let verdict = judged_alone(&thresholds(), &slower(&cold(10, 100), &cold(100, 101)));
    let named = found(&verdict, Metric::P95).cold.unwrap();
    assert!((named.before - 0.01).abs() < 1e-9 && (named.now - 0.1).abs() < 1e-9);

    let verdict = judged_alone(&thresholds(), &slower(&cold(10, 100), &cold(100, 170)));
    assert_eq!(found(&verdict, Metric::P95).cold, None);
}

#[test]
fn the_kind_of_failure_that_grew_is_named() {
    let failing = |of_500, of_503| {
        [traffic("GET /a", 600, 100.0)
            .failing(FailureKind::Status(500), of_500)
            .failing(FailureKind::Status(503), of_503)]
    };
    let run = duet_of(&failing(6, 0), &failing(6, 20));
    let found = found(&judged_alone(&thresholds(), &run), Metric::ErrorRate);
    let kind = found.kind.unwrap();
    assert_eq!(kind.kind, FailureKind::Status(503));
    assert_eq!(kind.before, Some(0.0));
    assert!((kind.now - 20.0 / 600.0).abs() < 1e-6);
    assert!(matches!(found.location, Some(ChangeLocation::Units { worse, of }) if worse == of));
}

#[test]
fn against_a_baseline_the_newest_job_says_where_the_time_went() {
    let with_parts = |median, parts: Parts| {
        let mut run = shop(median);
        run.parts.push(PartsRecord {
            phase: 0,
            arm: Arm::Target,
            request: 0,
            parts,
        });
        run
    };
    let jobs: Vec<Job> = (0..10)
        .map(|_| Job::from_record(&with_parts(100.0, parts(5, 90)), false))
        .collect();
    let run = with_parts(200.0, parts(5, 190));
    let verdict = judged_against(&thresholds(), &run, &jobs);
    let part = found(&verdict, Metric::P95).part.unwrap();
    assert_eq!(part.part, Part::FirstByte);
}

#[test]
fn what_passes_is_not_explained() {
    let verdict = judged_alone(&thresholds(), &slower(&parts(5, 90), &parts(5, 160)));
    for line in &verdict.checks {
        if let CheckKind::Change(check) = &line.kind {
            let failed = line.outcome == CheckOutcome::Failed;
            assert_eq!(check.attribution.is_some(), failed, "{line:?}");
        }
    }
}
