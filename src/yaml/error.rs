//! Why a file cannot be used, and where in it.

use std::fmt;

use super::Key;

/// Why a file cannot be used, as one line that names the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The file as it was named to the reader.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// The field, such as `user_classes[0].weight`; empty at the root.
    pub path: String,
    /// Whether the file is wrong or merely ahead of this version.
    pub kind: ErrorKind,
    /// What is wrong and how to mend it; names the field where that helps.
    pub message: String,
}

/// Whether a file is wrong or merely ahead of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The file must be mended.
    Invalid,
    /// The file asks for a part of the format that is not built yet.
    NotSupported,
}

impl Error {
    /// The same error at a key's place.
    pub(super) fn at(self, key: &Key) -> Self {
        Self {
            file: key.file.as_deref().map_or(self.file, str::to_owned),
            line: key.line,
            column: key.column,
            ..self
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            message,
            ..
        } = self;
        write!(f, "{file}:{line}:{column}: {message}")
    }
}

impl std::error::Error for Error {}
