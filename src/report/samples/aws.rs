//! Stories in which AWS says something beside the measurement, or does not.

use super::shop::{history, shop};
use super::*;
use crate::record::{
    AwsFigures, AwsRecord, CostRecord, FunctionRecord, JoinRecord, PhaseReports, ReportsRecord,
    SeriesRecord, SliceReports, TraceParts, TracedRecord,
};
use crate::scenario::{Aws, Front, LambdaFunction};

const PROMISES: &str = "\
limits:
  overall: { p95: 800ms, error_rate: 1% }
  aws: { throttles: 0, memory_used: 90%, billed_ms_p95: 120, cost_per_million: $4 }
";

pub(in crate::report) fn aws_services() -> Aws {
    let function = |name: &str, qualifier: Option<&str>| LambdaFunction {
        name: name.to_owned(),
        qualifier: qualifier.map(str::to_owned),
    };
    Aws {
        region: Some("eu-central-1".to_owned()),
        functions: vec![
            function("orders", Some("live")),
            function("authorizer", None),
        ],
        tables: vec!["orders".to_owned()],
        wait: std::time::Duration::from_mins(3),
        ..Aws::behind(Front::Http {
            id: "a1b2c3d4e5".to_owned(),
            stage: "$default".to_owned(),
        })
    }
}

fn reports() -> ReportsRecord {
    ReportsRecord {
        lines: 5_990,
        cold: 37,
        pre_initialised: 20,
        init_p50_ms: Some(212.4),
        init_p95_ms: Some(398.0),
        billed_ms: 218_650,
        billed_p95_ms: Some(64.0),
        memory_mb: Some(1024),
        memory_used_mb: Some(118),
        timeouts: 0,
        errors: 2,
    }
}

fn series(resource: &str, metric: &str, statistic: &str, values: [f64; 2]) -> SeriesRecord {
    SeriesRecord {
        resource: resource.to_owned(),
        metric: metric.to_owned(),
        statistic: statistic.to_owned(),
        points: vec![(-12.0, values[0]), (48.0, values[1])],
    }
}

/// Everything that AWS can say.
pub(in crate::report) fn aws_figures() -> AwsFigures {
    AwsFigures {
        region: "eu-central-1".to_owned(),
        functions: vec![
            FunctionRecord {
                name: "orders:live".to_owned(),
                invocations: Some(6_000.0),
                errors: Some(2.0),
                throttles: Some(0.0),
                spillover: None,
                concurrency: Some(9.0),
                duration_p95_ms: Some(38.2),
                reports: Some(reports()),
                phases: vec![PhaseReports {
                    phase: 0,
                    reports: reports(),
                }],
                slices: vec![SliceReports {
                    slice: 0,
                    lines: 500,
                    billed_ms: 19_050,
                }],
            },
            FunctionRecord {
                name: "authorizer".to_owned(),
                invocations: Some(41.0),
                errors: Some(0.0),
                throttles: Some(0.0),
                reports: Some(ReportsRecord {
                    lines: 41,
                    billed_ms: 900,
                    billed_p95_ms: Some(31.0),
                    memory_mb: Some(128),
                    memory_used_mb: Some(71),
                    ..ReportsRecord::default()
                }),
                ..FunctionRecord::default()
            },
        ],
        series: vec![
            series("a1b2c3d4e5", "Latency", "p95", [44.1, 43.0]),
            series("a1b2c3d4e5", "IntegrationLatency", "p95", [41.9, 40.2]),
            series("orders:live", "Duration", "p95", [38.2, 37.5]),
            series(
                "orders",
                "ConsumedReadCapacityUnits",
                "Sum",
                [2_900.0, 3_100.0],
            ),
        ],
        join: Some(JoinRecord {
            answered: 6_000,
            joined: 5_990,
            counts_only: None,
        }),
        traced: None,
        others: None,
        incomplete: false,
        cost: Some(CostRecord {
            usd: 0.0186,
            per_million_usd: 3.1,
            base_per_million_usd: Some(2.95),
            duration_usd: Some(0.0114),
            prices_of: "2026-11-24".to_owned(),
        }),
        limits: vec!["orders:live: its timeout of 15 s is below the step's of 30 s".to_owned()],
        missing: Vec::new(),
    }
}

/// A run whose first slice has 37 cold starts, as the log says.
fn run(figures: Option<AwsFigures>) -> RunRecord {
    let mut run = shop(40.0);
    if figures
        .as_ref()
        .is_some_and(|figures| !figures.functions.is_empty())
    {
        run.slices[0].cells[0].cell.cold.record_many(58_000, 37);
        run.parts[0].parts.cold.record_many(58_000, 37);
        run.parts[0].parts.marked = 6_000;
    }
    run.aws = Some(AwsRecord {
        services: aws_services(),
        figures,
    });
    run
}

/// Everything that AWS can say, and its limits kept.
pub(in crate::report) fn beside_aws() -> Sample {
    gate(run(Some(aws_figures())))
        .after(history())
        .promising(PROMISES)
        .judged()
}

/// A permission is missing, so limits have no figure.
pub(in crate::report) fn denied_by_aws() -> Sample {
    let denied = "cloudwatch:GetMetricData was denied; allow it for *";
    let figures = AwsFigures {
        region: "eu-central-1".to_owned(),
        missing: vec![denied.to_owned()],
        ..AwsFigures::default()
    };
    gate(run(Some(figures)))
        .after(history())
        .promising(PROMISES)
        .judged()
}

/// A sample of requests that were traced, and where X-Ray saw their time pass.
pub(in crate::report) fn traced() -> TracedRecord {
    let slow = |number: u8, millis| (format!("1-66d978e5-{number:024x}"), millis);
    TracedRecord {
        join: Some(JoinRecord {
            answered: 120,
            joined: 119,
            counts_only: None,
        }),
        cold: 2,
        slowest: vec![slow(1, 412.0), slow(2, 240.5), slow(3, 98.0), slow(4, 97.0)],
        parts: Some(TraceParts {
            traces: 4,
            service_ms: 211.875,
            parts: vec![
                ("Invocation".to_owned(), 204.2),
                ("DynamoDB".to_owned(), 160.0),
            ],
        }),
    }
}

/// Others used the functions, and the log could not be joined, except for a traced sample.
pub(in crate::report) fn others_on_aws() -> Sample {
    let figures = AwsFigures {
        others: Some(500),
        traced: Some(traced()),
        join: Some(JoinRecord {
            answered: 6_000,
            joined: 12,
            counts_only: Some("12 of 6,000 responses have an id that is in it".to_owned()),
        }),
        ..aws_figures()
    };
    gate(run(Some(figures)))
        .after(history())
        .promising(PROMISES)
        .judged()
}
