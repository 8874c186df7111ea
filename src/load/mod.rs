//! Send it, on time. The only room that is async and knows the HTTP client.
//!
//! A [`schedule::Schedule`] yields the instants at which load is due, computed from the start of the run and never from
//! the response before, so that coordinated omission is handled by construction. One current-thread runtime per core runs
//! its share of the users; each core fills its own measurement, merged after the join. This room must not know what is
//! promised, kept or reported.

mod apart;
mod arm_clock;
mod arm_state;
mod budget;
mod command;
mod config;
mod cookies;
mod cpu_time;
mod data_feed;
mod dealing;
mod draws;
mod duet;
mod duet_schedule;
mod engine;
mod health;
pub mod http;
mod live_counters;
mod message;
mod pool;
mod preflight;
mod prepared;
mod progress;
mod ready;
mod real_time;
mod recorder;
mod redirect;
mod response_check;
pub mod schedule;
mod scheduling;
mod sender;
mod signature;
mod site;
mod timeline;
pub mod timetable;
mod trace;
mod trial;
mod user;
mod weighted_round_robin;
mod worker;
mod worker_pool;
mod xray;

pub use budget::Budget;
pub use config::{
    Abort, Duet, Error, Hooks, Interim, LoadEnd, RunConfig, RunOutcome, ServerFailure, Stop,
    Waiting,
};
pub use duet_schedule::{DuetTurns, duet_lasts, duet_load};
pub use engine::{run, run_duet};
pub use health::{GeneratorHealth, TooFewFiles};
pub use http::{Origin, OriginError, Proxy, ProxyError, TlsError, Trust};
pub use progress::{Progress, Turn};
pub use ready::READY_WITHIN;
pub use scheduling::SchedulingPolicy;
pub use trace::{ExchangeTrace, TracedResponse};
pub use trial::{StepKind, TrialStep, rehearse};

pub use crate::measurement::Interleaving;
