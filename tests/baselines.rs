//! Accepted runs: recorded, matched, and held against what comes after.

use std::process::Stdio;
use std::time::Duration;

use loadgate::measurement::{LatencyHistogram, RequestStats};
use loadgate::record::{Health, RunRecord};
use serde_json::Value;

use crate::replay::Load;
use crate::support::{Check, Gate, NOWHERE, Ran, SCENARIO, Server, gate, loadgate};

fn baseline(gate: &Gate) -> Value {
    serde_json::from_str(&gate.read("baseline.json")).unwrap()
}

#[test]
fn five_recorded_jobs_pass_an_unchanged_run_not_a_slower_one() {
    let gate = gate("");
    let day = |number: u32| Load::taking(20.0).on_day(number);
    for number in 0..5 {
        gate.replay(&day(number), &["--record"]).exits(0);
    }
    assert_eq!(baseline(&gate)["jobs"].as_array().unwrap().len(), 5);
    gate.replay(&day(5), &[]).exits(0);
    assert_eq!(gate.baseline_status(&[]), "history");
    assert!(gate.checks().iter().all(|check| check.outcome == "passed"));
    let slower = Load::taking(32.0).on_day(5);
    gate.replay(&slower, &[]).exits(1);
    let checks = gate.checks();
    let failed: Vec<&Check> = checks
        .iter()
        .filter(|check| check.outcome == "failure")
        .collect();
    let names: Vec<(&str, &str)> = failed.iter().map(|it| (&*it.name, &*it.kind)).collect();
    let kind = "loadgate.regression";
    let both = ["overall: P95 regression", "overall: P99 regression"].map(|name| (name, kind));
    assert_eq!(names, both);
    let summary = gate.written("summary.md");
    let first = summary.lines().next().unwrap();
    assert!(first.contains("❌"), "{first}");
    assert!(summary.contains("```diff"), "{summary}");
}

#[test]
fn a_job_is_recorded_once_and_a_worse_one_only_by_accept() {
    let gate = gate("limits: { overall: { p95: 1us } }");
    gate.replay(&Load::taking(2.0), &[]).exits(1);
    let result = gate.out().join("result.json");
    let result = result.to_str().unwrap();
    gate.command("record", &[result])
        .exits(1)
        .says(&["--accept"]);
    assert!(!gate.folder().join("baseline.json").exists());
    gate.command("record", &[result, "--accept", "--anchor"])
        .exits(0);
    let once = baseline(&gate);
    assert_eq!(once["jobs"][0]["accepted_worse"], true);
    assert_eq!(once["anchor"]["id"], once["jobs"][0]["id"]);
    gate.command("record", &[result, "--accept"]).exits(0);
    assert_eq!(baseline(&gate), once);
}

#[test]
fn a_run_of_a_pull_request_becomes_no_part_of_it() {
    for thresholds in ["", "regression: { missing_baseline: fail }"] {
        let gate = gate(thresholds);
        let event = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", "pull_request"),
        ];
        let mut run = gate.replaying(&Load::taking(2.0));
        run.envs(event).output().unwrap();
        let result = gate.out().join("result.json");
        let result = result.to_str().unwrap();
        for more in [&[][..], &["--accept"]] {
            gate.command("record", &[&[result], more].concat()).exits(2);
        }
        assert!(!gate.folder().join("baseline.json").exists());
    }
}

#[test]
fn another_scenario_begins_a_new_ring_by_restart_alone() {
    let gate = gate("");
    let result = gate.out().join("result.json");
    let result = result.to_str().unwrap();
    gate.replay(&Load::taking(2.0), &[]).exits(0);
    gate.command("record", &[result]).exits(0);
    let before = gate.read("baseline.json");

    gate.write("scenario.yml", &SCENARIO.replace("users: 4", "users: 5"));
    gate.replay(&Load::taking(2.0), &[]).exits(0);
    assert_eq!(gate.baseline_status(&[]), "other-scenario");
    let summary = gate.written("summary.md");
    assert!(
        summary.contains("+    users: \"5\""),
        "the diff is shown: {summary}"
    );
    assert!(gate.written("junit.xml").contains("<skipped"));
    gate.command("record", &[result])
        .exits(2)
        .says(&["--restart"]);
    assert_eq!(gate.read("baseline.json"), before, "nothing is lost");
    gate.command("record", &[result, "--restart"]).exits(0);
    assert_eq!(baseline(&gate)["jobs"].as_array().unwrap().len(), 1);
}

