//! The verdict in one sentence, and what it rests on.

use super::cautions::aborted;
use super::line::{in_phase, measure_name, promise, since, title};
use super::outage::headline as unavailable;
use super::reasons::{invalidity, no_comparison, why_not};
use crate::report::text::{Text, counted, numbers, text, untrusted};
use crate::report::view::{CheckRow, Status, View};
use crate::thresholds::Subject;
use crate::verdict::{
    ChangeCheck, Check, CheckKind, CheckOutcome, Comparison, Enforcement, HISTORY_FROM,
    InvalidReason, LimitCheck, Outcome, Reference, Warning,
};

/// The verdict of one gate in one sentence.
pub(crate) fn headline(view: &View) -> Text {
    let gate = untrusted(view.gate());
    if view.is_comparison() {
        let is_passed = view.verdict.outcome == Outcome::Passed;
        let nothing = nothing_slower(&[view]).filter(|_| is_passed);
        return text!("{}: {}", gate, nothing.unwrap_or_else(|| finding(view)));
    }
    let text = text!(
        "performance gate {} {}{}: {}",
        gate,
        ending(view),
        provisional(view),
        finding(view)
    );
    if view.verdict.observed {
        return text!("Observed only, nothing fails. {}", text.capitalized());
    }
    text.capitalized()
}

fn ending(view: &View) -> &'static str {
    let interrupted = view.verdict.invalid.contains(&InvalidReason::Interrupted);
    match (view.verdict.outcome, view.verdict.observed) {
        (Outcome::Passed, _) => "passed",
        (Outcome::Failed, false) => "failed",
        (Outcome::Failed, true) => "would have failed",
        (Outcome::Inconclusive, false) if view.strict => "is INCONCLUSIVE (--strict fails it)",
        (Outcome::Inconclusive, false) => "is INCONCLUSIVE (not a pass; the build is not blocked)",
        (Outcome::Inconclusive, true) => "is INCONCLUSIVE",
        (Outcome::Invalid, _) if interrupted => "was interrupted and NOT JUDGED",
        (Outcome::Invalid, _) => "could NOT BE JUDGED",
    }
}

/// How little a verdict is worth that rests on few jobs.
fn provisional(view: &View) -> Option<String> {
    let Comparison::Provisional { jobs, .. } = view.verdict.comparison else {
        return None;
    };
    let jobs = counted(u64::from(jobs), "baseline job");
    let is_judged = view.verdict.outcome != Outcome::Invalid;
    is_judged.then(|| format!(" (provisional: {jobs}, a history needs {HISTORY_FROM})"))
}

/// What the verdict rests on, as the end of a sentence.
pub(crate) fn finding(view: &View) -> Text {
    match view.verdict.outcome {
        Outcome::Passed => passed(view),
        Outcome::Failed => failed(view),
        Outcome::Inconclusive => inconclusive(view),
        Outcome::Invalid => match view.verdict.invalid.as_slice() {
            [] => text!("the run is invalid"),
            [only] => invalidity(view, only).what,
            [first, more @ ..] => text!(
                "{}, and {}",
                invalidity(view, first).what,
                counted(more.len() as u64, "more reason")
            ),
        },
    }
}

fn failed(view: &View) -> Text {
    let text = if let Some(stopped) = stopped_early(view) {
        stopped.into()
    } else if let Some((row, worst)) = view.worst() {
        match &worst.kind {
            CheckKind::Change(check) => worse(worst, check) + limits_too(row),
            CheckKind::Limit(limit) => match &limit.outage {
                Some(outage) => unavailable(worst, outage),
                None => broken(worst, limit),
            },
        }
    } else {
        return text!("a limit is broken");
    };
    let (noun, failed) = match (view.is_comparison(), view.verdict.observed) {
        (true, _) => ("more figure", "got worse"),
        (false, true) => ("more check", "would have failed"),
        (false, false) => ("more check", "failed"),
    };
    let rows = view.rows().iter();
    let others = rows.filter(|row| row.status == Status::Failed).skip(1);
    match others.count() {
        0 => text,
        more => text!("{}; {} {}", text, counted(more as u64, noun), failed),
    }
}

