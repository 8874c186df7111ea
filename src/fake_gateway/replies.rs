//! What a request is answered with.

use bytes::Bytes;
use hyper::StatusCode;
use serde::Serialize;

/// A status with a JSON body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

impl Reply {
    /// A success.
    pub(super) fn ok(body: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// Anything else, in API Gateway's shape.
    pub(super) fn message(status: StatusCode, message: &str) -> Self {
        Self::json(status, &serde_json::json!({ "message": message }))
    }

    fn json(status: StatusCode, body: &impl Serialize) -> Self {
        // The bodies are maps with text keys, which cannot fail to serialize.
        let body = serde_json::to_vec(body).unwrap_or_default().into();
        Self { status, body }
    }
}
