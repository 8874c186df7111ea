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

/// Dollars for all of it.
pub(super) fn total(usage: &Usage, prices: &RegionPrices) -> f64 {
    let functions = usage.functions.iter().map(|function| {
        let gb_second = match function.architecture {
            Architecture::X86 => prices.gb_second_x86,
            Architecture::Arm => prices.gb_second_arm,
        };
        let gb_seconds = function.billed_ms as f64 / 1e3 * function.memory_mb as f64 / 1024.0;
        function.invocations as f64 / MILLION * prices.million_invocations + gb_seconds * gb_second
    });
    let request = match usage.api {
        Api::Free => 0.0,
        Api::Http => prices.million_http,
        Api::Rest => prices.million_rest,
    };
    functions.sum::<f64>() + usage.api_requests as f64 / MILLION * request
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
            total(
                &Usage {
                    functions: vec![function],
                    api,
                    api_requests: 100_000,
                },
                &prices,
            )
        };
        for (architecture, api, dollars) in [
            (Architecture::X86, Api::Free, 0.100_000_2 + 0.02),
            (Architecture::Arm, Api::Free, 0.080_000_4 + 0.02),
            (Architecture::X86, Api::Http, 0.100_000_2 + 0.02 + 0.10),
            (Architecture::X86, Api::Rest, 0.100_000_2 + 0.02 + 0.35),
        ] {
            assert!((of(architecture, api) - dollars).abs() < 1e-9, "{api:?}");
        }
    }
}
