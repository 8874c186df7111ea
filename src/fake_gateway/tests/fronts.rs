//! Claims about the headers of each front, and about the log events that belong to them.

use super::super::{Config, FakeGateway, Front, Preparation, ReportFormat, Stall};
use super::client::{Answer, Client};
use super::{fast, intended_ms};
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;

const ITEMS: &str = "/prod/catalog/items?limit=1";
const ROOT: &str = "1-66d978e5-0123456789abcdef01234567";

/// The headers that name a request.
const IDS: [&str; 4] = [
    "x-amzn-requestid",
    "x-amz-apigw-id",
    "apigw-requestid",
    "x-amzn-trace-id",
];

/// What a stand-in with these settings responds, and the events that it logs.
fn served<T>(config: Config, requests: impl FnOnce(&FakeGateway) -> T) -> (T, Vec<Value>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let stand_in = FakeGateway::start(&Config {
        report_log: Some(path.clone()),
        ..config
    })
    .unwrap();
    let responses = requests(&stand_in);
    stand_in.stop().unwrap();
    let log = std::fs::read_to_string(path).unwrap();
    let events = log.lines().map(|line| serde_json::from_str(line).unwrap());
    (responses, events.collect())
}

/// Three requests for items, one after the other.
fn three(stand_in: &FakeGateway) -> [Answer; 3] {
    let mut client = Client::of(stand_in);
    [(); 3].map(|()| client.get(ITEMS, ""))
}

fn behind(front: Front) -> Config {
    Config {
        front: Some(front),
        ..fast()
    }
}

/// The messages of a log group.
fn messages<'e>(events: &'e [Value], group: &str) -> Vec<&'e str> {
    let of_group = events.iter().filter(|event| event["logGroupName"] == group);
    of_group
        .map(|event| event["message"].as_str().unwrap())
        .collect()
}

fn reports(events: &[Value]) -> Vec<HashMap<&str, &str>> {
    let lines = messages(events, "/aws/lambda/list-items");
    lines.into_iter().map(fields).collect()
}

/// The access log lines: the two ids of the API, that of the invocation, the latency, and the status.
fn accesses(events: &[Value]) -> Vec<[String; 5]> {
    let lines = messages(events, "/aws/apigateway/access").into_iter();
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .map(|line| {
            [
                "requestId",
                "extendedRequestId",
                "awsEndpointRequestId",
                "integrationLatency",
                "status",
            ]
            .map(|name| line[name].as_str().unwrap().to_owned())
        })
        .collect()
}

/// The fields of a REPORT line.
fn fields(line: &str) -> HashMap<&str, &str> {
    let rest = line.strip_prefix("REPORT ").unwrap();
    let fields = rest.split(['\t', '\n']).filter(|field| !field.is_empty());
    fields
        .map(|field| field.split_once(": ").unwrap())
        .collect()
}

/// A field in hundredths of a millisecond.
fn hundredths(report: &HashMap<&str, &str>, name: &str) -> Option<u64> {
    let number = report.get(name)?.strip_suffix(" ms").unwrap();
    let (whole, part) = number.split_once('.').unwrap_or((number, "00"));
    assert_eq!(part.len(), 2, "{number}");
    Some(whole.parse::<u64>().unwrap() * 100 + part.parse::<u64>().unwrap())
}

#[test]
fn each_front_sends_its_own_headers() {
    for (front, expected) in [
        (None, &IDS[..1]),
        (Some(Front::FunctionUrl), &[IDS[0], IDS[3]][..]),
        (Some(Front::RestApi), &[IDS[0], IDS[1], IDS[3]]),
        (Some(Front::HttpApi), &[IDS[2]]),
        (Some(Front::LoadBalancer), &[]),
    ] {
        let stand_in = FakeGateway::start(&Config { front, ..fast() }).unwrap();
        let mut client = Client::of(&stand_in);
        for path in [ITEMS, "/health", "/nowhere", "/prod/orders"] {
            let headers = client.get(path, "").headers;
            let sent: Vec<&str> = IDS
                .into_iter()
                .filter(|name| headers.contains_key(*name))
                .collect();
            assert_eq!(sent, expected, "{front:?} {path}");
        }
    }
}

#[test]
fn ids_repeat_with_the_seed() {
    let run = |seed| {
        let config = Config {
            seed,
            ..behind(Front::RestApi)
        };
        let (responses, events) = served(config, three);
        let ids =
            responses.map(|response| [IDS[0], IDS[1]].map(|name| response.headers[name].clone()));
        (ids, accesses(&events))
    };
    let (ids, lines) = run(1);
    let invocations = |lines: &[[String; 5]]| lines.iter().map(|line| line[2].clone()).collect();
    let own: Vec<String> = invocations(&lines);
    let (again, lines) = run(1);
    assert_eq!((&ids, &own), (&again, &invocations(&lines)));
    let (other, lines) = run(2);
    assert_ne!(ids, other);
    assert_ne!(own, invocations(&lines));
}

