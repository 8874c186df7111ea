//! The verdict in one sentence.

use super::Medium;
use super::cautions::aborted;
use super::line::{measure_name, subject_name};
use super::reasons::{invalidity, no_comparison};
use crate::metric::Metric;
use crate::report::Story;
use crate::report::numbers::{self, counted};
use crate::report::rows::{Status, bound_text};
use crate::report::text::capitalized;
use crate::thresholds::Subject;
use crate::verdict::{
    Caution, ChangeCheck, Check, Comparison, Invalidity, LimitCheck, Line, Measure, Outcome,
};

/// The verdict of one gate in one sentence.
pub(in crate::report) fn headline(story: &Story, medium: Medium) -> String {
    let gate = format!("performance gate {}", medium.foreign(story.gate()));
    let told = format!("{gate} {}: {}", ending(story), finding(story, medium));
    let provisional = match story.verdict.comparison {
        Comparison::Single { jobs, .. } if story.verdict.outcome != Outcome::Invalid => format!(
            " (provisional: {}, 5 make a history)",
            counted(u64::from(jobs), "baseline job")
        ),
        Comparison::Single { .. }
        | Comparison::Duet { .. }
        | Comparison::History { .. }
        | Comparison::None(_) => String::new(),
    };
    if story.verdict.observed {
        return format!("Observed only, nothing fails: {told}{provisional}");
    }
    format!("{}{provisional}", capitalized(&told))
}

fn ending(story: &Story) -> &'static str {
    let interrupted = story.verdict.invalid.contains(&Invalidity::Interrupted);
    match (story.verdict.outcome, story.verdict.observed) {
        (Outcome::Passed, _) => "passed",
        (Outcome::Failed, false) => "failed",
        (Outcome::Failed, true) => "would have failed",
        (Outcome::Inconclusive, false) if story.strict => "is INCONCLUSIVE, which --strict fails",
        (Outcome::Inconclusive, false) => "is INCONCLUSIVE, which is no pass and does not block",
        (Outcome::Inconclusive, true) => "is INCONCLUSIVE",
        (Outcome::Invalid, _) if interrupted => "was interrupted and NOT JUDGED",
        (Outcome::Invalid, _) => "could NOT BE JUDGED",
    }
}

/// What the verdict rests on, as the end of a sentence.
pub(in crate::report) fn finding(story: &Story, medium: Medium) -> String {
    match story.verdict.outcome {
        Outcome::Passed => passed(story, medium),
        Outcome::Failed => failed(story, medium),
        Outcome::Inconclusive => inconclusive(story, medium),
        Outcome::Invalid => match story.verdict.invalid.as_slice() {
            [] => "the run is invalid".to_owned(),
            [first, more @ ..] => {
                let what = invalidity(story, first, medium).what;
                and_more(what, more.len(), "more reason")
            }
        },
    }
}

fn and_more(told: String, more: usize, noun: &str) -> String {
    match more {
        0 => told,
        more => format!("{told}, and {}", counted(more as u64, noun)),
    }
}

fn with_status<'a>(story: &Story<'a>, status: Status) -> Vec<&'a Line> {
    let lines = story.verdict.lines.iter();
    lines.filter(|line| Status::of(line) == status).collect()
}

