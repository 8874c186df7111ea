//! The reader by itself: where responses end, and what is refused.

use super::super::{Ending, HEAD_LIMIT, LastHead, ReadError, Reader, Step};
use crate::load::http::{Expected, Keep, Response};

/// What a reader makes of bytes that come in these pieces and then end: the answer, whether the connection lives on, and
/// the surplus.
pub(super) fn read(
    pieces: &[&[u8]],
    expected: Expected<'_>,
) -> Result<(Response, bool, usize), ReadError> {
    read_after(&mut LastHead::default(), pieces, expected)
}

/// The same, after another response.
pub(super) fn read_after(
    last: &mut LastHead,
    pieces: &[&[u8]],
    expected: Expected<'_>,
) -> Result<(Response, bool, usize), ReadError> {
    let mut reader = Reader::new(expected);
    let mut extra = 0;
    for piece in pieces {
        if let Step::Done { surplus } = reader.feed(piece, last)? {
            extra += surplus;
        }
    }
    let lives_on = reader.keeps_alive();
    reader.close(Ending::Clean)?;
    Ok((reader.take_answer(), lives_on, extra))
}

fn kept() -> Expected<'static> {
    Expected {
        keep: Keep::All(1000),
        ..Expected::default()
    }
}

/// Head without its first line and last line end; what follows it; body; whether the connection lives on; surplus bytes.
type BodyEnd = (&'static str, &'static str, &'static str, bool, usize);

const BODY_ENDS: &[BodyEnd] = &[
    ("200 OK\r\nContent-Length: 5", "hello", "hello", true, 0),
    ("200 OK\r\ncontent-length:5 ", "hello!!", "hello", true, 2),
    (
        "200 OK\r\nContent-Length: 5, 5\r\nContent-Length: 5",
        "hello",
        "hello",
        true,
        0,
    ),
    ("200 OK\r\nContent-Length: 0", "HTTP", "", true, 4),
    ("200", "hello", "hello", false, 0),
    (
        "200 OK\r\nTransfer-Encoding: chunked",
        "5\r\nhello\r\n0\r\n\r\n!",
        "hello",
        true,
        1,
    ),
    (
        "200 OK\r\nTransfer-Encoding: gzip, Chunked",
        "0\r\n\r\n",
        "",
        true,
        0,
    ),
    (
        "200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
        "0\r\n\r\n",
        "",
        true,
        0,
    ),
    (
        "200 OK\r\nTransfer-Encoding: gzip",
        "hello",
        "hello",
        false,
        0,
    ),
    (
        "200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 2",
        "hello",
        "hello",
        false,
        0,
    ),
    (
        "200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2",
        "5\r\nhello\r\n0\r\n\r\n",
        "hello",
        false,
        0,
    ),
    (
        "200 OK\r\nContent-Length: 5\r\nConnection: x, Close",
        "hello",
        "hello",
        false,
        0,
    ),
    ("204 No Content\r\nContent-Length: 5", "", "", true, 0),
    (
        "304 Not Modified\r\nTransfer-Encoding: chunked",
        "",
        "",
        true,
        0,
    ),
    (
        "200 OK\r\nContent-Length: \r\n\t5",
        "hello",
        "hello",
        true,
        0,
    ),
    // Repeated by a proxy; of the first HTTP/1.1; not a length, but not needed either (section 6.3).
    (
        "200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: Chunked",
        "5\r\nhello\r\n0\r\n\r\n",
        "hello",
        true,
        0,
    ),
    (
        "200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 5",
        "hello",
        "hello",
        true,
        0,
    ),
    (
        "200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5, 6",
        "5\r\nhello\r\n0\r\n\r\n",
        "hello",
        false,
        0,
    ),
    ("204 No Content\r\nContent-Length: x", "", "", true, 0),
    ("205 Reset Content\r\nContent-Length: 0", "", "", true, 0),
    ("205 Reset Content", "hello", "hello", false, 0),
    ("101 Switching Protocols\r\nUpgrade: x", "x", "", false, 1),
];

#[test]
fn the_end_of_a_body_is_where_the_standard_says() {
    for &(head, rest, body, lives_on, surplus) in BODY_ENDS {
        let answer = format!("HTTP/1.1 {head}\r\n\r\n{rest}");
        let (answer, alive, extra) = read(&[answer.as_bytes()], kept()).unwrap();
        assert_eq!(
            (answer.body.as_deref(), alive, extra),
            (Some(body.as_bytes()), lives_on, surplus),
            "{head}"
        );
    }
}

#[test]
fn the_first_version_closes_unless_it_says_otherwise() {
    for (head, lives_on) in [
        ("HTTP/1.0 200 OK\r\nContent-Length: 0", false),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive",
            true,
        ),
        (
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive",
            false,
        ),
    ] {
        let (_, alive, _) = read(&[format!("{head}\r\n\r\n0\r\n\r\n").as_bytes()], kept()).unwrap();
        assert_eq!(alive, lives_on, "{head}");
    }
}

