//! Reads `expect`: what an answer must be.

use std::collections::BTreeSet;

use super::captures::json_path;
use super::expectation::{Expect, HeaderCheck, HeaderWanted, JsonCheck, JsonWanted};
use super::steps::header_name;
use super::template::{Place, Template, ValueTemplate};
use super::variables::Variables;
use crate::yaml::{Cursor, Entry, Error, Keys, Value};

const EXPECT: [&str; 4] = ["status", "json", "header", "body"];

/// Reads `expect`; what it leaves out is as in `under`.
pub(super) fn expect(
    cursor: &Cursor<'_>,
    under: &Expect,
    variables: &Variables<'_>,
    settable: &BTreeSet<String>,
) -> Result<Expect, Error> {
    let fields = cursor.fields(Keys::known(&EXPECT))?;
    if fields.entries().is_empty() {
        return Err(cursor.error("needs one of status, json, header or body"));
    }
    let text = |cursor: &Cursor<'_>| variables.template(cursor, Place::Plain, settable);
    let json = |section: &Cursor<'_>| {
        let check = |entry: &Entry<'_>| {
            Ok(JsonCheck {
                path: json_path(&entry.key.text).map_err(|message| entry.error(message))?,
                wanted: json_wanted(&entry.value, |cursor| variables.value(cursor, settable))?,
            })
        };
        section.entries()?.iter().map(check).collect()
    };
    let header = |section: &Cursor<'_>| {
        let check = |entry: &Entry<'_>| {
            Ok(HeaderCheck {
                header: header_name(&entry.key.text).map_err(|message| entry.error(message))?,
                wanted: header_wanted(&entry.value, text)?,
            })
        };
        section.entries()?.iter().map(check).collect()
    };
    let body = |section: &Cursor<'_>| {
        if matches!(section.node().value, Value::List(_)) {
            section.filled_list()?.iter().map(text).collect()
        } else {
            Ok(vec![text(section)?])
        }
    };
    Ok(Expect {
        status: fields.read_or("status", under.status.clone(), statuses)?,
        json: fields.read_or("json", under.json.clone(), json)?,
        header: fields.read_or("header", under.header.clone(), header)?,
        body: fields.read_or("body", under.body.clone(), body)?,
    })
}

/// One status, or a list of them.
fn statuses(cursor: &Cursor<'_>) -> Result<Vec<u16>, Error> {
    let code = |cursor: &Cursor<'_>| -> Result<u16, Error> {
        let code = cursor.whole(200..=999)?;
        u16::try_from(code).map_err(|error| cursor.error(error))
    };
    let mut status = if matches!(cursor.node().value, Value::List(_)) {
        let codes = cursor.filled_list()?;
        codes.iter().map(code).collect::<Result<Vec<_>, _>>()?
    } else {
        vec![code(cursor)?]
    };
    status.sort_unstable();
    status.dedup();
    Ok(status)
}

/// What a value of a JSON body may be held against, beside a value itself.
const OPERATORS: [&str; 3] = ["contains", "equals", "exists"];

/// Operators that other tools know, without `_`, `-` and capitals. A map with one of them is hardly meant literally.
const FOREIGN: [&str; 47] = [
    "above",
    "atleast",
    "atmost",
    "below",
    "between",
    "beginswith",
    "contain",
    "containing",
    "endswith",
    "eq",
    "equal",
    "equalsto",
    "equalto",
    "exist",
    "ge",
    "greaterthan",
    "gt",
    "gte",
    "haslength",
    "include",
    "includes",
    "is",
    "isnot",
    "le",
    "lessthan",
    "lt",
    "lte",
    "match",
    "matches",
    "ne",
    "neq",
    "nin",
    "noneof",
    "not",
    "notcontain",
    "notcontains",
    "notempty",
    "notequal",
    "notequals",
    "notexists",
    "notin",
    "notnull",
    "oneof",
    "pattern",
    "regex",
    "regexp",
    "startswith",
];

/// A value, or one operator. A map without any operator is a value as well.
fn json_wanted<'d>(
    cursor: &Cursor<'d>,
    value: impl Fn(&Cursor<'d>) -> Result<ValueTemplate, Error>,
) -> Result<JsonWanted, Error> {
    if !matches!(cursor.node().value, Value::Map(_)) {
        return value(cursor).map(JsonWanted::Equals);
    }
    let entries = cursor.entries()?;
    if let [only] = entries.as_slice() {
        match only.key.text.as_str() {
            "contains" => return value(&only.value).map(JsonWanted::Contains),
            "equals" => return value(&only.value).map(JsonWanted::Equals),
            "exists" => return only.value.boolean().map(JsonWanted::Exists),
            _ => {}
        }
    }
    let literally = "to compare with an object that has this key, write { equals: { … } }";
    for entry in &entries {
        let key = entry.key.text.as_str();
        if OPERATORS.contains(&key) {
            return Err(entry.error(format_args!(
                "the operator '{key}' stands alone, so remove the other keys; {literally}"
            )));
        }
        let bare = key.trim_start_matches('$').replace(['_', '-', ' '], "");
        if FOREIGN.contains(&bare.to_ascii_lowercase().as_str()) {
            return Err(entry.error(format_args!(
                "'{key}' is not an operator of expect.json; use contains, equals or exists; {literally}"
            )));
        }
    }
    value(cursor).map(JsonWanted::Equals)
}

/// A text that is the whole value, `{ contains: … }` or `{ exists: … }`.
fn header_wanted<'d>(
    cursor: &Cursor<'d>,
    text: impl Fn(&Cursor<'d>) -> Result<Template, Error>,
) -> Result<HeaderWanted, Error> {
    if !matches!(cursor.node().value, Value::Map(_)) {
        return text(cursor).map(HeaderWanted::Equals);
    }
    let fields = cursor.fields(Keys::known(&["contains", "exists"]))?;
    match fields.entries() {
        [only] if only.key.text == "contains" => text(&only.value).map(HeaderWanted::Contains),
        [only] => only.value.boolean().map(HeaderWanted::Exists),
        _ => Err(cursor.error("needs a text, or one of contains and exists")),
    }
}
