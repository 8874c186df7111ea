//! The verdict's lines as rows: the limit and the change of one figure side by side, worst first.

use std::collections::HashMap;

use super::View;
use crate::baseline::{Job, PhaseScope};
use crate::metric::MetricKind;
use crate::report::ReportInput;
use crate::report::text::numbers;
use crate::thresholds::Subject;
use crate::verdict::{
    self, ChangeCheck, Check, CheckKind, CheckOutcome, Comparison, Enforcement, EstimatedChange,
    LimitCheck, Measure, NotJudged, Reference,
};

/// What a line or a row came to, in the order in which reports list them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    Failed,
    Inconclusive,
    Warned,
    NotJudged,
    Worse,
    Passed,
    /// It is listed, and nothing depends on it.
    Reported,
}

impl Status {
    pub(crate) fn new(line: &Check) -> Self {
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
pub(crate) struct CheckRow<'a> {
    pub(crate) status: Status,
    pub(crate) limits: Vec<(&'a Check, &'a LimitCheck)>,
    pub(crate) change: Option<(&'a Check, &'a ChangeCheck)>,
    /// Whether it is what stopped the run early, which is no figure of a whole run.
    pub(crate) is_abort: bool,
}

/// All lines as rows: failed first, then inconclusive and so on; overall before names; the verdict's order within.
pub(super) fn rows<'a>(input: &ReportInput<'a>) -> Vec<CheckRow<'a>> {
    let mut rows: Vec<CheckRow<'a>> = Vec::new();
    let mut known: HashMap<(&Subject, Option<&str>), Vec<usize>> = HashMap::new();
    for line in &input.verdict.checks {
        let is_abort = input.is_abort(line);
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
        let is_told = |line: &&Check| self.limits.is_empty() || !line.is_not_compared();
        let worst = self.lines().filter(is_told).map(Status::new).min();
        worst.unwrap_or(Status::Reported)
    }

    /// A line of the row: all of them share subject, phase and measure.
    pub(crate) fn line(&self) -> &'a Check {
        let change = self.change.map(|(line, _)| line);
        let line = change.or_else(|| self.limits.first().map(|(line, _)| *line));
        #[expect(clippy::expect_used, reason = "a row is only made for a line")]
        line.expect("a row has a line")
    }

    pub(crate) fn measure(&self) -> Measure {
        self.line().measure
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = &'a Check> {
        let limits = self.limits.iter().map(|(line, _)| *line);
        limits.chain(self.change.iter().map(|(line, _)| *line))
    }

    /// Whether it may fail the build, or was asked to warn, or would be gated could it be judged.
    pub(crate) fn is_gated(&self) -> bool {
        self.lines().any(|line| {
            line.enforcement != Enforcement::Reported || Status::new(line) == Status::NotJudged
        })
    }

    pub(crate) fn open_line(&self) -> Option<&'a Check> {
        self.lines()
            .find(|line| line.is_open() && line.enforcement == Enforcement::Gated)
    }

    /// Whether its change passes for a reason that its figures do not show: it was accepted, or is below a floor.
    pub(crate) fn passes_by_exception(&self, view: &View) -> bool {
        self.change.is_some_and(|(line, check)| {
            check.acceptance.is_some() || view.is_below_floor(line, check)
        })
    }

    /// Whether all that it says is that nothing was compared.
    pub(crate) fn is_empty_comparison(&self) -> bool {
        self.limits.is_empty() && self.change.is_some_and(|(line, _)| line.is_not_compared())
    }

    /// Whether it is held against the anchor.
    pub(crate) fn is_drift(&self) -> bool {
        self.change
            .is_some_and(|(_, check)| check.reference == Reference::Anchor)
    }

    pub(crate) fn before(&self) -> Option<f64> {
        self.change.and_then(|(_, check)| check.before)
    }

    /// The value now: that of the comparison where there is one, else that of a limit.
    pub(crate) fn now(&self) -> Option<f64> {
        self.change
            .and_then(|(line, _)| line.current)
            .or_else(|| self.limits.iter().find_map(|(line, _)| line.current))
    }

    pub(crate) fn estimated(&self) -> Option<EstimatedChange> {
        self.change.and_then(|(_, check)| check.change)
    }

    /// Whether it changed beyond noise: surely by more than the tolerance that counts where nothing is accepted.
    pub(crate) fn is_changed(&self, view: &View) -> bool {
        let Some((line, check)) = self.change else {
            return false;
        };
        if check.before.is_none() || line.current.is_none() || check.below_floor {
            return false;
        }
        let accepted = check.acceptance.map(|_| view.usual_tolerance());
        let tolerance = accepted.unwrap_or(check.tolerance);
        let is_beyond =
            |change: EstimatedChange| change.lower > tolerance || change.upper < -tolerance;
        line.outcome == CheckOutcome::Failed || check.change.is_some_and(is_beyond)
    }
}

