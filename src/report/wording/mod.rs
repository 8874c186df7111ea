//! The sentences: one word per idea, the same in the terminal, in JUnit and in the summary.

mod advice;
mod answers;
mod cautions;
mod context;
mod failures;
mod finding;
mod headline;
mod limit;
mod line;
mod outage;
mod reasons;
mod redirects;
mod row;
mod suspicion;
mod unreachable;

pub(crate) use advice::advice;
pub(crate) use answers::{concurrency, first_told, showed};
pub(crate) use cautions::{caution, of_recording, told_cautions};
pub(crate) use context::{
    compared, comparison, generator, load, ordinary_noise, proxies, short_commit, two_figures, unit,
};
pub(crate) use failures::{failing_names, failure_kind};
pub(crate) use finding::{finding, nothing_slower, stopped_early};
pub(crate) use headline::headline;
pub(crate) use limit::promise;
pub(crate) use line::{caught, measure_name, sentence, since, subject_name};
pub(crate) use reasons::{MOST_REASONS, invalidities, more_reasons, not_judged};
pub(crate) use row::figures_name;
pub use unreachable::remedy;

use super::text::{one_line, shorten};
use super::{html, markdown};

/// Columns of foreign text at most: enough for any honest name, and few enough that a sentence can still be read.
const LONGEST: usize = 120;
const LONGEST_MESSAGE: usize = 480;

/// Where a sentence will stand, which decides how foreign text in it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Medium {
    /// A terminal or a JUnit message.
    Plain,
    /// The summary.
    Markdown,
    /// The page: sentences that hold markup for foreign text, and nothing else to be escaped.
    Html,
}

impl Medium {
    /// A name or message that came from outside, made harmless; what is absurdly long loses its middle.
    pub(super) fn untrusted(self, text: &str) -> String {
        self.of_length(text, LONGEST)
    }

    fn of_length(self, text: &str, columns: usize) -> String {
        let line = shorten(&one_line(text), columns);
        match self {
            Self::Plain => line,
            Self::Markdown => markdown::syntax::code(&line),
            Self::Html => html::code_text(&line),
        }
    }

    /// A message with what it says at its end, such as where a log lies.
    pub(super) fn untrusted_message(self, text: &str) -> String {
        self.of_length(text, LONGEST_MESSAGE)
    }

    /// A load as the record words it, which from a stored record may be anything.
    pub(super) fn untrusted_load(self, text: &str) -> String {
        let is_load = |c: char| c.is_ascii_alphanumeric() || " .,/".contains(c);
        if text.len() <= LONGEST && text.chars().all(is_load) {
            return text.to_owned();
        }
        self.untrusted(text)
    }

    /// Something to type.
    pub(super) fn command(self, text: &str) -> String {
        match self {
            Self::Plain => format!("`{}`", one_line(text)),
            Self::Markdown => markdown::syntax::code(text),
            Self::Html => html::code_text(&one_line(text)),
        }
    }
}
