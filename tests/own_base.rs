//! The base version that a gate's thresholds name: a run loads it beside the target without being told to.

use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::json;

use crate::replay::Load;
use crate::support::{Gate, NOWHERE, Ran, Server, eventually, gate, load_slot, loadgate, signal};

const SHORT: &str = "\
name: short
user_classes: [{ name: u, tasks: [{ steps: [{ get: /prod/catalog/items, name: items }] }] }]
load: [{ phase: steady, arrivals: 40/s, for: 4s, max_users: 50 }]
";

/// Serves once it was built, and says which version it is.
const SERVE: &str = "set -e; cat version; test -f built; exec";

fn git(home: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
        .args(arguments)
        .current_dir(home)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository with two versions of a service, whose baseline holds a job of the first; and the first one's commit.
fn repository(base: &str) -> (Gate, String) {
    let thresholds =
        format!("limits: {{ overall: {{ error_rate: off }} }}\nregression: {{ base: {base} }}\n");
    let gate = gate(&thresholds).with_scenario(SHORT);
    let home = gate.home();
    let serve = format!(
        "{SERVE} {} lambda --address 127.0.0.1:$LOADGATE_PORT --provisioned 200\n",
        env!("CARGO_BIN_EXE_loadgate")
    );
    std::fs::write(home.join("serve.sh"), serve).unwrap();
    std::fs::write(home.join(".gitignore"), "built\nout\nreplayed\n").unwrap();
    std::fs::write(home.join("version"), "version one\n").unwrap();
    git(home, &["init", "--quiet"]);
    git(home, &["add", "--all"]);
    git(home, &["commit", "--quiet", "--message", "one"]);
    let first = git(home, &["rev-parse", "HEAD"]);
    std::fs::write(home.join("version"), "version two\n").unwrap();
    git(home, &["commit", "--quiet", "--all", "--message", "two"]);
    gate.replay(&Load::taking(10.0), &["--record"]).exits(0);
    let mut baseline: serde_json::Value =
        serde_json::from_str(&gate.read("baseline.json")).unwrap();
    baseline["jobs"][0]["commit"] = json!(first);
    gate.write("baseline.json", &baseline.to_string());
    (gate, first)
}

const CHECKOUT: &str = "{ build: touch built, serve: sh serve.sh, ready: /prod/catalog/items }";

#[test]
fn the_newest_commit_of_the_baseline_is_built_and_served() {
    let (gate, first) = repository(CHECKOUT);
    let load = Load::taking(10.0).against(10.0);
    gate.replay(&load, &["--allow-commands"]).exits(0);
    let result = gate.result();
    assert_eq!(result["base"]["commit"], json!(first));
    assert!(gate.written("base.log").contains("version one"));
    assert_eq!(gate.baseline_status(&[]), "duet");
    // Nothing is left of the checkout.
    assert_eq!(git(gate.home(), &["worktree", "list"]).lines().count(), 1);
    gate.replay(&Load::taking(16.0).against(10.0), &["--allow-commands"])
        .exits(1);
    let summary = gate.written("summary.md");
    let again = summary.split("**Reproduce:**").nth(1).unwrap();
    let again = again.split("```").nth(1).unwrap();
    assert!(again.contains("--allow-commands"), "{again}");
    assert!(!again.contains("--against"), "{again}");
    assert!(summary.contains(&first[..7]), "{summary}");
}

#[test]
fn a_run_without_target_serves_the_working_tree_too() {
    let (gate, first) = repository(CHECKOUT);
    let _slot = load_slot();
    let ran = loadgate(gate.home())
        .arg("run")
        .arg(gate.folder())
        .args(["--allow-commands", "--slice", "0.25s", "--guard", "20ms"])
        .args(["--pairs", "5", "--restart-every", "0"])
        .env("LOADGATE_OUT", gate.out())
        .output();
    let ran = Ran::new(&ran.unwrap());
    let result = gate.result();
    assert_eq!(result["run"]["ended"], "completed", "{ran:?}");
    assert_eq!(result["base"]["commit"], json!(first));
    assert!(gate.written("base.log").contains("version one"));
    assert!(gate.written("target.log").contains("version two"));
    let folder = gate.folder();
    let alone = [
        "run",
        folder.to_str().unwrap(),
        "--allow-commands",
        "--no-base",
    ];
    let ran = gate.loadgate(&alone);
    let result = gate.result();
    assert_eq!(result["run"]["ended"], "completed", "{ran:?}");
    assert!(result["base"].is_null());
    assert!(gate.written("target.log").contains("version two"));
}

#[test]
fn a_base_that_cannot_be_loaded_leaves_the_baseline() {
    for (base, reason) in [
        (
            "{ serve: sh serve.sh, revision: v9 }",
            "v9 is not in this clone",
        ),
        ("{ serve: sh serve.sh, build: exit 7 }", "exit status: 7"),
        ("{ serve: echo no licence; exit 5 }", "no licence"),
    ] {
        let (gate, _) = repository(base);
        gate.replay(&Load::taking(10.0), &["--allow-commands"])
            .exits(0)
            .tells(&[reason]);
        let result = gate.result();
        let why = result["base_missing"].as_str().unwrap();
        assert!(why.contains(reason), "{why}");
        assert!(result["base"].is_null() && result["turns"].is_null());
        assert_eq!(gate.baseline_status(&[]), "single", "{base}");
        assert!(gate.written("summary.md").contains(reason), "{base}");
    }
}

#[test]
fn a_baseline_without_a_commit_names_no_base() {
    for base in [
        CHECKOUT,
        "{ url: 'https://$LOADGATE_BASE_COMMIT.example.com' }",
    ] {
        let (gate, _) = repository(base);
        std::fs::remove_file(gate.folder().join("baseline.json")).unwrap();
        let ran = gate.replay(&Load::taking(10.0), &["--allow-commands"]);
        ran.exits(0).tells(&["names no commit"]);
        assert!(gate.result()["base_missing"].is_string());
        let validated = gate.command("validate", &["--target", NOWHERE]);
        assert!(
            validated.stderr.contains("names no commit"),
            "{validated:?}"
        );
    }
}

#[test]
fn an_address_that_does_not_respond_leaves_the_baseline() {
    let (gate, _) = repository(&format!("{{ url: '{NOWHERE}' }}"));
    let server = Server::fast();
    let ran = gate.run(&server.url(), &[]);
    let result = gate.result();
    assert!(result["base_missing"].is_string(), "{ran:?}");
    assert_eq!(result["run"]["ended"], "completed");
    assert!(server.received().len() > 100, "the target is loaded alone");
}

#[test]
fn the_base_is_left_out_where_asked_and_where_recorded() {
    let (gate, first) = repository(CHECKOUT);
    let load = Load::taking(10.0);
    for flag in ["--no-base", "--record"] {
        gate.replay(&load, &[flag]).exits(0);
        let result = gate.result();
        assert!(result["base"].is_null() && result["base_missing"].is_null());
    }
    // A base that is named on the command line comes first.
    let against = ["--against", "http://127.0.0.1:2"];
    gate.replay(&Load::taking(10.0).against(10.0), &against)
        .exits(0);
    assert_eq!(gate.result()["base"]["url"], "http://127.0.0.1:2");
    gate.replay(&load, &[])
        .exits(2)
        .says(&["thresholds.yml:2", "--allow-commands", "--no-base"]);
    let validated = gate.command("validate", &["--target", NOWHERE]);
    validated.tells(&["in turns with", &first[..7]]);
}

#[test]
fn a_signal_ends_the_build_of_a_base() {
    let (gate, _) = repository("{ serve: sh serve.sh, build: echo begun; sleep 60 }");
    let mut command = loadgate(gate.home());
    command
        .arg("run")
        .arg(gate.folder())
        .args(["--target", NOWHERE, "--allow-commands"])
        .env("LOADGATE_OUT", gate.out());
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut running = command.spawn().unwrap();
    let log = gate.out().join("base.log");
    let is_building = || std::fs::read_to_string(&log).is_ok_and(|log| log.contains("begun"));
    eventually("it is being built", is_building);
    assert_eq!(git(gate.home(), &["worktree", "list"]).lines().count(), 2);
    signal(&running, Signal::INT);
    assert_eq!(running.wait().unwrap().code(), Some(130));
    assert_eq!(git(gate.home(), &["worktree", "list"]).lines().count(), 1);
}
