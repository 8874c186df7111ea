//! A row of checks in words: one figure with its limit and its change.

use super::line::{
    caught, change_note, in_phase, limit_ending, limit_note, measure_name, promise, since,
    subject_name,
};
use crate::report::text::{Text, numbers, text, untrusted};
use crate::report::view::{CheckRow, Figures, Status, View};
use crate::verdict::{Check, CheckOutcome, LimitCheck};

impl CheckRow<'_> {
    /// The metric and its phase, such as `P95 in burst`.
    pub(crate) fn measure_text(&self) -> Text {
        let (line, measure) = (self.line(), measure_name(self.measure()));
        text!("{}{}{}", measure, in_phase(line), since(line))
    }

    /// Whom it speaks of.
    pub(crate) fn subject_text(&self) -> Text {
        subject_name(&self.line().subject)
    }

    /// The limits, each with what it came to where it is not kept, and at which figure where the row shows another.
    pub(crate) fn limit_text(&self) -> String {
        let limits = self.limits.iter().map(|(line, limit)| {
            let (promise, ending) = (self.promise(line, limit), limit_ending(line));
            if ending.is_empty() {
                return promise;
            }
            format!("{promise}, {ending}{}", self.own_figure(line))
        });
        let limits: Vec<String> = limits.collect();
        numbers::or_none(Some(limits.join("; ")).filter(|text| !text.is_empty()))
    }

    /// The figure that a limit was held against, where the row shows another: a limit looks at all requests together, a
    /// change at the median of slices.
    fn own_figure(&self, line: &Check) -> String {
        let shown = self.value(self.now());
        let own = line.current.map(|own| self.value(Some(own)));
        let own = own.filter(|own| *own != shown);
        own.map_or_else(String::new, |own| format!(" at {own}"))
    }

    pub(crate) fn promise(&self, line: &Check, limit: &LimitCheck) -> String {
        let stops = self.is_abort.then_some(" (stops the run)");
        promise(line, limit) + stops.unwrap_or_default()
    }

    /// A value of what it measures, or a dash where there is none.
    pub(crate) fn value(&self, value: Option<f64>) -> String {
        numbers::value_or_none(self.measure(), value)
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

    /// The estimated change alone.
    pub(crate) fn estimate_text(&self) -> Option<String> {
        let change = self.estimated()?;
        Some(numbers::change(self.measure(), change.estimate))
    }

    /// What this run would have caught.
    pub(crate) fn caught_text(&self) -> Option<String> {
        let (line, check) = self.change?;
        caught(line, check)
    }

    /// Why its change came to what it came to, where that needs words.
    pub(crate) fn change_note(&self, view: &View) -> Option<Text> {
        let (line, check) = self.change.filter(|(line, _)| !line.is_not_compared())?;
        let note = change_note(view, line, check)?;
        // Beside a limit that was judged, it must be said what was not.
        if line.why_not_judged().is_some() && !self.limits.is_empty() {
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
        let limits = self.limits.iter();
        let unkept = limits.filter(|(line, _)| line.outcome != CheckOutcome::Passed);
        let notes = unkept.map(|(line, limit)| {
            let (promise, own) = (self.promise(line, limit), self.own_figure(line));
            let why = limit_note(view, line, limit).map(|why| text!(": {}", why));
            text!("limit {} {}{}{}", promise, limit_ending(line), own, why)
        });
        notes.collect()
    }
}

/// The name of figures as a reader sees it.
pub(crate) fn figures_name(figures: &Figures) -> Text {
    let name = figures.request.as_deref();
    name.map_or_else(|| text!("overall"), untrusted)
}
