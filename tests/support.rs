//! What tests stand on: a gate in a folder of its own, a server that answers as told, and the real binary in a clean
//! environment.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use quick_xml::events::Event;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::replay::{self, Load};
use crate::runner;

/// How late the generator may be in a test. No claim here is about being on time: the tests share their machine with each
/// other and with whatever else runs on it.
pub(crate) const MAX_LATE: (&str, &str) = ("LOADGATE_MAX_LATE", "60s");

/// Loads that tests may send at a time. Most of each is waiting, and no test depends on the generator being on time.
const LOADS: usize = 4;

/// Bounds how many tests send load at a time, for as long as the returned file is open. A file is seen by threads and by
/// processes, so each test may be a process of its own.
pub(crate) fn load_slot() -> File {
    let slots: Vec<File> = (0..LOADS)
        .map(|slot| {
            let path = format!("{}/load-{slot}.lock", env!("CARGO_TARGET_TMPDIR"));
            File::create(path).unwrap()
        })
        .collect();
    loop {
        let free = slots.iter().position(|slot| slot.try_lock().is_ok());
        if let Some(free) = free {
            return slots.into_iter().nth(free).unwrap();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A request as the server received it.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// Counts the connections of the server.
    pub(crate) connection: u64,
    /// Counts the requests of the server.
    pub(crate) number: u64,
    pub(crate) at: Instant,
    pub(crate) method: String,
    /// Path with query.
    pub(crate) path: String,
    /// In lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Received {
    /// The first value of a header.
    pub(crate) fn header(&self, wanted: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.as_str())
    }

    /// Method and path.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// An answer: status, then body; of a redirect the place that it leads to.
pub(crate) type Answer = (u16, String);

/// A server on a free loopback port that answers every request by a function, for as long as the test runs.
pub(crate) struct Server {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    /// The status by which a connection is closed without a response.
    pub(crate) const CLOSES: u16 = 0;

    /// Starts a server; `answer` may sleep.
    pub(crate) fn start(answer: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        Self::serving(answer, usize::MAX)
    }

    /// A server that answers 200 and then closes the connection, without a word of it.
    pub(crate) fn closing() -> Self {
        Self::serving(|_| (200, "{}".to_owned()), 1)
    }

    /// A server that takes so many requests on a connection.
    fn serving(
        answer: impl Fn(&Received) -> Answer + Send + Sync + 'static,
        requests_each: usize,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&received));
        let requests = Arc::new(AtomicU64::new(0));
        std::thread::spawn(move || {
            for (connection, stream) in (0..).zip(listener.incoming().flatten()) {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                let requests = Arc::clone(&requests);
                std::thread::spawn(move || {
                    let taken = (connection, requests_each);
                    let _ = serve(&stream, taken, &requests, &*answer, &log);
                });
            }
        });
        Self { address, received }
    }

    /// A server that answers 200 at once.
    pub(crate) fn fast() -> Self {
        Self::start(|_| (200, "{}".to_owned()))
    }

    /// A server that takes this long to answer 200.
    pub(crate) fn taking(time: Duration) -> Self {
        Self::start(move |_| {
            std::thread::sleep(time);
            (200, "{}".to_owned())
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was received so far, in the order of its arrival.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

fn serve(
    stream: &TcpStream,
    (connection, requests_each): (u64, usize),
    requests: &AtomicU64,
    answer: &dyn Fn(&Received) -> Answer,
    log: &Mutex<Vec<Received>>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    for _ in 0..requests_each {
        let Some(mut request) = read_request(&mut reader)? else {
            break;
        };
        request.connection = connection;
        request.number = requests.fetch_add(1, Ordering::Relaxed);
        log.lock().unwrap().push(request.clone());
        let (status, body) = answer(&request);
        if status == Server::CLOSES {
            break;
        }
        let (location, body) = match status {
            300..400 => (format!("location: {body}\r\n"), String::new()),
            _ => (String::new(), body),
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{location}content-length: {}\r\n\r\n",
            body.len()
        );
        (&*stream).write_all(format!("{head}{body}").as_bytes())?;
    }
    Ok(())
}

fn read_request(reader: &mut BufReader<&TcpStream>) -> std::io::Result<Option<Received>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let at = Instant::now();
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Received {
        connection: 0,
        number: 0,
        at,
        method,
        path,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    }))
}

/// An address on loopback where nobody listens: no system gives a test's server so low a port.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:1";

/// A short scenario that any server can answer: one name in one steady phase of a second.
pub(crate) const SCENARIO: &str = "\
name: sample
user_classes:
  - name: reader
    wait: 5ms
    tasks:
      - steps: [{ get: /items, name: GET /items }]
load:
  - { phase: warm, users: 4, for: 1s }
";

/// The same in the open model: as many requests on a busy machine as on an idle one.
pub(crate) const ARRIVALS: &str = "\
name: sample
user_classes:
  - name: reader
    tasks:
      - steps: [{ get: /items, name: GET /items }]
load:
  - { phase: warm, arrivals: 600/s, for: 1s }
";

/// The arguments of a stand-in that answers in 10 ms and whose environments live for a second and start in 300 ms.
pub(crate) const EXPIRING: [&str; 6] = [
    "--latency",
    "10ms",
    "--cold-start",
    "300ms",
    "--idle-expiry",
    "1s",
];

/// The root of the repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README.md and the pages of the book, each by its path in the repository.
pub(crate) fn pages() -> BTreeMap<PathBuf, String> {
    let mut found = vec![PathBuf::from("README.md")];
    let mut folders = vec![PathBuf::from("docs/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(repository().join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            if repository().join(&path).is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "md") {
                found.push(path);
            }
        }
    }
    let read = |path: &PathBuf| std::fs::read_to_string(repository().join(path)).unwrap();
    found
        .into_iter()
        .map(|path| (path.clone(), read(&path)))
        .collect()
}

