//! Programs that are started, and ended with all that they started themselves: a process group, on Windows a job object.

#[cfg(unix)]
#[path = "unix.rs"]
mod system;
#[cfg(windows)]
#[path = "windows.rs"]
mod system;

mod environment;
#[cfg(target_os = "linux")]
mod strays;
#[cfg(not(target_os = "linux"))]
#[path = "no_strays.rs"]
mod strays;

use std::ffi::OsString;
use std::io;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

pub use environment::DeniedVariables;

pub use system::{Watchdog, guard};

/// The subcommand that runs [`guard`]; nobody types it.
pub const GUARD: &str = "guard-servers";

/// The variable that marks every started program, and what it starts, as this process's.
const MARK: &str = "LOADGATE_STARTED_BY";

/// Its value, which no other process of this machine has.
fn mark() -> &'static str {
    static VALUE: OnceLock<String> = OnceLock::new();
    VALUE.get_or_init(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanos = now.map_or(0, |now| now.as_nanos());
        format!("{}-{nanos}", std::process::id())
    })
}

/// Keeps other processes of the same user from reading this one's environment and memory, in which tokens may be.
pub fn conceal() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // It fails on no system that knows it, and what is started is told no token either way.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Ends what started programs have left running outside of their groups. On Linux alone such processes can be found.
pub fn kill_orphans() {
    strays::end_all();
}

/// A started program with all that it starts. All of it ends when the first process has ended, or when this is dropped.
#[derive(Debug)]
pub struct ProcessGroup {
    first: Child,
    rest: system::OsGroup,
    ended: Option<ExitStatus>,
}

impl ProcessGroup {
    /// Starts a program, without the variables that are withheld from it, unless `command` sets them itself. The keys that
    /// interrupt loadgate do not reach it.
    pub fn start(command: &mut Command, withheld: &DeniedVariables) -> io::Result<Self> {
        let set: Vec<OsString> = command
            .get_envs()
            .map(|(name, _)| name.to_owned())
            .collect();
        for name in withheld.names().iter().filter(|name| !set.contains(name)) {
            command.env_remove(name);
        }
        command.env(MARK, mark());
        system::set_apart(command);
        let mut rest = system::OsGroup::new()?;
        let mut first = strays::starting(|| {
            let first = command.spawn()?;
            let id = first.id();
            Ok((first, id))
        })?;
        if let Err(error) = rest.hold(&first) {
            // One that is over already cannot be held, and needs no holding.
            if matches!(first.try_wait(), Ok(None)) {
                let _ = first.kill();
                let _ = first.wait();
                strays::ended(first.id());
                return Err(error);
            }
        }
        Ok(Self {
            first,
            rest,
            ended: None,
        })
    }

    /// The id of the first process.
    pub fn id(&self) -> u32 {
        self.first.id()
    }

