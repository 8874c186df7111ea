//! A log of JSON lines, written by a thread of its own so that no response waits for a disk.

use super::Error;
use serde::Serialize;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The writer sleeps for so long between batches: waking it for every request would cost more than the writing.
const BATCH: Duration = Duration::from_millis(20);

/// A log that is being written.
#[derive(Debug)]
pub(super) struct JsonLog {
    path: PathBuf,
    writer: JoinHandle<io::Result<()>>,
}

impl JsonLog {
    /// Creates the file, or empties it, and gives the end that takes records. The log is complete when that is dropped.
    pub(super) fn create<T>(path: &Path) -> Result<(Sender<Arc<T>>, Self), Error>
    where
        T: Serialize + Send + Sync + 'static,
    {
        let file = File::create(path).map_err(|source| Error::Log {
            path: path.to_owned(),
            source,
        })?;
        let (sender, records) = mpsc::channel();
        let writer = thread::Builder::new()
            .name("stand-in-log".to_owned())
            .spawn(move || write(&records, file))
            .map_err(Error::System)?;
        let path = path.to_owned();
        Ok((sender, Self { path, writer }))
    }

    /// Waits for the last line.
    pub(super) fn finish(self) -> Result<(), Error> {
        let written = self.writer.join().map_err(|_| Error::Panicked)?;
        written.map_err(|source| Error::Log {
            path: self.path,
            source,
        })
    }
}

fn write<T: Serialize>(records: &Receiver<Arc<T>>, file: File) -> io::Result<()> {
    let mut lines = BufWriter::new(file);
    while let Ok(first) = records.recv() {
        thread::sleep(BATCH);
        for record in std::iter::once(first).chain(records.try_iter()) {
            serde_json::to_writer(&mut lines, &*record)?;
            lines.write_all(b"\n")?;
        }
        lines.flush()?;
    }
    Ok(())
}
