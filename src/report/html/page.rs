//! The page as a whole: what browsers must know, and the parts in their order.

use crate::report::text::{numbers, untrusted};
use crate::report::view::{OutcomeStyle, Tone, View};
use crate::report::wording::{headline, short_commit};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::{checks, class, code, sections, why, words};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The page of one gate.
pub fn html(view: &View) -> String {
    let style = view.outcome_style();
    let gate = untrusted(view.gate());
    let title = html! { (style.mark) " " (gate) " " (style.word) " – loadgate" };
    let body = html! {
        (header(view, style))
        main id="main" tabindex="-1" { (main(view)) }
        (footer(view))
    };
    page(
        &title,
        &icon(style.tone, style.mark),
        "Skip to the verdict",
        &body,
    )
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

/// A page with this title, a mark for its tab, the words of the link to its main part, and this body.
pub(super) fn page(title: &Markup, icon: &str, skip: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                link rel="icon" href=(icon);
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { (skip) }
                (body)
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string() + "\n"
}

fn header(view: &View, style: OutcomeStyle) -> Markup {
    html! {
        header class=(format!("{}-side", class(style.tone))) {
            span class=(format!("badge {}", class(style.tone))) { (style.mark) " " (style.word) }
            h1 { (words::text(&headline(view))) }
            (meta(view))
        }
    }
}

fn meta(view: &View) -> Markup {
    let record = view.record;
    let run = &record.run;
    html! {
        p.meta {
            (run.started.strftime("%Y-%m-%d %H:%M UTC").to_string())
            " · " (code(&record.target.url))
            @if let Some(base) = &record.base { " against " (code(&base.url)) }
            @if let Some(commit) = &run.commit { " · commit " (code(&short_commit(commit))) }
            @if let Some(url) = &run.url { " · " (link("CI run", url)) }
            @if let Some(attempt) = run.attempt { ", attempt " (attempt) }
            " · exit " (view.exit)
        }
    }
}

fn main(view: &View) -> Markup {
    let decision = sections::decision(view);
    let worst = sections::worst_distribution(view);
    let alone = if decision.is_some() {
        "why"
    } else {
        "why alone"
    };
    html! {
        section class=(alone) aria-labelledby="why" {
            div {
                h2 id="why" { "Why" }
                (why::reasons(view, worst.as_ref()))
            }
            @if let Some(plot) = &decision { (plot.draw()) }
        }
        section.gated aria-labelledby="gated" {
            h2 id="gated" { "Gated checks" }
            (checks::lines(view))
        }
        div.tools {}
        (sections::folded(view, decision.as_ref().map(|plot| plot.id.as_str())))
    }
}

fn footer(view: &View) -> Markup {
    html! {
        footer {
            "loadgate " (untrusted(&view.record.tool)) ", seed " (view.record.run.seed) ", "
            (numbers::length(view.record.run.duration_s))
            ". This page loads nothing from a server."
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

/// A mark for the tab, as an image that is part of the page.
pub(super) fn icon(tone: Tone, mark: &str) -> String {
    let colour = match tone {
        Tone::Good => "14713a",
        Tone::Warn | Tone::Soft => "855100",
        Tone::Bad => "b3151f",
    };
    format!(
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' \
         rx='4' fill='%23{colour}'/%3E%3Ctext x='8' y='12.5' font-size='12' font-family='sans-serif' text-anchor='middle' \
         fill='white'%3E{mark}%3C/text%3E%3C/svg%3E"
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
