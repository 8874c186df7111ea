//! The one comment on a change request: found, edited, spared, and never worth a verdict.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::platform::{Api, Fault, Plays};
use crate::replay::Load;
use crate::support::{Gate, Ran, SCENARIO, gate, loadgate};

const BOT: &str = "github-actions[bot]";
const TOKEN: &str = "ghs_a-token-that-nobody-may-see";
const LIST: &str = "GET /repos/shop/api/issues/7/comments?per_page=100&page=1";

/// A gate with a result to be told of.
fn measured(thresholds: &str) -> Gate {
    let gate = gate(thresholds);
    gate.replay(&Load::taking(2.0), &[]);
    stamp(&gate.out().join("result.json"), "github-1842", 1);
    gate
}

/// Makes a result one of this run and attempt.
fn stamp(result: &Path, id: &str, attempt: u64) {
    let text = std::fs::read_to_string(result).unwrap();
    let Ok(mut record) = serde_json::from_str::<serde_json::Value>(&text) else {
        return;
    };
    record["run"]["id"] = json!(id);
    record["run"]["attempt"] = json!(attempt);
    std::fs::write(result, format!("{record:#}")).unwrap();
}

/// The same of the results below a command's `--out` and the job that it runs in.
fn stamp_for(command: &Command) {
    let value = |wanted: &str| {
        let mut envs = command.get_envs().filter(|(name, _)| *name == wanted);
        envs.next()
            .and_then(|(_, value)| Some(value?.to_str()?.to_owned()))
    };
    let id = value("GITHUB_RUN_ID").map(|id| format!("github-{id}"));
    let id = id.or_else(|| Some(format!("gitlab-{}", value("CI_PIPELINE_ID")?)));
    let out = command
        .get_args()
        .skip_while(|argument| *argument != "--out");
    let result = out
        .skip(1)
        .map(|out| Path::new(out).join("result.json"))
        .next();
    if let (Some(id), Some(result)) = (id, result)
        && result.is_file()
    {
        stamp(&result, &id, 1);
    }
}

/// `loadgate comment` of a gate's results.
fn comment(gate: &Gate) -> Command {
    let mut command = loadgate(gate.home());
    command
        .arg("comment")
        .arg(gate.folder())
        .arg("--out")
        .arg(gate.out());
    command
}

/// `loadgate comment` as a job of GitHub Actions for pull request 7.
fn command(gate: &Gate, api: &Api) -> Command {
    let event = gate.home().join("event.json");
    if !event.exists() {
        let pull_request = json!({ "number": 7, "head": { "sha": "3f2c9ab0" } });
        write_event(gate.home(), &json!({ "pull_request": pull_request }));
    }
    let mut command = comment(gate);
    command
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_API_URL", api.url())
        .env("GITHUB_REPOSITORY", "shop/api")
        .env("GITHUB_EVENT_PATH", event)
        .env("GITHUB_RUN_ID", "1842")
        .env("GITHUB_RUN_ATTEMPT", "1")
        .env("GITHUB_JOB", "gate")
        .env("GITHUB_TOKEN", TOKEN);
    command
}

#[test]
fn a_result_of_another_run_is_not_taken_for_this_jobs() {
    let gate = measured("");
    let result = gate.out().join("result.json");
    let path = result.to_str().unwrap();
    let cases = [
        ("github-1842", 2, &[][..], true),
        // From a commit or an earlier run.
        ("github-7", 2, &[], false),
        ("local", 2, &[], false),
        // From an earlier attempt: only other jobs of the run need not have been run again.
        ("github-1842", 1, &[], false),
        ("github-1842", 1, &["--result", path], true),
        ("github-1842", 3, &["--result", path], false),
    ];
    for is_followed in [false, true] {
        for (id, attempt, more, is_told) in cases {
            let api = Api::start(Plays::GitHub, None);
            std::fs::remove_file(gate.home().join("event.json")).ok();
            if is_followed {
                after_a_fork(&gate, &api);
            }
            stamp(&result, id, attempt);
            ran_on(
                command(&gate, &api)
                    .env("GITHUB_RUN_ID", if is_followed { "9" } else { "1842" })
                    .env("GITHUB_RUN_ATTEMPT", "2")
                    .args(more),
            );
            // What a second workflow downloads may be of an earlier attempt of the run.
            let is_told = is_told || is_followed && id == "github-1842" && attempt == 1;
            let body = api.of(BOT).concat();
            assert_eq!(
                body.contains("### ✅"),
                is_told,
                "{id} {attempt} {more:?}: {body}"
            );
        }
    }
}

