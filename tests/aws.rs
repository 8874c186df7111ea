//! What AWS says of a run, from a server that stands for its services: it has the log that the fake gateway wrote.

use std::path::PathBuf;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::support::{Gate, Ran, Received, Server, StandIn, gate, load_slot, loadgate};

const SCENARIO: &str = "\
name: catalog
user_classes:
  - name: shopper
    tasks: [{ steps: [{ get: /prod/catalog/items, name: GET /catalog/items }] }]
load:
  - { phase: steady, arrivals: 100/s, for: 4s }
aws:
  region: us-east-1
  functions: list-items
  wait: 20s
";

const THRESHOLDS: &str = "\
limits:
  overall: { error_rate: 1% }
  cold: { share: 50% }
  aws: { throttles: 0, errors: 0, memory_used: 90%, billed_ms_p95: 30000, cost_per_million: $40 }
regression: { gate: [error_rate] }
";

/// A secret that no file may have.
const SECRET: &str = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY";

/// What AWS answers beside what the log says.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Ready,
    /// The stage has no access log.
    NoAccessLog,
    /// CloudWatch counts more invocations than there were requests.
    Shared,
    /// CloudWatch counts fewer invocations than there were, until the wait is over.
    Late,
    /// Every call is denied.
    Denied,
}

/// Events of a log group, as the fake gateway wrote them.
fn events(log: &PathBuf, group: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let own = lines.filter(|event: &Value| event["logGroupName"] == group);
    let own = own.enumerate();
    own.map(|(index, event)| {
        json!({
            "eventId": index.to_string(),
            "timestamp": event["timestamp"],
            "message": event["message"],
        })
    })
    .collect()
}

/// The services of AWS, as far as they are asked.
fn aws(log: PathBuf, mood: Mood) -> Server {
    Server::start(move |request| {
        if mood == Mood::Denied {
            let denied = json!({ "__type": "AccessDeniedException", "message": "not authorized" });
            return (403, denied.to_string());
        }
        let answer = match request.header("x-amz-target").unwrap_or_default() {
            "Logs_20140328.FilterLogEvents" => {
                let asked: Value = serde_json::from_str(&request.body).unwrap();
                json!({ "events": events(&log, asked["logGroupName"].as_str().unwrap()) })
            }
            "GraniteServiceVersion20100801.GetMetricData" => metrics(&log, mood, request),
            _ if request.path.contains("/configuration") => json!({
                "FunctionName": "list-items",
                "MemorySize": 512,
                "Timeout": 15,
                "Architectures": ["x86_64"],
            }),
            _ if request.path == "/Traces" => traces(request),
            _ if request.path.contains("/stages/") && mood == Mood::NoAccessLog => json!({}),
            _ if request.path.contains("/stages/") => json!({ "accessLogSettings": {
                "format": r#"{"requestId":"$context.requestId","awsEndpointRequestId":"$context.awsEndpointRequestId"}"#,
                "destinationArn": "arn:aws:logs:us-east-1:123456789012:log-group:/aws/apigateway/access",
            } }),
            _ if request.path == "/restapis/a1" => json!({ "name": "Shop" }),
            _ if request.path == "/account" => json!({ "throttleSettings": {} }),
            _ if request.path.contains("/provisioned-concurrency") => {
                json!({ "ProvisionedConcurrencyConfigs": [] })
            }
            _ if request.path.contains("/account-settings") => json!({ "AccountLimit": {} }),
            _ if request.path.contains("/concurrency") => json!({}),
            _ => return (404, "{}".to_owned()),
        };
        (200, answer.to_string())
    })
}

/// Of each trace 30 ms in a table.
fn traces(request: &Received) -> Value {
    let asked: Value = serde_json::from_str(&request.body).unwrap();
    let part = json!({ "name": "DynamoDB", "start_time": 1.0, "end_time": 1.03 });
    let segment = json!({ "name": "list-items", "subsegments": [part] }).to_string();
    let ids = asked["TraceIds"].as_array().unwrap().iter();
    let traces: Vec<Value> = ids
        .map(|id| json!({ "Id": id, "Segments": [{ "Document": segment }] }))
        .collect();
    json!({ "Traces": traces })
}

