//! Why a scenario cannot be used.

use crate::yaml;

/// Why a scenario cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file is wrong, or ahead of this version.
    #[error(transparent)]
    File(#[from] yaml::Error),
    /// `--environment` names an environment that the scenario has not.
    #[error("--environment {name}: {message}")]
    Environment {
        /// The environment.
        name: String,
        /// What is wrong and how to mend it.
        message: String,
    },
    /// `--set` names a variable that the scenario has not, or gives it no value.
    #[error("--set {name}: {message}")]
    Set {
        /// The variable.
        name: String,
        /// What is wrong and how to mend it.
        message: String,
    },
}
