//! What a run showed of itself, in sentences: cold starts, errors and load, phases against each other.

use crate::report::text::numbers::{self, P95, count, counted, share};
use crate::report::text::{Text, text, untrusted, untrusted_load};
use crate::report::view::{ColdStarts, PhaseFigures, View};
use crate::units::{Latency, three_digits};
use crate::verdict::{LoadCorrelation, LoadUnit, PhaseChange, Recovery, RecoveryOutcome};

/// What the run showed, the most important first; empty if there is nothing to say.
pub(crate) fn showed(view: &View) -> Vec<Text> {
    let insights = view.insights();
    let recovery = insights.recovery.map(|claim| recovered(view, &claim));
    let later = insights.recovery.map(|claim| claim.latency.phase);
    let of_load: Vec<&PhaseChange> = insights
        .phases
        .iter()
        .filter(|change| Some(change.phase) != later)
        .collect();
    let mut sentences = Vec::new();
    sentences.extend(insights.load_correlation.map(|bond| follows(&bond).into()));
    sentences.extend(
        view.cold_starts()
            .and_then(|cold| cold_start_text(view, cold)),
    );
    sentences.extend(grows(view, &of_load));
    sentences.extend(recovery);
    sentences
}

/// Whether errors follow the load.
fn follows(bond: &LoadCorrelation) -> String {
    let load = match bond.unit {
        LoadUnit::Users => format!("{} users", count(numbers::whole(bond.boundary))),
        LoadUnit::RequestsPerSecond => format!("{}/s", three_digits(bond.boundary)),
    };
    let (low, high) = (share(bond.low_load_errors), share(bond.high_load_errors));
    if bond.follows {
        format!(
            "errors follow the load: {low} of requests failed below {load}, {high} above it, and fewer again when it fell"
        )
    } else {
        format!(
            "errors do not follow the load: {low} of requests failed below {load}, {high} above it"
        )
    }
}

/// How many cold starts, how long, and what they did to everything; none where the checks say that there was none.
fn cold_start_text(view: &View, cold: &ColdStarts) -> Option<Text> {
    let failed = match cold.failed {
        0 => Text::default(),
        failed => text!(", {} more in failed requests", count(failed)),
    };
    let latency = |seconds: f64| Latency(seconds).to_string();
    let Some(p50) = cold.cold.quantile(0.5) else {
        let header = untrusted(view.record.cold_start.as_deref()?);
        return Some(if cold.is_marked {
            text!(
                "no cold starts in responses with header {}{}",
                header,
                failed
            )
        } else {
            text!(
                "no cold starts seen (no response has the header {})",
                header
            )
        });
    };
    let before = match (cold.share_before, cold.p50_before) {
        (None, None) => Text::default(),
        (share_before, p50) => {
            let parts = [share_before.map(share), p50.map(latency)];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            text!(" (before: {})", parts.join(", "))
        }
    };
    let mut text = text!(
        "{} in {} ({}){}, P50 {}{}",
        counted(cold.cold.count(), "cold start"),
        counted(cold.responses, "response"),
        share(cold.share()),
        failed,
        latency(p50),
        before
    );
    let warm = |q| Some((cold.warm.quantile(q)?, cold.all.quantile(q)?));
    if let (Some(p50_warm), Some(p95), Some(p99)) =
        (cold.warm.quantile(0.5), warm(0.95), warm(0.99))
    {
        text += text!(
            ", of warm requests {}; with them, overall P95 is {}, P99 {}",
            latency(p50_warm),
            instead_of(p95),
            instead_of(p99)
        );
    }
    Some(text)
}

/// Two latencies in words: `641 ms instead of 58.0 ms`.
fn instead_of((without, with): (f64, f64)) -> String {
    format!("{} instead of {}", Latency(with), Latency(without))
}

/// What the heaviest phase costs, against the lightest.
fn grows(view: &View, changes: &[&PhaseChange]) -> Option<Text> {
    let phases = &view.record.phases;
    let most = |change: &&&PhaseChange| phases[change.phase].peak_load;
    let heaviest = changes
        .iter()
        .filter(|change| phases[change.phase].peak_load > phases[change.reference].peak_load)
        .max_by(|a, b| most(a).total_cmp(&most(b)))?;
    let regression = &view.thresholds.regression;
    let how = if heaviest.change.lower > 0.0 {
        "latency grows with the load"
    } else if heaviest.change.upper < regression.must_detect {
        "latency does not grow with the load"
    } else {
        "unclear whether latency grows with the load"
    };
    let place = |index: usize| {
        text!(
            "{} ({})",
            untrusted(&phases[index].name),
            untrusted_load(&phases[index].load)
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
    format!(
        "{} {}, {}",
        change.metric.label(),
        numbers::from_to(P95, change.before, change.now),
        numbers::change_with_interval(P95, &change.change)
    )
}

fn recovered(view: &View, claim: &Recovery) -> Text {
    let phase = |index: usize| untrusted(&view.record.phases[index].name);
    let (later, first) = (phase(claim.latency.phase), phase(claim.latency.reference));
    let errors = claim.errors.map_or_else(Text::default, |(before, now)| {
        text!("; {} → {} of requests failed", share(before), share(now))
    });
    let text = figures(&claim.latency);
    match claim.outcome {
        RecoveryOutcome::Complete => {
            text!("{} is back at the level of {}: {}", later, first, text)
        }
        RecoveryOutcome::Incomplete => {
            text!(
                "{} is NOT back at the level of {}: {}{}",
                later,
                first,
                text,
                errors
            )
        }
        RecoveryOutcome::Unclear => text!(
            "unclear whether {} is back at the level of {}: {}",
            later,
            first,
            text
        ),
    }
}

/// When a kind of failure first appeared: `12 s in burst, with 100 users at 412/s`.
pub(crate) fn first_seen(view: &View, kind: crate::measurement::FailureKind) -> Option<Text> {
    let first = view.first_failure(kind)?;
    let phase = first
        .phase
        .map_or_else(Text::default, |phase| text!(" in {}", untrusted(&phase)));
    Some(text!(
        "{} s{}, with {} at {}/s",
        count(first.second as u64),
        phase,
        counted(u64::from(first.users), "user"),
        count(first.requests)
    ))
}

/// What the phase with the most requests in flight would ask of Lambda, by Little's law.
pub(crate) fn concurrency(phases: &[PhaseFigures]) -> Option<Text> {
    let most = phases
        .iter()
        .filter(|of| of.arm == crate::measurement::Arm::Target)
        .max_by(|a, b| {
            let (a, b) = (a.in_flight(), b.in_flight());
            a.unwrap_or(0.0).total_cmp(&b.unwrap_or(0.0))
        })?;
    let (rate, took, flight) = (most.sent_per_second()?, most.service?.1, most.in_flight()?);
    Some(text!(
        "in {}, {} at {} each keep {} requests in flight on average. A Lambda function needs as many execution environments; check its reserved concurrency and the account's limit",
        untrusted(&most.name),
        numbers::rate(rate),
        Latency(took),
        three_digits(flight)
    ))
}
