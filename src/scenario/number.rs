//! JSON numbers. They are kept as written: `1.10`, `1e400` and whole numbers of any length are sent unchanged.

use serde_json::{Number, Value};

/// Whether two numbers have exactly the same value, such as `1`, `1.0` and `10e-1`.
pub(super) fn equal(one: &Number, other: &Number) -> bool {
    match (Decimal::new(one.as_str()), Decimal::new(other.as_str())) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

/// The value with numbers of 64 bits, for the identity of a scenario: stored baselines have identities from before exact
/// numbers.
pub(super) fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => plain_number(number).into(),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), plain(value)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

/// The number in 64 bits; unchanged if it does not fit.
pub(super) fn plain_number(number: &Number) -> Number {
    let is_whole = number.is_i64() || number.is_u64();
    if is_whole && number.as_str() != "-0" {
        return number.clone();
    }
    let float = number.as_f64().and_then(Number::from_f64);
    float.unwrap_or_else(|| number.clone())
}

/// The text of a parsed `JSONPath` with its numbers in 64 bits. Numbers are outside of quotes, which it does not escape.
pub(super) fn plain_path(path: &str) -> String {
    let (mut plain, mut quote, mut rest) = (String::new(), None, path);
    while let Some(c) = rest.chars().next() {
        let digits = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)));
        let word = &rest[..digits.unwrap_or(rest.len())];
        let number = serde_json::from_str::<Number>(word);
        let taken = match (quote, number) {
            (None, Ok(number)) if c == '-' || c.is_ascii_digit() => {
                plain.push_str(plain_number(&number).as_str());
                word.len()
            }
            (open, _) => {
                quote = match open {
                    None => ['\'', '"'].contains(&c).then_some(c),
                    Some(open) => (open != c).then_some(open),
                };
                plain.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    plain
}

/// A number as digits before a power of ten, without zeros at either end.
#[derive(PartialEq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// `None` if the exponent is too large.
    fn new(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let digits = digits.trim_start_matches('0');
        let kept = digits.trim_end_matches('0');
        if kept.is_empty() {
            return Some(Self {
                negative: false,
                digits: String::new(),
                exponent: 0,
            });
        }
        let zeros = i64::try_from(digits.len() - kept.len()).ok()?;
        let places = i64::try_from(fraction.len()).ok()?;
        let exponent: i64 = exponent.parse().ok()?;
        Some(Self {
            negative,
            digits: kept.to_owned(),
            exponent: exponent.checked_add(zeros)?.checked_sub(places)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn numbers_are_equal_by_value() {
        for (one, other, expected) in [
            ("1", "1.0", true),
            ("1", "10e-1", true),
            ("0", "-0.00e7", true),
            ("1.10", "1.1", true),
            ("100", "1E+2", true),
            ("1e400", "10e399", true),
            ("1e400", "1e401", false),
            ("-1", "1", false),
            ("0.1", "0.10000000000000001", false),
            ("9007199254740993", "9007199254740992", false),
            ("18446744073709551616", "18446744073709551616.0", true),
            ("18446744073709551616", "18446744073709551617", false),
            ("1e99999999999999999999", "1e99999999999999999999", true),
        ] {
            assert_eq!(
                equal(&number(one), &number(other)),
                expected,
                "{one} {other}"
            );
        }
    }

    #[test]
    fn identities_spell_numbers_as_they_always_did() {
        for (written, spelt) in [
            ("1", "1"),
            ("-0", "-0.0"),
            ("1.0", "1.0"),
            ("1.10", "1.1"),
            ("1E5", "100000.0"),
            ("1e21", "1e+21"),
            ("18446744073709551615", "18446744073709551615"),
            ("18446744073709551616", "1.8446744073709552e+19"),
            ("0.1234567890123456789", "0.12345678901234568"),
        ] {
            assert_eq!(plain_number(&number(written)).as_str(), spelt);
        }
        for (written, spelt) in [
            ("$.a[0]['1.10']", "$.a[0]['1.10']"),
            ("$[?@.a < 1.10]", "$[?@.a < 1.1]"),
            (
                "$[?@['it is 1.10'] == -1E2]",
                "$[?@['it is 1.10'] == -100.0]",
            ),
            (
                "$[?@['é'] == '1.10'][-1:10:]",
                "$[?@['é'] == '1.10'][-1:10:]",
            ),
            ("$['a1.10b']..c2", "$['a1.10b']..c2"),
        ] {
            assert_eq!(plain_path(written), spelt);
        }
    }
}
