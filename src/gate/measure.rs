//! One run: load, and the record of what came back.

use std::cell::RefCell;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use super::Error;
use super::bug;
use super::console::Console;
use super::evaluation::{Criteria, judge};
use super::progress::ProgressLine;
use super::reference::{Measured, Reference, ReferenceRun};
use super::servers::{DEPLOYMENTS, Servers};
use super::{replay, secrets, spending};
use crate::load::{
    self, Duet, Hooks, Interim, Origin, RunConfig, RunOutcome, ServerFailure, Stop, Trust, Waiting,
    duet_lasts,
};
use crate::measurement::{Arm, Interleaving};
use crate::plan::{Against, Gate, Interleave, Plan};
use crate::processes;
use crate::record::{
    self, Deployment, DuetSettings, Ended, Environment, Health, RunDetails, RunInfo, RunRecord,
};
use crate::redact::redact;
use crate::report;
use crate::thresholds::Thresholds;
use crate::units::{Latency, format_duration, six_digits};

/// An address that a target redirects to is cut after so many characters.
const ADDRESS: usize = 200;

/// Sends the load of a gate, and returns the record of it.
pub(super) fn measure(
    plan: &Plan,
    gate: &Gate,
    stop: &Stop,
    console: &Console,
) -> Result<RunRecord, Error> {
    let target = gate.target()?;
    bug::sending();
    let budget = spending::budget(plan, gate)?;
    let mut base = Beside::of(gate, budget);
    let mut record = attempt(plan, gate, target, &mut base, stop, console)?;
    if let Ended::Unreachable {
        arm: Arm::Base,
        why,
        ..
    } = &record.run.ended
        && gate.is_base_optional
        && record.slices.is_empty()
    {
        base = Beside::missing(why.clone(), budget);
        record = attempt(plan, gate, target, &mut base, stop, console)?;
    }
    match record {
        record if record.run.ended == Ended::Completed => replay::over(record),
        record => Ok(record),
    }
}

/// What is loaded beside the target, as far as it is known.
struct Beside<'a> {
    /// What both together may cost.
    budget: Option<load::Budget>,
    against: Option<&'a Against>,
    /// The commit that was checked out for it.
    commit: Option<String>,
    /// Why the one that the thresholds name is not loaded.
    missing: Option<String>,
    /// The reference service, in a run without a base.
    reference: Option<Measured<'a>>,
}

impl<'a> Beside<'a> {
    fn of(gate: &'a Gate, budget: Option<load::Budget>) -> Self {
        let against = gate.against.as_ref();
        Self {
            budget,
            against,
            commit: against.and_then(|against| against.commit.clone()),
            missing: gate.base_missing.clone(),
            reference: None,
        }
    }

    fn missing(why: String, budget: Option<load::Budget>) -> Self {
        Self {
            budget,
            against: None,
            commit: None,
            missing: Some(why),
            reference: None,
        }
    }
}

/// Starts what is to be started, sends the load, and returns the record of it.
fn attempt<'a>(
    plan: &Plan,
    gate: &'a Gate,
    target: &Origin,
    base: &mut Beside<'a>,
    stop: &Stop,
    console: &Console,
) -> Result<RunRecord, Error> {
    announce(gate, target, base, console);
    let folder = plan.folder(gate);
    let reference = Reference::start(plan, gate, &folder, stop, console);
    let wanted = DEPLOYMENTS
        .of(&gate.serving)
        .with_base(base.against.is_some());
    let outcome = match Servers::start(plan, gate, wanted, &folder, stop, console) {
        Ok(mut servers) => {
            base.commit = servers
                .base_commit()
                .map(str::to_owned)
                .or(base.commit.take());
            let outcome = if replay::is_on() {
                RunOutcome::never_began(&gate.scenario, load::LoadEnd::Completed)
            } else {
                let beside = (&mut *base, reference.as_ref());
                load(plan, gate, target, beside, stop, &mut servers, console)?
            };
            // A server that died failed its last requests for that reason.
            let lost = match &outcome.ended {
                load::LoadEnd::Completed => servers.check().err(),
                load::LoadEnd::Unreachable(failure) => servers.lost(failure.arm),
                load::LoadEnd::Interrupted { .. }
                | load::LoadEnd::Aborted { .. }
                | load::LoadEnd::BudgetSpent { .. } => None,
            };
            let ended = lost.map_or(outcome.ended, load::LoadEnd::Unreachable);
            RunOutcome { ended, ..outcome }
        }
        Err(ended) => RunOutcome::never_began(&gate.scenario, ended),
    };
    processes::kill_orphans();
    Ok(record(plan, gate, target, base, outcome))
}

