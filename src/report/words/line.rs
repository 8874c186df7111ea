//! What one line of the verdict says.

use super::Medium;
use super::reasons::not_judged;
use crate::metric::Metric;
use crate::report::Story;
use crate::report::numbers::{self, count, share};
use crate::report::rows::{Status, bound_text, must_detect};
use crate::thresholds::{FailureSet, Subject};
use crate::verdict::{ChangeCheck, Check, LimitCheck, Line, LineOutcome, Measure, NotJudged};

/// What is measured, such as `P95` or `error rate 5xx`.
pub(in crate::report) fn measure_name(measure: Measure) -> String {
    match measure {
        Measure::Metric(metric) => metric.label().to_owned(),
        Measure::Failures(set) => format!("{} {}", Metric::ErrorRate.label(), failures_name(set)),
    }
}

fn failures_name(set: FailureSet) -> String {
    match set {
        FailureSet::Kind(kind) => kind.to_string(),
        FailureSet::StatusClass(class) => format!("{class}xx"),
    }
}

/// Whom a line speaks of.
pub(in crate::report) fn subject_name(subject: &Subject, medium: Medium) -> String {
    match subject {
        Subject::Overall => "overall".to_owned(),
        Subject::Request(name) => medium.foreign(name),
    }
}

/// What a line is about: `P95 GET /orders in burst`.
pub(in crate::report) fn title(line: &Line, medium: Medium) -> String {
    let measure = measure_name(line.measure);
    let subject = subject_name(&line.subject, medium);
    match &line.phase {
        Some(phase) => format!("{measure} {subject} in {}", medium.foreign(phase)),
        None => format!("{measure} {subject}"),
    }
}

/// The whole line: `P95 GET /orders +3.1 % [-1.2 %, +7.6 %], passed; would have caught +14 %`.
pub(in crate::report) fn sentence(story: &Story, line: &Line, medium: Medium) -> String {
    let mut told = title(line, medium);
    match &line.check {
        Check::Limit(limit) => {
            if let Some(current) = line.current {
                told += &format!(" {}", numbers::value(line.measure, current));
            }
            told += &format!(", limit {}", bound_text(line.measure, limit));
        }
        Check::Change(check) => {
            if let Some(change) = check.change {
                told += &format!(
                    " {} {}",
                    numbers::change(line.measure, change.estimate),
                    numbers::interval(line.measure, &change)
                );
            }
        }
    }
    told += &format!(", {}", Status::of(line).word());
    if let Some(why) = explanation(story, line, medium) {
        told += &format!(": {why}");
    }
    if let Check::Change(check) = &line.check
        && let Some(caught) = caught(line, check)
    {
        told += &format!("; would have caught {caught}");
    }
    told
}

/// What a change would have had to be for this run to catch it.
pub(in crate::report) fn caught(line: &Line, check: &ChangeCheck) -> Option<String> {
    let would_catch = check.would_catch.filter(|change| change.is_finite())?;
    Some(numbers::caught(line.measure, would_catch))
}

/// Why a line came to what it came to, where the figures alone do not say it.
pub(in crate::report) fn explanation(story: &Story, line: &Line, medium: Medium) -> Option<String> {
    if let LineOutcome::NotJudged(why) = &line.outcome {
        return Some(not_judged(why));
    }
    match &line.check {
        Check::Limit(limit) => limit_explanation(line, limit),
        Check::Change(check) => change_explanation(story, line, check, medium),
    }
}

fn change_explanation(
    story: &Story,
    line: &Line,
    check: &ChangeCheck,
    medium: Medium,
) -> Option<String> {
    let mut told = Vec::new();
    match &line.outcome {
        LineOutcome::Failed => {
            if let (Some(before), Some(now)) = (check.before, line.current) {
                told.push(numbers::from_to(line.measure, before, now));
            }
        }
        LineOutcome::Inconclusive => told.push(cannot_rule_out(story, line, check)),
        LineOutcome::Passed if check.below_floor => {
            let floor = story.thresholds.regression.floor.as_secs_f64();
            let usual = numbers::value(Measure::Metric(Metric::P95), floor);
            told.push(format!(
                "smaller than matters (a floor of {usual} where no other is set)"
            ));
        }
        LineOutcome::Passed | LineOutcome::NotJudged(_) => {}
    }
    let accepted = check
        .accepted
        .and_then(|index| story.thresholds.regression.accepted.get(index));
    if let Some(acceptance) = accepted {
        told.push(format!(
            "accepted up to {} until {} ({})",
            numbers::allowed(line.measure, acceptance.up_to),
            acceptance.until,
            medium.foreign(&acceptance.reason)
        ));
    }
    (!told.is_empty()).then(|| told.join("; "))
}

fn cannot_rule_out(story: &Story, line: &Line, check: &ChangeCheck) -> String {
    let must = must_detect(story);
    match check.change {
        Some(change) if !numbers::is_share(line.measure) && change.upper >= must => format!(
            "{} or more cannot be ruled out",
            numbers::caught(line.measure, must)
        ),
        Some(change) => format!(
            "up to {} cannot be ruled out",
            numbers::change(line.measure, change.upper)
        ),
        None => "no change could be estimated".to_owned(),
    }
}

fn limit_explanation(line: &Line, limit: &LimitCheck) -> Option<String> {
    let mut told = limit_counts(line, limit)?;
    if limit.assumes_independence {
        told += "; too few slices to tell bursts of failures from chance";
    }
    Some(told)
}

/// How many requests are over a limit, or, where that is open, between which shares.
fn limit_counts(line: &Line, limit: &LimitCheck) -> Option<String> {
    let (verb, allowed) = match line.measure {
        Measure::Metric(metric) => match metric.quantile() {
            Some(q) => ("took longer or failed", 1.0 - q),
            None => ("failed", limit.bound),
        },
        Measure::Failures(_) => ("failed so", limit.bound),
    };
    let may = format!("{} may", numbers::percent(allowed));
    if let (LineOutcome::Inconclusive, Some((lower, upper))) = (&line.outcome, limit.interval) {
        if numbers::more_is_better(line.measure) {
            let (lower, upper) = (numbers::rate(lower), numbers::rate(upper));
            return Some(format!("between {lower} and {upper}"));
        }
        let (lower, upper) = (share(lower), share(upper));
        return Some(format!(
            "between {lower} and {upper} of requests {verb}, {may}"
        ));
    }
    let over = limit.over?;
    let of = count(line.requests);
    let requests = if line.requests == 1 {
        "request"
    } else {
        "requests"
    };
    Some(format!("{} of {of} {requests} {verb}, {may}", count(over)))
}

/// Whether a line says no more than that nothing was compared.
pub(in crate::report) fn is_uncompared(line: &Line) -> bool {
    line.outcome == LineOutcome::NotJudged(NotJudged::NoComparison)
}
