//! A server that stands in for AWS in tests: it answers each request by a function.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::client::{LIMIT, Patience};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(super) struct Received {
    /// Path and query.
    pub(super) path: String,
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The operation after the service's version.
    pub(super) fn target(&self) -> &str {
        let target = self.header("x-amz-target").unwrap_or_default();
        target.rsplit('.').next().unwrap_or_default()
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What is sent back.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    status: u16,
    headers: String,
    body: String,
    delay: Duration,
}

impl Reply {
    pub(super) fn text(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: String::new(),
            body: body.to_owned(),
            delay: Duration::ZERO,
        }
    }

    pub(super) fn json(body: &str) -> Self {
        Self::text(200, body)
    }

    /// An error in the manner of the JSON protocols.
    pub(super) fn error(status: u16, code: &str, message: &str) -> Self {
        let code = format!("com.amazon.coral.service#{code}");
        let body = serde_json::json!({ "__type": code, "message": message });
        Self::text(status, &body.to_string())
    }

    pub(super) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers = format!("{}{name}: {value}\r\n", self.headers);
        self
    }

    pub(super) fn replaced(mut self, from: &str, to: &str) -> Self {
        self.body = self.body.replace(from, to);
        self
    }

    pub(super) fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// A running server; it ends with the process.
pub(super) struct Fake {
    pub(super) url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Fake {
    pub(super) fn start(answer: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let (answer, kept) = (Arc::new(answer), Arc::clone(&received));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, kept) = (Arc::clone(&answer), Arc::clone(&kept));
                std::thread::spawn(move || {
                    let _ = serve(&stream.unwrap(), &*answer, &kept);
                });
            }
        });
        Self { url, received }
    }

    /// What arrived so far.
    pub(super) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

fn serve(
    stream: &TcpStream,
    answer: &dyn Fn(&Received) -> Reply,
    kept: &Mutex<Vec<Received>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            headers.push((name.to_lowercase(), value.to_owned()));
        }
        let mut received = Received {
            path,
            headers,
            body: String::new(),
        };
        let length = received.header("content-length");
        let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        reader
            .by_ref()
            .take(length)
            .read_to_string(&mut received.body)?;
        kept.lock().unwrap().push(received.clone());
        let reply = answer(&received);
        std::thread::sleep(reply.delay);
        // In one piece, which nothing on the way waits to fill.
        let response = format!(
            "HTTP/1.1 {} X\r\n{}content-length: {}\r\n\r\n{}",
            reply.status,
            reply.headers,
            reply.body.len(),
            reply.body
        );
        let mut stream = stream;
        stream.write_all(response.as_bytes())?;
    }
}

/// An environment of these variables.
pub(super) fn lookup(pairs: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> + use<> {
    let pairs = pairs.iter();
    let pairs: HashMap<String, String> = pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    move |name| pairs.get(name).cloned()
}

/// Patience that never sleeps.
pub(super) fn patience() -> Patience<'static> {
    Patience {
        sleep: &|_| ControlFlow::Continue(()),
        limit: LIMIT,
        deadline: Instant::now() + Duration::from_mins(1),
    }
}
