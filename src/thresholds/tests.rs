//! Tests of the thresholds file as a whole: what it means, and each of its messages once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::measurement::FailureKind;
use crate::metric::Metric;
use crate::units::Share;
use crate::yaml::{Cursor, Node};

/// The example of the design.
const EXAMPLE: &str = "mode: enforce                              # enforce | observe: judge and tell, exit 0
limits:                                    # absolute promises; need no baseline
  overall:  { p95: 800ms, p99: 2s, error_rate: 1%, requests_per_second: 90 }   # the last is a minimum
  requests:
    GET /orders: { p95: 500ms, phases: { burst: { p95: 3s } } }
  phases:
    burst: { error_rate: 5% }
  errors: { 429: 2%, 504: 0% }             # by status or kind
  cold: { p50: 1200ms, share: 10% }
  warn:                                    # told, never fails; same shape
    overall: { p99: 1s }
regression:                                # against the baseline, or the base arm of a duet
  gate: [p95, p99, error_rate]             # may fail a build; every other metric is reported
  tolerance: 3%                            # duet; history_tolerance: 3%. Smaller changes are ignored
  floor: 1ms
  must_detect: { duet: 20%, history: 30% } # passed when the upper bound of the change is below this
  requests:
    POST /auth/login: off
    GET /search: { tolerance: 15%, floor: 10ms }
  accepted:                                # a wanted slow-down, in the PR that causes it; shown in every report
    - { request: GET /orders, metric: p95, up_to: 40%, until: 2027-01-31, reason: \"adds tax lines\" }
  missing_baseline: warn                   # warn | fail
abort: { error_rate: 50%, after: 10s }     # stop early when going on tells nothing more: failed
";

fn read(text: &str) -> Result<Thresholds, String> {
    let requests = ["GET /orders", "POST /auth/login", "GET /search"].map(str::to_owned);
    let phase = |(name, measured): (&str, bool)| PhaseName {
        name: name.to_owned(),
        measured,
    };
    let phases = [("warm-up", false), ("steady", true), ("burst", true)].map(phase);
    let names = Names {
        requests: &requests,
        phases: &phases,
        cold_start: true,
        aws: true,
    };
    parse("t.yml", text, &names).map_err(|error| error.to_string())
}

/// The file that the book shows under "What thresholds can say".
fn documented() -> &'static str {
    let (_, section) = include_str!("../../docs/src/how-to/set-thresholds.md")
        .split_once("## What thresholds can say")
        .unwrap();
    let (_, block) = section.split_once("```yaml\n").unwrap();
    block.split_once("```").unwrap().0
}

#[test]
fn the_book_shows_what_holds_if_nothing_is_written() {
    let shown = read(documented()).unwrap().regression;
    let silent = read("").unwrap().regression;
    let unset = Regression {
        phases: Vec::new(),
        requests: BTreeMap::new(),
        accepted: Vec::new(),
        base: None,
        reference: None,
        line: None,
        ..shown.clone()
    };
    assert_eq!(unset, silent);
    assert!(!shown.phases.is_empty() && !shown.requests.is_empty() && !shown.accepted.is_empty());
    assert!(shown.base.is_some() && shown.reference.is_some());
    let abort = read("abort: { error_rate: 50% }").unwrap().abort;
    assert_eq!(read(documented()).unwrap().abort, abort);
}

#[test]
fn the_schema_knows_every_kind_of_failure_that_limits_take() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let mut patterns = Vec::new();
    let mut left = vec![&schema];
    while let Some(value) = left.pop() {
        if let Some(pattern) = value.pointer("/propertyNames/pattern") {
            patterns.push(pattern);
        }
        left.extend(value.as_object().into_iter().flat_map(|own| own.values()));
    }
    let names = FailureKind::names();
    for name in names {
        read(&format!("limits: {{ errors: {{ {name}: 1% }} }}")).unwrap();
    }
    let names = names.join("|");
    let expected = format!("^([1-9][0-9][0-9]|[2-5][xX][xX]|{names})$");
    assert!(!patterns.is_empty());
    assert!(patterns.iter().all(|pattern| **pattern == expected));
}

