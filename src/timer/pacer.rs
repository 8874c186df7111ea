//! The timer of one core: all of its users wait on one alarm, without locks.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Instant;

use super::alarm::Alarm;
use super::waiters::Waiters;

/// The waiting users of one core.
#[derive(Debug)]
pub struct Pacer {
    alarm: Alarm,
    waiting: RefCell<Waiters>,
    /// The newest instant that is known to have passed, which saves a look at the clock per request.
    passed: Cell<Instant>,
    /// Wakes the driver if an earlier instant has come in.
    driver: RefCell<Option<Waker>>,
}

impl Pacer {
    /// A timer that nobody waits for. Waits end only while [`Pacer::drive`] runs.
    pub fn new() -> io::Result<Rc<Self>> {
        Ok(Rc::new(Self {
            alarm: Alarm::new()?,
            waiting: RefCell::default(),
            passed: Cell::new(Instant::now()),
            driver: RefCell::default(),
        }))
    }

    /// Waits until an instant; returns at once if it has passed.
    pub async fn until(&self, at: Instant) {
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
            self.enqueue(at, context.waker());
            Poll::Pending
        })
        .await;
    }

    /// Notes that an instant has passed.
    pub fn saw(&self, instant: Instant) {
        self.passed.set(instant.max(self.passed.get()));
    }

    fn now(&self) -> Instant {
        let now = Instant::now();
        self.passed.set(now);
        now
    }

    fn enqueue(&self, at: Instant, waker: &Waker) {
        if self.waiting.borrow_mut().push(at, waker) {
            self.alarm.set(at);
            if let Some(driver) = self.driver.borrow_mut().take() {
                driver.wake();
            }
        }
    }

    /// Wakes those who are due, as long as it is polled.
    pub async fn drive(&self) {
        poll_fn(|context| {
            loop {
                if let Some(next) = self.waiting.borrow_mut().wake_due(Instant::now()) {
                    self.alarm.set(next);
                }
                if self.alarm.poll(context).is_pending() {
                    *self.driver.borrow_mut() = Some(context.waker().clone());
                    return Poll::<()>::Pending;
                }
            }
        })
        .await;
    }
}

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
