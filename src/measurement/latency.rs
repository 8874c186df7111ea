//! Latencies as a mergeable HDR histogram. The only file that knows `hdrhistogram`.
//!
//! One fixed configuration everywhere (1 µs to 10 min, three significant digits), so that any two histograms add up
//! without loss. The stored text is HdrHistogram's own V2 + deflate encoding in base64, readable by its other tools.

use std::borrow::Cow;
use std::fmt;
use std::io::Read;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
use serde::{Deserialize, Serialize, de};

const LOWEST_US: u64 = 1;
const HIGHEST_US: u64 = 600_000_000;
const DIGITS: u8 = 3;
/// Digits of the histograms that a baseline keeps, a third of the size.
const COARSE_DIGITS: u8 = 2;
/// Cookie and length that stand before the deflated part of the encoding, in bytes.
const PREFIX_BYTES: usize = 8;
/// Cookie, lengths, digits and bounds at the start of the inflated part, in bytes.
const HEADER_BYTES: usize = 40;
/// No honest histogram of this configuration inflates to more: 9 bytes for each of its 22,000 counters.
const INFLATED_LIMIT: u64 = 256 * 1024;

/// What the inflated part of the encoding begins with.
const COOKIE: u64 = 0x1c84_9313;
/// The first value that no histogram of this configuration has a counter for.
const BEYOND_US: u64 = 1 << 30;
/// Bytes that a stored number takes at most.
const NUMBER_BYTES: usize = 9;

/// More requests than any run sends, and few enough that sums over a run's histograms cannot overflow.
const MOST_COUNTED: u64 = 1 << 40;

/// A histogram of latencies.
///
/// An empty one takes no memory and a compact one little: a run has many more of these than it fills at a time.
#[derive(Clone, Default)]
pub struct Latencies(Counters);

#[derive(Clone, Default)]
enum Counters {
    #[default]
    Empty,
    Open(Box<Histogram<u64>>),
    /// As [`Latencies::pack`] writes them, never empty.
    Compact {
        count: u64,
        bytes: Box<[u8]>,
    },
}

/// A stored histogram that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("not a latency histogram: {0}")]
pub struct DecodeError(String);

/// The histogram behind [`Latencies`].
fn with_digits(digits: u8) -> Histogram<u64> {
    #[expect(
        clippy::expect_used,
        reason = "the bounds are constants, and a test makes both histograms"
    )]
    Histogram::new_with_bounds(LOWEST_US, HIGHEST_US, digits).expect("constant bounds are valid")
}

