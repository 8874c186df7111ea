//! The time of one arm: it runs while the arm is loaded and stands still while it rests.
//!
//! Everything that is due is due at a time of its arm, so a user that rests owes nothing, and two arms in turns each see
//! one load without a gap. A run of one arm is one span from its start to its end.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use crate::timer::Pacer;

/// A stretch of an arm's time and where it lies in real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Its first time.
    pub(super) from: Duration,
    /// Its first time that does not belong to it any more.
    pub(super) to: Duration,
    /// When it begins.
    pub(super) start: Instant,
}

impl Span {
    /// When it ends.
    pub(super) fn end(&self) -> Instant {
        self.start + self.to.saturating_sub(self.from)
    }

    /// The instant of one of its times.
    pub(super) fn instant(&self, time: Duration) -> Instant {
        self.start + time.saturating_sub(self.from)
    }
}

/// A time of an arm and the instant it fell on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DueTime {
    pub(super) time: Duration,
    pub(super) at: Instant,
}

/// What ends a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// The time has come.
    Over(DueTime),
    /// The arm is about to run on: whoever rests should look whether its connection is still there, and wait on.
    Refresh,
}

/// The clock of one arm on one core.
#[derive(Debug, Default)]
pub(super) struct ArmClock {
    /// The newest span; while the arm rests it has ended.
    span: Cell<Option<Span>>,
    /// How often resting users were told to refresh.
    refreshes: Cell<u64>,
    /// Who waits for a time beyond the span, each once however often it was polled.
    resting: RefCell<Vec<Waker>>,
    /// How often they were all woken: a place among them is one of such a round.
    rounds: Cell<u64>,
}

impl ArmClock {
    /// Lets the arm's time run on; spans follow each other without a gap in the arm's time.
    pub(super) fn run(&self, span: Span) {
        self.span.set(Some(span));
        self.wake();
    }

    /// Tells all that rest to refresh; returns how many will.
    pub(super) fn refresh(&self) -> usize {
        self.refreshes.set(self.refreshes.get() + 1);
        self.wake()
    }

    fn wake(&self) -> usize {
        let resting = self.resting.take();
        self.rounds.set(self.rounds.get() + 1);
        let count = resting.len();
        resting.into_iter().for_each(Waker::wake);
        count
    }

    /// The arm's time at an instant: after the end of a span it stands still until the next.
    pub(super) fn time(&self, at: Instant) -> Duration {
        self.span.get().map_or(Duration::ZERO, |span| {
            let into = at.saturating_duration_since(span.start);
            (span.from + into).min(span.to)
        })
    }

    /// The moment of a time of the newest span.
    pub(super) fn moment_of(&self, time: Duration) -> DueTime {
        let at = self.span.get().map(|span| span.instant(time));
        DueTime {
            time,
            at: at.unwrap_or_else(Instant::now),
        }
    }

    /// The moment of an instant, kept within the span where it lies behind it: for what was due in the span and is only
    /// now sent.
    pub(super) fn moment_within(&self, at: Instant) -> DueTime {
        let last = |span: Span| span.to.saturating_sub(Duration::from_nanos(1));
        let bound = self.span.get().map_or(Duration::ZERO, last);
        DueTime {
            time: self.time(at).min(bound),
            at,
        }
    }

    /// Waits until a time comes. One at the end of a span comes with the next: nothing is due where an arm rests.
    pub(super) async fn wait(&self, pacer: &Pacer, time: Duration) -> Wait {
        self.wait_in(pacer, time, |span| time < span.to).await
    }

    /// Waits until a time comes or, at the end of a span, has just come: when a user leaves.
    pub(super) async fn wait_past(&self, pacer: &Pacer, time: Duration) -> Wait {
        self.wait_in(pacer, time, |span| time <= span.to).await
    }

    /// Waits for the span that holds a time, and in it until the time comes.
    async fn wait_in(&self, pacer: &Pacer, time: Duration, holds: impl Fn(&Span) -> bool) -> Wait {
        loop {
            if let Some(span) = self.span.get().filter(&holds) {
                let at = span.instant(time);
                pacer.until(at).await;
                return Wait::Over(DueTime { time, at });
            }
            if self.news().await == WakeReason::Refresh {
                return Wait::Refresh;
            }
        }
    }

