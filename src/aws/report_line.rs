//! Lines that Lambda writes to the log of a function: one message becomes the figures of one invocation.
//!
//! Pure: neither the log group nor our own requests are known here.

use serde_json::Value;

use crate::measurement::RequestId;

/// The longest message that is read, in bytes. A line of Lambda's has a few hundred; a function may write anything.
const LONGEST_MESSAGE: usize = 1 << 20;
/// The longest duration that is believed, in milliseconds: 49 days. Sums stay far from any overflow.
const LONGEST_MS: f64 = u32::MAX as f64;

/// A line of Lambda's own.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum LogLine {
    /// The end of an invocation.
    Report(ReportLine),
    /// An initialisation that failed or was repeated. It names no request.
    InitReport(InitReport),
}

/// The figures of one invocation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ReportLine {
    /// Id of the invocation.
    pub(super) request_id: RequestId,
    /// How long the handler ran, in milliseconds.
    pub(super) duration_ms: f64,
    /// What AWS bills, in milliseconds: it includes the init and the billed part of a restore.
    pub(super) billed_ms: Option<u32>,
    /// Memory size of the function, in MB.
    pub(super) memory_mb: Option<u32>,
    /// The most memory that was used, in MB.
    pub(super) max_memory_mb: Option<u32>,
    /// How long the environment was initialised, in milliseconds.
    pub(super) init_ms: Option<f64>,
    /// How long a snapshot was restored, in milliseconds.
    pub(super) restore_ms: Option<f64>,
    /// The part of a restore that is billed, in milliseconds. `billed_ms` includes it: never add the two.
    pub(super) billed_restore_ms: Option<u32>,
    /// How the invocation ended.
    pub(super) status: Status,
    /// Kind of error, such as `Runtime.ExitError`.
    pub(super) error_type: Option<String>,
    /// Root of the trace, if Lambda traced the invocation.
    pub(super) trace_root: Option<String>,
}

/// How an invocation or an initialisation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Without an error.
    Success,
    /// At the function's timeout.
    Timeout,
    /// With an error.
    Error,
}

/// An initialisation that is reported apart from any invocation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct InitReport {
    /// How long it took, in milliseconds.
    pub(super) init_ms: f64,
    /// When it happened.
    pub(super) phase: InitPhase,
    /// How it ended.
    pub(super) status: Status,
    /// Kind of error, such as `Runtime.ExitError`.
    pub(super) error_type: Option<String>,
}

/// When an environment is initialised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InitPhase {
    /// Before the first invocation.
    Init,
    /// Again, as part of an invocation.
    Invoke,
}

impl LogLine {
    /// Reads the message of one log event, as text or as JSON. None if it is not a line of Lambda's.
    ///
    /// Fields may come in any order and unknown ones are skipped. Only the id and the duration are required.
    pub(super) fn parse(message: &str) -> Option<Self> {
        if message.len() > LONGEST_MESSAGE {
            return None;
        }
        if let Some(text) = message.strip_prefix("REPORT RequestId: ") {
            parse_text(text).map(Self::Report)
        } else if let Some(text) = message.strip_prefix("INIT_REPORT ") {
            parse_init(text).map(Self::InitReport)
        } else if message.contains("\"platform.report\"") {
            parse_json(message).map(Self::Report)
        } else {
            None
        }
    }
}

impl ReportLine {
    /// How long the environment took before the handler ran, in milliseconds. None for a warm one.
    pub(super) fn startup_ms(&self) -> Option<f64> {
        match (self.init_ms, self.restore_ms) {
            (None, None) => None,
            (init, restore) => Some(init.unwrap_or_default() + restore.unwrap_or_default()),
        }
    }

    /// From the start of the environment to the end of the invocation, in milliseconds.
    pub(super) fn total_ms(&self) -> f64 {
        self.duration_ms + self.startup_ms().unwrap_or_default()
    }
}

impl Status {
    /// Lambda names no status for a success in text.
    fn parse(word: Option<&str>) -> Self {
        match word {
            None | Some("success") => Self::Success,
            Some("timeout") => Self::Timeout,
            Some(_) => Self::Error,
        }
    }
}

