//! The target of a run: where connections go, what `Host` says, and the path that step paths are joined to.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use url::{Host, Url};

use super::proxy::Proxy;
use crate::redact::redacted_address;
use crate::scenario::HttpVersion;

/// How a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Plain TCP.
    Http,
    /// TLS over TCP.
    Https,
}

impl Scheme {
    pub(in crate::load) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// A parsed target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: Scheme,
    host: Host,
    port: u16,
    authority: String,
    base_path: String,
    via: Option<Via>,
}

/// The way through a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Via {
    proxy: Arc<Proxy>,
    /// The authority to ask a tunnel to; where there is none, each request names the whole URL.
    tunnel: Option<String>,
}

/// Why a target is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// Not a URL.
    #[error("target `{target}` is not a valid URL ({cause}); write it as https://host/path")]
    Url {
        /// What was given.
        target: String,
        /// What the parser says.
        cause: url::ParseError,
    },
    /// A scheme that is no HTTP.
    #[error("target `{target}` has the scheme `{scheme}`; it must start with http:// or https://")]
    Scheme {
        /// What was given.
        target: String,
        /// Its scheme.
        scheme: String,
    },
    /// User or password in the URL; it is not repeated, since it may be secret.
    #[error(
        "the target contains a user name or password; put credentials in a header or in `auth`"
    )]
    Credentials,
    /// A query or a fragment.
    #[error("target `{0}` has a query or fragment; put it in the steps")]
    Query(String),
}

impl Origin {
    /// Whether connections use TLS.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host, without brackets, to resolve.
    pub fn host(&self) -> String {
        match &self.host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        }
    }

    /// The port, that of the scheme where none was given.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The value of the `Host` header: the port only where it is not the scheme's.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether it is on this machine.
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        }
    }

    /// What stands before a step's path in the target of every request: the origin's own path, and the whole URL where a
    /// proxy wants it.
    pub fn prefix(&self) -> String {
        format!("{}{}", self.before_path(), self.base_path)
    }

    /// The same origin, reached through a proxy.
    #[must_use]
    pub fn through(self, proxy: Proxy, version: HttpVersion) -> Self {
        let tunnelled = self.scheme == Scheme::Https || version == HttpVersion::Http2;
        let via = Via {
            proxy: Arc::new(proxy),
            tunnel: tunnelled.then(|| format!("{}:{}", self.host, self.port)),
        };
        Self {
            via: Some(via),
            ..self
        }
    }

    /// The proxy that leads there, if one does.
    pub fn proxy(&self) -> Option<&Proxy> {
        self.via.as_ref().map(|via| via.proxy.as_ref())
    }

    /// The proxy that each request is sent to, if it opens no tunnel: then it may respond itself.
    pub fn forwarder(&self) -> Option<&Proxy> {
        self.proxy().filter(|_| self.tunnel().is_none())
    }

    /// The authority that the proxy must open a tunnel to; none where each request names the whole URL.
    pub(super) fn tunnel(&self) -> Option<&str> {
        self.via.as_ref()?.tunnel.as_deref()
    }

    /// The value of `Proxy-Authorization` that each request must carry; one in a tunnel carries none.
    pub fn proxy_authorization(&self) -> Option<&str> {
        self.forwarder()?.authorization()
    }

    /// What stands before the path in a request to a proxy that opens no tunnel; nothing elsewhere.
    pub fn before_path(&self) -> String {
        let forwarder = self.forwarder();
        forwarder.map_or_else(String::new, |_| format!("http://{}", self.authority))
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(target: &str) -> Result<Self, OriginError> {
        let url = Url::parse(target).map_err(|cause| unparsed(target, cause))?;
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            // A user without a scheme is taken for one.
            _ if target.contains('@') => return Err(OriginError::Credentials),
            other => {
                return Err(OriginError::Scheme {
                    target: redacted_address(target),
                    scheme: other.to_owned(),
                });
            }
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OriginError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(OriginError::Query(redacted_address(target)));
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(unparsed(target, url::ParseError::EmptyHost));
        };
        Ok(Self {
            scheme,
            port,
            authority: url
                .port()
                .map_or_else(|| host.to_string(), |port| format!("{host}:{port}")),
            base_path: url.path().trim_end_matches('/').to_owned(),
            host: host.to_owned(),
            via: None,
        })
    }
}

