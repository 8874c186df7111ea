//! Adding accepted jobs to a baseline.

use super::model::{Baseline, Job, RING, SCHEMA};
use crate::record::{RunInfo, RunRecord, ScenarioIdentity};

/// The baseline with `job` added as its newest; made where there is none.
///
/// The ring holds [`RING`] jobs of each environment class (labels, place of the target, architecture and cores); the
/// oldest of the class leaves. Only the newest job keeps its histograms, and only the newest of its class what its run told
/// of each name and phase.
pub fn add(baseline: Option<Baseline>, scenario: &ScenarioIdentity, job: Job) -> Baseline {
    let mut baseline = baseline.unwrap_or_else(|| Baseline {
        schema: SCHEMA,
        scenario: scenario.clone(),
        anchor: None,
        jobs: Vec::new(),
        is_cut: false,
    });
    baseline.jobs = baseline
        .jobs
        .into_iter()
        .map(|held| {
            let mut held = held.without_histograms();
            if same_class(&held, &job) {
                held.reported_rows = Vec::new();
            }
            held
        })
        .collect();
    let class: Vec<usize> = (0..baseline.jobs.len())
        .filter(|index| same_class(&baseline.jobs[*index], &job))
        .collect();
    let leaving = (class.len() + 1).saturating_sub(RING);
    for index in class.into_iter().take(leaving).rev() {
        baseline.jobs.remove(index);
    }
    baseline.jobs.push(job);
    baseline
}

/// Fixes the job of a run as the release that drift is held against.
pub fn set_anchor(baseline: &mut Baseline, run: &RunInfo) {
    if let Some(job) = baseline.jobs.iter().find(|job| is_of(job, run)) {
        let mut anchor = job.clone();
        for cell in &mut anchor.cells {
            cell.latencies = None;
        }
        anchor.reported_rows = Vec::new();
        baseline.anchor = Some(anchor);
    }
}

/// Takes out the jobs, and the anchor, that are these runs themselves; whether there were any.
pub fn exclude_runs(baseline: &mut Baseline, records: &[RunRecord]) -> bool {
    let is_own = |job: &Job| records.iter().any(|record| is_of(job, &record.run));
    let before = baseline.jobs.len();
    baseline.jobs.retain(|job| !is_own(job));
    let is_anchor = baseline.anchor.as_ref().is_some_and(is_own);
    if is_anchor {
        baseline.anchor = None;
    }
    let is_cut = baseline.jobs.len() < before;
    baseline.is_cut |= is_cut;
    is_anchor || is_cut
}

/// Why a job cannot be dropped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DropError {
    /// No job has this name.
    #[error("the baseline has no job '{name}'; {}", names(held))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The jobs that there are.
        held: Vec<String>,
    },
    /// Several jobs have this name.
    #[error("the baseline has several jobs '{name}'; name one by its start, {}", starts.join(" or "))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// Their starts.
        starts: Vec<String>,
    },
}

fn names(held: &[String]) -> String {
    if held.is_empty() {
        return "it holds none".to_owned();
    }
    format!("use one of {}", held.join(", "))
}

/// Takes out one job, named by its id, its commit or its start. It is the anchor no longer if it was.
pub fn remove(baseline: &mut Baseline, name: &str) -> Result<Job, DropError> {
    let is_named = |job: &&Job| {
        let mut commit = job.commit.iter();
        job.id == name
            || job.started.to_string() == name
            || commit.any(|commit| name.len() >= FEWEST_OF_COMMIT && commit.starts_with(name))
    };
    let found: Vec<Job> = baseline.jobs.iter().filter(is_named).cloned().collect();
    let [job] = found.as_slice() else {
        let name = name.to_owned();
        return Err(if found.is_empty() {
            let held = baseline.jobs.iter().map(|job| job.id.clone()).collect();
            DropError::Unknown { name, held }
        } else {
            let starts = found.iter().map(|job| job.started.to_string()).collect();
            DropError::Ambiguous { name, starts }
        });
    };
    let is_same = |held: &Job| held.id == job.id && held.started == job.started;
    baseline.jobs.retain(|held| !is_same(held));
    if baseline.anchor.as_ref().is_some_and(is_same) {
        baseline.anchor = None;
    }
    Ok(job.clone())
}

/// Digits of a commit that name a job at least, as git shows them.
const FEWEST_OF_COMMIT: usize = 7;

fn is_of(job: &Job, run: &RunInfo) -> bool {
    job.id == run.id && job.started == run.started
}

