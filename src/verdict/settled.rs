//! Whether a duet that has further looks may end.

use super::looks::Remaining;
use super::{Check, CheckKind, CheckOutcome, Enforcement, NotJudged, Outcome};

/// Whether a check was not judged for want of what the rest brings.
fn brings_what_is_missing(remaining: Remaining, outcome: &CheckOutcome) -> bool {
    let CheckOutcome::NotJudged(why) = outcome else {
        return false;
    };
    match *why {
        NotJudged::TooFewRequests { have, need } | NotJudged::TooFewColdStarts { have, need } => {
            remaining.whole(have) >= need
        }
        NotJudged::TooFewSlices { have, need } => remaining.whole(have.into()) >= need.into(),
        // What throttles at first may stop.
        NotJudged::Throttled => true,
        // A duet has no reference service.
        NotJudged::OtherMachine
        | NotJudged::NoAwsFigure
        | NotJudged::OthersRequests
        | NotJudged::NoComparison
        | NotJudged::NewRequest
        | NotJudged::BaseFails
        | NotJudged::Off => false,
    }
}

/// Whether the duet may end here: a change failed, or everything that is gated was judged and passed, and what the
/// whole would catch is ruled out, so that no change `is_open`.
///
/// A limit that is broken so far may still be kept by the whole run, so it ends nothing.
pub(super) fn is_settled(
    remaining: Remaining,
    outcome: Outcome,
    checks: &[Check],
    is_open: bool,
) -> bool {
    let gated = checks.iter();
    let mut gated = gated.filter(|check| check.enforcement == Enforcement::Gated);
    match outcome {
        Outcome::Passed => {
            !is_open && !gated.any(|check| brings_what_is_missing(remaining, &check.outcome))
        }
        Outcome::Failed => gated.any(|check| {
            check.outcome == CheckOutcome::Failed && matches!(check.kind, CheckKind::Change(_))
        }),
        Outcome::Inconclusive | Outcome::Invalid => false,
    }
}
