//! The cookies of one user, by RFC 6265 as far as a single origin needs it. Pure.
//!
//! Nothing is ever sent to another origin, so that a cookie's domain only decides whether it is taken at all.

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::http::{Origin, Scheme};

/// As many as browsers keep for a domain at least (RFC 6265, section 6.1), and as long.
const MOST: usize = 50;
const LONGEST: usize = 4096;

/// The cookies of one user.
#[derive(Debug, Default)]
pub(super) struct Jar(Vec<Cookie>);

#[derive(Clone, Debug, PartialEq)]
struct Cookie {
    name: String,
    value: String,
    path: String,
    /// Until when it holds; for good where there is none.
    until: Option<Timestamp>,
    /// Whether it goes through TLS alone.
    secure: bool,
}

impl Jar {
    /// Whether nothing was ever kept.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What to send with a request for `target`: `a=b; c=d`.
    pub(super) fn header(&self, origin: &Origin, target: &str, now: Timestamp) -> Option<String> {
        let path = target.split(['?', '#']).next().unwrap_or(target);
        let sent = |cookie: &&Cookie| {
            cookie.until.is_none_or(|until| until > now)
                && is_below(path, &cookie.path)
                && (!cookie.secure || is_safe(origin))
        };
        let mut cookies: Vec<&Cookie> = self.0.iter().filter(sent).collect();
        // The more particular path first; among equals the older (section 5.4).
        cookies.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<String> = cookies
            .iter()
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Keeps what a `Set-Cookie` header of an answer to a request for `target` says, or forgets it.
    pub(super) fn take(&mut self, set: &str, origin: &Origin, target: &str, now: Timestamp) {
        let Some(cookie) = read(set, origin, target, now) else {
            return;
        };
        let same = |own: &Cookie| own.name == cookie.name && own.path == cookie.path;
        let place = self.0.iter().position(same);
        if cookie.until.is_some_and(|until| until <= now) {
            if let Some(place) = place {
                self.0.remove(place);
            }
            return;
        }
        match place {
            Some(place) => self.0[place] = cookie,
            None if self.0.len() < MOST => self.0.push(cookie),
            None => {}
        }
    }
}

fn read(set: &str, origin: &Origin, target: &str, now: Timestamp) -> Option<Cookie> {
    let mut parts = set.split(';');
    let (name, value) = parts.next()?.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let is_clean = |text: &str| !text.bytes().any(|byte| byte.is_ascii_control());
    if name.is_empty() || set.len() > LONGEST || !is_clean(name) || !is_clean(value) {
        return None;
    }
    let mut cookie = Cookie {
        name: name.to_owned(),
        value: value.to_owned(),
        path: folder(target),
        until: None,
        secure: false,
    };
    let mut has_age = false;
    for part in parts {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim();
        match key.trim().to_ascii_lowercase().as_str() {
            "path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
            "secure" => cookie.secure = true,
            "domain" if !is_of(origin, value) => return None,
            "max-age" => {
                if let Ok(seconds) = value.parse::<i64>() {
                    has_age = true;
                    cookie.until = Some(later(now, seconds));
                }
            }
            "expires" if !has_age => cookie.until = date(value).or(cookie.until),
            _ => {}
        }
    }
    Some(cookie)
}

/// The time so many seconds later; in the past where it is none.
fn later(now: Timestamp, seconds: i64) -> Timestamp {
    if seconds <= 0 {
        return Timestamp::UNIX_EPOCH;
    }
    let time = now.as_second().checked_add(seconds);
    time.and_then(|time| Timestamp::from_second(time).ok())
        .unwrap_or(Timestamp::MAX)
}

/// A date as servers write it: `Wed, 21 Oct 2026 07:28:00 GMT`, some of them with dashes.
fn date(text: &str) -> Option<Timestamp> {
    let text = text.replace('-', " ");
    let parsed = rfc2822::DateTimeParser::new().parse_timestamp(&text);
    parsed.ok()
}

/// The path of a cookie that names none (section 5.1.4).
fn folder(target: &str) -> String {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    match path.rfind('/') {
        Some(place) if place > 0 && path.starts_with('/') => path[..place].to_owned(),
        Some(_) | None => "/".to_owned(),
    }
}

/// Whether a path lies below a cookie's (section 5.1.4).
fn is_below(path: &str, cookie: &str) -> bool {
    path.strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}

/// Whether a domain names the origin's host, or one above it.
fn is_of(origin: &Origin, domain: &str) -> bool {
    let host = host(origin).to_ascii_lowercase();
    let domain = domain.trim_start_matches('.').to_ascii_lowercase();
    domain.is_empty() || host == domain || host.ends_with(&format!(".{domain}"))
}

fn host(origin: &Origin) -> &str {
    let authority = origin.authority();
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) | None => authority,
    }
}

