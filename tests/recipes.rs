//! The README's recipes, run from their text to a verdict.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::action::{act, api, job, sh};
use crate::platform::Api;
use crate::runner::{Acted, Job};
use crate::support::{Ran, SCENARIO, Server, StandIn, alone, fell_behind};

/// The README's fenced text that holds this.
fn recipe(part: &str) -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let blocks = readme.split("\n```").skip(1).step_by(2);
    let mut found = blocks.filter(|block| block.contains(part));
    let block = found
        .next()
        .unwrap_or_else(|| panic!("no recipe with {part}"));
    assert!(found.next().is_none(), "two recipes with {part}");
    block.split_once('\n').unwrap().1.to_owned()
}

fn steps(part: &str) -> Vec<Value> {
    serde_saphyr::from_str(&recipe(part)).unwrap()
}

/// What the recipes' gate is here: the stand-in's catalogue, dense enough for a short verdict.
const CATALOGUE: &str = "\
name: api
user_classes:
  - name: reader
    tasks:
      - steps: [{ get: /prod/catalog/items, name: GET /catalog/items }]
load:
  - { phase: steady, arrivals: 500/s, for: 6s, max_users: 200 }
";

/// A job with the recipes' gate in its checkout.
fn checkout(api: &Api) -> Job {
    let job = Job::new().variable("GITHUB_API_URL", &api.url());
    job.write("thresholds/api/scenario.yml", CATALOGUE);
    job.write(
        "thresholds/api/thresholds.yml",
        "regression: { must_detect: { duet: 50% } }\n",
    );
    job
}

fn stand_in(home: &Path, slow: &str) -> StandIn {
    let arguments = ["--latency", "20ms", "--provisioned", "200", "--slow", slow];
    StandIn::start(home, &arguments)
}

/// Runs a recipe of two addresses against equal versions and against a slower one, its slices shortened.
fn two_addresses(part: &str, context: impl Fn(&str, &str) -> (Value, Value)) {
    let step = &steps(part)[0];
    let home = tempfile::tempdir().unwrap();
    let base = stand_in(home.path(), "1");
    for (slow, verdict) in [("1", "passed"), ("2", "failed")] {
        let (api, candidate) = (api(), stand_in(home.path(), slow));
        let (event, vars) = context(&candidate.url, &base.url);
        let job = checkout(&api)
            .github("event_name", Value::from("deployment_status"))
            .github("event", event)
            .given_by(step, &json!({ "vars": vars }))
            .unwrap();
        let acted = act(&job.with("pairs", "8").with("slice", "1s"));
        assert_eq!(acted.outputs["verdict"], verdict, "{}", acted.log);
        assert_eq!(acted.outputs["baseline-status"], "duet");
        assert_eq!(acted.is_success, verdict == "passed");
    }
}

#[test]
fn a_preview_is_held_against_staging_once_it_is_deployed() {
    two_addresses("deployment_status", |candidate, base| {
        let status = json!({ "state": "success", "environment_url": candidate });
        let event = json!({ "deployment_status": status, "deployment": { "sha": "3f2c9ab0" } });
        (event, json!({ "STAGING_URL": base }))
    });
    let step = &steps("deployment_status")[0];
    let event = json!({ "deployment_status": { "state": "pending" } });
    let job = Job::new().github("event", event);
    let given = job.given_by(step, &json!({ "vars": {} }));
    assert!(given.is_none(), "nothing is there to be loaded");
}

#[test]
fn two_aliases_of_a_function_are_held_against_each_other() {
    two_addresses("CANDIDATE_ALIAS_URL", |candidate, base| {
        let vars = json!({ "CANDIDATE_ALIAS_URL": candidate, "BASE_ALIAS_URL": base });
        (json!({}), vars)
    });
}

