//! A gate and a CI job for a repository that has none: files made of what is there, and the next step.
//!
//! It asks nothing and writes over nothing.

mod aws;
mod checkout;
mod document;
mod openapi;
mod request;
mod texts;

use std::io;
use std::path::{Path, PathBuf};

use crate::files;
use crate::plan::GateText;
use checkout::Checkout;
pub use request::{Request, RequestError};
use texts::{Start, github, gitlab, scenario};

/// Why a repository could not be begun with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is there already.
    #[error("{} already exists; remove it to start over, or continue with it", .0.display())]
    There(PathBuf),
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The files of the gate.
const SCENARIO: &str = "thresholds/api/scenario.yml";
const THRESHOLDS: &str = "thresholds/api/thresholds.yml";
const POLICY: &str = "thresholds/api/iam-policy.json";

/// Which platform's job is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Platform {
    GitHub,
    GitLab,
}

/// Writes a starter gate into a folder and a job into its repository, and returns what to say of it.
///
/// The gate is the one that flags describe, or one of what the repository has. `program` is how this program is called
/// again.
pub fn init(root: &Path, request: Option<&GateText>, program: &str) -> Result<String, Error> {
    let start = Start::find(root);
    let checkout = Checkout::find(root);
    let platform = platform(&checkout.root);
    let gate = PathBuf::from(SCENARIO);
    let (job, text) = match platform {
        Platform::GitHub => {
            let file = checkout.named(".github/workflows/performance", ".yml");
            (file, github(&start, &checkout))
        }
        Platform::GitLab => (".gitlab-ci.yml".to_owned(), gitlab(&start, &checkout)),
    };
    let job = checkout.upwards().join(job);
    let adds_to_a_job = platform == Platform::GitLab && root.join(&job).exists();
    let mut to_write = match request {
        Some(own) => vec![
            (gate.clone(), own.scenario.as_str().to_owned()),
            (
                PathBuf::from(THRESHOLDS),
                own.thresholds.as_str().to_owned(),
            ),
        ],
        None => vec![(gate.clone(), scenario(&start))],
    };
    if let Some(project) = &start.aws {
        to_write.push((PathBuf::from(POLICY), aws::texts::policy(project)));
    }
    if !adds_to_a_job {
        to_write.push((job.clone(), text.clone()));
    }
    // All or nothing: half a set-up would be in the way of the next try.
    if let Some((there, _)) = to_write.iter().find(|(path, _)| root.join(path).exists()) {
        return Err(Error::There(there.clone()));
    }
    for (path, text) in &to_write {
        let failed = |source| Error::Write {
            path: path.clone(),
            source,
        };
        let whole = root.join(path);
        if let Some(folder) = whole.parent() {
            files::make_folder(folder).map_err(failed)?;
        }
        files::write(&whole, text).map_err(failed)?;
    }
    let addition = adds_to_a_job.then_some(&text);
    let origin = request.map_or_else(|| of_repository(&start), of_request);
    Ok(origin + &message(&start, program, platform, (&gate, &job), addition))
}

/// What the gate was made of, if the repository says it.
fn of_repository(start: &Start) -> String {
    let unused: String = start.unused().map(|line| line + "\n").collect();
    format!("{unused}wrote {SCENARIO}{}\n", start.origin())
}

/// The same if flags say it. Secrets among them are not in the files.
fn of_request(gate: &GateText) -> String {
    let secret =
        |name: &String| format!("set {name} before the gate runs: the files only name it\n");
    let secrets: String = gate.environment.keys().map(secret).collect();
    format!(
        "wrote {SCENARIO}, with the request and its load\nwrote {THRESHOLDS}, with its limits\n{secrets}"
    )
}

fn message(
    start: &Start,
    program: &str,
    platform: Platform,
    (gate, job): (&Path, &Path),
    addition: Option<&String>,
) -> String {
    let change = match platform {
        Platform::GitHub => "pull",
        Platform::GitLab => "merge",
    };
    let (shown, folder) = (job.display(), gate.parent().unwrap_or(gate).display());
    let written = match addition {
        None => format!("wrote {shown}\n"),
        Some(text) => format!("{shown} already exists; add this to it:\n\n{text}\n"),
    };
    let (policy, task) = match &start.aws {
        Some(_) => (
            format!("wrote {POLICY}; replace its words in capital letters\n"),
            "do what the comments in the files say, set the variables that they name, look at",
        ),
        None => (
            String::new(),
            "look at both, put the commands that build and serve your service into",
        ),
    };
    let binary = if platform == Platform::GitHub || start.has_cargo() {
        ""
    } else {
        "The image has no Rust to build loadgate. Add the input sha256, the checksum of a release's\n\
         archive (checksums.txt), or use an image that contains loadgate.\n\n"
    };
    format!(
        "{policy}{written}\n\
         Next: {task}\n\
         {shown}, and try the gate with\n\n  {program} validate {folder}\n\n\
         {binary}Then put loadgate-out/ into .gitignore, commit, and open a {change} request: it gets\n\
         the first verdict.\n",
    )
}

/// GitLab's where its file is there, or where git says so; else GitHub's.
fn platform(root: &Path) -> Platform {
    let config = root.join(".git/config");
    // A pipe would keep its reader waiting for ever.
    let config = config.is_file().then(|| files::read(&config).ok());
    let config = config.flatten().unwrap_or_default();
    let is_gitlab = root.join(".gitlab-ci.yml").exists()
        || (config.contains("gitlab") && !root.join(".github").exists());
    if is_gitlab {
        Platform::GitLab
    } else {
        Platform::GitHub
    }
}
