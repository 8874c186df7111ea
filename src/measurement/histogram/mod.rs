//! Latencies as a mergeable HDR histogram. The only file that knows `hdrhistogram`, which records them.
//!
//! One fixed layout everywhere (1 µs to 10 min, three significant digits), so that any two histograms add up without
//! loss. Where requests are recorded the histogram is open, every counter in its place; everything else reads the few
//! counters that counted.

mod codec;
mod layout;
mod sparse;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, de};

pub use codec::DecodeError;
use codec::{Packed, pack, wrong};
use layout::{HIGHEST_US, LOWEST_US, Resolution};
use sparse::Sparse;

/// A histogram of latencies.
///
/// An empty one takes no memory and a compact one little: a run has many more of these than it fills at a time.
#[derive(Clone, Default)]
pub struct LatencyHistogram(Counters);

#[derive(Clone, Default)]
enum Counters {
    #[default]
    Empty,
    /// Being recorded, or emptied to record more.
    Open(Box<Open>),
    /// Recorded or read, never empty.
    Packed(Packed),
    /// Added up of others, never empty.
    Sparse(Sparse),
}

#[derive(Clone)]
struct Open {
    resolution: Resolution,
    histogram: Histogram<u64>,
}

impl Open {
    fn new(resolution: Resolution) -> Self {
        #[expect(
            clippy::expect_used,
            reason = "the bounds are constants, and a test makes both histograms"
        )]
        let histogram = Histogram::new_with_bounds(LOWEST_US, HIGHEST_US, resolution.digits())
            .expect("constant bounds are valid");
        Self {
            resolution,
            histogram,
        }
    }

    fn record(&mut self, micros: u64, count: u64) {
        let micros = micros.clamp(LOWEST_US, HIGHEST_US);
        self.histogram.saturating_record_n(micros, count);
    }

    fn add(&mut self, latencies: &Sparse) {
        for (micros, count) in latencies.shortest() {
            self.histogram.saturating_record_n(micros, count);
        }
    }

    fn sparse(&self) -> Sparse {
        let recorded = self.histogram.iter_recorded();
        let counts = recorded.map(|it| (it.value_iterated_to(), it.count_at_value()));
        Sparse::from_micros(self.resolution, counts)
    }
}

impl LatencyHistogram {
    /// An empty histogram.
    pub fn new() -> Self {
        Self::default()
    }

    /// Latencies in microseconds, each with how often it was seen, in any order.
    pub fn from_counts(latencies: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let bounded = |(micros, count): (u64, u64)| (micros.clamp(LOWEST_US, HIGHEST_US), count);
        let mut latencies: Vec<_> = latencies.into_iter().map(bounded).collect();
        latencies.sort_unstable();
        Self::from_sparse(Sparse::from_micros(Resolution::Fine, latencies))
    }

    fn from_sparse(latencies: Sparse) -> Self {
        if latencies.count() == 0 {
            Self::new()
        } else {
            Self(Counters::Sparse(latencies))
        }
    }

    /// Adds one latency; what lies outside the bounds counts at the nearer bound.
    pub fn record(&mut self, latency: Duration) {
        self.record_micros(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }

    /// Adds one latency given in microseconds.
    pub fn record_micros(&mut self, micros: u64) {
        self.open().record(micros, 1);
    }

    /// Adds `count` equal latencies given in microseconds.
    pub fn record_many(&mut self, micros: u64, count: u64) {
        self.open().record(micros, count);
    }

    /// By distinct value, in ascending order: the latency in microseconds, as precise as the histogram is, and how often
    /// it was recorded.
    pub fn counts(&self) -> Vec<(u64, u64)> {
        self.filled()
            .map_or_else(Vec::new, |latencies| latencies.longest().collect())
    }

    /// Adds all latencies of `other`.
    pub fn merge(&mut self, other: &Self) {
        let Some(theirs) = other.filled() else { return };
        if self.is_empty() {
            *self = if matches!(other.0, Counters::Packed(_)) {
                other.clone()
            } else {
                Self::from_sparse(theirs.into_owned())
            };
            return;
        }
        if let Counters::Open(mine) = &mut self.0 {
            mine.add(&theirs);
            return;
        }
        let mut both = self.take_sparse();
        both.add(&theirs);
        self.0 = Counters::Sparse(both);
    }

    /// All latencies of several: as merging one after the other, and quicker.
    pub fn sum<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        let filled: Vec<_> = all.into_iter().filter(|own| !own.is_empty()).collect();
        if let [alone] = filled.as_slice() {
            let mut same = Self::new();
            same.merge(alone);
            return same;
        }
        let filled: Vec<_> = filled.into_iter().filter_map(Self::filled).collect();
        Self::from_sparse(Sparse::sum(&filled))
    }

    /// What was recorded, to be worked on; nothing is left.
    fn take_sparse(&mut self) -> Sparse {
        match std::mem::take(&mut self.0) {
            Counters::Empty => Sparse::new(Resolution::Fine),
            Counters::Open(open) => open.sparse(),
            Counters::Packed(packed) => packed.sparse().into_owned(),
            Counters::Sparse(sparse) => sparse,
        }
    }

    /// These latencies less those of `part`, all of which must be among them; what is not is overlooked.
    #[must_use]
    pub fn without(&self, part: &Self) -> Self {
        let (Some(all), Some(part)) = (self.filled(), part.filled()) else {
            return self.clone();
        };
        all.without(&part)
            .map_or_else(|| self.clone(), Self::from_sparse)
    }

    /// Keeps what was recorded in some hundred bytes. Reading works as before and costs an unpacking; recording opens
    /// the histogram again.
    pub fn compact(&mut self) {
        *self = self.compacted();
    }

