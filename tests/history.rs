//! The history that the action keeps: which runs are added to it, that jobs at the same time lose nothing, and that what
//! cannot be read is an error with its cause and never a missing baseline.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::action::{api, job, ordinary, sh};
use crate::platform::{Api, Fault};
use crate::runner::{Acted, Job};
use crate::support::SCENARIO;

const NAME: &str = "loadgate-baseline";

/// An artifact of a run as the platform lists it.
fn artifact(id: u64, name: &str, branch: &str) -> Value {
    json!({ "id": id, "name": name, "expired": false, "workflow_run": {
        "id": id * 10, "head_branch": branch, "head_repository_id": 1, "repository_id": 1,
    }})
}

impl Job {
    /// The same with a program in place of loadgate, which leaves the files of a run and of a record.
    fn played(self) -> Self {
        self.write(
            "binary",
            "#!/bin/sh\nfor last; do :; done\ncase \"$1\" in\nrun) echo {} >result.json; echo results-path=result.json >>\"$GITHUB_OUTPUT\" ;;\nrecord) echo {} >\"$last\" ;;\nesac\n",
        );
        sh(&self.workspace, "chmod +x binary");
        let binary = self.workspace.join("binary");
        self.with("binary-path", binary.to_str().unwrap())
    }
}

/// A job of the main branch with one gate, whose baseline is an artifact.
fn keeping(api: &Api, run: &str) -> Job {
    let job = job("", ordinary(), api)
        .with("baseline-artifact", NAME)
        .on_main()
        .variable("GITHUB_REF_NAME", "main")
        .variable("GITHUB_RUN_ID", run);
    sh(&job.workspace, "git init -q .");
    job
}

fn gate(job: &Job, name: &str) {
    let scenario = SCENARIO.replace("name: sample", &format!("name: {name}"));
    job.write(&format!("thresholds/{name}/scenario.yml"), &scenario);
}

/// What a step that uses an action is given.
fn given<'a>(acted: &'a Acted, action: &str) -> Vec<&'a BTreeMap<String, String>> {
    let of = acted.uses.iter().filter(|(uses, _)| uses.contains(action));
    of.map(|(_, with)| with).collect()
}

/// The artifact with baselines that a job uploads: its name and its folder.
fn uploaded(acted: &Acted) -> Option<(String, PathBuf)> {
    let uploads = given(acted, "upload-artifact@");
    let mut of_baselines = uploads
        .into_iter()
        .filter(|with| with["name"].starts_with(NAME));
    let with = of_baselines.next()?;
    assert_eq!(with["overwrite"], "true");
    Some((with["name"].clone(), PathBuf::from(&with["path"])))
}

/// How many jobs a baseline holds.
fn held(folder: &Path, gate: &str) -> usize {
    let file = folder.join(format!("thresholds/{gate}/baseline.json"));
    let held: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    held["jobs"].as_array().unwrap().len()
}

#[test]
fn an_artifact_of_main_keeps_the_baseline_and_no_other_is_taken() {
    let api = api();
    // Expired, of another branch, of a fork.
    let mut old = artifact(7, NAME, "main");
    old["expired"] = Value::Bool(true);
    let mut foreign = artifact(8, NAME, "main");
    foreign["workflow_run"]["head_repository_id"] = json!(2);
    api.artifacts(&[artifact(9, NAME, "change"), foreign, old]);
    let first = keeping(&api, "1");
    let acted = first.act();
    assert!(acted.is_success, "{}", acted.log);
    assert_eq!(acted.outputs["baseline-status"], "missing");
    assert!(given(&acted, "download-artifact@").is_empty());
    let (name, folder) = uploaded(&acted).unwrap();
    assert_eq!(held(&folder, "sample"), 1);
    // The newest of main is taken, and added to.
    api.artifacts(&[
        artifact(9, &name, "change"),
        artifact(6, &name, "main"),
        artifact(5, &name, "main"),
    ]);
    let second = keeping(&api, "2").artifact(&folder);
    let acted = second.act();
    assert_eq!(acted.outputs["baseline-status"], "single", "{}", acted.log);
    let download = given(&acted, "download-artifact@")[0];
    assert_eq!(
        (
            download["run-id"].as_str(),
            download["name"].as_str(),
            download["pattern"].as_str()
        ),
        ("60", name.as_str(), "")
    );
    let (again, grown) = uploaded(&acted).unwrap();
    assert_eq!((again, held(&grown, "sample")), (name, 2));
    // A pull request reads it, and leaves none.
    let reading = keeping(&api, "3")
        .artifact(&folder)
        .github("event_name", Value::from("pull_request"))
        .github(
            "event",
            json!({ "pull_request": { "number": 7 }, "repository": { "default_branch": "main" } }),
        );
    let acted = reading.act();
    assert_eq!(acted.outputs["baseline-status"], "single", "{}", acted.log);
    assert!(uploaded(&acted).is_none());
    for name in ["a b", "../a", "a&name=b"] {
        let acted = keeping(&api, "5").with("baseline-artifact", name).act();
        assert!(!acted.is_success && acted.commands[0].starts_with("::error "));
    }
}

