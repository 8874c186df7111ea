//! The repository that a folder belongs to: its root, and its default branch.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder in a repository; without a repository the folder itself is the root.
pub(super) struct Checkout {
    /// Where the platform looks for its jobs.
    pub(super) root: PathBuf,
    /// The folder, from the root, with slashes; none if it is the root.
    pub(super) inside: Option<String>,
    /// The default branch.
    pub(super) branch: String,
}

impl Checkout {
    pub(super) fn find(folder: &Path) -> Self {
        let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let mut above = absolute.ancestors();
        let root = above.find(|folder| folder.join(".git").exists());
        let inside = root.and_then(|root| {
            let parts = absolute.strip_prefix(root).ok()?.components();
            let parts: Option<Vec<&str>> = parts.map(|part| part.as_os_str().to_str()).collect();
            parts
                .filter(|parts| !parts.is_empty())
                .map(|parts| parts.join("/"))
        });
        Self {
            // A folder whose name is not text cannot be named in a job.
            root: match (root, &inside) {
                (Some(root), Some(_)) => root.to_owned(),
                (Some(_) | None, _) => folder.to_owned(),
            },
            inside,
            branch: branch(folder).unwrap_or_else(|| "main".to_owned()),
        }
    }

    /// The way from the folder to the root.
    pub(super) fn upwards(&self) -> PathBuf {
        let depth = self.inside.iter().flat_map(|inside| inside.split('/'));
        depth.map(|_| "..").collect()
    }

    /// A file in the root that each folder has one of.
    pub(super) fn named(&self, start: &str, end: &str) -> String {
        let suffix = self.inside.as_ref().map_or_else(String::new, |inside| {
            let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
            format!("-{}", inside.chars().map(plain).collect::<String>())
        });
        format!("{start}{suffix}{end}")
    }
}

/// The branch that the remote has as its default; the current one if that is not known.
fn branch(folder: &Path) -> Option<String> {
    let name = |reference: &str| {
        let output = Command::new("git")
            .arg("-C")
            .arg(folder)
            .args(["symbolic-ref", "--quiet", reference])
            .output();
        let output = output.ok().filter(|output| output.status.success())?;
        let text = String::from_utf8(output.stdout).ok()?;
        Some(text.trim().to_owned())
    };
    let of_remote = name("refs/remotes/origin/HEAD");
    let of_remote =
        of_remote.and_then(|name| Some(name.strip_prefix("refs/remotes/origin/")?.to_owned()));
    of_remote.or_else(|| Some(name("HEAD")?.strip_prefix("refs/heads/")?.to_owned()))
}
