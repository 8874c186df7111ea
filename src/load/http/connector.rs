//! Opens connections to one origin, straight or through a proxy.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

use super::connection::Connection;
use super::exchange::{Failed, Failure, Times};
use super::h2::Session;
use super::origin::{Origin, Scheme};
use super::stream::Stream;
use super::tls::{self, TlsError, Trust};
use crate::scenario::HttpVersion;

/// All that is needed to open connections to one origin; shared by every user of a run.
///
/// Names are resolved for each connection, on tokio's blocking threads: a runtime for many users should bound those.
pub struct Connector {
    origin: Origin,
    version: HttpVersion,
    /// Where the TCP connection goes: the origin's host, or the proxy's.
    host: String,
    port: u16,
    /// The same, where it is an address and needs no DNS.
    address: Option<SocketAddr>,
    /// The authority to be tunnelled to through the proxy.
    tunnel: Option<String>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Connector {
    /// A connector to `origin`, which must be one of those that `trust` covers if it speaks TLS.
    pub fn new(origin: Origin, version: HttpVersion, trust: Trust<'_>) -> Result<Self, TlsError> {
        let tls = match origin.scheme() {
            Scheme::Http => None,
            Scheme::Https => {
                let host = origin.host();
                let name =
                    ServerName::try_from(host.clone()).map_err(|_| TlsError::HostName(host))?;
                Some((TlsConnector::from(tls::config(trust, version)?), name))
            }
        };
        let (host, port) = match origin.proxy() {
            Some(proxy) => (proxy.host().to_owned(), proxy.port()),
            None => (origin.host(), origin.port()),
        };
        let address = host.parse::<IpAddr>().ok();
        Ok(Self {
            address: address.map(|ip| SocketAddr::new(ip, port)),
            tunnel: origin.tunnel().map(str::to_owned),
            origin,
            version,
            host,
            port,
            tls,
        })
    }

    /// Where it connects to.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Opens a connection and closes it again; says what happened where there is none.
    pub async fn try_open(&self) -> Result<(), String> {
        let mut times = Times::from(Instant::now());
        let opened = self.open(&mut times).await;
        opened
            .map(drop)
            .map_err(|failed| format!("{}: {}", failed.failure, failed.detail))
    }

    /// Opens a connection, noting in `times` what it took as far as it came.
    pub(super) async fn open(&self, times: &mut Times) -> Result<Connection, Failed> {
        let (mut tcp, started) = self.connect(times).await?;
        if let (Some(proxy), Some(authority)) = (self.origin.proxy(), &self.tunnel) {
            proxy.tunnel(&mut tcp, authority).await?;
            times.connect = Some(started.elapsed());
        }
        let Some((connector, name)) = &self.tls else {
            return self
                .agreed(Stream::Plain(tcp), self.version == HttpVersion::Http2)
                .await;
        };
        let connected = Instant::now();
        // Boxed, so that plain connections do not pay for its size when thousands open at once.
        let handshake = Box::pin(connector.connect(name.clone(), tcp)).await;
        times.tls = Some(connected.elapsed());
        let stream = handshake.map_err(|error| Failed::new(Failure::Tls, &error))?;
        let speaks_h2 = stream.get_ref().1.alpn_protocol() == Some(tls::H2);
        if self.version == HttpVersion::Http2 && !speaks_h2 {
            return Err(Failed::new(
                Failure::BadHead,
                &"the server does not speak HTTP/2",
            ));
        }
        self.agreed(Stream::Tls(Box::new(stream)), speaks_h2).await
    }

    /// A stream with the version of HTTP that is spoken on it.
    async fn agreed(&self, stream: Stream, is_h2: bool) -> Result<Connection, Failed> {
        if is_h2 {
            let session = Session::open(stream, self.origin.scheme()).await?;
            return Ok(Connection::Http2(Box::new(session)));
        }
        Ok(Connection::Http1(stream))
    }

    /// A TCP connection, and when opening it began after the name was resolved.
    async fn connect(&self, times: &mut Times) -> Result<(TcpStream, Instant), Failed> {
        let started = Instant::now();
        if let Some(address) = self.address {
            let tcp = connect([address].into_iter(), started, times).await?;
            return Ok((tcp, started));
        }
        let looked_up = lookup_host((self.host.as_str(), self.port)).await;
        let resolved = Instant::now();
        times.dns = Some(resolved - started);
        let addresses = looked_up.map_err(|error| Failed::new(Failure::Dns, &error))?;
        let tcp = connect(addresses, resolved, times).await?;
        Ok((tcp, resolved))
    }
}

/// Connects to the first address that lets us in; the last refusal is the one told.
async fn connect(
    addresses: impl Iterator<Item = SocketAddr>,
    started: Instant,
    times: &mut Times,
) -> Result<TcpStream, Failed> {
    let mut refusal = Failed::new(Failure::Dns, &"the host has no address");
    for address in addresses {
        match TcpStream::connect(address)
            .await
            .and_then(|tcp| tcp.set_nodelay(true).map(|()| tcp))
        {
            Ok(tcp) => {
                times.connect = Some(started.elapsed());
                return Ok(tcp);
            }
            Err(error) => refusal = Failed::new(connect_failure(&error), &error),
        }
    }
    times.connect = Some(started.elapsed());
    Err(refusal)
}

/// Tells a target that cannot be reached from a machine that has run out of files or ports.
fn connect_failure(error: &io::Error) -> Failure {
    match error.raw_os_error() {
        Some(code) if NO_SOCKET.contains(&code) => Failure::NoSocket,
        _ => Failure::Connect,
    }
}

/// What the system says when this machine has no file, port or buffer left for a connection.
#[cfg(unix)]
const NO_SOCKET: [i32; 4] = {
    use rustix::io::Errno;
    [
        Errno::MFILE.raw_os_error(),
        Errno::NFILE.raw_os_error(),
        Errno::ADDRNOTAVAIL.raw_os_error(),
        Errno::NOBUFS.raw_os_error(),
    ]
};
/// `WSAEMFILE`, `WSAEADDRINUSE`, `WSAEADDRNOTAVAIL` and `WSAENOBUFS`.
#[cfg(windows)]
const NO_SOCKET: [i32; 4] = [10_024, 10_048, 10_049, 10_055];