/// Whether nobody can listen: over TLS, and as browsers have it on loopback.
fn is_safe(origin: &Origin) -> bool {
    origin.scheme() == Scheme::Https || origin.is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-24T12:00:00Z";

    fn kept(url: &str, target: &str, set: &[&str], wanted: &str) -> Option<String> {
        let (origin, now) = (url.parse().unwrap(), NOW.parse().unwrap());
        let mut jar = Jar::default();
        for set in set {
            jar.take(set, &origin, target, now);
        }
        jar.header(&origin, wanted, now)
    }

    #[test]
    fn a_cookie_comes_back_where_it_belongs_and_nowhere_else() {
        let https = "https://api.example.com";
        for (url, target, set, wanted, sent) in [
            (https, "/a/b?c", &["x=1"][..], "/a/z", Some("x=1")),
            (https, "/a/b", &["x=1"], "/ab", None),
            (
                https,
                "/login",
                &["x=1", "y=2; Path=/prod"],
                "/prod/a",
                Some("y=2; x=1"),
            ),
            (https, "/", &["x=1; Path=/a/"], "/a", None),
            (https, "/", &["x=1", "x=2"], "/", Some("x=2")),
            (https, "/", &["x=1", "x=; Max-Age=0"], "/", None),
            (
                https,
                "/",
                &["x=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT"],
                "/",
                Some("x=1"),
            ),
            (
                https,
                "/",
                &["x=1; Expires=Thu, 01-Jan-1970 00:00:00 GMT"],
                "/",
                None,
            ),
            (
                https,
                "/",
                &["x=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT"],
                "/",
                None,
            ),
            (
                https,
                "/",
                &["x=1; Expires=Fri, 24 Dec 2027 07:28:00 GMT"],
                "/",
                Some("x=1"),
            ),
            (https, "/", &["x=1; Expires=soon"], "/", Some("x=1")),
            (https, "/", &["x=1; Domain=example.com"], "/", Some("x=1")),
            (https, "/", &["x=1; Domain=.Example.COM"], "/", Some("x=1")),
            (https, "/", &["x=1; Domain=ample.com"], "/", None),
            (https, "/", &["x=1; Domain=other.com"], "/", None),
            (
                https,
                "/",
                &["x=1; Secure; HttpOnly; SameSite=Lax"],
                "/",
                Some("x=1"),
            ),
            ("http://api.example.com", "/", &["x=1; Secure"], "/", None),
            (
                "http://127.0.0.1:8080",
                "/",
                &["x=1; Secure"],
                "/",
                Some("x=1"),
            ),
            (https, "/", &["novalue", "=1", "x=a\u{1}b"], "/", None),
            (https, "/", &["x=a=b"], "/", Some("x=a=b")),
        ] {
            assert_eq!(kept(url, target, set, wanted).as_deref(), sent, "{set:?}");
        }
    }

    #[test]
    fn a_hostile_server_fills_no_memory() {
        let (origin, now) = ("http://h".parse().unwrap(), NOW.parse().unwrap());
        let mut jar = Jar::default();
        jar.take(&format!("x={}", "a".repeat(LONGEST)), &origin, "/", now);
        assert!(jar.is_empty());
        for number in 0..1000 {
            jar.take(&format!("x{number}=1"), &origin, "/", now);
        }
        assert_eq!(jar.0.len(), MOST);
    }
}
