//! Whom a TLS connection trusts. Built once per run and shared, sessions included, so that a reconnect is as cheap as a
//! real client's.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, InvalidMessage,
    OtherError, PeerIncompatible, PeerMisbehaved, RootCertStore, SignatureScheme,
};

use crate::measurement::UnreachableCause;
use crate::scenario::HttpVersion;

/// The names that a handshake agrees on a version of HTTP by.
pub(super) const H2: &[u8] = b"h2";
pub(super) const HTTP11: &[u8] = b"http/1.1";

/// Whose certificates are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust<'a> {
    /// The roots of the system.
    System,
    /// The roots of the system, and those in this PEM text (`--ca`).
    SystemAnd(&'a [u8]),
    /// Anyone's (`--insecure`): encrypted, but to whom nobody knows.
    Anyone,
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The PEM text holds no readable certificate.
    #[error("the CA file contains no certificate in PEM format")]
    NoCertificate,
    /// The PEM text is broken.
    #[error("the CA file is not valid PEM: {0}")]
    Pem(rustls::pki_types::pem::Error),
    /// The PEM text holds something else than a root.
    #[error("the CA file contains a certificate that cannot be a root")]
    Root(#[source] Error),
    /// The system has no roots.
    #[error(
        "no root certificates found on this system ({0}); install them or name a file with --ca"
    )]
    NoSystemRoots(String),
    /// The host is no name that a certificate could hold.
    #[error("`{0}` is not a host name that a certificate can be issued for")]
    HostName(String),
    /// The library refuses its own defaults.
    #[error("TLS cannot be set up")]
    Library(#[from] Error),
}

/// Reads the roots and sets up TLS 1.2 and 1.3 for a version of HTTP.
pub(super) fn config(
    trust: Trust<'_>,
    version: HttpVersion,
    asked: &Arc<AskedForCertificate>,
) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let builder = match trust {
        Trust::System => builder.with_root_certificates(system_roots()?),
        Trust::SystemAnd(_) | Trust::Anyone => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Verifier::new(trust, &provider)?)),
    };
    let asked: Arc<dyn ResolvesClientCert> = Arc::<AskedForCertificate>::clone(asked);
    let mut config = builder.with_client_cert_resolver(asked);
    config.alpn_protocols = match version {
        HttpVersion::Http11 => vec![HTTP11.to_vec()],
        HttpVersion::Http2 => vec![H2.to_vec()],
        HttpVersion::Auto => vec![H2.to_vec(), HTTP11.to_vec()],
    };
    Ok(Arc::new(config))
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Systems carry roots that are too old to read; those are passed over, as everywhere.
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let causes: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
        return Err(TlsError::NoSystemRoots(causes.join(", ")));
    }
    Ok(roots)
}

/// Notes that a server has asked for a client certificate. There is none to give.
#[derive(Debug, Default)]
pub(super) struct AskedForCertificate(AtomicBool);

