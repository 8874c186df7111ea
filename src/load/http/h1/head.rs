//! The head of a response: its status, how long its body is, and whether the connection lives on (RFC 9112, 6.3 and 9.3).

use std::mem::MaybeUninit;

use httparse::{Error, Header, ParserConfig, Response, Status};

use super::reader::ReadError;
use crate::load::http::response::{Expected, LOCATION, SHOWN, redirects};

/// Room on the stack for the headers of all but the oddest response; more get one larger try.
const USUAL_HEADERS: usize = 100;
const MOST_HEADERS: usize = 256;

/// A head that was read whole.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) framing: Framing,
    pub(super) keep_alive: bool,
    /// Values of the wanted headers with their place in `Expected::headers`, in the order of arrival.
    pub(super) values: Vec<(usize, Vec<u8>)>,
    /// Bytes of the input that the head took.
    pub(super) length: usize,
}

/// What tells where the body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Nothing,
    Length(u64),
    Chunked,
    UntilClose,
}

/// The head that was read last, to know it again: until its clock ticks, a server often starts one response as it did the
/// one before, and comparing bytes costs far less than reading them.
#[derive(Debug, Default)]
pub struct LastHead(Option<(Vec<u8>, Head)>);

impl LastHead {
    /// As [`parse`].
    pub(super) fn parse(
        &mut self,
        bytes: &[u8],
        expected: &Expected<'_>,
    ) -> Result<Option<Head>, ReadError> {
        // What else is expected decides what is read.
        if expected.head_only || expected.every_header || !expected.headers.is_empty() {
            return parse(bytes, expected);
        }
        if let Some((last, head)) = &self.0
            && bytes.starts_with(last)
        {
            return Ok(Some(head.clone()));
        }
        let head = parse(bytes, expected)?;
        // Of a redirect it depends on who asks what is read.
        if let Some(head) = head.as_ref().filter(|head| !redirects(head.status)) {
            let (last, of) = self.0.get_or_insert_with(|| (Vec::new(), head.clone()));
            last.clear();
            last.extend_from_slice(&bytes[..head.length]);
            of.clone_from(head);
        }
        Ok(head)
    }
}

/// Parses the head at the start of `bytes`; `None` where it is not whole yet.
pub(super) fn parse(bytes: &[u8], expected: &Expected<'_>) -> Result<Option<Head>, ReadError> {
    let mut headers = [const { MaybeUninit::uninit() }; USUAL_HEADERS];
    match parse_within(bytes, &mut headers, expected) {
        Err(ReadError::TooManyHeaders) => parse_crowded(bytes, expected),
        parsed => parsed,
    }
}

#[cold]
fn parse_crowded(bytes: &[u8], expected: &Expected<'_>) -> Result<Option<Head>, ReadError> {
    parse_within(
        bytes,
        &mut vec![MaybeUninit::uninit(); MOST_HEADERS],
        expected,
    )
}

fn parse_within<'b>(
    bytes: &'b [u8],
    headers: &mut [MaybeUninit<Header<'b>>],
    expected: &Expected<'_>,
) -> Result<Option<Head>, ReadError> {
    let mut response = Response::new(&mut []);
    let mut config = ParserConfig::default();
    // A line that continues the one before is to be read (RFC 9112, section 5.2), more than one blank in the status
    // line may be (section 4).
    config.allow_obsolete_multiline_headers_in_responses(true);
    config.allow_multiple_spaces_in_response_status_delimiters(true);
    let parsed = config.parse_response_with_uninit_headers(&mut response, bytes, headers);
    let length = match parsed {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(Error::TooManyHeaders) => return Err(ReadError::TooManyHeaders),
        Err(
            Error::HeaderName
            | Error::HeaderValue
            | Error::NewLine
            | Error::Status
            | Error::Token
            | Error::Version,
        ) => return Err(ReadError::BadHead),
    };
    let status = response.code.ok_or(ReadError::BadHead)?;
    let mut fields = Fields::gather(response.headers, expected);
    if expected.location && redirects(status) {
        fields.note_location(response.headers);
    }
    let old = response.version == Some(0);
    let framing = fields.framing(status, expected)?;
    Ok(Some(Head {
        status,
        framing,
        keep_alive: fields.keep_alive(old) && framing != Framing::UntilClose,
        values: fields.values,
        length,
    }))
}

/// The header fields that matter here.
#[derive(Default)]
struct Fields {
    length: Length,
    coding: Coding,
    says_close: bool,
    says_keep_alive: bool,
    values: Vec<(usize, Vec<u8>)>,
    /// The transfer codings, where some are to be undone beside the chunks.
    transfer: Vec<u8>,
}

/// The length of the body, as far as it is told.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Length {
    #[default]
    Absent,
    Stated(u64),
    /// Not a number, or several that differ.
    Bad,
}

/// The transfer codings, as far as they decide where the body ends.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Coding {
    #[default]
    Absent,
    ChunkedLast,
    Other,
    /// Something was applied after chunked, which hides where the body ends.
    Bad,
}

