//! An alarm that rings once at a set time, and can be set anew at any time.

use std::time::Duration;

#[cfg(target_os = "linux")]
pub(super) type Alarm = timerfd::Alarm;
#[cfg(not(target_os = "linux"))]
pub(super) type Alarm = portable::Alarm;

/// A `timerfd` is some 40 µs late where tokio's timer, which counts in milliseconds, is up to 2 ms late.
#[cfg(target_os = "linux")]
mod timerfd {
    use super::Duration;
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use std::io;
    use std::os::fd::OwnedFd;
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    #[derive(Debug)]
    pub(in super::super) struct Alarm(AsyncFd<OwnedFd>);

    impl Alarm {
        /// An alarm that is not set. Needs a runtime around it.
        #[expect(
            deprecated,
            reason = "its successor is unsafe, which we forbid, so that the descriptor stays open: an OwnedFd does"
        )]
        pub(in super::super) fn new() -> io::Result<Self> {
            let timer = timerfd_create(
                TimerfdClockId::Monotonic,
                TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
            )?;
            AsyncFd::with_interest(timer, Interest::READABLE).map(Self)
        }

        /// Sets it to ring once after this time, forgetting what it was set to.
        pub(in super::super) fn set(&self, after: Duration) {
            let value = Itimerspec {
                it_interval: Timespec::default(),
                // A timer that is set to zero is switched off.
                it_value: timespec(after.max(Duration::from_nanos(1))),
            };
            // Fails only on a bad descriptor or a bad time, and both are ours.
            let _ = timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &value);
        }

        /// Waits until it rings.
        pub(in super::super) async fn ring(&self) -> io::Result<()> {
            loop {
                let mut ready = self.0.readable().await?;
                let mut rings = [0; 8];
                match ready.try_io(|timer| Ok(rustix::io::read(timer, &mut rings)?)) {
                    Ok(read) => return read.map(|_| ()),
                    // It was set anew in between.
                    Err(_would_block) => {}
                }
            }
        }
    }

    fn timespec(duration: Duration) -> Timespec {
        Timespec {
            tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: duration.subsec_nanos().into(),
        }
    }
}

/// Tokio's timer, for systems without a better one.
#[cfg(any(not(target_os = "linux"), test))]
mod portable {
    use super::Duration;
    use std::io;
    use tokio::sync::watch;
    use tokio::time::{Instant, sleep_until};

    #[derive(Debug)]
    pub(in super::super) struct Alarm(watch::Sender<Option<Instant>>);

    impl Alarm {
        #[expect(clippy::unnecessary_wraps, reason = "its twin, the timerfd, may fail")]
        pub(in super::super) fn new() -> io::Result<Self> {
            Ok(Self(watch::Sender::new(None)))
        }

        pub(in super::super) fn set(&self, after: Duration) {
            self.0.send_replace(Some(Instant::now() + after));
        }

        pub(in super::super) async fn ring(&self) -> io::Result<()> {
            let mut setting = self.0.subscribe();
            loop {
                let time = *setting.borrow_and_update();
                let rings = async {
                    match time {
                        Some(time) => sleep_until(time).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = rings => {
                        self.0.send_if_modified(|set| {
                            let rang = *set == time;
                            if rang { *set = None; }
                            rang
                        });
                        return Ok(());
                    }
                    changed = setting.changed() => changed.map_err(io::Error::other)?,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    /// The claims hold for every kind of alarm.
    macro_rules! claims {
        ($kind:ident) => {
            mod $kind {
                use super::*;

                #[tokio::test]
                async fn it_never_rings_early() {
                    let alarm = super::super::$kind::Alarm::new().unwrap();
                    let start = Instant::now();
                    for round in 1..=5 {
                        alarm.set(Duration::from_millis(3));
                        alarm.ring().await.unwrap();
                        assert!(start.elapsed() >= Duration::from_millis(3) * round);
                    }
                }

                #[tokio::test]
                async fn it_rings_at_the_time_it_was_set_to_last() {
                    let alarm = super::super::$kind::Alarm::new().unwrap();
                    alarm.set(Duration::from_hours(1));
                    let (rang, ()) =
                        tokio::join!(alarm.ring(), async { alarm.set(Duration::ZERO) });
                    rang.unwrap();
                }
            }
        };
    }

    #[cfg(target_os = "linux")]
    claims!(timerfd);
    claims!(portable);
}