/// The value of a check's metric in a job of the baseline.
pub(crate) fn job_value(job: &Job, check: &Check) -> Option<f64> {
    let Measure::Metric(metric) = check.measure else {
        return None;
    };
    let scope = check.phase.clone();
    let scope = scope.map_or(PhaseScope::Steady, PhaseScope::Phase);
    let summary = job.cell(&scope, check.subject.name())?;
    if metric.kind() == MetricKind::Share {
        let (count, of) = summary.share(metric);
        return (of > 0).then(|| count as f64 / of as f64);
    }
    summary.value(metric)
}

/// A change beyond these is drawn at the end of a bar.
pub(crate) const SMALLEST_RATIO: f64 = -0.8;
pub(crate) const LARGEST_RATIO: f64 = 4.0;

/// Bytes of a table of checks that fits into every summary, with some for each row beside its name.
const SHORT: usize = 30_000;
const SHORT_ROW: usize = 150;

impl<'a> View<'a> {
    /// The verdict's lines, in its order.
    pub(crate) fn lines(&self) -> std::slice::Iter<'a, Check> {
        self.verdict.checks.iter()
    }

    /// The rows that say more than that nothing was compared.
    pub(crate) fn told_rows(&self) -> impl Iterator<Item = &CheckRow<'a>> + Clone {
        let rows = self.rows().iter();
        rows.filter(|row| !row.is_empty_comparison())
    }

    /// Whether its checks are so few that a summary lists all of them.
    pub(crate) fn is_short(&self) -> bool {
        let names = self.rows().iter().map(|row| {
            let name = row.line().subject.name().unwrap_or_default();
            SHORT_ROW + name.len()
        });
        names.sum::<usize>() < SHORT
    }

    pub(crate) fn is_duet(&self) -> bool {
        matches!(self.verdict.comparison, Comparison::Duet { .. })
    }

    /// The tolerance of the verdict's mode, and the change that it must be able to see.
    fn rules(&self) -> [f64; 2] {
        let rules = &self.thresholds.regression;
        if self.is_duet() {
            return [rules.tolerance, rules.must_detect];
        }
        [rules.history_tolerance, rules.history_must_detect]
    }

    pub(crate) fn usual_tolerance(&self) -> f64 {
        self.rules()[0]
    }

    /// The change of a measure that must be ruled out.
    pub(crate) fn must_detect_of(&self, measure: Measure) -> f64 {
        self.must_detect() * margin_factor(measure)
    }

    /// The change that the verdict's mode must be able to see.
    pub(crate) fn must_detect(&self) -> f64 {
        self.rules()[1]
    }

    /// The changes of these rows that must be ruled out, in words.
    pub(crate) fn must_be_ruled_out(&self, rows: &[&CheckRow]) -> String {
        let (least, drawn) = (self.must_detect(), rows.iter());
        let drawn = drawn.filter(|row| row.estimated().is_some());
        let far = drawn
            .map(|row| margin_factor(row.measure()))
            .fold(1.0, f64::max);
        let usual = numbers::percent(least);
        if far > 1.0 {
            return format!("+{usual}, from P99 on +{},", numbers::percent(least * far));
        }
        format!("+{usual}")
    }

    /// The ends of a scale for ratios, within reason, and of one for shares that hold these bounds of the rows' changes.
    pub(crate) fn change_ranges(
        &self,
        rows: &[&CheckRow],
        bounds: impl Fn(&ChangeCheck, EstimatedChange) -> Vec<f64>,
    ) -> [(f64, f64); 2] {
        let ends = |is_share: bool, least: f64, most: f64| {
            let rows = rows
                .iter()
                .filter(|row| numbers::is_share(row.measure()) == is_share);
            let checks = rows.filter_map(|row| row.change.map(|(_, check)| check));
            let bounds = checks.filter_map(|check| Some(bounds(check, check.change?)));
            let all = bounds.flatten();
            all.fold((least, most), |(low, high), bound| {
                (low.min(bound), high.max(bound))
            })
        };
        let (low, high) = ends(false, -0.05, self.must_detect() * 1.1);
        let ratios = (low.max(SMALLEST_RATIO), high.min(LARGEST_RATIO));
        [ratios, ends(true, -0.0005, 0.002)]
    }

    /// Whether a change passes for no other reason than that it is below its floor.
    pub(crate) fn is_below_floor(&self, line: &Check, check: &ChangeCheck) -> bool {
        let is_sure = check.change.is_some_and(|change| {
            if numbers::is_share(line.measure) {
                change.lower > 0.0
            } else {
                change.lower > check.tolerance || change.upper >= self.must_detect_of(line.measure)
            }
        });
        check.below_floor && line.outcome == CheckOutcome::Passed && is_sure
    }
}

/// How many times `must_detect` a change has to be that must be ruled out: more for far quantiles.
pub(crate) fn margin_factor(measure: Measure) -> f64 {
    match measure {
        Measure::Metric(metric) => verdict::margin_factor(metric),
        Measure::Failures(_) | Measure::Unavailable | Measure::Aws(_) => 1.0,
    }
}