fn write_event(home: &Path, event: &serde_json::Value) {
    std::fs::write(home.join("event.json"), event.to_string()).unwrap();
}

/// Runs it, and holds what always holds: nothing fails, and the token is not told.
#[track_caller]
fn ran(command: &mut Command) -> Ran {
    stamp_for(command);
    ran_on(command)
}

/// The same on results as they are.
#[track_caller]
fn ran_on(command: &mut Command) -> Ran {
    let ran = Ran::new(&command.output().unwrap()).exits(0);
    for told in [&ran.stdout, &ran.stderr] {
        assert!(!told.contains("ghs_a"), "{told}");
    }
    ran
}

/// The method of the last call: whether a comment was made, edited, or only looked for.
fn last(api: &Api) -> String {
    let calls = api.calls();
    calls
        .last()
        .map_or_else(String::new, |call| call.method.clone())
}

/// Checks that a message names this field or figure.
#[track_caller]
fn says(ran: &Ran, part: &str) {
    assert!(ran.stderr.contains(part), "no '{part}' in: {}", ran.stderr);
}

#[test]
fn a_comment_is_made_once_and_then_edited_in_place() {
    let (gate, api) = (measured(""), Api::start(Plays::GitHub, None));
    ran(&mut command(&gate, &api));
    assert_eq!(last(&api), "POST");
    let made = api.of(BOT);
    assert_eq!(made.len(), 1);
    assert!(
        made[0].starts_with("<!-- loadgate:gate-sample-"),
        "{}",
        made[0]
    );
    assert!(made[0].contains("### ✅") && made[0].contains("commit `3f2c9ab`"));

    ran(&mut command(&gate, &api));
    assert_eq!(last(&api), "GET");
    let mut later = command(&gate, &api);
    ran(later.env("GITHUB_RUN_ID", "1843"));
    assert_eq!(last(&api), "PATCH");
    let edited = api.of(BOT);
    assert_eq!(edited.len(), 1, "no second comment");
    assert!(edited[0].contains("<!-- run 1843.1 -->"), "{}", edited[0]);
    let call = &api.calls()[0];
    assert_eq!(call.headers["authorization"], format!("Bearer {TOKEN}"));
}

#[test]
fn an_older_run_does_not_write_over_a_newer_one() {
    let (gate, api) = (measured(""), Api::start(Plays::GitHub, None));
    ran(command(&gate, &api).env("GITHUB_RUN_ID", "1850"));
    ran(&mut command(&gate, &api));
    assert_eq!(last(&api), "GET");
    assert!(api.of(BOT)[0].contains("<!-- run 1850.1 -->"));
}

#[test]
fn the_comment_is_found_among_many_others_and_a_forged_one() {
    let (gate, api) = (measured(""), Api::start(Plays::GitHub, None));
    ran(&mut command(&gate, &api));
    let marker = api.of(BOT)[0].lines().next().unwrap().to_owned();
    let api = Api::start(Plays::GitHub, None);
    for number in 0..230 {
        api.add("reviewer", &format!("remark {number}"));
    }
    api.add("mallory", &format!("{marker}\nAll is well."));
    api.add(BOT, &format!("quoted: {marker}"));
    api.add(BOT, &format!("{marker}\nold"));
    ran(&mut command(&gate, &api));
    assert_eq!(last(&api), "PATCH");
    assert_eq!(api.of("mallory"), [format!("{marker}\nAll is well.")]);
    let ours = api.of(BOT);
    assert_eq!(ours.len(), 2);
    assert!(ours[1].contains("### ✅"), "{}", ours[1]);
    let lines = api.lines();
    assert!(lines[2].ends_with("page=3"), "{lines:?}");
}