#[test]
fn an_artifact_that_cannot_be_read_is_not_replaced() {
    let api = api();
    let list = "GET /repos/shop/api/actions/artifacts?name=loadgate-baseline&";
    api.fault(list, Fault::Answers(403, "", "no"));
    let acted = keeping(&api, "1").act();
    assert!(acted.is_success, "{}", acted.log);
    assert!(acted.commands[0].starts_with("::warning "));
    assert!(uploaded(&acted).is_none(), "{:?}", acted.uses);
    // It is listed, and its download fails.
    api.artifacts(&[artifact(6, NAME, "main")]);
    let acted = keeping(&api, "2").act();
    assert!(acted.is_success, "{}", acted.log);
    assert!(acted.commands[0].starts_with("::warning "));
    assert!(uploaded(&acted).is_none(), "{:?}", acted.uses);
}

/// The artifacts of the platform: what main's runs left.
struct Store {
    api: Api,
    home: tempfile::TempDir,
    runs: u64,
}

impl Store {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("now")).unwrap();
        Self {
            api: api(),
            home,
            runs: 0,
        }
    }

    fn now(&self) -> PathBuf {
        self.home.path().join("now")
    }

    /// Jobs of one run of main that run at the same time: all find what the run before left.
    fn run(&mut self, jobs: impl FnOnce(&Api, &str) -> Vec<Job>) -> Vec<Acted> {
        self.runs += 1;
        let after = self.home.path().join(format!("run-{}", self.runs));
        std::fs::create_dir(&after).unwrap();
        let jobs = jobs(&self.api, &self.runs.to_string());
        let acted: Vec<Acted> = jobs
            .into_iter()
            .map(|job| job.artifacts(&self.now(), &after).act())
            .collect();
        for acted in &acted {
            assert!(acted.is_success, "{}", acted.log);
        }
        sh(
            self.home.path(),
            &format!("rm -rf run-{}/loadgate-gate-*", self.runs),
        );
        self.keep(&after);
        acted
    }

    /// Makes these the artifacts of main's newest run, beside older ones of other names.
    fn keep(&self, after: &Path) {
        sh(
            &self.now(),
            &format!(
                "for new in {}/*; do rm -rf \"${{new##*/}}\"; cp -r \"$new\" .; done",
                after.display()
            ),
        );
        let names = std::fs::read_dir(self.now()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let listing = names
            .zip(self.runs * 100..)
            .map(|(name, id)| artifact(id, &name, "main"));
        self.api.artifacts(&listing.collect::<Vec<_>>());
    }

    /// Jobs in the baselines of a gate, one count for each artifact with it.
    fn held(&self, gate: &str) -> Vec<usize> {
        let folders = std::fs::read_dir(self.now()).unwrap();
        let folders = folders.map(|entry| entry.unwrap().path());
        let file = format!("thresholds/{gate}/baseline.json");
        folders
            .filter(|folder| folder.join(&file).exists())
            .map(|folder| held(&folder, gate))
            .collect()
    }
}

/// A job with one of several gates.
fn of_gate(api: &Api, run: &str, name: &str) -> Job {
    let job = keeping(api, run).with("gates", &format!("thresholds/{name}"));
    gate(&job, name);
    job
}

#[test]
fn no_job_of_a_matrix_loses_its_baseline_to_another() {
    let mut store = Store::new();
    let names = ["a", "b", "c"];
    for run in 1..=3 {
        let acted = store.run(|api, run| {
            let jobs = names.iter().enumerate();
            jobs.map(|(index, name)| {
                of_gate(api, run, name)
                    .of_matrix(index as u64)
                    .matrix(json!({ "gate": name }))
            })
            .collect()
        });
        for (name, acted) in names.iter().zip(acted) {
            assert_eq!(store.held(name), [run], "{name}");
            let status = if run == 1 { "missing" } else { "single" };
            assert_eq!(acted.outputs["baseline-status"], status, "{name}");
        }
    }
}

