//! The target of a run: where connections go, what `Host` says, and the path that step paths are joined to.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use url::{Host, Url};

/// How a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Plain TCP.
    Http,
    /// TLS over TCP.
    Https,
}

/// A parsed target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: Scheme,
    host: Host,
    port: u16,
    authority: String,
    base_path: String,
}

/// Why a target is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// Not a URL.
    #[error("target `{target}` is no URL ({cause}); write it as https://host/path")]
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
    #[error("the target holds a user name or password; put credentials in a header or in `auth`")]
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

    /// The address, where the host is one and needs no DNS.
    pub fn literal_address(&self) -> Option<SocketAddr> {
        let ip = match self.host {
            Host::Domain(_) => return None,
            Host::Ipv4(address) => IpAddr::V4(address),
            Host::Ipv6(address) => IpAddr::V6(address),
        };
        Some(SocketAddr::new(ip, self.port))
    }

    /// The path of a request: a step's path under the target's own.
    pub fn join(&self, path: &str) -> String {
        let slash = if path.starts_with('/') { "" } else { "/" };
        format!("{}{slash}{path}", self.base_path)
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(target: &str) -> Result<Self, OriginError> {
        let url = Url::parse(target).map_err(|cause| unparsed(target, cause))?;
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => {
                return Err(OriginError::Scheme {
                    target: target.to_owned(),
                    scheme: other.to_owned(),
                });
            }
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OriginError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(OriginError::Query(target.to_owned()));
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
        })
    }
}

/// Keeps a password out of the message, should there be one.
fn unparsed(target: &str, cause: url::ParseError) -> OriginError {
    if target.contains('@') {
        return OriginError::Credentials;
    }
    OriginError::Url {
        target: target.to_owned(),
        cause,
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
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
                "/x?y",
            ),
            (
                "http://api.example.com:80/",
                "api.example.com",
                80,
                "api.example.com",
                "/x?y",
            ),
            (
                "HTTP://LocalHost:8080/prod/",
                "localhost",
                8080,
                "localhost:8080",
                "/prod/x?y",
            ),
            (
                "https://[::1]:8443/a/b",
                "::1",
                8443,
                "[::1]:8443",
                "/a/b/x?y",
            ),
            ("http://127.0.0.1:1", "127.0.0.1", 1, "127.0.0.1:1", "/x?y"),
        ] {
            let origin: Origin = target.parse().unwrap();
            assert_eq!(
                (
                    origin.host().as_str(),
                    origin.port(),
                    origin.authority(),
                    origin.join("/x?y").as_str()
                ),
                (host, port, authority, path)
            );
            assert_eq!(origin.join("x?y"), path);
            assert_eq!(origin.to_string().parse(), Ok(origin));
        }
    }

    #[test]
    fn only_an_address_needs_no_dns() {
        let address = |target: &str| target.parse::<Origin>().unwrap().literal_address();
        assert_eq!(
            address("http://127.0.0.1:1"),
            Some(([127, 0, 0, 1], 1).into())
        );
        assert_eq!(address("http://[::1]"), "[::1]:80".parse().ok());
        assert_eq!(address("http://localhost"), None);
    }

    #[test]
    fn a_bad_target_says_what_to_write() {
        for (target, message) in [
            (
                "api.example.com",
                "target `api.example.com` is no URL (relative URL without a base); write it as https://host/path",
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
                "the target holds a user name or password; put credentials in a header or in `auth`",
            ),
            (
                "https://me:secret@:99999",
                "the target holds a user name or password; put credentials in a header or in `auth`",
            ),
            (
                "https://x/?a",
                "target `https://x/?a` has a query or fragment; put it in the steps",
            ),
        ] {
            assert_eq!(target.parse::<Origin>().unwrap_err().to_string(), message);
        }
    }
}
