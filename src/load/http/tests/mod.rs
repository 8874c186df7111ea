//! What the client must withstand, each with a real socket.

mod faults;
mod h2;
mod proxy;
mod reuse;
mod server;
mod tls;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::measurement::FailureKind;
use crate::scenario::HttpVersion;

use super::request::tests::{render, request};
use super::{Client, Connector, Exchange, ReadBuffer, Trust};

/// Long enough for a busy machine; no test waits for it.
const AMPLE: Duration = Duration::from_secs(20);

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A client with its buffer and a request or two, as a user of the load would hold them.
struct User {
    client: Client,
    read_buffer: ReadBuffer,
}

impl User {
    fn of(target: &str) -> Self {
        Self::trusting(target, Trust::Anyone)
    }

    fn trusting(target: &str, trust: Trust<'_>) -> Self {
        Self::speaking(HttpVersion::Http11, target, trust)
    }

    fn speaking(version: HttpVersion, target: &str, trust: Trust<'_>) -> Self {
        Self::with(Connector::new(target.parse().unwrap(), version, trust).unwrap())
    }

    fn with(connector: Connector) -> Self {
        Self::sharing(&Arc::new(connector))
    }

    fn sharing(connector: &Arc<Connector>) -> Self {
        Self {
            client: Client::new(Arc::clone(connector)),
            read_buffer: ReadBuffer::default(),
        }
    }

    async fn send(&mut self, method: &str) -> Exchange {
        self.send_body(method, b"").await
    }

    async fn send_body(&mut self, method: &str, body: &[u8]) -> Exchange {
        self.exchange(method, "/", body, AMPLE).await
    }

    async fn send_within(&mut self, timeout: Duration) -> Exchange {
        self.get_within("/", timeout).await
    }

    async fn get(&mut self, target: &str) -> Exchange {
        self.get_within(target, AMPLE).await
    }

    async fn get_within(&mut self, target: &str, timeout: Duration) -> Exchange {
        self.exchange("GET", target, b"", timeout).await
    }

    async fn exchange(
        &mut self,
        method: &str,
        target: &str,
        body: &[u8],
        timeout: Duration,
    ) -> Exchange {
        let bytes = render(method, "test", target, &[("A", "b")], Some(body)).unwrap();
        let request = request(method, &bytes, Some(1000));
        let mut exchange = Exchange::started(Instant::now());
        self.client
            .send::<0>(&self.read_buffer, &request, timeout, &mut exchange)
            .await;
        exchange
    }
}

/// The status and body of a response, or the kind of failure.
fn outcome(exchange: &Exchange) -> Result<(u16, &str), FailureKind> {
    let answer = exchange.outcome.as_ref().map_err(|failure| *failure)?;
    let body = answer.body.as_deref().unwrap_or_default();
    Ok((answer.status, std::str::from_utf8(body).unwrap()))
}