impl Fields {
    fn gather(headers: &[Header<'_>], expected: &Expected<'_>) -> Self {
        let mut fields = Self::default();
        for header in headers {
            let name = header.name.as_bytes();
            if is(name, b"connection") {
                fields.connection(header.value);
            } else if is(name, b"content-length") {
                fields.content_length(header.value);
            } else if is(name, b"transfer-encoding") {
                fields.transfer_encoding(header.value);
            }
            for (place, wanted) in expected.headers.iter().enumerate() {
                if wanted.eq_ignore_ascii_case(header.name) {
                    fields.values.push((place, unfolded(header.value)));
                }
            }
            if expected.every_header {
                let line = [name, b": ", &unfolded(header.value)].concat();
                fields.values.push((SHOWN, line));
            }
        }
        fields.note_transfer(expected);
        fields
    }

    /// Adds transfer codings to those of the content, which they were applied after.
    fn note_transfer(&mut self, expected: &Expected<'_>) {
        if self.transfer.is_empty() {
            return;
        }
        let mut wanted = expected.headers.iter();
        if let Some(place) = wanted.position(|own| own == "content-encoding") {
            self.values
                .push((place, std::mem::take(&mut self.transfer)));
        }
    }

    /// Notes where a redirect leads.
    fn note_location(&mut self, headers: &[Header<'_>]) {
        let locations = headers
            .iter()
            .filter(|header| is(header.name.as_bytes(), b"location"));
        // Browsers and curl pass over an empty one.
        let location = locations
            .map(|header| unfolded(header.value))
            .find(|location| !location.is_empty());
        self.values
            .extend(location.map(|location| (LOCATION, location)));
    }

    fn connection(&mut self, value: &[u8]) {
        for option in list(value) {
            self.says_close |= is(option, b"close");
            self.says_keep_alive |= is(option, b"keep-alive");
        }
    }

    /// Equal repetitions are one length, as section 6.3 allows; anything else is a lie about where the body ends.
    fn content_length(&mut self, value: &[u8]) {
        for item in value.split(|&byte| byte == b',') {
            let stated = decimal(item.trim_ascii()).map_or(Length::Bad, Length::Stated);
            self.length = match self.length {
                Length::Absent => stated,
                earlier if earlier == stated => stated,
                Length::Stated(_) | Length::Bad => Length::Bad,
            };
        }
    }

    /// Chunked is read if it is the last. Said twice it counts once: proxies repeat the line, and curl and browsers read
    /// it so. `identity`, of the first HTTP/1.1, is not a coding.
    fn transfer_encoding(&mut self, value: &[u8]) {
        for coding in list(value).filter(|coding| !is(coding, b"identity")) {
            if !is(coding, b"chunked") {
                self.transfer.extend_from_slice(b",");
                self.transfer.extend_from_slice(coding);
            }
            self.coding = match (self.coding, is(coding, b"chunked")) {
                (Coding::Bad, _) | (Coding::ChunkedLast, false) => Coding::Bad,
                (_, true) => Coding::ChunkedLast,
                (Coding::Absent | Coding::Other, false) => Coding::Other,
            };
        }
    }

    /// Where the body ends, by the order of section 6.3: what has no body may say what it likes of its length, and so may
    /// what is chunked.
    fn framing(&self, status: u16, expected: &Expected<'_>) -> Result<Framing, ReadError> {
        if expected.head_only || status < 200 || status == 204 || status == 304 {
            return Ok(Framing::Nothing);
        }
        Ok(match (self.coding, self.length) {
            (Coding::Bad, _) | (Coding::Absent, Length::Bad) => return Err(ReadError::BadLength),
            (Coding::ChunkedLast, _) => Framing::Chunked,
            (Coding::Other, _) | (Coding::Absent, Length::Absent) => Framing::UntilClose,
            (Coding::Absent, Length::Stated(0)) => Framing::Nothing,
            (Coding::Absent, Length::Stated(length)) => Framing::Length(length),
        })
    }

    /// Whoever sends both a coding and a length, or a coding under HTTP/1.0, may have been tampered with: the response is
    /// read by its coding and the connection is closed after it (section 6.1).
    fn keep_alive(&self, old: bool) -> bool {
        let is_coded = self.coding != Coding::Absent;
        let doubtful = is_coded && (self.length != Length::Absent || old);
        !self.says_close && !doubtful && (!old || self.says_keep_alive)
    }
}

/// Whether it is this word in lower case, in any case. By length first, since most are not, and then without a branch per
/// byte.
fn is<const LENGTH: usize>(word: &[u8], lower: &[u8; LENGTH]) -> bool {
    word.len() == LENGTH
        && word.iter().zip(lower).fold(true, |same, (byte, lower)| {
            same & (byte.to_ascii_lowercase() == *lower)
        })
}

/// A value without the blanks around it, in one line: where it was folded, a blank stands (section 5.2).
fn unfolded(value: &[u8]) -> Vec<u8> {
    let lines = value.trim_ascii().split(|byte| *byte == b'\n');
    lines
        .map(<[u8]>::trim_ascii)
        .collect::<Vec<_>>()
        .join(&b' ')
}

fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|&byte| byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|item| !item.is_empty())
}

fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| match digit {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}
