//! Figures as the tables of a job's run showed them, by name and phase. The percentiles of several phases together
//! cannot
//! be computed from those of each, so they are stored.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::VALUE_DIGITS;
use crate::measurement::{Arm, RequestStats};
use crate::metric::Metric;
use crate::record::{LoadRate, LoadSeconds, RunRecord, SliceRecord};
use crate::units::rounded;

/// One request name, or all of them, in one measured phase, or in all of them together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReportedRow {
    /// The phase; none for all measured phases together.
    pub phase: Option<String>,
    /// The request name; none for all requests together.
    pub request: Option<String>,
    /// Requests.
    pub requests: u64,
    /// Failed requests.
    pub failures: u64,
    /// Seconds in which they became due, those of idle phases left out.
    pub seconds: f64,
    /// Responses per second; none in older jobs, which do not say.
    pub per_second: Option<f64>,
    /// Latencies in seconds; none of them where no request had one.
    pub latencies: ReportedLatencies,
    /// Requests in flight on average, by Little's law, of all requests together where the run tells how long each took.
    pub in_flight: Option<f64>,
}

/// Latencies of some requests, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReportedLatencies {
    /// The average.
    pub average: Option<f64>,
    /// By [`Metric::QUANTILES`].
    pub quantiles: [Option<f64>; Metric::QUANTILES.len()],
    /// The highest.
    pub max: Option<f64>,
}

const AVERAGE: &str = "average";
const MAX: &str = "max";
const PER_SECOND: &str = "responses_per_second";
const IN_FLIGHT: &str = "in_flight";

/// Rows of figures under one list of names, so another version of loadgate reads those that it knows.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Told")]
pub(super) struct ReportedTable {
    /// Columns of each row: `average`, `max` and quantiles such as `p95` in seconds, `responses_per_second` and
    /// `in_flight`.
    columns: Vec<String>,
    rows: Vec<Row>,
}

/// Phase, request name, requests, failures, seconds, and a value for each column.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ToldRow")]
struct Row(
    Option<String>,
    Option<String>,
    u64,
    u64,
    f64,
    Vec<Option<f64>>,
);

impl ReportedTable {
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl From<Vec<ReportedRow>> for ReportedTable {
    fn from(rows: Vec<ReportedRow>) -> Self {
        let quantiles = Metric::QUANTILES.map(Metric::key).into_iter();
        let columns: Vec<&str> = std::iter::once(AVERAGE)
            .chain(quantiles)
            .chain([MAX, PER_SECOND, IN_FLIGHT])
            .collect();
        let row = |row: ReportedRow| {
            let values = std::iter::once(row.latencies.average)
                .chain(row.latencies.quantiles)
                .chain([row.latencies.max, row.per_second]);
            let values = values.chain(row.in_flight.map(Some)).collect();
            let (requests, failures) = (row.requests, row.failures);
            Row(
                row.phase,
                row.request,
                requests,
                failures,
                row.seconds,
                values,
            )
        };
        Self {
            columns: columns.into_iter().map(str::to_owned).collect(),
            rows: rows.into_iter().map(row).collect(),
        }
    }
}

impl From<ReportedTable> for Vec<ReportedRow> {
    fn from(table: ReportedTable) -> Self {
        let ReportedTable { columns, rows } = table;
        let row = |row: Row| {
            let Row(phase, request, requests, failures, seconds, values) = row;
            let named = columns.iter().zip(values);
            let named = named.filter_map(|(name, value)| Some((name.clone(), value?)));
            let named: BTreeMap<String, f64> = named.collect();
            ReportedRow {
                phase,
                request,
                requests,
                failures,
                seconds,
                per_second: named.get(PER_SECOND).copied(),
                latencies: ReportedLatencies::from(&named),
                in_flight: named.get(IN_FLIGHT).copied(),
            }
        };
        rows.into_iter().map(row).collect()
    }
}

impl ReportedRow {
    /// The rows of a run: over all measured phases first, then phase by phase where there are several.
    pub(super) fn from_record(record: &RunRecord) -> Vec<Self> {
        let phases = record.phases.iter().enumerate();
        let measured = phases.filter(|(_, phase)| phase.measured);
        let measured: Vec<usize> = measured.map(|(index, _)| index).collect();
        let all = of_phases(record, None, &measured);
        let loaded = measured.iter().filter(|phase| !record.phases[**phase].idle);
        let is_one = loaded.clone().count() <= 1;
        let each = loaded.filter(|_| !is_one).flat_map(|phase| {
            let name = Some(record.phases[*phase].name.as_str());
            of_phases(record, name, &[*phase])
        });
        all.into_iter().chain(each).collect()
    }

    /// Whether its numbers can be.
    pub(super) fn is_sound(&self) -> bool {
        let ReportedLatencies {
            average,
            quantiles,
            max,
        } = self.latencies;
        let latencies = quantiles.into_iter().chain([average, max]).flatten();
        let times = latencies.chain([self.seconds]);
        let times = times.chain(self.in_flight).chain(self.per_second);
        self.failures <= self.requests && times.into_iter().all(|s| s.is_finite() && s >= 0.0)
    }
}

/// The rows of some phases under one name.
fn of_phases(record: &RunRecord, name: Option<&str>, phases: &[usize]) -> Vec<ReportedRow> {
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
        .map(|(request, cell)| {
            let mut rate = LoadRate::default();
            for slice in record.slices.iter().filter(|slice| keep(slice)) {
                rate.add(&record.phases[slice.phase], slice.throughput(request));
            }
            let rate = rate.value().per_second();
            (request, cell, rate.map(|rate| rounded(rate, VALUE_DIGITS)))
        })
        .map(|(request, cell, per_second)| ReportedRow {
            phase: name.map(str::to_owned),
            request: request.map(|request| record.requests[request].clone()),
            requests: cell.requests(),
            failures: cell.failures(),
            seconds: rounded(seconds, VALUE_DIGITS),
            per_second,
            latencies: ReportedLatencies::from_stats(&cell),
            in_flight: in_flight.filter(|_| request.is_none()),
        })
        .collect()
}

impl ReportedLatencies {
    fn from_stats(cell: &RequestStats) -> Self {
        let latencies = cell.latencies();
        let seconds = |value: Option<f64>| value.map(|value| rounded(value, VALUE_DIGITS));
        Self {
            average: seconds(latencies.mean()),
            quantiles: Metric::QUANTILES
                .map(|metric| seconds(latencies.quantile(metric.quantile()?))),
            max: seconds(latencies.max()),
        }
    }
}

impl From<&BTreeMap<String, f64>> for ReportedLatencies {
    fn from(named: &BTreeMap<String, f64>) -> Self {
        let seconds = |name: &str| named.get(name).copied();
        Self {
            average: seconds(AVERAGE),
            quantiles: Metric::QUANTILES.map(|metric| seconds(metric.key())),
            max: seconds(MAX),
        }
    }
}
