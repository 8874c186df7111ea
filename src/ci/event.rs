//! What set a job off: the change request that it belongs to, and the run that it speaks of.

use std::path::Path;

use serde_json::Value;

use super::comment::RunOrder;
use super::conversation::{Conversation, Platform};
use crate::files;
use crate::http_client::{Client, Method, Request, WHOLE};

type Variable<'v> = &'v dyn Fn(&str) -> Option<String>;

/// Bytes of a response at most.
const MOST_BYTES: usize = 16 << 20;

/// What a comment is to speak of, as the platform has it. Nothing in it comes from what a job measured.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// The conversation.
    pub thread: Conversation,
    /// The run.
    pub age: RunOrder,
    /// Its page.
    pub url: Option<String>,
    /// The commit that was measured.
    pub commit: Option<String>,
    /// Key of this job among others.
    pub job: String,
    /// The id of the run that measured.
    pub id: String,
    /// The same if it is not this run: whoever proposes a change then wrote what it left behind.
    pub of_run: Option<String>,
}

/// Finds the conversation that belongs to this job, or says why there is none.
pub fn trigger(variable: Variable<'_>) -> Result<Trigger, String> {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    if variable("GITHUB_ACTIONS").is_some() {
        return github(&variable);
    }
    if variable("GITLAB_CI").is_some() {
        return gitlab(&variable);
    }
    Err("this is not a job of GitHub Actions or GitLab CI".to_owned())
}

fn token(variable: Variable<'_>, name: &str) -> Result<String, String> {
    let token = variable("LOADGATE_TOKEN").or_else(|| variable(name));
    token.ok_or_else(|| format!("{name} is not set, and a comment needs a token"))
}

fn gitlab(variable: Variable<'_>) -> Result<Trigger, String> {
    let number = |name: &str| variable(name).and_then(|text| text.parse::<u64>().ok());
    let Some(iid) = number("CI_MERGE_REQUEST_IID") else {
        return Err("this is not a merge request pipeline".to_owned());
    };
    let project = number("CI_PROJECT_ID").ok_or("CI_PROJECT_ID is not set")?;
    let api = variable("CI_API_V4_URL").ok_or("CI_API_V4_URL is not set")?;
    let token = token(variable, "GITLAB_TOKEN")?;
    Ok(Trigger {
        thread: Conversation::new(Platform::GitLab, &api, project.to_string(), iid, token),
        age: RunOrder {
            run: number("CI_PIPELINE_ID").unwrap_or_default(),
            attempt: number("CI_JOB_ID").unwrap_or_default(),
        },
        url: variable("CI_JOB_URL"),
        commit: variable("CI_COMMIT_SHA"),
        job: variable("CI_JOB_NAME").unwrap_or_default(),
        id: super::detect(variable).unwrap_or_default().id,
        of_run: None,
    })
}

fn github(variable: Variable<'_>) -> Result<Trigger, String> {
    let token = token(variable, "GITHUB_TOKEN")?;
    let api = variable("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".to_owned());
    let repository = variable("GITHUB_REPOSITORY")
        .filter(|name| is_repository(name))
        .ok_or("GITHUB_REPOSITORY is not the name of a repository")?;
    let event = event(variable)?;
    let own = super::detect(variable).unwrap_or_default();
    let measured = Measured::find(&event, variable);
    let thread = |number| {
        Conversation::new(
            Platform::GitHub,
            &api,
            repository.clone(),
            number,
            token.clone(),
        )
    };
    let number = match measured.number {
        Some(number) => number,
        None => find_number(&thread(0), &api, &repository, &measured)?,
    };
    let count = |name: &str| variable(name).and_then(|text| text.parse().ok());
    Ok(Trigger {
        thread: thread(number),
        age: measured.age.unwrap_or(RunOrder {
            run: count("GITHUB_RUN_ID").unwrap_or_default(),
            attempt: count("GITHUB_RUN_ATTEMPT").unwrap_or_default(),
        }),
        url: measured.url.or(own.url),
        commit: measured.commit,
        job: format!(
            "{} {}",
            measured
                .workflow
                .or_else(|| variable("GITHUB_WORKFLOW"))
                .unwrap_or_default(),
            variable("GITHUB_JOB").unwrap_or_default()
        ),
        id: measured.run.clone().unwrap_or(own.id),
        of_run: measured.run,
    })
}

