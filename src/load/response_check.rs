//! What a user takes from a response, and whether the response is as its step expects.

use serde_json::Value;

use super::http::{BODY_LIMIT, Response, decode};
use super::message::CompiledRequest;
use crate::measurement::FailureKind;
use crate::scenario::{Capture, Scope, Source};

/// What a look at a response brought.
pub(super) struct ResponseCheck<'r> {
    /// What the step captures; what is not there is none.
    pub(super) captured: Vec<(&'r str, Option<Value>)>,
    /// What is wrong with the response, in a word and in many.
    pub(super) failure: Option<(FailureKind, String)>,
}

/// Looks at a response whose status is as it should be. A value that is missing is told before an expectation that is
/// not met, since it is mostly what the other comes from.
pub(super) fn check<'r>(
    request: &'r CompiledRequest,
    mut answer: Response,
    scope: &mut Scope<'_>,
) -> ResponseCheck<'r> {
    let mut failure = None;
    let mut body = None;
    if let (Some(coding), Some(packed)) = (request.coding, answer.body.take()) {
        let codings: Vec<_> = answer.headers(coding).collect();
        match decode(packed, &codings.join(","), BODY_LIMIT) {
            Ok(read) => body = Some(read),
            Err(error) => failure = Some((FailureKind::Body, error.to_string())),
        }
    }
    let body = body.as_deref().unwrap_or_default();
    let json = if request.reads_json() && failure.is_none() {
        json(body)
    } else {
        Err(String::new())
    };
    let captured = captured(request, &answer, json.as_ref().ok());
    if failure.is_none() {
        let why = missing(request, &captured, json.as_ref().err());
        failure = why.map(|why| (FailureKind::Expectation, why));
    }
    if failure.is_none() {
        let expect = &request.spec.expect;
        let checks = expect.header.iter().zip(&request.expected);
        let mut unmet: Vec<String> = checks
            .filter_map(|(check, place)| {
                let values: Vec<_> = answer.headers(*place).collect();
                check.unmet(&values, scope)
            })
            .collect();
        unmet.extend(expect.unmet_in_body(body, json.as_ref(), scope));
        failure = (!unmet.is_empty()).then(|| (FailureKind::Expectation, unmet.join("; ")));
    }
    ResponseCheck { captured, failure }
}

/// What of the captured values is not there, if anything is not.
fn missing(
    request: &CompiledRequest,
    captured: &[(&str, Option<Value>)],
    not_json: Option<&String>,
) -> Option<String> {
    let mut all = request.spec.capture.iter().zip(captured);
    let (capture, (name, _)) = all.find(|(_, (_, value))| value.is_none())?;
    Some(match (&capture.from, not_json) {
        (Source::Json(_), Some(why)) => {
            format!("the body is not JSON: {why}; so it has no '{name}'")
        }
        (Source::Json(_), None) | (Source::Header(_), _) => {
            format!("the response has no '{name}'")
        }
    })
}

/// Words that JSON does not know, and that some writers of it use all the same.
const FOREIGN: [&str; 6] = ["NaN", "Infinity", "-Infinity", "undefined", "None", "True"];

/// The body as JSON, or why it is not that. A byte order mark before it is skipped, as browsers do.
fn json(body: &[u8]) -> Result<Value, String> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    serde_json::from_slice(body).map_err(|error| {
        if body.trim_ascii().is_empty() {
            return "it is empty".to_owned();
        }
        let rest = from(body, &error);
        let foreign = FOREIGN
            .iter()
            .find(|word| rest.starts_with(word.as_bytes()));
        match (foreign, rest.first()) {
            (Some(word), _) => format!("{error} (JSON has no {word})"),
            (None, Some(b'<')) => format!("{error} (it looks like HTML or XML)"),
            (None, _) => error.to_string(),
        }
    })
}

/// What stands where an error was met.
fn from<'b>(body: &'b [u8], error: &serde_json::Error) -> &'b [u8] {
    let lines = body.split_inclusive(|byte| *byte == b'\n');
    let before: usize = lines.take(error.line() - 1).map(<[u8]>::len).sum();
    let column = error.column().saturating_sub(1);
    body.get(before + column..).unwrap_or_default()
}

fn captured<'r>(
    request: &'r CompiledRequest,
    answer: &Response,
    json: Option<&Value>,
) -> Vec<(&'r str, Option<Value>)> {
    let mut places = request.captured.iter();
    let captured = |Capture { variable, from }: &'r Capture| {
        let value = match from {
            Source::Header(_) => {
                let place = places.next();
                place
                    .and_then(|place| answer.header(*place))
                    .map(Value::from)
            }
            Source::Json(path) => json.and_then(|body| path.query(body).first().cloned()),
        };
        (variable.as_str(), value)
    };
    request.spec.capture.iter().map(captured).collect()
}
