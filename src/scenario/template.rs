//! Templates: text and values with `{{ expressions }}` in them.

/// Text with expressions in it, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    source: String,
}

/// A JSON value with expressions in its strings, parsed.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueTemplate {
    source: serde_json::Value,
}

impl Template {
    /// The text as written.
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl ValueTemplate {
    /// The value as written.
    pub fn source(&self) -> &serde_json::Value {
        &self.source
    }
}
