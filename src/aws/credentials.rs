//! Where credentials and region come from: the environment, a web identity's token or the container's endpoint.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use jiff::Timestamp;
use serde::Deserialize;
use url::Url;
use url::form_urlencoded::Serializer;

use super::Variables;
use super::client::{MOST_BYTES, Patience, Service, refused};
use super::error::Error;
use crate::http_client::{self, Answer, Client, Method, Request};

/// Where ECS and EKS serve credentials, besides this machine itself.
const LINK_LOCAL: [&str; 3] = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];
/// How long an endpoint on or beside this machine may take.
const NEAR: Duration = Duration::from_secs(5);

const ASSUME_ROLE: &str = "sts:AssumeRoleWithWebIdentity";
const CONTAINER: &str = "the container's credentials endpoint";

/// The region: that of the scenario, else the environment's.
pub(super) fn region(configured: Option<&str>, variable: &Variables<'_>) -> Result<String, Error> {
    let names = ["AWS_REGION", "AWS_DEFAULT_REGION"];
    let region = configured
        .map(str::to_owned)
        .or_else(|| names.iter().find_map(|name| set(variable, name)))
        .ok_or(Error::NoRegion)?;
    // It becomes part of a host's name.
    let is_fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if region.is_empty() || !region.chars().all(is_fine) {
        return Err(Error::Region(super::error::clean(&region)));
    }
    Ok(region)
}

/// The first credentials that the environment names.
pub(super) fn find(
    region: &str,
    variable: &Variables<'_>,
    patience: Patience<'_>,
) -> Result<Credentials, Error> {
    if let Some(keys) = keys(variable)? {
        return Ok(keys);
    }
    if let (Some(role), Some(file)) = (
        set(variable, "AWS_ROLE_ARN"),
        set(variable, "AWS_WEB_IDENTITY_TOKEN_FILE"),
    ) {
        return web_identity(&role, &file, region, variable, patience);
    }
    match container_address(variable)? {
        Some(url) => container(&url, variable, patience),
        None => Err(missing("the environment has none")),
    }
}

/// A variable that is set and not empty.
fn set(variable: &Variables<'_>, name: &str) -> Option<String> {
    variable(name).filter(|value| !value.is_empty())
}

fn missing(why: impl Into<String>) -> Error {
    Error::NoCredentials(why.into())
}

/// The keys that stand in the environment themselves.
fn keys(variable: &Variables<'_>) -> Result<Option<Credentials>, Error> {
    let key = set(variable, "AWS_ACCESS_KEY_ID");
    let (key, secret) = match (key, set(variable, "AWS_SECRET_ACCESS_KEY")) {
        (Some(key), Some(secret)) => (key, secret),
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(missing("AWS_SECRET_ACCESS_KEY is unset")),
        (None, Some(_)) => return Err(missing("AWS_ACCESS_KEY_ID is unset")),
    };
    let token = set(variable, "AWS_SESSION_TOKEN");
    let end = set(variable, "AWS_CREDENTIAL_EXPIRATION");
    Ok(Some(credentials(key, secret, token, end.as_deref())))
}

fn credentials(
    key: String,
    secret: String,
    token: Option<String>,
    end: Option<&str>,
) -> Credentials {
    let end: Option<Timestamp> = end.and_then(|end| end.parse().ok());
    let end = end.and_then(|end| SystemTime::try_from(end).ok());
    Credentials::new(key, secret, token, end, "loadgate")
}

/// The credentials of a role, for the token that a CI platform or a cluster put into a file.
fn web_identity(
    role: &str,
    file: &str,
    region: &str,
    variable: &Variables<'_>,
    patience: Patience<'_>,
) -> Result<Credentials, Error> {
    let token = token_file("AWS_WEB_IDENTITY_TOKEN_FILE", file)?;
    let url = Service::Sts.endpoint(region, variable);
    if !http_client::is_private(&url) {
        let shown = http_client::without_secrets(&url);
        return Err(missing(format!(
            "the token is not sent to {shown} in the clear"
        )));
    }
    let session = set(variable, "AWS_ROLE_SESSION_NAME");
    let form = Serializer::new(String::new())
        .append_pair("Action", "AssumeRoleWithWebIdentity")
        .append_pair("Version", "2011-06-15")
        .append_pair("RoleArn", role)
        .append_pair("RoleSessionName", session.as_deref().unwrap_or("loadgate"))
        .append_pair("WebIdentityToken", &token)
        .finish();
    let client = Client::new().map_err(Error::Network)?;
    let answer = patience.retry(|within| {
        send(
            &client,
            patience,
            ASSUME_ROLE,
            &Request {
                method: Method::POST,
                url: &url,
                headers: &[("content-type", "application/x-www-form-urlencoded")],
                body: Some(form.clone()),
                most: MOST_BYTES,
                within,
            },
        )
    })?;
    // The service documents XML alone.
    let text = |name| element(&answer.body, name).map(str::to_owned);
    let parts = (
        text("AccessKeyId"),
        text("SecretAccessKey"),
        text("SessionToken"),
    );
    let (Some(key), Some(secret), token @ Some(_)) = parts else {
        return Err(Error::Unexpected {
            action: ASSUME_ROLE,
            why: "it holds no credentials".to_owned(),
        });
    };
    Ok(credentials(
        key,
        secret,
        token,
        element(&answer.body, "Expiration"),
    ))
}

