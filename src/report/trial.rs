//! What `try` shows of a step: the request, its response, what was captured, and what went wrong, with every secret hidden
//! that can be known as one.
//!
//! Secret is what came from the environment, what authenticates, cookies, tokens that look like one, and whatever is
//! named like a secret, in headers, queries, forms and JSON. Once seen under such a name it is hidden everywhere.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::redact::{HIDDEN, names_secret, redact, without_tokens, without_user_info};
use crate::report::text::layout::hanging;
use crate::report::text::{inert, one_line, shorten};

/// The lines of a body that are shown.
const BODY_LINES: usize = 16;
/// Shorter values stand in too many places by chance to be hidden wherever they stand.
const SHORTEST: usize = 6;

/// A step that was tried.
pub struct TrialReport<'a> {
    /// What it was.
    pub what: String,
    /// How long its request took, where one was sent.
    pub took: Option<Duration>,
    /// The request as it was sent; empty where none was.
    pub request: &'a [u8],
    /// Status, headers and body of the answer, where one came.
    pub answer: Option<(u16, &'a [String], &'a [u8])>,
    /// Bytes of its whole body; of a long one only the start is there.
    pub length: u64,
    /// What was taken; what was not there is none.
    pub captured: &'a [(String, Option<Value>)],
    /// What was rendered or captured that is secret.
    pub secrets: &'a [String],
    /// What went wrong.
    pub failure: Option<&'a str>,
    /// Where a redirect leads that was not followed.
    pub unfollowed: Option<&'a str>,
}

/// What must not be shown.
#[derive(Debug, Default)]
pub struct HiddenValues(BTreeSet<String>);

impl HiddenValues {
    /// Values that are secret from the start.
    pub fn new(values: &[String]) -> Self {
        let mut secrets = Self::default();
        for value in values.iter().filter(|value| !value.is_empty()) {
            secrets.insert(value);
        }
        secrets
    }

    fn insert(&mut self, value: &str) {
        self.0.insert(value.to_owned());
    }

    fn learn(&mut self, value: &str) {
        if value.len() >= SHORTEST {
            self.insert(value);
        }
    }

    /// Learns what a JSON body holds under names of secrets, and hides it there.
    fn clean(&mut self, value: &mut Value, is_secret: bool) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    self.clean(value, is_secret || says_secret(name));
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.clean(item, is_secret);
                }
            }
            Value::String(text) if is_secret => {
                self.learn(text);
                HIDDEN.clone_into(text);
            }
            Value::Number(_) if is_secret => *value = HIDDEN.into(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn hide(&self, text: &str) -> String {
        without_tokens(&redact(text, &self.0))
    }
}

/// A step in lines of so many columns.
pub fn trial(step: &TrialReport<'_>, secrets: &mut HiddenValues, columns: usize) -> String {
    step.secrets.iter().for_each(|value| secrets.learn(value));
    for (name, value) in step.captured {
        if let (true, Some(Value::String(text))) = (says_secret(name), value) {
            secrets.learn(text);
        }
    }
    let took = step.took.map(|took| took.as_secs_f64() * 1e3);
    let outcome = match (step.answer, took) {
        (Some((status, ..)), Some(took)) => format!("  {status} in {took:.1} ms"),
        (_, _) => String::new(),
    };
    // All of it is read before any is shown: what one line calls a token may stand in those before it.
    let _ = (request(step.request, secrets), response(step, secrets));
    let mut lines = vec![format!("-- {}{outcome}", step.what)];
    lines.extend(request(step.request, secrets));
    lines.extend(response(step, secrets));
    let captured = step.captured.iter();
    let captured = captured.map(|(name, value)| captured_text(name, value.as_ref()));
    lines.extend(captured.map(|text| addresses(&text, secrets)));
    let shown = lines.iter().map(|line| one_line(line));
    let mut lines: Vec<String> = shown
        .map(|line| shorten(&secrets.hide(&line), columns))
        .collect();
    if let Some(failure) = step.failure {
        let failure = addresses(&one_line(failure), secrets);
        lines.extend(hanging("   FAILED:", 11, &secrets.hide(&failure), columns));
    }
    if let (Some(address), Some((status, ..))) = (step.unfollowed, step.answer) {
        let address = addresses(&one_line(address), secrets);
        let text = if address.is_empty() {
            format!(
                "{status} has no address to follow; write `expect: {{ status: {status} }}` to measure it"
            )
        } else {
            format!("{status} to {address} was not followed; set `redirects` to follow it")
        };
        lines.extend(hanging("", 3, &text, columns));
    }
    let lines: Vec<String> = lines.iter().map(|line| inert(line)).collect();
    lines.join("\n") + "\n"
}

