//! Opens connections to one origin, straight or through a proxy.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::connection::Connection;
use super::dial::{dial, dial_one};
use super::exchange::{Exchange, RequestError, Times};
use super::h2::Session;
use super::origin::{Origin, Scheme};
use super::stream::Stream;
use super::tls::{self, AskedForCertificate, TlsError, Trust};
use crate::measurement::{FailureKind, UnreachableCause};
use crate::scenario::HttpVersion;

/// How long each connection may take that finds out what stands behind a failure.
const DIAGNOSIS: Duration = Duration::from_secs(2);

/// How a response in HTTP/1 begins.
const HTTP1: &[u8] = b"HTTP/1.";

/// What is found out in time.
async fn brief<T>(look: impl Future<Output = Option<T>>) -> Option<T> {
    timeout(DIAGNOSIS, look).await.ok().flatten()
}

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
    tls: Option<Tls>,
}

struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
    asked: Arc<AskedForCertificate>,
}

impl Tls {
    fn new(origin: &Origin, version: HttpVersion, trust: Trust<'_>) -> Result<Self, TlsError> {
        let host = origin.host();
        let asked = Arc::default();
        Ok(Self {
            connector: TlsConnector::from(tls::config(trust, version, &asked)?),
            name: ServerName::try_from(host.clone()).map_err(|_| TlsError::HostName(host))?,
            asked,
        })
    }

    /// A handshake; the error is that of TLS or of the connection.
    async fn handshake(&self, tcp: TcpStream) -> Result<TlsStream<TcpStream>, RequestError> {
        let shaken = self.connector.connect(self.name.clone(), tcp).await;
        shaken.map_err(|error| match tls::error_within(&error) {
            Some(fault) => {
                let (cause, detail) = tls::handshake_failed(fault, &self.asked);
                RequestError::because(FailureKind::Tls, cause, &detail)
            }
            None => RequestError::because(FailureKind::Tls, tls::handshake_cut(&error), &error),
        })
    }
}