/// Says what is about to be loaded, and for how long.
fn announce(gate: &Gate, target: &Origin, base: &Beside<'_>, console: &Console) {
    let through = |origin: &Origin| {
        let proxy = origin.proxy();
        proxy.map_or_else(String::new, |proxy| format!(" through {}", proxy.named()))
    };
    let mut parts = vec![format!(
        "{}: loading {target}{}",
        gate.scenario.name,
        through(target)
    )];
    if let Some(against) = base.against {
        parts.push(format!(
            " {}, for {}",
            together(against, &through(&against.target)),
            duet_length(gate, against)
        ));
        if gate.serving.restarts() {
            parts.push(", plus server restarts".to_owned());
        }
    }
    if let (None, Some(reference)) = (base.against, &gate.reference) {
        parts.push(format!(" beside the reference ({reference})"));
    }
    if let Some(why) = &base.missing {
        console.warn(&base_missing(why));
    }
    console.note(&parts.concat());
    if let Some(why) = base
        .against
        .and_then(|against| same_twice(gate, against, target))
    {
        console.warn(&format!("loadgate: {why}"));
    }
}

/// That a run has no base although the thresholds name one.
pub(super) fn base_missing(why: &str) -> String {
    format!("loadgate: the base in regression.base is not loaded: {why}")
}

/// How long a duet takes: `60s, or 3m if the result is not clear before`.
pub(super) fn duet_length(gate: &Gate, against: &Against) -> String {
    let (shortest, longest) = duet_lasts(&gate.scenario.load, &against.turns);
    if shortest < longest {
        format!(
            "{}, or {} if the result is not clear before",
            about(shortest),
            about(longest)
        )
    } else {
        about(longest)
    }
}

/// How two deployments are loaded: `in turns with URL, in slices of 5s (auto: the servers are restarted between pairs)`.
pub(super) fn together(against: &Against, through: &str) -> String {
    let Against { target, turns, .. } = against;
    let why = against
        .why
        .map_or_else(String::new, |why| format!(" (auto: {why})"));
    let commit = against.commit.as_deref().map(report::short_commit);
    let through = commit.map_or_else(String::new, |commit| format!(" (commit {commit})")) + through;
    match turns.interleaving {
        Interleaving::Turns => format!(
            "in turns with {target}{through}, in slices of {}{why}",
            format_duration(turns.slice)
        ),
        Interleaving::Mixed => {
            format!("mixed with {target}{through}, each with half of the load{why}")
        }
    }
}

/// That a duet loads one deployment twice, where neither its address nor its values differ.
fn same_twice(gate: &Gate, against: &Against, target: &Origin) -> Option<String> {
    let is_same = against.target.to_string() == target.to_string()
        && against.scenario.sha256 == gate.scenario.sha256;
    is_same.then(|| {
        format!(
            "target and base are the same deployment, {target}, so only noise is compared; use the base's address"
        )
    })
}

/// A length in whole seconds, a part of one counting as one.
pub(super) fn about(duration: Duration) -> String {
    let more = u64::from(duration.subsec_nanos() > 0);
    format_duration(Duration::from_secs(duration.as_secs() + more))
}

