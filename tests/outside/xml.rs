//! junit.xml before xmllint, and before the schema where there is a copy.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::{Gate, NOWHERE, SCENARIO, Server, gate};

/// The schema of Jenkins's xUnit plug-in, which `tests/outside/run` looks for.
fn schema() -> Option<PathBuf> {
    std::env::var_os("JUNIT_XSD").map(PathBuf::from)
}

fn check(file: &Path) {
    let mut xmllint = Command::new("xmllint");
    xmllint.arg("--noout").arg("--nonet");
    if let Some(schema) = schema() {
        xmllint.arg("--schema").arg(schema);
    }
    let output = xmllint.arg(file).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{said}\n{}",
        std::fs::read_to_string(file).unwrap()
    );
}

fn checked(gate: &Gate, exit: i32, ran: crate::support::Ran) {
    ran.exits(exit);
    check(&gate.out().join("junit.xml"));
}

#[test]
fn every_kind_of_outcome_is_valid() {
    let fast = Server::fast();
    let slow = Server::taking(Duration::from_millis(15));
    for (thresholds, target, more, exit) in [
        ("", fast.url(), &[][..], 0),
        ("limits: { overall: { p95: 5ms } }", slow.url(), &[], 1),
        (
            "mode: observe\nlimits: { overall: { p95: 5ms } }",
            slow.url(),
            &[],
            0,
        ),
        ("", NOWHERE.to_owned(), &[], 3),
        ("regression: { missing_baseline: fail }", fast.url(), &[], 3),
        (
            "limits: { warn: { overall: { p95: 1us } } }",
            fast.url(),
            &[],
            0,
        ),
        ("limits: { overall: { p999: 1s } }", fast.url(), &[], 3),
    ] {
        let gate = gate(thresholds);
        let ran = gate.run(&target, more);
        checked(&gate, exit, ran);
    }
}

#[test]
fn a_history_and_a_regression_are_valid() {
    let gate = gate("").with_scenario(
        "name: sample\nuser_classes: [{ name: a, tasks: [{ steps: [{ get: / }] }] }]\nload: [{ phase: warm, users: 20, for: 3s }]\n",
    );
    let server = Server::taking(Duration::from_millis(5));
    gate.run(&server.url(), &["--record"]).exits(0);
    let ran = gate.run(&server.url(), &[]);
    checked(&gate, 0, ran);
    let ran = gate.run(&Server::taking(Duration::from_millis(15)).url(), &[]);
    checked(&gate, 1, ran);
}

#[test]
fn hostile_names_are_valid() {
    let hostile = r#""]]> <b>&amp; é \" ' @everyone ::error::x""#;
    let scenario = SCENARIO
        .replace("name: GET /items", &format!("name: {hostile}"))
        .replace("name: sample", "name: \"a ]]> b\"")
        .replace("phase: warm", "phase: \"<warm>\"");
    let gate = gate("limits: { overall: { p95: 1us } }").with_scenario(&scenario);
    let ran = gate.run(&Server::fast().url(), &[]);
    checked(&gate, 1, ran);
}
