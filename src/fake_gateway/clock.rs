//! The server's clock: the time since its start, and the time of day that goes with it.

use std::time::{Duration, Instant, SystemTime};

/// A monotonic clock that began with the server. Inside, every moment is a `Duration` since then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: Instant,
    start_of_day: Duration,
}

impl Clock {
    pub(super) fn started_now() -> Self {
        Self {
            start: Instant::now(),
            start_of_day: SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(),
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// The instant of a moment, for timers.
    pub(super) fn instant(&self, moment: Duration) -> Instant {
        self.start + moment
    }

    /// The time since 1970 of a moment. It runs on from the start, so that a clock that was set does not show.
    pub(super) fn unix(&self, moment: Duration) -> Duration {
        self.start_of_day + moment
    }
}
