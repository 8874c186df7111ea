//! Servers that are started for a run: each in a process group and with a port of its own, made sure to be there, started
//! anew between pairs, and stopped for sure.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::checkout::Checkout;
use super::console::Console;
use super::secrets;
use crate::files;
use crate::load::{LoadEnd, READY_WITHIN, ServerFailure, Stop};
use crate::measurement::{Arm, UnreachableCause};
use crate::plan::{Gate, ManagedServers, Plan, Server};
use crate::processes::{self, ProcessGroup, Watchdog};
use crate::redact::redacted_address;
use crate::thresholds::COMMIT_VARIABLE;
use crate::units::format_duration;

/// How long a server may take to stop by itself.
const GRACE: Duration = Duration::from_secs(5);
/// After so long a note says that a server is waited for.
const NOTED_AFTER: Duration = Duration::from_secs(3);
const TICK: Duration = Duration::from_millis(20);
/// How long a server that closed its connections may take to end.
const ENDING: Duration = Duration::from_secs(1);
/// How long one look at a server may take.
const PROBE: Duration = Duration::from_secs(2);
/// Lines of the log of a server that died, for the message.
const LAST_LINES: usize = 8;
const LAST_BYTES: u64 = 4096;

/// What the servers print.
pub(super) const LOGS: [&str; 3] = ["target.log", "base.log", "reference.log"];

/// What the servers of a group are, by arm: names for messages and logs.
#[derive(Clone, Copy)]
pub(super) struct Roles([&'static str; 2]);

/// The deployments of a run.
pub(super) const DEPLOYMENTS: Roles = Roles(["target", "base"]);
/// A reference service, in the target's place.
pub(super) const REFERENCE: Roles = Roles(["reference", "reference"]);

/// The servers that are to be started.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    serving: &'a ManagedServers,
    /// Whether the base's is one of them.
    with_base: bool,
    roles: Roles,
}

impl Roles {
    /// The servers of a run.
    pub(super) fn of(self, serving: &ManagedServers) -> Wanted<'_> {
        Wanted {
            serving,
            with_base: true,
            roles: self,
        }
    }

    fn name(self, arm: Arm) -> &'static str {
        let Self([target, base]) = self;
        match arm {
            Arm::Target => target,
            Arm::Base => base,
        }
    }
}

impl Wanted<'_> {
    /// The same, with the base's or without.
    pub(super) fn with_base(self, with_base: bool) -> Self {
        Self { with_base, ..self }
    }
}

/// The servers of a run.
pub(super) struct Servers<'a> {
    plan: &'a Plan,
    gate: &'a Gate,
    wanted: Wanted<'a>,
    folder: &'a Path,
    stop: &'a Stop,
    within: Duration,
    console: &'a Console,
    guardian: Option<Watchdog>,
    running: Vec<Running>,
    /// Where they print, open from the start: what they run may put a link in a file's place.
    logs: Vec<(Arm, File)>,
    /// The base's, where it is served from one.
    checkout: Option<Checkout<'a>>,
}

struct Running {
    arm: Arm,
    group: ProcessGroup,
}

impl<'a> Servers<'a> {
    /// Builds and starts the servers that there are commands for; their output goes to files in `folder`.
    pub(super) fn start(
        plan: &'a Plan,
        gate: &'a Gate,
        wanted: Wanted<'a>,
        folder: &'a Path,
        stop: &'a Stop,
        console: &'a Console,
    ) -> Result<Self, LoadEnd> {
        let mut servers = Self {
            plan,
            gate,
            wanted,
            folder,
            stop,
            within: if plan.wait.is_zero() {
                READY_WITHIN
            } else {
                plan.wait
            },
            console,
            guardian: None,
            running: Vec::new(),
            logs: Vec::new(),
            checkout: None,
        };
        for (arm, _) in servers.commands() {
            let log = servers.log(arm);
            match create(&log) {
                Ok(file) => servers.logs.push((arm, file)),
                Err(error) => {
                    let why = format!("cannot write {}: {error}", log.display());
                    return Err(server_failure(arm, UnreachableCause::ServerNotStarted, why).into());
                }
            }
        }
        for (arm, server) in servers.commands() {
            servers.check_out(arm, server)?;
            servers.build(arm, server)?;
        }
        servers.start_all()?;
        Ok(servers)
    }

    /// Where the server of the target will respond.
    pub(super) fn target_url(&self) -> Result<String, String> {
        let server = self.wanted.serving.target.as_ref();
        let server = server.ok_or_else(|| "it has no command".to_owned())?;
        Ok(server.url())
    }

    /// The commit that was checked out for the base.
    pub(super) fn base_commit(&self) -> Option<&str> {
        self.checkout
            .as_ref()
            .map(|checkout| checkout.commit.as_str())
    }

    fn check_out(&mut self, arm: Arm, server: &Server) -> Result<(), LoadEnd> {
        if let Some(revision) = &server.revision {
            let checkout = Checkout::new(revision, &self.plan.withheld)
                .map_err(|why| server_failure(arm, UnreachableCause::NotCheckedOut, why))?;
            self.checkout = Some(checkout);
        }
        Ok(())
    }