/// What the event says of the run that measured: this one, or the one that a trusted workflow follows.
#[derive(Default)]
struct Measured {
    number: Option<u64>,
    commit: Option<String>,
    /// Owner and branch, where the commit alone does not tell.
    head: Option<(String, String)>,
    age: Option<RunOrder>,
    url: Option<String>,
    workflow: Option<String>,
    /// The id of the run, where another one than this.
    run: Option<String>,
}

impl Measured {
    fn find(event: &Value, variable: Variable<'_>) -> Self {
        let text = |value: &Value, path: &str| Some(value.pointer(path)?.as_str()?.to_owned());
        if let Some(run) = event.get("workflow_run") {
            let number = |path: &str| run.pointer(path).and_then(Value::as_u64);
            return Self {
                // Empty for forks.
                number: number("/pull_requests/0/number"),
                commit: text(run, "/head_sha"),
                head: text(run, "/head_repository/owner/login").zip(text(run, "/head_branch")),
                age: number("/id").map(|id| RunOrder {
                    run: id,
                    attempt: number("/run_attempt").unwrap_or(1),
                }),
                url: text(run, "/html_url"),
                workflow: text(run, "/name"),
                run: Some(super::github_id(number("/id").unwrap_or_default())),
            };
        }
        let number = |path: &str| event.pointer(path).and_then(Value::as_u64);
        if let Some(number) = number("/pull_request/number") {
            return Self {
                number: Some(number),
                // What is checked out is a merge that nobody knows; its head is what was pushed.
                commit: text(event, "/pull_request/head/sha"),
                ..Self::default()
            };
        }
        let is_pull_request = event.pointer("/issue/pull_request").is_some();
        Self {
            number: number("/issue/number").filter(|_| is_pull_request),
            commit: text(event, "/deployment/sha").or_else(|| variable("GITHUB_SHA")),
            ..Self::default()
        }
    }
}

fn event(variable: Variable<'_>) -> Result<Value, String> {
    let path = variable("GITHUB_EVENT_PATH").ok_or("GITHUB_EVENT_PATH is not set")?;
    let text = files::read(Path::new(&path))
        .map_err(|error| format!("cannot read the event {path}: {error}"))?;
    serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| format!("the event {path} is not JSON: {error}"))
}

/// The open pull request whose head is the commit that was measured.
fn find_number(
    thread: &Conversation,
    api: &str,
    repository: &str,
    measured: &Measured,
) -> Result<u64, String> {
    let nothing = || "no open pull request has this commit".to_owned();
    let commit = measured.commit.as_deref().filter(|sha| is_sha(sha));
    let commit = commit.ok_or_else(nothing)?;
    let api = api.trim_end_matches('/');
    let url = match &measured.head {
        Some((owner, branch)) => {
            let pairs = [
                ("state", "open"),
                ("per_page", "100"),
                ("head", &format!("{owner}:{branch}")),
            ];
            url::Url::parse_with_params(&format!("{api}/repos/{repository}/pulls"), pairs)
                .map_err(|_| "GITHUB_API_URL is not an address".to_owned())?
                .to_string()
        }
        None => format!("{api}/repos/{repository}/commits/{commit}/pulls?per_page=100"),
    };
    if !thread.is_private() {
        return Err(
            "GITHUB_API_URL is neither https nor on this machine, so no token is sent to it"
                .to_owned(),
        );
    }
    let client = Client::new().map_err(|error| error.to_string())?;
    let answer = client
        .send(&Request {
            method: Method::GET,
            url: &url,
            headers: &thread.headers(&thread.bearer()),
            body: None,
            most: MOST_BYTES,
            within: WHOLE,
        })
        .map_err(|error| error.to_string())?;
    if answer.status != 200 {
        return Err(format!(
            "the pull request was not found: the platform responded {}",
            answer.status
        ));
    }
    let pulls: Vec<Value> = serde_json::from_str(&answer.body).map_err(|_| nothing())?;
    let is_it = |pull: &&Value| {
        pull.get("state").and_then(Value::as_str) == Some("open")
            && (measured.head.is_none()
                || pull.pointer("/head/sha").and_then(Value::as_str) == Some(commit))
    };
    let found = pulls.iter().find(is_it);
    found
        .and_then(|pull| pull.get("number")?.as_u64())
        .ok_or_else(nothing)
}

/// Whether a text is `owner/name`, which goes into addresses as it is.
fn is_repository(text: &str) -> bool {
    let is_name = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    text.split_once('/')
        .is_some_and(|(owner, name)| is_name(owner) && is_name(name))
}

fn is_sha(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_hexdigit())
}