/// A fenced block of code on a page.
pub(crate) struct CodeBlock {
    pub(crate) page: PathBuf,
    pub(crate) language: String,
    pub(crate) text: String,
}

/// All code of README.md and the book.
pub(crate) fn code_blocks() -> Vec<CodeBlock> {
    let mut blocks = Vec::new();
    for (page, text) in pages() {
        for block in text.split("\n```").skip(1).step_by(2) {
            let (language, text) = block.split_once('\n').unwrap();
            blocks.push(CodeBlock {
                page: page.clone(),
                language: language.to_owned(),
                text: format!("{text}\n"),
            });
        }
    }
    blocks
}

/// The code block that contains this. Several pages may show the same one.
pub(crate) fn recipe(part: &str) -> String {
    let mut found: Vec<String> = code_blocks()
        .into_iter()
        .map(|block| block.text)
        .filter(|text| text.contains(part))
        .collect();
    found.dedup();
    assert_eq!(found.len(), 1, "one code block with {part}: {found:?}");
    found.remove(0)
}

/// A gate in a folder of its own, and a place for output beside it.
pub(crate) struct Gate {
    home: TempDir,
}

/// A gate of the sample scenario and these thresholds.
pub(crate) fn gate(thresholds: &str) -> Gate {
    let gate = Gate {
        home: tempfile::tempdir().unwrap(),
    };
    std::fs::create_dir(gate.folder()).unwrap();
    gate.write("scenario.yml", SCENARIO);
    gate.write("thresholds.yml", thresholds);
    gate
}

/// One check of a JUnit report.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    pub(crate) name: String,
    /// `passed`, `failure`, `error` or `skipped`.
    pub(crate) outcome: String,
    /// The type of a failure or an error, such as `loadgate.limit`.
    pub(crate) kind: String,
}

