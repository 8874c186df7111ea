//! The correlation of errors and load, by the seconds of a run.
//!
//! Load and time go together in a ramp: what breaks half way up looks as if the load broke it. So errors are only said to
//! follow the load where they are rarer at low load before it rose and again after it fell.

use super::{SURE, is_surely_more, share_change};
use crate::record::{LoadModel, RunRecord, SecondRecord};
use crate::units::six_digits;
use crate::verdict::statistics::Count;

/// Blocks that a run is cut into: neighbouring seconds share their fate.
const BLOCKS: usize = 40;
/// Blocks of low load that are needed before the load rose, and after it fell.
const FEWEST_BLOCKS: usize = 2;
/// The highest load over the lowest: below, there is no high and low.
const LEAST_RISE: f64 = 1.5;
/// Errors without which it cannot be said that they do not follow.
const FEWEST_TO_DENY: u64 = 20;

/// What the load is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadUnit {
    /// Users.
    Users,
    /// Requests per second, where arrivals and not users are given.
    RequestsPerSecond,
}

/// How errors and load go together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadCorrelation {
    /// Whether errors follow the load; else they surely do not.
    pub follows: bool,
    /// The unit of the load.
    pub unit: LoadUnit,
    /// Where low load ends and high load begins.
    pub boundary: f64,
    /// Share of failed requests at low load.
    pub low_load_errors: f64,
    /// The same at high load.
    pub high_load_errors: f64,
}

/// Neighbouring seconds.
struct Block {
    load: f64,
    count: Count,
}

/// Finds whether errors follow the load; none if the run does not suffice to decide.
pub(super) fn load_correlation(record: &RunRecord) -> Option<LoadCorrelation> {
    // In a duet the seconds alternate between two deployments.
    if record.base.is_some() {
        return None;
    }
    let of = load_of(record);
    let blocks = blocks(record, of);
    let loads = || blocks.iter().map(|block| block.load);
    let (lowest, highest) = (
        loads().fold(f64::INFINITY, f64::min),
        loads().fold(0.0, f64::max),
    );
    if blocks.is_empty() || highest < LEAST_RISE * lowest {
        return None;
    }
    let between = 0.5 * (lowest + highest);
    let is_high = |block: &&Block| block.load >= between;
    let rose = blocks.iter().position(|block| is_high(&block))?;
    let fell = blocks.iter().rposition(|block| is_high(&block))?;
    let counts = |part: &[Block], high: bool| -> Vec<Count> {
        let part = part.iter().filter(|block| is_high(block) == high);
        part.map(|block| block.count).collect()
    };
    let (high, low) = (counts(&blocks, true), counts(&blocks, false));
    let (before, after) = (
        counts(&blocks[..rose], false),
        counts(&blocks[fell + 1..], false),
    );
    let correlation = |follows| LoadCorrelation {
        follows,
        unit: of,
        boundary: six_digits(between),
        low_load_errors: six_digits(Count::total(&low).share()),
        high_load_errors: six_digits(Count::total(&high).share()),
    };
    let sides = [&before, &after];
    if sides.iter().all(|side| side.len() >= FEWEST_BLOCKS)
        && sides
            .iter()
            // Both sides must be sure, so each may be tested at the whole level.
            .all(|side| is_surely_more(share_change(side, &high), SURE))
    {
        return Some(correlation(true));
    }
    is_surely_alike(&low, &high).then(|| correlation(false))
}

/// Users, unless a phase has arrivals: of those the rate is the load, whatever the number of users.
fn load_of(record: &RunRecord) -> LoadUnit {
    let mut phases = record.phases.iter();
    if phases.any(|phase| phase.model == LoadModel::Arrivals) {
        LoadUnit::RequestsPerSecond
    } else {
        LoadUnit::Users
    }
}