/// The content of a file that a variable names.
fn token_file(name: &str, file: &str) -> Result<String, Error> {
    let text = std::fs::read_to_string(file);
    let text =
        text.map_err(|error| missing(format!("the file of {name} is unreadable: {error}")))?;
    Ok(text.trim_end().to_owned())
}

/// The text of the first element of this name that holds nothing but text.
fn element<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    (!text.contains(['<', '&'])).then(|| text.trim())
}

/// Where the container's credentials are served.
fn container_address(variable: &Variables<'_>) -> Result<Option<String>, Error> {
    if let Some(path) = set(variable, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        // Anything else could name another host.
        if !path.starts_with('/') {
            let why = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with '/'";
            return Err(missing(why));
        }
        return Ok(Some(format!("http://{}{path}", LINK_LOCAL[0])));
    }
    let Some(full) = set(variable, "AWS_CONTAINER_CREDENTIALS_FULL_URI") else {
        return Ok(None);
    };
    let url = Url::parse(&full).ok();
    let host = url.as_ref().and_then(Url::host_str);
    let is_near = host.is_some_and(|host| LINK_LOCAL.contains(&host));
    if is_near || http_client::is_private(&full) {
        return Ok(Some(full));
    }
    Err(missing(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor an address of this machine",
    ))
}

/// The answer of the container's endpoint.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Served {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<String>,
}

