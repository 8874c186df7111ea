//! What AWS says beside a measurement: metrics, logs and limits of what the load reached, and what they cost.
//!
//! An edge: it only reads, and nothing of it decides a verdict. What could not be read is a sentence that names the missing
//! permission. It must not know thresholds, verdicts or reports.

mod access_log;
mod account;
mod client;
mod cost;
mod credentials;
mod error;
#[cfg(test)]
mod fake;
mod fetch;
mod insights;
mod join;
mod limit_warning;
mod limits;
mod logs;
mod metrics;
mod outlook;
mod pages;
mod prices;
mod report_line;
mod settling;
mod subject;
#[cfg(test)]
mod tests;
mod traced;
mod xray;

pub use cost::RequestBound;
pub use fetch::{Fetched, Order, fetch};
pub use outlook::{Outlook, look_ahead};
pub use prices::{Error as PricesError, Prices};

/// How environment variables are looked up.
pub type Variables<'a> = dyn Fn(&str) -> Option<String> + 'a;