#[test]
fn a_head_request_has_no_body_whatever_its_answer_says() {
    let expected = Expected {
        head_only: true,
        ..kept()
    };
    for promise in [
        "Content-Length: 5",
        "Content-Length: 5, 6",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: chunked, gzip",
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{promise}\r\n\r\n");
        let (answer, alive, surplus) = read(&[answer.as_bytes()], expected).unwrap();
        assert_eq!(
            (answer.body.as_deref(), alive, surplus),
            (Some(&b""[..]), true, 0)
        );
    }
}

#[test]
fn interim_answers_are_passed_over() {
    let answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(read(&[answer], kept()).unwrap().0.status, 200);
}

#[test]
fn wanted_headers_are_captured_in_order() {
    let wanted = ["location", "set-cookie", "absent"].map(str::to_owned);
    let expected = Expected {
        headers: &wanted,
        ..Expected::default()
    };
    let answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nLocation:  /x \r\nSET-COOKIE: b=2\r\nContent-Length: 0\r\n\r\n";
    let (answer, ..) = read(&[answer], expected).unwrap();
    assert_eq!(answer.header(0).as_deref(), Some("/x"));
    assert_eq!(answer.header(2), None);
    assert_eq!(answer.headers(1).collect::<Vec<_>>(), ["a=1", "b=2"]);
}

/// The first line of a head, its first wanted header, and what is read of it.
#[test]
fn heads_are_read_in_every_way_that_they_may_be_written() {
    let wanted = ["x".to_owned()];
    let expected = Expected {
        headers: &wanted,
        ..kept()
    };
    for (head, status, value) in [
        (&b"HTTP/1.1 200 OK\r\nX: a b\r\n"[..], 200, Some("a b")),
        // No reason; nothing at all behind the status; blanks and bytes that are not ASCII in it.
        (b"HTTP/1.1 200 \r\nX: a\r\n", 200, Some("a")),
        (b"HTTP/1.1 200\r\nX: a\r\n", 200, Some("a")),
        (b"HTTP/1.1 404 Nicht gefunden: \xfc\r\n", 404, None),
        (b"HTTP/1.1  200  OK\r\n", 200, None),
        (b"HTTP/1.0 299 ?\r\n", 299, None),
        (b"HTTP/1.1 999 Beyond\r\n", 999, None),
        // Empty lines before it, and line feeds alone.
        (b"\r\n\r\nHTTP/1.1 200 OK\r\n", 200, None),
        (b"HTTP/1.1 200 OK\nX: a\n", 200, Some("a")),
        // Blanks around values, none, folded lines.
        (b"HTTP/1.1 200 OK\r\nX:a\r\n", 200, Some("a")),
        (b"HTTP/1.1 200 OK\r\nX: \t a \t \r\n", 200, Some("a")),
        (b"HTTP/1.1 200 OK\r\nX:\r\n", 200, Some("")),
        (b"HTTP/1.1 200 OK\r\nX: a\tb\r\n", 200, Some("a\tb")),
        (
            b"HTTP/1.1 200 OK\r\nX: a \r\n  b\r\n\tc\r\n",
            200,
            Some("a b c"),
        ),
        (b"HTTP/1.1 200 OK\r\nX:\r\n a\r\nY: b\r\n", 200, Some("a")),
        // UTF-8, and ISO-8859-1 where it is not that.
        (
            b"HTTP/1.1 200 OK\r\nx: caf\xc3\xa9\r\n",
            200,
            Some("caf\u{e9}"),
        ),
        (b"HTTP/1.1 200 OK\r\nx: caf\xe9\r\n", 200, Some("caf\u{e9}")),
    ] {
        let bytes = [head, b"Content-Length: 0\r\n\r\n"].concat();
        let text = String::from_utf8_lossy(head);
        let (answer, alive, surplus) = read(&[&bytes], expected).unwrap();
        assert_eq!(
            (answer.status, answer.header(0).as_deref()),
            (status, value),
            "{text}"
        );
        assert_eq!((alive, surplus), (!text.contains("HTTP/1.0"), 0), "{text}");
    }
}

