//! Each way a server can fail is a failure of its own kind, and the next request is none the worse for it.

use std::io::Write as _;
use std::time::{Duration, Instant};

use tokio::net::TcpSocket;
use tokio::time::timeout;

use super::super::Exchange;
use super::super::request::tests::{render, request};
use super::server::{Peer, Script, Server};
use super::{AMPLE, OK, User, outcome};
use crate::measurement::{FailureKind, UnreachableCause};

/// For what never comes.
const BRIEF: Duration = Duration::from_millis(20);

/// A script that responds in order.
fn healthy() -> Script {
    Box::new(|mut peer| {
        peer.read_request();
        peer.send(OK);
    })
}

#[tokio::test]
async fn what_a_server_responds_is_told_from_silence() {
    let long = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    let trailers: &'static [u8] = [&long[..], &b"a: b\r\n".repeat(20_000)].concat().leak();
    let extension: &'static [u8] = [&long[..long.len() - 2], &b";".repeat(100_000)]
        .concat()
        .leak();
    for (answer, cause, head) in [
        (&b""[..], UnreachableCause::Unknown, None),
        (b"SSH-2.0-OpenSSH_9.9\r\n", UnreachableCause::NotHttp, None),
        (
            b"HTTP/1.1 2x0 OK\r\n\r\n",
            UnreachableCause::BrokenResponse,
            None,
        ),
        (
            b"HTTP/1.1 200 OK\r\nA: b",
            UnreachableCause::BrokenResponse,
            None,
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
            UnreachableCause::BodyTooLong,
            Some(200),
        ),
        (
            b"HTTP/1.1 201 OK\r\nContent-Length: 9\r\n\r\nhello",
            UnreachableCause::BrokenResponse,
            Some(201),
        ),
        (trailers, UnreachableCause::BrokenResponse, Some(200)),
        (extension, UnreachableCause::BrokenResponse, Some(200)),
    ] {
        let server = Server::answering(&[answer]);
        let exchange = User::of(&server.url()).send("GET").await;
        assert_eq!(
            (exchange.cause, exchange.head),
            (cause, head),
            "{exchange:?}"
        );
    }
}

#[tokio::test]
async fn a_head_that_began_and_does_not_end_is_no_silence() {
    let server = Server::start(vec![Box::new(|mut peer| {
        peer.read_request();
        peer.send(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 2");
        peer.wait_for_close();
    })]);
    let exchange = User::of(&server.url()).get_within("/", BRIEF * 10).await;
    assert_eq!(outcome(&exchange), Err(FailureKind::Timeout));
    assert_eq!(
        exchange.cause,
        UnreachableCause::UnendingBody,
        "{exchange:?}"
    );
}

async fn fails_as(failure: FailureKind, script: Script) {
    let server = Server::start(vec![script, healthy()]);
    let mut user = User::of(&server.url());
    let exchange = user.send("GET").await;
    assert_eq!(outcome(&exchange), Err(failure));
    assert!(exchange.detail.is_some());
    let next = user.send("GET").await;
    assert_eq!(
        (outcome(&next), next.new_connection, next.reopened),
        (Ok((200, "ok")), true, false)
    );
    server.join();
}

#[tokio::test]
async fn a_broken_answer_is_a_failure_of_its_kind() {
    for (answer, failure) in [
        (&b""[..], FailureKind::Reset),
        (b"HTTP/1.1 200 OK\r\nContent-", FailureKind::Reset),
        (b"SSH-2.0-OpenSSH_9.9\r\n", FailureKind::Protocol),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
            FailureKind::Body,
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
            FailureKind::Body,
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
            FailureKind::Body,
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
            FailureKind::Body,
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
            FailureKind::Body,
        ),
    ] {
        fails_as(
            failure,
            Box::new(move |mut peer| {
                peer.read_request();
                peer.send(answer);
            }),
        )
        .await;
    }
}

#[tokio::test]
async fn a_head_of_a_megabyte_is_too_large() {
    fails_as(
        FailureKind::Protocol,
        Box::new(|mut peer| {
            peer.read_request();
            peer.send(b"HTTP/1.1 200 OK\r\nX: ");
            peer.send(&vec![b'x'; 1024 * 1024]);
        }),
    )
    .await;
}