#[test]
fn jobs_that_share_a_gate_lose_no_baseline_either() {
    let mut store = Store::new();
    for run in 1..=2 {
        store.run(|api, run| {
            let of_matrix = ["eu", "us"]
                .map(|region| of_gate(api, run, "a").matrix(json!({ "region": region })));
            let of_another_job = of_gate(api, run, "a").github("job", Value::from("production"));
            of_matrix.into_iter().chain([of_another_job]).collect()
        });
        assert_eq!(store.held("a"), [run; 3]);
    }
}

#[test]
fn a_job_reads_the_baseline_of_other_jobs_if_it_has_none() {
    let mut store = Store::new();
    let legacy = store.home.path().join("legacy");
    store.run(|api, run| vec![of_gate(api, run, "a")]);
    // Before artifacts had a name for each job.
    sh(
        store.home.path(),
        &format!("mkdir legacy && mv now/* legacy/{NAME}"),
    );
    store.keep(&legacy);
    let read = |job: Job| {
        let acted = job.artifacts(&store.now(), &legacy).act();
        assert!(acted.is_success, "{}", acted.log);
        acted.outputs["baseline-status"].clone()
    };
    assert_eq!(read(of_gate(&store.api, "2", "a")), "single");
    assert_eq!(read(of_gate(&store.api, "2", "b")), "missing");
    sh(store.home.path(), "rm -r now/*");
    store.api.artifacts(&[]);
    // A matrix of gates on main, and another job with all of them in a pull request.
    let matrix = |api: &Api, run: &str| {
        ["a", "b"].map(|name| of_gate(api, run, name).matrix(json!({ "gate": name })))
    };
    store.run(|api, run| matrix(api, run).into());
    let other = |gates: &str| {
        let job = of_gate(&store.api, "9", "a")
            .with("gates", gates)
            .github("job", Value::from("other"));
        gate(&job, "b");
        job
    };
    assert_eq!(store.held("b"), [1]);
    for gates in ["thresholds/b", "thresholds/a\nthresholds/b"] {
        let acted = other(gates).artifacts(&store.now(), &legacy).act();
        assert_eq!(acted.outputs["baseline-status"], "single", "{}", acted.log);
    }
}

