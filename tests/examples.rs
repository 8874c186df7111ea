//! The repositories in examples/: their gates are valid, their workflows name inputs that exist, and their services pass.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::action::sh;
use crate::support::{Ran, load_slot, loadgate, repository};

const EXAMPLES: [&str; 3] = ["lambda", "node", "python"];
/// Those whose service runs anywhere, with the program that runs it.
const SERVICES: [(&str, &str); 2] = [("node", "node"), ("python", "python3")];
const GATE: &str = "thresholds/api";

/// An example in a folder of its own.
fn copied(example: &str) -> TempDir {
    let folder = repository().join("examples").join(example);
    let home = tempfile::tempdir().unwrap();
    sh(home.path(), &format!("cp -R '{}/.' .", folder.display()));
    home
}

fn yaml(path: &Path) -> Value {
    serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The inputs that an example's workflow gives to the action.
fn inputs(home: &Path) -> Value {
    let workflow = yaml(&home.join(".github/workflows/performance.yml"));
    let steps = workflow["jobs"]["performance"]["steps"].as_array().unwrap();
    let uses = |step: &&Value| step["uses"].as_str().unwrap().starts_with("loadgate/");
    steps.iter().find(uses).unwrap()["with"].clone()
}

#[test]
fn gates_of_examples_are_valid() {
    for example in EXAMPLES {
        let home = copied(example);
        let output = loadgate(home.path())
            .args(["validate", GATE, "--target", "http://127.0.0.1:1"])
            .output();
        Ran::new(&output.unwrap()).exits(0);
    }
}

#[test]
fn workflows_of_examples_give_inputs_that_exist() {
    let action = yaml(&repository().join("action.yml"));
    for example in EXAMPLES {
        let home = copied(example);
        let inputs = inputs(home.path());
        for name in inputs.as_object().unwrap().keys() {
            assert!(action["inputs"].get(name).is_some(), "{example}: {name}");
        }
        assert_eq!(inputs["gates"], GATE);
    }
}

#[test]
fn services_of_examples_pass_their_gates() {
    for (example, program) in SERVICES {
        let version = Command::new(program).arg("--version").output();
        if !version.is_ok_and(|output| output.status.success()) {
            continue;
        }
        let home = copied(example);
        let edit = |file: &str, from: &str, to: &str| {
            let path = home.path().join(GATE).join(file);
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.contains(from), "{file}: {from}");
            std::fs::write(path, text.replace(from, to)).unwrap();
        };
        edit("scenario.yml", "for: 60s", "for: 2s");
        edit("scenario.yml", "for: 5s", "for: 100ms");
        // Tests share their machine.
        edit("thresholds.yml", "p95: 300ms", "p95: 60s");
        let inputs = inputs(home.path());
        let input = |name: &str| inputs[name].as_str().unwrap();
        let _slot = load_slot();
        let output = loadgate(home.path())
            .args(["run", GATE, "--target-cmd", input("serve")])
            .args(["--ready", input("ready")])
            .output();
        Ran::new(&output.unwrap()).exits(0);
        let log = home.path().join("loadgate-out/target.log");
        let log = std::fs::read_to_string(log).unwrap();
        for line in ["GET /health", "GET /items", "GET /items/2", "POST /orders"] {
            assert!(log.lines().any(|found| found == line), "{example}: {line}");
        }
        // Warm-up and steady phase, after each GET was sent once. A closed connection may add a stack trace to the log.
        let request = |line: &&str| line.starts_with("GET /items") || *line == "POST /orders";
        let sent = log.lines().filter(request).count();
        assert_eq!(sent, 5 + 300 + 2, "{example}");
    }
}
