//! Phases side by side, and how many requests were in flight in each.

use crate::measurement::Arm;
use crate::record::RunRecord;
use crate::report::ReportInput;
use crate::report::figures::{Figures, gather};

/// The figures of one measured phase of one deployment.
#[derive(Clone, Debug)]
pub(in crate::report) struct PhaseFigures {
    /// Index of the phase.
    pub(in crate::report) phase: usize,
    /// Its name.
    pub(in crate::report) name: String,
    /// Its load, such as `20 users`.
    pub(in crate::report) load: String,
    /// The deployment.
    pub(in crate::report) arm: Arm,
    /// All its requests.
    pub(in crate::report) figures: Figures,
    /// The requests that were sent, and how long each took on average from then, in seconds; failures included.
    pub(in crate::report) service: Option<(u64, f64)>,
}

impl PhaseFigures {
    /// Requests sent per second; none where no time passed.
    pub(in crate::report) fn sent_per_second(&self) -> Option<f64> {
        let (sent, _) = self.service?;
        let seconds = self.figures.seconds;
        (seconds > 0.0).then(|| sent as f64 / seconds)
    }

    /// Requests in flight on average, by Little's law: rate times duration, of those that were sent.
    pub(in crate::report) fn in_flight(&self) -> Option<f64> {
        let (_, took) = self.service?;
        Some(self.sent_per_second()? * took)
    }
}

/// The measured phases in their order; in a duet each of the base right below that of the target.
pub(in crate::report) fn phases(story: &ReportInput) -> Vec<PhaseFigures> {
    let record = story.record;
    let arms = std::iter::once(Arm::Target).chain(record.base.as_ref().map(|_| Arm::Base));
    let arms: Vec<Arm> = arms.collect();
    let phases = record.phases.iter().enumerate();
    phases
        .filter(|(_, phase)| phase.is_measured_load())
        .flat_map(|(index, phase)| arms.iter().map(move |arm| (index, phase, *arm)))
        .map(|(index, phase, arm)| PhaseFigures {
            phase: index,
            name: phase.name.clone(),
            load: phase.load.clone(),
            arm,
            figures: of_phase(story, &phase.name, arm, None),
            service: service(story.records(), &phase.name, arm),
        })
        .filter(|of| of.figures.requests > 0)
        .collect()
}

/// The names of one phase, each with its figures, in the order of the scenario.
pub(in crate::report) fn side_by_side(story: &ReportInput, phase: &PhaseFigures) -> Vec<Figures> {
    let names = story.record.requests.iter();
    names
        .map(|name| of_phase(story, &phase.name, phase.arm, Some(name)))
        .filter(|figures| figures.requests > 0)
        .collect()
}

fn of_phase(story: &ReportInput, phase: &str, arm: Arm, request: Option<&str>) -> Figures {
    gather(story.records(), request, |record, slice| {
        slice.arm == arm && record.phases[slice.phase].name == phase
    })
}

/// The requests that were sent, and their mean time from then to the end of an answer or a failure.
fn service<'r>(
    records: impl Iterator<Item = &'r RunRecord>,
    phase: &str,
    arm: Arm,
) -> Option<(u64, f64)> {
    let (mut seconds, mut requests) = (0.0, 0);
    for record in records {
        let parts = record.parts.iter();
        let own = parts.filter(|own| own.arm == arm && record.phases[own.phase].name == phase);
        for service in own.map(|own| &own.parts.service) {
            seconds += service.mean().unwrap_or_default() * service.count() as f64;
            requests += service.count();
        }
    }
    (requests > 0).then(|| (requests, seconds / requests as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::{FailureKind, Parts};
    use crate::record::PartsRecord;
    use crate::record::sample::{record, traffic};

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
        let figures = gather(std::iter::once(&run), None, |_, _| true);
        assert_eq!(figures.requests, 400);
        let phase = PhaseFigures {
            phase: 0,
            name: "warm".to_owned(),
            load: String::new(),
            arm: Arm::Target,
            figures,
            service: service(std::iter::once(&run), "warm", Arm::Target),
        };
        let told = phase.in_flight().unwrap();
        assert!(
            (told - 240.0 * 0.05 / seconds).abs() < 0.01 * told,
            "{told}"
        );
    }
}