    /// Runs the command that builds a server, to its end or that of the run.
    fn build(&mut self, arm: Arm, server: &Server) -> Result<(), LoadEnd> {
        let Some(command) = &server.build else {
            return Ok(());
        };
        self.console
            .note(&format!("building the {}", self.name(arm)));
        let failed = |why| LoadEnd::from(server_failure(arm, UnreachableCause::NotBuilt, why));
        let output = self
            .output(arm)
            .map_err(|error| failed(error.to_string()))?;
        let group = self.spawn(server, command, &output);
        let mut group = group.map_err(|error| failed(error.to_string()))?;
        loop {
            match group.try_wait() {
                Ok(None) => sleep(TICK),
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => {
                    let lines = self.last_lines(arm);
                    return Err(failed(format!("its build failed ({status}){lines}")));
                }
                Err(error) => return Err(failed(error.to_string())),
            }
            if let Some(signal) = self.stop.signal() {
                return Err(LoadEnd::Interrupted { signal });
            }
        }
    }

    /// Looks whether all still run, and starts them anew where that is due.
    pub(super) fn before_pair(&mut self, pair: u32) -> Result<(), LoadEnd> {
        let every = self.wanted.serving.restart_every;
        if self.running.is_empty() {
            return Ok(());
        }
        self.check()?;
        if pair > 0 && every > 0 && pair.is_multiple_of(every) {
            self.stop_all();
            self.start_all()?;
        }
        Ok(())
    }

    /// Looks whether all still run.
    pub(super) fn check(&mut self) -> Result<(), ServerFailure> {
        let arms = [Arm::Target, Arm::Base];
        arms.into_iter()
            .find_map(|arm| self.ended(arm))
            .map_or(Ok(()), Err)
    }

    /// The end of a server that does not respond, if that is why. It may close its connections a moment before it ends.
    pub(super) fn lost(&mut self, arm: Arm) -> Option<ServerFailure> {
        let until = Instant::now() + ENDING;
        loop {
            let ended = self.ended(arm);
            let is_started = self.running.iter().any(|own| own.arm == arm);
            if ended.is_some() || !is_started || Instant::now() > until {
                return ended;
            }
            sleep(TICK);
        }
    }

    fn ended(&mut self, arm: Arm) -> Option<ServerFailure> {
        let running = self.running.iter_mut().find(|own| own.arm == arm)?;
        let status = running.group.try_wait().ok()??;
        let why = format!("its command ended ({status}){}", self.last_lines(arm));
        Some(server_failure(arm, UnreachableCause::ServerEnded, why))
    }

    fn commands(&self) -> Vec<(Arm, &'a Server)> {
        let arms = [
            (Arm::Target, &self.wanted.serving.target),
            (Arm::Base, &self.wanted.serving.base),
        ];
        arms.into_iter()
            .filter(|(arm, _)| self.wanted.with_base || *arm == Arm::Target)
            .filter_map(|(arm, server)| Some((arm, server.as_ref()?)))
            .collect()
    }

    fn log(&self, arm: Arm) -> PathBuf {
        self.folder.join(format!("{}.log", self.name(arm)))
    }

