//! What one line of the verdict says.

use super::limit::{limit_counts, promise};
use super::reasons::why_not;
use super::suspicion::suspicion;
use crate::metric::Metric;
use crate::report::text::{Text, numbers, text, untrusted};
use crate::report::view::{Status, View};
use crate::thresholds::{FailureSet, Subject};
use crate::verdict::{
    ChangeCheck, Check, CheckKind, CheckOutcome, Enforcement, FEWEST_ERRORS, Measure, Reference,
    SMALLEST_SHARE,
};

/// What is measured, such as `P95` or `error rate 5xx`.
pub(crate) fn measure_name(measure: Measure) -> String {
    match measure {
        Measure::Metric(metric) => metric.label().to_owned(),
        Measure::Unavailable => "unavailable".to_owned(),
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
pub(crate) fn subject_name(subject: &Subject) -> Text {
    match subject {
        Subject::Overall => text!("overall"),
        Subject::Request(name) => untrusted(name),
    }
}

/// What a line is about: `P95 GET /orders in burst`.
pub(crate) fn title(line: &Check) -> Text {
    let measure = measure_name(line.measure);
    let subject = subject_name(&line.subject);
    let since = since(line);
    text!("{} {}{}{}", measure, subject, in_phase(line), since)
}

/// The phase of a line, if it speaks of one alone: ` in burst`.
pub(super) fn in_phase(line: &Check) -> Text {
    let phase = line.phase.as_ref();
    phase.map(|phase| text!(" in {}", untrusted(phase))).into()
}

/// That a change is not held against what was just before, where it is not.
pub(crate) fn since(line: &Check) -> &'static str {
    match &line.kind {
        CheckKind::Change(ChangeCheck {
            reference: Reference::Anchor,
            ..
        }) => " since the anchor",
        CheckKind::Change(_) | CheckKind::Limit(_) => "",
    }
}

/// The figures of a change, with what goes before them: ` 182 → 231 ms, +26.9 % [+22.0 %, +32.1 %]`.
pub(crate) fn change_figures(line: &Check, check: &ChangeCheck) -> String {
    let figures = numbers::before_now(line.measure, check.before, line.current);
    let mut text = figures.map_or_else(String::new, |figures| format!(" {figures}"));
    if let Some(change) = check.change {
        let change = numbers::change_with_interval(line.measure, &change);
        text += &format!(", {change}");
    }
    text
}

/// The whole line: `P95 GET /orders 182 → 188 ms, +3.1 % [-1.2 %, +7.6 %], passed; would have caught +14 %`.
pub(crate) fn sentence(view: &View, line: &Check) -> Text {
    let mut text = title(line);
    let why = match &line.kind {
        CheckKind::Limit(limit) => {
            if let Some(current) = line.current {
                text += text!(" {}", numbers::value(line.measure, current));
            }
            text += text!(", limit {}", promise(line, limit));
            match &line.outcome {
                CheckOutcome::NotJudged(why) => Some(why_not(view, line, why)),
                CheckOutcome::Passed | CheckOutcome::Failed | CheckOutcome::Inconclusive => {
                    limit_counts(line, limit)
                }
            }
        }
        CheckKind::Change(check) => {
            text += change_figures(line, check);
            change_note(view, line, check)
        }
    };
    text += text!(", {}", Status::new(line).word());
    if let Some(why) = why {
        text += text!(": {}", why);
    }
    if let CheckKind::Change(check) = &line.kind
        && let Some(caught) = caught(line, check)
    {
        text += text!("; would have caught {}", caught);
    }
    text
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
            found
                .and_then(|found| suspicion(view, line, found))
                .map(Text::from)
        }
        CheckOutcome::Passed | CheckOutcome::Failed => None,
    };
    let parts: Vec<Text> = reason
        .into_iter()
        .chain(acceptance(view, line, check))
        .collect();
    (!parts.is_empty()).then(|| Text::join(parts, "; "))
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
    let worst = if numbers::more_is_better(line.measure) {
        change.lower
    } else {
        change.upper
    };
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
    let of = match &acceptance.subject {
        subject if *subject == line.subject => Text::default(),
        subject => text!(" for {}", subject_name(subject)),
    };
    Some(text!(
        "accepted{} up to {} until {} ({})",
        of,
        numbers::allowed(line.measure, acceptance.up_to),
        acceptance.until,
        untrusted(&acceptance.reason)
    ))
}
