//! The GitHub Action, its steps run as a runner runs them.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use loadgate::measurement::FailureKind;
use serde_json::{Value, json};

use crate::platform::{Api, Fault, Plays};
use crate::replay::Load;
use crate::runner::{Acted, Job};
use crate::support::{ARRIVALS, NOWHERE, SCENARIO, Server, load_slot};

pub(crate) const BOT: &str = "github-actions[bot]";

/// A job with one gate, whose load is replayed.
pub(crate) fn job(thresholds: &str, load: Load, api: &Api) -> Job {
    loading(thresholds, NOWHERE, api).replaying(load)
}

/// The same with a load that is sent.
fn loading(thresholds: &str, target: &str, api: &Api) -> Job {
    let job = Job::new()
        .with("gates", "thresholds/sample")
        .with("target", target)
        .variable("GITHUB_API_URL", &api.url());
    job.write("thresholds/sample/scenario.yml", SCENARIO);
    job.write("thresholds/sample/thresholds.yml", thresholds);
    job
}

/// A load of an ordinary service.
pub(crate) fn ordinary() -> Load {
    Load::taking(2.0)
}

pub(crate) fn api() -> Api {
    Api::start(Plays::GitHub, None)
}

/// Runs a job that sends load, by itself.
pub(crate) fn act(job: &Job) -> Acted {
    let _slot = load_slot();
    job.act()
}

#[test]
fn a_passing_gate_sets_outputs_summary_comment_and_artifact() {
    let (server, api) = (Server::fast(), api());
    // A second is too short for a percentile's history, which a warning would say.
    let job = loading("regression: { gate: [error_rate] }", &server.url(), &api);
    job.write("thresholds/sample/scenario.yml", ARRIVALS);
    let acted = act(&job);
    assert!(acted.is_success, "{}", acted.log);
    for (name, value) in [
        ("verdict", "passed"),
        ("exit-code", "0"),
        ("error-rate", "0"),
        ("regressions", "0"),
        ("baseline-status", "missing"),
        ("junit-path", "loadgate-out/junit.xml"),
        ("results-path", "loadgate-out/result.json"),
    ] {
        assert_eq!(acted.outputs[name], value, "{name}");
    }
    assert!(acted.outputs["p95-ms"].parse::<f64>().unwrap() > 0.0);
    assert!(acted.summary.starts_with("### ✅"), "{}", acted.summary);
    assert_eq!(acted.commands, Vec::<String>::new());
    assert_eq!(api.of(BOT).len(), 1);
    let (uses, with) = &acted.uses[0];
    assert!(uses.starts_with("actions/upload-artifact@"));
    assert_eq!(with["name"], "loadgate-gate-0");
    assert!(
        Path::new(&with["path"]).join("report.html").exists()
            || Path::new(&with["path"]).join("junit.xml").exists()
    );
}

#[test]
fn a_failing_gate_annotates_its_thresholds_before_it_fails() {
    let metrics = ["p50", "p90", "p95", "p99"];
    let limits = |subject: &str| {
        let limits: Vec<String> = metrics
            .iter()
            .map(|metric| format!("{metric}: 1us"))
            .collect();
        format!("{subject}: {{ {} }}", limits.join(", "))
    };
    let thresholds = format!(
        "limits:\n  {}\n  requests:\n    {}\n  phases:\n    {}\n",
        limits("overall"),
        limits("GET /items"),
        limits("warm")
    );
    let api = api();
    let acted = job(&thresholds, ordinary(), &api).act();
    assert!(!acted.is_success);
    assert_eq!(
        (
            acted.outputs["verdict"].as_str(),
            acted.outputs["exit-code"].as_str()
        ),
        ("failed", "1")
    );
    let errors: Vec<&String> = acted
        .commands
        .iter()
        .filter(|line| line.starts_with("::error "))
        .collect();
    assert_eq!(errors.len(), 10, "{:#?}", acted.commands);
    assert!(errors[0].starts_with("::error file=thresholds/sample/thresholds.yml,line=2,title=loadgate sample%3A overall::"), "{}", errors[0]);
    assert!(
        errors[9].ends_with("::+3 more, see the summary"),
        "{}",
        errors[9]
    );
    assert!(acted.summary.starts_with("### ❌"), "{}", acted.summary);
    assert!(
        api.of(BOT)[0].contains("### ❌"),
        "the comment is made after a failure"
    );
    assert!(
        acted
            .uses
            .iter()
            .any(|(uses, _)| uses.starts_with("actions/upload-artifact@"))
    );
}