    fn compacted(&self) -> Self {
        if let Counters::Packed(packed) = &self.0 {
            return Self(Counters::Packed(packed.compacted()));
        }
        self.filled().map_or_else(Self::new, |all| {
            Self(Counters::Packed(Packed::from_sparse(&all)))
        })
    }

    /// Takes what was recorded in its compact form and leaves an empty histogram that keeps its memory.
    #[must_use]
    pub fn take_compact(&mut self) -> Self {
        let taken = self.compacted();
        match &mut self.0 {
            Counters::Open(open) if open.histogram.is_empty() => {}
            Counters::Open(open) => open.histogram.reset(),
            Counters::Empty | Counters::Packed(_) | Counters::Sparse(_) => self.0 = Counters::Empty,
        }
        taken
    }

    /// How many latencies were recorded.
    pub fn count(&self) -> u64 {
        match &self.0 {
            Counters::Empty => 0,
            Counters::Open(open) => open.histogram.len(),
            Counters::Packed(packed) => packed.count(),
            Counters::Sparse(sparse) => sparse.count(),
        }
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    fn open(&mut self) -> &mut Open {
        if !matches!(self.0, Counters::Open(_)) {
            let latencies = self.take_sparse();
            let mut open = Open::new(latencies.resolution());
            open.add(&latencies);
            self.0 = Counters::Open(Box::new(open));
        }
        match &mut self.0 {
            Counters::Open(open) => open,
            Counters::Empty | Counters::Packed(_) | Counters::Sparse(_) => {
                unreachable!("opened above")
            }
        }
    }

    /// The counters that counted, where any did.
    fn filled(&self) -> Option<Cow<'_, Sparse>> {
        match &self.0 {
            Counters::Empty => None,
            Counters::Open(open) => (!open.histogram.is_empty()).then(|| Cow::Owned(open.sparse())),
            Counters::Packed(packed) => Some(packed.sparse()),
            Counters::Sparse(sparse) => Some(Cow::Borrowed(sparse)),
        }
    }

    /// The latency in seconds below which a share `q` in [0, 1] lies; none where nothing was recorded.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        self.filled().map(|all| to_seconds(all.quantile(q)))
    }

    /// The mean in seconds; none where nothing was recorded.
    pub fn mean(&self) -> Option<f64> {
        self.filled().map(|all| all.mean() / 1e6)
    }

    /// The mean in seconds of latencies that weigh as much as they last; none where nothing was recorded.
    ///
    /// Of the requests that are in flight at a random instant this is the mean: a random instant falls into a request with a
    /// probability that is proportional to how long it takes (length-biased sampling, the inspection paradox).
    pub fn time_weighted(&self) -> Option<f64> {
        let (mut sum, mut squares) = (0.0, 0.0);
        for (seconds, count) in self.buckets() {
            sum += seconds * count as f64;
            squares += seconds * seconds * count as f64;
        }
        (sum > 0.0).then(|| squares / sum)
    }

    /// The largest latency in seconds; none where nothing was recorded.
    pub fn max(&self) -> Option<f64> {
        self.filled().map(|all| to_seconds(all.max()))
    }

    /// How many latencies are longer than `limit` in seconds, exact to the histogram's resolution.
    pub fn count_over(&self, limit: f64) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to the bounds first"
        )]
        let micros = (limit * 1e6).round().clamp(0.0, HIGHEST_US as f64) as u64;
        if micros < LOWEST_US {
            return self.count();
        }
        self.filled().map_or(0, |all| all.count_over(micros))
    }

    /// The distinct values in seconds with their counts, ascending.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        let counts = self.counts().into_iter();
        counts.map(|(micros, count)| (to_seconds(micros), count))
    }

    /// The same latencies at two significant digits.
    #[must_use]
    pub fn to_coarse(&self) -> Self {
        self.filled()
            .map_or_else(Self::new, |all| Self::from_sparse(all.to_coarse()))
    }

    /// The histogram as V2 + deflate bytes: some hundred bytes instead of 168 kB.
    pub fn to_bytes(&self) -> Vec<u8> {
        if let Counters::Packed(packed) = &self.0 {
            return packed.bytes().to_vec();
        }
        let filled = self.filled();
        pack(&filled.unwrap_or_else(|| Cow::Owned(Sparse::new(Resolution::Fine))))
    }

    /// Reads what [`LatencyHistogram::pack`] wrote. Safe on hostile bytes: the size is bounded before anything is allocated.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let packed = Packed::from_bytes(bytes)?;
        Ok(if packed.count() == 0 {
            Self::new()
        } else {
            Self(Counters::Packed(packed))
        })
    }

    /// The packed bytes as base64 text.
    pub fn to_text(&self) -> String {
        STANDARD.encode(self.to_bytes())
    }

    /// Reads what [`LatencyHistogram::to_text`] wrote.
    pub fn from_text(text: &str) -> Result<Self, DecodeError> {
        let bytes = STANDARD
            .decode(text)
            .map_err(|error| wrong(&error.to_string()))?;
        Self::from_bytes(&bytes)
    }
}

fn to_seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

impl PartialEq for LatencyHistogram {
    fn eq(&self, other: &Self) -> bool {
        self.filled() == other.filled()
    }
}

impl fmt::Debug for LatencyHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latencies")
            .field("count", &self.count())
            .field("p50", &self.quantile(0.5))
            .field("max", &self.max())
            .finish()
    }
}

impl JsonSchema for LatencyHistogram {
    fn schema_name() -> Cow<'static, str> {
        "Latencies".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "contentEncoding": "base64",
            "description": "An HDR histogram of microseconds, V2 with deflate",
        })
    }
}

impl Serialize for LatencyHistogram {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de> Deserialize<'de> for LatencyHistogram {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_text(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
