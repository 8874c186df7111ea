//! Versions that share a quota: in a mixed duet each takes it from the other.

use super::InvalidReason;
use super::input::CandidateRun;
use crate::measurement::{Arm, FailureKind, Totals};
use crate::record::RunRecord;
use crate::thresholds::{Bound, Subject, Thresholds};
use crate::units::six_digits;

/// Too many requests for a quota.
const THROTTLED: FailureKind = FailureKind::Status(429);
/// Share of the requests that may be throttled where no limit says so.
const MOST_THROTTLED: f64 = 0.01;

/// The arm of a mixed duet that throttled most, if that is more than its limit. The latencies of neither are judged then.
pub(super) fn throttled(
    thresholds: &Thresholds,
    runs: &[CandidateRun<'_>],
) -> Option<InvalidReason> {
    let limits = thresholds.limits.iter();
    let limits = limits.filter(|limit| limit.subject == Subject::Overall && limit.phase.is_none());
    let limits = limits.filter_map(|limit| match limit.bound {
        Bound::Failures(kinds, share) => kinds.contains(THROTTLED).then(|| share.fraction()),
        Bound::ErrorRate(share) => Some(share.fraction()),
        Bound::Latency { .. } | Bound::ColdShare(_) | Bound::RequestsPerSecond(_) => None,
    });
    let limit = limits.reduce(f64::min).unwrap_or(MOST_THROTTLED);
    let mixed = runs.iter().filter(|run| run.record.is_mixed());
    let mixed: Vec<&RunRecord> = mixed.map(|run| run.record).collect();
    let share = |arm: Arm| {
        let slices = mixed.iter().flat_map(|record| {
            let slices = record.slices.iter();
            slices.filter(move |slice| slice.arm == arm && record.phases[slice.phase].measured)
        });
        let totals = Totals::from_stats(slices.flat_map(|slice| slice.of_request(None)));
        (arm, totals.share(THROTTLED))
    };
    let shares = [Arm::Target, Arm::Base].map(share);
    let (arm, share) = shares.into_iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    (share > limit).then(|| InvalidReason::Throttled {
        arm,
        share: six_digits(share),
        limit,
    })
}