#[test]
fn what_fails_the_step_is_the_users_choice() {
    let api = api();
    let broken = || job("limits: { overall: { p95: 1us } }", ordinary(), &api);
    let unreachable = || loading("", NOWHERE, &api);
    for (job, fail_on, is_success) in [
        (broken(), "never", true),
        (broken(), "failed", false),
        (unreachable(), "failed", true),
        (unreachable(), "any", false),
    ] {
        let acted = job.with("fail-on", fail_on).act();
        assert_eq!(acted.is_success, is_success, "{fail_on}: {}", acted.log);
    }
}

#[test]
fn what_is_wrong_is_an_error_and_never_a_verdict() {
    let (server, api) = (Server::fast(), api());
    for (input, value) in [
        ("gates", "thresholds/nowhere"),
        ("gates", " \n"),
        ("command", "rm -rf"),
        ("fail-on", "sometimes"),
        ("args", "--no-such-flag"),
        ("binary-path", "/nowhere/loadgate"),
    ] {
        let acted = loading("", &server.url(), &api).with(input, value).act();
        assert!(!acted.is_success, "{input}: {value}");
        assert!(["error", ""].contains(&acted.outputs["verdict"].as_str()));
        assert!(
            acted
                .commands
                .iter()
                .any(|line| line.starts_with("::error ")),
            "{input}: {}",
            acted.log
        );
    }
    assert!(
        server.received().is_empty() && api.of(BOT).is_empty()
            || api.of(BOT)[0].contains("NOT JUDGED")
    );
}

#[test]
fn a_comment_that_is_refused_changes_no_verdict() {
    let api = api();
    let refusal = "Resource not accessible by integration";
    api.fault("POST", Fault::Answers(403, "", refusal));
    let acted = job("", ordinary(), &api).act();
    assert!(acted.is_success);
    assert!(
        acted.log.contains("the verdict is unchanged"),
        "{}",
        acted.log
    );
    let acted = job("", ordinary(), &api).with("comment", "off").act();
    assert!(acted.is_success && api.of(BOT).is_empty());
}

#[test]
fn hostile_values_run_nothing_and_forge_nothing() {
    let hostile = "$(touch pwned)`touch pwned`; touch pwned\n::error::forged\n##[error]forged %0A::warning::x @everyone ${{ github.token }} -->";
    let name = "--> ::error::forged %0A ##[error]x @everyone `$(touch pwned)` <img src=x>";
    let api = api();
    let refused = ordinary().failing(FailureKind::Status(500), 600);
    let job = job("", refused, &api)
        .with(
            "labels",
            "team=$(touch pwned)\nx=`touch pwned` ::error::forged",
        )
        .with("comment-key", hostile)
        .with("args", "--label\ny=\"; touch pwned; \"")
        .github("head_ref", Value::from(hostile));
    let long = format!("{name}{}", "x".repeat(1_000 - name.len()));
    let scenario = SCENARIO
        .replace("name: GET /items", &format!("name: {}", json!(long)))
        .replace("name: sample", "name: \"sample ::error::forged\"")
        .replace("phase: warm", &format!("phase: {}", json!("::error::warm")));
    job.write("thresholds/sample/scenario.yml", &scenario);
    let acted = job.act();
    assert!(!acted.is_success, "{}", acted.log);
    for place in [
        job.workspace.clone(),
        job.workspace.join("thresholds/sample"),
    ] {
        assert!(!place.join("pwned").exists());
    }
    let forged = acted.commands.iter().filter(|line| {
        !line.starts_with("::error file=thresholds/sample/thresholds.yml,line=1,title=loadgate ")
    });
    assert_eq!(
        forged.count(),
        0,
        "{:#?} {}",
        acted.commands,
        acted.log.chars().take(3000).collect::<String>()
    );
    assert_eq!(acted.outputs["verdict"], "failed", "{}", acted.log);
    let body = api.of(BOT).concat();
    let marker = body.lines().next().unwrap();
    assert!(
        marker.starts_with("<!-- loadgate:touch-pwned") && marker.len() < 100,
        "{marker}"
    );
    for text in [&body, &acted.summary] {
        assert!(text.len() < 65_536);
        let outside: String = outside_code(text);
        assert!(
            !outside.contains('@') && !outside.contains("<img"),
            "{outside}"
        );
        assert_eq!(
            text.matches("-->").count(),
            text.matches("<!--").count() + outside_arrows(text),
            "{text}"
        );
    }
}