/// That the run was stopped early, and why.
pub(crate) fn stopped_early(view: &View) -> Option<String> {
    view.verdict.warnings.iter().find_map(|caution| {
        let Warning::Aborted { failures, requests } = caution else {
            return None;
        };
        let why = aborted(view, *failures, *requests);
        Some(format!("the run was stopped early because {why}"))
    })
}

/// Whom a sentence is about, with its verb: "`GET /orders` is", "requests overall are".
fn who(line: &Check) -> Text {
    let phase = in_phase(line);
    match &line.subject {
        Subject::Overall => text!("requests overall{} are", phase),
        Subject::Request(name) => text!("{}{} is", untrusted(name), phase),
    }
}

/// A change for the worse: "`GET /orders` is slower: P95 182 → 231 ms (+26.9 %)".
fn worse(line: &Check, check: &ChangeCheck) -> Text {
    let measure = line.measure;
    let how = if numbers::is_share(measure) {
        "failing more often"
    } else if numbers::more_is_better(measure) {
        "served at a lower rate"
    } else {
        "slower"
    };
    let figures = check.before.zip(line.current);
    let figures = figures.map(|(before, now)| numbers::from_to(measure, before, now));
    let change = check.change.map(|it| numbers::change(measure, it.estimate));
    text!(
        "{} {}{}: {}{}{}",
        who(line),
        how,
        since(line),
        measure_name(measure),
        figures.map(|figures| format!(" {figures}")),
        change.map(|change| format!(" ({change})"))
    )
}

/// That a figure that changed also broke its limit.
fn limits_too(row: &CheckRow) -> Option<String> {
    let (line, limit) = row.limits.iter().find(|(line, _)| {
        line.outcome == CheckOutcome::Failed && line.enforcement == Enforcement::Gated
    })?;
    Some(format!(", limit {} broken", promise(line, limit)))
}

/// A broken limit: "`GET /orders` is over its limit: P95 612 ms, limit 500 ms".
fn broken(line: &Check, limit: &LimitCheck) -> Text {
    let is_least = numbers::more_is_better(line.measure);
    let is_overall = line.subject == Subject::Overall;
    text!(
        "{} {} {} limit: {} {}, limit {}",
        who(line),
        if is_least { "below" } else { "over" },
        if is_overall { "their" } else { "its" },
        measure_name(line.measure),
        numbers::value_or_none(line.measure, line.current),
        promise(line, limit)
    )
}

fn inconclusive(view: &View) -> Text {
    let open = view.rows().iter().filter_map(CheckRow::open_line);
    let open: Vec<&Check> = open.collect();
    let Some(first) = open.first() else {
        return text!("the result is unclear");
    };
    let why = first
        .why_not_judged()
        .map(|why| text!(": {}", why_not(view, first, why)));
    let text = match &first.kind {
        CheckKind::Change(check) => {
            let range = check.change.filter(|_| why.is_none());
            let range = range.map(|change| numbers::interval(first.measure, &change));
            let range = range.map(|range| format!(", 95 % interval {range}"));
            text!("unclear whether {} got worse{}{}", title(first), range, why)
        }
        CheckKind::Limit(limit) => text!(
            "unclear whether {} is within its limit of {}{}",
            title(first),
            promise(first, limit),
            why
        ),
    };
    match open.len() - 1 {
        0 => text,
        1 => text + "; 1 more check is inconclusive",
        more => text!("{}; {} more checks are inconclusive", text, more),
    }
}

