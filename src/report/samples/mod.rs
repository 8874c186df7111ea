//! Stories for tests, each judged as a real run is: synthetic records, parsed thresholds, a recorded baseline.

mod aws;
mod bursts;
mod cautioned;
mod cells;
mod hostile;
mod list;
mod outcomes;
mod shop;
mod unavailable;
mod unjudged;

pub(super) use aws::*;
pub(super) use bursts::*;
pub(super) use cautioned::*;
pub(super) use cells::*;
pub(super) use hostile::{TEXTS, saying, unreachable_saying};
pub(super) use list::{all, story, usual};
pub(super) use outcomes::*;
pub(super) use unavailable::*;
pub(super) use unjudged::*;

use jiff::{SignedDuration, Timestamp};

use super::{CommandHints, ComparedWith, ReportInput, View};
use crate::baseline::{self, Baseline, Job, Matching, RunContext, anchor, matching};
use crate::exit::{Exit, Strictness};
use crate::metric::Metric;
use crate::plan::phase_names;
use crate::record::{RunRecord, SliceRecord};
use crate::thresholds::{self, Names, Thresholds};
use crate::verdict::{self, JudgeInput, Verdict};

/// What a gate did and what it is held against, before it is judged.
pub(super) struct Gate {
    records: Vec<RunRecord>,
    baseline: Option<Baseline>,
    thresholds: String,
    strictness: Strictness,
    base_commit: Option<&'static str>,
}

/// A gate that is judged: what a story is borrowed from.
#[derive(Clone)]
pub(super) struct Sample {
    pub(super) verdict: Verdict,
    pub(super) records: Vec<RunRecord>,
    pub(super) thresholds: Thresholds,
    baseline: Option<Baseline>,
    strictness: Strictness,
    base_commit: Option<&'static str>,
    gate_path: String,
    thresholds_path: String,
    pub(super) files: Vec<String>,
    occasion: Occasion,
}

/// What is known of a story beside its verdict.
#[derive(Clone, Copy, PartialEq)]
enum Occasion {
    /// What a gate says after a run.
    Run,
    /// The run becomes a part of the baseline.
    Recorded,
    /// A stranger may have written the record.
    Hearsay,
    /// A stored result, by a program of another name.
    Again,
    /// The difference of two results, which no gate judges.
    Comparison,
}

/// A gate that made this run, with nothing promised and nothing to compare with.
pub(super) fn gate(record: RunRecord) -> Gate {
    Gate {
        records: vec![record],
        baseline: None,
        thresholds: String::new(),
        strictness: Strictness::Lenient,
        base_commit: None,
    }
}

/// A baseline of these runs, which were made on one day after another, each on a commit of its own.
pub(super) fn recorded(runs: impl IntoIterator<Item = RunRecord>) -> Baseline {
    let first: Timestamp = "2026-04-20T03:00:00Z".parse().unwrap();
    let days = (1_i64..).zip(runs);
    let baseline = days.fold(None, |held, (day, mut run)| {
        run.run.id = format!("recorded-{day}");
        run.run.started = first + SignedDuration::from_hours(24 * day);
        run.run.commit = Some(format!("8d10e7f{day:033}"));
        Some(baseline::add(
            held,
            &run.scenario,
            Job::from_record(&run, false),
        ))
    });
    baseline.unwrap()
}

impl Gate {
    /// Another result of the same CI run, judged with the first as one.
    pub(super) fn and(mut self, record: RunRecord) -> Self {
        self.records.push(record);
        self
    }

    /// Held against this baseline.
    pub(super) fn after(mut self, baseline: &Baseline) -> Self {
        self.baseline = Some(baseline.clone());
        self
    }

    /// The commit of a duet's base.
    pub(super) fn against(mut self, commit: &'static str) -> Self {
        self.base_commit = Some(commit);
        self
    }

    /// The text of thresholds.yml.
    pub(super) fn promising(mut self, thresholds: impl Into<String>) -> Self {
        self.thresholds = thresholds.into();
        self
    }

    /// Under `--strict`.
    pub(super) fn strictly(mut self) -> Self {
        self.strictness = Strictness::Strict;
        self
    }

    /// Judges it, as the command does, and adds up the slices, which reports do anyway.
    pub(super) fn judged(self) -> Sample {
        let mut sample = self.judged_whole();
        sample.records = sample.records.into_iter().map(pooled).collect();
        sample
    }