/// Arrows of foreign text that stand in code.
fn outside_arrows(text: &str) -> usize {
    text.matches("-->").count() - outside_code(text).matches("-->").count()
}

/// Markdown without its code spans and fences, in which nothing is a mention or a tag.
pub(crate) fn outside_code(text: &str) -> String {
    let mut in_fence = false;
    let mut outside = String::new();
    for line in text.lines() {
        if line.starts_with("```") {
            in_fence = !in_fence;
            continue;
        }
        if in_fence {
            continue;
        }
        for (index, part) in line.split('`').enumerate() {
            if index % 2 == 0 {
                outside += part;
            }
        }
        outside.push('\n');
    }
    outside
}

#[test]
fn the_code_under_test_never_sees_the_token() {
    let api = api();
    let binary = env!("CARGO_BIN_EXE_loadgate");
    let job = job("", ordinary(), &api)
        .with("target", "")
        .with(
            "target-cmd",
            &format!("env > seen; exec {binary} lambda --address 127.0.0.1:$LOADGATE_PORT"),
        )
        .variable("GITLAB_TOKEN", "glpat-a-token-that-nobody-may-see");
    job.act();
    let seen = job.read("seen");
    assert!(
        seen.contains("LOADGATE_PORT=") && !seen.contains("-that-nobody-may-see"),
        "{seen}"
    );
}

#[test]
fn several_jobs_measure_and_one_judges() {
    let api = api();
    let job = job("", ordinary(), &api);
    let job = ["a", "b", "c"].iter().fold(job, |job, name| {
        let out = format!("results/{name}");
        let job = job.with("command", "measure").with("out", &out);
        let acted = job.act();
        assert!(acted.is_success, "{}", acted.log);
        assert!(acted.summary.is_empty() && acted.commands.is_empty());
        assert!(!job.workspace.join(&out).join("junit.xml").exists());
        job
    });
    assert!(api.of(BOT).is_empty());
    let judging = job
        .with("command", "judge")
        .with("results", "results\n")
        .with("out", "judged")
        .with("target", "");
    let acted = judging.act();
    assert!(acted.is_success, "{}", acted.log);
    assert_eq!(acted.outputs["verdict"], "passed");
    assert!(
        acted.summary.contains("3 results")
            || judging.read("judged/junit.xml").contains("<testsuite")
    );
    let told = api.of(BOT);
    // A workflow that may comment is given the same results.
    let commenting = judging.with("command", "comment");
    let acted = commenting.act();
    assert!(acted.is_success, "{}", acted.log);
    assert_eq!(api.of(BOT), told, "{}", acted.log);
    // What cannot be judged is told with its reason.
    let judging = commenting.with("command", "judge");
    let other = SCENARIO.replace("users: 4", "users: 5");
    judging.write("thresholds/sample/scenario.yml", &other);
    let acted = judging.act();
    assert!(!acted.is_success, "{}", acted.log);
    let comment = api.of(BOT).concat();
    assert!(comment.contains("run of another scenario"), "{comment}");
}

/// A copy of the action's own files, with these checksums.
fn action_with(folder: &Path, checksums: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let copied = Command::new("cp")
        .arg("-r")
        .arg(root.join("action.yml"))
        .arg(root.join("Cargo.toml"))
        .arg(root.join("Cargo.lock"))
        .arg(folder)
        .status();
    assert!(copied.unwrap().success());
    for part in [".github/action", "src/main.rs"] {
        let to = folder.join(part);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        let copied = Command::new("cp")
            .arg("-r")
            .arg(root.join(part))
            .arg(to)
            .status();
        assert!(copied.unwrap().success());
    }
    std::fs::write(folder.join(".github/action/checksums.txt"), checksums).unwrap();
}

