//! Results that differ in a label, beside each other; and the script that makes them by switching a function's
//! memory.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::replay::Load;
use crate::support::{Gate, Ran, SCENARIO, eventually, gate, recipe, signal};

/// The path of a result with this label; AWS said what it billed, if that is known.
fn result(gate: &Gate, label: &str, millis: f64, billed_ms: Option<u64>) -> String {
    gate.replay(&Load::taking(millis), &["--label", label])
        .exits(0);
    let mut result = gate.result();
    if let Some(billed_ms) = billed_ms {
        let memory_mb = label.split('=').nth(1).unwrap().parse().unwrap();
        result["aws"] = aws(&result, memory_mb, billed_ms);
    }
    let path = gate.home().join(format!("{label}-{millis}.json"));
    std::fs::write(&path, result.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// What AWS says of a run whose every request is an invocation.
fn aws(result: &Value, memory_mb: u64, billed_ms: u64) -> Value {
    let slices = result["slices"].as_array().unwrap().len() as u64;
    let by_slice = (0..slices).map(|slice| {
        json!({ "slice": slice, "lines": 600, "billed_ms": 600 * billed_ms + 300 * (slice % 3) })
    });
    let lines = 600 * slices;
    let duration_usd = (lines * billed_ms * memory_mb) as f64 / 1024e3 * 0.000_016_666_7;
    let usd = duration_usd + lines as f64 * 2e-7;
    json!({
        "services": { "functions": [{ "name": "orders" }], "front": "function_url" },
        "figures": {
            "region": "eu-central-1",
            "functions": [{
                "name": "orders",
                "reports": {
                    "lines": lines,
                    "cold": 3,
                    "billed_ms": lines * billed_ms,
                    "memory_mb": memory_mb,
                    "memory_used_mb": 118,
                },
                "slices": by_slice.collect::<Vec<_>>(),
            }],
            "cost": {
                "usd": usd,
                "per_million_usd": usd / lines as f64 * 1e6,
                "duration_usd": duration_usd,
                "prices_of": "2026-11-24",
            },
        },
    })
}

fn shop() -> Gate {
    gate("").with_scenario(&SCENARIO.replace("users: 4", "users: 20"))
}

#[test]
fn results_by_memory_are_sorted_and_marked() {
    let gate = shop();
    let [big, small, middle] = [
        ("memory=1769", 19.9, Some(20)),
        ("memory=512", 40.0, Some(35)),
        ("memory=1024", 20.0, Some(20)),
    ]
    .map(|(label, millis, billed)| result(&gate, label, millis, billed));
    let page = gate.home().join("memory.html");
    let page = page.to_str().unwrap();
    let ran = gate.loadgate(&["compare", &big, &small, &middle, "--html", page]);
    let ran = ran.exits(0);
    assert_eq!(ran.stderr, "");
    let starts = |start: &str| ran.stdout.lines().position(|line| line.starts_with(start));
    let places = ["◆ 512 ", "◆ 1024 ", "  1769 "].map(starts);
    assert!(places.is_sorted() && places[0].is_some(), "{}", ran.stdout);
    ran.tells(&[
        "memory 1024 against 512: P95 50.0 % lower",
        "memory 1769 against 1024: P95 not surely lower or higher",
        "118/1,769",
    ]);
    let html = std::fs::read_to_string(page).unwrap();
    assert!(html.contains("P95 against cost") && html.contains("118 of 512 MB"));
    // Two are compared as before, unless a label is named.
    let two = gate.loadgate(&["compare", &small, &middle]).exits(0);
    assert!(
        two.stdout.contains("compared: the old result"),
        "{}",
        two.stdout
    );
    let by = gate.loadgate(&["compare", "--by", "memory", &small, &middle]);
    by.exits(0).tells(&["2 results by memory"]);
}

#[test]
fn a_result_without_figures_of_aws_has_its_latency() {
    let gate = shop();
    let small = result(&gate, "memory=512", 40.0, None);
    let big = result(&gate, "memory=1024", 20.0, Some(20));
    let ran = gate.loadgate(&["compare", "--by", "memory", &small, &big]);
    ran.exits(0).tells(&[
        "against 512: P95 50.0 % lower",
        "memory 512: nothing was fetched from AWS",
        "– –",
    ]);
}

#[test]
fn what_cannot_be_put_beside_each_other_says_what_to_do() {
    let gate = shop();
    let [small, big, other] = [
        ("memory=512", 40.0),
        ("memory=1024", 20.0),
        ("region=eu", 20.0),
    ]
    .map(|(label, millis)| result(&gate, label, millis, None));
    let again = result(&gate, "memory=512", 41.0, None);
    let compare = |arguments: &[&str]| gate.loadgate(&[&["compare"], arguments].concat()).exits(2);
    compare(&[&small, &other, "--by", "memory"]).says(&[
        "region=eu-20.json has no label 'memory'",
        "--label memory=VALUE",
    ]);
    compare(&[&small, &big, &other]).says(&["'memory' and 'region'", "--by memory"]);
    compare(&[&small, &small, &small]).says(&["differ in no label", "--label memory=512"]);
    compare(&[&small, &big, &again]).says(&["both have the label memory=512"]);
    gate.write("scenario.yml", SCENARIO);
    let foreign = result(&gate, "memory=2048", 20.0, None);
    compare(&[&small, &big, &foreign]).says(&["memory=2048-20.json", "another scenario"]);
}

/// Programs for the script: `aws` keeps the memory of a function in a file and its changes in another.
fn programs(home: &Path, loadgate: &str) -> PathBuf {
    let folder = home.join("programs");
    std::fs::create_dir(&folder).unwrap();
    let aws = format!(
        r#"cd '{}'
case "$2" in
  get-function-configuration) cat memory ;;
  update-function-configuration) echo "$6" >memory; echo "$6" >>changes; [ ! -e refuse ] ;;
esac"#,
        home.display()
    );
    let loadgate = format!("cd '{}'\n{loadgate}", home.display());
    for (name, script) in [("aws", &aws), ("loadgate", &loadgate)] {
        let path = folder.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        crate::action::sh(&folder, &format!("chmod +x {name}"));
    }
    std::fs::write(home.join("memory"), "256\n").unwrap();
    folder
}

