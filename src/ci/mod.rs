//! The CI platforms: what GitHub Actions and GitLab CI say about a job, and what a job reports to them.
//!
//! An edge: it reads the environment it is given and the platform's own files, and writes those and the one comment. It
//! must not know what a run came to, only what is to be said of it.

mod comment;
mod conversation;
mod event;
pub mod github;

pub use comment::{Key, Message, OnFirst, Posted, RunOrder, post};
pub use conversation::Conversation;
pub use event::{Trigger, trigger};

/// The CI run that this process is part of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CiRun {
    /// Unique on its platform: the workflow run or the pipeline.
    pub id: String,
    /// Which attempt, where the platform counts them.
    pub attempt: Option<u32>,
    /// Commit that is built.
    pub commit: Option<String>,
    /// Its page.
    pub url: Option<String>,
    /// The kind of runner.
    pub runner: Option<String>,
    /// Whether it runs for a pull or merge request or in a merge queue: numbers that must never become a baseline.
    pub is_change_request: bool,
}

/// Finds the CI run, by the variables that its platform documents; none outside CI.
pub fn detect(variable: &dyn Fn(&str) -> Option<String>) -> Option<CiRun> {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    if variable("GITHUB_ACTIONS").is_some() {
        return Some(github(&variable));
    }
    if variable("GITLAB_CI").is_some() {
        return Some(gitlab(&variable));
    }
    None
}

fn github(variable: &dyn Fn(&str) -> Option<String>) -> CiRun {
    let id = variable("GITHUB_RUN_ID").unwrap_or_default();
    let address = || {
        let (server, repository) = (
            variable("GITHUB_SERVER_URL")?,
            variable("GITHUB_REPOSITORY")?,
        );
        Some(format!("{server}/{repository}/actions/runs/{id}"))
    };
    CiRun {
        url: address(),
        attempt: variable("GITHUB_RUN_ATTEMPT").and_then(|text| text.parse().ok()),
        commit: variable("GITHUB_SHA"),
        runner: variable("ImageOS").or_else(|| variable("RUNNER_NAME")),
        is_change_request: variable("GITHUB_EVENT_NAME")
            .is_some_and(|event| event.starts_with("pull_request") || event == "merge_group"),
        id: github_id(id),
    }
}

/// How a run of GitHub is called in results and baselines.
fn github_id(number: impl std::fmt::Display) -> String {
    format!("github-{number}")
}

fn gitlab(variable: &dyn Fn(&str) -> Option<String>) -> CiRun {
    CiRun {
        id: format!("gitlab-{}", variable("CI_PIPELINE_ID").unwrap_or_default()),
        attempt: None,
        commit: variable("CI_COMMIT_SHA"),
        url: variable("CI_JOB_URL").or_else(|| variable("CI_PIPELINE_URL")),
        runner: variable("CI_RUNNER_DESCRIPTION"),
        is_change_request: variable("CI_PIPELINE_SOURCE")
            .is_some_and(|source| source == "merge_request_event"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(variables: &[(&str, &str)]) -> Option<CiRun> {
        detect(&|name| {
            let found = variables.iter().find(|(known, _)| *known == name)?;
            Some(found.1.to_owned())
        })
    }

    #[test]
    fn there_is_no_run_outside_ci() {
        assert_eq!(detected(&[("CI", "true"), ("GITHUB_ACTIONS", "")]), None);
    }

    #[test]
    fn a_github_pull_request_is_a_change_request() {
        let run = detected(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_RUN_ID", "42"),
            ("GITHUB_RUN_ATTEMPT", "2"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "a/b"),
            ("GITHUB_EVENT_NAME", "pull_request_target"),
        ])
        .unwrap();
        assert!(run.is_change_request);
        assert_eq!((run.id.as_str(), run.attempt), ("github-42", Some(2)));
        assert_eq!(run.url.unwrap(), "https://github.com/a/b/actions/runs/42");
    }

    #[test]
    fn a_merge_queue_is_a_change_request() {
        let run = detected(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", "merge_group"),
        ]);
        assert!(run.unwrap().is_change_request);
    }

    #[test]
    fn a_gitlab_push_is_no_change_request() {
        let run = detected(&[
            ("GITLAB_CI", "true"),
            ("CI_PIPELINE_ID", "7"),
            ("CI_PIPELINE_SOURCE", "push"),
        ])
        .unwrap();
        assert!(!run.is_change_request);
        assert_eq!(run.id, "gitlab-7");
    }
}