/// Loads the target: alone, beside the reference, or together with the base.
fn load<'a>(
    plan: &Plan,
    gate: &'a Gate,
    target: &Origin,
    (base, reference): (&mut Beside<'a>, Option<&Reference<'a, '_>>),
    stop: &Stop,
    servers: &mut Servers<'_>,
    console: &Console,
) -> Result<RunOutcome, Error> {
    let waiting = |waiting: &Waiting| console.note(&waits(plan, waiting));
    let order = RunConfig {
        budget: base.budget,
        ..order(plan, gate, target, &waiting)
    };
    let line = RefCell::new(ProgressLine::new(console.progress, &gate.scenario.load));
    let mut progress = |now: &load::Progress| line.borrow_mut().show(now);
    let Some(against) = base.against else {
        let outcome = match reference {
            None => load::run(&order, &mut progress, stop),
            Some(reference) => thread::scope(|scope| {
                let mut beside = ReferenceRun::new(reference);
                let mut progress = |now: &load::Progress| {
                    beside.begin(scope, plan, gate);
                    progress(now);
                };
                let outcome = load::run(&order, &mut progress, stop);
                base.reference = Some(beside.end());
                outcome
            }),
        };
        line.borrow_mut().end();
        return Ok(outcome?);
    };
    let duet = Duet {
        scenario: &against.scenario,
        target: against.target.clone(),
        turns: against.turns,
    };
    // What AWS says is not known before the end.
    let thresholds = Thresholds {
        aws: Vec::new(),
        ..gate.thresholds.clone()
    };
    let criteria = Criteria {
        thresholds: &thresholds,
        ..Criteria::from(gate)
    };
    let mut look = |so_far: RunOutcome| {
        let record = record(plan, gate, target, base, so_far);
        if !judge(criteria, std::slice::from_ref(&record)).settled {
            return Interim::Continue;
        }
        line.borrow_mut().end();
        let saved = record.saved_s().unwrap_or_default();
        console.note(&format!(
            "{}: the result is clear, {} of load saved",
            gate.scenario.name,
            about(Duration::from_secs_f64(saved.round()))
        ));
        Interim::Stop
    };
    let mut hooks = Hooks {
        look: &mut look,
        before_pair: &mut |pair| servers.before_pair(pair),
    };
    let outcome = load::run_duet(&order, &duet, &mut progress, stop, &mut hooks);
    line.borrow_mut().end();
    Ok(outcome?)
}

pub(super) fn order<'a>(
    plan: &'a Plan,
    gate: &'a Gate,
    target: &Origin,
    waiting: &'a dyn Fn(&Waiting),
) -> RunConfig<'a> {
    let trust = match &plan.ca {
        _ if plan.insecure => Trust::Anyone,
        Some(pem) => Trust::SystemAnd(pem.as_bytes()),
        None => Trust::System,
    };
    RunConfig {
        scenario: &gate.scenario,
        target: target.clone(),
        folder: &gate.folder,
        withheld: &plan.withheld,
        trust,
        seed: gate.seed,
        cores: None,
        scheduling: plan.scheduling,
        abort: gate.thresholds.abort.map(|abort| load::Abort {
            error_rate: abort.error_rate.fraction(),
            after: abort.after,
        }),
        budget: None,
        wait: plan.wait,
        max_late: plan.max_late.unwrap_or_default(),
        ready: gate.serving.ready.as_deref(),
        waiting,
    }
}

/// That a deployment is waited for, or was.
fn waits(plan: &Plan, waiting: &Waiting) -> String {
    let name = |arm: Arm| match arm {
        Arm::Target => "the target",
        Arm::Base => "the base",
    };
    match *waiting {
        Waiting::Began { arm, status } => format!(
            "{} responds {status}, waiting up to {}",
            name(arm),
            format_duration(plan.wait)
        ),
        Waiting::Ended { arm, status, after } => format!(
            "{} is ready: it responded {status} for {}",
            name(arm),
            Latency(after.as_secs_f64())
        ),
    }
}

