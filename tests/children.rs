//! Programs that loadgate starts: what they inherit, what they can read, and what is told of them.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use serde_json::Value;

use crate::support::{Gate, Ran, Server, gate, load_slot, loadgate};

/// What CI gives to a job, each with a value that is found again.
const CREDENTIALS: [&str; 16] = [
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_RUNTIME_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "CI_JOB_TOKEN",
    "CI_REPOSITORY_URL",
    "GH_TOKEN",
    "GITHUB_ENV",
    "GITHUB_OUTPUT",
    "GITHUB_PATH",
    "GITHUB_STATE",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_TOKEN",
    "GITLAB_TOKEN",
    "LOADGATE_BASELINE_HEADER",
    "LOADGATE_TOKEN",
];

fn value_of(name: &str) -> String {
    format!("x-{}-value", name.to_lowercase())
}

/// Runs a gate as somebody who is not root, if there is a choice: root may read every process.
fn run_as_nobody(gate: &Gate, arguments: &[&str]) -> Ran {
    const NOBODY: u32 = 65_534;
    let _slot = load_slot();
    let mut command: Command = loadgate(gate.home());
    command
        .args(["run", gate.folder().to_str().unwrap()])
        .args(arguments)
        .env("LOADGATE_OUT", gate.out())
        .env("HARMLESS", "kept")
        .envs(CREDENTIALS.map(|name| (name, value_of(name))));
    if rustix::process::getuid().is_root() {
        for folder in [gate.home(), &gate.folder()] {
            std::fs::set_permissions(folder, PermissionsExt::from_mode(0o777)).unwrap();
        }
        command.uid(NOBODY).gid(NOBODY);
    }
    Ran::new(&command.output().unwrap())
}

/// A shell's line that notes what it was given and what it can read of the process that started it.
const LOOK: &str = "env > seen; tr '\\0' '\\n' > stolen 2> /dev/null < /proc/$PPID/environ";

fn noted(gate: &Gate, file: &str) -> String {
    let in_home = std::fs::read_to_string(gate.home().join(file));
    in_home.unwrap_or_else(|_| gate.read(file))
}

fn shows_no_credential(gate: &Gate) {
    let seen = noted(gate, "seen");
    assert!(seen.contains("HARMLESS=kept"), "{seen}");
    for file in ["seen", "stolen"] {
        let text = noted(gate, file);
        for name in CREDENTIALS {
            assert!(!text.contains(&value_of(name)), "{name} in {file}: {text}");
        }
    }
}

#[test]
fn a_server_sees_no_credential_of_the_job() {
    for flag in ["--target-cmd", "--base-cmd"] {
        let gate = gate("");
        let other = Server::fast().url();
        let command = format!("{LOOK}; exit 3");
        let rest = if flag == "--base-cmd" {
            vec!["--target", &other]
        } else {
            Vec::new()
        };
        run_as_nobody(&gate, &[&[flag, &command][..], &rest].concat()).exits(3);
        shows_no_credential(&gate);
    }
}

#[test]
fn a_program_of_the_scenario_sees_no_credential_of_the_job() {
    let scenario = format!(
        "\
name: sample
user_classes:
  - name: reader
    on_start: [{{ command: [sh, -c, \"{}; exit 3\"], capture: {{ a: $.a }} }}]
    tasks: [{{ steps: [{{ get: /items }}] }}]
load: [{{ phase: warm, users: 1, for: 1s }}]
",
        LOOK.replace('\\', "\\\\")
    );
    let gate = gate("").with_scenario(&scenario);
    let url = Server::fast().url();
    run_as_nobody(&gate, &["--target", &url, "--allow-commands"]);
    shows_no_credential(&gate);
}

#[test]
fn a_variable_that_is_named_is_passed_on() {
    let gate = gate("");
    let command = format!("{LOOK}; exit 3");
    let arguments = [
        "--target-cmd",
        &command,
        "--pass-env",
        "AWS_SECRET_ACCESS_KEY",
    ];
    run_as_nobody(&gate, &arguments).exits(3);
    let seen = noted(&gate, "seen");
    assert!(seen.contains(&value_of("AWS_SECRET_ACCESS_KEY")), "{seen}");
    assert!(!seen.contains(&value_of("GH_TOKEN")), "{seen}");
}

#[test]
fn the_last_lines_of_a_server_show_no_secret() {
    let scenario = "\
name: sample
variables: { api_token: none, region: none }
data: { people: people.csv }
user_classes:
  - name: reader
    headers: { X-Api-Key: literal-header-value }
    tasks:
      - steps:
          - get: /items
            headers: { Authorization: \"Bearer {{ env.LOGIN }}\", X-Who: \"{{ people.password }}\", X-T: \"{{ api_token }}{{ region }}\" }
load: [{ phase: warm, users: 1, for: 1s }]
";
    let gate = gate("").with_scenario(scenario);
    gate.write("people.csv", "name,password\nann,ann-of-the-data\n");
    let secrets = [
        "from-the-environment",
        "set-by-an-argument",
        "literal-header-value",
        "ann-of-the-data",
        "baseline-header-value",
        "unknown-but-named",
        "eyJhbGciOi.unknown.bearer",
    ];
    let lines = "echo from-the-environment set-by-an-argument; echo literal-header-value ann-of-the-data; \
                 echo baseline-header-value; echo password=unknown-but-named; \
                 echo Bearer eyJhbGciOi.unknown.bearer; echo all is lost >&2; exit 4";
    let output = loadgate(gate.home())
        .args([
            "run",
            gate.folder().to_str().unwrap(),
            "--target-cmd",
            lines,
        ])
        .args([
            "--set",
            "api_token=set-by-an-argument",
            "--set",
            "region=north",
        ])
        .env("LOADGATE_OUT", gate.out())
        .env("LOGIN", "from-the-environment")
        .env(
            "LOADGATE_BASELINE_HEADER",
            "authorization: Bearer baseline-header-value",
        )
        .output();
    let ran = Ran::new(&output.unwrap()).exits(3);
    let result: Value = serde_json::from_str(&gate.written("result.json")).unwrap();
    let ended = &result["run"]["ended"]["unreachable"];
    assert_eq!(ended["cause"], "server_ended");
    let why = ended["why"].as_str().unwrap();
    assert!(why.contains("all is lost") && why.contains("***"), "{why}");
    let reports = ["summary.md", "junit.xml"];
    let texts = reports.map(|file| gate.written(file));
    for secret in secrets {
        assert!(!why.contains(secret), "{secret}: {why}");
        for text in texts.iter().chain([&ran.stdout, &ran.stderr]) {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}
