//! Availability: stretches of time in which no request succeeded. Time is weighed here, not requests.
//!
//! A closed model sends nothing more while its users wait for a target that hangs, so that percentiles and error rates,
//! which weigh requests, hardly see it (coordinated omission). So the record keeps silences: stretches in which a request
//! was in flight and none succeeded. A silence counts if the service's own times do not explain it. The time of those that
//! count, as a share of a phase, is held against a limit: of all requests together, of each name, and of each class that
//! shares a name with another.

use super::input::CandidateRun;
use super::{
    Check, CheckKind, CheckOutcome, Enforcement, InvalidReason, LimitCheck, Measure, Outage,
    Warning,
};
use crate::measurement::{Arm, RequestStats};
use crate::record::{LoadModel, PhaseRecord, RunRecord, SilenceRecord, SliceRecord};
use crate::thresholds::{Availability, Subject};
use crate::units::six_digits;

/// A silence longer than this counts in any phase, in seconds. A cold start, a pause of a runtime or a failover within its
/// time is shorter; users do not wait longer for a page.
const PAUSE_S: f64 = 5.0;
/// In a phase so short that half of it is less, half of it counts, but never less than this.
const SHORTEST_PAUSE_S: f64 = 2.0;
/// Share of a short phase that counts.
const PAUSE_SHARE: f64 = 0.5;
/// A silence is explained if it is not longer than this many times the latency that nearly all requests of the name exceed.
/// In an open model the latencies of one hang are spread evenly from zero to its length. So this latency is at most a
/// twentieth of the hang, and ten times that is half of it: no hang explains itself.
const USUAL_TIMES: f64 = 10.0;
/// The quantile of that latency.
const USUAL: f64 = 0.05;
/// Shorter silences count only together: if they make up at least this share of a phase, or if the limit is written.
const SHORT_SHARE: f64 = 0.5;
/// With fewer requests in flight, a long request of each cannot be distinguished from a pause of all.
const FEWEST_IN_FLIGHT: f64 = 5.0;
/// A short silence counts only if it lasts as long as so many responses usually take to come. Of responses that come
/// independently, none comes in that time once in 150 times (e^-5).
const EXPECTED_RESPONSES: f64 = 5.0;
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

/// The requests that a time belongs to: all together, a name, or a class's own requests of a name.
type Key<'r> = (Option<&'r str>, Option<usize>);

/// Silence of some requests in one phase.
struct Silent<'r> {
    key: Key<'r>,
    phase: usize,
    /// In silences that count, in seconds.
    seconds: f64,
    /// In silences that count only together with others, in seconds.
    short_s: f64,
    of_s: f64,
}

impl Silent<'_> {
    fn share(&self) -> f64 {
        self.seconds / self.of_s
    }

    fn is_over(&self, limit: &Availability) -> bool {
        self.share() > limit.of_name(self.key.1.is_some())
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
    let silent = silent(limit, record, Arm::Target);
    let failed = failed(record);
    let is_dead = |silent: &Silent<'_>| failed.contains(&silent.key.1);
    let all: Vec<&Silent<'_>> = silent.iter().filter(|one| one.is_over(limit)).collect();
    let (overall, names): (Vec<&Silent<'_>>, Vec<&Silent<'_>>) =
        all.into_iter().partition(|one| one.key.1.is_none());
    // That every request failed says it all.
    for one in overall.iter().filter(|one| !is_dead(one)) {
        found.checks.push(silent_check(limit, record, one));
    }
    if overall.is_empty() && limit.line.is_some() {
        let worst = silent.iter().filter(|one| one.key.1.is_none());
        let worst = worst.max_by(|a, b| a.share().total_cmp(&b.share()));
        found.checks.push(passed_check(limit, record, worst));
    }
    // A target that is silent is silent by each of its names.
    let by_itself =
        |one: &&&Silent<'_>| !is_dead(one) && overall.iter().all(|whole| whole.phase != one.phase);
    let names: Vec<_> = names.iter().filter(by_itself).collect();
    for one in &names {
        // One class of a name that is silent as a whole says nothing more.
        let whole = names
            .iter()
            .any(|of| one.key.0.is_some() && of.key == (None, one.key.1) && of.phase == one.phase);
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
    let silent = silent(limit, record, Arm::Base);
    let overall = silent
        .iter()
        .find(|one| one.key.1.is_none() && one.is_over(limit));
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
        let is_overall = |one: &Silent<'_>| one.key.1.is_none();
        let order = is_overall(a).cmp(&is_overall(b));
        order.then(a.seconds.total_cmp(&b.seconds))
    })?;
    Some(Warning::Silent {
        arm,
        subject: subject(record, worst.key.1),
        class: worst.key.0.map(str::to_owned),
        seconds: six_digits(worst.seconds),
        of_s: six_digits(worst.of_s),
    })
}

