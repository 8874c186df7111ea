//! Every exit code, by the real binary.

use std::time::Duration;

use loadgate::measurement::FailureKind;

use crate::replay::{self, Load};
use crate::support::{ARRIVALS, Check, Gate, NOWHERE, Ran, Server, gate, loadgate};

/// Much to send for validate.
const BUSY: &str = "\
name: sample
user_classes:
  - name: reader
    tasks:
      - steps: [{ get: /items, name: GET /items }]
load:
  - { phase: warm, users: 20, for: 3s }
";

#[test]
fn a_run_within_its_limits_exits_0() {
    let gate = gate("limits: { overall: { p95: 30s, error_rate: 1% } }").with_scenario(ARRIVALS);
    gate.run(&Server::fast().url(), &[]).exits(0);
    let checks = gate.checks();
    assert!(
        checks
            .iter()
            .all(|check| check.outcome == "passed" || check.outcome == "skipped")
    );
    for file in [
        "result.json",
        "junit.xml",
        "summary.md",
        "metrics.txt",
        "load-performance.json",
        "report.html",
    ] {
        assert!(!gate.written(file).is_empty(), "{file}");
    }
}

#[test]
fn a_broken_limit_exits_1() {
    let gate = gate("limits: { overall: { p95: 5ms } }").with_scenario(ARRIVALS);
    let server = Server::taking(Duration::from_millis(15));
    gate.run(&server.url(), &[]).exits(1);
    assert_eq!(
        failed(&gate),
        [("overall: P95 limit".to_owned(), "loadgate.limit".to_owned())]
    );
    assert!(gate.written("summary.md").contains("❌"));
}

#[test]
fn a_server_that_only_fails_exits_1_where_no_limit_is_written() {
    let gate = gate("").with_scenario(ARRIVALS);
    let server = Server::start(|_| (500, "{}".to_owned()));
    gate.run(&server.url(), &[]).exits(1);
    let limit = |name: &str| (name.to_owned(), "loadgate.limit".to_owned());
    assert_eq!(
        failed(&gate),
        [
            limit("overall: error rate limit"),
            limit("overall: unavailable limit")
        ]
    );
}

#[test]
fn a_regression_exits_1_and_an_unchanged_run_0() {
    let gate = gate("");
    let result = gate.out().join("result.json");
    let load = |millis: f64, day: u32| Load::taking(millis).on_day(day);
    gate.replay(&load(5.0, 0), &[]).exits(0);
    assert_eq!(gate.baseline_status(&[]), "missing");
    gate.command("record", &[result.to_str().unwrap()]).exits(0);
    gate.replay(&load(5.0, 1), &[]).exits(0);
    assert_eq!(gate.baseline_status(&[]), "single");
    gate.replay(&load(15.0, 1), &[]).exits(1);
    let failed = failed(&gate);
    assert!(
        failed.iter().all(|(_, kind)| kind == "loadgate.regression"),
        "{failed:?}"
    );
    assert!(
        failed.iter().any(|(name, _)| name.contains("P95")),
        "{failed:?}"
    );
}

/// The checks that failed: name and type.
fn failed(gate: &Gate) -> Vec<(String, String)> {
    let failed = gate
        .checks()
        .into_iter()
        .filter(|check| check.outcome == "failure");
    failed.map(|check| (check.name, check.kind)).collect()
}

#[test]
fn a_target_that_nobody_serves_exits_3() {
    let gate = gate("");
    gate.run(NOWHERE, &[]).exits(3).tells(&["--wait"]);
    assert!(gate.written("junit.xml").contains("<error type="));
}

#[test]
fn a_limit_without_enough_requests_exits_3() {
    let gate = gate("limits: { overall: { p99: 1s, error_rate: off } }").with_scenario(
        "name: sample\nuser_classes: [{ name: a, wait: 100ms, tasks: [{ steps: [{ get: / }] }] }]\nload: [{ phase: warm, users: 2, for: 1s }]\n",
    );
    gate.run(&Server::fast().url(), &[]).exits(3);
    let checks = gate.checks();
    let is_open =
        |check: &Check| check.name == "overall: P99 limit" && check.kind == "loadgate.too_few";
    assert!(checks.iter().any(is_open), "{checks:?}");
}

