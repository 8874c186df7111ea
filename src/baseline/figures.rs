//! What the tables of a job's own run said, name by name and phase by phase: percentiles of several phases together cannot
//! be had from those of each, so that what was before is kept as it was told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::VALUE_DIGITS;
use crate::measurement::{Arm, Cell};
use crate::metric::Metric;
use crate::record::{LoadSeconds, RunRecord, SliceRecord};
use crate::units::rounded;

/// Values of a row: the average, a quantile for each of [`Metric::QUANTILES`], and the highest.
const VALUES: usize = Metric::QUANTILES.len() + 2;

/// One request name, or all of them, in one measured phase, or in all of them together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Row", into = "Row")]
#[schemars(with = "Row")]
pub struct Figures {
    /// The phase; none for all measured phases together.
    pub phase: Option<String>,
    /// The request name; none for all requests together.
    pub request: Option<String>,
    /// Requests.
    pub requests: u64,
    /// Failed requests.
    pub failures: u64,
    /// Seconds in which they became due.
    pub seconds: f64,
    /// Latencies in seconds; none where no request had one.
    pub latencies: Option<LatencyFigures>,
    /// Requests in flight on average, by Little's law, of all requests together where the run tells how long each took.
    pub in_flight: Option<f64>,
}

/// Latencies of some requests, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatencyFigures {
    /// The average.
    pub average: f64,
    /// By [`Metric::QUANTILES`].
    pub quantiles: [f64; Metric::QUANTILES.len()],
    /// The highest.
    pub max: f64,
}

/// Phase, request name, requests, failures, seconds, of the latencies the average, P50, P90, P95, P99, P99.9 and the highest,
/// where there are any, and the requests in flight, where they are known.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Figures", extend("minItems" = 5))]
struct Row(
    Option<String>,
    Option<String>,
    u64,
    u64,
    f64,
    #[serde(default)] Option<[f64; VALUES]>,
    #[serde(default, skip_serializing_if = "Option::is_none")] Option<f64>,
);

impl Figures {
    /// The rows of a run: over all measured phases first, then phase by phase where there are several.
    pub(super) fn of(record: &RunRecord) -> Vec<Self> {
        let phases = record.phases.iter().enumerate();
        let measured = phases.filter(|(_, phase)| phase.measured);
        let measured: Vec<usize> = measured.map(|(index, _)| index).collect();
        let all = of_phases(record, None, &measured);
        let loaded = measured.iter().filter(|phase| !record.phases[**phase].idle);
        let is_one = loaded.clone().count() <= 1;
        let each = loaded.filter(|_| !is_one);
        let each = each.flat_map(|phase| {
            let name = Some(record.phases[*phase].name.as_str());
            of_phases(record, name, &[*phase])
        });
        all.into_iter().chain(each).collect()
    }

    /// Whether its numbers can be.
    pub(super) fn is_sound(&self) -> bool {
        let latencies = self.latencies.iter().flat_map(LatencyFigures::values);
        let times = latencies.chain([self.seconds]).chain(self.in_flight);
        self.failures <= self.requests && times.into_iter().all(|s| s.is_finite() && s >= 0.0)
    }
}

/// The rows of some phases under one name.
fn of_phases(record: &RunRecord, name: Option<&str>, phases: &[usize]) -> Vec<Figures> {
    let keep = |slice: &SliceRecord| record.is_measured(slice) && phases.contains(&slice.phase);
    let kept = record.slices.iter().filter(|slice| keep(slice));
    let mut seconds = LoadSeconds::default();
    for slice in kept {
        seconds.add(&record.phases[slice.phase], slice.length_s);
    }
    let seconds = seconds.value();
    let service = record.parts_of(Arm::Target, phases, None).service;
    let in_flight = service
        .mean()
        .filter(|_| seconds > 0.0)
        .map(|mean| rounded(mean * service.count() as f64 / seconds, VALUE_DIGITS));
    let names = (0..record.requests.len()).map(Some);
    std::iter::once(None)
        .chain(names)
        .map(|request| (request, record.pooled(request, keep)))
        .filter(|(_, cell)| cell.requests() > 0)
        .map(|(request, cell)| Figures {
            phase: name.map(str::to_owned),
            request: request.map(|request| record.requests[request].clone()),
            requests: cell.requests(),
            failures: cell.failures(),
            seconds: rounded(seconds, VALUE_DIGITS),
            latencies: LatencyFigures::of(&cell),
            in_flight: in_flight.filter(|_| request.is_none()),
        })
        .collect()
}

impl LatencyFigures {
    fn of(cell: &Cell) -> Option<Self> {
        let latencies = cell.latencies();
        let seconds = |value: Option<f64>| value.map(|value| rounded(value, VALUE_DIGITS));
        let mut quantiles = [0.0; Metric::QUANTILES.len()];
        for (value, metric) in quantiles.iter_mut().zip(Metric::QUANTILES) {
            *value = seconds(latencies.quantile(metric.quantile()?))?;
        }
        Some(Self {
            average: seconds(latencies.mean())?,
            quantiles,
            max: seconds(latencies.max())?,
        })
    }

    fn values(&self) -> [f64; VALUES] {
        let mut values = [self.average; VALUES];
        values[1..=self.quantiles.len()].copy_from_slice(&self.quantiles);
        values[VALUES - 1] = self.max;
        values
    }
}

impl From<[f64; VALUES]> for LatencyFigures {
    fn from([average, quantiles @ .., max]: [f64; VALUES]) -> Self {
        Self {
            average,
            quantiles,
            max,
        }
    }
}

impl From<Figures> for Row {
    fn from(figures: Figures) -> Self {
        let latencies = figures.latencies.map(|latencies| latencies.values());
        Self(
            figures.phase,
            figures.request,
            figures.requests,
            figures.failures,
            figures.seconds,
            latencies,
            figures.in_flight,
        )
    }
}

impl From<Row> for Figures {
    fn from(row: Row) -> Self {
        let Row(phase, request, requests, failures, seconds, latencies, in_flight) = row;
        Self {
            phase,
            request,
            requests,
            failures,
            seconds,
            latencies: latencies.map(LatencyFigures::from),
            in_flight,
        }
    }
}
