//! What a scenario is parsed with, besides its text.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use super::data::{Format, Table};
use crate::yaml::{Cursor, Error};

/// The longest body that is read from a file, in bytes: twice what API Gateway takes.
const LONGEST_BODY: u64 = 20 << 20;

/// The longest file of rows, in bytes.
const LONGEST_DATA: u64 = 1 << 30;

/// What a scenario is parsed with, besides its text.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// Values of variables from `--set`, over those of the file.
    pub set: &'a BTreeMap<String, String>,
    /// The selected environment of the file.
    pub environment: Option<&'a str>,
    /// Reads the environment of the process.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The files that the scenario names; without it no file can be read.
    pub files: Option<&'a Files<'a>>,
    /// Whether the scenario may run programs.
    pub commands: Commands,
}

/// No values, no environment and no files.
impl Default for Inputs<'_> {
    fn default() -> Self {
        Self {
            set: const { &BTreeMap::new() },
            environment: None,
            env: &|_| None,
            files: None,
            commands: Commands::Refused,
        }
    }
}

/// Whether a scenario may run programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commands {
    /// It may, or is read only and never run.
    Allowed,
    /// It may not, and one that would is refused.
    Refused,
}

/// Opens a file that another one names: by the name of that one, and the path as it is written there.
pub type Open<'a> = dyn Fn(&str, &str) -> Result<Opened, String> + 'a;

/// A file that is read.
pub struct Opened {
    /// How errors name it.
    pub file: String,
    /// What is the same only for the same file.
    pub identity: String,
    /// What is in it.
    pub content: Box<dyn Read>,
}

/// The files that scenarios name. Rows are read once, however many scenarios use them.
pub struct Files<'a> {
    open: &'a Open<'a>,
    tables: RefCell<BTreeMap<String, Arc<Table>>>,
}

impl Inputs<'_> {
    /// Opens a file by its path as it is written in another.
    pub(super) fn open(&self, from: &str, path: &str) -> Result<Opened, String> {
        match self.files {
            Some(files) => (files.open)(from, path),
            None => Err(format!("'{path}' is a file, but no file can be read here")),
        }
    }

    /// The bytes of the file that a value names.
    pub(super) fn bytes(&self, cursor: &Cursor<'_>) -> Result<Arc<[u8]>, Error> {
        let opened = self.named(cursor)?;
        let mut bytes = Vec::new();
        opened
            .content
            .take(LONGEST_BODY + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| cursor.error(format_args!("cannot read {}: {error}", opened.file)))?;
        if bytes.len() as u64 > LONGEST_BODY {
            return Err(cursor.error(format_args!(
                "{} is larger than {} MB, which no API takes at once",
                opened.file,
                LONGEST_BODY >> 20
            )));
        }
        Ok(bytes.into())
    }

    /// The rows of the file that a value names.
    pub(super) fn table(&self, cursor: &Cursor<'_>) -> Result<Arc<Table>, Error> {
        let path = cursor.line_of_text()?;
        let format = Format::from_path(path).ok_or_else(|| {
            cursor.error(format_args!(
                "'{path}' is not a file of rows; use one that ends in .csv or .json"
            ))
        })?;
        let opened = self.named(cursor)?;
        let known = self.files.map(|files| &files.tables);
        if let Some(table) = known.and_then(|known| known.borrow().get(&opened.identity).cloned()) {
            return Ok(table);
        }
        let mut content = opened.content.take(LONGEST_DATA);
        let table = Table::read(format, &mut content);
        if content.limit() == 0 {
            return Err(cursor.error(format_args!(
                "{} is larger than {} GB; use fewer rows",
                opened.file,
                LONGEST_DATA >> 30
            )));
        }
        let table =
            table.map_err(|message| cursor.error(format_args!("{}: {message}", opened.file)))?;
        let table = Arc::new(table);
        if let Some(known) = known {
            known
                .borrow_mut()
                .insert(opened.identity, Arc::clone(&table));
        }
        Ok(table)
    }

    fn named(&self, cursor: &Cursor<'_>) -> Result<Opened, Error> {
        self.open(cursor.file(), cursor.line_of_text()?)
            .map_err(|message| cursor.error(message))
    }
}

impl<'a> Files<'a> {
    /// Files as a function opens them.
    pub fn new(open: &'a Open<'a>) -> Self {
        Self {
            open,
            tables: RefCell::default(),
        }
    }
}
