//! What a repository without a gate gets, and that it works as it is.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;

use crate::action::{BOT, sh};
use crate::gitlab::Pipeline;
use crate::platform::{Api, Plays};
use crate::recipes::workflow;
use crate::replay::Load;
use crate::runner::{Job, yaml};
use crate::support::{Ran, loadgate, repository};

fn init(home: &Path) -> Ran {
    Ran::new(&loadgate(home).arg("init").output().unwrap())
}

fn files(home: &Path) -> usize {
    let list = std::process::Command::new("find")
        .arg(home)
        .args(["-type", "f"])
        .output();
    String::from_utf8(list.unwrap().stdout)
        .unwrap()
        .lines()
        .count()
}

/// The gate that was written passes `loadgate validate`.
fn validates(home: &Path) {
    let validated = loadgate(home)
        .args(["validate", "thresholds/api"])
        .args(["--target", "http://127.0.0.1:1"])
        .output();
    Ran::new(&validated.unwrap()).exits(0);
}

#[test]
fn two_files_and_ten_lines_are_all_that_a_service_needs() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("go.mod"), "module m").unwrap();
    let ran = init(home.path()).exits(0);
    assert!(ran.stdout.contains("Next:"), "{}", ran.stdout);
    assert!(
        ran.stdout.lines().all(|line| line.len() <= 90),
        "{}",
        ran.stdout
    );
    assert_eq!(
        files(home.path()),
        1 + 2,
        "the service's own, a gate and a workflow"
    );
    let workflow = home.path().join(".github/workflows/performance.yml");
    let text = std::fs::read_to_string(&workflow).unwrap();
    assert!(text.lines().count() <= 10, "{text}");
    let permissions = &yaml(&workflow)["permissions"];
    assert_eq!(
        permissions.to_string(),
        r#"{"actions":"read","contents":"read","pull-requests":"write"}"#,
        "a pull request's code runs in this job"
    );
    let steps = &yaml(&workflow)["jobs"]["performance"]["steps"];
    assert_eq!(
        steps[1]["with"]["serve"],
        "PORT=$LOADGATE_PORT exec ./service"
    );
    let action = yaml(&Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml"));
    for name in steps[1]["with"].as_object().unwrap().keys() {
        assert!(
            action["inputs"][name].is_object(),
            "the action has no input '{name}'"
        );
    }
    validates(home.path());
}

#[test]
fn nothing_is_written_over_and_nothing_by_half() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join("thresholds/api")).unwrap();
    std::fs::write(home.path().join("thresholds/api/scenario.yml"), "mine").unwrap();
    init(home.path())
        .exits(2)
        .says(&["thresholds/api/scenario.yml"]);
    assert_eq!(files(home.path()), 1);
    assert_eq!(
        std::fs::read_to_string(home.path().join("thresholds/api/scenario.yml")).unwrap(),
        "mine"
    );
}

#[test]
fn an_openapi_file_becomes_the_first_requests() {
    let home = tempfile::tempdir().unwrap();
    let api = "openapi: 3.1.0\npaths:\n  /items: { get: {} }\n  /items/{id}: { get: {} }\n  /health: { get: {} }\n";
    std::fs::write(home.path().join("openapi.yaml"), api).unwrap();
    init(home.path()).exits(0).tells(&["openapi.yaml"]);
    let scenario =
        std::fs::read_to_string(home.path().join("thresholds/api/scenario.yml")).unwrap();
    assert!(
        scenario.contains("get: /items,")
            && scenario.contains("get: /health,")
            && !scenario.contains("{id}")
    );
}

#[test]
fn the_base_path_of_an_openapi_file_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| std::fs::write(home.path().join(file), text).unwrap();
    write("openapi.yaml", "paths: { /orders: { post: {} } }");
    write(
        "swagger.json",
        r#"{ "swagger": "2.0", "basePath": "/v2", "paths": { "/items": { "get": {} } } }"#,
    );
    init(home.path())
        .exits(0)
        .tells(&["openapi.yaml was not used", "one GET in swagger.json"]);
    let scenario = yaml(&home.path().join("thresholds/api/scenario.yml"));
    let step = &scenario["user_classes"][0]["tasks"][0]["steps"][0];
    assert_eq!(step["get"], "/v2/items");
}

