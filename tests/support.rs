//! What tests stand on: a gate in a folder of its own, a server that answers as told, and the real binary in a clean
//! environment.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tempfile::TempDir;

/// A request as the server received it: method, path with query, and headers in lower case.
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
}

/// An answer: status, then body.
pub(crate) type Answer = (u16, String);

/// A server on a free loopback port that answers every request by a function, for as long as the test runs.
pub(crate) struct Server {
    address: SocketAddr,
    count: Arc<AtomicU64>,
}

impl Server {
    /// Starts a server; `answer` may sleep.
    pub(crate) fn start(answer: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let count = Arc::new(AtomicU64::new(0));
        let (answer, counter) = (Arc::new(answer), Arc::clone(&count));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, counter) = (Arc::clone(&answer), Arc::clone(&counter));
                std::thread::spawn(move || {
                    let _ = serve(&stream, &*answer, &counter);
                });
            }
        });
        Self { address, count }
    }

    /// A server that answers 200 at once.
    pub(crate) fn fast() -> Self {
        Self::start(|_| (200, "{}".to_owned()))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Requests answered so far.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

fn serve(stream: &TcpStream, answer: &dyn Fn(&Received) -> Answer, count: &AtomicU64) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader)? {
        let (status, body) = answer(&request);
        count.fetch_add(1, Ordering::Relaxed);
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
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
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Received { method, path, headers }))
}

/// An address on loopback where nobody listens.
pub(crate) fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A short scenario that any server can answer: two names, a steady phase of one second.
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

/// What the binary did.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Gate {
    pub(crate) fn folder(&self) -> PathBuf {
        self.home.path().join("gate")
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.home.path().join("out")
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
        self.loadgate(&arguments)
    }

    /// The binary, in this gate's home and with its output there.
    pub(crate) fn loadgate(&self, arguments: &[&str]) -> Ran {
        let output = loadgate(self.home.path()).args(arguments).env("LOADGATE_OUT", self.out()).output();
        Ran::new(&output.unwrap())
    }

    /// The binary on its way, to be sent a signal.
    pub(crate) fn start(&self, target: &str) -> std::process::Child {
        loadgate(self.home.path())
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
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Checks that standard error is one message and names all of `parts`.
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        let lines: Vec<&str> = self.stderr.lines().filter(|line| line.starts_with("loadgate: ")).collect();
        assert_eq!(lines.len(), 1, "one message, not:\n{}", self.stderr);
        for part in parts {
            assert!(lines[0].contains(part), "no '{part}' in: {}", lines[0]);
        }
        self
    }
}

/// The real binary in a clean environment: no CI, no colours, no settings of whoever runs the tests.
pub(crate) fn loadgate(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgate"));
    command.env_clear().current_dir(home).stdin(Stdio::null());
    for kept in ["PATH", "HOME", "TMPDIR", "LLVM_PROFILE_FILE"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
}

/// Waits until something holds, at most for ten seconds.
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("waited ten seconds in vain until {what}");
}