#[test]
fn a_branch_begun_by_five_jobs_of_one_dispatch_is_a_history_that_catches_a_slower_pull_request_and_drift_on_main()
 {
    let step = &steps("baseline-branch")[0];
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    assert!(readme.contains("matrix: { run: [1, 2, 3, 4, 5] }"));
    let home = tempfile::tempdir().unwrap();
    let origin = home.path().join("origin.git");
    sh(
        home.path(),
        &format!("git init -q --bare {}", origin.display()),
    );
    let run = |slow: &str, event: &str, id: &str| -> (Acted, Job) {
        let (api, target) = (api(), stand_in(home.path(), slow));
        let job = checkout(&api)
            .github("event_name", Value::from(event))
            .github("event", json!({ "pull_request": { "number": 7 } }))
            .variable("GITHUB_RUN_ID", id)
            .given_by(step, &json!({ "vars": { "STAGING_URL": target.url } }))
            .unwrap();
        sh(
            &job.workspace,
            &format!(
                "git init -q . && git add -A && git commit -qm one && git remote add origin file://{}",
                origin.display()
            ),
        );
        (act(&job), job)
    };
    for _ in 0..4 {
        let (acted, _) = run("1", "workflow_dispatch", "1");
        assert!(acted.is_success, "{}", acted.log);
    }
    let (acted, fifth) = run("1", "workflow_dispatch", "1");
    assert!(acted.is_success, "{}", acted.log);
    let show = "git show loadgate-baseline:thresholds/api/baseline.json";
    let held: Value = serde_json::from_str(&sh(&origin, show)).unwrap();
    assert_eq!(held["jobs"].as_array().unwrap().len(), 5);
    let (acted, _) = run("1", "pull_request", "2");
    assert_eq!(acted.outputs["baseline-status"], "history", "{}", acted.log);
    assert!(acted.is_success, "{}", acted.log);
    let (acted, _) = run("2", "pull_request", "3");
    assert_eq!(acted.outputs["verdict"], "failed", "{}", acted.log);
    // A release is fixed as the anchor, as the README says, and main is held against it too.
    sh(
        home.path(),
        &format!(
            "git clone -qb loadgate-baseline file://{} anchored",
            origin.display()
        ),
    );
    let anchored = home.path().join("anchored");
    sh(
        &fifth.workspace,
        &format!(
            "{} record thresholds/api loadgate-out/result.json --anchor --baseline {}/thresholds/api/baseline.json",
            env!("CARGO_BIN_EXE_loadgate"),
            anchored.display()
        ),
    );
    sh(&anchored, "git commit -qam anchor && git push -q");
    let (acted, _) = run("2", "push", "4");
    assert_eq!(acted.outputs["verdict"], "failed", "{}", acted.log);
    assert!(
        acted.summary.to_lowercase().contains("anchor"),
        "{}",
        acted.summary
    );
}

#[test]
fn three_jobs_measure_and_one_judges_what_they_left() {
    let parts = steps("command: measure");
    let [measures, downloads, judges] = &parts[..] else {
        panic!("three steps");
    };
    assert!(
        downloads["uses"]
            .as_str()
            .unwrap()
            .starts_with("actions/download-artifact@")
    );
    let api = api();
    let round = |limit: &str| {
        let server = Server::fast();
        let context = |part: usize| json!({ "vars": { "STAGING_URL": server.url() }, "matrix": { "part": part } });
        let store = tempfile::tempdir().unwrap();
        let checkout = || {
            let job = Job::new().variable("GITHUB_API_URL", &api.url());
            job.write("thresholds/api/scenario.yml", SCENARIO);
            let limits = format!("limits: {{ overall: {{ p95: {limit} }} }}");
            job.write("thresholds/api/thresholds.yml", &limits);
            job
        };
        for part in 1..=3 {
            let job = checkout().given_by(measures, &context(part)).unwrap();
            let acted = act(&job);
            assert!(acted.is_success, "{}", acted.log);
            let upload = acted
                .uses
                .iter()
                .find(|(uses, _)| uses.contains("upload-artifact@"));
            let (_, with) = upload.unwrap();
            let to = store.path().join(part.to_string());
            let copied = Command::new("cp")
                .arg("-r")
                .arg(&with["path"])
                .arg(to)
                .status();
            assert!(copied.unwrap().success());
        }
        let job = checkout().given_by(judges, &context(0)).unwrap();
        let to = job
            .workspace
            .join(downloads["with"]["path"].as_str().unwrap());
        let copied = Command::new("cp")
            .arg("-r")
            .arg(store.path())
            .arg(to)
            .status();
        assert!(copied.unwrap().success());
        job.act()
    };
    for (limit, verdict) in [("1s", "passed"), ("1us", "failed")] {
        let mut rounds = (0..6).map(|_| round(limit));
        let acted = rounds.find(|acted| !fell_behind(&acted.log));
        let acted = acted.expect("in six rounds, the machine was once idle enough");
        assert_eq!(acted.outputs["verdict"], verdict, "{}", acted.log);
        assert_eq!(acted.is_success, verdict == "passed");
    }
}

