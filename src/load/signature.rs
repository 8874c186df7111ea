//! AWS signatures, version 4: made of a request just before it is sent.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;

use crate::scenario::{AwsSigV4, RenderError, Scope};

/// What is signed.
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    pub(super) scheme: &'a str,
    pub(super) authority: &'a str,
    /// Path and query.
    pub(super) target: &'a str,
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: &'a [u8],
}

/// The headers that a signature adds to a request, `Authorization` among them.
pub(super) fn headers(
    signature: &AwsSigV4,
    request: &Signed<'_>,
    scope: &mut Scope<'_>,
) -> Result<Vec<(String, String)>, RenderError> {
    let token = signature.session_token.as_ref();
    let token = token.map(|token| token.render(scope)).transpose()?;
    let identity = Credentials::new(
        signature.access_key.render(scope)?,
        signature.secret_key.render(scope)?,
        token.map(std::borrow::Cow::into_owned),
        None,
        "loadgate",
    )
    .into();
    let (region, service) = (
        signature.region.render(scope)?,
        signature.service.render(scope)?,
    );
    let failed = |why: &dyn std::fmt::Display| {
        RenderError::Failed("aws_sigv4".to_owned(), format!("cannot sign: {why}"))
    };
    let seconds = u64::try_from((scope.now)().as_second()).unwrap_or_default();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(&region)
        .name(&service)
        .time(UNIX_EPOCH + Duration::from_secs(seconds))
        .settings(settings(&service))
        .build()
        .map_err(|error| failed(&error))?;
    let uri = format!(
        "{}://{}{}",
        request.scheme, request.authority, request.target
    );
    let signable = SignableRequest::new(
        request.method,
        uri,
        request.headers.iter().copied(),
        SignableBody::Bytes(request.body),
    )
    .map_err(|error| failed(&error))?;
    let signed = sign(signable, &parameters.into()).map_err(|error| failed(&error))?;
    let added = signed.output().headers();
    Ok(added
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

/// S3 takes paths as they are and wants the hash of the body in a header; all others do as the standard says.
fn settings(service: &str) -> SigningSettings {
    let mut settings = SigningSettings::default();
    if service == "s3" {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    settings
}
