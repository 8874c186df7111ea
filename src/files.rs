//! Files, whole or not at all. Used by `plan`, `gate` and `baseline/store` only: no other room touches a file.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

/// More than any file of ours, so that a hostile one cannot fill the memory.
const MOST_BYTES: u64 = 256 << 20;

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

/// Writes a file: into a new one beside the old, which it then replaces, so that a reader sees the old or the new.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    make_ordinary(file.as_file(), path)?;
    file.persist(path)?;
    Ok(())
}

/// A temporary file is private; ours are files like any other, and keep the permissions of the one they replace.
#[cfg(unix)]
fn make_ordinary(file: &File, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).map_or(0o644, |old| old.permissions().mode());
    file.set_permissions(std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix it may fail")]
fn make_ordinary(_file: &File, _path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write(&path, "old").unwrap();
        assert!(write(&folder.path().join("missing/a.json"), "new").is_err());
        assert_eq!(read(&path).unwrap(), "old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_write_replaces_the_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write(&path, "a long old text").unwrap();
        write(&path, "new").unwrap();
        assert_eq!(read(&path).unwrap(), "new");
    }
}
