//! What a limit says.

use super::outage::outage;
use super::reasons::why_not;
use crate::metric::{Metric, StartFilter};
use crate::report::text::numbers::{self, count, share};
use crate::report::text::{Text, text};
use crate::report::view::View;
use crate::verdict::{Check, CheckOutcome, Enforcement, LimitCheck, Measure};

/// What must hold, such as `500 ms`, `at least 90/s`, or `1 s (warns)`.
pub(crate) fn promise(line: &Check, limit: &LimitCheck) -> String {
    let promised = numbers::promised(line.measure, limit.bound);
    let warns = match line.enforcement {
        Enforcement::Warned => " (warns)",
        Enforcement::Gated | Enforcement::Reported => "",
    };
    if numbers::more_is_better(line.measure) {
        format!("at least {promised}{warns}")
    } else {
        format!("{promised}{warns}")
    }
}

/// What a limit came to, in a word behind what it promises; nothing where it is kept.
pub(crate) fn ending(line: &Check) -> &'static str {
    match line.outcome {
        CheckOutcome::Passed => "",
        CheckOutcome::Failed => "broken",
        CheckOutcome::Inconclusive => "inconclusive",
        CheckOutcome::NotJudged(_) if line.is_open() => "inconclusive",
        CheckOutcome::NotJudged(_) => "not judged",
    }
}

/// Why a limit that is not kept came to that: `1,260 of 4,800 requests took longer or failed, 5 % allowed`.
pub(crate) fn limit_reason(view: &View, line: &Check, limit: &LimitCheck) -> Option<Text> {
    match &line.outcome {
        CheckOutcome::NotJudged(why) => Some(why_not(view, line, why)),
        CheckOutcome::Failed | CheckOutcome::Inconclusive => limit_counts(line, limit),
        CheckOutcome::Passed => None,
    }
}

/// How many requests are over a limit, or, where that is open, between which shares.
pub(super) fn limit_counts(line: &Check, limit: &LimitCheck) -> Option<Text> {
    if let Some(found) = &limit.outage {
        return Some(outage(line, found));
    }
    let (verb, allowed) = match line.measure {
        Measure::Metric(metric) => match metric.quantile() {
            Some(q) if metric.starts() == StartFilter::Cold => ("took longer", 1.0 - q),
            Some(q) => ("took longer or failed", 1.0 - q),
            None if metric == Metric::ColdShare => ("began with a cold start", limit.bound),
            None => ("failed", limit.bound),
        },
        Measure::Failures(_) | Measure::Unavailable => ("failed this way", limit.bound),
    };
    let may = text!("{} allowed", numbers::percent(allowed));
    if let (CheckOutcome::Inconclusive, Some((lower, upper))) = (&line.outcome, limit.interval) {
        if numbers::more_is_better(line.measure) {
            let (lower, upper) = (numbers::rate(lower), numbers::rate(upper));
            return Some(text!("between {} and {}", lower, upper));
        }
        let (lower, upper) = (share(lower), share(upper));
        let noun = noun(line);
        let text = text!(
            "between {} and {} of {}s {}, {}",
            lower,
            upper,
            noun,
            verb,
            may
        );
        return Some(text + doubt(line, limit));
    }
    let of = numbers::counted(line.requests, noun(line));
    let text = text!("{} of {} {}, {}", count(limit.over?), of, verb, may);
    Some(text + doubt(line, limit))
}

/// What a limit counts.
fn noun(line: &Check) -> &'static str {
    match line.measure {
        Measure::Metric(metric) if metric.starts() == StartFilter::Cold => "cold start",
        Measure::Metric(metric) if metric.starts() == StartFilter::Warm => "warm request",
        Measure::Metric(Metric::ColdShare) => "response",
        Measure::Metric(_) | Measure::Failures(_) | Measure::Unavailable => "request",
    }
}

/// That bursts of failures may have decided, if slices were too few to know.
fn doubt(line: &Check, limit: &LimitCheck) -> String {
    if !limit.assumes_independence || limit.slices == 0 || line.outcome == CheckOutcome::Passed {
        return String::new();
    }
    format!(
        "; too few slices ({}) to separate bursts from chance",
        limit.slices
    )
}