fn response(step: &TrialReport<'_>, secrets: &mut HiddenValues) -> Vec<String> {
    let Some((status, headers, body)) = step.answer else {
        return Vec::new();
    };
    let mut head = vec![status.to_string()];
    head.extend(headers.iter().map(|header| header_line(header, secrets)));
    let body = body_lines(body, step.length, BodyKind::Other, secrets);
    marked("   < ", head, body)
}

fn request(request: &[u8], secrets: &mut HiddenValues) -> Vec<String> {
    let (head, body) = split(request);
    let mut lines = head.lines();
    let Some(first) = lines.next() else {
        return Vec::new();
    };
    let mut shown = vec![addresses(first, secrets)];
    let mut kind = BodyKind::Other;
    for line in lines {
        if line.to_ascii_lowercase().contains("x-www-form-urlencoded") {
            kind = BodyKind::Form;
        }
        shown.push(header_line(line, secrets));
    }
    let body = body_lines(body, body.len() as u64, kind, secrets);
    marked("   > ", shown, body)
}

/// What a body is, if it is not JSON.
#[derive(Clone, Copy, PartialEq)]
enum BodyKind {
    Form,
    Other,
}

fn marked(mark: &str, head: Vec<String>, body: Vec<String>) -> Vec<String> {
    let gap = (!body.is_empty()).then(String::new);
    let all = head.into_iter().chain(gap).chain(body);
    all.map(|line| format!("{mark}{line}").trim_end().to_owned())
        .collect()
}

fn captured_text(name: &str, value: Option<&Value>) -> String {
    match value {
        None => format!("   {name} is missing"),
        Some(Value::String(text)) if says_secret(name) => {
            format!("   {name} = {HIDDEN} ({} characters)", text.chars().count())
        }
        Some(_) if says_secret(name) => format!("   {name} = {HIDDEN}"),
        Some(value) => format!("   {name} = {value}"),
    }
}

fn split(request: &[u8]) -> (String, &[u8]) {
    let end = request.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) = match end {
        Some(end) => (&request[..end], &request[end + 4..]),
        None => (request, &[][..]),
    };
    (String::from_utf8_lossy(head).into_owned(), body)
}

/// Text without what is known as secret, and without what its addresses call so.
fn addresses(text: &str, secrets: &mut HiddenValues) -> String {
    without_parameters(text, secrets);
    // Known values first: a parameter that is not encoded ends where its value may go on.
    let text = without_user_info(&secrets.hide(text));
    without_parameters(&text, secrets)
}

/// Text without the values of parameters that are named like secrets: in queries, fragments, and segments such as
/// `/items;token=1`.
fn without_parameters(text: &str, secrets: &mut HiddenValues) -> String {
    let is_mark = |c: char| "?#&;".contains(c);
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(is_mark) {
        let (before, pair) = rest.split_at(at + 1);
        clean.push_str(before);
        let is_segment = before.ends_with(';');
        let ends = |c: char| {
            is_mark(c) || c.is_whitespace() || "\"'<>`\\,".contains(c) || (is_segment && c == '/')
        };
        let end = pair.find(ends).unwrap_or(pair.len());
        clean.push_str(&without_secrets(&pair[..end], secrets));
        rest = &pair[end..];
    }
    clean + rest
}

/// Pairs of a query or a form, without the values that are named like secrets.
fn without_secrets(pairs: &str, secrets: &mut HiddenValues) -> String {
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, value)) if says_secret(name) => {
            let value = url::form_urlencoded::parse(format!("v={value}").as_bytes())
                .next()
                .map(|(_, value)| value.into_owned());
            secrets.learn(&value.unwrap_or_default());
            format!("{name}={HIDDEN}")
        }
        Some(_) | None => pair.to_owned(),
    };
    pairs.split('&').map(pair).collect::<Vec<_>>().join("&")
}

fn header_line(line: &str, secrets: &mut HiddenValues) -> String {
    let Some((name, value)) = line.split_once(':') else {
        return line.to_owned();
    };
    if !says_secret(name) {
        return addresses(line, secrets);
    }
    let bare = value.trim();
    secrets.learn(bare);
    if let Some(token) = bare
        .strip_prefix("Bearer ")
        .or_else(|| bare.strip_prefix("Basic "))
    {
        secrets.learn(token);
    }
    // A cookie's value may come back in a body.
    if name.to_ascii_lowercase().contains("cookie") {
        for pair in bare.split(';') {
            let attribute = pair.trim().to_ascii_lowercase();
            let is_value = !["path", "domain", "expires", "max-age", "samesite"]
                .iter()
                .any(|known| attribute.starts_with(&format!("{known}=")));
            if let (true, Some((_, value))) = (is_value, pair.split_once('=')) {
                secrets.learn(value.trim());
            }
        }
    }
    format!("{name}: {HIDDEN}")
}

