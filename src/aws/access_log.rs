//! A gateway's access log: which invocation served which request, read by the format that the stage sets.

use serde_json::Value;

/// The variables of a format that hold ids.
const REQUEST: &[&str] = &["requestId"];
const EXTENDED: &[&str] = &["extendedRequestId"];
const LAMBDA: &[&str] = &["awsEndpointRequestId", "integration.requestId"];
const PREFIX: &str = "$context.";

/// Why a format does not say which invocation served a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FormatError {
    /// The lines cannot be taken apart.
    #[error("the format of the access log is not understood; use JSON with $context.requestId")]
    NotUnderstood,
    /// The id of responses is not logged.
    #[error(r#"the access log has no request ids; add "requestId":"$context.requestId""#)]
    NoRequest,
    /// The id of invocations is not logged.
    #[error(
        r#"the access log has no invocations; add "lambdaRequestId":"$context.awsEndpointRequestId""#
    )]
    NoInvocation,
}

/// The ids of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AccessLine {
    /// The gateway's id: `apigw-requestid` of an HTTP API, `x-amzn-RequestId` of a REST API.
    pub(super) request: Option<String>,
    /// A REST API's other id, `x-amz-apigw-id`.
    pub(super) extended: Option<String>,
    /// The id of the invocation, as its REPORT line has it.
    pub(super) invocation: String,
}

/// A stage's format, as far as it concerns ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AccessFormat {
    layout: Layout,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Layout {
    /// JSON pointers to the ids.
    Json(Ids<String>),
    /// The text before each variable and behind the last one, and which variables are the ids.
    Text(Vec<String>, Ids<usize>),
}

/// Where the ids are.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ids<T> {
    request: Option<T>,
    extended: Option<T>,
    invocation: T,
}

impl<T> Ids<T> {
    /// Finds each id by a look-up of variables.
    fn find(place: impl Fn(&[&str]) -> Option<T>) -> Result<Self, FormatError> {
        let (request, extended) = (place(REQUEST), place(EXTENDED));
        if request.is_none() && extended.is_none() {
            return Err(FormatError::NoRequest);
        }
        Ok(Self {
            request,
            extended,
            invocation: place(LAMBDA).ok_or(FormatError::NoInvocation)?,
        })
    }

    /// The ids at these places; none without an invocation.
    fn line<'l>(&self, text: impl Fn(&T) -> Option<&'l str>) -> Option<AccessLine> {
        let id = |place: &Option<T>| {
            let id = text(place.as_ref()?)?;
            // A dash stands for a variable without a value.
            let is_id = !matches!(id, "" | "-") && !id.contains(char::is_whitespace);
            is_id.then(|| id.to_owned())
        };
        let invocation = text(&self.invocation).filter(|id| is_uuid(id))?;
        Some(AccessLine {
            request: id(&self.request),
            extended: id(&self.extended),
            invocation: invocation.to_owned(),
        })
    }
}

impl AccessFormat {
    /// Finds the ids in a stage's format.
    pub(super) fn parse(format: &str) -> Result<Self, FormatError> {
        let pieces = Pieces::of(format);
        let layout = if let Some(json) = pieces.as_json() {
            Layout::Json(Ids::find(|names| pointer(&json, names))?)
        } else {
            let ids = Ids::find(|names| {
                let is_one = |name: &&str| names.contains(name);
                pieces.variables.iter().position(is_one)
            })?;
            let inner = pieces.literals.get(1..pieces.variables.len());
            if inner.unwrap_or_default().contains(&"") {
                return Err(FormatError::NotUnderstood);
            }
            let literals = pieces.literals.iter().map(|text| (*text).to_owned());
            Layout::Text(literals.collect(), ids)
        };
        Ok(Self { layout })
    }

    /// The ids of a line; none if it does not fit the format or no invocation served it.
    pub(super) fn line(&self, line: &str) -> Option<AccessLine> {
        match &self.layout {
            Layout::Json(ids) => {
                let json: Value = serde_json::from_str(line).ok()?;
                ids.line(|pointer| json.pointer(pointer)?.as_str())
            }
            Layout::Text(literals, ids) => {
                let values = values(line.trim_end(), literals)?;
                ids.line(|place| values.get(*place).copied())
            }
        }
    }
}

/// A format, taken apart: one literal more than variables.
struct Pieces<'f> {
    literals: Vec<&'f str>,
    variables: Vec<&'f str>,
}

impl<'f> Pieces<'f> {
    fn of(format: &'f str) -> Self {
        let mut literals = Vec::new();
        let mut variables = Vec::new();
        let mut rest = format.trim_end();
        while let Some((literal, behind)) = rest.split_once(PREFIX) {
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
            let end = behind.find(|c| !is_name(c)).unwrap_or(behind.len());
            let name = behind[..end].trim_end_matches('.');
            literals.push(literal);
            variables.push(name);
            rest = &behind[name.len()..];
        }
        literals.push(rest);
        Self {
            literals,
            variables,
        }
    }

    /// The format as an object whose values are the variables, quoted if they are numbers.
    fn as_json(&self) -> Option<Value> {
        let mut text = String::new();
        let mut is_quoted = false;
        for (at, literal) in self.literals.iter().enumerate() {
            text.push_str(literal);
            // No key of a log has a quote in it.
            is_quoted ^= literal.matches('"').count() % 2 == 1;
            if let Some(name) = self.variables.get(at) {
                let quote = if is_quoted { "" } else { "\"" };
                text.extend([quote, PREFIX, name, quote]);
            }
        }
        let json = serde_json::from_str(&text).ok();
        json.filter(Value::is_object)
    }
}