/// The checks of a JUnit report.
pub(crate) fn checks(junit: &str) -> Vec<Check> {
    let mut reader = quick_xml::Reader::from_str(junit);
    let mut checks: Vec<Check> = Vec::new();
    loop {
        let event = reader.read_event().unwrap();
        if matches!(event, Event::Eof) {
            return checks;
        }
        let (Event::Start(tag) | Event::Empty(tag)) = event else {
            continue;
        };
        let attribute = |name: &str| {
            let found = tag.try_get_attribute(name).unwrap();
            found.map_or_else(String::new, |found| {
                found
                    .decoded_and_normalized_value(
                        quick_xml::XmlVersion::Explicit1_0,
                        reader.decoder(),
                    )
                    .unwrap()
                    .into_owned()
            })
        };
        match (tag.name().as_ref(), checks.last_mut()) {
            (b"testcase", _) => checks.push(Check {
                name: attribute("name"),
                outcome: "passed".to_owned(),
                kind: String::new(),
            }),
            (outcome @ (b"failure" | b"error" | b"skipped"), Some(check)) => {
                check.outcome = String::from_utf8(outcome.to_vec()).unwrap();
                check.kind = attribute("type");
            }
            _ => {}
        }
    }
}

/// What the binary did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Gate {
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.home.path().join("gate")
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.home.path().join("out")
    }

    /// The same gate with another scenario.
    pub(crate) fn with_scenario(self, text: &str) -> Self {
        self.write("scenario.yml", text);
        self
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        std::fs::write(self.folder().join(file), text).unwrap();
    }

    pub(crate) fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder().join(file)).unwrap()
    }

    /// The text of a file in the output folder.
    pub(crate) fn written(&self, file: &str) -> String {
        let path = self.out().join(file);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// `loadgate run` on this gate against `target`.
    pub(crate) fn run(&self, target: &str, more: &[&str]) -> Ran {
        let folder = self.folder();
        let mut arguments = vec!["run", folder.to_str().unwrap(), "--target", target];
        arguments.extend(more);
        let _slot = load_slot();
        self.loadgate(&arguments)
    }

    /// The same against a new server, with variables of the environment: for claims on all that the server received.
    pub(crate) fn run_on(
        &self,
        server: impl FnOnce() -> Server,
        variables: &[(&str, &str)],
    ) -> (Ran, Server) {
        let _slot = load_slot();
        let server = server();
        let output = loadgate(self.home())
            .args(["run", self.folder().to_str().unwrap()])
            .args(["--target", &server.url()])
            .env("LOADGATE_OUT", self.out())
            .envs(variables.iter().copied())
            .output();
        (Ran::new(&output.unwrap()), server)
    }

    /// `loadgate run` on this gate with a generated load in place of one that is sent.
    pub(crate) fn replay(&self, load: &Load, more: &[&str]) -> Ran {
        Ran::new(&self.replaying(load).args(more).output().unwrap())
    }

    /// The command that does it, to be given more.
    pub(crate) fn replaying(&self, load: &Load) -> Command {
        let replayed = self.home().join("replayed");
        let scenario = self.read("scenario.yml");
        load.write(&replayed, [&*scenario]);
        let mut command = loadgate(self.home());
        command
            .arg("run")
            .arg(self.folder())
            .args(["--target", NOWHERE])
            .env("LOADGATE_OUT", self.out())
            .env(replay::VARIABLE, replayed);
        command
    }

    /// A command on this gate that sends nothing, with further arguments.
    pub(crate) fn command(&self, name: &str, more: &[&str]) -> Ran {
        let folder = self.folder();
        let mut arguments = vec![name, folder.to_str().unwrap()];
        arguments.extend(more);
        self.loadgate(&arguments)
    }

    /// The result that the last run left.
    pub(crate) fn result(&self) -> Value {
        serde_json::from_str(&self.written("result.json")).unwrap()
    }

    /// The checks of the last run, from its JUnit report.
    pub(crate) fn checks(&self) -> Vec<Check> {
        checks(&self.written("junit.xml"))
    }

    /// What a CI job is given of the last result, judged once more.
    pub(crate) fn outputs(&self, more: &[&str]) -> BTreeMap<String, String> {
        let outputs = self.home().join("outputs");
        std::fs::write(&outputs, "").unwrap();
        let judged = loadgate(self.home())
            .arg("judge")
            .arg(self.folder())
            .arg(self.out().join("result.json"))
            .arg("--out")
            .arg(self.home().join("again"))
            .args(more)
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_OUTPUT", &outputs)
            .output();
        let judged = Ran::new(&judged.unwrap());
        assert!(judged.code != Some(2), "{judged:?}");
        runner::pairs(&std::fs::read_to_string(outputs).unwrap())
    }

    /// What the last result was compared with, as a CI job is told.
    pub(crate) fn baseline_status(&self, more: &[&str]) -> String {
        self.outputs(more)["baseline-status"].clone()
    }

    /// The binary, in this gate's home and with its output there.
    pub(crate) fn loadgate(&self, arguments: &[&str]) -> Ran {
        let output = loadgate(self.home())
            .args(arguments)
            .env("LOADGATE_OUT", self.out())
            .output();
        Ran::new(&output.unwrap())
    }

    /// The binary on its way, to be sent a signal.
    pub(crate) fn start(&self, target: &str) -> Child {
        loadgate(self.home())
            .args(["run", self.folder().to_str().unwrap(), "--target", target])
            .env("LOADGATE_OUT", self.out())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

impl Ran {
    pub(crate) fn new(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Checks the exit code, showing everything where it is another.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// Checks that standard error holds one message, and that it names all of `parts`.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        let is_message =
            |line: &&str| line.starts_with("error: ") || line.starts_with("loadgate: ");
        let messages = self.stderr.lines().filter(is_message).count();
        assert_eq!(messages, 1, "one message, not:\n{}", self.stderr);
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "no '{part}' in: {}",
                self.stderr
            );
        }
        self
    }

    /// Checks that standard output tells all of `parts`, wherever its lines break.
    #[track_caller]
    pub(crate) fn tells(self, parts: &[&str]) -> Self {
        let flat = self.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in parts {
            assert!(flat.contains(part), "no '{part}' in:\n{}", self.stdout);
        }
        self
    }
}

