//! Through a proxy: asked request by request, or for a tunnel.

use super::super::{Connector, Origin, Proxy, Trust};
use super::server::{Script, Server};
use super::{OK, User, outcome};
use std::time::Duration;

use crate::measurement::{FailureKind, UnreachableCause};
use crate::scenario::HttpVersion;

fn proxied(target: &str, proxy: &str) -> Origin {
    let proxy = proxy.replace("http://", "http://me:secret@");
    let variable = |name: &str| (name == "all_proxy").then(|| proxy.clone());
    let origin: Origin = target.parse().unwrap();
    let proxy = Proxy::find(&origin, &variable).unwrap().unwrap();
    origin.through(proxy, HttpVersion::Http11)
}

fn user(origin: Origin) -> User {
    let connector = Connector::new(origin, HttpVersion::Http11, Trust::Anyone).unwrap();
    User::with(connector)
}

#[tokio::test]
async fn a_plain_request_names_the_whole_url() {
    let script: Script = Box::new(|mut peer| {
        let request = peer.read_request();
        assert!(
            request.starts_with("GET http://api.example.com/x HTTP/1.1\r\n"),
            "{request}"
        );
        peer.send(OK);
    });
    let proxy = Server::start(vec![script]);
    let origin = proxied("http://api.example.com", &proxy.url());
    assert_eq!(origin.proxy_authorization(), Some("Basic bWU6c2VjcmV0"));
    let target = format!("{}/x", origin.prefix());
    let mut user = user(origin);
    let exchange = user.get(&target).await;
    assert_eq!(outcome(&exchange), Ok((200, "ok")), "{:?}", exchange.detail);
    proxy.join();
}

/// A proxy that responds to a CONNECT with these bytes and then closes.
fn tunnelling(reply: &'static [u8]) -> Server {
    Server::start(vec![Box::new(move |mut peer| {
        let request = peer.read_request();
        assert!(
            request.starts_with("CONNECT api.example.com:443 HTTP/1.1\r\n"),
            "{request}"
        );
        assert!(request.contains("Proxy-Authorization: Basic bWU6c2VjcmV0\r\n"));
        peer.send(reply);
    })])
}

#[tokio::test]
async fn a_tunnel_that_is_refused_is_the_proxys_failure() {
    for (reply, part) in [
        (
            &b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"[..],
            "407",
        ),
        (b"SSH-2.0\r\n\r\n", "not HTTP"),
        (b"", "not open a tunnel"),
    ] {
        let proxy = tunnelling(reply);
        let mut user = user(proxied("https://api.example.com", &proxy.url()));
        let exchange = user.send("GET").await;
        assert_eq!(outcome(&exchange), Err(FailureKind::Proxy));
        let detail = exchange.detail.unwrap();
        assert!(
            detail.contains(part) && !detail.contains("secret"),
            "{detail}"
        );
        proxy.join();
    }
}

#[tokio::test]
async fn a_proxy_that_gives_no_tunnel_in_time_is_the_one_that_is_late() {
    for drips in [false, true] {
        let proxy = Server::start(vec![Box::new(move |mut peer| {
            peer.read_request();
            while drips && std::io::Write::write_all(&mut peer.0, b"H").is_ok() {
                std::thread::sleep(Duration::from_millis(5));
            }
            peer.wait_for_close();
        })]);
        let mut user = user(proxied("https://api.example.com", &proxy.url()));
        let exchange = user.get_within("/", Duration::from_millis(200)).await;
        assert_eq!(outcome(&exchange), Err(FailureKind::Timeout));
        assert_eq!(
            exchange.cause,
            UnreachableCause::Proxy,
            "{:?}",
            exchange.detail
        );
        assert!(exchange.times.connect.is_none(), "no tunnel stood");
        assert!(exchange.detail.unwrap().contains("all_proxy"));
    }
}

#[tokio::test]
async fn a_proxy_that_forwards_and_gives_no_response_is_named() {
    let scripts: [(fn() -> Script, FailureKind); 3] = [
        (
            || Box::new(|mut peer| drop(peer.read_request())),
            FailureKind::Reset,
        ),
        (
            || {
                Box::new(|mut peer| {
                    peer.read_request();
                    peer.wait_for_close();
                })
            },
            FailureKind::Timeout,
        ),
        (
            || {
                Box::new(|mut peer| {
                    peer.read_request();
                    peer.send(b"SSH-2.0-OpenSSH_9.9\r\n");
                })
            },
            FailureKind::Protocol,
        ),
    ];
    for (script, failure) in scripts {
        let proxy = Server::start(vec![script()]);
        let mut user = user(proxied("http://api.example.com", &proxy.url()));
        let exchange = user.get_within("/", Duration::from_millis(200)).await;
        assert_eq!(outcome(&exchange), Err(failure));
        assert_eq!(exchange.cause, UnreachableCause::ProxyResponse, "{failure}");
        assert!(exchange.detail.unwrap().contains("all_proxy"));
    }
}

#[tokio::test]
async fn a_tunnel_leads_to_the_target() {
    // Behind the tunnel nobody speaks TLS, which is where this ends: the tunnel itself stood.
    let proxy = tunnelling(b"HTTP/1.1 200 Connection established\r\nX: y\r\n\r\nno TLS");
    let mut user = user(proxied("https://api.example.com", &proxy.url()));
    let exchange = user.send("GET").await;
    assert_eq!(
        outcome(&exchange),
        Err(FailureKind::Tls),
        "{:?}",
        exchange.detail
    );
    assert!(exchange.times.connect.is_some());
    proxy.join();
}