#[test]
fn a_first_run_shows_the_command_that_starts_a_baseline() {
    let gate = gate("");
    let first = gate.replay(&Load::taking(2.0), &[]).exits(0);
    let flat = first
        .stdout
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let (_, advised) = flat.split_once("record a first run with `").unwrap();
    let (command, _) = advised.split_once('`').unwrap();
    let typed = std::process::Command::new("sh")
        .args(["-c", command])
        .current_dir(gate.home())
        .output()
        .unwrap();
    let _ = Ran::new(&typed).exits(0);
    assert_eq!(baseline(&gate)["jobs"].as_array().unwrap().len(), 1);
    // For readers elsewhere, by the names that hold everywhere.
    let summary = gate.written("summary.md");
    assert!(
        summary.contains(&format!(
            "`loadgate record {} RESULT`",
            gate.folder().display()
        )),
        "{summary}"
    );
    std::fs::remove_file(gate.folder().join("baseline.json")).unwrap();
    gate.replay(&Load::taking(2.0), &["--record"]).exits(0);
    assert_eq!(baseline(&gate)["jobs"].as_array().unwrap().len(), 1);
}

#[test]
fn a_required_baseline_of_another_scenario_is_an_error() {
    let gate = gate("regression: { missing_baseline: fail }");
    let load = Load::taking(2.0);
    gate.replay(&load, &["--record"]).exits(3);
    gate.replay(&load, &[]);
    gate.write("scenario.yml", &SCENARIO.replace("users: 4", "users: 5"));
    gate.replay(&load, &[]).exits(3);
}

#[test]
fn jobs_of_other_labels_are_no_baseline() {
    let gate = gate("");
    let load = Load::taking(2.0);
    gate.replay(&load, &["--record", "--label", "region=eu-west-1"])
        .exits(0);
    gate.replay(&load, &["--label", "region=us-east-1"])
        .exits(0)
        .tells(&["region", "eu-west-1", "us-east-1"]);
    assert_eq!(gate.baseline_status(&[]), "no-match");
}

#[test]
fn an_unreadable_baseline_is_not_written_over() {
    let gate = gate("");
    gate.replay(&Load::taking(2.0), &[]).exits(0);
    gate.write("baseline.json", "{ torn");
    let result = gate.out().join("result.json");
    for arguments in [&[][..], &["--restart"]] {
        let mut all = vec![result.to_str().unwrap()];
        all.extend(arguments);
        gate.command("record", &all)
            .exits(2)
            .says(&["baseline.json"]);
        assert_eq!(gate.read("baseline.json"), "{ torn");
    }
}

#[test]
fn a_run_is_not_held_against_itself() {
    let gate = gate("");
    gate.replay(&Load::taking(2.0), &["--record"]).exits(0);
    let result = gate.out().join("result.json");
    gate.command("judge", &[result.to_str().unwrap()]).exits(0);
    assert_eq!(gate.baseline_status(&[]), "missing");
    assert_eq!(baseline(&gate)["jobs"].as_array().unwrap().len(), 1);
}

#[test]
fn what_was_not_recorded_says_why_before_anything_else() {
    let (gate, target) = (gate(""), NOWHERE);
    gate.run(target, &[]).exits(3);
    let result = gate.out().join("result.json");
    let ran = gate.command("record", &[result.to_str().unwrap()]).exits(3);
    assert!(ran.stderr.contains("was not recorded"), "{}", ran.stderr);
    assert!(ran.stderr.contains(target), "{}", ran.stderr);
}

#[test]
fn jobs_that_are_recorded_at_the_same_time_are_all_kept() {
    let gate = gate("");
    gate.replay(&Load::taking(10.0), &[]);
    let measured = RunRecord::from_json("result.json", &gate.written("result.json")).unwrap();
    let own = gate.folder().join("baseline.json");
    let link = gate.home().join("link.json");
    std::os::unix::fs::symlink(&own, &link).unwrap();
    let record = |day: i64, through: &std::path::Path| {
        let result = gate.home().join(format!("{day}.json"));
        std::fs::write(&result, on_day(&measured, day, 10.0).to_json()).unwrap();
        let mut command = loadgate(gate.home());
        command.arg("record").arg(gate.folder()).arg(&result);
        command.arg("--accept").arg("--baseline").arg(through);
        command.stdout(Stdio::null());
        command.spawn().unwrap()
    };
    assert!(record(0, &own).wait().unwrap().success());
    let days = (1..16).map(|day| record(day, if day % 2 == 0 { &own } else { &link }));
    for mut process in days.collect::<Vec<_>>() {
        assert!(process.wait().unwrap().success());
    }
    let held = baseline(&gate);
    let mut ids: Vec<&str> = held["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["id"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 16);
    let mut files = names(&gate.folder());
    files.sort_unstable();
    assert_eq!(files, ["baseline.json", "scenario.yml", "thresholds.yml"]);
}

/// The names of the files in a folder.
fn names(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.unwrap().file_name().into_string().unwrap()
    };
    entries.map(name).collect()
}

