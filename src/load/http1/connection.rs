//! Opens connections to one origin, and is one: TCP, or TLS over it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::exchange::{Failed, Failure, Times};
use super::origin::{Origin, Scheme};
use super::tls::{self, TlsError, Trust};

/// All that is needed to open connections to one origin; shared by every user of a run.
///
/// Names are resolved for each connection, on tokio's blocking threads: a runtime for many users should bound those.
pub struct Connector {
    origin: Origin,
    host: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Connector {
    /// A connector to `origin`, which must be one of those that `trust` covers if it speaks TLS.
    pub fn new(origin: Origin, trust: Trust<'_>) -> Result<Self, TlsError> {
        let host = origin.host();
        let tls = match origin.scheme() {
            Scheme::Http => None,
            Scheme::Https => {
                let name = ServerName::try_from(host.clone())
                    .map_err(|_| TlsError::HostName(host.clone()))?;
                Some((TlsConnector::from(tls::config(trust)?), name))
            }
        };
        Ok(Self { origin, host, tls })
    }

    /// Where it connects to.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Opens a connection, noting in `times` what it took as far as it came.
    pub(super) async fn open(&self, times: &mut Times) -> Result<Connection, Failed> {
        let started = Instant::now();
        let (tcp, connected) = if let Some(address) = self.origin.literal_address() {
            connect([address].into_iter(), started, times).await?
        } else {
            let looked_up = lookup_host((self.host.as_str(), self.origin.port())).await;
            let resolved = Instant::now();
            times.dns = Some(resolved - started);
            let addresses = looked_up.map_err(|error| Failed::new(Failure::Dns, &error))?;
            connect(addresses, resolved, times).await?
        };
        let Some((connector, name)) = &self.tls else {
            return Ok(Connection::Plain(tcp));
        };
        let handshake = connector.connect(name.clone(), tcp).await;
        times.tls = Some(connected.elapsed());
        match handshake {
            Ok(stream) => Ok(Connection::Tls(Box::new(stream))),
            Err(error) => Err(Failed::new(Failure::Tls, &error)),
        }
    }
}

/// Connects to the first address that lets us in; the last refusal is the one told.
async fn connect(
    addresses: impl Iterator<Item = SocketAddr>,
    started: Instant,
    times: &mut Times,
) -> Result<(TcpStream, Instant), Failed> {
    let mut refusal = Failed::new(Failure::Dns, &"the host has no address");
    for address in addresses {
        match TcpStream::connect(address)
            .await
            .and_then(|tcp| tcp.set_nodelay(true).map(|()| tcp))
        {
            Ok(tcp) => {
                let connected = Instant::now();
                times.connect = Some(connected - started);
                return Ok((tcp, connected));
            }
            Err(error) => refusal = Failed::new(connect_failure(&error), &error),
        }
    }
    times.connect = Some(started.elapsed());
    Err(refusal)
}

/// Tells a target that cannot be reached from a machine that has run out of files or ports.
fn connect_failure(error: &io::Error) -> Failure {
    use rustix::io::Errno;
    match Errno::from_io_error(error) {
        Some(Errno::MFILE | Errno::NFILE | Errno::ADDRNOTAVAIL | Errno::NOBUFS) => {
            Failure::NoSocket
        }
        _ => Failure::Connect,
    }
}

/// An open connection.
pub(super) enum Connection {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection {
    pub(super) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        // tokio forgets readiness after a read that did not fill the buffer, which saves a vain read per answer.
        let mut buffer = ReadBuf::new(buffer);
        let read = match self {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(context, &mut buffer),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_read(context, &mut buffer),
        };
        read.map_ok(|()| buffer.filled().len())
    }

    pub(super) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_write(context, bytes),
        }
    }

    /// Pushes out what TLS holds back; plain TCP holds nothing.
    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_flush(context),
        }
    }
}
