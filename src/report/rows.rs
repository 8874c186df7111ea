//! The verdict's lines as rows: the limit and the change of one figure side by side, worst first.

use std::collections::HashMap;

use super::ReportInput;
use super::numbers;
use super::wording::{
    Medium, below_floor, caught, change_note, ending, is_not_compared, limit_reason, measure_name,
    promise, since, subject_name,
};
use crate::thresholds::Subject;
use crate::verdict::{
    ChangeCheck, Check, CheckKind, CheckOutcome, Comparison, Enforcement, EstimatedChange,
    LimitCheck, Measure, NotJudged, Reference,
};

/// What a line or a row came to, in the order in which reports list them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    /// It fails the gate.
    Failed,
    /// The run could not tell.
    Inconclusive,
    /// A limit is broken that only warns.
    Warned,
    /// Not judged.
    NotJudged,
    /// It got worse, and is not gated.
    Worse,
    /// Good enough.
    Passed,
    /// It is listed, and nothing depends on it.
    Reported,
}

impl Status {
    /// The word for it, the same in every format.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Inconclusive => "inconclusive",
            Self::Warned => "warned",
            Self::NotJudged => "not judged",
            Self::Worse => "worse, not gated",
            Self::Passed => "passed",
            Self::Reported => "reported",
        }
    }

    /// The word for it in a story: where nothing may fail, nothing has failed.
    pub(super) fn word_in(self, story: &ReportInput) -> &'static str {
        if story.is_comparison() {
            return match self {
                Self::Failed => Self::Worse.word(),
                Self::Passed => "not worse",
                Self::Inconclusive => "open",
                Self::Warned | Self::NotJudged | Self::Worse | Self::Reported => self.word(),
            };
        }
        if self == Self::Failed && story.verdict.observed {
            return "would fail";
        }
        self.word()
    }

    /// What a line came to.
    pub(super) fn of(line: &Check) -> Self {
        match (&line.outcome, line.enforcement) {
            (CheckOutcome::Failed, Enforcement::Gated) => Self::Failed,
            (CheckOutcome::Failed, Enforcement::Warned) => Self::Warned,
            (CheckOutcome::Failed, Enforcement::Reported) => Self::Worse,
            // It would be gated, were there a base to compare with.
            (CheckOutcome::NotJudged(NotJudged::BaseFails), _) => Self::NotJudged,
            (_, Enforcement::Reported) | (CheckOutcome::NotJudged(NotJudged::Off), _) => {
                Self::Reported
            }
            _ if line.is_open() => Self::Inconclusive,
            // No error before and none now is as good as it gets.
            (CheckOutcome::Passed, _) => Self::Passed,
            (CheckOutcome::Inconclusive, _) => Self::Inconclusive,
            (CheckOutcome::NotJudged(_), _) => Self::NotJudged,
        }
    }
}

/// One figure with all that is held against it.
#[derive(Clone, Debug)]
pub(super) struct CheckRow<'a> {
    /// The worst of its lines.
    pub(super) status: Status,
    /// Its limits, those that only warn included.
    pub(super) limits: Vec<(&'a Check, &'a LimitCheck)>,
    /// Its change.
    pub(super) change: Option<(&'a Check, &'a ChangeCheck)>,
    /// Whether it is what stopped the run early, which is no figure of a whole run.
    pub(super) is_abort: bool,
}

