//! The output folder: what an earlier run left there, what cannot be written there, and links in its place.

use std::path::Path;

use crate::replay::Load;
use crate::support::{Gate, NOWHERE, Ran, gate, loadgate};

/// What a run that ended left in a folder.
const OWN: [&str; 7] = [
    "result.json",
    "junit.xml",
    "summary.md",
    "report.html",
    "metrics.txt",
    "metrics-gated.txt",
    "load-performance.json",
];

fn left(folder: &Path) -> Vec<&'static str> {
    let is_there = |name: &&str| folder.join(name).exists();
    OWN.into_iter().filter(is_there).collect()
}

/// A gate whose first run has passed.
fn passed() -> Gate {
    let gate = gate("");
    gate.replay(&Load::taking(5.0), &[]).exits(0);
    assert_eq!(left(&gate.out()), OWN);
    gate
}

#[test]
fn a_run_that_ends_with_2_leaves_no_earlier_result() {
    let unread = "name: a\nuser_classes: [{ name: a, tasks: [{ steps: [{ get: '/{{ env.UNSET }}' }] }] }]\nload: [{ phase: warm, users: 1, for: 1s }]\n";
    let spoilt: [(&str, &str, &[&str]); 7] = [
        ("thresholds.yml", "x: [", &[]),
        ("scenario.yml", unread, &[]),
        ("baseline.json", "{", &[]),
        ("note", "", &["--ca", "nope"]),
        ("note", "", &["--target", "nope"]),
        ("note", "", &["--no-such-flag"]),
        ("note", "", &["--pairs", "many"]),
    ];
    for (file, text, more) in spoilt {
        let gate = passed();
        gate.write(file, text);
        let target = if more.contains(&"--target") {
            &[][..]
        } else {
            &["--target", NOWHERE]
        };
        gate.command("run", &[target, more].concat()).exits(2);
        assert_eq!(left(&gate.out()), [""; 0], "{file} {more:?}");
    }
    let gate = passed();
    gate.loadgate(&["run", "missing", "--target", NOWHERE])
        .exits(2);
    assert_eq!(left(&gate.out()), [""; 0]);
}

#[test]
fn wrong_arguments_clear_the_folder_that_they_name() {
    let gate = passed();
    std::fs::rename(gate.out(), gate.home().join("named")).unwrap();
    for out in [&["--out=named"][..], &["--out", "named"]] {
        let mut command = loadgate(gate.home());
        command.arg("run").arg(gate.folder()).args(out);
        let dry = command.args(["--no-such-flag", "--dry-run"]).output();
        Ran::new(&dry.unwrap()).exits(2);
        assert_eq!(
            left(&gate.home().join("named")),
            OWN,
            "a dry run has no results"
        );
        let mut command = loadgate(gate.home());
        command.arg("run").arg(gate.folder()).args(out);
        Ran::new(&command.arg("--no-such-flag").output().unwrap()).exits(2);
        assert_eq!(left(&gate.home().join("named")), [""; 0]);
        for name in OWN {
            std::fs::write(gate.home().join("named").join(name), "").unwrap();
        }
    }
}

#[test]
fn results_of_earlier_gates_go_and_nothing_else_does() {
    let gate = passed();
    let (out, kept) = (gate.out(), gate.home().join("kept"));
    std::fs::create_dir(&kept).unwrap();
    for name in OWN {
        std::fs::copy(out.join(name), kept.join(name)).unwrap();
    }
    for folder in ["earlier", "others", "earlier/deeper"] {
        std::fs::create_dir(out.join(folder)).unwrap();
        for name in OWN.into_iter().chain(["notes.md"]) {
            std::fs::copy(kept.join("summary.md"), out.join(folder).join(name)).unwrap();
        }
    }
    let result = kept.join("result.json");
    for folder in ["earlier", "earlier/deeper"] {
        std::fs::copy(&result, out.join(folder).join("result.json")).unwrap();
    }
    std::os::unix::fs::symlink(&kept, out.join("linked")).unwrap();
    std::fs::remove_file(out.join("junit.xml")).unwrap();
    std::os::unix::fs::symlink(kept.join("junit.xml"), out.join("junit.xml")).unwrap();
    gate.command("run", &["--target", "nope"]).exits(2);
    assert_eq!(left(&out), [""; 0]);
    assert!(!out.join("junit.xml").is_symlink());
    assert_eq!(left(&out.join("earlier")), [""; 0]);
    assert!(out.join("earlier/notes.md").exists());
    for folder in [&out.join("others"), &out.join("earlier/deeper"), &kept] {
        assert_eq!(left(folder), OWN, "{}", folder.display());
    }
}

#[test]
fn judging_that_ends_with_2_leaves_no_earlier_report() {
    let gate = passed();
    gate.write("thresholds.yml", "x: [");
    let result = gate.out().join("result.json");
    gate.command("judge", &[result.to_str().unwrap()]).exits(2);
    assert_eq!(left(&gate.out()), ["result.json"], "it is what is judged");
}

