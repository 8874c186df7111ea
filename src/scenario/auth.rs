//! The model of `auth`: how requests authenticate.

use super::template::Template;

/// How requests authenticate. Left out while a value of it is unset. A header of the step with the same name replaces it.
#[derive(Clone, Debug)]
pub enum Auth {
    /// `Authorization: Bearer …`
    Bearer(Template),
    /// `Authorization: Basic …`
    Basic {
        /// The user name.
        username: Template,
        /// The password.
        password: Template,
    },
    /// A key in a header or in the query.
    ApiKey {
        /// Where it goes.
        place: KeyPlace,
        /// The key.
        value: Template,
    },
    /// An AWS signature, version 4, made when a request is sent.
    AwsSigV4(Box<AwsSigV4>),
}

/// Where an API key goes.
#[derive(Clone, Debug)]
pub enum KeyPlace {
    /// This header.
    Header(String),
    /// This parameter of the query.
    Query(String),
}

/// The values of an AWS signature.
#[derive(Clone, Debug)]
pub struct AwsSigV4 {
    /// Region of the service.
    pub region: Template,
    /// The service: `execute-api`, `lambda`.
    pub service: Template,
    /// Id of the access key.
    pub access_key: Template,
    /// The secret access key.
    pub secret_key: Template,
    /// Token of temporary credentials.
    pub session_token: Option<Template>,
}

impl Auth {
    /// The credentials: region and service of a signature are none.
    pub fn secrets(&self) -> impl Iterator<Item = &Template> {
        let [first, second, third] = match self {
            Self::Bearer(only) | Self::ApiKey { value: only, .. } => [Some(only), None, None],
            Self::Basic { username, password } => [Some(username), Some(password), None],
            Self::AwsSigV4(own) => [
                Some(&own.access_key),
                Some(&own.secret_key),
                own.session_token.as_ref(),
            ],
        };
        [first, second, third].into_iter().flatten()
    }

    /// The header that it writes.
    pub fn header(&self) -> Option<&str> {
        match self {
            Self::Bearer(_) | Self::Basic { .. } | Self::AwsSigV4(_) => Some("Authorization"),
            Self::ApiKey { place, .. } => match place {
                KeyPlace::Header(name) => Some(name),
                KeyPlace::Query(_) => None,
            },
        }
    }
}
