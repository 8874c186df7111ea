//! Availability: stretches of time in which no request succeeded. Time is weighed here, not requests.
//!
//! A closed model sends nothing more while its users wait for a target that hangs, so that percentiles and error rates,
//! which weigh requests, hardly see it (coordinated omission). So the record keeps silences: stretches in which a request
//! was in flight and none succeeded. A silence counts if the service's own times do not explain it. The time of those that
//! count, as a share of a phase, is held against a limit: of all requests together, of each name, and of each class that
//! shares a name with another.

use super::input::CandidateRun;
use super::silence::{Silent, silent_times};
use super::{
    Check, CheckKind, CheckOutcome, Enforcement, InvalidReason, LimitCheck, Measure, Outage,
    Warning,
};
use crate::measurement::Arm;
use crate::record::RunRecord;
use crate::thresholds::{Availability, Subject};
use crate::units::six_digits;

/// Share of a phase in which a name may be silent: a rare one is sent so rarely that a single slow request is much of its
/// time, so it fails only if it is silent for most of the phase.
const NAME_SHARE: f64 = 0.5;
/// Requests that must all fail before their name is called unavailable: at an error rate of 1 %, two fail by chance in one
/// of 10,000 runs.
const FEWEST_FAILED: u64 = 2;
/// Requests of a name that were to be expected, for none to be a failure: by chance there is none in 1 of 20,000 runs
/// (e^-10).
const FEWEST_EXPECTED: f64 = 10.0;

/// The checks, warnings and problems of availability.
#[derive(Default)]
pub(super) struct AvailabilityFindings {
    pub(super) checks: Vec<Check>,
    pub(super) warnings: Vec<Warning>,
    pub(super) invalid: Vec<InvalidReason>,
}

/// Judges the availability of both arms; of a result that does not know when responses came, nothing.
pub(super) fn judge(
    limit: Option<Availability>,
    runs: &[CandidateRun<'_>],
) -> AvailabilityFindings {
    let mut found = AvailabilityFindings::default();
    let Some(limit) = limit else {
        return found;
    };
    for CandidateRun { record, .. } in runs {
        if record.counts_responses() {
            target(&limit, record, &mut found);
            base(&limit, record, &mut found);
        }
    }
    found
}

impl Silent<'_> {
    fn share(&self) -> f64 {
        self.seconds / self.of_s
    }

    fn is_over(&self, limit: &Availability) -> bool {
        self.share() > limit.of_name(self.group.request.is_some())
    }
}

impl Availability {
    fn of_name(&self, is_name: bool) -> f64 {
        let share = self.share.fraction();
        if is_name {
            share.max(NAME_SHARE)
        } else {
            share
        }
    }
}

fn target(limit: &Availability, record: &RunRecord, found: &mut AvailabilityFindings) {
    let silent = silent_times(limit.line.is_some(), record, Arm::Target);
    let failed = failed(record);
    let is_dead = |silent: &Silent<'_>| failed.contains(&silent.group.request);
    let all: Vec<&Silent<'_>> = silent.iter().filter(|one| one.is_over(limit)).collect();
    let (overall, names): (Vec<&Silent<'_>>, Vec<&Silent<'_>>) =
        all.into_iter().partition(|one| one.group.request.is_none());
    // That every request failed says it all.
    for one in overall.iter().filter(|one| !is_dead(one)) {
        found.checks.push(silent_check(limit, record, one));
    }
    if overall.is_empty() && limit.line.is_some() {
        let worst = silent.iter().filter(|one| one.group.request.is_none());
        let worst = worst.max_by(|a, b| a.share().total_cmp(&b.share()));
        found.checks.push(passed_check(limit, record, worst));
    }
    // A target that is silent is silent by each of its names.
    let by_itself =
        |one: &&&Silent<'_>| !is_dead(one) && overall.iter().all(|whole| whole.phase != one.phase);
    let names: Vec<_> = names.iter().filter(by_itself).collect();
    for one in &names {
        // One class of a name that is silent as a whole says nothing more.
        let whole = names.iter().any(|of| {
            one.group.class.is_some()
                && of.group.class.is_none()
                && of.group.request == one.group.request
                && of.phase == one.phase
        });
        if !whole {
            found.checks.push(silent_check(limit, record, one));
        }
    }
    for request in &failed {
        found.checks.push(all_failed_check(limit, record, *request));
    }
    for unsent in &record.unsent {
        let Some(name) = record.requests.get(unsent.request) else {
            continue;
        };
        if unsent.expected < FEWEST_EXPECTED {
            found.warnings.push(Warning::NeverSent {
                request: name.clone(),
            });
        } else {
            let outage = Outage::Unsent {
                expected: unsent.expected,
            };
            let subject = Subject::Request(name.clone());
            let name_limit = limit.of_name(true);
            let line = failed_check(limit, subject, (name_limit, 1.0), outage);
            found.checks.push(line);
        }
    }
    let short = silent
        .iter()
        .filter(|one| one.seconds > 0.0 && !one.is_over(limit));
    found
        .warnings
        .extend(worst_warning(record, Arm::Target, short.collect()));
}