/// All lines as rows: failed first, then inconclusive and so on; overall before names; the verdict's order within.
pub(super) fn rows<'a>(story: &ReportInput<'a>) -> Vec<CheckRow<'a>> {
    let mut rows: Vec<CheckRow<'a>> = Vec::new();
    let mut known: HashMap<(&Subject, Option<&str>), Vec<usize>> = HashMap::new();
    for line in &story.verdict.checks {
        let is_abort = story.is_abort(line);
        let alike = known
            .entry((&line.subject, line.phase.as_deref()))
            .or_default();
        let of_line = alike.iter().copied().find(|index| rows[*index].is_of(line));
        let index = of_line.unwrap_or_else(|| {
            alike.push(rows.len());
            rows.push(CheckRow {
                status: Status::Reported,
                limits: Vec::new(),
                change: None,
                is_abort,
            });
            rows.len() - 1
        });
        match &line.kind {
            CheckKind::Limit(limit) => rows[index].limits.push((line, limit)),
            CheckKind::Change(change) => rows[index].change = Some((line, change)),
        }
    }
    for row in &mut rows {
        row.status = row.worst();
    }
    rows.sort_by_key(|row| (row.status, row.line().subject != Subject::Overall));
    rows
}

impl<'a> CheckRow<'a> {
    /// Whether a line of the same subject and phase belongs to it.
    fn is_of(&self, line: &Check) -> bool {
        let repeated = matches!(line.kind, CheckKind::Change(_)) && self.change.is_some();
        !repeated && !self.is_abort && self.measure() == line.measure
    }

    /// The worst of its lines. That nothing was compared is told once for all rows, so it does not hide a limit that holds.
    fn worst(&self) -> Status {
        let change = self.change.iter();
        let change = change.filter(|(line, _)| self.limits.is_empty() || !is_not_compared(line));
        let limits = self.limits.iter().map(|(line, _)| Status::of(line));
        change
            .map(|(line, _)| Status::of(line))
            .chain(limits)
            .min()
            .unwrap_or(Status::Reported)
    }

