//! What the invocations and the requests to the API of a load cost, at list prices of the first tier.
//!
//! Without the free tier, logs, data transfer, and what stands behind the functions.

use super::account::FunctionConfiguration;
use super::prices::RegionPrices;
use crate::scenario::Front;

const MILLION: f64 = 1e6;

/// What a run used.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Usage {
    pub(super) functions: Vec<FunctionUsage>,
    /// What stands before them.
    pub(super) api: Api,
    pub(super) api_requests: u64,
}

/// What a run used of one function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FunctionUsage {
    /// Instruction set.
    pub(super) architecture: Architecture,
    /// Memory size in MB.
    pub(super) memory_mb: u64,
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

impl Architecture {
    pub(super) fn of(configuration: &FunctionConfiguration) -> Self {
        match configuration.architecture.as_deref() {
            Some("arm64") => Self::Arm,
            _ => Self::X86,
        }
    }

    fn gb_second(self, prices: &RegionPrices) -> f64 {
        match self {
            Self::X86 => prices.gb_second_x86,
            Self::Arm => prices.gb_second_arm,
        }
    }
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

impl Api {
    pub(super) fn of(front: &Front) -> Self {
        match front {
            Front::FunctionUrl | Front::LoadBalancer(_) => Self::Free,
            Front::Rest { .. } => Self::Rest,
            Front::Http { .. } => Self::Http,
        }
    }

    /// Dollars for a million requests to it.
    fn million(self, prices: &RegionPrices) -> f64 {
        match self {
            Self::Free => 0.0,
            Self::Http => prices.million_http,
            Self::Rest => prices.million_rest,
        }
    }
}

/// The most that one request costs: an invocation of each function, and the whole time in the most expensive of them.
///
/// It misses what goes on after the response or beside the request: extensions, asynchronous invocations, functions that
/// are not named, environments that are initialised for no request, provisioned concurrency, logs and data transfer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RequestBound {
    /// Dollars whatever the duration.
    pub per_request: f64,
    /// Dollars for each millisecond.
    pub per_millisecond: f64,
    /// The longest that it is billed for, in milliseconds: the timeouts of all functions together.
    pub longest_ms: u64,
}

impl RequestBound {
    /// The bound of requests to these functions: instruction set, memory in MB and timeout in seconds.
    pub(super) fn new(
        functions: &[(Architecture, u64, u64)],
        api: Api,
        prices: &RegionPrices,
    ) -> Self {
        let millisecond = |(architecture, memory_mb, _): &(Architecture, u64, u64)| {
            *memory_mb as f64 / 1024.0 * architecture.gb_second(prices) / 1e3
        };
        let timeouts = functions.iter().map(|(_, _, timeout_s)| *timeout_s);
        let longest_s = timeouts.fold(0_u64, u64::saturating_add);
        let millions = functions.len() as f64 * prices.million_invocations + api.million(prices);
        Self {
            per_request: millions / MILLION,
            per_millisecond: functions.iter().map(millisecond).fold(0.0, f64::max),
            longest_ms: longest_s.saturating_mul(1000),
        }
    }

    /// Dollars for so many requests of so many milliseconds.
    pub fn of(&self, requests: f64, milliseconds: f64) -> f64 {
        let milliseconds = milliseconds.min(self.longest_ms as f64);
        requests * (self.per_request + self.per_millisecond * milliseconds)
    }
}

/// What a run cost, in dollars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cost {
    pub(super) total: f64,
    /// The part for billed time.
    pub(super) duration: f64,
}

/// What all of it costs.
pub(super) fn total(usage: &Usage, prices: &RegionPrices) -> Cost {
    let durations = usage.functions.iter().map(|function| {
        let gb_seconds = function.billed_ms as f64 / 1e3 * function.memory_mb as f64 / 1024.0;
        gb_seconds * function.architecture.gb_second(prices)
    });
    let duration: f64 = durations.sum();
    let invocations = usage.functions.iter();
    let invocations: f64 = invocations.map(|it| it.invocations as f64).sum();
    let requests = usage.api_requests as f64 * usage.api.million(prices);
    Cost {
        total: duration + (invocations * prices.million_invocations + requests) / MILLION,
        duration,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    #[test]
    fn a_request_is_bounded_by_all_functions_of_its_way() {
        let prices = Prices::with_overlay("x", "{}").unwrap();
        let prices = prices.region("us-east-1").unwrap();
        let functions = [(Architecture::X86, 512, 15), (Architecture::Arm, 128, 5)];
        let bound = RequestBound::new(&functions, Api::Http, &prices);
        // Two invocations at $0.20 and a request at $1 a million; 0.12 s of 0.5 GB.
        let expected = 1e5 * (1.4e-6 + 0.12 * 0.5 * 0.000_016_666_7);
        assert!((bound.of(1e5, 120.0) - expected).abs() < 1e-9);
        assert_eq!(bound.longest_ms, 20_000);
        assert!((bound.of(1.0, 1e9) - bound.of(1.0, 20_000.0)).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn a_bound_is_never_below_the_bill(
            service_us in 1_u64..15_000_000,
            percent in 0_u64..=100,
            memory_mb in 128_u64..=10_240,
            is_arm: bool,
        ) {
            let architecture = if is_arm { Architecture::Arm } else { Architecture::X86 };
            let prices = Prices::with_overlay("x", "{}").unwrap();
            let prices = prices.region("us-east-1").unwrap();
            let bound = RequestBound::new(&[(architecture, memory_mb, 15)], Api::Rest, &prices);
            let function = FunctionUsage {
                architecture,
                memory_mb,
                invocations: 1,
                billed_ms: (service_us * percent).div_ceil(100_000),
            };
            let usage = Usage { functions: vec![function], api: Api::Rest, api_requests: 1 };
            let bound = bound.of(1.0, service_us.div_ceil(1000) as f64);
            prop_assert!(bound >= total(&usage, &prices).total - 1e-18);
        }
    }
}
