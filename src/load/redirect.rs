//! Where a response redirects to. Pure.

use std::borrow::Cow;

use url::{ParseError, Position, Url};

use super::http::{Exchange, Origin, redirects};
use crate::scenario::Method;

/// The next hop.
pub(super) struct Next {
    /// Path and query, of the same origin.
    pub(super) target: String,
    pub(super) method: Method,
}

/// The status of a response that may redirect.
pub(super) fn status(exchange: &Exchange) -> Option<u16> {
    let answer = exchange.outcome.as_ref().ok()?;
    redirects(answer.status).then_some(answer.status)
}

/// The target in the bytes of a rendered request.
pub(super) fn target_of(bytes: &[u8]) -> String {
    let target = bytes.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    String::from_utf8_lossy(target).into_owned()
}

/// Where a response to a request for `target` redirects to; none where it does not, or leads out of the origin.
pub(super) fn next(
    origin: &Origin,
    target: &str,
    method: Method,
    exchange: &Exchange,
) -> Option<Next> {
    let status = status(exchange)?;
    let location = exchange.outcome.as_ref().ok()?.location()?;
    Some(Next {
        target: resolve(origin, target, &text(location))?,
        method: next_method(status, method),
    })
}

/// A `Location` as text; bytes that are not UTF-8 are percent-encoded as they are.
pub(super) fn text(location: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = str::from_utf8(location) {
        return text.into();
    }
    let letters = location.iter().map(|byte| match byte {
        0..=127 => char::from(*byte).to_string(),
        128..=255 => format!("%{byte:02X}"),
    });
    letters.collect()
}

fn resolve(origin: &Origin, target: &str, location: &str) -> Option<String> {
    // A proxy that opens no tunnel is sent the whole URL.
    let path = target.strip_prefix(&origin.before_path()).unwrap_or(target);
    let (scheme, authority) = (origin.scheme().as_str(), origin.authority());
    let base = Url::parse(&format!("{scheme}://{authority}{path}")).ok()?;
    let next = base.join(location).ok()?;
    if next.origin() != base.origin() {
        return None;
    }
    Some(origin.before_path() + &next[Position::BeforePath..Position::AfterQuery])
}

/// Where a redirect leads, as reports may show it: without credentials, query and fragment, which may be secret. A secret in
/// the path may hold what begins these, so the mark of a cut says that more was there.
pub(super) fn address(location: &str) -> String {
    // Of the target's own scheme, whichever that is.
    let own = location
        .strip_prefix("//")
        .map(|rest| format!("http://{rest}"));
    match Url::parse(own.as_deref().unwrap_or(location)) {
        Ok(url) if url.has_host() => {
            let scheme = own.map_or_else(|| format!("{}:", url.scheme()), |_| String::new());
            let rest = &url[Position::BeforeHost..];
            format!("{scheme}//{}", without_query(rest))
        }
        Err(ParseError::RelativeUrlWithoutBase) => without_query(location),
        Ok(_) | Err(_) => "an address that is not HTTP".to_owned(),
    }
}

fn without_query(address: &str) -> String {
    match address.find(['?', '#']) {
        Some(mark) => format!("{}…", &address[..=mark]),
        None => address.to_owned(),
    }
}

/// That a redirect leads out of the target.
pub(super) fn leaves_target(location: &str) -> String {
    if location.is_empty() {
        return "redirected without an address that can be followed".to_owned();
    }
    format!(
        "redirected to {}, which is not at the target's origin",
        address(location)
    )
}

/// The method of the next hop, as browsers choose it (RFC 9110, section 15.4).
fn next_method(status: u16, method: Method) -> Method {
    match (status, method) {
        (_, Method::Head) => Method::Head,
        (303, _) | (301 | 302, Method::Post) => Method::Get,
        _ => method,
    }
}

/// Makes a hop and what came before it one exchange: the time of both, the response of the hop.
pub(super) fn merge(before: &Exchange, hop: &mut Exchange) {
    let times = &mut hop.times;
    times.started = before.times.started;
    times.dns = before.times.dns.or(times.dns);
    times.connect = before.times.connect.or(times.connect);
    times.tls = before.times.tls.or(times.tls);
    hop.new_connection |= before.new_connection;
    hop.reopened |= before.reopened;
    hop.resent |= before.resent;
    hop.bytes_in += before.bytes_in;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_stays_within_its_origin() {
        let origin: Origin = "http://example.com:8080/api".parse().unwrap();
        let resolve = |location| resolve(&origin, "/api/a/b?c=d", location);
        for (location, target) in [
            ("/x", Some("/x")),
            ("x?y=z#f", Some("/api/a/x?y=z")),
            ("http://example.com:8080/x", Some("/x")),
            ("//example.com:8080/x", Some("/x")),
            ("http://example.com/x", None),
            ("https://example.com:8080/x", None),
            ("http://other.com:8080/x", None),
            ("http://[", None),
        ] {
            assert_eq!(resolve(location).as_deref(), target, "{location}");
        }
    }

    #[test]
    fn a_location_is_sent_on_byte_by_byte() {
        let origin: Origin = "http://h".parse().unwrap();
        for (location, target) in [
            (&b"/caf\xc3\xa9"[..], "/caf%C3%A9"),
            (b"/caf\xe9?\xff", "/caf%E9?%FF"),
            (b"/a%2Fb?c=%C3", "/a%2Fb?c=%C3"),
            (b"?x", "/a?x"),
            (b".", "/"),
        ] {
            let read = resolve(&origin, "/a", &text(location));
            assert_eq!(read.as_deref(), Some(target), "{target}");
        }
    }

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        for (location, shown) in [
            ("https://a.b:8443/x/y", "https://a.b:8443/x/y"),
            ("https://me:pw@a.b/x?token=t#f", "https://a.b/x?…"),
            ("//me:pw@a.b/x?y", "//a.b/x?…"),
            ("//[", "an address that is not HTTP"),
            ("/login?next=%2F", "/login?…"),
            ("login#f", "login#…"),
            ("mailto:me@a.b", "an address that is not HTTP"),
            ("http://me:pw@[/x", "an address that is not HTTP"),
            ("", ""),
        ] {
            assert_eq!(address(location), shown, "{location}");
        }
    }

    #[test]
    fn a_redirected_post_becomes_a_get_unless_told_otherwise() {
        for (status, method, next) in [
            (301, Method::Post, Method::Get),
            (302, Method::Post, Method::Get),
            (303, Method::Put, Method::Get),
            (307, Method::Post, Method::Post),
            (308, Method::Post, Method::Post),
            (302, Method::Put, Method::Put),
            (303, Method::Head, Method::Head),
        ] {
            assert_eq!(next_method(status, method), next, "{status}");
        }
    }

    #[test]
    fn the_target_is_read_from_the_request_line() {
        assert_eq!(target_of(b"GET /a?b=c HTTP/1.1\r\n\r\n"), "/a?b=c");
    }
}
