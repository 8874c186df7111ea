//! The input of a verdict: the results of one CI run, the thresholds, and what the results are compared with.

use crate::baseline::{Job, Matching, Mismatch, PhaseScope};
use crate::measurement::Arm;
use crate::metric::Metric;
use crate::record::{RunRecord, SliceFilter, median};
use crate::thresholds::{Subject, Thresholds};

/// Jobs from which on the baseline is a history; fewer are provisional.
pub const HISTORY_FROM: usize = 5;
/// The same against a baseline's jobs (3 %): the tolerance inside the null makes the real rate 1 % and less where jobs
/// vary by up to 6 %.
pub const JOBS_ALPHA: f64 = 0.03;

/// The same for drift from the anchor (1 %): a family of its own, so that it costs the newest changes no power.
pub const DRIFT_ALPHA: f64 = 0.01;

/// One gate's results and what they are held against.
#[derive(Clone, Debug)]
pub struct JudgeInput<'a> {
    /// The thresholds.
    pub thresholds: &'a Thresholds,
    /// The results of one CI run, at least one, judged together as one.
    pub candidates: &'a [RunRecord],
    /// The jobs of the baseline that they may be compared with; unused where the results have a base arm.
    pub matching: Matching<'a>,
    /// The release job that drift is held against, where the results are compared with jobs.
    pub anchor: Option<&'a Job>,
}

/// A result with the slices that may be looked at.
#[derive(Debug)]
pub(super) struct CandidateRun<'a> {
    pub(super) record: &'a RunRecord,
    pub(super) filter: SliceFilter,
}

/// The data that the results are compared with.
#[derive(Clone, Copy, Debug)]
pub(super) enum ReferenceData<'a> {
    /// The base arm of the same job.
    BaseArm,
    /// Jobs of the baseline, newest last.
    Jobs(&'a [&'a Job]),
    /// Nothing.
    Nothing(&'a Mismatch),
}

impl<'a> JudgeInput<'a> {
    pub(super) fn reference_data(&'a self) -> ReferenceData<'a> {
        if self.candidates.iter().all(|record| record.base.is_some()) {
            return ReferenceData::BaseArm;
        }
        match &self.matching {
            Matching::Jobs(jobs) => ReferenceData::Jobs(jobs),
            Matching::None(mismatch) => ReferenceData::Nothing(mismatch),
        }
    }

    pub(super) fn candidate_runs(&self, reference: ReferenceData<'_>) -> Vec<CandidateRun<'a>> {
        self.candidates
            .iter()
            .map(|record| CandidateRun {
                record,
                filter: SliceFilter::new(record, || reference.p50(record)),
            })
            .collect()
    }
}

impl ReferenceData<'_> {
    /// Whether there is anything to compare with.
    pub(super) fn is_some(self) -> bool {
        match self {
            Self::BaseArm | Self::Jobs(_) => true,
            Self::Nothing(_) => false,
        }
    }

    /// Its median latency in seconds, which says what delay of the generator matters.
    fn p50(self, record: &RunRecord) -> Option<f64> {
        match self {
            Self::BaseArm => record
                .pooled(None, |slice| {
                    slice.arm == Arm::Base && record.phases[slice.phase].measured
                })
                .latencies()
                .quantile(0.5),
            Self::Jobs(jobs) => {
                let medians: Vec<f64> = jobs
                    .iter()
                    .filter_map(|job| {
                        job.cell(&PhaseScope::Steady, None)?
                            .metrics
                            .get(&Metric::P50)
                    })
                    .map(|(seconds, _)| *seconds)
                    .collect();
                Some(median(&medians)).filter(|p50| p50.is_finite())
            }
            Self::Nothing(_) => None,
        }
    }
}

impl CandidateRun<'_> {
    /// The index that a subject's requests have in this record: none for all requests together. The outer none says
    /// that the record does not know the name.
    #[expect(
        clippy::option_option,
        reason = "the inner one is the record's own way to say 'all requests'"
    )]
    pub(super) fn request(&self, subject: &Subject) -> Option<Option<usize>> {
        match subject {
            Subject::Overall => Some(None),
            Subject::Request(name) => {
                let mut names = self.record.requests.iter();
                names.position(|known| known == name).map(Some)
            }
        }
    }
}
