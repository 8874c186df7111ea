//! The one test binary: what the whole of loadgate promises, each test named as a claim.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test's helpers, too, a broken environment should fail loudly"
)]

mod action;
mod architecture;
mod aws;
mod baselines;
mod children;
mod cold_starts;
mod comments;
mod docs;
mod duets;
mod examples;
mod exits;
mod flows;
mod forks;
mod formats;
mod gates;
mod gitlab;
mod help;
mod history;
mod hostile;
mod init;
mod inputs;
mod large;
mod leftovers;
mod mistakes;
mod mixed_duets;
mod models;
mod outages;
mod own_base;
mod platform;
mod reaching;
mod recipes;
mod reference;
mod reference_service;
mod remote;
mod replay;
mod resent;
mod responses;
mod retelling;
mod runner;
mod secrets;
mod side_by_side;
mod signals;
mod simulation;
mod sizes;
mod stand_in;
mod strangers;
mod support;
mod terminal;
mod traffic;
mod urls;
mod wire;
