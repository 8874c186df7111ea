//! HTTPS: whom it trusts, and what a broken handshake is.

use std::io::{Read, Write};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedKey, DnType, IsCa, Issuer, KeyPair,
    date_time_ymd, generate_simple_self_signed,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ServerConfig, ServerConnection, Stream};

use super::super::{Connector, Trust};
use super::server::{Script, Server};
use super::{OK, User, outcome};
use crate::measurement::{FailureKind, UnreachableCause};
use crate::scenario::HttpVersion;

/// A certificate for localhost, as a server and as a PEM file.
pub(super) fn identity() -> (Arc<ServerConfig>, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    (server_of(cert.der().clone(), key), cert.pem())
}

fn server_of(cert: CertificateDer<'static>, key: PrivateKeyDer<'static>) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert], key)
        .unwrap();
    Arc::new(config)
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

/// Responds to one request with each of these, and closes with or without TLS's notice.
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
        assert_eq!(outcome(&first), Ok((200, "ok")), "{:?}", first.detail);
        assert!(
            first.times.dns.is_some() && first.times.connect.is_some() && first.times.tls.is_some()
        );
        let second = user.send("GET").await;
        assert_eq!(
            (outcome(&second), second.new_connection),
            (Ok((200, "ok")), false)
        );
        server.join();
    }
}

#[tokio::test]
async fn a_closed_session_is_opened_again() {
    let (config, _) = identity();
    for notice in [true, false] {
        let (closed, is_closed) = std::sync::mpsc::channel();
        let first = serving(&config, 1, OK, notice);
        let server = Server::start(vec![
            Box::new(move |peer| {
                first(peer);
                closed.send(()).unwrap();
            }),
            serving(&config, 1, OK, notice),
        ]);
        let mut user = User::of(&server.tls_url());
        user.send("GET").await;
        // Not awaited, so that the runtime may not have heard of it.
        is_closed.recv().unwrap();
        let second = user.send("GET").await;
        // Whether it counts as resent depends on which is met first, the end or the reset that follows a request.
        assert_eq!((outcome(&second), second.reopened), (Ok((200, "ok")), true));
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
        assert_eq!((outcome(&second), second.resent), (Ok((200, "ok")), true));
        server.join();
    }
}

#[tokio::test]
async fn a_body_until_close_needs_the_closing_notice() {
    let (config, _) = identity();
    for (notice, expected) in [
        (true, Ok((200, "all of it"))),
        (false, Err(FailureKind::Body)),
    ] {
        let server = Server::start(vec![serving(
            &config,
            1,
            b"HTTP/1.1 200 OK\r\n\r\nall of it",
            notice,
        )]);
        let mut user = User::of(&server.tls_url());
        assert_eq!(outcome(&user.send("GET").await), expected);
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
    assert_eq!(outcome(&exchange), Err(FailureKind::Tls));
    assert!(exchange.detail.unwrap().contains("certificate"));
    server.join();
}

/// A certificate that openssl's defaults would make: self-signed, and that of an authority.
fn authority(name: &str, not_after: i32) -> (Arc<ServerConfig>, String) {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_after = date_time_ymd(not_after, 1, 1);
    let key = KeyPair::generate().unwrap();
    let cert = params.self_signed(&key).unwrap();
    let der = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    (server_of(cert.der().clone(), der), cert.pem())
}

/// How a request to a server with this certificate fails, for a client that trusts a PEM text.
async fn cause_of(config: &Arc<ServerConfig>, pem: &str) -> Option<UnreachableCause> {
    let server = Server::start(vec![serving(config, 1, OK, true)]);
    let mut user = User::trusting(&server.tls_url(), Trust::SystemAnd(pem.as_bytes()));
    let exchange = user.send("GET").await;
    server.join();
    exchange.outcome.err().map(|failure| {
        assert_eq!(failure, FailureKind::Tls, "{:?}", exchange.detail);
        exchange.cause
    })
}

#[tokio::test]
async fn a_certificate_that_was_given_is_trusted_for_what_it_holds() {
    let (own, own_pem) = authority("localhost", 4000);
    let (_, other_pem) = authority("localhost", 4000);
    let (elsewhere, elsewhere_pem) = authority("elsewhere.test", 4000);
    let (expired, expired_pem) = authority("localhost", 2000);
    let both = format!("{other_pem}{own_pem}");
    for (config, pem, cause) in [
        (&own, &own_pem, None),
        (&own, &both, None),
        (&own, &other_pem, Some(UnreachableCause::UnknownIssuer)),
        (
            &elsewhere,
            &elsewhere_pem,
            Some(UnreachableCause::CertificateName),
        ),
        (
            &expired,
            &expired_pem,
            Some(UnreachableCause::CertificateExpired),
        ),
    ] {
        assert_eq!(cause_of(config, pem).await, cause);
    }
}

#[tokio::test]
async fn a_leaf_that_was_given_is_trusted_without_its_issuer() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "issuer");
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let der = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = server_of(leaf.der().clone(), der);
    let (_, other_pem) = identity();
    assert_eq!(cause_of(&config, &leaf.pem()).await, None);
    assert_eq!(
        cause_of(&config, &other_pem).await,
        Some(UnreachableCause::UnknownIssuer)
    );
}

