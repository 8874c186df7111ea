//! An alarm that goes off at an instant, and can be set to another at any time.

#[cfg(not(target_os = "linux"))]
pub(super) use portable::Alarm;
#[cfg(target_os = "linux")]
pub(super) use timerfd::Alarm;

#[cfg(target_os = "linux")]
mod timerfd {
    //! A `timerfd`: exact to some microseconds, and costs nothing while it waits.

    use std::io;
    use std::os::fd::OwnedFd;
    use std::task::{Context, Poll, ready};
    use std::time::{Duration, Instant};

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::unix::AsyncFd;

    #[derive(Debug)]
    pub(in crate::timer) struct Alarm(AsyncFd<OwnedFd>);

    impl Alarm {
        pub(in crate::timer) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            #[expect(
                deprecated,
                reason = "its successor is unsafe, for descriptors that may close early; an OwnedFd cannot"
            )]
            AsyncFd::new(timer).map(Self)
        }

        /// Sets the alarm, or moves it.
        pub(in crate::timer) fn set(&self, at: Instant) {
            // Zero would switch the timer off.
            let after = at
                .saturating_duration_since(Instant::now())
                .max(Duration::from_nanos(1));
            let value = Itimerspec {
                it_interval: Timespec {
                    tv_sec: 0,
                    tv_nsec: 0,
                },
                it_value: Timespec {
                    tv_sec: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                    tv_nsec: after.subsec_nanos().into(),
                },
            };
            // Fails only for a broken descriptor or value, and ours are neither.
            let _ = timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &value);
        }

        /// Ready once after each time that the alarm went off. Setting the timer again clears it, so that it needs no read.
        pub(in crate::timer) fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
            if let Ok(mut ready) = ready!(self.0.poll_read_ready(context)) {
                ready.clear_ready();
            }
            Poll::Ready(())
        }
    }
}

#[cfg(any(not(target_os = "linux"), test))]
mod portable {
    //! A thread that waits. tokio's timer counts in milliseconds, and on Windows in the system's ticks of 15.6 ms, as does
    //! there whatever can be cut short; a thread that sleeps is woken in time.

    use std::io;
    use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
    use std::task::{Context, Poll, Waker};
    use std::thread;
    use std::time::{Duration, Instant};

    /// How long before the instant the wait that can be cut short must be over, since it may last a tick of the system too
    /// long.
    const COARSE: Duration = Duration::from_millis(if cfg!(windows) { 32 } else { 0 });
    /// How long it is slept at once after that. An earlier instant is seen after so long.
    const STEP: Duration = Duration::from_millis(1);

    #[derive(Debug)]
    pub(in crate::timer) struct Alarm(Arc<Shared>);

    #[derive(Debug, Default)]
    struct Shared {
        setting: Mutex<Setting>,
        changed: Condvar,
    }

    #[derive(Debug, Default)]
    struct Setting {
        at: Option<Instant>,
        rang: bool,
        waker: Option<Waker>,
        dropped: bool,
    }

    impl Alarm {
        pub(in crate::timer) fn new() -> io::Result<Self> {
            let shared = Arc::new(Shared::default());
            let own = Arc::clone(&shared);
            thread::Builder::new()
                .name("alarm".to_owned())
                .spawn(move || own.run())?;
            Ok(Self(shared))
        }

        /// Sets the alarm, or moves it.
        pub(in crate::timer) fn set(&self, at: Instant) {
            let mut setting = self.0.lock();
            (setting.at, setting.rang) = (Some(at), false);
            drop(setting);
            self.0.changed.notify_one();
        }

        /// Ready once after each time that the alarm went off.
        pub(in crate::timer) fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
            let mut setting = self.0.lock();
            if std::mem::take(&mut setting.rang) {
                return Poll::Ready(());
            }
            setting.waker = Some(context.waker().clone());
            Poll::Pending
        }
    }

    impl Drop for Alarm {
        fn drop(&mut self) {
            self.0.lock().dropped = true;
            self.0.changed.notify_one();
        }
    }

    impl Shared {
        fn lock(&self) -> MutexGuard<'_, Setting> {
            self.setting.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn run(&self) {
            let mut setting = self.lock();
            while !setting.dropped {
                let left = setting
                    .at
                    .map(|at| at.saturating_duration_since(Instant::now()));
                setting = match left {
                    None => {
                        let changed = self.changed.wait(setting);
                        changed.unwrap_or_else(PoisonError::into_inner)
                    }
                    Some(Duration::ZERO) => {
                        (setting.at, setting.rang) = (None, true);
                        let waker = setting.waker.take();
                        drop(setting);
                        waker.into_iter().for_each(Waker::wake);
                        self.lock()
                    }
                    Some(left) if left > COARSE => {
                        let coarse = left.saturating_sub(COARSE);
                        let changed = self.changed.wait_timeout(setting, coarse);
                        changed.unwrap_or_else(PoisonError::into_inner).0
                    }
                    Some(left) => {
                        drop(setting);
                        thread::sleep(left.min(STEP));
                        self.lock()
                    }
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    /// The claims hold for every kind of alarm.
    macro_rules! claims {
        ($kind:ident) => {
            mod $kind {
                use std::future::poll_fn;
                use std::time::{Duration, Instant};

                use super::super::$kind::Alarm;

                #[tokio::test]
                async fn it_goes_off_once_and_never_early() {
                    let alarm = Alarm::new().unwrap();
                    let start = Instant::now();
                    for round in 1..=5 {
                        alarm.set(start + Duration::from_millis(3) * round);
                        poll_fn(|context| alarm.poll(context)).await;
                        assert!(start.elapsed() >= Duration::from_millis(3) * round);
                        let again = poll_fn(|context| alarm.poll(context));
                        let again = tokio::time::timeout(Duration::from_millis(20), again).await;
                        assert!(again.is_err(), "it went off twice");
                    }
                }

                #[tokio::test]
                async fn it_goes_off_at_the_instant_that_was_set_last() {
                    for (first, last) in [(3_600_000, 1), (3_600_000, 50), (20, 1)] {
                        let alarm = Alarm::new().unwrap();
                        let start = Instant::now();
                        alarm.set(start + Duration::from_millis(first));
                        let moves = async {
                            tokio::task::yield_now().await;
                            alarm.set(start + Duration::from_millis(last));
                        };
                        tokio::join!(poll_fn(|context| alarm.poll(context)), moves);
                        let took = start.elapsed();
                        assert!(took >= Duration::from_millis(last));
                        assert!(took < Duration::from_mins(1), "{took:?}");
                    }
                }
            }
        };
    }

    #[cfg(target_os = "linux")]
    claims!(timerfd);
    claims!(portable);
}