#[test]
fn limits_of_aws_are_read_in_the_order_of_the_file() {
    let text = "limits:\n  aws:\n    cost_per_million: $4.5\n    throttles: 0\n    memory_used: 90%\n    billed_ms_p95: 120\n";
    let limits = read(text).unwrap().aws;
    let limits: Vec<_> = limits
        .iter()
        .map(|limit| (limit.metric, limit.at_most, limit.line))
        .collect();
    assert_eq!(
        limits,
        [
            (AwsMetric::CostPerMillion, 4.5, 3),
            (AwsMetric::Throttles, 0.0, 4),
            (AwsMetric::MemoryUsed, 0.9, 5),
            (AwsMetric::BilledP95, 0.12, 6),
        ]
    );
}

#[test]
fn a_wrong_limit_of_aws_says_what_to_write() {
    for (text, message) in [
        (
            "limits: { aws: { throttles: -1 } }",
            "t.yml:1:29: limits.aws.throttles: expected a whole number from 0 to 1000000000, found -1",
        ),
        (
            "limits: { aws: { cost_per_million: 4 } }",
            "t.yml:1:36: limits.aws.cost_per_million: expected an amount of dollars above 0, such as $4 or $0.50, found 4",
        ),
        (
            "limits: { aws: { billed_ms_p95: 120ms } }",
            "t.yml:1:33: limits.aws.billed_ms_p95: expected a number of milliseconds above 0, such as 120, found '120ms'",
        ),
    ] {
        assert_eq!(read(text).unwrap_err(), message);
    }
}

#[test]
fn the_book_shows_every_key() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let keys = |path: &str| -> Vec<String> {
        let object = schema.pointer(path).and_then(serde_json::Value::as_object);
        object.unwrap().keys().cloned().collect()
    };
    let shown = Node::parse("set-thresholds.md", documented()).unwrap();
    // Of the percentiles of cold starts one is enough.
    let likes = ["p90", "p95", "p99"];
    for (place, way, left_out) in [
        ("/properties", &[][..], &[][..]),
        ("/$defs/Limits/properties", &["limits"], &[]),
        ("/$defs/Regression/properties", &["regression"], &[]),
        ("/$defs/Abort/properties", &["abort"], &[]),
        ("/$defs/Cold/properties", &["limits", "cold"], &likes),
    ] {
        let root = Cursor::root(&shown);
        let map = way
            .iter()
            .fold(root, |map, key| map.entry(key).unwrap().value);
        let entries = map.entries().unwrap().into_iter();
        let written = entries.map(|entry| entry.name().to_owned());
        let mut expected = keys(place);
        expected.retain(|key| !left_out.contains(&key.as_str()));
        assert!(expected.len() > 1, "{place}");
        assert_eq!(
            written.collect::<BTreeSet<_>>(),
            expected.into_iter().collect(),
            "{place}"
        );
    }
}

fn percent(share: f64) -> Share {
    Share::new(share / 100.0).unwrap()
}

#[test]
fn the_limits_of_the_example_are_read_in_their_order() {
    let millis = Duration::from_millis;
    let request = || Subject::Request("GET /orders".into());
    let latency = |metric, at_most| Bound::Latency {
        metric,
        at_most: millis(at_most),
    };
    let failures =
        |code, share| Bound::Failures(FailureSet::Kind(FailureKind::Status(code)), percent(share));
    let overall = || Subject::Overall;
    let burst = Some("burst");
    let expected = [
        (
            overall(),
            None,
            latency(Metric::P95, 800),
            Severity::Fail,
            3,
        ),
        (
            overall(),
            None,
            latency(Metric::P99, 2000),
            Severity::Fail,
            3,
        ),
        (
            overall(),
            None,
            Bound::ErrorRate(percent(1.0)),
            Severity::Fail,
            3,
        ),
        (
            overall(),
            None,
            Bound::RequestsPerSecond(90.0),
            Severity::Fail,
            3,
        ),
        (
            request(),
            None,
            latency(Metric::P95, 500),
            Severity::Fail,
            5,
        ),
        (
            request(),
            burst,
            latency(Metric::P95, 3000),
            Severity::Fail,
            5,
        ),
        (
            overall(),
            burst,
            Bound::ErrorRate(percent(5.0)),
            Severity::Fail,
            7,
        ),
        (overall(), None, failures(429, 2.0), Severity::Fail, 8),
        (overall(), None, failures(504, 0.0), Severity::Fail, 8),
        (
            overall(),
            None,
            latency(Metric::ColdP50, 1200),
            Severity::Fail,
            9,
        ),
        (
            overall(),
            None,
            Bound::ColdShare(percent(10.0)),
            Severity::Fail,
            9,
        ),
        (
            overall(),
            None,
            latency(Metric::P99, 1000),
            Severity::Warn,
            11,
        ),
    ];
    let expected = expected.map(|(subject, phase, bound, severity, line)| Limit {
        subject,
        phase: phase.map(str::to_owned),
        bound,
        severity,
        line: Some(line),
    });
    assert_eq!(read(EXAMPLE).unwrap().limits, expected);
}

