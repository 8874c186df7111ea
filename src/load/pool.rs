//! The users of the open model on one core: who is idle, who waits for one. Nothing that arrives is ever dropped.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Instant;

use super::schedule::Arrival;

/// An arrival with the user that serves it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) arrival: Arrival,
    /// From when on the user was there: the arrival's due instant, unless it had to queue.
    pub(super) ready: Instant,
}

/// A user's place in the pool.
#[derive(Debug, Default)]
pub(super) struct Seat {
    message: RefCell<Option<Message>>,
    waker: RefCell<Option<Waker>>,
}

#[derive(Debug)]
enum Message {
    Serve(Job),
    Leave,
}

/// Users that are idle, and arrivals that found none.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// The most users at once; none outside of open phases, whose users then leave once the queue is empty.
    limit: usize,
    users: usize,
    /// The idle ones with their classes; the last to become idle is the first to serve, since its connection is warm.
    idle: Vec<(usize, Rc<Seat>)>,
    /// In the order of arrival.
    queue: VecDeque<Arrival>,
}

impl Pool {
    /// Takes an arrival in. Where a new user must be made for it, its job comes back.
    pub(super) fn offer(&mut self, arrival: Arrival, due: Instant) -> Option<Job> {
        if !self.queue.is_empty() {
            self.queue.push_back(arrival);
            return None;
        }
        let job = Job {
            arrival,
            ready: due,
        };
        let same = |(class, _): &(usize, _)| *class == arrival.class;
        if let Some(place) = self.idle.iter().rposition(same) {
            self.idle.remove(place).1.tell(Message::Serve(job));
        } else if self.users < self.limit {
            self.users += 1;
            return Some(job);
        } else if !self.idle.is_empty() {
            // The user that has been idle for longest becomes one of the other class.
            self.idle.remove(0).1.tell(Message::Serve(job));
        } else {
            self.queue.push_back(arrival);
        }
        None
    }

    /// Sets how many users there may be. The jobs that come back need new users.
    pub(super) fn set_limit(&mut self, limit: usize, now: Instant) -> Vec<Job> {
        self.limit = limit;
        while self.users > limit
            && let Some((_, seat)) = self.idle.pop()
        {
            self.users -= 1;
            seat.tell(Message::Leave);
        }
        let room = limit.saturating_sub(self.users).min(self.queue.len());
        self.users += room;
        let job = |arrival| Job {
            arrival,
            ready: now,
        };
        self.queue.drain(..room).map(job).collect()
    }

    /// What a user does that has become free: `Ok` with its next job, or with none when it must leave; else it is idle.
    fn next(&mut self, class: usize, seat: &Rc<Seat>) -> Result<Option<Job>, Idle> {
        let surplus = self.users > self.limit;
        if (!surplus || self.limit == 0)
            && let Some(arrival) = self.queue.pop_front()
        {
            let ready = Instant::now();
            return Ok(Some(Job { arrival, ready }));
        }
        if surplus {
            self.users -= 1;
            return Ok(None);
        }
        self.idle.push((class, Rc::clone(seat)));
        Err(Idle)
    }

    /// Takes the arrivals that no user has served.
    pub(super) fn take_queue(&mut self) -> VecDeque<Arrival> {
        std::mem::take(&mut self.queue)
    }
}

/// No job now, but a seat to wait on.
struct Idle;

/// The next job of a free user of a class; none when it must leave.
pub(super) async fn next_job(pool: &RefCell<Pool>, class: usize, seat: &Rc<Seat>) -> Option<Job> {
    let found = pool.borrow_mut().next(class, seat);
    match found {
        Ok(job) => job,
        Err(Idle) => seat.told().await,
    }
}

impl Seat {
    fn tell(&self, message: Message) {
        *self.message.borrow_mut() = Some(message);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    async fn told(&self) -> Option<Job> {
        poll_fn(|context| match self.message.borrow_mut().take() {
            Some(Message::Serve(job)) => Poll::Ready(Some(job)),
            Some(Message::Leave) => Poll::Ready(None),
            None => {
                *self.waker.borrow_mut() = Some(context.waker().clone());
                Poll::Pending
            }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn arrival(index: u64, class: usize) -> Arrival {
        Arrival {
            index,
            class,
            due: Duration::from_millis(index),
        }
    }

    fn pool(limit: usize) -> Pool {
        Pool {
            limit,
            ..Pool::default()
        }
    }

    #[test]
    fn users_are_made_on_demand_up_to_the_limit_and_then_arrivals_queue_in_order() {
        let (mut pool, now) = (pool(2), Instant::now());
        let made: Vec<_> = (0..4)
            .map(|k| pool.offer(arrival(k, 0), now).is_some())
            .collect();
        assert_eq!(made, [true, true, false, false]);
        let seat = Rc::default();
        for expected in [2, 3] {
            let job = pool.next(0, &seat).ok().flatten().unwrap();
            assert_eq!(job.arrival.index, expected);
            assert!(job.ready >= now);
        }
        assert!(pool.next(0, &seat).is_err(), "idle now");
    }

    #[test]
    fn the_user_that_was_busy_last_serves_first() {
        let (mut pool, now) = (pool(2), Instant::now());
        let seats: [Rc<Seat>; 2] = Default::default();
        for k in 0..2 {
            assert!(pool.offer(arrival(k, 0), now).is_some());
        }
        for seat in &seats {
            assert!(pool.next(0, seat).is_err(), "idle now");
        }
        assert!(pool.offer(arrival(2, 0), now).is_none());
        assert!(seats[0].message.borrow().is_none());
        assert!(
            matches!(*seats[1].message.borrow(), Some(Message::Serve(job)) if job.arrival.index == 2)
        );
    }

    #[test]
    fn an_idle_user_of_another_class_makes_room() {
        let (mut pool, now, seat) = (pool(1), Instant::now(), Rc::default());
        assert!(pool.offer(arrival(0, 0), now).is_some());
        assert!(pool.next(0, &seat).is_err());
        assert!(pool.offer(arrival(1, 1), now).is_none());
        assert!(
            matches!(*seat.message.borrow(), Some(Message::Serve(job)) if job.arrival.class == 1)
        );
    }

    #[test]
    fn after_the_phase_the_queue_is_served_before_users_leave() {
        let (mut pool, now, seat) = (pool(1), Instant::now(), Rc::default());
        assert!(pool.offer(arrival(0, 0), now).is_some());
        assert!(pool.offer(arrival(1, 0), now).is_none());
        assert!(pool.set_limit(0, now).is_empty());
        assert_eq!(pool.next(0, &seat).ok().flatten().unwrap().arrival.index, 1);
        assert!(matches!(pool.next(0, &seat), Ok(None)));
        assert_eq!(pool.users, 0);
    }

    #[test]
    fn a_higher_limit_makes_users_for_the_queue() {
        let (mut pool, now) = (pool(1), Instant::now());
        for k in 0..4 {
            let _ = pool.offer(arrival(k, 0), now);
        }
        let jobs = pool.set_limit(3, now);
        assert_eq!(
            jobs.iter().map(|job| job.arrival.index).collect::<Vec<_>>(),
            [1, 2]
        );
        assert_eq!(pool.users, 3);
    }
}