/// A body in lines, no more than are worth reading.
fn body_lines(body: &[u8], length: u64, kind: BodyKind, secrets: &mut HiddenValues) -> Vec<String> {
    if body.is_empty() {
        return Vec::new();
    }
    let Ok(text) = std::str::from_utf8(body) else {
        return vec![format!("({length} bytes that are not text)")];
    };
    // A byte order mark is not part of JSON, and nothing to show.
    let text = text.trim_start_matches('\u{feff}');
    let text = match serde_json::from_str::<Value>(text) {
        Ok(mut json) => {
            secrets.clean(&mut json, false);
            addresses(&format!("{json:#}"), secrets)
        }
        Err(_) if kind == BodyKind::Form => {
            without_secrets(text, secrets);
            without_secrets(&secrets.hide(text), secrets)
        }
        Err(_) => addresses(text, secrets),
    };
    // Hidden before it is cut, so that no part of a secret is left over.
    let text = secrets.hide(&text);
    let mut lines: Vec<String> = text.lines().take(BODY_LINES).map(str::to_owned).collect();
    let left = text.lines().count().saturating_sub(lines.len());
    if left > 0 {
        lines.push(format!("… {left} more lines, {length} bytes in all"));
    }
    lines
}

/// Whether a name says that its value is secret. A key that stands by itself is a pair's name as often as not.
fn says_secret(name: &str) -> bool {
    names_secret(name) && !name.eq_ignore_ascii_case("key")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    type Login = (Vec<u8>, Vec<String>, Vec<u8>, Vec<(String, Option<Value>)>);

    const JWT: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";

    fn login() -> Login {
        let request = "POST /login?api_key=query-key-1&limit=1 HTTP/1.1\r\nHost: h\r\nAuthorization: Basic \
            dXNlcjpwYXNz\r\nCookie: sid=cookie-value-1\r\nX-Page: 42\r\n\r\n\
            {\"user\":\"ann\",\"password\":\"hunter2 env\",\"note\":\"opaque-token-1\"}";
        let headers = vec![
            "content-type: application/json".to_owned(),
            "set-cookie: sid=cookie-value-2; Path=/; HttpOnly".to_owned(),
        ];
        let body = json!({
            "accessToken": "opaque-token-1", "echo": "cookie-value-2 and hunter2 env", "id": JWT,
            "name": "x".repeat(300), "list": (0..40).collect::<Vec<_>>(),
        });
        let captured = vec![
            ("token".to_owned(), Some(json!("opaque-token-1"))),
            ("order".to_owned(), Some(json!("ord-1"))),
            ("gone".to_owned(), None),
        ];
        (
            request.into(),
            headers,
            body.to_string().into_bytes(),
            captured,
        )
    }

    fn written(columns: usize) -> String {
        let (request, headers, body, captured) = login();
        let seen = TrialReport {
            what: "POST /login".to_owned(),
            took: Some(Duration::from_micros(21_340)),
            request: &request,
            answer: Some((200, &headers, &body)),
            length: body.len() as u64,
            captured: &captured,
            secrets: &[],
            failure: Some("$.echo is \"hunter2 env\u{1b}[31m\", expected \"ok\""),
            unfollowed: None,
        };
        let mut secrets = HiddenValues::new(&["hunter2 env".to_owned()]);
        trial(&seen, &mut secrets, columns)
    }

    #[test]
    fn no_secret_is_shown_whatever_it_is_called() {
        let text = written(10_000);
        for secret in [
            "hunter2",
            "query-key-1",
            "dXNlcjpwYXNz",
            "cookie-value",
            "opaque-token-1",
            "eyJ",
            "\u{1b}",
        ] {
            assert!(!text.contains(secret), "{secret} in:\n{text}");
        }
        for shown in [
            "-- POST /login  200 in 21.3 ms",
            "POST /login?api_key=***&limit=1 HTTP/1.1",
            "X-Page: 42",
            "\"user\": \"ann\"",
            "token = *** (14 characters)",
            "order = \"ord-1\"",
            "gone is missing",
            "FAILED: $.echo is",
            "more lines",
        ] {
            assert!(text.contains(shown), "no {shown} in:\n{text}");
        }
    }

    #[test]
    fn a_redirect_that_was_not_followed_is_told_in_one_line() {
        let headers = vec!["location: https://a.b/hunter2/login".to_owned()];
        let seen = TrialReport {
            what: "GET /".to_owned(),
            took: Some(Duration::from_millis(1)),
            request: b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
            answer: Some((302, &headers, b"")),
            length: 0,
            captured: &[],
            secrets: &[],
            failure: None,
            unfollowed: Some("https://a.b/hunter2/login"),
        };
        let mut secrets = HiddenValues::new(&["hunter2".to_owned()]);
        let text = trial(&seen, &mut secrets, 120);
        let written = "302 to https://a.b/***/login was not followed; set `redirects` to follow it";
        assert_eq!(text.lines().last(), Some(format!("   {written}").as_str()));
    }

    #[test]
    fn addresses_in_headers_and_lines_lose_what_is_secret() {
        let headers = [
            "location: https://me:pw@h/cb?token=secret-t-1&x=1#access_token=secret-t-2",
            "link: <https://h/next;sid=secret-t-3?page=2>; rel=\"next\"",
            "page: /a?b=1",
        ]
        .map(str::to_owned);
        let captured = [("next".to_owned(), Some(json!("/cb?token=secret-t-1&x=1")))];
        let request = b"GET /echo;token=secret-t-4/a?pw=secret-t-5&n=1 HTTP/1.1\r\nHost: h\r\n\r\n";
        let seen = TrialReport {
            what: "GET /".to_owned(),
            took: Some(Duration::from_millis(1)),
            request,
            answer: Some((302, &headers, b"<a href=\"/x?api_key=secret-t-6&amp;n=1\">")),
            length: 0,
            captured: &captured,
            secrets: &["SECRET-T-7".to_owned()],
            failure: Some("$.echo is \"SECRET-T-7\""),
            unfollowed: None,
        };
        let text = trial(&seen, &mut HiddenValues::default(), 200);
        assert!(!text.to_lowercase().contains("secret-t"), "{text}");
        assert!(!text.contains("me:pw"), "{text}");
        for shown in [
            "location: https://***@h/cb?token=***&x=1#access_token=***",
            "link: <https://h/next;sid=***?page=2>; rel=\"next\"",
            "GET /echo;token=***/a?pw=***&n=1 HTTP/1.1",
            "<a href=\"/x?api_key=***&amp;n=1\">",
            "next = \"/cb?token=***&x=1\"",
        ] {
            assert!(text.contains(shown), "no {shown} in:\n{text}");
        }
    }

    #[test]
    fn a_known_secret_is_hidden_whole_whatever_is_in_it() {
        for secret in [
            "plain;semi-tail",
            "amp&er-tail",
            "com,ma-tail",
            "quo\"te-tail",
            "apo'st-tail",
            "back\\slash-tail",
            "ang>le-tail",
            "hash#x-tail",
            "a blank-tail",
            "user:pw@host-tail",
            "at://me:x@h-tail",
        ] {
            let address = format!("/x?apikey={secret}");
            let headers = [format!("x-echo: {address}"), format!("location: {address}")];
            let captured = [("echo".to_owned(), Some(json!(address)))];
            let form = format!("password={secret}&n=1");
            let request = format!(
                "POST {address} HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n{form}"
            );
            for body in [form.clone(), json!({ "echo": address, "n": 1 }).to_string()] {
                let seen = TrialReport {
                    what: "POST /x".to_owned(),
                    took: Some(Duration::from_millis(1)),
                    request: request.as_bytes(),
                    answer: Some((302, &headers, body.as_bytes())),
                    length: body.len() as u64,
                    captured: &captured,
                    secrets: &[],
                    failure: Some(&address),
                    unfollowed: Some(&address),
                };
                let mut secrets = HiddenValues::new(&[secret.to_owned()]);
                let text = trial(&seen, &mut secrets, 200);
                assert!(!text.contains("tail"), "{text}");
                assert_eq!(
                    text.matches("apikey=***").count(),
                    6 + usize::from(body != form),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn a_secret_that_a_body_names_is_hidden_before_it() {
        let body = json!({ "access_token": "plain;semi-tail" }).to_string();
        let seen = TrialReport {
            what: "GET /".to_owned(),
            took: None,
            request: b"GET /x?apikey=plain;semi-tail HTTP/1.1\r\n\r\n",
            answer: Some((
                200,
                &["x-echo: ?key=plain;semi-tail".to_owned()],
                body.as_bytes(),
            )),
            length: body.len() as u64,
            captured: &[],
            secrets: &[],
            failure: None,
            unfollowed: None,
        };
        let text = trial(&seen, &mut HiddenValues::default(), 200);
        assert!(!text.contains("tail"), "{text}");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_bodies_are_cut() {
        let text = written(80);
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        assert!(text.lines().count() < 40, "{text}");
    }

    #[test]
    fn secrets_of_forms_are_hidden_and_bytes_are_counted() {
        let mut secrets = HiddenValues::default();
        let body = b"grant=password&client_secret=a%20b%2Bc%3Dd&x=1";
        let lines = body_lines(body, body.len() as u64, BodyKind::Form, &mut secrets);
        assert_eq!(lines, ["grant=password&client_secret=***&x=1"]);
        assert_eq!(secrets.hide("it was a b+c=d"), "it was ***");
        let bytes = body_lines(&[0xff, 0, 1], 3, BodyKind::Other, &mut secrets);
        assert_eq!(bytes, ["(3 bytes that are not text)"]);
    }
}