#[test]
fn somebody_elses_token_is_asked_for_its_name() {
    let (gate, api) = (measured(""), Api::start(Plays::GitHub, Some("shop-ci")));
    ran(&mut command(&gate, &api));
    let mut later = command(&gate, &api);
    ran(later.env("GITHUB_RUN_ID", "1843"));
    assert_eq!(last(&api), "PATCH");
    assert_eq!(api.of("shop-ci").len(), 1);
}

#[test]
fn each_job_has_a_comment_of_its_own() {
    let (gate, api) = (measured(""), Api::start(Plays::GitHub, None));
    ran(&mut command(&gate, &api));
    ran(command(&gate, &api).env("GITHUB_JOB", "other"));
    assert_eq!(last(&api), "POST");
    ran(command(&gate, &api).args(["--key", "pr-gates"]));
    assert_eq!(last(&api), "POST");
    let bodies = api.of(BOT);
    assert_eq!(bodies.len(), 3);
    assert!(bodies[2].starts_with("<!-- loadgate:pr-gates -->\n"));
}

#[test]
fn what_passes_is_tried_again_and_done_once() {
    let gate = measured("");
    let post = "POST /repos/shop/api/issues/7/comments";
    for (line, fault) in [
        (LIST, Fault::Answers(429, "retry-after: 1\r\n", "slow down")),
        (LIST, Fault::Answers(500, "", "oops")),
        (
            LIST,
            Fault::Answers(403, "retry-after: 1\r\n", "secondary rate limit"),
        ),
        (LIST, Fault::Drops),
        (post, Fault::Answers(502, "", "oops")),
        (post, Fault::Drops),
        (post, Fault::DropsAfter),
    ] {
        let api = Api::start(Plays::GitHub, None);
        api.fault(line, fault.clone());
        ran(&mut command(&gate, &api));
        assert_eq!(api.of(BOT).len(), 1, "{line}: {fault:?}: {:?}", api.lines());
    }
}

#[test]
fn a_refusal_is_told_and_fails_nothing() {
    let gate = measured("");
    let post = "POST /repos/shop/api/issues/7/comments";
    for (line, status, message) in [
        (post, 403, "Resource not accessible by integration"),
        (LIST, 404, "Not Found"),
        (LIST, 401, "Bad credentials ghs_a-token-that-nobody-may-see"),
        (post, 422, "::error::Body is too long"),
    ] {
        let api = Api::start(Plays::GitHub, None);
        api.fault(line, Fault::Answers(status, "", message));
        let ran = ran(&mut command(&gate, &api));
        says(&ran, &status.to_string());
        assert!(api.of(BOT).is_empty());
        assert!(
            !ran.stderr
                .lines()
                .any(|line| line.trim_start().starts_with("::"))
        );
    }
}

#[test]
fn a_platform_that_stays_away_is_given_up() {
    let (gate, api) = (measured(""), Api::start(Plays::GitHub, None));
    for _ in 0..6 {
        api.fault(LIST, Fault::Drops);
    }
    ran(&mut command(&gate, &api));
    assert_eq!(api.lines().len(), 6);
    let (gate, api) = (measured(""), Api::start(Plays::GitHub, None));
    api.fault(
        LIST,
        Fault::Answers(429, "retry-after: 4000\r\n", "slow down"),
    );
    says(&ran(&mut command(&gate, &api)), "429");
    assert_eq!(api.lines().len(), 1, "nobody waits for an hour");
}

