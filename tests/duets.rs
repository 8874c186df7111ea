//! Two versions loaded in turns in one job.

use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;

use crate::replay::Load;
use crate::support::{
    Check, Gate, NOWHERE, Ran, Server, StandIn, eventually, gate, load_slot, loadgate, signal,
};

/// As few arrivals as the clear cases need: what serves them is a debug build, on a machine that may be busy.
const CATALOGUE: &str = "\
name: catalogue
user_classes:
  - name: reader
    tasks:
      - steps: [{ get: /prod/catalog/items, name: GET /catalog/items, query: { limit: 20 } }]
load:
  - { phase: warm-up, arrivals: 80/s, for: 0.5s, max_users: 50, measure: false }
  - { phase: steady, arrivals: 80/s, for: 60s, max_users: 50 }
";

const QUICK: [&str; 4] = ["--slice", "0.25s", "--guard", "20ms"];

fn stand_in(gate: &Gate, slow: &str, seed: &str) -> StandIn {
    let arguments = ["--latency", "10ms", "--provisioned", "200", "--slow", slow];
    StandIn::start(gate.home(), &[&arguments[..], &["--seed", seed]].concat())
}

#[test]
fn an_unchanged_version_passes_and_a_slower_one_fails() {
    let gate = gate("").with_scenario(CATALOGUE);
    let against = ["--against", "http://127.0.0.1:2"];
    gate.replay(&Load::taking(10.0).against(10.0), &against)
        .exits(0);
    assert_eq!(gate.baseline_status(&[]), "duet");
    gate.replay(&Load::taking(16.0).against(10.0), &against)
        .exits(1);
    let regression = |check: &Check| check.kind == "loadgate.regression";
    assert!(gate.checks().iter().any(regression));
    let stored = gate.out().join("result.json");
    gate.command("judge", &[stored.to_str().unwrap()]).exits(1);
}

#[test]
fn the_arms_are_loaded_in_turns_and_a_far_slower_one_fails() {
    let gate = gate("").with_scenario(CATALOGUE);
    let base = stand_in(&gate, "1", "1");
    // So much slower that no neighbour on the machine is taken for it.
    let slower = stand_in(&gate, "25", "2");
    let against = [&["--against", &base.url][..], &QUICK].concat();
    gate.run(&slower.url, &against).exits(1);
    let result = gate.result();
    assert_eq!(result["turns"]["pairs"], 15);
    let slices = result["slices"].as_array().unwrap();
    let arms = |arm: &str| slices.iter().filter(|slice| slice["arm"] == arm).count();
    assert_eq!(arms("target"), arms("base"));
    // One arm at a time: no slice begins before the one before it has ended.
    let ends = slices.windows(2).all(|pair| {
        let number = |slice: &Value, key: &str| slice[key].as_f64().unwrap();
        let end = number(&pair[0], "start_s") + number(&pair[0], "length_s");
        // Times are stored with six significant digits.
        number(&pair[1], "start_s") >= end - 1e-3
    });
    assert!(ends, "one arm is loaded at a time");
}

