//! The log events of a request, as CloudWatch Logs gives them: the REPORT line and the access log line.

use super::clock::Clock;
use super::config::{Config, Front, Preparation, ReportFormat};
use super::environments::Start;
use super::front::RequestIds;
use super::gateway::{Decision, Run};
use super::ids::Trace;
use super::latency::Failure;
use serde::Serialize;
use serde_json::{Map, Number, Value, json};
use std::fmt::Write as _;
use std::time::Duration;

/// The memory that each function is given, in MB.
const MEMORY_SIZE: u64 = 512;

/// Where the API writes its access log.
const ACCESS_LOG: &str = "/aws/apigateway/access";

/// What an access log line has for a value that the request does not have.
const NONE: &str = "-";

/// One event of a log group.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogEvent {
    log_group_name: String,
    /// In ms since 1970.
    timestamp: u64,
    message: String,
}

/// A figure of a REPORT line: its name in text, its key in JSON, its value, and its unit in text.
type Figure = (&'static str, &'static str, String, &'static str);

/// The events of one request, none if no log of them is wanted.
pub(super) fn of_request(
    config: &Config,
    clock: Clock,
    decision: &Decision,
    ids: &RequestIds,
) -> Vec<LogEvent> {
    if config.report_log.is_none() {
        return Vec::new();
    }
    let report = decision.run.as_ref().map(|run| {
        let ended = millis(clock.unix(run.end));
        let trace = ids.trace.as_ref().filter(|trace| trace.is_sampled);
        LogEvent {
            log_group_name: format!("/aws/lambda/{}", run.function.name()),
            timestamp: ended,
            message: match config.report_format {
                ReportFormat::Text => report_text(config, run, trace),
                ReportFormat::Json => report_json(config, run, trace, ended),
            },
        }
    });
    let request_id = match config.front {
        Some(Front::RestApi) => Some(ids.uuid.to_string()),
        Some(Front::HttpApi) => Some(ids.api.to_string()),
        None | Some(Front::FunctionUrl | Front::LoadBalancer) => None,
    };
    let access = request_id.map(|request_id| LogEvent {
        log_group_name: ACCESS_LOG.to_owned(),
        timestamp: millis(clock.unix(decision.due)),
        message: access_line(&request_id, decision, ids),
    });
    report.into_iter().chain(access).collect()
}

/// An access log line. All values are text: a format quotes each, since one that is missing is `-`.
fn access_line(request_id: &str, decision: &Decision, ids: &RequestIds) -> String {
    let (invocation, latency) = match &decision.run {
        Some(run) => {
            let latency = millis(run.end.saturating_sub(run.begin));
            (run.draw.id.to_string(), latency.to_string())
        }
        None => (NONE.to_owned(), NONE.to_owned()),
    };
    json!({
        "requestId": request_id,
        "extendedRequestId": ids.api.to_string(),
        "awsEndpointRequestId": invocation,
        "integrationLatency": latency,
        "status": decision.reply.status.as_str(),
    })
    .to_string()
}

fn report_text(config: &Config, run: &Run, trace: Option<&Trace>) -> String {
    let mut line = format!("REPORT RequestId: {}\t", run.draw.id);
    // Writing to a string cannot fail.
    for (name, _, value, unit) in figures(config, run) {
        let _ = write!(line, "{name}: {value} {unit}\t");
    }
    if run.draw.failure == Some(Failure::Exception) {
        line.push_str("Status: error\t");
    }
    if let Some(trace) = trace {
        let _ = write!(
            line,
            "\nXRAY TraceId: {}\tSegmentId: {:016x}\tSampled: true\t",
            trace.root, trace.segment
        );
    }
    line
}

fn report_json(config: &Config, run: &Run, trace: Option<&Trace>, ended: u64) -> String {
    let metrics: Map<String, Value> = figures(config, run)
        .filter_map(|(_, key, value, _)| {
            let number: Number = value.parse().ok()?;
            Some((key.to_owned(), number.into()))
        })
        .collect();
    let status = match run.draw.failure {
        Some(Failure::Exception) => "error",
        // What the gateway cannot read is a result like any other to Lambda.
        Some(Failure::BadGateway) | None => "success",
    };
    let mut record = json!({ "requestId": run.draw.id.to_string(), "metrics": metrics });
    if let Some(trace) = trace {
        record["tracing"] = json!({ "type": "X-Amzn-Trace-Id", "value": trace.to_string() });
    }
    record["status"] = status.into();
    let time = i64::try_from(ended).unwrap_or_default();
    let time = jiff::Timestamp::from_millisecond(time).unwrap_or_default();
    json!({ "time": format!("{time:.3}"), "type": "platform.report", "record": record }).to_string()
}

/// The figures of a REPORT line. Every initialization is billed, also one that no request waited for.
fn figures(config: &Config, run: &Run) -> impl Iterator<Item = Figure> {
    let duration = hundredths(run.draw.latency);
    let prepared = Some(hundredths(config.cold_start));
    let (init, restore) = match (run.start, config.preparation) {
        (Start::Warm, Preparation::Init | Preparation::Restore) => (None, None),
        (Start::Cold | Start::Preinitialized, Preparation::Init) => (prepared, None),
        (Start::Cold | Start::Preinitialized, Preparation::Restore) => (None, prepared),
    };
    // A tenth of a restore, in whole ms, stands for the part that AWS bills.
    let billed_restore = restore.map(|restore| restore.div_ceil(1000));
    let billed = (duration + init.unwrap_or_default()).div_ceil(100);
    let billed = (billed + billed_restore.unwrap_or_default()).to_string();
    let (size, used) = (MEMORY_SIZE.to_string(), run.draw.memory_used.to_string());
    let (init, restore) = (init.map(decimal), restore.map(decimal));
    let billed_restore = billed_restore.map(|billed| billed.to_string());
    let figures = [
        ("Duration", "durationMs", Some(decimal(duration)), "ms"),
        ("Billed Duration", "billedDurationMs", Some(billed), "ms"),
        ("Memory Size", "memorySizeMB", Some(size), "MB"),
        ("Max Memory Used", "maxMemoryUsedMB", Some(used), "MB"),
        ("Init Duration", "initDurationMs", init, "ms"),
        ("Restore Duration", "restoreDurationMs", restore, "ms"),
        (
            "Billed Restore Duration",
            "billedRestoreDurationMs",
            billed_restore,
            "ms",
        ),
    ];
    let figures = figures.into_iter();
    figures.filter_map(|(name, key, value, unit)| Some((name, key, value?, unit)))
}

/// A duration in hundredths of a millisecond, as precise as a REPORT line. Bills follow from the same figure.
fn hundredths(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros() / 10).unwrap_or(u64::MAX)
}

fn decimal(hundredths: u64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
