//! Every variant of what a verdict may say is in some story, so that a golden file holds how it reads.

use std::collections::BTreeSet;

use super::*;
use crate::baseline::Mismatch;
use crate::measurement::FailureKind;
use crate::record::Ended;
use crate::verdict::{
    ChangeLocation, CheckKind, CheckOutcome, Comparison, Enforcement, InvalidReason, NoComparison,
    NotJudged, Outage, Outcome, Reference, SampleSizeAdvice,
};

/// Checks that every one of these patterns fits some value. The compiler sees to it that they are all that there are.
macro_rules! assert_each_occurs {
    ($values:expr, $($pattern:pat),+ $(,)?) => {{
        let found: BTreeSet<&str> = $values
            .map(|value| match value { $($pattern => stringify!($pattern)),+ })
            .collect();
        let all = [$(stringify!($pattern)),+];
        let missing: Vec<&str> = all.into_iter().filter(|one| !found.contains(one)).collect();
        assert!(missing.is_empty(), "no story has {missing:?}");
    }};
}

fn verdicts() -> impl Iterator<Item = &'static Verdict> {
    all().iter().map(|(_, sample)| &sample.verdict)
}

fn lines() -> impl Iterator<Item = &'static Check> {
    verdicts().flat_map(|verdict| &verdict.checks)
}

#[test]
fn every_outcome_and_comparison_is_in_some_story() {
    assert_each_occurs!(
        verdicts().map(|verdict| verdict.outcome),
        Outcome::Passed,
        Outcome::Failed,
        Outcome::Inconclusive,
        Outcome::Invalid,
    );
    assert_each_occurs!(
        verdicts().map(|verdict| &verdict.comparison),
        Comparison::Duet { .. },
        Comparison::History { .. },
        Comparison::Provisional { .. },
        Comparison::None(NoComparison::NotJudged),
        Comparison::None(NoComparison::Baseline(Mismatch::NoBaseline)),
        Comparison::None(NoComparison::Baseline(Mismatch::NoJobMatches { .. })),
        Comparison::None(NoComparison::Baseline(Mismatch::ScenarioDiffers { .. })),
    );
    assert_each_occurs!(
        all().iter().map(|(_, sample)| sample.story().compared_with),
        ComparedWith::Nothing,
        ComparedWith::Baseline { .. },
        ComparedWith::Result { .. },
        ComparedWith::Base { .. },
    );
    for observed in [true, false] {
        let of = verdicts().filter(|verdict| verdict.observed == observed);
        assert!(of.count() > 2, "{observed}");
    }
    let mut stories = all().iter().map(|(_, sample)| sample.story());
    assert!(stories.any(|story| story.strict && story.exit != 0));
}

#[test]
fn every_caution_is_in_some_story() {
    assert_each_occurs!(
        verdicts().flat_map(|verdict| &verdict.warnings),
        Warning::MuchFaster { .. },
        Warning::Silent { .. },
        Warning::NeverSent { .. },
        Warning::Overloaded { .. },
        Warning::RareRequests { .. },
        Warning::LongWaits { .. },
        Warning::RateDefinitionDiffers,
        Warning::MissingRequest { .. },
        Warning::Unfollowed(_),
        Warning::RedirectedAway(_),
        Warning::Resent { .. },
        Warning::BaseMissing { .. },
        Warning::FailureRulesDiffer {
            baseline_is_older: true
        },
        Warning::FailureRulesDiffer {
            baseline_is_older: false
        },
        Warning::AcceptanceExpired { .. },
        Warning::AcceptanceUnneeded { .. },
        Warning::CannotDetect {
            advice: Some(SampleSizeAdvice::Pairs { .. }),
            ..
        },
        Warning::CannotDetect {
            advice: Some(SampleSizeAdvice::ParallelJobs(_)),
            ..
        },
        Warning::CannotDetect { advice: None, .. },
        Warning::Aborted { .. },
        Warning::TooFewToCompare { .. },
        Warning::LateJobs { .. },
        Warning::CpuDiffers { .. },
        Warning::SchedulingDiffers { .. },
        Warning::ReferenceMissing { .. },
        Warning::NoColdStartHeader,
        Warning::CertificatesUnchecked,
        Warning::ProxyResponses { .. },
        Warning::Noisy,
        Warning::LateSlices { .. },
    );
}