fn passed(view: &View) -> Text {
    let text = match &view.verdict.comparison {
        Comparison::None(why) => text!(
            "{}; nothing was compared: {}",
            limits_hold(view),
            no_comparison(view, why).what
        ),
        Comparison::Duet { .. } | Comparison::History { .. } | Comparison::Provisional { .. } => {
            nothing_slower(&[view])
                .unwrap_or_else(|| text!("{}; no change was judged", limits_hold(view)))
        }
    };
    let statuses = view.rows().iter().map(|row| row.status);
    let with = |status| statuses.clone().filter(|it| *it == status).count();
    let warned = match with(Status::Warned) {
        0 => None,
        1 => Some("; 1 limit that only warns is broken".to_owned()),
        n => Some(format!("; {n} limits that only warn are broken")),
    };
    let unjudged = Some(with(Status::NotJudged)).filter(|n| *n > 0);
    let unjudged = unjudged.map(|n| format!("; {} not judged", counted(n as u64, "check")));
    text + warned + unjudged
}

fn limits_hold(view: &View) -> String {
    let gated = view
        .lines()
        .filter(|line| line.enforcement == Enforcement::Gated);
    match gated.filter_map(|line| line.limit()).count() {
        0 => "no limits are set".to_owned(),
        1 => "the one limit holds".to_owned(),
        2 => "both limits hold".to_owned(),
        n => format!("all {n} limits hold"),
    }
}

/// "Nothing slower", over some gates, and how much slower would have been caught; none where no change was judged.
pub(crate) fn nothing_slower(views: &[&View]) -> Option<Text> {
    let of_view = |view| View::lines(view).map(move |line| (view, line));
    let lines = || views.iter().copied().flat_map(of_view);
    let passed = lines().filter_map(|(view, line)| {
        let check = line.change()?;
        // Drift has another tolerance, and is shown if it fails.
        let is_newest = check.reference == Reference::Newest;
        (Status::new(line) == Status::Passed && is_newest).then_some((view, line, check))
    });
    let passed: Vec<(&View, &Check, &ChangeCheck)> = passed.collect();
    if passed.is_empty() {
        return None;
    }
    let latencies = || {
        let changes = passed.iter().map(|(_, line, check)| (*line, *check));
        changes.filter(|(line, _)| !numbers::is_share(line.measure))
    };
    let slower = latencies().next().map_or("worse", |_| "slower");
    let mut changes = passed.iter();
    let nothing = if passed.iter().any(|(.., check)| check.acceptance.is_some()) {
        text!("nothing {} than accepted", slower)
    } else if changes.any(|(view, line, check)| view.is_below_floor(line, check)) {
        text!("no change above its floor")
    } else if lines().any(|(_, line)| Status::new(line) == Status::Worse) {
        text!("nothing {} in a gated check", slower)
    } else if let Some(most) = slower_within(latencies()) {
        text!("nothing {} beyond the tolerance: {}", slower, most)
    } else {
        text!("nothing {}", slower)
    };
    let least = latencies()
        .filter_map(|(line, check)| {
            let would_catch = check.min_detectable.filter(|change| change.is_finite())?;
            Some((line.measure, would_catch))
        })
        .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    let Some((measure, change)) = least else {
        return Some(nothing);
    };
    let place = if views.iter().any(|view| view.is_comparison()) {
        "in a latency or rate that was compared"
    } else {
        "in any gated check"
    };
    Some(text!(
        "{}; {} or more {} would have been caught",
        nothing,
        numbers::caught(measure, change),
        place
    ))
}

/// The change that is surely there and that the tolerance spares: the largest of them.
fn slower_within<'a>(passed: impl Iterator<Item = (&'a Check, &'a ChangeCheck)>) -> Option<Text> {
    let sure = passed.filter_map(|(line, check)| {
        let change = check.change?;
        let [best, _] = numbers::best_and_worst(line.measure, &change);
        let is_rate = numbers::more_is_better(line.measure);
        let is_worse = if is_rate { best < 0.0 } else { best > 0.0 };
        is_worse.then_some((line, check, change))
    });
    let (line, check, change) =
        sure.max_by(|a, b| a.2.estimate.abs().total_cmp(&b.2.estimate.abs()))?;
    Some(text!(
        "{} is worse by {} {}, {} is tolerated",
        title(line),
        numbers::change(line.measure, change.estimate),
        numbers::interval(line.measure, &change),
        numbers::allowed(line.measure, check.tolerance)
    ))
}
