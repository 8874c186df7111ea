//! How requests authenticate, and how a class says so.

use std::collections::BTreeSet;

use super::steps::header_name;
use super::template::{Place, Template};
use super::variables::Variables;
use crate::yaml::{Cursor, Error, Keys};

/// How requests authenticate. While a value of it is unset, it is left out; a step's own header of the same name takes
/// its place.
#[derive(Clone, Debug)]
pub enum Auth {
    /// `Authorization: Bearer …`
    Bearer(Template),
    /// `Authorization: Basic …`
    Basic {
        /// Who it is.
        username: Template,
        /// What only they know.
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

/// What an AWS signature is made with.
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

const AUTH: Keys<'_> = Keys {
    known: &["bearer", "basic", "api_key", "aws_sigv4"],
    misplaced: &[],
};

const SIGNATURE: [&str; 5] = [
    "region",
    "service",
    "access_key",
    "secret_key",
    "session_token",
];

impl Auth {
    /// The header that it writes.
    pub fn header(&self) -> Option<&str> {
        match self {
            Self::Bearer(_) | Self::Basic { .. } | Self::AwsSigV4(_) => Some("Authorization"),
            Self::ApiKey {
                place: KeyPlace::Header(name),
                ..
            } => Some(name),
            Self::ApiKey {
                place: KeyPlace::Query(_),
                ..
            } => None,
        }
    }
}

/// Reads `auth`: one way to fill the Authorization header, and an API key beside it.
pub(super) fn read(
    cursor: &Cursor<'_>,
    variables: &Variables<'_>,
    settable: &BTreeSet<String>,
) -> Result<Vec<Auth>, Error> {
    let fields = cursor.fields(AUTH)?;
    let text = |cursor: &Cursor<'_>| variables.template(cursor, Place::Header, settable);
    let mut all: Vec<Auth> = Vec::new();
    for entry in fields.entries() {
        let value = &entry.value;
        let auth = match entry.key.text.as_str() {
            "bearer" => Auth::Bearer(text(value)?),
            "basic" => {
                let fields = value.fields(Keys::known(&["username", "password"]))?;
                Auth::Basic {
                    username: text(fields.require("username")?)?,
                    password: text(fields.require("password")?)?,
                }
            }
            "api_key" => api_key(value, text)?,
            _ => Auth::AwsSigV4(Box::new(signature(value, variables, settable)?)),
        };
        let twice = all.iter().any(|other| {
            let name = auth.header();
            name.is_some()
                && other.header().map(str::to_ascii_lowercase) == name.map(str::to_ascii_lowercase)
        });
        if twice {
            return Err(cursor.error(
                "fills the Authorization header in two ways, keep one of bearer, basic and aws_sigv4",
            ));
        }
        all.push(auth);
    }
    if all.is_empty() {
        return Err(cursor.error("needs one of bearer, basic, api_key or aws_sigv4"));
    }
    Ok(all)
}

fn api_key<'d>(
    cursor: &Cursor<'d>,
    text: impl Fn(&Cursor<'d>) -> Result<Template, Error>,
) -> Result<Auth, Error> {
    let fields = cursor.fields(Keys::known(&["header", "query", "value"]))?;
    let place = match (fields.get("header"), fields.get("query")) {
        (Some(header), None) => {
            let name = header.line_of_text()?;
            header_name(name).map_err(|message| header.error(message))?;
            KeyPlace::Header(name.to_owned())
        }
        (None, Some(query)) => KeyPlace::Query(query.line_of_text()?.to_owned()),
        (Some(_), Some(_)) => {
            return Err(cursor.error("goes into a header or into the query, remove one of them"));
        }
        (None, None) => {
            return Err(cursor.error(
                "needs the name of a header or of a query parameter, such as 'header: x-api-key'",
            ));
        }
    };
    let value = text(fields.require("value")?)?;
    Ok(Auth::ApiKey { place, value })
}

/// Credentials come from the environment by the names that AWS's own tools use, unless the file says otherwise.
fn signature(
    cursor: &Cursor<'_>,
    variables: &Variables<'_>,
    settable: &BTreeSet<String>,
) -> Result<AwsSigV4, Error> {
    let fields = cursor.fields(Keys::known(&SIGNATURE))?;
    let text = |cursor: &Cursor<'_>| variables.template(cursor, Place::Header, settable);
    let or_environment = |key: &str, name: &str| match fields.get(key) {
        Some(written) => text(written),
        None => variables
            .text(&format!("{{{{ env.{name} }}}}"), Place::Header)
            .map_err(|message| cursor.error(message)),
    };
    let access_key = or_environment("access_key", "AWS_ACCESS_KEY_ID")?;
    let secret_key = or_environment("secret_key", "AWS_SECRET_ACCESS_KEY")?;
    // A token belongs to the keys of the environment: beside keys of the file it would be somebody else's.
    let own_keys = fields.get("access_key").is_some() || fields.get("secret_key").is_some();
    let session_token = match fields.get("session_token") {
        Some(written) => Some(text(written)?),
        None if own_keys => None,
        None => or_environment("session_token", "AWS_SESSION_TOKEN").ok(),
    };
    Ok(AwsSigV4 {
        region: text(fields.require("region")?)?,
        service: text(fields.require("service")?)?,
        access_key,
        secret_key,
        session_token,
    })
}
