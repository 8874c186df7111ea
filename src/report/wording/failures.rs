//! Failures by kind, and what each kind means.

use super::figures_name;
use crate::measurement::FailureKind;
use crate::report::text::{Text, capped, count, text};
use crate::report::view::Figures;

/// Names that are listed beside a kind; with more of them none stands out.
const NAMES: usize = 5;

/// A kind of failure, with what it means where the word alone does not say it.
pub(crate) fn failure_kind(kind: FailureKind) -> String {
    let meaning = match kind {
        FailureKind::Status(429) => "throttled by the service or a gateway in front of it",
        FailureKind::Status(500) => "an unhandled error in the service",
        FailureKind::Status(502) => "a gateway got a bad response",
        FailureKind::Status(503) => "unavailable or overloaded",
        FailureKind::Status(504) => "a gateway waited too long for the service",
        FailureKind::Status(_) => return short_kind(kind),
        FailureKind::Timeout => "no complete response in time",
        FailureKind::Unfinished => "no response when the run ended",
        FailureKind::Unserved => "never sent before its time was up",
        FailureKind::Dns => "the host name did not resolve",
        FailureKind::Connect => "no connection",
        FailureKind::Reset => "connection closed before the response",
        FailureKind::Resent => "connection closed without a response; a second attempt succeeded",
        FailureKind::Redirect => "a redirect led out of the target, or there were too many",
        FailureKind::Tls => "the TLS layer failed",
        FailureKind::Protocol => "the response is not HTTP",
        FailureKind::Body => "the body is broken",
        FailureKind::Proxy => "the proxy refused",
        FailureKind::NoSocket => "the generator had no file descriptor or port left",
        FailureKind::Expectation => "the response is not what the step expects",
        FailureKind::Unset => "a required value is unset, so nothing was sent",
    };
    format!("{}: {meaning}", short_kind(kind))
}

/// A kind of failure alone, such as `status 503` or `timeout`.
pub(super) fn short_kind(kind: FailureKind) -> String {
    let is_status = matches!(kind, FailureKind::Status(_));
    format!("{}{kind}", if is_status { "status " } else { "" })
}

/// The names that failed in one way, most often first: `GET /orders 24, GET /user 3, 2 more names`, or the only one.
pub(crate) fn failing_names(named: &[Figures], kind: FailureKind) -> Text {
    let named = named.iter();
    let having = named.filter_map(|figures| Some((figures, *figures.kinds.get(&kind)?)));
    let mut having: Vec<(&Figures, u64)> = having.collect();
    if let [(only, _)] = having.as_slice() {
        return figures_name(only);
    }
    having.sort_by_key(|(_, failures)| std::cmp::Reverse(*failures));
    let parts = having.iter();
    let parts = parts.map(|(figures, n)| text!("{} {}", figures_name(figures), count(*n)));
    let more = |more| match more {
        1 => text!("1 more name"),
        more => text!("{} more names", more),
    };
    Text::join(capped(parts.collect(), NAMES, more), ", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_sent_is_laid_to_nobody() {
        assert_eq!(
            failure_kind(FailureKind::Unserved),
            "unserved: never sent before its time was up"
        );
    }

    #[test]
    fn statuses_read_as_the_guide_reads_them() {
        for (status, reading) in [
            (429, "throttled"),
            (500, "an unhandled error"),
            (502, "a gateway got a bad response"),
            (503, "overloaded"),
            (504, "a gateway waited too long"),
        ] {
            let text = failure_kind(FailureKind::Status(status));
            assert!(text.starts_with(&format!("status {status}: ")), "{text}");
            assert!(text.contains(reading), "{text}");
        }
        assert_eq!(failure_kind(FailureKind::Status(418)), "status 418");
    }
}
