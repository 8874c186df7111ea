//! The bound on a request's time: one timer per user, moved and not made for each request.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::time::{Sleep, sleep_until};

/// What a bound beyond the clock's range becomes.
const FAR: Duration = Duration::from_hours(8760);

/// A timer that is reused. Moving it further away, the usual case, costs one atomic write.
#[derive(Debug, Default)]
pub(super) struct Deadline(Option<Pin<Box<Sleep>>>);

impl Deadline {
    /// Runs `work` for `timeout` at most; `None` where it took longer.
    ///
    /// Pinned by the caller: taken by value, it would be held twice for each waiting user.
    pub(super) async fn bound<W: Future>(
        &mut self,
        start: Instant,
        timeout: Duration,
        mut work: Pin<&mut W>,
    ) -> Option<W::Output> {
        let at = start.checked_add(timeout).unwrap_or(start + FAR).into();
        let sleep = match &mut self.0 {
            Some(sleep) => {
                sleep.as_mut().reset(at);
                sleep
            }
            none => none.insert(Box::pin(sleep_until(at))),
        };
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => sleep.as_mut().poll(context).map(|()| None),
        })
        .await
    }
}
