//! Joins requests that were sent with the REPORT lines of their invocations, by id alone.
//!
//! A line is never matched by its time: under concurrency that is a guess.
//! If too few ids match, lines are only counted.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use super::report_line::{ReportLine, Status};
use crate::measurement::{Arm, RequestId};
use crate::record::{JoinRecord, ReportsRecord};
use crate::units::{group, six_digits};

/// How much sooner than Lambda's own figures add up to a response may be after a felt cold start, in milliseconds.
const GRACE_MS: f64 = 2.0;
/// The share of requests that has to be joined, in percent.
const NEEDED_PERCENT: usize = 90;
/// Statuses of a gateway that refuses a request or fails itself. Such a request may have no line.
pub(super) const GATEWAY_STATUSES: [u16; 4] = [429, 502, 503, 504];

/// One request that got a response with an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Responded {
    /// The id in its response.
    pub(super) id: RequestId,
    /// The deployment that responded.
    pub(super) arm: Arm,
    /// Index of its phase, or of its slice.
    pub(super) phase: usize,
    /// From sending to the end of the response, in microseconds.
    pub(super) service_us: u32,
    /// Status of the response.
    pub(super) status: u16,
}

/// A REPORT line and where it was found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LoggedReport<'a> {
    /// Name of the function.
    pub(super) function: &'a str,
    /// When the line was written, in Unix milliseconds: the end of the invocation.
    pub(super) timestamp_ms: i64,
    /// The figures.
    pub(super) report: ReportLine,
}

/// When a phase ran, in Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PhaseBounds {
    /// Index of the phase.
    pub(super) phase: usize,
    pub(super) start_ms: i64,
    /// Its end, which is not part of it.
    pub(super) end_ms: i64,
}

/// What is known of requests and lines together.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Join<'a> {
    /// At least 90 % of the requests have their line.
    Requests(JoinedRequests<'a>),
    /// Lines are only counted, in the phase in which they start. Which request they belong to is unknown.
    Counts {
        /// Why.
        reason: CountsReason,
        /// The lines of the load.
        lines: Lines<'a>,
    },
}

impl<'a> Join<'a> {
    /// The lines of the load.
    pub(super) fn lines(&self) -> &Lines<'a> {
        match self {
            Self::Requests(JoinedRequests { lines, .. }) | Self::Counts { lines, .. } => lines,
        }
    }

    /// How many were joined.
    pub(super) fn record(&self) -> JoinRecord {
        let (joined, answered, counts_only) = match self {
            Self::Requests(all) => (all.requests.len(), all.answered, None),
            Self::Counts { reason, .. } => {
                let (joined, answered) = match *reason {
                    CountsReason::TooFewJoined { joined, answered } => (joined, answered),
                    CountsReason::NoLines | CountsReason::NoIds => (0, 0),
                };
                (joined, answered, Some(reason.to_string()))
            }
        };
        JoinRecord {
            answered: answered as u64,
            joined: joined as u64,
            counts_only,
        }
    }
}

/// Requests with their lines.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct JoinedRequests<'a> {
    /// Those that were joined, in the order in which they were sent.
    pub(super) requests: Vec<JoinedRequest<'a>>,
    /// Requests that an invocation responded to, as far as is known.
    pub(super) answered: usize,
    /// Lines in the time of the load that belong to none of our requests.
    pub(super) foreign: usize,
    /// Our own lines.
    pub(super) lines: Lines<'a>,
}

/// One request with its line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct JoinedRequest<'a> {
    /// Index among the requests that were sent.
    pub(super) sent: usize,
    pub(super) line: &'a LoggedReport<'a>,
    /// The state of its environment.
    pub(super) start: Start,
}

/// The state in which a request found its environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// It had served before.
    Warm,
    /// It was initialised or restored while the request waited.
    ColdFelt,
    /// It was initialised before the request came.
    PreInitialised,
}

/// Why lines are only counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CountsReason {
    /// The log has no REPORT line.
    NoLines,
    /// No request is left that a line is to be found for.
    NoIds,
    /// Under 90 % of the requests have a line.
    TooFewJoined {
        /// Requests with a line.
        joined: usize,
        /// Requests that an invocation responded to, as far as is known.
        answered: usize,
    },
}

