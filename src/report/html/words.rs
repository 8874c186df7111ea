//! Small words of the page: times on an axis, and one unit for all latencies of a plot.

use crate::report::numbers::{self, count};
use crate::units::six_digits;

/// A time since the start: `45 s`, `3:05`.
pub(super) fn clock(seconds: f64) -> String {
    if seconds < 60.0 && seconds.fract() != 0.0 {
        return format!("{} s", six_digits(seconds));
    }
    let whole = numbers::whole_seconds(seconds);
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{}:{:02}", whole / 60, whole % 60),
        _ => format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60),
    }
}

/// Text in which a number and its unit stay on one line; markup and what it encloses are left alone.
pub(super) fn together(text: &str) -> String {
    let mut told = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(space) = rest.find(' ') {
        let (before, after) = rest.split_at(space);
        told.push_str(before);
        rest = &after[1..];
        let outside = told.matches("<code>").count() == told.matches("</code>").count();
        let is_number = told.ends_with(|c: char| c.is_ascii_digit());
        let unit = rest
            .split([' ', ',', ';', ':', '.', ')', ']'])
            .next()
            .unwrap_or("");
        let joins = outside && is_number && ["%", "ms", "s", "µs", "pp", "min"].contains(&unit);
        told.push(if joins { '\u{a0}' } else { ' ' });
    }
    told + rest
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
