//! Whole reads against a server that stands in for AWS: late, in pages, throttled and refused.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::*;
use super::client::{Client, Patience};
use super::error::Error;
use super::fake::{Fake, Received, Reply, lookup, patience};
use super::logs::{LogReader, access_log_group};
use super::metrics::{Metrics, SeriesStatus, Window};
use super::settling::{Pace, Settled, counts_settled, settle};
use super::subject::Subject;
use super::xray;
use crate::scenario::{Aws, Front, LambdaFunction};

/// What a test does with a client of a server.
fn with<T>(fake: &Fake, test: impl FnOnce(&Client<'_>) -> T) -> T {
    let variable = lookup(&[
        ("AWS_ENDPOINT_URL", &fake.url),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        (
            "AWS_SECRET_ACCESS_KEY",
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        ),
    ]);
    test(&Client::new(None, &variable, patience()).unwrap())
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn hour() -> Window {
    Window::around(at(0), at(3_600))
}

fn orders() -> LambdaFunction {
    LambdaFunction::parse("orders:live").unwrap()
}

/// An answer with the same points for each query that asks for one of these statistics.
fn metric_data(received: &Received, statistics: &[&str], points: &[(i64, f64)]) -> Reply {
    let queries = received.json()["MetricDataQueries"].take();
    let results = queries.as_array().unwrap().iter().map(|query| {
        let statistic = query["MetricStat"]["Stat"].as_str().unwrap();
        let points = points.iter().filter(|_| statistics.contains(&statistic));
        let (times, values): (Vec<i64>, Vec<f64>) = points.copied().unzip();
        json!({ "Id": query["Id"], "Timestamps": times, "Values": values, "StatusCode": "Complete" })
    });
    let results: Vec<Value> = results.collect();
    Reply::json(&json!({ "MetricDataResults": results }).to_string())
}

/// How counts settle that a server gives one after another, looked for during this time.
fn settled(counts: &'static [f64], wait: Duration) -> (Settled, Duration) {
    let looks = AtomicUsize::new(0);
    let fake = Fake::start(move |received| {
        let look = looks.fetch_add(1, Relaxed).min(counts.len() - 1);
        metric_data(received, &["Sum"], &[(60, counts[look])])
    });
    let start = Instant::now();
    let pace = Pace {
        every: Duration::from_millis(10),
        until: start + wait,
        patience: Patience {
            sleep: &|time| {
                std::thread::sleep(time);
                ControlFlow::Continue(())
            },
            ..patience()
        },
    };
    let subjects = [Subject::Function(orders())];
    let settled = with(&fake, |client| {
        let mut look = || Metrics::count(client, &subjects, hour());
        settle(&pace, 10_000, &mut look, &counts_settled)
    });
    (settled.unwrap(), start.elapsed())
}

#[test]
fn late_metrics_are_waited_for() {
    let late = &[0.0, 4_000.0, 4_000.0, 9_000.0, 10_000.0, 10_000.0];
    let (settled, _) = settled(late, Duration::from_secs(30));
    assert_eq!(settled, Settled::Complete);
}

#[test]
fn metrics_that_never_complete_end_with_the_wait() {
    let wait = Duration::from_millis(200);
    let (settled, took) = settled(&[9_812.0], wait);
    let short = Settled::Short {
        has: 9_812,
        of: 10_000,
    };
    assert_eq!(settled, short);
    assert!(took < wait + Duration::from_secs(5), "{took:?}");
}

#[test]
fn more_requests_than_were_sent_are_foreign() {
    let (settled, _) = settled(&[10_500.0], Duration::from_secs(30));
    let foreign = Settled::Foreign {
        has: 10_500,
        of: 10_000,
    };
    assert_eq!(settled, foreign);
}

#[test]
fn percentiles_are_read_over_pages() {
    let fake = Fake::start(|received| {
        if received.json()["NextToken"] == "2" {
            return metric_data(received, &["p95", "Sum"], &[(120, 30.5)]);
        }
        let page = metric_data(received, &["p95", "Sum"], &[(60, 20.5)]);
        page.replaced(
            r#"{"MetricDataResults""#,
            r#"{"NextToken":"2","MetricDataResults""#,
        )
        .replaced("Complete", "PartialData")
    });
    let subject = Subject::Function(orders());
    let metrics = with(&fake, |client| {
        Metrics::fetch(client, std::slice::from_ref(&subject), hour()).unwrap()
    });
    let p95 = metrics.find(&subject, "Duration", "p95").unwrap();
    assert_eq!(p95.points, [(60, 20.5), (120, 30.5)]);
    assert_eq!(p95.status, SeriesStatus::Complete);
    let p50 = metrics.find(&subject, "Duration", "p50").unwrap();
    assert!(p50.points.is_empty());
    assert_eq!(metrics.sum(&subject, "Throttles"), Some(51.0));
    let first = &fake.received()[0];
    assert_eq!(
        first.header("content-type"),
        Some("application/x-amz-json-1.0")
    );
    assert_eq!(first.json()["StartTime"], 0);
    assert_eq!(first.json()["EndTime"], 3_600);
}

#[test]
fn more_queries_than_a_call_holds_are_divided() {
    let fake = Fake::start(|received| metric_data(received, &["Sum"], &[(60, 1.0)]));
    let tables = (0..30).map(|number| Subject::Table(format!("t{number}")));
    let tables: Vec<Subject> = tables.collect();
    let metrics = with(&fake, |client| {
        Metrics::fetch(client, &tables, hour()).unwrap()
    });
    assert_eq!(metrics.series.len(), 30 * 24);
    assert_eq!(fake.received().len(), 2);
    assert_eq!(metrics.sum(&tables[29], "ReadThrottleEvents"), Some(1.0));
}

const LINES: usize = 25_000;
const PAGE: usize = 1_000;

/// A page of lines; every third one is empty, and the last lines stand on two pages.
fn page(received: &Received) -> Reply {
    let body = received.json();
    let page: usize = body["nextToken"]
        .as_str()
        .map_or(0, |token| token.parse().unwrap());
    let full = page - page.div_ceil(3);
    let range = match page % 3 {
        0 => 0..0,
        _ => (full * PAGE).saturating_sub(1)..((full + 1) * PAGE).min(LINES),
    };
    let is_last = range.end == LINES;
    let events = range.map(|number| {
        json!({ "eventId": number.to_string(), "timestamp": number, "message": format!("m{number}") })
    });
    let events: Vec<Value> = events.collect();
    let mut body = json!({ "events": events });
    if !is_last {
        body["nextToken"] = (page + 1).to_string().into();
    }
    Reply::json(&body.to_string())
}

/// The messages that a reader hands on in two reads.
fn read_twice(fake: &Fake) -> Vec<(String, i64)> {
    let mut messages = Vec::new();
    let mut reader = LogReader::of_function(&orders(), None, (at(0), at(60)));
    with(fake, |client| {
        for _ in 0..2 {
            let mut take = |message: &str, time| messages.push((message.to_owned(), time));
            reader.read(client, &mut take).unwrap();
        }
    });
    messages
}

fn all_lines() -> Vec<(String, i64)> {
    let line = |number: i64| (format!("m{number}"), number);
    (0..25_000).map(line).collect()
}

#[test]
fn no_line_is_lost_or_read_twice_over_empty_pages() {
    let fake = Fake::start(page);
    assert_eq!(read_twice(&fake), all_lines());
    let first = &fake.received()[0];
    assert_eq!(first.target(), "FilterLogEvents");
    assert_eq!(first.json()["logGroupName"], "/aws/lambda/orders");
    assert_eq!(first.json()["endTime"], 60_000);
}

#[test]
fn throttling_of_one_call_in_five_loses_no_line() {
    let calls = AtomicUsize::new(0);
    let fake = Fake::start(move |received| {
        if calls.fetch_add(1, Relaxed) % 5 == 4 {
            return Reply::error(400, "ThrottlingException", "Rate exceeded");
        }
        page(received)
    });
    assert_eq!(read_twice(&fake), all_lines());
}

#[test]
fn a_log_that_repeats_a_page_is_not_read_forever() {
    let fake = Fake::start(|_| Reply::json(r#"{"events":[],"nextToken":"again"}"#));
    let mut reader = LogReader::of_function(&orders(), None, (at(0), at(60)));
    let read = with(&fake, |client| reader.read(client, &mut |_, _| {}));
    assert!(read.unwrap_err().to_string().contains("repeats a page"));
    assert_eq!(fake.received().len(), 2);
}

#[test]
fn parts_of_traces_are_read_five_at_a_time() {
    let fake = Fake::start(|received| {
        assert_eq!(received.header("content-type"), Some("application/json"));
        let asked = received.json()["TraceIds"].take();
        let asked = asked.as_array().unwrap().iter();
        // The last trace is not recorded. All others have two calls at once, below the invocation.
        let found = asked.filter(|id| *id != "1-00000006-000000000000000000000000");
        let call = |start: f64| json!({ "name": "DynamoDB", "start_time": start, "end_time": start + 0.1 });
        let segment = json!({ "name": "orders", "start_time": 1.0, "end_time": 1.3, "subsegments": [
            { "name": "Invocation", "start_time": 1.0, "end_time": 1.25, "subsegments": [call(1.0), call(1.05)] },
            { "name": "Overhead", "start_time": 1.25, "in_progress": true },
        ] });
        let traces = found.map(|id| {
            json!({ "Id": id, "Segments": [{ "Document": segment.to_string() }, { "Document": "{" }] })
        });
        Reply::json(&json!({ "Traces": traces.collect::<Vec<_>>() }).to_string())
    });
    let slowest = |from: u32| -> Vec<(String, f64)> {
        let roots = (from..7).map(|number| format!("1-{number:08x}-000000000000000000000000"));
        roots.map(|root| (root, 320.0)).collect()
    };
    let parts = with(&fake, |client| xray::read(client, &slowest(0)));
    let parts = parts.unwrap().unwrap();
    assert_eq!((parts.traces, parts.service_ms), (6, 320.0));
    let named = [
        ("Invocation".to_owned(), 250.0),
        ("DynamoDB".to_owned(), 150.0),
    ];
    assert_eq!(parts.parts, named);
    let counts: Vec<usize> = fake
        .received()
        .iter()
        .map(|received| {
            assert_eq!(received.path, "/Traces");
            received.json()["TraceIds"].as_array().unwrap().len()
        })
        .collect();
    assert_eq!(counts, [5, 2]);
    let none = with(&fake, |client| xray::read(client, &slowest(6)));
    assert!(none.unwrap().is_none());
}

/// What an account answers, by path.
fn account(received: &Received) -> Reply {
    let arn = "arn:aws:logs:eu-central-1:123456789012:log-group:gateway";
    let body = match received.path.as_str() {
        "/2016-08-19/account-settings" => json!({
            "AccountLimit": { "ConcurrentExecutions": 1_000, "UnreservedConcurrentExecutions": 900 },
        }),
        "/2019-09-30/functions/orders/concurrency" => {
            json!({ "ReservedConcurrentExecutions": 100 })
        }
        "/2019-09-30/functions/orders/provisioned-concurrency?List=ALL" => json!({
            "ProvisionedConcurrencyConfigs": [{
                "FunctionArn": "arn:aws:lambda:eu-central-1:123456789012:function:orders:live",
                "RequestedProvisionedConcurrentExecutions": 20,
                "AvailableProvisionedConcurrentExecutions": 12,
                "Status": "IN_PROGRESS",
            }],
        }),
        "/2015-03-31/functions/orders/configuration?Qualifier=live" => json!({
            "MemorySize": 512, "Timeout": 15, "Architectures": ["arm64"], "State": "Active",
            "LastUpdateStatus": "InProgress", "TracingConfig": { "Mode": "PassThrough" },
            "SnapStart": { "ApplyOn": "None", "OptimizationStatus": "Off" },
            "LoggingConfig": { "LogFormat": "JSON", "SystemLogLevel": "WARN", "LogGroup": "/shared" },
        }),
        "/account" => json!({ "throttleSettings": { "rateLimit": 10_000.0, "burstLimit": 5_000 } }),
        "/restapis/a1" => json!({ "id": "a1", "name": "Shop" }),
        "/restapis/a1/stages/prod" => json!({
            "methodSettings": {
                "*/*": { "throttlingRateLimit": 50.0, "throttlingBurstLimit": 100 },
                "~1orders/GET": { "throttlingRateLimit": -1.0, "throttlingBurstLimit": -1 },
            },
            "accessLogSettings": { "format": "{}", "destinationArn": arn },
            "tracingEnabled": true,
        }),
        "/v2/apis/b2/stages/%24default" => json!({
            "defaultRouteSettings": { "detailedMetricsEnabled": false },
            "routeSettings": { "GET /orders": { "throttlingRateLimit": 20.0 } },
        }),
        _ => return Reply::error(404, "NotFoundException", "no such path"),
    };
    Reply::json(&body.to_string())
}

fn services(functions: Vec<LambdaFunction>, front: Front) -> Aws {
    Aws {
        functions,
        ..Aws::behind(front)
    }
}

/// A function behind a REST API.
fn rest() -> Aws {
    let front = Front::Rest {
        id: "a1".to_owned(),
        stage: "prod".to_owned(),
    };
    services(vec![orders()], front)
}

#[test]
fn the_limits_of_an_account_are_read() {
    let fake = Fake::start(account);
    let found = with(&fake, |client| Account::read(client, &rest()));
    assert!(found.refused.is_empty(), "{:?}", found.refused);
    assert_eq!(found.concurrency.unwrap().all, Some(1_000));
    let function = &found.functions[0];
    assert_eq!(function.reserved, Some(100));
    assert_eq!(
        function.provisioned.as_ref().unwrap()[0].requested,
        Some(20)
    );
    let configuration = function.configuration.as_ref().unwrap();
    assert_eq!(configuration.memory_mb, Some(512));
    assert_eq!(configuration.system_log_level.as_deref(), Some("WARN"));
    assert_eq!(configuration.architecture.as_deref(), Some("arm64"));
    assert_eq!(found.gateway.unwrap().rate, Some(10_000.0));
    let stage = found.stage.unwrap();
    assert_eq!(stage.throttle.unwrap().burst, Some(100.0));
    let destination = stage.access_log_destination.unwrap();
    assert_eq!(access_log_group(&destination), Some("gateway"));
    assert_eq!(found.rest_name.as_deref(), Some("Shop"));
}

#[test]
fn a_stage_of_an_http_api_may_limit_single_routes() {
    let fake = Fake::start(account);
    let front = Front::Http {
        id: "b2".to_owned(),
        stage: "$default".to_owned(),
    };
    let services = services(Vec::new(), front);
    let found = with(&fake, |client| Account::read(client, &services));
    assert!(found.refused.is_empty(), "{:?}", found.refused);
    let stage = found.stage.unwrap();
    assert_eq!(stage.throttle, None);
}

#[test]
fn each_denied_call_leaves_its_figure_open() {
    let denied = Fake::start(|received| match received.path.as_str() {
        "/account" | "/2016-08-19/account-settings" => account(received),
        _ => Reply::error(403, "AccessDeniedException", "no"),
    });
    let found = with(&denied, |client| Account::read(client, &rest()));
    assert!(found.concurrency.is_some() && found.gateway.is_some());
    assert_eq!(found.functions[0].reserved, None);
    assert_eq!(found.stage, None);
    let errors: Vec<String> = found.refused.iter().map(Error::to_string).collect();
    let function = "arn:aws:lambda:eu-central-1:*:function:orders*";
    let gateway = "arn:aws:apigateway:eu-central-1::/restapis/a1";
    assert_eq!(
        errors,
        [
            format!("lambda:GetFunctionConcurrency was denied; allow it for {function}"),
            format!("lambda:ListProvisionedConcurrencyConfigs was denied; allow it for {function}"),
            format!("lambda:GetFunctionConfiguration was denied; allow it for {function}"),
            format!("apigateway:GET was denied; allow it for {gateway}/stages/prod"),
            format!("apigateway:GET was denied; allow it for {gateway}"),
        ]
    );
}

#[test]
fn expired_credentials_are_asked_with_only_once() {
    let fake = Fake::start(|_| Reply::error(403, "ExpiredTokenException", "expired"));
    let found = with(&fake, |client| Account::read(client, &rest()));
    assert_eq!(found.refused.len(), 1);
    assert_eq!(fake.received().len(), 1);
}
