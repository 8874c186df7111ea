//! What is judged together: runs, and what they are held against.

use super::input::{CandidateRun, JOBS_ALPHA, JudgeInput, ReferenceData};
use super::looks::{self, DUET_ALPHA};
use super::rule::Rules;
use crate::baseline::Job;
use crate::thresholds::Regression;
use crate::units::date;

/// The runs that are judged, and what they are held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'a> {
    pub(super) input: &'a JudgeInput<'a>,
    pub(super) runs: &'a [CandidateRun<'a>],
    pub(super) reference: ReferenceData<'a>,
}

impl<'a> Case<'a> {
    pub(super) fn regression(&self) -> &'a Regression {
        &self.input.thresholds.regression
    }

    /// The rules of the newest run; none without runs.
    pub(super) fn rules(&self) -> Option<Rules<'a>> {
        let newest = self.runs.last()?.record;
        let is_duet = matches!(self.reference, ReferenceData::BaseArm);
        Some(Rules::for_day(
            date(newest.run.started),
            self.regression(),
            is_duet,
        ))
    }

    /// The jobs that the runs are compared with; none if that is a base arm or nothing.
    pub(super) fn jobs(&self) -> Option<&'a [&'a Job]> {
        match self.reference {
            ReferenceData::Jobs(jobs) => Some(jobs),
            ReferenceData::BaseArm | ReferenceData::Nothing(_) => None,
        }
    }

    /// Family-wise false alarm rate against the reference.
    pub(super) fn alpha(&self) -> f64 {
        match self.reference {
            ReferenceData::BaseArm => {
                let duets = self.input.candidates.iter();
                let duets = duets.filter_map(|record| record.duet.as_ref());
                duets.map(looks::alpha).fold(DUET_ALPHA, f64::min)
            }
            ReferenceData::Jobs(_) | ReferenceData::Nothing(_) => JOBS_ALPHA,
        }
    }
}
