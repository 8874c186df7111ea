//! Outputs: the few figures of a run that later steps of a CI job act on.

use crate::baseline::Mismatch;
use crate::report::view::{Status, View};
use crate::units::six_digits;
use crate::verdict::{Comparison, NoComparison, Outcome};

/// Names with values: words of ours and numbers, nothing foreign. Of several gates the figures are those of the worst.
pub fn outputs(views: &[View]) -> Vec<(&'static str, String)> {
    // As the exit codes have it; gates that are only observed come after all others.
    let worst = views
        .iter()
        .min_by_key(|view| (view.verdict.observed, view.rank()));
    let Some(worst) = worst else {
        return vec![("verdict", "error".to_owned())];
    };
    let figures = worst.overall();
    let millis = |q: f64| number(figures.latencies.quantile(q).map(|seconds| seconds * 1e3));
    let regressions: usize = views.iter().map(regressions).sum();
    vec![
        ("verdict", word(worst).to_owned()),
        ("p95-ms", millis(0.95)),
        ("p99-ms", millis(0.99)),
        ("error-rate", number(figures.error_ratio())),
        ("regressions", regressions.to_string()),
        ("baseline-status", compared(worst).to_owned()),
    ]
}

fn word(view: &View) -> &'static str {
    match view.verdict.outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Inconclusive => "inconclusive",
        Outcome::Invalid => "invalid",
    }
}

fn regressions(view: &View) -> usize {
    let failed = view
        .lines()
        .filter(|line| Status::new(line) == Status::Failed);
    failed.filter_map(|line| line.change()).count()
}

fn compared(view: &View) -> &'static str {
    match &view.verdict.comparison {
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

fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| six_digits(value).to_string())
}
