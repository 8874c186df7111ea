//! Requests and lines: joined by their ids, or only counted.

use super::super::report_line::LogLine;
use super::*;
use crate::measurement::{Arm, RequestId};

const START_MS: i64 = 1_800_000_000_000;
const PHASES: [PhaseBounds; 2] = [
    PhaseBounds {
        phase: 0,
        start_ms: START_MS,
        end_ms: START_MS + 20_000,
    },
    PhaseBounds {
        phase: 1,
        start_ms: START_MS + 20_000,
        end_ms: START_MS + 51_000,
    },
];

fn id(number: u64) -> RequestId {
    RequestId::parse(&format!("{number:08x}-0000-4000-8000-000000000000")).unwrap()
}

/// One request each 10 ms, 50 s in all. Each is served for 100 ms by its function and 20 ms further away.
fn request(number: u64) -> Responded {
    Responded {
        id: id(number),
        arm: Arm::Target,
        phase: usize::from(number >= 2_000),
        service_us: 120_000,
        status: 200,
    }
}

/// The line of a request that was sent at this time.
fn line_at(request: &Responded, started_ms: i64, fields: &str) -> LoggedReport<'static> {
    let message = format!(
        "REPORT RequestId: {}\tDuration: 100.00 ms\tMemory Size: 512 MB\tMax Memory Used: 90 MB\t{fields}",
        request.id
    );
    let Some(LogLine::Report(report)) = LogLine::parse(&message) else {
        panic!("{message}");
    };
    let end_ms = started_ms + i64::from(request.service_us) / 1000 - 10;
    LoggedReport {
        function: "orders",
        timestamp_ms: end_ms,
        report,
    }
}

/// The line of a request that was sent in its turn.
fn line(request: &Responded, fields: &str) -> LoggedReport<'static> {
    let number = request.id.to_string();
    let number = i64::from_str_radix(&number[..8], 16).unwrap();
    line_at(request, START_MS + number * 10, fields)
}

/// 5,000 requests with 37 cold starts that were felt and 20 that were not, and their lines.
fn load() -> (Vec<Responded>, Vec<LoggedReport<'static>>) {
    let mut sent: Vec<Responded> = (0..5_000).map(request).collect();
    let mut lines = Vec::new();
    for (number, request) in sent.iter_mut().enumerate() {
        // 37 of each hundredth are felt, and 20 of each 250th from the second on are not.
        let fields = match (number % 100, number % 250) {
            (0, _) if number < 3_700 => {
                request.service_us += 400_000;
                "Billed Duration: 500 ms\tInit Duration: 400.00 ms"
            }
            (_, 1) => "Billed Duration: 500 ms\tInit Duration: 400.00 ms",
            _ => "Billed Duration: 100 ms",
        };
        lines.push(line(request, fields));
    }
    (sent, lines)
}

fn no_log() -> BTreeMap<RequestId, RequestId> {
    BTreeMap::new()
}

fn joined_requests(join: Join<'_>) -> JoinedRequests<'_> {
    match join {
        Join::Requests(joined) => joined,
        Join::Counts { reason, .. } => panic!("{reason:?}"),
    }
}

fn by_phase<'a>(lines: &Lines<'a>) -> Vec<Group<'a>> {
    lines.groups(|phase| phase)
}

