//! The HTTP proxy that the environment names for a target, if it does.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper_util::client::proxy::matcher::Matcher;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::exchange::{Failed, Failure};

/// No honest proxy says more before the tunnel stands.
const REPLY_LIMIT: usize = 16 * 1024;
/// Where a proxy listens whose address names no port.
const DEFAULT_PORT: u16 = 80;

/// A proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    host: String,
    port: u16,
    /// The value of `Proxy-Authorization`, which is a secret.
    authorization: Option<String>,
}

/// Why the proxy that the environment names cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// It is not spoken to by plain HTTP.
    #[error(
        "the environment names a proxy that speaks {0}, and only http:// proxies are supported: set NO_PROXY for the target, or name another"
    )]
    Scheme(String),
    /// Its address holds no host.
    #[error(
        "the environment names a proxy without a host: write it as http://host:port, or set NO_PROXY for the target"
    )]
    Host,
}

impl Proxy {
    /// The proxy for a target at this URL, by the variables `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` or
    /// their capitals; lower case wins.
    pub fn find(
        target: &str,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, ProxyError> {
        let value = |name: &str| {
            let filled = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
            filled(name)
                .or_else(|| filled(&name.to_ascii_uppercase()))
                .unwrap_or_default()
        };
        let matcher = Matcher::builder()
            .all(value("all_proxy"))
            .http(value("http_proxy"))
            .https(value("https_proxy"))
            .no(value("no_proxy"))
            .build();
        let Some(found) = target.parse().ok().and_then(|uri| matcher.intercept(&uri)) else {
            return Ok(None);
        };
        match found.uri().scheme_str() {
            Some("http") | None => {}
            Some(other) => return Err(ProxyError::Scheme(other.to_owned())),
        }
        let host = found.uri().host().ok_or(ProxyError::Host)?;
        let authorization = match (found.basic_auth(), found.raw_auth()) {
            (Some(value), _) => value.to_str().ok().map(str::to_owned),
            (None, Some((user, password))) => {
                let pair = STANDARD.encode(format!("{user}:{password}"));
                Some(format!("Basic {pair}"))
            }
            (None, None) => None,
        };
        Ok(Some(Self {
            host: host
                .trim_start_matches('[')
                .trim_end_matches(']')
                .to_owned(),
            port: found.uri().port_u16().unwrap_or(DEFAULT_PORT),
            authorization,
        }))
    }

    /// The host, without brackets, to resolve.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The value of `Proxy-Authorization`, where the proxy wants one.
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// Asks the proxy for a tunnel to an authority.
    pub(super) async fn tunnel(&self, stream: &mut TcpStream, to: &str) -> Result<(), Failed> {
        let authorization = self
            .authorization
            .as_ref()
            .map_or_else(String::new, |value| {
                format!("Proxy-Authorization: {value}\r\n")
            });
        let request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{authorization}\r\n");
        let lost = |error| Failed::new(Failure::Proxy, &format_args!("no tunnel: {error}"));
        stream.write_all(request.as_bytes()).await.map_err(lost)?;
        match reply(stream).await.map_err(lost)? {
            200..300 => Ok(()),
            status => Err(Failed::new(
                Failure::Proxy,
                &format_args!("no tunnel: the proxy answered {status}"),
            )),
        }
    }
}

/// The status of the proxy's answer, read to the end of its head and not a byte further.
async fn reply(stream: &mut TcpStream) -> std::io::Result<u16> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == REPLY_LIMIT {
            return Err(std::io::Error::other("the proxy's answer has no end"));
        }
        head.push(stream.read_u8().await?);
    }
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(&head);
    let status = parsed.ok().and(response.code);
    status.ok_or_else(|| std::io::Error::other("the proxy's answer is not HTTP"))
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(target: &str, variables: &[(&str, &str)]) -> Result<Option<Proxy>, ProxyError> {
        let variable = |name: &str| {
            let mut pairs = variables.iter();
            pairs
                .find(|(own, _)| *own == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Proxy::find(target, &variable)
    }

    #[test]
    fn the_environment_says_which_proxy_and_for_whom() {
        let https = ("https_proxy", "http://proxy.corp:3128");
        for (target, variables, proxy) in [
            ("https://api.example.com", &[][..], None),
            ("https://api.example.com", &[https], Some("proxy.corp:3128")),
            ("http://api.example.com", &[https], None),
            (
                "http://api.example.com",
                &[("ALL_PROXY", "proxy.corp")],
                Some("proxy.corp:80"),
            ),
            (
                "https://api.example.com",
                &[https, ("NO_PROXY", "localhost,.example.com")],
                None,
            ),
            (
                "https://10.1.2.3",
                &[https, ("no_proxy", "10.0.0.0/8")],
                None,
            ),
            ("https://a.b", &[https, ("no_proxy", "*")], None),
            (
                "https://a.b",
                &[https, ("HTTPS_PROXY", "http://other:1"), ("no_proxy", " ")],
                Some("proxy.corp:3128"),
            ),
        ] {
            let found = find(target, variables).unwrap();
            assert_eq!(
                found.map(|proxy| proxy.to_string()).as_deref(),
                proxy,
                "{target} {variables:?}"
            );
        }
    }

    #[test]
    fn credentials_are_sent_and_never_shown() {
        let variables = [("https_proxy", "http://me:s3cret@proxy.corp:3128")];
        let proxy = find("https://a.b", &variables).unwrap().unwrap();
        assert_eq!(proxy.authorization(), Some("Basic bWU6czNjcmV0"));
        assert!(!format!("{proxy} {proxy:?}").contains("s3cret"));
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_an_error_and_not_passed_over() {
        let socks = [("all_proxy", "socks5://proxy.corp:1080")];
        assert_eq!(
            find("https://a.b", &socks),
            Err(ProxyError::Scheme("socks5".to_owned()))
        );
    }
}
