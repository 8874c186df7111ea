//! Bad arguments and files: one message that says what to mend, exit 2, and nothing sent or lost.

use crate::replay::Load;
use crate::support::{SCENARIO, Server, gate};

#[test]
fn mistakes_in_files_are_named_with_file_line_and_column() {
    let server = Server::fast();
    let class = "user_classes: [{ name: a, tasks: [{ steps: [{ get: / }] }] }]";
    for (file, text, parts) in [
        (
            "scenario.yml",
            SCENARIO.replace("users: 4", "usrs: 4"),
            &["scenario.yml:8:20", "unknown key 'usrs'", "'users'"][..],
        ),
        (
            "scenario.yml",
            SCENARIO.replace("  - name: reader", "  - weight: -1\n    name: reader"),
            &["scenario.yml:3:13", "weight", "-1"],
        ),
        (
            "thresholds.yml",
            "limits: { overall: { p95: -5ms } }".to_owned(),
            &["thresholds.yml:1:", "'-5ms' is below 0"],
        ),
        (
            "scenario.yml",
            format!("name: x\n{class}\nload: [{{ phase: a, users: 4 }}]\n"),
            &["scenario.yml:3:", "'for'"],
        ),
        (
            "scenario.yml",
            format!("name: x\n{class}\nload: [{{ phase: a, users: 4, for: 10 }}]\n"),
            &["scenario.yml:3:", "for", "'10' is not a duration", "800ms"],
        ),
        (
            "scenario.yml",
            SCENARIO.replace("name: GET /items }", "form: { a: b }, raw: c }"),
            &["scenario.yml:6:", "both 'form' and 'raw'"],
        ),
        (
            "thresholds.yml",
            "limits: { phases: { brust: { p95: 1s } } }".to_owned(),
            &["thresholds.yml:1:", "brust", "it measures warm"],
        ),
        (
            "thresholds.yml",
            "limits: { requests: { GET /item: { p95: 1s } } }".to_owned(),
            &["thresholds.yml:1:", "GET /item", "'GET /items'"],
        ),
        (
            "thresholds.yml",
            "limits: { overall: { p96: 1s } }".to_owned(),
            &["thresholds.yml:1:", "p96", "'p95'"],
        ),
        (
            "thresholds.yml",
            "limits: { overall: { p95: fast } }".to_owned(),
            &["thresholds.yml:1:", "'fast' is not a duration"],
        ),
        (
            "baseline.json",
            "{ \"schema\": 1, \"jobs\": [".to_owned(),
            &["baseline.json", "line 1 column", "restore it"],
        ),
        (
            "baseline.json",
            "{ \"schema\": 99 }".to_owned(),
            &["baseline.json", "schema 99", "newer loadgate"],
        ),
    ] {
        let gate = gate("");
        gate.write(file, &text);
        let ran = gate.run(&server.url(), &[]).exits(2).says(parts);
        assert!(ran.stdout.is_empty(), "{}", ran.stdout);
        assert_eq!(gate.read(file), text, "nothing is lost");
        assert!(!gate.out().exists(), "nothing is written");
    }
    assert!(server.received().is_empty(), "nothing is sent");
}

#[test]
fn what_is_no_yaml_is_told_with_what_to_mend() {
    let gate = gate("");
    for (text, parts) in [
        (
            SCENARIO.replace("name: sample", "name: [sample"),
            &[
                "scenario.yml:1:7",
                "'[' that begins here is never closed",
                "']'",
            ][..],
        ),
        (
            SCENARIO.replace("    wait", "\twait"),
            &["scenario.yml:4:1", "indented with a tab", "with spaces"],
        ),
        (
            SCENARIO.replace("wait: 5ms", "wait:5ms"),
            &[
                "scenario.yml:4:5",
                "'wait:5ms' lacks a space",
                "'wait: 5ms'",
            ],
        ),
        (
            SCENARIO.replace("name: sample", "name:sample"),
            &["scenario.yml:1:1", "'name:sample' lacks a space"],
        ),
        (
            SCENARIO.replace("- name: reader", "-name: reader"),
            &["scenario.yml:3:3", "'-name:' lacks a space", "'- name:'"],
        ),
        (
            SCENARIO.replace("name: sample", "name: \"sample"),
            &[
                "scenario.yml:1:7",
                "the quote that begins here is never closed",
            ],
        ),
        (
            SCENARIO.replace("name: sample", "name: sample: b"),
            &["scenario.yml:1:13", "quote the value if it contains ': '"],
        ),
        (
            SCENARIO.replace("users: 4, for", "users: 4 for"),
            &["scenario.yml:8:", "expected ',' or the closing bracket"],
        ),
        (
            SCENARIO.replace("    wait: 5ms", "    wait: 5ms\n    wait: 6ms"),
            &["scenario.yml:5:5", "'wait' appears twice", "remove one"],
        ),
        (
            SCENARIO.replace("name: reader", "name: @reader"),
            &["scenario.yml:3:11", "quote it"],
        ),
        (
            SCENARIO.replace("get: /items", "get: {{ path }}"),
            &["scenario.yml:6:", "begins with '{{' must be quoted"],
        ),
    ] {
        gate.write("scenario.yml", &text);
        let ran = gate.command("validate", &[]).exits(2).says(parts);
        assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    }
}

