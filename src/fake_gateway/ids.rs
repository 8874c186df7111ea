//! The ids of requests, invocations and traces, in the forms that AWS gives them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::Rng;
use std::fmt;
use std::time::Duration;

/// A UUID of version 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Uuid {
    high: u64,
    low: u64,
}

/// The shorter id of an API's request: 15 characters of base64 and `=`.
#[derive(Clone, Copy, Debug)]
pub(super) struct ApiRequestId([u8; 11]);

/// The trace that a request belongs to.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    /// The id of the whole trace.
    pub(super) root: String,
    /// The id of the function's part of it.
    pub(super) segment: u64,
    lineage: u32,
    /// Whether the client asked for it to be recorded.
    pub(super) is_sampled: bool,
}

impl Uuid {
    pub(super) fn draw(rng: &mut impl Rng) -> Self {
        let (high, low) = (rng.next_u64(), rng.next_u64());
        Self { high, low }
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { high, low } = *self;
        let (time, middle, version) = (high >> 32, high >> 16 & 0xffff, high & 0xfff);
        let (variant, node) = (low >> 48 & 0x3fff | 0x8000, low & 0xffff_ffff_ffff);
        write!(
            f,
            "{time:08x}-{middle:04x}-4{version:03x}-{variant:04x}-{node:012x}"
        )
    }
}

impl ApiRequestId {
    pub(super) fn draw(rng: &mut impl Rng) -> Self {
        let mut bytes = [0; 11];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }
}

impl fmt::Display for ApiRequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl Trace {
    /// The trace of the header that was sent if it is sampled, else a new one.
    pub(super) fn draw(rng: &mut impl Rng, sent: Option<&str>, unix: Duration) -> Self {
        let (high, low) = (rng.next_u32(), rng.next_u64());
        let sampled = sent.and_then(sampled_root);
        Self {
            root: sampled.map_or_else(
                || format!("1-{:08x}-{high:08x}{low:016x}", unix.as_secs()),
                ToOwned::to_owned,
            ),
            segment: rng.next_u64(),
            lineage: rng.next_u32(),
            is_sampled: sampled.is_some(),
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sampled = u8::from(self.is_sampled);
        write!(
            f,
            "Root={};Parent={:016x};Sampled={sampled};Lineage=1:{:08x}:0",
            self.root, self.segment, self.lineage
        )
    }
}

/// The root of a trace header that asks for its trace to be recorded.
fn sampled_root(header: &str) -> Option<&str> {
    let field = |name: &str| {
        let mut fields = header.split(';');
        fields.find_map(|field| field.trim().strip_prefix(name))
    };
    let root = field("Root=").filter(|root| is_root(root));
    root.filter(|_| field("Sampled=") == Some("1"))
}

fn is_root(text: &str) -> bool {
    let is_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let numbers = text
        .strip_prefix("1-")
        .and_then(|rest| rest.split_once('-'));
    numbers.is_some_and(|(seconds, number)| is_hex(seconds, 8) && is_hex(number, 24))
}

#[cfg(test)]
mod tests {
    use super::super::rng::{REQUEST_IDS, RngStream};
    use super::*;

    const ROOT: &str = "1-66d978e5-0123456789abcdef01234567";

    fn trace(sent: Option<&str>) -> Trace {
        let mut rng = RngStream::new(1).draw(REQUEST_IDS, 0);
        Trace::draw(&mut rng, sent, Duration::from_secs(0x66d9_78e5))
    }

    #[test]
    fn an_api_s_request_id_is_15_characters_and_a_sign() {
        let mut rng = RngStream::new(1).draw(REQUEST_IDS, 0);
        let id = ApiRequestId::draw(&mut rng).to_string();
        assert_eq!((id.len(), id.find('=')), (16, Some(15)));
    }

    #[test]
    fn a_sampled_trace_is_continued() {
        for sent in [
            format!("Root={ROOT};Sampled=1"),
            format!("Sampled=1; Root={ROOT}; Parent=53995c3f42cd8ad8"),
        ] {
            let trace = trace(Some(&sent));
            assert_eq!((trace.root.as_str(), trace.is_sampled), (ROOT, true));
            let header = trace.to_string();
            assert!(header.starts_with(&format!("Root={ROOT};Parent=")));
            assert!(header.contains(";Sampled=1;Lineage=1:"), "{header}");
        }
    }

    #[test]
    fn any_other_trace_header_starts_a_new_trace() {
        for sent in [
            None,
            Some(""),
            Some("Sampled=1"),
            Some("Root=1-66d978e5-0123456789abcdef01234567"),
            Some("Root=1-66d978e5-0123456789abcdef01234567;Sampled=0"),
            Some("Root=1-66d978e5-0123;Sampled=1"),
            Some("Root=2-66d978e5-0123456789abcdef01234567;Sampled=1"),
            Some("Root=1-66d978e5-0123456789abcdef0123456\u{e9};Sampled=1"),
        ] {
            let trace = trace(sent);
            assert_ne!(trace.root, ROOT);
            assert!(is_root(&trace.root), "{}", trace.root);
            assert!(trace.root.starts_with("1-66d978e5-"), "{}", trace.root);
            assert!(trace.to_string().contains(";Sampled=0;"));
        }
    }
}
