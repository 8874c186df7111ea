//! A row of checks in words: one figure with its limit and its change.

use super::limit::{ending, limit_reason, promise};
use super::line::{caught, change_note, in_phase, measure_name, since, subject_name};
use crate::report::text::{Text, numbers, text, untrusted};
use crate::report::view::{CheckRow, Figures, Status, View, is_not_compared};
use crate::verdict::{Check, CheckOutcome, LimitCheck};

impl CheckRow<'_> {
    /// The metric and its phase, such as `P95 in burst`.
    pub(crate) fn measure_text(&self) -> Text {
        let line = self.line();
        let (measure, since) = (measure_name(line.measure), since(line));
        text!("{}{}{}", measure, in_phase(line), since)
    }

    /// Whom it speaks of.
    pub(crate) fn subject_text(&self) -> Text {
        subject_name(&self.line().subject)
    }

    /// The limits, each with what it came to where it is not kept, and at which figure where the row shows another.
    pub(crate) fn limit_text(&self) -> String {
        let parts: Vec<String> = self
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
        if parts.is_empty() {
            return numbers::NONE.to_owned();
        }
        parts.join("; ")
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

    /// The values before and now; none if there is none now.
    pub(crate) fn figures_text(&self) -> Option<String> {
        numbers::before_now(self.measure(), self.before(), self.now())
    }

    /// The estimated change with its interval.
    pub(crate) fn change_text(&self) -> Option<String> {
        let change = self.estimated()?;
        Some(numbers::change_with_interval(self.measure(), &change))
    }

    /// What this run would have caught.
    pub(crate) fn caught_text(&self) -> Option<String> {
        let (line, check) = self.change?;
        caught(line, check)
    }

    /// Why its change came to what it came to, where that needs words.
    pub(crate) fn change_note(&self, view: &View) -> Option<Text> {
        let (line, check) = self.change.filter(|(line, _)| !is_not_compared(line))?;
        let note = change_note(view, line, check)?;
        // Beside a limit that was judged, it must be said what was not.
        if matches!(line.outcome, CheckOutcome::NotJudged(_)) && !self.limits.is_empty() {
            return Some(text!("change not judged: {}", note));
        }
        Some(note)
    }

    /// Why it came to what it came to, if its figures do not say it.
    pub(crate) fn notes(&self, view: &View) -> Vec<Text> {
        let mut notes = self.limit_notes(view);
        if self.status != Status::Passed || self.passes_by_exception(view) {
            notes.extend(self.change_note(view));
        }
        notes
    }

    /// The limits that are not kept, each with its reason: `limit 120 ms broken: 1,260 of 4,800 requests took longer or failed, 5 % allowed`.
    pub(crate) fn limit_notes(&self, view: &View) -> Vec<Text> {
        let unkept = self.limits.iter();
        unkept
            .filter(|(line, _)| line.outcome != CheckOutcome::Passed)
            .map(|(line, limit)| {
                let (promise, own) = (self.promise(line, limit), self.own_figure(line));
                let text = text!("limit {} {}{}", promise, ending(line), own);
                match limit_reason(view, line, limit) {
                    Some(why) => text!("{}: {}", text, why),
                    None => text,
                }
            })
            .collect()
    }
}

/// The name of figures as a reader sees it.
pub(crate) fn figures_name(figures: &Figures) -> Text {
    let name = figures.request.as_ref();
    name.map_or_else(|| text!("overall"), |name| untrusted(name))
}
