//! Adding accepted jobs to a baseline.

use super::model::{Baseline, Job, RING, SCHEMA};
use crate::record::{Run, RunRecord, ScenarioIdentity};

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
                held.told = Vec::new();
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
pub fn set_anchor(baseline: &mut Baseline, run: &Run) {
    if let Some(job) = baseline.jobs.iter().find(|job| is_of(job, run)) {
        let mut anchor = job.clone();
        for cell in &mut anchor.cells {
            cell.latencies = None;
        }
        anchor.told = Vec::new();
        baseline.anchor = Some(anchor);
    }
}

/// Takes out the jobs, and the anchor, that are these runs themselves; whether there were any.
pub fn forget(baseline: &mut Baseline, records: &[RunRecord]) -> bool {
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

fn is_of(job: &Job, run: &Run) -> bool {
    job.id == run.id && job.started == run.started
}

/// Whether the baseline holds the run already.
pub fn holds(baseline: &Baseline, job: &Job) -> bool {
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
    use crate::baseline::{CellSummary, Scope, ToldRow};
    use crate::measurement::Latencies;
    use crate::record::Environment;

    fn job(second: i64, cores: u32) -> Job {
        let mut latencies = Latencies::new();
        latencies.record_micros(1000);
        Job {
            id: format!("job-{second}"),
            commit: None,
            started: jiff::Timestamp::from_second(second).unwrap(),
            accepted_worse: false,
            loopback: true,
            labels: BTreeMap::new(),
            environment: Environment {
                arch: "x86_64".to_owned(),
                cores,
                ..Environment::default()
            },
            cells: vec![CellSummary {
                scope: Scope::Steady,
                request: None,
                n: 1,
                errors: 0,
                cold: None,
                metrics: BTreeMap::new(),
                kinds: BTreeMap::new(),
                latencies: Some(latencies),
                breakdown: None,
            }],
            told: vec![ToldRow {
                requests: 1,
                seconds: 1.0,
                ..ToldRow::default()
            }],
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
            .map(|job| job.told(None, None).is_some())
            .collect();
        assert_eq!(kept, [false, true, true]);
    }

    #[test]
    fn a_run_is_held_once() {
        let ring = filled([job(1, 2)]);
        assert!(holds(&ring, &job(1, 2)));
        assert!(!holds(&ring, &job(2, 2)));
    }
}
