//! Reads `expect`: what an answer must be.

use std::collections::BTreeSet;

use super::captures::json_path;
use super::expectation::{Expect, HeaderCheck, HeaderWanted, JsonCheck, JsonWanted};
use super::steps::header_name;
use super::template::{Place, Template};
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
                wanted: match exists(&entry.value)? {
                    Some(exists) => JsonWanted::Exists(exists),
                    None => JsonWanted::Value(variables.value(&entry.value, settable)?),
                },
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

/// What `{ exists: … }` says, where a value is that and nothing else.
fn exists(cursor: &Cursor<'_>) -> Result<Option<bool>, Error> {
    match cursor.node().entries() {
        [(key, _)] if key.text == "exists" => {
            let fields = cursor.fields(Keys::known(&["exists"]))?;
            fields.require("exists")?.boolean().map(Some)
        }
        _ => Ok(None),
    }
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
