//! A run in the course of its time: moment by moment, each a second, the worst of some seconds, or a slice of a duet.

use crate::measurement::Arm;
use crate::record::{RunRecord, SecondRecord, SliceRecord, median};

/// A last piece of less than this is no second of its own: what came in it counts with the second before, so that no
/// rate
/// falls to nothing because the run ended.
const LEAST_S: f64 = 0.5;

/// Below so many lengths of a moment, slices of a duet are told as they are: seconds would hold answers of both arms.
const SLICE: f64 = 3.0;

#[derive(Clone, Debug)]
pub(crate) struct TimeSeries {
    pub(crate) by: By,
    pub(crate) points: Vec<Point>,
    pub(crate) length: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Seconds(usize),
    Slice,
}

/// What came back in one of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) from: f64,
    pub(crate) length: f64,
    /// Where it lies; none between phases and after the last.
    pub(crate) place: Option<PhaseSpan>,
    pub(crate) users: u32,
    /// Responses and failures.
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    /// P50, P95 and P99 in seconds, the worst.
    pub(crate) quantiles: [Option<f64>; 3],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PhaseSpan {
    pub(crate) phase: usize,
    /// The arm; none where both were loaded.
    pub(crate) arm: Option<Arm>,
}

impl Point {
    pub(crate) fn per_second(&self) -> f64 {
        self.requests as f64 / self.length
    }

    pub(crate) fn errors_per_second(&self) -> f64 {
        self.errors as f64 / self.length
    }

    pub(crate) fn middle(&self) -> f64 {
        self.from + self.length / 2.0
    }

    /// The arm whose answers it holds; none where it holds those of both.
    pub(crate) fn arm(&self, record: &RunRecord) -> Option<Arm> {
        if record.base.is_some() {
            return self.place.and_then(|place| place.arm);
        }
        Some(Arm::Target)
    }

    /// Both together, with what is worse.
    fn with(self, next: &Self) -> Self {
        let [p50, p95, p99] = [0, 1, 2].map(|index| {
            let both = [self.quantiles[index], next.quantiles[index]];
            both.into_iter().flatten().reduce(f64::max)
        });
        Self {
            length: self.length + next.length,
            users: self.users.max(next.users),
            requests: self.requests + next.requests,
            errors: self.errors + next.errors,
            quantiles: [p50, p95, p99],
            ..self
        }
    }
}

/// The course of a run in at most so many moments, but for a duet of more slices.
pub(super) fn time_series(record: &RunRecord, most: usize) -> TimeSeries {
    let seconds = seconds(record);
    let length = seconds.iter().map(|second| second.length).sum();
    let width = seconds.len().div_ceil(most.max(1)).max(1);
    if is_by_slice(record, width) {
        let slices = record.slices.iter();
        return TimeSeries {
            by: By::Slice,
            points: slices.map(|slice| of_slice(slice, &seconds)).collect(),
            length,
        };
    }
    let moments = seconds.chunks(width).filter_map(|chunk| {
        let (first, rest) = chunk.split_first()?;
        let mut moment = rest.iter().fold(*first, Point::with);
        moment.place = place(record, &moment);
        Some(moment)
    });
    TimeSeries {
        by: By::Seconds(width),
        points: moments.collect(),
        length,
    }
}

/// The seconds, the last of which may be shorter or longer by what the run left of one.
fn seconds(record: &RunRecord) -> Vec<Point> {
    let seconds = record.timeline.iter().enumerate();
    let mut moments: Vec<Point> = seconds
        .map(|(index, second)| of_second(index, second))
        .collect();
    let Some(last) = moments.last_mut() else {
        return moments;
    };
    // A record that says otherwise than its timeline is told as if every second were whole.
    let left = record.run.duration_s - last.from;
    if (LEAST_S..1.0).contains(&left) {
        last.length = left;
    }
    if (-LEAST_S..LEAST_S).contains(&left)
        && let [.., before, last] = moments.as_mut_slice()
    {
        last.length = left.max(0.0);
        *before = before.with(last);
        moments.pop();
    }
    moments
}

fn of_second(index: usize, second: &SecondRecord) -> Point {
    let seconds = |millis: f64| millis / 1e3;
    Point {
        from: index as f64,
        length: 1.0,
        place: None,
        users: second.users,
        requests: second.requests,
        errors: second.errors,
        quantiles: [second.p50_ms, second.p95_ms, second.p99_ms].map(|millis| millis.map(seconds)),
    }
}

/// Whether moments of so many seconds would hold answers of both arms: where those of a duet are mixed, or its slices short.
fn is_by_slice(record: &RunRecord, width: usize) -> bool {
    if record.is_mixed() {
        return true;
    }
    let paired = record.slices.iter().filter(|slice| slice.pair.is_some());
    let lengths: Vec<f64> = paired.map(|slice| slice.length_s).collect();
    record.base.is_some() && !lengths.is_empty() && median(&lengths) < SLICE * width as f64
}

