//! The limits of metrics in one map, and the rules between them.

use std::marker::PhantomData;
use std::time::Duration;

use super::model::Bound;
use super::values::{LatencyLimit, LimitRate, LimitShare, OrOff};
use crate::metric::{Metric, MetricKind};
use crate::yaml::{Cursor, Definitions, Entry, Error, FromYaml, Keys, Property};

/// The limits of metrics, by a set of keys.
pub(super) struct MetricLimits<'d, K> {
    pub(super) limits: Vec<MetricLimit<'d>>,
    keys: PhantomData<K>,
}

/// The limit of a metric.
pub(super) struct MetricLimit<'d> {
    pub(super) metric: Metric,
    pub(super) entry: Entry<'d>,
    /// The bound; none for `off`.
    pub(super) bound: Option<Bound>,
}

/// Which metrics have which keys.
pub(super) trait MetricKeys {
    /// The keys and their metrics, in the order of [`Metric::ALL`].
    fn keys() -> Vec<(&'static str, Metric)> {
        let metrics = Metric::ALL
            .into_iter()
            .filter(|metric| !metric.is_of_cold_starts());
        metrics.map(|metric| (metric.key(), metric)).collect()
    }

    /// Whether `error_rate` may be `off`.
    const HAS_DEFAULT: bool = false;
}

/// All metrics but those of cold starts.
pub(super) enum Metrics {}

impl MetricKeys for Metrics {}

/// The same for all requests together, where the error rate has a default limit.
pub(super) enum OverallMetrics {}

impl MetricKeys for OverallMetrics {
    const HAS_DEFAULT: bool = true;
}

/// The metrics of cold starts, without their prefix.
pub(super) enum ColdMetrics {}

impl MetricKeys for ColdMetrics {
    fn keys() -> Vec<(&'static str, Metric)> {
        let metrics = Metric::ALL
            .into_iter()
            .filter(|metric| metric.is_of_cold_starts());
        metrics
            .map(|metric| (metric.key().trim_start_matches("cold_"), metric))
            .collect()
    }
}

impl<'d, K: MetricKeys> Keys<'d> for MetricLimits<'d, K> {
    fn keys() -> Vec<&'static str> {
        K::keys().into_iter().map(|(key, _)| key).collect()
    }

    fn from_keys(map: &Cursor<'d>) -> Result<Self, Error> {
        let limit = |(key, metric): (&str, Metric)| {
            let entry = map.entry(key)?;
            let bound = bound::<K>(metric, &entry.value);
            Some(bound.map(|bound| MetricLimit {
                metric,
                entry,
                bound,
            }))
        };
        let limits: Vec<_> = K::keys()
            .into_iter()
            .filter_map(limit)
            .collect::<Result<_, _>>()?;
        refuse_crossed(&limits)?;
        Ok(Self {
            limits,
            keys: PhantomData,
        })
    }

    fn properties(definitions: &mut Definitions) -> Vec<Property> {
        let property = |(key, metric): (&'static str, Metric)| {
            let text = format!("The highest {}", metric.label());
            match metric.kind() {
                MetricKind::Quantile(_) => {
                    Property::new::<Option<LatencyLimit>>(key, &text, definitions)
                }
                MetricKind::Share if metric == Metric::ErrorRate && K::HAS_DEFAULT => {
                    let text = format!("{text}; 1% by default, off removes it");
                    Property::new::<Option<OrOff<LimitShare>>>(key, &text, definitions)
                }
                MetricKind::Share => Property::new::<Option<LimitShare>>(key, &text, definitions),
                MetricKind::Rate => {
                    let text = format!("The lowest number of {}", metric.label());
                    Property::new::<Option<LimitRate>>(key, &text, definitions)
                }
            }
        };
        K::keys().into_iter().map(property).collect()
    }
}

fn bound<K: MetricKeys>(metric: Metric, value: &Cursor<'_>) -> Result<Option<Bound>, Error> {
    Ok(Some(match metric.kind() {
        MetricKind::Quantile(_) => Bound::Latency {
            metric,
            at_most: LatencyLimit::from_yaml(value)?.0,
        },
        MetricKind::Share if metric == Metric::ColdShare => {
            Bound::ColdShare(LimitShare::from_yaml(value)?.0)
        }
        MetricKind::Share if K::HAS_DEFAULT => {
            let share = OrOff::<LimitShare>::from_yaml(value)?;
            return Ok(share.0.map(|share| Bound::ErrorRate(share.0)));
        }
        MetricKind::Share => Bound::ErrorRate(LimitShare::from_yaml(value)?.0),
        MetricKind::Rate => Bound::RequestsPerSecond(LimitRate::from_yaml(value)?.0),
    }))
}

/// Refuses a lower quantile with a longer limit than a higher one, which could never be broken.
fn refuse_crossed(limits: &[MetricLimit<'_>]) -> Result<(), Error> {
    let mut higher: Option<(Metric, Duration, &str)> = None;
    for limit in limits.iter().rev() {
        let Some(Bound::Latency { metric, at_most }) = limit.bound else {
            continue;
        };
        let text = limit.entry.value.scalar()?;
        // Cold and warm responses are different ones, so their quantiles may cross.
        higher = higher.filter(|(higher, ..)| higher.starts() == metric.starts());
        if let Some((higher, _, longest)) = higher.filter(|(_, longest, _)| at_most > *longest) {
            return Err(limit.entry.value.error(format_args!(
                "{text} can never be broken, since {higher} must stay within {longest}; make it stricter or remove it"
            )));
        }
        higher = Some((metric, at_most, text));
    }
    Ok(())
}
