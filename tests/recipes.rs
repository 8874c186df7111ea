//! The recipes of README.md and the book, run from their text to a verdict.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::action::{BOT, api, job, ordinary, sh};
use crate::forks::commenting;
use crate::gitlab::Pipeline;
use crate::platform::{Api, Plays};
use crate::replay::{self, Load};
use crate::runner::Job;
use crate::support::{Ran, SCENARIO, pages, recipe};

fn steps(part: &str) -> Vec<Value> {
    serde_saphyr::from_str(&recipe(part)).unwrap()
}

/// A whole workflow.
pub(crate) fn workflow(part: &str) -> Value {
    serde_saphyr::from_str(&recipe(part)).unwrap()
}

/// What the recipes' gate is here: the stand-in's catalogue.
const CATALOGUE: &str = "\
name: api
user_classes:
  - name: reader
    tasks:
      - steps: [{ get: /prod/catalog/items, name: GET /catalog/items }]
load:
  - { phase: steady, arrivals: 100/s, for: 60s }
";

/// The same for a load that is sent.
const BRIEF: &str = "\
name: api
user_classes:
  - name: reader
    tasks:
      - steps: [{ get: /prod/catalog/items, name: GET /catalog/items }]
load:
  - { phase: steady, arrivals: 300/s, for: 2s }
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

