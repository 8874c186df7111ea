//! Any bytes, split anywhere, read as they do in one piece, and none of them panic.
//!
//! `cargo +nightly fuzz run reader -- -max_total_time=600`
#![no_main]

use libfuzzer_sys::fuzz_target;
use loadgate::load::http::h1::{Ending, ReadError, Reader, Step};
use loadgate::load::http::{Answer, Expected};

// The first bytes say what is expected and where to split; the rest is the answer.
fuzz_target!(|input: (bool, Option<u16>, Vec<u16>, Vec<u8>)| {
    let (head_only, keep_body, cuts, bytes) = input;
    let wanted = ["a".parse().expect("a name")];
    let expected = Expected {
        head_only,
        keep_body: keep_body.map(usize::from),
        headers: &wanted,
        ..Expected::default()
    };
    let whole = read([bytes.as_slice()], expected);
    assert_eq!(read(split(&bytes, &cuts), expected), whole);
    assert_eq!(read(bytes.chunks(1), expected), whole);
});

/// Cuts off pieces of these lengths; the last is what remains.
fn split<'a>(mut bytes: &'a [u8], lengths: &[u16]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for &length in lengths {
        let (piece, rest) = bytes.split_at(bytes.len().min(length.into()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces.push(bytes);
    pieces
}

fn read<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    expected: Expected<'_>,
) -> Result<(Answer, bool, usize), ReadError> {
    let mut reader = Reader::new(expected);
    let mut total = 0;
    for piece in pieces {
        if let Step::Done { surplus } = reader.feed(piece)? {
            total += surplus;
        }
    }
    let lives_on = reader.keeps_alive();
    reader.close(Ending::Clean)?;
    Ok((reader.take_answer(), lives_on, total))
}
