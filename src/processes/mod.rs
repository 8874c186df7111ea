//! Programs that are started, and ended with all that they started themselves: a process group, on Windows a job object.

#[cfg(unix)]
#[path = "unix.rs"]
mod system;
#[cfg(windows)]
#[path = "windows.rs"]
mod system;

use std::io;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus};

pub use system::{Guardian, guard};

/// The subcommand that runs [`guard`]; nobody types it.
pub const GUARD: &str = "guard-servers";

/// What no program that is started gets of the environment: tokens, for what a pull request brings must not speak for the
/// project, the files by which a step of GitHub Actions changes later ones, and what Git's bash on Windows is told for
/// loadgate's own arguments.
const WITHHELD: [&str; 13] = [
    "LOADGATE_TOKEN",
    "LOADGATE_BASELINE_HEADER",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "GITHUB_ENV",
    "GITHUB_OUTPUT",
    "GITHUB_PATH",
    "GITHUB_STATE",
    "GITHUB_STEP_SUMMARY",
    "GITLAB_TOKEN",
    "CI_JOB_TOKEN",
    "MSYS2_ARG_CONV_EXCL",
    "MSYS2_ENV_CONV_EXCL",
];

/// A started program with all that it starts. All of it ends when the first process has ended, or when this is dropped.
#[derive(Debug)]
pub struct Group {
    first: Child,
    rest: system::Rest,
    ended: Option<ExitStatus>,
}

impl Group {
    /// Starts a program. The keys that interrupt loadgate do not reach it.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        for name in WITHHELD {
            command.env_remove(name);
        }
        system::set_apart(command);
        let mut rest = system::Rest::new()?;
        let mut first = command.spawn()?;
        if let Err(error) = rest.hold(&first) {
            // One that is over already cannot be held, and needs no holding.
            if matches!(first.try_wait(), Ok(None)) {
                let _ = first.kill();
                let _ = first.wait();
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
        }
        Ok(self.ended)
    }

    /// Asks all of it to stop by itself. False where nothing was asked, as on Windows, where most programs cannot be.
    pub fn ask(&self) -> bool {
        self.ended.is_none() && self.rest.ask(&self.first)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.ended.is_none() {
            self.rest.end(&self.first);
            let _ = self.first.wait();
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
    fn started(role: &str) -> (Group, BufReader<ChildStdout>) {
        let mut group = Group::start(in_role(role).stdout(Stdio::piped())).unwrap();
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
        assert!(!group.ask(), "nobody is left to be asked");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_asked_may_stop_by_itself() {
        let (mut group, output) = started("first");
        assert!(group.ask());
        all_of_it_ends(output);
        let began = Instant::now();
        while group.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < LONG / 2);
            sleep(Duration::from_millis(5));
        }
    }
}