/// Cold starts that a request waited for, and those that were over before it came.
fn cold(groups: &[Group<'_>]) -> (u64, u64) {
    let reports = || groups.iter().map(|group| &group.reports);
    let felt = reports().map(|reports| reports.cold).sum();
    let pre_initialised = reports().map(|reports| reports.pre_initialised).sum();
    (felt, pre_initialised)
}

#[test]
fn all_requests_join_and_felt_cold_starts_are_told_apart() {
    let (sent, lines) = load();
    let joined = joined_requests(join(&sent, &lines, &no_log(), &PHASES));
    assert_eq!(
        (joined.requests.len(), joined.answered, joined.foreign),
        (5_000, 5_000, 0)
    );
    assert_eq!(cold(&by_phase(&joined.lines)), (37, 20));
    for one in &joined.requests {
        assert_eq!(sent[one.sent].id, one.line.report.request_id);
    }
    let felt = joined
        .requests
        .iter()
        .filter(|one| one.start == Start::ColdFelt);
    assert!(felt.clone().all(|one| one.sent % 100 == 0));
    assert_eq!(felt.count(), 37);
}

#[test]
fn figures_are_kept_by_phase_and_function() {
    let (sent, lines) = load();
    let joined = joined_requests(join(&sent, &lines, &no_log(), &PHASES));
    let groups = by_phase(&joined.lines);
    let [first, second] = &groups[..] else {
        panic!("{groups:?}");
    };
    assert_eq!(
        (first.phase, first.function, first.reports.lines),
        (0, "orders", 2_000)
    );
    assert_eq!((second.phase, second.reports.lines), (1, 3_000));
    let first = &first.reports;
    assert_eq!((first.cold, first.pre_initialised), (20, 8));
    assert_eq!(
        (first.init_p50_ms, first.init_p95_ms),
        (Some(400.0), Some(400.0))
    );
    assert_eq!(first.billed_ms, 28 * 500 + 1_972 * 100);
    assert_eq!(first.billed_p95_ms, Some(100.0));
    assert_eq!(
        (first.memory_mb, first.memory_used_mb),
        (Some(512), Some(90))
    );
    assert_eq!((first.timeouts, first.errors), (0, 0));
}

#[test]
fn phases_together_are_what_one_phase_would_be() {
    let (sent, lines) = load();
    let apart = joined_requests(join(&sent, &lines, &no_log(), &PHASES));
    let sent_in_one: Vec<Responded> = sent
        .iter()
        .map(|one| Responded { phase: 0, ..*one })
        .collect();
    let in_one = PHASES.map(|bounds| PhaseBounds { phase: 0, ..bounds });
    let together = joined_requests(join(&sent_in_one, &lines, &no_log(), &in_one));
    assert_eq!(apart.lines.groups(|_| 0), by_phase(&together.lines));
}

#[test]
fn lines_that_are_missing_lower_the_rate() {
    let (sent, mut lines) = load();
    let mut number = 0;
    lines.retain(|_| {
        number += 1;
        number % 25 != 0
    });
    let joined = joined_requests(join(&sent, &lines, &no_log(), &PHASES));
    assert_eq!((joined.requests.len(), joined.answered), (4_800, 5_000));
}

#[test]
fn scrambled_ids_leave_counts_alone() {
    let (mut sent, lines) = load();
    for request in &mut sent {
        request.id = RequestId::parse("scrambled").unwrap();
    }
    let Join::Counts { reason, lines } = join(&sent, &lines, &no_log(), &PHASES) else {
        panic!("joined");
    };
    let groups = by_phase(&lines);
    assert_eq!(
        reason,
        CountsReason::TooFewJoined {
            joined: 0,
            answered: 5_000
        }
    );
    assert_eq!(cold(&groups), (56, 0), "all that were initialised");
    // One environment was initialised before the load began, so that no phase has its line.
    assert_eq!(
        groups.iter().map(|group| group.reports.lines).sum::<u64>(),
        4_999
    );
}

#[test]
fn ninety_percent_suffice_and_less_does_not() {
    let (sent, lines) = load();
    assert!(matches!(
        join(&sent, &lines[..4_500], &no_log(), &PHASES),
        Join::Requests(_)
    ));
    let Join::Counts { reason, .. } = join(&sent, &lines[..4_499], &no_log(), &PHASES) else {
        panic!("joined");
    };
    assert_eq!(
        reason,
        CountsReason::TooFewJoined {
            joined: 4_499,
            answered: 5_000
        }
    );
}

#[test]
fn an_access_log_leads_from_the_gateway_to_the_function() {
    let (mut sent, lines) = load();
    let mut access_log = BTreeMap::new();
    for (number, request) in sent.iter_mut().enumerate() {
        let of_gateway = RequestId::parse(&format!("A{number:05}gP-IAMEZ=")).unwrap();
        access_log.insert(of_gateway, request.id);
        request.id = of_gateway;
    }
    let joined = joined_requests(join(&sent, &lines, &access_log, &PHASES));
    assert_eq!((joined.requests.len(), joined.foreign), (5_000, 0));
    assert!(matches!(
        join(&sent, &lines, &no_log(), &PHASES),
        Join::Counts { .. }
    ));
}

#[test]
fn responses_of_the_gateway_need_no_line() {
    let (mut sent, mut lines) = load();
    for (request, status) in sent.iter_mut().zip([429, 502, 503, 504, 500]) {
        request.status = status;
    }
    // All but the 504 lack their line; that of the 500 is missing.
    lines.drain(4..5);
    lines.drain(..3);
    let joined = joined_requests(join(&sent, &lines, &no_log(), &PHASES));
    assert_eq!((joined.requests.len(), joined.answered), (4_996, 4_997));
}

#[test]
fn lines_of_strangers_are_counted_within_the_load() {
    let (sent, mut lines) = load();
    let at = |number: u64, started_ms: i64| {
        let stranger = Responded {
            id: id(number),
            ..request(0)
        };
        line_at(&stranger, started_ms, "Billed Duration: 100 ms")
    };
    lines.extend((10_000..10_500).map(|number| at(number, START_MS + 25_000)));
    lines.push(at(20_000, START_MS - 5_000));
    lines.push(at(20_001, START_MS + 60_000));
    let joined = joined_requests(join(&sent, &lines, &no_log(), &PHASES));
    assert_eq!((joined.requests.len(), joined.foreign), (5_000, 500));
    assert_eq!(
        by_phase(&joined.lines)
            .iter()
            .map(|group| group.reports.lines)
            .sum::<u64>(),
        5_000
    );
}

#[test]
fn an_authorizer_is_counted_and_not_foreign() {
    let (sent, mut lines) = load();
    lines.extend((10_000..10_300).map(|number| {
        let called = Responded {
            id: id(number),
            ..request(0)
        };
        let started_ms = START_MS + i64::try_from(number - 10_000).unwrap() * 10;
        LoggedReport {
            function: "authorizer",
            ..line_at(&called, started_ms, "Init Duration: 50.00 ms")
        }
    }));
    let joined = joined_requests(join(&sent, &lines, &no_log(), &PHASES));
    assert_eq!(joined.foreign, 0);
    let groups = by_phase(&joined.lines);
    let authorizer = groups
        .iter()
        .find(|group| group.function == "authorizer")
        .unwrap();
    assert_eq!(
        (authorizer.reports.pre_initialised, authorizer.phase),
        (0, 0)
    );
    assert!(authorizer.reports.lines > 290, "{authorizer:?}");
}

#[test]
fn a_line_joins_one_request_only() {
    let sent = vec![request(1); 10];
    let lines = [line(&sent[0], ""), line(&sent[0], "")];
    let Join::Counts { reason, .. } = join(&sent, &lines, &no_log(), &PHASES) else {
        panic!("joined");
    };
    assert_eq!(
        reason,
        CountsReason::TooFewJoined {
            joined: 1,
            answered: 10
        }
    );
}

#[test]
fn without_lines_or_ids_there_is_a_reason() {
    let (sent, lines) = load();
    let reason = |sent: &[Responded], lines: &[LoggedReport<'_>]| match join(
        sent,
        lines,
        &no_log(),
        &PHASES,
    ) {
        Join::Counts { reason, .. } => Some(reason),
        Join::Requests(_) => None,
    };
    assert_eq!(reason(&sent, &[]), Some(CountsReason::NoLines));
    assert_eq!(reason(&[], &lines), Some(CountsReason::NoIds));
}

#[test]
fn a_cold_start_is_felt_up_to_two_milliseconds_early() {
    let at = |service_us: u32, fields: &str| {
        let sent = Responded {
            service_us,
            ..request(0)
        };
        Start::of(sent, &line(&sent, fields).report)
    };
    assert_eq!(at(500_000, ""), Start::Warm);
    for fields in [
        "Init Duration: 400 ms",
        "Restore Duration: 400 ms\tBilled Restore Duration: 30 ms",
    ] {
        assert_eq!(at(600_000, fields), Start::ColdFelt);
        assert_eq!(at(498_000, fields), Start::ColdFelt);
        assert_eq!(at(497_999, fields), Start::PreInitialised);
    }
}

#[test]
fn timeouts_errors_and_restores_are_counted() {
    let sent: Vec<Responded> = (0..3).map(request).collect();
    let lines = [
        line(&sent[0], "Status: timeout"),
        line(&sent[1], "Status: error\tError Type: Runtime.ExitError"),
        line(
            &sent[2],
            "Restore Duration: 300 ms\tBilled Restore Duration: 20 ms",
        ),
    ];
    let joined = joined_requests(join(&sent, &lines, &no_log(), &PHASES));
    let groups = by_phase(&joined.lines);
    let reports = &groups[0].reports;
    let startups = reports.cold + reports.pre_initialised;
    assert_eq!((reports.timeouts, reports.errors, startups), (1, 1, 1));
    assert_eq!((reports.billed_ms, reports.billed_p95_ms), (0, None));
}

#[test]
fn percentiles_are_of_the_nearest_rank() {
    let values: Vec<u32> = (1..=20).collect();
    assert_eq!(
        [1, 50, 95, 100].map(|percent| percentile(&values, percent)),
        [1, 10, 19, 20].map(Some)
    );
    assert_eq!(percentile(&values[..1], 50), Some(1));
    assert_eq!(percentile::<u32>(&[], 50), None);
}
