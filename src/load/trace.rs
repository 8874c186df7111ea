//! What somebody sees who looks over a user's shoulder: each request, its response, and what was taken from it.

use std::borrow::Cow;

use serde_json::Value;

use super::http::{BODY_LIMIT, Response, decode};

/// One request and its response, as they went over the wire.
#[derive(Clone, Debug, Default)]
pub struct ExchangeTrace {
    /// Head and body; empty where nothing was sent.
    pub request: Vec<u8>,
    /// The response, where one came.
    pub answer: Option<TracedResponse>,
    /// What was captured; what was not there is none.
    pub captured: Vec<(String, Option<Value>)>,
    /// What was rendered or captured that is secret.
    pub secrets: Vec<String>,
}

/// A response.
#[derive(Clone, Debug)]
pub struct TracedResponse {
    /// The status.
    pub status: u16,
    /// The headers, `name: value` each.
    pub headers: Vec<String>,
    /// The body, unpacked if that is possible; of a long one the start.
    pub body: Vec<u8>,
    /// Bytes of the whole body as they came.
    pub length: u64,
}

impl ExchangeTrace {
    /// Notes a response. `coding` is not known where the step does not look at the body; the headers tell it then.
    pub(super) fn note(&mut self, answer: &Response, coding: Option<usize>) {
        let headers: Vec<String> = answer.every_header().map(Cow::into_owned).collect();
        let lines = headers.iter().filter_map(|header| {
            let (name, value) = header.split_once(':')?;
            name.eq_ignore_ascii_case("content-encoding")
                .then(|| value.trim().into())
        });
        let codings: Vec<Cow<'_, str>> = match coding {
            Some(place) => answer.headers(place).collect(),
            None => lines.collect(),
        };
        let packed = answer.body.clone().unwrap_or_default();
        let body = decode(packed.clone(), &codings.join(","), BODY_LIMIT).unwrap_or(packed);
        self.answer = Some(TracedResponse {
            status: answer.status,
            headers,
            body,
            length: answer.length,
        });
    }
}
