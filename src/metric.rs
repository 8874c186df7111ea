//! The metrics that loadgate knows. Everything that goes metric by metric loops over [`Metric::ALL`].
//!
//! A new metric is one variant here; the compiler then names every place that must think about it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One figure of a request name (or of all requests together).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// Failed requests over all requests.
    ErrorRate,
    /// Requests per second.
    RequestsPerSecond,
}

/// What a metric measures, which decides how it is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A latency quantile; the field is q, in (0, 1).
    Quantile(f64),
    /// A share of requests.
    Share,
    /// A rate, where more is better.
    Rate,
}

impl Metric {
    /// All metrics, in the order in which reports list them.
    pub const ALL: [Self; 7] = [
        Self::P50,
        Self::P90,
        Self::P95,
        Self::P99,
        Self::P999,
        Self::ErrorRate,
        Self::RequestsPerSecond,
    ];

    /// The name used in files and on the command line.
    pub fn key(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::P999 => "p999",
            Self::ErrorRate => "error_rate",
            Self::RequestsPerSecond => "requests_per_second",
        }
    }

    /// The name used in reports.
    pub fn label(self) -> &'static str {
        match self {
            Self::P50 => "P50",
            Self::P90 => "P90",
            Self::P95 => "P95",
            Self::P99 => "P99",
            Self::P999 => "P99.9",
            Self::ErrorRate => "error rate",
            Self::RequestsPerSecond => "requests/s",
        }
    }

    /// How the metric is measured.
    pub fn kind(self) -> Kind {
        match self {
            Self::P50 => Kind::Quantile(0.5),
            Self::P90 => Kind::Quantile(0.9),
            Self::P95 => Kind::Quantile(0.95),
            Self::P99 => Kind::Quantile(0.99),
            Self::P999 => Kind::Quantile(0.999),
            Self::ErrorRate => Kind::Share,
            Self::RequestsPerSecond => Kind::Rate,
        }
    }

    /// The quantile q in (0, 1), for a latency metric.
    pub fn quantile(self) -> Option<f64> {
        match self.kind() {
            Kind::Quantile(q) => Some(q),
            Kind::Share | Kind::Rate => None,
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
#[error("unknown metric '{0}', use one of {keys}", keys = Metric::ALL.map(Metric::key).join(", "))]
pub struct UnknownMetric(String);

#[cfg(test)]
mod tests {
    use super::Metric;

    #[test]
    fn every_metric_is_read_back_from_its_key() {
        for metric in Metric::ALL {
            assert_eq!(metric.key().parse::<Metric>().unwrap(), metric);
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
