//! A run that is cut short keeps what it has.

use rustix::process::Signal;

use crate::support::{Gate, Ran, Server, eventually, gate, load_slot, signal};

#[test]
fn an_interrupted_run_leaves_a_partial_result() {
    for (sent, code, name) in [(Signal::INT, 130, "SIGINT"), (Signal::TERM, 143, "SIGTERM")] {
        let gate = gate("").with_scenario(
            "name: sample\nuser_classes: [{ name: a, wait: 5ms, tasks: [{ steps: [{ get: /items, name: GET /items }] }] }]\nload: [{ phase: warm, users: 4, for: 120s }]\n",
        );
        let server = Server::fast();
        let _slot = load_slot();
        let run = gate.start(&server.url());
        eventually("the load is on", || server.received().len() > 100);
        signal(&run, sent);
        let ran = Ran::new(&run.wait_with_output().unwrap());
        ran.exits(code).tells(&[name]);
        let result: serde_json::Value = serde_json::from_str(&gate.written("result.json")).unwrap();
        assert!(result["run"]["ended"]["interrupted"].is_object(), "{name}");
        let cells = &result["slices"][0]["cells"][0];
        assert!(cells["requests"].as_u64().unwrap() > 50, "{name}");
        assert!(gate.written("junit.xml").contains("<error type="), "{name}");
        // What is partial is readable, judged as such, and never recorded.
        let result = gate.out().join("result.json");
        let result = result.to_str().unwrap();
        gate.command("judge", &[result]).exits(3);
        gate.command("record", &[result]).exits(3);
        assert!(!gate.folder().join("baseline.json").exists());
    }
}

#[test]
fn a_run_that_waits_for_its_target_can_be_interrupted() {
    let gate = gate("");
    let mut command = crate::support::loadgate(gate.home());
    let run = command
        .args(["run", gate.folder().to_str().unwrap()])
        .args(["--target", crate::support::NOWHERE, "--wait", "60s"])
        .env("LOADGATE_OUT", gate.out())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    eventually("the output folder is there", || gate.out().exists());
    std::thread::sleep(std::time::Duration::from_millis(300));
    signal(&run, Signal::INT);
    Ran::new(&run.wait_with_output().unwrap()).exits(130);
}

#[test]
fn a_run_that_waits_for_its_own_server_can_be_interrupted() {
    for (sent, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let gate = gate("");
        let run = crate::support::loadgate(gate.home())
            .args(["run", gate.folder().to_str().unwrap()])
            .args(["--target-cmd", "echo started; exec sleep 60"])
            .env("LOADGATE_OUT", gate.out())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let log = gate.out().join("target.log");
        eventually("the server is started", || {
            std::fs::read_to_string(&log).is_ok_and(|text| text.contains("started"))
        });
        signal(&run, sent);
        Ran::new(&run.wait_with_output().unwrap()).exits(code);
        let ended = &gate.result()["run"]["ended"];
        assert_eq!(ended["interrupted"]["signal"], code - 128);
    }
}

/// A run, or whatever command it is, whose only step has sent its request and captures by a `JSONPath` that no machine
/// computes to its end.
fn computing(command: &str, method: &str) -> (Gate, std::process::Child) {
    let gate = gate("").with_scenario(&format!(
        "name: sample
user_classes:
  - name: a
    tasks:
      - steps:
          - {method}: /items
            capture: {{ t: '$..[?count($..[?count($..[?count($..*) == 1]) == 1]) == 1]' }}
load: [{{ phase: warm, users: 1, for: 1s }}]
"
    ));
    let body = format!("[{}0]", "[0],".repeat(5_000));
    let server = Server::start(move |_| (200, body.clone()));
    let run = crate::support::loadgate(gate.home())
        .arg(command)
        .arg(gate.folder())
        .args(["--target", &server.url()])
        .env("LOADGATE_OUT", gate.out())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    eventually("the request has come", || !server.received().is_empty());
    (gate, run)
}

#[test]
fn a_signal_is_obeyed_while_a_json_path_is_computed() {
    // Ahead of the load each GET is sent once, and nothing else.
    for (command, method) in [("run", "get"), ("run", "post"), ("try", "post")] {
        let (gate, run) = computing(command, method);
        signal(&run, Signal::TERM);
        Ran::new(&run.wait_with_output().unwrap()).exits(143);
        if command == "run" {
            let result: serde_json::Value =
                serde_json::from_str(&gate.written("result.json")).unwrap();
            assert_eq!(result["run"]["ended"]["interrupted"]["signal"], 15);
        }
    }
}

#[test]
fn a_second_signal_ends_the_process() {
    // The first is not obeyed at once: what computes is waited for.
    let (_gate, mut run) = computing("try", "get");
    signal(&run, Signal::TERM);
    // On a busy machine both may be seen within a tenth of a second, as one: an impatient user sends it again.
    while run.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(300));
        signal(&run, Signal::INT);
    }
    Ran::new(&run.wait_with_output().unwrap()).exits(130);
}