fn metrics(log: &PathBuf, mood: Mood, request: &Received) -> Value {
    let asked: Value = serde_json::from_str(&request.body).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let minute = now.as_secs() / 60 * 60;
    let lines = events(log, "/aws/lambda/list-items").len() as f64;
    let queries = asked["MetricDataQueries"].as_array().unwrap().iter();
    let results: Vec<Value> = queries
        .map(|query| {
            let value = match query["MetricStat"]["Metric"]["MetricName"]
                .as_str()
                .unwrap()
            {
                "Invocations" if mood == Mood::Shared => Some(lines + 500.0),
                "Invocations" if mood == Mood::Late => Some(lines - 50.0),
                "Invocations" | "Count" => Some(lines),
                "Errors" | "Throttles" => Some(0.0),
                "ConcurrentExecutions" => Some(7.0),
                "Duration" => Some(40.0),
                _ => None,
            };
            json!({
                "Id": query["Id"],
                "Timestamps": value.map(|_| minute).as_slice(),
                "Values": value.as_slice(),
                "StatusCode": "Complete",
            })
        })
        .collect();
    json!({ "MetricDataResults": results })
}

/// A loadgate that takes a server for AWS.
fn with_aws(gate: &Gate, aws: &Server) -> Command {
    let mut command = loadgate(gate.home());
    command
        .env("AWS_ENDPOINT_URL", aws.url())
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("LOADGATE_OUT", gate.out());
    command
}

/// Runs a gate against the fake gateway as a function's URL.
fn run(mood: Mood, scenario: &str, thresholds: &str) -> (Gate, Server, Ran) {
    run_behind("url", mood, scenario, thresholds)
}

fn run_behind(front: &str, mood: Mood, scenario: &str, thresholds: &str) -> (Gate, Server, Ran) {
    run_slowly(
        &["--front", front, "--latency", "5ms"],
        mood,
        scenario,
        thresholds,
    )
}

/// Runs a gate against the fake gateway with these arguments.
fn run_slowly(
    gateway: &[&str],
    mood: Mood,
    scenario: &str,
    thresholds: &str,
) -> (Gate, Server, Ran) {
    let gate = gate(thresholds).with_scenario(scenario);
    let log = gate.home().join("events.jsonl");
    let logged = ["--report-log", log.to_str().unwrap()];
    let stand_in = StandIn::start(gate.home(), &[gateway, &logged].concat());
    let aws = aws(log, mood);
    let output = {
        let _slot = load_slot();
        let mut command = with_aws(&gate, &aws);
        command.arg("run").arg(gate.folder());
        command.args(["--target", &stand_in.url]).output().unwrap()
    };
    (gate, aws, Ran::new(&output))
}

fn figures(gate: &Gate) -> Value {
    gate.result()["aws"]["figures"].clone()
}

#[test]
fn requests_are_joined_with_the_functions_log() {
    let (gate, aws, ran) = run(Mood::Ready, SCENARIO, THRESHOLDS);
    let figures = figures(&gate);
    ran.exits(0);
    let function = &figures["functions"][0];
    let lines = function["reports"]["lines"].as_u64().unwrap();
    assert_eq!(figures["join"]["joined"], figures["join"]["answered"]);
    assert_eq!(figures["join"]["joined"], lines, "{figures}");
    // Slices have all lines and all billed time, so that the mean of it gets an interval.
    let slices = function["slices"].as_array().unwrap();
    assert!(slices.len() > 1, "{figures}");
    for key in ["lines", "billed_ms"] {
        let sum: u64 = slices.iter().filter_map(|slice| slice[key].as_u64()).sum();
        assert_eq!(Some(sum), function["reports"][key].as_u64(), "{key}");
    }
    let cost = &figures["cost"];
    assert!(
        cost["duration_usd"].as_f64() < cost["usd"].as_f64() && cost["usd"].as_f64() > Some(0.0)
    );
    // The probe before the load is an invocation as well.
    assert!(function["invocations"].as_f64() > Some(lines as f64));
    // Every environment started for a request that waited, and no response has a header that says so.
    let cold = function["reports"]["cold"].as_u64().unwrap();
    assert!(cold > 0, "{figures}");
    let result = gate.result();
    let parts = result["parts"].as_array().unwrap();
    assert_eq!(parts[0]["parts"]["told"], lines);
    let outcomes: Vec<_> = gate.checks().into_iter().collect();
    for name in ["cold share", "Lambda throttles", "Lambda billed P95"] {
        let own = outcomes.iter().find(|check| check.name.contains(name));
        assert_eq!(
            own.map(|own| own.outcome.as_str()),
            Some("passed"),
            "{name}: {outcomes:?}"
        );
    }
    // Nothing is asked of AWS while load runs, and no secret is in any file.
    assert!(aws.received().len() < 30);
    for file in std::fs::read_dir(gate.out()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(SECRET));
    }
}