impl Latencies {
    /// An empty histogram.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one latency; what lies outside the bounds counts at the nearer bound.
    pub fn record(&mut self, latency: Duration) {
        self.record_micros(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }

    /// Adds one latency given in microseconds.
    pub fn record_micros(&mut self, micros: u64) {
        self.open()
            .saturating_record(micros.clamp(LOWEST_US, HIGHEST_US));
    }

    /// Adds `count` equal latencies given in microseconds.
    pub fn record_many(&mut self, micros: u64, count: u64) {
        self.open()
            .saturating_record_n(micros.clamp(LOWEST_US, HIGHEST_US), count);
    }

    /// By distinct value, in ascending order: the latency in microseconds, as precise as the histogram is, and how often
    /// it was recorded.
    pub fn counts(&self) -> Vec<(u64, u64)> {
        let Some(histogram) = self.filled() else {
            return Vec::new();
        };
        let recorded = histogram.iter_recorded();
        recorded
            .map(|step| (step.value_iterated_to(), step.count_at_value()))
            .collect()
    }

    /// Adds all latencies of `other`.
    pub fn merge(&mut self, other: &Self) {
        if let Counters::Compact { count, bytes } = &other.0 {
            if self.is_empty() {
                let (count, bytes) = (*count, bytes.clone());
                self.0 = Counters::Compact { count, bytes };
            } else if let Ok(theirs) = sparse(bytes) {
                let mine = self.open();
                for (value, count) in theirs.values {
                    mine.saturating_record_n(value, count);
                }
            }
            return;
        }
        let Some(theirs) = other.filled() else { return };
        let mine = self.open();
        // `add` only refuses values out of bounds, and all histograms share their bounds.
        if mine.add(theirs.as_ref()).is_err() {
            add_buckets(mine, &theirs);
        }
    }

    /// These latencies less those of `part`, all of which must be among them; what is not is overlooked.
    #[must_use]
    pub fn without(&self, part: &Self) -> Self {
        let Some(theirs) = part.filled() else {
            return self.clone();
        };
        let Some(mut rest) = self.filled().map(Cow::into_owned) else {
            return Self::new();
        };
        if rest.subtract(theirs.as_ref()).is_err() {
            return self.clone();
        }
        if rest.is_empty() {
            return Self::new();
        }
        Self(Counters::Open(Box::new(rest)))
    }

    /// Keeps what was recorded in some hundred bytes. Reading works as before and costs an unpacking; recording opens
    /// the histogram again.
    pub fn compact(&mut self) {
        if let Counters::Open(histogram) = &self.0 {
            self.0 = if histogram.is_empty() {
                Counters::Empty
            } else {
                Counters::Compact {
                    count: histogram.len(),
                    bytes: encode(histogram).into(),
                }
            };
        }
    }

    /// Takes what was recorded in its compact form and leaves an empty histogram that keeps its memory.
    #[must_use]
    pub fn take_compact(&mut self) -> Self {
        let mut taken = Self(std::mem::take(&mut self.0));
        let memory = match &mut taken.0 {
            Counters::Open(histogram) if !histogram.is_empty() => {
                let bytes = encode(histogram).into();
                let count = histogram.len();
                histogram.reset();
                Some(Counters::Compact { count, bytes })
            }
            Counters::Open(_) => Some(Counters::Empty),
            Counters::Empty | Counters::Compact { .. } => None,
        };
        if let Some(compact) = memory {
            self.0 = std::mem::replace(&mut taken.0, compact);
        }
        taken
    }

    /// How many latencies were recorded.
    pub fn count(&self) -> u64 {
        match &self.0 {
            Counters::Empty => 0,
            Counters::Open(histogram) => histogram.len(),
            Counters::Compact { count, .. } => *count,
        }
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    fn open(&mut self) -> &mut Histogram<u64> {
        if !matches!(self.0, Counters::Open(_)) {
            let histogram = self
                .filled()
                .map_or_else(|| with_digits(DIGITS), Cow::into_owned);
            self.0 = Counters::Open(Box::new(histogram));
        }
        match &mut self.0 {
            Counters::Open(histogram) => histogram,
            Counters::Empty | Counters::Compact { .. } => unreachable!("opened above"),
        }
    }

    fn filled(&self) -> Option<Cow<'_, Histogram<u64>>> {
        match &self.0 {
            Counters::Empty => None,
            Counters::Open(histogram) => {
                (!histogram.is_empty()).then(|| Cow::Borrowed(histogram.as_ref()))
            }
            // Never fails: the bytes were read once, or are our own.
            Counters::Compact { bytes, .. } => {
                let sparse = sparse(bytes).ok()?;
                Some(Cow::Owned(sparse.to_histogram()))
            }
        }
    }

    /// The latency in seconds below which a share `q` in [0, 1] lies; none where nothing was recorded.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        self.filled()
            .map(|histogram| to_seconds(histogram.value_at_quantile(q)))
    }

    /// The mean in seconds; none where nothing was recorded.
    pub fn mean(&self) -> Option<f64> {
        self.filled().map(|histogram| histogram.mean() / 1e6)
    }

    /// The largest latency in seconds; none where nothing was recorded.
    pub fn max(&self) -> Option<f64> {
        self.filled().map(|histogram| to_seconds(histogram.max()))
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
        if let Counters::Compact { bytes, .. } = &self.0 {
            let values = sparse(bytes).map_or_else(|_| Vec::new(), |sparse| sparse.values);
            let over = values.iter().filter(|(value, _)| *value > micros);
            return over.map(|(_, count)| count).sum();
        }
        self.filled().map_or(0, |histogram| {
            histogram.len() - histogram.count_between(0, micros)
        })
    }