#[test]
fn reports_that_cannot_be_written_hide_no_verdict() {
    for (promise, code) in [("", 3), ("limits: { overall: { p95: 1us } }", 1)] {
        for names in [&["report.html", "summary.md"][..], &["result.json"]] {
            let gate = gate(promise);
            for name in names {
                std::fs::create_dir_all(gate.out().join(name).join("kept")).unwrap();
            }
            let ran = gate.replay(&Load::taking(5.0), &[]).exits(code);
            assert!(ran.stdout.contains("exit "), "{}", ran.stdout);
            let errors = ran
                .stderr
                .lines()
                .filter(|line| line.starts_with("error: "));
            assert_eq!(errors.count(), names.len(), "{}", ran.stderr);
            assert_eq!(left(&gate.out()), OWN, "every other report is there");
        }
    }
}

#[test]
fn judging_says_its_verdict_where_a_report_cannot_be_written() {
    let gate = passed();
    let again = gate.home().join("again");
    std::fs::create_dir_all(again.join("junit.xml")).unwrap();
    let result = gate.out().join("result.json");
    let more = [result.to_str().unwrap(), "--out", again.to_str().unwrap()];
    let judged = gate.command("judge", &more).exits(3);
    assert!(judged.stdout.contains("exit "), "{}", judged.stdout);
    assert_eq!(left(&again), OWN[1..], "every report but the result");
}

#[test]
fn a_gate_with_the_name_of_a_report_gets_another_folder() {
    let gate = gate("");
    let other = gate.home().join("other");
    std::fs::create_dir(&other).unwrap();
    let scenario = gate.read("scenario.yml");
    let scenario = scenario.replace("name: sample", "name: summary.md");
    std::fs::write(other.join("scenario.yml"), &scenario).unwrap();
    let load = Load::taking(5.0);
    let mut run = gate.replaying(&load);
    load.write(&gate.home().join("replayed"), [&*scenario]);
    Ran::new(&run.arg(&other).output().unwrap()).exits(0);
    assert!(gate.out().join("summary.md").is_file());
    assert_eq!(left(&gate.out().join("summary.md-")), OWN);
}

/// A gate in a repository, and a folder beside the repository that holds results of another's.
fn beside_a_victim() -> (Gate, std::path::PathBuf) {
    let gate = passed();
    let victim = gate.home().join("victim");
    std::fs::rename(gate.out(), &victim).unwrap();
    let repository = gate.home().join("repository");
    std::fs::create_dir_all(repository.join(".git")).unwrap();
    std::fs::rename(gate.folder(), repository.join("gate")).unwrap();
    std::os::unix::fs::symlink("../victim", repository.join("loadgate-out")).unwrap();
    (gate, victim)
}

#[test]
fn a_link_out_of_the_repository_is_no_output_folder() {
    let (gate, victim) = beside_a_victim();
    let repository = gate.home().join("repository");
    let held = std::fs::read(victim.join("result.json")).unwrap();
    let result = victim.join("result.json");
    let result = result.to_str().unwrap();
    std::fs::create_dir(repository.join("several")).unwrap();
    std::os::unix::fs::symlink("../../victim", repository.join("several/sample")).unwrap();
    let through = repository.join("loadgate-out");
    let attempts: [&[&str]; 7] = [
        &["run", "gate", "--target", NOWHERE],
        &["run", "gate", "--target", "nope"],
        &[
            "run",
            "gate",
            "--target",
            NOWHERE,
            "--out",
            "loadgate-out/deeper",
        ],
        &[
            "run",
            "gate",
            "--target",
            NOWHERE,
            "--out",
            through.to_str().unwrap(),
        ],
        &[
            "run",
            "gate",
            "--target",
            NOWHERE,
            "--out",
            "several/sample",
        ],
        &["judge", "gate", result],
        &[
            "report",
            result,
            "--format",
            "junit",
            "--out",
            "loadgate-out/junit.xml",
        ],
    ];
    for arguments in attempts {
        let ran = loadgate(&repository).args(arguments).output().unwrap();
        Ran::new(&ran)
            .exits(2)
            .says(&["leads out of the repository"]);
        assert_eq!(left(&victim), OWN, "{arguments:?}");
        assert_eq!(std::fs::read(victim.join("result.json")).unwrap(), held);
        assert!(!victim.join("deeper").exists());
    }
    // What lies outside may be named as what it is.
    let named = ["judge", "gate", result, "--out", victim.to_str().unwrap()];
    let ran = loadgate(&repository).args(named).output().unwrap();
    Ran::new(&ran).exits(0);
}

#[test]
fn no_baseline_is_recorded_through_a_link_out_of_the_repository() {
    let (gate, victim) = beside_a_victim();
    let repository = gate.home().join("repository");
    for file in ["scenario.yml", "thresholds.yml"] {
        std::fs::copy(repository.join("gate").join(file), victim.join(file)).unwrap();
    }
    let result = victim.join("result.json");
    let result = result.to_str().unwrap();
    let attempts: [&[&str]; 2] = [
        &[
            "run",
            "loadgate-out",
            "--target",
            NOWHERE,
            "--record",
            "--out",
            "out",
        ],
        &["record", "loadgate-out", result],
    ];
    for arguments in attempts {
        let ran = loadgate(&repository).args(arguments).output().unwrap();
        Ran::new(&ran)
            .exits(2)
            .says(&["leads out of the repository"]);
        assert!(!victim.join("baseline.json").exists(), "{arguments:?}");
    }
}
