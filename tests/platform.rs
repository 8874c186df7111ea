//! A stand-in for the platforms' APIs: it pages, refuses, fails and drops as told, and keeps what it got.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// The token of a job of GitLab CI.
pub(crate) const JOB_TOKEN: &str = "glcbt-a-token-that-nobody-may-see";

/// Whose API it plays.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plays {
    GitHub,
    GitLab,
}

/// What happens to a call in place of its answer.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// This status, with these headers and this message.
    Answers(u16, &'static str, &'static str),
    /// The connection is closed before anything is answered, and nothing is done.
    Drops,
    /// It is done, and the connection is closed before that is answered.
    DropsAfter,
}

/// A call as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

struct State {
    plays: Plays,
    /// Who the token belongs to; none where it may not ask.
    user: Option<String>,
    comments: Vec<(u64, String, String)>,
    /// Faults of calls whose line begins like this, each used once.
    faults: VecDeque<(String, Fault)>,
    /// Answers to other paths.
    other: BTreeMap<String, Value>,
    /// The repository's artifacts.
    artifacts: Vec<Value>,
    /// Files of the project's generic packages, by their path.
    packages: BTreeMap<String, Value>,
    calls: Vec<Call>,
}

/// The API on a free loopback port, for as long as the test runs.
pub(crate) struct Api {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Api {
    pub(crate) fn start(plays: Plays, user: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State {
            plays,
            user: user.map(str::to_owned),
            comments: Vec::new(),
            faults: VecDeque::new(),
            other: BTreeMap::new(),
            artifacts: Vec::new(),
            packages: BTreeMap::new(),
            calls: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = serve(&stream, &shared);
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds a comment of somebody.
    pub(crate) fn add(&self, author: &str, body: &str) -> u64 {
        let mut state = self.state.lock().unwrap();
        let id = 1000 + state.comments.len() as u64;
        state
            .comments
            .push((id, author.to_owned(), body.to_owned()));
        id
    }

    /// The next call whose line begins like this meets a fault.
    pub(crate) fn fault(&self, line: &str, fault: Fault) {
        let mut state = self.state.lock().unwrap();
        state.faults.push_back((line.to_owned(), fault));
    }

    /// What a path of its own answers, query included.
    pub(crate) fn answer(&self, path: &str, value: Value) {
        let mut state = self.state.lock().unwrap();
        state.other.insert(path.to_owned(), value);
    }

    /// The repository's artifacts are these, newest first.
    pub(crate) fn artifacts(&self, artifacts: &[Value]) {
        self.state.lock().unwrap().artifacts = artifacts.to_vec();
    }

    /// A file of a generic package, where it was published.
    pub(crate) fn package(&self, file: &str) -> Option<Value> {
        let state = self.state.lock().unwrap();
        state
            .packages
            .get(&format!("/projects/12/packages/generic/{file}"))
            .cloned()
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.state.lock().unwrap().calls.clone()
    }

    /// Method and path of each call.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |call: Call| format!("{} {}", call.method, call.path);
        self.calls().into_iter().map(line).collect()
    }

    /// Bodies of all comments of an author.
    pub(crate) fn of(&self, author: &str) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let of = state.comments.iter().filter(|(_, by, _)| by == author);
        of.map(|(_, _, body)| body.clone()).collect()
    }
}

fn serve(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let Some(call) = read(stream)? else {
        return Ok(());
    };
    let mut state = state.lock().unwrap();
    state.calls.push(call.clone());
    let line = format!("{} {}", call.method, call.path);
    let fault = state
        .faults
        .iter()
        .position(|(start, _)| line.starts_with(start));
    let fault = fault.and_then(|index| state.faults.remove(index));
    match fault {
        Some((_, Fault::Drops)) => return Ok(()),
        Some((_, Fault::DropsAfter)) => {
            state.answer(&call);
            return Ok(());
        }
        Some((_, Fault::Answers(status, headers, message))) => {
            return write(stream, status, headers, &json!({ "message": message }));
        }
        None => {}
    }
    let (status, value) = state.answer(&call);
    write(stream, status, "", &value)
}

fn read(stream: &TcpStream) -> std::io::Result<Option<Call>> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Ok(None);
    };
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length");
    let length = length.and_then(|value| value.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Call {
        method,
        path,
        headers,
        body: String::from_utf8(body).unwrap(),
    }))
}

