//! Real-time scheduling of the calling thread, which is asked for on Linux only.

pub(super) use system::{enter, is_real_time};

/// Returns the calling thread to ordinary scheduling, which threads and programs that it starts inherit.
pub(super) fn leave() {
    if is_real_time() {
        system::leave();
    }
}

#[cfg(target_os = "linux")]
mod system {
    use rustix::process::{getpriority_process, setpriority_process};
    use thread_priority::{
        NormalThreadSchedulePolicy, RealtimeThreadSchedulePolicy, ThreadPriority,
        ThreadPriorityValue, ThreadSchedulePolicy, set_thread_priority_and_policy,
        thread_native_id, thread_schedule_policy,
    };

    /// What the crate makes niceness 0 of.
    const NICENESS_0: u8 = 48;

    pub(in crate::load) fn enter() -> bool {
        // The lowest real-time priority is above every ordinary program, and below whatever else the machine needs.
        let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
        set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy).is_ok()
    }

    pub(in crate::load) fn is_real_time() -> bool {
        thread_schedule_policy()
            .is_ok_and(|policy| matches!(policy, ThreadSchedulePolicy::Realtime(_)))
    }

    pub(super) fn leave() {
        let niceness = getpriority_process(None);
        let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
        // The crate also sets the niceness, here to 0. If that was another, either this fails and leaves it, or the
        // permission is there that restoring it takes.
        let zero = ThreadPriorityValue::try_from(NICENESS_0)
            .map_or(ThreadPriority::Min, ThreadPriority::Crossplatform);
        let _ = set_thread_priority_and_policy(thread_native_id(), zero, policy);
        if let Ok(niceness) = niceness {
            let _ = setpriority_process(None, niceness);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(in crate::load) fn enter() -> bool {
        false
    }

    pub(in crate::load) fn is_real_time() -> bool {
        false
    }

    pub(super) fn leave() {}
}
