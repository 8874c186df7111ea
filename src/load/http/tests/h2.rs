//! HTTP/2, against hyper's server over real sockets.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, LocalOptions};
use tokio_rustls::TlsAcceptor;

use super::super::{Connector, Exchange, Trust};
use super::tls::identity;
use super::{User, outcome};
use crate::measurement::{FailureKind, UnreachableCause};
use crate::scenario::HttpVersion;

/// Runs a test where sessions can run: on a runtime of local tasks.
fn on_one_core<F: Future>(work: F) -> F::Output {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .unwrap();
    runtime.block_on(work)
}

/// What the server does with each request; it counts the connections that it took.
async fn answer(
    request: Request<Incoming>,
    connections: u32,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (path, version) = (request.uri().path().to_owned(), request.version());
    let authority = request.uri().authority().map(ToString::to_string);
    let agent = request.headers().get("a").cloned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let response = Response::builder().header("x-cold-start", "true");
    Ok(match path.as_str() {
        "/slow" => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            response.body(Full::default())
        }
        "/long" => response.body(Full::from(vec![b'x'; 100_000])),
        "/bad" => response.status(503).body(Full::default()),
        _ => response.body(Full::from(format!(
            "{version:?} {} {agent:?} {} on {connections}",
            authority.unwrap_or_default(),
            String::from_utf8_lossy(&body)
        ))),
    }
    .unwrap())
}

/// A server of HTTP/2 alone, with TLS where an acceptor is given.
async fn serve(acceptor: Option<TlsAcceptor>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicU32::new(0));
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let number = connections.fetch_add(1, Ordering::Relaxed) + 1;
            tokio::spawn(talk(tcp, acceptor.clone(), number));
        }
    });
    port
}

async fn talk(tcp: TcpStream, acceptor: Option<TlsAcceptor>, number: u32) {
    let service = service_fn(move |request| answer(request, number));
    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    match acceptor {
        None => {
            let _ = builder.serve_connection(TokioIo::new(tcp), service).await;
        }
        Some(acceptor) => {
            if let Ok(tls) = acceptor.accept(tcp).await {
                let _ = builder.serve_connection(TokioIo::new(tls), service).await;
            }
        }
    }
}

fn acceptor(alpn: &[&[u8]]) -> TlsAcceptor {
    let (config, _) = identity();
    let mut config = Arc::unwrap_or_clone(config);
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

#[test]
fn prior_knowledge_speaks_it_on_one_connection() {
    on_one_core(async {
        let port = serve(None).await;
        let mut user = User::speaking(
            HttpVersion::Http2,
            &format!("http://127.0.0.1:{port}"),
            Trust::Anyone,
        );
        let first = user.send_body("POST", b"hello").await;
        let expected = "HTTP/2.0 test Some(\"b\") hello on 1";
        assert_eq!(outcome(&first), Ok((200, expected)), "{:?}", first.detail);
        assert!(first.new_connection && first.times.connect.is_some());
        assert!(first.times.first_byte.is_some() && first.times.body.is_some());
        assert_eq!(first.bytes_in, expected.len() as u64);
        let second = user.send("GET").await;
        assert_eq!(
            outcome(&second),
            Ok((200, "HTTP/2.0 test Some(\"b\")  on 1")),
            "the same connection"
        );
        assert!(!second.new_connection && second.times.connect.is_none());
    });
}

#[test]
fn the_handshake_agrees_on_it_or_on_the_older_version() {
    on_one_core(async {
        for (version, alpn, spoken) in [
            (HttpVersion::Auto, &[&b"h2"[..]][..], Some("HTTP/2.0")),
            (HttpVersion::Http2, &[b"h2"], Some("HTTP/2.0")),
            (HttpVersion::Http2, &[], None),
        ] {
            let port = serve(Some(acceptor(alpn))).await;
            let target = format!("https://localhost:{port}");
            let mut user = User::speaking(version, &target, Trust::Anyone);
            let exchange = user.send("GET").await;
            if let Some(spoken) = spoken {
                let (status, body) = outcome(&exchange).unwrap();
                assert!(status == 200 && body.starts_with(spoken), "{body}");
                assert!(exchange.times.tls.is_some());
            } else {
                assert_eq!(outcome(&exchange), Err(FailureKind::Protocol));
                assert_eq!(exchange.cause, UnreachableCause::NoHttp2);
            }
        }
    });
}

#[test]
fn statuses_timeouts_and_bounds_hold_as_in_http_1() {
    on_one_core(async {
        let port = serve(None).await;
        let target = format!("http://127.0.0.1:{port}");
        let mut user = User::speaking(HttpVersion::Http2, &target, Trust::Anyone);
        assert_eq!(outcome(&user.get("/bad").await), Ok((503, "")));
        let long = user.get("/long").await;
        assert_eq!(outcome(&long), Err(FailureKind::Body), "{:?}", long.detail);
        assert_eq!(
            (long.cause, long.head),
            (UnreachableCause::BodyTooLong, Some(200))
        );
        let slow = user.get_within("/slow", Duration::from_millis(200)).await;
        assert_eq!(outcome(&slow), Err(FailureKind::Timeout));
        // Each failure closed its connection, so that this one is the third.
        let (_, body) = outcome(&user.get("/").await)
            .map(|(s, b)| (s, b.to_owned()))
            .unwrap();
        assert!(body.ends_with("on 3"), "{body}");
    });
}

/// An HTTP/1.1 server that says nothing before the end of a head.
async fn older() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(tcp.read_u8().await?);
                }
                tcp.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    .await
            });
        }
    });
    port
}

