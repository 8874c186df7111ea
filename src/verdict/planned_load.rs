//! The requests that a run is expected to send, by phase and name.

use crate::baseline::PhaseScope;
use crate::record::PhaseRecord;
use crate::thresholds::{Limit, Subject};

/// The requests that a run is expected to send.
#[derive(Clone, Copy, Debug)]
pub struct PlannedLoad<'a> {
    /// Its phases, repeats pooled.
    pub phases: &'a [PhaseRecord],
    /// Its request names.
    pub requests: &'a [String],
    /// Requests by phase, over all passes, and by name.
    pub counts: &'a [Vec<f64>],
}

/// The requests of a subject that one phase is expected to send.
pub(super) struct Traffic {
    pub(super) requests: f64,
    seconds: f64,
    steady: bool,
    passes: u32,
}

/// The fewest passes per arm that a repeated phase runs in a duet.
const FEWEST_PASSES: u32 = 5;

impl Traffic {
    pub(super) fn arm(&self, pairs: u32, slice_s: f64) -> ArmPlan {
        if self.steady {
            ArmPlan {
                units: pairs,
                each: self.requests / self.seconds * slice_s,
            }
        } else {
            ArmPlan {
                units: self.passes.max(FEWEST_PASSES),
                each: self.requests / f64::from(self.passes.max(1)),
            }
        }
    }
}

/// One arm of a phase of a duet: slices or passes, each with so many requests.
pub(super) struct ArmPlan {
    units: u32,
    each: f64,
}

impl ArmPlan {
    pub(super) fn requests(&self) -> f64 {
        f64::from(self.units) * self.each
    }

    /// Units left where neighbours are merged until each holds `need`.
    pub(super) fn units(&self, need: u64) -> usize {
        if self.each <= 0.0 {
            return 0;
        }
        let merged = libm::ceil(need as f64 / self.each).max(1.0);
        usize::try_from(whole(libm::floor(f64::from(self.units) / merged))).unwrap_or(usize::MAX)
    }
}

impl<'a> PlannedLoad<'a> {
    /// The names that a scope sends.
    pub(super) fn names(&self, scope: &PhaseScope) -> Vec<&'a String> {
        let phases = scope.phases(self.phases);
        let sent = |index: usize| phases.iter().any(|phase| self.counts[*phase][index] > 0.0);
        let names = self.requests.iter().enumerate();
        names
            .filter(|(index, _)| sent(*index))
            .map(|(_, name)| name)
            .collect()
    }

    /// By phase of a scope, what a subject sends in it.
    pub(super) fn traffic(&self, scope: &PhaseScope, subject: &Subject) -> Vec<Traffic> {
        let phases = scope.phases(self.phases).into_iter();
        phases
            .map(|index| {
                let phase = &self.phases[index];
                Traffic {
                    requests: self.requests_in(index, subject),
                    seconds: phase.duration_s * f64::from(phase.passes),
                    steady: phase.steady,
                    passes: phase.passes,
                }
            })
            .collect()
    }

    fn requests_in(&self, phase: usize, subject: &Subject) -> f64 {
        let counts = self.counts[phase].iter().zip(self.requests);
        counts
            .filter(|(_, name)| match subject {
                Subject::Overall => true,
                Subject::Request(wanted) => wanted == *name,
            })
            .map(|(count, _)| count)
            .sum()
    }

    pub(super) fn requests_for_limit(&self, limit: &Limit) -> f64 {
        let phases = self.phases.iter().enumerate();
        phases
            .filter(|(_, phase)| match &limit.phase {
                Some(name) => phase.name == *name,
                None => phase.measured,
            })
            .map(|(index, _)| self.requests_in(index, &limit.subject))
            .sum()
    }
}

/// A number of requests.
pub(super) fn whole(requests: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at least zero, and saturating for an absurd number is right"
    )]
    let whole = libm::round(requests) as u64;
    whole
}
