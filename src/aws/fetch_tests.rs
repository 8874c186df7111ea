//! Whole fetches against a server that stands in for AWS, with the log and the metrics that a test wants.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde_json::{Value, json};

use super::*;
use crate::aws::fake::{Fake, Received, Reply, lookup};
use crate::measurement::{Parts, SentRequest};
use crate::record::PartsRecord;
use crate::record::samples::{record, traffic};

/// A run of one slice whose requests got these statuses.
fn run(statuses: &[(u16, u64)]) -> RunRecord {
    let count = statuses.iter().map(|(_, count)| count).sum();
    let mut run = record()
        .steady("steady")
        .slices(1, &[traffic("GET /", count, 20.0)])
        .build();
    run.parts = vec![PartsRecord {
        phase: 0,
        arm: Arm::Target,
        request: 0,
        parts: Parts {
            statuses: statuses.iter().copied().collect(),
            ..Parts::default()
        },
    }];
    let each = statuses
        .iter()
        .flat_map(|(status, count)| std::iter::repeat_n(*status, usize::try_from(*count).unwrap()));
    let sent = each.enumerate().map(|(index, status)| SentRequest {
        id: RequestId::parse(&format!("request-{index}")).unwrap(),
        arm: Arm::Target,
        status,
        request: 0,
        slice: 0,
        service_us: 25_000,
        latency_us: 25_000,
        succeeded: status == 200,
    });
    run.sent = sent.collect();
    run
}

/// What AWS answers of a run of which the first invocations have a line in the log.
fn answer(received: &Received, minute: i64, invocations: u64, lines: u64) -> Reply {
    let line = |index: u64| {
        let message = format!(
            "REPORT RequestId: request-{index}\tDuration: 20.00 ms\tBilled Duration: 20 ms\t\
             Memory Size: 512 MB\tMax Memory Used: 64 MB\t"
        );
        json!({ "eventId": index.to_string(), "timestamp": minute * 1_000, "message": message })
    };
    let series = |query: &Value| {
        let metric = &query["MetricStat"]["Metric"]["MetricName"];
        let values = (metric == "Invocations").then_some(invocations);
        json!({
            "Id": query["Id"],
            "Timestamps": values.map(|_| minute).as_slice(),
            "Values": values.as_slice(),
            "StatusCode": "Complete",
        })
    };
    let body = match received.target() {
        "FilterLogEvents" => json!({ "events": (0..lines).map(line).collect::<Vec<_>>() }),
        "GetMetricData" => {
            let queries = received.json()["MetricDataQueries"].take();
            let results = queries.as_array().unwrap().iter().map(series);
            json!({ "MetricDataResults": results.collect::<Vec<_>>() })
        }
        _ if received.path.contains("/configuration") => json!({ "MemorySize": 512 }),
        _ => json!({}),
    };
    Reply::json(&body.to_string())
}

/// What a fetch has of these functions, and how often it slept; sleep takes no time.
fn fetched(
    functions: &[&str],
    wait: Duration,
    statuses: &[(u16, u64)],
    (invocations, lines): (u64, u64),
) -> (Fetched, u64) {
    let run = run(statuses);
    let minute = run.run.started.as_second();
    let fake = Fake::start(move |received| answer(received, minute, invocations, lines));
    let services = Aws {
        region: Some("us-east-1".to_owned()),
        functions: functions
            .iter()
            .map(|name| LambdaFunction::parse(name).unwrap())
            .collect(),
        wait,
        ..Aws::behind(Front::FunctionUrl)
    };
    let variable = lookup(&[
        ("AWS_ENDPOINT_URL", &fake.url),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ]);
    // Prices that are never old.
    let prices = Prices::with_overlay("prices.json", r#"{ "as_of": "2126-01-01" }"#).unwrap();
    let sleeps = AtomicU64::new(0);
    let fetched = fetch(&Order {
        services: &services,
        record: &run,
        wait,
        prices: &prices,
        variable: &variable,
        sleep: &|time| {
            sleeps.fetch_add(u64::from(!time.is_zero()), Relaxed);
            ControlFlow::Continue(())
        },
    });
    (fetched, sleeps.into_inner())
}

const LONG: Duration = Duration::from_mins(3);

/// Dollars for this many invocations of 20 ms with 512 MB.
fn dollars(invocations: u64) -> f64 {
    six_digits(invocations as f64 * (0.02 * 0.5 * 0.000_016_666_7 + 0.2e-6))
}

fn usd(fetched: &Fetched) -> Option<f64> {
    fetched.figures.cost.as_ref().map(|cost| cost.usd)
}

#[test]
fn there_is_no_cost_while_lines_are_missing() {
    let statuses = [(200, 100)];
    for lines in [0, 97] {
        let (fetched, _) = fetched(&["orders"], Duration::ZERO, &statuses, (100, lines));
        assert!(fetched.figures.incomplete);
        assert_eq!(usd(&fetched), None, "{lines} lines");
    }
    let (fetched, _) = fetched(&["orders"], Duration::ZERO, &statuses, (100, 100));
    assert_eq!(fetched.figures.missing, [""; 0]);
    assert_eq!(usd(&fetched), Some(dollars(100)));
}

#[test]
fn two_aliases_of_one_function_have_a_cost() {
    let functions = ["orders:live", "orders:canary"];
    let (fetched, _) = fetched(&functions, Duration::ZERO, &[(200, 100)], (100, 100));
    let [first, second] = fetched.figures.functions.as_slice() else {
        panic!("two functions");
    };
    assert_eq!(first.reports.as_ref().unwrap().lines, 100);
    assert_eq!(second.reports, None);
    assert_eq!(usd(&fetched), Some(dollars(100)));
}

#[test]
fn throttled_requests_are_not_waited_for() {
    let statuses = [(200, 90), (429, 60), (502, 5)];
    let (fetched, sleeps) = fetched(&["orders"], LONG, &statuses, (90, 90));
    assert!(!fetched.figures.incomplete, "{:?}", fetched.figures.missing);
    assert_eq!(fetched.figures.join.unwrap().joined, 90);
    // Each count is looked at twice.
    assert_eq!(sleeps, 2);
}

#[test]
fn a_call_that_hangs_leaves_most_of_the_wait() {
    for (wait, limit) in [(180, 20), (40, 10), (20, 5), (0, 5)] {
        let limit = Duration::from_secs(limit);
        assert_eq!(call_limit(Duration::from_secs(wait)), limit, "{wait} s");
    }
}
