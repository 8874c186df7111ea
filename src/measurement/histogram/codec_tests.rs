//! The encoding held against the crate `hdrhistogram`, and hostile bytes.

use std::io::{Read as _, Write as _};

use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{
    Deserializer, Serializer as _, V2DeflateSerializer, V2Serializer,
};
use proptest::prelude::*;

use super::*;

fn dense(latencies: &Sparse) -> Histogram<u64> {
    let digits = latencies.resolution().digits();
    let mut histogram = Histogram::new_with_bounds(LOWEST_US, HIGHEST_US, digits).unwrap();
    for (micros, count) in latencies.longest() {
        histogram.record_n(micros, count).unwrap();
    }
    histogram
}

/// Latencies with counts of every length, of every size.
fn latencies() -> impl Strategy<Value = Sparse> {
    let count = prop_oneof![1u64..3, 1u64..100, 1u64..1_000_000, 1u64..1 << 33];
    let latency = prop_oneof![1u64..100, 1u64..10_000, 1u64..=HIGHEST_US];
    let latencies = prop::collection::btree_map(latency, count, 0..80);
    (latencies, any::<bool>()).prop_map(|(latencies, is_coarse)| {
        let resolution = if is_coarse {
            Resolution::Coarse
        } else {
            Resolution::Fine
        };
        Sparse::from_micros(resolution, latencies)
    })
}

/// The encoding around an inflated part.
fn packed(inflated: &[u8]) -> Vec<u8> {
    let mut deflated = ZlibEncoder::new(Vec::new(), Compression::best());
    deflated.write_all(inflated).unwrap();
    framed(&deflated.finish().unwrap())
}

fn framed(deflated: &[u8]) -> Vec<u8> {
    let length = u32::try_from(deflated.len()).unwrap();
    [
        &PACKED_COOKIE.to_be_bytes(),
        &length.to_be_bytes(),
        deflated,
    ]
    .concat()
}

/// An inflated part of three digits with these numbers, and a header that is changed in one place.
fn with_numbers(numbers: &[i64], change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut inflated = encode(&Sparse::new(Resolution::Fine));
    inflated.truncate(HEADER_BYTES);
    for number in numbers {
        put_number(&mut inflated, *number);
    }
    let length = u32::try_from(inflated.len() - HEADER_BYTES).unwrap();
    inflated[4..8].copy_from_slice(&length.to_be_bytes());
    change(&mut inflated);
    packed(&inflated)
}

#[track_caller]
fn assert_refused(bytes: &[u8], because: &str) {
    let error = unpack(bytes).unwrap_err().to_string();
    assert!(error.contains(because), "{error}");
}

#[test]
fn hostile_bytes_are_refused_and_say_why() {
    let whole = with_numbers(&[-20, 3, 0, 5], |_| ());
    assert_eq!(
        unpack(&whole).unwrap().counters().collect::<Vec<_>>(),
        [(20, 3), (22, 5)]
    );
    assert_refused(&[], "cut short");
    assert_refused(&whole[..7], "cut short");
    assert_refused(&whole[..whole.len() - 1], "its length is wrong");
    assert_refused(&[&whole[..], &[0]].concat(), "its length is wrong");
    assert_refused(&framed(&whole[PREFIX_BYTES..whole.len() - 6]), "cut short");
    assert_refused(&framed(b"no zlib"), "deflate");
    assert_refused(
        &[&[0x1c, 0x84, 0x93, 0x13], &whole[4..]].concat(),
        "another encoding",
    );
    assert_refused(&packed(&[0x1c, 0x84, 0x93, 0x14]), "another encoding");
    assert_refused(&packed(&COOKIE.to_be_bytes()), "header is cut short");
    for (at, byte, because) in [
        (3, 0x12, "another encoding"),
        (4, 0xff, "counts are cut short"),
        (7, 0xff, "counts are cut short"),
        (11, 1, "bounds"),
        (12, 1, "resolution"),
        (15, 4, "resolution"),
        (23, 2, "bounds"),
        (24, 1, "bounds"),
    ] {
        assert_refused(&with_numbers(&[1], |inflated| inflated[at] = byte), because);
    }
    assert_refused(
        &with_numbers(&[1], |inflated| inflated[HEADER_BYTES] = 0x80),
        "ends within a number",
    );
}