fn container(
    url: &str,
    variable: &Variables<'_>,
    patience: Patience<'_>,
) -> Result<Credentials, Error> {
    let token = match set(variable, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        Some(file) => Some(token_file("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &file)?),
        None => set(variable, "AWS_CONTAINER_AUTHORIZATION_TOKEN"),
    };
    let mut headers = vec![("accept", "application/json")];
    headers.extend(token.as_deref().map(|token| ("authorization", token)));
    // A proxy reaches neither this machine nor the addresses beside it.
    let client = Client::direct().map_err(Error::Network)?;
    let answer = patience.retry(|within| {
        send(
            &client,
            patience,
            CONTAINER,
            &Request {
                method: Method::GET,
                url,
                headers: &headers,
                body: None,
                most: MOST_BYTES,
                within: within.min(NEAR),
            },
        )
    })?;
    // The error of the parser may quote what it read.
    let served: Served = serde_json::from_str(&answer.body).map_err(|_| Error::Unexpected {
        action: CONTAINER,
        why: "it holds no credentials".to_owned(),
    })?;
    Ok(credentials(
        served.access_key_id,
        served.secret_access_key,
        served.token,
        served.expiration.as_deref(),
    ))
}

/// Sends an unsigned request. Of a refusal it keeps the code alone, since the message may repeat what was sent.
fn send(
    client: &Client,
    patience: Patience<'_>,
    action: &'static str,
    request: &Request<'_>,
) -> Result<Answer, Error> {
    let answer = patience.send(client, action, request)?;
    if answer.status == 200 {
        return Ok(answer);
    }
    let code = element(&answer.body, "Code").unwrap_or_default();
    Err(refused(action, answer.status, code, ""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::aws::fake::{Fake, Reply, lookup, patience};

    const SERVED: &str = r#"{"AccessKeyId":"AKIDSERVED","SecretAccessKey":"served-secret",
        "Token":"served-token","Expiration":"2026-11-24T12:00:00Z"}"#;
    const ASSUMED: &str = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>\
        <Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role/secret+=\
        </SecretAccessKey><SessionToken>role-token</SessionToken><Expiration>\
        2026-11-24T12:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
        </AssumeRoleWithWebIdentityResponse>";

    fn found(pairs: &[(&str, &str)]) -> Result<Credentials, Error> {
        find("eu-central-1", &lookup(pairs), patience())
    }

    /// A file with a token, in a folder that ends with the test.
    fn file_with(name: &str, text: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("loadgate-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn the_region_is_the_scenarios_then_the_environments() {
        let both = lookup(&[("AWS_REGION", "a"), ("AWS_DEFAULT_REGION", "b")]);
        assert_eq!(region(Some("c"), &both).unwrap(), "c");
        assert_eq!(region(None, &both).unwrap(), "a");
        let second = lookup(&[("AWS_REGION", ""), ("AWS_DEFAULT_REGION", "b")]);
        assert_eq!(region(None, &second).unwrap(), "b");
        assert!(matches!(region(None, &lookup(&[])), Err(Error::NoRegion)));
        for text in ["a.evil.com/", "A", "", "a b"] {
            assert!(matches!(region(Some(text), &both), Err(Error::Region(_))));
        }
    }

    #[test]
    fn keys_of_the_environment_come_first() {
        let keys = found(&[
            ("AWS_ACCESS_KEY_ID", "AKID"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_SESSION_TOKEN", ""),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/"),
        ]);
        let keys = keys.unwrap();
        assert_eq!(keys.access_key_id(), "AKID");
        assert_eq!(keys.session_token(), None);
        let half = found(&[("AWS_ACCESS_KEY_ID", "AKID")]).unwrap_err();
        assert!(half.to_string().contains("AWS_SECRET_ACCESS_KEY is unset"));
    }

    #[test]
    fn without_credentials_the_error_says_how_to_get_them() {
        let error = found(&[]).unwrap_err().to_string();
        assert!(
            error.contains("aws configure export-credentials --format env"),
            "{error}"
        );
    }

    #[test]
    fn a_container_serves_credentials_for_its_token() {
        let fake = Fake::start(|_| Reply::json(SERVED));
        let file = file_with("container", "from-file\n");
        let found = found(&[
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &fake.url),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "from-variable"),
            (
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                file.to_str().unwrap(),
            ),
        ]);
        std::fs::remove_file(file).unwrap();
        let found = found.unwrap();
        assert_eq!(found.access_key_id(), "AKIDSERVED");
        assert_eq!(found.session_token(), Some("served-token"));
        assert!(found.expiry().is_some());
        assert_eq!(
            fake.received()[0].header("authorization"),
            Some("from-file")
        );
        let shown = format!("{found:?}");
        assert!(!shown.contains("served-secret") && !shown.contains("served-token"));
    }

    #[test]
    fn a_container_address_leads_nowhere_else() {
        let full = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
        let relative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
        for (name, value, url) in [
            (
                relative,
                "/v2/x?id=1",
                Some("http://169.254.170.2/v2/x?id=1"),
            ),
            (relative, "@evil.com/", None),
            (relative, ".evil.com/", None),
            (
                full,
                "http://169.254.170.23/v1",
                Some("http://169.254.170.23/v1"),
            ),
            (
                full,
                "http://[fd00:ec2::23]/v1",
                Some("http://[fd00:ec2::23]/v1"),
            ),
            (
                full,
                "http://127.0.0.1:80/v1",
                Some("http://127.0.0.1:80/v1"),
            ),
            (
                full,
                "https://example.com/v1",
                Some("https://example.com/v1"),
            ),
            (full, "http://example.com/v1", None),
            (full, "http://169.254.169.254/", None),
            (full, "http://169.254.170.2@evil.com/", None),
            (full, "nonsense", None),
        ] {
            let found = container_address(&lookup(&[(name, value)]));
            assert_eq!(found.ok().flatten().as_deref(), url, "{value}");
        }
    }

    #[test]
    fn a_web_identity_is_exchanged_for_a_roles_credentials() {
        let fake = Fake::start(|_| Reply::text(200, ASSUMED));
        let file = file_with("identity", "a.jwt+token\n");
        let found = found(&[
            ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/ci"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", file.to_str().unwrap()),
            ("AWS_ENDPOINT_URL_STS", &fake.url),
        ]);
        std::fs::remove_file(file).unwrap();
        let found = found.unwrap();
        assert_eq!(found.access_key_id(), "ASIAROLE");
        assert_eq!(found.secret_access_key(), "role/secret+=");
        assert_eq!(found.session_token(), Some("role-token"));
        let sent = &fake.received()[0].body;
        assert!(sent.contains("WebIdentityToken=a.jwt%2Btoken"), "{sent}");
        assert!(sent.contains("RoleSessionName=loadgate"), "{sent}");
    }

    #[test]
    fn an_identity_is_not_sent_in_the_clear() {
        let file = file_with("clear", "a.jwt");
        let error = found(&[
            ("AWS_ROLE_ARN", "arn"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", file.to_str().unwrap()),
            ("AWS_ENDPOINT_URL", "http://sts.example.com"),
        ]);
        std::fs::remove_file(file).unwrap();
        let error = error.unwrap_err().to_string();
        assert!(error.contains("in the clear"), "{error}");
    }

    #[test]
    fn a_refused_identity_names_the_code_and_no_token() {
        let body = "<ErrorResponse><Error><Code>InvalidIdentityToken</Code>\
            <Message>bad a.jwt</Message></Error></ErrorResponse>";
        let fake = Fake::start(|_| Reply::text(400, body));
        let file = file_with("refused", "a.jwt");
        let pairs = [
            ("AWS_ROLE_ARN", "arn"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", file.to_str().unwrap()),
            ("AWS_ENDPOINT_URL", &fake.url),
        ];
        let error = found(&pairs).unwrap_err();
        std::fs::remove_file(&file).unwrap();
        let (shown, debug) = (error.to_string(), format!("{error:?}"));
        assert!(shown.contains("InvalidIdentityToken"), "{shown}");
        assert!(!shown.contains("a.jwt") && !debug.contains("a.jwt"));
        let gone = found(&pairs).unwrap_err().to_string();
        assert!(gone.contains("AWS_WEB_IDENTITY_TOKEN_FILE"), "{gone}");
    }

    proptest! {
        #[test]
        fn an_element_never_holds_markup(xml in "[<>/&ab ]{0,40}") {
            if let Some(text) = element(&xml, "a") {
                prop_assert!(!text.contains(['<', '&']));
            }
        }
    }
}
