//! Waits until late figures are complete.

use std::time::{Duration, Instant};

use super::client::Patience;
use super::error::Error;

/// How often and how long to look for late figures.
#[derive(Clone, Copy)]
pub(super) struct Pace<'a> {
    /// The time between two looks.
    pub(super) every: Duration,
    /// When the last look ends.
    pub(super) until: Instant,
    /// How to sleep.
    pub(super) patience: Patience<'a>,
}

/// How a count that arrives late compares with the expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// All of it arrived.
    Complete,
    /// Some of it did not arrive in time.
    Short {
        /// What arrived.
        has: u64,
        /// What was expected.
        of: u64,
    },
    /// More arrived than was sent: others used the target at the same time.
    Foreign {
        /// What arrived.
        has: u64,
        /// What was expected.
        of: u64,
    },
}

/// Looks again and again until the counts so far say that it is enough, or the time is over. A failure that may pass
/// counts as a look without news; it is returned only if every look failed.
pub(super) fn settle(
    pace: &Pace<'_>,
    expected: u64,
    look: &mut dyn FnMut() -> Result<u64, Error>,
    is_enough: &dyn Fn(&[u64], u64) -> bool,
) -> Result<Settled, Error> {
    let mut counts = Vec::new();
    loop {
        let failure = match look() {
            Ok(count) => {
                counts.push(count);
                None
            }
            Err(error @ (Error::TimedOut { .. } | Error::Stopped)) => Some(error),
            Err(error) if error.may_pass() => Some(error),
            Err(error) => return Err(error),
        };
        let left = pace.until.saturating_duration_since(Instant::now());
        let is_over = (failure.is_none() && is_enough(&counts, expected))
            || left.is_zero()
            || (pace.patience.sleep)(pace.every.min(left)).is_break();
        if is_over {
            return match (counts.last(), failure) {
                (None, Some(error)) => Err(error),
                (has, _) => Ok(Settled::of(has.copied().unwrap_or_default(), expected)),
            };
        }
    }
}

/// Whether counts of metrics are enough: all that was expected, and no more since the look before.
pub(super) fn counts_settled(counts: &[u64], expected: u64) -> bool {
    match counts {
        [.., before, last] => before == last && *last >= expected,
        _ => false,
    }
}

/// Whether counts of log lines are enough: all that were expected and no more since the look before, or some, and no more in
/// three looks.
pub(super) fn reports_settled(counts: &[u64], expected: u64) -> bool {
    match counts {
        [.., before, last] if *last >= expected => before == last,
        [.., a, b, c, last] => *last > 0 && [a, b, c].iter().all(|count| *count == last),
        _ => false,
    }
}

/// Whether sums of log lines are enough: all that were expected, or no more since the look before. Each look costs money.
pub(super) fn sums_settled(counts: &[u64], expected: u64) -> bool {
    match counts {
        [.., last] if *last >= expected => true,
        [.., before, last] => *last > 0 && before == last,
        _ => false,
    }
}

impl Settled {
    fn of(has: u64, of: u64) -> Self {
        match has.cmp(&of) {
            std::cmp::Ordering::Less => Self::Short { has, of },
            std::cmp::Ordering::Equal => Self::Complete,
            std::cmp::Ordering::Greater => Self::Foreign { has, of },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::aws::fake::patience;

    /// The result and the number of looks at these counts; the last one stays.
    fn after(counts: &[u64], is_enough: &dyn Fn(&[u64], u64) -> bool) -> (Settled, usize) {
        let start = Instant::now();
        let every = Duration::from_millis(1);
        let pace = Pace {
            every,
            until: start + Duration::from_mins(1),
            patience: Patience {
                sleep: &|_| ControlFlow::Continue(()),
                ..patience()
            },
        };
        let mut looks = 0;
        let mut look = || {
            looks += 1;
            Ok(counts[counts.len().min(looks) - 1])
        };
        let settled = settle(&pace, 100, &mut look, is_enough).unwrap();
        (settled, looks)
    }

    #[test]
    fn counts_settle_when_complete_and_unchanged() {
        for (counts, settled, looks) in [
            (&[100, 100][..], Settled::Complete, 2),
            (&[0, 0, 60, 60, 100, 100], Settled::Complete, 6),
            (&[100, 130, 130], Settled::Foreign { has: 130, of: 100 }, 3),
        ] {
            assert_eq!(after(counts, &counts_settled), (settled, looks));
        }
    }

    #[test]
    fn reports_settle_when_complete_or_long_unchanged() {
        for (counts, settled, looks) in [
            (&[100][..], Settled::Complete, 2),
            (&[0, 0, 0, 0, 0, 100], Settled::Complete, 7),
            (&[0, 96], Settled::Short { has: 96, of: 100 }, 5),
        ] {
            assert_eq!(after(counts, &reports_settled), (settled, looks));
        }
    }

    #[test]
    fn sums_settle_at_once_when_complete() {
        for (counts, settled, looks) in [
            (&[100][..], Settled::Complete, 1),
            (&[0, 0, 60, 100], Settled::Complete, 4),
            (&[96], Settled::Short { has: 96, of: 100 }, 2),
        ] {
            assert_eq!(after(counts, &sums_settled), (settled, looks));
        }
    }

    #[test]
    fn the_end_of_the_wait_or_of_sleep_ends_the_looks() {
        let start = Instant::now();
        for (wait, sleep) in [
            (Duration::ZERO, ControlFlow::Continue(())),
            (Duration::from_mins(1), ControlFlow::Break(())),
        ] {
            let pace = Pace {
                every: Duration::from_millis(1),
                until: start + wait,
                patience: Patience {
                    sleep: &|_| sleep,
                    ..patience()
                },
            };
            let settled = settle(&pace, 10_000, &mut || Ok(9_812), &counts_settled).unwrap();
            let short = Settled::Short {
                has: 9_812,
                of: 10_000,
            };
            assert_eq!(settled, short);
        }
    }
}
