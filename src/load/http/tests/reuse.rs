//! One connection for many requests, and what happens when the server thinks otherwise.

use std::time::Duration;

use tokio::sync::oneshot;

use super::super::Exchange;
use super::server::Server;
use super::{AMPLE, OK, User, outcome};
use crate::measurement::FailureKind;

const BYE: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbye";

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let server = Server::start(vec![Box::new(|mut peer| {
        for _ in 0..3 {
            assert!(
                peer.read_request()
                    .starts_with("GET / HTTP/1.1\r\nHost: test\r\nA: b\r\n")
            );
            peer.send(OK);
        }
        peer.read_request();
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nch\r\n4\r\nunks\r\n0\r\n\r\n");
        assert_eq!(peer.read_request().lines().next(), Some("HEAD / HTTP/1.1"));
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        peer.read_request();
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n");
        peer.send(b"HTTP/1.1 204 No Content\r\n\r\n");
        peer.read_request();
        peer.send(BYE);
    })]);
    let mut user = User::of(&server.url());
    let first = user.send("GET").await;
    assert_eq!(
        (outcome(&first), first.new_connection),
        (Ok((200, "ok")), true)
    );
    assert!(
        first.times.connect.is_some() && first.times.dns.is_none() && first.times.tls.is_none()
    );
    for (method, expected) in [
        ("GET", (200, "ok")),
        ("GET", (200, "ok")),
        ("GET", (200, "chunks")),
        ("HEAD", (200, "")),
        ("POST", (204, "")),
        ("GET", (200, "bye")),
    ] {
        let next = user.send(method).await;
        assert_eq!(
            (outcome(&next), next.new_connection, next.reopened),
            (Ok(expected), false, false)
        );
        assert!(next.times.connect.is_none());
    }
    server.join();
}

#[tokio::test]
async fn an_announced_close_is_no_surprise() {
    let server = Server::answering(&[
        BYE,
        b"HTTP/1.1 200 OK\r\n\r\nuntil close",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        OK,
    ]);
    let mut user = User::of(&server.url());
    for expected in ["bye", "until close", "", "ok"] {
        let exchange = user.send("POST").await;
        assert_eq!(outcome(&exchange), Ok((200, expected)));
        assert_eq!((exchange.new_connection, exchange.reopened), (true, false));
    }
    server.join();
}

/// A server that responds once, takes the next request and closes; a second connection responds to whatever comes.
fn closing_on_the_second() -> Server {
    Server::start(vec![
        Box::new(|mut peer| {
            peer.read_request();
            peer.send(OK);
            peer.read_request();
        }),
        Box::new(|mut peer| {
            peer.read_request();
            peer.send(BYE);
        }),
    ])
}

#[tokio::test]
async fn a_kept_connection_that_closes_unanswered_is_reopened_once() {
    let server = closing_on_the_second();
    let mut user = User::of(&server.url());
    user.send("GET").await;
    let second = user.send("GET").await;
    assert_eq!(
        (outcome(&second), second.new_connection, second.reopened),
        (Ok((200, "bye")), true, true)
    );
    let times = second.times;
    let parts = [times.connect, times.first_byte, times.body].map(Option::unwrap);
    assert!(parts.iter().sum::<Duration>() <= times.service());
    server.join();
}

#[tokio::test]
async fn a_request_that_died_and_was_sent_again_is_noted() {
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        let server = closing_on_the_second();
        let mut user = User::of(&server.url());
        assert!(!user.send("GET").await.resent);
        let second = user.send(method).await;
        assert_eq!(outcome(&second).unwrap().0, 200, "{method}");
        assert!(second.resent && second.reopened, "{method}");
        server.join();
    }
}

#[tokio::test]
async fn a_request_that_met_a_reset_is_noted_too() {
    let server = Server::start(vec![
        Box::new(|mut peer| {
            peer.read_request();
            peer.send(OK);
            peer.reset();
        }),
        Box::new(|mut peer| {
            peer.read_request();
            peer.send(BYE);
        }),
    ]);
    let mut user = User::of(&server.url());
    user.send("GET").await;
    let second = user.send("GET").await;
    assert_eq!((outcome(&second), second.resent), (Ok((200, "bye")), true));
    server.join();
}

#[tokio::test]
async fn a_request_that_dies_twice_is_a_failure_and_noted() {
    let server = Server::start(vec![
        Box::new(|mut peer| {
            peer.read_request();
            peer.send(OK);
            peer.read_request();
        }),
        Box::new(|mut peer| {
            peer.read_request();
        }),
    ]);
    let mut user = User::of(&server.url());
    user.send("GET").await;
    let second = user.send("GET").await;
    assert_eq!(
        (outcome(&second), second.resent),
        (Err(FailureKind::Reset), true)
    );
    server.join();
}

