//! Whole reads of a large run, whose lines are summed up where they are.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::super::fake::{Fake, Received, Reply, lookup};
use super::super::{Fetched, Order, Prices, fetch};
use super::*;
use crate::measurement::{Arm, Parts};
use crate::record::samples::{record, traffic};
use crate::record::{PartsRecord, RunRecord};
use crate::scenario::{Aws, Front};

/// A run of two phases of 12 s each.
fn run() -> RunRecord {
    let phase = [traffic("GET /", 5, 20.0)];
    let run = record().steady("first").slices(12, &phase);
    let mut run = run.steady("second").slices(12, &phase).build();
    run.run.duration_s = 24.0;
    run.parts = vec![PartsRecord {
        phase: 0,
        arm: Arm::Target,
        request: 0,
        parts: Parts {
            statuses: [(200, 300_000)].into(),
            ..Parts::default()
        },
    }];
    run
}

fn fetched(fake: &Fake) -> Fetched {
    let function = LambdaFunction::parse("orders").unwrap();
    let services = Aws {
        region: Some("us-east-1".to_owned()),
        functions: vec![function],
        wait: Duration::from_millis(400),
        ..Aws::behind(Front::FunctionUrl)
    };
    let variable = lookup(&[
        ("AWS_ENDPOINT_URL", &fake.url),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI"),
    ]);
    fetch(&Order {
        services: &services,
        record: &run(),
        wait: services.wait,
        prices: &Prices::with_overlay("x", "{}").unwrap(),
        variable: &variable,
        sleep: &|duration| {
            std::thread::sleep(duration.min(Duration::from_millis(20)));
            ControlFlow::Continue(())
        },
    })
}

fn row(pairs: &[(&str, &str)]) -> Value {
    let fields = pairs.iter();
    fields
        .map(|(field, value)| json!({ "field": field, "value": value }))
        .collect()
}

/// What Insights and a function say; all else is denied. A query runs for a while.
fn aws(received: &Received, format: &str, looks: &AtomicUsize) -> Reply {
    let answer = match received.target() {
        "StartQuery" => {
            let is_by_bin = received.json()["queryString"]
                .as_str()
                .unwrap()
                .ends_with("by bin(10s)");
            json!({ "queryId": if is_by_bin { "bins" } else { "whole" } })
        }
        "GetQueryResults" if looks.fetch_add(1, Relaxed) % 3 < 2 => {
            json!({ "status": "Running", "results": [] })
        }
        "GetQueryResults" if received.json()["queryId"] == "whole" => json!({
            "status": "Complete",
            "results": [row(&[
                ("lines", "300100"), ("inits", "37"), ("restores", "0"), ("init_p95", "398.5"),
                ("billed", "9.1234567E7"), ("billed_p95", "64.0"), ("memory", "512.0"), ("used", "118.0"),
            ])],
        }),
        "GetQueryResults" => {
            let bins = [
                ("09:59:50", "7"),
                ("10:00:10", "100"),
                ("10:00:20", "200"),
                ("10:00:50", "5"),
            ];
            let rows = bins.map(|(time, lines)| {
                let bin = format!("2026-05-04 {time}.000");
                row(&[
                    ("bin(10s)", &bin),
                    ("lines", lines),
                    ("inits", "1"),
                    ("init_p95", "9"),
                    ("used", lines),
                ])
            });
            json!({ "status": "Complete", "results": rows })
        }
        _ if received.path.contains("/configuration") => json!({
            "MemorySize": 512, "Architectures": ["x86_64"], "LoggingConfig": { "LogFormat": format },
        }),
        _ => return Reply::error(403, "AccessDeniedException", "no"),
    };
    Reply::json(&answer.to_string())
}

