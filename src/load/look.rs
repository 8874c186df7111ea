//! What a user takes from an answer, and whether the answer is as its step expects.

use serde_json::Value;

use super::http::{Answer, BODY_LIMIT, unpacked};
use super::message::Prepared;
use crate::measurement::FailureKind;
use crate::scenario::{Capture, Scope, Source};

/// What a look at an answer brought.
pub(super) struct Look<'r> {
    /// What the step captures; what is not there is none.
    pub(super) taken: Vec<(&'r str, Option<Value>)>,
    /// What is wrong with the answer, in a word and in many.
    pub(super) failure: Option<(FailureKind, String)>,
}

/// Looks at an answer whose status is as it should be. A value that is missing is told before an expectation that is
/// not met, since it is mostly what the other comes from.
pub(super) fn look<'r>(
    request: &'r Prepared,
    mut answer: Answer,
    scope: &mut Scope<'_>,
) -> Look<'r> {
    let mut failure = None;
    let mut body = None;
    if let (Some(coding), Some(packed)) = (request.coding, answer.body.take()) {
        let codings: Vec<&str> = answer.headers(coding).collect();
        match unpacked(packed, &codings.join(","), BODY_LIMIT) {
            Ok(read) => body = Some(read),
            Err(error) => failure = Some((FailureKind::Body, error.to_string())),
        }
    }
    let json: Option<Value> = body
        .as_deref()
        .filter(|_| request.reads_json())
        .and_then(|body| serde_json::from_slice(body).ok());
    let taken = taken(request, &answer, json.as_ref());
    if let (None, Some((name, _))) = (&failure, taken.iter().find(|(_, value)| value.is_none())) {
        let why = format!("the answer holds no '{name}'");
        failure = Some((FailureKind::Expectation, why));
    }
    if failure.is_none() {
        let checks = request.expect.header.iter().zip(&request.expected);
        let mut unmet: Vec<String> = checks
            .filter_map(|(check, place)| check.unmet(answer.headers(*place), scope))
            .collect();
        let body = body.as_deref().unwrap_or_default();
        unmet.extend(request.expect.unmet_in_body(body, json.as_ref(), scope));
        failure = (!unmet.is_empty()).then(|| (FailureKind::Expectation, unmet.join("; ")));
    }
    Look { taken, failure }
}

fn taken<'r>(
    request: &'r Prepared,
    answer: &Answer,
    json: Option<&Value>,
) -> Vec<(&'r str, Option<Value>)> {
    let mut places = request.captured.iter();
    let taken = |Capture { variable, from }: &'r Capture| {
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
    request.capture.iter().map(taken).collect()
}
