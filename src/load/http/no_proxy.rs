//! Which hosts `NO_PROXY` excepts: every form that curl or Go knows.

use std::net::IpAddr;

use ipnet::IpNet;

/// Whether the value of `NO_PROXY` excepts a host, given without brackets, and its port.
pub(super) fn excepts(list: &str, host: &str, port: u16) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let mut entries = list.split(|c: char| c == ',' || c.is_whitespace());
    entries.any(|entry| matches(&entry.to_ascii_lowercase(), &host, port))
}

fn matches(entry: &str, host: &str, port: u16) -> bool {
    if entry.is_empty() {
        return false;
    }
    let (name, wanted) = split_port(entry);
    if wanted.is_some_and(|wanted| wanted != port) {
        return false;
    }
    if name == "*" {
        return true;
    }
    let name = name.trim_start_matches('[').trim_end_matches(']');
    match host.parse::<IpAddr>() {
        Ok(address) => {
            let is_address = name.parse::<IpAddr>().is_ok_and(|own| own == address);
            let is_within = || {
                name.parse::<IpNet>()
                    .is_ok_and(|net| net.contains(&address))
            };
            is_address || is_within()
        }
        Err(_) => is_domain(name.trim_end_matches('.'), host),
    }
}

/// An entry without its port, if it names one. The last colon of a bare IPv6 address begins none.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    match entry.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => port
            .parse()
            .map_or((entry, None), |port| (name, Some(port))),
        Some(_) | None => (entry, None),
    }
}

/// `name` and `.name` stand for the domain and all below it, as in curl; `*.name` for what is below it, as in Go.
fn is_domain(name: &str, host: &str) -> bool {
    let below = |domain: &str| {
        let before = host.strip_suffix(domain);
        before.is_some_and(|before| before.ends_with('.') && before.len() > 1)
    };
    if let Some(domain) = name.strip_prefix("*.") {
        return !domain.is_empty() && below(domain);
    }
    let domain = name.trim_start_matches('.');
    !domain.is_empty() && (host == domain || below(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_that_curl_or_go_knows_is_matched() {
        for (list, host, port, is_excepted) in [
            ("", "a.test", 80, false),
            (",, ,", "a.test", 80, false),
            ("*", "a.test", 80, true),
            ("b.test, *", "a.test", 80, true),
            ("a.test", "a.test", 80, true),
            ("A.Test", "a.tesT", 80, true),
            ("a.test.", "a.test", 80, true),
            ("a.test", "a.test.", 80, true),
            ("a.test", "x.a.test", 80, true),
            ("a.test", "xa.test", 80, false),
            (".a.test", "a.test", 80, true),
            (".a.test", "x.a.test", 80, true),
            ("*.a.test", "x.y.a.test", 80, true),
            ("*.a.test", "a.test", 80, false),
            ("*.a.test", "xa.test", 80, false),
            ("*.", "a.test", 80, false),
            (".", "a.test", 80, false),
            ("a.test:8080", "a.test", 8080, true),
            ("a.test:8080", "x.a.test", 8080, true),
            ("a.test:8080", "a.test", 80, false),
            (".a.test:80", "x.a.test", 80, true),
            ("*:80", "a.test", 80, true),
            ("*:81", "a.test", 80, false),
            ("b.test a.test", "a.test", 80, true),
            ("b.test\ta.test", "a.test", 80, true),
            (" b.test , a.test ", "a.test", 80, true),
            ("10.0.0.0/8", "10.1.2.3", 80, true),
            ("10.0.0.0/8", "11.1.2.3", 80, false),
            ("10.1.2.3", "10.1.2.3", 80, true),
            ("10.1.2.3:80", "10.1.2.3", 80, true),
            ("10.1.2.3:81", "10.1.2.3", 80, false),
            ("2.3", "10.1.2.3", 80, false),
            ("fd00::/8", "fd12::1", 80, true),
            ("fd12::1", "fd12::1", 80, true),
            ("[fd12::1]", "fd12::1", 80, true),
            ("[FD12:0::1]:80", "fd12::1", 80, true),
            ("[fd12::1]:81", "fd12::1", 80, false),
            ("a.test:http", "a.test", 80, false),
        ] {
            assert_eq!(
                excepts(list, host, port),
                is_excepted,
                "{list:?} {host}:{port}"
            );
        }
    }
}