/// A repository with a project in a folder.
fn on_aws(name: &str, folder: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let project = repository().join("tests/init/projects").join(name);
    sh(
        home.path(),
        &format!(
            "git init -qb main . && mkdir -p {folder} && cp -r {}/. {folder}",
            project.display()
        ),
    );
    home
}

#[test]
fn a_project_on_aws_gets_a_gate_a_policy_and_a_workflow() {
    let action = yaml(&repository().join("action.yml"));
    for name in [
        "sam",
        "sam-json",
        "serverless",
        "serverless-url",
        "cdk",
        "sst",
    ] {
        let home = on_aws(name, ".");
        let ran = init(home.path()).exits(0).tells(&["iam-policy.json"]);
        assert!(
            ran.stdout.lines().all(|line| line.len() <= 90),
            "{}",
            ran.stdout
        );
        validates(home.path());
        let workflow = yaml(&home.path().join(".github/workflows/performance.yml"));
        let gate = &workflow["jobs"]["performance"]["steps"][4]["with"];
        for input in gate.as_object().unwrap().keys() {
            assert!(action["inputs"][input].is_object(), "{input}");
        }
        let deploy = &workflow["jobs"]["performance"]["steps"][3]["run"];
        let script = home.path().join("deploy.sh");
        std::fs::write(&script, deploy.as_str().unwrap()).unwrap();
        sh(home.path(), "bash -n deploy.sh");
        init(home.path()).exits(2).says(&["already exists"]);
    }
}

#[test]
fn a_folder_on_aws_is_deployed_from_where_it_is() {
    let home = on_aws("sam", "services/orders");
    init(&home.path().join("services/orders")).exits(0);
    let workflow = ".github/workflows/performance-services-orders.yml";
    let job = &yaml(&home.path().join(workflow))["jobs"]["performance"];
    assert_eq!(
        job["defaults"]["run"]["working-directory"],
        "services/orders"
    );
    assert_eq!(
        job["steps"][4]["with"]["working-directory"],
        "services/orders"
    );
    let deploy = job["steps"][3]["run"].as_str().unwrap();
    assert!(
        deploy.contains("--stack-name orders-candidate "),
        "{deploy}"
    );
}

#[test]
fn a_project_on_aws_gets_a_gitlab_job_of_two_addresses() {
    let home = on_aws("serverless", "services/orders");
    sh(
        home.path(),
        "git remote add origin git@gitlab.example.com:shop/api.git",
    );
    init(&home.path().join("services/orders")).exits(0);
    let job = yaml(&home.path().join(".gitlab-ci.yml"));
    let inputs = &job["include"][0]["inputs"];
    assert_eq!(inputs["gates"], "services/orders/thresholds/api");
    assert_eq!(inputs["target"], "$CANDIDATE_URL");
    assert_eq!(inputs["against"], "$LIVE_URL");
}

#[test]
fn a_gitlab_project_gets_a_job_or_the_lines_to_add() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join(".gitlab-ci.yml"), "stages: [test]\n").unwrap();
    init(home.path()).exits(0).tells(&["remote:", "sha256"]);
    let home = tempfile::tempdir().unwrap();
    for file in ["Cargo.toml", ".gitlab-ci.yml"] {
        std::fs::write(home.path().join(file), "stages: [test]\n").unwrap();
    }
    let of_rust = init(home.path()).exits(0);
    assert!(of_rust.stdout.contains("rust:1") && !of_rust.stdout.contains("no Rust"));
    assert_eq!(
        std::fs::read_to_string(home.path().join(".gitlab-ci.yml")).unwrap(),
        "stages: [test]\n"
    );
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".git")).unwrap();
    std::fs::write(
        home.path().join(".git/config"),
        "url = git@gitlab.com:shop/api.git",
    )
    .unwrap();
    init(home.path()).exits(0);
    let text = std::fs::read_to_string(home.path().join(".gitlab-ci.yml")).unwrap();
    assert!(text.lines().count() <= 10 && text.contains("gates: thresholds/api"));
    assert_eq!(files(home.path()), 1 + 2);
}