    fn name(&self, arm: Arm) -> &'static str {
        self.wanted.roles.name(arm)
    }

    fn start_all(&mut self) -> Result<(), LoadEnd> {
        for (arm, server) in self.commands() {
            if let Some(why) = taken(server.port) {
                return Err(server_failure(arm, UnreachableCause::PortTaken, why).into());
            }
            let started = self
                .output(arm)
                .and_then(|output| self.spawn(server, &server.command, &output));
            let group = started.map_err(|error| {
                server_failure(arm, UnreachableCause::ServerNotStarted, error.to_string())
            })?;
            self.running.push(Running { arm, group });
        }
        let began = Instant::now();
        for (arm, server) in self.commands() {
            self.await_ready(arm, server, began)?;
        }
        Ok(())
    }

    fn output(&self, arm: Arm) -> io::Result<File> {
        let mut logs = self.logs.iter();
        match logs.find(|(of, _)| *of == arm) {
            Some((_, file)) => file.try_clone(),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn spawn(&mut self, server: &Server, text: &str, output: &File) -> io::Result<ProcessGroup> {
        if self.guardian.is_none() {
            self.guardian = Some(Watchdog::start()?);
        }
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(text)
            .env("LOADGATE_PORT", server.port.to_string())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output.try_clone()?);
        if let (Some(_), Some(checkout)) = (&server.revision, &self.checkout) {
            command
                .current_dir(checkout.folder())
                .env(COMMIT_VARIABLE, &checkout.commit);
        }
        let group = ProcessGroup::start(&mut command, &self.plan.withheld).map_err(shell_error)?;
        if let Some(guardian) = &mut self.guardian {
            guardian.watch(group.id());
        }
        Ok(group)
    }

    fn await_ready(&mut self, arm: Arm, server: &Server, began: Instant) -> Result<(), LoadEnd> {
        let (within, mut is_noted) = (format_duration(self.within), false);
        loop {
            let ready = probe(server.port, self.wanted.serving.ready.as_deref());
            let why = match ready {
                Ok(()) => return Ok(()),
                Err(why) => why,
            };
            if let Some(signal) = self.stop.signal() {
                return Err(LoadEnd::Interrupted { signal });
            }
            self.check()?;
            if !is_noted && began.elapsed() > NOTED_AFTER {
                is_noted = true;
                self.console.note(&format!(
                    "the {}'s server is not ready yet ({why}), waiting up to {within}",
                    self.name(arm)
                ));
            }
            if began.elapsed() > self.within {
                let lines = self.last_lines(arm);
                let why = format!("not ready within {within}: {why}{lines}");
                return Err(server_failure(arm, UnreachableCause::ServerNotReady, why).into());
            }
            sleep(TICK);
        }
    }

    /// The end of what a server printed, to go behind a sentence.
    fn last_lines(&self, arm: Arm) -> String {
        let mut text = Vec::new();
        let mut from = 0;
        // A log that cannot be read counts as empty.
        let _ = self.output(arm).and_then(|mut output| {
            from = output.metadata()?.len().saturating_sub(LAST_BYTES);
            output.seek(SeekFrom::Start(from))?;
            output.take(LAST_BYTES).read_to_end(&mut text)
        });
        // Hidden before lines are joined and left out, since a value may go on for several of them.
        let text = secrets::hidden_in_log(&String::from_utf8_lossy(&text), self.plan, self.gate);
        let lines: Vec<&str> = text
            .lines()
            // The first one may begin in the middle of a secret.
            .skip(usize::from(from > 0 && text.trim_end().contains('\n')))
            .filter(|line| !line.trim().is_empty())
            .collect();
        let last = lines[lines.len().saturating_sub(LAST_LINES)..].join(" | ");
        let log = self.log(arm);
        if last.is_empty() {
            return format!("; {} is empty", log.display());
        }
        format!("; its last lines in {}: {last}", log.display())
    }

    /// Stops all: first asked, then made.
    fn stop_all(&mut self) {
        if self.running.is_empty() {
            return;
        }
        let mut grace = Duration::ZERO;
        for running in &self.running {
            if running.group.request_stop() {
                grace = GRACE;
            }
        }
        let until = Instant::now() + grace;
        for Running { mut group, .. } in self.running.drain(..) {
            while matches!(group.try_wait(), Ok(None)) && Instant::now() < until {
                sleep(TICK);
            }
            let id = group.id();
            drop(group);
            if let Some(guardian) = &mut self.guardian {
                guardian.forget(id);
            }
        }
        processes::kill_orphans();
        // What was started by the first process may be a moment longer in ending, and would answer in the next one's place.
        for (_, server) in self.commands() {
            let until = Instant::now() + GRACE;
            while probe(server.port, None).is_ok() && Instant::now() < until {
                sleep(TICK);
            }
        }
    }
}

impl Drop for Servers<'_> {
    fn drop(&mut self) {
        self.stop_all();
    }
}

fn server_failure(arm: Arm, cause: UnreachableCause, why: String) -> ServerFailure {
    ServerFailure { arm, cause, why }
}

/// Makes a new file. One that is there is removed first: an earlier run's would be taken for this one's, and a link followed.
fn create(path: &Path) -> io::Result<File> {
    files::remove(path)?;
    let mut options = OpenOptions::new();
    options.read(true).append(true).create_new(true).open(path)
}

/// What to do if there is no shell.
fn shell_error(error: io::Error) -> io::Error {
    if cfg!(windows) && error.kind() == io::ErrorKind::NotFound {
        return io::Error::new(
            error.kind(),
            "there is no 'sh' in the PATH; add the folder bin of Git for Windows",
        );
    }
    error
}

/// Why a server cannot have its port; none if it can. Whoever has it would be measured in the server's place.
fn taken(port: u16) -> Option<String> {
    let is_open = probe(port, None).is_ok();
    let bound = TcpListener::bind(("127.0.0.1", port));
    let is_bound = bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse);
    (is_open || is_bound).then(|| format!("another process listens on its port, 127.0.0.1:{port}"))
}

/// Looks whether a server is ready: its port is open, or a path responds below 400.
fn probe(port: u16, path: Option<&str>) -> Result<(), String> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let message = |error: io::Error| error.to_string();
    let mut stream = TcpStream::connect_timeout(&address, PROBE).map_err(message)?;
    let Some(path) = path else {
        return Ok(());
    };
    stream.set_read_timeout(Some(PROBE)).map_err(message)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(message)?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).map_err(message)?;
    let status = std::str::from_utf8(&head[9..]).ok();
    match status.and_then(|status| status.parse::<u16>().ok()) {
        Some(status) if head.starts_with(b"HTTP/1.") && status < 400 => Ok(()),
        Some(status) => Err(format!("{} responds {status}", redacted_address(path))),
        None => Err(format!(
            "{} does not respond in HTTP/1",
            redacted_address(path)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_taken_as_long_as_anybody_listens_there() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(taken(port).is_some());
        let _open = TcpStream::connect(("127.0.0.1", port)).unwrap();
        drop(listener);
        assert_eq!(taken(port), None, "what was connected is in nobody's way");
    }
}
