//! Requests that were sent with a trace. They are a sample: what is known of them is said of them alone.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::join::{Join, LoggedReport, PhaseBounds, Responded, Start, join};
use super::report_line::ReportLine;
use crate::measurement::{RequestId, SentRequest, SentTrace, TraceRoot};
use crate::record::TracedRecord;
use crate::units::six_digits;

/// How many of the slowest requests are named, and looked up in X-Ray.
const SLOWEST: usize = 20;

/// Joins the traced requests with the lines that name their traces.
pub(super) fn traced(
    traces: &[SentTrace],
    sent: &[Responded],
    lines: &[LoggedReport<'_>],
    phases: &[PhaseBounds],
) -> TracedRecord {
    let ids: HashSet<RequestId> = traces.iter().map(|one| one.id).collect();
    let sent = sent.iter().filter(|one| ids.contains(&one.id));
    let sent: Vec<Responded> = sent.copied().collect();
    let joined = join(&sent, lines, &invocations(traces, lines), phases);
    let cold = match &joined {
        Join::Requests(requests) => {
            let starts = requests.requests.iter().map(|one| one.start);
            starts.filter(|start| *start == Start::ColdFelt).count()
        }
        Join::Counts { .. } => 0,
    };
    TracedRecord {
        join: Some(joined.record()),
        cold: cold as u64,
        ..TracedRecord::default()
    }
}

/// The ids of requests, each with that of the invocation that its trace leads to.
fn invocations(traces: &[SentTrace], lines: &[LoggedReport<'_>]) -> BTreeMap<RequestId, RequestId> {
    // An authorizer has the same trace as the function behind it. A request waits for the cold start of either.
    let rank = |line: &ReportLine| (line.startup_ms().is_some(), line.total_ms());
    let mut of_root: HashMap<TraceRoot, &ReportLine> = HashMap::new();
    for line in lines.iter().map(|line| &line.report) {
        let root = line.trace_root.as_deref();
        if let Some(root) = root.and_then(TraceRoot::parse) {
            let kept = of_root.entry(root).or_insert(line);
            if rank(kept) < rank(line) {
                *kept = line;
            }
        }
    }
    let pairs = traces.iter();
    pairs
        .filter_map(|one| Some((one.id, of_root.get(&one.root)?.request_id)))
        .collect()
}

/// The roots of the slowest traced requests with their time at the client in milliseconds, the slowest first.
pub(super) fn slowest(traces: &[SentTrace], sent: &[SentRequest]) -> Vec<(String, f64)> {
    let roots: HashMap<RequestId, TraceRoot> =
        traces.iter().map(|one| (one.id, one.root)).collect();
    let sent = sent.iter();
    let mut slowest: Vec<(u32, TraceRoot)> = sent
        .filter_map(|one| Some((one.service_us, *roots.get(&one.id)?)))
        .collect();
    slowest.sort_unstable_by(|one, other| other.cmp(one));
    slowest.truncate(SLOWEST);
    let named = slowest.into_iter();
    named
        .map(|(micros, root)| (root.to_string(), six_digits(f64::from(micros) / 1e3)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::report_line::LogLine;
    use super::*;

    const PHASE: PhaseBounds = PhaseBounds {
        phase: 0,
        start_ms: 0,
        end_ms: 60_000,
    };

    fn id(kind: &str, number: u32) -> RequestId {
        RequestId::parse(&format!("{number:08x}-{kind}-4000-8000-000000000000")).unwrap()
    }

    fn root(number: u32) -> TraceRoot {
        TraceRoot::new(number, [1; 12])
    }

    /// A hundred requests of which each tenth is traced.
    fn requests() -> (Vec<SentTrace>, Vec<Responded>) {
        let traces = (0..100).step_by(10).map(|number| SentTrace {
            id: id("0001", number),
            root: root(number),
        });
        let sent = (0..100).map(|number| Responded {
            arm: crate::measurement::Arm::Target,
            id: id("0001", number),
            phase: 0,
            service_us: 600_000,
            status: 200,
        });
        (traces.collect(), sent.collect())
    }

    /// The line of an invocation that one of these requests led to, with its trace.
    fn line(function: &'static str, number: u32, fields: &str) -> LoggedReport<'static> {
        let message = format!(
            "REPORT RequestId: {}\tDuration: 100.00 ms\t{fields}\nXRAY TraceId: {}\tSegmentId: 1\tSampled: true\t",
            id(
                ["0002", "0003"][usize::from(function == "authorizer")],
                number
            ),
            root(number)
        );
        let Some(LogLine::Report(report)) = LogLine::parse(&message) else {
            panic!("{message}");
        };
        LoggedReport {
            function,
            timestamp_ms: 1_000,
            report,
        }
    }

    #[test]
    fn traced_requests_are_joined_and_no_others() {
        let (traces, sent) = requests();
        let init = "Init Duration: 400.00 ms\t";
        let mut lines: Vec<_> = (0..100)
            .step_by(10)
            .map(|number| line("orders", number, ""))
            .collect();
        // One cold start is an authorizer's, one was over before the request came, and one was felt.
        lines.push(line("authorizer", 10, init));
        lines[2] = line("orders", 20, "Init Duration: 4000.00 ms\t");
        lines[3] = line("orders", 30, init);
        let found = traced(&traces, &sent, &lines, &[PHASE]);
        let join = found.join.unwrap();
        assert_eq!(
            (join.joined, join.answered, join.counts_only),
            (10, 10, None)
        );
        assert_eq!(found.cold, 2);
    }

    #[test]
    fn too_few_traces_in_the_log_say_nothing_of_cold_starts() {
        let (traces, sent) = requests();
        let lines = [line("orders", 0, "Init Duration: 400.00 ms\t")];
        let found = traced(&traces, &sent, &lines, &[PHASE]);
        assert_eq!(found.cold, 0);
        let why = found.join.unwrap().counts_only.unwrap();
        assert_eq!(why, "1 of 10 responses have an id that is in it");
    }
}
