//! What a run showed of itself, in sentences: cold starts, errors and load, phases against each other.

use super::aws::aws;
use super::reasons::no_cold_start;
use crate::measurement::{Arm, FailureKind};
use crate::report::text::{
    P95, Text, count, counted, numbers, share, text, untrusted, untrusted_load,
};
use crate::report::view::{ColdStarts, PhaseFigures, View};
use crate::units::{Latency, three_digits};
use crate::verdict::{LoadCorrelation, LoadUnit, PhaseChange, Recovery, RecoveryOutcome};

/// What the run showed, the most important first; empty if there is nothing to say.
pub(crate) fn showed(view: &View) -> Vec<Text> {
    let insights = view.insights();
    let sentences = [
        insights.load_correlation.map(|bond| follows(&bond).into()),
        view.cold_starts()
            .as_ref()
            .map(|cold| cold_start_text(view, cold)),
        grows(view),
        insights.recovery.map(|claim| recovered(view, &claim)),
    ];
    sentences.into_iter().flatten().chain(aws(view)).collect()
}

/// Whether errors follow the load.
fn follows(bond: &LoadCorrelation) -> String {
    let load = match bond.unit {
        LoadUnit::Users => format!("{} users", count(numbers::whole(bond.boundary))),
        LoadUnit::RequestsPerSecond => format!("{}/s", three_digits(bond.boundary)),
    };
    let (low, high) = (share(bond.low_load_errors), share(bond.high_load_errors));
    let (follow, fell) = if bond.follows {
        ("follow", ", and fewer again when it fell")
    } else {
        ("do not follow", "")
    };
    format!(
        "errors {follow} the load: {low} of requests failed below {load}, {high} above it{fell}"
    )
}

/// How many cold starts, how long, and what they did to everything; none where the checks say that there was none.
fn cold_start_text(view: &View, cold: &ColdStarts) -> Text {
    let overall = view.overall();
    let failed = Some(cold.failed).filter(|failed| *failed > 0);
    let failed = failed.map(|failed| format!(", {} more in failed requests", count(failed)));
    let Some(p50) = overall.cold.quantile(0.5) else {
        let failed = failed.filter(|_| cold.is_marked);
        return no_cold_start(view, cold.is_marked) + failed;
    };
    let latency = |seconds: f64| Latency(seconds).to_string();
    let before = [cold.share_before.map(share), cold.p50_before.map(latency)];
    let before: Vec<String> = before.into_iter().flatten().collect();
    let before = (!before.is_empty()).then(|| format!(" (before: {})", before.join(", ")));
    let of_all = |q| {
        let (with, without) = (overall.latencies.quantile(q)?, cold.warm.quantile(q)?);
        Some(format!("{} instead of {}", Latency(with), Latency(without)))
    };
    let warm = cold.warm.quantile(0.5).zip(of_all(0.95).zip(of_all(0.99)));
    text!(
        "{} in {} ({}){}, P50 {}{}{}",
        counted(overall.cold.count(), "cold start"),
        counted(overall.successes(), "response"),
        share(overall.cold_share()),
        failed,
        latency(p50),
        before,
        warm.map(|(p50, (p95, p99))| format!(
            ", of warm requests {}; with them, overall P95 is {p95}, P99 {p99}",
            Latency(p50)
        ))
    )
}

/// What the heaviest phase costs, against the lightest; the phase that should recover has a sentence of its own.
fn grows(view: &View) -> Option<Text> {
    let (phases, insights) = (&view.record.phases, view.insights());
    let later = insights.recovery.map(|claim| claim.latency.phase);
    let load = |phase: usize| phases[phase].peak_load;
    let heavier = insights.phases.iter().filter(|change| {
        Some(change.phase) != later && load(change.phase) > load(change.reference)
    });
    let heaviest = heavier.max_by(|a, b| load(a.phase).total_cmp(&load(b.phase)))?;
    let how = if heaviest.change.lower > 0.0 {
        "latency grows with the load"
    } else if heaviest.change.upper < view.thresholds.regression.must_detect {
        "latency does not grow with the load"
    } else {
        "unclear whether latency grows with the load"
    };
    let place = |index: usize| {
        let phase = &phases[index];
        text!(
            "{} ({})",
            untrusted(&phase.name),
            untrusted_load(&phase.load)
        )
    };
    let (from, to) = (place(heaviest.reference), place(heaviest.phase));
    Some(text!(
        "{}: {} from {} to {}",
        how,
        figures(heaviest),
        from,
        to
    ))
}

fn figures(change: &PhaseChange) -> String {
    let from_to = numbers::from_to(P95, change.before, change.now);
    let changed = numbers::change_with_interval(P95, &change.change);
    format!("{} {from_to}, {changed}", change.metric.label())
}

fn recovered(view: &View, claim: &Recovery) -> Text {
    let phase = |index: usize| untrusted(&view.record.phases[index].name);
    let (later, first) = (phase(claim.latency.phase), phase(claim.latency.reference));
    let text = figures(&claim.latency);
    match claim.outcome {
        RecoveryOutcome::Complete => {
            text!("{} is back at the level of {}: {}", later, first, text)
        }
        RecoveryOutcome::Incomplete => {
            let errors = claim.errors.map(|(before, now)| {
                format!("; {} → {} of requests failed", share(before), share(now))
            });
            text!(
                "{} is NOT back at the level of {}: {}{}",
                later,
                first,
                text,
                errors
            )
        }
        RecoveryOutcome::Unclear => {
            text!(
                "unclear whether {} is back at the level of {}: {}",
                later,
                first,
                text
            )
        }
    }
}

/// When a kind of failure first appeared: `12 s in burst, with 100 users at 412/s`.
pub(crate) fn first_seen(view: &View, kind: FailureKind) -> Option<Text> {
    let first = view.first_failure(kind)?;
    let phase = first.phase.as_deref().map(untrusted);
    Some(text!(
        "{} s{}, with {} at {}/s",
        count(first.second as u64),
        phase.map(|phase| text!(" in {}", phase)),
        counted(u64::from(first.users), "user"),
        count(first.requests)
    ))
}

/// What the phase with the most requests in flight would ask of Lambda, by Little's law.
pub(crate) fn concurrency(phases: &[PhaseFigures]) -> Option<Text> {
    let in_flight = |phase: &PhaseFigures| phase.in_flight().unwrap_or(0.0);
    let target = phases.iter().filter(|phase| phase.arm == Arm::Target);
    let most = target.max_by(|a, b| in_flight(a).total_cmp(&in_flight(b)))?;
    let (rate, took, flight) = (most.sent_per_second()?, most.service?.1, most.in_flight()?);
    Some(text!(
        "in {}, {} at {} each keep {} requests in flight on average. A Lambda function needs as many execution environments; check its reserved concurrency and the account's limit",
        untrusted(&most.name),
        numbers::rate(rate),
        Latency(took),
        three_digits(flight)
    ))
}
