//! The jobs of a baseline, one a line, so that one that stands out is seen and can be removed.

use crate::baseline::{Baseline, Job, PhaseScope, outliers, p95};
use crate::report::text::layout::table;
use crate::report::text::numbers::{self, count};
use crate::report::text::one_line;
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
    let mut marks = Vec::new();
    if let Some(change) = outlier {
        marks.push(format!("outlier {}", numbers::change(numbers::P95, change)));
    }
    if !job.late.is_whole() {
        marks.push(format!("late {}/{}", job.late.dropped, job.late.of));
    }
    if job.accepted_worse {
        marks.push("accepted".to_owned());
    }
    let anchor = baseline.anchor.as_ref();
    if anchor.is_some_and(|anchor| anchor.id == job.id && anchor.started == job.started) {
        marks.push("anchor".to_owned());
    }
    marks.join(", ")
}
