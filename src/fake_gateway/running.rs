//! The handle of a running stand-in.

use super::clock::Clock;
use super::gateway::Gateway;
use super::json_log::JsonLog;
use super::received::{RecentRequests, Recorder};
use super::rng::RngStream;
use super::server::Server;
use super::{Config, Error, Received};
use crate::timer::Timer;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// So many connections may wait to be taken: a burst of users opens them all at once, and one that finds no place tries
/// again only after a second. Linux itself caps it at 4096.
const BACKLOG: u32 = 4096;

/// A server that serves, on a thread of its own, until it is stopped or dropped.
#[derive(Debug)]
pub struct FakeGateway {
    address: SocketAddr,
    kept: Arc<RecentRequests>,
    /// Dropped, it ends the server.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// The log of requests and that of functions and APIs, as far as they are wanted.
    logs: [Option<JsonLog>; 2],
}

impl FakeGateway {
    /// Starts to listen and to serve. Raises this process's limit on open files as far as the system lets it, since every
    /// connection is one.
    pub fn start(config: &Config) -> Result<Self, Error> {
        config.check()?;
        raise_open_files();
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::System)?;
        let (listener, address) =
            listen(&runtime, config.address).map_err(|source| Error::Listen {
                address: config.address,
                source,
            })?;
        let timer = {
            let _context = runtime.enter();
            Timer::new().map_err(Error::System)?
        };
        let log = config.log.as_deref().map(JsonLog::create);
        let (journal, request_log) = log.transpose()?.unzip();
        let log = config.report_log.as_deref().map(JsonLog::create);
        let (events, event_log) = log.transpose()?.unzip();
        let kept = Arc::new(RecentRequests::default());
        let clock = Clock::started_now();
        let server = Arc::new(Server {
            gateway: Gateway::new(config, &address.to_string(), clock),
            config: config.clone(),
            clock,
            timer,
            dice: RngStream::new(config.seed),
            recorder: Recorder {
                kept: Arc::clone(&kept),
                journal,
                events,
            },
            requests: 0.into(),
        });
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("stand-in".to_owned())
            .spawn(move || serve(&runtime, server, listener, stopped))
            .map_err(Error::System)?;
        Ok(Self {
            address,
            kept,
            stop: Some(stop),
            thread: Some(thread),
            logs: [request_log, event_log],
        })
    }

    /// Where it listens, with the port it got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as a URL without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The newest 10,000 requests that have ended, in the order in which they did.
    pub fn received(&self) -> Vec<Received> {
        self.kept.newest()
    }

    /// Closes all connections at once, answered or not, and waits until the thread has ended and the logs are complete.
    pub fn stop(mut self) -> Result<(), Error> {
        self.end()
    }

    fn end(&mut self) -> Result<(), Error> {
        drop(self.stop.take());
        let served = self.thread.take().map_or(Ok(()), JoinHandle::join);
        let logs = self.logs.iter_mut().filter_map(Option::take);
        // Each is waited for, also after one that failed.
        let logged = logs.map(JsonLog::finish).fold(Ok(()), Result::and);
        served.map_err(|_| Error::Panicked).and(logged)
    }
}

impl Drop for FakeGateway {
    fn drop(&mut self) {
        // Who wants to know calls `stop`.
        let _ = self.end();
    }
}

fn listen(runtime: &Runtime, address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let _context = runtime.enter();
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // A fixed port can be taken again right after an earlier server closed its connections on it.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn serve(
    runtime: &Runtime,
    server: Arc<Server>,
    listener: TcpListener,
    stopped: oneshot::Receiver<()>,
) {
    runtime.block_on(async {
        tokio::select! {
            () = server.serve(listener) => {}
            // Nothing is ever sent: the sender is dropped.
            _ = stopped => {}
        }
    });
}

/// Where the system refuses, fewer connections are served at once.
fn raise_open_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        let _ = setrlimit(Resource::Nofile, limit);
    }
}