#[tokio::test]
async fn a_reset_is_told_from_a_close() {
    fails_as(FailureKind::Reset, Box::new(Peer::reset)).await;
}

#[tokio::test]
async fn a_long_body_is_drained_without_being_held() {
    const CHUNK: usize = 1024 * 1024;
    const CHUNKS: usize = 64;
    let server = Server::start(vec![Box::new(|mut peer| {
        peer.read_request();
        peer.send(
            format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
                CHUNK * CHUNKS
            )
            .as_bytes(),
        );
        for _ in 0..CHUNKS {
            peer.send(&[b'x'; CHUNK]);
        }
        peer.read_request();
        peer.send(OK);
    })]);
    let mut user = User::of(&server.url());
    let bytes = render::<&str, &str>("GET", "test", "/", &[], None).unwrap();
    let mut exchange = Exchange::started(Instant::now());
    user.client
        .send::<0>(
            &user.read_buffer,
            &request("GET", &bytes, None),
            AMPLE,
            &mut exchange,
        )
        .await;
    assert_eq!(exchange.outcome.unwrap().body, None);
    assert!(exchange.bytes_in > (CHUNK * CHUNKS) as u64);
    assert!(exchange.times.body.unwrap() > Duration::ZERO);
    assert!(!user.send("GET").await.new_connection);
    server.join();
}

/// A user whose connection is open and whose next request gets `stall`; after that all is well. What is timed is then the
/// stall alone, however busy the machine.
async fn before_a_stall(stall: impl FnOnce(&mut Peer) + Send + 'static) -> (Server, User) {
    let first: Script = Box::new(move |mut peer| {
        peer.read_request();
        peer.send(OK);
        peer.read_request();
        stall(&mut peer);
    });
    let server = Server::start(vec![first, healthy()]);
    let mut user = User::of(&server.url());
    assert_eq!(outcome(&user.send("GET").await), Ok((200, "ok")));
    (server, user)
}

#[tokio::test]
async fn a_timeout_closes_the_connection_before_a_late_response() {
    const STALLS: [fn(&mut Peer); 2] = [
        |peer| {
            peer.wait_for_close();
            peer.send(b"HTTP/1.1 500 Late\r\nContent-Length: 0\r\n\r\n");
        },
        |peer| {
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello");
            peer.wait_for_close();
        },
    ];
    for stall in STALLS {
        let (server, mut user) = before_a_stall(stall).await;
        let exchange = user.send_within(BRIEF).await;
        assert_eq!(outcome(&exchange), Err(FailureKind::Timeout));
        assert!(exchange.times.service() >= BRIEF);
        let next = user.send("GET").await;
        assert_eq!(
            (outcome(&next), next.new_connection, next.reopened),
            (Ok((200, "ok")), true, false)
        );
        server.join();
    }
}

#[tokio::test]
async fn a_request_that_is_given_up_takes_its_connection_with_it() {
    let (server, mut user) = before_a_stall(Peer::wait_for_close).await;
    assert!(timeout(BRIEF, user.send("GET")).await.is_err());
    let next = user.send("GET").await;
    assert_eq!(
        (outcome(&next), next.new_connection),
        (Ok((200, "ok")), true)
    );
    server.join();
}

#[tokio::test]
async fn a_timeout_holds_within_a_handshake() {
    let server = Server::start(vec![Box::new(|mut peer| peer.wait_for_close())]);
    let mut user = User::of(&server.tls_url());
    assert_eq!(
        outcome(&user.send_within(BRIEF).await),
        Err(FailureKind::Timeout)
    );
    // On a busy machine the time may be over before the server has a connection to wait for.
    let address = server.url().replace("http://", "");
    let _ = std::net::TcpStream::connect(address);
    server.join();
}

#[tokio::test]
async fn a_body_that_the_server_refuses_gets_its_early_answer() {
    let server = Server::start(vec![
        Box::new(|mut peer| {
            peer.0.peek(&mut [0]).unwrap();
            peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
            peer.wait_for_close();
        }),
        healthy(),
    ]);
    let mut user = User::of(&server.url());
    let exchange = user.send_body("POST", &vec![0; 64 * 1024 * 1024]).await;
    assert_eq!(outcome(&exchange), Ok((413, "no")));
    assert!(user.send("GET").await.new_connection);
    server.join();
}

