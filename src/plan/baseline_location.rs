//! Where a baseline stands: in a file, or at an address that others write to.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use super::{Error, variable};
use crate::baseline::{Baseline, store};
use crate::http_client;

/// Bytes of a baseline at most: a hundred times what twenty names take.
pub(super) const MOST_BYTES: usize = 16 << 20;
/// The variable that holds a header for the address, such as `authorization: Bearer …`.
const HEADER: &str = "LOADGATE_BASELINE_HEADER";

/// Where a baseline stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaselineLocation {
    /// In a file.
    File(PathBuf),
    /// At an `http` or `https` address: it is read, and never written to.
    Url(String),
}

impl FromStr for BaselineLocation {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let scheme = text
            .split_once("://")
            .map(|(scheme, _)| scheme.to_ascii_lowercase());
        Ok(match scheme.as_deref() {
            Some("http" | "https") => Self::Url(text.to_owned()),
            Some(_) | None => Self::File(PathBuf::from(text)),
        })
    }
}

/// Fetches a baseline; none with the reason where there is nothing at the address, as there is nothing before the first run
/// and after an artifact has expired.
pub(super) fn fetch(url: &str) -> Result<(Option<Baseline>, Option<String>), Error> {
    let shown = http_client::without_secrets(url);
    let header = variable(HEADER).filter(|header| !header.is_empty());
    let pair = match &header {
        None => None,
        Some(header) => Some(
            header
                .split_once(':')
                .map(|(name, value)| (name.trim(), value.trim()))
                .ok_or(Error::BaselineHeader(HEADER))?,
        ),
    };
    if pair.is_some() && !http_client::is_private(url) {
        return Err(Error::BaselineInTheClear(shown));
    }
    let headers: Vec<(&str, &str)> = pair.into_iter().collect();
    let answer = http_client::download(url, &headers, MOST_BYTES).map_err(Error::Remote)?;
    match answer.status {
        200 => {
            let baseline = store::parse(&shown, &answer.body).map_err(Error::Baseline)?;
            Ok((Some(baseline), None))
        }
        404 | 410 => Ok((
            None,
            Some(format!(
                "there is no baseline at {shown} (it responded {}), so nothing is compared; it was never recorded, or it has expired",
                answer.status
            )),
        )),
        status => Err(Error::BaselineRefused { url: shown, status }),
    }
}
