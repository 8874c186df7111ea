//! Why a scenario cannot be used.

use crate::yaml;

/// Why a scenario cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file is wrong.
    #[error(transparent)]
    File(#[from] yaml::Error),
    /// `--environment` or `--set` names what the scenario does not have, or gives a value that cannot be used.
    #[error("{argument}: {message}")]
    Argument {
        /// The argument with the name that it gives.
        argument: String,
        /// What is wrong and how to fix it.
        message: String,
    },
}

impl Error {
    pub(super) fn argument(flag: &str, name: &str, message: String) -> Self {
        let argument = format!("{flag} {name}");
        Self::Argument { argument, message }
    }
}