/// Serves one file to whoever asks, for as long as the test runs.
pub(crate) fn serving(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let head = format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                bytes.len()
            );
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(&bytes);
        }
    });
    url
}

#[test]
fn a_release_is_used_where_its_committed_checksum_holds() {
    for (os, arch, target, name) in [
        ("Linux", "X64", "x86_64-unknown-linux-musl", "loadgate"),
        ("macOS", "ARM64", "aarch64-apple-darwin", "loadgate"),
        ("Windows", "X64", "x86_64-pc-windows-msvc", "loadgate.exe"),
    ] {
        a_release_is_used(os, arch, target, name);
    }
}

fn a_release_is_used(os: &str, arch: &str, target: &str, name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let binary = folder.path().join(name);
    std::fs::write(
        &binary,
        format!(
            "#!/bin/sh\nexec {} \"$@\"\n",
            env!("CARGO_BIN_EXE_loadgate")
        ),
    )
    .unwrap();
    let run = |script: &str| {
        let output = Command::new("bash")
            .args(["-c", script])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let archive = format!("loadgate-0.1.0-{target}.tar.gz");
    run(&format!("chmod +x {name} && tar -czf {archive} {name}"));
    let checksum = run(&format!("sha256sum {archive}"));
    let url = serving(std::fs::read(folder.path().join(&archive)).unwrap());
    for (checksums, is_success) in [
        (checksum.clone(), true),
        // Of several versions the one of this source.
        (
            ["0.0.9", "0.10.0"]
                .iter()
                .fold(checksum.clone(), |sums, version| {
                    let sum = "0".repeat(64);
                    format!("{sums}{sum}  loadgate-{version}-{target}.tar.gz\n")
                }),
            true,
        ),
        (format!("{}  {archive}\n", "0".repeat(64)), false),
    ] {
        let action = tempfile::tempdir().unwrap();
        action_with(action.path(), &format!("# sums\n{checksums}"));
        let api = api();
        let job = job("", ordinary(), &api)
            .with("binary-path", "")
            .variable("RUNNER_OS", os)
            .variable("RUNNER_ARCH", arch)
            .variable("LOADGATE_RELEASES", &url)
            .github("action_repository", Value::from("loadgate/loadgate"));
        let acted = job.act_in(action.path());
        assert_eq!(acted.is_success, is_success, "{}", acted.log);
        assert_eq!(acted.log.contains("its checksum is another"), !is_success);
        assert_eq!(
            job.workspace.join("loadgate-out/result.json").exists(),
            is_success,
            "what is not released does not run"
        );
    }
}

#[test]
fn without_a_release_it_is_built_from_the_actions_source() {
    let api = api();
    let tools = tempfile::tempdir().unwrap();
    let cargo = tools.path().join("cargo");
    let script = format!(
        "#!/bin/sh\necho \"$@\" > {}/asked\nwhile [ \"$1\" != --target-dir ]; do shift; done\nmkdir -p \"$2/release\" && cp {} \"$2/release/loadgate\"\n",
        tools.path().display(),
        env!("CARGO_BIN_EXE_loadgate")
    );
    std::fs::write(&cargo, script).unwrap();
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$*\" >> {}/asked-root\n",
        tools.path().display()
    );
    std::fs::write(tools.path().join("sudo"), script).unwrap();
    sh(tools.path(), "chmod +x cargo sudo");
    let path = format!(
        "{}:{}",
        tools.path().display(),
        std::env::var("PATH").unwrap()
    );
    let job = job("", ordinary(), &api)
        .with("binary-path", "")
        .variable("PATH", &path);
    let acted = job.act();
    assert!(acted.is_success, "{}", acted.log);
    let (uses, with) = &acted.uses[0];
    assert!(uses.starts_with("actions/cache/restore@"));
    assert!(with["key"].starts_with("loadgate-Linux-X64-"));
    let (uses, saved) = &acted.uses[1];
    assert!(uses.starts_with("actions/cache/save@"));
    assert_eq!(
        (&saved["key"], &saved["path"]),
        (&with["key"], &with["path"])
    );
    assert!(with["path"].ends_with("loadgate-build/release/loadgate"));
    let asked = std::fs::read_to_string(tools.path().join("asked")).unwrap();
    assert!(asked.contains("build --release --locked"), "{asked}");
    let asked = std::fs::read_to_string(tools.path().join("asked-root")).unwrap();
    assert_eq!(
        asked,
        format!("-n setcap cap_sys_nice=ep {}\n", with["path"])
    );
}

