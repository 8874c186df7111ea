//! Exit codes: what a CI job acts on.

use std::process::ExitCode;

use crate::verdict::{Outcome, Verdict};

/// The outcome of the process. The numbers are a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Passed; or inconclusive without `--strict`.
    Passed,
    /// A limit is broken or a metric regressed.
    Failed,
    /// Bad arguments or files: nothing was sent.
    Usage,
    /// The run could not be judged.
    Invalid,
    /// Inconclusive under `--strict`.
    Inconclusive,
    /// Ended by a signal of this number.
    Signal(i32),
}

/// Whether an inconclusive run may pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// It passes, said loudly.
    #[default]
    Lenient,
    /// It does not: `--strict`.
    Strict,
}

impl Exit {
    /// The exit code of one verdict.
    pub fn for_verdict(verdict: &Verdict, strictness: Strictness) -> Self {
        if verdict.observed {
            return Self::Passed;
        }
        match (verdict.outcome, strictness) {
            (Outcome::Passed, _) | (Outcome::Inconclusive, Strictness::Lenient) => Self::Passed,
            (Outcome::Failed, _) => Self::Failed,
            (Outcome::Invalid, _) => Self::Invalid,
            (Outcome::Inconclusive, Strictness::Strict) => Self::Inconclusive,
        }
    }

    /// The worse of two: a signal, then 1, then 3, then 4, then 0.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        if self.rank() >= other.rank() {
            self
        } else {
            other
        }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Inconclusive => 1,
            Self::Invalid => 2,
            Self::Failed => 3,
            Self::Usage => 4,
            Self::Signal(_) => 5,
        }
    }

    /// The number that the process ends with.
    pub fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Invalid => 3,
            Self::Inconclusive => 4,
            // The shell's convention: 128 and the signal's number.
            Self::Signal(number) => u8::try_from(128 + number).unwrap_or(u8::MAX),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn the_codes_are_those_of_the_contract() {
        for (exit, code) in [
            (Exit::Passed, 0),
            (Exit::Failed, 1),
            (Exit::Usage, 2),
            (Exit::Invalid, 3),
            (Exit::Inconclusive, 4),
            (Exit::Signal(2), 130),
            (Exit::Signal(15), 143),
        ] {
            assert_eq!(exit.code(), code);
        }
    }

    #[test]
    fn several_gates_exit_with_the_worst() {
        for (exits, worst) in [
            ([Exit::Passed, Exit::Failed, Exit::Invalid], Exit::Failed),
            (
                [Exit::Inconclusive, Exit::Invalid, Exit::Passed],
                Exit::Invalid,
            ),
            (
                [Exit::Passed, Exit::Inconclusive, Exit::Passed],
                Exit::Inconclusive,
            ),
            (
                [Exit::Failed, Exit::Signal(2), Exit::Invalid],
                Exit::Signal(2),
            ),
        ] {
            assert_eq!(exits.into_iter().fold(Exit::Passed, Exit::worse), worst);
        }
    }
}
