//! The bound on a request's time: one timer per user, which rings at most once for many requests.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::time::{Sleep, sleep_until};

/// What a bound beyond the clock's range becomes.
const FAR: Duration = Duration::from_hours(8760);

/// When a bound that begins at `start` is reached.
pub(super) fn instant(start: Instant, bound: Duration) -> Instant {
    start.checked_add(bound).unwrap_or(start + FAR)
}

/// A timer that is reused. Most requests end long before their bound, so it is not moved for each: it rings at the bound
/// of an earlier one, and is set to the present one only then.
#[derive(Debug, Default)]
pub(super) struct Deadline(Option<Alarm>);

#[derive(Debug)]
struct Alarm {
    sleep: Pin<Box<Sleep>>,
    /// Whom it wakes; none where it was moved since, or has rung.
    wakes: Option<Waker>,
}

impl Deadline {
    /// Runs `work` until `at` at most; `None` if it took longer.
    ///
    /// Pinned by the caller: taken by value, it would be held twice for each waiting user.
    pub(super) async fn bound<W: Future>(
        &mut self,
        at: Instant,
        mut work: Pin<&mut W>,
    ) -> Option<W::Output> {
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => self.poll(at, context).map(|()| None),
        })
        .await
    }

    fn poll(&mut self, at: Instant, context: &mut Context<'_>) -> Poll<()> {
        let alarm = self.0.get_or_insert_with(|| Alarm {
            sleep: Box::pin(sleep_until(at.into())),
            wakes: None,
        });
        let wakes = alarm.wakes.as_ref();
        let is_set = wakes.is_some_and(|waker| waker.will_wake(context.waker()))
            && alarm.sleep.deadline() <= at.into()
            && !alarm.sleep.is_elapsed();
        if is_set {
            return Poll::Pending;
        }
        alarm.wakes = None;
        loop {
            if alarm.sleep.deadline() > at.into() || alarm.sleep.is_elapsed() {
                alarm.sleep.as_mut().reset(at.into());
            }
            match alarm.sleep.as_mut().poll(context) {
                Poll::Pending => {
                    alarm.wakes = Some(context.waker().clone());
                    return Poll::Pending;
                }
                Poll::Ready(()) if alarm.sleep.deadline() >= at.into() => return Poll::Ready(()),
                Poll::Ready(()) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::pin::pin;

    use super::*;

    /// Bounds work that never ends; returns how long it took.
    async fn stuck(deadline: &mut Deadline, timeout: u64) -> Duration {
        let start = Instant::now();
        let work = pin!(pending::<()>());
        let timeout = Duration::from_millis(timeout);
        let at = instant(start, timeout);
        assert_eq!(deadline.bound(at, work).await, None);
        start.elapsed()
    }

    /// Bounds work that takes as long as told.
    async fn done(deadline: &mut Deadline, millis: u64, timeout: u64) {
        let work = pin!(tokio::time::sleep(Duration::from_millis(millis)));
        let at = instant(Instant::now(), Duration::from_millis(timeout));
        assert_eq!(deadline.bound(at, work).await, Some(()));
    }

    #[tokio::test]
    async fn each_request_has_its_own_bound_whatever_the_ones_before_had() {
        let mut deadline = Deadline::default();
        let work = pin!(ready(7));
        let bound = deadline.bound(Instant::now(), work).await;
        assert_eq!(bound, Some(7));
        for (millis, timeout) in [(1, 50), (40, 50), (40, 50), (1, 5_000), (30, 50)] {
            done(&mut deadline, millis, timeout).await;
        }
    }

    #[tokio::test]
    async fn what_takes_longer_is_cut_off_then_and_not_before() {
        let mut deadline = Deadline::default();
        done(&mut deadline, 1, 5_000).await;
        for timeout in [30, 60, 20] {
            done(&mut deadline, 5, 40).await;
            let took = stuck(&mut deadline, timeout).await;
            assert!(took >= Duration::from_millis(timeout), "{took:?}");
            assert!(took < Duration::from_secs(4), "{took:?}");
        }
    }

    #[tokio::test]
    async fn a_bound_holds_whichever_task_asks() {
        let mut deadline = Deadline::default();
        done(&mut deadline, 1, 60).await;
        let other = tokio::spawn(async move { stuck(&mut deadline, 60).await });
        let took = tokio::time::timeout(Duration::from_secs(20), other).await;
        assert!(took.unwrap().unwrap() >= Duration::from_millis(60));
    }
}
