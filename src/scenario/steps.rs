//! The steps of a task: requests with what they send and expect, and pauses between them.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json_path::JsonPath;

use super::template::{Place, Template, nesting, refuse_name};
use super::users::{Reader, pause};
use super::variables::Variables;
use super::{Body, Capture, Expect, Method, Request, Source, Step};
use crate::units::parse_duration;
use crate::yaml::{Cursor, Entry, Error, Fields, Keys, Value};

/// The most redirects that a step may follow, as many as browsers do.
const MOST_REDIRECTS: u32 = 20;

/// The longest `JSONPath`, in bytes, and the deepest nesting of its brackets. Paths are read by recursion that tries
/// every alternative anew at each level, so time and stack grow fast beyond what people write.
const LONGEST_PATH: usize = 500;
const DEEPEST_PATH: usize = 8;

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
        "expect",
        "capture",
        "timeout",
        "redirects",
    ],
    planned: &["command", "form", "raw", "file", "when"],
};

const EXPECT: Keys<'_> = Keys {
    known: &["status"],
    planned: &["body", "header", "headers", "json", "latency"],
};

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
        let fields = cursor.fields(STEP)?;
        let kinds: Vec<_> = fields
            .entries()
            .iter()
            .map(|entry| entry.key.text.as_str())
            .filter(|key| *key == "think" || method(key).is_some())
            .collect();
        match kinds.as_slice() {
            ["think"] => match fields.entries() {
                [only] => pause(&only.value).map(Step::Think),
                _ => Err(cursor.error("a pause has no other keys than 'think', make it a step of its own")),
            },
            [key] => {
                let request = self.request(&fields, key, around)?;
                Ok(Step::Request(Box::new(request)))
            }
            [] => Err(cursor.error("a step needs one of get, post, put, patch, delete, head, options or think")),
            [first, second, ..] => Err(cursor.error(format_args!(
                "a step does one thing, and this has both '{first}' and '{second}': make them two steps"
            ))),
        }
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
        let json = fields
            .get("json")
            .map(|json| variables.value(json, settable));
        Ok(Request {
            name: self.intern(&name),
            method,
            path,
            query: fields.read_or("query", Vec::new(), query)?,
            headers: lay(around.headers, own),
            body: json.transpose()?.map(Body::Json),
            expect: fields.read_or("expect", self.defaults.expect.clone(), expect)?,
            capture: fields.read_or("capture", Vec::new(), capture)?,
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

fn method(key: &str) -> Option<Method> {
    Method::ALL
        .into_iter()
        .find(|method| method.as_str().to_ascii_lowercase() == key)
}

/// Reads the name that a request's statistics are kept under.
fn request_name<'d>(cursor: &Cursor<'d>) -> Result<&'d str, Error> {
    let name = cursor.line_of_text()?;
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

/// Reads `expect`.
pub(super) fn expect(cursor: &Cursor<'_>) -> Result<Expect, Error> {
    let fields = cursor.fields(EXPECT)?;
    let status = fields.require("status")?;
    let code = |cursor: &Cursor<'_>| -> Result<u16, Error> {
        let code = cursor.whole(200..=999)?;
        u16::try_from(code).map_err(|error| cursor.error(error))
    };
    let mut status = if matches!(status.node().value, Value::List(_)) {
        let codes = status.filled_list()?;
        codes.iter().map(code).collect::<Result<Vec<_>, _>>()?
    } else {
        vec![code(status)?]
    };
    status.sort_unstable();
    status.dedup();
    Ok(Expect { status })
}

fn capture(section: &Cursor<'_>) -> Result<Vec<Capture>, Error> {
    let mut captures = Vec::new();
    for entry in section.entries()? {
        if let Some(message) = refuse_name(&entry.key.text) {
            return Err(entry.error(message));
        }
        captures.push(Capture {
            variable: entry.key.text.clone(),
            from: source(&entry.value)?,
        });
    }
    Ok(captures)
}

fn source(cursor: &Cursor<'_>) -> Result<Source, Error> {
    let text = cursor.line_of_text()?;
    if let Some(header) = text.strip_prefix("header:") {
        let name = header_name(header.trim()).map_err(|message| cursor.error(message))?;
        return Ok(Source::Header(name));
    }
    if !text.starts_with('$') {
        return Err(cursor.error(format_args!(
            "'{text}' is no place in an answer, write a JSONPath such as $.accessToken, or header:location"
        )));
    }
    if text.len() > LONGEST_PATH || nesting(text) > DEEPEST_PATH {
        return Err(cursor.error(format_args!(
            "a JSONPath is at most {LONGEST_PATH} bytes long and nested {DEEPEST_PATH} deep, capture a value further up"
        )));
    }
    JsonPath::parse(text).map(Source::Json).map_err(|error| {
        cursor.error(format_args!(
            "'{text}' is not a JSONPath (RFC 9535): {error}"
        ))
    })
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
