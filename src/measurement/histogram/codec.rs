//! Latencies as bytes: `HdrHistogram`'s own V2 + deflate encoding, which its other tools read.
//!
//! A header, then a number for each counter: what it counted, or, below zero, how many in a row counted nothing. So the
//! bytes hold what [`Sparse`] holds, and go into it without a histogram in between.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::OnceLock;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::layout::{HIGHEST_US, LOWEST_US, Resolution};
use super::sparse::Sparse;

/// What the encoding begins with.
const PACKED_COOKIE: u32 = 0x1c84_9314;
/// What its inflated part begins with.
const COOKIE: u32 = 0x1c84_9313;
/// Cookie and length before the deflated part.
const PREFIX_BYTES: usize = 8;
/// Cookie, length, offset, digits, bounds and ratio at the start of the inflated part.
const HEADER_BYTES: usize = 40;
/// Bytes that a number takes at most.
const NUMBER_BYTES: usize = 9;
/// No honest histogram inflates to more: 9 bytes for each of its 22,000 counters.
const MOST_INFLATED: usize = 256 * 1024;
/// What is read of bytes is kept where it takes at most so many times as much: no hostile file makes us take more, and no
/// honest one comes near.
const MOST_KEPT: usize = 32;
/// Counters that most slices fill at most: what room is made for before they are read.
const USUAL_COUNTERS: usize = 2048;
/// More requests than any run sends, and few enough that sums over a run's histograms cannot overflow.
const MOST_COUNTED: u64 = 1 << 40;

/// A stored histogram that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("not a latency histogram: {0}")]
pub struct DecodeError(String);

/// Encoded latencies, with what was decoded of them.
#[derive(Clone)]
pub(super) struct Packed {
    count: u64,
    bytes: Box<[u8]>,
    /// Kept once it was read, so that nothing is read twice.
    read: OnceLock<Sparse>,
}

impl Packed {
    pub(super) fn from_sparse(latencies: &Sparse) -> Self {
        Self {
            count: latencies.count(),
            bytes: pack(latencies).into(),
            read: OnceLock::new(),
        }
    }

    /// Takes the bytes of latencies. Safe on hostile bytes.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let read = unpack(bytes)?;
        let packed = Self {
            count: read.count(),
            bytes: bytes.into(),
            read: OnceLock::new(),
        };
        packed.keep(read);
        Ok(packed)
    }

    fn keep(&self, read: Sparse) -> Cow<'_, Sparse> {
        if read.bytes() > MOST_KEPT * self.bytes.len() {
            return Cow::Owned(read);
        }
        Cow::Borrowed(self.read.get_or_init(|| read))
    }

    /// How many latencies there are.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the bytes say.
    pub(super) fn sparse(&self) -> Cow<'_, Sparse> {
        match self.read.get() {
            Some(read) => Cow::Borrowed(read),
            // Never fails: the bytes were read once, or are our own.
            None => {
                self.keep(unpack(&self.bytes).unwrap_or_else(|_| Sparse::new(Resolution::Fine)))
            }
        }
    }

    /// The bytes alone.
    pub(super) fn compacted(&self) -> Self {
        Self {
            count: self.count,
            bytes: self.bytes.clone(),
            read: OnceLock::new(),
        }
    }
}

thread_local! {
    /// Made once: a result holds thousands of histograms, and making this takes longer than reading one.
    static INFLATER: RefCell<Inflater> = RefCell::new(Inflater {
        stream: Decompress::new(true),
        inflated: vec![0; MOST_INFLATED].into(),
    });
    static DEFLATER: RefCell<Compress> = RefCell::new(Compress::new(Compression::default(), true));
}

struct Inflater {
    stream: Decompress,
    inflated: Box<[u8]>,
}

impl Inflater {
    /// The inflated bytes; what would be larger than any honest histogram is an error.
    fn inflate(&mut self, bytes: &[u8]) -> Result<&[u8], DecodeError> {
        self.stream.reset(true);
        let finish = FlushDecompress::Finish;
        match self.stream.decompress(bytes, &mut self.inflated, finish) {
            Ok(Status::StreamEnd) => {
                let length = usize::try_from(self.stream.total_out()).unwrap_or(usize::MAX);
                Ok(self.inflated.get(..length).unwrap_or_default())
            }
            Ok(Status::Ok | Status::BufError) => Err(wrong("it is cut short or too large")),
            Err(error) => Err(wrong(&error.to_string())),
        }
    }
}

/// The bytes of latencies: some hundred instead of 168 kB.
pub(super) fn pack(latencies: &Sparse) -> Vec<u8> {
    let inflated = encode(latencies);
    // Room for what cannot be made smaller: deflate adds five bytes to a block, zlib six to all.
    let mut packed = Vec::with_capacity(PREFIX_BYTES + inflated.len() + inflated.len() / 1000 + 64);
    packed.extend(PACKED_COOKIE.to_be_bytes());
    packed.extend([0; 4]);
    DEFLATER.with_borrow_mut(|stream| {
        stream.reset();
        loop {
            let done = usize::try_from(stream.total_in()).unwrap_or(usize::MAX);
            let rest = inflated.get(done..).unwrap_or_default();
            match stream.compress_vec(rest, &mut packed, FlushCompress::Finish) {
                // Only where there was not room enough after all.
                Ok(Status::Ok | Status::BufError) => packed.reserve(inflated.len()),
                // Never an error: the stream is used in no wrong order.
                Ok(Status::StreamEnd) | Err(_) => break,
            }
        }
    });
    let length = u32::try_from(packed.len() - PREFIX_BYTES).unwrap_or(u32::MAX);
    packed[4..PREFIX_BYTES].copy_from_slice(&length.to_be_bytes());
    packed
}