#[test]
fn without_a_pull_request_or_token_nothing_is_sent() {
    let (gate, api) = (measured(""), Api::start(Plays::GitHub, None));
    says(
        &ran(command(&gate, &api).env_remove("GITHUB_TOKEN")),
        "GITHUB_TOKEN",
    );
    let mut insecure = command(&gate, &api);
    insecure.env("GITHUB_API_URL", "http://192.0.2.1");
    says(&ran(&mut insecure), "https");
    write_event(gate.home(), &json!({ "ref": "refs/heads/main" }));
    api.answer(
        "/repos/shop/api/commits/3f2c9ab0/pulls?per_page=100",
        json!([]),
    );
    let mut push = command(&gate, &api);
    ran(push.env("GITHUB_SHA", "3f2c9ab0"));
    assert_eq!(last(&api), "GET");
    assert_eq!(api.lines().len(), 1);
    assert!(api.of(BOT).is_empty());
}

#[test]
fn a_deployments_commit_leads_to_its_pull_request() {
    let (gate, api) = (measured(""), Api::start(Plays::GitHub, None));
    write_event(gate.home(), &json!({ "deployment": { "sha": "3f2c9ab0" } }));
    api.answer(
        "/repos/shop/api/commits/3f2c9ab0/pulls?per_page=100",
        json!([{ "state": "closed", "number": 6 }, { "state": "open", "number": 7 }]),
    );
    ran(&mut command(&gate, &api));
    assert_eq!(last(&api), "POST");
}

/// The event of a trusted workflow that follows one of a fork.
fn after_a_fork(gate: &Gate, api: &Api) {
    write_event(
        gate.home(),
        &json!({ "workflow_run": {
            "id": 1842, "run_attempt": 2, "name": "gate", "pull_requests": [],
            "head_sha": "3f2c9ab0", "head_branch": "fast&state=closed",
            "head_repository": { "owner": { "login": "stranger" } },
            "html_url": "https://github.com/shop/api/actions/runs/1842",
        }}),
    );
    api.answer(
        "/repos/shop/api/pulls?state=open&per_page=100&head=stranger%3Afast%26state%3Dclosed",
        json!([
            { "state": "open", "number": 6, "head": { "sha": "aaaaaaaa" } },
            { "state": "open", "number": 7, "head": { "sha": "3f2c9ab0" } },
        ]),
    );
}

#[test]
fn a_trusted_workflow_believes_the_platform_and_judges_again() {
    let (gate, api) = (
        measured("limits: { overall: { p95: 1us } }"),
        Api::start(Plays::GitHub, None),
    );
    after_a_fork(&gate, &api);
    // A result that says of itself what it likes.
    let mut record: serde_json::Value = serde_json::from_str(&gate.written("result.json")).unwrap();
    record["run"]["url"] = json!("https://evil.example/login");
    record["run"]["commit"] = json!("@everyone");
    record["tool"] = json!("`](https://evil.example) @everyone");
    std::fs::write(gate.out().join("result.json"), record.to_string()).unwrap();
    std::fs::write(gate.out().join("summary.md"), "### ✅ all is well").unwrap();
    ran(&mut command(&gate, &api));
    assert_eq!(last(&api), "POST");
    let body = &api.of(BOT)[0];
    assert!(body.contains("### ❌"), "{body}");
    assert!(body.contains("[CI run, attempt 2](https://github.com/shop/api/actions/runs/1842)"));
    assert!(body.contains("commit `3f2c9ab`"), "{body}");
    let mentions = body.replace(
        "<code>&#96;&#93;&#40;https&#58;//evil.example&#41; &#64;everyone</code>",
        "",
    );
    assert!(
        !mentions.contains("@everyone") && !mentions.contains("](https://evil"),
        "{body}"
    );
}

