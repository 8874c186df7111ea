//! The workflows, the action and the GitLab component before judges that are not ours; JUnit before a reader that is not.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::platform::{Api, JOB_TOKEN, Plays};
use crate::support::{Server, gate, recipe};

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

/// A repository of a GitLab project with these files, on its main branch.
fn project(files: &[(&str, &str)]) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = home.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    git(
        home.path(),
        "git init -qb main . && git remote add origin git@gitlab.example.com:shop/api.git && git add -A && git commit -qm one",
    );
    home
}

fn git(home: &Path, script: &str) -> String {
    let mut command = Command::new("sh");
    for who in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{who}_NAME"), "a")
            .env(format!("GIT_{who}_EMAIL"), "a@example.com");
    }
    let output = command.args(["-ec", script]).current_dir(home).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", told(&output));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Runs the job of a project's file, with these variables beside those of a runner. A busy machine says nothing about it.
fn run_job(home: &Path, api: &Api, variables: &[(&str, &str)]) -> (bool, String) {
    let binary = Path::new(env!("CARGO_BIN_EXE_loadgate"));
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", binary.parent().unwrap().display());
    let run = || {
        let mut command = Command::new(tool("node_modules/.bin/gitlab-ci-local"));
        command
            .args(["--force-shell-executor", "performance"])
            .env("PATH", &path)
            .current_dir(home);
        let api = api.url();
        let own = [
            ("CI_API_V4_URL", api.as_str()),
            ("CI_PROJECT_ID", "12"),
            ("CI_JOB_TOKEN", JOB_TOKEN),
        ];
        for (name, value) in own.iter().chain(variables) {
            command.args(["--variable", &format!("{name}={value}")]);
        }
        let output = command.output().unwrap();
        (output.status.success(), told(&output))
    };
    let mut tries = (0..5).map(|_| run());
    let ran = tries.find(|(_, told)| !told.contains("fell")).unwrap();
    assert!(!ran.1.contains("-that-nobody-may-see"), "{}", ran.1);
    ran
}

/// The component's text.
fn component() -> String {
    std::fs::read_to_string(root().join("templates/loadgate.yml")).unwrap()
}

/// A `.gitlab-ci.yml` whose component is fetched from this machine.
fn fetched(text: &str) -> String {
    let text_of = component();
    let server = Server::start(move |_| (200, text_of.clone()));
    let here = text.replace("https://raw.githubusercontent.com", &server.url());
    assert_ne!(here, text);
    here
}

/// A service that `make` builds and `make run` serves, as slow as the file `speed` says.
fn makefile() -> String {
    let binary = env!("CARGO_BIN_EXE_loadgate");
    format!(
        "all:\n\tcp speed built\nrun:\n\texec {binary} lambda --address 127.0.0.1:$(PORT) --latency 20ms --provisioned 200 --slow $$(cat built)\n"
    )
}

/// Reports that the component says it leaves.
fn holds_reports(home: &Path) {
    for (file, part) in [
        ("junit.xml", "<testsuite"),
        ("metrics-gated.txt", "loadgate_gated{"),
        ("load-performance.json", "http_reqs"),
        ("result.json", "\"schema\""),
    ] {
        let text = std::fs::read_to_string(home.join("loadgate-out").join(file)).unwrap();
        assert!(text.contains(part), "{file}: {text}");
    }
}

#[test]
fn action_validator_finds_nothing_in_documented_workflows() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".github/workflows");
    std::fs::create_dir_all(&folder).unwrap();
    for part in ["baseline-artifact: loadgate-baseline", "workflow_run: {"] {
        let file = folder.join("performance.yml");
        std::fs::write(&file, recipe(part)).unwrap();
        let output = Command::new(tool("node_modules/.bin/action-validator"))
            .arg(&file)
            .output()
            .unwrap();
        assert!(output.status.success(), "{part}: {}", told(&output));
    }
}