#[test]
fn every_invalidity_and_end_is_in_some_story() {
    assert_each_occurs!(
        verdicts().flat_map(|verdict| &verdict.invalid),
        InvalidReason::Unreachable { .. },
        InvalidReason::Interrupted,
        InvalidReason::BudgetSpent { .. },
        InvalidReason::NoRequests,
        InvalidReason::GeneratorLate { .. },
        InvalidReason::GeneratorBusy { .. },
        InvalidReason::GeneratorShort { .. },
        InvalidReason::NoSockets { .. },
        InvalidReason::Unfollowed(_),
        InvalidReason::TooFewForLimit { .. },
        InvalidReason::TooFewForRegression { .. },
        InvalidReason::MissingBaseline,
        InvalidReason::BaseUnresponsive,
        InvalidReason::BaseUnavailable { .. },
        InvalidReason::Throttled { .. },
        InvalidReason::OtherMachine { .. },
    );
    assert_each_occurs!(
        all().iter().map(|(_, sample)| &sample.records[0].run.ended),
        Ended::Completed,
        Ended::Interrupted { .. },
        Ended::Aborted { .. },
        Ended::BudgetSpent { .. },
        Ended::Unreachable { .. },
    );
}

#[test]
fn every_outcome_of_a_line_is_in_some_story() {
    assert_each_occurs!(
        lines().map(|line| &line.outcome),
        CheckOutcome::Passed,
        CheckOutcome::Failed,
        CheckOutcome::Inconclusive,
        CheckOutcome::NotJudged(NotJudged::TooFewRequests { .. }),
        CheckOutcome::NotJudged(NotJudged::TooFewSlices { .. }),
        CheckOutcome::NotJudged(NotJudged::TooFewColdStarts { .. }),
        CheckOutcome::NotJudged(NotJudged::NoComparison),
        CheckOutcome::NotJudged(NotJudged::NewRequest),
        CheckOutcome::NotJudged(NotJudged::BaseFails),
        CheckOutcome::NotJudged(NotJudged::Throttled),
        CheckOutcome::NotJudged(NotJudged::OtherMachine),
        CheckOutcome::NotJudged(NotJudged::NoAwsFigure),
        CheckOutcome::NotJudged(NotJudged::OthersRequests),
        CheckOutcome::NotJudged(NotJudged::Off),
    );
    assert_each_occurs!(
        lines().map(|line| line.enforcement),
        Enforcement::Gated,
        Enforcement::Warned,
        Enforcement::Reported,
    );
}

#[test]
fn every_part_of_a_check_is_in_some_story() {
    let outages = lines().filter_map(|line| match &line.kind {
        CheckKind::Limit(limit) => limit.outage.as_ref(),
        CheckKind::Change(_) => None,
    });
    assert_each_occurs!(
        outages,
        Outage::Silent { class: None, .. },
        Outage::Silent { class: Some(_), .. },
        Outage::Failed,
        Outage::Unsent { .. },
    );
    let changes = || {
        lines().filter_map(|line| match &line.kind {
            CheckKind::Limit(_) => None,
            CheckKind::Change(change) => Some(change),
        })
    };
    assert_each_occurs!(
        changes().map(|change| change.reference),
        Reference::Newest,
        Reference::Anchor,
    );
    let suspicions = || changes().filter_map(|change| change.attribution.as_ref());
    assert!(suspicions().any(|it| it.part.is_some()));
    assert!(suspicions().any(|it| it.cold.is_some()));
    assert!(suspicions().any(|it| it.kind.is_some()));
    assert_each_occurs!(
        suspicions().filter_map(|it| it.location),
        ChangeLocation::Units { .. },
        ChangeLocation::Burst { .. },
    );
}

#[test]
fn every_kind_of_failure_is_in_some_story() {
    let kinds = verdicts().flat_map(|verdict| verdict.totals.failures.keys());
    assert_each_occurs!(
        kinds,
        FailureKind::Status(_),
        FailureKind::Timeout,
        FailureKind::Unfinished,
        FailureKind::Unserved,
        FailureKind::Dns,
        FailureKind::Connect,
        FailureKind::Reset,
        FailureKind::Resent,
        FailureKind::Redirect,
        FailureKind::Tls,
        FailureKind::Protocol,
        FailureKind::Body,
        FailureKind::Proxy,
        FailureKind::NoSocket,
        FailureKind::Expectation,
        FailureKind::Unset,
    );
}
