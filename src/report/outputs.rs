//! Outputs: the few figures of a run that later steps of a CI job act on.

use super::ReportInput;
use super::figures::overall;
use crate::baseline::Mismatch;
use crate::metric::Metric;
use crate::units::six_digits;
use crate::verdict::{CheckKind, CheckOutcome, Comparison, Enforcement, NoComparison, Outcome};

/// Names with values: words of ours and numbers, nothing foreign. Of several gates the figures are those of the worst.
pub fn outputs(stories: &[ReportInput]) -> Vec<(&'static str, String)> {
    let mut worst: Option<&ReportInput> = None;
    for story in stories {
        if worst.is_none_or(|worst| rank(story) < rank(worst)) {
            worst = Some(story);
        }
    }
    let Some(worst) = worst else {
        return vec![("verdict", "error".to_owned())];
    };
    let figures = overall(worst);
    let millis = |metric: Metric| {
        let seconds = metric
            .quantile()
            .and_then(|q| figures.latencies.quantile(q));
        number(seconds.map(|seconds| seconds * 1e3))
    };
    let regressions: usize = stories.iter().map(regressions).sum();
    vec![
        ("verdict", word(worst).to_owned()),
        ("p95-ms", millis(Metric::P95)),
        ("p99-ms", millis(Metric::P99)),
        ("error-rate", number(figures.error_ratio())),
        ("regressions", regressions.to_string()),
        ("baseline-status", compared(worst).to_owned()),
    ]
}

/// As the exit codes have it: failed, then invalid, then inconclusive; what is only observed comes after all of them.
fn rank(story: &ReportInput) -> (bool, u8) {
    let rank = match story.verdict.outcome {
        Outcome::Failed => 0,
        Outcome::Invalid => 1,
        Outcome::Inconclusive => 2,
        Outcome::Passed => 3,
    };
    (story.verdict.observed, rank)
}

fn word(story: &ReportInput) -> &'static str {
    match story.verdict.outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Inconclusive => "inconclusive",
        Outcome::Invalid => "invalid",
    }
}

/// How many gated metrics got worse.
fn regressions(story: &ReportInput) -> usize {
    let lines = story.verdict.checks.iter();
    lines
        .filter(|line| {
            matches!(line.kind, CheckKind::Change(_))
                && line.enforcement == Enforcement::Gated
                && line.outcome == CheckOutcome::Failed
        })
        .count()
}

/// What was compared, or why nothing was.
fn compared(story: &ReportInput) -> &'static str {
    match &story.verdict.comparison {
        Comparison::Duet { .. } => "duet",
        Comparison::History { .. } => "history",
        Comparison::Provisional { .. } => "single",
        Comparison::None(NoComparison::Baseline(Mismatch::NoBaseline)) => "missing",
        Comparison::None(NoComparison::Baseline(Mismatch::NoJobMatches { .. })) => "no-match",
        Comparison::None(NoComparison::Baseline(Mismatch::ScenarioDiffers { .. })) => {
            "other-scenario"
        }
        Comparison::None(NoComparison::NotJudged) => "not-judged",
    }
}

/// A figure; empty where it was not measured.
fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| six_digits(value).to_string())
}