#[test]
fn only_runs_of_the_default_branch_are_added() {
    let store = Store::new();
    let repository = json!({ "default_branch": "trunk" });
    let event = |more: Value| {
        let mut event = json!({ "repository": repository });
        event.as_object_mut().unwrap().extend(
            more.as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        event
    };
    let (main, feature) = ("refs/heads/trunk", "refs/heads/feature");
    let queue = "refs/heads/gh-readonly-queue/trunk/pr-7-3f2c9ab0";
    for (name, reference, event, is_added) in [
        ("push", main, event(json!({})), true),
        ("schedule", main, json!({ "schedule": "0 4 * * *" }), true),
        ("workflow_dispatch", main, event(json!({})), true),
        ("deployment_status", main, event(json!({})), true),
        ("push", feature, event(json!({})), false),
        ("push", "refs/tags/trunk", event(json!({})), false),
        ("workflow_dispatch", feature, event(json!({})), false),
        ("deployment_status", feature, event(json!({})), false),
        ("deployment_status", "", event(json!({})), false),
        (
            "merge_group",
            queue,
            event(json!({ "merge_group": {} })),
            false,
        ),
        (
            "pull_request",
            "refs/pull/7/merge",
            event(json!({ "pull_request": { "number": 7 } })),
            false,
        ),
        (
            "pull_request_target",
            main,
            event(json!({ "pull_request": { "number": 7 } })),
            false,
        ),
        ("issue_comment", main, event(json!({})), false),
        ("workflow_run", main, event(json!({})), false),
    ] {
        let job = keeping(&store.api, "1").played();
        let job = job
            .github("event_name", Value::from(name))
            .github("ref", Value::from(reference))
            .github("event", event)
            .with("comment", "off")
            .with("baseline-branch", "kept")
            .variable("GITHUB_REF_NAME", "trunk");
        let origin = job.home().join("origin");
        sh(job.home(), "git init -q --bare origin");
        sh(
            &job.workspace,
            &format!("git remote add origin file://{}", origin.display()),
        );
        let acted = job.act();
        assert!(acted.is_success, "{name} {reference}: {}", acted.log);
        let branches = sh(&origin, "git branch --list kept");
        assert_eq!(
            (uploaded(&acted).is_some(), !branches.is_empty()),
            (is_added, is_added),
            "{name} {reference}"
        );
    }
}

#[test]
fn a_gate_without_a_result_keeps_its_baseline_and_fails_nothing() {
    let job = keeping(&api(), "1").with("gates", "thresholds/a\nthresholds/b");
    gate(&job, "a");
    gate(&job, "b");
    // A run that was interrupted in its second gate tells of one result.
    let binary = env!("CARGO_BIN_EXE_loadgate");
    job.write(
        "binary",
        &format!(
            "#!/bin/sh\n[ \"$1\" = run ] || exec {binary} \"$@\"\n{binary} run thresholds/a --out loadgate-out/a\nprintf 'results-path=loadgate-out/a/result.json\\n' >>\"$GITHUB_OUTPUT\"\n"
        ),
    );
    sh(&job.workspace, "chmod +x binary");
    let binary = job.workspace.join("binary");
    let job = job.with("binary-path", binary.to_str().unwrap());
    let acted = job.act();
    assert!(acted.is_success, "{}", acted.log);
    let (_, folder) = uploaded(&acted).unwrap();
    assert_eq!(held(&folder, "a"), 1, "{}", acted.log);
    assert!(!folder.join("thresholds/b/baseline.json").exists());
    let warnings = acted
        .commands
        .iter()
        .filter(|line| line.starts_with("::warning "));
    assert_eq!(warnings.count(), 1, "{:?}", acted.commands);
}

/// Runs one of the action's scripts in a checkout that git takes for another user's, as in a container.
fn as_another_user(script: &str, checkout: &Path, variables: &[(&str, &str)]) -> (bool, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/action");
    let home = tempfile::tempdir().unwrap();
    let output = Command::new("bash")
        .arg("-c")
        .arg(format!("bash {}/{script}", root.display()))
        .current_dir(checkout)
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap())
        .env("HOME", home.path())
        .env("RUNNER_TEMP", home.path())
        .env("GITHUB_OUTPUT", checkout.join("../outputs"))
        .env("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let log = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(log).unwrap())
}

#[test]
fn a_checkout_of_another_user_has_its_baselines_and_its_base() {
    let home = tempfile::tempdir().unwrap();
    let checkout = home.path().join("checkout");
    let base = sh(
        home.path(),
        "git init -qb main checkout && cd checkout && mkdir -p thresholds/api && touch thresholds/api/scenario.yml
         git add -A && git commit -qm one && git rev-parse HEAD",
    );
    sh(
        home.path(),
        "cd checkout && git commit -qm two --allow-empty && git clone -q --bare . ../origin.git && git remote add origin file://$PWD/../origin.git
         cd .. && git clone -q origin.git clone && cd clone && git checkout -q --orphan kept && git rm -rfq . && mkdir -p thresholds/api
         echo kept >thresholds/api/baseline.json && git add -A && git commit -qm kept && git push -q origin kept
         mkdir -p ../store/thresholds/api && echo stored >../store/thresholds/api/baseline.json",
    );
    let refused = Command::new("git")
        .args(["rev-parse", "HEAD"])
        .current_dir(&checkout)
        .env("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
        .env("HOME", home.path())
        .output();
    assert!(!refused.unwrap().status.success(), "git refuses it");
    let store = home.path().join("store");
    let gates = ("INPUT_GATES", "thresholds/api");
    for (script, variables, held) in [
        (
            "baselines take",
            vec![gates, ("STORE", store.to_str().unwrap())],
            "stored\n",
        ),
        (
            "baselines restore",
            vec![gates, ("INPUT_BASELINE_BRANCH", "kept")],
            "kept\n",
        ),
    ] {
        let (is_success, log) = as_another_user(script, &checkout, &variables);
        assert!(is_success, "{script}: {log}");
        let baseline = std::fs::read_to_string(checkout.join("thresholds/api/baseline.json"));
        assert_eq!(baseline.unwrap(), held, "{script}: {log}");
    }
    let (is_success, log) = as_another_user("lay-base", &checkout, &[("BASE_SHA", &base)]);
    assert!(is_success, "{log}");
    let outputs = std::fs::read_to_string(home.path().join("outputs")).unwrap();
    assert!(outputs.contains(&format!("\n{base}\n")), "{outputs}");
    // Whatever else git refuses is an error, and never a missing baseline.
    std::fs::write(checkout.join(".git/config"), "[").unwrap();
    for (script, variables) in [
        ("lay-base", vec![("BASE_SHA", base.as_str())]),
        (
            "baselines restore",
            vec![gates, ("INPUT_BASELINE_BRANCH", "kept")],
        ),
    ] {
        let (is_success, log) = as_another_user(script, &checkout, &variables);
        assert!(!is_success && log.contains("::error "), "{script}: {log}");
    }
}

#[test]
fn a_restored_baseline_replaces_a_link_within_the_checkout() {
    let home = tempfile::tempdir().unwrap();
    sh(
        home.path(),
        "git init -q checkout && mkdir -p checkout/th outside store/th && echo keep >keep && ln -s ../../keep checkout/th/baseline.json
         ln -s ../outside checkout/out && echo new >store/th/baseline.json",
    );
    let (checkout, store) = (home.path().join("checkout"), home.path().join("store"));
    let take = |gates: &str| {
        let variables = [("INPUT_GATES", gates), ("STORE", store.to_str().unwrap())];
        as_another_user("baselines take", &checkout, &variables)
    };
    let (is_success, log) = take("th");
    assert!(is_success, "{log}");
    let read = |file: &str| std::fs::read_to_string(home.path().join(file)).unwrap();
    assert_eq!(
        (read("keep"), read("checkout/th/baseline.json")),
        ("keep\n".into(), "new\n".into())
    );
    for gates in ["out", "../outside", "none"] {
        let (is_success, log) = take(gates);
        assert!(!is_success && log.contains("::error "), "{gates}: {log}");
    }
}

/// The commit of the base that is served beside the checkout, if any.
fn base_of(job: &Job) -> Option<String> {
    let job_log = job.act();
    assert!(job_log.is_success, "{}", job_log.log);
    std::fs::read_to_string(job.workspace.join("base")).ok()
}

/// A job that serves its checkout, and the commits of its repository: main, what is added to it, and their merge.
fn serving_job() -> (Job, [String; 3]) {
    let job = keeping(&api(), "1").played().with("baseline-artifact", "");
    job.write(
        "binary",
        "#!/bin/sh\n[ -z \"$LOADGATE_BASE_CHECKOUT\" ] || git -C \"$LOADGATE_BASE_CHECKOUT\" rev-parse HEAD >base\n",
    );
    let commits = sh(
        &job.workspace,
        "git add -A && git commit -qm one && git branch -M trunk && git checkout -qb change && git commit -qm two --allow-empty
         git checkout -q trunk && git commit -qm three --allow-empty && git merge -q --no-ff -m merge change
         git rev-parse HEAD^1 HEAD^2 HEAD && git clone -q --bare . ../origin.git && git remote add origin file://$PWD/../origin.git",
    );
    let mut commits = commits.lines().map(str::to_owned);
    let commits = std::array::from_fn(|_| commits.next().unwrap());
    let job = job
        .with("serve", "exec true")
        .with("comment", "off")
        .with("target", "");
    (job, commits)
}

#[test]
fn a_merge_queue_compares_its_head_with_its_base() {
    // A group's first parent need not be its base: other changes may wait before it.
    for (head, base) in [(2, 0), (2, 1), (1, 0)] {
        let (job, commits) = serving_job();
        let (head, base) = (&commits[head], &commits[base]);
        sh(&job.workspace, &format!("git checkout -q {head}"));
        let queue = json!({ "head_sha": head, "base_sha": base, "base_ref": "refs/heads/trunk" });
        let event = json!({ "merge_group": queue, "repository": { "default_branch": "trunk" } });
        let job = job
            .github("event_name", Value::from("merge_group"))
            .github(
                "ref",
                Value::from("refs/heads/gh-readonly-queue/trunk/pr-7"),
            )
            .github("event", event)
            .variable("GITHUB_SHA", head);
        assert_eq!(base_of(&job), Some(format!("{base}\n")), "{head}");
    }
}

#[test]
fn a_pull_request_compares_with_what_it_would_be_merged_into() {
    for is_merge in [true, false] {
        let (job, [main, change, merge]) = serving_job();
        let event = json!({ "pull_request": { "number": 7, "head": { "sha": change }, "base": { "sha": change } } });
        let job = job
            .github("event_name", Value::from("pull_request"))
            .github("event", event)
            // The head of a branch may be a merge as well, of which the first parent is no base.
            .variable("GITHUB_SHA", if is_merge { &merge } else { &main });
        let base = if is_merge { main } else { change };
        assert_eq!(base_of(&job), Some(format!("{base}\n")), "{is_merge}");
    }
    let (job, _) = serving_job();
    assert_eq!(base_of(&job.on_main()), None, "a push has none");
}
