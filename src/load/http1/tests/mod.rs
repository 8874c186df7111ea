//! What the client must withstand, each with a real socket; the reader also with every split of its input.

mod faults;
mod reading;
mod reuse;
mod server;
mod splitting;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use super::{Client, Connector, Exchange, Failure, Request, Scratch, Trust, render};

/// Long enough for a busy machine; no test waits for it.
const AMPLE: Duration = Duration::from_secs(20);

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A client with its buffer and a request or two, as a user of the load would hold them.
struct User {
    client: Client,
    scratch: Scratch,
}

impl User {
    fn of(target: &str) -> Self {
        Self::trusting(target, Trust::Anyone)
    }

    fn trusting(target: &str, trust: Trust<'_>) -> Self {
        let connector = Connector::new(target.parse().unwrap(), trust).unwrap();
        Self {
            client: Client::new(Arc::new(connector)),
            scratch: Scratch::default(),
        }
    }

    async fn send(&mut self, method: &str) -> Exchange {
        self.send_body(method, b"").await
    }

    async fn send_body(&mut self, method: &str, body: &[u8]) -> Exchange {
        self.exchange(method, body, AMPLE).await
    }

    async fn send_within(&mut self, timeout: Duration) -> Exchange {
        self.exchange("GET", b"", timeout).await
    }

    async fn exchange(&mut self, method: &str, body: &[u8], timeout: Duration) -> Exchange {
        let bytes = render(method, "test", "/", &[("A", "b")], Some(body)).unwrap();
        let request = Request::new(method, &bytes).keep_body(1000);
        self.client.send(&self.scratch, &request, timeout).await
    }
}

/// The status and body of an answer, or the kind of failure.
fn told(exchange: &Exchange) -> Result<(u16, &str), Failure> {
    let answer = exchange.outcome.as_ref().map_err(|failure| *failure)?;
    let body = answer.body.as_deref().unwrap_or_default();
    Ok((answer.status, std::str::from_utf8(body).unwrap()))
}
