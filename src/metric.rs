//! The metrics that loadgate knows. Everything that goes metric by metric loops over [`Metric::ALL`].
//!
//! A new metric is one variant here; the compiler then names every place that must think about it.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One figure of a request name (or of all requests together).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Median latency.
    P50,
    /// 90th percentile of the latency.
    P90,
    /// 95th percentile of the latency.
    P95,
    /// 99th percentile of the latency.
    P99,
    /// 99.9th percentile of the latency.
    P999,
    /// Share of requests that failed.
    ErrorRate,
    /// Requests per second.
    RequestsPerSecond,
    /// Share of successful responses that a cold start delayed.
    ColdShare,
    /// Median latency of responses that a cold start delayed.
    ColdP50,
    /// 90th percentile of the latency of responses that a cold start delayed.
    ColdP90,
    /// 95th percentile of the latency of responses that a cold start delayed.
    ColdP95,
    /// 99th percentile of the latency of responses that a cold start delayed.
    ColdP99,
    /// Median latency of responses without a cold start.
    WarmP50,
    /// 90th percentile of the latency of responses without a cold start.
    WarmP90,
    /// 95th percentile of the latency of responses without a cold start.
    WarmP95,
    /// 99th percentile of the latency of responses without a cold start.
    WarmP99,
}

/// Whose latencies a metric is taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartFilter {
    /// All requests'.
    All,
    /// Those of answers that a cold start delayed.
    Cold,
    /// Those of all others.
    Warm,
}

/// The kind of a metric, which decides how it is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MetricKind {
    /// A latency quantile; the field is q, in (0, 1).
    Quantile(f64),
    /// A share of requests.
    Share,
    /// A rate, where more is better.
    Rate,
}

impl Metric {
    /// All metrics, in the order in which reports list them.
    pub const ALL: [Self; 16] = [
        Self::P50,
        Self::P90,
        Self::P95,
        Self::P99,
        Self::P999,
        Self::ErrorRate,
        Self::RequestsPerSecond,
        Self::ColdShare,
        Self::ColdP50,
        Self::ColdP90,
        Self::ColdP95,
        Self::ColdP99,
        Self::WarmP50,
        Self::WarmP90,
        Self::WarmP95,
        Self::WarmP99,
    ];

    /// The latency quantiles of all requests, in the order of reports.
    pub const QUANTILES: [Self; 5] = [Self::P50, Self::P90, Self::P95, Self::P99, Self::P999];

    /// The name used in files and on the command line.
    pub fn key(self) -> &'static str {
        self.properties().0
    }

    /// The name used in reports.
    pub fn label(self) -> &'static str {
        self.properties().1
    }

    /// How the metric is measured.
    pub fn kind(self) -> MetricKind {
        self.properties().2
    }

    /// Whose latencies it is taken of; what is no latency is counted over all requests.
    pub fn starts(self) -> StartFilter {
        self.properties().3
    }

    /// Key, label, kind, and whose latencies it is taken of.
    fn properties(self) -> (&'static str, &'static str, MetricKind, StartFilter) {
        use MetricKind::{Quantile, Rate, Share};
        use StartFilter::{All, Cold, Warm};
        match self {
            Self::P50 => ("p50", "P50", Quantile(0.5), All),
            Self::P90 => ("p90", "P90", Quantile(0.9), All),
            Self::P95 => ("p95", "P95", Quantile(0.95), All),
            Self::P99 => ("p99", "P99", Quantile(0.99), All),
            Self::P999 => ("p999", "P99.9", Quantile(0.999), All),
            Self::ErrorRate => ("error_rate", "error rate", Share, All),
            Self::RequestsPerSecond => ("requests_per_second", "requests/s", Rate, All),
            Self::ColdShare => ("cold_share", "cold share", Share, All),
            Self::ColdP50 => ("cold_p50", "cold P50", Quantile(0.5), Cold),
            Self::ColdP90 => ("cold_p90", "cold P90", Quantile(0.9), Cold),
            Self::ColdP95 => ("cold_p95", "cold P95", Quantile(0.95), Cold),
            Self::ColdP99 => ("cold_p99", "cold P99", Quantile(0.99), Cold),
            Self::WarmP50 => ("warm_p50", "warm P50", Quantile(0.5), Warm),
            Self::WarmP90 => ("warm_p90", "warm P90", Quantile(0.9), Warm),
            Self::WarmP95 => ("warm_p95", "warm P95", Quantile(0.95), Warm),
            Self::WarmP99 => ("warm_p99", "warm P99", Quantile(0.99), Warm),
        }
    }

    /// Whether it says something of cold starts, so that a run without any leaves it open.
    pub fn is_of_cold_starts(self) -> bool {
        self == Self::ColdShare || self.starts() == StartFilter::Cold
    }

    /// Whether it can only be had where the target marks cold starts.
    pub fn needs_marks(self) -> bool {
        self == Self::ColdShare || self.starts() != StartFilter::All
    }

    /// The same figure of all requests, for one of warm or cold ones.
    #[must_use]
    pub fn of_all(self) -> Self {
        let is_same = |metric: &Self| metric.kind() == self.kind();
        Self::QUANTILES.into_iter().find(is_same).unwrap_or(self)
    }

    /// The quantile q in (0, 1), for a latency metric.
    pub fn quantile(self) -> Option<f64> {
        match self.kind() {
            MetricKind::Quantile(q) => Some(q),
            MetricKind::Share | MetricKind::Rate => None,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(text: &str) -> Result<Self, UnknownMetric> {
        Self::ALL
            .into_iter()
            .find(|metric| metric.key() == text)
            .ok_or_else(|| UnknownMetric(text.to_owned()))
    }
}

/// A name that is not a metric's.
#[derive(Debug, thiserror::Error)]
#[error("unknown metric '{0}'; use one of {keys}", keys = Metric::ALL.map(Metric::key).join(", "))]
pub struct UnknownMetric(String);

#[cfg(test)]
mod tests {
    use super::{Metric, StartFilter};

    #[test]
    fn every_metric_is_read_back_from_its_key() {
        for metric in Metric::ALL {
            assert_eq!(metric.key().parse::<Metric>().unwrap(), metric);
        }
    }

    #[test]
    fn a_metric_of_cold_or_warm_answers_is_named_after_that_of_all() {
        for metric in Metric::ALL {
            let key = match metric.starts() {
                StartFilter::All => metric.key().to_owned(),
                StartFilter::Cold => format!("cold_{}", metric.of_all()),
                StartFilter::Warm => format!("warm_{}", metric.of_all()),
            };
            assert_eq!(metric.key(), key);
            assert_eq!(metric.kind(), metric.of_all().kind());
        }
    }

    #[test]
    fn the_serialized_name_is_the_key() {
        for metric in Metric::ALL {
            let json = serde_json::to_string(&metric).unwrap();
            assert_eq!(json, format!("\"{}\"", metric.key()));
        }
    }
}