impl AskedForCertificate {
    pub(super) fn was_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl ResolvesClientCert for AskedForCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// Why a handshake failed: what it means for the user, and in words.
pub(super) fn handshake_failed(
    error: &Error,
    asked: &AskedForCertificate,
) -> (UnreachableCause, String) {
    let is_refusal = matches!(
        error,
        // How servers refuse a client without a certificate in TLS 1.2.
        Error::AlertReceived(AlertDescription::HandshakeFailure | AlertDescription::AccessDenied)
    );
    if is_refusal && asked.was_asked() {
        return wants_certificate();
    }
    explained(error)
}

fn wants_certificate() -> (UnreachableCause, String) {
    (
        UnreachableCause::ClientCertificate,
        "the server requires a client certificate".to_owned(),
    )
}

/// The error of rustls that an error of a stream holds, if it does.
pub(super) fn error_within(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// What an error of TLS means for the user, and in words.
pub(super) fn explained(error: &Error) -> (UnreachableCause, String) {
    if let Error::AlertReceived(
        AlertDescription::CertificateRequired
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::NoCertificate,
    ) = error
    {
        return wants_certificate();
    }
    let Error::InvalidCertificate(fault) = error else {
        return (disagreement(error), error.to_string());
    };
    certificate_fault(fault)
}

/// What the two sides of a handshake have not in common, if that is why it failed.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's own, of which a few are common"
)]
fn disagreement(error: &Error) -> UnreachableCause {
    match error {
        Error::AlertReceived(AlertDescription::ProtocolVersion)
        | Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        )
        | Error::InvalidMessage(InvalidMessage::UnknownProtocolVersion) => {
            UnreachableCause::TlsVersion
        }
        Error::AlertReceived(
            AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity,
        )
        | Error::PeerIncompatible(_)
        | Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedCipherSuite) => {
            UnreachableCause::TlsCipher
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => UnreachableCause::NotTls,
        // It may speak another version of HTTP.
        Error::AlertReceived(AlertDescription::NoApplicationProtocol) => UnreachableCause::NotHttp,
        _ => UnreachableCause::Unknown,
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's own, of which a few are common"
)]
fn certificate_fault(fault: &CertificateError) -> (UnreachableCause, String) {
    use UnreachableCause as Cause;
    let (cause, said): (_, Cow<'_, str>) = match fault {
        CertificateError::UnknownIssuer => (
            Cause::UnknownIssuer,
            "was issued by an authority that is not trusted".into(),
        ),
        _ if is_authority(fault) => (
            Cause::UnknownIssuer,
            "is a CA certificate and is not trusted".into(),
        ),
        CertificateError::Expired => (Cause::CertificateExpired, "has expired".into()),
        CertificateError::ExpiredContext { not_after, .. } => (
            Cause::CertificateExpired,
            format!("expired on {}", day(*not_after)).into(),
        ),
        CertificateError::NotValidYet => (Cause::CertificateNotYetValid, "is not valid yet".into()),
        CertificateError::NotValidYetContext { not_before, .. } => (
            Cause::CertificateNotYetValid,
            format!("is not valid before {}", day(*not_before)).into(),
        ),
        CertificateError::NotValidForName => {
            (Cause::CertificateName, "is for another host name".into())
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => (
            Cause::CertificateName,
            format!("is {}, not for {}", held(presented), expected.to_str()).into(),
        ),
        CertificateError::Other(other) => unusable(other),
        other => (
            Cause::CertificateUnusable,
            format!("cannot be used: {other}").into(),
        ),
    };
    (cause, format!("the certificate {said}"))
}

/// The names that a certificate holds, up to a number of them.
fn held(names: &[String]) -> String {
    const NAMED: usize = 4;
    // `DnsName("localhost")`, `IpAddress(127.0.0.1)`.
    let bare = |name: &String| {
        let inside = name.split_once('(').map_or(&**name, |(_, inside)| inside);
        inside.trim_end_matches(')').trim_matches('"').to_owned()
    };
    let detail: Vec<String> = names.iter().take(NAMED).map(bare).collect();
    match names.len().saturating_sub(NAMED) {
        _ if names.is_empty() => "for no host name (it has no subjectAltName)".to_owned(),
        0 => format!("for {}", detail.join(", ")),
        more => format!("for {} and {more} more", detail.join(", ")),
    }
}

/// Why a certificate cannot be used, where the library has no message of its own.
fn unusable(other: &OtherError) -> (UnreachableCause, Cow<'static, str>) {
    if let Some(webpki::Error::UnsupportedCertVersion) = other.0.downcast_ref() {
        let said = "is not of X.509 version 3, which TLS requires".into();
        return (UnreachableCause::CertificateVersion, said);
    }
    (
        UnreachableCause::CertificateUnusable,
        format!("cannot be used: {}", other.0).into(),
    )
}

/// What a handshake failed on that TLS does not say.
pub(super) fn handshake_cut(error: &io::Error) -> UnreachableCause {
    let is_closed = matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    );
    if is_closed {
        UnreachableCause::TlsClosed
    } else {
        UnreachableCause::Unknown
    }
}

/// Whether a certificate was refused for nothing but being an authority's, as `openssl req -x509` makes them.
fn is_authority(fault: &CertificateError) -> bool {
    let CertificateError::Other(other) = fault else {
        return false;
    };
    let inner = other.0.downcast_ref();
    matches!(inner, Some(webpki::Error::CaUsedAsEndEntity))
}

fn day(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).map_or_else(
        |_| "an unknown day".to_owned(),
        |time| time.strftime("%Y-%m-%d").to_string(),
    )
}

/// Checks that a server holds the key of its certificate, and that the certificate is trusted.
#[derive(Debug)]
struct Verifier {
    algorithms: WebPkiSupportedAlgorithms,
    /// None if every certificate is accepted.
    roots: Option<Arc<WebPkiServerVerifier>>,
    /// The certificates of the PEM text, which may be the server's own.
    own: Vec<CertificateDer<'static>>,
}

impl Verifier {
    fn new(trust: Trust<'_>, provider: &Arc<CryptoProvider>) -> Result<Self, TlsError> {
        let (mut roots, mut own) = (None, Vec::new());
        if let Trust::SystemAnd(pem) = trust {
            let certificates = CertificateDer::pem_slice_iter(pem);
            own = certificates
                .collect::<Result<_, _>>()
                .map_err(TlsError::Pem)?;
            let store = Arc::new(roots_and(&own)?);
            let verifier =
                WebPkiServerVerifier::builder_with_provider(store, Arc::clone(provider)).build();
            roots = Some(verifier.map_err(|error| Error::General(error.to_string()))?);
        }
        Ok(Self {
            algorithms: provider.signature_verification_algorithms,
            roots,
            own,
        })
    }
}

impl ServerCertVerifier for Verifier {
    /// A certificate that was given byte for byte is trusted for the names and the time that it holds, whoever issued it
    /// and even if it says that it is an authority's: that is what curl and OpenSSL do. All else is up to the roots. They
    /// look at the time first, so that both refusals that are overruled here are of certificates in their time.
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(roots) = &self.roots else {
            return Ok(ServerCertVerified::assertion());
        };
        let verified =
            roots.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            Err(Error::InvalidCertificate(fault))
                if (fault == CertificateError::UnknownIssuer || is_authority(&fault))
                    && self.own.contains(end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// A private CA suffices by itself where the system has no roots, as in a bare container.
fn roots_and(own: &[CertificateDer<'static>]) -> Result<RootCertStore, TlsError> {
    let mut roots = match system_roots() {
        Err(TlsError::NoSystemRoots(_)) => RootCertStore::empty(),
        roots => roots?,
    };
    let before = roots.len();
    for certificate in own {
        roots.add(certificate.clone()).map_err(TlsError::Root)?;
    }
    if roots.len() == before {
        Err(TlsError::NoCertificate)
    } else {
        Ok(roots)
    }
}