    /// Rests until something happens.
    async fn news(&self) -> WakeReason {
        let (span, refreshes) = (self.span.get(), self.refreshes.get());
        let mut place = None;
        poll_fn(|context| {
            if self.span.get() != span {
                return Poll::Ready(WakeReason::Span);
            }
            if self.refreshes.get() != refreshes {
                return Poll::Ready(WakeReason::Refresh);
            }
            // A task is also polled for what it no longer waits for, such as the bound of a request that has ended.
            let mut resting = self.resting.borrow_mut();
            let round = self.rounds.get();
            if let Some((_, index)) = place.filter(|(own, _)| *own == round) {
                context.waker().clone_into(&mut resting[index]);
            } else {
                place = Some((round, resting.len()));
                resting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum WakeReason {
    Span,
    Refresh,
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::rc::Rc;
    use std::task::Context;

    use tokio::runtime::{Builder, LocalOptions};
    use tokio::task::spawn_local;

    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn time_stands_still_between_two_spans() {
        let (clock, now) = (ArmClock::default(), Instant::now());
        assert_eq!(clock.time(now), Duration::ZERO);
        clock.run(Span {
            from: ms(0),
            to: ms(100),
            start: now,
        });
        let times = [0, 40, 100, 5_000].map(|after| clock.time(now + ms(after)));
        assert_eq!(times, [ms(0), ms(40), ms(100), ms(100)]);
        clock.run(Span {
            from: ms(100),
            to: ms(300),
            start: now + ms(5_000),
        });
        let times = [4_000, 5_000, 5_050, 9_000].map(|after| clock.time(now + ms(after)));
        assert_eq!(times, [ms(100), ms(100), ms(150), ms(300)]);
    }

    #[test]
    fn who_is_due_at_the_end_of_a_span_waits_for_the_next() {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())
            .unwrap();
        runtime.block_on(async {
            let pacer = Pacer::new().unwrap();
            let driver = Rc::clone(&pacer);
            spawn_local(async move { driver.drive().await });
            let (clock, start) = (Rc::new(ArmClock::default()), Instant::now());
            clock.run(Span {
                from: ms(0),
                to: ms(20),
                start,
            });
            assert!(matches!(
                clock.wait_past(&pacer, ms(20)).await,
                Wait::Over(_)
            ));
            assert!(start.elapsed() >= ms(20));
            let (waiting, its_pacer) = (Rc::clone(&clock), Rc::clone(&pacer));
            let user = spawn_local(async move {
                let waited = waiting.wait(&its_pacer, ms(20)).await;
                assert_eq!(waited, Wait::Refresh);
                waiting.wait(&its_pacer, ms(20)).await
            });
            tokio::time::sleep(ms(30)).await;
            assert_eq!(clock.refresh(), 1);
            tokio::time::sleep(ms(10)).await;
            assert!(!user.is_finished());
            let again = Instant::now() + ms(10);
            clock.run(Span {
                from: ms(20),
                to: ms(40),
                start: again,
            });
            let moment = DueTime {
                time: ms(20),
                at: again,
            };
            assert_eq!(user.await.unwrap(), Wait::Over(moment));
            assert!(Instant::now() >= again);
        });
    }

    #[test]
    fn who_rests_counts_once_however_often_it_is_polled() {
        let clock = ArmClock::default();
        let mut context = Context::from_waker(Waker::noop());
        let mut resting = pin!(clock.news());
        for _ in 0..3 {
            assert!(resting.as_mut().poll(&mut context).is_pending());
        }
        assert_eq!(clock.refresh(), 1);
        assert!(resting.as_mut().poll(&mut context).is_ready());
        assert_eq!(clock.refresh(), 0);
    }

    #[test]
    fn who_rests_until_leaving_is_told_to_refresh_too() {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())
            .unwrap();
        runtime.block_on(async {
            let pacer = Pacer::new().unwrap();
            let clock = Rc::new(ArmClock::default());
            clock.run(Span {
                from: ms(0),
                to: ms(20),
                start: Instant::now(),
            });
            let leaving = Rc::clone(&clock);
            let user = spawn_local(async move { leaving.wait_past(&pacer, ms(25)).await });
            tokio::time::sleep(ms(5)).await;
            assert_eq!(clock.refresh(), 1);
            assert_eq!(user.await.unwrap(), Wait::Refresh, "each gives one back");
        });
    }
}
