//! Any bytes, split anywhere and after any other answer, read as they do in one piece, and none of them panic.
//!
//! `cargo +nightly fuzz run reader -- -max_total_time=600`
#![no_main]

use libfuzzer_sys::fuzz_target;
use loadgate::load::http::h1::{Ending, LastHead, ReadError, Reader, Step};
use loadgate::load::http::{Expected, Keep, Response};

// The first bytes say what is expected and where to split; the rest is the answer.
fuzz_target!(|input: (bool, bool, Option<u16>, Vec<u16>, u16, Vec<u8>)| {
    let (head_only, wants, keep_body, cuts, before, bytes) = input;
    let wanted = ["a".to_owned()];
    let expected = Expected {
        head_only,
        keep: keep_body.map_or(Keep::Nothing, |most| Keep::All(usize::from(most))),
        headers: if wants { &wanted } else { &[] },
        ..Expected::default()
    };
    let whole = read([bytes.as_slice()], expected, &mut LastHead::default());
    // A part of it was an answer of its own before.
    let mut last = LastHead::default();
    let _ = read([&bytes[..bytes.len().min(before.into())]], expected, &mut last);
    assert_eq!(read([bytes.as_slice()], expected, &mut last), whole);
    assert_eq!(read(split(&bytes, &cuts), expected, &mut last), whole);
    assert_eq!(read(bytes.chunks(1), expected, &mut last), whole);
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
    last: &mut LastHead,
) -> Result<(Response, bool, usize), ReadError> {
    let mut reader = Reader::new(expected);
    let mut total = 0;
    for piece in pieces {
        if let Step::Done { surplus } = reader.feed(piece, last)? {
            total += surplus;
        }
    }
    let lives_on = reader.keeps_alive();
    reader.close(Ending::Clean)?;
    Ok((reader.take_answer(), lives_on, total))
}
