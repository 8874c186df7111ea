//! Execution environments: which request gets a warm one, which a new one, and which none.
//!
//! Pure: the time is given. An invocation runs to its end whether or not the client still waits, as on Lambda, so the
//! moment at which its environment falls idle is known when it starts, and nothing has to be handed back.

use super::config::Config;
use super::functions::Function;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// All execution environments of the account.
#[derive(Debug)]
pub(super) struct Environments {
    pools: [Pool; Function::COUNT],
    idle_expiry: Duration,
    concurrency: usize,
}

/// One admitted request. Its environment is out of the pool until it [occupies](Environments::occupy) it.
#[must_use = "an environment that is not occupied is lost"]
#[derive(Debug)]
pub(super) struct Invocation {
    /// How many invocations its function had before.
    pub(super) index: u64,
    /// Whether the environment was there already.
    pub(super) start: Start,
    function: Function,
    kind: Kind,
}

/// How an environment came to serve a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// It was made for it.
    Cold,
    /// It was made ahead of its first request. Pools only know [`Cold`](Start::Cold): the gateway draws which it is.
    Preinitialized,
    /// It was idle.
    Warm,
}

/// The environments of one function; each serves one request at a time.
#[derive(Debug)]
struct Pool {
    invocations: u64,
    /// The environments that serve, by the moment at which they fall idle.
    busy: BinaryHeap<Reverse<(Duration, Kind)>>,
    /// The moments since which on-demand environments are idle, the newest last.
    idle: Vec<Duration>,
    /// The idle environments that never expire, of which one is like another.
    idle_provisioned: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    OnDemand,
    Provisioned,
}

impl Environments {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            pools: std::array::from_fn(|_| Pool::new(config.provisioned)),
            idle_expiry: config.idle_expiry,
            concurrency: config.concurrency,
        }
    }

    /// Finds an environment for a request, or none where as many as may run at once do run.
    ///
    /// Time must not run backwards from call to call.
    pub(super) fn admit(&mut self, function: Function, now: Duration) -> Option<Invocation> {
        for pool in &mut self.pools {
            pool.settle(now);
        }
        let busy: usize = self.pools.iter().map(|pool| pool.busy.len()).sum();
        if busy >= self.concurrency {
            return None;
        }
        let pool = &mut self.pools[function as usize];
        let (kind, start) = pool.take(now, self.idle_expiry);
        let index = pool.invocations;
        pool.invocations += 1;
        Some(Invocation {
            index,
            start,
            function,
            kind,
        })
    }

    /// Keeps the environment of an admitted request busy until the invocation ends.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "taken away, so that one request occupies one environment"
    )]
    pub(super) fn occupy(&mut self, invocation: Invocation, end: Duration) {
        let Invocation { function, kind, .. } = invocation;
        self.pools[function as usize]
            .busy
            .push(Reverse((end, kind)));
    }
}

impl Pool {
    fn new(provisioned: usize) -> Self {
        Self {
            invocations: 0,
            busy: BinaryHeap::new(),
            idle: Vec::new(),
            idle_provisioned: provisioned,
        }
    }

    /// Lets environments that have ended their invocation fall idle, the earliest first.
    fn settle(&mut self, now: Duration) {
        while let Some(&Reverse((end, kind))) = self.busy.peek()
            && end <= now
        {
            self.busy.pop();
            match kind {
                Kind::OnDemand => self.idle.push(end),
                Kind::Provisioned => self.idle_provisioned += 1,
            }
        }
    }