    /// What the first process prints, where it was given pipes; handed out once.
    pub fn outputs(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.first.stdout.take(), self.first.stderr.take())
    }

    /// How the first process ended; none while it runs.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.ended.is_none() && system::has_ended(&mut self.first)? {
            // While it was not waited for its id is its own, so that nobody else's can be meant.
            self.rest.end(&self.first);
            self.ended = Some(self.first.wait()?);
            strays::ended(self.first.id());
        }
        Ok(self.ended)
    }

    /// Asks all of it to stop by itself. False where nothing was asked, as on Windows, where most programs cannot be.
    pub fn request_stop(&self) -> bool {
        self.ended.is_none() && self.rest.ask(&self.first)
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if self.ended.is_none() {
            self.rest.end(&self.first);
            let _ = self.first.wait();
            strays::ended(self.first.id());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    use super::*;

    /// What this test program does where it was started by one of its tests.
    const ROLE: &str = "LOADGATE_TEST_ROLE";
    const LONG: Duration = Duration::from_mins(1);

    fn in_role(role: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let arguments = ["--exact", "processes::tests::a_program", "--nocapture"];
        command.args(arguments).env(ROLE, role);
        command
    }

    /// No claim, but the program that the tests below start: it starts another, which holds what it prints into.
    #[test]
    #[expect(
        clippy::zombie_processes,
        reason = "the second one is to outlive the first"
    )]
    fn a_program() {
        let Ok(role) = std::env::var(ROLE) else {
            return;
        };
        if role != "second" {
            in_role("second").spawn().unwrap();
            println!("started");
        }
        if role != "brief" {
            sleep(LONG);
        }
    }

    /// Starts it, and returns it with its output from when the second one was started.
    fn started(role: &str) -> (ProcessGroup, BufReader<ChildStdout>) {
        let mut group = ProcessGroup::start(
            in_role(role).stdout(Stdio::piped()),
            &DeniedVariables::default(),
        )
        .unwrap();
        let mut output = BufReader::new(group.outputs().0.unwrap());
        let mut line = String::new();
        while line != "started\n" && line != "started\r\n" {
            line.clear();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "it ended early");
        }
        (group, output)
    }

    /// Its output ends when the last that holds it has ended.
    fn all_of_it_ends(mut output: impl io::Read) {
        let began = Instant::now();
        output.read_to_end(&mut Vec::new()).unwrap();
        assert!(began.elapsed() < LONG / 2);
    }

    #[test]
    fn what_is_dropped_ends_with_all_that_it_started() {
        let (mut group, output) = started("first");
        assert_eq!(group.try_wait().unwrap(), None);
        drop(group);
        all_of_it_ends(output);
    }

    #[test]
    fn what_ends_by_itself_leaves_nothing_running() {
        let (mut group, output) = started("brief");
        let status = loop {
            if let Some(status) = group.try_wait().unwrap() {
                break status;
            }
            sleep(Duration::from_millis(5));
        };
        assert!(status.success());
        all_of_it_ends(output);
        assert_eq!(group.try_wait().unwrap(), Some(status));
        assert!(!group.request_stop(), "nobody is left to be asked");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_asked_may_stop_by_itself() {
        let (mut group, output) = started("first");
        assert!(group.request_stop());
        all_of_it_ends(output);
        let began = Instant::now();
        while group.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < LONG / 2);
            sleep(Duration::from_millis(5));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_left_its_group_ends_with_the_strays() {
        use std::process::Command;
        // The second one outlives the first, in a session and a group of its own.
        let mut command = Command::new("sh");
        command
            .args([
                "-c",
                "setsid sh -c 'echo started; exec sleep 60' & sleep 60",
            ])
            .stdout(Stdio::piped());
        let mut group = ProcessGroup::start(&mut command, &DeniedVariables::default()).unwrap();
        let mut output = BufReader::new(group.outputs().0.unwrap());
        output.read_line(&mut String::new()).unwrap();
        kill_orphans();
        assert_eq!(group.try_wait().unwrap(), None, "a group is no stray");
        drop(group);
        kill_orphans();
        all_of_it_ends(output);
    }

    #[test]
    fn a_program_inherits_only_variables_that_are_not_denied() {
        let withheld = DeniedVariables::new(
            ["PATH", "LOADGATE_PORT"]
                .into_iter()
                .map(|name| (name.into(), "x".into())),
            &[],
            &[],
        );
        let mut command = in_role("brief");
        command.env("LOADGATE_PORT", "1").env("OTHER", "2");
        ProcessGroup::start(&mut command, &withheld).unwrap();
        let given = |name: &str| {
            let mut all = command.get_envs();
            all.find(|(own, _)| *own == name)
                .and_then(|(_, value)| value)
        };
        assert_eq!(given("LOADGATE_PORT"), Some("1".as_ref()));
        assert!(given(MARK).is_some());
        assert!(!withheld.names().iter().any(|name| name == "PATH"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_concealed_process_cannot_be_read_by_its_children() {
        use rustix::process::{DumpableBehavior, dumpable_behavior};
        conceal();
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
}
