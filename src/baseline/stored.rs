//! A job as it stands in the file: figures in rows below one line of metrics, since a ring says the same names twenty
//! times. Schema 1 wrote a whole object for each request name, which is still read.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::model::{Job, PhaseScope, RequestSummary};
use super::reported::ReportedTable;
use crate::measurement::{FailureKind, LatencyHistogram};
use crate::metric::Metric;
use crate::record::{Breakdown, CostRecord, DropCount, Environment, ReferenceRecord};

/// A job with its figures in rows.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Job")]
pub(super) struct StoredJob {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    #[schemars(with = "String", extend("format" = "date-time"))]
    started: Timestamp,
    /// Version of the rules by which its requests counted as failures.
    #[serde(default)]
    counting: u32,
    #[serde(default)]
    accepted_worse: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    counts_responses: bool,
    loopback: bool,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    environment: Environment,
    /// The metrics of each row, in order.
    #[serde(default)]
    metrics: Vec<Metric>,
    cells: Vec<StoredCell>,
    /// Reported figures by name and phase, kept only for the newest of similar jobs.
    #[serde(
        default,
        rename = "told",
        skip_serializing_if = "ReportedTable::is_empty"
    )]
    reported: ReportedTable,
    /// Slices or pairs in which the generator was late; latencies leave them out.
    #[serde(default, skip_serializing_if = "DropCount::is_whole")]
    late: DropCount,
    /// What was measured beside the target and never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference: Option<ReferenceRecord>,
    /// What its load cost on AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cost: Option<CostRecord>,
}

/// One request name, or all of them, in one scope.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum StoredCell {
    Row(Row),
    /// As schema 1 wrote it.
    Whole(RequestSummary),
}

/// Scope, request name, requests, failures, cold starts, a value for each metric, and what not every row has.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(extend("minItems" = 6))]
struct Row(
    PhaseScope,
    Option<String>,
    u64,
    u64,
    Option<u64>,
    Vec<Option<f64>>,
    #[serde(default, skip_serializing_if = "Further::is_empty")] Further,
);

/// Figures that only the newest job, or only all requests together, have.
#[derive(Default, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Further {
    /// The spread of each value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    spreads: Vec<f64>,
    /// Failures by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    kinds: BTreeMap<FailureKind, u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    latencies: Option<LatencyHistogram>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    breakdown: Option<Breakdown>,
}

impl Further {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl From<Job> for StoredJob {
    fn from(job: Job) -> Self {
        let is_held = |metric: &Metric| {
            let mut cells = job.cells.iter();
            cells.any(|cell| cell.metrics.contains_key(metric))
        };
        let metrics: Vec<Metric> = Metric::ALL.into_iter().filter(is_held).collect();
        let cells = job.cells.into_iter().map(|cell| row(cell, &metrics));
        Self {
            cells: cells.map(StoredCell::Row).collect(),
            metrics,
            id: job.id,
            commit: job.commit,
            started: job.started,
            counting: job.counting,
            accepted_worse: job.accepted_worse,
            counts_responses: job.counts_responses,
            loopback: job.loopback,
            labels: job.labels,
            environment: job.environment,
            reported: job.reported_rows.into(),
            late: job.late,
            reference: job.reference,
            cost: job.cost,
        }
    }
}

fn row(cell: RequestSummary, metrics: &[Metric]) -> Row {
    let held = |metric| cell.metrics.get(metric);
    let value = |metric| held(metric).map(|(value, _)| *value);
    let spread = |metric| held(metric).map_or(0.0, |(_, spread)| *spread);
    let has_spread = cell.metrics.values().any(|(_, spread)| *spread > 0.0);
    let spreads = metrics.iter().filter(|_| has_spread).map(spread);
    Row(
        cell.scope,
        cell.request,
        cell.n,
        cell.errors,
        cell.cold,
        metrics.iter().map(value).collect(),
        Further {
            spreads: spreads.collect(),
            kinds: cell.kinds,
            latencies: cell.latencies,
            breakdown: cell.breakdown,
        },
    )
}

impl TryFrom<StoredJob> for Job {
    type Error = String;

    fn try_from(job: StoredJob) -> Result<Self, String> {
        let metrics = &job.metrics;
        let cells = job.cells.into_iter().map(|cell| match cell {
            StoredCell::Row(row) => summary(row, metrics),
            StoredCell::Whole(cell) => Ok(cell),
        });
        Ok(Self {
            cells: cells.collect::<Result<_, _>>()?,
            id: job.id,
            commit: job.commit,
            started: job.started,
            counting: job.counting,
            accepted_worse: job.accepted_worse,
            counts_responses: job.counts_responses,
            loopback: job.loopback,
            labels: job.labels,
            environment: job.environment,
            reported_rows: job.reported.into(),
            late: job.late,
            reference: job.reference,
            cost: job.cost,
        })
    }
}

fn summary(row: Row, metrics: &[Metric]) -> Result<RequestSummary, String> {
    let Row(scope, request, n, errors, cold, values, further) = row;
    let spreads = &further.spreads;
    let is_whole =
        values.len() == metrics.len() && (spreads.is_empty() || spreads.len() == metrics.len());
    if !is_whole {
        let name = request.as_deref().unwrap_or("overall");
        return Err(format!(
            "{name} has {} values and {} spreads for {} metrics",
            values.len(),
            spreads.len(),
            metrics.len()
        ));
    }
    let values = metrics.iter().zip(values).enumerate();
    let values = values.filter_map(|(index, (metric, value))| {
        Some((
            *metric,
            (value?, spreads.get(index).copied().unwrap_or(0.0)),
        ))
    });
    Ok(RequestSummary {
        scope,
        request,
        n,
        errors,
        cold,
        metrics: values.collect(),
        kinds: further.kinds,
        latencies: further.latencies,
        breakdown: further.breakdown,
    })
}

impl<'de> Deserialize<'de> for StoredCell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = StoredCell;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the figures of a request name, as a list or an object")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<StoredCell, A::Error> {
                Row::deserialize(SeqAccessDeserializer::new(items)).map(StoredCell::Row)
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<StoredCell, A::Error> {
                RequestSummary::deserialize(MapAccessDeserializer::new(fields))
                    .map(StoredCell::Whole)
            }
        }

        deserializer.deserialize_any(Either)
    }
}
