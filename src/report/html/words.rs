//! Small words of the page: times on an axis, and one unit for all latencies of a plot.

use maud::{Markup, PreEscaped, html};

use crate::report::text::numbers::{self, count};
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

/// Text in which a number and its unit, and the figures beside an arrow, stay on one line; markup and what it encloses
/// are left alone.
pub(super) fn together(text: &str) -> String {
    let mut told = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(space) = rest.find(' ') {
        let (before, after) = rest.split_at(space);
        told.push_str(before);
        rest = &after[1..];
        let is_number = told.ends_with(|c: char| c.is_ascii_digit());
        let next = rest
            .split([' ', ',', ';', ':', '.', ')', ']'])
            .next()
            .unwrap_or("");
        let is_unit = is_number && ["%", "ms", "s", "µs", "pp", "min", "→"].contains(&next);
        let joins = (is_unit || told.ends_with('→')) && is_outside_code(&told);
        told.push(if joins { '\u{a0}' } else { ' ' });
    }
    told + rest
}

/// Markup as a sentence tells it: numbers with their units, and no flag that ends a line at its hyphens.
pub(super) fn told(markup: &str) -> Markup {
    let markup = together(markup);
    let mut told = String::with_capacity(markup.len());
    let mut rest = markup.as_str();
    while let Some(start) = rest.find("--") {
        let (before, flag) = rest.split_at(start);
        told.push_str(before);
        let end = flag.find(|c: char| c != '-' && !c.is_ascii_lowercase());
        let (flag, after) = flag.split_at(end.unwrap_or(flag.len()));
        rest = after;
        let begins = told.is_empty() || told.ends_with([' ', '\u{a0}', '(', '>']);
        if begins && flag.len() > 2 && is_outside_code(&told) {
            told += &html! { span.flag { (flag) } }.into_string();
        } else {
            told.push_str(flag);
        }
    }
    PreEscaped(told + rest)
}

/// Whether what follows this markup is none of a name's.
fn is_outside_code(told: &str) -> bool {
    told.matches("<code>").count() == told.matches("</code>").count()
}

/// The unit that a plot's latencies are told in.
#[derive(Clone, Copy)]
pub(super) struct LatencyUnit {
    pub(super) name: &'static str,
    per_second: f64,
}

/// The unit that suits the largest of some latencies in seconds.
pub(super) fn millis_unit(seconds: impl Iterator<Item = f64>) -> LatencyUnit {
    let (name, per_second) = match seconds.fold(0.0, f64::max) {
        most if most >= 5.0 => ("s", 1.0),
        most if most >= 2e-3 || most == 0.0 => ("ms", 1e3),
        _ => ("µs", 1e6),
    };
    LatencyUnit { name, per_second }
}

impl LatencyUnit {
    /// A latency in it, without its name.
    pub(super) fn text(self) -> impl Fn(f64) -> String {
        move |seconds| {
            let value = six_digits(seconds * self.per_second);
            if value >= 1000.0 {
                return count(numbers::whole(value));
            }
            value.to_string()
        }
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
        for (text, told) in [
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
            assert_eq!(together(text), told);
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
            assert_eq!(told(text).into_string(), markup);
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
            assert_eq!(millis_unit([most].into_iter()).text()(seconds), text);
        }
    }
}