#[test]
fn the_rest_of_the_example_is_read() {
    let thresholds = read(EXAMPLE).unwrap();
    assert_eq!(thresholds.mode, Mode::Enforce);
    let (error_rate, after) = (percent(50.0), Duration::from_secs(10));
    assert_eq!(thresholds.abort, Some(Abort { error_rate, after }));
    let mut expected = Regression {
        line: Some(12),
        ..Regression::default()
    };
    expected.accepted.push(Acceptance {
        subject: Subject::Request("GET /orders".into()),
        metric: Metric::P95,
        up_to: 0.4,
        until: jiff::civil::date(2027, 1, 31),
        reason: "adds tax lines".into(),
        line: 21,
    });
    expected.requests = [
        ("POST /auth/login".to_owned(), RequestRule::Off),
        (
            "GET /search".to_owned(),
            RequestRule::Adjusted {
                tolerance: Some(0.15),
                floor: Some(Duration::from_millis(10)),
            },
        ),
    ]
    .into();
    assert_eq!(thresholds.regression, expected);
}

#[test]
fn what_is_silent_keeps_its_default() {
    for text in ["", "# nothing\n", "limits:\nregression:\n"] {
        let thresholds = read(text).unwrap();
        assert_eq!((thresholds.mode, thresholds.abort), (Mode::Enforce, None));
        let Regression { line, .. } = thresholds.regression;
        let default = Regression {
            line,
            ..Regression::default()
        };
        assert_eq!(thresholds.regression, default);
        let [limit] = thresholds.limits.as_slice() else {
            panic!("the default alone")
        };
        assert_eq!(
            (limit.bound, limit.line),
            (Bound::ErrorRate(percent(1.0)), None)
        );
    }
}

#[test]
fn the_default_error_rate_is_removed_or_replaced_by_the_file() {
    let bounds = |text: &str| -> Vec<Bound> {
        let limits = read(text).unwrap().limits;
        limits.into_iter().map(|limit| limit.bound).collect()
    };
    assert_eq!(bounds("limits: { overall: { error_rate: off } }"), []);
    let replaced = bounds("limits: { overall: { error_rate: 3% } }");
    assert_eq!(replaced, [Bound::ErrorRate(percent(3.0))]);
    // A limit of one phase or a warning does not speak for the whole.
    assert_eq!(
        bounds("limits: { phases: { burst: { error_rate: 5% } } }").len(),
        2
    );
    assert_eq!(
        bounds("limits: { warn: { overall: { error_rate: 0.5% } } }").len(),
        2
    );
}

#[test]
fn short_forms_mean_what_they_say() {
    let regression = |text: &str| read(&format!("regression: {text}")).unwrap().regression;
    let both = regression("{ must_detect: 25%, gate: [], phases: [burst] }");
    assert!((both.must_detect - 0.25).abs() + (both.history_must_detect - 0.25).abs() < 1e-12);
    assert_eq!(
        (both.gate.len(), both.phases),
        (0, vec!["burst".to_owned()])
    );
    let limits = read("limits: { errors: { 5xx: 1%, timeout: 0% } }")
        .unwrap()
        .limits;
    assert_eq!(
        limits[0].bound,
        Bound::Failures(FailureSet::StatusClass(5), percent(1.0))
    );
    let timeout = FailureSet::Kind(FailureKind::Timeout);
    assert_eq!(limits[1].bound, Bound::Failures(timeout, percent(0.0)));
}

