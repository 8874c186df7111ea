//! The way a response is split into reads changes nothing, whatever the bytes.

use proptest::prelude::*;

use super::super::LastHead;
use super::reading::{read, read_after};
use crate::load::http::{Expected, Keep};

/// Pieces of responses, so that what is put together is often nearly one.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",
        "HTTP/1.0 304\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "Content-Length: 7\r\n",
        "Content-Length: 3\n",
        "Transfer-Encoding: chunked\r\n",
        "Connection: close\r\n",
        "X-Wanted: yes\r\n",
        "X-Wanted: a\r\n  b\r\n",
        " folded\r\n",
        "\r\n",
        "\n",
        "7\r\nseventy\r\n",
        "3;ext=\"x\"\r\nabc\r\n",
        "0\r\n\r\n",
        "0\r\nTrailer: x\r\n\r\n",
        "seventy",
    ]);
    prop_oneof![
        8 => known.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..12),
        1 => (any::<u8>(), 1_usize..1200).prop_map(|(byte, count)| vec![byte; count]),
    ]
}

/// Fields of a head, each of which changes what is read of it.
fn field() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "Content-Length: 7\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Connection: close\r\n",
        "X-Wanted: yes\r\n",
    ])
}

fn keep() -> impl Strategy<Value = Keep> {
    prop_oneof![
        Just(Keep::Nothing),
        (0_usize..1500).prop_map(Keep::All),
        (0_usize..1500).prop_map(Keep::Start),
    ]
}

/// Cuts `bytes` at these places.
fn split<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.sort_unstable();
    let starts = std::iter::once(0).chain(places.clone());
    starts
        .zip(places.iter().copied().chain([bytes.len()]))
        .map(|(from, to)| &bytes[from..to])
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_split_of_any_bytes_reads_the_same(
        fragments in prop::collection::vec(fragment(), 0..10),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        head_only in prop::bool::weighted(0.1),
        keep in keep(),
    ) {
        let wanted = ["x-wanted".parse().unwrap()];
        let expected = Expected { head_only, keep, headers: &wanted, ..Expected::default() };
        let bytes = fragments.concat();
        let whole = read(&[&bytes], expected);
        prop_assert_eq!(&read(&split(&bytes, &cuts), expected), &whole);
        let singles: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&read(&singles, expected), &whole);
    }

    #[test]
    fn what_was_read_before_changes_nothing(
        fields in prop::collection::vec(field(), 0..4),
        answers in prop::collection::vec(
            (0_usize..8, fragment(), prop::bool::weighted(0.2), any::<bool>()),
            1..6,
        ),
    ) {
        let (mut last, wanted) = (LastHead::default(), ["x-wanted".parse().unwrap()]);
        let head = format!("HTTP/1.1 200 OK\r\n{}\r\n", fields.concat());
        for (cut, fragment, head_only, wants) in answers {
            // Half of them start alike to the last byte, the others almost.
            let alike = &head.as_bytes()[..head.len() - cut.saturating_sub(4)];
            let bytes = [alike, &fragment].concat();
            let expected = Expected {
                head_only,
                keep: Keep::All(1500),
                headers: if wants { &wanted } else { &[] },
                ..Expected::default()
            };
            prop_assert_eq!(read_after(&mut last, &[&bytes], expected), read(&[&bytes], expected));
        }
    }

    #[test]
    fn an_answer_is_read_back_as_it_was_made(
        status in 200_u16..600,
        body in prop::collection::vec(any::<u8>(), 0..3000),
        chunk in prop::option::of(1_usize..500),
        surplus in 0_usize..5,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        prop_assume!(status != 204 && status != 304);
        let mut bytes = format!("HTTP/1.1 {status} Made\r\n").into_bytes();
        if let Some(size) = chunk {
            bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
            for piece in body.chunks(size) {
                bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                bytes.extend_from_slice(piece);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
        } else {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
            bytes.extend_from_slice(&body);
        }
        bytes.resize(bytes.len() + surplus, b'!');
        let expected = Expected { keep: Keep::All(3000), ..Expected::default() };
        let (answer, lives_on, extra) = read(&split(&bytes, &cuts), expected).unwrap();
        prop_assert_eq!((answer.status, answer.body, lives_on, extra), (status, Some(body), true, surplus));
    }
}