#[test]
fn an_unwritable_baseline_is_found_before_the_first_request() {
    let gate = gate("");
    let server = Server::fast();
    let missing = gate.home().join("missing/baseline.json");
    let ran = gate.run(
        &server.url(),
        &["--record", "--baseline", missing.to_str().unwrap()],
    );
    let _ = ran.exits(2).says(&["missing/baseline.json"]);
    assert_eq!(server.received().len(), 0);
}

#[test]
fn a_baseline_that_fails_to_be_written_exits_3_after_reports() {
    let gate = gate("");
    gate.write(".baseline.json.loadgate-tmp", "half of a baseline");
    let baseline = gate.folder().join("baseline.json");
    // A folder takes the place of the file while the run lasts.
    let server = || {
        let _ = std::fs::remove_dir_all(&baseline);
        let inner = baseline.join("inner");
        Server::start(move |_| {
            std::fs::create_dir_all(&inner).unwrap();
            (200, "{}".to_owned())
        })
    };
    let (ran, _) = gate.run_on(server, &[("LOADGATE_RECORD", "true")]);
    let _ = ran.exits(3);
    for report in ["result.json", "junit.xml", "summary.md", "report.html"] {
        assert!(!gate.written(report).is_empty(), "{report}");
    }
    let mut files = names(&gate.folder());
    files.sort_unstable();
    assert_eq!(files, ["baseline.json", "scenario.yml", "thresholds.yml"]);
}

/// A result as `run` left it, as another day's with these latencies.
fn on_day(record: &RunRecord, day: i64, millis: f64) -> RunRecord {
    let mut record = record.clone();
    record.run.id = format!("github-{day}");
    let length = jiff::SignedDuration::from_hours(24 * day);
    record.run.started = record.run.started.checked_add(length).unwrap();
    // That the machine of the test was busy is no part of what is told.
    record.health = Health {
        achieved: record.health.achieved.map(|_| 1.0),
        ..Health::default()
    };
    // No two days and no two slices are alike.
    let noise = |number: i64| 1.0 + 0.01 * ((number * 7 % 11) as f64 / 5.0 - 1.0);
    for (number, slice) in (0..).zip(&mut record.slices) {
        slice.late_p99_s = 0.0;
        let factor = millis * noise(day) * noise(number + 3);
        for cell in &mut slice.cells {
            let micros = (0..400).map(|rank| {
                let share = f64::from(rank) / 400.0;
                let seconds = (1.0 + 1.5 * share * share) * factor / 1000.0;
                u64::try_from(Duration::from_secs_f64(seconds).as_micros()).unwrap()
            });
            cell.cell = RequestStats {
                succeeded: LatencyHistogram::from_counts(micros.map(|micros| (micros, 1))),
                ..RequestStats::default()
            };
            (cell.requests, cell.failures) = (400, 0);
            cell.quantiles_ms.clear();
        }
    }
    record
}