/// Whether the baseline holds the run already.
pub fn contains(baseline: &Baseline, job: &Job) -> bool {
    baseline
        .jobs
        .iter()
        .any(|held| held.id == job.id && held.started == job.started)
}

fn same_class(a: &Job, b: &Job) -> bool {
    a.labels == b.labels
        && a.loopback == b.loopback
        && a.environment.arch == b.environment.arch
        && a.environment.cores == b.environment.cores
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::baseline::{PhaseScope, ReportedRow, RequestSummary};
    use crate::measurement::LatencyHistogram;
    use crate::record::{DropCount, Environment};

    fn job(second: i64, cores: u32) -> Job {
        let mut latencies = LatencyHistogram::new();
        latencies.record_micros(1000);
        Job {
            cost: None,
            id: format!("job-{second}"),
            commit: None,
            started: jiff::Timestamp::from_second(second).unwrap(),
            counting: 0,
            accepted_worse: false,
            counts_responses: true,
            loopback: true,
            labels: BTreeMap::new(),
            environment: Environment {
                arch: "x86_64".to_owned(),
                cores,
                ..Environment::default()
            },
            cells: vec![RequestSummary {
                scope: PhaseScope::Steady,
                request: None,
                n: 1,
                errors: 0,
                cold: None,
                metrics: BTreeMap::new(),
                kinds: BTreeMap::new(),
                latencies: Some(latencies),
                breakdown: None,
            }],
            reported_rows: vec![ReportedRow {
                requests: 1,
                seconds: 1.0,
                ..ReportedRow::default()
            }],
            late: DropCount::default(),
            reference: None,
        }
    }

    fn filled(jobs: impl IntoIterator<Item = Job>) -> Baseline {
        let identity = ScenarioIdentity::default();
        let added = jobs
            .into_iter()
            .fold(None, |ring, job| Some(add(ring, &identity, job)));
        added.unwrap()
    }

    #[test]
    fn the_oldest_job_of_a_full_ring_leaves() {
        let ring = filled((0..25).map(|second| job(second, 2)));
        assert_eq!(ring.jobs.len(), RING);
        assert_eq!(ring.jobs[0].id, "job-5");
        assert_eq!(ring.jobs[RING - 1].id, "job-24");
    }

    #[test]
    fn another_environment_has_a_ring_of_its_own() {
        let ring = filled((0..25).map(|second| job(second, 2)).chain([job(100, 4)]));
        assert_eq!(ring.jobs.len(), RING + 1);
    }

    #[test]
    fn only_the_newest_job_keeps_its_histograms() {
        let ring = filled((0..3).map(|second| job(second, 2)));
        let kept: Vec<bool> = ring
            .jobs
            .iter()
            .map(|job| job.cells[0].latencies.is_some())
            .collect();
        assert_eq!(kept, [false, false, true]);
    }

    #[test]
    fn only_the_newest_job_of_its_class_keeps_what_its_run_told() {
        let ring = filled([job(1, 2), job(2, 2), job(3, 4)]);
        let kept: Vec<bool> = ring
            .jobs
            .iter()
            .map(|job| job.reported(None, None).is_some())
            .collect();
        assert_eq!(kept, [false, true, true]);
    }

    #[test]
    fn a_job_is_removed_by_a_name_that_is_its_own() {
        let mut ring = filled((1..4).map(|second| job(second, 2)));
        ring.jobs[0].commit = Some("3f2c9ab01".to_owned());
        ring.anchor = Some(ring.jobs[1].clone());
        ring.jobs[2].id = "job-2".to_owned();
        let before = ring.clone();
        let unknown = remove(&mut ring, "job-9").unwrap_err();
        assert!(matches!(unknown, DropError::Unknown { held, .. } if held.len() == 3));
        let twice = remove(&mut ring, "job-2").unwrap_err();
        assert!(matches!(twice, DropError::Ambiguous { starts, .. } if starts.len() == 2));
        assert!(remove(&mut ring, "3f2c").is_err(), "too few digits");
        assert_eq!(ring, before);
        assert_eq!(remove(&mut ring, "3f2c9ab").unwrap().id, "job-1");
        assert!(ring.anchor.is_some());
        let start = ring.jobs[0].started.to_string();
        assert_eq!(remove(&mut ring, &start).unwrap(), before.jobs[1]);
        assert_eq!(ring.anchor, None);
        assert_eq!(ring.jobs.len(), 1);
    }

    #[test]
    fn a_run_is_held_once() {
        let ring = filled([job(1, 2)]);
        assert!(contains(&ring, &job(1, 2)));
        assert!(!contains(&ring, &job(2, 2)));
    }
}