/// The base is not what is tested: nothing can be compared with one that is silent, and of its names it is said.
fn base(limit: &Availability, record: &RunRecord, found: &mut AvailabilityFindings) {
    let silent = silent_times(limit.line.is_some(), record, Arm::Base);
    let overall = silent
        .iter()
        .find(|one| one.group.request.is_none() && one.is_over(limit));
    if let Some(one) = overall {
        found.invalid.push(InvalidReason::BaseUnavailable {
            seconds: six_digits(one.seconds),
            of_s: six_digits(one.of_s),
        });
        return;
    }
    let some = silent.iter().filter(|one| one.seconds > 0.0).collect();
    found
        .warnings
        .extend(worst_warning(record, Arm::Base, some));
}

/// The longest of some silences, overall before names.
fn worst_warning(record: &RunRecord, arm: Arm, silent: Vec<&Silent<'_>>) -> Option<Warning> {
    let worst = silent.into_iter().max_by(|a, b| {
        let is_overall = |one: &Silent<'_>| one.group.request.is_none();
        let order = is_overall(a).cmp(&is_overall(b));
        order.then(a.seconds.total_cmp(&b.seconds))
    })?;
    Some(Warning::Silent {
        arm,
        subject: subject(record, worst.group.request),
        class: worst.group.class.map(str::to_owned),
        seconds: six_digits(worst.seconds),
        of_s: six_digits(worst.of_s),
    })
}

/// The names of which every request failed in the measured phases; all requests together if every name did.
fn failed(record: &RunRecord) -> Vec<Option<usize>> {
    let has_failed = |request: &Option<usize>| {
        let cell = record.measured(*request);
        cell.requests() >= FEWEST_FAILED && cell.failures() == cell.requests()
    };
    if has_failed(&None) {
        return vec![None];
    }
    (0..record.requests.len())
        .map(Some)
        .filter(has_failed)
        .collect()
}

fn subject(record: &RunRecord, request: Option<usize>) -> Subject {
    let name = request.and_then(|request| record.requests.get(request));
    name.map_or(Subject::Overall, |name| Subject::Request(name.clone()))
}

fn silent_check(limit: &Availability, record: &RunRecord, silent: &Silent<'_>) -> Check {
    let is_one = record
        .phases
        .iter()
        .filter(|phase| phase.is_measured_load())
        .count()
        == 1;
    let name = &record.phases[silent.phase].name;
    let requests = record.pooled(silent.group.request, |slice| {
        record.is_measured(slice) && slice.phase == silent.phase
    });
    let outage = Outage::Silent {
        seconds: six_digits(silent.seconds),
        of_s: six_digits(silent.of_s),
        class: silent.group.class.map(str::to_owned),
    };
    let bound = limit.of_name(silent.group.request.is_some());
    let subject = subject(record, silent.group.request);
    Check {
        phase: (!is_one).then(|| name.clone()),
        requests: requests.requests(),
        ..failed_check(limit, subject, (bound, silent.share()), outage)
    }
}

fn all_failed_check(limit: &Availability, record: &RunRecord, request: Option<usize>) -> Check {
    let cell = record.measured(request);
    let bound = limit.of_name(request.is_some());
    Check {
        requests: cell.requests(),
        ..failed_check(
            limit,
            subject(record, request),
            (bound, 1.0),
            Outage::Failed,
        )
    }
}

/// A limit that was written and holds.
fn passed_check(limit: &Availability, record: &RunRecord, worst: Option<&Silent<'_>>) -> Check {
    let of_s = worst.map_or_else(
        || {
            let slices = record.measured_slices();
            slices.map(|slice| slice.length_s).sum()
        },
        |worst| worst.of_s,
    );
    let seconds = worst.map_or(0.0, |worst| worst.seconds);
    let outage = Outage::Silent {
        seconds: six_digits(seconds),
        of_s: six_digits(of_s),
        class: None,
    };
    let cell = record.measured(None);
    let share = if of_s > 0.0 { seconds / of_s } else { 0.0 };
    let values = (limit.of_name(false), share);
    Check {
        requests: cell.requests(),
        outcome: CheckOutcome::Passed,
        ..failed_check(limit, Subject::Overall, values, outage)
    }
}

fn failed_check(
    limit: &Availability,
    subject: Subject,
    (bound, share): (f64, f64),
    outage: Outage,
) -> Check {
    Check {
        subject,
        phase: None,
        measure: Measure::Unavailable,
        enforcement: Enforcement::Gated,
        outcome: CheckOutcome::Failed,
        requests: 0,
        current: Some(six_digits(share)),
        kind: CheckKind::Limit(LimitCheck {
            outage: Some(outage),
            ..LimitCheck::new(bound, limit.line)
        }),
    }
}