/// What is wrong with limits, and what is told.
const LIMITS: &[(&str, &str)] = &[
    (
        "{ overal: {} }",
        "t.yml:1:11: unknown key 'overal' in limits: did you mean 'overall'?",
    ),
    (
        "{ cold: { p45: 1s } }",
        "t.yml:1:19: unknown key 'p45' in limits.cold: did you mean 'p95'?",
    ),
    (
        "{ cold: { p95: 1s, p50: 2s } }",
        "t.yml:1:33: limits.cold.p50: 2s can never be broken, since cold_p95 must stay within 1s; make it stricter or remove it",
    ),
    (
        "{ warn: { warn: {} } }",
        "t.yml:1:19: unknown key 'warn' in limits.warn: use one of cold, errors, overall, phases, requests",
    ),
    (
        "{ overall: { mean: 1s } }",
        "t.yml:1:22: unknown key 'mean' in limits.overall: use one of error_rate, p50, p90, p95, p99, p999, requests_per_second, unavailable, warm_p50, warm_p90, warm_p95, warm_p99",
    ),
    (
        "{ overall: { p96: 1s } }",
        "t.yml:1:22: unknown key 'p96' in limits.overall: did you mean 'p90', 'p95' or 'p99'?",
    ),
    (
        "{ overall: { p95: 0s } }",
        "t.yml:1:27: limits.overall.p95: must be longer than 0s",
    ),
    (
        "{ overall: { p95: 800 } }",
        "t.yml:1:27: limits.overall.p95: '800' is not a duration; write a number with its unit, such as 800ms, 2s or 5m",
    ),
    (
        "{ overall: { p95: 3s, p99: 2s } }",
        "t.yml:1:27: limits.overall.p95: 3s can never be broken, since p99 must stay within 2s; make it stricter or remove it",
    ),
    (
        "{ overall: { error_rate: 150% } }",
        "t.yml:1:34: limits.overall.error_rate: 150% is not a share of requests; use 0% to 100%",
    ),
    (
        "{ overall: { error_rate: 100% } }",
        "t.yml:1:34: limits.overall.error_rate: a limit of 100% can never be broken; lower it or remove it",
    ),
    (
        "{ overall: { error_rate: 0.01 } }",
        "t.yml:1:34: limits.overall.error_rate: '0.01' is not a percentage; write it with its sign, such as 5%",
    ),
    (
        "{ overall: { requests_per_second: 0 } }",
        "t.yml:1:43: limits.overall.requests_per_second: expected a number of requests per second above 0, such as 90, found 0",
    ),
    (
        "{ overall: { requests_per_second: fast } }",
        "t.yml:1:43: limits.overall.requests_per_second: expected a number of requests per second above 0, such as 90, found 'fast'",
    ),
    (
        "{ overall: { phases: {} } }",
        "t.yml:1:22: unknown key 'phases' in limits.overall: use one of error_rate, p50, p90, p95, p99, p999, requests_per_second, unavailable, warm_p50, warm_p90, warm_p95, warm_p99",
    ),
    (
        "{ requests: { GET /order: {} } }",
        "t.yml:1:23: limits.requests: the scenario has no request named 'GET /order': did you mean 'GET /orders'?",
    ),
    (
        "{ requests: { zebra: {} } }",
        "t.yml:1:23: limits.requests: the scenario has no request named 'zebra': it has GET /orders, POST /auth/login, GET /search",
    ),
    (
        "{ requests: { GET /orders: { error_rate: off } } }",
        "t.yml:1:50: limits.requests.GET /orders.error_rate: 'off' removes the default of limits.overall.error_rate only; remove the line instead",
    ),
    (
        "{ phases: { bursts: {} } }",
        "t.yml:1:21: limits.phases: the scenario has no phase named 'bursts': did you mean 'burst'?",
    ),
    (
        "{ phases: { zebra: {} } }",
        "t.yml:1:21: limits.phases: the scenario has no phase named 'zebra': it measures steady, burst",
    ),
    (
        "{ phases: { warm-up: {} } }",
        "t.yml:1:21: limits.phases: the phase 'warm-up' is not measured; remove 'measure: false' from it in the scenario, or use another one",
    ),
    (
        "{ errors: { 42: 1% } }",
        "t.yml:1:21: limits.errors: unknown kind of failure '42'; use a status code or one of timeout, unfinished, unserved, dns, connect, reset, resent, redirect, tls, protocol, body, proxy, no_socket, expectation, unset, or a class such as 5xx",
    ),
    (
        "{ errors: { timeouts: 1% } }",
        "t.yml:1:21: limits.errors: unknown kind of failure 'timeouts'; use a status code or one of timeout, unfinished, unserved, dns, connect, reset, resent, redirect, tls, protocol, body, proxy, no_socket, expectation, unset, or a class such as 5xx",
    ),
    (
        "{ errors: { 429: 2 } }",
        "t.yml:1:26: limits.errors.429: '2' is not a percentage; write it with its sign, such as 5%",
    ),
    (
        "{ overall: { p99: 1s }, warn: { overall: { p99: 1s } } }",
        "t.yml:1:57: limits.warn.overall.p99: warns no sooner than the limit in line 1 fails; make it stricter or remove it",
    ),
];