#[test]
fn hostile_counts_are_refused_and_take_no_memory() {
    let last = i64::from(Resolution::Fine.counters()) - 1;
    assert!(unpack(&with_numbers(&[-last, 1], |_| ())).is_ok());
    assert!(unpack(&with_numbers(&[-last, 0], |_| ())).is_ok());
    let most = i64::try_from(MOST_COUNTED).unwrap();
    assert_eq!(
        unpack(&with_numbers(&[most], |_| ())).unwrap().count(),
        MOST_COUNTED
    );
    for numbers in [
        &[most, 1][..],
        &[1, most],
        &[1, i64::MAX],
        &[i64::MAX, i64::MAX],
    ] {
        assert_refused(
            &with_numbers(numbers, |_| ()),
            "more requests than any run sends",
        );
    }
    for numbers in [
        &[-last - 1, 1][..],
        &[-last, 0, 0],
        &[-last - 2],
        &[i64::MIN],
        &[i64::MIN, i64::MIN, 1],
        &[-i64::from(u32::MAX), 1],
    ] {
        assert_refused(&with_numbers(numbers, |_| ()), "outside its bounds");
    }
    // A few hundred bytes that would inflate to many megabytes.
    let bomb = packed(&vec![0; 64 << 20]);
    assert!(bomb.len() < 100_000);
    assert_refused(&bomb, "too large");
    assert_refused(
        &with_numbers(&vec![1; 30_000], |_| ()),
        "outside its bounds",
    );
}

#[test]
fn a_foreign_configuration_is_refused() {
    let mut foreign = Histogram::<u64>::new_with_bounds(1, u64::MAX / 2, 5).unwrap();
    foreign.record(1).unwrap();
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(&foreign, &mut bytes)
        .unwrap();
    assert_refused(&bytes, "resolution");
}

proptest! {
    #[test]
    fn what_is_encoded_is_what_hdrhistogram_encodes(latencies in latencies()) {
        let mut theirs = Vec::new();
        V2Serializer::new().serialize(&dense(&latencies), &mut theirs).unwrap();
        prop_assert_eq!(encode(&latencies), theirs);
    }

    #[test]
    fn each_reads_what_the_other_packed(latencies in latencies()) {
        let packed = pack(&latencies);
        let mut inflated = Vec::new();
        ZlibDecoder::new(&packed[PREFIX_BYTES..]).read_to_end(&mut inflated).unwrap();
        prop_assert_eq!(&inflated, &encode(&latencies));
        let theirs: Histogram<u64> = Deserializer::new().deserialize(&mut packed.as_slice()).unwrap();
        prop_assert_eq!(&theirs, &dense(&latencies));
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(&theirs, &mut bytes).unwrap();
        prop_assert_eq!(&bytes, &packed);
        prop_assert_eq!(unpack(&bytes).unwrap(), latencies);
    }

    #[test]
    fn any_number_is_read_as_it_was_put(number in any::<i64>()) {
        let mut bytes = Vec::new();
        put_number(&mut bytes, number);
        let mut rest = &bytes[..];
        prop_assert_eq!(take_number(&mut rest).unwrap(), number);
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn any_numbers_are_read_or_refused(numbers in prop::collection::vec(prop_oneof![-300i64..300, any::<i64>()], 0..60)) {
        let Ok(read) = unpack(&with_numbers(&numbers, |_| ())) else { return Ok(()) };
        prop_assert!(read.count() <= MOST_COUNTED);
        prop_assert_eq!(unpack(&pack(&read)).unwrap(), read);
    }

    #[test]
    fn a_changed_byte_is_no_panic(latencies in latencies(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut inflated = encode(&latencies);
        let at = at.index(inflated.len());
        inflated[at] = byte;
        let _ = unpack(&packed(&inflated));
    }
}
