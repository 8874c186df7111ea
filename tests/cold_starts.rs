//! Cold starts, marked by the stand-in and judged by the real binary.

use serde_json::Value;

use crate::replay::Load;
use crate::support::{EXPIRING, Gate, StandIn, gate, recipe};

/// Two bursts with an idle gap between them that ends every execution environment.
const SCENARIO: &str = "\
name: bursts
user_classes:
  - name: shopper
    wait: 100ms
    tasks: [{ steps: [{ get: /prod/catalog/items, query: { limit: 1 }, name: GET /catalog/items }] }]
load:
  - repeat: 2
    phases:
      - { phase: burst, users: 30, for: 2s }
      - { phase: idle, users: 0, for: 1.5s }
cold_start: { header: x-cold-start, equals: \"true\" }
";

/// How many answers the record counts as cold.
fn cold(gate: &Gate) -> u64 {
    let result: Value = serde_json::from_str(&gate.written("result.json")).unwrap();
    let parts = result["parts"].as_array().unwrap();
    parts
        .iter()
        .map(|own| own["parts"]["told"].as_u64().unwrap())
        .sum()
}

#[test]
fn each_burst_after_an_idle_gap_starts_cold() {
    let thresholds = "\
limits:
  overall: { error_rate: 1%, warm_p95: 2s }
  cold: { p50: 30s, share: 50% }
regression: { gate: [error_rate] }
";
    let gate = gate(thresholds).with_scenario(SCENARIO);
    let stand_in = StandIn::start(gate.home(), &EXPIRING);
    gate.run(&stand_in.url, &[]).exits(0);
    let judged = |name: &str| {
        let checks = gate.checks();
        let check = checks.iter().find(|check| check.name == name);
        check.map(|check| check.outcome.clone())
    };
    for name in ["cold P50", "cold share", "warm P95"] {
        let name = format!("overall: {name} limit");
        assert_eq!(
            judged(&name).as_deref(),
            Some("passed"),
            "{name} {:?}",
            gate.checks()
        );
    }
    // Thirty users come at once, twice: more than thirty cold starts are those of both bursts. A busy machine may make users
    // come later, or let environments expire within a burst.
    let cold = cold(&gate);
    assert!(cold > 35, "{cold}");
    // Over its limit it fails; what nobody promised does not.
    gate.write(
        "thresholds.yml",
        "limits: { overall: { p95: 60s }, cold: { p50: 250ms } }\nregression: { gate: [error_rate] }",
    );
    let result = gate.out().join("result.json");
    let out = gate.out();
    let again = [result.to_str().unwrap(), "--out", out.to_str().unwrap()];
    gate.command("judge", &again).exits(1);
    assert_eq!(
        judged("overall: cold P50 limit").as_deref(),
        Some("failure")
    );
    assert_eq!(judged("overall: P95 limit").as_deref(), Some("passed"));
}

#[test]
fn expected_cold_starts_that_are_absent_block_under_strict() {
    let gate = gate("limits: { cold: { p50: 1s } }\nregression: { gate: [cold_share] }");
    let gate = gate.with_scenario(SCENARIO);
    let warm = Load::taking(10.0);
    gate.replay(&warm, &[]).exits(0).tells(&["x-cold-start"]);
    assert_eq!(gate.outputs(&[])["verdict"], "inconclusive");
    gate.replay(&warm, &["--strict"]).exits(4);
}

#[test]
fn a_gate_of_cold_starts_needs_a_scenario_that_knows_them() {
    let gate = gate("limits: { cold: { p50: 1s } }");
    gate.command("validate", &[])
        .exits(2)
        .says(&["thresholds.yml:1:19", "write cold_start in the scenario"]);
}

#[test]
fn validate_does_not_promise_cold_starts_that_nobody_can_order() {
    let gate = gate("regression: { gate: [cold_p50], phases: [burst] }").with_scenario(SCENARIO);
    gate.command("validate", &["--target", "http://127.0.0.1:1"])
        .exits(0)
        .tells(&["cold P50 overall in burst", "not known"]);
}

#[test]
fn documented_functions_and_thresholds_of_cold_starts_hold() {
    for first in ["// Node:", "# Python\n", "// Rust, with"] {
        assert!(recipe(first).contains("x-cold-start"), "{first}");
    }
    syn::parse_file(&recipe("// Rust, with")).unwrap();
    let gate = gate(&recipe("gate: [warm_p95, cold_p50")).with_scenario(SCENARIO);
    gate.command("validate", &["--target", "http://127.0.0.1:1"])
        .exits(0);
}