/// The result that a job left.
fn result(workspace: &Path) -> Value {
    let text = std::fs::read_to_string(workspace.join("loadgate-out/result.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

const CANDIDATE: &str = "http://127.0.0.1:1";
const BASE: &str = "http://127.0.0.1:2";

/// Runs a recipe of two addresses with equal versions and with a slower candidate.
fn two_addresses(part: &str, context: impl Fn() -> (Value, Value)) {
    let step = &steps(part)[0];
    for (millis, verdict) in [(20.0, "passed"), (40.0, "failed")] {
        let api = api();
        let (event, vars) = context();
        let job = checkout(&api)
            .replaying(Load::taking(millis).against(20.0))
            .github("event_name", Value::from("deployment_status"))
            .github("event", event)
            .given_by(step, &json!({ "vars": vars }))
            .unwrap();
        let acted = job.act();
        assert_eq!(acted.outputs["verdict"], verdict, "{}", acted.log);
        assert_eq!(acted.outputs["baseline-status"], "duet");
        assert_eq!(acted.is_success, verdict == "passed");
        let result = result(&job.workspace);
        assert_eq!(result["target"]["url"], CANDIDATE);
        assert_eq!(result["base"]["url"], BASE);
    }
}

#[test]
fn a_preview_is_held_against_staging_once_it_is_deployed() {
    two_addresses("deployment_status", || {
        let status = json!({ "state": "success", "environment_url": CANDIDATE });
        let event = json!({ "deployment_status": status, "deployment": { "sha": "3f2c9ab0" } });
        (event, json!({ "STAGING_URL": BASE }))
    });
    let step = &steps("deployment_status")[0];
    let event = json!({ "deployment_status": { "state": "pending" } });
    let job = Job::new().github("event", event);
    let given = job.given_by(step, &json!({ "vars": {} }));
    assert!(given.is_none(), "nothing is there to be loaded");
}

#[test]
fn two_aliases_of_a_function_are_held_against_each_other() {
    two_addresses("CANDIDATE_ALIAS_URL", || {
        let vars = json!({ "CANDIDATE_ALIAS_URL": CANDIDATE, "BASE_ALIAS_URL": BASE });
        (json!({}), vars)
    });
}

/// A page of the book.
fn page(path: &str) -> String {
    pages()[Path::new(path)].clone()
}

/// How the book begins a history: the values of a matrix, and how many of its jobs run at a time.
fn seeding() -> (usize, usize) {
    let page = page("docs/src/how-to/keep-a-baseline.md");
    let (_, text) = page.split_once("`strategy: { max-parallel").unwrap();
    let (text, _) = text.split_once('`').unwrap();
    let strategy: Value =
        serde_saphyr::from_str(&format!("strategy: {{ max-parallel{text}")).unwrap();
    let strategy = &strategy["strategy"];
    let jobs = strategy["matrix"]["run"].as_array().unwrap().len();
    let at_once = strategy["max-parallel"].as_u64().unwrap();
    (jobs, usize::try_from(at_once).unwrap())
}

/// The inputs of the first workflow that the second one repeats.
fn repeated() -> Vec<String> {
    let page = page("docs/src/how-to/forks.md");
    let (_, text) = page.split_once("values of these inputs: ").unwrap();
    let (text, _) = text.split_once(".\n").unwrap();
    let names = text.split('`').skip(1).step_by(2);
    names.map(str::to_owned).collect()
}

/// A loadgate for jobs on runners of their own: they go on when the loads of so many have ended.
fn meeting(home: &Path, name: &str, jobs: usize) -> PathBuf {
    let (home, binary) = (home.display(), env!("CARGO_BIN_EXE_loadgate"));
    let script = format!(
        "#!/bin/sh
if [ \"$1\" != run ]; then exec {binary} \"$@\"; fi
status=0
{binary} \"$@\" || status=$?
echo ended >>{home}/{name}.ended
tries=0
while [ \"$(wc -l <{home}/{name}.ended)\" -lt {jobs} ] && [ $tries -lt 1200 ]; do
  tries=$((tries + 1))
  sleep 0.05
done
exit $status
"
    );
    let path = PathBuf::from(format!("{home}/{name}"));
    std::fs::write(&path, script).unwrap();
    sh(Path::new("."), &format!("chmod +x {}", path.display()));
    path
}

/// A repository whose jobs keep their baselines in a branch.
struct Branch {
    home: TempDir,
}

impl Branch {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        sh(home.path(), "git init -q --bare origin.git");
        Self { home }
    }

    fn origin(&self) -> PathBuf {
        self.home.path().join("origin.git")
    }

    /// A job of the recipe in a checkout, whose load is replayed.
    fn job(&self, api: &Api, load: Load, event: &str, run: &str) -> Job {
        let job = checkout(api)
            .replaying(load)
            .github("job", Value::from("performance"))
            .on_main()
            .variable("GITHUB_RUN_ID", run)
            .given_by(
                &steps("baseline-branch")[0],
                &json!({ "vars": { "STAGING_URL": CANDIDATE } }),
            )
            .unwrap();
        let job = match event {
            "pull_request" => job
                .github("event_name", Value::from(event))
                .github("event", json!({ "pull_request": { "number": 7 } })),
            _ => job.github("event_name", Value::from(event)),
        };
        let origin = self.origin();
        sh(
            &job.workspace,
            &format!(
                "git init -q . && git add -A && git commit -qm one && git remote add origin file://{}",
                origin.display()
            ),
        );
        job
    }

    /// The comment that the second workflow makes of a job's result, with these of the recipe's inputs.
    fn told_again(&self, first: &Job, inputs: &[String]) -> String {
        let (api, workflow) = (api(), workflow("workflow_run: {"));
        let step = &steps("baseline-branch")[0];
        let with = step["with"].as_object().unwrap().iter();
        let repeated = with.filter(|(name, _)| inputs.contains(name));
        let job = repeated.fold(
            commenting(&api, &workflow["jobs"]["performance"]),
            |job, (name, value)| job.with(name, value.as_str().unwrap()),
        );
        let origin = self.origin();
        let lay = format!(
            "cp -r {0}/thresholds {0}/loadgate-out . && rm -f thresholds/api/baseline.json
             sed -i 's/\"github-[0-9]*\"/\"github-1842\"/' loadgate-out/result.json && git init -q . && git remote add origin file://{1}",
            first.workspace.display(),
            origin.display()
        );
        sh(&job.workspace, &lay);
        let acted = job.act();
        assert!(acted.is_success, "{}", acted.log);
        api.of(BOT).concat()
    }

    /// Each job that is held: its run and when it started.
    fn held(&self) -> Vec<(String, String)> {
        let show = "git show loadgate-baseline:thresholds/api/baseline.json";
        let held: Value = serde_json::from_str(&sh(&self.origin(), show)).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let jobs = held["jobs"].as_array().unwrap().iter();
        jobs.map(|job| (text(&job["id"]), text(&job["started"])))
            .collect()
    }

    /// Lets jobs run and end at the same time.
    fn together(&self, name: &str, jobs: Vec<Job>) -> Vec<Job> {
        let wrapper = meeting(self.home.path(), name, jobs.len());
        let with = |job: Job| job.with("binary-path", wrapper.to_str().unwrap());
        let jobs: Vec<Job> = jobs.into_iter().map(with).collect();
        std::thread::scope(|scope| {
            for job in &jobs {
                scope.spawn(move || {
                    let acted = job.act();
                    assert!(acted.is_success, "{}", acted.log);
                });
            }
        });
        jobs
    }
}

#[test]
fn a_branch_of_five_jobs_catches_a_slower_change_and_drift() {
    let (branch, api) = (Branch::new(), api());
    let home = branch.home.path();
    let (jobs, at_once) = seeding();
    assert_eq!((jobs, at_once), (5, 1));
    let dispatched = |run: &str, index: usize| {
        let day = u32::try_from(index).unwrap();
        let load = Load::taking(20.0).on_day(day);
        let job = branch.job(&api, load, "workflow_dispatch", run);
        job.of_matrix(day.into())
    };
    // All but the last one after another; with the last ends the first of a second dispatch.
    for index in 0..jobs - 1 {
        branch.together(&format!("one-{index}"), vec![dispatched("1", index)]);
    }
    let last = vec![dispatched("1", jobs - 1), dispatched("2", 0)];
    let last = branch.together("two", last);
    let held = branch.held();
    let of = |run: &str| held.iter().filter(|(id, _)| id == run).count();
    assert_eq!((of("github-1"), of("github-2")), (jobs, 1), "{held:?}");
    let distinct: BTreeSet<_> = held.iter().collect();
    assert_eq!(distinct.len(), jobs + 1, "no job is held twice: {held:?}");

    let run = |millis: f64, event: &str, run: &str| {
        let load = Load::taking(millis).on_day(7);
        let job = branch.job(&api, load, event, run);
        (job.act(), job)
    };
    let (acted, first) = run(40.0, "pull_request", "3");
    assert_eq!(acted.outputs["baseline-status"], "history", "{}", acted.log);
    assert_eq!(acted.outputs["verdict"], "failed", "{}", acted.log);
    // Red in the first workflow is red in the second, which says so where it has nothing to compare with.
    let comment = branch.told_again(&first, &repeated());
    assert!(
        comment.contains("### ❌") && comment.contains("slower"),
        "{comment}"
    );
    let comment = branch.told_again(&first, &[]);
    assert!(comment.contains("nothing was compared"), "{comment}");
    assert_eq!(branch.held().len(), jobs + 1, "a pull request adds nothing");

    // A release is fixed as the anchor, as the book says. By now its job has left the ring, whose jobs are all slower.
    let (acted, released) = run(12.0, "pull_request", "4");
    assert!(acted.is_success, "{}", acted.log);
    let record = |job: &Job, baseline: &str, more: &str| {
        let record = format!(
            "{} record thresholds/api loadgate-out/result.json {more} --baseline {}/{baseline}",
            env!("CARGO_BIN_EXE_loadgate"),
            home.display()
        );
        sh(&job.workspace, &record)
    };
    // It ran as a pull request's, to stay out of the branch, and counts as another's.
    let result = released.workspace.join("loadgate-out/result.json");
    let text = std::fs::read_to_string(&result).unwrap();
    let mut merged: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(merged["run"]["proposed"].take(), Value::Bool(true));
    merged["run"].as_object_mut().unwrap().remove("proposed");
    std::fs::write(&result, merged.to_string()).unwrap();
    record(&released, "release.json", "--anchor");
    let clone = format!(
        "git clone -qb loadgate-baseline file://{} clone",
        branch.origin().display()
    );
    sh(home, &clone);
    let kept = "clone/thresholds/api/baseline.json";
    record(&last[0], kept, "");
    let read = |file: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(home.join(file)).unwrap()).unwrap()
    };
    let mut baseline = read(kept);
    baseline["anchor"] = read("release.json")["anchor"].clone();
    assert!(baseline["anchor"].is_object());
    std::fs::write(home.join(kept), baseline.to_string()).unwrap();
    sh(&home.join("clone"), "git commit -qam anchor && git push -q");
    assert_eq!(
        branch.held().len(),
        jobs + 1,
        "a job that is held is not held twice"
    );
    // Nothing is slower than the jobs before: what was added up since the release decides, and on main alone.
    for (event, id, verdict) in [("pull_request", "5", "passed"), ("push", "6", "failed")] {
        let (acted, _) = run(20.0, event, id);
        assert_eq!(acted.outputs["verdict"], verdict, "{}", acted.log);
        assert_eq!(acted.is_success, verdict == "passed");
        assert_eq!(acted.outputs["baseline-status"], "history");
        assert!(
            acted.summary.contains("since the anchor"),
            "{}",
            acted.summary
        );
        let failed = acted
            .summary
            .lines()
            .filter(|line| line.starts_with("| ❌"));
        let failed: Vec<&str> = failed.collect();
        assert_eq!(failed.is_empty(), verdict == "passed", "{}", acted.summary);
        assert!(
            failed.iter().all(|line| line.contains("since the anchor")),
            "{}",
            acted.summary
        );
    }
    assert_eq!(
        branch.held().len(),
        jobs + 1,
        "what was judged worse is not added"
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
        let context = |part: usize| json!({ "vars": { "STAGING_URL": CANDIDATE }, "matrix": { "part": part } });
        let store = tempfile::tempdir().unwrap();
        let checkout = || {
            let job = Job::new().variable("GITHUB_API_URL", &api.url());
            job.write("thresholds/api/scenario.yml", SCENARIO);
            let limits = format!("limits: {{ overall: {{ p95: {limit} }} }}");
            job.write("thresholds/api/thresholds.yml", &limits);
            job
        };
        for part in 1..=3 {
            let load = Load::taking(2.0).on_day(u32::try_from(part).unwrap());
            let job = checkout().replaying(load);
            let job = job.given_by(measures, &context(part)).unwrap();
            let acted = job.act();
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
        let acted = round(limit);
        assert_eq!(acted.outputs["verdict"], verdict, "{}", acted.log);
        assert_eq!(acted.is_success, verdict == "passed");
        assert_eq!(acted.outputs["results-path"].lines().count(), 3);
        let sign = if verdict == "passed" { "✅" } else { "❌" };
        let comment = api.of(BOT).concat();
        assert!(
            comment.contains(&format!("### {sign}")),
            "{comment} {}",
            acted.log
        );
    }
}

/// Runs the shell lines of a recipe in a checkout of the gate, with a generated load.
fn shell(script: &str, home: &Path, load: &Load, variables: &[(&str, &str)]) -> Ran {
    let binary = Path::new(env!("CARGO_BIN_EXE_loadgate")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let replayed = tempfile::tempdir().unwrap();
    let scenarios = replay::scenarios(home);
    load.write(replayed.path(), scenarios.iter().map(String::as_str));
    let output = Command::new("sh")
        .args(["-e", "-c", script])
        .current_dir(home)
        .env_clear()
        .env("PATH", &path)
        .env(replay::VARIABLE, replayed.path())
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output();
    Ran::new(&output.unwrap())
}

#[test]
fn a_release_is_held_against_the_one_before_by_the_plain_binary() {
    let script = recipe("RELEASED_URL");
    let home = tempfile::tempdir().unwrap();
    let gate = home.path().join("thresholds/api");
    std::fs::create_dir_all(&gate).unwrap();
    std::fs::write(gate.join("scenario.yml"), CATALOGUE).unwrap();
    for (millis, code) in [(20.0, 0), (40.0, 1)] {
        let variables = [("CANDIDATE_URL", CANDIDATE), ("RELEASED_URL", BASE)];
        let load = Load::taking(millis).against(20.0);
        shell(&script, home.path(), &load, &variables).exits(code);
        let result = result(home.path());
        assert_eq!(result["target"]["url"], CANDIDATE);
        assert_eq!(result["base"]["url"], BASE);
        let junit = std::fs::read_to_string(home.path().join("loadgate-out/junit.xml")).unwrap();
        assert_eq!(junit.contains("<failure"), code == 1, "{junit}");
    }
}

#[test]
fn other_platforms_run_the_binary_and_publish_its_files() {
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
            let variables = [("TARGET_URL", CANDIDATE)];
            shell(&script, home.path(), &Load::taking(2.0), &variables).exits(code);
            let junit = std::fs::read_to_string(home.path().join(&junit)).unwrap();
            assert!(junit.contains("<testsuite"));
            assert_eq!(junit.contains("<failure"), code == 1, "{script}: {junit}");
        }
    }
}

#[test]
fn a_history_of_another_runner_type_is_no_baseline() {
    let api = api();
    let job = job("", ordinary(), &api).github("event_name", Value::from("push"));
    let job = job.with("args", "--record");
    let acted = job.act();
    assert!(acted.is_success, "{}", acted.log);
    let baseline = "thresholds/sample/baseline.json";
    let mut held: Value = serde_json::from_str(&job.read(baseline)).unwrap();
    let cores = held["jobs"][0]["environment"]["cores"].as_u64().unwrap();
    held["jobs"][0]["environment"]["cores"] = json!(cores + 2);
    job.write(baseline, &held.to_string());
    let acted = job.with("args", "").act();
    assert!(acted.is_success, "the limits decide: {}", acted.log);
    assert_eq!(acted.outputs["baseline-status"], "no-match");
    assert!(acted.summary.contains("cores"), "{}", acted.summary);
}

#[test]
fn a_wanted_slow_down_passes_by_the_entry_of_the_comment() {
    let api = api();
    let job = checkout(&api)
        .replaying(Load::taking(32.0).against(20.0))
        .with("gates", "thresholds/api")
        .with("target", CANDIDATE)
        .with("against", BASE);
    let acted = job.act();
    assert_eq!(acted.outputs["verdict"], "failed", "{}", acted.log);
    let comment = api.of(BOT).concat();
    let (_, entry) = comment.split_once("```yaml\n").unwrap();
    let (entry, _) = entry.split_once("```").unwrap();
    assert!(entry.contains("accepted:"), "{entry}");
    // As somebody would: the entry in place, with a reason.
    let entry = entry.replace("regression:", "regression:\n  must_detect: { duet: 50% }");
    job.write("thresholds/api/thresholds.yml", &entry);
    let acted = job.act();
    assert!(acted.is_success, "{entry} {}", acted.log);
    assert_eq!(acted.outputs["verdict"], "passed", "{entry} {}", acted.log);
    assert!(acted.summary.contains("accepted"), "{}", acted.summary);
}

#[test]
fn a_changed_scenario_is_judged_by_limits_and_shows_its_diff() {
    let api = api();
    let job = job("", ordinary(), &api).github("event_name", Value::from("push"));
    let job = job.with("args", "--record");
    let acted = job.act();
    assert!(acted.is_success, "{}", acted.log);
    let job = job
        .with("args", "")
        .github("event_name", Value::from("pull_request"));
    job.write(
        "thresholds/sample/scenario.yml",
        &SCENARIO.replace("users: 4", "users: 5"),
    );
    for (thresholds, verdict) in [
        ("", "passed"),
        ("limits: { overall: { p95: 1us } }", "failed"),
    ] {
        job.write("thresholds/sample/thresholds.yml", thresholds);
        let acted = job.act();
        assert_eq!(acted.outputs["verdict"], verdict, "{}", acted.log);
        assert_eq!(acted.outputs["baseline-status"], "other-scenario");
        assert!(
            acted.summary.contains("+    users: \"5\""),
            "{}",
            acted.summary
        );
    }
}

#[test]
fn the_documented_gitlab_job_adds_to_the_history() {
    let api = Api::start(Plays::GitLab, Some("bot"));
    let home = tempfile::tempdir().unwrap();
    let gate = home.path().join("thresholds/api");
    std::fs::create_dir_all(&gate).unwrap();
    std::fs::write(gate.join("scenario.yml"), BRIEF).unwrap();
    std::fs::write(
        gate.join("thresholds.yml"),
        "regression: { gate: [error_rate] }",
    )
    .unwrap();
    std::fs::write(
        home.path().join(".gitlab-ci.yml"),
        recipe("templates/loadgate.yml"),
    )
    .unwrap();
    let binary = env!("CARGO_BIN_EXE_loadgate");
    let makefile = format!(
        "all:\n\techo built >built\nrun:\n\ttest -e built && exec {binary} lambda --address 127.0.0.1:$(PORT) --latency 20ms --provisioned 200\n"
    );
    std::fs::write(home.path().join("Makefile"), makefile).unwrap();
    let pipeline = |id: &str| {
        // Of use to merge requests alone.
        Pipeline::of(home.path(), &api)
            .loading(None)
            .variable("LOADGATE_PAIRS", "8")
            .variable("CI_PIPELINE_ID", id)
            .run()
    };
    pipeline("1").exits(0);
    pipeline("2").exits(0).tells(&["1 baseline job"]);
    assert!(home.path().join("loadgate-out/junit.xml").exists());
}
