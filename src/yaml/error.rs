//! Why a file cannot be used, and where in it.

use super::Key;

/// Why a file cannot be used, as one line that starts with the position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct Error {
    /// The file as the caller named it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// What is wrong and how to fix it; starts with the path of the field, if there is one.
    pub message: String,
}

impl Error {
    /// The same error at the position of a key.
    pub(super) fn at(self, key: &Key) -> Self {
        Self {
            file: key.file.as_deref().map_or(self.file, str::to_owned),
            line: key.line,
            column: key.column,
            ..self
        }
    }
}
