//! Limits of what AWS says. A figure that is missing is never taken for a good one.

use super::input::CandidateRun;
use super::{Check, CheckKind, CheckOutcome, Enforcement, LimitCheck, Measure, NotJudged};
use crate::record::{AwsFigures, FunctionRecord, ReportsRecord};
use crate::thresholds::{AwsLimit, AwsMetric, Subject};
use crate::units::six_digits;

/// One check for each limit, in the order of the file.
pub(super) fn judge(limits: &[AwsLimit], runs: &[CandidateRun<'_>]) -> Vec<Check> {
    limits.iter().map(|limit| check(limit, runs)).collect()
}

fn check(limit: &AwsLimit, runs: &[CandidateRun<'_>]) -> Check {
    let figures = runs.iter().map(|run| run.record.aws_figures());
    let figures: Option<Vec<&AwsFigures>> = figures.collect();
    let figures = figures.unwrap_or_default();
    let values = figures.iter().map(|figures| value(limit.metric, figures));
    let values: Option<Vec<f64>> = values.collect();
    // Of parallel jobs counts add up; of everything else the worst one counts.
    let current = values.filter(|values| !values.is_empty()).map(|values| {
        if is_count(limit.metric) {
            values.iter().sum()
        } else {
            values.into_iter().fold(0.0, f64::max)
        }
    });
    let is_shared = figures.iter().any(|figures| figures.others.is_some());
    let is_partial = figures.iter().any(|figures| figures.incomplete);
    Check {
        subject: Subject::Overall,
        phase: None,
        measure: Measure::Aws(limit.metric),
        enforcement: Enforcement::Gated,
        outcome: match current {
            _ if is_shared => CheckOutcome::NotJudged(NotJudged::OthersRequests),
            _ if is_partial => CheckOutcome::NotJudged(NotJudged::NoAwsFigure),
            None => CheckOutcome::NotJudged(NotJudged::NoAwsFigure),
            Some(current) if current > limit.at_most => CheckOutcome::Failed,
            Some(_) => CheckOutcome::Passed,
        },
        requests: figures
            .iter()
            .fold(0, |sum, figures| sum.saturating_add(lines(figures))),
        current: current.map(six_digits),
        kind: CheckKind::Limit(LimitCheck::new(limit.at_most, Some(limit.line))),
    }
}

/// Whether a figure is a number of invocations.
fn is_count(metric: AwsMetric) -> bool {
    match metric {
        AwsMetric::Throttles | AwsMetric::Errors | AwsMetric::Spillover => true,
        AwsMetric::MemoryUsed | AwsMetric::BilledP95 | AwsMetric::CostPerMillion => false,
    }
}

/// REPORT lines of all functions.
fn lines(figures: &AwsFigures) -> u64 {
    let reports = figures
        .functions
        .iter()
        .filter_map(|it| it.reports.as_ref());
    reports.fold(0, |sum, reports| sum.saturating_add(reports.lines))
}

/// A figure over all functions. Of CloudWatch it takes all of them, of logs one that has lines.
fn value(metric: AwsMetric, figures: &AwsFigures) -> Option<f64> {
    let sum = |of: fn(&FunctionRecord) -> Option<f64>| -> Option<f64> {
        figures.functions.iter().map(of).sum()
    };
    let largest = |of: fn(&ReportsRecord) -> Option<f64>| {
        let reports = figures.functions.iter();
        let reports = reports.filter_map(|function| function.reports.as_ref());
        let values = reports.filter_map(of).filter(|value| value.is_finite());
        values.reduce(f64::max)
    };
    let has_functions = !figures.functions.is_empty();
    match metric {
        AwsMetric::CostPerMillion => figures.cost.as_ref().map(|cost| cost.per_million_usd),
        AwsMetric::Throttles => sum(|function| function.throttles),
        AwsMetric::Errors => sum(|function| function.errors),
        AwsMetric::Spillover => sum(|function| function.spillover),
        AwsMetric::MemoryUsed => {
            largest(|reports| Some(reports.memory_used_mb? as f64 / reports.memory_mb? as f64))
        }
        AwsMetric::BilledP95 => largest(|reports| Some(reports.billed_p95_ms? / 1e3)),
    }
    // A stored result may say anything.
    .filter(|value| has_functions && value.is_finite() && *value >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ReportsRecord;

    fn figures(functions: Vec<FunctionRecord>) -> AwsFigures {
        AwsFigures {
            functions,
            ..AwsFigures::default()
        }
    }

    fn reporting(lines: u64, memory_mb: u64) -> FunctionRecord {
        FunctionRecord {
            reports: Some(ReportsRecord {
                lines,
                memory_mb: Some(memory_mb),
                memory_used_mb: Some(64),
                ..ReportsRecord::default()
            }),
            ..FunctionRecord::default()
        }
    }

    #[test]
    fn what_is_no_figure_in_a_stored_result_is_none() {
        let throttled = |throttles| FunctionRecord {
            throttles,
            ..FunctionRecord::default()
        };
        for (metric, functions) in [
            (AwsMetric::MemoryUsed, vec![reporting(1, 0)]),
            (AwsMetric::Throttles, vec![throttled(Some(-5.0))]),
            (
                AwsMetric::Throttles,
                vec![throttled(Some(1.0)), throttled(None)],
            ),
            (AwsMetric::Throttles, Vec::new()),
        ] {
            assert_eq!(value(metric, &figures(functions)), None, "{metric:?}");
        }
        let most = figures(vec![reporting(u64::MAX, 128), reporting(u64::MAX, 256)]);
        assert_eq!(lines(&most), u64::MAX);
        assert_eq!(value(AwsMetric::MemoryUsed, &most), Some(0.5));
    }
}
