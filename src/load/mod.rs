//! Send it, on time. The only room that is async and knows the HTTP client.
//!
//! A [`schedule::Schedule`] yields the instants at which load is due, computed from the start of the run and never from
//! the answer before, so that coordinated omission is handled by construction. One current-thread runtime per core runs
//! its share of the users; each core fills its own measurement, merged after the join. This room must not know what is
//! promised, kept or reported.

mod alarm;
mod alternate;
mod apart;
mod clock;
mod command;
mod cookies;
mod core;
mod course;
mod crew;
mod draws;
mod engine;
mod health;
pub mod http;
mod look;
mod message;
mod order;
mod pacer;
mod pool;
mod prepared;
mod progress;
mod pulse;
mod reach;
mod ready;
mod recorder;
mod redirect;
mod rehearsal;
mod rows;
pub mod schedule;
mod scheduling;
mod sender;
mod shares;
mod signature;
mod site;
mod timeline;
pub mod timetable;
mod user;
mod witness;
mod worker;

pub use course::{Turns, duet_lasts, duet_load};
pub use engine::{run, run_duet};
pub use health::{Health, TooFewFiles};
pub use http::{Origin, OriginError, Proxy, ProxyError, TlsError, Trust};
pub use order::{Abort, Duet, Ended, Error, Further, Hooks, Lost, Order, Outcome, Stop, Waiting};
pub use progress::{Progress, Turn};
pub use ready::READY_WITHIN;
pub use rehearsal::{Deed, Rehearsed, rehearse};
pub use scheduling::{Scheduling, SchedulingPolicy};
pub use witness::{Shown, Witness};
