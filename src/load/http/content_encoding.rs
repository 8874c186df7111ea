//! Bodies as they were before the server packed them, for steps that read them. Pure, and bounded: a small body can unpack
//! to any size.
//!
//! What browsers and curl read is read here: raw deflate for `deflate`, several members of gzip and whatever follows the
//! last, and a body under a name that is not a coding (`UTF-8`, `none`) as it is.

use std::io::{self, Read};

use brotli_decompressor::Decompressor;
use flate2::bufread::GzDecoder;
use flate2::read::{DeflateDecoder, ZlibDecoder};
use flate2::{Decompress, FlushDecompress, Status};

/// What brotli reads at a time.
const BROTLI_BUFFER: usize = 4096;

/// Codings of one body at most. More than two are never meant.
const MOST_LAYERS: usize = 4;

/// Registered codings that are not read here (the registry is that of RFC 9110, section 16.6.1). Any other name is not a
/// coding, and says nothing about the body.
const UNREAD: [&str; 8] = [
    "zstd",
    "compress",
    "x-compress",
    "dcb",
    "dcz",
    "exi",
    "pack200-gzip",
    "aes128gcm",
];

/// What is inflated at a time.
const INFLATED: usize = 32 * 1024;

/// How a member of gzip begins.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Why a body cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum CodingError {
    /// A coding that is not read here.
    #[error(
        "the response body is encoded as '{0}', which loadgate cannot decode; accept only gzip, br and deflate in Accept-Encoding"
    )]
    Unread(String),
    /// More codings than are meant.
    #[error("the response body is encoded {0} times, but loadgate decodes at most {MOST_LAYERS}")]
    TooMany(usize),
    /// The body is not what its coding says.
    #[error("the response body is not valid {coding}")]
    Broken {
        /// The coding.
        coding: String,
        /// Why.
        source: io::Error,
    },
    /// More than the bound.
    #[error("the decoded response body is larger than {0} bytes")]
    TooLarge(usize),
}

/// How a body is packed.
#[derive(Clone, Copy)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
}

/// Unpacks a body by the value of its `Content-Encoding`: the codings in the order in which they were applied. No result
/// is longer than `bound` bytes.
pub fn decode(mut body: Vec<u8>, codings: &str, bound: usize) -> Result<Vec<u8>, CodingError> {
    let mut applied = Vec::new();
    for name in codings.split(',').map(str::trim_ascii) {
        match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => applied.push((Coding::Gzip, name)),
            "deflate" => applied.push((Coding::Deflate, name)),
            "br" => applied.push((Coding::Brotli, name)),
            unread if UNREAD.contains(&unread) => return Err(CodingError::Unread(name.to_owned())),
            _ => {}
        }
    }
    if applied.len() > MOST_LAYERS {
        return Err(CodingError::TooMany(applied.len()));
    }
    for (coding, name) in applied.into_iter().rev() {
        // Nothing is nothing, whatever it is said to be packed as.
        if !body.is_empty() {
            body = coding.decode(&body, name, bound)?;
        }
    }
    Ok(body)
}

impl Coding {
    fn decode(self, packed: &[u8], name: &str, bound: usize) -> Result<Vec<u8>, CodingError> {
        let unpacked = match self {
            Self::Gzip => decode_gzip(packed, bound),
            // RFC 9110 means zlib; some servers send the bare stream.
            Self::Deflate => read(ZlibDecoder::new(packed), bound)
                .or_else(|error| read(DeflateDecoder::new(packed), bound).map_err(|_| error)),
            Self::Brotli => read(Decompressor::new(packed, BROTLI_BUFFER), bound),
        };
        let body = unpacked.map_err(|source| CodingError::Broken {
            coding: name.to_owned(),
            source,
        })?;
        if body.len() > bound {
            return Err(CodingError::TooLarge(bound));
        }
        Ok(body)
    }
}

