//! What a load may cost, and an upper bound of what it has cost so far.
//!
//! A client waits for a response at least as long as the function behind it is billed. So no call to AWS is needed while
//! the load runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::sender::Sent;
use crate::measurement::FailureKind;

/// What a load may cost, and what a request costs at most. Money is in picodollars, so that sums are of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The most that the load may cost.
    pub most: u64,
    /// A request, whatever its duration.
    pub per_request: u64,
    /// A millisecond of it.
    pub per_millisecond: u64,
    /// The longest that a request is billed for, in milliseconds.
    pub longest_ms: u64,
}

impl Budget {
    fn cost(&self, used: &Used) -> u64 {
        let requests = self.per_request.saturating_mul(used.requests);
        requests.saturating_add(self.per_millisecond.saturating_mul(used.milliseconds))
    }

    /// What the load has cost at most by `now` since its start, if that is all that it may cost.
    pub(super) fn spent<'u>(
        &self,
        usage: impl Iterator<Item = &'u Usage>,
        now: Duration,
    ) -> Option<u64> {
        let used = usage.map(|usage| usage.until(now));
        let spent = used.fold(0_u64, |sum, used| sum.saturating_add(self.cost(&used)));
        (spent >= self.most).then_some(spent)
    }
}

/// What requests are billed for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Used {
    requests: u64,
    milliseconds: u64,
}

/// What one core used of one arm. Only that core writes, so load and store need not be one step.
#[derive(Debug, Default)]
pub(super) struct Usage {
    /// Requests that ended, and their milliseconds.
    requests: AtomicU64,
    milliseconds: AtomicU64,
    /// Requests in flight, and the sum of their starts in microseconds since the start of the load.
    in_flight: AtomicU64,
    starts: AtomicU64,
}

impl Usage {
    fn until(&self, now: Duration) -> Used {
        let in_flight = self.in_flight.load(Ordering::Relaxed);
        let starts = self.starts.load(Ordering::Relaxed);
        let waited = micros(now).saturating_mul(in_flight).saturating_sub(starts);
        Used {
            requests: self.requests.load(Ordering::Relaxed) + in_flight,
            // Each is billed by the whole millisecond.
            milliseconds: self.milliseconds.load(Ordering::Relaxed) + waited / 1000 + in_flight,
        }
    }
}

/// Counts what one core uses of one arm.
pub(super) struct Meter {
    pub(super) longest_ms: u64,
    pub(super) usage: Arc<Usage>,
}

impl Meter {
    /// A request is sent, at a time since the start of the load.
    pub(super) fn begin(&self, start: Duration) {
        add(&self.usage.in_flight, 1);
        add(&self.usage.starts, micros(start));
    }

    /// What began at `start` has ended. It was sent up to `times`: it may have been redirected.
    pub(super) fn end(&self, start: Duration, sent: &Sent, times: u64) {
        let usage = &*self.usage;
        add(&usage.in_flight, 1_u64.wrapping_neg());
        add(&usage.starts, micros(start).wrapping_neg());
        if !sent.went_out {
            return;
        }
        let is_resent = sent.failure == Some(FailureKind::Resent);
        add(&usage.requests, times + u64::from(is_resent));
        let is_given_up = sent.failure == Some(FailureKind::Timeout);
        let service = sent.done.saturating_duration_since(sent.at);
        // The function may go on after the client has given up.
        let billed = if is_given_up {
            self.longest_ms
        } else {
            micros(service).div_ceil(1000).min(self.longest_ms)
        };
        add(&usage.milliseconds, billed);
    }
}

fn add(sum: &AtomicU64, value: u64) {
    let new = sum.load(Ordering::Relaxed).wrapping_add(value);
    sum.store(new, Ordering::Relaxed);
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::measurement::{ColdStartMark, UnreachableCause};

    const BUDGET: Budget = Budget {
        most: 1_000,
        per_request: 100,
        per_millisecond: 2,
        longest_ms: 50,
    };

    fn sent(millis: u64, failure: Option<FailureKind>) -> Sent {
        let at = Instant::now();
        Sent {
            at,
            done: at + Duration::from_millis(millis),
            failure,
            start: ColdStartMark::Untracked,
            id: None,
            went_out: true,
            answered: true,
            detail: None,
            cause: UnreachableCause::Unknown,
        }
    }

    fn used_by(ended: &[(Sent, u64)], in_flight_since_ms: &[u64], now_ms: u64) -> Used {
        let meter = Meter {
            longest_ms: BUDGET.longest_ms,
            usage: Arc::default(),
        };
        for start in in_flight_since_ms {
            meter.begin(Duration::from_millis(*start));
        }
        for (sent, times) in ended {
            meter.begin(Duration::from_millis(3));
            meter.end(Duration::from_millis(3), sent, *times);
        }
        meter.usage.until(Duration::from_millis(now_ms))
    }

    #[test]
    fn ended_requests_are_billed_up_to_the_timeout() {
        let resent = sent(10, Some(FailureKind::Resent));
        for (sent, times, requests, milliseconds) in [
            (sent(10, None), 1, 1, 10),
            (sent(80, None), 1, 1, 50),
            (sent(10, Some(FailureKind::Timeout)), 1, 1, 50),
            (sent(10, None), 3, 3, 10),
            (resent, 1, 2, 10),
        ] {
            let expected = Used {
                requests,
                milliseconds,
            };
            assert_eq!(used_by(&[(sent, times)], &[], 1_000), expected);
        }
        let unsent = Sent {
            went_out: false,
            ..sent(10, Some(FailureKind::Unset))
        };
        assert_eq!(used_by(&[(unsent, 1)], &[], 1_000), Used::default());
    }

    #[test]
    fn requests_in_flight_are_billed_until_now() {
        let expected = Used {
            requests: 2,
            milliseconds: 30 + 10 + 2,
        };
        assert_eq!(used_by(&[], &[10, 30], 40), expected);
    }

    #[test]
    fn a_budget_is_spent_by_all_cores_together() {
        let usage = [Usage::default(), Usage::default()];
        for usage in &usage {
            add(&usage.requests, 3);
            add(&usage.milliseconds, 99);
        }
        let spent = |budget: Budget| budget.spent(usage.iter(), Duration::ZERO);
        assert_eq!(spent(BUDGET), None);
        let exact = Budget {
            most: 996,
            ..BUDGET
        };
        assert_eq!(spent(exact), Some(996));
        let huge = Budget {
            per_request: u64::MAX,
            ..BUDGET
        };
        assert_eq!(spent(huge), Some(u64::MAX));
    }
}
