//! Sums of REPORT lines by Logs Insights, which reads a log where it is: for runs whose lines fill hundreds of pages.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::account::FunctionConfiguration;
use super::client::{Call, Client, Message, Patience, Service};
use super::error::{Error, clean};
use super::join::PhaseBounds;
use super::logs::log_of;
use crate::record::{PhaseReports, ReportsRecord};
use crate::scenario::LambdaFunction;
use crate::units::six_digits;

/// The time between two looks at a query.
const LOOK: Duration = Duration::from_secs(1);
/// The most rows that a query may have: 27 hours of bins.
const MOST_ROWS: usize = 10_000;
/// The end of a query by time.
const BY_BIN: &str = " by bin(10s)";

/// Of lines that are text. Insights finds their fields itself, except for restores, and has memory in bytes.
const TEXT: &str = r#"filter @type = "REPORT"
| parse @message "Restore Duration: * ms" as restore
| stats count(*) as lines, count(@initDuration) as inits, count(restore) as restores,
  pct(@initDuration, 50) as init_p50, pct(@initDuration, 95) as init_p95,
  sum(@billedDuration) as billed, pct(@billedDuration, 95) as billed_p95,
  max(@memorySize / 1000000) as memory, max(@maxMemoryUsed / 1000000) as used,
  sum(strcontains(@message, "Status: timeout")) as timeouts,
  sum(strcontains(@message, "Status: error")) as errors"#;

/// Of lines that are JSON.
const JSON: &str = r#"filter type = "platform.report"
| stats count(*) as lines, count(record.metrics.initDurationMs) as inits,
  count(record.metrics.restoreDurationMs) as restores,
  pct(record.metrics.initDurationMs, 50) as init_p50, pct(record.metrics.initDurationMs, 95) as init_p95,
  sum(record.metrics.billedDurationMs) as billed, pct(record.metrics.billedDurationMs, 95) as billed_p95,
  max(record.metrics.memorySizeMB) as memory, max(record.metrics.maxMemoryUsedMB) as used,
  sum(strcontains(record.status, "timeout")) as timeouts,
  sum(strcontains(record.status, "error")) as errors"#;

/// Sums up one log.
pub(super) struct LogSums {
    group: String,
    query: String,
    start: Timestamp,
    end: Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Started {
    query_id: String,
}

#[derive(Deserialize)]
struct Results {
    status: String,
    #[serde(default)]
    results: Vec<Vec<Field>>,
}

#[derive(Deserialize)]
struct Field {
    field: String,
    value: String,
}

impl LogSums {
    /// Sums of the lines that report a function's invocations between two times.
    pub(super) fn of_function(
        function: &LambdaFunction,
        configuration: Option<&FunctionConfiguration>,
        (start, end): (Timestamp, Timestamp),
    ) -> Self {
        let (group, stream) = log_of(function, configuration);
        let is_json = configuration.is_some_and(|configuration| configuration.logs_json);
        let lines = if is_json { JSON } else { TEXT };
        let own = stream.map(|stream| format!("filter @logStream like \"{stream}\" | "));
        Self {
            group,
            query: format!("{}{lines}", own.unwrap_or_default()),
            start,
            end,
        }
    }

    /// All lines together.
    pub(super) fn whole(
        &self,
        client: &Client<'_>,
        patience: Patience<'_>,
    ) -> Result<ReportsRecord, Error> {
        let rows = self.run(client, patience, &self.query)?;
        Ok(rows.first().map(reports).unwrap_or_default())
    }

    /// Lines by phase. A bin counts in the phase in which it starts.
    pub(super) fn by_phase(
        &self,
        client: &Client<'_>,
        patience: Patience<'_>,
        phases: &[PhaseBounds],
    ) -> Result<Vec<PhaseReports>, Error> {
        let rows = self.run(client, patience, &format!("{}{BY_BIN}", self.query))?;
        if rows.len() >= MOST_ROWS {
            return Err(Error::Unexpected {
                action: "logs:GetQueryResults",
                why: format!("it has {MOST_ROWS} bins, and no more can be had"),
            });
        }
        let mut sums: BTreeMap<usize, ReportsRecord> = BTreeMap::new();
        for row in &rows {
            let begun = |bounds: &&PhaseBounds| bounds.start_ms <= start_ms(row);
            let begun = phases.iter().filter(begun);
            let of = begun
                .max_by_key(|bounds| bounds.start_ms)
                .or(phases.first());
            if let Some(of) = of {
                add(sums.entry(of.phase).or_default(), &reports(row));
            }
        }
        let sums = sums.into_iter();
        Ok(sums
            .map(|(phase, reports)| PhaseReports { phase, reports })
            .collect())
    }

