//! The headers by which a response names its request, depending on what stands before the functions.

use super::config::Front;
use super::ids::{ApiRequestId, Trace, Uuid};
use hyper::HeaderMap;
use hyper::header::HeaderName;
use rand::Rng;
use std::time::Duration;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const REST_EXTENDED_ID: HeaderName = HeaderName::from_static("x-amz-apigw-id");
const HTTP_REQUEST_ID: HeaderName = HeaderName::from_static("apigw-requestid");
const TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// The ids that a request gets before it reaches a function.
#[derive(Debug)]
pub(super) struct RequestIds {
    pub(super) uuid: Uuid,
    pub(super) api: ApiRequestId,
    /// None where what stands before the functions takes no part in tracing.
    pub(super) trace: Option<Trace>,
}

impl RequestIds {
    /// Draws the ids of a request with these headers.
    pub(super) fn draw(
        rng: &mut impl Rng,
        front: Option<Front>,
        sent: &HeaderMap,
        unix: Duration,
    ) -> Self {
        let (uuid, api) = (Uuid::draw(rng), ApiRequestId::draw(rng));
        let trace = match front {
            Some(Front::FunctionUrl | Front::RestApi) => {
                let sent = sent.get(TRACE_ID).and_then(|sent| sent.to_str().ok());
                Some(Trace::draw(rng, sent, unix))
            }
            None | Some(Front::HttpApi | Front::LoadBalancer) => None,
        };
        Self { uuid, api, trace }
    }

    /// The headers of the response to a request that led to this invocation.
    pub(super) fn headers(
        &self,
        front: Option<Front>,
        invocation: Option<Uuid>,
    ) -> Vec<(HeaderName, String)> {
        let mut headers = match front {
            None => vec![(REQUEST_ID, self.uuid.to_string())],
            Some(Front::FunctionUrl) => {
                let id = invocation.unwrap_or(self.uuid);
                vec![(REQUEST_ID, id.to_string())]
            }
            Some(Front::RestApi) => vec![
                (REQUEST_ID, self.uuid.to_string()),
                (REST_EXTENDED_ID, self.api.to_string()),
            ],
            Some(Front::HttpApi) => vec![(HTTP_REQUEST_ID, self.api.to_string())],
            Some(Front::LoadBalancer) => Vec::new(),
        };
        let trace = self.trace.as_ref();
        headers.extend(trace.map(|trace| (TRACE_ID, trace.to_string())));
        headers
    }
}