/// The second exchange with a server that has closed its connection by then, of which the client has not heard yet.
async fn into_a_closed_connection(target: &str, body: &[u8]) -> Exchange {
    let (go, gone) = std::sync::mpsc::channel();
    let (closed, is_closed) = std::sync::mpsc::channel();
    let server = Server::start(vec![
        Box::new(move |mut peer| {
            peer.read_request();
            peer.send(OK);
            gone.recv().unwrap();
            drop(peer);
            closed.send(()).unwrap();
        }),
        Box::new(|mut peer| {
            peer.read_request();
            peer.send(BYE);
        }),
    ]);
    let mut user = User::of(&server.url());
    user.send("GET").await;
    go.send(()).unwrap();
    // Not awaited, so that the runtime cannot hear of it.
    is_closed.recv().unwrap();
    let second = user.exchange("PUT", target, body, AMPLE).await;
    assert_eq!(outcome(&second), Ok((200, "bye")));
    server.join();
    second
}

#[tokio::test]
async fn a_request_into_an_unnoticed_close_is_noted_in_doubt() {
    let long = format!("/{}", "x".repeat(4096));
    for (target, body) in [
        ("/", &b"{}"[..]),
        ("/", b""),
        (&long, b""),
        ("/", &[b'x'; 4096]),
    ] {
        let second = into_a_closed_connection(target, body).await;
        assert!(second.reopened && second.resent, "{target}");
    }
}

#[tokio::test]
async fn a_request_that_was_read_before_a_close_and_a_reset_is_noted() {
    for _ in 0..50 {
        let server = Server::start(vec![
            Box::new(|mut peer| {
                peer.read_request();
                peer.send(OK);
                peer.read_request();
                peer.0.shutdown(std::net::Shutdown::Write).unwrap();
                rustix::net::sockopt::set_socket_linger(&peer.0, Some(Duration::ZERO)).unwrap();
            }),
            Box::new(|mut peer| {
                peer.read_request();
                peer.send(BYE);
            }),
        ]);
        let mut user = User::of(&server.url());
        user.send("GET").await;
        let second = user.send("PUT").await;
        assert_eq!((outcome(&second), second.resent), (Ok((200, "bye")), true));
        server.join();
    }
}

#[tokio::test]
async fn a_post_that_went_out_is_not_sent_again() {
    let server = closing_on_the_second();
    let mut user = User::of(&server.url());
    user.send("POST").await;
    let second = user.send("POST").await;
    assert_eq!(
        (outcome(&second), second.new_connection, second.reopened),
        (Err(FailureKind::Reset), false, false)
    );
    assert_eq!(outcome(&user.send("POST").await), Ok((200, "bye")));
    server.join();
}

/// A server that responds with `first` and tells when it has closed; its second connection says goodbye.
fn closing_when_idle(first: &'static [u8]) -> (Server, oneshot::Receiver<()>) {
    let (closed, is_closed) = oneshot::channel();
    let server = Server::start(vec![
        Box::new(move |mut peer| {
            peer.read_request();
            peer.send(first);
            drop(peer);
            closed.send(()).unwrap();
        }),
        Box::new(|mut peer| {
            peer.read_request();
            peer.send(BYE);
        }),
    ]);
    (server, is_closed)
}

/// Lets the runtime hear of a close that has happened.
async fn hear_of(is_closed: oneshot::Receiver<()>) {
    is_closed.await.unwrap();
    for _ in 0..2 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_post_goes_to_a_new_connection_if_the_kept_one_was_closed() {
    let (server, is_closed) = closing_when_idle(OK);
    let mut user = User::of(&server.url());
    assert_eq!(outcome(&user.send("POST").await), Ok((200, "ok")));
    hear_of(is_closed).await;
    let second = user.send("POST").await;
    assert_eq!(
        (outcome(&second), second.new_connection, second.reopened),
        (Ok((200, "bye")), true, true)
    );
    assert!(!second.resent);
    server.join();
}

#[tokio::test]
async fn a_refresh_reopens_what_the_server_closed_and_nothing_else() {
    let (server, is_closed) = closing_when_idle(OK);
    let mut user = User::of(&server.url());
    assert_eq!(
        user.client.refresh(&user.read_buffer, AMPLE).await,
        Ok(false)
    );
    user.send("GET").await;
    hear_of(is_closed).await;
    assert_eq!(
        user.client.refresh(&user.read_buffer, AMPLE).await,
        Ok(true)
    );
    assert_eq!(
        user.client.refresh(&user.read_buffer, AMPLE).await,
        Ok(false)
    );
    let second = user.send("GET").await;
    assert_eq!(
        (outcome(&second), second.new_connection),
        (Ok((200, "bye")), false)
    );
    server.join();
}

#[tokio::test]
async fn more_than_was_promised_makes_a_connection_unusable() {
    let server = Server::answering(&[
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more",
        OK,
    ]);
    let mut user = User::of(&server.url());
    for _ in 0..2 {
        let exchange = user.send("POST").await;
        assert_eq!(
            (outcome(&exchange), exchange.new_connection),
            (Ok((200, "ok")), true)
        );
    }
    server.join();
}
