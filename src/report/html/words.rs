//! Small words of the page: times on an axis, and one unit for all latencies of a plot.

use maud::{Markup, PreEscaped, html};

use crate::report::text::{PUNCTUATION, Span, Text, UNITS, count, numbers};
use crate::units::six_digits;

/// A time since the start: `45 s`, `3:05`.
pub(super) fn clock(seconds: f64) -> String {
    if seconds < 60.0 && seconds.fract() != 0.0 {
        return format!("{} s", six_digits((seconds * 10.0).round() / 10.0));
    }
    let whole = numbers::whole_seconds(seconds);
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{}:{:02}", whole / 60, whole % 60),
        _ => format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60),
    }
}

/// Text in which a number and its unit, and the figures beside an arrow, stay on one line.
pub(super) fn together(text: &str) -> String {
    let mut bound = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(' ') {
        bound.push_str(before);
        rest = after;
        let is_number = bound.ends_with(|c: char| c.is_ascii_digit());
        let next = rest.split(' ').next().unwrap_or("");
        let next = next.split(PUNCTUATION).next().unwrap_or("");
        let is_unit = is_number && (UNITS.contains(&next) || next == "→");
        let joins = is_unit || bound.ends_with('→');
        bound.push(if joins { '\u{a0}' } else { ' ' });
    }
    bound + rest
}

/// A text: numbers with their units, no flag that ends a line at its hyphens, and names as code.
pub(super) fn text(text: &Text) -> Markup {
    PreEscaped(text.render(|span| match span {
        Span::Plain(words) => flags(&together(&html! { (words) }.into_string())),
        Span::Untrusted(text) | Span::Code(text) => html! { code { (text) } }.into_string(),
    }))
}

/// A text as a sentence, with its capital and its full stop.
pub(super) fn sentence(words: impl Into<Text>) -> Markup {
    text(&words.into().sentence())
}

/// A caption, its words like those of a text; what is code is left alone.
pub(super) fn caption(markup: &Markup) -> Markup {
    let parts = markup.0.split_inclusive("</code>");
    let parts = parts.map(|part| match part.split_once("<code>") {
        Some((words, code)) => format!("{}<code>{code}", flags(&together(words))),
        None => flags(&together(part)),
    });
    PreEscaped(parts.collect())
}

/// Markup in which flags do not end a line at their hyphens.
fn flags(markup: &str) -> String {
    let mut text = String::with_capacity(markup.len());
    let mut rest = markup;
    while let Some(start) = rest.find("--") {
        let (before, flag) = rest.split_at(start);
        text.push_str(before);
        let end = flag.find(|c: char| c != '-' && !c.is_ascii_lowercase());
        let (flag, after) = flag.split_at(end.unwrap_or(flag.len()));
        rest = after;
        let begins = text.is_empty() || text.ends_with([' ', '\u{a0}', '(', '>']);
        if begins && flag.len() > 2 {
            text += &html! { span.flag { (flag) } }.into_string();
        } else {
            text.push_str(flag);
        }
    }
    text + rest
}

/// The unit that a plot's latencies are told in.
#[derive(Clone, Copy)]
pub(super) struct LatencyUnit {
    pub(super) name: &'static str,
    per_second: f64,
}

impl LatencyUnit {
    /// The unit that suits the largest of some latencies in seconds.
    pub(super) fn new(seconds: impl Iterator<Item = f64>) -> Self {
        let (name, per_second) = match seconds.fold(0.0, f64::max) {
            most if most >= 5.0 => ("s", 1.0),
            most if most >= 2e-3 || most == 0.0 => ("ms", 1e3),
            _ => ("µs", 1e6),
        };
        Self { name, per_second }
    }

    /// A latency in it, without its name.
    pub(super) fn text(self, seconds: f64) -> String {
        let value = six_digits(seconds * self.per_second);
        if value >= 1000.0 {
            return count(numbers::whole(value));
        }
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_on_a_clock() {
        for (seconds, text) in [
            (0.0, "0 s"),
            (0.5, "0.5 s"),
            (1.200_59, "1.2 s"),
            (0.000_59, "0 s"),
            (45.0, "45 s"),
            (185.0, "3:05"),
            (3_725.0, "1:02:05"),
        ] {
            assert_eq!(clock(seconds), text);
        }
    }

    #[test]
    fn a_number_keeps_its_unit_and_names_stay_as_they_are() {
        for (text, written) in [
            (
                "P95 31.5 ms (+47.0 %); 4 more",
                "P95 31.5\u{a0}ms (+47.0\u{a0}%); 4 more",
            ),
            ("P95 5.60 → 19.3 ms", "P95 5.60\u{a0}→\u{a0}19.3\u{a0}ms"),
            (
                "<code>GET /5 s</code> took 5 s",
                "<code>GET /5 s</code> took 5\u{a0}s",
            ),
            ("", ""),
        ] {
            assert_eq!(caption(&PreEscaped(text.to_owned())).0, written);
        }
    }

    #[test]
    fn a_flag_never_ends_a_line_at_its_hyphens() {
        for (text, markup) in [
            (
                "Start it; --wait 60s gives it time, --against-set too",
                "Start it; <span class=\"flag\">--wait</span> 60s gives it time, <span class=\"flag\">--against-set</span> too",
            ),
            ("a -- b, x--y", "a -- b, x--y"),
            ("<code>--wait</code>", "<code>--wait</code>"),
            ("", ""),
        ] {
            assert_eq!(caption(&PreEscaped(text.to_owned())).0, markup);
        }
    }

    #[test]
    fn one_unit_suits_all() {
        for (most, seconds, text) in [
            (0.3, 0.12, "120"),
            (9.0, 2.5, "2.5"),
            (0.001, 0.000_2, "200"),
            (4.0, 2.0, "2,000"),
        ] {
            assert_eq!(LatencyUnit::new([most].into_iter()).text(seconds), text);
        }
    }
}
