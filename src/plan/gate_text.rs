//! A gate without a folder: its files as texts, each line of which a flag may have written.

use std::collections::BTreeMap;

use super::Error;
use crate::{scenario, thresholds};

/// The files of a gate that flags describe.
#[derive(Clone, Debug, Default)]
pub struct GateText {
    /// scenario.yml.
    pub scenario: FileText,
    /// thresholds.yml.
    pub thresholds: FileText,
    /// Secrets that the scenario reads from the environment, and that a flag gave.
    pub environment: BTreeMap<String, String>,
    /// The arguments that describe it, the URL first, without secrets.
    pub arguments: Vec<String>,
}

/// A file, and the argument that each of its lines comes from.
#[derive(Clone, Debug, Default)]
pub struct FileText {
    text: String,
    flags: Vec<&'static str>,
}

impl FileText {
    /// Adds lines that an argument decides.
    pub fn push(&mut self, flag: &'static str, lines: &str) {
        self.text.push_str(lines);
        self.text.push('\n');
        self.flags.extend(lines.lines().map(|_| flag));
    }

    /// The text of the file.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// An error of a line, by its flag: there is no file to look at.
    fn error(&self, line: u32, message: &str) -> Error {
        let flag = self.flags.get((line as usize).saturating_sub(1));
        // The message starts with the path of a field, if there is one.
        let field = message
            .split_once(": ")
            .filter(|(field, _)| !field.contains(' '));
        Error::Flag {
            flag: flag.copied().unwrap_or_default(),
            message: field.map_or(message, |(_, message)| message).to_owned(),
        }
    }
}

impl GateText {
    /// Adds an argument that describes it.
    pub fn argument(&mut self, flag: &str, value: &str) {
        self.arguments.extend([flag, value].map(str::to_owned));
    }

    /// The same error, of the flag in place of the line that it wrote.
    pub(super) fn explain(&self, error: Error) -> Error {
        if let Error::Scenario(scenario::Error::File(error)) = &error {
            return self.scenario.error(error.line, &error.message);
        }
        if let Error::Thresholds(thresholds::Error { line, message, .. }) = &error {
            return self.thresholds.error(*line, message);
        }
        error
    }
}