#[test]
fn a_server_that_speaks_the_other_version_is_found_out() {
    on_one_core(async {
        use HttpVersion::{Auto, Http2, Http11};
        let plain = |port: u16| format!("http://127.0.0.1:{port}");
        let secure = |port: u16| format!("https://localhost:{port}");
        let only = &[&b"h2"[..]][..];
        for (version, url, cause) in [
            (Http2, plain(older().await), UnreachableCause::NoHttp2),
            (Http11, plain(older().await), UnreachableCause::Unknown),
            (
                Http11,
                plain(serve(None).await),
                UnreachableCause::Http2Only,
            ),
            (Auto, plain(serve(None).await), UnreachableCause::Http2Only),
            (
                Http11,
                secure(serve(Some(acceptor(only))).await),
                UnreachableCause::Http2Only,
            ),
            (
                Http2,
                secure(serve(Some(acceptor(&[b"http/1.1"]))).await),
                UnreachableCause::NoHttp2,
            ),
            (
                Http11,
                secure(serve(Some(acceptor(&[b"h2", b"http/1.1"]))).await),
                UnreachableCause::Unknown,
            ),
        ] {
            let connector = Connector::new(url.parse().unwrap(), version, Trust::Anyone);
            let found = connector.unwrap().diagnose().await;
            assert_eq!(found, cause, "{version:?} at {url}");
        }
    });
}

#[test]
fn a_server_that_does_not_speak_http_2_is_a_failure() {
    on_one_core(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut old, _) = listener.accept().await.unwrap();
            old.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await
                .unwrap();
            let (gone, _) = listener.accept().await.unwrap();
            drop(gone);
        });
        let mut user = User::speaking(HttpVersion::Http2, &target, Trust::Anyone);
        let old = user.send("GET").await;
        assert!(
            matches!(
                outcome(&old),
                Err(FailureKind::Protocol | FailureKind::Reset)
            ),
            "{old:?}"
        );
        let gone = user.send("GET").await;
        assert!(
            matches!(outcome(&gone), Err(FailureKind::Reset)),
            "{gone:?}"
        );
    });
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