/// What is wrong with regression, and what is told.
const REGRESSION: &[(&str, &str)] = &[
    (
        "{ gates: [] }",
        "t.yml:1:15: unknown key 'gates' in regression: did you mean 'gate'?",
    ),
    (
        "{ gate: }",
        "t.yml:1:19: regression.gate: is empty; list the metrics that may fail a build, or write [] for none",
    ),
    (
        "{ gate: p95 }",
        "t.yml:1:21: regression.gate: expected a list, found 'p95'",
    ),
    (
        "{ gate: [p95, p95] }",
        "t.yml:1:27: regression.gate[1]: 'p95' appears twice; remove one of them",
    ),
    (
        "{ gate: [mean] }",
        "t.yml:1:22: regression.gate[0]: 'mean' is not one of its values: use one of p50, p90, p95, p99, p999, error_rate, requests_per_second, cold_share, cold_p50, cold_p90, cold_p95, cold_p99, warm_p50, warm_p90, warm_p95, warm_p99",
    ),
    (
        "{ tolerance: -5% }",
        "t.yml:1:26: regression.tolerance: '-5%' is below 0; use 0 or more",
    ),
    (
        "{ tolerance: 5 }",
        "t.yml:1:26: regression.tolerance: '5' is not a percentage; write it with its sign, such as 5%",
    ),
    (
        "{ tolerance: 20000% }",
        "t.yml:1:26: regression.tolerance: is more than 10000%, which no change exceeds",
    ),
    (
        "{ tolerance: 25% }",
        "t.yml:1:26: regression.tolerance: a tolerance of 25% must be below must_detect.duet, which is 20%; lower it, or raise must_detect",
    ),
    (
        "{ history_tolerance: 30% }",
        "t.yml:1:34: regression.history_tolerance: a tolerance of 30% must be below must_detect.history, which is 30%; lower it, or raise must_detect",
    ),
    (
        "{ history_tolerance: 8%, drift_tolerance: 5% }",
        "t.yml:1:55: regression.drift_tolerance: a drift_tolerance of 5% is below history_tolerance, which is 8%; raise it",
    ),
    (
        "{ must_detect: 0% }",
        "t.yml:1:28: regression.must_detect: must be above 0%",
    ),
    (
        "{ must_detect: 2% }",
        "t.yml:1:28: regression.must_detect: a tolerance of 3% must be below must_detect.duet, which is 2%; lower it, or raise must_detect",
    ),
    (
        "{ must_detect: { duets: 4% } }",
        "t.yml:1:30: unknown key 'duets' in regression.must_detect: did you mean 'duet'?",
    ),
    (
        "{ floor: 1 }",
        "t.yml:1:22: regression.floor: '1' is not a duration; write a number with its unit, such as 800ms, 2s or 5m",
    ),
    (
        "{ requests: { GET /order: off } }",
        "t.yml:1:27: regression.requests: the scenario has no request named 'GET /order': did you mean 'GET /orders'?",
    ),
    (
        "{ requests: { GET /orders: on } }",
        "t.yml:1:40: regression.requests.GET /orders: expected off, or a map with tolerance or floor, found 'on'",
    ),
    (
        "{ requests: { GET /orders: {} } }",
        "t.yml:1:40: regression.requests.GET /orders: changes nothing; write off, tolerance or floor, or remove it",
    ),
    (
        "{ requests: { GET /orders: { tolerance: 20% } } }",
        "t.yml:1:40: regression.requests.GET /orders: a tolerance of 20% must be below must_detect.duet, which is 20%; lower it, or raise must_detect",
    ),
    (
        "{ accepted: [{ request: GET /orders, metric: p95, up_to: 40%, until: 2027-01-31 }] }",
        "t.yml:1:26: regression.accepted[0]: the key 'reason' is missing",
    ),
    (
        "{ accepted: [{ request: GET /orders, metric: p95, up_to: 40%, until: soon, reason: a }] }",
        "t.yml:1:82: regression.accepted[0].until: 'soon' is not a date; write it such as 2027-01-31",
    ),
    (
        "{ accepted: [{ request: GET /orders, metric: p95, up_to: 40%, until: 2027-02-30, reason: a }] }",
        "t.yml:1:82: regression.accepted[0].until: '2027-02-30' is not a date; write it such as 2027-01-31",
    ),
    (
        "{ accepted: [{ request: GET /orders, metric: p95, up_to: 2%, until: 2027-01-31, reason: a }] }",
        "t.yml:1:26: regression.accepted[0]: accepts no more than the tolerance of 3%; raise up_to, or remove it",
    ),
    (
        "{ accepted: [{ request: GET /orders, metric: p94, up_to: 40%, until: 2027-01-31, reason: a }] }",
        "t.yml:1:58: regression.accepted[0].metric: 'p94' is not one of its values: did you mean 'p90', 'p95' or 'p99'?",
    ),
    (
        "{ accepted: [{ request: GET /a, metric: p95, up_to: 40%, until: 2027-01-31, reason: a }] }",
        "t.yml:1:37: regression.accepted[0].request: the scenario has no request named 'GET /a': did you mean 'GET /search'?",
    ),
    (
        "{ accepted: [&a { request: overall, metric: p95, up_to: 40%, until: 2027-01-31, reason: a }, *a] }",
        "t.yml:1:106: regression.accepted[1]: line 1 accepts the same already; remove one of them",
    ),
    (
        "{ base: {} }",
        "t.yml:1:21: regression.base: needs the address of the base, `url: https://…`, or a command that serves a checkout of it, `serve: ./server --port $LOADGATE_PORT`",
    ),
    (
        "{ base: { url: 'https://a.example.com', serve: ./a } }",
        "t.yml:1:60: regression.base.serve: 'url' and 'serve' both say where the base is; remove one of them",
    ),
    (
        "{ base: { url: 'https://a.example.com', build: make } }",
        "t.yml:1:60: regression.base.build: 'build' is about a checkout, and 'url' names a version that is there already; remove one of them",
    ),
    (
        "{ base: { serve: ./a, ready: health } }",
        "t.yml:1:42: regression.base.ready: is not a path; start it with '/'",
    ),
    (
        "{ missing_baseline: ignore }",
        "t.yml:1:33: regression.missing_baseline: 'ignore' is not one of its values: use one of warn, fail",
    ),
    (
        "{ phases: [warm-up] }",
        "t.yml:1:24: regression.phases[0]: the phase 'warm-up' is not measured; remove 'measure: false' from it in the scenario, or use another one",
    ),
    (
        "{ phases: [burst, burst] }",
        "t.yml:1:31: regression.phases[1]: 'burst' appears twice; remove one of them",
    ),
];

