//! What the invocations and the requests to the API of a load cost, at list prices of the first tier.
//!
//! Without the free tier, logs, data transfer, and what stands behind the functions.

use super::prices::RegionPrices;

const MILLION: f64 = 1e6;

/// What a run used.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Usage {
    /// By function.
    pub(super) functions: Vec<FunctionUsage>,
    /// What stands before them.
    pub(super) api: Api,
    /// Requests to it.
    pub(super) api_requests: u64,
}

/// What a run used of one function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FunctionUsage {
    /// Instruction set.
    pub(super) architecture: Architecture,
    /// Memory size in MB.
    pub(super) memory_mb: u64,
    /// Invocations.
    pub(super) invocations: u64,
    /// Sum of the billed durations in milliseconds. Inits and billed restores are in it already.
    pub(super) billed_ms: u64,
}

/// Instruction set of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Architecture {
    /// `x86_64`.
    X86,
    /// `arm64`.
    Arm,
}

/// What stands before the functions and is billed by the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    /// Nothing that is.
    Free,
    /// An HTTP API of API Gateway.
    Http,
    /// A REST API of API Gateway.
    Rest,
}

/// What a run cost, in dollars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dollars {
    /// All of it.
    pub(super) total: f64,
    /// The part for billed time.
    pub(super) duration: f64,
}

/// Dollars for all of it.
pub(super) fn total(usage: &Usage, prices: &RegionPrices) -> Dollars {
    let durations = usage.functions.iter().map(|function| {
        let gb_second = match function.architecture {
            Architecture::X86 => prices.gb_second_x86,
            Architecture::Arm => prices.gb_second_arm,
        };
        function.billed_ms as f64 / 1e3 * function.memory_mb as f64 / 1024.0 * gb_second
    });
    let duration: f64 = durations.sum();
    let invocations = usage.functions.iter();
    let invocations: f64 = invocations.map(|it| it.invocations as f64).sum();
    let request = match usage.api {
        Api::Free => 0.0,
        Api::Http => prices.million_http,
        Api::Rest => prices.million_rest,
    };
    let by_number = invocations * prices.million_invocations + usage.api_requests as f64 * request;
    Dollars {
        total: duration + by_number / MILLION,
        duration,
    }
}

#[cfg(test)]
mod tests {
    use super::super::prices::Prices;
    use super::*;

    #[test]
    fn a_hundred_thousand_requests_cost_what_aws_bills() {
        let prices = Prices::with_overlay("x", "{}").unwrap();
        let prices = prices.region("us-east-1").unwrap();
        let of = |architecture, api| {
            let function = FunctionUsage {
                architecture,
                memory_mb: 512,
                invocations: 100_000,
                billed_ms: 100_000 * 120,
            };
            let usage = Usage {
                functions: vec![function],
                api,
                api_requests: 100_000,
            };
            total(&usage, &prices)
        };
        for (architecture, api, duration, requests) in [
            (Architecture::X86, Api::Free, 0.100_000_2, 0.02),
            (Architecture::Arm, Api::Free, 0.080_000_4, 0.02),
            (Architecture::X86, Api::Http, 0.100_000_2, 0.02 + 0.10),
            (Architecture::X86, Api::Rest, 0.100_000_2, 0.02 + 0.35),
        ] {
            let dollars = of(architecture, api);
            assert!((dollars.duration - duration).abs() < 1e-9, "{api:?}");
            let total = duration + requests;
            assert!((dollars.total - total).abs() < 1e-9, "{api:?}");
        }
    }
}