#[test]
fn a_server_that_floods_is_one_that_responds() {
    const SETTINGS: u8 = 4;
    const HEADERS: u8 = 1;
    let settings = frame(SETTINGS, 0, 0, &[]);
    // `:status: 200` is one byte; the head ends with the frame or goes on.
    let head = frame(HEADERS, 4, 1, &[0x88]);
    let open_head = frame(HEADERS, 0, 1, &[0x88]);
    let go_away = frame(7, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 11]);
    let reset = frame(3, 0, 1, &[0, 0, 0, 2]);
    for (start, flood, causes) in [
        (
            &head,
            frame(0, 0, 1, &[]),
            [
                UnreachableCause::BrokenResponse,
                UnreachableCause::UnendingBody,
            ],
        ),
        (
            &open_head,
            frame(9, 0, 1, &[0; 100]),
            [UnreachableCause::BrokenResponse; 2],
        ),
        (
            &go_away,
            go_away.clone(),
            [UnreachableCause::BrokenResponse; 2],
        ),
        (&reset, reset.clone(), [UnreachableCause::BrokenResponse; 2]),
    ] {
        on_one_core(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let target = format!("http://{}", listener.local_addr().unwrap());
            let bytes = [&settings[..], start, &flood.repeat(20_000)].concat();
            tokio::spawn(async move {
                let (mut peer, _) = listener.accept().await.unwrap();
                // The request must be there before its response.
                let _ = peer.read(&mut [0; 1024]).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
                let _ = peer.write_all(&bytes).await;
                let _ = peer.read_to_end(&mut Vec::new()).await;
            });
            let mut user = User::speaking(HttpVersion::Http2, &target, Trust::Anyone);
            let exchange = user.get_within("/", Duration::from_secs(2)).await;
            assert!(causes.contains(&exchange.cause), "{exchange:?}");
        });
    }
}

#[test]
fn a_session_closed_between_two_requests_is_opened_again() {
    on_one_core(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = format!("http://{}", listener.local_addr().unwrap());
        let (close, closing) = tokio::sync::oneshot::channel::<()>();
        tokio::spawn(async move {
            let (first, _) = listener.accept().await.unwrap();
            tokio::select! {
                () = talk(first, None, 1) => {}
                _ = closing => {}
            }
            let (second, _) = listener.accept().await.unwrap();
            talk(second, None, 2).await;
        });
        let mut user = User::speaking(HttpVersion::Http2, &target, Trust::Anyone);
        assert!(outcome(&user.send("GET").await).is_ok());
        close.send(()).unwrap();
        // The session's task has to hear of it.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let again = user.send("GET").await;
        let (_, body) = outcome(&again).unwrap();
        assert!(body.ends_with("on 2"), "{body}");
        assert!(again.new_connection && again.reopened);
    });
}

/// How a server ends the second request of its first connection, which it has read.
#[derive(Clone, Copy, Debug)]
enum End {
    /// Closes the connection.
    Close,
    /// Resets the stream for this reason.
    Reset(h2::Reason),
    /// Ends the session, names the last stream that it processed, and closes.
    GoAway(u8),
}

impl End {
    /// Its frame (RFC 9113, sections 6.4 and 6.8).
    fn frame(self) -> Vec<u8> {
        match self {
            Self::Close => Vec::new(),
            Self::Reset(reason) => {
                let mut frame = vec![0, 0, 4, 3, 0, 0, 0, 0, 3];
                frame.extend(u32::from(reason).to_be_bytes());
                frame
            }
            Self::GoAway(last) => vec![0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, last, 0, 0, 0, 0],
        }
    }
}

/// Responds to the first request and ends the second, frame by frame.
async fn end_the_second(mut tcp: TcpStream, end: End) -> std::io::Result<()> {
    const PREFACE: usize = 24;
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const STATUS_200: [u8; 10] = [0, 0, 1, 1, 5, 0, 0, 0, 1, 0x88];
    const HEADERS: u8 = 1;
    tcp.read_exact(&mut [0; PREFACE]).await?;
    tcp.write_all(&SETTINGS).await?;
    for response in [STATUS_200.to_vec(), end.frame()] {
        loop {
            let mut head = [0; 9];
            tcp.read_exact(&mut head).await?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            tcp.read_exact(&mut vec![0; length as usize]).await?;
            if head[3] == HEADERS {
                break;
            }
        }
        tcp.write_all(&response).await?;
    }
    if matches!(end, End::Reset(_)) {
        // Until the client has closed.
        while tcp.read(&mut [0; 64]).await.is_ok_and(|count| count > 0) {}
    }
    Ok(())
}

