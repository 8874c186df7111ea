//! Real-time scheduling for the threads that send load, so that other programs on the machine do not delay them.
//!
//! A real-time thread runs before every ordinary one. Two rules keep it from taking a target on the same machine what it
//! needs. Each thread has a [`Budget`] of CPU time: real-time scheduling never gives it more than [`SHARE`] of a core. And
//! a target on loopback must keep up ([`Progress`]): whenever a response wakes a real-time thread, the target loses its
//! turn to whoever else waits for the core, which lowers the throughput of a saturated target to a third or less. A
//! generator that waits for the target has nothing to be late for, and is scheduled as any other program.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::arm_state::{ArmState, Backlog};
use super::cpu_time::thread_time;
use super::live_counters::LiveCounters;
use super::real_time;
use crate::measurement::Scheduling;
use crate::timer::Pacer;

/// Which scheduling the threads of a run ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SchedulingPolicy {
    /// Real-time if the system allows it.
    #[default]
    Auto,
    /// That of any other program.
    Normal,
}

/// A run had one scheduling if it had it for more than this share of its time.
const MOSTLY: f64 = 0.95;

/// Share of one core that a thread may use with real-time scheduling. Among four busy threads on a core, an ordinary one
/// gets a quarter; with a fifth it takes no more than that from a target that shares its core with two others.
const SHARE: f64 = 0.2;
/// CPU time that may be used at once before the share counts, in seconds: enough for some thousand users that connect
/// together.
const BURST_S: f64 = 0.05;
/// How often a thread looks at what it has used: it may overdraw its budget by this much, and pays it back.
const PERIOD: Duration = Duration::from_millis(10);

/// CPU time that a thread may use with real-time scheduling: a token bucket, filled at [`SHARE`] up to [`BURST_S`].
#[derive(Debug)]
struct Budget {
    left_s: f64,
    open: bool,
}

impl Budget {
    fn new() -> Self {
        Self {
            left_s: BURST_S,
            open: true,
        }
    }

    /// Accounts for CPU time used in a time that has passed. Returns whether the thread may run in real time from now on:
    /// until the budget is spent, and again once it is full.
    fn spend(&mut self, passed: Duration, used: Duration) -> bool {
        let earned = SHARE * passed.as_secs_f64();
        // A thread that shares its core like any other owes nothing for what it gets.
        let floor = if self.open {
            f64::NEG_INFINITY
        } else {
            self.left_s.min(0.0)
        };
        self.left_s = (self.left_s + earned - used.as_secs_f64()).clamp(floor, BURST_S);
        self.open = if self.open {
            self.left_s > 0.0
        } else {
            self.left_s >= BURST_S
        };
        self.open
    }
}

/// How often a target's progress is looked at.
const STEP: Duration = Duration::from_millis(100);
/// Over how many steps its backlog must not grow.
const STEPS: usize = 10;
/// Growth of the backlog that is chance, in requests, and as a share of those that began meanwhile.
const GROWTH: (f64, f64) = (10.0, 0.1);
/// How long real-time scheduling is left after a target did not keep up; twice as long each further time.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Whether a target keeps up with the load, step by step.
///
/// In the open model it does unless its backlog grows. In the closed model the backlog cannot grow, and users of a
/// saturated target spend most of their time waiting for it.
#[derive(Debug, Default)]
struct Progress {
    /// Backlog and requests that have ended so far, by step.
    steps: VecDeque<(Backlog, u64)>,
}

impl Progress {
    fn keeps_up(&mut self, now: Backlog, ended: u64) -> bool {
        if self
            .steps
            .back()
            .is_some_and(|(last, _)| last.users.is_none() != now.users.is_none())
        {
            self.steps.clear();
        }
        self.steps.push_back((now, ended));
        if self.steps.len() > STEPS {
            self.steps.pop_front();
        }
        if now.users.is_some() {
            let outstanding: usize = self.steps.iter().map(|(step, _)| step.outstanding).sum();
            let users: usize = self.steps.iter().filter_map(|(step, _)| step.users).sum();
            return outstanding * 2 <= users;
        }
        let first = self.steps.front().copied().unwrap_or((now, ended));
        let growth = now.outstanding as f64 - first.0.outstanding as f64;
        let began = growth + ended.saturating_sub(first.1) as f64;
        growth <= GROWTH.0 + GROWTH.1 * began
    }
}

/// Time with and without real-time scheduling.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Held {
    pub(super) real_time: Duration,
    pub(super) all: Duration,
}

impl Held {
    /// Adds what another thread had.
    pub(super) fn add(&mut self, other: Self) {
        self.real_time += other.real_time;
        self.all += other.all;
    }