#[test]
fn an_artifact_that_is_no_result_is_told_as_such() {
    let gate = measured("");
    let result = gate.out().join("result.json");
    let whole = gate.written("result.json");
    let mut other: serde_json::Value = serde_json::from_str(&whole).unwrap();
    other["scenario"]["sha256"] = json!("0");
    let mut early: serde_json::Value = serde_json::from_str(&whole).unwrap();
    early["slices"][0]["start_s"] = json!(-1.0);
    for (text, why) in [
        ("{", "not a loadgate result"),
        (&other.to_string(), "another scenario"),
        (
            &whole.replace("\"schema\": 1", "\"schema\": 99"),
            "schema 99",
        ),
        (&early.to_string(), "negative time"),
    ] {
        let api = Api::start(Plays::GitHub, None);
        after_a_fork(&gate, &api);
        std::fs::write(&result, text).unwrap();
        ran(&mut command(&gate, &api));
        let body = api.of(BOT).concat();
        assert!(
            body.contains("NOT JUDGED") && body.contains(why),
            "{why}: {body}"
        );
    }
    let api = Api::start(Plays::GitHub, None);
    after_a_fork(&gate, &api);
    std::fs::remove_file(&result).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &result).unwrap();
    ran(&mut command(&gate, &api));
    let body = api.of(BOT).concat();
    assert!(
        body.contains("is not a file") && !body.contains("root:"),
        "{body}"
    );
}

#[test]
fn several_results_of_one_run_are_told_as_one_job() {
    let (gate, api) = (measured(""), Api::start(Plays::GitHub, None));
    let own = |name: &str| gate.home().join(name).to_str().unwrap().to_owned();
    let mut record: serde_json::Value = serde_json::from_str(&gate.written("result.json")).unwrap();
    let slices = record["slices"].as_array().unwrap().iter();
    let cells = slices.flat_map(|slice| slice["cells"].as_array().unwrap());
    let twice: u64 = 2 * cells
        .map(|cell| cell["requests"].as_u64().unwrap())
        .sum::<u64>();
    let twice = format!("{},{:03}", twice / 1000, twice % 1000);
    for name in ["a.json", "b.json"] {
        std::fs::write(own(name), record.to_string()).unwrap();
    }
    record["run"]["id"] = json!("github-99");
    std::fs::write(own("other.json"), record.to_string()).unwrap();
    std::fs::remove_file(gate.out().join("result.json")).unwrap();
    let of = |names: &[&str]| {
        let mut command = command(&gate, &api);
        for name in names {
            command.args(["--result", &own(name)]);
        }
        command
    };
    ran(&mut of(&["a.json", "b.json"]));
    assert_eq!(last(&api), "POST");
    let body = api.of(BOT).concat();
    assert!(
        body.contains("### ✅") && body.contains(&format!("{twice} requests in")),
        "{body}"
    );
    ran(of(&["a.json", "other.json"]).env("GITHUB_RUN_ID", "1843"));
    assert_eq!(last(&api), "PATCH");
    let body = api.of(BOT).concat();
    assert!(body.contains("NOT JUDGED"), "{body}");
    let folder = gate.folder();
    let several = of(&["a.json"]).arg(&folder).output().unwrap();
    let _ = Ran::new(&several).exits(2).says(&["--result"]);
}

#[test]
fn a_run_that_was_recorded_since_is_not_held_against_itself() {
    // A second is too short for a percentile's history.
    let gate = measured("regression: { gate: [error_rate] }");
    let api = Api::start(Plays::GitHub, None);
    let file = gate.out().join("result.json");
    let result = file.to_str().unwrap();
    stamp(&file, "github-1841", 1);
    gate.command("record", &[result, "--accept"]).exits(0);
    gate.replay(&Load::taking(2.0).on_day(1), &[]);
    stamp(&file, "github-1842", 1);
    gate.command("record", &[result, "--accept"]).exits(0);
    assert_eq!(gate.read("baseline.json").matches("\"started\"").count(), 2);
    ran(&mut command(&gate, &api));
    assert_eq!(last(&api), "POST");
    let told = api.of(BOT).concat();
    assert!(told.contains("1 baseline job "), "{told}");
}