#[tokio::test]
async fn a_server_that_requires_a_client_certificate_is_known() {
    for versions in [&[&rustls::version::TLS12][..], &[&rustls::version::TLS13]] {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let cert = params.self_signed(&key).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let der = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(vec![cert.der().clone()], der)
            .unwrap();
        let config = Arc::new(config);
        let scripts = vec![serving(&config, 1, OK, true), serving(&config, 1, OK, true)];
        let server = Server::start(scripts);
        let connector = connector(&server.tls_url());
        let mut user = User::sharing(&connector);
        let exchange = user.send("GET").await;
        // The reset of a connection may overtake the reason that was sent before it.
        let known = exchange.cause == UnreachableCause::ClientCertificate
            || connector.diagnose().await == UnreachableCause::ClientCertificate;
        assert!(known, "{:?}", exchange.detail);
    }
}

#[tokio::test]
async fn what_a_handshake_fails_on_is_known() {
    // Alerts, a ServerHello of TLS 1.1, and services that speak before or after the client.
    let hello = [
        &[0x16, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2][..],
        &[7; 32],
        &[0, 0xc0, 0x13, 0],
    ];
    let hello: &'static [u8] = hello.concat().leak();
    for (answer, cause) in [
        (&[0x15, 3, 1, 0, 2, 2, 70][..], UnreachableCause::TlsVersion),
        (hello, UnreachableCause::TlsVersion),
        (&[0x15, 3, 3, 0, 2, 2, 40], UnreachableCause::TlsCipher),
        (&[0x15, 3, 3, 0, 2, 2, 71], UnreachableCause::TlsCipher),
        (b"SSH-2.0-OpenSSH_9.9\r\n", UnreachableCause::NotTls),
        (b"-ERR unknown command\r\n", UnreachableCause::NotTls),
        (b"", UnreachableCause::TlsClosed),
    ] {
        let script = || -> Script {
            Box::new(move |mut peer| {
                let mut head = [0; 5];
                peer.0.read_exact(&mut head).unwrap();
                let mut rest = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
                peer.0.read_exact(&mut rest).unwrap();
                peer.send(answer);
            })
        };
        let server = Server::start(vec![script()]);
        let exchange = User::of(&server.tls_url()).send("GET").await;
        assert_eq!(outcome(&exchange), Err(FailureKind::Tls));
        assert_eq!(exchange.cause, cause, "{:?}", exchange.detail);
        server.join();
    }
}

#[test]
fn a_certificate_of_version_1_is_named_as_such() {
    let refused = |fault: webpki::Error| {
        let other = rustls::OtherError(Arc::new(fault));
        let error = rustls::CertificateError::Other(other);
        super::super::tls::explained(&rustls::Error::InvalidCertificate(error))
    };
    let (cause, said) = refused(webpki::Error::UnsupportedCertVersion);
    assert_eq!(cause, UnreachableCause::CertificateVersion);
    assert!(said.contains("is not of X.509 version 3"), "{said}");
    let (cause, said) = refused(webpki::Error::BadDer);
    assert_eq!(cause, UnreachableCause::CertificateUnusable);
    assert!(!said.contains("Other"), "{said}");
}

fn connector(url: &str) -> Arc<Connector> {
    let target = url.parse().unwrap();
    Arc::new(Connector::new(target, HttpVersion::Http11, Trust::Anyone).unwrap())
}

#[tokio::test]
async fn the_wrong_scheme_is_found_out_by_trying_the_other() {
    let (config, _) = identity();
    let explaining = || -> Script {
        Box::new(|mut peer| {
            peer.read_request();
            peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        })
    };
    // Says nothing to what is no request, as many servers do.
    let silent = || -> Script { Box::new(|mut peer| peer.wait_for_close()) };
    let plain = || -> Script {
        Box::new(|mut peer| {
            peer.read_request();
            peer.send(OK);
        })
    };
    let tls = || serving(&config, 1, OK, true);
    for (scheme, scripts, cause) in [
        ("http", vec![tls()], UnreachableCause::ExpectsTls),
        ("http", vec![plain()], UnreachableCause::Unknown),
        (
            "https",
            vec![silent(), plain()],
            UnreachableCause::PlainHttp,
        ),
        (
            "https",
            vec![silent(), explaining()],
            UnreachableCause::Unknown,
        ),
        ("https", vec![tls()], UnreachableCause::Unknown),
    ] {
        let server = Server::start(scripts);
        let url = server.tls_url().replace("https", scheme);
        assert_eq!(connector(&url).diagnose().await, cause, "{scheme}");
    }
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
        assert_eq!(outcome(&exchange), Err(FailureKind::Tls));
        assert!(exchange.times.tls.is_some());
        server.join();
    }
}

#[tokio::test]
async fn a_ca_file_must_hold_a_certificate() {
    for (pem, message) in [
        ("", "the CA file contains no certificate in PEM format"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            "the CA file contains a certificate that cannot be a root",
        ),
    ] {
        let target = "https://localhost".parse().unwrap();
        let refusal = Connector::new(
            target,
            HttpVersion::Http11,
            Trust::SystemAnd(pem.as_bytes()),
        )
        .err()
        .unwrap();
        assert_eq!(refusal.to_string(), message);
    }
}
