//! Where the time of a request name went, boiled down: what explains a change once there is one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RunRecord;
use crate::measurement::{Arm, Part, Parts};
use crate::metric::Metric;
use crate::units::rounded;

/// Digits of a stored time: the histograms that it is read from have no more.
const DIGITS: usize = 3;

/// The parts of the latency and the cold starts of one request name, or of all, over some phases of one deployment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Breakdown {
    /// By latency metric, its quantile of each part in seconds; parts that took no time are left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<Metric, BTreeMap<Part, f64>>,
    /// Responses that a cold start delayed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cold: u64,
    /// Responses that were marked, cold or warm.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub marked: u64,
    /// By latency metric, its quantile in seconds over warm responses only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub warm: BTreeMap<Metric, f64>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes what it may skip by reference"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Breakdown {
    /// Of parts that were measured together.
    pub fn from_parts(parts: &Parts) -> Self {
        let latencies = || {
            let metrics = Metric::QUANTILES.into_iter();
            metrics.filter_map(|metric| Some((metric, metric.quantile()?)))
        };
        let times = |q: f64| {
            let times = Part::ALL.map(|part| (part, rounded(parts.quantile(part, q), DIGITS)));
            let times = times.into_iter().filter(|(_, seconds)| *seconds > 0.0);
            times.collect::<BTreeMap<_, _>>()
        };
        let warm = |(metric, q)| Some((metric, rounded(parts.warm.quantile(q)?, DIGITS)));
        Self {
            parts: latencies()
                .map(|(metric, q)| (metric, times(q)))
                .filter(|(_, times)| !times.is_empty())
                .collect(),
            cold: parts.cold.count(),
            marked: parts.cold.count() + parts.warm.count(),
            warm: latencies().filter_map(warm).collect(),
        }
    }

    /// The same for some metrics alone.
    #[must_use]
    pub fn with_metrics(mut self, keeps: impl Fn(Metric) -> bool) -> Self {
        self.parts.retain(|metric, _| keeps(*metric));
        self.warm.retain(|metric, _| keeps(*metric));
        self
    }

    /// Share of marked answers that a cold start delayed; none where nothing was marked.
    pub fn cold_share(&self) -> Option<f64> {
        (self.marked > 0).then(|| self.cold as f64 / self.marked as f64)
    }
}

impl RunRecord {
    /// The parts of one request name, or of all names where none, over some phases of one deployment.
    pub fn parts_of(&self, arm: Arm, phases: &[usize], request: Option<usize>) -> Parts {
        let mut pooled = Parts::default();
        let records = self.parts.iter().filter(|record| record.arm == arm);
        for record in records.filter(|record| phases.contains(&record.phase)) {
            if request.is_none_or(|index| index == record.request) {
                pooled.merge(&record.parts);
            }
        }
        pooled
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A hundred requests of 20 ms to the first byte, of which ten opened a connection in 50 ms.
    fn parts() -> Parts {
        let mut parts = Parts::default();
        for index in 0..100 {
            parts.service.record(21 * MS);
            parts.first_byte.record(20 * MS);
            if index < 10 {
                parts.connect.record(50 * MS);
            }
            let answers = if index < 4 {
                &mut parts.cold
            } else {
                &mut parts.warm
            };
            answers.record(21 * MS);
        }
        parts
    }

    #[test]
    fn requests_that_lack_a_part_spent_no_time_in_it() {
        let breakdown = Breakdown::from_parts(&parts());
        let at = |metric, part| breakdown.parts[&metric].get(&part).copied();
        assert_eq!(at(Metric::P50, Part::Connect), None);
        assert_eq!(at(Metric::P50, Part::FirstByte), Some(0.02));
        assert_eq!(at(Metric::P95, Part::Connect), Some(0.05));
        assert_eq!(at(Metric::P95, Part::Queue), None);
    }

    #[test]
    fn cold_answers_are_a_share_of_those_that_say_so() {
        let breakdown = Breakdown::from_parts(&parts());
        assert_eq!((breakdown.cold, breakdown.marked), (4, 100));
        assert_eq!(breakdown.warm.get(&Metric::P95), Some(&0.021));
        assert_eq!(Breakdown::default().cold_share(), None);
    }
}
