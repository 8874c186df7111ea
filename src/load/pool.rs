//! The users of the open model on one core: who is idle, who waits for one. Nothing that arrives is ever dropped.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use super::arm_clock::DueTime;
use super::schedule::Arrival;

/// The most arrivals that wait on a core: 64 MB, and a second of the highest rate. A target that is as far behind has failed.
const MOST_WAITING: usize = 1_000_000;

/// An arrival with the user that serves it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Assignment {
    pub(super) arrival: Arrival,
    pub(super) due: DueTime,
    /// From when on the user was there: the arrival's due instant, unless it had to queue.
    pub(super) ready: Instant,
}

/// What a user does that has become free.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    Serve(Assignment),
    /// Look whether its connection is still there, and come back.
    Refresh,
    Leave,
}

/// A user's place in the pool.
#[derive(Debug, Default)]
pub(super) struct IdleSlot {
    message: RefCell<Option<Next>>,
    waker: RefCell<Option<Waker>>,
}

/// Users that are idle, and arrivals that found none.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// The most users at once; none outside of open phases, whose users then leave once the queue is empty.
    limit: usize,
    users: usize,
    /// The idle ones with their classes; the last to become idle is the first to serve, since its connection is warm.
    idle: Vec<(usize, Rc<IdleSlot>)>,
    /// In the order of arrival.
    queue: VecDeque<(Arrival, DueTime)>,
    /// Jobs that were given to a user who has not begun them yet.
    given: usize,
}

impl Pool {
    /// How long the first in a full queue has waited. Nothing more can wait then.
    pub(super) fn is_full_since(&self, now: Instant) -> Option<Duration> {
        let full = self.queue.len() >= MOST_WAITING;
        let first = self.queue.front().filter(|_| full);
        first.map(|(_, due)| now.saturating_duration_since(due.at))
    }

    /// Takes an arrival in. Where a new user must be made for it, its job comes back.
    pub(super) fn offer(&mut self, arrival: Arrival, due: DueTime) -> Option<Assignment> {
        if !self.queue.is_empty() {
            self.queue.push_back((arrival, due));
            return None;
        }
        let job = Assignment {
            arrival,
            due,
            ready: due.at,
        };
        let same = |(class, _): &(usize, _)| *class == arrival.class;
        if let Some(place) = self.idle.iter().rposition(same) {
            self.idle.remove(place).1.send(Next::Serve(job));
        } else if self.users < self.limit {
            self.users += 1;
            self.given += 1;
            return Some(job);
        } else if !self.idle.is_empty() {
            // The user that has been idle for longest becomes one of the other class.
            self.idle.remove(0).1.send(Next::Serve(job));
        } else {
            self.queue.push_back((arrival, due));
            return None;
        }
        self.given += 1;
        None
    }

    /// Arrivals that wait for a user.
    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Whether users come and go by a plan and not by arrivals.
    pub(super) fn is_closed(&self) -> bool {
        self.limit == 0
    }

    /// Sets how many users there may be. The jobs that come back need new users.
    pub(super) fn set_limit(&mut self, limit: usize, now: Instant) -> Vec<Assignment> {
        self.limit = limit;
        while self.users > limit
            && let Some((_, seat)) = self.idle.pop()
        {
            self.users -= 1;
            seat.send(Next::Leave);
        }
        let room = limit.saturating_sub(self.users).min(self.queue.len());
        self.users += room;
        self.given += room;
        let job = |(arrival, due)| Assignment {
            arrival,
            due,
            ready: now,
        };
        self.queue.drain(..room).map(job).collect()
    }

    /// What a user does that has become free; none where it is idle and its seat will be told.
    fn next(&mut self, class: usize, seat: &Rc<IdleSlot>) -> Option<Next> {
        let surplus = self.users > self.limit;
        if (!surplus || self.limit == 0)
            && let Some((arrival, due)) = self.queue.pop_front()
        {
            self.given += 1;
            return Some(Next::Serve(Assignment {
                arrival,
                due,
                ready: Instant::now(),
            }));
        }
        if surplus {
            self.users -= 1;
            return Some(Next::Leave);
        }
        self.idle.push((class, Rc::clone(seat)));
        None
    }

    /// A user has begun the job that it was given.
    pub(super) fn begin(&mut self) {
        self.given -= 1;
    }

    /// Whether every arrival was taken by a user who has begun to serve it.
    pub(super) fn is_settled(&self) -> bool {
        self.queue.is_empty() && self.given == 0
    }

    /// Tells idle users to refresh; returns how many will. They are idle again when they come back.
    pub(super) fn refresh(&mut self) -> usize {
        let idle = std::mem::take(&mut self.idle);
        for (_, seat) in &idle {
            seat.send(Next::Refresh);
        }
        idle.len()
    }

    /// Takes the arrivals that no user has served.
    pub(super) fn take_queue(&mut self) -> VecDeque<(Arrival, DueTime)> {
        std::mem::take(&mut self.queue)
    }
}

