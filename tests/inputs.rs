//! What the action is given, and what it keeps: every input reaches loadgate, baselines pass from run to run, several gates
//! share a comment, and a token stays where it belongs.

use std::collections::BTreeSet;
use std::path::Path;

use loadgate::measurement::FailureKind;
use serde_json::{Value, json};

use crate::action::{BOT, api, job, ordinary, sh};
use crate::runner::{Job, yaml};
use crate::support::{SCENARIO, Server};

/// A job whose binary writes down how it was called, each call in a file of its own.
fn listening() -> Job {
    let job = Job::new().with("gates", "a\n b ");
    job.write(
        "binary",
        "#!/bin/sh\n{ printf '%s\\n' \"arguments: $*\"; env; } > \"$GITHUB_WORKSPACE/asked-$1\"\n",
    );
    let binary = job.workspace.join("binary");
    let mut made = std::process::Command::new("chmod");
    assert!(made.arg("+x").arg(&binary).status().unwrap().success());
    job.write("a/scenario.yml", "");
    job.write("b/scenario.yml", "");
    job.with("binary-path", binary.to_str().unwrap())
}

#[test]
fn every_input_reaches_loadgate() {
    let hostile = "$(touch pwned) `touch pwned` ${{ x }}";
    for (input, value, call, line) in [
        ("gates", "a\nb", "run", "arguments: run a b"),
        ("command", "measure", "run", "arguments: run a b --unjudged"),
        (
            "args",
            "--label\nx=1 2",
            "run",
            "arguments: run a b --label x=1 2",
        ),
        ("target", hostile, "run", "LOADGATE_TARGET="),
        ("against", hostile, "run", "LOADGATE_AGAINST="),
        ("target-cmd", hostile, "run", "LOADGATE_TARGET_CMD="),
        ("base-cmd", hostile, "run", "LOADGATE_BASE_CMD="),
        ("ready", "/health", "run", "LOADGATE_READY="),
        ("wait", "60s", "run", "LOADGATE_WAIT="),
        ("interleave", "mixed", "run", "LOADGATE_INTERLEAVE="),
        ("pairs", "7", "run", "LOADGATE_PAIRS="),
        ("slice", "2s", "run", "LOADGATE_SLICE="),
        ("set", hostile, "run", "LOADGATE_SET="),
        ("against-set", hostile, "run", "LOADGATE_AGAINST_SET="),
        ("labels", hostile, "run", "LOADGATE_LABEL="),
        (
            "baseline",
            "https://a.example/b.json",
            "run",
            "LOADGATE_BASELINE=",
        ),
        ("strict", "true", "run", "LOADGATE_STRICT="),
        ("out", "elsewhere", "run", "LOADGATE_OUT="),
        ("comment", "on-failure", "comment", "LOADGATE_COMMENT="),
        ("comment-key", hostile, "comment", "LOADGATE_COMMENT_KEY="),
        ("github-token", "ghs_mine", "comment", "GITHUB_TOKEN="),
        ("gates", "a\nb", "comment", "arguments: comment a b"),
    ] {
        let job = listening().with(input, value);
        let acted = job.act();
        assert!(acted.is_success, "{input}: {}", acted.log);
        let asked = job.read(&format!("asked-{call}"));
        let wanted = match line.strip_suffix('=') {
            Some(_) => format!("{line}{value}"),
            None => line.to_owned(),
        };
        assert!(
            asked.lines().any(|line| line == wanted),
            "{input}: no {wanted} in {asked}"
        );
        assert!(!job.workspace.join("pwned").exists(), "{input}");
    }
    let job = listening()
        .with("gates", "a")
        .with("command", "record")
        .with("results", "r/1.json\nr");
    job.write("r/x/result.json", "");
    assert!(job.act().is_success);
    let asked = job.read("asked-record");
    assert!(
        asked.starts_with("arguments: record a r/1.json r/x/result.json\n"),
        "{asked}"
    );
    let job = listening()
        .with("working-directory", "a")
        .with("gates", ".");
    job.act();
    let asked = job.read("asked-run");
    assert!(
        asked
            .lines()
            .any(|line| line.starts_with("PWD=") && line.ends_with("/workspace/a"))
    );
    let acted = listening().with("artifact", "mine").act();
    let uploaded = acted
        .uses
        .iter()
        .find(|(uses, _)| uses.contains("upload-artifact@"));
    assert_eq!(uploaded.unwrap().1["name"], "mine");
    assert!(listening().with("artifact", "").act().uses.is_empty());
}