#[test]
fn the_start_of_a_body_is_kept_and_the_rest_read_past() {
    for (length, kept, body) in [(5, 3, "hel"), (5, 5, "hello"), (5, 9, "hello"), (5, 0, "")] {
        let expected = Expected {
            keep: Keep::Start(kept),
            ..Expected::default()
        };
        for answer in [
            format!("Content-Length: {length}\r\n\r\nhello"),
            "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n".to_owned(),
        ] {
            let bytes = format!("HTTP/1.1 200 OK\r\n{answer}");
            let (answer, alive, _) = read(&[bytes.as_bytes()], expected).unwrap();
            assert_eq!(answer.body.as_deref(), Some(body.as_bytes()));
            assert_eq!((answer.length, alive), (length, true));
        }
    }
}

/// What neither the standards allow nor browsers and curl agree on reading.
#[test]
fn what_is_no_answer_is_refused_by_name() {
    let many = |count| format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(count));
    for (input, error) in [
        (String::new(), ReadError::ClosedBeforeHead),
        ("HTTP/1.1 200 OK\r\n".into(), ReadError::ClosedMidHead),
        ("HTTP/2.0 200 OK\r\n\r\n".into(), ReadError::BadHead),
        ("HTTP/1.1 2x0 OK\r\n\r\n".into(), ReadError::BadHead),
        ("http/1.1 200 OK\r\n\r\n".into(), ReadError::BadHead),
        ("ICY 200 OK\r\n\r\n".into(), ReadError::BadHead),
        (
            "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n".into(),
            ReadError::BadHead,
        ),
        (
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n".into(),
            ReadError::BadHead,
        ),
        (
            "HTTP/1.1 200 OK\r\n folded: first\r\n\r\n".into(),
            ReadError::BadHead,
        ),
        (
            "HTTP/1.1 200 OK\r\na: b\rc\r\n\r\n".into(),
            ReadError::BadHead,
        ),
        (
            "HTTP/1.1 200 OK\r\na: b\0\r\n\r\n".into(),
            ReadError::BadHead,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello".into(),
            ReadError::BadLength,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n".into(),
            ReadError::BadLength,
        ),
        (
            "HTTP/1.1 200 OK\r\na b: c\r\n\r\n".into(),
            ReadError::BadHead,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n".into(),
            ReadError::BadLength,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n".into(),
            ReadError::BadLength,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1,\r\n\r\n".into(),
            ReadError::BadLength,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n".into(),
            ReadError::BadLength,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n".into(),
            ReadError::BadLength,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5".into(),
            ReadError::ClosedMidBody,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello0".into(),
            ReadError::BadChunk,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell".into(),
            ReadError::ClosedMidBody,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n".into(),
            ReadError::BodyTooLarge,
        ),
        (
            format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(1001)),
            ReadError::BodyTooLarge,
        ),
        (
            format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(HEAD_LIMIT)),
            ReadError::HeadTooLarge,
        ),
        (many(257), ReadError::TooManyHeaders),
    ] {
        assert_eq!(read(&[input.as_bytes()], kept()), Err(error), "{input:.60}");
        let bytes: Vec<&[u8]> = input.as_bytes().chunks(1).collect();
        assert_eq!(
            read(&bytes, kept()),
            Err(error),
            "{input:.60}, byte by byte"
        );
    }
    assert!(read(&[many(256).as_bytes()], kept()).is_ok());
}

#[test]
fn a_session_that_was_cut_ends_no_body_by_closing() {
    let mut reader = Reader::new(kept());
    assert_eq!(
        reader.feed(b"HTTP/1.1 200 OK\r\n\r\nhel", &mut LastHead::default()),
        Ok(Step::More)
    );
    assert_eq!(reader.close(Ending::Cut), Err(ReadError::ClosedMidBody));
}
