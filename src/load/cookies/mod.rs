//! The cookies of one user, by RFC 6265 and, in what browsers do beyond it, its successor (6265bis). Pure.
//!
//! Nothing is ever sent to another origin, so a cookie's domain decides only whether it is kept, and which cookie it is.
//!
//! The crate `cookie_store` was weighed: it reads four formats of dates instead of all, knows neither the prefixes
//! `__Host-` and `__Secure-` nor loopback, and has no bound on memory.

mod date;

use jiff::Timestamp;
use url::Host;

use super::http::{Origin, Scheme};

/// As many as browsers keep for a domain at least (RFC 6265, section 6.1).
const MOST: usize = 50;
/// The longest name and value together, and the longest attribute, in bytes (6265bis, section 5.6).
const LONGEST: usize = 4096;
const LONGEST_ATTRIBUTE: usize = 1024;

/// The cookies of one user, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Jar(Vec<Cookie>);

#[derive(Clone, Debug, PartialEq)]
struct Cookie {
    /// Bytes, as is the value: whatever a server sent goes back unchanged.
    name: Vec<u8>,
    value: Vec<u8>,
    path: String,
    /// The domain that it names; empty if it is for this host alone.
    domain: String,
    /// Until when it holds; `None` if it holds as long as the user.
    until: Option<Timestamp>,
    /// Whether it goes through TLS alone.
    secure: bool,
}

impl Cookie {
    fn is_same(&self, other: &Self) -> bool {
        (&self.name, &self.domain, &self.path) == (&other.name, &other.domain, &other.path)
    }

    fn is_expired(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

impl Jar {
    /// Whether nothing was ever kept.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of the `Cookie` field of a request for `target`: the request's own pairs as they are written, then the
    /// jar's, without those whose name is among the own.
    pub(super) fn header(
        &self,
        own: Option<&[u8]>,
        origin: &Origin,
        target: &str,
        now: Timestamp,
    ) -> Option<Vec<u8>> {
        let own = own.unwrap_or_default().trim_ascii();
        let path = path_of(target);
        let is_sent = |cookie: &&Cookie| {
            !cookie.is_expired(now)
                && is_below(path, &cookie.path)
                && (!cookie.secure || is_safe(origin))
                && !names(own).any(|name| name == cookie.name)
        };
        let mut cookies: Vec<&Cookie> = self.0.iter().filter(is_sent).collect();
        // The more particular path first; among equals the older (section 5.4).
        cookies.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let mut header = own.strip_suffix(b";").unwrap_or(own).to_vec();
        for cookie in cookies {
            header.extend_from_slice(if header.is_empty() { b"" } else { b"; " });
            header.extend_from_slice(&cookie.name);
            header.push(b'=');
            header.extend_from_slice(&cookie.value);
        }
        (!header.is_empty()).then_some(header)
    }

    /// Keeps the cookie of a `Set-Cookie` field of a response to a request for `target`, or forgets it.
    pub(super) fn take(&mut self, set: &[u8], origin: &Origin, target: &str, now: Timestamp) {
        let Some(cookie) = read(set, origin, target, now) else {
            return;
        };
        let place = self.0.iter().position(|own| own.is_same(&cookie));
        match place {
            Some(place) if cookie.is_expired(now) => drop(self.0.remove(place)),
            Some(place) => self.0[place] = cookie,
            None if cookie.is_expired(now) => {}
            None => {
                self.make_room(now);
                self.0.push(cookie);
            }
        }
    }

    /// Forgets the expired ones if there is no room, and otherwise the oldest.
    fn make_room(&mut self, now: Timestamp) {
        if self.0.len() >= MOST {
            self.0.retain(|cookie| !cookie.is_expired(now));
        }
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
    }
}

/// The names in a `Cookie` field.
fn names(field: &[u8]) -> impl Iterator<Item = &[u8]> {
    let pairs = field.split(|byte| *byte == b';');
    pairs.map(|pair| split_at(pair, b'=').0.trim_ascii())
}

/// What stands before and behind the first `at`; all and nothing if it is not there.
fn split_at(text: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == at) {
        Some(place) => (&text[..place], Some(&text[place + 1..])),
        None => (text, None),
    }
}

fn read(set: &[u8], origin: &Origin, target: &str, now: Timestamp) -> Option<Cookie> {
    let (pair, attributes) = split_at(set, b';');
    let (name, value) = split_at(pair, b'=');
    let (name, value) = (name.trim_ascii(), value?.trim_ascii());
    let is_control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    if name.is_empty() || name.len() + value.len() > LONGEST || set.iter().any(is_control) {
        return None;
    }
    let attributes = Attributes::read(attributes.unwrap_or_default());
    let domain = attributes.domain.as_deref().unwrap_or_default();
    if !domain.is_empty() && !is_of(origin, domain) {
        return None;
    }
    let safe = !attributes.secure || is_safe(origin);
    if !safe || !attributes.fit_prefix(name) {
        return None;
    }
    let until = match attributes.max_age {
        Some(seconds) => Some(later(now, seconds)),
        None => attributes.expires,
    };
    Some(Cookie {
        name: name.to_vec(),
        value: value.to_vec(),
        path: attributes.path.unwrap_or_else(|| folder(target)),
        domain: domain.to_owned(),
        until,
        secure: attributes.secure,
    })
}

/// What follows the pair, the last of each kind (section 5.2).
#[derive(Default)]
struct Attributes {
    path: Option<String>,
    domain: Option<String>,
    max_age: Option<i64>,
    expires: Option<Timestamp>,
    secure: bool,
}

impl Attributes {
    fn read(text: &[u8]) -> Self {
        let mut read = Self::default();
        for attribute in text.split(|byte| *byte == b';') {
            let (name, value) = split_at(attribute, b'=');
            let value = String::from_utf8_lossy(value.unwrap_or_default().trim_ascii());
            if value.len() > LONGEST_ATTRIBUTE {
                continue;
            }
            match name.trim_ascii().to_ascii_lowercase().as_slice() {
                b"path" => read.path = value.starts_with('/').then(|| value.into_owned()),
                b"domain" => {
                    let domain = value.strip_prefix('.').unwrap_or(&value);
                    read.domain = Some(domain.to_ascii_lowercase());
                }
                b"max-age" => read.max_age = seconds(&value).or(read.max_age),
                b"expires" => read.expires = date::parse(&value).or(read.expires),
                b"secure" => read.secure = true,
                _ => {}
            }
        }
        read
    }

