//! The texts of the files.

use std::fmt::Write as _;
use std::path::Path;

use super::aws::texts as on_aws;
use super::aws::{self, Project};
use super::checkout::Checkout;
use super::openapi::{self, Found};

/// The action as workflows name it. A tag and not a commit, since its users trust the owner of loadgate anyway. The
/// book says what to name until there is a release.
pub(super) const ACTION: &str = "loadgate/loadgate@v0.1.0";
/// As other actions are pinned.
pub(super) const CHECKOUT: &str =
    "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1";
/// The component, at an address that every GitLab server can include.
const COMPONENT: &str =
    "https://raw.githubusercontent.com/loadgate/loadgate/v0.1.0/templates/loadgate.yml";
/// Where the gate's folder is.
pub(super) const GATE: &str = "thresholds/api";

/// What the texts are made of.
pub(super) struct Start {
    /// What deploys Lambda functions.
    pub(super) aws: Option<Project>,
    /// The OpenAPI file that the paths to load are from.
    openapi: Found,
    /// What builds and serves the service.
    build: &'static str,
    serve: &'static str,
    /// An image for both, with git and curl in it.
    image: &'static str,
}

impl Start {
    /// Whether the image on GitLab can build loadgate where no release is named.
    pub(super) fn has_cargo(&self) -> bool {
        self.aws.is_none() && self.image.starts_with("rust:")
    }

    /// Looks at a repository.
    pub(super) fn find(root: &Path) -> Self {
        let has = |file: &str| root.join(file).exists();
        let (build, serve, image) = if has("package.json") {
            ("npm ci", "PORT=$LOADGATE_PORT exec npm start", "node:lts")
        } else if has("Cargo.toml") {
            (
                "cargo build --release --locked",
                "PORT=$LOADGATE_PORT exec cargo run --release --locked",
                "rust:1",
            )
        } else if has("go.mod") {
            (
                "go build -o service .",
                "PORT=$LOADGATE_PORT exec ./service",
                "golang:1",
            )
        } else {
            (
                "make",
                "PORT=$LOADGATE_PORT exec make run",
                "buildpack-deps:stable",
            )
        };
        let (aws, unused) = aws::find(root);
        let mut openapi = openapi::find(root);
        openapi.unused.extend(unused);
        Self {
            aws,
            openapi,
            build,
            serve,
            image,
        }
    }

    /// What the gate was made of.
    pub(super) fn origin(&self) -> String {
        if let Some(origin) = self.aws.as_ref().and_then(Project::origin) {
            return origin;
        }
        match &self.openapi.api {
            Some(api) => match (api.of, api.paths.len()) {
                (1, _) => format!(", of the one GET in {} that needs no values", api.file),
                (of, n) if of > n => format!(
                    ", of the first {n} of {of} GETs in {} that need no values",
                    api.file
                ),
                (of, _) => format!(", of the {of} GETs in {} that need no values", api.file),
            },
            None => ", which loads / alone".to_owned(),
        }
    }

    /// Each file that was not used, and why.
    pub(super) fn unused(&self) -> impl Iterator<Item = String> {
        let unused = self.openapi.unused.iter();
        unused.map(|(file, why)| format!("{file} was not used: {why}"))
    }
}

/// The gate: every path as a task of its own, long and dense enough for a verdict.
pub(super) fn scenario(start: &Start) -> String {
    let paths = start.openapi.api.as_ref().map(|api| &api.paths);
    let mut tasks: String = match paths {
        Some(paths) => paths.iter().map(|path| task(path)).collect(),
        None => task("/"),
    };
    let mut section = String::new();
    if let Some(project) = &start.aws {
        tasks = on_aws::tasks(project, &tasks);
        section = on_aws::section(project);
    }
    format!(
        "# What is sent. Limits and more go into thresholds.yml beside this file; without it, 1 % of requests may fail.\n\
         name: api\n\
         user_classes:\n\
         \x20 - name: user\n\
         \x20   tasks:\n\
         {tasks}\
         load:\n\
         \x20 - {{ phase: warm-up, arrivals: 50/s, for: 5s, measure: false }}\n\
         \x20 - {{ phase: steady, arrivals: 100/s, for: 60s }}\n\
         {section}"
    )
}

/// A step of its own.
pub(super) fn task(path: &str) -> String {
    format!("      - steps: [{{ get: {path}, name: GET {path} }}]\n")
}

/// The workflow: pull requests in turns with their base, and a history of the default branch in an artifact, so that no job
/// may write into the repository.
pub(super) fn github(start: &Start, checkout: &Checkout) -> String {
    if let Some(project) = &start.aws {
        return on_aws::github(project, checkout);
    }
    let Start { build, serve, .. } = start;
    let branch = scalar(&checkout.branch);
    let folder = checkout.inside.as_ref().map_or_else(String::new, |inside| {
        format!("working-directory: {}, ", scalar(inside))
    });
    format!(
        "on: {{ pull_request: {{}}, push: {{ branches: [{branch}] }}, workflow_dispatch: {{}} }}\n\
         permissions: {{ actions: read, contents: read, pull-requests: write }}\n\
         jobs:\n\
         \x20 performance:\n\
         \x20   runs-on: ubuntu-latest\n\
         \x20   steps:\n\
         \x20     - uses: {CHECKOUT}\n\
         \x20       with: {{ persist-credentials: false }}\n\
         \x20     - uses: {ACTION}\n\
         \x20       with: {{ {folder}gates: {GATE}, build: {build}, serve: {serve}, baseline-artifact: loadgate-baseline }}\n"
    )
}

/// Words that parsers of YAML take for more than text.
const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

/// A text as a value of YAML.
pub(super) fn scalar(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let begins_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let is_word = WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    if begins_plain && text.chars().all(is_plain) && !is_word {
        return text.to_owned();
    }
    let mut quoted = String::new();
    for c in serde_json::Value::from(text).to_string().chars() {
        // JSON may contain what YAML takes for a line break, or refuses.
        if c.is_control()
            || ['\u{2028}', '\u{2029}', '\u{feff}', '\u{fffe}', '\u{ffff}'].contains(&c)
        {
            let _ = write!(quoted, "\\u{:04x}", u32::from(c));
        } else {
            quoted.push(c);
        }
    }
    quoted
}

/// The job: merge requests in turns with their base, and a history of the default branch in the project's packages.
pub(super) fn gitlab(start: &Start, checkout: &Checkout) -> String {
    let Start {
        build,
        serve,
        image,
        ..
    } = start;
    let (mut gates, mut enter) = (GATE.to_owned(), String::new());
    if let Some(inside) = &checkout.inside {
        gates = scalar(&format!("{inside}/{GATE}"));
        enter = format!("cd '{}' && ", inside.replace('\'', "'\\''"));
    }
    if start.aws.is_some() {
        return on_aws::gitlab(COMPONENT, &gates);
    }
    let (build, serve) = (format!("{enter}{build}"), format!("{enter}{serve}"));
    format!(
        "include:\n\
         \x20 - remote: {COMPONENT}\n\
         \x20   inputs:\n\
         \x20     gates: {gates}\n\
         \x20     image: {image}\n\
         \x20     build: {build}\n\
         \x20     serve: {serve}\n"
    )
}