#[test]
fn mistakes_in_arguments_are_named_with_what_to_give_instead() {
    let gate = gate("");
    let folder = gate.folder();
    let folder = folder.to_str().unwrap();
    for (arguments, parts) in [
        (
            &["run", "no-such-gate"][..],
            &["no folder no-such-gate", "scenario.yml"][..],
        ),
        (
            &["validate", "https://user:secret@api.example.com/v1"],
            &["loadgate init --target https://api.example.com/v1"],
        ),
        (
            &["validate", "gate/scenario.yml"],
            &["name the folder, gate"],
        ),
        (
            &["judge", ".", "result.json"],
            &["contains no scenario.yml", "loadgate init"],
        ),
        (&["run", folder], &["has no target", "--target"]),
        (
            &["run", folder, "--target", "ftp://example.com"],
            &["--target", "http"],
        ),
        (
            &[
                "run",
                folder,
                "--target",
                "http://127.0.0.1:1",
                "--baseline",
                "gone.json",
            ],
            &["gone.json", "loadgate record"],
        ),
        (
            &["run", folder, folder, "--target", "http://127.0.0.1:1"],
            &["the gates 'sample' and 'sample' would write into one folder"],
        ),
        (
            &[
                "run",
                folder,
                "--target",
                "http://127.0.0.1:1",
                "--set",
                "nme=1",
            ],
            &["nme"],
        ),
        (
            &[
                "run",
                folder,
                "--target",
                "http://127.0.0.1:1",
                "--ca",
                "gone.pem",
            ],
            &["gone.pem"],
        ),
        (&["judge", folder, "gone.json"], &["gone.json"]),
        (
            &["run", folder, "--pairs", "-1"],
            &["'-1'", "--pairs", "not a whole number of 0 or more"],
        ),
        (
            &["run", folder, "--wait", "-1s"],
            &["--wait", "'-1s' is below 0"],
        ),
    ] {
        let ran = gate.loadgate(arguments).exits(2).says(parts);
        assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    }
}

#[test]
fn an_unwritable_output_folder_is_found_before_the_load() {
    let gate = gate("");
    let server = Server::fast();
    let blocked = gate.home().join("blocked");
    std::fs::write(&blocked, "a file, no folder").unwrap();
    gate.run(&server.url(), &["--out", blocked.to_str().unwrap()])
        .exits(2)
        .says(&[
            "output folder",
            "blocked is a file",
            "set --out to a folder",
        ]);
    assert!(server.received().is_empty());
}

#[test]
fn a_result_of_another_scenario_is_refused_with_the_difference() {
    let gate = gate("");
    gate.replay(&Load::taking(10.0), &[]).exits(0);
    gate.write("scenario.yml", &SCENARIO.replace("users: 4", "users: 5"));
    let result = gate.out().join("result.json");
    for command in ["judge", "record"] {
        gate.command(command, &[result.to_str().unwrap()])
            .exits(2)
            .says(&["another scenario", "users: \"4\"", "users: \"5\""]);
    }
    assert!(!gate.folder().join("baseline.json").exists());
}

#[test]
fn results_of_two_ci_runs_are_not_judged_as_one() {
    let gate = gate("");
    let (a, b) = (gate.home().join("a"), gate.home().join("b"));
    for out in [&a, &b] {
        let out = ["--out", out.to_str().unwrap()];
        gate.replay(&Load::taking(10.0), &out).exits(0);
    }
    let results = [a.join("result.json"), b.join("result.json")];
    let [a, b] = results.each_ref().map(|path| path.to_str().unwrap());
    gate.command("judge", &[a, b])
        .exits(2)
        .says(&["not from one CI run"]);
}

#[test]
fn what_is_no_result_is_told() {
    let gate = gate("");
    let path = gate.home().join("result.json");
    for (text, part) in [
        ("not json", "line 1 column"),
        ("{}", "schema"),
        ("{ \"schema\": 7 }", "schema 7"),
        ("{ \"schema\": 1 }", "missing field"),
    ] {
        std::fs::write(&path, text).unwrap();
        gate.command("judge", &[path.to_str().unwrap()])
            .exits(2)
            .says(&["result.json", part]);
    }
}

#[test]
fn recording_is_refused_on_pull_requests() {
    let gate = gate("");
    let mut command = crate::support::loadgate(gate.home());
    let output = command
        .args(["run", gate.folder().to_str().unwrap(), "--record"])
        .args(["--target", "http://127.0.0.1:1"])
        .envs([
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", "pull_request"),
        ])
        .output()
        .unwrap();
    crate::support::Ran::new(&output)
        .exits(2)
        .says(&["--record is refused", "main branch"]);
}

