//! Why it came to that: what grew, where, since when, and what to do; for a run that could not be judged, what to mend.

use maud::{Markup, html};

use super::code;
use super::distribution::Distribution;
use super::words::{self, sentence};
use crate::baseline::Job;
use crate::measurement::Arm;
use crate::report::ComparedWith;
use crate::report::text::numbers::{self, date};
use crate::report::text::{Text, capitalized};
use crate::report::view::{CheckRow, Status, View, job_value};
use crate::report::wording::{
    advice, caution, compared, generator, invalidities, load, ordinary_noise, short_commit,
    told_cautions,
};
use crate::thresholds::Subject;
use crate::verdict::{CheckKind, CheckOutcome, Comparison, Measure, Outcome};

/// Names that are told one by one.
const NAMES: usize = 6;

/// The reasons, as a list.
pub(super) fn reasons(view: &View, worst: Option<&Distribution>) -> Markup {
    let rows = view.rows();
    let mut told = Vec::new();
    told.extend(invalid(view));
    if view.verdict.outcome != Outcome::Invalid {
        told.extend(what_grew(view));
        told.extend(wheres(rows));
        told.extend(worst.and_then(Distribution::moved));
        told.extend(since_when(view));
        told.extend(open(rows, view));
        told.extend(limits(view, rows));
    }
    let advice = advice(view).into_iter();
    told.extend(advice.map(|told| words::text(&told)));
    told.extend(cautions(view));
    told.extend(rests_on(view));
    html! { ul { @for told in &told { li { (told) } } } }
}

fn invalid(view: &View) -> Vec<Markup> {
    let reasons = invalidities(view).into_iter();
    reasons
        .map(|reason| {
            html! { (sentence(reason.what)) " " b { "Fix: " } (sentence(reason.fix)) }
        })
        .collect()
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
    let of = |status: Status| {
        let mut subjects: Vec<&Subject> = Vec::new();
        for row in rows
            .iter()
            .filter(|row| row.status == status && row.change.is_some())
        {
            let line = row.line();
            let own = row
                .change
                .is_some_and(|(line, _)| Status::new(line) == status);
            if own && line.subject != Subject::Overall && !subjects.contains(&&line.subject) {
                subjects.push(&line.subject);
            }
        }
        subjects
    };
    let worse = of(Status::Failed);
    if worse.is_empty() {
        return None;
    }
    let fine: Vec<&Subject> = of(Status::Passed)
        .into_iter()
        .filter(|subject| !worse.contains(subject))
        .collect();
    Some(html! {
        b { "Where: " } (listed(&worse)) " got worse"
        @if !fine.is_empty() { "; not " (listed(&fine)) }
        "."
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
        let is_latency = numbers::is_latency(row.measure());
        (
            status(row) != first || !is_latency,
            row.line().subject != Subject::Overall,
        )
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
    let own = commit(view.record.run.commit.as_deref());
    if matches!(view.verdict.comparison, Comparison::Duet { .. }) {
        let ComparedWith::Base { commit: base } = view.compared_with else {
            return None;
        };
        let url = view.record.base.as_ref().map(|base| code(&base.url));
        let base = commit(base).or(url)?;
        return Some(html! {
            b { "Since when: " } "between the base " (base) " and this version"
            @if let Some(own) = own { " " (own) } ", both loaded in turns in one job."
        });
    }
    let jobs = view.jobs_before();
    let value = |job: &Job| job_value(job, line);
    let before = check.before?;
    let beyond = |value: f64| is_beyond(line.measure, value, before, check.tolerance);
    let grown = jobs
        .iter()
        .rev()
        .take_while(|job| value(job).is_some_and(beyond))
        .count();
    let newest = jobs.last()?;
    let what = super::title(line);
    let told = |job: &Job| {
        let figure = words::together(&numbers::value_or_none(line.measure, value(job)));
        html! {
            @if let Some(commit) = commit(job.commit.as_deref()) { (commit) ", " }
            (date(job.started).to_string()) " (" (what) " " (figure) ")"
        }
    };
    Some(
        match grown
            .checked_sub(1)
            .and_then(|back| jobs.iter().rev().nth(back))
        {
            None => html! {
                b { "Since when: " } "since the newest job of the baseline, " (told(newest)) ", up to this run"
                @if let Some(own) = own { ", " (own) } "."
            },
            Some(first) => html! {
                b { "Since when: " } "already before this run: the newest " (numbers::counted(grown as u64, "job"))
                " of the baseline are beyond the tolerance too, since " (told(first)) "."
            },
        },
    )
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
    open.take(NAMES)
        .map(|(row, line)| {
            let notes: Vec<Text> = match line.kind {
                CheckKind::Change(_) => row.change_note(view).into_iter().collect(),
                CheckKind::Limit(_) => row.limit_notes(view),
            };
            let title = super::title(line);
            html! { b { (title) ": " } (words::text(&Text::join(notes, "; "))) "." }
        })
        .collect()
}

/// The limits that are broken.
fn limits(view: &View, rows: &[CheckRow]) -> Vec<Markup> {
    let broken = rows.iter().filter(|row| {
        let mut limits = row.limits.iter();
        limits.any(|(line, _)| Status::new(line) == Status::Failed)
    });
    broken
        .take(NAMES)
        .map(|row| {
            html! {
                b { (super::title(row.line())) ": " } (words::text(&Text::join(row.limit_notes(view), "; "))) "."
            }
        })
        .collect()
}

fn cautions(view: &View) -> Vec<Markup> {
    let told = told_cautions(view);
    told.map(|told| html! { b { "Note: " } (sentence(caution(view, told))) })
        .collect()
}

/// The comparison, the load and the generator.
fn rests_on(view: &View) -> Option<Markup> {
    let (label, sentences) = compared(view);
    let mut sentences = sentences.into_iter();
    let arms = view
        .record
        .slices
        .iter()
        .any(|slice| slice.arm == Arm::Target);
    let told = html! {
        @if let Some(first) = sentences.next() {
            b { (capitalized(label)) ": " } (words::text(&(first + ".")))
            @for more in sentences { " " (sentence(more)) }
            " "
        }
        @if arms { (sentence(load(view))) " " (sentence(generator(view)))
            @if let Some(noise) = ordinary_noise(view) { " " (sentence(noise)) }
        }
    };
    (!told.0.is_empty()).then_some(told)
}
