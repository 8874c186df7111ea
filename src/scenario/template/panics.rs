//! Panics of the template engine, which become errors of the expression.
//!
//! minijinja panics for a few expressions that only a stranger writes. No list of its filters would stay complete, so all
//! of its work is caught.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static IS_CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// What is wrong with an expression that the template engine panics for. The panic's own message may hold a value.
pub(super) const PANICKED: &str = "it is too much for the template engine; write it in another way";

/// Whether a panic of this thread becomes an error, so that it must not end the process.
pub fn catches_panics() -> bool {
    IS_CATCHING.get()
}

/// Does work of the template engine; nothing if it panics.
pub(super) fn catching<T>(work: impl FnOnce() -> T) -> Option<T> {
    let before = IS_CATCHING.replace(true);
    // What it leaves half done is dropped, apart from the generator, which stays usable whatever happens.
    let done = catch_unwind(AssertUnwindSafe(work)).ok();
    IS_CATCHING.set(before);
    done
}