fn blocks(record: &RunRecord, of: LoadUnit) -> Vec<Block> {
    let seconds: Vec<&SecondRecord> = record
        .timeline
        .iter()
        .filter(|second| second.requests > 0 && second.users > 0)
        .collect();
    let length = seconds.len().div_ceil(BLOCKS).max(1);
    let block = |seconds: &[&SecondRecord]| {
        let load = |second: &&SecondRecord| match of {
            LoadUnit::Users => f64::from(second.users),
            LoadUnit::RequestsPerSecond => second.requests as f64,
        };
        Block {
            load: seconds.iter().map(load).sum::<f64>() / seconds.len() as f64,
            count: Count {
                hits: seconds.iter().map(|second| second.errors).sum(),
                of: seconds.iter().map(|second| second.requests).sum(),
            },
        }
    };
    seconds.chunks(length).map(block).collect()
}

/// Whether the two shares surely differ by less than half of what both have together.
fn is_surely_alike(low: &[Count], high: &[Count]) -> bool {
    if low.len().min(high.len()) < FEWEST_BLOCKS {
        return false;
    }
    let change = share_change(low, high);
    let hits = change.base.hits + change.current.hits;
    let share = hits as f64 / (change.base.of + change.current.of).max(1) as f64;
    hits >= FEWEST_TO_DENY && change.lower(SURE) > -share / 2.0 && change.upper(SURE) < share / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::samples::record;

    /// A run whose seconds have so many users and so many of 200 requests failing.
    fn run(seconds: impl IntoIterator<Item = (u32, u64)>) -> RunRecord {
        let second = |(users, errors)| SecondRecord {
            users,
            requests: 200,
            errors,
            kinds: std::collections::BTreeMap::new(),
            p50_ms: None,
            p95_ms: None,
            p99_ms: None,
        };
        record()
            .steady("warm")
            .with(|run| run.timeline = seconds.into_iter().map(second).collect())
            .build()
    }

    fn seconds(parts: &[(usize, u32, u64)]) -> RunRecord {
        let parts = parts.iter();
        run(parts.flat_map(|(count, users, errors)| std::iter::repeat_n((*users, *errors), *count)))
    }

    #[test]
    fn errors_that_come_and_go_with_the_load_follow_it() {
        let correlation =
            load_correlation(&seconds(&[(20, 20, 0), (20, 100, 14), (20, 20, 0)])).unwrap();
        assert!(correlation.follows);
        assert!(
            (correlation.boundary - 60.0).abs() < 1e-9
                && (correlation.high_load_errors - 0.07).abs() < 1e-9
        );
        assert_eq!(correlation.unit, LoadUnit::Users);
    }

    #[test]
    fn errors_that_come_with_time_are_not_laid_at_the_load() {
        // The load never falls again.
        assert_eq!(
            load_correlation(&seconds(&[(30, 20, 0), (30, 100, 14)])),
            None
        );
        // It falls, and the errors stay.
        let stay = [(20, 20, 0), (20, 100, 14), (20, 20, 14)];
        assert_eq!(load_correlation(&seconds(&stay)), None);
    }

    #[test]
    fn errors_as_frequent_at_any_load_do_not_follow_it() {
        let correlation =
            load_correlation(&seconds(&[(20, 20, 8), (20, 100, 8), (20, 20, 8)])).unwrap();
        assert!(!correlation.follows, "{correlation:?}");
    }

    #[test]
    fn few_errors_one_load_and_no_time_tell_nothing() {
        for parts in [
            &[(20, 20, 0), (20, 100, 0), (20, 20, 0)][..],
            &[(60, 20, 5)],
            &[(1, 20, 0), (1, 100, 14), (1, 20, 0)],
            &[],
        ] {
            assert_eq!(load_correlation(&seconds(parts)), None, "{parts:?}");
        }
        // One burst of errors under high load is no pattern.
        let once = [
            (20, 20, 0),
            (10, 100, 0),
            (1, 100, 60),
            (9, 100, 0),
            (20, 20, 0),
        ];
        assert_eq!(load_correlation(&seconds(&once)), None);
    }
}