/// All members of gzip, one behind the other. What follows the last is padding.
fn decode_gzip(mut packed: &[u8], bound: usize) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let left = bound.saturating_sub(body.len());
        let mut member = GzDecoder::new(packed);
        match read(&mut member, left) {
            Ok(mut content) => body.append(&mut content),
            Err(error) => {
                let content = without_trailer(packed, left).ok_or(error)?;
                return Ok([body, content].concat());
            }
        }
        packed = member.into_inner();
        if body.len() > bound || !packed.starts_with(&GZIP_MAGIC) {
            return Ok(body);
        }
    }
}

/// The content of a member of gzip that ends within its trailer of eight bytes, after the end of its deflate stream: curl and
/// browsers read it.
fn without_trailer(member: &[u8], bound: usize) -> Option<Vec<u8>> {
    const TRAILER: usize = 8;
    // The decoder has read the head.
    let mut rest = GzDecoder::new(member).into_inner();
    let mut inflate = Decompress::new(false);
    let mut body = Vec::new();
    loop {
        body.reserve(INFLATED);
        let before = (inflate.total_in(), inflate.total_out());
        let status = inflate.decompress_vec(rest, &mut body, FlushDecompress::None);
        let taken = usize::try_from(inflate.total_in() - before.0).ok()?;
        rest = &rest[taken..];
        let is_stuck = before == (inflate.total_in(), inflate.total_out());
        match status.ok()? {
            Status::StreamEnd => return (rest.len() < TRAILER).then_some(body),
            // The caller refuses it.
            Status::Ok | Status::BufError if body.len() > bound => return Some(body),
            Status::Ok | Status::BufError if is_stuck => return None,
            Status::Ok | Status::BufError => {}
        }
    }
}

