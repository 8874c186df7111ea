//! The body of a request, and the rules that its fields follow.

use serde_json::Value;

use super::{Reply, malformed};

/// A JSON body.
pub(super) struct Payload(Value);

impl Payload {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Reply> {
        serde_json::from_slice(body)
            .map(Self)
            .map_err(|error| malformed(&format!("malformed request body: {error}")))
    }

    /// A text that follows a rule.
    pub(super) fn text(
        &self,
        pointer: &str,
        rule: &str,
        holds: impl Fn(&str) -> bool,
    ) -> Result<&str, Reply> {
        let text = self.0.pointer(pointer).and_then(Value::as_str);
        let text = text.filter(|text| holds(text));
        text.ok_or_else(|| refused(pointer, rule))
    }

    /// A text that is not empty.
    pub(super) fn filled(&self, pointer: &str) -> Result<&str, Reply> {
        self.text(pointer, "must be a text", |text| !text.trim().is_empty())
    }

    /// A text that is not empty, or none if it is missing or empty.
    pub(super) fn optional(&self, pointer: &str) -> Result<Option<&str>, Reply> {
        if self.0.pointer(pointer).is_none_or(Value::is_null) {
            return Ok(None);
        }
        let text = self.text(pointer, "must be a text", |_| true)?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// One of these words.
    pub(super) fn one_of(&self, pointer: &str, words: &[&str]) -> Result<&str, Reply> {
        let rule = format!("must be one of {}", words.join(", "));
        self.text(pointer, &rule, |text| words.contains(&text))
    }

    /// The number of an item: `SKU-` and five digits.
    pub(super) fn sku(&self, pointer: &str) -> Result<&str, Reply> {
        self.text(pointer, "must look like SKU-10458", is_sku)
    }

    /// A number from 1 on.
    pub(super) fn quantity(&self, pointer: &str) -> Result<u32, Reply> {
        let number = self.0.pointer(pointer).and_then(Value::as_u64);
        let number = number.and_then(|number| u32::try_from(number).ok());
        let number = number.filter(|number| *number > 0);
        number.ok_or_else(|| refused(pointer, "must be above 0"))
    }
}

fn refused(pointer: &str, rule: &str) -> Reply {
    malformed(&format!("malformed request body: {pointer} {rule}"))
}

pub(super) fn is_sku(text: &str) -> bool {
    let digits = text.strip_prefix("SKU-").unwrap_or_default();
    digits.len() == 5 && digits.bytes().all(|byte| byte.is_ascii_digit())
}
