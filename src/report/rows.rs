//! The verdict's lines as rows: the limit and the change of one figure side by side, worst first.

use super::Story;
use super::numbers;
use super::words::{Medium, caught, explanation, measure_name, subject_name};
use crate::thresholds::Subject;
use crate::verdict::{
    Change, ChangeCheck, Check, Comparison, LimitCheck, Line, LineOutcome, Measure, NotJudged,
    Standing,
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

    /// What a line came to.
    pub(super) fn of(line: &Line) -> Self {
        match (&line.outcome, line.standing) {
            (LineOutcome::Failed, Standing::Gated) => Self::Failed,
            (LineOutcome::Failed, Standing::Warned) => Self::Warned,
            (LineOutcome::Failed, Standing::Reported) => Self::Worse,
            (_, Standing::Reported) | (LineOutcome::NotJudged(NotJudged::Off), _) => Self::Reported,
            (LineOutcome::Inconclusive, _) => Self::Inconclusive,
            // No error before and none now is as good as it gets.
            (LineOutcome::Passed, _) => Self::Passed,
            (LineOutcome::NotJudged(_), _) => Self::NotJudged,
        }
    }
}

/// One figure with all that is held against it.
#[derive(Clone, Debug)]
pub(super) struct Row<'a> {
    /// The worst of its lines.
    pub(super) status: Status,
    /// Its limits, those that only warn included.
    pub(super) limits: Vec<(&'a Line, &'a LimitCheck)>,
    /// Its change.
    pub(super) change: Option<(&'a Line, &'a ChangeCheck)>,
}

/// All lines as rows: failed first, then inconclusive and so on; overall before names; the verdict's order within.
pub(super) fn rows<'a>(story: &Story<'a>) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::new();
    for line in &story.verdict.lines {
        let known = rows.iter().position(|row| row.is_of(line));
        let index = known.unwrap_or_else(|| {
            rows.push(Row {
                status: Status::Reported,
                limits: Vec::new(),
                change: None,
            });
            rows.len() - 1
        });
        match &line.check {
            Check::Limit(limit) => rows[index].limits.push((line, limit)),
            Check::Change(change) => rows[index].change = Some((line, change)),
        }
    }
    for row in &mut rows {
        row.status = row.worst();
    }
    rows.sort_by_key(|row| (row.status, row.line().subject != Subject::Overall));
    rows
}

impl<'a> Row<'a> {
    fn is_of(&self, line: &Line) -> bool {
        let mine = self.line_if_any();
        let repeated = matches!(line.check, Check::Change(_)) && self.change.is_some();
        !repeated
            && mine.is_some_and(|mine| {
                (&mine.subject, &mine.phase, mine.measure)
                    == (&line.subject, &line.phase, line.measure)
            })
    }

    /// The worst of its lines. That nothing was compared is told once for all rows, so it does not hide a limit that holds.
    fn worst(&self) -> Status {
        let change = self.change.iter().filter(|(line, _)| {
            self.limits.is_empty()
                || line.outcome != LineOutcome::NotJudged(NotJudged::NoComparison)
        });
        let limits = self.limits.iter().map(|(line, _)| Status::of(line));
        change
            .map(|(line, _)| Status::of(line))
            .chain(limits)
            .min()
            .unwrap_or(Status::Reported)
    }

