//! The jobs of a baseline, one a line, so that one that stands out is seen and can be removed.

use crate::baseline::{Baseline, Job, PhaseScope, outliers, p95};
use crate::report::text::layout::table;
use crate::report::text::{count, numbers, one_line};
use crate::report::wording::short_commit;

/// No terminal's: a job is removed by its id, so that none is cut.
const COLUMNS: usize = 10_000;

/// A table of the jobs, oldest first, with a mark on each that lies far from the others.
pub fn jobs(baseline: &Baseline) -> String {
    let mut rows = vec![(
        "job".to_owned(),
        ["started", "commit", "requests", "failed", "P95", ""]
            .map(str::to_owned)
            .to_vec(),
    )];
    for (job, outlier) in baseline.jobs.iter().zip(outliers(baseline)) {
        let cell = job.cell(&PhaseScope::Steady, None);
        let cell = cell.or_else(|| job.cells.iter().find(|cell| cell.request.is_none()));
        let commit = job.commit.as_ref();
        let cells = vec![
            job.started.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            numbers::or_none(commit.map(|commit| short_commit(&one_line(commit)))),
            numbers::or_none(cell.map(|cell| count(cell.n))),
            numbers::or_none(cell.map(|cell| count(cell.errors))),
            numbers::latency(p95(job)),
            marks(baseline, job, outlier),
        ];
        rows.push((one_line(&job.id), cells));
    }
    table(&rows, COLUMNS).join("\n")
}

fn marks(baseline: &Baseline, job: &Job, outlier: Option<f64>) -> String {
    let is_job = |anchor: &&Job| anchor.id == job.id && anchor.started == job.started;
    let anchor = baseline.anchor.as_ref().filter(is_job);
    let marks = [
        outlier.map(|change| format!("outlier {}", numbers::change(numbers::P95, change))),
        (!job.late.is_whole()).then(|| format!("late {}/{}", job.late.dropped, job.late.of)),
        job.accepted_worse.then(|| "accepted".to_owned()),
        anchor.map(|_| "anchor".to_owned()),
    ];
    marks.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
