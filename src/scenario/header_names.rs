//! Names of headers: of those that are read, and of those that are sent.

use serde_json::json;

use crate::yaml::{Cursor, Definitions, Entry, Error, FromKey, FromYaml, Line, Schema};

/// The pattern of the names of headers (RFC 9110, section 5.6.2).
const TOKEN: &str = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";

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
