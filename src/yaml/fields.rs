//! The fields of a map: known keys only, taken by name.

use std::fmt::Display;

use super::{Cursor, Error, Key, Node, hint};

/// The keys that a map may have.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'k> {
    /// Those that are read.
    pub known: &'k [&'k str],
    /// Those that belong into another map.
    pub misplaced: &'k [Misplaced<'k>],
}

/// Keys that people write in the wrong map.
#[derive(Clone, Copy, Debug)]
pub struct Misplaced<'k> {
    /// The keys.
    pub keys: &'k [&'k str],
    /// What to write instead; `KEY` and `VALUE` stand for what was written.
    pub instead: &'k str,
}

/// Characters of a value that is repeated in an error at most.
const LONGEST_VALUE: usize = 60;

impl<'k> Keys<'k> {
    /// Keys that are all read.
    pub fn known(known: &'k [&'k str]) -> Self {
        Self {
            known,
            misplaced: &[],
        }
    }
}

/// A key and its value.
#[derive(Clone, Debug)]
pub struct Entry<'d> {
    /// The key.
    pub key: &'d Key,
    /// The value.
    pub value: Cursor<'d>,
    map: Cursor<'d>,
}

impl<'d> Entry<'d> {
    pub(super) fn new(map: &Cursor<'d>, key: &'d Key, node: &'d Node) -> Self {
        Self {
            key,
            value: map.child(&key.text, node),
            map: map.clone(),
        }
    }

    /// An error at the key.
    pub fn error(&self, message: impl Display) -> Error {
        self.map.error(message).at(self.key)
    }

    /// An error at the key, which is not among those that it may be.
    pub fn unknown<'k>(
        &self,
        what: &str,
        known: impl IntoIterator<Item = &'k str> + Clone,
    ) -> Error {
        let mut listed: Vec<_> = known.clone().into_iter().collect();
        listed.sort_unstable();
        let otherwise = match listed.as_slice() {
            [] => "there is none".to_owned(),
            listed => format!("use one of {}", listed.join(", ")),
        };
        let hint = hint(&self.key.text, known, &otherwise);
        self.located(format_args!("unknown {what} '{}'", self.key.text), &hint)
    }

    /// An error at the key, which belongs into another map.
    fn misplaced(&self, misplaced: &Misplaced<'_>) -> Error {
        let value = self.value.written().unwrap_or_default();
        let is_short = !value.is_empty() && value.chars().count() <= LONGEST_VALUE;
        let value = if is_short { value } else { "…" };
        let place = match self.map.path() {
            "" => "at the top of the file".to_owned(),
            path => format!("in {path}"),
        };
        let instead = misplaced.instead.replace("KEY", &self.key.text);
        self.located_alone(format_args!(
            "'{}' cannot stand {place}; {}",
            self.key.text,
            instead.replace("VALUE", value)
        ))
    }

    /// An error that names the map behind the key, as one speaks.
    fn located(&self, message: impl Display, rest: &str) -> Error {
        let place = match self.map.path() {
            "" => String::new(),
            path => format!(" in {path}"),
        };
        self.located_alone(format_args!("{message}{place}{rest}"))
    }

    /// An error at the key whose message names the map itself.
    fn located_alone(&self, message: impl Display) -> Error {
        Error {
            message: message.to_string(),
            ..self.error("")
        }
    }
}

/// The fields of a map whose keys are the format's.
#[derive(Clone, Debug)]
pub struct Fields<'d> {
    map: Cursor<'d>,
    entries: Vec<Entry<'d>>,
}

impl<'d> Fields<'d> {
    pub(super) fn new(map: Cursor<'d>, keys: Keys<'_>) -> Result<Self, Error> {
        let entries = map.entries()?;
        for entry in &entries {
            let key = entry.key.text.as_str();
            if keys.known.contains(&key) {
                continue;
            }
            let mut misplaced = keys.misplaced.iter();
            if let Some(misplaced) = misplaced.find(|it| it.keys.contains(&key)) {
                return Err(entry.misplaced(misplaced));
            }
            return Err(entry.unknown("key", keys.known.iter().copied()));
        }
        Ok(Self { map, entries })
    }

    /// The map itself, for errors that speak of it as a whole.
    pub fn map(&self) -> &Cursor<'d> {
        &self.map
    }

    /// All fields, in the order of the file.
    pub fn entries(&self) -> &[Entry<'d>] {
        &self.entries
    }

    /// A field that may be left out.
    pub fn get(&self, key: &str) -> Option<&Cursor<'d>> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// A field that may be left out, with its key.
    pub fn entry(&self, key: &str) -> Option<&Entry<'d>> {
        self.entries.iter().find(|entry| entry.key.text == key)
    }

    /// A field that must be there.
    pub fn require(&self, key: &str) -> Result<&Cursor<'d>, Error> {
        self.get(key)
            .ok_or_else(|| self.map.error(format_args!("the key '{key}' is missing")))
    }

    /// A field read by a function, or the default where it is left out.
    pub fn read_or<T>(
        &self,
        key: &str,
        default: T,
        read: impl FnOnce(&Cursor<'d>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.get(key).map_or(Ok(default), read)
    }
}
