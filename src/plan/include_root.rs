//! The files that a scenario names: shared parts, bodies, rows. They lie in the repository of the gate, and nowhere else.
//!
//! A pull request may bring any scenario, and what it makes loadgate read it can make loadgate send. So a path is
//! relative to the file that it stands in, and what it leads to, every link on the way followed, must lie in the
//! repository.

use std::io::{self, BufReader};
use std::path::{Component, Path};

use crate::files::{Refused, Repository};
use crate::scenario::Opened;

/// The folder within which a gate may name files: the nearest one above that holds a git repository, or where there is
/// none the one that holds the gate's folder.
#[derive(Debug)]
pub(super) struct IncludeRoot(Repository);

impl IncludeRoot {
    pub(super) fn of(gate: &Path) -> io::Result<Self> {
        let gate = gate.canonicalize()?;
        let above = gate.parent().unwrap_or(&gate);
        Repository::of(&gate, above).map(Self)
    }

    /// Reads a file of the gate itself, of at most so many bytes and one more. It obeys the same rule: a pull request may
    /// bring it as a link.
    pub(super) fn read(&self, path: &Path, most: u64) -> io::Result<String> {
        self.0.read(path, most).map_err(|refused| match refused {
            Refused::Io(error) => error,
            Refused::Outside(_) | Refused::Git => {
                io::Error::other(format!("'{}' {refused}", path.display()))
            }
        })
    }

    /// Opens a file by its path as it is written in another one; the error says what to fix.
    pub(super) fn open(&self, from: &str, path: &str) -> Result<Opened, String> {
        let written = Path::new(path);
        let has_root = |part| matches!(part, Component::RootDir | Component::Prefix(_));
        // Windows reads what stands behind a colon as the name of a stream of the file.
        let has_colon = cfg!(windows) && path.contains(':');
        if has_colon {
            return Err(format!(
                "'{path}' contains a colon, which is not allowed in file names"
            ));
        }
        if written.components().any(has_root) {
            return Err(format!(
                "'{path}' is an absolute path; write it relative to this file"
            ));
        }
        let folder = Path::new(from).parent().unwrap_or(Path::new(""));
        let shown = folder.join(written);
        let (real, file) = self.0.open(&shown).map_err(|refused| match refused {
            Refused::Io(error) => format!("cannot read {}: {error}", shown.display()),
            Refused::Outside(_) | Refused::Git => format!("'{path}' {refused}"),
        })?;
        Ok(Opened {
            file: shown.display().to_string(),
            identity: real.display().to_string(),
            content: Box::new(BufReader::new(file)),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_gate_reads_what_lies_in_its_repository_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let repository = home.path().join("repository");
        let gate = repository.join("gates/one");
        fs::create_dir_all(&gate).unwrap();
        fs::create_dir_all(repository.join(".git")).unwrap();
        for (file, text) in [
            ("outside.txt", "outside"),
            ("repository/.git/config", "token"),
            ("repository/shared.yml", "shared"),
            ("repository/gates/one/own.yml", "own"),
        ] {
            fs::write(home.path().join(file), text).unwrap();
        }
        #[cfg(unix)]
        {
            let link = |to: &str, name: &str| {
                std::os::unix::fs::symlink(to, gate.join(name)).unwrap();
            };
            link("../../../outside.txt", "out.txt");
            link("../../..", "up");
            link("../../shared.yml", "in.yml");
        }
        let files = IncludeRoot::of(&gate).unwrap();
        let from = gate.join("scenario.yml").display().to_string();
        let read = |path: &str| {
            let mut text = String::new();
            let mut opened = files.open(&from, path)?;
            opened.content.read_to_string(&mut text).unwrap();
            Ok::<_, String>(text)
        };
        assert_eq!(read("own.yml").unwrap(), "own");
        assert_eq!(read("../../shared.yml").unwrap(), "shared");
        for (path, part) in [
            ("../../../outside.txt", "leads out of the repository"),
            ("../../.git/config", "leads into .git"),
            ("/etc/hostname", "is an absolute path"),
            ("missing.yml", "cannot read"),
            ("..", "it is not a file"),
        ] {
            let error = read(path).unwrap_err();
            assert!(error.contains(part), "{path}: {error}");
        }
        let own = |name: &str| files.read(&gate.join(name), 10);
        assert_eq!(own("own.yml").unwrap(), "own");
        assert_eq!(own("missing").unwrap_err().kind(), io::ErrorKind::NotFound);
        fs::write(gate.join("long"), "0123456789abc").unwrap();
        assert_eq!(own("long").unwrap().len(), 11);
        #[cfg(unix)]
        {
            assert_eq!(read("in.yml").unwrap(), "shared");
            for path in ["out.txt", "up/outside.txt"] {
                let error = read(path).unwrap_err();
                assert!(error.contains("leads out of the repository"), "{error}");
                assert!(own(path).is_err(), "{path}");
            }
            assert_eq!(own("in.yml").unwrap(), "shared");
        }
    }

    #[test]
    fn without_a_repository_only_the_folder_of_the_gates_is_read() {
        let home = tempfile::tempdir().unwrap();
        let gate = home.path().join("gates/one");
        fs::create_dir_all(&gate).unwrap();
        fs::write(home.path().join("gates/shared.yml"), "").unwrap();
        fs::write(home.path().join("other.yml"), "").unwrap();
        let files = IncludeRoot::of(&gate).unwrap();
        // The temporary folder itself may lie in a repository on odd machines.
        if !home
            .path()
            .ancestors()
            .any(|above| above.join(".git").exists())
        {
            let from = gate.join("scenario.yml").display().to_string();
            assert!(files.open(&from, "../shared.yml").is_ok());
            assert!(files.open(&from, "../../other.yml").is_err());
        }
    }
}