#[test]
fn the_comment_shows_each_result_that_the_step_was_given() {
    let first_line = |job: &Job| {
        let asked = job.read("asked-comment");
        asked.lines().next().unwrap().to_owned()
    };
    let given = |gates: &str, command: &str| {
        let job = listening().with("gates", gates).with("command", command);
        job.write("r/x/result.json", "");
        job.write("r/y\nr/z/result.json", "");
        job.write("none/other.json", "");
        job.with("results", "r/1.json\nr\nnone")
    };
    let results = "--result=r/1.json --result=r/x/result.json --result=none/result.json";
    let job = given("a", "comment").with("args", "--author\nmine");
    let acted = job.act();
    assert!(acted.is_success, "{}", acted.log);
    assert_eq!(
        first_line(&job),
        format!("arguments: comment a {results} --author mine")
    );
    // A judge that refuses them sets no output.
    let job = given("a", "judge").with("args", "--label\nx=1");
    let refuses = "#!/bin/sh\necho \"arguments: $*\" >\"$GITHUB_WORKSPACE/asked-$1\"\n[ \"$1\" = comment ] || exit 2\n";
    job.write("binary", refuses);
    assert!(!job.act().is_success);
    assert_eq!(first_line(&job), format!("arguments: comment a {results}"));
    let job = given("a\nb", "comment");
    let acted = job.act();
    assert!(!acted.is_success);
    assert!(
        acted.commands[0].contains("comment takes results of one gate"),
        "{}",
        acted.log
    );
}

#[test]
fn duet_inputs_are_ignored_if_the_action_has_no_base() {
    for (base, is_kept) in [
        (None, false),
        (Some("against"), true),
        (Some("base-cmd"), true),
    ] {
        let job = listening()
            .github("event_name", Value::from("push"))
            .github("event", json!({}))
            .with("serve", "exec true")
            .with("pairs", "7")
            .with("slice", "7")
            .with("against-set", "7");
        let job = base.into_iter().fold(job, |job, base| job.with(base, "x"));
        sh(&job.workspace, "git init -q .");
        let acted = job.act();
        assert!(acted.is_success, "{}", acted.log);
        let asked = job.read("asked-run");
        for name in ["PAIRS", "SLICE", "AGAINST_SET"] {
            let is_told = asked
                .lines()
                .any(|line| line == format!("LOADGATE_{name}=7"));
            assert_eq!(is_told, is_kept, "{name} with {base:?}: {asked}");
        }
    }
}

#[test]
fn every_input_is_held_to_something() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = ["action", "history", "inputs", "runner"]
        .map(|name| std::fs::read_to_string(root.join(format!("tests/{name}.rs"))).unwrap());
    let tests = tests.concat();
    let action = yaml(&root.join("action.yml"));
    for part in ["inputs", "outputs"] {
        let untold: BTreeSet<&String> = action[part]
            .as_object()
            .unwrap()
            .keys()
            .filter(|name| !tests.contains(&format!("\"{name}\"")))
            .collect();
        assert!(untold.is_empty(), "{part} that no test names: {untold:?}");
    }
}

#[test]
fn outputs_tell_where_everything_lies() {
    let acted = listening().with("out", "o").act();
    assert_eq!(acted.outputs["out-path"], "o");
    let api = api();
    let acted = job("limits: { overall: { p95: 1us } }", ordinary(), &api).act();
    assert_eq!(acted.outputs["summary-path"], "loadgate-out/summary.md");
    let p99: f64 = acted.outputs["p99-ms"].parse().unwrap();
    assert!(p99 >= acted.outputs["p95-ms"].parse().unwrap());
}

