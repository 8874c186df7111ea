//! The timer of several threads.

use std::future::poll_fn;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Instant;

use super::alarm::Alarm;
use super::waiters::Waiters;

/// One alarm and all who wait for it.
#[derive(Debug)]
pub struct Timer {
    alarm: Alarm,
    waiting: Mutex<Waiters>,
}

impl Timer {
    /// A timer that nobody waits for. Needs a runtime around it.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            alarm: Alarm::new()?,
            waiting: Mutex::default(),
        })
    }

    /// Waits until an instant; needs [`Timer::drive`] to run meanwhile.
    pub async fn until(&self, at: Instant) {
        let mut is_queued = false;
        poll_fn(|context| {
            if at <= Instant::now() {
                return Poll::Ready(());
            }
            if !is_queued {
                is_queued = true;
                // The lock is held while the alarm is set, so that no later instant replaces an earlier one.
                let mut waiting = self.waiting();
                if waiting.push(at, context.waker()) {
                    self.alarm.set(at);
                }
            }
            Poll::Pending
        })
        .await;
    }

    /// Wakes those who are due, as long as it is polled.
    pub async fn drive(&self) {
        poll_fn(|context| {
            while self.alarm.poll(context).is_ready() {
                let mut waiting = self.waiting();
                if let Some(next) = waiting.wake_due(Instant::now()) {
                    self.alarm.set(next);
                }
            }
            Poll::<()>::Pending
        })
        .await;
    }

    fn waiting(&self) -> MutexGuard<'_, Waiters> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn everyone_is_woken_in_order_and_nobody_early() {
        let timer = Timer::new().unwrap();
        let start = Instant::now();
        let woken = Mutex::new(Vec::new());
        let wait = async |ms| {
            timer.until(start + Duration::from_millis(ms)).await;
            assert!(start.elapsed() >= Duration::from_millis(ms));
            woken.lock().unwrap().push(ms);
        };
        let all = async { tokio::join!(wait(30), wait(10), wait(0), wait(20)) };
        tokio::select! {
            _ = all => {}
            () = timer.drive() => unreachable!(),
        }
        assert_eq!(*woken.lock().unwrap(), [0, 10, 20, 30]);
    }

    #[tokio::test]
    async fn a_waiter_that_leaves_disturbs_nobody() {
        let timer = Timer::new().unwrap();
        let start = Instant::now();
        let moment = start + Duration::from_millis(5);
        let waits = async {
            tokio::select! {
                biased;
                () = timer.until(moment) => {}
                () = std::future::ready(()) => {}
            }
            timer.until(moment + Duration::from_millis(5)).await;
        };
        tokio::select! {
            () = waits => assert!(start.elapsed() >= Duration::from_millis(10)),
            () = timer.drive() => unreachable!(),
        }
    }
}
