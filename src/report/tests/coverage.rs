//! Every variant of what a verdict may say is in some story, so that a golden file holds how it is told.

use std::collections::BTreeSet;

use super::*;
use crate::baseline::Mismatch;
use crate::measurement::{Cause, FailureKind};
use crate::record::Ended;
use crate::verdict::{
    Check, Comparison, Enough, Invalidity, LineOutcome, NoComparison, NotJudged, Outage, Outcome,
    Reference, Spread, Standing,
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

fn lines() -> impl Iterator<Item = &'static Line> {
    verdicts().flat_map(|verdict| &verdict.lines)
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
        Comparison::Single { .. },
        Comparison::None(NoComparison::NotJudged),
        Comparison::None(NoComparison::Baseline(Mismatch::NoBaseline)),
        Comparison::None(NoComparison::Baseline(Mismatch::NoJobMatches { .. })),
        Comparison::None(NoComparison::Baseline(Mismatch::ScenarioDiffers { .. })),
    );
    assert_each_occurs!(
        all().iter().map(|(_, sample)| sample.story().before),
        Before::Nothing,
        Before::Baseline { .. },
        Before::Result { .. },
        Before::Base { .. },
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
        verdicts().flat_map(|verdict| &verdict.cautions),
        Caution::MuchFaster { .. },
        Caution::Silent { .. },
        Caution::NeverSent { .. },
        Caution::Overloaded { .. },
        Caution::Rare { .. },
        Caution::LongWaits { .. },
        Caution::OtherRate,
        Caution::Vanished { .. },
        Caution::Unfollowed(_),
        Caution::Strayed(_),
        Caution::Resent { .. },
        Caution::OtherCounting {
            baseline_is_older: true
        },
        Caution::OtherCounting {
            baseline_is_older: false
        },
        Caution::AcceptanceExpired { .. },
        Caution::AcceptanceUnneeded { .. },
        Caution::CannotDetect {
            enough: Some(Enough::Pairs { .. }),
            ..
        },
        Caution::CannotDetect {
            enough: Some(Enough::ParallelJobs(_)),
            ..
        },
        Caution::CannotDetect { enough: None, .. },
        Caution::Aborted { .. },
        Caution::TooFewToCompare { .. },
        Caution::LateJobs { .. },
        Caution::OtherCpu { .. },
        Caution::OtherScheduling { .. },
        Caution::NoColdMark,
        Caution::Insecure,
        Caution::ProxyResponses { .. },
        Caution::Noisy,
        Caution::LateSlices { .. },
    );
}

#[test]
fn every_invalidity_and_end_is_in_some_story() {
    assert_each_occurs!(
        verdicts().flat_map(|verdict| &verdict.invalid),
        Invalidity::Unreachable { .. },
        Invalidity::Interrupted,
        Invalidity::NoRequests,
        Invalidity::GeneratorLate { .. },
        Invalidity::GeneratorBusy { .. },
        Invalidity::GeneratorShort { .. },
        Invalidity::NoSockets { .. },
        Invalidity::Unfollowed(_),
        Invalidity::TooFewForLimit { .. },
        Invalidity::TooFewForRegression { .. },
        Invalidity::MissingBaseline,
        Invalidity::BaseSilent,
        Invalidity::BaseUnavailable { .. },
    );
    assert_each_occurs!(
        all().iter().map(|(_, sample)| &sample.records[0].run.ended),
        Ended::Completed,
        Ended::Interrupted { .. },
        Ended::Aborted { .. },
        Ended::Unreachable { .. },
    );
}

#[test]
fn every_outcome_of_a_line_is_in_some_story() {
    assert_each_occurs!(
        lines().map(|line| &line.outcome),
        LineOutcome::Passed,
        LineOutcome::Failed,
        LineOutcome::Inconclusive,
        LineOutcome::NotJudged(NotJudged::TooFewRequests { .. }),
        LineOutcome::NotJudged(NotJudged::TooFewSlices { .. }),
        LineOutcome::NotJudged(NotJudged::TooFewColdStarts { .. }),
        LineOutcome::NotJudged(NotJudged::NoComparison),
        LineOutcome::NotJudged(NotJudged::NewRequest),
        LineOutcome::NotJudged(NotJudged::BaseFails),
        LineOutcome::NotJudged(NotJudged::Off),
    );
    assert_each_occurs!(
        lines().map(|line| line.standing),
        Standing::Gated,
        Standing::Warned,
        Standing::Reported,
    );
}

#[test]
fn every_part_of_a_check_is_in_some_story() {
    let outages = lines().filter_map(|line| match &line.check {
        Check::Limit(limit) => limit.outage.as_ref(),
        Check::Change(_) => None,
    });
    assert_each_occurs!(
        outages,
        Outage::Silent { class: None, .. },
        Outage::Silent { class: Some(_), .. },
        Outage::Failed,
        Outage::Unsent { .. },
    );
    let changes = || {
        lines().filter_map(|line| match &line.check {
            Check::Limit(_) => None,
            Check::Change(change) => Some(change),
        })
    };
    assert_each_occurs!(
        changes().map(|change| change.reference),
        Reference::Newest,
        Reference::Anchor,
    );
    let suspicions = || changes().filter_map(|change| change.suspicion.as_ref());
    assert!(suspicions().any(|it| it.part.is_some()));
    assert!(suspicions().any(|it| it.cold.is_some()));
    assert!(suspicions().any(|it| it.kind.is_some()));
    assert_each_occurs!(
        suspicions().filter_map(|it| it.spread),
        Spread::Units { .. },
        Spread::Burst { .. },
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

#[test]
fn every_cause_is_in_the_golden_file_of_them() {
    assert_each_occurs!(
        goldens::CAUSES.into_iter(),
        Cause::Unknown,
        Cause::NoResponse,
        Cause::UnknownIssuer,
        Cause::CertificateExpired,
        Cause::CertificateNotYetValid,
        Cause::CertificateName,
        Cause::CertificateUnusable,
        Cause::ClientCertificate,
        Cause::PlainHttp,
        Cause::ExpectsTls,
        Cause::UnendingBody,
        Cause::Unavailable,
        Cause::NotReady,
        Cause::Proxy,
        Cause::ProxyCredentials,
        Cause::ServerNotStarted,
        Cause::ServerEnded,
        Cause::ServerNotReady,
        Cause::PortTaken,
    );
}