/// A repository on this branch with a service in a folder, cloned from another whose default branch is this one.
fn monorepo(branch: &str, default: Option<&str>, folder: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let service = home.path().join(folder);
    std::fs::create_dir_all(&service).unwrap();
    std::fs::write(service.join("go.mod"), "module m").unwrap();
    sh(home.path(), &format!("git init -qb {branch} ."));
    if let Some(default) = default {
        sh(
            home.path(),
            &format!("git symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/{default}"),
        );
    }
    home
}

#[test]
fn a_folder_of_a_repository_gets_its_workflow_in_the_root() {
    for (branch, default, folder, file, named) in [
        (
            "master",
            None,
            "services/api",
            "performance-services-api.yml",
            "master",
        ),
        (
            "change",
            Some("trunk"),
            "a b",
            "performance-a-b.yml",
            "trunk",
        ),
        ("release/1.x", None, ".", "performance.yml", "release/1.x"),
        ("123", None, ".", "performance.yml", "123"),
    ] {
        let home = monorepo(branch, default, folder);
        init(&home.path().join(folder)).exits(0);
        let workflow = yaml(&home.path().join(".github/workflows").join(file));
        assert_eq!(
            workflow["on"]["push"]["branches"],
            json!([named]),
            "{folder}"
        );
        let with = &workflow["jobs"]["performance"]["steps"][1]["with"];
        let expected = if folder == "." {
            json!(null)
        } else {
            json!(folder)
        };
        assert_eq!(with["working-directory"], expected);
        let gate = home
            .path()
            .join(folder)
            .join(with["gates"].as_str().unwrap());
        assert!(gate.join("scenario.yml").exists());
    }
    // A second service has a workflow of its own.
    let home = monorepo("main", None, "a");
    std::fs::create_dir(home.path().join("b")).unwrap();
    for folder in ["a", "b"] {
        init(&home.path().join(folder)).exits(0);
    }
    init(&home.path().join("b")).exits(2);
}

#[test]
fn a_folder_of_a_gitlab_project_gets_its_job_in_the_root() {
    let home = monorepo("main", None, "services/it's");
    sh(
        home.path(),
        "git remote add origin git@gitlab.example.com:shop/api.git",
    );
    init(&home.path().join("services/it's")).exits(0);
    let job = yaml(&home.path().join(".gitlab-ci.yml"));
    let inputs = &job["include"][0]["inputs"];
    let gate = home.path().join(inputs["gates"].as_str().unwrap());
    assert!(gate.join("scenario.yml").exists());
    let build = inputs["build"].as_str().unwrap();
    let (enter, _) = build.split_once(" && ").unwrap();
    assert!(sh(home.path(), &format!("{enter} && ls")).contains("go.mod"));
}

#[test]
fn the_documented_workflow_is_the_one_that_is_written() {
    let home = tempfile::tempdir().unwrap();
    init(home.path()).exits(0);
    let written = yaml(&home.path().join(".github/workflows/performance.yml"));
    assert_eq!(workflow("baseline-artifact: loadgate-baseline"), written);
}

/// Twice as slow as its base, or as fast.
pub(crate) fn load_of(slow: &str) -> Load {
    Load::taking(if slow == "2" { 40.0 } else { 20.0 }).against(20.0)
}

/// Which versions were served: the base, which is of speed 1, and the change.
pub(crate) fn served(origin: &Path) -> BTreeSet<String> {
    let served = std::fs::read_to_string(origin.with_file_name("served")).unwrap();
    served.lines().map(str::to_owned).collect()
}

