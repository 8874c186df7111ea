//! What a core tells while it runs: a few numbers that it alone writes, so that writing costs what a plain store costs.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::budget::Usage;
use crate::measurement::LatencyHistogram;

/// The running totals of one core. Aligned to keep the cores out of each other's cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct LiveCounters {
    requests: AtomicU64,
    errors: AtomicU64,
    users: AtomicU32,
    /// What was used of a budget, if there is one.
    pub(super) usage: Arc<Usage>,
    /// Latencies of the last whole second; locked once a second.
    last_second: Mutex<LatencyHistogram>,
}

impl LiveCounters {
    /// Counts a request. Only one thread writes, so load and store need not be one step.
    pub(super) fn count(&self, failed: bool) {
        let requests = self.requests.load(Ordering::Relaxed);
        self.requests.store(requests + 1, Ordering::Relaxed);
        if failed {
            let errors = self.errors.load(Ordering::Relaxed);
            self.errors.store(errors + 1, Ordering::Relaxed);
        }
    }

    pub(super) fn set_users(&self, users: u32) {
        self.users.store(users, Ordering::Relaxed);
    }

    pub(super) fn publish(&self, latencies: &LatencyHistogram) {
        self.last_second
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(latencies);
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(super) fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    pub(super) fn users(&self) -> u32 {
        self.users.load(Ordering::Relaxed)
    }

    /// Adds the latencies of the last whole second.
    pub(super) fn add_last_second(&self, latencies: &mut LatencyHistogram) {
        latencies.merge(
            &self
                .last_second
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}
