//! Those who wait, by their instants.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::task::Waker;
use std::time::Instant;

/// Waiters that a burst leaves room for; more memory is given back.
const KEPT: usize = 1024;

/// A heap whose greatest element is due first.
#[derive(Debug, Default)]
pub(super) struct Waiters(BinaryHeap<Waiter>);

#[derive(Debug)]
struct Waiter {
    at: Instant,
    waker: Waker,
}

impl Waiters {
    /// Adds a waiter, and returns whether it is due before all others.
    pub(super) fn push(&mut self, at: Instant, waker: &Waker) -> bool {
        let is_earliest = self.0.peek().is_none_or(|first| at < first.at);
        self.0.push(Waiter {
            at,
            waker: waker.clone(),
        });
        is_earliest
    }

    /// Wakes those who are due, and returns when the next one is.
    pub(super) fn wake_due(&mut self, now: Instant) -> Option<Instant> {
        while self.0.peek().is_some_and(|first| first.at <= now) {
            if let Some(due) = self.0.pop() {
                due.waker.wake();
            }
        }
        let next = self.0.peek().map(|first| first.at);
        if next.is_none() && self.0.capacity() > KEPT {
            self.0.shrink_to(KEPT);
        }
        next
    }
}

impl Ord for Waiter {
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.cmp(&self.at)
    }
}

impl PartialOrd for Waiter {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiter {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Waiter {}
