//! Compiles `expect`: what a response must be.

use super::expectation::{Expect, HeaderCheck, JsonCheck, Wanted};
use super::source;
use super::template::{Bindings, ValueTemplate};
use crate::yaml::{Cursor, Error, FromYaml as _, Located};

/// Compiles `expect`; what it leaves out is taken from `under`.
pub(super) fn expect(
    source: &Located<'_, source::Expect<'_>>,
    under: &Expect,
    names: Bindings<'_>,
) -> Result<Expect, Error> {
    if source.at.node().entries().is_empty() {
        return Err(source.at.error("needs one of status, json, header or body"));
    }
    let mut expect = under.clone();
    if let Some(status) = &source.value.status {
        expect.status = status
            .0
            .iter()
            .filter_map(|code| u16::try_from(code.0).ok())
            .collect();
        expect.status.sort_unstable();
        expect.status.dedup();
    }
    if let Some(checks) = &source.value.json {
        let check = checks.0.iter().map(|it| {
            Ok(JsonCheck {
                path: it.key.0.clone(),
                wanted: json_wanted(&it.value, names)?,
            })
        });
        expect.json = check.collect::<Result<_, Error>>()?;
    }
    if let Some(checks) = &source.value.header {
        let check = checks.0.iter().map(|it| {
            Ok(HeaderCheck {
                header: it.key.lowercase(),
                wanted: it.value.compile(|text| names.text(text))?,
            })
        });
        expect.header = check.collect::<Result<_, Error>>()?;
    }
    if let Some(texts) = &source.value.body {
        let texts = texts.0.iter().map(|text| names.text(text));
        expect.body = texts.collect::<Result<_, _>>()?;
    }
    Ok(expect)
}

/// The operators that a value of a JSON body can be compared with.
const OPERATORS: [&str; 3] = ["contains", "equals", "exists"];

/// Operators of other tools, without `_`, `-` and capitals. A map with one of them is rarely meant literally.
const UNKNOWN_OPERATORS: &str = "above atleast atmost below between beginswith contain containing endswith eq equal \
    equalsto equalto exist ge greaterthan gt gte haslength include includes is isnot le lessthan lt lte match matches ne \
    neq nin noneof not notcontain notcontains notempty notequal notequals notexists notin notnull oneof pattern regex \
    regexp startswith";

/// Compiles a value, or one operator. A map without any operator is a value as well.
fn json_wanted(wanted: &Cursor<'_>, names: Bindings<'_>) -> Result<Wanted<ValueTemplate>, Error> {
    if !wanted.is_map() {
        return names.value(wanted).map(Wanted::Equals);
    }
    let entries = wanted.entries()?;
    if let [only] = entries.as_slice() {
        match only.name() {
            "contains" => return names.value(&only.value).map(Wanted::Contains),
            "equals" => return names.value(&only.value).map(Wanted::Equals),
            "exists" => return bool::from_yaml(&only.value).map(Wanted::Exists),
            _ => {}
        }
    }
    let literally = "to compare with an object that has this key, write { equals: { … } }";
    for entry in &entries {
        let key = entry.name();
        if OPERATORS.contains(&key) {
            return Err(entry.error(format_args!(
                "the operator '{key}' must be alone; remove the other keys; {literally}"
            )));
        }
        let bare = key.trim_start_matches('$').replace(['_', '-', ' '], "");
        let mut unknown = UNKNOWN_OPERATORS.split(' ');
        if unknown.any(|operator| operator.eq_ignore_ascii_case(&bare)) {
            return Err(entry.error(format_args!(
                "'{key}' is not an operator of expect.json; use contains, equals or exists; {literally}"
            )));
        }
    }
    names.value(wanted).map(Wanted::Equals)
}
