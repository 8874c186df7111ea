//! CPU time of the process and of its threads.

use std::time::{Duration, Instant};

use ::cpu_time::{ProcessTime, ThreadTime};

/// How busy one core's thread is in the measured phases.
#[derive(Debug)]
pub(super) struct CpuMeter {
    began: Option<(Instant, Duration)>,
    wall: Duration,
    cpu: Duration,
}

impl CpuMeter {
    pub(super) fn new() -> Self {
        Self {
            began: None,
            wall: Duration::ZERO,
            cpu: Duration::ZERO,
        }
    }

    /// A phase begins here, on this thread; what came before has ended.
    pub(super) fn turn(&mut self, is_measured: bool) {
        let now = (Instant::now(), thread_time());
        if let Some((at, cpu)) = self.began.take() {
            self.wall += now.0.saturating_duration_since(at);
            self.cpu += now.1.saturating_sub(cpu);
        }
        self.began = is_measured.then_some(now);
    }

    /// CPU time over wall time; none where nothing was measured.
    pub(super) fn share(&self) -> Option<f64> {
        let wall = self.wall.as_secs_f64();
        (wall > 0.0).then(|| self.cpu.as_secs_f64() / wall)
    }
}

/// CPU time of this process; on Windows in ticks of the system, usually of 15.6 ms.
pub(super) fn process_time() -> Duration {
    ProcessTime::try_now().map_or(Duration::ZERO, |time| time.as_duration())
}

/// CPU time of this thread.
pub(super) fn thread_time() -> Duration {
    ThreadTime::try_now().map_or(Duration::ZERO, |time| time.as_duration())
}
