//! HTTPS: whom it trusts, and what a broken handshake is.

use std::io::{Read, Write};
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, Stream};

use super::super::{Failure, Trust};
use super::server::{Script, Server};
use super::{OK, User, told};
use crate::scenario::HttpVersion;

/// A certificate for localhost, as a server and as a PEM file.
pub(super) fn identity() -> (Arc<ServerConfig>, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
    (Arc::new(config), cert.pem())
}

/// Answers `requests` requests with `answer`, and closes with or without TLS's notice.
fn serving(
    config: &Arc<ServerConfig>,
    requests: usize,
    answer: &'static [u8],
    notice: bool,
) -> Script {
    answering(config, &vec![answer; requests], notice)
}

/// Answers one request with each of these, and closes with or without TLS's notice.
fn answering(config: &Arc<ServerConfig>, answers: &[&'static [u8]], notice: bool) -> Script {
    let (config, answers) = (Arc::clone(config), answers.to_vec());
    Box::new(move |mut peer| {
        let mut session = ServerConnection::new(config).unwrap();
        let mut stream = Stream::new(&mut session, &mut peer.0);
        for answer in answers {
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") {
                if stream.read_exact(&mut byte).is_err() {
                    return;
                }
                request.push(byte[0]);
            }
            stream.write_all(answer).unwrap();
        }
        if notice {
            session.send_close_notify();
            session.write_tls(&mut peer.0).unwrap();
        }
    })
}

#[tokio::test]
async fn a_server_is_trusted_by_its_root_or_blindly() {
    let (config, pem) = identity();
    for trust in [Trust::SystemAnd(pem.as_bytes()), Trust::Anyone] {
        let server = Server::start(vec![serving(&config, 2, OK, true)]);
        let mut user = User::trusting(&server.tls_url(), trust);
        let first = user.send("GET").await;
        assert_eq!(told(&first), Ok((200, "ok")), "{:?}", first.detail);
        assert!(
            first.times.dns.is_some() && first.times.connect.is_some() && first.times.tls.is_some()
        );
        let second = user.send("GET").await;
        assert_eq!(
            (told(&second), second.new_connection),
            (Ok((200, "ok")), false)
        );
        server.join();
    }
}

#[tokio::test]
async fn a_closed_session_is_opened_again() {
    let (config, _) = identity();
    for notice in [true, false] {
        let server = Server::start(vec![
            serving(&config, 1, OK, notice),
            serving(&config, 1, OK, notice),
        ]);
        let mut user = User::of(&server.tls_url());
        user.send("GET").await;
        let second = user.send("GET").await;
        assert_eq!(
            (told(&second), second.reopened, second.resent),
            (Ok((200, "ok")), true, false)
        );
        server.join();
    }
}

#[tokio::test]
async fn a_request_that_dies_in_a_session_is_noted() {
    let (config, _) = identity();
    for notice in [true, false] {
        let server = Server::start(vec![
            answering(&config, &[OK, b""], notice),
            serving(&config, 1, OK, notice),
        ]);
        let mut user = User::of(&server.tls_url());
        user.send("GET").await;
        let second = user.send("GET").await;
        assert_eq!((told(&second), second.resent), (Ok((200, "ok")), true));
        server.join();
    }
}

#[tokio::test]
async fn a_body_until_close_needs_the_closing_notice() {
    let (config, _) = identity();
    for (notice, expected) in [
        (true, Ok((200, "all of it"))),
        (false, Err(Failure::BadBody)),
    ] {
        let server = Server::start(vec![serving(
            &config,
            1,
            b"HTTP/1.1 200 OK\r\n\r\nall of it",
            notice,
        )]);
        let mut user = User::of(&server.tls_url());
        assert_eq!(told(&user.send("GET").await), expected);
        server.join();
    }
}

#[tokio::test]
async fn a_stranger_is_a_tls_failure() {
    let (config, _) = identity();
    let (_, other) = identity();
    let server = Server::start(vec![serving(&config, 1, OK, true)]);
    let mut user = User::trusting(&server.tls_url(), Trust::SystemAnd(other.as_bytes()));
    let exchange = user.send("GET").await;
    assert_eq!(told(&exchange), Err(Failure::Tls));
    assert!(exchange.detail.unwrap().contains("certificate"));
    server.join();
}

#[tokio::test]
async fn a_handshake_that_is_dropped_or_is_none_is_a_tls_failure() {
    let scripts: [Script; 2] = [
        Box::new(|mut peer| peer.0.read_exact(&mut [0; 5]).unwrap()),
        Box::new(|mut peer| {
            peer.send(b"HTTP/1.1 400 Speak HTTP here\r\n\r\n");
            peer.wait_for_close();
        }),
    ];
    for script in scripts {
        let server = Server::start(vec![script]);
        let exchange = User::of(&server.tls_url()).send("GET").await;
        assert_eq!(told(&exchange), Err(Failure::Tls));
        assert!(exchange.times.tls.is_some());
        server.join();
    }
}

#[tokio::test]
async fn a_ca_file_must_hold_a_certificate() {
    for (pem, message) in [
        ("", "the CA file holds no certificate in PEM form"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            "the CA file holds a certificate that cannot be a root",
        ),
    ] {
        let target = "https://localhost".parse().unwrap();
        let refusal = super::Connector::new(
            target,
            HttpVersion::Http11,
            Trust::SystemAnd(pem.as_bytes()),
        )
        .err()
        .unwrap();
        assert_eq!(refusal.to_string(), message);
    }
}
