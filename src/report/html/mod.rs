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
mod minutes;
mod page;
mod parts;
mod plot;
mod scale;
mod sections;
mod side_by_side;
mod starts;
mod tables;
mod timeline;
mod why;
mod words;

use crate::measurement::Arm;
use crate::report::text::{capitalized, untrusted};
use crate::report::view::Tone;
use crate::report::wording::measure_name;
use maud::{Markup, html};

use crate::thresholds::Subject;
use crate::verdict::Check;

pub use page::html;
pub use side_by_side::side_by_side_html;

/// Foreign text as code, which a narrow place breaks where a path does before it breaks a word.
fn code(text: &str) -> Markup {
    let text = untrusted(text).to_string();
    html! { code { @for (index, part) in path_parts(&text).enumerate() { @if index > 0 { wbr; } (part) } } }
}

/// The parts of a path, each with the slash that it begins with; two slashes are an address's.
fn path_parts(text: &str) -> impl Iterator<Item = &str> {
    let mut from = 0;
    let ends = text.match_indices('/').map(|(at, _)| at).filter(|at| {
        let (before, after) = text.split_at(*at);
        before.ends_with(char::is_alphanumeric) && !after.starts_with("//")
    });
    let ends: Vec<usize> = ends.chain([text.len()]).collect();
    ends.into_iter().map(move |end| {
        let part = &text[from..end];
        from = end;
        part
    })
}

fn subject(subject: &Subject) -> Markup {
    match subject {
        Subject::Overall => html! { "overall" },
        Subject::Request(name) => code(name),
    }
}

/// What a line is about: `P95 overall`, `Error rate of GET /orders in burst`.
fn title(line: &Check) -> Markup {
    html! {
        (capitalized(&measure_name(line.measure)))
        @match &line.subject {
            Subject::Overall => " overall",
            Subject::Request(name) => { " of " (code(name)) }
        }
        @if let Some(phase) = &line.phase { " in " (code(phase)) }
    }
}

fn arm_name(arm: Arm) -> &'static str {
    match arm {
        Arm::Target => "target",
        Arm::Base => "base",
    }
}

/// The class that colours something: never the only thing that tells it.
fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
        Tone::Soft => "soft",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_wrap_before_a_slash_and_an_address_not_in_its_two() {
        for (text, parts) in [
            (
                "GET /catalog/items/:id",
                vec!["GET /catalog", "/items", "/:id"],
            ),
            ("http://127.0.0.1:80/a", vec!["http://127.0.0.1:80", "/a"]),
            ("", vec![""]),
        ] {
            assert_eq!(path_parts(text).collect::<Vec<_>>(), parts);
        }
        let written = code("a/b<").into_string();
        assert_eq!(written, "<code>a<wbr>/b&lt;</code>");
    }
}
