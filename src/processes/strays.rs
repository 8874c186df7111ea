//! Processes that started programs left running outside of their group, on Linux: orphans become this process's children,
//! so that none is out of sight.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, getpid, kill_process, set_child_subreaper, waitid,
};

/// How long they may take to stop by themselves, and then to be gone.
const GRACE: [(Signal, Duration); 2] = [
    (Signal::TERM, Duration::from_millis(500)),
    (Signal::KILL, Duration::from_secs(2)),
];
const TICK: Duration = Duration::from_millis(10);

/// The first processes of the groups that run, which are no strays. A new one is noted before anybody looks.
static FIRSTS: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());
/// Groups that have ended, some of whose processes this process has still to take leave of.
static LEFT: Mutex<Vec<Pid>> = Mutex::new(Vec::new());
static STARTING: RwLock<()> = RwLock::new(());
static ADOPTS: AtomicBool = AtomicBool::new(false);

/// Starts a process that is no stray, by a function that returns it with its id.
pub(super) fn starting<T>(start: impl FnOnce() -> io::Result<(T, u32)>) -> io::Result<T> {
    if !ADOPTS.swap(true, Ordering::Relaxed) {
        // Without it strays are found as long as their parent lives.
        let _ = set_child_subreaper(Some(getpid()));
    }
    let _starting = STARTING.read().unwrap_or_else(PoisonError::into_inner);
    let (started, id) = start()?;
    firsts(|all| all.insert(id));
    Ok(started)
}

/// Notes that the group of a first process has ended, and takes leave of what of it this process has adopted.
pub(super) fn ended(id: u32) {
    firsts(|all| all.remove(&id));
    let Some(group) = i32::try_from(id).ok().and_then(Pid::from_raw) else {
        return;
    };
    let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
    left.push(group);
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    left.retain(|group| {
        loop {
            match waitid(WaitId::Pgid(Some(*group)), options) {
                Ok(Some(_)) => {}
                // One of them has not quite ended; the next group that ends looks again.
                Ok(None) => break true,
                Err(_) => break false,
            }
        }
    });
}

/// Ends all strays: asks them, then makes them. Bounded in time.
pub(super) fn end_all() {
    if !ADOPTS.load(Ordering::Relaxed) {
        return;
    }
    let _nobody_starts = STARTING.write().unwrap_or_else(PoisonError::into_inner);
    for (signal, grace) in GRACE {
        let until = Instant::now() + grace;
        let mut asked = BTreeSet::new();
        loop {
            let strays = strays();
            for stray in &strays {
                if signal == Signal::KILL || asked.insert(stray.as_raw_nonzero()) {
                    let _ = kill_process(*stray, signal);
                }
                let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
                // Fails for those that are still another stray's children.
                let _ = waitid(WaitId::Pid(*stray), options);
            }
            if strays.is_empty() {
                return;
            }
            if Instant::now() >= until {
                break;
            }
            sleep(TICK);
        }
    }
}

fn firsts<T>(change: impl FnOnce(&mut BTreeSet<u32>) -> T) -> T {
    change(&mut FIRSTS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Every descendant of this process but the groups that run.
fn strays() -> Vec<Pid> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (id, parent) in processes() {
        children.entry(parent).or_default().push(id);
    }
    let mut open = vec![std::process::id()];
    let mut found: Vec<u32> = Vec::new();
    while let Some(parent) = open.pop() {
        let own = children.remove(&parent).unwrap_or_default();
        let strays = own.into_iter().filter(|id| firsts(|all| !all.contains(id)));
        let strays: Vec<u32> = strays.collect();
        found.extend(&strays);
        open.extend(&strays);
    }
    found
        .into_iter()
        .filter_map(|id| Pid::from_raw(i32::try_from(id).ok()?))
        .collect()
}

/// Every process, with its parent.
fn processes() -> Vec<(u32, u32)> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            // The name before may hold anything, brackets too.
            let (_, behind) = stat.rsplit_once(')')?;
            let parent = behind.split_whitespace().nth(1)?.parse().ok()?;
            Some((id, parent))
        })
        .collect()
}
