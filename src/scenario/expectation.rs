//! Expectations of a response: its status, its headers and its body.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;
use serde_json_path::JsonPath;

use super::number;
use super::template::{RenderError, Scope, Template, ValueTemplate};

/// The longest text of a response that a message repeats, in characters.
const REPEATED: usize = 60;

/// What a response must be.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    /// Accepted statuses; empty accepts everything below 400.
    pub status: Vec<u16>,
    /// What a JSON body must have.
    pub json: Vec<JsonCheck>,
    /// What headers must be.
    pub header: Vec<HeaderCheck>,
    /// Texts that the body must contain, all of them.
    pub body: Vec<Template>,
}

/// A check of a value in a JSON body: of each that the path finds, which is at least one.
#[derive(Clone, Debug)]
pub struct JsonCheck {
    /// The place.
    pub path: JsonPath,
    /// What must be there.
    pub wanted: Wanted<ValueTemplate>,
}

/// A check of a header. If it is sent several times, one of them must match.
#[derive(Clone, Debug)]
pub struct HeaderCheck {
    /// The header, lower case.
    pub header: String,
    /// What it must be.
    pub wanted: Wanted<Template>,
}

/// What a part of a response must be.
#[derive(Clone, Debug)]
pub enum Wanted<T> {
    /// This value.
    Equals(T),
    /// Text that contains this, or a list with this item.
    Contains(T),
    /// Any value, or none.
    Exists(bool),
}

impl<T> Wanted<T> {
    /// The same with the value compiled.
    pub(super) fn compile<U, E>(
        &self,
        compile: impl FnOnce(&T) -> Result<U, E>,
    ) -> Result<Wanted<U>, E> {
        match self {
            Self::Equals(value) => compile(value).map(Wanted::Equals),
            Self::Contains(value) => compile(value).map(Wanted::Contains),
            Self::Exists(exists) => Ok(Wanted::Exists(*exists)),
        }
    }

    /// The value that is compared with, if there is one.
    pub(super) fn value(&self) -> Option<&T> {
        match self {
            Self::Equals(value) | Self::Contains(value) => Some(value),
            Self::Exists(_) => None,
        }
    }
}

impl Expect {
    /// Whether a final status is a success.
    pub fn accepts(&self, status: u16) -> bool {
        if self.status.is_empty() {
            status < 400
        } else {
            self.status.contains(&status)
        }
    }

    /// Whether the body is checked.
    pub fn reads_body(&self) -> bool {
        !self.json.is_empty() || !self.body.is_empty()
    }

    /// What is wrong with the body. `json` is the body as JSON, or why it is not JSON.
    pub fn unmet_in_body(
        &self,
        body: &[u8],
        json: Result<&Value, &String>,
        scope: &mut Scope<'_>,
    ) -> Vec<String> {
        let mut unmet: Vec<String> = match json {
            Ok(json) => {
                let unmet = self.json.iter().map(|check| check.unmet(json, scope));
                unmet.flatten().collect()
            }
            Err(why) => self.not_json(why).into_iter().collect(),
        };
        if self.body.is_empty() {
            return unmet;
        }
        let body = String::from_utf8_lossy(body);
        unmet.extend(self.body.iter().filter_map(|wanted| {
            unmet_value(wanted.render(scope), |wanted| {
                let cut = shortened(&wanted);
                (!body.contains(&*wanted)).then(|| format!("the body does not contain '{cut}'"))
            })
        }));
        unmet
    }

    /// One message about everything that a body lacks because it is not JSON.
    fn not_json(&self, why: &str) -> Option<String> {
        let is_wanted = |check: &&JsonCheck| !matches!(check.wanted, Wanted::Exists(false));
        let wanted = self.json.iter().filter(is_wanted);
        let paths: Vec<String> = wanted.map(|check| check.path.to_string()).collect();
        let (last, rest) = paths.split_last()?;
        let paths = match rest {
            [] => last.clone(),
            rest => format!("{} and no {last}", rest.join(", no ")),
        };
        Some(format!("the body is not JSON: {why}; so it has no {paths}"))
    }

    /// The accepted statuses as text: `200 or 201`.
    pub fn statuses(&self) -> String {
        let all: Vec<String> = self.status.iter().map(u16::to_string).collect();
        match all.split_last() {
            None => "below 400".to_owned(),
            Some((only, [])) => only.clone(),
            Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        }
    }
}

