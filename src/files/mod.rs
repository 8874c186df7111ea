//! Files, written whole or not at all. Used by `plan`, `gate` and `baseline/store` only: no other room touches a file.
//!
//! A new text is written into a hidden file beside the old one, which then replaces it. That file is locked and has one
//! name for each file, so that two processes never write at once, and one that was killed leaves nothing that the next
//! write does not remove.
//!
//! Nothing is written, made or removed through a link that lies in the repository and leads out of it: a pull request may
//! bring such a link in place of any folder.

mod repository;

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};

pub use repository::{Refused, Repository};

/// More than any file of ours, so that a hostile one cannot fill the memory.
const MOST_BYTES: u64 = 256 << 20;
/// How long another process may write the same file: hundreds of times what a full baseline takes.
const WAIT: Duration = Duration::from_mins(1);
/// How often a file that another process writes is tried again.
const PAUSE: Duration = Duration::from_millis(10);
/// What the name of a file that is being written ends with.
const SUFFIX: &str = ".loadgate-tmp";

/// Reads a text file.
pub fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = File::open(path)?
        .take(MOST_BYTES + 1)
        .read_to_string(&mut text)?;
    if read as u64 > MOST_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "it is larger than 256 MB",
        ));
    }
    Ok(text)
}

/// Removes a file, or a link, if it is there.
pub fn remove(path: &Path) -> io::Result<()> {
    use io::ErrorKind::{NotADirectory, NotFound};
    reject_link_out(folder_of(path))?;
    match std::fs::remove_file(path) {
        Err(error) if !matches!(error.kind(), NotFound | NotADirectory) => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes a file, so that a reader sees the old text or the new one.
pub fn write(path: &Path, text: impl AsRef<[u8]>) -> io::Result<()> {
    Claim::new(path)?.replace(text)
}

/// Makes a folder, and those above it, if it is not there.
pub fn make_folder(path: &Path) -> io::Result<()> {
    reject_link_out(path)?;
    std::fs::create_dir_all(path)
}

/// Refuses a folder if a link on the way to it lies in the repository of the current folder and leads out of it. Without a
/// repository the current folder stands for it.
pub fn reject_link_out(folder: &Path) -> io::Result<()> {
    let here = std::env::current_dir()?.canonicalize()?;
    let root = here.ancestors().find(|above| above.join(".git").exists());
    match link_out(root.unwrap_or(&here), &here, folder) {
        None => Ok(()),
        Some(link) => Err(io::Error::other(format!(
            "{} is a link that leads out of the repository; remove it, or name the folder it points to",
            link.display()
        ))),
    }
}

/// The first link on the way to `path` that lies below `root` and leads out of it, into `.git`, or nowhere. `root` and `here`,
/// where a relative path begins, must hold no links.
fn link_out(root: &Path, here: &Path, path: &Path) -> Option<PathBuf> {
    let (mut at, mut walked) = (here.to_owned(), PathBuf::new());
    for part in path.components() {
        walked.push(part);
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                at.pop();
            }
            Component::Prefix(_) | Component::RootDir => at.push(part),
            Component::Normal(name) => {
                let is_inside = at.starts_with(root);
                at.push(name);
                if !at.is_symlink() {
                    continue;
                }
                let real = at.canonicalize().ok();
                let stays = |real: &PathBuf| {
                    let below = real.strip_prefix(root);
                    below.is_ok_and(|below| !below.components().any(is_git))
                };
                if is_inside && !real.as_ref().is_some_and(stays) {
                    return Some(walked);
                }
                at = real?;
            }
        }
    }
    None
}

/// Whether a part of a path is the folder of git itself.
pub fn is_git(part: Component<'_>) -> bool {
    part.as_os_str().eq_ignore_ascii_case(".git")
}

/// The folder that a file lies in.
fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// The right to replace a file, which no other process has until this is dropped.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    /// The hidden file, locked.
    file: File,
    hidden: PathBuf,
    is_replaced: bool,
}

impl Claim {
    /// Waits until no other process writes the file, up to a minute.
    pub fn new(path: &Path) -> io::Result<Self> {
        Self::within(path, WAIT)
    }

