//! Single requests, kept only for what is joined with the target's own log later.

use std::fmt;

use super::Arm;

/// The id that a response carries: a UUID, or up to 16 characters of ASCII.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId([u8; 16]);

/// Places of the hyphens in a UUID.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

impl RequestId {
    /// Reads an id. None if it is neither a UUID nor 1 to 16 printable characters of ASCII.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        if text.len() == 36 {
            return Self::parse_uuid(text);
        }
        let is_short = (1..=16).contains(&text.len()) && text.iter().all(u8::is_ascii_graphic);
        let mut id = [0; 16];
        is_short.then(|| {
            id[..text.len()].copy_from_slice(text);
            Self(id)
        })
    }

    fn parse_uuid(text: &[u8]) -> Option<Self> {
        let is_hyphen = |(index, byte): (usize, &u8)| HYPHENS.contains(&index) == (*byte == b'-');
        if !text.iter().enumerate().all(is_hyphen) {
            return None;
        }
        let digits = text.iter().filter(|byte| **byte != b'-');
        let mut digits = digits.map(|byte| char::from(*byte).to_digit(16));
        let mut id = [0; 16];
        for byte in &mut id {
            let (high, low) = (digits.next()??, digits.next()??);
            *byte = u8::try_from(high * 16 + low).ok()?;
        }
        Some(Self(id))
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// As it came: bytes that cannot be short text are those of a UUID.
impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(16);
        let (text, rest) = self.0.split_at(end);
        let is_text = !text.is_empty()
            && text.iter().all(u8::is_ascii_graphic)
            && rest.iter().all(|byte| *byte == 0);
        if is_text {
            return f.write_str(&String::from_utf8_lossy(text));
        }
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// The root of a trace of X-Ray, `1-<seconds>-<number>` in hex. It is the same at every service that the trace passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceRoot {
    seconds: u32,
    number: [u8; 12],
}

impl TraceRoot {
    /// The root of a trace that began in this second of Unix time.
    pub fn new(seconds: u32, number: [u8; 12]) -> Self {
        Self { seconds, number }
    }

    /// Reads a root. None if it has another form.
    pub fn parse(text: &str) -> Option<Self> {
        let (seconds, digits) = text.strip_prefix("1-")?.split_once('-')?;
        let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let fits = (seconds.len(), digits.len()) == (8, 24) && is_hex(seconds) && is_hex(digits);
        // The last 24 digits are the low 96 bits.
        let [_, _, _, _, number @ ..] = u128::from_str_radix(digits, 16).ok()?.to_be_bytes();
        fits.then_some(Self {
            seconds: u32::from_str_radix(seconds, 16).ok()?,
            number,
        })
    }
}

impl fmt::Display for TraceRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1-{:08x}-", self.seconds)?;
        let mut digits = self.number.iter();
        digits.try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A request that was sent with the root of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentTrace {
    /// The id in its response.
    pub id: RequestId,
    /// The root.
    pub root: TraceRoot,
}

/// One request whose response has an id. 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentRequest {
    /// The id in its response.
    pub id: RequestId,
    /// The deployment that responded.
    pub arm: Arm,
    /// Status of the response.
    pub status: u16,
    /// Index of the request name.
    pub request: u16,
    /// Index of its slice among those of its arm.
    pub slice: u16,
    /// From sending to the end of the response, in microseconds.
    pub service_us: u32,
    /// From when it was due to the end of the response, in microseconds.
    pub latency_us: u32,
    /// Whether it counts as a success.
    pub succeeded: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_and_written_as_they_came() {
        for id in [
            "24ad3a6f-9f3e-4c55-8f6a-0123456789ab",
            "ALt0lgP-IAMEZPA=",
            "x",
        ] {
            assert_eq!(RequestId::parse(id).unwrap().to_string(), id);
        }
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "has a blank",
            "seventeen-letters",
            "24ad3a6f-9f3e-4c55-8f6a-0123456789ag",
            "24ad3a6f09f3e-4c55-8f6a-0123456789ab",
            "24ad3a6fé9f3e-4c55-8f6a-0123456789a",
        ] {
            assert_eq!(RequestId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn roots_of_traces_are_read_and_written_as_they_came() {
        let root = "1-66d978e5-00123456789abcdef0123456";
        assert_eq!(TraceRoot::parse(root).unwrap().to_string(), root);
        for text in [
            "",
            "1-66d978e5",
            "2-66d978e5-00123456789abcdef0123456",
            "1-66d978e5-00123456789abcdef012345",
            "1-66d978e5-+0123456789abcdef0123456",
            "1-+6d978e5-00123456789abcdef0123456",
            "1-66d978e-500123456789abcdef0123456",
            "1-66d978e5-\u{e9}0123456789abcdef01234",
        ] {
            assert_eq!(TraceRoot::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_request_takes_32_bytes() {
        assert!(size_of::<SentRequest>() <= 32);
    }
}