    fn line_if_any(&self) -> Option<&'a Check> {
        self.change
            .map(|(line, _)| line)
            .or_else(|| self.limits.first().map(|(line, _)| *line))
    }

    /// A line of the row: all of them share subject, phase and measure.
    pub(super) fn line(&self) -> &'a Check {
        #[expect(clippy::expect_used, reason = "a row is only made for a line")]
        self.line_if_any().expect("a row has a line")
    }

    /// What is measured.
    pub(super) fn measure(&self) -> Measure {
        self.line().measure
    }

    /// Its lines, limits first.
    pub(super) fn lines(&self) -> impl Iterator<Item = &'a Check> {
        let limits = self.limits.iter().map(|(line, _)| *line);
        limits.chain(self.change.iter().map(|(line, _)| *line))
    }

    /// Whether it may fail the build, or was asked to warn, or would be gated could it be judged.
    pub(super) fn is_gated(&self) -> bool {
        self.lines().any(|line| {
            line.enforcement != Enforcement::Reported || Status::of(line) == Status::NotJudged
        })
    }

    /// The first of its lines that leaves the verdict open.
    pub(super) fn open_line(&self) -> Option<&'a Check> {
        self.lines()
            .find(|line| line.is_open() && line.enforcement == Enforcement::Gated)
    }

    /// Whether its change passes for a reason that its figures do not show: it was accepted, or is below a floor.
    pub(super) fn passes_by_exception(&self, story: &ReportInput) -> bool {
        self.change.is_some_and(|(line, check)| {
            check.acceptance.is_some() || below_floor(story, line, check)
        })
    }

    /// Whether all that it says is that nothing was compared.
    pub(super) fn is_empty_comparison(&self) -> bool {
        self.limits.is_empty() && self.change.is_some_and(|(line, _)| is_not_compared(line))
    }

    /// The metric and its phase, such as `P95 in burst`.
    pub(super) fn measure_text(&self, medium: Medium) -> String {
        let line = self.line();
        let (measure, since) = (measure_name(line.measure), since(line));
        match &line.phase {
            Some(phase) => format!("{measure} in {}{since}", medium.untrusted(phase)),
            None => measure + since,
        }
    }

    /// Whom it speaks of.
    pub(super) fn subject_text(&self, medium: Medium) -> String {
        subject_name(&self.line().subject, medium)
    }

    /// Whether it is held against the anchor.
    pub(super) fn is_drift(&self) -> bool {
        self.change
            .is_some_and(|(_, check)| check.reference == Reference::Anchor)
    }

    /// The value before.
    pub(super) fn before(&self) -> Option<f64> {
        self.change.and_then(|(_, check)| check.before)
    }

    /// The value now: that of the comparison where there is one, else that of a limit.
    pub(super) fn now(&self) -> Option<f64> {
        self.change
            .and_then(|(line, _)| line.current)
            .or_else(|| self.limits.iter().find_map(|(line, _)| line.current))
    }

    /// The estimated change.
    pub(super) fn estimated(&self) -> Option<EstimatedChange> {
        self.change.and_then(|(_, check)| check.change)
    }

    /// The limits, each with what it came to where it is not kept, and at which figure where the row shows another.
    pub(super) fn limit_text(&self) -> String {
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

    pub(super) fn promise(&self, line: &Check, limit: &LimitCheck) -> String {
        let stops = if self.is_abort {
            " (stops the run)"
        } else {
            ""
        };
        promise(line, limit) + stops
    }

    /// What this run would have caught.
    pub(super) fn caught_text(&self) -> Option<String> {
        let (line, check) = self.change?;
        caught(line, check)
    }

    /// Why its change came to what it came to, where that needs words.
    pub(super) fn change_note(&self, story: &ReportInput, medium: Medium) -> Option<String> {
        let (line, check) = self.change.filter(|(line, _)| !is_not_compared(line))?;
        let note = change_note(story, line, check, medium)?;
        // Beside a limit that was judged, it must be said what was not.
        if matches!(line.outcome, CheckOutcome::NotJudged(_)) && !self.limits.is_empty() {
            return Some(format!("change not judged: {note}"));
        }
        Some(note)
    }

    /// The limits that are not kept, each with its reason: `limit 120 ms broken: 1,260 of 4,800 requests took longer or
    /// failed, 5 % may`.
    pub(super) fn limit_notes(&self, story: &ReportInput, medium: Medium) -> Vec<String> {
        let unkept = self.limits.iter();
        unkept
            .filter(|(line, _)| line.outcome != CheckOutcome::Passed)
            .map(|(line, limit)| {
                let (promise, own) = (self.promise(line, limit), self.own_figure(line));
                let told = format!("limit {promise} {}{own}", ending(line));
                match limit_reason(story, line, limit, medium) {
                    Some(why) => format!("{told}: {why}"),
                    None => told,
                }
            })
            .collect()
    }

    /// Whether it changed beyond noise: surely by more than the tolerance that counts where nothing is accepted.
    pub(super) fn is_changed(&self, story: &ReportInput) -> bool {
        let Some((line, check)) = self.change else {
            return false;
        };
        if check.before.is_none() || line.current.is_none() || check.below_floor {
            return false;
        }
        let tolerance = if check.acceptance.is_some() {
            usual_tolerance(story)
        } else {
            check.tolerance
        };
        line.outcome == CheckOutcome::Failed
            || check
                .change
                .is_some_and(|change| change.lower > tolerance || change.upper < -tolerance)
    }
}

/// The tolerance of the verdict's mode.
pub(super) fn usual_tolerance(story: &ReportInput) -> f64 {
    let regression = &story.thresholds.regression;
    match story.verdict.comparison {
        Comparison::Duet { .. } => regression.tolerance,
        Comparison::History { .. } | Comparison::Provisional { .. } | Comparison::None(_) => {
            regression.history_tolerance
        }
    }
}

/// The change that the verdict's mode must be able to see.
pub(super) fn must_detect(story: &ReportInput) -> f64 {
    let regression = &story.thresholds.regression;
    match story.verdict.comparison {
        Comparison::Duet { .. } => regression.must_detect,
        Comparison::History { .. } | Comparison::Provisional { .. } | Comparison::None(_) => {
            regression.history_must_detect
        }
    }
}
