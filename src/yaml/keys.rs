//! The keys of a map: which are known, and what an error says about one that is not.

use std::fmt::Display;

use super::{Cursor, Error, Key, Node, suggest};

/// Keys that people write in the wrong map.
#[derive(Clone, Copy, Debug)]
pub struct Misplaced<'k> {
    /// The keys.
    pub keys: &'k [&'k str],
    /// What to write instead; `KEY` and `VALUE` stand for what was written.
    pub instead: &'k str,
}

/// Lists misplaced keys: the keys, `=>`, and what to write instead.
macro_rules! misplaced {
    ($($($key:ident)+ => $instead:expr;)+) => {
        &[$($crate::yaml::Misplaced { keys: &[$(stringify!($key)),+], instead: $instead }),+]
    };
}
pub(crate) use misplaced;

/// The longest value that an error repeats, in characters.
const LONGEST_VALUE: usize = 60;

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

    /// The text of the key.
    pub fn name(&self) -> &'d str {
        &self.key.text
    }

    /// An error at the key.
    pub fn error(&self, message: impl Display) -> Error {
        self.key.at.error(self.map.error(message).message)
    }

    /// An error at the key, which is none of the known ones.
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
        let suggestion = suggest(self.name(), known, &otherwise);
        let map = match self.map.path() {
            "" => String::new(),
            path => format!(" in {path}"),
        };
        self.key
            .at
            .error(format!("unknown {what} '{}'{map}{suggestion}", self.name()))
    }

    /// An error at the key, which belongs into another map.
    fn misplaced(&self, instead: &str) -> Error {
        let value = self.value.scalar().unwrap_or_default();
        let is_short = !value.is_empty() && value.chars().count() <= LONGEST_VALUE;
        let value = if is_short { value } else { "…" };
        let map = match self.map.path() {
            "" => "at the top of the file".to_owned(),
            path => format!("in {path}"),
        };
        let instead = instead.replace("KEY", self.name()).replace("VALUE", value);
        self.key.at.error(format!(
            "'{}' does not belong {map}; {instead}",
            self.name()
        ))
    }
}

/// Checks that a map has known keys only.
pub(super) fn check(
    map: &Cursor<'_>,
    known: &[&str],
    misplaced: &[Misplaced<'_>],
) -> Result<(), Error> {
    for entry in map.entries()? {
        let key = entry.name();
        if known.contains(&key) {
            continue;
        }
        let mut misplaced = misplaced.iter();
        return Err(match misplaced.find(|it| it.keys.contains(&key)) {
            Some(misplaced) => entry.misplaced(misplaced.instead),
            None => entry.unknown("key", known.iter().copied()),
        });
    }
    Ok(())
}
