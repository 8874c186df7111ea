//! report.html: one file that people like to look at, and that asks nobody for anything.
//!
//! The verdict in one sentence, why, the checks that decide with their intervals drawn, then everything else folded away.
//! Its policy forbids every request; the style and the script are its own and named by their hash. Foreign text is made
//! harmless as everywhere and escaped by `maud`, which only this folder knows.

mod checks;
mod concurrency;
mod decision;
mod distribution;
mod interval;
mod page;
mod parts;
mod plot;
mod pools;
mod scale;
mod sections;
mod starts;
mod tables;
mod timeline;
mod why;
mod words;

use maud::{Markup, html};

use super::Story;
use super::rows::{Status, usual_tolerance};
use super::text::capitalized;
use super::words::{Medium, measure_name};
use crate::thresholds::Subject;
use crate::verdict::Line;

pub use page::html;

/// Foreign text as code.
fn code(text: &str) -> Markup {
    html! { code { (Medium::Plain.foreign(text)) } }
}

/// Foreign text as code, for a sentence.
pub(super) fn code_text(text: &str) -> String {
    html! { code { (text) } }.into_string()
}

/// Whom something speaks of.
fn subject(subject: &Subject) -> Markup {
    match subject {
        Subject::Overall => html! { "overall" },
        Subject::Request(name) => code(name),
    }
}

/// What a line is about: `P95 overall`, `Error rate of GET /orders in burst`.
fn title(line: &Line) -> Markup {
    html! {
        (capitalized(&measure_name(line.measure)))
        @match &line.subject {
            Subject::Overall => " overall",
            Subject::Request(name) => { " of " (code(name)) }
        }
        @if let Some(phase) = &line.phase { " in " (code(phase)) }
    }
}

/// The class that colours a status: never the only thing that tells it.
fn side(story: &Story, status: Status) -> &'static str {
    match status {
        Status::Failed if story.verdict.observed => "warn",
        Status::Failed => "bad",
        Status::Inconclusive | Status::Warned | Status::NotJudged | Status::Worse => "warn",
        Status::Passed => "good",
        Status::Reported => "soft",
    }
}

/// A status with its mark.
fn status_text(story: &Story, status: Status) -> String {
    format!(
        "{} {}",
        super::terminal::mark(story, status),
        status.word_in(story)
    )
}