#[test]
fn requests_behind_an_api_are_joined_through_its_access_log() {
    for (front, api) in [
        ("http", "{ http: a1 }"),
        ("rest", "{ rest: a1, stage: prod }"),
    ] {
        let scenario = SCENARIO.replace("wait: 20s", &format!("wait: 20s\n  api: {api}"));
        let (gate, _, ran) = run_behind(front, Mood::Ready, &scenario, THRESHOLDS);
        let figures = figures(&gate);
        ran.exits(0);
        assert_eq!(
            figures["join"]["joined"], figures["join"]["answered"],
            "{figures}"
        );
        assert!(figures["join"]["joined"].as_u64() > Some(300), "{figures}");
    }
}

#[test]
fn traced_requests_are_joined_without_an_access_log() {
    let api = "wait: 20s\n  api: { rest: a1, stage: prod }\n  trace: 10%";
    let scenario = SCENARIO.replace("wait: 20s", api);
    let thresholds = "limits: { overall: { error_rate: 1% } }\nregression: { gate: [error_rate] }";
    let (gate, aws, ran) = run_behind("rest", Mood::NoAccessLog, &scenario, thresholds);
    ran.exits(0);
    let figures = figures(&gate);
    assert_eq!(figures["missing"], Value::Null);
    // The log has lines of all requests, and says of the traced ones alone which are whose.
    assert!(figures["join"]["counts_only"].is_string(), "{figures}");
    let lines = figures["functions"][0]["reports"]["lines"].as_u64();
    assert!(lines > Some(300), "{figures}");
    let traced = &figures["traced"];
    let joined = traced["join"]["joined"].as_u64();
    // Five standard deviations around 10 % of 400.
    assert!(joined >= Some(10) && joined <= Some(70), "{traced}");
    assert_eq!(traced["join"]["answered"].as_u64(), joined);
    assert_eq!(
        traced["slowest"].as_array().map(Vec::len),
        joined.map(|all| all.min(20) as usize)
    );
    assert_eq!(traced["parts"]["parts"], json!([["DynamoDB", 30.0]]));
    let asked = aws.received();
    let asked = asked.iter().filter(|request| request.path == "/Traces");
    assert!(asked.count() <= 4);
    // A sample marks no response as cold or warm.
    let result = gate.result();
    assert_eq!(result["parts"][0]["parts"]["told"], 0);
    // The ids are kept for later.
    let path = gate.out().join("result.json");
    let later = with_aws(&gate, &aws).arg("aws").arg(&path).output();
    Ran::new(&later.unwrap()).exits(0);
    assert_eq!(gate.result()["aws"]["figures"]["traced"], *traced);
}

#[test]
fn tracing_changes_nothing_else_and_is_reproducible() {
    let scenario = SCENARIO
        .replace(
            "/prod/catalog/items, name",
            "\"/{{ random_int(1, 1000000000) }}\", name",
        )
        .replace("100/s, for: 4s", "100/s, for: 3s")
        .replace("wait: 20s", "wait: 0s");
    let sent = |trace: &str| {
        let thresholds =
            "limits: { overall: { error_rate: 1% } }\nregression: { gate: [error_rate] }";
        let gate = gate(thresholds).with_scenario(&scenario.replace("wait: 0s", trace));
        let (ran, server) = gate.run_on(Server::fast, &[("LOADGATE_SEED", "7")]);
        ran.exits(0);
        let (mut paths, mut traced) = (Vec::new(), Vec::new());
        for request in server.received().into_iter().filter(|it| it.connection > 0) {
            let header = request.header("x-amzn-trace-id");
            assert!(header.is_none_or(|header| header.ends_with(";Sampled=1")));
            traced.extend(header.map(|_| request.path.clone()));
            paths.push(request.path);
        }
        paths.sort();
        traced.sort();
        (paths, traced)
    };
    let trace = "wait: 0s\n  trace: 10%";
    let (without, with, again) = (sent("wait: 0s"), sent(trace), sent(trace));
    assert_eq!(without.0, with.0);
    assert_eq!((without.1.len(), with.1.is_empty()), (0, false));
    assert_eq!(with, again);
}