    /// Takes an environment: provisioned, else the one that was used last, as Lambda does, else a new one.
    fn take(&mut self, now: Duration, idle_expiry: Duration) -> (Kind, Start) {
        if self.idle_provisioned > 0 {
            self.idle_provisioned -= 1;
            return (Kind::Provisioned, Start::Warm);
        }
        match self.idle.pop() {
            Some(since) if now.saturating_sub(since) < idle_expiry => (Kind::OnDemand, Start::Warm),
            // Where the one used last has expired, so have all others.
            Some(_) | None => {
                self.idle.clear();
                (Kind::OnDemand, Start::Cold)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Function::{CheckOut, LogIn};
    use Start::{Cold, Warm};

    fn environments(config: Config) -> Environments {
        Environments::new(&Config {
            idle_expiry: Duration::from_secs(10),
            ..config
        })
    }

    /// An invocation from one second to another.
    fn invoke(
        environments: &mut Environments,
        function: Function,
        now: u64,
        end: u64,
    ) -> Option<Start> {
        let invocation = environments.admit(function, Duration::from_secs(now))?;
        let start = invocation.start;
        environments.occupy(invocation, Duration::from_secs(end));
        Some(start)
    }

    #[test]
    fn the_first_request_is_cold_and_the_next_is_warm() {
        let mut all = environments(Config::default());
        assert_eq!(invoke(&mut all, LogIn, 0, 1), Some(Cold));
        assert_eq!(invoke(&mut all, LogIn, 1, 2), Some(Warm));
    }

    #[test]
    fn requests_at_once_need_an_environment_each() {
        let mut all = environments(Config::default());
        assert_eq!(invoke(&mut all, LogIn, 0, 5), Some(Cold));
        assert_eq!(invoke(&mut all, LogIn, 1, 5), Some(Cold));
        assert_eq!(invoke(&mut all, LogIn, 5, 6), Some(Warm));
        assert_eq!(invoke(&mut all, LogIn, 5, 6), Some(Warm));
        assert_eq!(invoke(&mut all, LogIn, 5, 6), Some(Cold));
    }

    #[test]
    fn functions_share_no_environment() {
        let mut all = environments(Config::default());
        assert_eq!(invoke(&mut all, LogIn, 0, 1), Some(Cold));
        assert_eq!(invoke(&mut all, CheckOut, 2, 3), Some(Cold));
    }

    #[test]
    fn an_environment_expires_when_it_was_idle_for_long() {
        let mut all = environments(Config::default());
        assert_eq!(invoke(&mut all, LogIn, 0, 1), Some(Cold));
        assert_eq!(invoke(&mut all, LogIn, 10, 11), Some(Warm), "idle for 9 s");
        assert_eq!(invoke(&mut all, LogIn, 21, 22), Some(Cold), "idle for 10 s");
    }

    #[test]
    fn the_environment_used_last_is_used_first() {
        let mut all = environments(Config::default());
        invoke(&mut all, LogIn, 0, 1);
        invoke(&mut all, LogIn, 0, 5);
        // The one idle since 5 s serves again and again; the one idle since 1 s is left to expire.
        for now in [6, 8, 10] {
            assert_eq!(invoke(&mut all, LogIn, now, now + 1), Some(Warm));
        }
        assert_eq!(invoke(&mut all, LogIn, 12, 13), Some(Warm));
        assert_eq!(
            invoke(&mut all, LogIn, 12, 13),
            Some(Cold),
            "the other has expired"
        );
    }

    #[test]
    fn the_concurrency_limit_holds_over_all_functions() {
        let mut all = environments(Config {
            concurrency: 2,
            ..Config::default()
        });
        assert_eq!(invoke(&mut all, LogIn, 0, 5), Some(Cold));
        assert_eq!(invoke(&mut all, CheckOut, 0, 3), Some(Cold));
        assert_eq!(invoke(&mut all, LogIn, 2, 5), None);
        assert_eq!(
            invoke(&mut all, LogIn, 3, 5),
            Some(Cold),
            "the checkout has ended"
        );
    }

    #[test]
    fn a_throttled_request_takes_no_index() {
        let mut all = environments(Config {
            concurrency: 1,
            ..Config::default()
        });
        let mut index = |now: u64| {
            let invocation = all.admit(LogIn, Duration::from_secs(now))?;
            let index = invocation.index;
            all.occupy(invocation, Duration::from_secs(now + 2));
            Some(index)
        };
        assert_eq!([index(0), index(1), index(2)], [Some(0), None, Some(1)]);
    }

    #[test]
    fn provisioned_environments_are_warm_and_stay() {
        let mut all = environments(Config {
            provisioned: 1,
            ..Config::default()
        });
        assert_eq!(invoke(&mut all, LogIn, 0, 5), Some(Warm));
        assert_eq!(
            invoke(&mut all, LogIn, 0, 5),
            Some(Cold),
            "spills over to on-demand"
        );
        assert_eq!(invoke(&mut all, LogIn, 1_000, 1_001), Some(Warm));
    }
}
