//! Waits until absolute instants. tokio's timer rounds up to a millisecond, which the latency of every answer would carry.
//!
//! One alarm per core serves all of its users: a heap of instants, of which the earliest is set.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::alarm::Alarm;

/// The waiting users of one core.
#[derive(Debug)]
pub(super) struct Pacer {
    alarm: Alarm,
    waiting: RefCell<BinaryHeap<Waiter>>,
    /// The newest instant that is known to have passed, which saves a look at the clock per request.
    passed: Cell<Instant>,
    /// Wakes the driver where an earlier instant has come in.
    driver: RefCell<Option<Waker>>,
}

impl Pacer {
    /// A pacer; someone must run [`Pacer::drive`] for waits to end.
    pub(super) fn new() -> io::Result<Rc<Self>> {
        Ok(Rc::new(Self {
            alarm: Alarm::new()?,
            waiting: RefCell::default(),
            passed: Cell::new(Instant::now()),
            driver: RefCell::default(),
        }))
    }

    /// Waits until an instant; returns at once where it has passed.
    pub(super) async fn until(&self, at: Instant) {
        if at <= self.passed.get() || at <= self.now() {
            return;
        }
        let mut queued = false;
        poll_fn(|context| {
            if queued {
                return if at <= self.now() {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                };
            }
            queued = true;
            self.enqueue(at, context);
            Poll::Pending
        })
        .await;
    }

    /// Notes that an instant has passed.
    pub(super) fn saw(&self, instant: Instant) {
        self.passed.set(instant.max(self.passed.get()));
    }

    fn now(&self) -> Instant {
        let now = Instant::now();
        self.passed.set(now);
        now
    }

    fn enqueue(&self, at: Instant, context: &Context<'_>) {
        let mut waiting = self.waiting.borrow_mut();
        let earliest = waiting.peek().is_none_or(|first| at < first.at);
        waiting.push(Waiter {
            at,
            waker: context.waker().clone(),
        });
        if earliest {
            self.alarm.set(at);
            if let Some(driver) = self.driver.borrow_mut().take() {
                driver.wake();
            }
        }
    }

    /// Wakes whoever is due, for as long as it is polled.
    pub(super) async fn drive(&self) {
        poll_fn(|context| {
            loop {
                self.wake_due();
                if self.alarm.poll(context).is_pending() {
                    *self.driver.borrow_mut() = Some(context.waker().clone());
                    return Poll::<()>::Pending;
                }
            }
        })
        .await;
    }

    fn wake_due(&self) {
        let mut waiting = self.waiting.borrow_mut();
        let now = Instant::now();
        let mut woke = false;
        while waiting.peek().is_some_and(|first| first.at <= now) {
            if let Some(waiter) = waiting.pop() {
                waiter.waker.wake();
                woke = true;
            }
        }
        if let Some(first) = waiting.peek() {
            self.alarm.set(first.at);
        } else if woke {
            // A crowd that waited once should not hold its memory for the rest of the run.
            waiting.shrink_to(1024);
        }
    }
}

/// Someone who waits; the greatest is the one whose instant comes first, as the heap wants it.
#[derive(Debug)]
struct Waiter {
    at: Instant,
    waker: Waker,
}

impl Ord for Waiter {
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.cmp(&self.at)
    }
}

impl PartialOrd for Waiter {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiter {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Waiter {}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use tokio::runtime::{Builder, LocalOptions};
    use tokio::task::spawn_local;

    use super::*;

    fn on_one_core<F: Future>(work: F) -> F::Output {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())
            .unwrap();
        runtime.block_on(work)
    }

    #[test]
    fn nobody_is_woken_early_and_everybody_is_woken() {
        on_one_core(async {
            let pacer = Pacer::new().unwrap();
            let driver = Rc::clone(&pacer);
            spawn_local(async move { driver.drive().await });
            let (start, woken) = (Instant::now(), Rc::new(Cell::new(0)));
            let users: Vec<_> = (0..2_000u64)
                .map(|user| {
                    let (pacer, woken) = (Rc::clone(&pacer), Rc::clone(&woken));
                    let at = start + Duration::from_micros(user * 7_919 % 200_000);
                    spawn_local(async move {
                        pacer.until(at).await;
                        assert!(Instant::now() >= at);
                        woken.set(woken.get() + 1);
                    })
                })
                .collect();
            for user in users {
                user.await.unwrap();
            }
            assert_eq!(woken.get(), 2_000);
        });
    }

    #[test]
    fn an_earlier_instant_overtakes_the_one_that_is_set() {
        on_one_core(async {
            let pacer = Pacer::new().unwrap();
            let driver = Rc::clone(&pacer);
            spawn_local(async move { driver.drive().await });
            let start = Instant::now();
            let late = Rc::clone(&pacer);
            spawn_local(async move { late.until(start + Duration::from_mins(1)).await });
            tokio::task::yield_now().await;
            pacer.until(start + Duration::from_millis(20)).await;
            assert!(start.elapsed() < Duration::from_secs(30));
        });
    }

    #[test]
    fn the_past_needs_no_waiting() {
        on_one_core(async {
            let pacer = Pacer::new().unwrap();
            pacer.until(Instant::now()).await;
        });
    }
}