#[test]
fn a_missing_required_baseline_exits_3_and_can_be_recorded() {
    let gate = gate("regression: { missing_baseline: fail }");
    gate.replay(&Load::taking(2.0), &[]).exits(3);
    assert_eq!(gate.baseline_status(&[]), "missing");
    let result = gate.out().join("result.json");
    gate.command("record", &[result.to_str().unwrap()]).exits(0);
    assert!(gate.read("baseline.json").contains("\"schema\": 2"));
}

#[test]
fn an_inconclusive_run_exits_0_loudly_and_4_where_strict() {
    // Every hundredth request fails: whether that is more than 1 % nobody can tell.
    let load = Load::taking(2.0).failing(FailureKind::Status(503), 6);
    let gate = gate("");
    gate.replay(&load, &[]).exits(0);
    assert_eq!(gate.outputs(&[])["verdict"], "inconclusive");
    gate.replay(&load, &["--strict"]).exits(4);
    assert!(gate.written("junit.xml").contains("<error type="));
}

#[test]
fn observing_exits_0_whatever_happened() {
    let gate = gate("mode: observe\nlimits: { overall: { p95: 5ms } }");
    gate.replay(&Load::taking(15.0), &[]).exits(0);
    assert_eq!(gate.outputs(&[])["verdict"], "failed");
    gate.run(NOWHERE, &[]).exits(0);
    let junit = gate.written("junit.xml");
    assert!(
        !junit.contains("<failure") && !junit.contains("<error"),
        "{junit}"
    );
}

#[test]
fn an_aborted_run_exits_1_early() {
    let gate = gate("abort: { error_rate: 50%, after: 500ms }").with_scenario(
        "name: sample\nuser_classes: [{ name: a, wait: 5ms, tasks: [{ steps: [{ get: / }] }] }]\nload: [{ phase: warm, users: 4, for: 60s }]\n",
    );
    let server = Server::start(|_| (502, String::new()));
    gate.run(&server.url(), &[]).exits(1);
    let run = &gate.result()["run"];
    assert!(run["ended"]["aborted"].is_object());
    assert!(run["duration_s"].as_f64().unwrap() < 30.0);
}

#[test]
fn several_gates_exit_with_the_worst_and_get_one_summary() {
    let good = gate("");
    let slow = gate("limits: { overall: { p95: 1us } }");
    slow.write(
        "scenario.yml",
        &crate::support::SCENARIO.replace("name: sample", "name: other"),
    );
    let load = Load::taking(2.0);
    let mut run = good.replaying(&load);
    load.write(&good.home().join("replayed"), [&*slow.read("scenario.yml")]);
    Ran::new(&run.arg(slow.folder()).output().unwrap()).exits(1);
    for file in ["sample/junit.xml", "other/junit.xml", "other/result.json"] {
        assert!(!good.written(file).is_empty(), "{file}");
    }
    let summary = good.written("summary.md");
    assert!(
        summary.starts_with("### ❌ Performance: 1 of 2 gates failed"),
        "{summary}"
    );
}

#[test]
fn a_stored_result_is_judged_again_to_the_same_words() {
    let gate = gate("limits: { overall: { p95: 800ms } }");
    let ran = gate.replay(&Load::taking(2.0), &[]).exits(0);
    let (first, result) = (gate.written("junit.xml"), gate.out().join("result.json"));
    let again = gate.home().join("again");
    let judged = gate
        .command(
            "judge",
            &[result.to_str().unwrap(), "--out", again.to_str().unwrap()],
        )
        .exits(0);
    assert_eq!(
        std::fs::read_to_string(again.join("junit.xml")).unwrap(),
        first
    );
    let verdict = |text: &str| text.lines().last().unwrap().to_owned();
    assert_eq!(verdict(&judged.stdout), verdict(&ran.stdout));
}

