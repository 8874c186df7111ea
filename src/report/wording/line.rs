//! What one line of the verdict says: a limit, or a change.

use super::outage::outage;
use super::reasons::why_not;
use super::suspicion::suspicion;
use crate::metric::{Metric, StartFilter};
use crate::report::text::{Text, counted, numbers, share, text, untrusted};
use crate::report::view::{Status, View};
use crate::thresholds::{AwsMetric, FailureSet, Subject};
use crate::verdict::{
    ChangeCheck, Check, CheckKind, CheckOutcome, Enforcement, FEWEST_ERRORS, LimitCheck, Measure,
    Reference, SMALLEST_SHARE,
};

/// What is measured, such as `P95` or `error rate 5xx`.
pub(crate) fn measure_name(measure: Measure) -> String {
    let errors = Metric::ErrorRate.label();
    match measure {
        Measure::Metric(metric) => metric.label().to_owned(),
        Measure::Unavailable => "unavailable".to_owned(),
        Measure::Aws(metric) => aws_name(metric).to_owned(),
        Measure::Failures(FailureSet::Kind(kind)) => format!("{errors} {kind}"),
        Measure::Failures(FailureSet::StatusClass(class)) => format!("{errors} {class}xx"),
    }
}

/// A figure of AWS, such as `Lambda throttles`.
fn aws_name(metric: AwsMetric) -> &'static str {
    match metric {
        AwsMetric::Throttles => "Lambda throttles",
        AwsMetric::Errors => "Lambda errors",
        AwsMetric::Spillover => "Lambda spillover",
        AwsMetric::MemoryUsed => "Lambda memory used",
        AwsMetric::BilledP95 => "Lambda billed P95",
        AwsMetric::CostPerMillion => "cost per million",
    }
}

/// Whom a line speaks of.
pub(crate) fn subject_name(subject: &Subject) -> Text {
    subject.name().map_or_else(|| text!("overall"), untrusted)
}

/// What a line is about: `P95 GET /orders in burst`.
pub(crate) fn title(line: &Check) -> Text {
    let (measure, subject) = (measure_name(line.measure), subject_name(&line.subject));
    text!("{} {}{}{}", measure, subject, in_phase(line), since(line))
}

/// The phase of a line, if it speaks of one alone: ` in burst`.
pub(super) fn in_phase(line: &Check) -> Text {
    let phase = line.phase.as_ref();
    phase.map(|phase| text!(" in {}", untrusted(phase))).into()
}

/// That a change is not held against what was just before, where it is not.
pub(crate) fn since(line: &Check) -> &'static str {
    match line.change().map(|change| change.reference) {
        Some(Reference::Anchor) => " since the anchor",
        Some(Reference::Newest) | None => "",
    }
}

/// The whole line: `P95 GET /orders 182 → 188 ms, +3.1 % [-1.2 %, +7.6 %], passed; would have caught +14 %`.
pub(crate) fn sentence(view: &View, line: &Check) -> Text {
    let measure = line.measure;
    let (figures, why, caught) = match &line.kind {
        CheckKind::Limit(limit) => {
            let now = line.current.map(|now| numbers::value(measure, now));
            let now = now.map(|now| format!(" {now}"));
            let figures = text!("{}, limit {}", now, promise(line, limit));
            (figures, limit_note(view, line, limit), None)
        }
        CheckKind::Change(check) => {
            let now = numbers::before_now(measure, check.before, line.current);
            let change = check.change.as_ref();
            let change = change.map(|change| numbers::change_with_interval(measure, change));
            let figures = text!(
                "{}{}",
                now.map(|now| format!(" {now}")),
                change.map(|change| format!(", {change}"))
            );
            (figures, change_note(view, line, check), caught(line, check))
        }
    };
    text!(
        "{}{}, {}{}{}",
        title(line),
        figures,
        Status::new(line).word(),
        why.map(|why| text!(": {}", why)),
        caught.map(|caught| format!("; would have caught {caught}"))
    )
}

/// What must hold, such as `500 ms`, `at least 90/s`, or `1 s (warns)`.
pub(crate) fn promise(line: &Check, limit: &LimitCheck) -> String {
    let is_least = numbers::more_is_better(line.measure);
    let least = if is_least { "at least " } else { "" };
    let warns = match line.enforcement {
        Enforcement::Warned => " (warns)",
        Enforcement::Gated | Enforcement::Reported => "",
    };
    let promised = numbers::promised(line.measure, limit.bound);
    format!("{least}{promised}{warns}")
}

/// What a limit came to, in a word behind what it promises; nothing where it is kept.
pub(super) fn limit_ending(line: &Check) -> &'static str {
    match line.outcome {
        CheckOutcome::Passed => "",
        CheckOutcome::Failed => "broken",
        CheckOutcome::NotJudged(_) if !line.is_open() => "not judged",
        CheckOutcome::Inconclusive | CheckOutcome::NotJudged(_) => "inconclusive",
    }
}