#[test]
fn a_function_url_responds_with_the_id_of_the_report() {
    let (responses, events) = served(behind(Front::FunctionUrl), three);
    let ids = responses.map(|response| response.headers["x-amzn-requestid"].clone());
    let reports = reports(&events);
    assert_eq!(reports.len(), events.len(), "a URL has no access log");
    let reported: Vec<&str> = reports.iter().map(|report| report["RequestId"]).collect();
    assert_eq!(reported, ids);
}

#[test]
fn an_api_s_ids_lead_through_the_access_log_to_the_report() {
    for (front, header) in [
        (Front::RestApi, "x-amzn-requestid"),
        (Front::HttpApi, "apigw-requestid"),
    ] {
        let (responses, events) = served(behind(front), three);
        let (lines, reports) = (accesses(&events), reports(&events));
        assert_eq!((lines.len(), reports.len()), (3, 3));
        for ((response, line), report) in responses.iter().zip(lines).zip(reports) {
            let [id, extended, invocation, latency, status] = line;
            assert_eq!(response.headers[header], id);
            assert_eq!(invocation, report["RequestId"]);
            assert_ne!(id, invocation);
            assert_eq!((extended.len(), status.as_str()), (16, "200"));
            let waited = report.get("Init Duration").map_or(0, |_| 30);
            assert_eq!(latency, (1 + waited).to_string());
            let shown = response.headers.get("x-amz-apigw-id");
            assert!(shown.is_none_or(|shown| *shown == extended));
        }
    }
}

#[test]
fn a_load_balancer_writes_reports_alone() {
    let (_, events) = served(behind(Front::LoadBalancer), three);
    assert_eq!((events.len(), reports(&events).len()), (3, 3));
}

#[test]
fn what_reaches_no_function_is_in_the_access_log_alone() {
    let config = Config {
        concurrency: 1,
        cold_start: Duration::from_secs(1),
        ..behind(Front::RestApi)
    };
    let (mut statuses, events) = served(config, |stand_in| {
        let mut clients = [Client::of(stand_in), Client::of(stand_in)];
        for client in &mut clients {
            client.send(b"GET /prod/catalog/items HTTP/1.1\r\nHost: stand-in\r\n\r\n");
        }
        let throttled = clients.map(|mut client| client.receive().status);
        let refused = Client::of(stand_in).get("/prod/orders", "").status;
        [throttled[0], throttled[1], refused]
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401, 429]);
    assert_eq!(reports(&events).len(), 1);
    let mut lines = accesses(&events);
    lines.sort_by(|one, other| one[4].cmp(&other[4]));
    let seen: Vec<[&str; 3]> = lines
        .iter()
        .map(|line| [&*line[4], &*line[2], &*line[3]])
        .collect();
    assert_eq!(seen[1..], [["401", "-", "-"], ["429", "-", "-"]]);
    assert_eq!((seen.len(), seen[0][0], seen[0][2]), (3, "200", "1001"));
}

#[test]
fn billed_is_duration_and_init_rounded_up_once() {
    let config = Config {
        spread: 0.5,
        cold_start: Duration::from_micros(2_345),
        ..behind(Front::FunctionUrl)
    };
    let (_, events) = served(config, three);
    let inits = reports(&events).into_iter().map(|report| {
        let init = hundredths(&report, "Init Duration");
        let used = hundredths(&report, "Duration").unwrap() + init.unwrap_or_default();
        let billed = hundredths(&report, "Billed Duration").unwrap();
        assert_eq!(billed, used.div_ceil(100) * 100, "{report:?}");
        assert_eq!(report["Memory Size"], "512 MB");
        assert!(report["Max Memory Used"].ends_with(" MB"));
        init
    });
    assert_eq!(inits.collect::<Vec<_>>(), [Some(234), None, None]);
}

#[test]
fn an_event_has_the_time_at_which_the_function_ended() {
    let (received, events) = served(fast(), |stand_in| {
        three(stand_in);
        stand_in.received()
    });
    for (request, event) in received.iter().zip(&events) {
        let due = request.unix_us + (request.due_us - request.t_us);
        let logged = event["timestamp"].as_u64().unwrap();
        assert!(logged.abs_diff(due / 1000) <= 1, "{logged} {due}");
    }
}

#[test]
fn a_proactive_init_is_reported_and_not_waited_for() {
    let config = Config {
        proactive_inits: 1.0,
        ..behind(Front::FunctionUrl)
    };
    let ((responses, received), events) =
        served(config, |stand_in| (three(stand_in), stand_in.received()));
    let inits = reports(&events)
        .into_iter()
        .map(|report| hundredths(&report, "Init Duration"))
        .collect::<Vec<_>>();
    assert_eq!(inits, [Some(3_000), None, None]);
    assert!(received.iter().all(|request| intended_ms(request) < 30));
    assert!(!received[0].cold, "it did not wait");
    assert!(responses[0].headers.contains_key("x-cold-start"));
}

