//! Headers: their names, the values that are sent, and what a response must have.

use serde_json::json;

use super::fields::{Headers, Text};
use super::source::HeaderOperator;
use super::template::{EscapeContext, Names, Template};
use crate::yaml::{Cursor, Definitions, Entry, Error, FromKey, FromYaml, Line, Schema};

/// The pattern of the names of headers (RFC 9110, section 5.6.2).
const TOKEN: &str = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";

/// Headers to send, in order.
pub(super) type HeaderTemplates = Vec<(String, Template)>;

/// Compiles headers; their names must differ in more than case.
pub(super) fn templates(headers: &Headers<'_>, names: Names<'_>) -> Result<HeaderTemplates, Error> {
    let mut templates = HeaderTemplates::new();
    for header in &headers.0 {
        let name = header.entry.name();
        if has(&templates, name) {
            return Err(header.entry.error(format_args!(
                "the header '{name}' appears twice; remove one of them"
            )));
        }
        let value = names.template(&header.value, EscapeContext::Header)?;
        templates.push((name.to_owned(), value));
    }
    Ok(templates)
}

/// Whether a header is there, in any case.
pub(super) fn has(headers: &HeaderTemplates, name: &str) -> bool {
    headers
        .iter()
        .any(|(other, _)| other.eq_ignore_ascii_case(name))
}

/// Merges headers; `over` replaces those of the same name, in any case.
pub(super) fn merge(under: &HeaderTemplates, over: HeaderTemplates) -> HeaderTemplates {
    let kept = under.iter().filter(|(name, _)| !has(&over, name)).cloned();
    kept.collect::<Vec<_>>().into_iter().chain(over).collect()
}

/// The name of a header, as written.
pub(super) struct HeaderName(pub(super) String);

impl HeaderName {
    /// Checks a name (RFC 9110, section 5.6.2).
    pub(super) fn parse(name: &str) -> Result<Self, String> {
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(format!("'{name}' is not the name of a header"));
        }
        Ok(Self(name.to_owned()))
    }

    pub(super) fn lowercase(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromYaml<'_> for HeaderName {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        Self::parse(value.line_of_text()?).map_err(|message| value.error(message))
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        Line::schema(definitions)
    }
}

impl FromKey<'_> for HeaderName {
    fn from_key(entry: &Entry<'_>) -> Result<Self, Error> {
        Self::parse(entry.name()).map_err(|message| entry.error(message))
    }

    fn schema() -> Option<Schema> {
        Some(json!({ "pattern": TOKEN }))
    }
}

/// The name of a header that the scenario may send.
pub(super) struct SentHeader;

/// Headers that frame the request on its connection. Only the engine knows their values.
const FRAMING: [&str; 4] = ["connection", "content-length", "te", "transfer-encoding"];

impl FromKey<'_> for SentHeader {
    fn from_key(entry: &Entry<'_>) -> Result<Self, Error> {
        let name = HeaderName::from_key(entry)?;
        if FRAMING.contains(&name.lowercase().as_str()) {
            return Err(entry.error(format_args!(
                "the header '{}' is set by loadgate; remove it",
                name.0
            )));
        }
        Ok(Self)
    }

    fn schema() -> Option<Schema> {
        let either_case = |letter: char| match letter {
            '-' => "-".to_owned(),
            letter => format!("[{letter}{}]", letter.to_ascii_uppercase()),
        };
        let framing = FRAMING.map(|name| name.chars().map(either_case).collect::<String>());
        let not_framing = json!({ "pattern": format!("^({})$", framing.join("|")) });
        Some(json!({ "pattern": TOKEN, "not": not_framing }))
    }
}

/// What a header must be.
pub(super) enum HeaderPattern<'d> {
    Equals(Text<'d>),
    Contains(Text<'d>),
    Exists(bool),
}

impl<'d> FromYaml<'d> for HeaderPattern<'d> {
    fn from_yaml(value: &Cursor<'d>) -> Result<Self, Error> {
        if !value.is_map() {
            return Text::from_yaml(value).map(Self::Equals);
        }
        let operator = HeaderOperator::from_yaml(value)?;
        match (operator.contains, operator.exists) {
            (Some(text), None) => Ok(Self::Contains(text)),
            (None, Some(exists)) => Ok(Self::Exists(exists)),
            (Some(_), Some(_)) | (None, None) => {
                Err(value.error("needs a text, or one of contains and exists"))
            }
        }
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        json!({ "anyOf": [Text::schema(definitions), HeaderOperator::schema(definitions)] })
    }
}
