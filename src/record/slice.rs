//! What a record holds of each slice: the requests of each name, and the stretches without a success.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measurement::{Arm, LatencyHistogram, RequestStats};
use crate::metric::Metric;
use crate::units::six_digits;

/// One slice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SliceRecord {
    /// Index of the phase.
    pub phase: usize,
    /// Which pass of a repeated phase, from 0.
    #[serde(default)]
    pub pass: u32,
    /// The deployment loaded.
    #[serde(default)]
    pub arm: Arm,
    /// In a duet, the pair that the slice belongs to, counted over the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<u32>,
    /// Start in seconds from the start of the load.
    pub start_s: f64,
    /// Length in seconds of the window in which requests became due.
    pub length_s: f64,
    /// P99 of the generator's own delay, in seconds.
    pub late_p99_s: f64,
    /// The requests that became due in it; names without requests and responses in it are left out.
    pub cells: Vec<RequestRecord>,
    /// Outages in it: half a second or more without a success although a request was in flight. Absent in older results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silences: Option<Vec<SilenceRecord>>,
}

/// The requests of one name in one slice. The figures beside the histograms are for readers of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequestRecord {
    /// Index of the request name.
    pub request: usize,
    /// Requests.
    pub requests: u64,
    /// Failed requests.
    pub failures: u64,
    /// Latency quantiles in milliseconds, over successes, timeouts and unfinished requests.
    pub quantiles_ms: BTreeMap<Metric, f64>,
    /// The mean latency in milliseconds, weighed by duration: how long a request in flight at a random instant takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_weighted_ms: Option<f64>,
    /// The histograms and failures by kind, which everything is computed from.
    pub cell: RequestStats,
    /// Responses that came in the slice, whenever they were due. Absent in older results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<u64>,
    /// When the first of them came, in seconds from the start of the slice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_s: Option<f64>,
}

/// An outage within a slice: no success although a request was in flight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SilenceRecord {
    /// The user class; none for users of every class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Index of the request name; none for all requests together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<usize>,
    /// When it begins, in seconds from the start of the slice.
    pub from_s: f64,
    /// When it ends; the slice's length if it goes on.
    pub to_s: f64,
    /// How long it continued after the slice, in seconds, while the load paused.
    #[serde(default)]
    pub after_s: f64,
    /// Its whole length in seconds, including neighbouring slices.
    pub whole_s: f64,
}

/// Responses and the time that they took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Throughput {
    /// Responses.
    pub responses: u64,
    /// Seconds.
    pub seconds: f64,
}

impl SliceRecord {
    /// The responses of one name, or of all names where none, that came in this slice, and the time that they took.
    ///
    /// The load of a slice that begins at rest gives no response before the first can be there. So the time of its
    /// responses begins with the first, which is then not counted. In a duet the load pauses after each slice until all is
    /// answered, and what came in that pause counts, unless it is most: then the target did not keep up. An older
    /// result counts the requests that it sent, when they were due.
    pub fn throughput(&self, request: Option<usize>) -> Throughput {
        let cells = self.cells.iter();
        let own = || {
            let cells = cells.clone();
            cells.filter(|cell| request.is_none_or(|index| index == cell.request))
        };
        let responses: u64 = own()
            .map(|cell| cell.completed.unwrap_or_else(|| cell.sent()))
            .sum();
        let first = own().filter_map(|cell| cell.first_s).reduce(f64::min);
        let is_paired = self.pair.is_some();
        if is_paired && own().all(|cell| cell.completed.is_some()) {
            let answered: u64 = own().map(RequestRecord::answered).sum();
            if 2 * responses >= answered {
                return Throughput {
                    responses: answered,
                    seconds: self.length_s,
                };
            }
        }
        let is_at_rest = is_paired || self.start_s <= 0.0;
        match first.filter(|first| is_at_rest && responses > 1 && *first < self.length_s) {
            Some(first) => Throughput {
                responses: responses - 1,
                seconds: self.length_s - first,
            },
            None => Throughput {
                responses,
                seconds: self.length_s,
            },
        }
    }

    /// The requests of one name in this slice, or of all names where none.
    pub fn cell(&self, request: Option<usize>) -> RequestStats {
        RequestStats::sum(&self.of_request(request).collect::<Vec<_>>())
    }

    /// What is held of one request name in this slice, or of every name where none.
    pub fn of_request(&self, request: Option<usize>) -> impl Iterator<Item = &RequestStats> {
        self.cells
            .iter()
            .filter(move |cell| request.is_none_or(|index| index == cell.request))
            .map(|cell| &cell.cell)
    }
}

impl RequestRecord {
    /// The record of one cell.
    pub fn new(request: usize, cell: RequestStats) -> Self {
        let latencies = cell.latencies();
        Self {
            request,
            requests: cell.requests(),
            failures: cell.failures(),
            quantiles_ms: quantiles_ms(&latencies),
            time_weighted_ms: latencies
                .time_weighted()
                .map(|seconds| six_digits(seconds * 1e3)),
            cell,
            completed: None,
            first_s: None,
        }
    }

    /// Requests that were due in the slice and sent.
    fn sent(&self) -> u64 {
        let errors = self.cell.errors.iter();
        let unsent = errors.filter(|(kind, _)| kind.is_unsent());
        let unsent: u64 = unsent.map(|(_, count)| count).sum();
        self.cell.requests().saturating_sub(unsent)
    }

    /// Requests that were due in the slice and got a response, whatever it says.
    fn answered(&self) -> u64 {
        let errors = self.cell.errors.iter();
        let without = errors.filter(|(kind, _)| !kind.is_response());
        let without: u64 = without.map(|(_, count)| count).sum();
        self.cell.requests().saturating_sub(without)
    }
}

/// All latency quantiles in milliseconds; empty where nothing was recorded.
pub fn quantiles_ms(latencies: &LatencyHistogram) -> BTreeMap<Metric, f64> {
    Metric::QUANTILES
        .into_iter()
        .filter_map(|metric| {
            let seconds = latencies.quantile(metric.quantile()?)?;
            Some((metric, six_digits(seconds * 1e3)))
        })
        .collect()
}

impl Throughput {
    /// Responses per second; none if no time passed.
    pub fn per_second(self) -> Option<f64> {
        (self.seconds > 0.0).then(|| self.responses as f64 / self.seconds)
    }

    /// Adds responses and their time.
    pub fn add(&mut self, other: Self) {
        self.responses += other.responses;
        self.seconds += other.seconds;
    }
}