    /// The distinct values in seconds with their counts, ascending.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.filled().into_iter().flat_map(|histogram| {
            histogram
                .iter_recorded()
                .map(|bucket| {
                    (
                        to_seconds(bucket.value_iterated_to()),
                        bucket.count_at_value(),
                    )
                })
                .collect::<Vec<_>>()
        })
    }

    /// The same latencies at two significant digits.
    #[must_use]
    pub fn to_coarse(&self) -> Self {
        self.filled().map_or_else(Self::new, |histogram| {
            let mut coarse = with_digits(COARSE_DIGITS);
            add_buckets(&mut coarse, &histogram);
            Self(Counters::Open(Box::new(coarse)))
        })
    }

    /// The histogram as V2 + deflate bytes: some hundred bytes instead of 168 kB.
    pub fn pack(&self) -> Vec<u8> {
        match &self.0 {
            Counters::Empty => encode(&with_digits(DIGITS)),
            Counters::Open(histogram) => encode(histogram),
            Counters::Compact { bytes, .. } => bytes.to_vec(),
        }
    }

    /// Reads what [`Latencies::pack`] wrote. Safe on hostile bytes: the size is bounded before anything is allocated.
    pub fn unpack(bytes: &[u8]) -> Result<Self, DecodeError> {
        let count = sparse(bytes)?.values.iter().map(|(_, count)| count).sum();
        Ok(if count == 0 {
            Self::new()
        } else {
            let bytes = bytes.into();
            Self(Counters::Compact { count, bytes })
        })
    }

    /// The packed bytes as base64 text.
    pub fn to_text(&self) -> String {
        STANDARD.encode(self.pack())
    }

    /// Reads what [`Latencies::to_text`] wrote.
    pub fn from_text(text: &str) -> Result<Self, DecodeError> {
        let bytes = STANDARD
            .decode(text)
            .map_err(|error| wrong(&error.to_string()))?;
        Self::unpack(&bytes)
    }
}

fn encode(histogram: &Histogram<u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Cannot fail: the sink is memory and the counters are far below the encoding's bound.
    if V2DeflateSerializer::new()
        .serialize(histogram, &mut bytes)
        .is_err()
    {
        bytes.clear();
    }
    bytes
}

/// What a packed histogram counts: each value by the smallest that shares its counter, ascending.
///
/// A result holds thousands of histograms of a hundred requests each, and one opened takes 168 kB.
struct Sparse {
    digits: u8,
    values: Vec<(u64, u64)>,
}

impl Sparse {
    fn to_histogram(&self) -> Histogram<u64> {
        let mut histogram = with_digits(self.digits);
        for (value, count) in &self.values {
            histogram.saturating_record_n(*value, *count);
        }
        histogram
    }
}

/// Reads a packed histogram. Safe on hostile bytes: what is inflated and counted is bounded.
fn sparse(bytes: &[u8]) -> Result<Sparse, DecodeError> {
    let packed = bytes
        .get(PREFIX_BYTES..)
        .ok_or_else(|| wrong("it is too short"))?;
    let mut inflated = Vec::new();
    flate2::read::ZlibDecoder::new(packed)
        .take(INFLATED_LIMIT)
        .read_to_end(&mut inflated)
        .map_err(|error| wrong(&error.to_string()))?;
    let (digits, length) = check_header(&inflated)?;
    let mut rest = &inflated[HEADER_BYTES..HEADER_BYTES + length];
    let (mut index, mut total, mut values) = (0_u64, 0_u64, Vec::new());
    while !rest.is_empty() {
        let number = take_number(&mut rest)?;
        // A number below zero is a run of counters that are zero.
        if number < 0 {
            index = index.saturating_add(number.unsigned_abs());
            continue;
        }
        let count = number.unsigned_abs();
        let value =
            lowest_value(digits, index).ok_or_else(|| wrong("it counts beyond its bounds"))?;
        total = total.saturating_add(count);
        if total > MOST_COUNTED {
            return Err(wrong("it counts more requests than any run sends"));
        }
        if count > 0 {
            values.push((value, count));
        }
        index += 1;
    }
    Ok(Sparse { digits, values })
}

/// A whole number of HdrHistogram's: seven bits a byte, the lowest first, the sign in the lowest bit of all.
fn take_number(bytes: &mut &[u8]) -> Result<i64, DecodeError> {
    let mut number = 0_u64;
    for place in 0..NUMBER_BYTES {
        let (byte, rest) = bytes
            .split_first()
            .ok_or_else(|| wrong("it ends within a number"))?;
        *bytes = rest;
        // The last byte has no mark of another to follow, and so one bit more.
        let is_last = place + 1 == NUMBER_BYTES;
        let bits = if is_last { *byte } else { byte & 0x7f };
        number |= u64::from(bits) << (7 * place);
        if is_last || byte & 0x80 == 0 {
            break;
        }
    }
    let magnitude = i64::try_from(number >> 1).map_err(|_| wrong("it has no such number"))?;
    Ok(if number & 1 == 1 {
        -magnitude - 1
    } else {
        magnitude
    })
}

