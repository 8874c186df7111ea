//! A server that follows a script, one for each connection in turn.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

pub(super) type Script = Box<dyn FnOnce(Peer) + Send>;

pub(super) struct Server {
    address: SocketAddr,
    thread: JoinHandle<()>,
}

impl Server {
    pub(super) fn start(scripts: Vec<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = thread::spawn(move || {
            for script in scripts {
                script(Peer(listener.accept().unwrap().0));
            }
        });
        Self { address, thread }
    }

    /// A server whose every connection sends these bytes once a request has come, and then closes.
    pub(super) fn answering(answers: &[&'static [u8]]) -> Self {
        let script = |&answer: &&'static [u8]| -> Script {
            Box::new(move |mut peer| {
                peer.read_request();
                peer.send(answer);
            })
        };
        Self::start(answers.iter().map(script).collect())
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn tls_url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// Waits until the script is over and fails where it did.
    pub(super) fn join(self) {
        self.thread.join().unwrap();
    }
}

/// One connection, seen from the server.
pub(super) struct Peer(pub(super) TcpStream);

impl Peer {
    /// Reads a head, and the body its length tells, and returns both.
    pub(super) fn read_request(&mut self) -> String {
        let mut request = String::new();
        let mut byte = [0];
        while !request.ends_with("\r\n\r\n") {
            assert_eq!(
                self.0.read(&mut byte).unwrap(),
                1,
                "closed after {request:?}"
            );
            request.push(char::from(byte[0]));
        }
        let length = request
            .split("Content-Length: ")
            .nth(1)
            .map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        request + &String::from_utf8(body).unwrap()
    }

    /// Sends as far as the client listens.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes);
    }

    /// Waits until the client has closed, by whatever means.
    pub(super) fn wait_for_close(&mut self) {
        let mut buffer = [0; 4096];
        while self.0.read(&mut buffer).is_ok_and(|count| count > 0) {}
    }

    /// Closes with the request unread, which resets the connection.
    pub(super) fn reset(self) {
        assert_eq!(self.0.peek(&mut [0]).unwrap(), 1);
    }
}