fn write(mut stream: &TcpStream, status: u16, headers: &str, value: &Value) -> std::io::Result<()> {
    let body = value.to_string();
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes())
}

impl State {
    fn answer(&mut self, call: &Call) -> (u16, Value) {
        let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
        if let Some(value) = self.other.get(&call.path) {
            return (200, value.clone());
        }
        let (list, one) = match self.plays {
            Plays::GitHub => (
                "/repos/shop/api/issues/7/comments",
                "/repos/shop/api/issues/comments/",
            ),
            Plays::GitLab => (
                "/projects/12/merge_requests/7/notes",
                "/projects/12/merge_requests/7/notes/",
            ),
        };
        let body = || serde_json::from_str::<Value>(&call.body).unwrap()["body"].clone();
        let body = || body().as_str().unwrap().to_owned();
        let user = self.user.clone();
        let author = user.clone().unwrap_or("github-actions[bot]".to_owned());
        match (call.method.as_str(), path) {
            (_, path) if path.starts_with("/projects/12/packages/generic/") => self.file(call),
            ("GET", "/repos/shop/api/actions/artifacts") => {
                let name = query.split('&').find_map(|pair| pair.strip_prefix("name="));
                let artifacts = self.artifacts.iter();
                let listed: Vec<&Value> = artifacts
                    .filter(|artifact| name.is_none_or(|name| artifact["name"] == name))
                    .collect();
                (200, json!({ "artifacts": listed }))
            }
            ("GET", "/user") => match (self.plays, user) {
                (_, None) => (403, json!({ "message": "Resource not accessible" })),
                (Plays::GitHub, Some(user)) => (200, json!({ "login": user })),
                (Plays::GitLab, Some(user)) => (200, json!({ "username": user })),
            },
            ("GET", path) if path == list => (200, self.page(query)),
            ("POST", path) if path == list => {
                let id = 1000 + self.comments.len() as u64;
                self.comments.push((id, author, body()));
                (201, json!({ "id": id }))
            }
            ("PATCH" | "PUT", path) if path.starts_with(one) => {
                let id: u64 = path[one.len()..].parse().unwrap();
                let Some(found) = self.comments.iter_mut().find(|(own, _, _)| *own == id) else {
                    return (404, json!({ "message": "Not Found" }));
                };
                found.2 = body();
                (200, json!({ "id": id }))
            }
            _ => (404, json!({ "message": "Not Found" })),
        }
    }

    /// A file of a package, published or fetched by a job's token.
    fn file(&mut self, call: &Call) -> (u16, Value) {
        if call.headers.get("job-token").map(String::as_str) != Some(JOB_TOKEN) {
            return (401, json!({ "message": "401 Unauthorized" }));
        }
        if call.method == "PUT" {
            let value = serde_json::from_str(&call.body).unwrap();
            self.packages.insert(call.path.clone(), value);
            return (201, json!({ "message": "201 Created" }));
        }
        match self.packages.get(&call.path) {
            Some(value) => (200, value.clone()),
            None => (404, json!({ "message": "404 Not Found" })),
        }
    }

    /// A page of comments, as long as is asked for, thirty where that is not said.
    fn page(&self, query: &str) -> Value {
        let number = |name: &str, usual: usize| {
            let pair = query.split('&').find_map(|pair| pair.strip_prefix(name));
            pair.map_or(usual, |value| value.parse().unwrap())
        };
        let (size, page) = (number("per_page=", 30).min(100), number("page=", 1));
        let who = |author: &str| match self.plays {
            Plays::GitHub => ("user", json!({ "login": author })),
            Plays::GitLab => ("author", json!({ "username": author })),
        };
        let comments = self.comments.iter().skip((page - 1) * size).take(size);
        let comment = |(id, author, body): &(u64, String, String)| {
            let (name, who) = who(author);
            json!({ "id": id, name: who, "body": body })
        };
        comments.map(comment).collect()
    }
}
