//! The steps of a task: requests with what they send and expect, and pauses between them.

use std::collections::BTreeSet;
use std::time::Duration;

use super::bodies::body;
use super::captures::captures;
use super::checks::expect;
use super::misplaced;
use super::template::{Place, Template};
use super::users::{Reader, pause};
use super::variables::Variables;
use super::{Action, Method, Request, Step};
use crate::units::parse_duration;
use crate::yaml::{Cursor, Entry, Error, Fields, Keys, LONGEST_NAME, Value};

/// The most redirects that a step may follow, as many as browsers do.
const MOST_REDIRECTS: u32 = 20;

const STEP: Keys<'_> = Keys {
    known: &[
        "get",
        "post",
        "put",
        "patch",
        "delete",
        "head",
        "options",
        "think",
        "name",
        "query",
        "headers",
        "json",
        "form",
        "raw",
        "file",
        "expect",
        "capture",
        "timeout",
        "redirects",
        "command",
        "when",
    ],
    misplaced: misplaced::IN_STEP,
};

const OTHER_KINDS: [&str; 2] = ["think", "command"];

/// Headers by name, in their order.
pub(super) type Headers = Vec<(String, Template)>;

/// What a step finds where it stands.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// Those of its class.
    pub(super) headers: &'a Headers,
    /// What its expressions may name beside the variables.
    pub(super) settable: &'a BTreeSet<String>,
}

impl Reader<'_> {
    /// Reads one step.
    pub(super) fn step(
        &mut self,
        cursor: &Cursor<'_>,
        around: Surroundings<'_>,
    ) -> Result<Step, Error> {
        if let Value::Text { .. } = cursor.node().value {
            return Err(cursor.expected("a step such as 'get: /items'"));
        }
        let fields = cursor.fields(STEP)?;
        let kinds: Vec<_> = fields
            .entries()
            .iter()
            .map(|entry| entry.key.text.as_str())
            .filter(|key| OTHER_KINDS.contains(key) || method(key).is_some())
            .collect();
        let action = match kinds.as_slice() {
            ["think"] => Action::Think(think(&fields)?),
            ["command"] => Action::Command(Box::new(self.command(&fields, around.settable)?)),
            [key] => Action::Request(Box::new(self.request(&fields, key, around)?)),
            [] => return Err(cursor.error("a step needs one of get, post, put, patch, delete, head, options, think or command")),
            [first, second, ..] => return Err(cursor.error(format_args!(
                "a step does one thing, and this has both '{first}' and '{second}': make them two steps"
            ))),
        };
        let when = fields.get("when");
        let when = when.map(|when| self.variables.condition(when, around.settable));
        Ok(Step {
            when: when.transpose()?,
            action,
        })
    }

    fn request(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        around: Surroundings<'_>,
    ) -> Result<Request, Error> {
        let method = method(key).unwrap_or(Method::Get);
        let (variables, settable) = (self.variables, around.settable);
        let path = self.path(fields.require(key)?, settable)?;
        let name = match fields.get("name") {
            Some(name) => request_name(name)?.to_owned(),
            None => format!("{} {}", method.as_str(), path.source()),
        };
        if name.len() > LONGEST_NAME {
            return Err(fields.map().error(format_args!(
                "its method and path make a name of more than {LONGEST_NAME} bytes; give it a 'name'"
            )));
        }
        let text = |cursor: &Cursor<'_>| variables.template(cursor, Place::Plain, settable);
        let query = |section: &Cursor<'_>| {
            let pair = |entry: &Entry<'_>| Ok((entry.key.text.clone(), text(&entry.value)?));
            section
                .entries()?
                .iter()
                .map(pair)
                .collect::<Result<_, Error>>()
        };
        let own = fields.read_or("headers", Vec::new(), |section| {
            headers(section, variables, settable)
        })?;
        let expected = |section: &Cursor<'_>| {
            let expected = expect(section, &self.defaults.expect, variables, settable)?;
            if method == Method::Head && expected.reads_body() {
                return Err(section.error("an answer to HEAD has no body to look at"));
            }
            Ok(expected)
        };
        Ok(Request {
            method,
            path,
            query: fields.read_or("query", Vec::new(), query)?,
            headers: lay(around.headers, own),
            body: body(fields, method, variables, &self.inputs, settable)?,
            expect: fields.read_or("expect", self.defaults.expect.clone(), expected)?,
            capture: fields.read_or("capture", Vec::new(), |section| {
                captures(section, variables)
            })?,
            name: self
                .intern(&name)
                .map_err(|message| fields.map().error(message))?,
            timeout: fields.read_or("timeout", self.defaults.timeout, timeout)?,
            redirects: fields.read_or("redirects", self.defaults.redirects, redirects)?,
        })
    }

    fn path(&self, cursor: &Cursor<'_>, settable: &BTreeSet<String>) -> Result<Template, Error> {
        let path = self.variables.template(cursor, Place::Path, settable)?;
        if !path.prefix().starts_with('/') {
            return Err(cursor.error(format_args!(
                "'{}' is not a path, begin it with '/'; the host is the target's",
                path.source()
            )));
        }
        if path.has_fragment() {
            return Err(cursor.error("a fragment is never sent, remove '#' and what follows"));
        }
        Ok(path)
    }
}

