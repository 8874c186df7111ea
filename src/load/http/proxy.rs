//! The HTTP proxy that the environment names for a target, if it does.

use std::fmt;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper_util::client::proxy::matcher::Matcher;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::exchange::RequestError;
use super::no_proxy;
use super::origin::{Origin, Scheme};
use crate::measurement::{FailureKind, UnreachableCause};

/// No honest proxy says more before the tunnel stands.
const REPLY_LIMIT: usize = 16 * 1024;
/// Where a proxy listens whose address names no port.
const DEFAULT_PORT: u16 = 80;
/// The status by which a proxy requires credentials.
pub const CREDENTIALS_REQUIRED: u16 = 407;

/// A proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    host: String,
    port: u16,
    /// The variable of the environment that names it.
    variable: String,
    /// The value of `Proxy-Authorization`, which is a secret.
    authorization: Option<String>,
}

/// Why the proxy that the environment names cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// It does not speak plain HTTP.
    #[error(
        "{variable} names a {scheme} proxy, but only http:// proxies are supported; name another, or set NO_PROXY for the target"
    )]
    Scheme {
        /// The variable that names it.
        variable: String,
        /// What it speaks.
        scheme: String,
    },
    /// The value, which may hold a password, is not an address.
    #[error(
        "{variable} is not the address of a proxy; write it as http://host:port, or set NO_PROXY for the target"
    )]
    Address {
        /// The variable that names it.
        variable: String,
    },
}