/// The smallest value that a counter counts: the first counters take one value each, and from half of them on, each
/// further half takes twice as many.
fn lowest_value(digits: u8, index: u64) -> Option<u64> {
    let half: u64 = if digits == DIGITS { 1024 } else { 128 };
    if index < 2 * half {
        return Some(index);
    }
    let shift = u32::try_from(index / half - 1).ok()?;
    let value = (index % half + half).checked_shl(shift)?;
    (shift < 30 && value < BEYOND_US).then_some(value)
}

fn add_buckets(to: &mut Histogram<u64>, from: &Histogram<u64>) {
    for bucket in from.iter_recorded() {
        to.saturating_record_n(bucket.value_iterated_to(), bucket.count_at_value());
    }
}

/// Refuses a header whose bounds are not ours, which would decide how much memory the reader takes.
fn check_header(inflated: &[u8]) -> Result<(u8, usize), DecodeError> {
    let field = |from: usize, bytes: usize| -> Option<u64> {
        let slice = inflated.get(from..from + bytes)?;
        Some(
            slice
                .iter()
                .fold(0, |value, byte| value << 8 | u64::from(*byte)),
        )
    };
    let (Some(cookie), Some(length), Some(digits), Some(low), Some(high), true) = (
        field(0, 4),
        field(4, 4),
        field(12, 4),
        field(16, 8),
        field(24, 8),
        inflated.len() >= HEADER_BYTES,
    ) else {
        return Err(wrong("its header is cut short"));
    };
    if cookie != COOKIE {
        return Err(wrong("it is of another encoding"));
    }
    if digits != u64::from(DIGITS) && digits != u64::from(COARSE_DIGITS) {
        return Err(wrong("it has a resolution that loadgate does not write"));
    }
    if low != LOWEST_US || high != HIGHEST_US {
        return Err(wrong("it has bounds that loadgate does not write"));
    }
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > inflated.len() - HEADER_BYTES {
        return Err(wrong("it is cut short"));
    }
    let digits = if digits == u64::from(DIGITS) {
        DIGITS
    } else {
        COARSE_DIGITS
    };
    Ok((digits, length))
}

fn wrong(why: &str) -> DecodeError {
    DecodeError(why.to_owned())
}

fn to_seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

impl PartialEq for Latencies {
    fn eq(&self, other: &Self) -> bool {
        self.filled() == other.filled()
    }
}

impl fmt::Debug for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latencies")
            .field("count", &self.count())
            .field("p50", &self.quantile(0.5))
            .field("max", &self.max())
            .finish()
    }
}

