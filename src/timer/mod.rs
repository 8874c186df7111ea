//! Waits until exact instants. tokio's timer counts in milliseconds, which every latency would carry.
//!
//! One alarm serves many waiters: a heap of instants, of which the earliest is set. It must not know who waits, or why.

mod alarm;
mod pacer;
mod shared;
mod waiters;

pub use pacer::Pacer;
pub use shared::Timer;