/// As the end of a sentence on the log.
impl fmt::Display for CountsReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLines => f.write_str("it has no REPORT line of these minutes"),
            Self::NoIds => f.write_str("responses have no id of it"),
            Self::TooFewJoined { joined, answered } => {
                let [joined, answered] = [joined, answered].map(|count| group(&count.to_string()));
                write!(
                    f,
                    "{joined} of {answered} responses have an id that is in it"
                )
            }
        }
    }
}

/// What the lines of one function in one phase say together. Percentiles are by nearest rank.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group<'a> {
    /// Index of the phase.
    pub(super) phase: usize,
    /// Name of the function.
    pub(super) function: &'a str,
    /// What they say.
    pub(super) reports: ReportsRecord,
}

/// Joins requests with lines.
///
/// `access_log` leads from the gateway's id of a request to the id of its invocation. Other ids join as they are.
///
/// A function of which no line joins, such as an authorizer, has ids that no response shows: its lines are counted by
/// their start, and are not foreign.
pub(super) fn join<'a>(
    sent: &[Responded],
    lines: &'a [LoggedReport<'a>],
    access_log: &BTreeMap<RequestId, RequestId>,
    phases: &[PhaseBounds],
) -> Join<'a> {
    let own_id = |request: &Responded| *access_log.get(&request.id).unwrap_or(&request.id);
    let requests = joined(sent, lines, own_id);
    let unexpected = requests
        .iter()
        .filter(|joined| !expects_line(&sent[joined.sent]));
    let answered = sent.iter().filter(|request| expects_line(request)).count() + unexpected.count();
    let mut grouped = Lines::default();
    if let Some(reason) = counts_reason(lines.len(), requests.len(), answered) {
        grouped.add_by_start(lines, phases);
        let lines = grouped;
        return Join::Counts { reason, lines };
    }
    let joinable: HashSet<&str> = requests.iter().map(|joined| joined.line.function).collect();
    let can_join = |line: &LoggedReport<'_>| joinable.contains(line.function);
    let own_ids: HashSet<RequestId> = sent.iter().map(own_id).collect();
    let is_foreign = |line: &&LoggedReport<'_>| {
        can_join(line) && is_in_load(line, phases) && !own_ids.contains(&line.report.request_id)
    };
    for joined in &requests {
        grouped.add(sent[joined.sent].phase, joined.line, Some(joined.start));
    }
    grouped.add_by_start(lines.iter().filter(|line| !can_join(line)), phases);
    Join::Requests(JoinedRequests {
        foreign: lines.iter().filter(is_foreign).count(),
        requests,
        answered,
        lines: grouped,
    })
}

/// Why lines are only counted; none if enough requests have a line.
fn counts_reason(lines: usize, joined: usize, answered: usize) -> Option<CountsReason> {
    if lines == 0 {
        Some(CountsReason::NoLines)
    } else if answered == 0 {
        Some(CountsReason::NoIds)
    } else if joined * 100 < answered * NEEDED_PERCENT {
        Some(CountsReason::TooFewJoined { joined, answered })
    } else {
        None
    }
}

/// Each request with the line of its invocation. A line joins one request only, the first.
fn joined<'a>(
    sent: &[Responded],
    lines: &'a [LoggedReport<'a>],
    own_id: impl Fn(&Responded) -> RequestId,
) -> Vec<JoinedRequest<'a>> {
    let mut by_id: HashMap<RequestId, &LoggedReport<'_>> = HashMap::with_capacity(lines.len());
    for line in lines {
        by_id.entry(line.report.request_id).or_insert(line);
    }
    let requests = sent.iter().enumerate().filter_map(|(index, request)| {
        let line = by_id.remove(&own_id(request))?;
        Some(JoinedRequest {
            sent: index,
            line,
            start: Start::of(*request, &line.report),
        })
    });
    requests.collect()
}

/// Whether a line is missing if there is none.
fn expects_line(request: &Responded) -> bool {
    !GATEWAY_STATUSES.contains(&request.status)
}

impl Start {
    /// A request cannot have waited for a startup if its response came sooner than startup and handler take.
    fn of(request: Responded, report: &ReportLine) -> Self {
        let service_ms = f64::from(request.service_us) / 1e3;
        match report.startup_ms() {
            None => Self::Warm,
            Some(_) if service_ms + GRACE_MS >= report.total_ms() => Self::ColdFelt,
            Some(_) => Self::PreInitialised,
        }
    }
}

