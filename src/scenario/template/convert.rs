//! Converts values between JSON and minijinja, and errors of minijinja into messages.

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind};
use serde_json::{Number, Value};

use super::budget;

/// A JSON value as minijinja's.
pub(super) fn jinja(value: &Value) -> minijinja::Value {
    match value {
        Value::Null => ().into(),
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => self::number(number),
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(jinja).collect(),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| (key.as_str(), jinja(value)));
            minijinja::Value::from_pairs(fields)
        }
    }
}

/// A number to calculate with: exact if it is whole and has no more than 128 bits.
fn number(number: &Number) -> minijinja::Value {
    if let Some(whole) = number.as_i64() {
        return whole.into();
    }
    if let Some(whole) = number.as_i128() {
        return whole.into();
    }
    number.as_f64().unwrap_or(f64::INFINITY).into()
}

/// The value as JSON; an error if it is undefined.
pub(super) fn json(value: &minijinja::Value) -> Result<Value, String> {
    if value.is_undefined() {
        return Err("it has no value".into());
    }
    if matches!(
        value.kind(),
        ValueKind::Plain | ValueKind::Invalid | ValueKind::Bytes
    ) {
        return Err(
            "it yields no text, number, list or object; a function needs its (), such as uuid()"
                .into(),
        );
    }
    budget::refuse_long_json(value)?;
    match serde_json::to_value(value) {
        Ok(Value::Null) if value.kind() == ValueKind::Number => {
            Err("it is not a finite number".into())
        }
        Ok(json) => budget::refuse_deep(&json).map(|()| json),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether no value that is set later can make an expression valid.
pub(super) fn is_final(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnknownFilter
            | ErrorKind::UnknownTest
            | ErrorKind::UnknownFunction
            | ErrorKind::OutOfFuel
    )
}

/// The message of a minijinja error, without its position: an expression is on one line of the file.
pub(super) fn message(error: &Error) -> String {
    if error.kind() == ErrorKind::OutOfFuel {
        return "it takes too much work or memory; make it simpler".to_owned();
    }
    match error.detail() {
        Some(detail) => detail.to_owned(),
        None => error.kind().to_string(),
    }
}
