//! Why it came to that: what grew, where, since when, and what to do; for a run that could not be judged, what to mend.

use maud::{Markup, html};

use super::code;
use super::distribution::DistributionPlots;
use super::words::{self, sentence};
use crate::baseline::Job;
use crate::report::ComparedWith;
use crate::report::text::{Text, capitalized, numbers};
use crate::report::view::{CheckRow, Status, View, job_value};
use crate::report::wording::{
    advice, caution, circumstances, compared, invalidities, short_commit, shown_warnings,
};
use crate::thresholds::Subject;
use crate::units::date;
use crate::verdict::{Check, CheckKind, CheckOutcome, Measure, Outcome};

/// Names that are told one by one.
const NAMES: usize = 6;

/// The reasons, as a list.
pub(super) fn reasons(view: &View, worst: Option<&DistributionPlots>) -> Markup {
    let rows = view.rows();
    let invalid = invalidities(view).into_iter().map(|reason| {
        html! { (sentence(reason.what)) " " b { "Fix: " } (sentence(reason.fix)) }
    });
    let mut reasons: Vec<Markup> = invalid.collect();
    if view.verdict.outcome != Outcome::Invalid {
        reasons.extend(what_grew(view));
        reasons.extend(wheres(rows));
        reasons.extend(worst.and_then(DistributionPlots::moved));
        reasons.extend(since_when(view));
        reasons.extend(open(rows, view));
        reasons.extend(limits(view, rows));
    }
    let advice = advice(view).into_iter();
    reasons.extend(advice.map(|advice| words::text(&advice)));
    let cautions = shown_warnings(view);
    reasons.extend(cautions.map(|shown| html! { b { "Note: " } (sentence(caution(view, shown))) }));
    reasons.extend(rests_on(view));
    html! { ul { @for reason in &reasons { li { (reason) } } } }
}

/// What the worst change came from, where that is known.
fn what_grew(view: &View) -> Option<Markup> {
    let row = worst(view).filter(|row| row.status == Status::Failed)?;
    let (line, _) = row
        .change
        .filter(|(line, _)| line.outcome == CheckOutcome::Failed)?;
    let note = row.change_note(view)?;
    Some(html! { b { "What grew: " } (super::title(line)) ": " (words::text(&(note + "."))) })
}

/// Which names got worse and which did not.
fn wheres(rows: &[CheckRow]) -> Option<Markup> {
    let names = |status: Status| {
        let mut names: Vec<&Subject> = Vec::new();
        let rows = rows.iter().filter(|row| row.status == status);
        for (line, _) in rows.filter_map(|row| row.change) {
            let is_name = line.subject != Subject::Overall && Status::new(line) == status;
            if is_name && !names.contains(&&line.subject) {
                names.push(&line.subject);
            }
        }
        names
    };
    let (worse, mut fine) = (names(Status::Failed), names(Status::Passed));
    fine.retain(|name| !worse.contains(name));
    (!worse.is_empty()).then(|| {
        html! {
            b { "Where: " } (listed(&worse)) " got worse"
            @if !fine.is_empty() { "; not " (listed(&fine)) }
            "."
        }
    })
}

fn listed(subjects: &[&Subject]) -> Markup {
    html! {
        @for (index, subject) in subjects.iter().take(NAMES).enumerate() {
            @if index > 0 { ", " } (super::subject(subject))
        }
        @if subjects.len() > NAMES { " and " (subjects.len() - NAMES) " more" }
    }
}

/// The row whose change is drawn: the worst check if its change failed, else all requests together, which then say most.
pub(super) fn worst<'v, 'a>(view: &'v View<'a>) -> Option<&'v CheckRow<'a>> {
    let status = |row: &CheckRow| row.change.map(|(line, _)| Status::new(line));
    let worst = view.worst().map(|(row, _)| row);
    if let Some(row) = worst.filter(|row| row.estimated().is_some())
        && status(row) == Some(Status::Failed)
    {
        return Some(row);
    }
    let rows = view.rows().iter();
    let drawable = rows.filter(|row| row.is_gated() && row.estimated().is_some());
    let first = drawable.clone().filter_map(status).min();
    let says_most = |row: &&CheckRow| {
        let is_other = status(row) != first || !numbers::is_latency(row.measure());
        (is_other, row.line().subject != Subject::Overall)
    };
    drawable.min_by_key(says_most)
}