/// The second of two requests to a server that ends it so; its next connection responds.
async fn second_exchange(method: &str, end: End) -> Exchange {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        tokio::spawn(end_the_second(tcp, end));
        let (tcp, _) = listener.accept().await.unwrap();
        talk(tcp, None, 2).await;
    });
    let mut user = User::speaking(HttpVersion::Http2, &target, Trust::Anyone);
    assert_eq!(outcome(&user.send("GET").await), Ok((200, "")));
    user.send(method).await
}

const DEATHS: [End; 4] = [
    End::Close,
    End::Reset(h2::Reason::INTERNAL_ERROR),
    End::Reset(h2::Reason::CANCEL),
    End::GoAway(3),
];
const REFUSALS: [End; 2] = [End::Reset(h2::Reason::REFUSED_STREAM), End::GoAway(1)];

#[test]
fn a_request_that_died_in_a_session_and_was_sent_again_is_noted() {
    on_one_core(async {
        for end in DEATHS {
            for method in ["GET", "DELETE"] {
                let exchange = second_exchange(method, end).await;
                assert!(outcome(&exchange).is_ok(), "{end:?}: {exchange:?}");
                assert!(exchange.reopened && exchange.resent, "{method} {end:?}");
            }
            let post = second_exchange("POST", end).await;
            assert_eq!(outcome(&post), Err(FailureKind::Reset), "{end:?}: {post:?}");
        }
    });
}

#[test]
fn what_the_server_did_not_process_is_sent_again_whatever_it_is() {
    on_one_core(async {
        for end in REFUSALS {
            for method in ["GET", "POST"] {
                let exchange = second_exchange(method, end).await;
                assert!(outcome(&exchange).is_ok(), "{end:?}: {exchange:?}");
                assert!(exchange.reopened && !exchange.resent, "{method} {end:?}");
            }
        }
    });
}

/// A body without end.
struct Endless;

impl hyper::body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Infallible>>> {
        std::task::Poll::Ready(Some(Ok(hyper::body::Frame::data(Bytes::from_static(
            b"0123456789abcdef",
        )))))
    }
}

#[test]
fn a_session_that_floods_is_not_held_beyond_the_timeout() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // On a thread of its own: it leaves others no turn.
    std::thread::spawn(move || {
        on_one_core(async move {
            listener.set_nonblocking(true).unwrap();
            let (tcp, _) = TcpListener::from_std(listener)
                .unwrap()
                .accept()
                .await
                .unwrap();
            let service = service_fn(|_| async { Ok::<_, Infallible>(Response::new(Endless)) });
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let _ = builder.serve_connection(TokioIo::new(tcp), service).await;
        });
    });
    on_one_core(async {
        let target = format!("http://127.0.0.1:{port}");
        let mut user = User::speaking(HttpVersion::Http2, &target, Trust::Anyone);
        let bytes = super::render::<&str, &str>("GET", "test", "/", &[], None).unwrap();
        let mut exchange = Exchange::started(std::time::Instant::now());
        let bound = Duration::from_millis(500);
        let request = super::request("GET", &bytes, None);
        user.client
            .send::<0>(&user.read_buffer, &request, bound, &mut exchange)
            .await;
        // The library ends what it takes for an attack, if that comes first.
        let ended = [Err(FailureKind::Timeout), Err(FailureKind::Body)];
        assert!(ended.contains(&outcome(&exchange)), "{:?}", exchange.detail);
        let took = exchange.times.service();
        assert!(took < super::AMPLE * 2, "{took:?}");
    });
}
