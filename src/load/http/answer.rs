//! An answer, and what its asker wants to know of it. The same for every version of HTTP.

use super::request::HeaderName;

/// The usual bound on a body that is kept for a step to read.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// What the sender of a request knows about its answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expected<'a> {
    /// The request was a HEAD: whatever the answer says of a body, none follows.
    pub head_only: bool,
    /// Keep the body, up to so many bytes; `None` drains it unseen, however long it is.
    pub keep_body: Option<usize>,
    /// Headers whose values are wanted.
    pub headers: &'a [HeaderName],
    /// Whether all headers are kept as well, to be shown.
    pub every_header: bool,
}

/// The place of headers that are kept to be shown, `name: value` each.
pub(super) const SHOWN: usize = usize::MAX;

/// An answer that was read whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The final status; interim ones (1xx) are passed over.
    pub status: u16,
    /// The body, where it was asked for.
    pub body: Option<Vec<u8>>,
    /// Values of wanted headers with their place, in the order of arrival.
    pub(super) values: Vec<(usize, String)>,
}

impl Answer {
    /// The first value of the header at `place` in the wanted headers.
    pub fn header(&self, place: usize) -> Option<&str> {
        self.headers(place).next()
    }

    /// Every header, `name: value` each, where that was asked for.
    pub fn every_header(&self) -> impl Iterator<Item = &str> {
        self.headers(SHOWN)
    }

    /// All values of the header at `place` in the wanted headers, in the order of arrival.
    pub fn headers(&self, place: usize) -> impl Iterator<Item = &str> {
        self.values
            .iter()
            .filter(move |(of, _)| *of == place)
            .map(|(_, value)| value.as_str())
    }
}