/// The fields of a text line, divided by tabs.
struct Fields<'a>(&'a str);

impl<'a> Fields<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        let mut fields = self
            .0
            .split('\t')
            .filter_map(|field| field.split_once(": "));
        let (_, value) = fields.find(|(of, _)| of.trim() == name)?;
        Some(value.trim())
    }

    fn milliseconds(&self, name: &str) -> Option<f64> {
        let number = self.get(name)?.strip_suffix("ms")?;
        believable(number.trim_end().parse().ok()?)
    }

    fn whole(&self, name: &str, unit: &str) -> Option<u32> {
        let number = self.get(name)?.strip_suffix(unit)?;
        number.trim_end().parse().ok()
    }
}

fn believable(ms: f64) -> Option<f64> {
    (0.0..=LONGEST_MS).contains(&ms).then_some(ms)
}

/// Reads what follows `REPORT RequestId: `; the lines of X-Ray come after a line feed.
fn parse_text(text: &str) -> Option<ReportLine> {
    let (line, after) = text.split_once('\n').unwrap_or((text, ""));
    let (id, fields) = line.split_once('\t')?;
    let fields = Fields(fields);
    Some(ReportLine {
        request_id: RequestId::parse(id.trim())?,
        duration_ms: fields.milliseconds("Duration")?,
        billed_ms: fields.whole("Billed Duration", "ms"),
        memory_mb: fields.whole("Memory Size", "MB"),
        max_memory_mb: fields.whole("Max Memory Used", "MB"),
        init_ms: fields.milliseconds("Init Duration"),
        restore_ms: fields.milliseconds("Restore Duration"),
        billed_restore_ms: fields.whole("Billed Restore Duration", "ms"),
        status: Status::parse(fields.get("Status")),
        error_type: fields.get("Error Type").map(str::to_owned),
        trace_root: after.lines().find_map(|line| {
            let trace = line.strip_prefix("XRAY TraceId: ")?.split('\t').next()?;
            Some(trace.trim().to_owned()).filter(|root| !root.is_empty())
        }),
    })
}

/// Reads what follows `INIT_REPORT `.
fn parse_init(text: &str) -> Option<InitReport> {
    let fields = Fields(text.lines().next()?);
    Some(InitReport {
        init_ms: fields.milliseconds("Init Duration")?,
        phase: match fields.get("Phase")? {
            "init" => InitPhase::Init,
            "invoke" => InitPhase::Invoke,
            _ => return None,
        },
        status: Status::parse(fields.get("Status")),
        error_type: fields.get("Error Type").map(str::to_owned),
    })
}

fn parse_json(message: &str) -> Option<ReportLine> {
    let event: Value = serde_json::from_str(message).ok()?;
    if event.get("type")?.as_str()? != "platform.report" {
        return None;
    }
    let record = event.get("record")?;
    let metrics = record.get("metrics")?;
    let milliseconds = |name: &str| believable(metrics.get(name)?.as_f64()?);
    let whole = |name: &str| u32::try_from(metrics.get(name)?.as_u64()?).ok();
    let word = |path: &str| record.pointer(path).and_then(Value::as_str);
    Some(ReportLine {
        request_id: RequestId::parse(word("/requestId")?)?,
        duration_ms: milliseconds("durationMs")?,
        billed_ms: whole("billedDurationMs"),
        memory_mb: whole("memorySizeMB"),
        max_memory_mb: whole("maxMemoryUsedMB"),
        init_ms: milliseconds("initDurationMs"),
        restore_ms: milliseconds("restoreDurationMs"),
        billed_restore_ms: whole("billedRestoreDurationMs"),
        status: Status::parse(word("/status")),
        error_type: word("/errorType").map(str::to_owned),
        trace_root: word("/tracing/value").map(|value| trace_root(value).to_owned()),
    })
}

/// The root in the value of a trace header, or the value itself if it is nothing but a root.
fn trace_root(value: &str) -> &str {
    let mut parts = value.split(';').map(str::trim);
    parts
        .find_map(|part| part.strip_prefix("Root="))
        .unwrap_or(value)
}

#[cfg(test)]
#[path = "report_line_tests.rs"]
mod tests;
