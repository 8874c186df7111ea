//! The chunked transfer coding (RFC 9112, section 7.1), decoded in place and without a buffer.

use super::reader::ReadError;

/// Chunk extensions and trailers are read past; a sender gets this many bytes of them, each, and no more.
const OVERHEAD_LIMIT: usize = 64 * 1024;

/// Where in a chunked body the next byte falls.
#[derive(Debug)]
pub(super) struct Chunked {
    place: Place,
    /// Bytes of the extension or the trailers seen so far.
    overhead: usize,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    FirstDigit,
    Size(u64),
    /// Blanks between the size and its extension or line end.
    Padding(u64),
    Extension(u64),
    SizeLineFeed(u64),
    Data(u64),
    DataReturn,
    DataLineFeed,
    TrailerStart,
    Trailer,
    TrailerLineFeed,
    EndLineFeed,
    End,
}

/// One stretch of a chunked body.
pub(super) struct Piece<'a> {
    /// Bytes of the content, possibly none.
    pub(super) data: &'a [u8],
    /// Input not yet looked at.
    pub(super) rest: &'a [u8],
}

impl Chunked {
    pub(super) fn new() -> Self {
        Self {
            place: Place::FirstDigit,
            overhead: 0,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.place, Place::End)
    }

    /// Reads up to and including the next stretch of content, or as far as `input` goes.
    pub(super) fn next<'a>(&mut self, mut input: &'a [u8]) -> Result<Piece<'a>, ReadError> {
        while !self.is_done() {
            if let Place::Data(left) = self.place {
                let (data, rest) = input.split_at(fitting(left, input.len()));
                self.place = match left - data.len() as u64 {
                    0 => Place::DataReturn,
                    left => Place::Data(left),
                };
                return Ok(Piece { data, rest });
            }
            let Some((&byte, rest)) = input.split_first() else {
                break;
            };
            self.place = self.after(byte)?;
            input = rest;
        }
        Ok(Piece {
            data: &[],
            rest: input,
        })
    }

    /// The place that follows a byte which is not content.
    fn after(&mut self, byte: u8) -> Result<Place, ReadError> {
        Ok(match (self.place, byte) {
            (Place::SizeLineFeed(0) | Place::TrailerLineFeed, b'\n') => Place::TrailerStart,
            (Place::SizeLineFeed(size), b'\n') => Place::Data(size),
            (Place::DataLineFeed, b'\n') => Place::FirstDigit,
            (Place::EndLineFeed, b'\n') => Place::End,
            // A line ends in both; a line feed alone is how responses are smuggled.
            (_, b'\n') => return Err(ReadError::BadChunk),
            (Place::FirstDigit, digit) => Place::Size(hex(digit)?),
            (Place::Size(size) | Place::Padding(size), b' ' | b'\t') => {
                self.spend(Place::Padding(size))?
            }
            (Place::Size(size) | Place::Padding(size), b';') => {
                self.spend(Place::Extension(size))?
            }
            (Place::Size(size) | Place::Padding(size) | Place::Extension(size), b'\r') => {
                Place::SizeLineFeed(size)
            }
            (Place::Size(size), digit) => {
                Place::Size(size.checked_mul(16).ok_or(ReadError::BadChunk)? | hex(digit)?)
            }
            (Place::Extension(size), _) => self.spend(Place::Extension(size))?,
            (Place::DataReturn, b'\r') => Place::DataLineFeed,
            (Place::TrailerStart, b'\r') => Place::EndLineFeed,
            (Place::Trailer, b'\r') => Place::TrailerLineFeed,
            (Place::TrailerStart | Place::Trailer, _) => self.spend(Place::Trailer)?,
            _ => return Err(ReadError::BadChunk),
        })
    }

    fn spend(&mut self, next: Place) -> Result<Place, ReadError> {
        self.overhead += 1;
        if self.overhead > OVERHEAD_LIMIT {
            Err(ReadError::BadChunk)
        } else {
            Ok(next)
        }
    }
}

/// How many of `available` bytes belong to a stretch of `left`.
pub(super) fn fitting(left: u64, available: usize) -> usize {
    usize::try_from(left).map_or(available, |left| left.min(available))
}

fn hex(digit: u8) -> Result<u64, ReadError> {
    char::from(digit)
        .to_digit(16)
        .map(u64::from)
        .ok_or(ReadError::BadChunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(mut input: &[u8]) -> Result<(Vec<u8>, bool, usize), ReadError> {
        let mut chunked = Chunked::new();
        let mut content = Vec::new();
        while !input.is_empty() && !chunked.is_done() {
            let piece = chunked.next(input)?;
            content.extend_from_slice(piece.data);
            input = piece.rest;
        }
        Ok((content, chunked.is_done(), input.len()))
    }

    #[test]
    fn sizes_extensions_and_trailers_are_read_past() {
        for (input, content, done, surplus) in [
            (&b"0\r\n\r\n"[..], &b""[..], true, 0),
            (b"5\r\nhello\r\n0\r\n\r\n", b"hello", true, 0),
            (
                b"5;a=b\r\nhello\r\n0;last\r\nX: y\r\nZ: w\r\n\r\nHTTP",
                b"hello",
                true,
                4,
            ),
            (b"5 \t\r\nhello\r\n00000\r\n\r\n", b"hello", true, 0),
            (
                b"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n",
                b"01234567890123456789",
                false,
                0,
            ),
            (b"5\r\nhel", b"hel", false, 0),
        ] {
            assert_eq!(
                decode(input),
                Ok((content.to_vec(), done, surplus)),
                "{:?}",
                String::from_utf8_lossy(input)
            );
        }
    }

    #[test]
    fn what_is_not_a_chunk_is_refused() {
        for input in [
            &b"\r\n"[..],
            b"g\r\n",
            b"-1\r\n",
            b"5\nhello",
            b"5 5\r\n",
            b"5;a\nhello",
            b"5\r\nhelloX",
            b"5\r\nhello\r0",
            b"10000000000000000\r\n",
            b"0\r\nX: y\n\r\n",
            b"0\r\n\rX",
        ] {
            assert_eq!(
                decode(input),
                Err(ReadError::BadChunk),
                "{:?}",
                String::from_utf8_lossy(input)
            );
        }
    }

    #[test]
    fn an_endless_extension_or_trailer_is_cut_off() {
        for prefix in ["5;", "0\r\n"] {
            let input = format!("{prefix}{}", "x".repeat(OVERHEAD_LIMIT + 1));
            assert_eq!(decode(input.as_bytes()), Err(ReadError::BadChunk));
        }
    }
}