impl Proxy {
    /// The proxy for a target, by the variables `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` or their capitals;
    /// lower case wins.
    pub fn find(
        target: &Origin,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, ProxyError> {
        let filled = |name: String| {
            let value = variable(&name).filter(|value| !value.trim().is_empty())?;
            Some((name, value))
        };
        let either =
            |name: &str| filled(name.to_owned()).or_else(|| filled(name.to_ascii_uppercase()));
        let own = match target.scheme() {
            Scheme::Http => "http_proxy",
            Scheme::Https => "https_proxy",
        };
        let Some((variable, value)) = either(own).or_else(|| either("all_proxy")) else {
            return Ok(None);
        };
        let excepted = either("no_proxy")
            .is_some_and(|(_, list)| no_proxy::excepts(&list, &target.host(), target.port()));
        if excepted {
            return Ok(None);
        }
        Self::parse(variable, value.trim()).map(Some)
    }

    fn parse(variable: String, value: &str) -> Result<Self, ProxyError> {
        let matcher = Matcher::builder().all(value).build();
        let any = "http://any".parse().ok();
        let Some(found) = any.and_then(|any| matcher.intercept(&any)) else {
            return Err(match value.split_once("://") {
                Some((scheme, _)) if !scheme.eq_ignore_ascii_case("http") => {
                    let scheme = scheme.to_owned();
                    ProxyError::Scheme { variable, scheme }
                }
                Some(_) | None => ProxyError::Address { variable },
            });
        };
        match found.uri().scheme_str() {
            Some("http") | None => {}
            Some(other) => {
                let scheme = other.to_owned();
                return Err(ProxyError::Scheme { variable, scheme });
            }
        }
        let host = found.uri().host().unwrap_or_default();
        if host.is_empty() {
            return Err(ProxyError::Address { variable });
        }
        // A port that is none would be passed over.
        let authority = found.uri().authority().map_or("", |own| own.as_str());
        let written = authority.rsplit(']').next().unwrap_or_default();
        let port = written.rsplit_once(':').map_or("", |(_, port)| port);
        if !port.is_empty() && port.parse::<u16>().is_err() {
            return Err(ProxyError::Address { variable });
        }
        let authorization = match (found.basic_auth(), found.raw_auth()) {
            (Some(value), _) => value.to_str().ok().map(str::to_owned),
            (None, Some((user, password))) => {
                let pair = STANDARD.encode(format!("{user}:{password}"));
                Some(format!("Basic {pair}"))
            }
            (None, None) => None,
        };
        Ok(Self {
            host: host
                .trim_start_matches('[')
                .trim_end_matches(']')
                .to_owned(),
            port: found.uri().port_u16().unwrap_or(DEFAULT_PORT),
            variable,
            authorization,
        })
    }

    /// The host, without brackets, to resolve.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The variable of the environment that names it.
    pub fn variable(&self) -> &str {
        &self.variable
    }

    /// Why there is no connection to it.
    pub(super) fn unreachable(&self, failed: RequestError) -> RequestError {
        // That is this machine's fault.
        if failed.failure == FailureKind::NoSocket {
            return failed;
        }
        let what = if failed.failure == FailureKind::Dns {
            "has a host name that cannot be resolved"
        } else {
            "cannot be reached"
        };
        self.failed(&format_args!("{what}: {}", failed.detail))
    }

    /// That it gave no connection, or no tunnel, in time.
    pub(super) fn timed_out(&self, failed: &RequestError, is_tunnelled: bool) -> RequestError {
        let what = if is_tunnelled {
            "did not open a tunnel"
        } else {
            "cannot be reached"
        };
        let detail = format!("{} {what}: {}", self.named(), failed.detail);
        RequestError::because(failed.failure, UnreachableCause::Proxy, &detail)
    }

    /// That it took a request and gave no response that can be read. The target behind it may be why.
    pub(super) fn unresponsive(&self, failed: &RequestError) -> RequestError {
        let detail = format!("{} gave no response: {}", self.named(), failed.detail);
        RequestError::because(failed.failure, UnreachableCause::ProxyResponse, &detail)
    }

    /// The proxy with the variable that names it, as a part of a sentence.
    pub fn named(&self) -> String {
        format!("the proxy {self} (from {})", self.variable)
    }

    /// Why it responds 407, in words: it requires credentials, or refuses those that it was sent.
    pub fn refusal(&self) -> (UnreachableCause, String) {
        let (cause, what) = match self.authorization {
            None => (
                UnreachableCause::ProxyCredentials,
                "requires credentials".to_owned(),
            ),
            Some(_) => (
                UnreachableCause::ProxyRefused,
                format!("refuses the credentials in {}", self.variable),
            ),
        };
        let named = self.named();
        (
            cause,
            format!("{named} {what} and responded {CREDENTIALS_REQUIRED}"),
        )
    }

    /// A failure that is the proxy's, which it names.
    fn failed(&self, what: &impl fmt::Display) -> RequestError {
        let detail = format_args!("{} {what}", self.named());
        RequestError::because(FailureKind::Proxy, UnreachableCause::Proxy, &detail)
    }

    /// The value of `Proxy-Authorization`, where the proxy wants one.
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// Asks the proxy for a tunnel to an authority.
    pub(super) async fn tunnel(
        &self,
        stream: &mut TcpStream,
        to: &str,
    ) -> Result<(), RequestError> {
        let authorization = self
            .authorization
            .as_ref()
            .map_or_else(String::new, |value| {
                format!("Proxy-Authorization: {value}\r\n")
            });
        let request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{authorization}\r\n");
        let lost = |error: io::Error| self.failed(&format_args!("did not open a tunnel: {error}"));
        stream.write_all(request.as_bytes()).await.map_err(lost)?;
        match reply(stream).await.map_err(lost)? {
            200..300 => Ok(()),
            CREDENTIALS_REQUIRED => {
                let (cause, why) = self.refusal();
                Err(RequestError::because(FailureKind::Proxy, cause, &why))
            }
            status => Err(self.failed(&format_args!(
                "did not open a tunnel: it responded {status}"
            ))),
        }
    }
}

/// The status of the proxy's response, read to the end of its head and not a byte further.
async fn reply(stream: &mut TcpStream) -> io::Result<u16> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == REPLY_LIMIT {
            return Err(io::Error::other("its response does not end"));
        }
        head.push(stream.read_u8().await?);
    }
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(&head);
    let status = parsed.ok().and(response.code);
    status.ok_or_else(|| io::Error::other("its response is not HTTP"))
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
        Proxy::find(&target.parse().unwrap(), &variable)
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
    fn an_unusable_proxy_is_an_error_that_names_its_variable() {
        let scheme = |variable: &str, scheme: &str| ProxyError::Scheme {
            variable: variable.to_owned(),
            scheme: scheme.to_owned(),
        };
        let address = |variable: &str| ProxyError::Address {
            variable: variable.to_owned(),
        };
        for (variable, value, error) in [
            (
                "all_proxy",
                "socks5://p:1080",
                scheme("all_proxy", "socks5"),
            ),
            (
                "ALL_PROXY",
                "socks5h://p:1080",
                scheme("ALL_PROXY", "socks5h"),
            ),
            (
                "all_proxy",
                "socks4://p:1080",
                scheme("all_proxy", "socks4"),
            ),
            ("HTTPS_PROXY", "https://p:1", scheme("HTTPS_PROXY", "https")),
            ("https_proxy", "ftp://p:1", scheme("https_proxy", "ftp")),
            ("https_proxy", "http://:3128", address("https_proxy")),
            ("https_proxy", "http://p:99999", address("https_proxy")),
            ("https_proxy", "p q", address("https_proxy")),
        ] {
            assert_eq!(
                find("https://a.b", &[(variable, value)]),
                Err(error),
                "{value}"
            );
        }
        let unused = [
            ("all_proxy", "socks5://p:1080"),
            ("NO_PROXY", "*.b,a.b:443"),
        ];
        assert_eq!(find("https://a.b", &unused), Ok(None), "it is not needed");
    }

    #[test]
    fn a_proxy_knows_the_variable_that_names_it() {
        for (variables, variable) in [
            (
                &[("https_proxy", "p:1"), ("HTTPS_PROXY", "q:1")][..],
                "https_proxy",
            ),
            (
                &[("HTTPS_PROXY", "p:1"), ("all_proxy", "q:1")],
                "HTTPS_PROXY",
            ),
            (&[("https_proxy", ""), ("ALL_PROXY", "p:1")], "ALL_PROXY"),
        ] {
            let proxy = find("https://a.b", variables).unwrap().unwrap();
            assert_eq!((proxy.variable(), proxy.host()), (variable, "p"));
        }
    }
}