    /// What that comes to, for the record.
    pub(super) fn scheduling(self) -> Scheduling {
        let share = self.real_time.as_secs_f64() / self.all.as_secs_f64();
        // Not a number if there was no time at all.
        if share > MOSTLY {
            Scheduling::RealTime
        } else if share > 1.0 - MOSTLY {
            Scheduling::PartlyRealTime
        } else {
            Scheduling::Normal
        }
    }
}

/// Gives the calling thread real-time scheduling while its budget lasts.
#[derive(Debug)]
pub(super) struct Governor(Option<RefCell<State>>);

#[derive(Debug)]
struct State {
    budget: Budget,
    /// When it was last looked at, and the thread's CPU time then.
    seen: (Instant, Duration),
    held: Held,
    /// When targets are looked at next.
    next_step: Instant,
    /// Until when a target that did not keep up is left alone, and for how long next time.
    paused: Option<Instant>,
    pause: Duration,
}

/// A target on this machine, as this thread loads it; both targets of a mixed duet, which have their users in common.
pub(super) struct LocalTarget {
    arms: Vec<(Rc<ArmState>, Arc<LiveCounters>)>,
    progress: Progress,
}

impl LocalTarget {
    pub(super) fn new(arms: Vec<(Rc<ArmState>, Arc<LiveCounters>)>) -> Self {
        Self {
            arms,
            progress: Progress::default(),
        }
    }

    fn keeps_up(&mut self) -> bool {
        let backlogs = self.arms.iter().map(|(core, _)| core.backlog());
        let ended = self.arms.iter().map(|(_, pulse)| pulse.requests()).sum();
        let backlog = backlogs.reduce(Backlog::with);
        backlog.is_none_or(|backlog| self.progress.keeps_up(backlog, ended))
    }
}

impl Governor {
    /// Asks the system for real-time scheduling of this thread. If it refuses, nothing changes.
    pub(super) fn start(policy: SchedulingPolicy) -> Self {
        let is_real_time = policy == SchedulingPolicy::Auto && real_time::enter();
        Self(is_real_time.then(|| {
            RefCell::new(State {
                budget: Budget::new(),
                seen: (Instant::now(), thread_time()),
                held: Held::default(),
                next_step: Instant::now(),
                paused: None,
                pause: PAUSE,
            })
        }))
    }

    /// Holds this thread to the rules, for as long as it is polled.
    pub(super) async fn run(&self, pacer: &Pacer, mut targets: Vec<LocalTarget>) {
        let Some(state) = &self.0 else {
            return;
        };
        loop {
            pacer.until(Instant::now() + PERIOD).await;
            state.borrow_mut().look(&mut targets);
        }
    }

    /// How long the thread had real-time scheduling so far.
    pub(super) fn held(&self) -> Held {
        let Some(state) = &self.0 else {
            return Held::default();
        };
        let mut state = state.borrow_mut();
        state.account();
        state.held
    }
}

impl State {
    fn look(&mut self, targets: &mut [LocalTarget]) {
        let has_budget = self.account();
        let now = self.seen.0;
        if now >= self.next_step {
            // At first more often, so that users who wait for nothing but the target show at once.
            let is_young = self.held.all < STEP;
            self.next_step = now + if is_young { PERIOD } else { STEP };
            // Each is looked at, whatever the others do.
            let behind = targets
                .iter_mut()
                .filter_map(|target| (!target.keeps_up()).then_some(()));
            let keep_up = behind.count() == 0;
            if self.paused.is_some_and(|until| now >= until) {
                self.paused = None;
            }
            if !keep_up && self.paused.is_none() {
                self.paused = Some(now + self.pause);
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            }
        }
        match (
            has_budget && self.paused.is_none(),
            real_time::is_real_time(),
        ) {
            (true, false) => _ = real_time::enter(),
            (false, true) => real_time::leave(),
            (true, true) | (false, false) => {}
        }
    }

    /// Accounts for the time since it was last looked at. Returns whether there is budget left.
    fn account(&mut self) -> bool {
        let now = (Instant::now(), thread_time());
        let passed = now.0.saturating_duration_since(self.seen.0);
        let used = now.1.saturating_sub(self.seen.1);
        self.seen = now;
        self.held.all += passed;
        // Asked anew each time, since whoever starts a program leaves it.
        if real_time::is_real_time() {
            self.held.real_time += passed;
        }
        self.budget.spend(passed, used)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever a thread does, it uses at most its share of the time with real-time scheduling, and what it may use
        /// at once. One look may overdraw.
        #[test]
        fn real_time_is_bounded(looks in prop::collection::vec((1_u64..200, 0.0..1.0), 1..400)) {
            let mut budget = Budget::new();
            let (mut all, mut used, mut most) = (0.0, 0.0, 0.0_f64);
            for (ms, busy) in looks {
                let passed = Duration::from_millis(ms);
                let cpu = passed.mul_f64(busy);
                let is_real_time = budget.open;
                budget.spend(passed, cpu);
                all += passed.as_secs_f64();
                if is_real_time {
                    used += cpu.as_secs_f64();
                    most = most.max(cpu.as_secs_f64());
                }
                prop_assert!(used <= BURST_S + SHARE * all + most + 1e-9, "{used} s of {all} s");
            }
        }
    }

