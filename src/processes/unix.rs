//! Process groups.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufRead as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, getpid, kill_process, kill_process_group, waitid,
};

use super::{GUARD, MARK, mark, strays};

/// How long what the guardian stops may take to stop by itself.
const GRACE: Duration = Duration::from_secs(2);

/// The group of a first process, which has its id.
#[derive(Debug)]
pub(super) struct OsGroup;

pub(super) fn set_apart(command: &mut Command) {
    command.process_group(0);
}

/// Whether it has ended; it is still to be waited for.
pub(super) fn has_ended(first: &mut Child) -> io::Result<bool> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Ok(waitid(WaitId::Pid(Pid::from_child(first)), options)?.is_some())
}

impl OsGroup {
    #[expect(clippy::unnecessary_wraps, reason = "its twin may fail")]
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "its twin may fail"
    )]
    pub(super) fn hold(&mut self, _first: &Child) -> io::Result<()> {
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "the same signature as its twin's")]
    pub(super) fn ask(&self, first: &Child) -> bool {
        signal(first, Signal::TERM);
        true
    }

    #[expect(clippy::unused_self, reason = "the same signature as its twin's")]
    pub(super) fn end(&mut self, first: &Child) {
        signal(first, Signal::KILL);
    }
}

fn signal(first: &Child, signal: Signal) {
    // Fails where the group is gone, which is what is wanted.
    let _ = kill_process_group(Pid::from_child(first), signal);
}

/// Sees to it that no group that it watches over outlives this process, whatever ends it: a process of its own, which
/// learns of the end by the end of its input. Dropped, it stops what it still watches over.
pub struct Watchdog(Child);

impl Watchdog {
    /// Starts this program as the guardian.
    pub fn start() -> io::Result<Self> {
        // In a group of its own, so that a signal to the run's group does not end it first.
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg(GUARD)
            .process_group(0)
            // What it watches over may read its environment.
            .env_clear()
            .env(MARK, mark())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        strays::starting(|| {
            let guardian = command.spawn()?;
            let id = guardian.id();
            Ok((Self(guardian), id))
        })
    }

    /// Watches over a group, named by its first process.
    pub fn watch(&mut self, group: u32) {
        self.write_line(&format!("+{group}\n"));
    }

    /// Watches over it no longer.
    pub fn forget(&mut self, group: u32) {
        self.write_line(&format!("-{group}\n"));
    }

    fn write_line(&mut self, line: &str) {
        if let Some(input) = &mut self.0.stdin {
            // Without a guardian the run still stops what it started by itself.
            let _ = input.write_all(line.as_bytes());
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
        strays::ended(self.0.id());
    }
}

/// What the guardian does: watches over groups until its input ends, and then stops those that are left.
pub fn guard() {
    let mut groups = BTreeSet::new();
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let Some(group) = line.get(1..).and_then(|group| group.parse::<i32>().ok()) else {
            continue;
        };
        if line.starts_with('+') {
            groups.insert(group);
        } else {
            groups.remove(&group);
        }
    }
    let left: Vec<Pid> = groups.into_iter().filter_map(Pid::from_raw).collect();
    if left.is_empty() {
        return;
    }
    for (signal, grace) in [(Signal::TERM, GRACE), (Signal::KILL, Duration::ZERO)] {
        for group in &left {
            let _ = kill_process_group(*group, signal);
        }
        // Also those that left their group, whose parents may be gone.
        for stray in marked() {
            let _ = kill_process(stray, signal);
        }
        sleep(grace);
    }
}

/// The processes but this one that have this one's mark. Only Linux shows it.
fn marked() -> Vec<Pid> {
    let Some(value) = std::env::var_os(MARK) else {
        return Vec::new();
    };
    let entry = [MARK.as_bytes(), b"=", value.as_bytes()].concat();
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let is_marked = |folder: &Path| {
        let environment = fs::read(folder.join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|own| own == entry)
    };
    processes
        .flatten()
        .filter_map(|process| {
            let id: i32 = process.file_name().to_str()?.parse().ok()?;
            let pid = Pid::from_raw(id).filter(|pid| *pid != getpid())?;
            is_marked(&process.path()).then_some(pid)
        })
        .collect()
}
