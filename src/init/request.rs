//! One request and its load, as flags say them, and the gate that they describe. Pure.
//!
//! `run` loads this gate without a file, and `init` writes it. Both get the same text, so the scenario's identity is the
//! same.

use std::time::Duration;

use url::Url;

use super::texts::scalar;
use crate::plan::{FileText, GateText, as_flag};
use crate::redact::{names_secret, redacted_address, without_credentials, without_tokens};

/// How errors name the argument that has no flag.
const URL: &str = "the URL";
/// Arrivals per second. In [`DURATION`] they make 1,000 requests: a history judges P95 from 600.
const RATE: &str = "50/s";
/// Length of the measured phase.
const DURATION: Duration = Duration::from_secs(20);
/// The longest warm-up: time for connections to open and for a first cold start.
const WARM_UP: Duration = Duration::from_secs(3);

/// One request and its load, as flags say them.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The address, with path and query.
    pub url: String,
    /// The method; GET without a body and POST with one if it is not given.
    pub method: Option<String>,
    /// Headers, such as `Accept: text/html`.
    pub headers: Vec<String>,
    /// The body.
    pub body: Option<String>,
    /// The open model: arrivals, such as `50/s`.
    pub rate: Option<String>,
    /// The closed model: concurrent users.
    pub users: Option<u32>,
    /// Length of the measured phase.
    pub duration: Option<Duration>,
    /// Limits of all requests together, such as `p95` and `300ms`.
    pub limits: Vec<(String, String)>,
}

/// Why flags do not describe a request.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// No URL.
    #[error(
        "'{0}' is not a URL that can be loaded; write one such as https://api.example.com/orders"
    )]
    Url(String),
    /// A user or a password in the URL.
    #[error(
        "the URL contains a user or a password; remove it, and send it with --header 'Authorization: …'"
    )]
    Credentials,
    /// A fragment.
    #[error("the URL has a fragment, which is never sent; remove '#' and what follows")]
    Fragment,
    /// A header without a name. Its text may be a secret.
    #[error("value {0} of --header is not a header; write it as 'Name: value'")]
    Header(usize),
    /// A file in place of a body.
    #[error(
        "--body starts with '@', but it is the text of the body; for a file, write --body \"$(cat FILE)\""
    )]
    BodyFile,
    /// A secret in a place where the environment cannot stand for it.
    #[error(
        "{0} contains a secret, which reports would show; put it into a variable of the environment, and write {{{{ env.NAME }}}} in its place"
    )]
    Secret(&'static str),
}

impl Request {
    /// The gate of this request.
    pub fn gate(&self) -> Result<GateText, RequestError> {
        let (base, path) = address(&self.url)?;
        let (route, query) = path.split_once('?').unwrap_or((&path, ""));
        if holds_secret("", query) || without_tokens(route) != route {
            return Err(RequestError::Secret(URL));
        }
        let mut gate = GateText {
            arguments: vec![self.url.clone()],
            ..GateText::default()
        };
        let method = self.method();
        let headers = self.headers(&mut gate)?;
        let body = self.body(&mut gate)?;
        self.add_arguments(&mut gate);
        let name = format!("{method} {}", without_expressions(route, ":value"));
        let (method, path) = (method.to_ascii_lowercase(), scalar(&path));
        let file = &mut gate.scenario;
        file.push(
            "",
            "# What is sent. thresholds.yml beside this file has the limits.\nname: api",
        );
        file.push(URL, &format!("target: {}", scalar(base)));
        file.push(
            "",
            "user_classes:\n  - name: user\n    tasks:\n      - steps:",
        );
        file.push(URL, &format!("          - {method}: {path}"));
        file.push(URL, &format!("            name: {}", scalar(&name)));
        if !headers.is_empty() {
            file.push("", "            headers:");
        }
        for (name, value) in headers {
            let header = format!("{}: {}", scalar(&name), scalar(&value));
            file.push("--header", &format!("              {header}"));
        }
        if let Some(body) = body {
            file.push("--body", &format!("            raw: {}", scalar(&body)));
        }
        self.load(file);
        self.thresholds(&mut gate.thresholds);
        Ok(gate)
    }