    /// Looks at a thread that is so busy for so many periods; returns for how many it ran in real time.
    fn real_time_looks(budget: &mut Budget, busy: f64, looks: u32) -> u32 {
        let period = Duration::from_millis(10);
        let mut looks = (0..looks).map(|_| budget.spend(period, period.mul_f64(busy)));
        u32::try_from(looks.by_ref().filter(|open| *open).count()).unwrap()
    }

    #[test]
    fn a_light_thread_stays_real_time() {
        assert_eq!(real_time_looks(&mut Budget::new(), 0.15, 6_000), 6_000);
    }

    #[test]
    fn a_saturated_thread_becomes_normal_and_stays_so() {
        let mut budget = Budget::new();
        assert!(real_time_looks(&mut budget, 0.9, 100) < 10);
        assert_eq!(real_time_looks(&mut budget, 0.4, 6_000), 0);
    }

    #[test]
    fn a_thread_that_calmed_down_is_real_time_again() {
        let mut budget = Budget::new();
        real_time_looks(&mut budget, 0.9, 1_000);
        assert!(real_time_looks(&mut budget, 0.05, 100) > 50);
    }

    /// Steps in which so many requests begin and end each, in the open model or of so many closed users; returns in how
    /// many of them the target keeps up.
    fn steps(users: Option<usize>, steps: &[(u64, u64)]) -> usize {
        let mut progress = Progress::default();
        let (mut began, mut ended) = (0, 0);
        let keeps_up = |(more, done)| {
            (began, ended) = (began + more, ended + done);
            let outstanding = usize::try_from(began - ended).unwrap();
            progress.keeps_up(Backlog { outstanding, users }, ended)
        };
        steps.iter().copied().map(keeps_up).filter(|up| *up).count()
    }

    #[test]
    fn a_target_keeps_up_unless_its_backlog_grows() {
        let steady = [(60, 60); 100];
        assert_eq!(steps(None, &steady), 100);
        // It responds after 100 ms, then in 200 ms.
        let mut slower = [(60, 60); 100];
        (slower[0].1, slower[50].1) = (0, 0);
        assert!(steps(None, &slower) > 75);
        assert!(steps(None, &[(60, 50); 100]) < 10);
        assert!(steps(None, &[(20, 15); 100]) < 10);
        // Nothing ends at all.
        assert!(steps(None, &[(5, 0); 100]) < 10);
    }

    #[test]
    fn closed_users_that_mostly_wait_for_the_target_saturate_it() {
        let busy = |outstanding: u64| {
            let mut all = [(60, 60); 100];
            all[0].1 = 60 - outstanding;
            steps(Some(20), &all)
        };
        assert_eq!(busy(3), 100);
        assert_eq!(busy(20), 0);
        assert_eq!(busy(12), 0);
    }

    #[test]
    fn a_run_is_called_by_what_it_mostly_had() {
        let held = |real_time, all| Held {
            real_time: Duration::from_millis(real_time),
            all: Duration::from_millis(all),
        };
        for (held, scheduling) in [
            (held(0, 0), Scheduling::Normal),
            (held(3, 100), Scheduling::Normal),
            (held(50, 100), Scheduling::PartlyRealTime),
            (held(100, 100), Scheduling::RealTime),
        ] {
            assert_eq!(held.scheduling(), scheduling, "{held:?}");
        }
    }

    /// The system refuses without the permission; then there is nothing to see.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_leaves_real_time_with_the_niceness_it_had() {
        use thread_priority::{
            NormalThreadSchedulePolicy::Other, ThreadSchedulePolicy, thread_schedule_policy,
        };

        std::thread::spawn(|| {
            let before = rustix::process::getpriority_process(None);
            let governor = Governor::start(SchedulingPolicy::Auto);
            let policy = thread_schedule_policy().unwrap();
            let is_real_time = matches!(policy, ThreadSchedulePolicy::Realtime(_));
            assert_eq!(governor.held().all > Duration::ZERO, is_real_time);
            real_time::leave();
            let policy = thread_schedule_policy();
            assert_eq!(policy, Ok(ThreadSchedulePolicy::Normal(Other)));
            assert_eq!(rustix::process::getpriority_process(None), before);
        })
        .join()
        .unwrap();
    }
}
