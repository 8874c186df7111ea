//! A response, and what its asker wants to know of it. The same for every version of HTTP.

use std::borrow::Cow;

/// The usual bound on a body that is kept for a step to read.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// What the sender of a request knows about its response.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expected<'a> {
    /// The request was a HEAD: whatever the response says of a body, none follows.
    pub head_only: bool,
    /// How much of the body is kept.
    pub keep: Keep,
    /// Headers whose values are wanted, in lower case.
    pub headers: &'a [String],
    /// Whether it is wanted where a redirect leads.
    pub location: bool,
    /// Whether all headers are kept as well, to be shown.
    pub every_header: bool,
}

/// How much of a body is kept. What is not kept is read past.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keep {
    /// Nothing, however long it is.
    #[default]
    Nothing,
    /// All of it; a body of more bytes than this is a failure.
    All(usize),
    /// As many bytes from its start.
    Start(usize),
}

impl Keep {
    /// Room for what is kept; `None` if nothing is.
    pub(super) fn room(self) -> Option<Vec<u8>> {
        match self {
            Self::Nothing => None,
            Self::All(_) | Self::Start(_) => Some(Vec::new()),
        }
    }

    /// The part of `data` to keep behind `kept` bytes; `None` if there is more than there may be.
    pub(super) fn part(self, kept: usize, data: &[u8]) -> Option<&[u8]> {
        match self {
            Self::Nothing => Some(&[]),
            Self::All(most) => (data.len() <= most.saturating_sub(kept)).then_some(data),
            Self::Start(most) => Some(&data[..data.len().min(most.saturating_sub(kept))]),
        }
    }
}

/// Whether a status asks a client to look elsewhere (RFC 9110, section 15.4), if a `Location` comes with it. A 304 does not,
/// and a 300 leaves the choice to people.
pub fn redirects(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// The place of the `Location` of a redirect.
pub(super) const LOCATION: usize = usize::MAX - 1;

/// The place of headers that are kept to be shown, `name: value` each.
pub(super) const SHOWN: usize = usize::MAX;

/// A response that was read whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// The final status; interim ones (1xx) are passed over.
    pub status: u16,
    /// What is kept of the body.
    pub body: Option<Vec<u8>>,
    /// Bytes of the whole body as they came, packed or not.
    pub length: u64,
    /// Values of wanted headers with their place, in the order of arrival.
    pub(super) values: Vec<(usize, Vec<u8>)>,
}

impl Response {
    /// The first value of the header at `place` in the wanted headers.
    pub fn header(&self, place: usize) -> Option<Cow<'_, str>> {
        self.headers(place).next()
    }

    /// Takes all of it but the status.
    #[must_use]
    pub fn take(&mut self) -> Self {
        let rest = Self {
            status: self.status,
            ..Self::default()
        };
        std::mem::replace(self, rest)
    }

    /// Where it redirects to, if it does and that was asked for.
    pub fn location(&self) -> Option<&[u8]> {
        self.raw_headers(LOCATION).next()
    }

    /// Every header, `name: value` each, where that was asked for.
    pub fn every_header(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.headers(SHOWN)
    }

    /// All values of the header at `place` in the wanted headers, in the order of arrival.
    pub fn headers(&self, place: usize) -> impl Iterator<Item = Cow<'_, str>> {
        self.raw_headers(place).map(text)
    }

    /// The same as the bytes that were sent.
    pub fn raw_headers(&self, place: usize) -> impl Iterator<Item = &[u8]> {
        let values = self.values.iter().filter(move |(of, _)| *of == place);
        values.map(|(_, value)| value.as_slice())
    }
}

/// A header's value as text: UTF-8, and ISO-8859-1 if it is not that (RFC 9110, section 5.5).
fn text(value: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(value) {
        Ok(text) => text.into(),
        Err(_) => value.iter().map(|byte| char::from(*byte)).collect(),
    }
}