/// Runs a script in a folder, all of which must work.
pub(crate) fn sh(folder: &Path, script: &str) -> String {
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(folder)
        .env("GIT_AUTHOR_NAME", "a")
        .env("GIT_AUTHOR_EMAIL", "a@example.com")
        .env("GIT_COMMITTER_NAME", "a")
        .env("GIT_COMMITTER_EMAIL", "a@example.com")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{script}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The stand-in's catalogue.
const CATALOGUE: &str = "\
name: catalogue
user_classes:
  - name: reader
    tasks:
      - steps: [{ get: /prod/catalog/items, name: GET /catalog/items, query: { limit: 20 } }]
load:
  - { phase: steady, arrivals: 100/s, for: 60s }
";

/// A repository with a service, its main branch, and a pull request that is that much slower, checked out as its merge and
/// without any history.
fn pull_request(slow: &str, load: Load) -> (Job, Api) {
    let api = api();
    let served = "echo \"$(cat built) of $(git rev-parse HEAD)\" >>\"$GITHUB_WORKSPACE/served\"";
    let serve = format!(
        "{served}; exec {} lambda --address 127.0.0.1:$LOADGATE_PORT",
        env!("CARGO_BIN_EXE_loadgate")
    );
    let job = Job::new()
        .replaying(load)
        .with("target", "")
        .with("gates", "gates/catalogue")
        .with("ready", "/prod/catalog/items")
        .with("build", "cp speed built; echo ::error::forged by a build")
        .with("serve", &serve)
        .variable("GITHUB_API_URL", &api.url());
    let origin = job.workspace.parent().unwrap().join("origin");
    std::fs::create_dir(&origin).unwrap();
    std::fs::create_dir_all(origin.join("gates/catalogue")).unwrap();
    std::fs::write(origin.join("gates/catalogue/scenario.yml"), CATALOGUE).unwrap();
    std::fs::write(
        origin.join("gates/catalogue/thresholds.yml"),
        "regression: { must_detect: { duet: 50% } }\n",
    )
    .unwrap();
    let base = sh(
        &origin,
        "git init -qb main . && echo 1 > speed && git add -A && git commit -qm one && git rev-parse HEAD",
    );
    sh(
        &origin,
        &format!(
            "git checkout -qb change && echo {slow} > speed && git commit -qam two --allow-empty"
        ),
    );
    sh(
        &origin,
        "git checkout -q main && echo later > file && git add -A && git commit -qm later",
    );
    sh(
        &origin,
        "git merge -q --no-ff -m merge change && git update-ref refs/pull/7/merge HEAD && git reset -q --hard HEAD^",
    );
    sh(&origin, "git config uploadpack.allowAnySHA1InWant true");
    sh(
        &job.workspace,
        &format!(
            "git init -q . && git remote add origin file://{} && git fetch -q --depth=1 origin refs/pull/7/merge && git checkout -q FETCH_HEAD",
            origin.display()
        ),
    );
    let event = json!({ "pull_request": { "number": 7, "head": { "sha": "3f2c9ab0" }, "base": { "sha": base } } });
    (job.github("event", event), api)
}

#[test]
fn a_pull_request_is_loaded_in_turns_with_a_build_of_its_base() {
    let (job, api) = pull_request("2", Load::taking(40.0).against(20.0));
    let acted = job.act();
    assert_eq!(acted.outputs["verdict"], "failed", "{}", acted.log);
    assert_eq!(acted.outputs["regressions"], "2");
    assert_eq!(acted.outputs["baseline-status"], "duet");
    assert!(api.of(BOT)[0].contains("### ❌"), "{:?}", api.of(BOT));
    let forged = acted.commands.iter().filter(|line| line.contains("forged"));
    assert_eq!(forged.count(), 0, "what a build prints is no command");
    // Both were built and served, each from its own checkout.
    let head = sh(&job.workspace, "git rev-parse HEAD");
    let served = job.read("served");
    let (of_head, of_base): (Vec<&str>, Vec<&str>) =
        served.lines().partition(|line| line.ends_with(&head));
    assert!(!of_head.is_empty() && of_head.iter().all(|line| line.starts_with("2 of ")));
    assert!(!of_base.is_empty() && of_base.iter().all(|line| line.starts_with("1 of ")));
    let (job, _) = pull_request("1", Load::taking(20.0).against(20.0));
    let acted = job.act();
    assert_eq!(acted.outputs["verdict"], "passed", "{}", acted.log);
    assert_eq!(acted.outputs["baseline-status"], "duet");
}

#[test]
fn a_base_that_does_not_build_is_said_and_not_compared() {
    let (job, _) = pull_request("1", ordinary());
    let build = "test -e file && grep -q . file && case $PWD in *loadgate-base*) exit 1;; esac; cp speed built";
    let acted = job.with("build", build).act();
    assert_eq!(acted.outputs["baseline-status"], "missing", "{}", acted.log);
    let warnings = acted
        .commands
        .iter()
        .filter(|line| line.starts_with("::warning "));
    assert_eq!(warnings.count(), 1, "{:?}", acted.commands);
}

#[test]
fn a_branch_keeps_the_baseline_of_concurrent_jobs() {
    let api = api();
    let new = |origin: &Path| {
        let job = job("", ordinary(), &api)
            .with("baseline-branch", "loadgate-baseline")
            .on_main();
        if !origin.exists() {
            sh(
                &job.workspace,
                &format!("git init -q --bare {}", origin.display()),
            );
        }
        sh(
            &job.workspace,
            &format!(
                "git init -q . && git add -A && git commit -qm one && git remote add origin file://{}",
                origin.display()
            ),
        );
        job
    };
    let home = tempfile::tempdir().unwrap();
    let origin = home.path().join("origin.git");
    let show = |path: &str| sh(&origin, &format!("git show loadgate-baseline:{path}"));
    // The first run begins the branch.
    let first = new(&origin);
    let acted = first.variable("GITHUB_RUN_ID", "1").act();
    assert!(acted.is_success, "{}", acted.log);
    assert_eq!(acted.outputs["baseline-status"], "missing");
    let held: Value = serde_json::from_str(&show("thresholds/sample/baseline.json")).unwrap();
    assert_eq!(held["jobs"].as_array().unwrap().len(), 1);
    // Two that end at the same time: both have restored the same state.
    let jobs = ["2", "3"].map(|id| new(&origin).variable("GITHUB_RUN_ID", id));
    let acted: Vec<Acted> = std::thread::scope(|scope| {
        let acting = jobs.each_ref().map(|job| scope.spawn(|| job.act()));
        acting.map(|acting| acting.join().unwrap()).into()
    });
    for acted in &acted {
        assert_eq!(acted.outputs["baseline-status"], "single", "{}", acted.log);
    }
    let held: Value = serde_json::from_str(&show("thresholds/sample/baseline.json")).unwrap();
    let passed = acted.iter().filter(|acted| acted.is_success).count();
    assert_eq!(
        held["jobs"].as_array().unwrap().len(),
        1 + passed,
        "{} {}",
        acted[0].log,
        acted[1].log
    );
    // A pull request reads the branch and does not write to it.
    let before = sh(&origin, "git rev-parse loadgate-baseline");
    let reading = new(&origin)
        .github("event_name", Value::from("pull_request"))
        .github("event", json!({ "pull_request": { "number": 7 } }));
    let acted = reading.act();
    assert_eq!(acted.outputs["baseline-status"], "single", "{}", acted.log);
    assert_eq!(sh(&origin, "git rev-parse loadgate-baseline"), before);
    // Another scenario begins a new ring.
    let other = new(&origin).variable("GITHUB_RUN_ID", "4");
    other.write(
        "thresholds/sample/scenario.yml",
        &SCENARIO.replace("users: 4", "users: 5"),
    );
    let acted = other.act();
    assert_eq!(
        acted.outputs["baseline-status"], "other-scenario",
        "{}",
        acted.log
    );
    let held: Value = serde_json::from_str(&show("thresholds/sample/baseline.json")).unwrap();
    assert_eq!(held["jobs"].as_array().unwrap().len(), 1);
}
