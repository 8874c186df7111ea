//! Finds the jobs of a baseline that a run may be compared with.

use std::collections::BTreeMap;

use similar::TextDiff;

use super::model::{Baseline, Job};
use crate::record::{Environment, RunRecord};

/// The jobs that a run may be compared with, or why there are none.
#[derive(Clone, Debug, PartialEq)]
pub enum Matching<'a> {
    /// Matching jobs, at least one, newest last.
    Jobs(Vec<&'a Job>),
    /// None.
    None(Mismatch),
}

/// Why a run has no jobs to be compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// There is no baseline, or it holds no job.
    NoBaseline,
    /// No job ran in the same circumstances.
    NoJobMatches {
        /// What differs from the job that is nearest.
        differences: Vec<Difference>,
    },
    /// The baseline is of another scenario.
    ScenarioDiffers {
        /// Unified diff of the two canonical texts, baseline first.
        diff: String,
    },
}

/// One property in which a job of the baseline and this run differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The property, such as `cores` or `label region`.
    pub property: String,
    /// In the baseline.
    pub baseline: String,
    /// In this run.
    pub current: String,
}

/// The properties that decide which jobs a run may be compared with; known before it starts.
#[derive(Clone, Copy, Debug)]
pub struct RunContext<'a> {
    /// SHA-256 of the scenario's canonical text, in hex.
    pub scenario_sha256: &'a str,
    /// The scenario's canonical text.
    pub scenario_text: &'a str,
    /// Whether the target is on the generator's own machine.
    pub loopback: bool,
    /// What jobs must share.
    pub labels: &'a BTreeMap<String, String>,
    /// The machine that sends the load.
    pub environment: &'a Environment,
}

impl<'a> From<&'a RunRecord> for RunContext<'a> {
    fn from(record: &'a RunRecord) -> Self {
        Self {
            scenario_sha256: &record.scenario.sha256,
            scenario_text: &record.scenario.text,
            loopback: record.target.loopback,
            labels: &record.labels,
            environment: &record.environment,
        }
    }
}

/// Picks the jobs that ran the same scenario in the same circumstances as `run`: equal labels and, for a target on
/// the generator's own machine, equal architecture and cores. The CPU model is named in reports and not filtered on.
pub fn matching<'a>(baseline: Option<&'a Baseline>, run: &RunContext<'_>) -> Matching<'a> {
    let Some(baseline) = baseline.filter(|baseline| !baseline.jobs.is_empty()) else {
        return Matching::None(Mismatch::NoBaseline);
    };
    if baseline.scenario.sha256 != run.scenario_sha256 {
        return Matching::None(Mismatch::ScenarioDiffers {
            diff: scenario_diff(
                ("the baseline", &baseline.scenario.text),
                ("this run", run.scenario_text),
            ),
        });
    }
    let jobs: Vec<&Job> = baseline
        .jobs
        .iter()
        .filter(|job| differences(job, run).is_empty())
        .collect();
    if !jobs.is_empty() {
        return Matching::Jobs(jobs);
    }
    let nearest = baseline
        .jobs
        .iter()
        .rev()
        .map(|job| differences(job, run))
        .min_by_key(Vec::len);
    Matching::None(Mismatch::NoJobMatches {
        differences: nearest.unwrap_or_default(),
    })
}

/// The release job that drift is held against, if it ran the same scenario in the same circumstances as `run`.
pub fn anchor<'a>(baseline: Option<&'a Baseline>, run: &RunContext<'_>) -> Option<&'a Job> {
    let baseline = baseline.filter(|baseline| baseline.scenario.sha256 == run.scenario_sha256)?;
    let anchor = baseline.anchor.as_ref();
    anchor.filter(|job| differences(job, run).is_empty())
}

/// In what a job's circumstances differ from a run's; empty where the two may be compared.
pub fn differences(job: &Job, run: &RunContext<'_>) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |property: String, baseline: String, current: String| {
        if baseline != current {
            found.push(Difference {
                property,
                baseline,
                current,
            });
        }
    };
    let place = |loopback| {
        if loopback {
            "on this machine"
        } else {
            "elsewhere"
        }
        .to_owned()
    };
    compare(
        "target".to_owned(),
        place(job.loopback),
        place(run.loopback),
    );
    for name in job.labels.keys().chain(
        run.labels
            .keys()
            .filter(|name| !job.labels.contains_key(*name)),
    ) {
        let value = |labels: &BTreeMap<String, String>| {
            labels
                .get(name)
                .map_or_else(|| "not set".to_owned(), |value| format!("'{value}'"))
        };
        compare(
            format!("label {name}"),
            value(&job.labels),
            value(run.labels),
        );
    }
    if run.loopback {
        let (theirs, ours) = (&job.environment, run.environment);
        compare(
            "architecture".to_owned(),
            theirs.arch.clone(),
            ours.arch.clone(),
        );
        compare(
            "cores".to_owned(),
            theirs.cores.to_string(),
            ours.cores.to_string(),
        );
    }
    found
}

/// The difference of two canonical scenario texts as a unified diff, each with a word on where it comes from.
pub fn scenario_diff((old, before): (&str, &str), (new, now): (&str, &str)) -> String {
    TextDiff::from_lines(before, now)
        .unified_diff()
        .context_radius(2)
        .header(old, new)
        .to_string()
}