/// What is wrong elsewhere, and what is told.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "limit: {}",
        "t.yml:1:1: unknown key 'limit': did you mean 'limits'?",
    ),
    (
        "mode: watch",
        "t.yml:1:7: mode: 'watch' is not one of its values: use one of enforce, observe",
    ),
    (
        "abort: { after: 10s }",
        "t.yml:1:8: abort: the key 'error_rate' is missing",
    ),
    (
        "abort: { error_rate: 0% }",
        "t.yml:1:22: abort.error_rate: must be above 0%, or every run would be stopped",
    ),
    (
        "[]",
        "t.yml:1:1: expected a map, found a list; write `mode: …` or `limits: …` or `regression: …` or `abort: …`",
    ),
];

#[test]
fn a_fault_of_the_file_is_told_with_its_place_and_its_remedy() {
    let under = |section: &'static str| {
        move |(text, message): &(&str, &str)| (format!("{section}{text}"), (*message).to_owned())
    };
    let limits = LIMITS.iter().map(under("limits: "));
    let regression = REGRESSION.iter().map(under("regression: "));
    for (text, message) in limits
        .chain(regression)
        .chain(ELSEWHERE.iter().map(under("")))
    {
        let error = read(&text).map(|_| ()).expect_err(&text);
        assert_eq!(error, message);
    }
}