impl Serialize for Latencies {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de> Deserialize<'de> for Latencies {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_text(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn recorded(micros: &[u64]) -> Latencies {
        let mut latencies = Latencies::new();
        for value in micros {
            latencies.record_micros(*value);
        }
        latencies
    }

    #[test]
    fn both_resolutions_can_be_made() {
        for digits in [DIGITS, COARSE_DIGITS] {
            assert_eq!(with_digits(digits).sigfig(), digits);
        }
    }

    #[test]
    fn quantiles_are_exact_to_three_digits() {
        let latencies = recorded(&(1..=1000).map(|k| k * 1000).collect::<Vec<_>>());
        for (q, seconds) in [(0.5, 0.5), (0.95, 0.95), (0.99, 0.99)] {
            let got = latencies.quantile(q).unwrap();
            assert!((got / seconds - 1.0).abs() < 1e-3, "{q}: {got}");
        }
    }

    #[test]
    fn what_is_over_a_limit_is_counted() {
        let latencies = recorded(&[100, 200, 300, 400]);
        for (limit, over) in [(0.0, 4), (0.000_2, 2), (0.000_25, 2), (0.001, 0), (1e9, 0)] {
            assert_eq!(latencies.count_over(limit), over, "{limit}");
        }
    }

    #[test]
    fn a_part_can_be_taken_out() {
        let all = recorded(&[100, 200, 300, 400]);
        assert_eq!(all.without(&recorded(&[100, 400])), recorded(&[200, 300]));
        assert!(all.without(&all).is_empty());
        assert_eq!(all.without(&Latencies::new()), all);
        assert_eq!(all.without(&recorded(&[700])), all, "it is no part of it");
    }

    #[test]
    fn a_latency_out_of_bounds_counts_at_the_bound() {
        let latencies = recorded(&[0, u64::MAX]);
        assert_eq!(latencies.count(), 2);
        assert!(latencies.max().unwrap() >= 600.0);
    }

    #[test]
    fn equal_latencies_are_recorded_at_once_and_counted_by_value() {
        let mut latencies = recorded(&[5, 5, 900]);
        latencies.record_many(5, 3);
        assert_eq!(latencies, recorded(&[5, 5, 5, 5, 5, 900]));
        assert_eq!(latencies.counts(), [(5, 5), (900, 1)]);
        assert!(Latencies::new().counts().is_empty());
    }

    #[test]
    fn hostile_text_is_an_error_and_no_panic() {
        for text in [
            "",
            "AAAA",
            "!!!",
            "HISTFAAAAB54nJNpmSzMwMDAxAABzFCaEUoz2X+AsQB5nwTf",
        ] {
            assert!(Latencies::from_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_foreign_configuration_is_refused() {
        let mut foreign = Histogram::<u64>::new_with_bounds(1, u64::MAX / 2, 5).unwrap();
        foreign.record(1).unwrap();
        let foreign = Latencies(Counters::Open(Box::new(foreign)));
        assert!(Latencies::unpack(&foreign.pack()).is_err());
    }

    proptest! {
        #[test]
        fn merging_equals_recording_all(a in prop::collection::vec(0u64..700_000_000, 0..50),
                                        b in prop::collection::vec(0u64..700_000_000, 0..50)) {
            let mut merged = recorded(&a);
            merged.merge(&recorded(&b));
            let all: Vec<u64> = a.into_iter().chain(b).collect();
            prop_assert_eq!(merged, recorded(&all));
        }

        #[test]
        fn merging_is_associative(a in prop::collection::vec(0u64..1_000_000, 0..20),
                                  b in prop::collection::vec(0u64..1_000_000, 0..20),
                                  c in prop::collection::vec(0u64..1_000_000, 0..20)) {
            let (a, b, c) = (recorded(&a), recorded(&b), recorded(&c));
            let mut left = a.clone();
            left.merge(&b);
            left.merge(&c);
            let mut right = b;
            right.merge(&c);
            let mut whole = a;
            whole.merge(&right);
            prop_assert_eq!(left, whole);
        }

        #[test]
        fn text_is_read_back_as_written(values in prop::collection::vec(0u64..700_000_000, 0..100)) {
            let latencies = recorded(&values);
            prop_assert_eq!(Latencies::from_text(&latencies.to_text()).unwrap(), latencies);
        }

        #[test]
        fn what_is_compact_reads_and_records_as_before(values in prop::collection::vec(0u64..700_000_000, 0..100)) {
            let open = recorded(&values);
            let mut compact = open.clone();
            let mut emptied = open.clone();
            compact.compact();
            prop_assert_eq!(emptied.take_compact(), open.clone());
            prop_assert!(emptied.is_empty());
            prop_assert_eq!(&compact, &open);
            prop_assert_eq!(compact.count(), open.count());
            prop_assert_eq!(compact.to_text(), open.to_text());
            compact.record_micros(5);
            let mut more = open;
            more.record_micros(5);
            prop_assert_eq!(compact, more);
        }

        #[test]
        fn what_is_packed_is_read_as_other_tools_read_it(
            a in prop::collection::vec(0u64..700_000_000, 0..80), is_coarse in any::<bool>()
        ) {
            let recorded = recorded(&a);
            let packed = if is_coarse { recorded.to_coarse() } else { recorded }.pack();
            let inflated = {
                let mut inflated = Vec::new();
                flate2::read::ZlibDecoder::new(&packed[PREFIX_BYTES..]).read_to_end(&mut inflated).unwrap();
                inflated
            };
            let theirs: Histogram<u64> =
                hdrhistogram::serialization::Deserializer::new().deserialize(&mut inflated.as_slice()).unwrap();
            prop_assert_eq!(sparse(&packed).unwrap().to_histogram(), theirs);
            let compact = Latencies::unpack(&packed).unwrap();
            let open = Latencies(Counters::Open(Box::new(compact.filled().map_or_else(|| with_digits(DIGITS), Cow::into_owned))));
            for limit in [0.0, 0.001, 0.5, 30.0, 650.0] {
                prop_assert_eq!(compact.count_over(limit), open.count_over(limit));
            }
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Latencies::unpack(&bytes);
        }
    }
}