#[tokio::test]
async fn a_long_request_arrives_whole() {
    let server = Server::start(vec![Box::new(|mut peer| {
        let request = peer.read_request();
        assert_eq!(
            request.len() - request.find("\r\n\r\n").unwrap(),
            4 + 8 * 1024 * 1024
        );
        peer.send(OK);
        peer.read_request();
        peer.send(OK);
    })]);
    let mut user = User::of(&server.url());
    assert_eq!(
        outcome(&user.send_body("PUT", &vec![b'x'; 8 * 1024 * 1024]).await),
        Ok((200, "ok"))
    );
    assert!(!user.send("GET").await.new_connection);
    server.join();
}

#[tokio::test]
async fn a_port_without_a_server_refuses() {
    // Bound and not listening: nobody else can take the port.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let mut user = User::of(&format!("http://{}", socket.local_addr().unwrap()));
    let exchange = user.send("GET").await;
    assert_eq!(outcome(&exchange), Err(FailureKind::Connect));
    assert!(exchange.new_connection && exchange.times.connect.is_some());
}

#[tokio::test]
async fn a_name_is_resolved_or_fails_as_dns() {
    let server = Server::start(vec![healthy()]);
    let mut user = User::of(&server.url().replace("127.0.0.1", "localhost"));
    let exchange = user.send("GET").await;
    assert_eq!(outcome(&exchange), Ok((200, "ok")));
    assert!(exchange.times.dns.is_some());
    server.join();
    // No resolver is asked for a label this long.
    let mut user = User::of(&format!("http://{}.test", "a".repeat(64)));
    assert_eq!(outcome(&user.send("GET").await), Err(FailureKind::Dns));
}

/// A server that sends `start` and then `piece` again and again until the client is gone.
fn flooding(start: &'static [u8], piece: &'static [u8]) -> Server {
    let pieces = piece.repeat(64 * 1024 / piece.len());
    Server::start(vec![
        Box::new(move |mut peer| {
            peer.read_request();
            peer.send(start);
            while peer.0.write_all(&pieces).is_ok() {}
        }),
        healthy(),
    ])
}

#[tokio::test]
async fn a_timeout_holds_while_a_server_floods() {
    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (start, piece) in [
        (CHUNKED, &b"1\r\nx\r\n"[..]),
        (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n",
            b"x",
        ),
    ] {
        let server = flooding(start, piece);
        let mut user = User::of(&server.url());
        let bytes = render::<&str, &str>("GET", "test", "/", &[], None).unwrap();
        let mut exchange = Exchange::started(Instant::now());
        let request = request("GET", &bytes, None);
        let bound = Duration::from_millis(100);
        user.client
            .send::<0>(&user.read_buffer, &request, bound, &mut exchange)
            .await;
        assert_eq!(outcome(&exchange), Err(FailureKind::Timeout));
        let took = exchange.times.service();
        assert!((bound..AMPLE * 2).contains(&took), "{took:?}");
        assert_eq!(outcome(&user.send("GET").await), Ok((200, "ok")));
        server.join();
    }
}

#[tokio::test]
async fn a_flood_leaves_others_on_the_core_their_turn() {
    let server = flooding(b"HTTP/1.1 200 OK\r\n\r\n", b"x");
    let mut user = User::of(&server.url());
    let ticks = std::cell::Cell::new(0);
    let others = async {
        loop {
            ticks.set(ticks.get() + 1);
            tokio::task::yield_now().await;
        }
    };
    let flooded = async {
        let bytes = render::<&str, &str>("GET", "test", "/", &[], None).unwrap();
        let mut exchange = Exchange::started(Instant::now());
        user.client
            .send::<0>(
                &user.read_buffer,
                &request("GET", &bytes, None),
                Duration::from_millis(300),
                &mut exchange,
            )
            .await;
        exchange
    };
    let exchange = tokio::select! {
        exchange = flooded => exchange,
        () = others => unreachable!("they never end"),
    };
    assert_eq!(outcome(&exchange), Err(FailureKind::Timeout));
    // Each turn of the flood is a megabyte at most.
    let megabytes = exchange.bytes_in >> 20;
    assert!(ticks.get() >= megabytes, "{} in {megabytes}", ticks.get());
    assert_eq!(outcome(&user.send("GET").await), Ok((200, "ok")));
    server.join();
}