#[test]
fn a_large_log_is_summed_and_not_joined() {
    let looks = AtomicUsize::new(0);
    let fake = Fake::start(move |received| aws(received, "Text", &looks));
    let Fetched { figures, cold } = fetched(&fake);
    assert_eq!(cold, None);
    let why = figures.join.unwrap().counts_only.unwrap();
    assert_eq!(
        why,
        "above 200,000 responses, Logs Insights sums it in steps of 10 s"
    );
    let function = &figures.functions[0];
    let whole = function.reports.as_ref().unwrap();
    assert_eq!(
        (whole.lines, whole.cold, whole.billed_ms),
        (300_100, 37, 91_234_567)
    );
    assert_eq!((whole.init_p50_ms, whole.init_p95_ms), (None, Some(398.5)));
    assert_eq!(
        (whole.memory_mb, whole.memory_used_mb),
        (Some(512), Some(118))
    );
    // A bin counts in the phase in which it starts, and those around the load in the phases next to them.
    let phases = function.phases.iter();
    let phases: Vec<_> = phases
        .map(|of| {
            (
                of.phase,
                of.reports.lines,
                of.reports.cold,
                of.reports.memory_used_mb,
                of.reports.init_p95_ms,
            )
        })
        .collect();
    assert_eq!(
        phases,
        [(0, 107, 2, Some(100), None), (1, 205, 2, Some(200), None)]
    );
    assert!(
        figures.cost.is_some() && !figures.incomplete,
        "{:?}",
        figures.missing
    );
    let asked = fake.received();
    let queries = asked
        .iter()
        .filter(|received| received.target() == "StartQuery");
    let queries: Vec<Value> = queries.map(Received::json).collect();
    assert_eq!(queries.len(), 2);
    assert_eq!(queries[0]["logGroupName"], "/aws/lambda/orders");
    assert_eq!(
        queries[0]["endTime"].as_i64().unwrap() - queries[0]["startTime"].as_i64().unwrap(),
        84
    );
    assert!(
        asked
            .iter()
            .all(|received| received.target() != "FilterLogEvents")
    );
}

#[test]
fn lines_in_json_have_a_query_of_their_own() {
    for (format, part) in [
        ("JSON", "record.metrics.billedDurationMs"),
        ("Text", "@billedDuration"),
    ] {
        let looks = AtomicUsize::new(0);
        let fake = Fake::start(move |received| aws(received, format, &looks));
        fetched(&fake);
        let asked = fake.received();
        let query = asked
            .iter()
            .find(|received| received.target() == "StartQuery");
        let query = query.unwrap().json()["queryString"].to_string();
        assert!(query.contains(&format!("sum({part})")), "{query}");
    }
    let shared = FunctionConfiguration {
        log_group: Some("/shared".to_owned()),
        ..FunctionConfiguration::default()
    };
    let function = LambdaFunction::parse("orders").unwrap();
    let window = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
    let sums = LogSums::of_function(&function, Some(&shared), window);
    assert!(
        sums.query
            .starts_with("filter @logStream like \"/orders[\" | filter @type")
    );
}

#[test]
fn a_query_without_a_result_is_one_sentence() {
    for (status, sentence) in [
        (
            "Failed",
            "logs:GetQueryResults failed with Failed: the query of the log has no result",
        ),
        (
            "Timeout",
            "logs:GetQueryResults failed with Timeout: the query of the log has no result",
        ),
        ("Running", "logs:GetQueryResults had no response within"),
    ] {
        let fake = Fake::start(move |received| match received.target() {
            "StartQuery" => Reply::json(r#"{ "queryId": "1" }"#),
            "GetQueryResults" => Reply::json(&json!({ "status": status }).to_string()),
            _ => Reply::error(403, "AccessDeniedException", "no"),
        });
        let figures = fetched(&fake).figures;
        let own = figures
            .missing
            .iter()
            .filter(|why| why.starts_with(sentence));
        assert_eq!(own.count(), 1, "{:?}", figures.missing);
        assert_eq!((figures.join, &figures.functions[0].reports), (None, &None));
    }
    let denied = Fake::start(|_| Reply::error(403, "AccessDeniedException", "no"));
    let missing = fetched(&denied).figures.missing;
    let why = "logs:StartQuery was denied; allow it for arn:aws:logs:us-east-1:*:log-group:/aws/lambda/orders:*";
    assert!(missing.iter().any(|own| own == why), "{missing:?}");
}
