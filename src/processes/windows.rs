//! Job objects.

use std::io;
use std::os::windows::io::AsRawHandle as _;
use std::os::windows::process::CommandExt as _;
use std::process::{Child, Command};

use win32job::{ExtendedLimitInfo, Job};

/// `CREATE_NEW_PROCESS_GROUP`: what Ctrl-C is not sent to.
const NEW_PROCESS_GROUP: u32 = 0x200;

/// A job that the first process and what it starts belong to until it is ended. The system ends what is in it when nobody
/// holds it any more, so that nothing outlives this process either, whatever ends it.
#[derive(Debug)]
pub(super) struct Rest(Option<Job>);

pub(super) fn set_apart(command: &mut Command) {
    command.creation_flags(NEW_PROCESS_GROUP);
}

pub(super) fn has_ended(first: &mut Child) -> io::Result<bool> {
    first.try_wait().map(|status| status.is_some())
}

impl Rest {
    pub(super) fn new() -> io::Result<Self> {
        let mut limits = ExtendedLimitInfo::new();
        limits.limit_kill_on_job_close();
        Ok(Self(Some(Job::create_with_limit_info(&limits)?)))
    }

    /// What the first process starts from now on is in the job too. Only what it started within the microseconds since it
    /// began is not: to hold it before it begins would take unsafe code.
    pub(super) fn hold(&mut self, first: &Child) -> io::Result<()> {
        if let Some(job) = &self.0 {
            job.assign_process(first.as_raw_handle() as isize)?;
        }
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "the same signature as its twin's")]
    pub(super) fn ask(&self, _first: &Child) -> bool {
        false
    }

    pub(super) fn end(&mut self, _first: &Child) {
        drop(self.0.take());
    }
}

/// Job objects need no guardian.
pub struct Guardian;

impl Guardian {
    /// Starts nothing.
    pub fn start() -> io::Result<Self> {
        Ok(Self)
    }

    /// Watches over nothing.
    pub fn watch(&mut self, _group: u32) {}

    /// Watched over nothing.
    pub fn forget(&mut self, _group: u32) {}
}

/// Nothing is left to do.
pub fn guard() {}
