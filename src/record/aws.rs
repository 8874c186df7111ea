//! What AWS says of a run: figures of its functions, fetched after the load.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RunRecord;
use crate::measurement::{Arm, LatencyHistogram, SentRequest};
use crate::scenario::Aws;

/// The services behind the target, and what AWS said of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AwsRecord {
    /// The services, as the scenario names them.
    pub services: Aws,
    /// Their figures; absent until they are fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<AwsFigures>,
}

/// Figures of AWS over the minutes that the load touched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AwsFigures {
    /// Region.
    pub region: String,
    /// Lambda functions, in the order of the scenario.
    #[serde(default)]
    pub functions: Vec<FunctionRecord>,
    /// Series by the minute.
    #[serde(default)]
    pub series: Vec<SeriesRecord>,
    /// How our requests were matched with the function's log; absent without any log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join: Option<JoinRecord>,
    /// The traced requests, which are a sample; absent if none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traced: Option<TracedRecord>,
    /// Requests of others in the same minutes, if there are any: no figure is ours alone then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others: Option<u64>,
    /// Whether lines or metrics were still missing when the wait was over: no figure is whole then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
    /// Cost at list prices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostRecord>,
    /// What the load runs into, one sentence each: limits of the account, the functions and the gateway.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<String>,
    /// What could not be had, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// One Lambda function. Figures that could not be had are absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FunctionRecord {
    /// Its name, with `:` and the alias or version.
    pub name: String,
    /// Invocations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invocations: Option<f64>,
    /// Invocations that ended in an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<f64>,
    /// Invocations that were refused for want of concurrency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttles: Option<f64>,
    /// Invocations for which provisioned concurrency did not suffice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spillover: Option<f64>,
    /// The most environments at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<f64>,
    /// P95 of the duration in milliseconds, of the worst minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_p95_ms: Option<f64>,
    /// What its REPORT lines say; absent if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reports: Option<ReportsRecord>,
    /// The same by phase, of phases with lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<PhaseReports>,
    /// Billed time by slice, of slices with lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<SliceReports>,
}

/// REPORT lines of one function in one phase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseReports {
    /// Index of the phase.
    pub phase: usize,
    /// The lines.
    pub reports: ReportsRecord,
}

/// REPORT lines of one function in one slice: how much they vary from slice to slice says how sure their mean is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SliceReports {
    /// Index of the slice.
    pub slice: usize,
    /// Lines.
    pub lines: u64,
    /// Billed milliseconds in all.
    pub billed_ms: u64,
}

/// What REPORT lines say together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportsRecord {
    /// Lines.
    pub lines: u64,
    /// Cold starts that a request waited for; without a join, all environments that were initialised.
    pub cold: u64,
    /// Environments that were initialised before their first request came.
    #[serde(default)]
    pub pre_initialised: u64,
    /// Median of the init or restore duration, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_p50_ms: Option<f64>,
    /// 95th percentile of the init or restore duration, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_p95_ms: Option<f64>,
    /// Billed milliseconds in all.
    pub billed_ms: u64,
    /// 95th percentile of the billed milliseconds of one invocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billed_p95_ms: Option<f64>,
    /// Memory size in MB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<u64>,
    /// The most memory that an invocation used, in MB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_used_mb: Option<u64>,
    /// Invocations that hit the function's timeout.
    #[serde(default)]
    pub timeouts: u64,
    /// Invocations that ended in an error.
    #[serde(default)]
    pub errors: u64,
}

/// One metric of one resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeriesRecord {
    /// The resource, such as a function's name.
    pub resource: String,
    /// Name of the metric in CloudWatch.
    pub metric: String,
    /// Statistic of the metric, such as `Sum` or `p95`.
    pub statistic: String,
    /// Start of each minute in seconds since the start of the load, below zero for the first, and its value.
    pub points: Vec<(f64, f64)>,
}

/// How our requests were matched with REPORT lines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JoinRecord {
    /// Our requests that an invocation responded to, as far as that is known.
    pub answered: u64,
    /// Those that were found in the log by their id.
    pub joined: u64,
    /// Why figures are counts alone, and not by request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts_only: Option<String>,
}

/// What is known of the requests that were sent with a trace. It holds for them alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TracedRecord {
    /// How they were matched with REPORT lines by their traces; absent without lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join: Option<JoinRecord>,
    /// Those that waited for a cold start, of those that were matched.
    pub cold: u64,
    /// Roots of the traces of the slowest, each with its time at the client in milliseconds.
    pub slowest: Vec<(String, f64)>,
    /// What X-Ray recorded of the slowest; absent if it gave none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<TraceParts>,
}

