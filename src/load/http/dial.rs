//! Opens a TCP connection to one of the addresses of a host, as RFC 8305 (Happy Eyeballs) has it.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::exchange::RequestError;
use crate::measurement::FailureKind;

/// How long an attempt has the network for itself before the next address is tried beside it (RFC 8305, section 5).
const NEXT_AFTER: Duration = Duration::from_millis(250);
/// Addresses that a message names.
const NAMED: usize = 4;

/// An attempt that failed.
type Refusal = (SocketAddr, io::Error);

/// Connects to the only address.
pub(super) async fn dial_one(address: SocketAddr) -> Result<TcpStream, RequestError> {
    open(address).await.map_err(|(_, error)| {
        let failure = if is_exhausted(&error) {
            FailureKind::NoSocket
        } else {
            FailureKind::Connect
        };
        RequestError::new(failure, &error)
    })
}

/// Connects to the address that responds first. The families take turns, beginning with the resolver's choice. The next
/// address is tried when the one before has failed, or has not responded for a while; losers are dropped.
pub(super) async fn dial(
    addresses: impl Iterator<Item = SocketAddr>,
) -> Result<TcpStream, RequestError> {
    let mut waiting = interleaved(addresses);
    if let ([only], []) = waiting.as_slices() {
        return dial_one(*only).await;
    }
    let mut attempts = FuturesUnordered::new();
    let mut refusals = Vec::new();
    loop {
        attempts.extend(waiting.pop_front().map(open));
        tokio::select! {
            biased;
            Some(ended) = attempts.next() => match ended {
                Ok(tcp) => return Ok(tcp),
                Err(refusal) => refusals.push(refusal),
            },
            () = sleep(NEXT_AFTER), if !waiting.is_empty() => {}
            else => return Err(all_failed(&refusals)),
        }
    }
}

async fn open(address: SocketAddr) -> Result<TcpStream, Refusal> {
    let connected = TcpStream::connect(address).await;
    connected
        .and_then(|tcp| tcp.set_nodelay(true).map(|()| tcp))
        .map_err(|error| (address, error))
}

/// The addresses with their families in turns, in the order of the resolver otherwise (RFC 8305, section 4).
fn interleaved(addresses: impl Iterator<Item = SocketAddr>) -> VecDeque<SocketAddr> {
    let all: Vec<SocketAddr> = addresses.collect();
    let is_v6_first = all.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|address| address.is_ipv6() == is_v6_first);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut turns = VecDeque::with_capacity(first.len() + second.len());
    loop {
        let turn = [first.next(), second.next()];
        if turn == [None, None] {
            return turns;
        }
        turns.extend(turn.into_iter().flatten());
    }
}

/// What every address said, up to a number of them.
fn all_failed(refusals: &[Refusal]) -> RequestError {
    if refusals.is_empty() {
        return RequestError::new(FailureKind::Dns, &"the host has no address");
    }
    let failure = if is_local_failure(refusals) {
        FailureKind::NoSocket
    } else {
        FailureKind::Connect
    };
    RequestError::new(failure, &Refusals(refusals))
}

/// Whether this machine had no file or port left. An IPv6 address that it has no route to is no sign of that: the system
/// calls that one "not available" as well.
fn is_local_failure(refusals: &[Refusal]) -> bool {
    let has_no_route = |(address, error): &Refusal| {
        address.is_ipv6() && error.kind() == io::ErrorKind::AddrNotAvailable
    };
    let mut telling = refusals.iter().filter(|own| !has_no_route(own)).peekable();
    telling.peek().is_none() || telling.any(|(_, error)| is_exhausted(error))
}

struct Refusals<'r>(&'r [Refusal]);

impl fmt::Display for Refusals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (address, error)) in self.0.iter().take(NAMED).enumerate() {
            let before = if index == 0 { "" } else { "; " };
            write!(f, "{before}{address}: {error}")?;
        }
        match self.0.len().saturating_sub(NAMED) {
            0 => Ok(()),
            1 => f.write_str("; and 1 more address"),
            more => write!(f, "; and {more} more addresses"),
        }
    }
}

