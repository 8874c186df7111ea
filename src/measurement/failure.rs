//! The kinds of failure that requests are counted under.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, de};

/// Why a request failed. Ordered as reports list them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// The response's status means failure: 400 or more, or not the expected one.
    Status(u16),
    /// No whole response within the timeout; its latency is the time that passed.
    Timeout,
    /// Still unfinished when the run's drain ended; its latency is the time that passed.
    Unfinished,
    /// Never sent before its time was up: no user was free for it, or the generator did not come to it; its latency is the
    /// time that passed.
    Unserved,
    /// The host name did not resolve.
    Dns,
    /// The connection was refused or could not be made.
    Connect,
    /// The connection was reset or closed before the response.
    Reset,
    /// A reused connection closed without a response after the request was written, and the request was sent again: what
    /// came then was as it should be.
    Resent,
    /// The response redirects out of the target, or once more than the step follows.
    Redirect,
    /// The TLS handshake or the TLS layer failed.
    Tls,
    /// The response is not HTTP: a broken status line or header.
    Protocol,
    /// The response's body is broken: a wrong length, a bad chunk, closed in its middle, or over the bound.
    Body,
    /// A proxy refused, or answered badly.
    Proxy,
    /// The generator's own machine had no file or port left for a connection.
    NoSocket,
    /// The response came and was not what the step expects.
    Expectation,
    /// The step needs a value that is unset, so nothing was sent.
    Unset,
}

const NAMED: [(FailureKind, &str); 15] = [
    (FailureKind::Timeout, "timeout"),
    (FailureKind::Unfinished, "unfinished"),
    (FailureKind::Unserved, "unserved"),
    (FailureKind::Dns, "dns"),
    (FailureKind::Connect, "connect"),
    (FailureKind::Reset, "reset"),
    (FailureKind::Resent, "resent"),
    (FailureKind::Redirect, "redirect"),
    (FailureKind::Tls, "tls"),
    (FailureKind::Protocol, "protocol"),
    (FailureKind::Body, "body"),
    (FailureKind::Proxy, "proxy"),
    (FailureKind::NoSocket, "no_socket"),
    (FailureKind::Expectation, "expectation"),
    (FailureKind::Unset, "unset"),
];

impl FailureKind {
    /// The names of all kinds but statuses.
    pub fn names() -> [&'static str; NAMED.len()] {
        NAMED.map(|(_, name)| name)
    }

    /// Whether nothing was sent: a value was unset, its time was up, or there was no connection to send on.
    pub fn is_unsent(self) -> bool {
        matches!(
            self,
            Self::Unserved
                | Self::Dns
                | Self::Connect
                | Self::Tls
                | Self::Proxy
                | Self::NoSocket
                | Self::Unset
        )
    }

    /// Whether a whole response came, which was not the one that was wanted.
    pub fn is_response(self) -> bool {
        matches!(
            self,
            Self::Status(_) | Self::Expectation | Self::Redirect | Self::Resent
        )
    }

    /// Whether the latency of such a failure is a lower bound: the response would have come later still.
    pub fn is_censored(self) -> bool {
        matches!(self, Self::Timeout | Self::Unfinished | Self::Unserved)
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Status(code) = self {
            return write!(f, "{code}");
        }
        let name = NAMED
            .iter()
            .find(|(kind, _)| kind == self)
            .map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

/// A name that is no kind of failure.
#[derive(Debug, thiserror::Error)]
#[error("unknown kind of failure '{0}'; use a status code or one of {names}", names = FailureKind::names().join(", "))]
pub struct UnknownFailure(String);

impl FromStr for FailureKind {
    type Err = UnknownFailure;

    fn from_str(text: &str) -> Result<Self, UnknownFailure> {
        if let Some((kind, _)) = NAMED.iter().find(|(_, name)| *name == text) {
            return Ok(*kind);
        }
        match text.parse() {
            Ok(code @ 100..=999) => Ok(Self::Status(code)),
            Ok(_) | Err(_) => Err(UnknownFailure(text.to_owned())),
        }
    }
}

impl JsonSchema for FailureKind {
    fn schema_name() -> Cow<'static, str> {
        "FailureKind".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = Self::names().join("|");
        json_schema!({
            "type": "string",
            "pattern": format!("^([1-9][0-9][0-9]|{names})$"),
            "description": "Kind of a failure: a status, or a word such as timeout",
        })
    }
}

impl Serialize for FailureKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FailureKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back_from_its_name() {
        for kind in NAMED
            .map(|(kind, _)| kind)
            .into_iter()
            .chain([FailureKind::Status(429)])
        {
            assert_eq!(kind.to_string().parse::<FailureKind>().unwrap(), kind);
        }
    }

    #[test]
    fn a_number_that_is_no_status_is_refused() {
        for text in ["42", "1000", "", "teapot", "-500"] {
            assert!(text.parse::<FailureKind>().is_err(), "{text}");
        }
    }
}
