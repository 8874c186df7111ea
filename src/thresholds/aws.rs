//! Limits of what AWS says of the functions behind the target.

use super::model::{AwsLimit, AwsMetric};
use super::source::AwsLimits;
use super::values::{Invocations, LimitShare, Milliseconds};
use crate::units::Dollars;
use crate::yaml::Located;

/// Lists the limits in the order of the file.
pub(super) fn aws_limits(source: &AwsLimits<'_>) -> Vec<AwsLimit> {
    let mut limits: Vec<AwsLimit> = [
        limit(AwsMetric::Throttles, source.throttles.as_ref(), count),
        limit(AwsMetric::Errors, source.errors.as_ref(), count),
        limit(AwsMetric::Spillover, source.spillover.as_ref(), count),
        limit(
            AwsMetric::MemoryUsed,
            source.memory_used.as_ref(),
            |used: &LimitShare| used.0.fraction(),
        ),
        limit(
            AwsMetric::BilledP95,
            source.billed_ms_p95.as_ref(),
            |billed: &Milliseconds| billed.0 / 1e3,
        ),
        limit(
            AwsMetric::CostPerMillion,
            source.cost_per_million.as_ref(),
            |cost: &Dollars| cost.0,
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    limits.sort_by_key(|limit| limit.line);
    limits
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as the other readers")]
fn count(invocations: &Invocations) -> f64 {
    f64::from(invocations.0)
}

fn limit<T>(
    metric: AwsMetric,
    source: Option<&Located<'_, T>>,
    at_most: impl Fn(&T) -> f64,
) -> Option<AwsLimit> {
    source.map(|source| AwsLimit {
        metric,
        at_most: at_most(&source.value),
        line: source.at.line(),
    })
}