/// Reads what [`pack`] wrote. Safe on hostile bytes: what is inflated and counted is bounded.
pub(super) fn unpack(bytes: &[u8]) -> Result<Sparse, DecodeError> {
    let mut rest = bytes;
    if take(&mut rest)? != PACKED_COOKIE {
        return Err(wrong("it has another encoding"));
    }
    if usize::try_from(take(&mut rest)?).ok() != Some(rest.len()) {
        return Err(wrong("its length is wrong"));
    }
    INFLATER.with_borrow_mut(|inflater| decode(inflater.inflate(rest)?))
}

fn encode(latencies: &Sparse) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + 256);
    bytes.extend(COOKIE.to_be_bytes());
    bytes.extend([0; 8]);
    bytes.extend(u32::from(latencies.resolution().digits()).to_be_bytes());
    bytes.extend(LOWEST_US.to_be_bytes());
    bytes.extend(HIGHEST_US.to_be_bytes());
    bytes.extend(1_f64.to_be_bytes());
    let mut next = 0;
    for (counter, count) in latencies.counters() {
        let empty = i64::from(counter - next);
        match empty {
            0 => {}
            1 => put_number(&mut bytes, 0),
            _ => put_number(&mut bytes, -empty),
        }
        put_number(&mut bytes, i64::try_from(count).unwrap_or(i64::MAX));
        next = counter + 1;
    }
    if next == 0 {
        put_number(&mut bytes, 0);
    }
    let length = u32::try_from(bytes.len() - HEADER_BYTES).unwrap_or(u32::MAX);
    bytes[4..8].copy_from_slice(&length.to_be_bytes());
    bytes
}

fn decode(inflated: &[u8]) -> Result<Sparse, DecodeError> {
    let mut rest = inflated;
    let (resolution, length) = take_header(&mut rest)?;
    let mut rest = rest
        .get(..length)
        .ok_or_else(|| wrong("its counts are cut short"))?;
    // Of most slices a counter that counted takes a byte, and the gap before it one or two.
    let mut latencies = Sparse::with_capacity(resolution, length.div_ceil(2).min(USUAL_COUNTERS));
    let mut counter = 0_u32;
    while !rest.is_empty() {
        let number = take_number(&mut rest)?;
        let step = if number < 0 { number.unsigned_abs() } else { 1 };
        let next = u64::from(counter) + step.min(u64::from(u32::MAX));
        let next = u32::try_from(next).unwrap_or(u32::MAX);
        if next > resolution.counters() {
            return Err(wrong("it has counts outside its bounds"));
        }
        if number > 0 {
            let count = number.unsigned_abs();
            if count > MOST_COUNTED - latencies.count() {
                return Err(wrong("it counts more requests than any run sends"));
            }
            latencies.push(counter, count);
        }
        counter = next;
    }
    latencies.fit();
    Ok(latencies)
}

/// Refuses a header whose bounds are not ours, which say what each counter takes.
fn take_header(bytes: &mut &[u8]) -> Result<(Resolution, usize), DecodeError> {
    if take(bytes)? != COOKIE {
        return Err(wrong("it has another encoding"));
    }
    let length = usize::try_from(take(bytes)?).unwrap_or(usize::MAX);
    let offset = take(bytes)?;
    let digits = u64::from(take(bytes)?);
    let [lowest, highest, _ratio] = [take_long(bytes)?, take_long(bytes)?, take_long(bytes)?];
    let resolution = Resolution::from_digits(digits)
        .ok_or_else(|| wrong("it has a resolution that loadgate does not write"))?;
    if (lowest, highest, offset) != (LOWEST_US, HIGHEST_US, 0) {
        return Err(wrong("it has bounds that loadgate does not write"));
    }
    Ok((resolution, length))
}

fn take(bytes: &mut &[u8]) -> Result<u32, DecodeError> {
    let (number, rest) = bytes
        .split_first_chunk()
        .ok_or_else(|| wrong("its header is cut short"))?;
    *bytes = rest;
    Ok(u32::from_be_bytes(*number))
}

fn take_long(bytes: &mut &[u8]) -> Result<u64, DecodeError> {
    Ok(u64::from(take(bytes)?) << 32 | u64::from(take(bytes)?))
}

/// A whole number of `HdrHistogram`'s: seven bits a byte, the lowest first, the sign in the lowest bit of all.
fn take_number(bytes: &mut &[u8]) -> Result<i64, DecodeError> {
    let mut number = 0_u64;
    for place in 0..NUMBER_BYTES {
        let (byte, rest) = bytes
            .split_first()
            .ok_or_else(|| wrong("it ends within a number"))?;
        *bytes = rest;
        // The last byte has no mark of another to follow, and so one bit more.
        let is_last = place + 1 == NUMBER_BYTES;
        let bits = if is_last { *byte } else { byte & 0x7f };
        number |= u64::from(bits) << (7 * place);
        if is_last || byte & 0x80 == 0 {
            break;
        }
    }
    let magnitude = (number >> 1).cast_signed();
    Ok(if number & 1 == 1 {
        -magnitude - 1
    } else {
        magnitude
    })
}

fn put_number(bytes: &mut Vec<u8>, number: i64) {
    let mut rest = (number << 1 ^ number >> 63).cast_unsigned();
    for _ in 1..NUMBER_BYTES {
        let [low, ..] = rest.to_le_bytes();
        if rest < 0x80 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
        rest >>= 7;
    }
    let [low, ..] = rest.to_le_bytes();
    bytes.push(low);
}

pub(super) fn wrong(why: &str) -> DecodeError {
    DecodeError(why.to_owned())
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