/// A repository with an HTTP service and no gate, and a branch of it that `init` gave one. Returns its commit before, and what
/// is checked out is the branch as it would be merged.
pub(crate) fn adopted(checkout: &Path, origin: &Path, before: &str, slow: &str) -> String {
    std::fs::create_dir(origin).unwrap();
    let write = |file: &str, text: &str| std::fs::write(origin.join(file), text).unwrap();
    let binary = env!("CARGO_BIN_EXE_loadgate");
    let served = origin.with_file_name("served");
    let served = served.display();
    write(
        "Makefile",
        &format!(
            "all:\n\tcp speed built\nrun:\n\techo $$(cat built) >>{served}; exec {binary} lambda --address 127.0.0.1:$(PORT)\n"
        ),
    );
    write(
        "openapi.yaml",
        "openapi: 3.1.0\npaths:\n  /prod/catalog/items: { get: {} }\n",
    );
    write("speed", "1");
    let base = sh(
        origin,
        &format!(
            "git init -qb main . && git add -A && git commit -qm one && git rev-parse HEAD && {before} git checkout -qb change"
        ),
    );
    let init = init(origin).exits(0);
    assert!(
        init.stdout.contains("loadgate validate thresholds/api"),
        "{}",
        init.stdout
    );
    let gate = origin.join("thresholds/api/scenario.yml");
    let text = std::fs::read_to_string(&gate).unwrap();
    assert!(text.contains("get: /prod/catalog/items"), "{text}");
    sh(
        origin,
        &format!(
            "echo {slow} > speed && git add -A && git commit -qm two && git checkout -q main && git merge -q --no-ff -m merge change && git update-ref refs/pull/7/merge HEAD && git reset -q --hard HEAD^ && git config uploadpack.allowAnySHA1InWant true"
        ),
    );
    sh(
        checkout,
        &format!(
            "git init -q . && git remote add origin file://{} && git fetch -q --depth=1 origin refs/pull/7/merge && git checkout -q FETCH_HEAD",
            origin.display()
        ),
    );
    base
}

#[test]
fn a_first_pull_request_gets_a_verdict_by_its_workflow() {
    for (slow, verdict, versions) in [("1", "passed", 1), ("2", "failed", 2)] {
        let api = Api::start(Plays::GitHub, None);
        let job = Job::new();
        let origin = job.workspace.parent().unwrap().join("origin");
        let base = adopted(&job.workspace, &origin, "", slow);
        let workflow = yaml(&job.workspace.join(".github/workflows/performance.yml"));
        let steps = workflow["jobs"]["performance"]["steps"].as_array().unwrap();
        assert_eq!(steps.len(), 2, "a checkout and the action");
        let job = steps[1]["with"]
            .as_object()
            .unwrap()
            .iter()
            .fold(job, |job, (input, value)| {
                job.with(input, value.as_str().unwrap())
            });
        let event = json!({ "pull_request": { "number": 7, "head": { "sha": "3f2c9ab0" }, "base": { "sha": base } } });
        let job = job
            .replaying(load_of(slow))
            .with("target", "")
            .with("ready", "/prod/catalog/items")
            .github("event", event)
            .variable("GITHUB_API_URL", &api.url());
        let acted = job.act();
        assert_eq!(acted.outputs["verdict"], verdict, "{}", acted.log);
        assert_eq!(acted.is_success, verdict == "passed");
        assert_eq!(acted.outputs["baseline-status"], "duet");
        assert_eq!(served(&origin).len(), versions, "both are built and served");
        let sign = if verdict == "passed" { "✅" } else { "❌" };
        assert!(api.of(BOT)[0].contains(&format!("### {sign}")));
    }
}

#[test]
fn a_first_merge_request_gets_a_verdict_by_its_job() {
    for (slow, verdict, versions) in [("1", "passed", 1), ("2", "failed", 2)] {
        let api = Api::start(Plays::GitLab, Some("project_12_bot"));
        let home = tempfile::tempdir().unwrap();
        let checkout = home.path().join("builds");
        std::fs::create_dir(&checkout).unwrap();
        let is_on_gitlab = "git remote add origin git@gitlab.example.com:shop/api.git &&";
        let base = adopted(&checkout, &home.path().join("origin"), is_on_gitlab, slow);
        // GIT_DEPTH is 0.
        sh(&checkout, "git fetch -q --unshallow");
        let ran = Pipeline::of(&checkout, &api)
            .merge_request(&base)
            .loading(Some(load_of(slow)))
            .variable("LOADGATE_READY", "/prod/catalog/items")
            .run();
        assert_eq!(
            ran.code,
            Some(i32::from(verdict == "failed")),
            "{} {}",
            ran.stdout,
            ran.stderr
        );
        assert_eq!(served(&home.path().join("origin")).len(), versions);
        let sign = if verdict == "passed" { "✅" } else { "❌" };
        let note = api.of("project_12_bot").concat();
        assert!(
            note.contains(&format!("### {sign}")),
            "{note} {}",
            ran.stderr
        );
        assert!(checkout.join("loadgate-out/junit.xml").exists());
    }
}
