//! What a repository without a gate gets, and that it works as it is.

use std::path::Path;

use crate::runner::yaml;
use crate::support::{Ran, loadgate};

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
    assert_eq!(files(home.path()), 3);
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
    let validated = loadgate(home.path())
        .args([
            "validate",
            "thresholds/api",
            "--target",
            "http://127.0.0.1:1",
        ])
        .output();
    Ran::new(&validated.unwrap()).exits(0);
}

#[test]
fn nothing_is_written_over_and_nothing_by_half() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join("thresholds/api")).unwrap();
    std::fs::write(home.path().join("thresholds/api/scenario.yml"), "mine").unwrap();
    init(home.path())
        .exits(2)
        .says(&["thresholds/api/scenario.yml is there already"]);
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
    init(home.path())
        .exits(0)
        .tells(&["2 GETs in openapi.yaml"]);
    let scenario =
        std::fs::read_to_string(home.path().join("thresholds/api/scenario.yml")).unwrap();
    assert!(
        scenario.contains("get: /items,")
            && scenario.contains("get: /health,")
            && !scenario.contains("{id}")
    );
}

#[test]
fn a_gitlab_project_gets_a_job_or_the_lines_to_add() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join(".gitlab-ci.yml"), "stages: [test]\n").unwrap();
    init(home.path())
        .exits(0)
        .tells(&["is there already; add this to it", "component:"]);
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
}

#[test]
fn the_readme_shows_what_is_written() {
    let home = tempfile::tempdir().unwrap();
    init(home.path()).exits(0);
    let text =
        std::fs::read_to_string(home.path().join(".github/workflows/performance.yml")).unwrap();
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    assert!(readme.contains(&text), "{text}");
}
