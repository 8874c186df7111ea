//! From where a request is sent, as a constant that the functions between a user's task and its socket carry.
//!
//! A system call makes the processor forget where it was to return to, so every call that is still open above one costs
//! a mispredicted return. The path from the task to the socket is ten futures deep, each polled by the one above; the
//! compiler merges a future into the only place that polls it. With the place in its type, each future has only one.

/// A task of the closed model.
pub(super) const CLOSED: u8 = 0;
/// A task of the open model.
pub(super) const OPEN: u8 = 1;
/// What a user of the closed model does first.
pub(super) const ON_START: u8 = 2;
/// What a user of the open model does first.
pub(super) const LOG_IN: u8 = 3;
/// What is sent ahead of the load, by nobody in a hurry.
pub(super) const AHEAD: u8 = 4;
/// A redirect that is followed.
pub(super) const HOP: u8 = 5;
/// What looks whether the target is ready.
pub(super) const READY: u8 = 6;
/// Everything of the closed model in a mixed duet: two places, which the binary is smaller for.
pub(super) const MIXED: u8 = 7;