/// The silences that count, by key and measured phase.
fn silent<'r>(limit: &Availability, record: &'r RunRecord, arm: Arm) -> Vec<Silent<'r>> {
    let usual: Vec<Option<f64>> = (0..record.requests.len())
        .map(|request| usual(record, arm, Some(request)))
        .collect();
    let is_written = limit.line.is_some();
    let slowest = usual.iter().flatten().copied().reduce(f64::max);
    let mut all: Vec<Silent<'_>> = Vec::new();
    for (index, phase) in record.phases.iter().enumerate() {
        if !phase.is_measured_load() {
            continue;
        }
        let of_phase = |slice: &&SliceRecord| slice.phase == index && slice.arm == arm;
        let slices: Vec<&SliceRecord> = record.slices.iter().filter(of_phase).collect();
        let length: f64 = slices.iter().map(|slice| slice.length_s).sum();
        let passes = 1 + slices.iter().map(|slice| slice.pass).max().unwrap_or(0);
        let pause = (PAUSE_SHARE * length / f64::from(passes)).clamp(SHORTEST_PAUSE_S, PAUSE_S);
        let is_unexplained = |silence: &SilenceRecord| {
            let usual = match silence.request {
                Some(request) => usual.get(request).copied().flatten(),
                None => slowest,
            };
            silence.whole_s > usual.map_or(0.0, |usual| USUAL_TIMES * usual)
        };
        let counts = |silence: &SilenceRecord| silence.whole_s > pause && is_unexplained(silence);
        let is_short = |silence: &SilenceRecord| {
            silence.whole_s <= pause
                && is_unexplained(silence)
                && (is_written || is_of_all(phase, &slices, silence))
        };
        for slice in &slices {
            let of_slice = slice.silences.as_deref().unwrap_or_default();
            let mut add = |key, seconds, short_s| {
                let known = all
                    .iter_mut()
                    .find(|one| one.key == key && one.phase == index);
                match known {
                    Some(known) => {
                        known.seconds += seconds;
                        known.short_s += short_s;
                    }
                    None => all.push(Silent {
                        key,
                        phase: index,
                        seconds,
                        short_s,
                        of_s: length,
                    }),
                }
            };
            for silence in of_slice {
                let lasted = lasted(slice, silence);
                if counts(silence) {
                    add(key(silence), lasted, 0.0);
                } else if is_short(silence) {
                    add(key(silence), 0.0, lasted);
                }
            }
            if let Some((key, seconds)) = unexplained(of_slice, pause, &counts) {
                add(key, seconds, 0.0);
            }
        }
        for one in all.iter_mut().filter(|one| one.phase == index) {
            // While the load of a duet pauses, time goes on for who waits.
            one.of_s += paused(record, arm, one.key, index);
            let is_limited = is_written && one.key.1.is_none();
            if is_limited || one.seconds + one.short_s >= SHORT_SHARE * one.of_s {
                one.seconds += one.short_s;
            }
        }
    }
    all
}

/// Whether a short silence is one of all requests of its name, and not a few long ones: enough were in flight, and many
/// responses would usually have come in its time.
fn is_of_all(phase: &PhaseRecord, slices: &[&SliceRecord], silence: &SilenceRecord) -> bool {
    let requests = |request: Option<usize>| -> f64 {
        let cells = slices.iter().flat_map(|slice| slice.of_request(request));
        cells.map(RequestStats::requests).sum::<u64>() as f64
    };
    let length: f64 = slices.iter().map(|slice| slice.length_s).sum();
    let (of_name, of_all) = (requests(silence.request), requests(None));
    if of_name <= 0.0 || length <= 0.0 {
        return false;
    }
    let in_flight = of_name / of_all
        * match phase.model {
            LoadModel::Users => phase.peak_load,
            LoadModel::Arrivals => phase.peak_load * silence.whole_s,
        };
    let expected = of_name / length * silence.whole_s;
    in_flight >= FEWEST_IN_FLIGHT && expected > EXPECTED_RESPONSES
}

fn key(silence: &SilenceRecord) -> Key<'_> {
    (silence.class.as_deref(), silence.request)
}

/// How long a silence lasted in a slice; in a duet, while the load paused for it too.
fn lasted(slice: &SliceRecord, silence: &SilenceRecord) -> f64 {
    let after = if slice.pair.is_some() {
        silence.after_s
    } else {
        0.0
    };
    silence.to_s - silence.from_s + after
}

/// How long the load of a duet paused in all for requests that were not served.
fn paused(record: &RunRecord, arm: Arm, of: Key<'_>, phase: usize) -> f64 {
    let slices = record.slices.iter();
    let own =
        slices.filter(|slice| slice.phase == phase && slice.arm == arm && slice.pair.is_some());
    let silences = own.flat_map(|slice| slice.silences.iter().flatten());
    silences
        .filter(|silence| key(silence) == of)
        .map(|silence| silence.after_s)
        .sum()
}

/// A silence of all requests that a slow name would explain, where it overlaps with that of a name that nothing explains.
fn unexplained<'r>(
    silences: &'r [SilenceRecord],
    pause: f64,
    counts: &impl Fn(&SilenceRecord) -> bool,
) -> Option<(Key<'r>, f64)> {
    let overall = silences.iter().filter(|silence| silence.request.is_none());
    let overall = overall.filter(|silence| !counts(silence) && silence.whole_s > pause);
    let names = || {
        silences
            .iter()
            .filter(|one| one.request.is_some() && counts(one))
    };
    let shared = |all: &SilenceRecord| {
        let each = names().map(|one| one.to_s.min(all.to_s) - one.from_s.max(all.from_s));
        each.fold(0.0, f64::max)
    };
    let seconds: f64 = overall.map(shared).sum();
    (seconds > 0.0).then_some(((None, None), seconds))
}

/// The latency in seconds that nearly all requests of a name exceed, or that of a usual cold start, which its mark explains.
fn usual(record: &RunRecord, arm: Arm, request: Option<usize>) -> Option<f64> {
    let all = record.pooled(request, |slice| slice.arm == arm);
    let usual = all.succeeded.quantile(USUAL)?;
    Some(all.cold.quantile(0.5).map_or(usual, |cold| usual.max(cold)))
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
    let requests = record.pooled(silent.key.1, |slice| {
        record.is_measured(slice) && slice.phase == silent.phase
    });
    let outage = Outage::Silent {
        seconds: six_digits(silent.seconds),
        of_s: six_digits(silent.of_s),
        class: silent.key.0.map(str::to_owned),
    };
    let bound = limit.of_name(silent.key.1.is_some());
    let subject = subject(record, silent.key.1);
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