/// The path of the real binary.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_loadgate");

/// The real binary in a clean environment.
pub(crate) fn loadgate(home: &Path) -> Command {
    clean(BINARY, home)
}

/// A program in a clean environment: no CI, no colours, no settings of whoever runs the tests.
pub(crate) fn clean(program: impl AsRef<OsStr>, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().current_dir(home).stdin(Stdio::null());
    for kept in ["PATH", "HOME", "TMPDIR", "LLVM_PROFILE_FILE"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command.env(MAX_LATE.0, MAX_LATE.1);
    command
}

/// `loadgate lambda` as a process of its own.
pub(crate) struct StandIn {
    process: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) url: String,
}

impl StandIn {
    pub(crate) fn start(home: &Path, arguments: &[&str]) -> Self {
        let mut process = loadgate(home)
            .arg("lambda")
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut url = String::new();
        stdout.read_line(&mut url).unwrap();
        Self {
            process,
            stdout,
            url: url.trim().to_owned(),
        }
    }

    /// Tells it to stop, and returns its exit code and what else it printed.
    pub(crate) fn stop(mut self) -> (Option<i32>, String) {
        signal(&self.process, Signal::TERM);
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (self.process.wait().unwrap().code(), rest)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends a signal to a process that a test started.
pub(crate) fn signal(process: &Child, signal: Signal) {
    kill_process(Pid::from_child(process), signal).unwrap();
}

/// Waits until something holds, at most for a minute: a busy machine may need a good part of it.
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..6_000 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("a minute was not enough until {what}");
}
