//! The worst check of a gate: the one that headlines name and that pages draw first.

use super::{CheckRow, Status, View};
use crate::metric::Metric;
use crate::report::text::numbers;
use crate::thresholds::Subject;
use crate::verdict::{Check, CheckKind, Measure, Outcome};

impl<'a> View<'a> {
    /// The worst check with its row: of a gate that failed the worst that failed, of an inconclusive one the first that
    /// is open, else of the gated ones with the worst status that with the largest change.
    pub(crate) fn worst(&self) -> Option<(&CheckRow<'a>, &'a Check)> {
        let decided = match self.verdict.outcome {
            Outcome::Failed => self.worst_failed(),
            Outcome::Inconclusive => {
                let mut rows = self.rows().iter();
                rows.find_map(|row| Some((row, row.open_line()?)))
            }
            Outcome::Passed | Outcome::Invalid => None,
        };
        decided.or_else(|| self.largest().map(|row| (row, row.line())))
    }

    fn worst_failed(&self) -> Option<(&CheckRow<'a>, &'a Check)> {
        let lines = self.rows().iter();
        let lines = lines.flat_map(|row| row.lines().map(move |line| (row, line)));
        lines
            .filter(|(_, line)| Status::new(line) == Status::Failed)
            .max_by(|(_, a), (_, b)| {
                let (a, b) = (severity(a), severity(b));
                a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
            })
    }

    /// Of the gated rows with the worst status the one whose change is largest, ratios before shares.
    fn largest(&self) -> Option<&CheckRow<'a>> {
        let rows = self.rows().iter();
        let gated = rows.filter(|row| row.is_gated() && !row.is_empty_comparison());
        let status = gated.clone().map(|row| row.status).min()?;
        let size = |row: &CheckRow| {
            let change = row.estimated();
            let size = change.map_or(f64::NEG_INFINITY, |change| change.estimate);
            (!numbers::is_share(row.measure()), size)
        };
        gated.filter(|row| row.status == status).max_by(|a, b| {
            let (a, b) = (size(a), size(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        })
    }
}

/// How bad a failed line is, to tell the worst of them first: a change of a name, which says what to look at, before
/// one of overall, before a limit; then by size.
fn severity(line: &Check) -> (u8, f64) {
    let named = line.subject != Subject::Overall;
    match &line.kind {
        CheckKind::Change(check) => {
            let size = check.change.map_or(0.0, |change| change.estimate.abs());
            let is_latency = numbers::is_latency(line.measure);
            (2 + u8::from(is_latency) + 2 * u8::from(named), size)
        }
        // Where nobody is served, other figures say little.
        CheckKind::Limit(limit) if limit.outage.is_some() => {
            (9 - u8::from(named), line.current.unwrap_or_default())
        }
        CheckKind::Limit(limit) => {
            let size = line.current.map_or(0.0, |current| {
                if limit.bound > 0.0 {
                    (current / limit.bound - 1.0).abs()
                } else {
                    f64::MAX
                }
            });
            let errors = matches!(line.measure, Measure::Metric(Metric::ErrorRate));
            (u8::from(errors), size)
        }
    }
}