/// Runs the shell lines of a recipe in a checkout of the gate.
fn shell(script: &str, home: &Path, variables: &[(&str, &str)]) -> Ran {
    let binary = Path::new(env!("CARGO_BIN_EXE_loadgate")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let _alone = alone();
    let once = || {
        let output = Command::new("sh")
            .args(["-e", "-c", script])
            .current_dir(home)
            .env_clear()
            .env("PATH", &path)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .output();
        Ran::new(&output.unwrap())
    };
    let mut tries = (0..6).map(|_| once());
    tries
        .find(|ran| !fell_behind(&ran.stdout))
        .expect("in six tries, the machine was once idle enough")
}

#[test]
fn a_release_is_held_against_the_one_before_by_the_plain_binary() {
    let script = recipe("RELEASED_URL");
    let home = tempfile::tempdir().unwrap();
    let gate = home.path().join("thresholds/api");
    std::fs::create_dir_all(&gate).unwrap();
    std::fs::write(gate.join("scenario.yml"), CATALOGUE).unwrap();
    let base = stand_in(home.path(), "1");
    for (slow, code) in [("1", 0), ("2", 1)] {
        let candidate = stand_in(home.path(), slow);
        let variables = [
            ("CANDIDATE_URL", candidate.url.as_str()),
            ("RELEASED_URL", &base.url),
            ("LOADGATE_PAIRS", "12"),
            ("LOADGATE_SLICE", "1s"),
        ];
        let ran = shell(&script, home.path(), &variables).exits(code);
        let _ = ran.tells(&["duet"]);
        let junit = std::fs::read_to_string(home.path().join("loadgate-out/junit.xml")).unwrap();
        assert_eq!(junit.contains("<failure"), code == 1, "{junit}");
    }
}

#[test]
fn other_platforms_run_the_binary_and_publish_what_it_writes_whatever_the_verdict() {
    let circle: Value = serde_saphyr::from_str(&recipe("CircleCI")).unwrap();
    let circle = circle["jobs"]["performance"]["steps"].as_array().unwrap();
    let azure: Value = serde_saphyr::from_str(&recipe("Azure Pipelines")).unwrap();
    let jenkins = recipe("agent any");
    let quoted = |before: &str| {
        let (_, rest) = jenkins.split_once(before).unwrap();
        rest.split_once('\'').unwrap().0.to_owned()
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    assert!(jenkins.contains("post { always {"));
    assert_eq!(azure["steps"][1]["condition"], "always()");
    let stored = text(&circle[2]["store_test_results"]["path"]);
    let published = &azure["steps"][1]["inputs"]["testResultsFiles"];
    for (script, junit) in [
        (quoted("sh '"), quoted("junit '")),
        (text(&circle[1]["run"]), format!("{stored}/junit.xml")),
        (text(&azure["steps"][0]["script"]), text(published)),
    ] {
        for (limit, code) in [("1s", 0), ("1us", 1)] {
            let home = tempfile::tempdir().unwrap();
            let gate = home.path().join("thresholds/api");
            std::fs::create_dir_all(&gate).unwrap();
            std::fs::write(gate.join("scenario.yml"), SCENARIO).unwrap();
            let limits = format!("limits: {{ overall: {{ p95: {limit} }} }}");
            std::fs::write(gate.join("thresholds.yml"), limits).unwrap();
            let server = Server::fast();
            let url = server.url();
            shell(&script, home.path(), &[("TARGET_URL", url.as_str())]).exits(code);
            let junit = std::fs::read_to_string(home.path().join(&junit)).unwrap();
            assert!(junit.contains("<testsuite"));
            assert_eq!(junit.contains("<failure"), code == 1, "{script}: {junit}");
        }
    }
}

#[test]
fn a_history_of_another_runner_type_is_no_baseline() {
    let (server, api) = (Server::fast(), api());
    let job = job("", &server, &api).github("event_name", Value::from("push"));
    let job = job.with("args", "--record");
    let acted = act(&job);
    assert!(acted.is_success, "{}", acted.log);
    let baseline = "thresholds/sample/baseline.json";
    let mut held: Value = serde_json::from_str(&job.read(baseline)).unwrap();
    let cores = held["jobs"][0]["environment"]["cores"].as_u64().unwrap();
    held["jobs"][0]["environment"]["cores"] = json!(cores + 2);
    job.write(baseline, &held.to_string());
    let acted = act(&job.with("args", ""));
    assert!(acted.is_success, "the limits decide: {}", acted.log);
    assert_eq!(acted.outputs["baseline-status"], "no-match");
    assert!(acted.summary.contains("cores"), "{}", acted.summary);
}

#[test]
fn a_wanted_slow_down_passes_by_the_entry_that_the_comment_holds() {
    let api = api();
    let home = tempfile::tempdir().unwrap();
    let (base, slower) = (stand_in(home.path(), "1"), stand_in(home.path(), "1.6"));
    let job = checkout(&api)
        .with("gates", "thresholds/api")
        .with("target", &slower.url)
        .with("against", &base.url)
        .with("pairs", "8")
        .with("slice", "1s");
    let acted = act(&job);
    assert_eq!(acted.outputs["verdict"], "failed", "{}", acted.log);
    let comment = api.of(crate::action::BOT).concat();
    let (_, entry) = comment.split_once("```yaml\n").unwrap();
    let (entry, _) = entry.split_once("```").unwrap();
    assert!(entry.contains("accepted:"), "{entry}");
    // As somebody would: the entry in place, with a reason.
    let entry = entry.replace("regression:", "regression:\n  must_detect: { duet: 50% }");
    job.write("thresholds/api/thresholds.yml", &entry);
    let acted = act(&job);
    assert!(acted.is_success, "{entry} {}", acted.log);
    assert_eq!(acted.outputs["verdict"], "passed", "{entry} {}", acted.log);
    assert!(acted.summary.contains("accepted"), "{}", acted.summary);
}