#[test]
fn validate_says_at_most_if_conditions_depend_on_the_run() {
    let gate = gate("limits: { requests: { pro: { p95: 1s } } }").with_scenario(
        "name: sample
user_classes:
  - name: a
    tasks:
      - set: { plan: \"{{ pick(['pro', 'free']) }}\" }
        steps: [{ get: /all, name: all }, { get: /pro, name: pro, when: \"{{ plan == 'pro' }}\" }]
load: [{ phase: warm, arrivals: 100/s, for: 60s }]
",
    );
    let ran = gate.command("validate", &["--target", "http://127.0.0.1:1"]);
    let ran = ran.exits(0);
    let lines = |name: &str| {
        let lines = ran.stdout.lines().filter(|line| line.contains(name));
        lines
            .filter(|line| line.contains("6,000"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (pro, all) = (lines("pro "), lines("all "));
    assert!(
        pro.len() >= 3 && pro.iter().all(|line| line.contains("at most 6,000")),
        "{pro:?}"
    );
    assert!(all.iter().any(|line| !line.contains("at most")), "{all:?}");
}

#[test]
fn validate_exits_2_if_nothing_can_be_judged() {
    let server = Server::fast();
    let gate = gate("").with_scenario(BUSY);
    gate.command("validate", &["--target", &server.url()])
        .exits(0)
        .tells(&["GET /items", "gated change", "P95 overall"]);
    gate.write(
        "scenario.yml",
        "name: sample\nuser_classes: [{ name: a, wait: 1s, tasks: [{ steps: [{ get: / }] }] }]\nload: [{ phase: warm, users: 1, for: 1s }]\n",
    );
    gate.command("validate", &["--target", &server.url()])
        .exits(2)
        .tells(&["GET /", "381"]);
    assert!(server.received().is_empty());
}

#[test]
fn an_unjudged_run_exits_0_and_names_the_command_to_judge_it() {
    let gate = gate("limits: { overall: { p95: 1us } }");
    let ran = gate.replay(&Load::taking(2.0), &["--unjudged"]).exits(0);
    let advised = format!("'{} judge GATE ", env!("CARGO_BIN_EXE_loadgate"));
    assert!(ran.stdout.contains(&advised), "{}", ran.stdout);
}

#[test]
fn what_an_earlier_run_left_is_removed_and_no_link_is_followed() {
    let gate = gate("");
    gate.replay(&Load::taking(2.0), &[]).exits(0);
    let keep = gate.home().join("keep");
    std::fs::write(&keep, "keep").unwrap();
    let names = [
        "result.json",
        "junit.xml",
        "summary.md",
        "target.log",
        "base.log",
    ];
    for name in names {
        let file = gate.out().join(name);
        std::fs::remove_file(&file).ok();
        std::os::unix::fs::symlink(&keep, &file).unwrap();
    }
    std::fs::write(gate.out().join("mine.txt"), "mine").unwrap();
    // A server that puts a link in its log's place while it runs.
    let log = gate.out().join("target.log");
    let serve = format!(
        "echo started; rm -f {0}; ln -s {1} {0}; exec {2} lambda --address 127.0.0.1:$LOADGATE_PORT",
        log.display(),
        keep.display(),
        env!("CARGO_BIN_EXE_loadgate")
    );
    let output = loadgate(gate.home())
        .arg("run")
        .arg(gate.folder())
        .args(["--target-cmd", &serve])
        .env("LOADGATE_OUT", gate.out())
        .env(replay::VARIABLE, gate.home().join("replayed"))
        .output();
    Ran::new(&output.unwrap()).exits(0);
    for name in names {
        let file = gate.out().join(name);
        assert!(!file.is_symlink() || name == "target.log", "{name}");
    }
    assert!(!gate.out().join("base.log").exists());
    assert_eq!(std::fs::read_to_string(&keep).unwrap(), "keep");
    assert_eq!(
        std::fs::read_to_string(gate.out().join("mine.txt")).unwrap(),
        "mine"
    );
}