#[test]
fn a_limit_without_its_figure_makes_the_run_invalid() {
    let (gate, _, ran) = run(Mood::Denied, SCENARIO, THRESHOLDS);
    ran.exits(3);
    let missing = figures(&gate)["missing"].to_string();
    assert!(missing.contains("cloudwatch:GetMetricData"), "{missing}");
    assert!(missing.contains("logs:FilterLogEvents"), "{missing}");
}

#[test]
fn without_a_limit_what_aws_denies_changes_nothing() {
    let thresholds = "limits: { overall: { error_rate: 1% } }\nregression: { gate: [error_rate] }";
    let (_, _, ran) = run(Mood::Denied, SCENARIO, thresholds);
    ran.exits(0);
}

#[test]
fn figures_with_requests_of_others_are_not_judged() {
    let (gate, _, ran) = run(Mood::Shared, SCENARIO, THRESHOLDS);
    ran.exits(3);
    assert!(figures(&gate)["others"].as_u64() >= Some(500));
}

#[test]
fn figures_that_are_not_whole_in_time_are_not_judged() {
    let scenario = SCENARIO.replace("wait: 20s", "wait: 4s");
    let (gate, _, ran) = run(Mood::Late, &scenario, THRESHOLDS);
    ran.exits(3);
    let figures = figures(&gate);
    assert_eq!(figures["incomplete"], true);
    assert_eq!(figures["cost"], Value::Null);
}

#[test]
fn figures_can_be_fetched_later() {
    let scenario = SCENARIO.replace("wait: 20s", "wait: 0s");
    let (gate, aws, ran) = run(Mood::Ready, &scenario, THRESHOLDS);
    // The limits of AWS have no figure yet.
    ran.exits(3);
    assert_eq!(aws.received().len(), 0);
    let result = gate.out().join("result.json");
    let later = with_aws(&gate, &aws).arg("aws").arg(&result).output();
    Ran::new(&later.unwrap()).exits(0);
    let out = gate.out();
    let paths = [result.to_str().unwrap(), "--out", out.to_str().unwrap()];
    gate.command("judge", &paths).exits(0);
    let marks = |gate: &Gate| ["slices", "parts"].map(|key| gate.result()[key].clone());
    let marked = marks(&gate);
    // Again no cold start counts twice, and without an answer the file stays as it is.
    let again = with_aws(&gate, &aws).arg("aws").arg(&result).output();
    Ran::new(&again.unwrap()).exits(0);
    assert!(marks(&gate) == marked, "{}", gate.written("result.json"));
    let before = gate.written("result.json");
    let silent = loadgate(gate.home()).arg("aws").arg(&result).output();
    Ran::new(&silent.unwrap()).exits(3);
    assert!(gate.written("result.json") == before);
    let figures = figures(&gate);
    assert_eq!(figures["join"]["joined"], figures["join"]["answered"]);
}

/// 400 requests of 50 ms to 512 MB cost 2.5e-4 dollars, and 8.3e-5 if each took 1 ms.
fn with_budget(budget: &str) -> String {
    SCENARIO.replace("wait: 20s", &format!("wait: 20s\n  budget: {budget}"))
}

const SLOW: [&str; 4] = ["--front", "url", "--latency", "50ms"];

