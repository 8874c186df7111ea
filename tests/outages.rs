//! A target that serves nobody for most of a run never passes, however few requests that is.

use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Gate, Received, Server, gate, load_slot};

/// No limit but the one on time in which nobody is served.
const SILENT: &str = "limits: { overall: { error_rate: off } }\nregression: { gate: [] }";
/// When the target goes silent, from the first request on.
const UNTIL: Duration = Duration::from_millis(500);

/// A server that responds at once, until it holds those requests for ever that `hangs` picks.
fn hanging(hangs: impl Fn(&Received) -> bool + Send + Sync + 'static) -> Server {
    let first = OnceLock::new();
    Server::start(move |request| {
        let first = first.get_or_init(|| request.at);
        if request.at.duration_since(*first) > UNTIL && hangs(request) {
            thread::sleep(Duration::from_secs(30));
        }
        (200, "{}".to_owned())
    })
}

/// A server that is frozen for some seconds, and then responds to everything that it was sent.
fn frozen(length: Duration) -> Server {
    let first = OnceLock::new();
    Server::start(move |request| {
        let first: &Instant = first.get_or_init(|| request.at);
        let since = request.at.duration_since(*first);
        if since > UNTIL {
            thread::sleep((UNTIL + length).saturating_sub(since));
        }
        (200, "{}".to_owned())
    })
}

fn scenario(classes: &str, load: &str) -> String {
    format!(
        "name: silent\ndefaults: {{ timeout: 2s }}\nuser_classes:\n{classes}\nload: [{{ phase: steady, {load}, for: 4s }}]\n"
    )
}

/// Runs gates beside each other, and judges what came back as if the generator had been on time, which is another claim.
fn run_all(cases: Vec<(Gate, Server)>) -> Vec<(Gate, Option<i32>)> {
    let _slot = load_slot();
    let runs = cases.into_iter().map(|(gate, server)| {
        thread::spawn(move || {
            let folder = gate.folder();
            let arguments = ["run", folder.to_str().unwrap(), "--target", &server.url()];
            gate.loadgate(&arguments);
            let path = gate.out().join("result.json");
            let mut result: Value = serde_json::from_str(&gate.written("result.json")).unwrap();
            for slice in result["slices"].as_array_mut().unwrap() {
                slice["late_p99_s"] = 0.0.into();
            }
            result["health"] = serde_json::json!({ "late_p99_s": 0.0, "cpu_share": 0.1 });
            std::fs::write(&path, result.to_string()).unwrap();
            let code = gate.command("judge", &[path.to_str().unwrap()]).code;
            (gate, code)
        })
    });
    let runs: Vec<_> = runs.collect();
    runs.into_iter().map(|run| run.join().unwrap()).collect()
}

/// Seconds of a run's silences by class and request name.
fn silent_seconds(gate: &Gate, class: Option<&str>, request: Option<&str>) -> f64 {
    let result: Value = serde_json::from_str(&gate.written("result.json")).unwrap();
    let names = result["requests"].as_array().unwrap();
    let place = request.map(|name| names.iter().position(|own| own == name).unwrap());
    let silences = result["slices"].as_array().unwrap().iter();
    let silences = silences.flat_map(|slice| slice["silences"].as_array().unwrap());
    let own = silences.filter(|one| {
        one["class"].as_str() == class && one["request"].as_u64() == place.map(|place| place as u64)
    });
    own.map(|one| one["to_s"].as_f64().unwrap() - one["from_s"].as_f64().unwrap())
        .sum()
}

#[test]
fn a_target_that_hangs_for_most_of_a_run_never_passes() {
    let closed = "  - { name: a, tasks: [{ steps: [{ get: / }] }] }";
    let waiting = "  - { name: a, wait: 20ms, tasks: [{ steps: [{ post: / }] }] }";
    let cases = [
        (closed, "users: 4"),
        (waiting, "users: 4"),
        (closed, "arrivals: 20/s"),
    ];
    let mut gates: Vec<(Gate, Server)> = cases
        .iter()
        .map(|(classes, load)| {
            let gate = gate(SILENT).with_scenario(&scenario(classes, load));
            (gate, hanging(|_| true))
        })
        .collect();
    // Every response comes in the end, and none fails.
    let frozen_gate = gate(SILENT).with_scenario(&scenario(closed, "users: 4").replace("2s", "9s"));
    gates.push((frozen_gate, frozen(Duration::from_secs(3))));
    for (gate, code) in run_all(gates) {
        assert_eq!(code, Some(1));
        let silent = silent_seconds(&gate, None, None);
        assert!((2.0..=4.0).contains(&silent), "{silent}");
    }
}

