//! A row of checks in words: one figure with its limit and its change.

use super::Medium;
use super::limit::{ending, limit_reason, promise};
use super::line::{caught, change_note, measure_name, since, subject_name};
use crate::report::text::numbers;
use crate::report::view::{CheckRow, Figures, View, is_not_compared};
use crate::verdict::{Check, CheckOutcome, LimitCheck};

impl CheckRow<'_> {
    /// The metric and its phase, such as `P95 in burst`.
    pub(crate) fn measure_text(&self, medium: Medium) -> String {
        let line = self.line();
        let (measure, since) = (measure_name(line.measure), since(line));
        match &line.phase {
            Some(phase) => format!("{measure} in {}{since}", medium.untrusted(phase)),
            None => measure + since,
        }
    }

    /// Whom it speaks of.
    pub(crate) fn subject_text(&self, medium: Medium) -> String {
        subject_name(&self.line().subject, medium)
    }

    /// The limits, each with what it came to where it is not kept, and at which figure where the row shows another.
    pub(crate) fn limit_text(&self) -> String {
        let told: Vec<String> = self
            .limits
            .iter()
            .map(|(line, limit)| match ending(line) {
                "" => self.promise(line, limit),
                ending => {
                    let own = self.own_figure(line);
                    format!("{}, {ending}{own}", self.promise(line, limit))
                }
            })
            .collect();
        if told.is_empty() {
            return numbers::NONE.to_owned();
        }
        told.join("; ")
    }

    /// The figure that a limit was held against, where the row shows another: a limit looks at all requests together, a
    /// change at the median of slices.
    fn own_figure(&self, line: &Check) -> String {
        let measure = self.measure();
        let shown = numbers::value_or_none(measure, self.now());
        match line.current.map(|own| numbers::value(measure, own)) {
            Some(own) if own != shown => format!(" at {own}"),
            Some(_) | None => String::new(),
        }
    }

    pub(crate) fn promise(&self, line: &Check, limit: &LimitCheck) -> String {
        let stops = if self.is_abort {
            " (stops the run)"
        } else {
            ""
        };
        promise(line, limit) + stops
    }

    /// What this run would have caught.
    pub(crate) fn caught_text(&self) -> Option<String> {
        let (line, check) = self.change?;
        caught(line, check)
    }

    /// Why its change came to what it came to, where that needs words.
    pub(crate) fn change_note(&self, view: &View, medium: Medium) -> Option<String> {
        let (line, check) = self.change.filter(|(line, _)| !is_not_compared(line))?;
        let note = change_note(view, line, check, medium)?;
        // Beside a limit that was judged, it must be said what was not.
        if matches!(line.outcome, CheckOutcome::NotJudged(_)) && !self.limits.is_empty() {
            return Some(format!("change not judged: {note}"));
        }
        Some(note)
    }

    /// The limits that are not kept, each with its reason: `limit 120 ms broken: 1,260 of 4,800 requests took longer or
    /// failed, 5 % may`.
    pub(crate) fn limit_notes(&self, view: &View, medium: Medium) -> Vec<String> {
        let unkept = self.limits.iter();
        unkept
            .filter(|(line, _)| line.outcome != CheckOutcome::Passed)
            .map(|(line, limit)| {
                let (promise, own) = (self.promise(line, limit), self.own_figure(line));
                let told = format!("limit {promise} {}{own}", ending(line));
                match limit_reason(view, line, limit, medium) {
                    Some(why) => format!("{told}: {why}"),
                    None => told,
                }
            })
            .collect()
    }
}

/// The name of figures as a reader sees it.
pub(crate) fn figures_name(figures: &Figures, medium: Medium) -> String {
    let name = figures.request.as_ref();
    name.map_or_else(|| "overall".to_owned(), |name| medium.untrusted(name))
}