#[test]
fn each_arm_has_its_own_users_connections_and_values() {
    let scenario = "name: keys
variables: { key: none }
user_classes:
  - name: member
    wait: 10ms
    headers: { X-Key: \"{{ key }}\" }
    on_start: [{ post: /login, capture: { token: $.token } }]
    tasks: [{ steps: [{ get: \"/read/{{ token }}\", name: GET /read }] }]
load:
  - { phase: steady, users: 5, for: 60s }
";
    let gate = gate("regression: { gate: [] }\n").with_scenario(scenario);
    let server = |name: &'static str| {
        Server::start(move |request| match request.path.as_str() {
            "/login" => (
                200,
                format!("{{\"token\":\"{name}{}\"}}", request.connection),
            ),
            path if path == format!("/read/{name}{}", request.connection) => (200, String::new()),
            _ => (404, String::new()),
        })
    };
    let (base, target) = (server("b"), server("t"));
    let base_url = base.url();
    let arguments = [
        &[
            "--against",
            &base_url,
            "--set",
            "key=new",
            "--against-set",
            "key=old",
        ][..],
        &["--pairs", "5"],
        &QUICK,
    ]
    .concat();
    let ran = gate.run(&target.url(), &arguments);
    assert!(matches!(ran.code, Some(0 | 3)), "{ran:?}");
    for (server, key) in [(&base, "old"), (&target, "new")] {
        let received = server.received();
        assert!(received.iter().all(|it| it.header("x-key") == Some(key)));
        // A user logs in once and keeps its connection while it rests.
        let logins = received.iter().filter(|it| it.path == "/login").count();
        let connections = received.iter().map(|it| it.connection).max().unwrap() + 1;
        assert_eq!(logins as u64, connections);
        assert_eq!(connections, 6, "the unrecorded user's, and five");
        assert!(received.len() > 60, "{}", received.len());
    }
    let result = gate.result();
    let failures = |arm: &str| -> u64 {
        let slices = result["slices"].as_array().unwrap().iter();
        let own = slices.filter(|slice| slice["arm"] == arm);
        own.map(|slice| slice["cells"][0]["failures"].as_u64().unwrap_or(0))
            .sum()
    };
    assert_eq!((failures("base"), failures("target")), (0, 0));
}

/// Users that wait for longer than a slice lasts, leave in the middle of a phase, and whose requests' bound rings while
/// they rest.
#[test]
fn users_that_rest_and_leave_between_slices_hold_nothing_up() {
    let scenario = "\
name: resting
defaults: { timeout: 300ms }
user_classes:
  - name: reader
    wait: 200ms..1500ms
    tasks:
      - steps: [{ get: /prod/catalog/items }]
load:
  - { phase: warm-up, users: 0..20, for: 1s, measure: false }
  - { phase: steady, users: 20, for: 10s }
  - { phase: down, users: 20..0, for: 1s }
";
    let promises = "limits: { overall: { error_rate: off } }\nregression: { gate: [] }\n";
    let gate = gate(promises).with_scenario(scenario);
    let (base, same) = (stand_in(&gate, "1", "1"), stand_in(&gate, "1", "2"));
    let turns = ["--slice", "0.25s", "--guard", "100ms", "--pairs", "6"];
    let _ = gate.run(&same.url, &[&["--against", &base.url][..], &turns].concat());
    assert_eq!(gate.result()["run"]["ended"], "completed");
}

#[test]
fn a_base_that_nobody_serves_is_named() {
    let gate = gate("").with_scenario(CATALOGUE);
    let target = Server::fast();
    let ran = gate.run(&target.url(), &["--against", NOWHERE]).exits(3);
    ran.tells(&["the base http://127.0.0.1:"]);
    assert_eq!(gate.result()["run"]["ended"]["unreachable"]["arm"], "base");
    assert!(gate.written("junit.xml").contains("<error type="));
}

#[test]
fn a_dry_run_tells_of_the_duet_and_sends_nothing() {
    let gate = gate("").with_scenario(CATALOGUE);
    let target = Server::fast();
    gate.run(
        &target.url(),
        &["--against", "http://127.0.0.1:9", "--dry-run"],
    )
    .exits(0)
    .tells(&["http://127.0.0.1:9", "60 pairs"]);
    assert!(target.received().is_empty());
}

#[test]
fn what_makes_no_duet_is_refused() {
    let gate = gate("");
    let target = ["--target", "http://127.0.0.1:9"];
    for (arguments, parts) in [
        (
            &["--pairs", "12"][..],
            &["--pairs applies only to a duet"][..],
        ),
        (
            &["--restart-every", "2"],
            &["--restart-every applies only to a server"],
        ),
        (
            &["--against", "http://127.0.0.1:9", "--pairs", "4"],
            &["--pairs 4", "5 to 5000"],
        ),
        (
            &["--against", "http://127.0.0.1:9", "--slice", "0.1s"],
            &["--slice", "250ms"],
        ),
        (
            &["--against", "http://127.0.0.1:9", "--base-cmd", "true"],
            &["--against and --base-cmd"],
        ),
    ] {
        let all = [&target[..], arguments].concat();
        gate.command("run", &all).exits(2).says(parts);
    }
}

/// A command that serves with the stand-in on the port that it is given.
fn serve(more: &str) -> String {
    format!(
        "exec {} lambda --address 127.0.0.1:$LOADGATE_PORT --latency 10ms --provisioned 200 {more}",
        env!("CARGO_BIN_EXE_loadgate")
    )
}

fn with_servers(gate: &Gate, more: &[&str]) -> std::process::Command {
    let mut command = loadgate(gate.home());
    command
        .args(["run", gate.folder().to_str().unwrap()])
        .args(QUICK)
        .args(["--ready", "/prod/catalog/items"])
        .args(more)
        .env("LOADGATE_OUT", gate.out());
    command
}

#[test]
fn both_versions_can_be_started_and_restarted_by_the_gate() {
    // Ten milliseconds are more than this limit, however busy the machine is.
    let limits = "limits: { overall: { p50: 1ms } }\nregression: { gate: [] }\n";
    let gate = gate(limits).with_scenario(CATALOGUE);
    let (base, target) = (serve(""), serve("--seed 2"));
    let _slot = load_slot();
    let run = |every: &str| {
        let arguments = [
            "--base-cmd",
            &base,
            "--target-cmd",
            &target,
            "--pairs",
            "6",
            "--restart-every",
            every,
        ];
        Ran::new(&with_servers(&gate, &arguments).output().unwrap())
    };
    let started = |log: &str| gate.written(log).matches("http://127.0.0.1:").count();
    run("1").exits(1);
    assert_eq!((started("base.log"), started("target.log")), (6, 6));
    run("3").exits(1);
    // The ports are another run's by now.
    let summary = gate.written("summary.md");
    let again = summary.split("**Reproduce:**").nth(1).unwrap();
    let again = again.split("```").nth(1).unwrap();
    for part in [
        "--target-cmd '…'",
        "--base-cmd '…'",
        "--slice 250ms",
        "--guard 20ms",
        "--ready /prod/catalog/items",
        "--restart-every 3",
    ] {
        assert!(again.contains(part), "{part}: {again}");
    }
    assert!(
        !again.contains("--target http") && !again.contains("--against"),
        "{again}"
    );
    // Its text may hold anything that nobody else is to read.
    for file in ["result.json", "summary.md", "report.html"] {
        assert!(!gate.written(file).contains("LOADGATE_PORT"), "{file}");
    }
    assert_eq!((started("base.log"), started("target.log")), (2, 2));
}

#[test]
fn a_server_that_dies_is_told_with_its_last_lines() {
    let gate = gate("").with_scenario(CATALOGUE);
    let dying = "echo starting; echo cannot open the database >&2; exit 7";
    let arguments = ["--base-cmd", &serve(""), "--target-cmd", dying];
    let ran = Ran::new(&with_servers(&gate, &arguments).output().unwrap());
    ran.exits(3).tells(&[
        "exit status: 7",
        "cannot open the database",
        "--target-cmd",
        "target.log",
    ]);
    assert_eq!(
        gate.result()["run"]["ended"]["unreachable"]["arm"],
        "target"
    );
    let silent = ["--base-cmd", "exec sleep 0.1", "--target-cmd", &serve("")];
    Ran::new(&with_servers(&gate, &silent).output().unwrap()).exits(3);
    assert_eq!(gate.result()["run"]["ended"]["unreachable"]["arm"], "base");
}

#[test]
fn a_server_that_ends_at_the_first_request_is_named() {
    let gate = gate("").with_scenario(CATALOGUE);
    // Ends with a request in flight: the only one there is.
    let serve = serve("").replace("--latency 10ms", "--latency 60s");
    let dying = format!("{serve} & sleep 2; kill -9 $!; echo out of memory; exit 7");
    let mut command = loadgate(gate.home());
    command
        .args([
            "run",
            gate.folder().to_str().unwrap(),
            "--target-cmd",
            &dying,
        ])
        .env("LOADGATE_OUT", gate.out());
    let ran = Ran::new(&command.output().unwrap()).exits(3);
    ran.tells(&[
        "exit status: 7",
        "out of memory",
        "--target-cmd",
        "target.log",
    ]);
    let ended = &gate.result()["run"]["ended"]["unreachable"];
    assert_eq!(ended["cause"], "server_ended", "{ended}");
}

#[test]
fn a_server_that_is_never_ready_is_waited_for_until_the_limit() {
    let gate = gate("").with_scenario(CATALOGUE);
    let arguments = ["--target-cmd", &serve(""), "--base-cmd", &serve("")];
    let mut command = loadgate(gate.home());
    command
        .args([
            "run",
            gate.folder().to_str().unwrap(),
            "--ready",
            "/nf",
            "--wait",
            "4s",
        ])
        .args(QUICK)
        .args(arguments)
        .env("LOADGATE_OUT", gate.out());
    let began = std::time::Instant::now();
    let ran = Ran::new(&command.output().unwrap()).exits(3);
    assert!(began.elapsed() < Duration::from_secs(40));
    assert!(ran.stderr.contains("(/nf responds 404)"), "{}", ran.stderr);
    ran.tells(&["/nf", "404", "--ready", "--wait"]);
}

#[test]
fn one_deployment_as_both_arms_is_told_once() {
    let gate = gate("").with_scenario(CATALOGUE);
    let address = NOWHERE;
    let ran = gate.run(address, &["--against", address]).exits(3);
    assert_eq!(
        ran.stderr.matches("the same deployment").count(),
        1,
        "{}",
        ran.stderr
    );
}

/// A command that leaves the ids of its processes behind: a server, and a helper that does not heed a polite request.
fn leaving_ids(folder: &Path) -> String {
    format!(
        "sh -c 'trap \"\" TERM; echo $$ >> {ids}; sleep 100 & wait; sleep 100' & echo $$ >> {ids}; {serve}",
        ids = folder.join("ids").display(),
        serve = serve("")
    )
}

/// The same with a daemon in a session of its own, whose parent is gone.
fn leaving_its_group(folder: &Path) -> String {
    format!(
        "(setsid sh -c 'echo $$ >> {ids}; exec sleep 100' &); echo $$ >> {ids}; {serve}",
        ids = folder.join("ids").display(),
        serve = serve("")
    )
}

fn are_gone(folder: &Path) -> bool {
    let ids = std::fs::read_to_string(folder.join("ids")).unwrap();
    let mut ids = ids
        .lines()
        .map(|id| Pid::from_raw(id.parse().unwrap()).unwrap());
    ids.all(|id| test_kill_process(id).is_err())
}

#[test]
fn no_server_outlives_its_run_whatever_ends_it() {
    let endings = [Signal::INT, Signal::TERM, Signal::KILL];
    let commands = [leaving_ids, leaving_its_group];
    for (ending, command) in endings
        .into_iter()
        .flat_map(|ending| commands.map(|command| (ending, command)))
    {
        let gate = gate("").with_scenario(CATALOGUE);
        let command = command(gate.home());
        let arguments = ["--base-cmd", &serve(""), "--target-cmd", &command];
        let _slot = load_slot();
        let mut run = with_servers(&gate, &arguments)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        eventually("both processes are there", || {
            let ids = std::fs::read_to_string(gate.home().join("ids")).unwrap_or_default();
            ids.lines().count() >= 2
        });
        std::thread::sleep(Duration::from_millis(500));
        signal(&run, ending);
        run.wait().unwrap();
        eventually("they are gone", || are_gone(gate.home()));
    }
}

#[test]
fn an_interrupted_duet_leaves_what_it_has() {
    let gate = gate("").with_scenario(CATALOGUE);
    let (base, target) = (Server::fast(), Server::fast());
    let _slot = load_slot();
    let mut command = loadgate(gate.home());
    let run = command
        .args(["run", gate.folder().to_str().unwrap()])
        .args(["--target", &target.url(), "--against", &base.url()])
        .args(QUICK)
        .env("LOADGATE_OUT", gate.out())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // More than the warm-up and one slice of either.
    eventually("both are loaded in turns", || {
        [&base, &target].iter().all(|it| it.received().len() > 70)
    });
    kill_process(Pid::from_child(&run), Signal::INT).unwrap();
    Ran::new(&run.wait_with_output().unwrap())
        .exits(130)
        .tells(&["SIGINT"]);
    assert!(gate.result()["slices"].as_array().unwrap().len() >= 3);
}