#[test]
fn a_run_stops_when_its_budget_is_spent() {
    let (gate, _, ran) = run_slowly(&SLOW, Mood::Ready, &with_budget("$0.00015"), THRESHOLDS);
    let ran = ran.exits(3);
    assert!(ran.stdout.contains("all of aws.budget"), "{}", ran.stdout);
    let spent = gate.result()["run"]["ended"]["budget_spent"]["usd"].as_f64();
    let spent = spent.unwrap();
    // What came within one look, 50 ms, at the most.
    assert!((1.5e-4..1.7e-4).contains(&spent), "{spent}");
    let figures = figures(&gate);
    let lines = figures["functions"][0]["reports"]["lines"]
        .as_f64()
        .unwrap();
    assert!(lines < 300.0, "{figures}");
    let billed = figures["cost"]["usd"].as_f64().unwrap();
    assert!(billed <= spent, "billed {billed}, bound {spent}");
}

#[test]
fn a_load_above_its_budget_is_refused_and_not_sent() {
    let cheap = with_budget("$0.00008");
    let (gate, _, ran) = run_slowly(&SLOW, Mood::Ready, &cheap, THRESHOLDS);
    let ran = ran.exits(2);
    assert!(
        ran.stderr.contains("more than aws.budget of $0.0000800"),
        "{}",
        ran.stderr
    );
    assert!(!gate.out().join("result.json").exists());
    assert_eq!(
        std::fs::read_to_string(gate.home().join("events.jsonl")).unwrap(),
        ""
    );
    let (_, _, denied) = run_slowly(&SLOW, Mood::Denied, &cheap, THRESHOLDS);
    let denied = denied.exits(2);
    assert!(
        denied.stderr.contains("aws.budget cannot be kept"),
        "{}",
        denied.stderr
    );
}

#[test]
fn validate_says_what_a_load_costs() {
    for (budget, exit) in [("$0.00008", 2), ("$0.0001", 0)] {
        let gate = gate(THRESHOLDS).with_scenario(&with_budget(budget));
        let aws = aws(gate.home().join("events.jsonl"), Mood::Ready);
        let mut command = with_aws(&gate, &aws);
        let target = ["--target", "http://127.0.0.1:9"];
        let output = command
            .arg("validate")
            .arg(gate.folder())
            .args(target)
            .output();
        let ran = Ran::new(&output.unwrap());
        let ran = ran.exits(exit);
        let said = "the load costs $0.000413 if each request takes 100 ms, and at most $0.0501 if";
        assert!(ran.stdout.contains(said), "{}", ran.stdout);
        for limit in ["Lambda throttles <= 0", "cost per million <= $40"] {
            assert!(ran.stdout.contains(limit), "{}", ran.stdout);
        }
    }
}

#[test]
fn a_duet_says_what_requests_to_each_version_cost() {
    let gate = gate(THRESHOLDS).with_scenario(SCENARIO);
    let log = gate.home().join("events.jsonl");
    let logged = ["--report-log", log.to_str().unwrap()];
    let stand_in = StandIn::start(gate.home(), &[&SLOW[..], &logged].concat());
    let aws = aws(log, Mood::Ready);
    let output = {
        let _slot = load_slot();
        let mut command = with_aws(&gate, &aws);
        command.arg("run").arg(gate.folder());
        let versions = ["--target", &stand_in.url, "--against", &stand_in.url];
        command
            .args(versions)
            .args(["--pairs", "6", "--slice", "1s"])
            .output()
            .unwrap()
    };
    let ran = Ran::new(&output);
    let cost = figures(&gate)["cost"].clone();
    let each = ["per_million_usd", "base_per_million_usd"].map(|key| cost[key].as_f64());
    let [Some(target), Some(base)] = each else {
        panic!("{cost}\n{}", ran.stderr)
    };
    // 50 ms of 512 MB and an invocation: $0.62 a million, and cold starts.
    assert!(target > 0.6 && base > 0.6, "{cost}");
    assert!((target / base - 1.0).abs() < 0.5, "{cost}");
}

#[test]
fn a_load_that_runs_into_limits_is_refused_if_asked() {
    let scenario = SCENARIO.replace("wait: 20s", "wait: 20s\n  limits: fail");
    let (gate, _, ran) = run(Mood::Ready, &scenario, THRESHOLDS);
    let ran = ran.exits(2);
    let said = "runs into limits of AWS: a step waits 30 s, but `list-items` is ended after 15 s";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    assert!(!gate.out().join("result.json").exists());
}
