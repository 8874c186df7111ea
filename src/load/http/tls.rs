//! Whom a TLS connection trusts. Built once per run and shared, sessions included, so that a reconnect is as cheap as a
//! real client's.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::scenario::HttpVersion;

/// The names that a handshake agrees on a version of HTTP by.
pub(super) const H2: &[u8] = b"h2";
const HTTP11: &[u8] = b"http/1.1";

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
    #[error("the CA file holds no certificate in PEM form")]
    NoCertificate,
    /// The PEM text is broken.
    #[error("the CA file is not valid PEM: {0}")]
    Pem(rustls::pki_types::pem::Error),
    /// The PEM text holds something else than a root.
    #[error("the CA file holds a certificate that cannot be a root")]
    Root(#[source] Error),
    /// The system has no roots.
    #[error(
        "no root certificates found on this system ({0}); install them or name a file with --ca"
    )]
    NoSystemRoots(String),
    /// The host is no name that a certificate could hold.
    #[error("`{0}` is no host name that a certificate can be issued for")]
    HostName(String),
    /// The library refuses its own defaults.
    #[error("TLS cannot be set up")]
    Library(#[from] Error),
}

/// Reads the roots and sets up TLS 1.2 and 1.3 for a version of HTTP.
pub(super) fn config(
    trust: Trust<'_>,
    version: HttpVersion,
) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let mut config = match trust {
        Trust::System => builder
            .with_root_certificates(system_roots()?)
            .with_no_client_auth(),
        Trust::SystemAnd(pem) => builder
            .with_root_certificates(roots_and(pem)?)
            .with_no_client_auth(),
        Trust::Anyone => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
            .with_no_client_auth(),
    };
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

/// A private CA suffices by itself where the system has no roots, as in a bare container.
fn roots_and(pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = match system_roots() {
        Err(TlsError::NoSystemRoots(_)) => RootCertStore::empty(),
        roots => roots?,
    };
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots
            .add(certificate.map_err(TlsError::Pem)?)
            .map_err(TlsError::Root)?;
    }
    if roots.len() == before {
        Err(TlsError::NoCertificate)
    } else {
        Ok(roots)
    }
}

/// Accepts every certificate, but still checks that the server holds its key.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