/// Keeps a password out of the message, should there be one.
fn unparsed(target: &str, cause: url::ParseError) -> OriginError {
    if target.contains('@') {
        return OriginError::Credentials;
    }
    OriginError::Url {
        target: redacted_address(target),
        cause,
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.scheme.as_str();
        write!(f, "{scheme}://{}{}", self.authority, self.base_path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_where_to_connect_and_what_to_ask_for() {
        for (target, host, port, authority, path) in [
            (
                "https://api.example.com",
                "api.example.com",
                443,
                "api.example.com",
                "",
            ),
            (
                "http://api.example.com:80/",
                "api.example.com",
                80,
                "api.example.com",
                "",
            ),
            (
                "HTTP://LocalHost:8080/prod/",
                "localhost",
                8080,
                "localhost:8080",
                "/prod",
            ),
            ("https://[::1]:8443/a/b", "::1", 8443, "[::1]:8443", "/a/b"),
            ("http://127.0.0.1:1", "127.0.0.1", 1, "127.0.0.1:1", ""),
        ] {
            let origin: Origin = target.parse().unwrap();
            assert_eq!(
                (
                    origin.host().as_str(),
                    origin.port(),
                    origin.authority(),
                    origin.prefix().as_str()
                ),
                (host, port, authority, path)
            );
            assert_eq!(origin.to_string().parse(), Ok(origin));
        }
    }

    #[test]
    fn this_machine_is_known_by_its_names() {
        for (target, here) in [
            ("http://127.0.0.1:1", true),
            ("http://127.9.9.9", true),
            ("http://[::1]", true),
            ("http://LOCALHOST:8080", true),
            ("http://localhost.example.com", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(
                target.parse::<Origin>().unwrap().is_loopback(),
                here,
                "{target}"
            );
        }
    }

    #[test]
    fn a_proxy_is_asked_for_a_tunnel_or_request_by_request() {
        let variable = |name: &str| (name == "all_proxy").then(|| "http://u:p@p:1".to_owned());
        for (target, version, tunnel, prefix) in [
            (
                "http://a.b:8080/x",
                HttpVersion::Http11,
                None,
                "http://a.b:8080/x",
            ),
            (
                "http://a.b:8080/x",
                HttpVersion::Http2,
                Some("a.b:8080"),
                "/x",
            ),
            ("https://a.b", HttpVersion::Auto, Some("a.b:443"), ""),
        ] {
            let origin: Origin = target.parse().unwrap();
            let proxy = Proxy::find(&origin, &variable).unwrap().unwrap();
            let origin = origin.through(proxy, version);
            assert_eq!(
                (origin.tunnel(), origin.prefix().as_str()),
                (tunnel, prefix)
            );
            assert_eq!(origin.proxy_authorization().is_some(), tunnel.is_none());
        }
    }

    #[test]
    fn a_bad_target_says_what_to_write() {
        for (target, message) in [
            (
                "api.example.com",
                "target `api.example.com` is not a valid URL (relative URL without a base); write it as https://host/path",
            ),
            (
                "localhost:8080",
                "target `localhost:8080` has the scheme `localhost`; it must start with http:// or https://",
            ),
            (
                "ftp://x",
                "target `ftp://x` has the scheme `ftp`; it must start with http:// or https://",
            ),
            (
                "https://me:secret@x",
                "the target contains a user name or password; put credentials in a header or in `auth`",
            ),
            (
                "https://me:secret@:99999",
                "the target contains a user name or password; put credentials in a header or in `auth`",
            ),
            (
                "https://x/?a",
                "target `https://x/?***` has a query or fragment; put it in the steps",
            ),
            (
                "me:secret@x",
                "the target contains a user name or password; put credentials in a header or in `auth`",
            ),
            (
                "x/?token=secret",
                "target `x/?***` is not a valid URL (relative URL without a base); write it as https://host/path",
            ),
        ] {
            assert_eq!(target.parse::<Origin>().unwrap_err().to_string(), message);
        }
    }
}
