//! Signals: the first asks the load to stop, and what was measured is still told.

use std::io;
use std::sync::mpsc;

use tokio::signal::unix::{SignalKind, signal};

/// Listens for SIGINT and SIGTERM on a thread of its own for as long as the process lives. `arrived` is called once for
/// each signal, with its number.
pub(super) fn listen(arrived: impl Fn(i32) + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let guard = runtime.enter();
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    drop(guard);
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                loop {
                    let number = tokio::select! {
                        _ = interrupt.recv() => SignalKind::interrupt().as_raw_value(),
                        _ = terminate.recv() => SignalKind::terminate().as_raw_value(),
                    };
                    arrived(number);
                }
            });
        })?;
    Ok(())
}

/// Waits for SIGINT or SIGTERM.
pub(super) fn wait() -> io::Result<()> {
    let (sender, receiver) = mpsc::channel();
    listen(move |signal| {
        let _ = sender.send(signal);
    })?;
    receiver.recv().map(drop).map_err(io::Error::other)
}