    /// The base version's address: without the path and query that the URL has as well, since both versions get them.
    pub fn base(&self, against: &str) -> String {
        match (address(&self.url), address(against)) {
            (Ok((_, path)), Ok((base, same))) if path == same => base.to_owned(),
            (Ok(_) | Err(_), _) => against.to_owned(),
        }
    }

    fn method(&self) -> String {
        let usual = if self.body.is_some() { "POST" } else { "GET" };
        self.method.clone().unwrap_or_else(|| usual.to_owned())
    }

    /// Headers by name. A secret is read from the environment.
    fn headers(&self, gate: &mut GateText) -> Result<Vec<(String, String)>, RequestError> {
        let mut headers = Vec::new();
        for (header, number) in self.headers.iter().zip(1..) {
            let (name, value) = header.split_once(':').ok_or(RequestError::Header(number))?;
            let (name, value) = (name.trim(), value.trim());
            let value = kept(gate, "--header", name, value)?;
            gate.argument("--header", &format!("{name}: {value}"));
            headers.push((name.to_owned(), value));
        }
        let is_typed = |(name, _): &(String, String)| name.eq_ignore_ascii_case("content-type");
        if self.body.as_deref().is_some_and(is_json) && !headers.iter().any(is_typed) {
            let (name, value) = ("Content-Type", "application/json");
            gate.argument("--header", &format!("{name}: {value}"));
            headers.push((name.to_owned(), value.to_owned()));
        }
        Ok(headers)
    }

    fn body(&self, gate: &mut GateText) -> Result<Option<String>, RequestError> {
        let body = self.body.as_deref();
        if body.is_some_and(|body| body.starts_with('@')) {
            return Err(RequestError::BodyFile);
        }
        let body = body.map(|body| kept(gate, "--body", "body", body));
        let body = body.transpose()?;
        if let Some(body) = &body {
            gate.argument("--body", body);
        }
        Ok(body)
    }

    /// Adds the arguments that are the same in the texts.
    fn add_arguments(&self, gate: &mut GateText) {
        let method = self.method.as_ref().map(|it| ("--method", it.clone()));
        let rate = self.rate.as_ref().map(|rate| ("--rate", rate.clone()));
        let users = self.users.map(|users| ("--users", users.to_string()));
        let duration = self.duration.map(|length| ("--duration", as_flag(length)));
        for (flag, value) in [method, rate, users, duration].into_iter().flatten() {
            gate.argument(flag, &value);
        }
        for (metric, limit) in &self.limits {
            gate.argument("--limit", &format!("{metric}={limit}"));
        }
    }

    fn load(&self, file: &mut FileText) {
        let rate = self.rate.as_deref().unwrap_or(RATE);
        let (flag, load) = match self.users {
            Some(users) => ("--users", format!("users: {users}")),
            None => ("--rate", format!("arrivals: {rate}")),
        };
        let duration = self.duration.unwrap_or(DURATION);
        let warm_up = as_flag((duration / 5).min(WARM_UP));
        let duration = as_flag(duration);
        file.push("", "load:");
        file.push(
            flag,
            &format!("  - {{ phase: warm-up, {load}, for: {warm_up}, measure: false }}"),
        );
        file.push(
            "--duration",
            &format!("  - {{ phase: steady, {load}, for: {duration} }}"),
        );
    }

    fn thresholds(&self, file: &mut FileText) {
        file.push(
            "",
            "# What is promised. If it does not limit error_rate, 1 % of requests may fail.",
        );
        if !self.limits.is_empty() {
            file.push("", "limits:");
            file.push("", "  overall:");
        }
        for (metric, limit) in &self.limits {
            // The parser says what is wrong with a number without its unit.
            let is_plain = |c: char| c.is_ascii_alphanumeric() || ".%/".contains(c);
            let limit = if limit.chars().all(is_plain) {
                limit.clone()
            } else {
                scalar(limit)
            };
            file.push("--limit", &format!("    {}: {limit}", scalar(metric)));
        }
    }
}

/// The address of the deployment, and the path with the query.
fn address(url: &str) -> Result<(&str, String), RequestError> {
    let wrong = || RequestError::Url(redacted_address(url));
    let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (base, path) = url.split_at(scheme.len() + "://".len() + end);
    if base.contains('@') {
        return Err(RequestError::Credentials);
    }
    if path.contains('#') {
        return Err(RequestError::Fragment);
    }
    let is_http = ["http", "https"].contains(&&*scheme.to_ascii_lowercase());
    if !is_http || base.contains(char::is_whitespace) || Url::parse(base).is_err() {
        return Err(wrong());
    }
    let root = if path.starts_with('/') { "" } else { "/" };
    Ok((base, format!("{root}{path}")))
}