fn think(fields: &Fields<'_>) -> Result<super::Pause, Error> {
    let mut other = fields.entries().iter();
    if other.any(|entry| !["think", "when"].contains(&entry.key.text.as_str())) {
        let message =
            "a pause has no other keys than 'think' and 'when', make it a step of its own";
        return Err(fields.map().error(message));
    }
    pause(fields.require("think")?)
}

fn method(key: &str) -> Option<Method> {
    Method::ALL
        .into_iter()
        .find(|method| method.as_str().to_ascii_lowercase() == key)
}

/// Reads the name that a request's statistics are kept under.
fn request_name<'d>(cursor: &Cursor<'d>) -> Result<&'d str, Error> {
    let name = cursor.name()?;
    if name.contains("{{") {
        return Err(cursor.error(
            "statistics are kept by name, so it cannot hold an expression: write what all requests of the step share, such as GET /items/:id",
        ));
    }
    if name == "overall" {
        return Err(cursor.error("'overall' means all requests together, choose another name"));
    }
    Ok(name)
}

/// Reads `timeout`.
pub(super) fn timeout(cursor: &Cursor<'_>) -> Result<Duration, Error> {
    let timeout = cursor.read(parse_duration)?;
    if timeout.is_zero() {
        return Err(cursor.error("must be longer than 0s"));
    }
    Ok(timeout)
}

/// Reads `redirects`.
pub(super) fn redirects(cursor: &Cursor<'_>) -> Result<u32, Error> {
    cursor.whole(0..=MOST_REDIRECTS)
}

/// Reads `headers`; names must differ in more than case.
pub(super) fn headers(
    section: &Cursor<'_>,
    variables: &Variables<'_>,
    settable: &BTreeSet<String>,
) -> Result<Headers, Error> {
    // These frame the request on the connection, which is the engine's business.
    const FRAMING: [&str; 4] = ["connection", "content-length", "te", "transfer-encoding"];
    let mut headers = Headers::new();
    for entry in section.entries()? {
        let name = &entry.key.text;
        let lower = header_name(name).map_err(|message| entry.error(message))?;
        if FRAMING.contains(&lower.as_str()) {
            return Err(entry.error(format_args!(
                "the header '{name}' is written by loadgate itself, remove it"
            )));
        }
        if headers
            .iter()
            .any(|(own, _)| own.eq_ignore_ascii_case(name))
        {
            return Err(entry.error(format_args!(
                "the header '{name}' stands twice, remove one of them"
            )));
        }
        let value = variables.template(&entry.value, Place::Header, settable)?;
        headers.push((name.clone(), value));
    }
    Ok(headers)
}

/// A header's name in lower case, if it is one (RFC 9110, section 5.6.2).
pub(super) fn header_name(name: &str) -> Result<String, String> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(format!("'{name}' is not the name of a header"));
    }
    Ok(name.to_ascii_lowercase())
}

/// Lays headers over others, whatever their case.
pub(super) fn lay(under: &Headers, over: Headers) -> Headers {
    let hidden = |name: &str| over.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    let mut headers: Headers = under
        .iter()
        .filter(|(name, _)| !hidden(name))
        .cloned()
        .collect();
    headers.extend(over);
    headers
}