/// Between which two versions it changed, or since when it has been so.
fn since_when(view: &View) -> Option<Markup> {
    let row = worst(view)?;
    let (line, check) = row
        .change
        .filter(|(line, _)| line.outcome == CheckOutcome::Failed)?;
    let commit = |commit: Option<&str>| commit.map(|commit| code(&short_commit(commit)));
    let this = commit(view.record.run.commit.as_deref());
    if view.is_duet() {
        let ComparedWith::Base { commit: base } = view.compared_with else {
            return None;
        };
        let url = view.record.base.as_ref().map(|base| code(&base.url));
        let base = commit(base).or(url)?;
        return Some(html! {
            b { "Since when: " } "between the base " (base) " and this version"
            @if let Some(this) = this { " " (this) } ", both loaded in turns in one job."
        });
    }
    let jobs = view.jobs_before();
    let before = check.before?;
    let is_worse = |job: &Job| {
        let value = job_value(job, line);
        value.is_some_and(|value| is_beyond(line.measure, value, before, check.tolerance))
    };
    let grown = jobs.iter().rev().take_while(|job| is_worse(job)).count();
    // The job since which it has been so, or the newest.
    let job = jobs[jobs.len().checked_sub(grown.max(1))?];
    let figure = numbers::value_or_none(line.measure, job_value(job, line));
    let since = html! {
        @if let Some(commit) = commit(job.commit.as_deref()) { (commit) ", " }
        (date(job.started).to_string()) " (" (super::title(line)) " " (words::together(&figure)) ")"
    };
    Some(html! {
        b { "Since when: " }
        @if grown == 0 {
            "since the newest job of the baseline, " (since) ", up to this run"
            @if let Some(this) = this { ", " (this) } "."
        } @else {
            "already before this run: the newest " (numbers::counted(grown as u64, "job"))
            " of the baseline are beyond the tolerance too, since " (since) "."
        }
    })
}

fn is_beyond(measure: Measure, value: f64, before: f64, tolerance: f64) -> bool {
    if numbers::is_share(measure) {
        value > before + tolerance
    } else if numbers::more_is_better(measure) {
        value < before / (1.0 + tolerance)
    } else {
        value > before * (1.0 + tolerance)
    }
}

/// The lines that leave the verdict open.
fn open(rows: &[CheckRow], view: &View) -> Vec<Markup> {
    if view.verdict.outcome != Outcome::Inconclusive {
        return Vec::new();
    }
    let open = rows.iter().filter_map(|row| Some((row, row.open_line()?)));
    let noted = open.take(NAMES).map(|(row, line)| match line.kind {
        CheckKind::Change(_) => noted(line, row.change_note(view)),
        CheckKind::Limit(_) => noted(line, row.limit_notes(view)),
    });
    noted.collect()
}

/// A line with what there is to say of it.
fn noted(line: &Check, notes: impl IntoIterator<Item = Text>) -> Markup {
    html! { b { (super::title(line)) ": " } (words::text(&Text::join(notes, "; "))) "." }
}

fn limits(view: &View, rows: &[CheckRow]) -> Vec<Markup> {
    let broken = rows.iter().filter(|row| {
        let mut limits = row.limits.iter();
        limits.any(|(line, _)| Status::new(line) == Status::Failed)
    });
    let broken = broken.take(NAMES);
    broken
        .map(|row| noted(row.line(), row.limit_notes(view)))
        .collect()
}

fn rests_on(view: &View) -> Option<Markup> {
    let (label, compared) = compared(view);
    let mut compared = compared.into_iter();
    let first = compared.next().map(|first| {
        html! { b { (capitalized(label)) ": " } (words::text(&first.stopped())) }
    });
    let others = compared.chain(circumstances(view)).map(sentence);
    let all: Vec<Markup> = first.into_iter().chain(others).collect();
    let text = html! {
        @for (index, text) in all.iter().enumerate() { @if index > 0 { " " } (text) }
    };
    (!all.is_empty()).then_some(text)
}
