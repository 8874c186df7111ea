//! Why a scenario cannot be used.

use crate::yaml;

/// Why a scenario cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file is wrong.
    #[error(transparent)]
    File(#[from] yaml::Error),
    /// `--environment` names an environment that the scenario does not have.
    #[error("--environment {name}: {message}")]
    Environment {
        /// The environment.
        name: String,
        /// What is wrong and how to fix it.
        message: String,
    },
    /// `--set` names a variable that the scenario does not have, or its value cannot be used.
    #[error("--set {name}: {message}")]
    Set {
        /// The variable.
        name: String,
        /// What is wrong and how to fix it.
        message: String,
    },
}
