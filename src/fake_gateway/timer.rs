//! Waits of many answers, to the exact moment, on one alarm.

use super::alarm::Alarm;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::oneshot;

/// One alarm and all who wait for it.
#[derive(Debug)]
pub(super) struct Timer {
    alarm: Alarm,
    waiting: Mutex<BinaryHeap<Waiter>>,
}

#[derive(Debug)]
struct Waiter {
    until: Instant,
    wake: oneshot::Sender<()>,
}

impl Timer {
    /// A timer nobody waits for. Needs a runtime around it.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            alarm: Alarm::new()?,
            waiting: Mutex::default(),
        })
    }

    /// Waits until the moment has come; needs [`Timer::run`] to run meanwhile.
    pub(super) async fn until(&self, moment: Instant) {
        let now = Instant::now();
        if moment <= now {
            return;
        }
        let (wake, woken) = oneshot::channel();
        {
            let mut waiting = self.waiting();
            if waiting.peek().is_none_or(|first| moment < first.until) {
                self.alarm.set(moment - now);
            }
            waiting.push(Waiter {
                until: moment,
                wake,
            });
        }
        // The sender is dropped unused only with the whole timer.
        let _ = woken.await;
    }

    /// Wakes everyone in time, for as long as the alarm works.
    pub(super) async fn run(&self) {
        while self.alarm.ring().await.is_ok() {
            self.wake_due();
        }
    }

    fn wake_due(&self) {
        let mut waiting = self.waiting();
        let now = Instant::now();
        while let Some(first) = waiting.peek() {
            if first.until > now {
                self.alarm.set(first.until - now);
                return;
            }
            if let Some(due) = waiting.pop() {
                // Whoever waited may have left.
                let _ = due.wake.send(());
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, BinaryHeap<Waiter>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The earliest is the greatest, since a heap gives the greatest first.
impl Ord for Waiter {
    fn cmp(&self, other: &Self) -> Ordering {
        other.until.cmp(&self.until)
    }
}

impl PartialOrd for Waiter {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiter {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiter {}

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
            () = timer.run() => panic!("the alarm failed"),
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
            () = timer.run() => panic!("the alarm failed"),
        }
    }
}