    /// Whether they are what the prefix of a name demands (6265bis, section 4.1.3).
    fn fit_prefix(&self, name: &[u8]) -> bool {
        let has = |prefix: &[u8]| {
            let start = name.get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        if has(b"__host-") {
            let is_host_only = self.domain.as_deref().unwrap_or_default().is_empty();
            return self.secure && is_host_only && self.path.as_deref() == Some("/");
        }
        self.secure || !has(b"__secure-")
    }
}

/// The seconds of `Max-Age` (section 5.2.2), however many: beyond the clock they mean "never".
fn seconds(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let bound = if text.starts_with('-') { 0 } else { i64::MAX };
    Some(text.parse().unwrap_or(bound))
}

/// The time so many seconds later; in the past if there are none.
fn later(now: Timestamp, seconds: i64) -> Timestamp {
    if seconds <= 0 {
        return Timestamp::UNIX_EPOCH;
    }
    let time = now.as_second().checked_add(seconds);
    time.and_then(|time| Timestamp::from_second(time).ok())
        .unwrap_or(Timestamp::MAX)
}

fn path_of(target: &str) -> &str {
    target.split(['?', '#']).next().unwrap_or(target)
}

/// The path of a cookie that names none (section 5.1.4).
fn folder(target: &str) -> String {
    let path = path_of(target);
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

/// Whether a domain is the origin's host, or one above it that is not a whole top-level domain (section 5.1.3).
fn is_of(origin: &Origin, domain: &str) -> bool {
    let host = origin.host().to_ascii_lowercase();
    let has_parents = matches!(Host::parse(&host), Ok(Host::Domain(_)));
    host == domain || has_parents && domain.contains('.') && host.ends_with(&format!(".{domain}"))
}

/// Whether nobody can listen: over TLS and, as in browsers, on loopback.
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
            jar.take(set.as_bytes(), &origin, target, now);
        }
        let header = jar.header(None, &origin, wanted, now);
        header.map(|bytes| String::from_utf8(bytes).unwrap())
    }