/// A value as a file may have it: a secret stays in the environment, and an expression reads it.
fn kept(
    gate: &mut GateText,
    flag: &'static str,
    name: &str,
    value: &str,
) -> Result<String, RequestError> {
    if !holds_secret(name, value) {
        return Ok(value.to_owned());
    }
    let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let variable = format!("LOADTEST_{}", name.to_ascii_uppercase());
    if value.contains("{{") || gate.environment.contains_key(&variable) {
        return Err(RequestError::Secret(flag));
    }
    let expression = format!("{{{{ env.{variable} }}}}");
    gate.environment.insert(variable, value.to_owned());
    Ok(expression)
}

/// Whether a value of this name is a secret itself, or contains one beside its expressions.
fn holds_secret(name: &str, value: &str) -> bool {
    let literal = without_expressions(value, "");
    let is_named = names_secret(name) && !value.is_empty() && !value.contains("{{");
    is_named || without_credentials(&literal) != literal
}

/// A text with this in place of each expression.
fn without_expressions(text: &str, stand_in: &str) -> String {
    let mut parts = text.split("{{");
    let mut literal = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        literal += stand_in;
        literal += part.split_once("}}").map_or("", |(_, rest)| rest);
    }
    literal
}

fn is_json(body: &str) -> bool {
    let value = serde_json::from_str::<serde_json::Value>(body);
    value.is_ok_and(|value| value.is_object() || value.is_array())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::scenario::{self, Body, Inputs, Scenario};

    fn to(url: &str) -> Request {
        Request {
            url: url.to_owned(),
            ..Request::default()
        }
    }

    fn parsed(gate: &GateText) -> Scenario {
        let env = |name: &str| gate.environment.get(name).cloned();
        let inputs = Inputs {
            env: &env,
            ..Inputs::default()
        };
        scenario::parse("scenario.yml", gate.scenario.as_str(), &inputs).unwrap()
    }

    fn sent(scenario: &Scenario) -> &scenario::Request {
        scenario.user_classes[0].tasks[0].steps[0]
            .request()
            .unwrap()
    }

    /// Values that YAML, a template or a shell could take for more than text.
    const ODD: [&str; 18] = [
        "plain",
        "two words",
        "true",
        "NO",
        "~",
        "0123",
        "1.10",
        "2026-01-31",
        "a: b # c",
        "- [x] {y}",
        "'single' \"double\" \\back",
        "$HOME `id` $(id)",
        "%YAML",
        "&anchor *alias !tag |",
        "größer 日本 🦀",
        "bell\u{7} del\u{7f} next\u{85} sep\u{2028}\u{2029} bom\u{feff}\u{ffff}",
        "}} {x} %}",
        "tab\tinside",
    ];

    #[test]
    fn odd_values_are_sent_as_they_were_given() {
        for value in ODD
            .into_iter()
            .chain(["", "one\r\ntwo\n\n", " padded ", "{\"a\": [1.10]}"])
        {
            let request = Request {
                body: Some(value.to_owned()),
                ..to("http://h")
            };
            let scenario = parsed(&request.gate().unwrap());
            let Some(Body::Raw(body)) = &sent(&scenario).body else {
                panic!("{value}");
            };
            assert_eq!(body.constant(), Some(value));
        }
        let is_header = |value: &&str| !value.contains(char::is_control);
        for value in ODD.into_iter().filter(is_header) {
            let request = Request {
                headers: vec![format!("X-Odd:  {value} ")],
                ..to("http://h/a?q=1")
            };
            let scenario = parsed(&request.gate().unwrap());
            let request = sent(&scenario);
            assert_eq!(request.headers[0].1.constant(), Some(value));
            assert_eq!(request.path.constant(), Some("/a?q=1"));
            assert_eq!(scenario.requests, ["GET /a"]);
        }
    }

    #[test]
    fn json_is_sent_as_json_unless_a_header_says_otherwise() {
        let types = |headers: &[&str]| {
            let request = Request {
                body: Some("{\"n\": \"{{ random_int(1, 9) }}\"}".to_owned()),
                headers: headers.iter().map(|header| (*header).to_owned()).collect(),
                ..to("http://h")
            };
            let scenario = parsed(&request.gate().unwrap());
            let request = sent(&scenario);
            assert_eq!(request.method.as_str(), "POST");
            let headers = request.headers.iter();
            let values = headers.map(|(_, value)| value.constant().unwrap().to_owned());
            values.collect::<Vec<_>>()
        };
        assert_eq!(types(&[]), ["application/json"]);
        assert_eq!(types(&["content-type: text/x"]), ["text/x"]);
    }

    #[test]
    fn a_secret_is_sent_but_in_no_text() {
        for (header, body, variable) in [
            (
                "Authorization: Bearer hunter2",
                None,
                "LOADTEST_AUTHORIZATION",
            ),
            ("X-Api-Key: hunter2", None, "LOADTEST_X_API_KEY"),
            ("X-Note: password=hunter2", None, "LOADTEST_X_NOTE"),
            ("A: b", Some("{\"password\": \"hunter2\"}"), "LOADTEST_BODY"),
        ] {
            let request = Request {
                headers: vec![header.to_owned()],
                body: body.map(str::to_owned),
                ..to("http://h")
            };
            let gate = request.gate().unwrap();
            let given = body.unwrap_or(header.split_once(": ").unwrap().1);
            let expected = BTreeMap::from([(variable.to_owned(), given.to_owned())]);
            assert_eq!(gate.environment, expected);
            let texts = [gate.scenario.as_str().to_owned(), gate.arguments.join(" ")];
            assert!(!texts.concat().contains("hunter2"), "{texts:?}");
            let scenario = parsed(&gate);
            assert!(scenario.secrets.contains(&given.to_owned()));
            assert!(!scenario.canonical.contains("hunter2"));
            // The command that keeps the gate names the variable, and writes the same files.
            let given = |flag: &str| {
                let pairs = gate.arguments[1..].chunks(2);
                let own = pairs.filter(|pair| pair[0] == flag);
                own.map(|pair| pair[1].clone()).collect::<Vec<_>>()
            };
            let again = Request {
                headers: given("--header"),
                body: given("--body").pop(),
                ..to("http://h")
            };
            let again = again.gate().unwrap();
            assert_eq!(again.scenario.as_str(), gate.scenario.as_str());
            assert_eq!(again.arguments, gate.arguments);
        }
    }

    #[test]
    fn what_is_no_request_is_refused_without_its_secrets() {
        let header = |header: &str| Request {
            headers: vec![header.to_owned()],
            ..to("http://h")
        };
        let body = |body: &str| Request {
            body: Some(body.to_owned()),
            ..to("http://h")
        };
        for (request, part) in [
            (to("ftp://h/x"), "'ftp://h/x' is not a URL"),
            (to("http:/h"), "not a URL"),
            (to("http://"), "not a URL"),
            (to("http://a b/"), "not a URL"),
            (to("http://h:99999/"), "not a URL"),
            (to("http://me:hunter2@h/"), "user or a password"),
            (to("http://h/x#part"), "fragment"),
            (to("http://h/x?token=hunter2"), "the URL contains a secret"),
            (header("Bearer hunter2"), "value 1 of --header"),
            (
                header("X-Key: password=hunter2 {{ uuid() }}"),
                "--header contains a secret",
            ),
            (
                body("password=hunter2&id={{ uuid() }}"),
                "--body contains a secret",
            ),
            (body("@hunter2.json"), "$(cat FILE)"),
        ] {
            let message = request.gate().unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn the_base_gets_the_path_of_the_url_once() {
        for (against, base) in [
            ("http://b", "http://b"),
            ("http://b/x?n=1", "http://b"),
            ("http://b/v2", "http://b/v2"),
            ("http://b?n=1", "http://b?n=1"),
            ("no address", "no address"),
        ] {
            assert_eq!(to("http://a/x?n=1").base(against), base);
        }
        assert_eq!(to("http://a").base("http://b/"), "http://b");
        assert_eq!(to("http://a?n=1").base("http://b/?n=1"), "http://b");
    }
}