/// What a free user of a class does next.
pub(super) async fn next_job(pool: &RefCell<Pool>, class: usize, seat: &Rc<IdleSlot>) -> Next {
    let next = pool.borrow_mut().next(class, seat);
    match next {
        Some(next) => next,
        None => seat.receive().await,
    }
}

impl IdleSlot {
    fn send(&self, message: Next) {
        *self.message.borrow_mut() = Some(message);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    async fn receive(&self) -> Next {
        poll_fn(|context| {
            if let Some(next) = self.message.borrow_mut().take() {
                return Poll::Ready(next);
            }
            *self.waker.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrival(index: u64, class: usize) -> Arrival {
        Arrival {
            index,
            class,
            due: Duration::from_millis(index),
        }
    }

    fn now() -> DueTime {
        DueTime {
            time: Duration::ZERO,
            at: Instant::now(),
        }
    }

    /// The index of the arrival that a user serves next.
    fn served(next: Option<Next>) -> Option<u64> {
        match next {
            Some(Next::Serve(job)) => Some(job.arrival.index),
            Some(Next::Refresh | Next::Leave) | None => None,
        }
    }

    fn pool(limit: usize) -> Pool {
        Pool {
            limit,
            ..Pool::default()
        }
    }

    #[test]
    fn users_are_created_up_to_the_limit_then_arrivals_queue() {
        let (mut pool, now) = (pool(2), now());
        let made: Vec<_> = (0..4)
            .map(|k| pool.offer(arrival(k, 0), now).is_some())
            .collect();
        assert_eq!(made, [true, true, false, false]);
        let seat = Rc::default();
        for expected in [2, 3] {
            assert_eq!(served(pool.next(0, &seat)), Some(expected));
        }
        assert!(pool.next(0, &seat).is_none(), "idle now");
    }

    #[test]
    fn the_user_that_was_busy_last_serves_first() {
        let (mut pool, now) = (pool(2), now());
        let seats: [Rc<IdleSlot>; 2] = Default::default();
        for k in 0..2 {
            assert!(pool.offer(arrival(k, 0), now).is_some());
        }
        for seat in &seats {
            assert!(pool.next(0, seat).is_none(), "idle now");
        }
        assert!(pool.offer(arrival(2, 0), now).is_none());
        assert!(seats[0].message.borrow().is_none());
        assert_eq!(served(seats[1].message.take()), Some(2));
    }

    #[test]
    fn an_idle_user_of_another_class_makes_room() {
        let (mut pool, now, seat) = (pool(1), now(), Rc::<IdleSlot>::default());
        assert!(pool.offer(arrival(0, 0), now).is_some());
        assert!(pool.next(0, &seat).is_none());
        assert!(pool.offer(arrival(1, 1), now).is_none());
        assert_eq!(served(seat.message.take()), Some(1));
    }

    #[test]
    fn after_the_phase_the_queue_is_served_before_users_leave() {
        let (mut pool, now, seat) = (pool(1), now(), Rc::default());
        assert!(pool.offer(arrival(0, 0), now).is_some());
        assert!(pool.offer(arrival(1, 0), now).is_none());
        assert!(pool.set_limit(0, now.at).is_empty());
        assert_eq!(served(pool.next(0, &seat)), Some(1));
        assert!(matches!(pool.next(0, &seat), Some(Next::Leave)));
        assert_eq!(pool.users, 0);
    }

    #[test]
    fn a_higher_limit_makes_users_for_the_queue() {
        let (mut pool, now) = (pool(1), now());
        for k in 0..4 {
            let _ = pool.offer(arrival(k, 0), now);
        }
        let jobs = pool.set_limit(3, now.at);
        assert_eq!(
            jobs.iter().map(|job| job.arrival.index).collect::<Vec<_>>(),
            [1, 2]
        );
        assert_eq!(pool.users, 3);
    }

    #[test]
    fn a_pool_is_settled_when_every_arrival_was_begun() {
        let (mut pool, now, seat) = (pool(1), now(), Rc::<IdleSlot>::default());
        assert!(pool.is_settled());
        assert!(pool.offer(arrival(0, 0), now).is_some());
        assert!(!pool.is_settled(), "given, and not begun");
        pool.begin();
        assert!(pool.is_settled());
        assert!(pool.offer(arrival(1, 0), now).is_none());
        assert!(!pool.is_settled(), "queued");
        assert_eq!(served(pool.next(0, &seat)), Some(1));
        pool.begin();
        assert!(pool.is_settled());
        assert!(pool.next(0, &seat).is_none());
        assert_eq!(pool.refresh(), 1);
        assert!(matches!(seat.message.take(), Some(Next::Refresh)));
    }

    #[test]
    fn no_more_than_so_many_arrivals_wait() {
        let mut pool = Pool::default();
        let first = now();
        assert_eq!(pool.is_full_since(first.at), None);
        for k in 0..MOST_WAITING as u64 {
            assert!(pool.offer(arrival(k, 0), first).is_none());
        }
        let later = first.at + Duration::from_secs(3);
        assert_eq!(pool.is_full_since(later), Some(Duration::from_secs(3)));
        assert_eq!(pool.take_queue().len(), MOST_WAITING);
        assert_eq!(pool.is_full_since(later), None);
    }
}
