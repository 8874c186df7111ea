//! The sentences: one word per idea, the same in the terminal, in JUnit and in the summary.

mod cautions;
mod context;
mod headline;
mod line;
mod reasons;

pub(super) use cautions::caution;
pub(super) use context::{comparison, generator, load, provenance, short_commit};
pub(super) use headline::{finding, headline};
pub(super) use line::{caught, explanation, measure_name, sentence, subject_name};
pub(super) use reasons::{invalidity, no_comparison, not_judged};

use super::markdown;
use super::text::one_line;

/// Where a sentence will stand, which decides how foreign text in it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Medium {
    /// A terminal or a JUnit message.
    Plain,
    /// The summary.
    Markdown,
}

impl Medium {
    /// A name or message that came from outside, made harmless.
    pub(super) fn foreign(self, text: &str) -> String {
        match self {
            Self::Plain => one_line(text),
            Self::Markdown => markdown::code(text),
        }
    }

    /// Something to type.
    pub(super) fn command(self, text: &str) -> String {
        match self {
            Self::Plain => format!("`{}`", one_line(text)),
            Self::Markdown => markdown::code(text),
        }
    }
}