#[test]
fn small_steps_add_up_to_a_drift_that_fails_main() {
    let gate = gate("");
    gate.replay(&Load::taking(10.0), &[]);
    let measured = RunRecord::from_json("result.json", &gate.written("result.json")).unwrap();
    let path = gate.home().join("day.json");
    let day = path.to_str().unwrap();
    // Every ten days a change of 2.5 %, of which a history bears 3 %.
    let mut days = (0..120).map(|day| (day, 10.0 * 1.025_f64.powi((day / 10).try_into().unwrap())));
    let (first, millis) = days.next().unwrap();
    std::fs::write(&path, on_day(&measured, first, millis).to_json()).unwrap();
    gate.command("record", &[day, "--anchor"]).exits(0);
    let refused = days.find(|(number, millis)| {
        std::fs::write(&path, on_day(&measured, *number, *millis).to_json()).unwrap();
        gate.command("record", &[day]).code != Some(0)
    });
    let (number, millis) = refused.expect("it fails one day");
    let held = baseline(&gate);
    assert_eq!(
        held["jobs"].as_array().unwrap().len(),
        20,
        "no day before failed: the ring is full"
    );
    let total = millis / 10.0 - 1.0;
    assert!((0.1..0.35).contains(&total), "after {number} days: {total}");

    let judged = |proposed: bool| {
        let mut record = on_day(&measured, number, millis);
        record.run.from_pull_request = proposed;
        std::fs::write(&path, record.to_json()).unwrap();
        let ran = gate.command("judge", &[day]);
        (ran, gate.written("summary.md"))
    };
    // What others added up is not the doing of a pull request.
    let (ran, summary) = judged(true);
    ran.exits(0);
    assert!(!summary.contains("| ❌"), "{summary}");
    assert!(summary.contains("since the anchor"), "{summary}");
    let (ran, summary) = judged(false);
    let main = ran.exits(1);
    let failed: Vec<&str> = summary
        .lines()
        .filter(|line| line.starts_with("| ❌"))
        .collect();
    assert!(
        !failed.is_empty() && failed.iter().all(|line| line.contains("since the anchor")),
        "{summary}"
    );
    // What the log advises is typed as it stands, with this result in place of its RESULT.
    let flat = main.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let advised = flat.split_once("set a new anchor with `");
    let advised = advised.and_then(|(_, advised)| advised.split_once('`'));
    let (command, _) = advised.unwrap_or_else(|| panic!("no advice: {}", main.stdout));
    let command = command.replace("RESULT", day);
    let typed = std::process::Command::new("sh")
        .args(["-c", command.as_str()])
        .current_dir(gate.home())
        .output()
        .unwrap();
    let _ = Ran::new(&typed).exits(0);
    let anchored = baseline(&gate);
    assert_eq!(anchored["anchor"]["id"], format!("github-{number}"));
}

#[test]
fn jobs_are_listed_and_one_is_removed_by_name() {
    let gate = gate("").with_scenario(&SCENARIO.replace("for: 1s", "for: 4s"));
    gate.run(&Server::fast().url(), &[]);
    let measured = RunRecord::from_json("result.json", &gate.written("result.json")).unwrap();
    let day = gate.home().join("day.json");
    let day = day.to_str().unwrap();
    for number in 0..6 {
        let millis = if number == 3 { 25.0 } else { 10.0 };
        std::fs::write(day, on_day(&measured, number, millis).to_json()).unwrap();
        gate.command("record", &[day, "--accept"]).exits(0);
    }
    let before = gate.read("baseline.json");
    let listed = gate.command("record", &["--list"]).exits(0).stdout;
    let marked: Vec<&str> = listed
        .lines()
        .filter(|line| line.contains("outlier"))
        .collect();
    assert_eq!(marked.len(), 1, "{listed}");
    assert!(marked[0].contains("github-3"), "{listed}");
    assert_eq!(listed.matches("github-").count(), 6, "{listed}");
    assert_eq!(gate.read("baseline.json"), before, "listing writes nothing");

    // All that are named, or none.
    gate.command("record", &["--drop", "github-3", "--drop", "github-9"])
        .exits(2)
        .says(&["no job 'github-9'", "github-5"]);
    assert_eq!(gate.read("baseline.json"), before);
    gate.command("record", &["--drop", "github-3"]).exits(0);
    let left: Vec<Value> = baseline(&gate)["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["id"].clone())
        .collect();
    let ids = ["github-0", "github-1", "github-2", "github-4", "github-5"];
    assert_eq!(left, ids);
    gate.command("record", &["--drop", "github-3", "--accept"])
        .exits(2);
    gate.command("record", &[]).exits(2);
}

#[test]
fn a_run_too_short_to_be_compared_says_so_when_recorded() {
    let gate = gate("");
    // A slice of 400 requests: a first run passes, and a later one could not be judged.
    gate.run(&Server::fast().url(), &[]);
    let measured = RunRecord::from_json("result.json", &gate.written("result.json")).unwrap();
    assert!(measured.slices.len() < 5);
    let day = gate.home().join("day.json");
    let mut short = on_day(&measured, 1, 10.0);
    short.slices.truncate(1);
    std::fs::write(&day, short.to_json()).unwrap();
    let day = day.to_str().unwrap();
    let said = "could not be compared with this one";
    gate.command("judge", &[day]).exits(0);
    assert!(gate.written("summary.md").contains(said));
    let recorded = gate.command("record", &[day]).exits(0);
    assert!(recorded.stderr.contains(said), "{}", recorded.stderr);
    std::fs::write(day, on_day(&measured, 2, 10.0).to_json()).unwrap();
    gate.command("judge", &[day]).exits(3);
}
