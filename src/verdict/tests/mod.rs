//! Whole verdicts over synthetic records.

mod acceptance;
mod availability;
mod cells;
mod cold;
mod drift;
mod errors;
mod forecast;
mod limits;
mod noise;
mod regression;
mod simulation;
mod suspicion;
mod validity;

use super::*;
use crate::baseline::{Job, Matching, Mismatch};
use crate::metric::Metric;
use crate::record::RunRecord;
use crate::record::samples::{Traffic, record, traffic};
use crate::thresholds::{Availability, Limit, Mode, Regression, Subject, Thresholds};

/// Thresholds without a limit and with what holds for changes where a file is silent.
fn thresholds() -> Thresholds {
    Thresholds {
        mode: Mode::Enforce,
        limits: Vec::new(),
        availability: Some(Availability::default()),
        aws: Vec::new(),
        regression: Regression::default(),
        abort: None,
    }
}

fn limited(limits: Vec<Limit>) -> Thresholds {
    Thresholds {
        limits,
        ..thresholds()
    }
}

/// Two names in one steady phase of twelve slices; the second is twice as fast.
fn shop(median_ms: f64) -> RunRecord {
    record().steady("warm").slices(12, &both(median_ms)).build()
}

fn both(median_ms: f64) -> [Traffic; 2] {
    [
        traffic("GET /a", 600, median_ms),
        traffic("GET /b", 300, median_ms / 2.0),
    ]
}

/// Twelve pairs of the shop.
fn duet(base_ms: f64, target_ms: f64) -> RunRecord {
    duet_of(&both(base_ms), &both(target_ms))
}

fn duet_of(base: &[Traffic], target: &[Traffic]) -> RunRecord {
    let mut run = record().steady("warm");
    for _ in 0..12 {
        run = run.pair(base, target);
    }
    run.build()
}

/// Jobs whose medians lie about 100 ms.
fn history(count: usize) -> Vec<Job> {
    let medians = [
        100.0, 104.0, 97.0, 101.0, 103.0, 99.0, 96.0, 105.0, 100.0, 102.0,
    ];
    let medians = medians.into_iter().cycle().take(count);
    medians
        .map(|median| Job::from_record(&shop(median), false))
        .collect()
}

fn judged_alone(thresholds: &Thresholds, record: &RunRecord) -> Verdict {
    judge(&JudgeInput {
        thresholds,
        candidates: std::slice::from_ref(record),
        matching: Matching::None(Mismatch::NoBaseline),
        anchor: None,
    })
}

fn judged_against(thresholds: &Thresholds, record: &RunRecord, jobs: &[Job]) -> Verdict {
    judge(&JudgeInput {
        thresholds,
        candidates: std::slice::from_ref(record),
        matching: Matching::Jobs(jobs.iter().collect()),
        anchor: None,
    })
}

fn request(name: &str) -> Subject {
    Subject::Request(name.to_owned())
}

#[track_caller]
fn line<'a>(verdict: &'a Verdict, subject: &Subject, metric: Metric) -> &'a Check {
    let mut lines = verdict.checks.iter();
    lines
        .find(|line| line.subject == *subject && line.measure == Measure::Metric(metric))
        .unwrap()
}

#[track_caller]
fn change(line: &Check) -> &ChangeCheck {
    let CheckKind::Change(change) = &line.kind else {
        panic!("{line:?} is no change");
    };
    change
}

#[track_caller]
fn limit(line: &Check) -> &LimitCheck {
    let CheckKind::Limit(limit) = &line.kind else {
        panic!("{line:?} is no limit");
    };
    limit
}
