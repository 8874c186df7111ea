//! Warnings about limits of an account, and the sentence of each.

use std::fmt;

use super::account::ApiKind;
use super::limits::{Burst, NEW_ENVIRONMENTS, NEW_RATE, SCALING_STEP_S};

/// Something that the planned load runs into. Its text is one sentence.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum LimitWarning {
    /// About one function.
    Function {
        name: String,
        /// What is wrong.
        problem: FunctionProblem,
    },
    /// The account's concurrency, or what is unreserved of it, is below the peak.
    Account {
        /// Requests at once.
        peak: f64,
        /// What is left for all functions together.
        available: u64,
    },
    /// A burst has a rate to which Lambda does not scale a function in that time.
    BurstRate(Burst),
    /// The rate is above that of the gateway.
    GatewayRate {
        /// Requests per second that are planned.
        rate: f64,
        /// Requests per second that pass.
        limit: f64,
        /// Whose throttle it is.
        scope: ThrottleScope,
    },
    /// A burst is above that of the gateway.
    GatewayBurst {
        burst: Burst,
        /// Requests that pass at once.
        limit: f64,
        /// Whose throttle it is.
        scope: ThrottleScope,
    },
    /// A step waits for longer than the gateway does.
    GatewayTimeout {
        api: ApiKind,
        /// Timeout of the step, in seconds.
        step_s: f64,
    },
}

/// What is wrong with a function.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum FunctionProblem {
    /// Its reserved concurrency is 0.
    Off,
    /// It has another state than `Active`.
    NotActive(String),
    /// Its last update has another status than `Successful`.
    NotUpdated(String),
    /// Its provisioned concurrency has another status than `READY`.
    ProvisionedNotReady(String),
    /// Reports of successful invocations are not logged.
    ReportsHidden,
    /// Its reserved concurrency is below the peak.
    Reserved {
        /// Requests at once.
        peak: f64,
        reserved: u64,
    },
    /// Its provisioned concurrency is below the peak.
    Provisioned {
        /// Requests at once.
        peak: f64,
        /// Environments that are kept ready.
        kept: u64,
    },
    /// A burst needs more new environments than Lambda adds in that time.
    Burst {
        burst: Burst,
        /// Environments that it may start.
        needed: f64,
    },
    /// A step waits for longer than the function runs.
    Timeout {
        /// Timeout of the step, in seconds.
        step_s: f64,
        /// Timeout of the function, in seconds.
        timeout_s: u64,
    },
}

/// Whose throttle it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ThrottleScope {
    /// The account's in this region.
    Account,
    /// The stage's.
    Stage,
}

impl fmt::Display for LimitWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Function { name, problem } => problem.sentence(name),
            Self::Account { peak, available } => format!(
                "the account has concurrency {available} left for {}; {} throttled",
                at_once(*peak),
                share_above(*available, *peak)
            ),
            Self::BurstRate(burst) => format!(
                "{burst} is too steep; \
                 Lambda adds {NEW_RATE} requests/s in {SCALING_STEP_S} s"
            ),
            Self::GatewayRate { rate, limit, scope } => format!(
                "API Gateway passes {} of {} requests/s by the throttle of the {scope}; \
                 the rest gets 429",
                number(*limit),
                number(*rate)
            ),
            Self::GatewayBurst {
                burst,
                limit,
                scope,
            } => format!(
                "{burst} exceeds the {scope}'s API Gateway burst of {}; \
                 the rest gets 429",
                number(limit.ceil())
            ),
            Self::GatewayTimeout { api, step_s } => format!(
                "a step waits {} s, but {api} gives up after {} s; slower requests fail then",
                number(*step_s),
                number(api.timeout_s())
            ),
        };
        f.write_str(&text)
    }
}

impl FunctionProblem {
    fn sentence(&self, name: &str) -> String {
        match self {
            Self::Off => format!(
                "`{name}` has reserved concurrency 0, which turns it off; \
                 every request is throttled"
            ),
            Self::NotActive(state) => {
                format!("`{name}` is {state} and not Active; deploy it, or wait until it is")
            }
            Self::NotUpdated(status) => format!(
                "the last update of `{name}` is {status}; \
                 the load may meet the version before it"
            ),
            Self::ProvisionedNotReady(status) => format!(
                "provisioned concurrency of `{name}` is {status} and not READY; \
                 requests may start cold"
            ),
            Self::ReportsHidden => format!(
                "`{name}` logs no REPORT line of a success at system log level WARN; \
                 set it to INFO"
            ),
            Self::Reserved { peak, reserved } => format!(
                "`{name}` has {reserved} reserved for {}; {} throttled",
                at_once(*peak),
                share_above(*reserved, *peak)
            ),
            Self::Provisioned { peak, kept } => format!(
                "`{name}` has {kept} provisioned for {}; {} started on demand",
                at_once(*peak),
                share_above(*kept, *peak)
            ),
            Self::Burst { burst, needed } => format!(
                "{burst} may start {} environments of `{name}`; \
                 Lambda adds {NEW_ENVIRONMENTS} in {SCALING_STEP_S} s",
                number(*needed)
            ),
            Self::Timeout { step_s, timeout_s } => format!(
                "a step waits {} s, but `{name}` is ended after {timeout_s} s; \
                 slower requests fail then",
                number(*step_s)
            ),
        }
    }
}

impl fmt::Display for Burst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (requests, seconds) = (number(self.requests), number(self.seconds));
        write!(f, "a burst of {requests} requests in {seconds} s")
    }
}

impl fmt::Display for ApiKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rest => "a REST API",
            Self::Http => "an HTTP API",
        })
    }
}

impl fmt::Display for ThrottleScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Account => "account",
            Self::Stage => "stage",
        })
    }
}

fn at_once(peak: f64) -> String {
    format!("{} requests at once", number(peak))
}

/// The share of a peak that is above a limit.
fn share_above(limit: u64, peak: f64) -> String {
    let percent = number(100.0 * (1.0 - limit as f64 / peak));
    format!("at the peak about {percent} % are")
}

/// A number with one decimal at most.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}