#[test]
fn the_thresholds_that_are_shipped_are_read() {
    let requests = ["GET /catalog/items", "GET /catalog/items/:itemId"].map(str::to_owned);
    let phases = [PhaseName {
        name: "steady".to_owned(),
        measured: true,
    }];
    let names = Names {
        requests: &requests,
        phases: &phases,
        cold_start: false,
        aws: false,
    };
    let text = include_str!("../../thresholds/lambda-catalog/thresholds.yml");
    let thresholds = parse("thresholds.yml", text, &names).unwrap();
    let gated = [Metric::P95, Metric::P99, Metric::ErrorRate];
    assert_eq!(thresholds.regression.gate, gated);
    assert_eq!(thresholds.limits.len(), 8);
}

#[test]
fn cold_starts_are_limited_and_gated_if_the_scenario_marks_them() {
    let text = "\
limits:
  overall: { warm_p95: 300ms }
  requests: { GET /orders: { cold: { p50: 2s } } }
  phases: { burst: { cold: { share: 40% } } }
  cold: { p50: 1200ms, share: 10% }
  warn: { cold: { p50: 1s } }
regression: { gate: [cold_p50, cold_share, warm_p95] }
";
    let thresholds = read(text).unwrap();
    let latency = |metric, millis| Bound::Latency {
        metric,
        at_most: Duration::from_millis(millis),
    };
    let found: Vec<_> = thresholds
        .limits
        .iter()
        .map(|limit| (limit.bound, limit.phase.as_deref()))
        .collect();
    assert_eq!(
        found,
        [
            (latency(Metric::WarmP95, 300), None),
            (latency(Metric::ColdP50, 2000), None),
            (Bound::ColdShare(percent(40.0)), Some("burst")),
            (latency(Metric::ColdP50, 1200), None),
            (Bound::ColdShare(percent(10.0)), None),
            (latency(Metric::ColdP50, 1000), None),
            (Bound::ErrorRate(percent(1.0)), None),
        ]
    );
    assert_eq!(
        thresholds.regression.gate,
        [Metric::ColdP50, Metric::ColdShare, Metric::WarmP95]
    );
}

#[test]
fn failures_are_limited_by_kind_for_a_name_and_a_phase_too() {
    let text = "\
limits:
  errors: { 429: 2%, 504: 0% }
  phases: { burst: { errors: { 429: 20%, 5xx: 1% } } }
  requests: { GET /orders: { errors: { timeout: 0.5% }, phases: { burst: { errors: { 503: 3% } } } } }
";
    let limits = read(text).unwrap().limits;
    let places: Vec<_> = limits
        .iter()
        .filter(|limit| matches!(limit.bound, Bound::Failures(..)))
        .map(|limit| (limit.subject.clone(), limit.phase.as_deref()))
        .collect();
    let orders = || Subject::Request("GET /orders".into());
    assert_eq!(
        places,
        [
            (Subject::Overall, None),
            (Subject::Overall, None),
            (Subject::Overall, Some("burst")),
            (Subject::Overall, Some("burst")),
            (orders(), None),
            (orders(), Some("burst")),
        ]
    );
    let kind = |kind| FailureSet::Kind(kind);
    assert_eq!(
        limits[5].bound,
        Bound::Failures(kind(FailureKind::Status(503)), percent(3.0))
    );
}

#[test]
fn without_a_mark_nothing_is_promised_of_cold_starts() {
    let names = Names {
        requests: &[],
        phases: &[],
        cold_start: false,
        aws: false,
    };
    for text in [
        "limits: { cold: { p50: 1s } }",
        "limits: { overall: { warm_p95: 1s } }",
        "regression: { gate: [cold_share] }",
    ] {
        let error = parse("t.yml", text, &names).unwrap_err().to_string();
        assert!(
            error.contains("write cold_start in the scenario"),
            "{error}"
        );
    }
}

proptest! {
    #[test]
    fn no_change_of_thresholds_makes_the_reader_panic(
        at in any::<prop::sample::Index>(),
        length in 0_usize..8,
        noise in "[-a-z0-9{}\\[\\]:,. \n'\"%$*&é]{0,12}",
    ) {
        let start = at.index(EXAMPLE.len());
        let end = (start + length).min(EXAMPLE.len());
        let _ = read(&format!("{}{noise}{}", &EXAMPLE[..start], &EXAMPLE[end..]));
    }
}
