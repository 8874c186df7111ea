//! The reference service that a gate's thresholds name: measured beside the target, and divided out of a history.

use serde_json::{Value, json};

use crate::replay::Load;
use crate::support::{Gate, Server, gate};

const SHORT: &str = "\
name: short
user_classes: [{ name: u, tasks: [{ steps: [{ get: /a, name: a }] }] }]
load: [{ phase: steady, arrivals: 100/s, for: 1s, max_users: 50 }]
";

fn gate_with(reference: &str) -> Gate {
    let limits = "limits: { overall: { error_rate: off } }";
    gate(&format!(
        "{limits}\nregression: {{ reference: {reference} }}\n"
    ))
    .with_scenario(SHORT)
}

fn baseline(gate: &Gate) -> Value {
    serde_json::from_str(&gate.read("baseline.json")).unwrap()
}

#[test]
fn an_address_gets_its_path_at_an_even_rate() {
    let (target, reference) = (Server::fast(), Server::fast());
    let gate = gate_with(&format!("{{ url: '{}/b?c=1', rate: 50 }}", reference.url()));
    let ran = gate.run(&target.url(), &["--record"]);
    let result = gate.result();
    let own = &result["reference"];
    assert_eq!(
        own["service"],
        json!(format!("{}/b?***", reference.url())),
        "{ran:?}"
    );
    let received = reference.received();
    assert!(received.iter().all(|it| it.line() == "GET /b?c=1"));
    // As long as the target is loaded, and no longer.
    assert!((20..=90).contains(&received.len()), "{}", received.len());
    assert!(own["requests"].as_u64().unwrap() <= received.len() as u64);
    assert_eq!(baseline(&gate)["jobs"][0]["reference"], *own);
    let target = target.received();
    assert!(target.len() > 90 && target.iter().all(|it| it.line() == "GET /a"));
}

#[test]
fn the_built_in_server_takes_as_long_as_the_target() {
    let scenario = SHORT.replace("100/s, for: 1s", "200/s, for: 4s");
    let gate = gate_with("{ built_in: auto, rate: 100 }").with_scenario(&scenario);
    let target = Server::fast();
    gate.run(&target.url(), &[]);
    let result = gate.result();
    // Nothing says yet how long the target takes.
    assert!(result["reference"].is_null() && result["reference_missing"].is_null());
    gate.replay(&Load::taking(30.0), &["--record"]).exits(0);
    // However late the generator is on a busy machine.
    let ran = gate.run(&target.url(), &["--max-late", "10s"]);
    let own = gate.result()["reference"].clone();
    assert_eq!(own["service"], "built-in", "{ran:?}");
    let latency = own["built_in_s"].as_f64().unwrap();
    assert!((0.02..0.04).contains(&latency), "{own}");
    let p50 = own["latencies"]["p50"].as_f64();
    assert!(p50.is_some_and(|p50| p50 > 0.9 * latency), "{own}");
}

#[test]
fn a_command_needs_leave_and_may_fail() {
    let gate = gate_with("{ serve: 'echo no licence; exit 5' }");
    let target = Server::fast();
    gate.run(&target.url(), &[])
        .exits(2)
        .says(&["thresholds.yml:2", "--allow-commands"]);
    let ran = gate.run(&target.url(), &["--allow-commands"]);
    let result = gate.result();
    let why = result["reference_missing"].as_str().unwrap();
    assert!(why.contains("no licence"), "{ran:?}");
    assert_eq!(result["run"]["ended"], "completed");
    assert!(gate.written("reference.log").contains("no licence"));
    let serve = format!(
        "exec {} lambda --address 127.0.0.1:$LOADGATE_PORT --provisioned 200",
        env!("CARGO_BIN_EXE_loadgate")
    );
    let gate = gate_with(&format!("{{ serve: '{serve}', ready: /health }}"));
    let ran = gate.run(&target.url(), &["--allow-commands"]);
    let own = &gate.result()["reference"];
    assert_eq!(own["service"], json!(serve), "{ran:?}");
    assert_eq!(own["failures"], 0);
}

#[test]
fn a_reference_that_fails_is_not_used() {
    let reference = Server::start(|_| (500, String::new()));
    let gate = gate_with(&format!("{{ url: '{}' }}", reference.url()));
    let ran = gate.run(&Server::fast().url(), &[]);
    let result = gate.result();
    assert!(result["reference"].is_null(), "{ran:?}");
    assert!(result["reference_missing"].is_string());
}

/// A result, and a baseline of ten jobs that vary by 10 %, with a reference that varies as they do.
fn with_references(reference: f64) -> (Gate, String) {
    let scenario = SHORT.replace("for: 1s", "for: 30s");
    let gate = gate_with("{ built_in: 20ms }").with_scenario(&scenario);
    let speeds = [0.9, 1.1, 0.95, 1.05, 1.0, 1.1, 0.92, 1.08, 0.97, 1.03];
    for speed in speeds {
        let load = Load::taking(30.0 * speed);
        gate.replay(&load, &["--record"]);
    }
    let own = |slow: f64| {
        json!({
            "service": "built-in", "built_in_s": 0.02, "rate": 50.0, "requests": 3000, "failures": 0,
            "latencies": { "p50": 0.02 * slow, "p95": 0.03 * slow, "p99": 0.036 * slow },
        })
    };
    let mut baseline = baseline(&gate);
    let jobs = baseline["jobs"].as_array_mut().unwrap();
    assert_eq!(jobs.len(), speeds.len());
    for (job, speed) in jobs.iter_mut().zip(speeds) {
        job["reference"] = own(speed);
    }
    gate.write("baseline.json", &baseline.to_string());
    gate.replay(&Load::taking(36.0), &[]);
    let mut result = gate.result();
    result["reference"] = own(reference);
    let path = gate.home().join("with-reference.json");
    std::fs::write(&path, result.to_string()).unwrap();
    (gate, path.display().to_string())
}

#[test]
fn a_slow_runner_is_told_from_a_slow_target() {
    for (reference, code) in [(1.0, 1), (1.2, 0), (2.0, 3)] {
        let (gate, result) = with_references(reference);
        let judged = gate.command("judge", &[&result]);
        assert_eq!(judged.code, Some(code), "{judged:?}");
    }
}