    fn line_if_any(&self) -> Option<&'a Line> {
        self.change
            .map(|(line, _)| line)
            .or_else(|| self.limits.first().map(|(line, _)| *line))
    }

    /// A line of the row: all of them share subject, phase and measure.
    pub(super) fn line(&self) -> &'a Line {
        #[expect(clippy::expect_used, reason = "a row is only made for a line")]
        self.line_if_any().expect("a row has a line")
    }

    /// What is measured.
    pub(super) fn measure(&self) -> Measure {
        self.line().measure
    }

    /// Whether it may fail the build, or was asked to warn.
    pub(super) fn is_gated(&self) -> bool {
        self.change
            .iter()
            .map(|(line, _)| line)
            .chain(self.limits.iter().map(|(line, _)| line))
            .any(|line| line.standing != Standing::Reported)
    }

    /// Whether all that it says is that nothing was compared.
    pub(super) fn is_empty_comparison(&self) -> bool {
        self.limits.is_empty()
            && self.change.is_some_and(|(line, _)| {
                line.outcome == LineOutcome::NotJudged(NotJudged::NoComparison)
            })
    }

    /// The metric and its phase, such as `P95 in burst`.
    pub(super) fn measure_text(&self, medium: Medium) -> String {
        let line = self.line();
        let measure = measure_name(line.measure);
        match &line.phase {
            Some(phase) => format!("{measure} in {}", medium.foreign(phase)),
            None => measure,
        }
    }

    /// Whom it speaks of.
    pub(super) fn subject_text(&self, medium: Medium) -> String {
        subject_name(&self.line().subject, medium)
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
    pub(super) fn estimated(&self) -> Option<Change> {
        self.change.and_then(|(_, check)| check.change)
    }

    /// The limits, each with its own figure where it is broken or open and the row shows another.
    pub(super) fn limit_text(&self) -> String {
        let measure = self.measure();
        let now = numbers::value_or_none(measure, self.now());
        let told: Vec<String> = self
            .limits
            .iter()
            .map(|(line, limit)| {
                let bound = bound_text(measure, limit);
                let own = numbers::value_or_none(measure, line.current);
                let status = Status::of(line);
                let warns = if line.standing == Standing::Warned {
                    " (warns)"
                } else {
                    ""
                };
                if own != now && line.current.is_some() && status != Status::Passed {
                    format!("{bound}{warns}, is {own}")
                } else {
                    format!("{bound}{warns}")
                }
            })
            .collect();
        if told.is_empty() {
            return numbers::NONE.to_owned();
        }
        told.join(", ")
    }

    /// What this run would have caught.
    pub(super) fn caught_text(&self) -> Option<String> {
        let (line, check) = self.change?;
        caught(line, check)
    }

    /// Why each line came to what it came to, where that needs words.
    pub(super) fn notes(&self, story: &Story, medium: Medium) -> Vec<String> {
        let limits = self.limits.iter().map(|(line, _)| *line);
        let change = self.change.iter().map(|(line, _)| *line);
        change
            .filter(|line| line.outcome != LineOutcome::NotJudged(NotJudged::NoComparison))
            .chain(limits)
            .filter_map(|line| explanation(story, line, medium))
            .collect()
    }

    /// Whether it changed beyond noise: surely by more than the tolerance that counts where nothing is accepted.
    pub(super) fn is_changed(&self, story: &Story) -> bool {
        let Some((line, check)) = self.change else {
            return false;
        };
        if check.before.is_none() || line.current.is_none() || check.below_floor {
            return false;
        }
        let tolerance = if check.accepted.is_some() {
            usual_tolerance(story)
        } else {
            check.tolerance
        };
        line.outcome == LineOutcome::Failed
            || check
                .change
                .is_some_and(|change| change.lower > tolerance || change.upper < -tolerance)
    }
}

/// What must hold, such as `500 ms` or `at least 90/s`.
pub(super) fn bound_text(measure: Measure, limit: &LimitCheck) -> String {
    let bound = numbers::promised(measure, limit.bound);
    if numbers::more_is_better(measure) {
        format!("at least {bound}")
    } else {
        bound
    }
}

/// The tolerance of the verdict's mode.
pub(super) fn usual_tolerance(story: &Story) -> f64 {
    let regression = &story.thresholds.regression;
    match story.verdict.comparison {
        Comparison::Duet { .. } => regression.tolerance,
        Comparison::History { .. } | Comparison::Single { .. } | Comparison::None(_) => {
            regression.history_tolerance
        }
    }
}

/// The change that the verdict's mode must be able to see.
pub(super) fn must_detect(story: &Story) -> f64 {
    let regression = &story.thresholds.regression;
    match story.verdict.comparison {
        Comparison::Duet { .. } => regression.must_detect,
        Comparison::History { .. } | Comparison::Single { .. } | Comparison::None(_) => {
            regression.history_must_detect
        }
    }
}
