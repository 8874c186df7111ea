//! Sees to it that no started server outlives the run, whatever ends it: a process of its own, which learns of the end by
//! the end of its input and then stops what it was told of.

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

/// The subcommand that runs [`guard`]; nobody types it.
pub const GUARD: &str = "guard-servers";

/// How long servers may take to stop by themselves.
const GRACE: Duration = Duration::from_secs(2);

/// The guardian as the run sees it. Dropped, it stops what it still watches over.
pub(super) struct Guardian(Child);

impl Guardian {
    pub(super) fn start() -> io::Result<Self> {
        // In a group of its own, so that a signal to the run's group does not end it first.
        Command::new(std::env::current_exe()?)
            .arg(GUARD)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map(Self)
    }

    /// Watches over a process group, named by its first process.
    pub(super) fn watch(&mut self, group: u32) {
        self.tell(&format!("+{group}\n"));
    }

    /// Watches over it no longer.
    pub(super) fn forget(&mut self, group: u32) {
        self.tell(&format!("-{group}\n"));
    }

    fn tell(&mut self, line: &str) {
        if let Some(input) = &mut self.0.stdin {
            // Without a guardian the run still stops its servers by itself.
            let _ = input.write_all(line.as_bytes());
        }
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Watches over process groups until its input ends, and then stops those that are left.
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
        sleep(grace);
    }
}
