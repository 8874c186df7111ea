//! Why a file cannot be used, and where in it.

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
