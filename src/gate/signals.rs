//! Signals: the first asks the load to stop, and what was measured is still reported. The second ends the process.

use std::io;
use std::time::{Duration, Instant};

use crate::exit::Exit;

/// Signals within this time are one: a terminal and a program around this one may both hand on the same.
const SAME: Duration = Duration::from_millis(100);

/// Listens for SIGINT and SIGTERM on a thread of its own for as long as the process lives. `arrived` is called with the
/// number of the first; the next ends the process at once. On Windows Ctrl-C is SIGINT, and Ctrl-Break ends the process.
pub(super) fn listen(arrived: impl Fn(i32) + Send + 'static) -> io::Result<()> {
    let mut signals = system::signals()?;
    let obey = move || {
        let Some(first) = signals.next() else {
            return;
        };
        let since = Instant::now();
        arrived(first);
        if let Some(again) = signals.find(|_| since.elapsed() > SAME) {
            end(again);
        }
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(obey)?;
    Ok(())
}

#[expect(
    clippy::exit,
    reason = "whoever signals twice does not want to wait for anything"
)]
fn end(signal: i32) {
    std::process::exit(Exit::Signal(signal).code().into());
}

/// Listens for SIGINT and SIGTERM from now on. The function that it returns waits for the first.
pub(super) fn waiter() -> io::Result<impl FnOnce()> {
    let mut signals = system::signals()?;
    Ok(move || {
        signals.next();
    })
}

#[cfg(unix)]
mod system {
    use std::io;

    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    /// The signals as they arrive, without end.
    pub(super) fn signals() -> io::Result<impl Iterator<Item = i32> + Send + 'static> {
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        Ok(std::iter::from_fn(move || signals.forever().next()))
    }
}

#[cfg(windows)]
mod system {
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread::sleep;
    use std::time::Duration;

    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag;

    /// How often it is looked whether one arrived: there is nothing to wait for.
    const TICK: Duration = Duration::from_millis(50);

    /// The signals as they arrive, without end.
    pub(super) fn signals() -> io::Result<impl Iterator<Item = i32> + Send + 'static> {
        let flags = [SIGINT, SIGTERM].map(|signal| (signal, Arc::new(AtomicBool::new(false))));
        for (signal, arrived) in &flags {
            flag::register(*signal, Arc::clone(arrived))?;
        }
        Ok(std::iter::from_fn(move || {
            loop {
                let arrived = flags
                    .iter()
                    .find(|(_, arrived)| arrived.swap(false, Ordering::Relaxed));
                if let Some((signal, _)) = arrived {
                    return Some(*signal);
                }
                sleep(TICK);
            }
        }))
    }
}