fn record(
    plan: &Plan,
    gate: &Gate,
    target: &Origin,
    base: &Beside<'_>,
    mut outcome: RunOutcome,
) -> RunRecord {
    let started = Timestamp::try_from(outcome.started).unwrap_or(Timestamp::UNIX_EPOCH);
    let ci = plan.ci.clone().unwrap_or_default();
    let secrets = secrets::known(plan, gate);
    for parts in outcome.measurement.parts.values_mut() {
        let address = parts.redirect.as_deref();
        // Cut after secrets are hidden, so that no part of one is left.
        let shown = |address| redact(address, &secrets).chars().take(ADDRESS).collect();
        parts.redirect = address.map(shown);
    }
    let run = RunInfo {
        id: if ci.id.is_empty() {
            format!("local-{}", started.as_millisecond())
        } else {
            ci.id
        },
        attempt: ci.attempt,
        commit: ci.commit,
        url: ci.url,
        started,
        duration_s: six_digits(outcome.duration.as_secs_f64()),
        seed: gate.seed,
        ended: ended(outcome.ended, plan, gate),
        insecure: plan.insecure,
        from_pull_request: ci.is_change_request,
        extra_args: interleave(base)
            .into_iter()
            .flatten()
            .map(str::to_owned)
            .chain(plan.given.iter().map(|word| redact(word, &secrets)))
            .collect(),
    };
    let mut details = RunDetails {
        target: Deployment {
            by_thresholds: gate.is_target_own,
            ..deployment(target)
        },
        base: base.against.map(|against| Deployment {
            commit: base.commit.clone(),
            by_thresholds: gate.is_base_optional,
            ..deployment(&against.target)
        }),
        base_missing: base.missing.clone(),
        reference: None,
        reference_missing: None,
        duet: base
            .against
            .map(|against| turns(gate, against, outcome.look)),
        run,
        labels: plan.labels.clone(),
        environment: Environment {
            scheduling: Some(outcome.health.scheduling),
            ..plan.environment.clone()
        },
        health: health(&outcome.health, plan.max_late),
        load: outcome.load,
    };
    if let Some(measured) = &base.reference {
        match measured.record(&details, plan, gate) {
            Ok(reference) => details.reference = Some(reference),
            Err(why) => details.reference_missing = Some(why),
        }
    }
    record::build(&gate.scenario, details, outcome.measurement)
}

/// The arguments that interleave the arms of a duet in the same way again.
fn interleave(base: &Beside<'_>) -> Option<[&'static str; 2]> {
    let interleave = base.against?.interleave;
    (interleave != Interleave::Auto).then(|| ["--interleave", interleave.word()])
}

fn deployment(origin: &Origin) -> Deployment {
    Deployment {
        url: origin.to_string(),
        loopback: origin.is_loopback(),
        commit: None,
        by_thresholds: false,
        proxy: origin.proxy().map(ToString::to_string),
        proxy_variable: origin.proxy().map(|own| own.variable().to_owned()),
        proxy_forwards: origin.forwarder().is_some(),
    }
}

fn turns(gate: &Gate, against: &Against, look: u32) -> DuetSettings {
    let (Against { turns, .. }, serving) = (against, &gate.serving);
    let started = serving.target.is_some() || serving.base.is_some();
    DuetSettings {
        interleaving: turns.interleaving,
        pairs: turns.pairs,
        slice_s: six_digits(turns.slice.as_secs_f64()),
        guard_s: six_digits(turns.guard.as_secs_f64()),
        looks: turns.looks,
        look: (turns.looks > 1).then_some(look.max(1)),
        restart_every: started.then_some(serving.restart_every),
    }
}

fn health(health: &load::GeneratorHealth, max_late: Option<Duration>) -> Health {
    let round = six_digits;
    Health {
        late_p99_s: round(health.late_p99),
        cpu_share: round(health.cpu_share),
        core_share: health.core_share.map(round),
        steal_share: health.steal_share.map(round),
        achieved: health.achieved.map(round),
        open_files: health.open_files,
        max_late_s: max_late.map(|late| round(late.as_secs_f64())),
    }
}

/// How the run ended; what the target or the system said may hold a secret that was sent.
fn ended(ended: load::LoadEnd, plan: &Plan, gate: &Gate) -> Ended {
    match ended {
        load::LoadEnd::Completed => Ended::Completed,
        load::LoadEnd::Interrupted { signal } => Ended::Interrupted { signal },
        load::LoadEnd::Aborted { failures, requests } => Ended::Aborted { failures, requests },
        load::LoadEnd::BudgetSpent { picodollars } => Ended::BudgetSpent {
            usd: six_digits(picodollars as f64 / spending::PICO),
        },
        load::LoadEnd::Unreachable(ServerFailure { arm, cause, why }) => Ended::Unreachable {
            arm,
            cause,
            why: secrets::hidden(&why, plan, gate),
        },
    }
}
