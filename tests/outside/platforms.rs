//! The workflows, the action and the GitLab component before judges that are not ours; JUnit before a reader that is not.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::platform::{Api, JOB_TOKEN, Plays};
use crate::support::{Server, gate};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A tool that `tests/outside/run` installed.
fn tool(name: &str) -> PathBuf {
    let folder = std::env::var_os("OUTSIDE_TOOLS").expect("tests/outside/run sets OUTSIDE_TOOLS");
    Path::new(&folder).join(name)
}

fn told(output: &Output) -> String {
    let both = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}

#[test]
fn zizmor_finds_nothing_in_workflows_and_action() {
    let output = Command::new(tool("venv/bin/zizmor"))
        .args(["--offline", "--no-progress", "action.yml", ".github"])
        .current_dir(root())
        .output()
        .unwrap();
    let told = told(&output);
    assert!(
        output.status.success() && told.contains("No findings"),
        "{told}"
    );
}

#[test]
fn action_validator_finds_nothing_in_workflows_and_action() {
    let home = tempfile::tempdir().unwrap();
    let workflows = root().join(".github/workflows");
    let workflows = std::fs::read_dir(workflows)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    for file in workflows.chain([root().join("action.yml")]) {
        // Its schema is older than the permission to attest, and it wants to see the files that are named.
        let text = std::fs::read_to_string(&file)
            .unwrap()
            .replace("      attestations: write\n", "");
        let folder = home.path().join(".github/workflows");
        std::fs::create_dir_all(&folder).unwrap();
        let is_action = file.ends_with("action.yml");
        let copy = if is_action {
            home.path().join("action.yml")
        } else {
            folder.join(file.file_name().unwrap())
        };
        std::fs::write(&copy, text).unwrap();
        let output = Command::new(tool("node_modules/.bin/action-validator"))
            .arg(&copy)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}: {}",
            file.display(),
            told(&output)
        );
    }
}

#[test]
fn the_gitlab_component_runs_and_leaves_its_reports_and_a_history() {
    let api = Api::start(Plays::GitLab, None);
    let home = tempfile::tempdir().unwrap();
    let binary = env!("CARGO_BIN_EXE_loadgate");
    let write = |path: &str, text: &str| {
        let path = home.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let component = std::fs::read_to_string(root().join("templates/loadgate.yml")).unwrap();
    write("templates/loadgate.yml", &component);
    write(
        "gates/api/scenario.yml",
        &crate::support::SCENARIO
            .replace("/items", "/prod/catalog/items")
            .replace("users: 4", "users: 30"),
    );
    write(
        ".gitlab-ci.yml",
        &format!(
            "stages: [test]\ninclude:\n  - local: templates/loadgate.yml\n    inputs:\n      gates: gates/api\n      binary: {binary}\n      build: echo built > built\n      serve: test -e built && exec {binary} lambda --address 127.0.0.1:$LOADGATE_PORT --provisioned 50\n"
        ),
    );
    let script = "git init -qb main . && git add -A && git -c user.name=a -c user.email=a@example.com commit -qm one && git remote add origin git@gitlab.example.com:shop/api.git";
    assert!(
        Command::new("sh")
            .args(["-c", script])
            .current_dir(home.path())
            .status()
            .unwrap()
            .success()
    );
    let run = || {
        let output = Command::new(tool("node_modules/.bin/gitlab-ci-local"))
            .args(["--force-shell-executor", "performance"])
            .args(["--variable", &format!("CI_API_V4_URL={}", api.url())])
            .args(["--variable", "CI_PROJECT_ID=12"])
            .args(["--variable", &format!("CI_JOB_TOKEN={JOB_TOKEN}")])
            .current_dir(home.path())
            .output()
            .unwrap();
        (output.status.success(), told(&output))
    };
    let mut tries = (0..5).map(|_| run());
    // A busy machine says nothing about the component.
    let (is_success, told) = tries.find(|(_, told)| !told.contains("fell")).unwrap();
    assert!(is_success, "{told}");
    for (file, part) in [
        ("junit.xml", "<testsuite"),
        ("metrics-gated.txt", "loadgate_gated{"),
        ("load-performance.json", "http_reqs"),
        ("result.json", "\"schema\""),
    ] {
        let text = std::fs::read_to_string(home.path().join("loadgate-out").join(file)).unwrap();
        assert!(text.contains(part), "{file}: {text}");
    }
    let history = api.package("loadgate-baseline/0.0.1/baseline-gates-api-175744217.json");
    let history = history.unwrap_or_else(|| panic!("{:?} {told}", api.lines()));
    let jobs = history["jobs"].as_array().unwrap().len();
    assert!(!told.contains("-that-nobody-may-see"), "{told}");
    let (_, told) = run();
    assert!(told.contains(&format!("{jobs} baseline job")), "{told}");
}

#[test]
fn junitparser_reads_what_failed() {
    let gate = gate("limits: { overall: { p95: 1us } }");
    gate.run(&Server::fast().url(), &[]).exits(1);
    let script = "import sys, junitparser\nxml = junitparser.JUnitXml.fromfile(sys.argv[1])\nprint(xml.tests, xml.failures, [c.name for s in xml for c in s if any(isinstance(r, junitparser.Failure) for r in c.result)])";
    let output = Command::new(tool("venv/bin/python"))
        .args(["-c", script])
        .arg(gate.out().join("junit.xml"))
        .output()
        .unwrap();
    let told = told(&output);
    assert!(
        output.status.success() && told.contains(" 1 [") && told.to_lowercase().contains("p95"),
        "{told}"
    );
}
