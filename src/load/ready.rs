//! Waits until the path of `--ready` responds.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::http::{Client, Exchange, Expected, Request, render_into};
use super::preflight::{PreflightError, RETRY};
use super::sender::ClientContext;
use super::site;
use crate::measurement::UnreachableCause;
use crate::redact::redacted_address;
use crate::units::format_duration;

/// How long it is waited for if `--wait` does not say.
pub const READY_WITHIN: Duration = Duration::from_mins(1);
/// How long one response may take.
const PROBE: Duration = Duration::from_secs(10);

/// Waits until the path, below the target's own, responds below 400.
pub(super) async fn wait(
    context: &ClientContext,
    path: &str,
    wait: Duration,
) -> Result<(), PreflightError> {
    let within = if wait.is_zero() { READY_WITHIN } else { wait };
    let began = Instant::now();
    loop {
        let left = within.saturating_sub(began.elapsed()).max(RETRY);
        let Err((mut cause, why)) = probe(context, path, left.min(PROBE)).await else {
            return Ok(());
        };
        if began.elapsed() + RETRY > within {
            if cause == UnreachableCause::Unknown {
                cause = context.connector.diagnose().await;
            }
            if cause == UnreachableCause::Unknown {
                cause = UnreachableCause::NotReady;
            }
            let why = format!("not ready within {}: {why}", format_duration(within));
            return Err(PreflightError::new(cause, why, None));
        }
        sleep(RETRY).await;
    }
}

/// Sends one request. The error says why the path is not ready.
async fn probe(
    context: &ClientContext,
    path: &str,
    within: Duration,
) -> Result<(), (UnreachableCause, String)> {
    let failed = |cause, why| Err((cause, why));
    let origin = context.connector.origin();
    let target = format!("{}{path}", origin.prefix());
    let mut headers = vec![("Accept", "*/*")];
    headers.extend(
        origin
            .proxy_authorization()
            .map(|own| ("Proxy-Authorization", own)),
    );
    let mut bytes = Vec::new();
    render_into(
        &mut bytes,
        "GET",
        origin.authority(),
        &target,
        &headers,
        None,
    )
    .map_err(|error| (UnreachableCause::NotReady, error.to_string()))?;
    let request = Request {
        bytes: &bytes,
        idempotent: true,
        expected: Expected::default(),
    };
    let mut exchange = Exchange::started(Instant::now());
    let mut client = Client::new(std::sync::Arc::clone(&context.connector));
    client
        .send::<{ site::READY }>(&context.read_buffer, &request, within, &mut exchange)
        .await;
    match exchange.outcome.map(|answer| answer.status) {
        Ok(..400) => Ok(()),
        // What never ends, as a stream of events, has begun.
        Err(_) if exchange.head.is_some_and(|status| status < 400) => Ok(()),
        Ok(status) => failed(
            UnreachableCause::NotReady,
            format!("GET {} responds {status}", redacted_address(path)),
        ),
        Err(failure) => {
            let detail = exchange.detail.unwrap_or_default();
            failed(exchange.cause, format!("{failure}: {detail}"))
        }
    }
}