impl JsonCheck {
    fn unmet(&self, body: &Value, scope: &mut Scope<'_>) -> Option<String> {
        let path = &self.path;
        let found = path.query(body).all();
        let (wanted, fits, place): (_, fn(&Value, &Value) -> bool, _) = match &self.wanted {
            Wanted::Exists(true) => {
                return found.is_empty().then(|| format!("the body has no {path}"));
            }
            Wanted::Exists(false) => {
                let found = json_text(found.first()?);
                return Some(format!("{path} is {found}, but should be absent"));
            }
            Wanted::Equals(wanted) => (wanted, same, ""),
            Wanted::Contains(wanted) => (wanted, holds, " in it"),
        };
        unmet_value(wanted.render(scope), |wanted| {
            let text = json_text(&wanted);
            if found.is_empty() {
                return Some(format!("the body has no {path}, expected {text}{place}"));
            }
            let other = json_text(found.iter().find(|found| !fits(found, &wanted))?);
            Some(format!("{path} is {other}, expected {text}{place}"))
        })
    }
}

/// Whether a text contains another, or a list an item.
fn holds(found: &Value, wanted: &Value) -> bool {
    if let Some(items) = found.as_array() {
        return items.iter().any(|item| same(item, wanted));
    }
    let texts = found.as_str().zip(wanted.as_str());
    texts.is_some_and(|(text, part)| text.contains(part))
}

impl HeaderCheck {
    /// What is wrong with a header, given its values.
    pub fn unmet(&self, values: &[Cow<'_, str>], scope: &mut Scope<'_>) -> Option<String> {
        let name = &self.header;
        let found = values.first().map(|value| shortened(value));
        let (wanted, fits, place): (_, fn(&str, &str) -> bool, _) = match &self.wanted {
            Wanted::Exists(true) => {
                let missing = found.is_none();
                return missing.then(|| format!("the header {name} is missing"));
            }
            Wanted::Exists(false) => {
                let found = found?;
                return Some(format!(
                    "the header {name} is '{found}', but should be absent"
                ));
            }
            Wanted::Equals(wanted) => (wanted, |value, wanted| value == wanted, ""),
            Wanted::Contains(wanted) => (wanted, |value, part| value.contains(part), " in it"),
        };
        unmet_value(wanted.render(scope), |wanted| {
            if values.iter().any(|value| fits(value, &wanted)) {
                return None;
            }
            let found = found.map_or("is not there".to_owned(), |found| format!("is '{found}'"));
            let wanted = shortened(&wanted);
            Some(format!(
                "the header {name} {found}, expected '{wanted}'{place}"
            ))
        })
    }
}

/// What is unmet. An expectation without a value is not met.
fn unmet_value<T>(
    wanted: Result<T, RenderError>,
    unmet: impl FnOnce(T) -> Option<String>,
) -> Option<String> {
    match wanted {
        Ok(wanted) => unmet(wanted),
        Err(error) => Some(format!("an expectation {error}")),
    }
}

/// Whether two JSON values are equal, such as 1 and 1.0.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => number::equal(a, b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let equal = |(key, a): (&String, &Value)| b.get(key).is_some_and(|b| same(a, b));
            a.len() == b.len() && a.iter().all(equal)
        }
        _ => one == other,
    }
}

fn json_text(value: &Value) -> String {
    shortened(&value.to_string())
}

fn shortened(text: &str) -> String {
    let mut letters = text.chars();
    let mut cut: String = letters.by_ref().take(REPEATED).collect();
    if letters.next().is_some() {
        cut.push('…');
    }
    cut
}

impl fmt::Display for JsonCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.wanted {
            Wanted::Equals(wanted) => write!(f, "{} {}", self.path, wanted.source()),
            Wanted::Contains(part) => write!(f, "{} contains: {}", self.path, part.source()),
            Wanted::Exists(exists) => write!(f, "{} exists: {exists}", self.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::same;

    #[test]
    fn numbers_are_the_same_by_value_and_all_else_by_kind() {
        for (one, other, expected) in [
            (json!(1), json!(1.0), true),
            (json!({"a": [1, 2]}), json!({"a": [1.0, 2]}), true),
            (json!({"a": 1, "b": 2}), json!({"b": 2, "a": 1}), true),
            (json!({"a": 1}), json!({"a": 1, "b": 2}), false),
            (json!("1"), json!(1), false),
            (json!(null), json!(false), false),
            (json!([1]), json!([1, 1]), false),
            (
                json!(9_007_199_254_740_993_u64),
                json!(9_007_199_254_740_992_u64),
                false,
            ),
        ] {
            assert_eq!(same(&one, &other), expected, "{one} {other}");
        }
    }
}
