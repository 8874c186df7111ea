//! A client that sends the bytes it is given, good or bad.

use super::super::FakeGateway;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// One keep-alive connection.
pub(super) struct Client(BufReader<TcpStream>);

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HashMap<String, String>,
    pub(super) body: String,
}

impl Client {
    pub(super) fn of(stand_in: &FakeGateway) -> Self {
        let stream = TcpStream::connect(stand_in.address()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_mins(1)))
            .unwrap();
        Self(BufReader::new(stream))
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    pub(super) fn receive(&mut self) -> Answer {
        let status = self.line().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = HashMap::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(": ") else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let length = headers
            .get("content-length")
            .map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        Answer {
            status,
            headers,
            body: String::from_utf8(body).unwrap(),
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    pub(super) fn get(&mut self, path: &str, headers: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: stand-in\r\n{headers}\r\n").as_bytes());
        self.receive()
    }

    pub(super) fn post(&mut self, path: &str, body: &str) -> Answer {
        let length = body.len();
        self.send(
            format!(
                "POST {path} HTTP/1.1\r\nHost: stand-in\r\nContent-Length: {length}\r\n\r\n{body}"
            )
            .as_bytes(),
        );
        self.receive()
    }

    /// Sends a request and leaves once it has arrived: a client that is gone by then is not served at all.
    pub(super) fn get_and_leave(mut self, stand_in: &FakeGateway, path: &str) {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: stand-in\r\n\r\n").as_bytes());
        // One thread serves all connections. After two responses on a later one, the request has been read.
        let mut later = Self::of(stand_in);
        for _ in 0..2 {
            assert_eq!(later.get("/health", "").status, 200);
        }
        drop(self);
        let start = Instant::now();
        while stand_in.received().len() < 3 && start.elapsed() < Duration::from_secs(30) {
            std::thread::yield_now();
        }
    }

    /// Whether the other side has closed.
    pub(super) fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0]), Ok(0) | Err(_))
    }
}