/// The JSON pointer to a value that is one of these variables and nothing else.
fn pointer(json: &Value, names: &[&str]) -> Option<String> {
    match json {
        Value::String(text) => {
            let name = text.strip_prefix(PREFIX)?;
            names.contains(&name).then(String::new)
        }
        Value::Object(map) => map.iter().find_map(|(key, value)| {
            let rest = pointer(value, names)?;
            let key = key.replace('~', "~0").replace('/', "~1");
            Some(format!("/{key}{rest}"))
        }),
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// The values between literals.
fn values<'l>(line: &'l str, literals: &[String]) -> Option<Vec<&'l str>> {
    let (first, others) = literals.split_first()?;
    let mut rest = line.strip_prefix(first.as_str())?;
    let mut values = Vec::new();
    for literal in others {
        let end = match literal.as_str() {
            // Only the last one can be empty.
            "" => rest.len(),
            literal => rest.find(literal)?,
        };
        values.push(&rest[..end]);
        rest = &rest[end + literal.len()..];
    }
    Some(values)
}

/// Whether it has the form of Lambda's request ids.
fn is_uuid(text: &str) -> bool {
    let is_group = |(group, length): (&str, usize)| {
        group.len() == length && group.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let lengths = [8, 4, 4, 4, 12];
    text.split('-').count() == lengths.len() && text.split('-').zip(lengths).all(is_group)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LAMBDA_ID: &str = "24ad1c2e-0f11-4c7d-9b1a-0123456789ab";

    fn ids(format: &str, line: &str) -> Option<(Option<String>, Option<String>)> {
        let line = AccessFormat::parse(format).unwrap().line(line)?;
        assert_eq!(line.invocation, LAMBDA_ID);
        Some((line.request, line.extended))
    }

    #[test]
    fn json_is_read_under_whatever_keys_the_format_has() {
        let format = r#"{"a/b":"$context.requestId","ms":$context.responseLatency,
            "lambda":{"id":"$context.awsEndpointRequestId"},"path":"$context.path"}"#;
        let line = format!(
            r#"{{"path":"/","a/b":"ALt0lgP-IAMEZPA=","ms":12,"lambda":{{"id":"{LAMBDA_ID}"}}}}"#
        );
        let request = Some("ALt0lgP-IAMEZPA=".to_owned());
        assert_eq!(ids(format, &line), Some((request, None)));
    }

    #[test]
    fn text_is_read_between_its_literals() {
        let format = "$context.identity.sourceIp - - [$context.requestTime] \
            \"$context.httpMethod $context.path\" $context.status $context.extendedRequestId \
            $context.integration.requestId";
        let line = format!(
            "192.0.2.1 - - [24/Nov/2026:12:00:00 +0000] \"GET /a\" 200 Zm9v= {LAMBDA_ID}\n"
        );
        let extended = Some("Zm9v=".to_owned());
        assert_eq!(ids(format, &line), Some((None, extended)));
        let xml = r#"<r id="$context.requestId"><l>$context.awsEndpointRequestId</l></r>"#;
        let line = format!(r#"<r id="abc"><l>{LAMBDA_ID}</l></r>"#);
        assert_eq!(ids(xml, &line), Some((Some("abc".to_owned()), None)));
    }

    #[test]
    fn a_line_without_an_invocation_has_no_ids() {
        let format = r#"{"r":"$context.requestId","l":"$context.awsEndpointRequestId"}"#;
        for line in [r#"{"r":"a","l":"-"}"#, r#"{"r":"a"}"#, "{", "", "null"] {
            assert_eq!(ids(format, line), None, "{line}");
        }
    }

    #[test]
    fn a_format_without_ids_says_what_to_add() {
        for (format, error) in [
            (
                r#"{"l":"$context.awsEndpointRequestId"}"#,
                FormatError::NoRequest,
            ),
            (r#"{"r":"$context.requestId"}"#, FormatError::NoInvocation),
            ("$context.requestId", FormatError::NoInvocation),
            ("", FormatError::NoRequest),
            (
                "$context.requestId$context.awsEndpointRequestId",
                FormatError::NotUnderstood,
            ),
        ] {
            assert_eq!(AccessFormat::parse(format), Err(error), "{format}");
        }
    }

    #[test]
    fn a_variable_is_not_found_in_a_longer_one() {
        let format = r#"{"r":"$context.requestId","l":"$context.awsEndpointRequestId2"}"#;
        assert_eq!(AccessFormat::parse(format), Err(FormatError::NoInvocation));
    }

    proptest! {
        #[test]
        fn no_format_and_no_line_panics(
            format in r#"[{}":, a\[\]$]{0,8}(\$context\.(requestId|awsEndpointRequestId|x)[{}":, é]{0,3}){0,4}"#,
            line in ".{0,60}",
        ) {
            if let Ok(format) = AccessFormat::parse(&format) {
                let _ = format.line(&line);
            }
        }

        #[test]
        fn ids_are_read_back_from_a_line(
            (key, other) in ("[a-z/~ ]{1,6}", "[A-Z]{1,6}"),
            request in "[A-Za-z0-9=-]{2,20}",
        ) {
            let line = |request: &str, lambda: &str| {
                serde_json::json!({ &key: { &other: request }, &other: lambda }).to_string()
            };
            let format = line("$context.requestId", "$context.awsEndpointRequestId");
            let found = ids(&format, &line(&request, LAMBDA_ID));
            prop_assert_eq!(found, Some((Some(request), None)));
        }
    }
}