fn failed(story: &Story, medium: Medium) -> String {
    let failing = with_status(story, Status::Failed);
    let worst = failing.iter().max_by(|a, b| {
        let (a, b) = (severity(a), severity(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    let Some(worst) = worst else {
        return stopped_early(story).unwrap_or_else(|| "a promise is broken".to_owned());
    };
    let told = match &worst.check {
        Check::Change(check) => worse(worst, check, medium),
        Check::Limit(limit) => broken(worst, limit, medium),
    };
    let told = match failing.len() {
        1 => told,
        2 => format!("{told}; 1 more check failed"),
        n => format!("{told}; {} more checks failed", n - 1),
    };
    match stopped_early(story) {
        Some(stopped) => format!("{told}; {stopped}"),
        None => told,
    }
}

/// How bad a failed line is, to tell the worst of them first: a change of a name, which says what to look at, before
/// one of overall, before a limit; then by size.
fn severity(line: &Line) -> (u8, f64) {
    let named = line.subject != Subject::Overall;
    match &line.check {
        Check::Change(check) => {
            let size = check.change.map_or(0.0, |change| change.estimate.abs());
            let latency =
                matches!(line.measure, Measure::Metric(metric) if metric.quantile().is_some());
            (2 + u8::from(latency) + 2 * u8::from(named), size)
        }
        Check::Limit(limit) => {
            let size = line.current.map_or(0.0, |current| {
                if limit.bound > 0.0 {
                    (current / limit.bound - 1.0).abs()
                } else {
                    f64::MAX
                }
            });
            let errors = matches!(line.measure, Measure::Metric(Metric::ErrorRate));
            (u8::from(errors), size)
        }
    }
}

fn stopped_early(story: &Story) -> Option<String> {
    story.verdict.cautions.iter().find_map(|caution| {
        if let Caution::Aborted { failures, requests } = caution {
            Some(aborted(story, *failures, *requests))
        } else {
            None
        }
    })
}

/// Subject and verb.
fn who(line: &Line, medium: Medium) -> String {
    let phase = line.phase.as_ref();
    let phase = phase.map_or_else(String::new, |phase| {
        format!(" in {}", medium.foreign(phase))
    });
    match &line.subject {
        Subject::Overall => format!("requests overall{phase} are"),
        Subject::Request(name) => format!("{}{phase} is", medium.foreign(name)),
    }
}

/// A change for the worse: "`GET /orders` is slower: P95 182 → 231 ms (+26.9 %)".
fn worse(line: &Line, check: &ChangeCheck, medium: Medium) -> String {
    let measure = line.measure;
    let how = if numbers::is_share(measure) {
        "failing more often"
    } else if numbers::more_is_better(measure) {
        "served less often"
    } else {
        "slower"
    };
    let figures = match (check.before, line.current) {
        (Some(before), Some(now)) => format!(" {}", numbers::from_to(measure, before, now)),
        (None | Some(_), _) => String::new(),
    };
    let change = check.change.map_or_else(String::new, |change| {
        format!(" ({})", numbers::change(measure, change.estimate))
    });
    format!(
        "{} {how}: {}{figures}{change}",
        who(line, medium),
        measure_name(measure)
    )
}

/// A broken limit: "`GET /orders` is over its limit: P95 612 ms, limit 500 ms".
fn broken(line: &Line, limit: &LimitCheck, medium: Medium) -> String {
    let over = if numbers::more_is_better(line.measure) {
        "below"
    } else {
        "over"
    };
    let its = match line.subject {
        Subject::Overall => "their",
        Subject::Request(_) => "its",
    };
    format!(
        "{} {over} {its} limit: {} {}, limit {}",
        who(line, medium),
        measure_name(line.measure),
        numbers::value_or_none(line.measure, line.current),
        bound_text(line.measure, limit)
    )
}

fn inconclusive(story: &Story, medium: Medium) -> String {
    let open = with_status(story, Status::Inconclusive);
    let Some(first) = open.first() else {
        return "this run could not tell".to_owned();
    };
    let subject = subject_name(&first.subject, medium);
    let measure = measure_name(first.measure);
    let told = match &first.check {
        Check::Change(check) => {
            let range = check.change.map_or_else(String::new, |change| {
                format!(
                    ", the change lies in {}",
                    numbers::interval(first.measure, &change)
                )
            });
            format!("cannot tell whether {subject} {measure} got worse{range}")
        }
        Check::Limit(limit) => format!(
            "cannot tell whether {subject} {measure} keeps its limit of {}",
            bound_text(first.measure, limit)
        ),
    };
    and_more(told, open.len() - 1, "more open check")
}

fn passed(story: &Story, medium: Medium) -> String {
    let mut told = match &story.verdict.comparison {
        Comparison::None(why) => {
            let reason = no_comparison(story, why, medium);
            format!(
                "{}, and nothing was compared, since {}",
                limits_hold(story),
                reason.what
            )
        }
        Comparison::Duet { .. } | Comparison::History { .. } | Comparison::Single { .. } => {
            nothing_slower(story)
        }
    };
    let warned = with_status(story, Status::Warned).len();
    if warned > 0 {
        told += &format!("; {}", counted(warned as u64, "warning"));
    }
    let unjudged = with_status(story, Status::NotJudged)
        .into_iter()
        .filter(|line| !super::line::is_uncompared(line))
        .count();
    if unjudged > 0 {
        told += &format!("; {} not judged", counted(unjudged as u64, "line"));
    }
    told
}

fn limits_hold(story: &Story) -> String {
    let held =
        story.verdict.lines.iter().filter(|line| {
            matches!(line.check, Check::Limit(_)) && Status::of(line) == Status::Passed
        });
    match held.count() {
        0 => "there is no limit".to_owned(),
        1 => "the one limit holds".to_owned(),
        n => format!("all {n} limits hold"),
    }
}

/// "Nothing slower", and how much slower would have been caught.
fn nothing_slower(story: &Story) -> String {
    let judged = story
        .verdict
        .lines
        .iter()
        .filter(|line| Status::of(line) == Status::Passed);
    let changes: Vec<(&Line, &ChangeCheck)> = judged
        .filter_map(|line| match &line.check {
            Check::Change(check) => Some((line, check)),
            Check::Limit(_) => None,
        })
        .collect();
    let accepted = changes.iter().any(|(_, check)| check.accepted.is_some());
    let nothing = if accepted {
        "nothing slower than was accepted"
    } else if with_status(story, Status::Worse).is_empty() {
        "nothing slower"
    } else {
        "nothing slower on a gated line"
    };
    let least = changes
        .iter()
        .filter(|(line, _)| !numbers::is_share(line.measure))
        .filter_map(|(line, check)| {
            Some((line.measure, check.would_catch.filter(|c| c.is_finite())?))
        })
        .max_by(|a, b| a.1.total_cmp(&b.1));
    match least {
        Some((measure, change)) => format!(
            "{nothing}; {} or more on any gated line would have been caught",
            numbers::caught(measure, change)
        ),
        None => nothing.to_owned(),
    }
}
