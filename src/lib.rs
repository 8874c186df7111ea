//! loadgate, a performance gate for CI.
//!
//! A **scenario** drives **load**, which yields a **measurement**, kept as a **record**, checked against **thresholds**
//! and a **baseline**, giving a **verdict**, rendered in a **report**. Each noun is a module below, in that order. Data
//! flows through them in that order only; `tests/architecture.rs` lists which module may use which.

pub mod scenario;

pub mod load;

pub mod measurement;

pub mod record;

pub mod thresholds;

pub mod baseline;

pub mod verdict;

pub mod report;

// From arguments to an exit code.
pub mod cli;
pub mod demo;
pub mod exit;
pub mod gate;
pub mod init;
pub mod plan;
pub mod schema;

// The edges, each one replaceable.
pub mod aws;
pub mod ci;
pub mod fake_gateway;
pub mod http_client;

// The small vocabulary that every module shares.
pub mod error_chain;
pub mod files;
pub mod metric;
pub mod processes;
pub mod redact;
pub mod timer;
pub mod units;
pub mod yaml;
