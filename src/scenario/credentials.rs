//! Compiles `auth`.

use super::auth::{Auth, AwsSigV4, KeyPlace};
use super::fields::Text;
use super::source;
use super::template::{Bindings, EscapeContext, Template};
use crate::yaml::{Cursor, Error, Located};

/// Compiles `auth`: one way to fill the Authorization header, and an API key beside it.
pub(super) fn auth(
    source: &Located<'_, source::Auth<'_>>,
    names: Bindings<'_>,
) -> Result<Vec<Auth>, Error> {
    let text = |text: &Cursor<'_>| names.template(text, EscapeContext::Header);
    let mut all: Vec<Auth> = Vec::new();
    let Located { at, value } = source;
    if let Some(token) = &value.bearer {
        all.push(Auth::Bearer(text(token)?));
    }
    if let Some(basic) = &value.basic {
        all.push(Auth::Basic {
            username: text(&basic.username)?,
            password: text(&basic.password)?,
        });
    }
    if let Some(source) = &value.aws_sigv4 {
        all.push(Auth::AwsSigV4(Box::new(signature(source, names)?)));
    }
    if let Some(key) = &value.api_key {
        all.push(Auth::ApiKey {
            place: key_place(key)?,
            value: text(&key.value.value)?,
        });
    }
    if all.is_empty() {
        return Err(at.error("needs one of bearer, basic, api_key or aws_sigv4"));
    }
    let headers = || all.iter().filter_map(Auth::header).enumerate();
    let is_twice = headers().any(|(index, name)| {
        headers().any(|(other, header)| other < index && header.eq_ignore_ascii_case(name))
    });
    if is_twice {
        return Err(at.error(
            "fills the Authorization header in two ways; keep one of bearer, basic and aws_sigv4",
        ));
    }
    Ok(all)
}

fn key_place(key: &Located<'_, source::ApiKey<'_>>) -> Result<KeyPlace, Error> {
    match (&key.value.header, &key.value.query) {
        (Some(header), None) => Ok(KeyPlace::Header(header.0.clone())),
        (None, Some(query)) => Ok(KeyPlace::Query(query.0.clone())),
        (Some(_), Some(_)) => Err(key
            .at
            .error("is in a header and in the query; remove one of them")),
        (None, None) => Err(key.at.error(
            "needs the name of a header or of a query parameter, such as 'header: x-api-key'",
        )),
    }
}

/// Compiles a signature. Credentials come from the environment variables of AWS's own tools, unless the file sets them.
fn signature(
    source: &Located<'_, source::AwsSigV4<'_>>,
    names: Bindings<'_>,
) -> Result<AwsSigV4, Error> {
    let Located { at, value } = source;
    let text = |text: &Cursor<'_>| names.template(text, EscapeContext::Header);
    let or_environment = |key: &Option<Text<'_>>, name: &str| {
        if let Some(key) = key {
            return text(key);
        }
        let source = format!("{{{{ env.{name} }}}}");
        Template::parse(&source, EscapeContext::Header, names).map_err(|error| at.error(error))
    };
    // A token of the environment belongs to the keys of the environment, and not to keys of the file.
    let has_keys = value.access_key.is_some() || value.secret_key.is_some();
    let session_token = match &value.session_token {
        None if has_keys => None,
        None => or_environment(&None, "AWS_SESSION_TOKEN").ok(),
        Some(token) => Some(text(token)?),
    };
    Ok(AwsSigV4 {
        region: text(&value.region)?,
        service: text(&value.service)?,
        access_key: or_environment(&value.access_key, "AWS_ACCESS_KEY_ID")?,
        secret_key: or_environment(&value.secret_key, "AWS_SECRET_ACCESS_KEY")?,
        session_token,
    })
}
