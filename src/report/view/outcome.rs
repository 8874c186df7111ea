//! How outcomes and statuses look: one table for each.

use super::{Status, View};
use crate::verdict::{Outcome, Verdict};

/// What a colour says; never the only thing that says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Warn,
    Bad,
    /// Nothing depends on it.
    Soft,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct OutcomeStyle {
    pub(crate) word: &'static str,
    pub(crate) mark: &'static str,
    pub(crate) emoji: &'static str,
    pub(crate) tone: Tone,
}

impl From<&Verdict> for OutcomeStyle {
    /// In a gate that is only observed, nothing looks like a failure.
    fn from(verdict: &Verdict) -> Self {
        let (word, mark, emoji, tone) = match (verdict.outcome, verdict.observed) {
            (Outcome::Passed, _) => ("passed", "✓", "✅", Tone::Good),
            (Outcome::Failed, false) => ("failed", "✗", "❌", Tone::Bad),
            (Outcome::Failed, true) => ("would have failed", "!", "⚠️", Tone::Warn),
            (Outcome::Inconclusive, _) => ("inconclusive", "?", "⚠️", Tone::Warn),
            (Outcome::Invalid, false) => ("not judged", "!", "🛑", Tone::Bad),
            (Outcome::Invalid, true) => ("not judged", "!", "⚠️", Tone::Warn),
        };
        Self {
            word,
            mark,
            emoji,
            tone,
        }
    }
}

impl Status {
    /// The word for it, the same in every format.
    pub(crate) fn word(self) -> &'static str {
        self.style().0
    }

    fn style(self) -> (&'static str, &'static str, Tone) {
        match self {
            Self::Failed => ("failed", "✗", Tone::Bad),
            Self::Inconclusive => ("inconclusive", "?", Tone::Warn),
            Self::Warned => ("warned", "!", Tone::Warn),
            Self::NotJudged => ("not judged", "-", Tone::Warn),
            Self::Worse => ("worse, not gated", "!", Tone::Warn),
            Self::Passed => ("passed", "✓", Tone::Good),
            Self::Reported => ("reported", "·", Tone::Soft),
        }
    }
}

impl View<'_> {
    pub(crate) fn outcome_style(&self) -> OutcomeStyle {
        OutcomeStyle::from(self.verdict)
    }

    /// The order of outcomes, worst first.
    pub(crate) fn rank(&self) -> u8 {
        match self.verdict.outcome {
            Outcome::Failed => 0,
            Outcome::Invalid => 1,
            Outcome::Inconclusive => 2,
            Outcome::Passed => 3,
        }
    }

    /// The word for a status in this gate: if nothing may fail, nothing has failed.
    pub(crate) fn word(&self, status: Status) -> &'static str {
        if self.is_comparison() {
            return match status {
                Status::Failed => Status::Worse.word(),
                Status::Passed => "not worse",
                Status::Inconclusive => "open",
                Status::Warned | Status::NotJudged | Status::Worse | Status::Reported => {
                    status.word()
                }
            };
        }
        if self.is_observed_failure(status) {
            return "would fail";
        }
        status.word()
    }

    pub(crate) fn status_text(&self, status: Status) -> String {
        let style = self.looks_like(status).style();
        format!("{} {}", style.1, self.word(status))
    }

    pub(crate) fn tone(&self, status: Status) -> Tone {
        self.looks_like(status).style().2
    }

    /// What fails nothing looks like what only warns.
    fn looks_like(&self, status: Status) -> Status {
        if self.is_observed_failure(status) {
            Status::Warned
        } else {
            status
        }
    }

    /// Whether a check failed that fails nothing.
    fn is_observed_failure(&self, status: Status) -> bool {
        status == Status::Failed && self.verdict.observed
    }
}
