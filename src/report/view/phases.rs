//! Phases side by side, and how many requests were in flight in each.

use super::{Aggregates, Figures, View};
use crate::measurement::Arm;

/// The figures of one measured phase of one deployment.
#[derive(Clone, Debug)]
pub(crate) struct PhaseFigures {
    pub(crate) phase: usize,
    pub(crate) name: String,
    /// Its load, such as `20 users`.
    pub(crate) load: String,
    pub(crate) arm: Arm,
    pub(crate) figures: Figures,
    /// The requests that were sent, and how long each took on average from then, in seconds; failures included.
    pub(crate) service: Option<(u64, f64)>,
}

impl PhaseFigures {
    fn new(all: &Aggregates, index: usize, arm: Arm) -> Self {
        let phase = all.phases[index];
        let (mut seconds, mut requests) = (0.0, 0);
        for service in all.parts(None, Some(index), arm).map(|own| &own.service) {
            seconds += service.mean().unwrap_or_default() * service.count() as f64;
            requests += service.count();
        }
        Self {
            phase: index,
            name: phase.name.clone(),
            load: phase.load.clone(),
            arm,
            figures: all.figures(None, Some(index), arm),
            service: (requests > 0).then(|| (requests, seconds / requests as f64)),
        }
    }

    /// The names of the phase, each with its figures, in the order of the scenario.
    pub(crate) fn names(&self, view: &View) -> Vec<Figures> {
        let all = view.aggregates();
        let names = 0..all.names.len();
        let names = names.map(|name| all.figures(Some(name), Some(self.phase), self.arm));
        names.filter(|figures| figures.requests > 0).collect()
    }

    pub(crate) fn sent_per_second(&self) -> Option<f64> {
        let (sent, _) = self.service?;
        let seconds = self.figures.seconds;
        (seconds > 0.0).then(|| sent as f64 / seconds)
    }

    /// Requests in flight on average, by Little's law: rate times duration, of those that were sent.
    pub(crate) fn in_flight(&self) -> Option<f64> {
        let (_, took) = self.service?;
        Some(self.sent_per_second()? * took)
    }
}

/// The measured phases in their order; in a duet each of the base right below that of the target.
pub(super) fn phases(view: &View) -> Vec<PhaseFigures> {
    let mut phases = listed(view, true);
    phases.retain(|phase| phase.figures.requests > 0);
    phases
}

impl View<'_> {
    /// The phases that are not measured, or in which no load is sent.
    pub(crate) fn unmeasured_phases(&self) -> Vec<PhaseFigures> {
        listed(self, false)
    }
}

fn listed(view: &View, is_measured: bool) -> Vec<PhaseFigures> {
    let base = view.record.base.as_ref().map(|_| Arm::Base);
    let phases = view.record.phases.iter().enumerate();
    let phases = phases.filter(|(_, phase)| phase.is_measured_load() == is_measured);
    phases
        .flat_map(|(index, _)| [Some(Arm::Target), base].map(|arm| (index, arm)))
        .filter_map(|(index, arm)| Some(PhaseFigures::new(view.aggregates(), index, arm?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::{FailureKind, Parts};
    use crate::record::PartsRecord;
    use crate::record::samples::{record, traffic};

    #[test]
    fn requests_that_were_not_sent_are_none_in_flight() {
        let mut run = record()
            .steady("warm")
            .slices(
                4,
                &[traffic("GET /a", 100, 50.0).failing(FailureKind::Unset, 40)],
            )
            .build();
        let mut parts = Parts::default();
        (0..240).for_each(|_| parts.service.record_micros(50_000));
        run.parts = vec![PartsRecord {
            phase: 0,
            arm: Arm::Target,
            request: 0,
            parts,
        }];
        let seconds: f64 = run.slices.iter().map(|slice| slice.length_s).sum();
        let phase = PhaseFigures::new(&Aggregates::new(std::iter::once(&run)), 0, Arm::Target);
        assert_eq!(phase.figures.requests, 400);
        let in_flight = phase.in_flight().unwrap();
        assert!(
            (in_flight - 240.0 * 0.05 / seconds).abs() < 0.01 * in_flight,
            "{in_flight}"
        );
    }
}