#[test]
fn a_comment_is_of_the_environment_that_was_loaded() {
    let scenario = SCENARIO.replace("get: /items,", "get: '/{{ way }}',");
    let ways =
        "variables: { way: local }\nenvironments: { staging: { variables: { way: staging } } }\n";
    let scenario = format!("{ways}{scenario}");
    let gate = gate("").with_scenario(&scenario);
    let staging = ["--environment", "staging"];
    let load = Load::taking(2.0).of_environment("staging");
    gate.replay(&load, &staging).exits(0);
    let told = |more: &[&str]| {
        let api = Api::start(Plays::GitHub, None);
        ran(command(&gate, &api).args(more));
        assert_eq!(last(&api), "POST");
        api.of(BOT).concat()
    };
    let told_of_staging = told(&staging);
    assert!(told_of_staging.contains("### ✅"), "{told_of_staging}");
    let of_none = told(&[]);
    assert!(of_none.contains("a run of another scenario"), "{of_none}");
}

#[test]
fn a_comment_on_failure_alone_is_spared_and_still_mended() {
    let (gate, api) = (measured(""), Api::start(Plays::GitHub, None));
    let on_failure = |gate: &Gate, run: &str| {
        let mut command = command(gate, &api);
        command
            .args(["--when", "on-failure"])
            .env("GITHUB_RUN_ID", run);
        ran(&mut command)
    };
    on_failure(&gate, "1");
    assert!(api.of(BOT).is_empty());
    gate.write("thresholds.yml", "limits: { overall: { p95: 1us } }");
    on_failure(&gate, "2");
    assert_eq!(last(&api), "POST");
    gate.write("thresholds.yml", "");
    on_failure(&gate, "3");
    assert_eq!(last(&api), "PATCH");
    assert!(api.of(BOT)[0].contains("### ✅"));
}

#[test]
fn a_long_comment_loses_whole_blocks() {
    let names: Vec<String> = (0..320)
        .map(|number| {
            format!(
                "{{ get: /{number}, name: \"GET /{}/{number}\" }}",
                "x".repeat(90)
            )
        })
        .collect();
    let steps = format!("steps: [{}]", names.join(", "));
    let scenario = SCENARIO
        .replace("steps: [{ get: /items, name: GET /items }]", &steps)
        .replace("wait: 5ms", "wait: 0s");
    let gate = gate("").with_scenario(&scenario);
    gate.replay(&Load::taking(2.0).in_one_slice(), &[]);
    let api = Api::start(Plays::GitHub, None);
    ran(&mut command(&gate, &api));
    assert_eq!(last(&api), "POST");
    let body = &api.of(BOT)[0];
    assert!(body.len() < 65_536, "{}", body.len());
    assert!(body.contains("did not fit into a comment"), "{body}");
    assert_eq!(
        body.matches("<details>").count(),
        body.matches("</details>").count()
    );
}

/// `loadgate comment` as a job of GitLab CI for merge request 7.
fn note(gate: &Gate, api: &Api) -> Command {
    let mut command = comment(gate);
    command
        .env("GITLAB_CI", "true")
        .env("CI_API_V4_URL", api.url())
        .env("CI_PROJECT_ID", "12")
        .env("CI_MERGE_REQUEST_IID", "7")
        .env("CI_PIPELINE_ID", "50")
        .env("CI_JOB_NAME", "performance")
        .env("GITLAB_TOKEN", TOKEN);
    command
}

const GITLAB_BOT: &str = "project_12_bot";
const NOTES: &str = "/projects/12/merge_requests/7/notes";