fn of_slice(slice: &SliceRecord, seconds: &[Point]) -> Point {
    let (cell, end) = (slice.cell(None), slice.start_s + slice.length_s);
    let during = seconds
        .iter()
        .filter(|second| second.from < end && second.from + second.length > slice.start_s);
    let latencies = cell.latencies();
    Point {
        from: slice.start_s,
        length: slice.length_s,
        place: Some(PhaseSpan {
            phase: slice.phase,
            arm: Some(slice.arm),
        }),
        users: during.map(|second| second.users).max().unwrap_or(0),
        requests: cell.requests(),
        errors: cell.failures(),
        quantiles: [0.5, 0.95, 0.99].map(|q| latencies.quantile(q)),
    }
}

/// The phase that runs in the middle of a moment, and whose turn it is.
fn place(record: &RunRecord, moment: &Point) -> Option<PhaseSpan> {
    let at = moment.middle();
    let (from, to) = (moment.from, moment.from + moment.length);
    let before = record.slices.partition_point(|slice| slice.start_s < to);
    let end = |slice: &SliceRecord| slice.start_s + slice.length_s;
    let mut during = record.slices[..before].iter().rev();
    let during = during.by_ref().take_while(|slice| end(slice) > from);
    let during: Vec<&SliceRecord> = during.collect();
    let slice = during
        .iter()
        .find(|slice| (slice.start_s..end(slice)).contains(&at));
    let is_shared = during.iter().any(|slice| slice.arm != during[0].arm);
    // In the guard of a duet come the last answers of the arm before.
    let slice = slice.or_else(|| during.first().filter(|_| record.base.is_some()))?;
    Some(PhaseSpan {
        phase: slice.phase,
        arm: (!is_shared).then_some(slice.arm),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::samples::record;

    fn second(requests: u64, p95_ms: Option<f64>) -> SecondRecord {
        SecondRecord {
            users: 20,
            requests,
            errors: requests / 100,
            kinds: std::collections::BTreeMap::new(),
            p50_ms: None,
            p95_ms,
            p99_ms: None,
        }
    }

    /// A run of this length whose last second is this one.
    fn ending(duration_s: f64, last: u64) -> RunRecord {
        record()
            .with(|run| {
                run.timeline = vec![second(1000, Some(9.0)); 3];
                run.timeline.push(second(last, Some(8.0)));
                run.run.duration_s = duration_s;
            })
            .build()
    }

    #[test]
    fn a_rate_does_not_fall_because_the_run_ended_within_a_second() {
        for (duration, last, lengths) in [
            (3.02, 20, vec![1.0, 1.0, 1.02]),
            (3.7, 700, vec![1.0, 1.0, 1.0, 0.7]),
            (4.0, 1000, vec![1.0; 4]),
            // What was noted as it ended may be a moment older than what came last.
            (2.999, 1, vec![1.0, 1.0, 1.0]),
            // A record that does not know itself.
            (900.0, 1000, vec![1.0; 4]),
        ] {
            let series = time_series(&ending(duration, last), usize::MAX);
            assert_eq!(series.by, By::Seconds(1));
            let rates: Vec<f64> = series.points.iter().map(Point::per_second).collect();
            for rate in &rates {
                assert!((rate - 1000.0).abs() < 1.1, "{duration}: {rates:?}");
            }
            assert_eq!(rates.len(), lengths.len(), "{duration}");
            for (moment, length) in series.points.iter().zip(lengths) {
                assert!((moment.length - length).abs() < 1e-9, "{duration}");
            }
        }
    }

    #[test]
    fn nothing_of_the_last_piece_is_lost() {
        let mut run = ending(3.1, 100);
        run.timeline[3].p95_ms = Some(70.0);
        let series = time_series(&run, usize::MAX);
        let sum: u64 = series.points.iter().map(|moment| moment.requests).sum();
        let errors: u64 = series.points.iter().map(|moment| moment.errors).sum();
        assert_eq!((sum, errors), (3100, 31));
        assert_eq!(series.points[2].quantiles[1], Some(0.07));
        assert!((series.length - 3.1).abs() < 1e-9);
    }

    #[test]
    fn a_long_run_is_told_by_the_worst_of_some_seconds() {
        let series = time_series(&ending(4.0, 1000), 2);
        assert_eq!(series.by, By::Seconds(2));
        assert_eq!(series.points.len(), 2);
        assert_eq!(series.points[1].quantiles[1], Some(0.009));
        assert!((series.points[1].per_second() - 1000.0).abs() < 1e-9);
    }
}
