//! The time that requests per second are counted over.

use super::{PhaseRecord, Throughput};

/// Responses and the time that they took. An idle phase counts only if nothing else is asked for, as in [`LoadSeconds`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LoadRate {
    loaded: Throughput,
    idle: Throughput,
}

impl LoadRate {
    /// Adds responses of a phase.
    pub fn add(&mut self, phase: &PhaseRecord, completed: Throughput) {
        if phase.idle {
            self.idle.add(completed);
        } else {
            self.loaded.add(completed);
        }
    }

    /// What counts.
    pub fn value(self) -> Throughput {
        if self.loaded.seconds > 0.0 {
            self.loaded
        } else {
            self.idle
        }
    }
}

/// Seconds in which requests were to become due. An idle phase sends nothing by its plan, so that its seconds count only
/// where nothing else is asked for: as in the limit on requests per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LoadSeconds {
    loaded: f64,
    idle: f64,
}

impl LoadSeconds {
    /// Adds time of a phase.
    pub fn add(&mut self, phase: &PhaseRecord, seconds: f64) {
        if phase.idle {
            self.idle += seconds;
        } else {
            self.loaded += seconds;
        }
    }

    /// The seconds that count.
    pub fn value(self) -> f64 {
        if self.loaded > 0.0 {
            self.loaded
        } else {
            self.idle
        }
    }
}