/// What can be read, but no more than one byte beyond the bound, which shows that there is more.
fn read(from: impl Read, bound: usize) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    let one_more = (bound as u64).saturating_add(1);
    from.take(one_more).read_to_end(&mut body)?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(body).unwrap();
        packer.finish().unwrap()
    }

    fn zlib(body: &[u8]) -> Vec<u8> {
        let mut packer = ZlibEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(body).unwrap();
        packer.finish().unwrap()
    }

    fn deflate(body: &[u8]) -> Vec<u8> {
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(body).unwrap();
        packer.finish().unwrap()
    }

    /// "hello" as one brotli meta-block of uncompressed data (RFC 7932, section 9.2).
    const BROTLI_HELLO: [u8; 9] = [0x0b, 0x02, 0x80, b'h', b'e', b'l', b'l', b'o', 0x03];

    #[test]
    fn codings_are_undone_in_reverse() {
        let body = b"{\"a\":1}".repeat(20);
        for (packed, codings) in [
            (body.clone(), ""),
            (body.clone(), "identity"),
            (gzip(&body), "GZIP"),
            (gzip(&body), "x-gzip"),
            (zlib(&body), "deflate"),
            (deflate(&body), "Deflate"),
            (gzip(&zlib(&body)), "deflate, gzip"),
            (gzip(&deflate(&body)), "identity,deflate , UTF-8,, gzip"),
            // As PHP, nginx and proxies write them.
            ([gzip(&body), vec![0; 8]].concat(), "gzip"),
            ([gzip(&body), b"\r\n".to_vec()].concat(), "gzip"),
            ([gzip(&body[..20]), gzip(&body[20..])].concat(), "gzip"),
            ([zlib(&body), vec![0; 8]].concat(), "deflate"),
            (body.clone(), "UTF-8"),
            (body.clone(), "none"),
            (body.clone(), "binary, utf8"),
            (body.clone(), "aws-chunked"),
            (gzip(&gzip(&gzip(&gzip(&body)))), "gzip,gzip,gzip,gzip"),
        ] {
            assert_eq!(decode(packed, codings, 1000).unwrap(), body, "{codings}");
        }
        assert_eq!(decode(BROTLI_HELLO.to_vec(), "br", 5).unwrap(), b"hello");
        for coding in ["gzip", "deflate", "br", "gzip, br"] {
            assert_eq!(decode(Vec::new(), coding, 5).unwrap(), b"", "{coding}");
        }
    }

    #[test]
    fn a_gzip_that_is_cut_within_its_trailer_is_read() {
        let body = b"{\"a\":1}".repeat(20_000);
        let named = flate2::GzBuilder::new()
            .filename("a.json")
            .comment("x")
            .extra(b"yz".to_vec());
        let mut named = named.write(Vec::new(), Compression::fast());
        named.write_all(&body).unwrap();
        for packed in [gzip(&body), named.finish().unwrap()] {
            for cut in 1..=8 {
                let part = packed[..packed.len() - cut].to_vec();
                assert_eq!(
                    decode(part.clone(), "gzip", 1 << 20).unwrap(),
                    body,
                    "{cut}"
                );
                assert!(decode(part, "gzip", 1000).is_err());
            }
            let part = packed[..packed.len() - 9].to_vec();
            assert!(decode(part, "gzip", 1 << 20).is_err());
            // A trailer that is whole and wrong is no cut.
            let mut wrong = packed;
            *wrong.last_mut().unwrap() ^= 1;
            assert!(decode(wrong, "gzip", 1 << 20).is_err());
        }
        let parts = [gzip(&body[..40]), gzip(&body[40..])].concat();
        assert_eq!(
            decode(parts[..parts.len() - 3].to_vec(), "gzip", 1 << 20).unwrap(),
            body
        );
    }

    #[test]
    fn layers_and_members_have_a_bound() {
        let codings = ["gzip"; MOST_LAYERS + 1].join(",");
        let packed = (0..=MOST_LAYERS).fold(b"x".to_vec(), |body, _| gzip(&body));
        let error = decode(packed, &codings, 1000).unwrap_err();
        assert!(matches!(error, CodingError::TooMany(5)), "{error}");
        let error = decode(gzip(b"hello").repeat(201), "gzip", 1000).unwrap_err();
        assert!(matches!(error, CodingError::TooLarge(1000)), "{error}");
        assert!(decode(gzip(b"hello").repeat(200), "gzip", 1000).is_ok());
    }

    #[test]
    fn a_bomb_stops_at_the_bound() {
        let bomb = gzip(&vec![0; 10_000_000]);
        assert!(bomb.len() < 100_000);
        let error = decode(bomb, "gzip", 1 << 20).unwrap_err();
        assert!(matches!(error, CodingError::TooLarge(_)));
        assert!(decode(gzip(&[0; 1000]), "gzip", 1000).is_ok());
        assert!(decode(gzip(&[0; 1001]), "gzip", 1000).is_err());
    }

    #[test]
    fn what_is_broken_or_unknown_says_so() {
        for (body, codings, named) in [
            (b"no gzip".to_vec(), "gzip", Some("gzip")),
            (gzip(b"cut")[..8].to_vec(), "gzip", Some("gzip")),
            (
                [gzip(b"a"), b"\x1f\x8bx".to_vec()].concat(),
                "gzip",
                Some("gzip"),
            ),
            (zlib(b"cut")[..6].to_vec(), "deflate", Some("deflate")),
            (b"not deflate".to_vec(), "deflate", Some("deflate")),
            (vec![0xff; 10], "br", Some("br")),
            (b"x".to_vec(), "zstd", None),
            (gzip(b"x"), "Compress, gzip", None),
        ] {
            match (decode(body, codings, 1000).unwrap_err(), named) {
                (CodingError::Broken { coding, .. }, Some(named)) => assert_eq!(coding, named),
                (CodingError::Unread(coding), None) => assert!(codings.contains(&coding)),
                (error, _) => panic!("{codings}: {error}"),
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            for coding in ["gzip", "deflate", "br"] {
                if let Ok(read) = decode(body.clone(), coding, 1000) {
                    prop_assert!(read.len() <= 1000);
                }
            }
        }
    }
}