/// Tells a machine that has run out of files or ports from a target that cannot be reached.
fn is_exhausted(error: &io::Error) -> bool {
    error
        .raw_os_error()
        .is_some_and(|code| NO_SOCKET.contains(&code))
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

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    /// Long enough for a busy machine; no test waits for it.
    const AMPLE: Duration = Duration::from_secs(20);

    fn parsed(addresses: &[&str]) -> Vec<SocketAddr> {
        addresses.iter().map(|own| own.parse().unwrap()).collect()
    }

    /// An address at which connections are neither taken nor refused: its queue is full. Held open by what is returned.
    async fn silent(at: &str) -> (SocketAddr, Vec<TcpStream>, TcpListener) {
        let address: SocketAddr = at.parse().unwrap();
        let socket = if address.is_ipv6() {
            TcpSocket::new_v6()
        } else {
            TcpSocket::new_v4()
        };
        let socket = socket.unwrap();
        socket.bind(address).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queued = Vec::new();
        while let Ok(tcp) =
            tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await
        {
            queued.push(tcp.unwrap());
            assert!(queued.len() < 100, "the queue is never full");
        }
        (address, queued, listener)
    }

    /// An address that refuses every connection.
    async fn closed() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    }

    #[test]
    fn families_take_turns_in_the_order_of_the_resolver() {
        for (given, turns) in [
            (&[][..], &[][..]),
            (&["1.1.1.1:1"], &["1.1.1.1:1"]),
            (
                &["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"],
                &["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"],
            ),
            (
                &["1.1.1.1:1", "2.2.2.2:1", "[::1]:1"],
                &["1.1.1.1:1", "[::1]:1", "2.2.2.2:1"],
            ),
            (&["2.2.2.2:1", "1.1.1.1:1"], &["2.2.2.2:1", "1.1.1.1:1"]),
        ] {
            let ordered: Vec<_> = interleaved(parsed(given).into_iter()).into();
            assert_eq!(ordered, parsed(turns));
        }
    }

    #[tokio::test]
    async fn a_silent_address_costs_no_more_than_the_delay() {
        let (silent, _queued, _listener) = silent("127.0.0.1:0").await;
        let good = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = good.local_addr().unwrap();
        for addresses in [
            vec![silent, good],
            vec![silent, silent, good],
            vec![good, silent],
        ] {
            let delays = addresses.iter().position(|own| *own == good).unwrap();
            let began = Instant::now();
            let dialed = tokio::time::timeout(AMPLE, dial(addresses.into_iter())).await;
            let tcp = dialed.expect("in time").unwrap();
            assert_eq!(tcp.peer_addr().unwrap(), good);
            assert!(began.elapsed() >= NEXT_AFTER * u32::try_from(delays).unwrap());
        }
    }

    #[tokio::test]
    async fn an_address_that_refuses_is_followed_at_once() {
        const REFUSING: usize = 80;
        let good = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = good.local_addr().unwrap();
        let addresses = std::iter::repeat_n(closed().await, REFUSING).chain([good]);
        let began = Instant::now();
        let tcp = dial(addresses).await.unwrap();
        assert_eq!(tcp.peer_addr().unwrap(), good);
        assert!(
            began.elapsed() < NEXT_AFTER * 40,
            "the delay was waited for"
        );
    }

    #[tokio::test]
    async fn a_failure_names_what_each_address_said() {
        let addresses = [closed().await, closed().await];
        let failed = dial(addresses.into_iter()).await.err().unwrap();
        assert_eq!(failed.failure, FailureKind::Connect);
        for address in addresses {
            assert!(
                failed.detail.contains(&address.to_string()),
                "{}",
                failed.detail
            );
        }
        let none = dial(std::iter::empty()).await.err().unwrap();
        assert_eq!(none.failure, FailureKind::Dns);
    }

    #[test]
    fn a_message_names_a_few_addresses_and_counts_the_rest() {
        let refusal = |port| {
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            (address, io::Error::from(io::ErrorKind::ConnectionRefused))
        };
        let many: Vec<Refusal> = (1..=50).map(refusal).collect();
        let detail = all_failed(&many).detail;
        assert_eq!(detail.matches("127.0.0.1:").count(), NAMED);
        assert!(detail.ends_with("; and 46 more addresses"), "{detail}");
    }

    #[cfg(unix)]
    #[test]
    fn a_machine_without_ports_is_told_from_one_without_ipv6() {
        use rustix::io::Errno;
        let of = |cases: &[(&str, Errno)]| {
            let refusals: Vec<Refusal> = cases
                .iter()
                .map(|(address, errno)| {
                    let error = io::Error::from_raw_os_error(errno.raw_os_error());
                    (address.parse().unwrap(), error)
                })
                .collect();
            all_failed(&refusals).failure
        };
        let (v6, v4) = ("[::1]:1", "127.0.0.1:1");
        for (cases, failure) in [
            (
                [(v6, Errno::ADDRNOTAVAIL), (v4, Errno::CONNREFUSED)],
                FailureKind::Connect,
            ),
            (
                [(v6, Errno::CONNREFUSED), (v4, Errno::ADDRNOTAVAIL)],
                FailureKind::NoSocket,
            ),
            (
                [(v6, Errno::NETUNREACH), (v4, Errno::MFILE)],
                FailureKind::NoSocket,
            ),
            (
                [(v6, Errno::ADDRNOTAVAIL), (v6, Errno::ADDRNOTAVAIL)],
                FailureKind::NoSocket,
            ),
            (
                [(v6, Errno::CONNREFUSED), (v4, Errno::CONNREFUSED)],
                FailureKind::Connect,
            ),
        ] {
            assert_eq!(of(&cases), failure, "{cases:?}");
        }
    }
}
