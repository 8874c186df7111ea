//! Cold starts, marked by the stand-in and judged by the real binary.

use serde_json::Value;

use crate::support::{EXPIRING, Gate, Ran, StandIn, gate, told_in_readme};

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

/// A run of a gate of these thresholds on a stand-in of its own.
fn run(thresholds: &str, stand_in: &[&str], more: &[&str]) -> (Gate, Ran) {
    let gate = gate(thresholds).with_scenario(SCENARIO);
    let stand_in = StandIn::start(gate.home(), stand_in);
    let ran = gate.run(&stand_in.url, more);
    (gate, ran)
}

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
fn each_burst_after_an_idle_gap_starts_cold_and_limits_hold_cold_from_warm() {
    let thresholds = "\
limits:
  overall: { error_rate: 1%, warm_p95: 150ms }
  cold: { p50: 1s, share: 50% }
regression: { gate: [error_rate] }
";
    let (gate, ran) = run(thresholds, &EXPIRING, &[]);
    ran.exits(0).tells(&[
        "cold P50 overall 3",
        "cold share overall",
        "warm P95 overall",
    ]);
    // Thirty users at once, twice. The first unrecorded user has warmed one environment of them.
    let cold = cold(&gate);
    assert!((58..=62).contains(&cold), "{cold}");
}

#[test]
fn a_cold_start_over_its_limit_fails_and_one_that_nobody_promised_does_not() {
    let (_, ran) = run(
        "limits: { overall: { p95: 2s }, cold: { p50: 250ms } }\nregression: { gate: [error_rate] }",
        &EXPIRING,
        &[],
    );
    ran.exits(1)
        .tells(&["failed", "cold P50 overall 3", "limit 250 ms broken"]);
}

#[test]
fn a_gate_that_expects_cold_starts_and_saw_none_is_inconclusive_and_blocks_under_strict() {
    let never = ["--latency", "10ms", "--provisioned", "100"];
    let thresholds = "limits: { cold: { p50: 1s } }\nregression: { gate: [cold_share] }";
    let told = [
        "INCONCLUSIVE",
        "no cold start was seen: no answer has the header x-cold-start",
        "send bursts of more users after idle gaps",
    ];
    let (_, ran) = run(thresholds, &never, &[]);
    ran.exits(0).tells(&told);
    let (_, ran) = run(thresholds, &never, &["--strict"]);
    ran.exits(4).tells(&told);
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
fn the_readme_shows_how_a_function_marks_its_cold_starts_and_how_long_environments_live() {
    let section = told_in_readme("## Cold starts");
    let code = |language: &str| {
        let begin = format!("```{language}\n");
        let (_, after) = section.split_once(&begin).unwrap();
        after.split_once("```").unwrap().0
    };
    for language in ["js", "python", "rust"] {
        assert!(code(language).contains("x-cold-start"), "{language}");
    }
    syn::parse_file(code("rust")).unwrap();
    // What it says of thresholds is what they take.
    let thresholds = section.split("```yaml\n").nth(2).unwrap();
    let gate = gate(thresholds.split_once("```").unwrap().0).with_scenario(SCENARIO);
    gate.command("validate", &["--target", "http://127.0.0.1:1"])
        .exits(0);
    for told in [
        "is not documented",
        "An idle phase of 30 s ends nothing",
        "leave an hour between two runs",
    ] {
        assert!(section.contains(told), "{told}");
    }
}
