//! A revision of the repository checked out beside the working tree, from which a server is built and started.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::processes::DeniedVariables;

/// A checkout, which is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Checkout<'a> {
    git: Git<'a>,
    /// Holds the checkout.
    home: TempDir,
    /// The folder that loadgate runs in, below the top of the repository.
    inside: PathBuf,
    /// The commit, as a hash.
    pub(super) commit: String,
}

impl<'a> Checkout<'a> {
    /// Checks a revision out of the repository that loadgate runs in; the error says why it cannot be.
    pub(super) fn new(revision: &str, denied: &'a DeniedVariables) -> Result<Self, String> {
        let git = Git { denied };
        let inside = git.run(&["rev-parse", "--show-prefix"])?.into();
        let wanted = format!("{revision}^{{commit}}");
        let arguments = [
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &wanted,
        ];
        let commit = git.run(&arguments).map_err(|_| {
            format!("{revision} is not in this clone; fetch the whole history (fetch-depth: 0 on GitHub, GIT_DEPTH: 0 on GitLab)")
        })?;
        let home = tempfile::Builder::new().prefix("loadgate-base-").tempdir();
        let home = home.map_err(|error| format!("no folder can be made for it: {error}"))?;
        let checkout = Self {
            git,
            home,
            inside,
            commit,
        };
        let top = checkout.top();
        git.run(&[
            "worktree",
            "add",
            "--quiet",
            "--detach",
            &top,
            &checkout.commit,
        ])?;
        Ok(checkout)
    }

    /// The folder in it that is to the checkout what loadgate's own is to the working tree.
    pub(super) fn folder(&self) -> PathBuf {
        self.home.path().join("checkout").join(&self.inside)
    }

    fn top(&self) -> String {
        self.home.path().join("checkout").display().to_string()
    }
}

impl Drop for Checkout<'_> {
    fn drop(&mut self) {
        // What cannot be removed lies in the folder for temporary files, where the system removes it some day.
        let _ = self
            .git
            .run(&["worktree", "remove", "--force", &self.top()]);
    }
}

/// Git in the folder that loadgate runs in.
#[derive(Clone, Copy, Debug)]
struct Git<'a> {
    denied: &'a DeniedVariables,
}

impl Git<'_> {
    /// What a command prints, without the last line end.
    fn run(self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new("git");
        // In a container the folder may be another user's. No hook of the repository runs.
        for setting in [
            "safe.directory=*",
            "core.hooksPath=/dev/null",
            "core.fsmonitor=false",
        ] {
            command.args(["-c", setting]);
        }
        command.args(arguments).stdin(Stdio::null());
        for name in self.denied.names() {
            command.env_remove(name);
        }
        let output = command
            .output()
            .map_err(|error| format!("git cannot be run: {error}"))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() {
            return Ok(text(&output.stdout));
        }
        let said = text(&output.stderr);
        let last = said.lines().last().unwrap_or("it printed nothing");
        Err(format!("git {} failed: {last}", arguments[0]))
    }
}