    const HTTPS: &str = "https://api.example.com";
    const HTTP: &str = "http://api.example.com";
    const LOOPBACK: &str = "http://127.0.0.1:8080";

    #[test]
    fn a_cookie_comes_back_where_it_belongs_and_nowhere_else() {
        for (url, target, set, wanted, sent) in [
            (HTTPS, "/a/b?c", &["x=1"][..], "/a/z", Some("x=1")),
            (HTTPS, "/a/b", &["x=1"], "/ab", None),
            (
                HTTPS,
                "/login",
                &["x=1", "y=2; Path=/prod"],
                "/prod/a",
                Some("y=2; x=1"),
            ),
            (HTTPS, "/", &["x=1; Path=/a/"], "/a", None),
            (HTTPS, "/a/b", &["x=1; Path=/; Path=b"], "/", None),
            (HTTPS, "/", &["x=1; Domain=example.com"], "/", Some("x=1")),
            (HTTPS, "/", &["x=1; Domain=.Example.COM"], "/", Some("x=1")),
            (HTTPS, "/", &["x=1; Domain="], "/", Some("x=1")),
            (HTTPS, "/", &["x=1; Domain=ample.com"], "/", None),
            (HTTPS, "/", &["x=1; Domain=other.com"], "/", None),
            (HTTPS, "/", &["x=1; Domain=com"], "/", None),
            (
                HTTPS,
                "/",
                &["x=1; Domain=other.com; Domain=example.com"],
                "/",
                Some("x=1"),
            ),
            (LOOPBACK, "/", &["x=1; Domain=0.0.1"], "/", None),
            (LOOPBACK, "/", &["x=1; Domain=127.0.0.1"], "/", Some("x=1")),
            (
                "http://localhost",
                "/",
                &["x=1; Domain=localhost"],
                "/",
                Some("x=1"),
            ),
            (HTTPS, "/", &["novalue", "=1", "x=a\u{1}b"], "/", None),
            (HTTPS, "/", &["x=a=b"], "/", Some("x=a=b")),
            (HTTPS, "/", &["x=\"a b\"; HttpOnly"], "/", Some("x=\"a b\"")),
        ] {
            assert_eq!(kept(url, target, set, wanted).as_deref(), sent, "{set:?}");
        }
    }

    #[test]
    fn a_cookie_is_known_by_name_domain_and_path() {
        for (set, sent) in [
            (&["x=1", "x=2"][..], "x=2"),
            (&["x=1; Path=/", "x=2; Path=/a"], "x=2; x=1"),
            (&["x=1", "x=2; Domain=example.com"], "x=1; x=2"),
            (
                &["x=1", "x=; Domain=example.com; Max-Age=0", "y=1"],
                "x=1; y=1",
            ),
            (&["X=1", "x=2"], "X=1; x=2"),
            // One that is set anew keeps its place.
            (&["x=1", "y=2", "x=3"], "x=3; y=2"),
        ] {
            assert_eq!(
                kept(HTTPS, "/", set, "/a").as_deref(),
                Some(sent),
                "{set:?}"
            );
        }
    }

    #[test]
    fn a_cookie_lasts_as_long_as_its_attributes_say() {
        for (set, sent) in [
            (&["x=; Max-Age=0"][..], None),
            (&["x=; max-age = -1 "], None),
            (&["x=; Max-Age=-99999999999999999999"], None),
            (&["x=1; Max-Age=99999999999999999999"], Some("x=1")),
            (
                &["x=1; Max-Age=+0", "y=1; Max-Age=", "z=1; Max-Age=0s"],
                Some("x=1; y=1; z=1"),
            ),
            (
                &["x=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT"],
                Some("x=1"),
            ),
            (
                &["x=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60"],
                Some("x=1"),
            ),
            (&["x=1; Max-Age=0; Max-Age=60"], Some("x=1")),
            (&["x=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT"], None),
            (&["x=1; Expires=Fri, 24 Dec 2027 07:28:00 GMT"], Some("x=1")),
            (&["x=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT"], Some("x=1")),
            (&["x=1; Expires=soon"], Some("x=1")),
        ] {
            let set: Vec<&str> = [&["x=0"], set].concat();
            assert_eq!(kept(HTTPS, "/", &set, "/").as_deref(), sent, "{set:?}");
        }
    }