    fn within(path: &Path, wait: Duration) -> io::Result<Self> {
        reject_link_out(folder_of(path))?;
        let hidden = hidden(path)?;
        let deadline = Instant::now() + wait;
        loop {
            if let Some(file) = try_claim(&hidden)? {
                return Ok(Self {
                    path: path.to_owned(),
                    file,
                    hidden,
                    is_replaced: false,
                });
            }
            if Instant::now() >= deadline {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!(
                        "another loadgate has been writing it for {} s; try again when that one has ended",
                        wait.as_secs()
                    ),
                ));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Replaces the file, which keeps its permissions.
    pub fn replace(mut self, text: impl AsRef<[u8]>) -> io::Result<()> {
        // A process that was killed may have left a part of its text.
        self.file.set_len(0)?;
        self.file.write_all(text.as_ref())?;
        self.file.sync_all()?;
        if let Ok(old) = std::fs::metadata(&self.path) {
            self.file.set_permissions(old.permissions())?;
        }
        std::fs::rename(&self.hidden, &self.path)?;
        self.is_replaced = true;
        Ok(())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Still locked, so that no other process has claimed it. After a replacement the name may be another's.
        if !self.is_replaced {
            let _ = std::fs::remove_file(&self.hidden);
        }
    }
}

/// Removes what a process that was killed while it wrote the file has left.
pub fn clean(path: &Path) {
    if let Ok(hidden) = hidden(path)
        && hidden.exists()
    {
        // One that another process is writing stays.
        drop(Claim::within(path, Duration::ZERO));
    }
}

/// Opens and locks the hidden file; none while another process has it.
fn try_claim(hidden: &Path) -> io::Result<Option<File>> {
    // A link of this name would lead the text elsewhere, and a pipe would block.
    if let Ok(found) = std::fs::symlink_metadata(hidden)
        && !found.is_file()
    {
        std::fs::remove_file(hidden)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = match options.open(hidden) {
        Ok(file) => file,
        // Windows refuses a file that is being removed.
        Err(error) if cfg!(windows) && error.kind() == io::ErrorKind::PermissionDenied => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => return Ok(None),
        // A file system without locks is no reason to write nothing.
        Ok(()) | Err(TryLockError::Error(_)) => {}
    }
    // Whoever had it may have renamed or removed it between opening and locking.
    let is_file = std::fs::symlink_metadata(hidden).is_ok_and(|found| found.is_file());
    let opened = same_file::Handle::from_file(file.try_clone()?)?;
    let named = same_file::Handle::from_path(hidden);
    Ok(named
        .is_ok_and(|named| is_file && named == opened)
        .then_some(file))
}

/// The hidden file beside a file.
fn hidden(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(SUFFIX);
    Ok(path.with_file_name(hidden))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write(&path, "old").unwrap();
        assert!(write(&folder.path().join("missing/a.json"), "new").is_err());
        std::fs::create_dir(folder.path().join("full")).unwrap();
        std::fs::write(folder.path().join("full/b"), "").unwrap();
        assert!(write(&folder.path().join("full"), "new").is_err());
        assert_eq!(read(&path).unwrap(), "old");
        assert_eq!(names(folder.path()).len(), 2);
    }

    #[test]
    fn a_write_replaces_the_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write(&path, "a long old text").unwrap();
        write(&path, "new").unwrap();
        assert_eq!(read(&path).unwrap(), "new");
        assert_eq!(names(folder.path()), ["a.json"]);
    }

    #[test]
    fn claims_of_one_file_follow_one_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("count");
        write(&path, "0").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let claim = Claim::new(&path).unwrap();
                        let count: u32 = read(&path).unwrap().parse().unwrap();
                        claim.replace((count + 1).to_string()).unwrap();
                    }
                });
            }
        });
        assert_eq!(read(&path).unwrap(), "80");
        assert_eq!(names(folder.path()), ["count"]);
    }

    #[test]
    fn a_claim_that_another_holds_is_an_error_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let first = Claim::new(&path).unwrap();
        let error = Claim::within(&path, Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(first);
        Claim::new(&path).unwrap().replace("x").unwrap();
    }

    #[test]
    fn what_a_killed_process_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let left = hidden(&path).unwrap();
        std::fs::write(&left, "half of a long text").unwrap();
        write(&path, "new").unwrap();
        assert_eq!(read(&path).unwrap(), "new");
        std::fs::write(&left, "half").unwrap();
        clean(&path);
        assert_eq!(names(folder.path()), ["a.json"]);
        assert_eq!(read(&path).unwrap(), "new");
    }

    #[test]
    fn cleaning_leaves_a_file_that_is_being_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let claim = Claim::new(&path).unwrap();
        clean(&path);
        claim.replace("new").unwrap();
        assert_eq!(read(&path).unwrap(), "new");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_of_the_hidden_name_leads_nowhere() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a.json"), folder.path().join("other"));
        std::fs::write(&other, "kept").unwrap();
        symlink(&other, hidden(&path).unwrap()).unwrap();
        write(&path, "new").unwrap();
        assert_eq!(read(&other).unwrap(), "kept");
        assert!(
            std::fs::symlink_metadata(&path)
                .unwrap()
                .file_type()
                .is_file()
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_of_the_repository_may_not_lead_out_of_it() {
        use std::os::unix::fs::symlink;
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        let (root, here) = (home.join("repository"), home.join("repository/below"));
        for folder in [
            "repository/below",
            "repository/.git/hooks",
            "repository/real",
            "outside",
        ] {
            std::fs::create_dir_all(home.join(folder)).unwrap();
        }
        for (to, name) in [
            ("../../outside", "repository/below/out"),
            ("../real", "repository/below/in"),
            ("../.git/hooks", "repository/below/hooks"),
            ("missing", "repository/below/nowhere"),
            ("round", "repository/below/round"),
            ("..", "outside/up"),
            ("../repository/real", "outside/back"),
        ] {
            symlink(to, home.join(name)).unwrap();
        }
        let outside = home.join("outside").display().to_string();
        let inside = here.join("out/a").display().to_string();
        for (path, refused) in [
            ("", None),
            ("real/new", None),
            ("../../outside/new", None),
            ("in/new", None),
            ("out", Some("out")),
            ("out/new/deeper", Some("out")),
            ("./in/../below/out", Some("./in/../below/out")),
            ("hooks", Some("hooks")),
            ("nowhere/a", Some("nowhere")),
            ("round", Some("round")),
            ("../../outside/up/outside/new", None),
            ("../../outside/back/new", None),
            (&outside, None),
            (&inside, Some(inside.trim_end_matches("/a"))),
        ] {
            let found = link_out(&root, &here, Path::new(path));
            assert_eq!(found.as_deref(), refused.map(Path::new), "{path}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_replaced_file_keeps_its_permissions() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write(&path, "old").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        write(&path, "new").unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_replaced_and_nothing_is_written_through_it() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("kept");
        write(&kept, "kept").unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("kept", &link).unwrap();
        write(&link, "new").unwrap();
        assert!(!link.is_symlink());
        assert_eq!(
            (read(&link).unwrap(), read(&kept).unwrap()),
            ("new".to_owned(), "kept".to_owned())
        );
    }
}
