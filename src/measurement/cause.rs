//! What stands behind a deployment that cannot be loaded, as far as it is known: what the advice depends on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a deployment cannot be loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Cause")]
pub enum UnreachableCause {
    /// Only the message is known, as in results of older versions.
    #[default]
    Unknown,
    /// The server accepts connections, but no response began in time.
    NoResponse,
    /// The certificate was issued by an authority that is not trusted.
    UnknownIssuer,
    /// The certificate has expired.
    CertificateExpired,
    /// The certificate is not valid yet.
    CertificateNotYetValid,
    /// The certificate is for other names.
    CertificateName,
    /// The certificate is not of X.509 version 3.
    CertificateVersion,
    /// The certificate cannot be used for another reason.
    CertificateUnusable,
    /// The server requires a client certificate.
    ClientCertificate,
    /// An `https://` address at which a server responds in plain HTTP.
    PlainHttp,
    /// An `http://` address at which a server expects TLS.
    ExpectsTls,
    /// An `https://` address at which a server responds neither in TLS nor in HTTP.
    NotTls,
    /// The server supports neither TLS 1.2 nor TLS 1.3.
    TlsVersion,
    /// The server and loadgate have no cipher suite or key exchange in common.
    TlsCipher,
    /// The server closed the connection during the TLS handshake.
    TlsClosed,
    /// The server responds, but not in HTTP.
    NotHttp,
    /// The server does not speak HTTP/2, which the scenario requires.
    NoHttp2,
    /// The server speaks only HTTP/2, and the scenario requires HTTP/1.1.
    Http2Only,
    /// The response violates HTTP or exceeds a size limit.
    BrokenResponse,
    /// The body is longer than the limit for bodies that a step reads.
    BodyTooLong,
    /// A response began in time but did not end.
    UnendingBody,
    /// Every response was 502, 503 or 504 until `--wait` ended.
    Unavailable,
    /// The path of `--ready` did not respond below 400 in time.
    NotReady,
    /// The proxy cannot be reached, or did not open a tunnel.
    Proxy,
    /// A forwarding proxy accepted a request but sent no HTTP response in time.
    ProxyResponse,
    /// The proxy requires credentials.
    ProxyCredentials,
    /// The proxy refuses the credentials that it was sent.
    ProxyRefused,
    /// The revision of a server cannot be checked out.
    NotCheckedOut,
    /// The command that builds a server failed.
    NotBuilt,
    /// The command of a server cannot be started.
    ServerNotStarted,
    /// A server that was started ended by itself.
    ServerEnded,
    /// A server that was started was not ready in time.
    ServerNotReady,
    /// Another process listens on the port of a server that is to be started.
    PortTaken,
}
