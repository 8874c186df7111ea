//! Panics: a bug of loadgate ends the process with one line and a code of the contract, whichever thread it is in.
//!
//! A thread that panicked leaves others waiting for it, so none of them goes on.

use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};

use super::console;
use crate::exit::Exit;
use crate::report;
use crate::scenario::catches_panics;

/// The longest message, in columns.
const LONGEST: usize = 200;

/// Whether a panic ends the process already.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Whether anything may have been sent.
static SENDING: AtomicBool = AtomicBool::new(false);

/// Notes that requests may be sent from now on.
pub(super) fn sending() {
    SENDING.store(true, Ordering::Relaxed);
}

/// Makes every panic end the process.
pub fn end_at_panics() {
    std::panic::set_hook(Box::new(end));
}

#[expect(
    clippy::exit,
    reason = "a panic in any thread must end the process with a code of the contract"
)]
fn end(panic: &PanicHookInfo<'_>) {
    if catches_panics() {
        return;
    }
    while ENDING.swap(true, Ordering::Relaxed) {
        std::thread::park();
    }
    // A message that was put together may hold what a scenario or a target wrote.
    let written = panic.payload().downcast_ref::<&'static str>();
    let message = written.copied().unwrap_or("a panic");
    let place = panic.location().map(ToString::to_string);
    console::print_error(&format!(
        "error: loadgate has a bug: {} ({}); please report it with what you ran",
        report::fitted(message, LONGEST),
        place.unwrap_or_default()
    ));
    let exit = if SENDING.load(Ordering::Relaxed) {
        Exit::Invalid
    } else {
        Exit::Usage
    };
    std::process::exit(exit.code().into());
}