    /// Runs a query and waits for its end.
    fn run(
        &self,
        client: &Client<'_>,
        patience: Patience<'_>,
        query: &str,
    ) -> Result<Vec<BTreeMap<String, String>>, Error> {
        let began = Instant::now();
        let group = client.arn("logs", &format!("*:log-group:{}:*", self.group));
        let started: Started = call(
            client,
            ("logs:StartQuery", group),
            "Logs_20140328.StartQuery",
            json!({
                "logGroupName": self.group,
                "startTime": self.start.as_second(),
                "endTime": self.end.as_second(),
                "queryString": query,
                "limit": MOST_ROWS,
            }),
        )?;
        let action = "logs:GetQueryResults";
        loop {
            let found: Results = call(
                client,
                (action, "*".to_owned()),
                "Logs_20140328.GetQueryResults",
                json!({ "queryId": started.query_id }),
            )?;
            match found.status.as_str() {
                "Complete" => {
                    let rows = found.results.into_iter();
                    let pairs = |row: Vec<Field>| {
                        let fields = row.into_iter();
                        fields.map(|field| (field.field, field.value)).collect()
                    };
                    return Ok(rows.map(pairs).collect());
                }
                "Scheduled" | "Running" | "Unknown" => {
                    let is_over = Instant::now() >= patience.deadline;
                    if is_over || (patience.sleep)(LOOK).is_break() {
                        let seconds = began.elapsed().as_secs_f64();
                        return Err(Error::TimedOut { action, seconds });
                    }
                }
                status => {
                    return Err(Error::Refused {
                        action,
                        status: 200,
                        code: clean(status),
                        message: "the query of the log has no result".to_owned(),
                    });
                }
            }
        }
    }
}

fn call<T: DeserializeOwned>(
    client: &Client<'_>,
    (action, resource): (&'static str, String),
    target: &'static str,
    body: Value,
) -> Result<T, Error> {
    client.call(&Call {
        service: Service::Logs,
        action,
        resource,
        message: Message::Post {
            content_type: "application/x-amz-json-1.1",
            target,
            body,
        },
    })
}

/// When a bin starts, in Unix milliseconds.
fn start_ms(row: &BTreeMap<String, String>) -> i64 {
    let mut fields = row.iter();
    let bin = fields.find(|(name, _)| name.starts_with("bin("));
    let time = bin.and_then(|(_, value)| value.parse::<DateTime>().ok());
    let time = time.and_then(|time| TimeZone::UTC.to_timestamp(time).ok());
    time.map(Timestamp::as_millisecond).unwrap_or_default()
}

/// The figures of a row. Those that it lacks are unknown, or zero.
fn reports(row: &BTreeMap<String, String>) -> ReportsRecord {
    let number = |name: &str| {
        let value: f64 = row.get(name)?.parse().ok()?;
        (value.is_finite() && value >= 0.0).then_some(value)
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturating is right"
    )]
    let whole = |name: &str| number(name).map(|value| value.round() as u64);
    let count = |name: &str| whole(name).unwrap_or_default();
    ReportsRecord {
        lines: count("lines"),
        cold: count("inits").saturating_add(count("restores")),
        pre_initialised: 0,
        init_p50_ms: number("init_p50").map(six_digits),
        init_p95_ms: number("init_p95").map(six_digits),
        billed_ms: count("billed"),
        billed_p95_ms: number("billed_p95").map(six_digits),
        memory_mb: whole("memory"),
        memory_used_mb: whole("used"),
        timeouts: count("timeouts"),
        errors: count("errors"),
    }
}

/// Adds what can be added up: percentiles cannot.
fn add(sum: &mut ReportsRecord, bin: &ReportsRecord) {
    sum.lines = sum.lines.saturating_add(bin.lines);
    sum.cold = sum.cold.saturating_add(bin.cold);
    sum.billed_ms = sum.billed_ms.saturating_add(bin.billed_ms);
    sum.memory_mb = sum.memory_mb.max(bin.memory_mb);
    sum.memory_used_mb = sum.memory_used_mb.max(bin.memory_used_mb);
    sum.timeouts = sum.timeouts.saturating_add(bin.timeouts);
    sum.errors = sum.errors.saturating_add(bin.errors);
}

#[cfg(test)]
#[path = "insights_tests.rs"]
mod tests;
