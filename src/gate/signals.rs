//! Signals: the first asks the load to stop, and what was measured is still told.

use std::io;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Listens for SIGINT and SIGTERM on a thread of its own for as long as the process lives. `arrived` is called once for
/// each signal, with its number.
pub(super) fn listen(arrived: impl Fn(i32) + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || signals.forever().for_each(arrived))?;
    Ok(())
}

/// Waits for SIGINT or SIGTERM.
pub(super) fn wait() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    signals.forever().next();
    Ok(())
}
