//! Work on a thread of its own, so that a signal is obeyed whatever the work computes.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, LocalOptions};

use super::config::{Error, PATIENCE, Stop};

/// How often it is looked whether to stop.
const TICK: Duration = Duration::from_millis(50);

/// Does `work` and passes to `tell`, on the caller's thread, what it reports on its way. `None` if a signal ended it early:
/// usually dropped where it waited, or left behind if it still computes after [`PATIENCE`].
pub(super) fn obedient<W, T, R>(
    stop: &Stop,
    work: impl FnOnce(mpsc::Sender<R>) -> W + Send + 'static,
    on_report: &mut dyn FnMut(&R),
) -> Result<Option<T>, Error>
where
    W: Future<Output = T>,
    T: Send + 'static,
    R: Send + 'static,
{
    let (reports, reported) = mpsc::channel();
    let stopped = stop.clone();
    let thread = thread::Builder::new()
        .name("ahead".to_owned())
        .spawn(move || perform(&stopped, &reports, work))?;
    let mut until = None;
    loop {
        match reported.recv_timeout(TICK) {
            Ok(report) => on_report(&report),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) if stop.is_set() => {
                let now = Instant::now();
                if now >= *until.get_or_insert(now + PATIENCE) {
                    return Ok(None);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
    let done = thread.join().map_err(|_| Error::Worker)?;
    Ok(done?)
}

/// What the thread does. It holds a sender to its end, which is how its end is noticed.
fn perform<W: Future, R>(
    stop: &Stop,
    reports: &mpsc::Sender<R>,
    work: impl FnOnce(mpsc::Sender<R>) -> W,
) -> io::Result<Option<W::Output>> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    let done = runtime.block_on(async {
        let stopped = async {
            while !stop.is_set() {
                tokio::time::sleep(TICK).await;
            }
        };
        tokio::select! {
            biased;
            () = stopped => None,
            done = work(reports.clone()) => Some(done),
        }
    });
    // A resolver that hangs is not waited for.
    runtime.shutdown_background();
    Ok(done)
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[test]
    fn work_reports_on_its_way_and_is_done() {
        let mut seen = Vec::new();
        let work = |reports: mpsc::Sender<u32>| async move {
            for number in 0..3 {
                reports.send(number).unwrap();
            }
            "done"
        };
        let done = obedient(&Stop::default(), work, &mut |number| seen.push(*number));
        assert_eq!(done.unwrap(), Some("done"));
        assert_eq!(seen, [0, 1, 2]);
    }

    #[test]
    fn a_signal_ends_what_waits_and_what_computes() {
        let stop = Stop::default();
        stop.set(15);
        let waits = |_: mpsc::Sender<()>| pending::<()>();
        assert_eq!(obedient(&stop, waits, &mut |()| {}).unwrap(), None);

        let stop = Stop::default();
        let (began, computes) = mpsc::channel();
        let computes_on = move |_: mpsc::Sender<()>| async move {
            began.send(()).unwrap();
            loop {
                thread::sleep(Duration::from_millis(1));
            }
        };
        let signal = stop.clone();
        let signals = thread::spawn(move || {
            computes.recv().unwrap();
            signal.set(15);
        });
        let done: Option<()> = obedient(&stop, computes_on, &mut |()| {}).unwrap();
        assert_eq!(done, None);
        signals.join().unwrap();
    }
}
