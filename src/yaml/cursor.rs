//! One value of a file: its position, and the errors about it.

use std::fmt::Display;

use super::{Entry, Error, FromYaml, Key, Misplaced, Node, Value, keys, suggest};

/// The longest name, in bytes. Every report repeats it in many places.
pub const LONGEST_NAME: usize = 1_000;

/// A value, the way to it, and its place in the file.
#[derive(Clone, Debug)]
pub struct Cursor<'d> {
    path: String,
    node: &'d Node,
}

impl<'d> Cursor<'d> {
    /// The root of a file.
    pub fn root(node: &'d Node) -> Self {
        Self {
            path: String::new(),
            node,
        }
    }

    /// The value of a key of this map.
    pub(super) fn child(&self, key: &str, node: &'d Node) -> Self {
        let path = if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        };
        Self { path, node }
    }

    /// The file of the value, as errors name it.
    pub fn file(&self) -> &'d str {
        &self.node.at.file
    }

    /// The value as it was parsed.
    pub fn node(&self) -> &'d Node {
        self.node
    }

    /// The field, such as `user_classes[0].weight`; empty at the root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Line of the value, from 1.
    pub fn line(&self) -> u32 {
        self.node.at.line
    }

    /// Whether the value is a map.
    pub fn is_map(&self) -> bool {
        matches!(self.node.value, Value::Map(_))
    }

    /// Whether the value is a list.
    pub fn is_list(&self) -> bool {
        matches!(self.node.value, Value::List(_))
    }

    /// An error at this value; the message follows the path of the field.
    pub fn error(&self, message: impl Display) -> Error {
        let message = if self.path.is_empty() {
            message.to_string()
        } else {
            format!("{}: {message}", self.path)
        };
        self.node.at.error(message)
    }

    /// An error that says what was expected and what stands here.
    pub fn expected(&self, what: impl Display) -> Error {
        let found = match &self.node.value {
            Value::Null => "nothing".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Number { text, .. } => text.clone(),
            Value::Text { text, .. } => format!("'{text}'"),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
        };
        self.error(format_args!("expected {what}, found {found}"))
    }

    /// Text. What YAML may read as something else must be quoted.
    pub fn text(&self) -> Result<&'d str, Error> {
        let kind = match &self.node.value {
            Value::Text { text, ambiguous } => match ambiguous {
                None => return Ok(text),
                Some(kind) => kind,
            },
            Value::Number { .. } => "a number",
            Value::Bool(_) => "a boolean",
            Value::Null => return Err(self.error("expected text, found nothing: write it, or quote \"null\" or \"~\" if that is meant")),
            Value::List(_) | Value::Map(_) => return Err(self.expected("text")),
        };
        let text = self.scalar()?;
        Err(self.error(format_args!(
            "expected text, found {text}, which YAML may read as {kind}: quote it, \"{text}\""
        )))
    }

    /// Text with at least one character and none that would break a line.
    pub fn line_of_text(&self) -> Result<&'d str, Error> {
        let text = self.text()?;
        if text.trim().is_empty() {
            return Err(self.error("must not be empty"));
        }
        if text.chars().any(char::is_control) {
            return Err(self.error("must be one line without control characters"));
        }
        Ok(text)
    }

    /// The name of something: a line of text that reports can repeat.
    pub fn name(&self) -> Result<&'d str, Error> {
        let text = self.line_of_text()?;
        if text.len() > LONGEST_NAME {
            return Err(self.error(format_args!(
                "is longer than {LONGEST_NAME} bytes; choose a shorter name"
            )));
        }
        Ok(text)
    }

    /// Any scalar as it is written, quoted or not.
    pub fn scalar(&self) -> Result<&'d str, Error> {
        match &self.node.value {
            Value::Text { text, .. } | Value::Number { text, .. } => Ok(text),
            Value::Bool(value) => Ok(if *value { "true" } else { "false" }),
            Value::Null | Value::List(_) | Value::Map(_) => Err(self.expected("a single value")),
        }
    }

    /// A scalar parsed by a function whose error says what it should be.
    pub fn parse<T, E: Display>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, Error> {
        parse(self.scalar()?).map_err(|error| self.error(error))
    }

    /// One word of a closed set.
    pub fn one_of<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, Error> {
        let text = self.scalar()?;
        if let Some((_, choice)) = choices.iter().find(|(word, _)| *word == text) {
            return Ok(*choice);
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let otherwise = format!("use one of {}", words.join(", "));
        let suggestion = suggest(text, words, &otherwise);
        Err(self.error(format_args!(
            "'{text}' is not one of its values{suggestion}"
        )))
    }

    /// The value as JSON. Text that YAML may read as something else, and whole numbers too large to be kept exactly,
    /// must be quoted.
    pub fn json(&self) -> Result<serde_json::Value, Error> {
        Ok(match &self.node.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number { text, value } => {
                if value.is_f64() && !text.contains(['.', 'e', 'E']) {
                    return Err(self.error(format_args!(
                        "{text} is too large to be kept exactly: quote it, \"{text}\""
                    )));
                }
                // As it is written, so that `1.10` stays that.
                let exact: Option<serde_json::Number> = serde_json::from_str(text).ok();
                exact.unwrap_or_else(|| value.clone()).into()
            }
            Value::Text { .. } => self.text()?.into(),
            Value::List(_) => self
                .list()?
                .iter()
                .map(Self::json)
                .collect::<Result<_, _>>()?,
            Value::Map(_) => serde_json::Value::Object(
                self.entries()?
                    .into_iter()
                    .map(|entry| Ok((entry.key.text.clone(), entry.value.json()?)))
                    .collect::<Result<_, Error>>()?,
            ),
        })
    }

    /// The items of a list.
    pub fn list(&self) -> Result<Vec<Self>, Error> {
        if self.is_map() {
            return Err(
                self.error("expected a list, found a map; begin each of its items with '- '")
            );
        }
        if !self.is_list() {
            return Err(self.expected("a list"));
        }
        let item = |(index, node): (usize, &'d Node)| Self {
            path: format!("{}[{index}]", self.path),
            node,
        };
        Ok(self.node.items().iter().enumerate().map(item).collect())
    }

    /// The items of a list that must have some.
    pub fn filled_list<T: FromYaml<'d>>(&self) -> Result<Vec<T>, Error> {
        let items = self.list()?;
        if items.is_empty() {
            return Err(self.error("must not be empty"));
        }
        items.iter().map(T::from_yaml).collect()
    }

    /// The entries of a map, in the order of the file; none for an empty value.
    pub fn entries(&self) -> Result<Vec<Entry<'d>>, Error> {
        self.require_map("a map", &["NAME"])?;
        let entry = |(key, node): &'d (Key, Node)| Entry::new(self, key, node);
        Ok(self.node.entries().iter().map(entry).collect())
    }

    /// The entry of a key, if this is a map that has it.
    pub fn entry(&self, key: &str) -> Option<Entry<'d>> {
        let mut entries = self.node.entries().iter();
        let (key, node) = entries.find(|(other, _)| other.text == key)?;
        Some(Entry::new(self, key, node))
    }

    /// The value of a key.
    pub fn field<T: FromYaml<'d>>(&self, key: &str) -> Result<T, Error> {
        match self.entry(key) {
            Some(entry) => T::from_yaml(&entry.value),
            None => T::absent().ok_or_else(|| self.missing(key)),
        }
    }

    /// An error at this map, which lacks a key.
    pub fn missing(&self, key: &str) -> Error {
        self.error(format_args!("the key '{key}' is missing"))
    }

    /// Checks that this is a map with known keys only; `expected` says what it should be.
    pub fn check_keys(
        &self,
        expected: &str,
        known: &[&str],
        misplaced: &[Misplaced<'_>],
    ) -> Result<(), Error> {
        self.require_map(expected, known)?;
        keys::check(self, known, misplaced)
    }

    /// Checks that this is a map, of which the error names some keys unless `expected` says what to write.
    fn require_map(&self, expected: &str, keys: &[&str]) -> Result<(), Error> {
        const NAMED: usize = 4;
        if matches!(self.node.value, Value::Map(_) | Value::Null) {
            return Ok(());
        }
        let mut error = self.expected(expected);
        if expected == "a map" {
            let named = keys.iter().take(NAMED);
            let pairs: Vec<String> = named.map(|key| format!("`{key}: …`")).collect();
            error.message += "; write ";
            error.message += &pairs.join(" or ");
        }
        Err(error)
    }
}