#[test]
fn one_name_or_class_of_two_that_hangs_never_passes() {
    let names =
        "  - { name: a, wait: 20ms, tasks: [{ steps: [{ get: /a }] }, { steps: [{ post: /b }] }] }";
    let of_one = "  - { name: a, wait: 20ms, tasks: [{ steps: [{ get: /x, name: x }] }] }\n  - { name: b, wait: 20ms, headers: { X-Class: b }, tasks: [{ steps: [{ get: /x, name: x }] }] }";
    let ran = run_all(vec![
        (
            gate(SILENT).with_scenario(&scenario(names, "arrivals: 40/s")),
            hanging(|request| request.path == "/b"),
        ),
        (
            gate(SILENT).with_scenario(&scenario(of_one, "users: 4")),
            hanging(|request| request.header("x-class") == Some("b")),
        ),
    ]);
    let codes: Vec<_> = ran.iter().map(|(_, code)| *code).collect();
    assert_eq!(codes, [Some(1), Some(1)]);
    let name = silent_seconds(&ran[0].0, None, Some("POST /b"));
    let class = silent_seconds(&ran[1].0, Some("b"), Some("x"));
    assert!(name > 2.0 && class > 2.0, "{name} {class}");
    assert!(silent_seconds(&ran[1].0, None, None) < 1.0);
}

#[test]
fn a_service_that_is_slow_by_nature_is_not_silent() {
    let poll = "  - { name: a, wait: 10ms, tasks: [{ steps: [{ get: / }] }] }";
    let (gate, code) = run_all(vec![(
        gate(SILENT).with_scenario(&scenario(poll, "users: 1").replace("2s", "9s")),
        Server::taking(Duration::from_millis(1300)),
    )])
    .remove(0);
    assert_eq!(code, Some(0));
    assert!(
        silent_seconds(&gate, None, None) > 2.0,
        "it is noted all the same"
    );
}

#[test]
fn a_name_of_which_every_request_fails_passes_only_if_wanted() {
    let names = "  - { name: a, wait: 20ms, tasks: [{ steps: [{ get: /a }, { get: /b }] }] }";
    let lenient = SILENT.replace("error_rate", "unavailable: off, error_rate");
    let failing = || {
        Server::start(|request| {
            let status = if request.path == "/b" { 500 } else { 200 };
            (status, "{}".to_owned())
        })
    };
    let of = |thresholds: &str| {
        let gate = gate(thresholds).with_scenario(&scenario(names, "users: 2").replace("4s", "1s"));
        (gate, failing())
    };
    let ran = run_all(vec![of(SILENT), of(&lenient)]);
    let codes: Vec<_> = ran.iter().map(|(_, code)| *code).collect();
    assert_eq!(codes, [Some(1), Some(0)]);
}

#[test]
fn requests_per_second_are_responses_and_not_planned_arrivals() {
    let classes = "  - { name: a, tasks: [{ steps: [{ get: / }] }] }";
    let one = std::sync::Mutex::new(());
    let server = Server::start(move |_| {
        let _turn = one.lock().unwrap();
        thread::sleep(Duration::from_millis(100));
        (200, "{}".to_owned())
    });
    let limits = "limits: { overall: { requests_per_second: 25, error_rate: off } }\nregression: { gate: [] }";
    let load = scenario(classes, "arrivals: 40/s").replace("2s", "10s");
    let (gate, code) = run_all(vec![(gate(limits).with_scenario(&load), server)]).remove(0);
    assert_eq!(code, Some(1));
    let told: Value = serde_json::from_str(&gate.written("load-performance.json")).unwrap();
    let rate = told["metrics"]["http_reqs"]["rate"].as_f64().unwrap();
    assert!(
        rate <= 10.5,
        "no more than ten a second can be done: {rate}"
    );
    let metrics = gate.written("metrics.txt");
    let line = metrics
        .lines()
        .find(|line| line.starts_with("loadgate_requests_per_second{"));
    let value: f64 = line.unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    assert!((value - rate).abs() < 0.01, "{value} is not {rate}");
}
