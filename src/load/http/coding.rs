//! Bodies as they were before the server packed them, for steps that read them. Pure, and bounded: a small body can unpack
//! to any size.

use std::io::{self, Read};

use brotli_decompressor::Decompressor;
use flate2::read::{MultiGzDecoder, ZlibDecoder};

/// What brotli reads at a time.
const BROTLI_BUFFER: usize = 4096;

/// Why a body cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum CodingError {
    /// A coding that is not known here.
    #[error(
        "the body of the answer is packed as '{0}', and only gzip, br and deflate are read: leave it out of Accept-Encoding"
    )]
    Unknown(String),
    /// The body is not what its coding says.
    #[error("the body of the answer is no valid {coding}")]
    Broken {
        /// The coding.
        coding: String,
        /// Why.
        source: io::Error,
    },
    /// More than the bound.
    #[error("the body of the answer unpacks to more than the bound of {0} bytes")]
    TooLarge(usize),
}

/// Unpacks a body by the value of its `Content-Encoding`: the codings in the order in which they were applied. No result
/// is longer than `bound` bytes.
pub fn unpacked(mut body: Vec<u8>, codings: &str, bound: usize) -> Result<Vec<u8>, CodingError> {
    let applied: Vec<&str> = codings.split(',').map(str::trim).collect();
    for coding in applied.into_iter().rev() {
        body = match coding.to_ascii_lowercase().as_str() {
            "" | "identity" => body,
            "gzip" | "x-gzip" => read(MultiGzDecoder::new(body.as_slice()), coding, bound)?,
            "deflate" => read(ZlibDecoder::new(body.as_slice()), coding, bound)?,
            "br" => {
                let packed = Decompressor::new(body.as_slice(), BROTLI_BUFFER);
                read(packed, coding, bound)?
            }
            _ => return Err(CodingError::Unknown(coding.to_owned())),
        };
    }
    Ok(body)
}

fn read(from: impl Read, coding: &str, bound: usize) -> Result<Vec<u8>, CodingError> {
    let mut body = Vec::new();
    // One byte more than the bound tells a body of its length from a longer one.
    let one_more = (bound as u64).saturating_add(1);
    from.take(one_more)
        .read_to_end(&mut body)
        .map_err(|source| CodingError::Broken {
            coding: coding.to_owned(),
            source,
        })?;
    if body.len() > bound {
        return Err(CodingError::TooLarge(bound));
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
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

    /// "hello" as one brotli meta-block of uncompressed data (RFC 7932, section 9.2).
    const BROTLI_HELLO: [u8; 9] = [0x0b, 0x02, 0x80, b'h', b'e', b'l', b'l', b'o', 0x03];

    #[test]
    fn codings_are_undone_in_reverse() {
        let body = b"{\"a\":1}".repeat(20);
        for (packed, codings) in [
            (body.clone(), ""),
            (body.clone(), "identity"),
            (gzip(&body), "GZIP"),
            (zlib(&body), "deflate"),
            (gzip(&zlib(&body)), "deflate, gzip"),
        ] {
            assert_eq!(unpacked(packed, codings, 1000).unwrap(), body, "{codings}");
        }
        assert_eq!(unpacked(BROTLI_HELLO.to_vec(), "br", 5).unwrap(), b"hello");
    }

    #[test]
    fn a_bomb_stops_at_the_bound() {
        let bomb = gzip(&vec![0; 10_000_000]);
        assert!(bomb.len() < 100_000);
        let error = unpacked(bomb, "gzip", 1 << 20).unwrap_err();
        assert!(matches!(error, CodingError::TooLarge(_)));
        assert!(unpacked(gzip(&[0; 1000]), "gzip", 1000).is_ok());
        assert!(unpacked(gzip(&[0; 1001]), "gzip", 1000).is_err());
    }

    #[test]
    fn what_is_broken_or_unknown_says_so() {
        for (body, coding, part) in [
            (b"no gzip".to_vec(), "gzip", "no valid gzip"),
            (gzip(b"cut")[..8].to_vec(), "gzip", "no valid gzip"),
            (b"x".to_vec(), "zstd", "'zstd'"),
            (vec![0xff; 10], "br", "no valid br"),
        ] {
            let error = unpacked(body, coding, 1000).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            for coding in ["gzip", "deflate", "br"] {
                if let Ok(read) = unpacked(body.clone(), coding, 1000) {
                    prop_assert!(read.len() <= 1000);
                }
            }
        }
    }
}
