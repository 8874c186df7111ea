//! Regular files that lie in a repository, every link on the way followed.
//!
//! A pull request may bring any file as a link out of the repository, or as a pipe that keeps its reader waiting for ever.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::is_git;

/// The folder that files are read from: its links are resolved.
#[derive(Debug)]
pub struct Repository(PathBuf);

/// Why a file is not opened, as the end of a sentence.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The system does not open it.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It lies elsewhere.
    #[error("leads out of the repository {}; copy the file into it", .0.display())]
    Outside(PathBuf),
    /// It lies in the folder of git itself.
    #[error("leads into .git, which may contain credentials; copy the file elsewhere")]
    Git,
}

impl Repository {
    /// The nearest git repository that a folder lies in; without one, the folder `otherwise`.
    pub fn of(folder: &Path, otherwise: &Path) -> io::Result<Self> {
        let folder = folder.canonicalize()?;
        let root = folder.ancestors().find(|above| above.join(".git").exists());
        root.map_or_else(|| otherwise.canonicalize(), |root| Ok(root.to_owned()))
            .map(Self)
    }

    /// Opens a file, and says where it lies.
    pub fn open(&self, path: &Path) -> Result<(PathBuf, File), Refused> {
        let real = path.canonicalize()?;
        let Ok(below) = real.strip_prefix(&self.0) else {
            return Err(Refused::Outside(self.0.clone()));
        };
        if below.components().any(is_git) {
            return Err(Refused::Git);
        }
        // Anything else, a pipe say, could keep the reader waiting for ever.
        if !real.is_file() {
            return Err(io::Error::other("it is not a file").into());
        }
        let file = File::open(&real)?;
        Ok((real, file))
    }

    /// Reads a text file, of at most so many bytes and one more.
    pub fn read(&self, path: &Path, most: u64) -> Result<String, Refused> {
        let mut text = String::new();
        let (_, file) = self.open(path)?;
        file.take(most + 1).read_to_string(&mut text)?;
        Ok(text)
    }
}