#[test]
fn a_gitlab_merge_request_gets_a_note() {
    let (gate, api) = (measured(""), Api::start(Plays::GitLab, Some(GITLAB_BOT)));
    ran(&mut note(&gate, &api));
    assert_eq!(last(&api), "POST");
    ran(note(&gate, &api).env("CI_PIPELINE_ID", "51"));
    assert_eq!(last(&api), "PUT");
    let notes = api.of(GITLAB_BOT);
    assert_eq!(notes.len(), 1);
    assert!(notes[0].contains("<!-- run 51.0 -->"), "{}", notes[0]);
    let calls = api.calls();
    assert!(
        calls
            .iter()
            .all(|call| call.headers["private-token"] == TOKEN)
    );
    assert!(calls.iter().any(|call| call.method == "PUT"));
}

#[test]
fn a_gitlab_note_is_found_among_many_others_and_a_forged_one() {
    let (gate, api) = (measured(""), Api::start(Plays::GitLab, Some(GITLAB_BOT)));
    ran(&mut note(&gate, &api));
    let marker = api.of(GITLAB_BOT)[0].lines().next().unwrap().to_owned();
    let api = Api::start(Plays::GitLab, Some(GITLAB_BOT));
    for number in 0..230 {
        api.add("reviewer", &format!("remark {number}"));
    }
    api.add("mallory", &format!("{marker}\nAll is well."));
    api.add(GITLAB_BOT, &format!("{marker}\nold"));
    ran(&mut note(&gate, &api));
    assert_eq!(last(&api), "PUT");
    assert_eq!(api.of("mallory"), [format!("{marker}\nAll is well.")]);
    assert_eq!(api.of(GITLAB_BOT).len(), 1);
    assert!(
        api.lines().iter().any(|line| line.contains("&page=3")),
        "{:?}",
        api.lines()
    );
}

#[test]
fn what_passes_at_gitlab_is_tried_again_and_done_once() {
    let gate = measured("");
    let (list, post) = (format!("GET {NOTES}"), format!("POST {NOTES}"));
    for (line, fault) in [
        (
            &list,
            Fault::Answers(429, "retry-after: 1\r\n", "Retry later"),
        ),
        (&list, Fault::Answers(500, "", "500 Internal Server Error")),
        (&list, Fault::Drops),
        (&post, Fault::Answers(502, "", "oops")),
        (&post, Fault::Drops),
        (&post, Fault::DropsAfter),
    ] {
        let api = Api::start(Plays::GitLab, Some(GITLAB_BOT));
        api.fault(line, fault.clone());
        ran(&mut note(&gate, &api));
        assert_eq!(
            api.of(GITLAB_BOT).len(),
            1,
            "{line}: {fault:?}: {:?}",
            api.lines()
        );
    }
}

#[test]
fn a_refusal_of_gitlab_is_told_and_fails_nothing() {
    let gate = measured("");
    let (list, post) = (format!("GET {NOTES}"), format!("POST {NOTES}"));
    for (line, status, message) in [
        (&post, 403, "403 Forbidden"),
        (&list, 404, "404 Project Not Found"),
        (
            &list,
            401,
            "401 Unauthorized ghs_a-token-that-nobody-may-see",
        ),
        (&post, 400, "::error::400 Bad Request"),
    ] {
        let api = Api::start(Plays::GitLab, Some(GITLAB_BOT));
        api.fault(line, Fault::Answers(status, "", message));
        let ran = ran(&mut note(&gate, &api));
        says(&ran, &status.to_string());
        assert!(api.of(GITLAB_BOT).is_empty());
        let mut lines = ran.stderr.lines();
        assert!(!lines.any(|line| line.trim_start().starts_with("::")));
    }
    let api = Api::start(Plays::GitLab, Some(GITLAB_BOT));
    api.fault(
        &list,
        Fault::Answers(429, "retry-after: 4000\r\n", "Retry later"),
    );
    says(&ran(&mut note(&gate, &api)), "429");
    assert_eq!(api.lines().len(), 1, "nobody waits for an hour");
}