/// Means of some traced requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TraceParts {
    /// Traces.
    pub traces: u64,
    /// The time of a request at the client, in milliseconds.
    pub service_ms: f64,
    /// Names of subsegments, each with the time in which it ran, in milliseconds. One may contain another.
    pub parts: Vec<(String, f64)>,
}

/// What the load cost at list prices, without any free tier.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CostRecord {
    /// Dollars in all.
    pub usd: f64,
    /// Dollars for a million requests, in a duet to the target.
    pub per_million_usd: f64,
    /// The same to the base of a duet, if responses were found in the log by their id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_per_million_usd: Option<f64>,
    /// The part of `usd` that pays for billed time; what is left is a price per request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_usd: Option<f64>,
    /// Date of the prices.
    pub prices_of: String,
}

impl RunRecord {
    /// What AWS said of the run, if it was asked.
    pub fn aws_figures(&self) -> Option<&AwsFigures> {
        self.aws.as_ref()?.figures.as_ref()
    }

    /// What the load cost on AWS, if that is known.
    pub fn cost(&self) -> Option<&CostRecord> {
        self.aws_figures()?.cost.as_ref()
    }

    /// Forgets which responses were cold starts.
    pub fn forget_cold_starts(&mut self) {
        for cell in self.slices.iter_mut().flat_map(|slice| &mut slice.cells) {
            cell.cell.cold = LatencyHistogram::default();
        }
        for of_name in &mut self.parts {
            of_name.parts.cold = LatencyHistogram::default();
            of_name.parts.warm = LatencyHistogram::default();
            of_name.parts.marked = 0;
        }
    }

    /// Counts the responses to some requests as cold starts and all others as warm, as if the target marked them. What was
    /// marked before is forgotten.
    pub fn mark_cold_starts(&mut self, is_cold: impl Fn(&SentRequest) -> bool) {
        self.forget_cold_starts();
        let of_arm = |arm| {
            let slices = self.slices.iter().enumerate();
            let own = slices.filter(|(_, slice)| slice.arm == arm);
            own.map(|(index, _)| index).collect()
        };
        let slices: BTreeMap<Arm, Vec<usize>> = [Arm::Target, Arm::Base]
            .map(|arm| (arm, of_arm(arm)))
            .into();
        for one in &self.sent {
            let Some(index) = slices[&one.arm].get(usize::from(one.slice)) else {
                continue;
            };
            let slice = &mut self.slices[*index];
            let phase = slice.phase;
            let (request, micros) = (usize::from(one.request), u64::from(one.latency_us));
            let cell = slice.cells.iter_mut().find(|cell| cell.request == request);
            let parts = self
                .parts
                .iter_mut()
                .find(|of| (of.phase, of.arm, of.request) == (phase, one.arm, request));
            let (Some(cell), Some(of_name)) = (cell, parts) else {
                continue;
            };
            of_name.parts.marked += 1;
            if is_cold(one) {
                of_name.parts.cold.record_micros(micros);
                let stats = &mut cell.cell;
                // A file of requests that is not of this run may have more than there were.
                if one.succeeded && stats.cold.count() < stats.succeeded.count() {
                    stats.cold.record_micros(micros);
                }
            } else if one.succeeded {
                of_name.parts.warm.record_micros(micros);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::RequestId;
    use crate::record::samples::{record, traffic};

    #[test]
    fn cold_starts_marked_twice_count_once() {
        let mut record = record()
            .steady("steady")
            .slices(2, &[traffic("GET /", 5, 20.0)])
            .build();
        let one = |slice| SentRequest {
            id: RequestId::parse("x").unwrap(),
            arm: Arm::Target,
            status: 200,
            request: 0,
            slice,
            service_us: 20_000,
            latency_us: 20_000,
            succeeded: true,
        };
        record.parts = vec![crate::record::PartsRecord {
            phase: 0,
            arm: Arm::Target,
            request: 0,
            parts: crate::measurement::Parts::default(),
        }];
        record.sent = std::iter::repeat_n(one(1), 9).chain([one(7)]).collect();
        for _ in 0..2 {
            record.mark_cold_starts(|_| true);
            assert_eq!(record.slices[0].cells[0].cell.cold.count(), 0);
            assert_eq!(record.slices[1].cells[0].cell.cold.count(), 5);
            assert_eq!(record.parts[0].parts.marked, 9);
        }
    }
}
