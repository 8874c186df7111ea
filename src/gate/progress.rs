//! What a person sees while the load is sent.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::console::Style;
use crate::load::{Progress, Turn};
use crate::measurement::Arm;
use crate::scenario::Phase;
use crate::units::{Latency, group, written};

/// Between two lines in a log.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// The progress of one run: one live line on a terminal, a line now and then in a log.
pub(super) struct Line<'a> {
    style: Style,
    load: &'a [Phase],
    bar: ProgressBar,
    next: Duration,
}

impl<'a> Line<'a> {
    pub(super) fn new(style: Style, load: &'a [Phase]) -> Self {
        let target = match style {
            Style::Live => ProgressDrawTarget::stderr_with_hz(5),
            Style::Plain | Style::Silent => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(ProgressStyle::default_spinner().tick_chars("⠋⠙⠸⠴⠦⠇ "));
        Self {
            style,
            load,
            bar,
            next: PLAIN_EVERY,
        }
    }

    /// Shows how far the run has come.
    pub(super) fn show(&mut self, now: &Progress) {
        match self.style {
            Style::Live => {
                self.bar.set_message(self.text(now));
                self.bar.tick();
            }
            Style::Plain if now.elapsed >= self.next => {
                self.next = now.elapsed + PLAIN_EVERY;
                super::console::say(&self.text(now));
            }
            Style::Plain | Style::Silent => {}
        }
    }

    /// Clears the live line.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn text(&self, now: &Progress) -> String {
        let mut load = self.load.iter();
        let phase = load.find(|phase| phase.index == now.phase);
        let phase = phase.map_or("", |phase| phase.name.as_str());
        let left = written(Duration::from_secs(now.left.as_secs()));
        let p95 = now
            .p95
            .map_or_else(|| "–".to_owned(), |seconds| Latency(seconds).to_string());
        let turn = now.turn.map_or_else(String::new, |turn| turn_text(&turn));
        format!(
            "{phase}{turn}: {left} left · {} users · {} requests · {} errors · P95 {p95}",
            group(&now.users.to_string()),
            group(&now.requests.to_string()),
            group(&now.errors.to_string()),
        )
    }
}

/// Whose turn it is: `, pair 3 of 12, base`.
fn turn_text(turn: &Turn) -> String {
    let arm = match turn.arm {
        Arm::Target => "target",
        Arm::Base => "base",
    };
    match turn.pair {
        Some(pair) => format!(", pair {} of {}, {arm}", pair + 1, turn.pairs),
        None => format!(", {arm}"),
    }
}
