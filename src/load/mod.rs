//! Send it, on time. The only room that is async and knows the HTTP client.
//!
//! A [`schedule::Schedule`] yields the instants at which load is due, computed from the start of the run and never from
//! the answer before, so that coordinated omission is handled by construction. One current-thread runtime per core runs
//! its share of the users; each core fills its own measurement, merged after the join. This room must not know what is
//! promised, kept or reported.

mod draws;
pub mod http1;
pub mod schedule;
mod shares;
pub mod timetable;