/// When an invocation or its environment started, in Unix milliseconds.
fn start_ms(line: &LoggedReport<'_>) -> f64 {
    line.timestamp_ms as f64 - line.report.total_ms()
}

impl PhaseBounds {
    fn contains(&self, line: &LoggedReport<'_>) -> bool {
        (self.start_ms as f64..self.end_ms as f64).contains(&start_ms(line))
    }
}

/// Whether a line starts between the start of the first phase and the end of the last.
fn is_in_load(line: &LoggedReport<'_>, phases: &[PhaseBounds]) -> bool {
    let start = phases.iter().map(|phase| phase.start_ms).min();
    let end = phases.iter().map(|phase| phase.end_ms).max();
    let load = start.zip(end).map(|(start_ms, end_ms)| PhaseBounds {
        phase: 0,
        start_ms,
        end_ms,
    });
    load.is_some_and(|load| load.contains(line))
}

/// Lines by phase and function, and what was found of the environments of those that were joined.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Lines<'a>(BTreeMap<(usize, &'a str), Vec<Line<'a>>>);

type Line<'a> = (&'a ReportLine, Option<Start>);

impl<'a> Lines<'a> {
    fn add(&mut self, phase: usize, line: &'a LoggedReport<'a>, start: Option<Start>) {
        let group = self.0.entry((phase, line.function)).or_default();
        group.push((&line.report, start));
    }

    /// Adds lines to the phases in which they start. Others are none of the load's.
    fn add_by_start(
        &mut self,
        lines: impl IntoIterator<Item = &'a LoggedReport<'a>>,
        phases: &[PhaseBounds],
    ) {
        for line in lines {
            if let Some(bounds) = phases.iter().find(|bounds| bounds.contains(line)) {
                self.add(bounds.phase, line, None);
            }
        }
    }

    /// What they say by phase and function, with the lines of several phases together if `phase_of` names them alike.
    pub(super) fn groups(&self, phase_of: impl Fn(usize) -> usize) -> Vec<Group<'a>> {
        let mut groups: BTreeMap<(usize, &'a str), Vec<Line<'a>>> = BTreeMap::new();
        for ((phase, function), lines) in &self.0 {
            let group = groups.entry((phase_of(*phase), function)).or_default();
            group.extend(lines);
        }
        let groups = groups.iter();
        groups
            .map(|((phase, function), lines)| Group::new(*phase, function, lines))
            .collect()
    }
}

impl<'a> Group<'a> {
    fn new(phase: usize, function: &'a str, lines: &[Line<'_>]) -> Self {
        let reports = || lines.iter().map(|(report, _)| *report);
        let count =
            |is: fn(&ReportLine) -> bool| reports().filter(|report| is(report)).count() as u64;
        let starts =
            |of: Start| lines.iter().filter(|(_, start)| *start == Some(of)).count() as u64;
        let mut startups_ms: Vec<f64> = reports().filter_map(ReportLine::startup_ms).collect();
        startups_ms.sort_by(f64::total_cmp);
        let mut billed_ms: Vec<u32> = reports().filter_map(|report| report.billed_ms).collect();
        billed_ms.sort_unstable();
        let is_joined = lines.iter().any(|(_, start)| start.is_some());
        let memory_mb = reports().filter_map(|report| report.memory_mb).max();
        let memory_used_mb = reports().filter_map(|report| report.max_memory_mb).max();
        let reports = ReportsRecord {
            lines: lines.len() as u64,
            cold: if is_joined {
                starts(Start::ColdFelt)
            } else {
                startups_ms.len() as u64
            },
            pre_initialised: starts(Start::PreInitialised),
            init_p50_ms: percentile(&startups_ms, 50).map(six_digits),
            init_p95_ms: percentile(&startups_ms, 95).map(six_digits),
            billed_ms: billed_ms.iter().copied().map(u64::from).sum(),
            billed_p95_ms: percentile(&billed_ms, 95).map(f64::from),
            memory_mb: memory_mb.map(u64::from),
            memory_used_mb: memory_used_mb.map(u64::from),
            timeouts: count(|report| report.status == Status::Timeout),
            errors: count(|report| report.status == Status::Error),
        };
        Self {
            phase,
            function,
            reports,
        }
    }
}

/// A percentile of sorted values, by nearest rank.
fn percentile<T: Copy>(sorted: &[T], percent: usize) -> Option<T> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
#[path = "join_tests.rs"]
mod tests;