    #[test]
    fn a_secure_cookie_needs_a_safe_origin() {
        for (url, set, sent) in [
            (HTTPS, "x=1; Secure; HttpOnly; SameSite=Lax", true),
            (HTTP, "x=1; Secure", false),
            (LOOPBACK, "x=1; Secure", true),
            (HTTPS, "__Secure-x=1; Secure", true),
            (HTTPS, "__Secure-x=1", false),
            (HTTP, "__Secure-x=1; Secure", false),
            (HTTPS, "__Host-x=1; Secure; Path=/", true),
            (LOOPBACK, "__Host-x=1; Secure; Path=/", true),
            (HTTPS, "__Host-x=1; Path=/", false),
            (HTTPS, "__host-x=1; Secure", false),
            (HTTPS, "__Host-x=1; Secure; Path=/a", false),
            (
                HTTPS,
                "__Host-x=1; Secure; Path=/; Domain=api.example.com",
                false,
            ),
        ] {
            assert_eq!(kept(url, "/", &[set], "/").is_some(), sent, "{url} {set}");
        }
        // What is not taken over plain HTTP does not replace what was.
        let sent = kept(HTTP, "/", &["x=1", "x=2; Secure"], "/");
        assert_eq!(sent.as_deref(), Some("x=1"));
    }

    #[test]
    fn own_pairs_come_first_and_win() {
        let (origin, now) = (HTTPS.parse().unwrap(), NOW.parse().unwrap());
        let mut jar = Jar::default();
        for set in ["sid=abc", "state=off", "Lang=en"] {
            jar.take(set.as_bytes(), &origin, "/", now);
        }
        for (own, sent) in [
            ("state=online", "state=online; sid=abc; Lang=en"),
            (
                "b=2;state=on ; a=1;",
                "b=2;state=on ; a=1; sid=abc; Lang=en",
            ),
            ("lang", "lang; sid=abc; state=off; Lang=en"),
            (" ", "sid=abc; state=off; Lang=en"),
            ("sid=; state=1; Lang=x=y", "sid=; state=1; Lang=x=y"),
        ] {
            let header = jar.header(Some(own.as_bytes()), &origin, "/", now);
            assert_eq!(header.as_deref(), Some(sent.as_bytes()), "{own}");
        }
        let alone = Jar::default().header(Some(b"a=1"), &origin, "/", now);
        assert_eq!(alone.as_deref(), Some(&b"a=1"[..]));
    }

    #[test]
    fn whatever_bytes_a_value_has_come_back() {
        let (origin, now) = (HTTPS.parse().unwrap(), NOW.parse().unwrap());
        for pair in [
            &b"x=caf\xe9"[..],
            b"x=caf\xc3\xa9",
            b"x=a\tb",
            b"x=a\xc2\xa0",
        ] {
            let mut jar = Jar::default();
            jar.take(&[pair, b" ; Path=/"].concat(), &origin, "/", now);
            assert_eq!(jar.header(None, &origin, "/", now).as_deref(), Some(pair));
        }
    }

    #[test]
    fn a_hostile_server_fills_no_memory() {
        let (origin, now) = ("http://h".parse().unwrap(), NOW.parse().unwrap());
        let mut jar = Jar::default();
        let long = format!("x={}", "a".repeat(LONGEST));
        jar.take(long.as_bytes(), &origin, "/", now);
        assert!(jar.is_empty());
        for number in 0..1000 {
            jar.take(format!("x{number}=1").as_bytes(), &origin, "/", now);
        }
        assert_eq!(jar.0.len(), MOST);
        assert_eq!(jar.0[MOST - 1].name, b"x999", "the newest is kept");
        let long = format!("y=1; Path=/{}", "a".repeat(LONGEST));
        jar.take(long.as_bytes(), &origin, "/", now);
        assert_eq!(jar.0[MOST - 1].path, "/", "a long attribute does not count");
    }
}