/// Why a limit came to what it came to: how many requests are over it, `1,260 of 4,800 requests took longer or failed, 5 %
/// allowed`, or, where that is open, between which shares.
pub(super) fn limit_note(view: &View, line: &Check, limit: &LimitCheck) -> Option<Text> {
    let is_open = line.outcome == CheckOutcome::Inconclusive;
    let interval = limit.interval.filter(|_| is_open);
    if let Some(why) = line.why_not_judged() {
        return Some(why_not(view, line, why));
    } else if let Some(found) = &limit.outage {
        return Some(outage(line, found));
    }
    let (noun, verb, allowed) = counting(line.measure, limit.bound);
    let found = match interval.map(<[f64; 2]>::from) {
        Some(ends) if numbers::more_is_better(line.measure) => {
            let [lower, upper] = ends.map(numbers::rate);
            return Some(text!("between {} and {}", lower, upper));
        }
        Some(ends) => {
            let [lower, upper] = ends.map(share);
            format!("between {lower} and {upper} of {noun}s")
        }
        None => {
            let over = numbers::count(limit.over?);
            format!("{over} of {}", counted(line.requests, noun))
        }
    };
    // That bursts of failures may have decided, if slices were too few to know.
    let is_doubtful = limit.assumes_independence && limit.slices > 0;
    let slices = Some(limit.slices)
        .filter(|_| is_doubtful && line.outcome != CheckOutcome::Passed)
        .map(|n| format!("; too few slices ({n}) to separate bursts from chance"));
    let allowed = numbers::percent(allowed);
    Some(text!("{} {}, {} allowed{}", found, verb, allowed, slices))
}

/// What a limit counts, what it must not do, and the share that may.
fn counting(measure: Measure, bound: f64) -> (&'static str, &'static str, f64) {
    let Measure::Metric(metric) = measure else {
        return ("request", "failed this way", bound);
    };
    match (metric.quantile(), metric.starts()) {
        (Some(q), StartFilter::All) => ("request", "took longer or failed", 1.0 - q),
        (Some(q), StartFilter::Warm) => ("warm request", "took longer or failed", 1.0 - q),
        (Some(q), StartFilter::Cold) => ("cold start", "took longer", 1.0 - q),
        (None, _) if metric == Metric::ColdShare => ("response", "began with a cold start", bound),
        (None, _) => ("request", "failed", bound),
    }
}

/// What a change would have had to be for this run to catch it.
pub(crate) fn caught(line: &Check, check: &ChangeCheck) -> Option<String> {
    let would_catch = check.min_detectable.filter(|change| change.is_finite())?;
    Some(numbers::caught(line.measure, would_catch))
}

/// Why a change came to what it came to, where its figures do not say it.
pub(crate) fn change_note(view: &View, line: &Check, check: &ChangeCheck) -> Option<Text> {
    let reason = match &line.outcome {
        CheckOutcome::NotJudged(why) => Some(why_not(view, line, why)),
        CheckOutcome::Inconclusive => Some(cannot_rule_out(view, line, check).into()),
        CheckOutcome::Passed if view.is_below_floor(line, check) => floor(check).map(Text::from),
        CheckOutcome::Failed if line.enforcement != Enforcement::Reported => {
            let found = check.attribution.as_ref();
            let found = found.and_then(|found| suspicion(view, line, found));
            found.map(Text::from)
        }
        CheckOutcome::Passed | CheckOutcome::Failed => None,
    };
    match (reason, acceptance(view, line, check)) {
        (Some(reason), Some(accepted)) => Some(text!("{}; {}", reason, accepted)),
        (reason, accepted) => reason.or(accepted),
    }
}

/// Why a change is too small to matter: a latency's floor is written, that of an error rate is fixed.
fn floor(check: &ChangeCheck) -> Option<String> {
    let Some(floor) = check.floor else {
        return Some(format!(
            "too small to fail: that takes {FEWEST_ERRORS} errors and a rise of {}",
            numbers::allowed(Measure::Metric(Metric::ErrorRate), SMALLEST_SHARE)
        ));
    };
    let by = numbers::value(numbers::P95, check.before? * check.change?.estimate.abs());
    let floor = numbers::time(floor);
    Some(format!("the change of {by} is below the floor of {floor}"))
}

fn cannot_rule_out(view: &View, line: &Check, check: &ChangeCheck) -> String {
    let Some(change) = check.change else {
        return "no change could be estimated".to_owned();
    };
    let [_, worst] = numbers::best_and_worst(line.measure, &change);
    let must = view.must_detect_of(line.measure);
    if !numbers::is_share(line.measure) && worst >= must {
        let must = numbers::caught(line.measure, must);
        return format!("{must} or more cannot be ruled out");
    }
    let worst = numbers::change(line.measure, worst);
    format!("up to {worst} cannot be ruled out")
}

/// That a slow-down was accepted: by whom does not matter, until when and why does.
fn acceptance(view: &View, line: &Check, check: &ChangeCheck) -> Option<Text> {
    let accepted = &view.thresholds.regression.accepted;
    let acceptance = accepted.get(check.acceptance?)?;
    let subject = Some(&acceptance.subject).filter(|subject| **subject != line.subject);
    Some(text!(
        "accepted{} up to {} until {} ({})",
        subject.map(|subject| text!(" for {}", subject_name(subject))),
        numbers::allowed(line.measure, acceptance.up_to),
        acceptance.until,
        untrusted(&acceptance.reason)
    ))
}