/// The script of the book, with these programs.
fn script(home: &Path, loadgate: &str, shell: &str) -> Child {
    let script = recipe("aws lambda update-function-configuration");
    let path = format!("{}:/usr/bin:/bin", programs(home, loadgate).display());
    Command::new(shell)
        .args(["-c", &script])
        .current_dir(home)
        .env_clear()
        .env("PATH", path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn changes(home: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(home.join("changes")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_memory_script_runs_each_size_and_restores() {
    for shell in ["sh", "bash"] {
        let home = tempfile::tempdir().unwrap();
        // The first size breaks a limit.
        let loadgate = r#"echo "$1 $(cat memory)" >>called; [ "$1 $(cat memory)" != "run 512" ]"#;
        let output = script(home.path(), loadgate, shell).wait_with_output();
        Ran::new(&output.unwrap()).exits(0);
        assert_eq!(changes(home.path()), ["512", "1024", "1769", "256"]);
        let called = std::fs::read_to_string(home.path().join("called")).unwrap();
        assert_eq!(called, "run 512\nrun 1024\nrun 1769\ncompare 1769\n");
    }
}

#[test]
fn the_memory_script_restores_after_a_run_without_verdict() {
    let home = tempfile::tempdir().unwrap();
    let output = script(home.path(), "exit 3", "sh").wait_with_output();
    Ran::new(&output.unwrap()).exits(3);
    assert_eq!(changes(home.path()), ["512", "256"]);
}

#[test]
fn the_memory_script_restores_when_it_is_cancelled() {
    for (shell, sent, code) in [
        ("sh", Signal::TERM, 143),
        ("bash", Signal::TERM, 143),
        // A shell in the background cannot trap SIGINT.
        ("sh", Signal::HUP, 129),
        ("bash", Signal::HUP, 129),
    ] {
        let home = tempfile::tempdir().unwrap();
        let loadgate = "trap 'echo ended >>called; exit 143' TERM
echo started >>called
sleep 60 >/dev/null 2>&1 &
wait";
        let running = script(home.path(), loadgate, shell);
        let called = || std::fs::read_to_string(home.path().join("called")).unwrap_or_default();
        eventually("loadgate runs", || called().contains("started"));
        signal(&running, sent);
        let ran = Ran::new(&running.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(code), "{shell} {sent:?}: {ran:?}");
        assert_eq!(changes(home.path()), ["512", "256"], "{shell} {sent:?}");
        assert_eq!(called(), "started\nended\n", "{shell} {sent:?}");
    }
}

#[test]
fn the_memory_script_says_what_it_could_not_restore() {
    let home = tempfile::tempdir().unwrap();
    let output = script(home.path(), "touch refuse; exit 0", "sh").wait_with_output();
    let ran = Ran::new(&output.unwrap()).exits(1);
    // No further size is tried, and the old one twice.
    assert_eq!(changes(home.path()), ["512", "1024", "256", "256"]);
    let command = "--function-name orders --memory-size 256";
    assert!(
        ran.stderr.contains("does NOT have its 256 MB again"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains(command), "{}", ran.stderr);
}
