//! The page as a whole: what browsers must know, and the parts in their order.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::aggregates::Aggregates;
use super::words::told;
use super::{checks, code, sections, why};
use crate::baseline::Job;
use crate::report::ReportInput;
use crate::report::numbers;
use crate::report::rows::{CheckRow, rows};
use crate::report::wording::{Medium, headline, short_commit};
use crate::thresholds::Subject;
use crate::verdict::Outcome;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// All that the parts of a page are told from.
pub(super) struct Page<'s, 'a> {
    pub(super) story: &'s ReportInput<'a>,
    pub(super) rows: Vec<CheckRow<'a>>,
    /// The baseline's jobs that this run is compared with, oldest first.
    pub(super) jobs: Vec<&'a Job>,
    pub(super) pools: Aggregates<'a>,
}

/// The page of one gate.
pub fn html(story: &ReportInput) -> String {
    let page = Page {
        story,
        rows: rows(story),
        jobs: story.jobs_before(),
        pools: Aggregates::of(story),
    };
    page.draw().into_string() + "\n"
}

/// The policy: nothing is asked for, and nothing runs or styles but what stands here.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

/// How the outcome is marked: its word, its mark, its class and its colour.
pub(super) struct OutcomeStyle {
    word: &'static str,
    mark: &'static str,
    class: &'static str,
    colour: &'static str,
}

fn sign(story: &ReportInput) -> OutcomeStyle {
    let (word, mark, class, colour) = match (story.verdict.outcome, story.verdict.observed) {
        (Outcome::Passed, _) => ("passed", "✓", "good", "14713a"),
        (Outcome::Failed, false) => ("failed", "✗", "bad", "b3151f"),
        (Outcome::Failed, true) => ("would have failed", "!", "warn", "855100"),
        (Outcome::Inconclusive, _) => ("inconclusive", "?", "warn", "855100"),
        (Outcome::Invalid, false) => ("not judged", "!", "bad", "b3151f"),
        (Outcome::Invalid, true) => ("not judged", "!", "warn", "855100"),
    };
    OutcomeStyle {
        word,
        mark,
        class,
        colour,
    }
}

impl Page<'_, '_> {
    fn draw(&self) -> Markup {
        let sign = sign(self.story);
        let gate = Medium::Plain.untrusted(self.story.gate());
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy());
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="referrer" content="no-referrer";
                    title { (sign.mark) " " (gate) " " (sign.word) " – loadgate" }
                    link rel="icon" href=(icon(&sign));
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    a.skip href="#main" { "Skip to the verdict" }
                    (self.header(&sign))
                    main id="main" tabindex="-1" { (self.main()) }
                    (self.footer())
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        }
    }

    fn header(&self, sign: &OutcomeStyle) -> Markup {
        html! {
            header class=(format!("{}-side", sign.class)) {
                span class=(format!("badge {}", sign.class)) { (sign.mark) " " (sign.word) }
                h1 { (told(&headline(self.story, Medium::Html))) }
                (self.meta())
            }
        }
    }

    fn meta(&self) -> Markup {
        let (story, record) = (self.story, self.story.record);
        let run = &record.run;
        html! {
            p.meta {
                (run.started.strftime("%Y-%m-%d %H:%M UTC").to_string())
                " · " (code(&record.target.url))
                @if let Some(base) = &record.base { " against " (code(&base.url)) }
                @if let Some(commit) = &run.commit { " · commit " (code(&short_commit(commit))) }
                @if let Some(url) = &run.url { " · " (link("CI run", url)) }
                @if let Some(attempt) = run.attempt { ", attempt " (attempt) }
                " · exit " (story.exit)
            }
        }
    }

    fn main(&self) -> Markup {
        let decision = sections::decision(self);
        let worst = sections::worst_distribution(self);
        let class = if decision.is_some() {
            "why"
        } else {
            "why alone"
        };
        html! {
            section class=(class) aria-labelledby="why" {
                div {
                    h2 id="why" { "Why" }
                    (why::reasons(self.story, &self.rows, &self.jobs, worst.as_ref()))
                }
                @if let Some(plot) = &decision { (plot.draw()) }
            }
            section.gated aria-labelledby="gated" {
                h2 id="gated" { "The checks that decide" }
                (checks::lines(self.story, &self.rows))
            }
            div.tools {}
            (sections::folded(self, decision.as_ref().map(|plot| plot.id.as_str())))
        }
    }

    fn footer(&self) -> Markup {
        html! {
            footer {
                "loadgate " (Medium::Plain.untrusted(&self.story.record.tool)) ", seed " (self.story.record.run.seed) ", "
                (numbers::length(self.story.record.run.duration_s))
                ". This page is whole: it asks no server for anything."
            }
        }
    }

    /// The index of a request name; none for all together or a name that was not sent.
    pub(super) fn index(&self, subject: &Subject) -> Option<usize> {
        match subject {
            Subject::Overall => None,
            Subject::Request(name) => self.pools.names.iter().position(|own| own == name),
        }
    }
}

/// A link where the address is one, else the words alone.
pub(super) fn link(words: &str, address: &str) -> Markup {
    let is_address = address.starts_with("https://") || address.starts_with("http://");
    html! {
        @if is_address && !address.chars().any(|c| c.is_control() || c.is_whitespace()) {
            a href=(address) rel="noopener noreferrer" { (words) }
        } @else { (words) }
    }
}

/// The outcome's mark for the tab, as an image that is part of the page.
fn icon(sign: &OutcomeStyle) -> String {
    format!(
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' \
         rx='4' fill='%23{}'/%3E%3Ctext x='8' y='12.5' font-size='12' font-family='sans-serif' text-anchor='middle' \
         fill='white'%3E{}%3C/text%3E%3C/svg%3E",
        sign.colour, sign.mark
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_become_links() {
        for (address, is_link) in [
            ("https://ci/7", true),
            ("javascript:alert(1)", false),
            ("https://ci/\n7", false),
            ("data:text/html,x", false),
        ] {
            assert_eq!(
                link("run", address).into_string().contains("<a "),
                is_link,
                "{address}"
            );
        }
    }

    #[test]
    fn nothing_in_the_style_or_script_ends_its_element() {
        for text in [STYLE, SCRIPT] {
            assert!(!text.contains("</"));
        }
        assert!(!SCRIPT.contains("<!--"));
    }

    #[test]
    fn the_script_knows_where_the_axes_lie() {
        let places = format!(
            "[{}, width - {}, {}, height - 50]",
            super::super::plot::LEFT,
            super::super::plot::WIDTH - super::super::plot::RIGHT,
            super::super::plot::TOP
        );
        assert!(SCRIPT.contains(&places), "{places}");
    }
}
