//! What a person sees while the load is sent.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use super::console::{self, ProgressMode};
use crate::load::{Progress, Turn};
use crate::measurement::Arm;
use crate::report;
use crate::scenario::Phase;
use crate::units::{Latency, format_duration, group};

/// Between two lines in a log.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Between two states of the live line; faster, nobody could read it.
const LIVE_EVERY: Duration = Duration::from_millis(200);

/// What follows a line that was drawn over another: nothing of that one.
const CLEAR_REST: &str = "\u{1b}[K";

/// Columns that a phase's name has at least.
const LEAST_NAME: usize = 8;

/// The progress of one run: one live line on a terminal, a line now and then in a log.
///
/// The live line is written over itself in one write and then cleared behind its end, so that no moment shows it empty.
pub(super) struct ProgressLine<'a> {
    style: ProgressMode,
    load: &'a [Phase],
    next: Duration,
    /// What is drawn, and when.
    drawn: Option<(String, Instant)>,
}

impl<'a> ProgressLine<'a> {
    pub(super) fn new(style: ProgressMode, load: &'a [Phase]) -> Self {
        Self {
            style,
            load,
            next: PLAIN_EVERY,
            drawn: None,
        }
    }

    /// Shows how far the run has come.
    pub(super) fn show(&mut self, now: &Progress) {
        match self.style {
            ProgressMode::Live => self.draw(now),
            ProgressMode::Plain if now.elapsed >= self.next => {
                self.next = now.elapsed + PLAIN_EVERY;
                console::print_error(&self.text(now, usize::MAX));
            }
            ProgressMode::Plain | ProgressMode::Silent => {}
        }
    }

    fn draw(&mut self, now: &Progress) {
        let last = self.drawn.as_ref();
        if last.is_some_and(|(_, at)| at.elapsed() < LIVE_EVERY) {
            return;
        }
        let text = self.text(now, console::live_width());
        if last.is_none_or(|(drawn, _)| *drawn != text) {
            write_once(&format!("\r{text}{CLEAR_REST}"));
        }
        self.drawn = Some((text, Instant::now()));
    }

    /// Clears the live line.
    pub(super) fn end(&mut self) {
        if self.drawn.take().is_some() {
            write_once(&format!("\r{CLEAR_REST}"));
        }
    }

    /// The state in at most so many columns: a long name gives way before the figures do.
    fn text(&self, now: &Progress, columns: usize) -> String {
        let mut load = self.load.iter();
        let phase = load.find(|phase| phase.index == now.phase);
        let phase = phase.map_or("", |phase| phase.name.as_str());
        let left = format_duration(Duration::from_secs(now.left.as_secs()));
        let p95 = now
            .p95
            .map_or_else(|| "–".to_owned(), |seconds| Latency(seconds).to_string());
        let turn = now.turn.map_or_else(String::new, |turn| turn_text(&turn));
        let users = format!(" · {} users", group(&now.users.to_string()));
        let figures = format!(
            " · {} requests · {} errors · P95 {p95}",
            group(&now.requests.to_string()),
            group(&now.errors.to_string()),
        );
        // What gives way next is what the scenario tells as well.
        let tries = [(turn.as_str(), users.as_str()), (&turn, ""), ("", "")];
        let mut tries = tries.map(|(turn, users)| format!("{turn}: {left} left{users}{figures}"));
        let width = |text: &String| text.chars().count();
        let fits = tries
            .iter()
            .position(|rest| width(rest) + LEAST_NAME <= columns);
        let rest = std::mem::take(&mut tries[fits.unwrap_or(2)]);
        let room = columns.saturating_sub(width(&rest)).max(LEAST_NAME);
        report::fitted(&(report::fitted(phase, room) + &rest), columns)
    }
}

/// Writes to standard error at once. A reader that went away is nobody's error.
fn write_once(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Whose turn it is: `, pair 3 of 12, base`, or `, pair 3 of 60` of both together.
fn turn_text(turn: &Turn) -> String {
    let arm = match turn.arm {
        Some(Arm::Target) => ", target",
        Some(Arm::Base) => ", base",
        None => "",
    };
    match turn.pair {
        Some(pair) => format!(", pair {} of {}{arm}", pair + 1, turn.pairs),
        None => arm.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Shape;

    #[test]
    fn a_name_gives_way_before_the_figures_do() {
        let now = Progress {
            elapsed: Duration::from_secs(3),
            phase: 0,
            left: Duration::from_secs(57),
            turn: None,
            users: 20,
            requests: 4800,
            errors: 0,
            p95: Some(0.0305),
        };
        for (name, columns, expected) in [
            (
                "warm",
                79,
                "warm: 57 s left · 20 users · 4,800 requests · 0 errors · P95 30.5 ms",
            ),
            (
                "a\u{1b}[2Jphase with a name that is far too long",
                79,
                "aphase …oo long: 57 s left · 20 users · 4,800 requests · 0 errors · P95 30.5 ms",
            ),
        ] {
            let load = [Phase {
                name: name.to_owned(),
                index: 0,
                pass: 0,
                passes: 1,
                duration: Duration::from_mins(1),
                shape: Shape::Users { from: 20, to: 20 },
                measure: true,
            }];
            let line = ProgressLine::new(ProgressMode::Live, &load);
            assert_eq!(line.text(&now, columns), expected);
        }
    }
}