impl Connector {
    /// A connector to `origin`, which must be one of those that `trust` covers if it speaks TLS.
    pub fn new(origin: Origin, version: HttpVersion, trust: Trust<'_>) -> Result<Self, TlsError> {
        let tls = match origin.scheme() {
            Scheme::Http => None,
            Scheme::Https => Some(Tls::new(&origin, version, trust)?),
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

    /// Opens a connection within a time and closes it again; says what happened if there is none.
    pub async fn try_open(&self, within: Duration) -> Result<(), (UnreachableCause, String)> {
        let mut exchange = Exchange::started(Instant::now());
        exchange.new_connection = true;
        let opened = timeout(within, self.open(&mut exchange.times)).await;
        let opened = opened.unwrap_or_else(|_| Err(RequestError::timeout(within)));
        opened.map(drop).map_err(|failed| {
            let failed = self.attribute(failed, &exchange);
            let text = if failed.cause == UnreachableCause::Unknown {
                format!("{}: {}", failed.failure, failed.detail)
            } else {
                failed.detail
            };
            (failed.cause, text)
        })
    }

    /// The same failure, said of the proxy where that is who failed, or may be: nobody knows who is behind one that forwards.
    pub(super) fn attribute(&self, failed: RequestError, exchange: &Exchange) -> RequestError {
        let Some(proxy) = self.origin.proxy() else {
            return failed;
        };
        let is_opening = exchange.new_connection && exchange.times.connect.is_none();
        let is_open_question = matches!(
            failed.cause,
            UnreachableCause::Unknown
                | UnreachableCause::NoResponse
                | UnreachableCause::NotHttp
                | UnreachableCause::BrokenResponse
        );
        if failed.failure == FailureKind::Timeout && is_opening {
            return proxy.timed_out(&failed, self.tunnel.is_some());
        }
        let is_unresponsive = matches!(
            failed.failure,
            FailureKind::Timeout | FailureKind::Reset | FailureKind::Protocol
        );
        if is_unresponsive && is_open_question && self.tunnel.is_none() && exchange.head.is_none() {
            return proxy.unresponsive(&failed);
        }
        failed
    }

    /// Finds out by connections of its own why no response came from a server that takes connections.
    pub async fn diagnose(&self) -> UnreachableCause {
        let found = match &self.tls {
            Some(tls) => self.diagnose_tls(tls).await,
            None => match brief(self.speaks_tls()).await {
                None => self.plain_version().await,
                found => found,
            },
        };
        found.unwrap_or_default()
    }

    async fn diagnose_tls(&self, tls: &Tls) -> Option<UnreachableCause> {
        match brief(self.session_failure(tls)).await {
            None => brief(self.responds_in_plain_http()).await,
            Some(vague @ (UnreachableCause::Unknown | UnreachableCause::NotHttp)) => {
                brief(self.version_in_tls()).await.or(Some(vague))
            }
            known => known,
        }
    }

    /// A connection to the target itself; none if it cannot be had.
    async fn reach_target(&self) -> Option<TcpStream> {
        if self.origin.proxy().is_some() && self.tunnel.is_none() {
            return None;
        }
        self.stream(&mut Times::from(Instant::now())).await.ok()
    }

    async fn responds_in_plain_http(&self) -> Option<UnreachableCause> {
        let start = self.start_of_response().await?;
        // Many servers explain in plain HTTP that they expect TLS, with this status.
        let is_http = start.starts_with(HTTP1) && !start.ends_with(b" 400");
        is_http.then_some(UnreachableCause::PlainHttp)
    }

    /// How the response to a request in plain HTTP/1.1 begins; none if the server closes the connection before.
    async fn start_of_response(&self) -> Option<[u8; 12]> {
        let mut tcp = self.reach_target().await?;
        let request = format!(
            "HEAD {}/ HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.origin.prefix(),
            self.origin.authority()
        );
        tcp.write_all(request.as_bytes()).await.ok()?;
        let mut start = [0; 12];
        tcp.read_exact(&mut start).await.ok()?;
        Some(start)
    }

    /// What goes wrong in a session whose handshake may be done before the server has looked at what it got; none if there
    /// is no session.
    async fn session_failure(&self, tls: &Tls) -> Option<UnreachableCause> {
        let mut stream = match tls.handshake(self.reach_target().await?).await {
            Ok(stream) => stream,
            Err(failed) => {
                let is_known = !matches!(
                    failed.cause,
                    UnreachableCause::Unknown
                        | UnreachableCause::NotTls
                        | UnreachableCause::TlsClosed
                );
                return is_known.then_some(failed.cause);
            }
        };
        let said = timeout(DIAGNOSIS / 2, stream.read_u8()).await;
        let Ok(Err(error)) = said else {
            return Some(UnreachableCause::Unknown);
        };
        let cause = RequestError::on_connection(&error).cause;
        // Not every server says why it closes the session of a client without a certificate.
        if cause == UnreachableCause::Unknown && tls.asked.was_asked() {
            return Some(UnreachableCause::ClientCertificate);
        }
        Some(cause)
    }

    /// The cause if a server without TLS speaks the other version of HTTP. One that is silent may speak any.
    async fn plain_version(&self) -> Option<UnreachableCause> {
        let start = timeout(DIAGNOSIS, self.start_of_response()).await.ok()?;
        let speaks_h1 = start.is_some_and(|start| start.starts_with(HTTP1));
        match self.version {
            HttpVersion::Http2 => speaks_h1.then_some(UnreachableCause::NoHttp2),
            HttpVersion::Http11 | HttpVersion::Auto if speaks_h1 => None,
            HttpVersion::Http11 | HttpVersion::Auto => brief(self.speaks_plain_h2()).await,
        }
    }

    /// Whether the server begins an HTTP/2 session, which its SETTINGS do (RFC 9113, section 3.4).
    async fn speaks_plain_h2(&self) -> Option<UnreachableCause> {
        const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        const SETTINGS: u8 = 4;
        const EMPTY: [u8; 9] = [0, 0, 0, SETTINGS, 0, 0, 0, 0, 0];
        let mut tcp = self.reach_target().await?;
        tcp.write_all(&[PREFACE, &EMPTY].concat()).await.ok()?;
        let mut head = [0; 9];
        tcp.read_exact(&mut head).await.ok()?;
        let is_h2 = head[3] == SETTINGS && head[5..] == [0; 4];
        is_h2.then_some(UnreachableCause::Http2Only)
    }

    /// The cause if a server agrees in a handshake on the other version of HTTP and not on the one that is spoken.
    async fn version_in_tls(&self) -> Option<UnreachableCause> {
        let (own, other, cause) = match self.version {
            HttpVersion::Auto => return None,
            HttpVersion::Http11 => (
                (HttpVersion::Http11, tls::HTTP11),
                (HttpVersion::Http2, tls::H2),
                UnreachableCause::Http2Only,
            ),
            HttpVersion::Http2 => (
                (HttpVersion::Http2, tls::H2),
                (HttpVersion::Http11, tls::HTTP11),
                UnreachableCause::NoHttp2,
            ),
        };
        let is_other = !self.agrees_on(own).await && self.agrees_on(other).await;
        is_other.then_some(cause)
    }

    /// Whether a server takes a version of HTTP that is the only one offered to it.
    async fn agrees_on(&self, (version, name): (HttpVersion, &[u8])) -> bool {
        let shaken = async {
            let tcp = self.reach_target().await?;
            let tls = Tls::new(&self.origin, version, Trust::Anyone).ok()?;
            tls.connector.connect(tls.name, tcp).await.ok()
        };
        let stream = shaken.await;
        stream.is_some_and(|stream| stream.get_ref().1.alpn_protocol() == Some(name))
    }

    /// Whether a handshake gets as far as a server that speaks TLS gets, whomever it trusts.
    async fn speaks_tls(&self) -> Option<UnreachableCause> {
        let tcp = self.reach_target().await?;
        let tls = Tls::new(&self.origin, HttpVersion::Auto, Trust::Anyone).ok()?;
        let shaken = tls.connector.connect(tls.name, tcp).await;
        let is_tls = match &shaken {
            Ok(_) => true,
            Err(error) => {
                let fault = tls::error_within(error);
                fault.is_some_and(|fault| matches!(fault, rustls::Error::AlertReceived(_)))
            }
        };
        is_tls.then_some(UnreachableCause::ExpectsTls)
    }

    /// Opens a connection, noting in `times` what it took as far as it came.
    pub(super) async fn open(&self, times: &mut Times) -> Result<Connection, RequestError> {
        let tcp = self.stream(times).await?;
        let Some(tls) = &self.tls else {
            return self
                .with_version(Stream::Plain(tcp), self.version == HttpVersion::Http2)
                .await;
        };
        let connected = Instant::now();
        // Boxed, so that plain connections do not pay for its size when thousands open at once.
        let handshake = Box::pin(tls.handshake(tcp)).await;
        times.tls = Some(connected.elapsed());
        let stream = handshake?;
        let speaks_h2 = stream.get_ref().1.alpn_protocol() == Some(tls::H2);
        if self.version == HttpVersion::Http2 && !speaks_h2 {
            return Err(RequestError::because(
                FailureKind::Protocol,
                UnreachableCause::NoHttp2,
                &"the server does not speak HTTP/2",
            ));
        }
        self.with_version(Stream::Tls(Box::new(stream)), speaks_h2)
            .await
    }

    /// A stream with the version of HTTP that is spoken on it.
    async fn with_version(&self, stream: Stream, is_h2: bool) -> Result<Connection, RequestError> {
        if is_h2 {
            let session = Session::open(stream, self.origin.scheme()).await?;
            return Ok(Connection::Http2(Box::new(session)));
        }
        Ok(Connection::Http1(stream))
    }

    /// A TCP connection to the target, through a tunnel of the proxy if there is one.
    async fn stream(&self, times: &mut Times) -> Result<TcpStream, RequestError> {
        let Some(proxy) = self.origin.proxy() else {
            return Ok(self.connect(times).await?.0);
        };
        let connected = self.connect(times).await;
        let (mut tcp, started) = connected.map_err(|failed| proxy.unreachable(failed))?;
        if let Some(authority) = &self.tunnel {
            // It is not connected before the tunnel stands.
            times.connect = None;
            let tunnel = proxy.tunnel(&mut tcp, authority).await;
            times.connect = Some(started.elapsed());
            tunnel?;
        }
        Ok(tcp)
    }

    /// A TCP connection, and when opening it began after the name was resolved.
    async fn connect(&self, times: &mut Times) -> Result<(TcpStream, Instant), RequestError> {
        let started = Instant::now();
        if let Some(address) = self.address {
            let dialed = dial_one(address).await;
            times.connect = Some(started.elapsed());
            return Ok((dialed?, started));
        }
        let looked_up = lookup_host((self.host.as_str(), self.port)).await;
        let resolved = Instant::now();
        times.dns = Some(resolved - started);
        let addresses = looked_up.map_err(|error| RequestError::new(FailureKind::Dns, &error))?;
        let dialed = dial(addresses).await;
        times.connect = Some(resolved.elapsed());
        Ok((dialed?, resolved))
    }
}
