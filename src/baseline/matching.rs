//! Which jobs of a baseline a run may be compared with.

use similar::TextDiff;

use super::model::{Baseline, Job};
use crate::record::RunRecord;

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

/// Picks the jobs that ran the same scenario in the same circumstances as `record`: equal labels and, for a target on
/// the generator's own machine, equal architecture and cores. The CPU model is named in reports and not filtered on.
pub fn matching<'a>(baseline: Option<&'a Baseline>, record: &RunRecord) -> Matching<'a> {
    let Some(baseline) = baseline.filter(|baseline| !baseline.jobs.is_empty()) else {
        return Matching::None(Mismatch::NoBaseline);
    };
    if baseline.scenario.sha256 != record.scenario.sha256 {
        return Matching::None(Mismatch::ScenarioDiffers {
            diff: scenario_diff(&baseline.scenario.text, &record.scenario.text),
        });
    }
    let jobs: Vec<&Job> = baseline
        .jobs
        .iter()
        .filter(|job| differences(job, record).is_empty())
        .collect();
    if !jobs.is_empty() {
        return Matching::Jobs(jobs);
    }
    let nearest = baseline
        .jobs
        .iter()
        .rev()
        .map(|job| differences(job, record))
        .min_by_key(Vec::len);
    Matching::None(Mismatch::NoJobMatches {
        differences: nearest.unwrap_or_default(),
    })
}

/// In what a job's circumstances differ from a run's; empty where the two may be compared.
pub fn differences(job: &Job, record: &RunRecord) -> Vec<Difference> {
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
        place(record.target.loopback),
    );
    for name in job.labels.keys().chain(
        record
            .labels
            .keys()
            .filter(|name| !job.labels.contains_key(*name)),
    ) {
        let value = |labels: &std::collections::BTreeMap<String, String>| {
            labels
                .get(name)
                .map_or_else(|| "not set".to_owned(), |value| format!("'{value}'"))
        };
        compare(
            format!("label {name}"),
            value(&job.labels),
            value(&record.labels),
        );
    }
    if record.target.loopback {
        let (theirs, ours) = (&job.environment, &record.environment);
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

/// The difference of two canonical scenario texts, as a unified diff.
pub fn scenario_diff(baseline: &str, current: &str) -> String {
    TextDiff::from_lines(baseline, current)
        .unified_diff()
        .context_radius(2)
        .header("scenario of the baseline", "scenario of this run")
        .to_string()
}