#[test]
fn proactive_inits_have_their_share() {
    let config = Config {
        proactive_inits: 0.5,
        idle_expiry: Duration::ZERO,
        cold_start: Duration::from_millis(2),
        ..behind(Front::FunctionUrl)
    };
    let (felt, events) = served(config, |stand_in| {
        let mut client = Client::of(stand_in);
        for _ in 0..100 {
            client.get(ITEMS, "");
        }
        let received = stand_in.received();
        received.iter().filter(|request| request.cold).count()
    });
    let reports = reports(&events).into_iter();
    assert!(
        reports
            .map(|report| report["Init Duration"])
            .all(|init| init == "2.00 ms")
    );
    assert!((30..=70).contains(&felt), "{felt}");
}

#[test]
fn a_restore_is_reported_and_billed_in_part() {
    let config = Config {
        preparation: Preparation::Restore,
        ..behind(Front::FunctionUrl)
    };
    let (received, events) = served(config, |stand_in| {
        three(stand_in);
        stand_in.received()
    });
    let reports = reports(&events);
    assert!(received[0].cold && intended_ms(&received[0]) >= 31);
    let first = &reports[0];
    assert!(!first.contains_key("Init Duration"));
    assert_eq!(first["Restore Duration"], "30.00 ms");
    assert_eq!(first["Billed Restore Duration"], "3 ms");
    assert_eq!(first["Billed Duration"], "4 ms", "1 ms of duration");
    assert!(!reports[1].contains_key("Restore Duration"));
}

#[test]
fn a_sampled_trace_is_passed_on_and_reported() {
    let sampled = format!("X-Amzn-Trace-Id: Root={ROOT};Sampled=1\r\n");
    let unsampled = format!("X-Amzn-Trace-Id: Root={ROOT};Sampled=0\r\n");
    for front in [Front::FunctionUrl, Front::RestApi] {
        let (traces, events) = served(behind(front), |stand_in| {
            let mut client = Client::of(stand_in);
            [&*sampled, &*unsampled, ""]
                .map(|header| client.get(ITEMS, header).headers["x-amzn-trace-id"].clone())
        });
        let is_root = |trace: &String| trace.starts_with(&format!("Root={ROOT};"));
        assert_eq!(traces.each_ref().map(is_root), [true, false, false]);
        let sampled = traces.each_ref().map(|trace| trace.contains(";Sampled=1;"));
        assert_eq!(sampled, [true, false, false]);
        let roots = reports(&events)
            .into_iter()
            .map(|report| report.get("XRAY TraceId").copied());
        assert_eq!(roots.collect::<Vec<_>>(), [Some(ROOT), None, None]);
    }
}

#[test]
fn reports_in_json_have_the_same_figures() {
    let run = |report_format| {
        let config = Config {
            report_format,
            spread: 0.5,
            error_share: 1.0,
            ..behind(Front::FunctionUrl)
        };
        served(config, three).1
    };
    let (text, json) = (run(ReportFormat::Text), run(ReportFormat::Json));
    let lines = messages(&json, "/aws/lambda/list-items");
    for ((report, line), event) in reports(&text).into_iter().zip(lines).zip(&json) {
        let line: Value = serde_json::from_str(line).unwrap();
        let (record, metrics) = (&line["record"], &line["record"]["metrics"]);
        assert_eq!(line["type"], "platform.report");
        let time: jiff::Timestamp = line["time"].as_str().unwrap().parse().unwrap();
        assert_eq!(event["timestamp"], time.as_millisecond());
        assert_eq!(record["requestId"], report["RequestId"]);
        let failed = report.get("Status").copied();
        assert_eq!(record["status"], failed.unwrap_or("success"));
        for (name, key, unit) in [
            ("Duration", "durationMs", " ms"),
            ("Billed Duration", "billedDurationMs", " ms"),
            ("Memory Size", "memorySizeMB", " MB"),
            ("Max Memory Used", "maxMemoryUsedMB", " MB"),
            ("Init Duration", "initDurationMs", " ms"),
        ] {
            let written = report.get(name).map(|text| text.trim_end_matches(unit));
            let written = written.map(|number| number.parse::<f64>().unwrap());
            assert_eq!(metrics.get(key).and_then(Value::as_f64), written, "{key}");
        }
    }
}

#[test]
fn an_invocation_is_reported_after_its_client_left() {
    let config = Config {
        base_latency: Duration::from_mins(10),
        ..behind(Front::FunctionUrl)
    };
    let ((), events) = served(config, |stand_in| {
        Client::of(stand_in).get_and_leave(stand_in, ITEMS);
    });
    assert_eq!(reports(&events)[0]["Duration"], "600000.00 ms");
}

#[test]
fn a_freeze_is_not_part_of_the_duration() {
    let freeze = Stall {
        every: Duration::from_millis(50),
        length: Duration::from_millis(40),
    };
    let config = Config {
        freeze: Some(freeze),
        ..behind(Front::FunctionUrl)
    };
    let (_, events) = served(config, |stand_in| {
        std::array::from_fn::<_, 4, _>(|_| three(stand_in))
    });
    let reports = reports(&events);
    assert_eq!(reports.len(), 12);
    assert!(reports.iter().all(|report| report["Duration"] == "1.00 ms"));
}
