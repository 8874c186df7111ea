//! Why the stand-in could not start, or could not end as it should.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A reason why there is no stand-in, or not all of its log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting that makes no sense.
    #[error("lambda: `{setting}` is {value}; {rule}")]
    Setting {
        /// The field of [`Config`](super::Config).
        setting: &'static str,
        /// What it was set to.
        value: String,
        /// What it has to be.
        rule: &'static str,
    },
    /// The address cannot be listened on.
    #[error("lambda: cannot listen on {address}; choose a free port, or port 0 for any")]
    Listen {
        /// The address of [`Config`](super::Config).
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused a thread, a timer or an event queue.
    #[error("lambda: the system refused a thread, a timer or an event queue")]
    System(#[source] io::Error),
    /// The log cannot be created or written.
    #[error("lambda: cannot write the log {}", path.display())]
    Log {
        /// The path of [`Config`](super::Config).
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The server's thread panicked.
    #[error("lambda: the server ended with a panic; please report this as a bug")]
    Panicked,
}