#[test]
fn the_gitlab_component_leaves_reports_and_a_history() {
    let api = Api::start(Plays::GitLab, None);
    let binary = env!("CARGO_BIN_EXE_loadgate");
    let scenario = crate::support::SCENARIO
        .replace("/items", "/prod/catalog/items")
        .replace("users: 4", "users: 30");
    let home = project(&[
        ("templates/loadgate.yml", &component()),
        ("gates/api/scenario.yml", &scenario),
        (
            ".gitlab-ci.yml",
            &format!(
                "stages: [test]\ninclude:\n  - local: templates/loadgate.yml\n    inputs:\n      gates: gates/api\n      binary: {binary}\n      version: release/1.0\n      build: echo built > built\n      serve: test -e built && exec {binary} lambda --address 127.0.0.1:$LOADGATE_PORT --provisioned 50\n"
            ),
        ),
    ]);
    let (is_success, told) = run_job(home.path(), &api, &[]);
    assert!(is_success, "{told}");
    holds_reports(home.path());
    let history = api.package("loadgate-baseline/0.0.1/baseline-gates-api-175744217.json");
    let history = history.unwrap_or_else(|| panic!("{:?} {told}", api.lines()));
    let jobs = history["jobs"].as_array().unwrap().len();
    let (_, told) = run_job(home.path(), &api, &[]);
    assert!(told.contains(&format!("{jobs} baseline job")), "{told}");
}

#[test]
fn the_documented_gitlab_job_runs_as_it_is_written() {
    let api = Api::start(Plays::GitLab, None);
    let scenario = crate::support::SCENARIO
        .replace("/items", "/prod/catalog/items")
        .replace("users: 4", "users: 30");
    let home = project(&[
        ("Makefile", &makefile()),
        ("speed", "1"),
        ("thresholds/api/scenario.yml", &scenario),
        (
            ".gitlab-ci.yml",
            &fetched(&recipe("templates/loadgate.yml")),
        ),
    ]);
    let (is_success, told) = run_job(home.path(), &api, &[]);
    assert!(is_success, "{told}");
    holds_reports(home.path());
    assert!(told.contains("nothing was compared"), "{told}");
    let puts = api
        .lines()
        .into_iter()
        .filter(|line| line.starts_with("PUT "));
    assert_eq!(puts.count(), 1);
}

#[test]
fn the_job_that_init_writes_gives_a_merge_request_its_verdict() {
    let api = Api::start(Plays::GitLab, Some("bot"));
    let home = project(&[
        ("Makefile", &makefile()),
        ("speed", "1"),
        (
            "openapi.yaml",
            "openapi: 3.1.0\npaths:\n  /prod/catalog/items: { get: {} }\n",
        ),
    ]);
    let base = git(home.path(), "git rev-parse HEAD");
    let made = crate::support::loadgate(home.path()).arg("init").output();
    assert!(made.unwrap().status.success());
    let change = |path: &str, from: &str, to: &str| {
        let path = home.path().join(path);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
    };
    // Denser and shorter than a machine that has the time would have it.
    let gate = "thresholds/api/scenario.yml";
    change(
        gate,
        "arrivals: 100/s, for: 60s",
        "arrivals: 500/s, for: 4s",
    );
    change(gate, "for: 5s", "for: 1s");
    let file = std::fs::read_to_string(home.path().join(".gitlab-ci.yml")).unwrap();
    std::fs::write(home.path().join(".gitlab-ci.yml"), fetched(&file)).unwrap();
    git(
        home.path(),
        "git checkout -qb change && echo 2 >speed && git add -A && git commit -qm two",
    );
    let (is_success, told) = run_job(
        home.path(),
        &api,
        &[
            ("CI_PIPELINE_SOURCE", "merge_request_event"),
            ("CI_MERGE_REQUEST_IID", "7"),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &base),
            ("GITLAB_TOKEN", "glpat-a-token-that-nobody-may-see"),
            ("LOADGATE_PAIRS", "8"),
            ("LOADGATE_SLICE", "1s"),
        ],
    );
    assert!(!is_success && told.contains("duet"), "{told}");
    holds_reports(home.path());
    let note = api.of("bot").concat();
    assert!(
        note.contains("### ❌") && note.contains("slower"),
        "{note} {told}"
    );
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