#[test]
fn all_gates_of_a_job_share_one_comment() {
    let api = api();
    let job = job("", ordinary(), &api).with("gates", "thresholds/sample\nthresholds/other");
    job.write(
        "thresholds/other/scenario.yml",
        &SCENARIO.replace("name: sample", "name: other"),
    );
    job.write(
        "thresholds/other/thresholds.yml",
        "limits: { overall: { p95: 1us } }",
    );
    let acted = job.act();
    assert_eq!(acted.outputs["verdict"], "failed", "{}", acted.log);
    assert_eq!(acted.outputs["results-path"].lines().count(), 2);
    assert_eq!(acted.outputs["junit-path"].lines().count(), 2);
    let comments = api.of(BOT);
    assert_eq!(comments.len(), 1);
    assert!(
        comments[0].contains("1 of 2 gates failed"),
        "{}",
        comments[0]
    );
    assert!(comments[0].contains("sample") && comments[0].contains("other"));
}

/// Every file below a folder.
fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn a_token_is_in_no_file_and_no_line_of_the_log() {
    let secret = "that-nobody-may-see";
    let (store, api) = (Server::start(|_| (500, "{}".to_owned())), api());
    let failing = || ordinary().failing(FailureKind::Status(500), 600);
    for quiet in ["", "true"] {
        let job = job("", failing(), &api)
            .with(
                "baseline",
                &format!("{}/b.json?token=glcbt-{secret}", store.url()),
            )
            .variable("LOADGATE_QUIET", quiet)
            .variable(
                "LOADGATE_BASELINE_HEADER",
                &format!("JOB-TOKEN: glcbt-{secret}"),
            )
            .variable("GITLAB_TOKEN", &format!("glpat-{secret}"))
            .variable("RUST_LOG", "trace")
            .variable("ACTIONS_STEP_DEBUG", "true");
        // The first try finds no baseline; the second tells of the whole run, its comment refused with the token in the answer.
        for job in [
            job,
            crate::action::job("", failing(), &api)
                .variable("RUST_LOG", "trace")
                .variable("LOADGATE_QUIET", quiet),
        ] {
            api.fault(
                "POST",
                crate::platform::Fault::Answers(
                    401,
                    "",
                    "bad token ghs_a-token-that-nobody-may-see",
                ),
            );
            let acted = job.act();
            assert!(!acted.log.contains(secret), "{}", acted.log);
            assert!(
                !acted.summary.contains(secret) && !format!("{:?}", acted.outputs).contains(secret)
            );
            let mut found = Vec::new();
            files(job.home(), &mut found);
            assert!(found.len() > 10);
            for path in found {
                let bytes = std::fs::read(&path).unwrap();
                let text = String::from_utf8_lossy(&bytes);
                assert!(!text.contains(secret), "{}", path.display());
            }
        }
    }
}

#[test]
fn titles_and_branches_of_strangers_are_told_nobody() {
    let hostile = "$(touch pwned)`touch pwned`\n::error::forged %0A @everyone ${{ github.token }} <!-- loadgate:x -->";
    let api = api();
    let job = job("limits: { overall: { p95: 1us } }", ordinary(), &api)
        .github("head_ref", Value::from(hostile))
        .variable("GITHUB_HEAD_REF", hostile)
        .variable("GITHUB_ACTOR", hostile)
        .github(
            "event",
            json!({ "pull_request": {
                "number": 7, "title": hostile, "body": hostile, "user": { "login": hostile },
                "head": { "sha": hostile, "ref": hostile, "label": hostile },
            }}),
        );
    let acted = job.act();
    let junit = job.read("loadgate-out/junit.xml");
    let mut reader = quick_xml::Reader::from_str(&junit);
    while !matches!(reader.read_event().unwrap(), quick_xml::events::Event::Eof) {}
    for text in [&acted.log, &acted.summary, &junit, &api.of(BOT).concat()] {
        assert!(
            !text.contains("::error::forged") && !text.contains("@everyone"),
            "{text}"
        );
    }
    assert!(!job.workspace.join("pwned").exists());
    assert_eq!(acted.outputs["verdict"], "failed");
}
