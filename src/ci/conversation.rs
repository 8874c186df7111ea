//! The conversation of a pull or merge request, as its platform's API has it.

use serde_json::Value;

use crate::http_client::{self, Method};
use crate::redact::HIDDEN;

/// Comments of one page.
pub(super) const PAGE: usize = 100;

/// Who writes with the token that GitHub Actions gives a job, which cannot ask who it is.
const GITHUB_BOT: &str = "github-actions[bot]";

/// The conversation of one change request, and the right to write into it.
#[derive(Clone, PartialEq, Eq)]
pub struct Conversation {
    platform: Platform,
    api: String,
    /// The repository or project, as paths have it.
    project: String,
    number: u64,
    token: String,
}

/// Whose API it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Platform {
    /// GitHub, or a server of one's own.
    GitHub,
    /// GitLab, likewise.
    GitLab,
}

/// One comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Comment {
    /// Its number.
    pub(super) id: u64,
    /// Who wrote it.
    pub(super) author: String,
    /// What it says.
    pub(super) body: String,
}

/// One call of the API.
pub(super) struct Call {
    pub(super) method: Method,
    /// The address.
    pub(super) url: String,
    /// What is sent.
    pub(super) json: Option<String>,
}

impl std::fmt::Debug for Conversation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The token is nobody's to see.
        f.debug_struct("Thread")
            .field("platform", &self.platform)
            .field("api", &self.api)
            .field("project", &self.project)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Conversation {
    pub(super) fn new(
        platform: Platform,
        api: &str,
        project: String,
        number: u64,
        token: String,
    ) -> Self {
        Self {
            platform,
            api: api.trim_end_matches('/').to_owned(),
            project,
            number,
            token,
        }
    }

    /// Whether the token may be sent to the API: nobody on the way reads it.
    pub(super) fn is_private(&self) -> bool {
        http_client::is_private(&self.api)
    }

    /// The text without the token, should a response contain it.
    pub(super) fn redacted(&self, text: &str) -> String {
        text.replace(&self.token, HIDDEN)
    }

    /// The bearer and the form of its responses.
    pub(super) fn headers<'t>(&'t self, bearer: &'t str) -> Vec<(&'t str, &'t str)> {
        match self.platform {
            Platform::GitHub => vec![
                ("authorization", bearer),
                ("accept", "application/vnd.github+json"),
                ("x-github-api-version", "2022-11-28"),
            ],
            Platform::GitLab => vec![("private-token", bearer)],
        }
    }

    /// What stands in the header that carries the token.
    pub(super) fn bearer(&self) -> String {
        match self.platform {
            Platform::GitHub => format!("Bearer {}", self.token),
            Platform::GitLab => self.token.clone(),
        }
    }

    /// Asks whose token it is.
    pub(super) fn whoami(&self) -> Call {
        Call {
            method: Method::GET,
            url: format!("{}/user", self.api),
            json: None,
        }
    }

    /// Who that is; on GitHub a job's own token is not told.
    pub(super) fn author(&self, answer: Option<&Value>) -> Option<String> {
        let (field, fallback) = match self.platform {
            Platform::GitHub => ("login", Some(GITHUB_BOT.to_owned())),
            Platform::GitLab => ("username", None),
        };
        let name = answer.and_then(|user| Some(user.get(field)?.as_str()?.to_owned()));
        name.or(fallback)
    }

    /// Lists comments, oldest first; pages count from 1.
    pub(super) fn list(&self, page: usize) -> Call {
        let sorted = match self.platform {
            Platform::GitHub => "",
            Platform::GitLab => "&sort=asc",
        };
        Call {
            method: Method::GET,
            url: format!("{}?per_page={PAGE}&page={page}{sorted}", self.comments()),
            json: None,
        }
    }

    /// Writes a new comment.
    pub(super) fn create(&self, body: &str) -> Call {
        Call {
            method: Method::POST,
            url: self.comments(),
            json: Some(payload(body)),
        }
    }

    /// Writes a comment anew.
    pub(super) fn update(&self, id: u64, body: &str) -> Call {
        let (method, url) = match self.platform {
            Platform::GitHub => (
                Method::PATCH,
                format!("{}/repos/{}/issues/comments/{id}", self.api, self.project),
            ),
            Platform::GitLab => (Method::PUT, format!("{}/{id}", self.comments())),
        };
        Call {
            method,
            url,
            json: Some(payload(body)),
        }
    }

    fn comments(&self) -> String {
        let Self {
            api,
            project,
            number,
            ..
        } = self;
        match self.platform {
            Platform::GitHub => format!("{api}/repos/{project}/issues/{number}/comments"),
            Platform::GitLab => format!("{api}/projects/{project}/merge_requests/{number}/notes"),
        }
    }

    /// A comment of a list; none where it is no comment as we know them.
    pub(super) fn comment(&self, value: &Value) -> Option<Comment> {
        let (who, name) = match self.platform {
            Platform::GitHub => ("user", "login"),
            Platform::GitLab => ("author", "username"),
        };
        Some(Comment {
            id: value.get("id")?.as_u64()?,
            author: value.get(who)?.get(name)?.as_str()?.to_owned(),
            body: value.get("body")?.as_str()?.to_owned(),
        })
    }
}

fn payload(body: &str) -> String {
    serde_json::json!({ "body": body }).to_string()
}