#[test]
fn variables_set_what_flags_set_and_an_empty_one_sets_nothing() {
    let gate = gate("").with_scenario(
        &SCENARIO.replace("name: sample", "name: sample\nvariables: { a: 1, b: 2 }"),
    );
    let validate = |variables: &[(&str, &str)]| {
        let mut command = crate::support::loadgate(gate.home());
        command.arg("validate").arg(gate.folder());
        let output = command.envs(variables.iter().copied()).output();
        crate::support::Ran::new(&output.unwrap())
    };
    validate(&[("LOADGATE_TARGET", "http://127.0.0.1:1")]).tells(&["load http://127.0.0.1:1"]);
    validate(&[("LOADGATE_TARGET", ""), ("LOADGATE_BASELINE", "")]).tells(&["needs --target"]);
    validate(&[("LOADGATE_SET", "a=3\nc=4\n")])
        .exits(2)
        .says(&["--set c", "declare it"]);
    let judge = |strict| {
        let mut command = crate::support::loadgate(gate.home());
        command.args(["judge", "gone", "gone.json"]);
        let output = command.env("LOADGATE_STRICT", strict).output().unwrap();
        crate::support::Ran::new(&output)
    };
    for strict in ["1", "true", "yes", "0", "false", ""] {
        judge(strict).exits(2).says(&["no folder gone"]);
    }
}

#[cfg(unix)]
#[test]
fn a_variable_of_others_that_is_no_text_is_passed_over() {
    use std::os::unix::ffi::OsStrExt;
    let gate = gate("");
    let no_text = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    let mut command = crate::support::loadgate(gate.home());
    command.arg("validate").arg(gate.folder());
    command.args(["--target-cmd", "./a", "--base-cmd", "./b"]);
    let output = command.env("API_TOKEN", no_text).env(no_text, "x").output();
    crate::support::Ran::new(&output.unwrap()).tells(&["load"]);
}

#[test]
fn a_variable_that_cannot_be_read_is_named_itself() {
    let gate = gate("");
    for (variable, value, part) in [
        ("LOADGATE_INSECURE", "maybe", "'maybe'"),
        ("LOADGATE_PAIRS", "abc", "not a whole number"),
        ("LOADGATE_SLICE", "-2s", "below 0"),
    ] {
        let mut command = crate::support::loadgate(gate.home());
        command.arg("run").arg(gate.folder());
        let output = command.env(variable, value).output().unwrap();
        let ran = crate::support::Ran::new(&output).exits(2);
        ran.says(&[variable, part]);
    }
}

#[test]
fn a_baseline_and_a_result_are_told_apart() {
    let gate = gate("");
    gate.replay(&Load::taking(10.0), &["--record"]).exits(0);
    let (baseline, result) = (
        gate.folder().join("baseline.json"),
        gate.out().join("result.json"),
    );
    let [baseline, result] = [&baseline, &result].map(|path| path.to_str().unwrap());
    gate.command("judge", &[baseline]).exits(2).says(&[
        "baseline.json is a baseline, not the result of a run",
        "result.json",
    ]);
    gate.loadgate(&["compare", baseline, result])
        .exits(2)
        .says(&["baseline.json is a baseline, not the result of a run"]);
    gate.command("judge", &[result, "--baseline", result])
        .exits(2)
        .says(&["result.json is a result, not a baseline", "loadgate record"]);
}

#[test]
fn validating_needs_no_secret_and_says_which_a_run_will() {
    let gate = gate("limits: { warn: { overall: { p99: 1s } } }").with_scenario(&SCENARIO.replace(
        "    wait: 5ms",
        "    wait: 5ms\n    auth: { bearer: '{{ env.LOADTEST_TOKEN_OF_TEST }}' }",
    ));
    let told = gate.command("validate", &["--target", "http://127.0.0.1:1"]);
    told.exits(0).tells(&[
        "Set before a run: LOADTEST_TOKEN_OF_TEST.",
        "P99 overall",
        "(only warns)",
    ]);
    gate.run("http://127.0.0.1:1", &[])
        .exits(2)
        .says(&["LOADTEST_TOKEN_OF_TEST is unset or empty"]);
}

#[test]
fn a_gate_that_would_send_nothing_is_refused_before_the_run() {
    let server = Server::fast();
    let never = SCENARIO.replace("get: /items,", "get: /items, when: '{{ false }}',");
    let gate = gate("").with_scenario(&never);
    for command in ["run", "validate", "try"] {
        let ran = gate.command(command, &["--target", &server.url()]);
        let _ = ran.exits(2).says(&["scenario.yml", "(when)"]);
    }
    // What hangs on a variable that is not set is not known before the run.
    let unset = SCENARIO.replace(
        "get: /items,",
        "get: /items, when: \"{{ env.LOADTEST_SEND_OF_TEST == 'yes' }}\",",
    );
    gate.write("scenario.yml", &unset);
    let ran = gate.command("validate", &["--target", &server.url()]);
    assert!(!ran.stderr.contains("(when)"), "{}", ran.stderr);
    assert!(server.received().is_empty());
}