    /// Judges it, and keeps every slice: for what is told of slices.
    pub(super) fn judged_whole(self) -> Sample {
        let phases = phase_names(&self.records[0].phases);
        let names = Names {
            requests: &self.records[0].requests,
            phases: &phases,
            cold_start: self.records[0].marks_cold_starts(),
            aws: self.records[0].aws.is_some(),
        };
        let thresholds = thresholds::parse("thresholds.yml", &self.thresholds, &names);
        let mut thresholds = thresholds.unwrap_or_else(|error| panic!("{error}"));
        // Without P99, which one story gates, the goldens are half as long.
        if !self.thresholds.contains("gate:") {
            thresholds.regression.gate = vec![Metric::P95, Metric::ErrorRate];
        }
        let verdict = verdict::judge(&JudgeInput {
            thresholds: &thresholds,
            candidates: &self.records,
            matching: matching(self.baseline.as_ref(), &RunContext::from(&self.records[0])),
            anchor: anchor(self.baseline.as_ref(), &RunContext::from(&self.records[0])),
        });
        let gate = &verdict.gate;
        let files = [
            "junit.xml",
            "summary.md",
            "report.html",
            "metrics.txt",
            "load-performance.json",
        ];
        let files = files.map(|name| format!("loadgate-out/{gate}/{name}"));
        Sample {
            files: files.into(),
            gate_path: format!("thresholds/{gate}"),
            thresholds_path: format!("thresholds/{gate}/thresholds.yml"),
            verdict,
            records: self.records,
            thresholds,
            baseline: self.baseline,
            strictness: self.strictness,
            base_commit: self.base_commit,
            occasion: Occasion::Run,
        }
    }
}

/// The second of two results held against the first, as the command that compares them does.
pub(super) fn comparison(old: &RunRecord, new: RunRecord) -> Sample {
    let held = baseline::add(None, &old.scenario, Job::from_record(old, false));
    let mut sample = gate(new).promising("mode: observe").after(&held).judged();
    sample.thresholds.availability = None;
    sample.verdict = verdict::judge(&JudgeInput {
        thresholds: &sample.thresholds,
        candidates: &sample.records,
        matching: Matching::Jobs(vec![&held.jobs[0]]),
        anchor: None,
    });
    sample.occasion = Occasion::Comparison;
    sample.gate_path.clear();
    sample.thresholds_path.clear();
    sample.files.clear();
    sample
}

/// The record with one slice for each phase and arm. Reports add slices up anyway, and so are told in a fraction of the
/// time.
fn pooled(mut record: RunRecord) -> RunRecord {
    let mut slices: Vec<SliceRecord> = Vec::new();
    for slice in std::mem::take(&mut record.slices) {
        let known = slices
            .iter_mut()
            .find(|known| (known.phase, known.arm) == (slice.phase, slice.arm));
        let Some(known) = known else {
            slices.push(slice);
            continue;
        };
        known.length_s += slice.length_s;
        for cell in slice.cells {
            let mut cells = known.cells.iter_mut();
            match cells.find(|known| known.request == cell.request) {
                Some(known) => known.cell.merge(&cell.cell),
                None => known.cells.push(cell),
            }
        }
    }
    record.slices = slices;
    record
}

impl Sample {
    /// The same gate under another name.
    pub(super) fn called(&self, gate: &str) -> Self {
        let mut sample = self.clone();
        gate.clone_into(&mut sample.verdict.gate);
        sample
    }

    fn occasion(mut self, occasion: Occasion) -> Self {
        self.occasion = occasion;
        self
    }

    /// The baseline, where there is one.
    pub(super) fn baseline(&self) -> Option<&Baseline> {
        self.baseline.as_ref()
    }

    /// What its reports show.
    pub(super) fn story(&self) -> View<'_> {
        View::new(self.input())
    }

    /// What its reports are made from.
    pub(super) fn input(&self) -> ReportInput<'_> {
        let record = &self.records[0];
        let newest = match matching(self.baseline.as_ref(), &RunContext::from(record)) {
            Matching::Jobs(jobs) => jobs.last().copied(),
            Matching::None(_) => None,
        };
        let before = if self.occasion == Occasion::Comparison {
            let job = &self.baseline.as_ref().unwrap().jobs[0];
            ComparedWith::Result {
                commit: job.commit.as_deref(),
                started: job.started,
            }
        } else if record.base.is_some() {
            ComparedWith::Base {
                commit: self.base_commit,
            }
        } else {
            newest.map_or(ComparedWith::Nothing, |job| ComparedWith::Baseline {
                commit: job.commit.as_deref(),
                started: job.started,
            })
        };
        ReportInput {
            verdict: &self.verdict,
            record,
            others: &self.records[1..],
            thresholds: &self.thresholds,
            gate_path: Some(&self.gate_path),
            thresholds_path: &self.thresholds_path,
            baseline: self.baseline.as_ref(),
            compared_with: before,
            strict: self.strictness == Strictness::Strict,
            exit: record
                .signal()
                .map_or_else(
                    || Exit::for_verdict(&self.verdict, self.strictness),
                    Exit::Signal,
                )
                .code(),
            files: &self.files,
            is_recorded: self.occasion == Occasion::Recorded,
            is_untrusted: self.occasion == Occasion::Hearsay,
            hints: if self.occasion == Occasion::Again {
                CommandHints {
                    program: "./loadgate-0.1",
                    result: "out dir/result.json",
                }
            } else {
                CommandHints::default()
            },
        }
    }
}
