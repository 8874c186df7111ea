//! One signed call of an AWS service: bounded in time and size, tried again if that may help.

use std::fmt;
use std::ops::ControlFlow;
use std::time::{Duration, Instant, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use rand::TryRng as _;
use rand::rngs::SysRng;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::{Error, clean};
use super::{Variables, credentials};
use crate::http_client::{self, Answer, Method, Request};
use crate::redact::redact;

/// How long one try may take at most.
pub(super) const LIMIT: Duration = Duration::from_secs(20);
/// Bytes of a response at most.
pub(super) const MOST_BYTES: usize = 16 << 20;
/// The longest pauses before the second, third and fourth try, and the shortest.
const PAUSES: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(10),
];
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);
/// Seconds that a clock may be off before a refused signature is put down to it; AWS accepts five minutes.
const MOST_SKEW: i64 = 240;

/// A service that is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Monitoring,
    Logs,
    Lambda,
    ApiGateway,
    ApiGatewayV2,
    XRay,
    Sts,
}

impl Service {
    /// Its name in addresses and signatures.
    fn name(self) -> &'static str {
        match self {
            Self::Monitoring => "monitoring",
            Self::Logs => "logs",
            Self::Lambda => "lambda",
            Self::ApiGateway | Self::ApiGatewayV2 => "apigateway",
            Self::XRay => "xray",
            Self::Sts => "sts",
        }
    }

    /// Its name in the variable of its endpoint.
    fn variable(self) -> &'static str {
        match self {
            Self::Monitoring => "CLOUDWATCH",
            Self::Logs => "CLOUDWATCH_LOGS",
            Self::Lambda => "LAMBDA",
            Self::ApiGateway => "API_GATEWAY",
            Self::ApiGatewayV2 => "APIGATEWAYV2",
            Self::XRay => "XRAY",
            Self::Sts => "STS",
        }
    }

    /// Where it is, without a slash at the end.
    pub(super) fn endpoint(self, region: &str, variable: &Variables<'_>) -> String {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let own = set(&format!("AWS_ENDPOINT_URL_{}", self.variable()));
        let endpoint = own.or_else(|| set("AWS_ENDPOINT_URL")).unwrap_or_else(|| {
            let country = if region.starts_with("cn-") { ".cn" } else { "" };
            format!("https://{}.{region}.amazonaws.com{country}", self.name())
        });
        endpoint.trim_end_matches('/').to_owned()
    }
}

/// One call.
pub(super) struct Call {
    pub(super) service: Service,
    /// The action's name in IAM.
    pub(super) action: &'static str,
    /// The resources that a permission must cover.
    pub(super) resource: String,
    pub(super) message: Message,
}

/// What is sent.
pub(super) enum Message {
    /// A path and query.
    Get(String),
    /// JSON for an operation.
    Post {
        content_type: &'static str,
        target: &'static str,
        body: Value,
    },
    /// JSON for a path.
    PostTo { path: &'static str, body: Value },
}

/// How long to go on trying.
#[derive(Clone, Copy)]
pub(super) struct Patience<'a> {
    /// Sleeps; a break ends all waiting. A sleep of no time looks whether there is one.
    pub(super) sleep: &'a dyn Fn(Duration) -> ControlFlow<()>,
    /// How long one try may take.
    pub(super) limit: Duration,
    /// When everything ends.
    pub(super) deadline: Instant,
}

impl Patience<'_> {
    /// Tries until it succeeds, cannot succeed, or the time is over. Each try is given its time limit.
    pub(super) fn retry<T>(
        &self,
        mut attempt: impl FnMut(Duration) -> Result<T, Error>,
    ) -> Result<T, Error> {
        for longest in PAUSES {
            let error = match attempt(self.limit()) {
                Err(error) if error.may_pass() => error,
                result @ (Ok(_) | Err(_)) => return result,
            };
            let pause = jitter(longest);
            if pause >= self.left() || (self.sleep)(pause).is_break() {
                return Err(error);
            }
        }
        attempt(self.limit())
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    fn limit(&self) -> Duration {
        self.left().min(self.limit)
    }

    /// Sends a request; a break ends it.
    pub(super) fn send(
        &self,
        http: &http_client::Client,
        action: &'static str,
        request: &Request<'_>,
    ) -> Result<Answer, Error> {
        let is_stopped = || (self.sleep)(Duration::ZERO).is_break();
        let answer = http.send_until(request, &is_stopped);
        answer
            .ok_or(Error::Stopped)?
            .map_err(|error| Error::of(action, error))
    }
}

/// A random pause, so that those who were refused together do not return together.
fn jitter(longest: Duration) -> Duration {
    // Without a random number the pause is the longest.
    let random = SysRng.try_next_u32().unwrap_or(u32::MAX);
    let share = f64::from(random) / f64::from(u32::MAX);
    SHORTEST_PAUSE + longest.saturating_sub(SHORTEST_PAUSE).mul_f64(share)
}

/// Makes signed calls in one region.
pub(super) struct Client<'a> {
    http: http_client::Client,
    credentials: Credentials,
    region: String,
    variable: &'a Variables<'a>,
    patience: Patience<'a>,
}

impl fmt::Debug for Client<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The credentials must not be shown.
        f.debug_struct("Client")
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

impl<'a> Client<'a> {
    /// A client for a region, the environment's by default, with the environment's credentials.
    pub(super) fn new(
        region: Option<&str>,
        variable: &'a Variables<'a>,
        patience: Patience<'a>,
    ) -> Result<Self, Error> {
        let region = credentials::region(region, variable)?;
        Ok(Self {
            http: http_client::Client::new().map_err(Error::Network)?,
            credentials: credentials::find(&region, variable, patience)?,
            region,
            variable,
            patience,
        })
    }

    pub(super) fn region(&self) -> &str {
        &self.region
    }

    /// The name of a resource in this region, of any account.
    pub(super) fn arn(&self, service: &str, resource: &str) -> String {
        let partition = match self.region.split('-').collect::<Vec<_>>().as_slice() {
            ["cn", ..] => "aws-cn",
            ["us", "gov", ..] => "aws-us-gov",
            _ => "aws",
        };
        format!("arn:{partition}:{service}:{}:{resource}", self.region)
    }

    /// Sends a call and reads its answer.
    pub(super) fn call<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Error> {
        let answer = self
            .patience
            .retry(|within| self.exchange(call, within, Timestamp::now()))?;
        serde_json::from_str(&answer.body).map_err(|error| Error::Unexpected {
            action: call.action,
            // The parser's own words may quote the response.
            why: format!("line {}, column {}", error.line(), error.column()),
        })
    }

    fn exchange(&self, call: &Call, within: Duration, now: Timestamp) -> Result<Answer, Error> {
        let endpoint = call.service.endpoint(&self.region, self.variable);
        let (method, url, body) = match &call.message {
            Message::Get(path) => (Method::GET, format!("{endpoint}{path}"), None),
            Message::Post { body, .. } => {
                (Method::POST, format!("{endpoint}/"), Some(body.to_string()))
            }
            Message::PostTo { path, body } => (
                Method::POST,
                format!("{endpoint}{path}"),
                Some(body.to_string()),
            ),
        };
        let headers = self.headers(call, &url, body.as_deref().unwrap_or_default(), now)?;
        let headers = headers.iter();
        let headers: Vec<(&str, &str)> = headers.map(|(name, value)| (&**name, &**value)).collect();
        let request = Request {
            method,
            url: &url,
            headers: &headers,
            body,
            most: MOST_BYTES,
            within,
        };
        let answer = self.patience.send(&self.http, call.action, &request)?;
        match answer.status {
            200 => Ok(answer),
            _ => Err(self.refusal(call, &answer, now)),
        }
    }

    /// The headers of a request, signed.
    fn headers(
        &self,
        call: &Call,
        url: &str,
        body: &str,
        now: Timestamp,
    ) -> Result<Vec<(String, String)>, Error> {
        let (method, headers) = match call.message {
            Message::Get(_) => ("GET", Vec::new()),
            Message::Post {
                content_type,
                target,
                ..
            } => (
                "POST",
                vec![("content-type", content_type), ("x-amz-target", target)],
            ),
            Message::PostTo { .. } => ("POST", vec![("content-type", "application/json")]),
        };
        let failed = |why: &dyn fmt::Display| Error::Unexpected {
            action: call.action,
            why: format!("the request cannot be signed: {why}"),
        };
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(call.service.name())
            .time(SystemTime::try_from(now).map_err(|error| failed(&error))?)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| failed(&error))?;
        let body = SignableBody::Bytes(body.as_bytes());
        let signable = SignableRequest::new(method, url, headers.iter().copied(), body);
        let signable = signable.map_err(|error| failed(&error))?;
        let signed = sign(signable, &parameters.into()).map_err(|error| failed(&error))?;
        let all = headers.into_iter().chain(signed.output().headers());
        Ok(all
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect())
    }

    /// The error that a response other than 200 stands for.
    fn refusal(&self, call: &Call, answer: &Answer, now: Timestamp) -> Error {
        let action = call.action;
        let (code, message) = fault(answer);
        // A message may repeat what was sent.
        let (code, message) = (self.without_secrets(&code), self.without_secrets(&message));
        match code.as_str() {
            "AccessDenied" | "AccessDeniedException" | "UnauthorizedException" => Error::Denied {
                action,
                resource: call.resource.clone(),
            },
            "ExpiredToken" | "ExpiredTokenException" => {
                let end = self.credentials.expiry();
                Error::Expired(end.and_then(|end| Timestamp::try_from(end).ok()))
            }
            "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "RequestExpired"
            | "RequestTimeTooSkewed"
                if skew(answer, now).abs() > MOST_SKEW =>
            {
                Error::ClockSkew(skew(answer, now))
            }
            "IncompleteSignature"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClientException" => Error::InvalidCredentials(code),
            _ => refused(action, answer.status, &code, &message),
        }
    }

    fn without_secrets(&self, text: &str) -> String {
        let secrets = [
            self.credentials.access_key_id(),
            self.credentials.secret_access_key(),
            self.credentials.session_token().unwrap_or_default(),
        ];
        redact(text, &secrets.map(str::to_owned))
    }
}

/// The error of a response that says nothing more specific.
pub(super) fn refused(action: &'static str, status: u16, code: &str, message: &str) -> Error {
    let is_throttled = matches!(
        code,
        "Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequestsException"
    );
    if is_throttled || status == 429 {
        return Error::Throttled { action };
    }
    let or = |text: String, other: String| if text.is_empty() { other } else { text };
    Error::Refused {
        action,
        status,
        code: or(clean(code), format!("status {status}")),
        message: or(clean(message), "the response has no message".to_owned()),
    }
}

/// The code and the message of an error in JSON.
fn fault(answer: &Answer) -> (String, String) {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let code = answer.header("x-amzn-errortype").or(text("__type"));
    // A namespace stands before it, the address of a schema behind it.
    let code = code.unwrap_or_default().split(':').next();
    let code = code.and_then(|code| code.rsplit('#').next());
    let message = text("message").or(text("Message"));
    (
        code.unwrap_or_default().to_owned(),
        message.unwrap_or_default().to_owned(),
    )
}

/// Seconds that this machine's clock is ahead of the service's.
fn skew(answer: &Answer, now: Timestamp) -> i64 {
    let date = answer.header("date");
    let date = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
    date.map_or(0, |date| now.as_second() - date.as_second())
}

/// A name as it stands in a path or a query.
pub(super) fn encoded(name: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    encoded.replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::fake::{Fake, Reply, lookup, patience};

    const KEY: &str = "AKIDEXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const TOKEN: &str = "FwoGZXIvYXdzEXAMPLETOKEN";

    /// What a test does with a client of a server.
    fn with<T>(url: &str, patience: Patience<'_>, test: impl FnOnce(&Client<'_>) -> T) -> T {
        let variable = lookup(&[
            ("AWS_ENDPOINT_URL", url),
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
            ("AWS_SESSION_TOKEN", TOKEN),
            ("AWS_CREDENTIAL_EXPIRATION", "2026-11-24T12:00:00Z"),
        ]);
        let client = Client::new(Some("eu-central-1"), &variable, patience);
        test(&client.unwrap())
    }

    fn metric_data() -> Call {
        Call {
            service: Service::Monitoring,
            action: "cloudwatch:GetMetricData",
            resource: "*".to_owned(),
            message: Message::Post {
                content_type: "application/x-amz-json-1.0",
                target: "GraniteServiceVersion20100801.GetMetricData",
                body: json!({ "EndTime": 60 }),
            },
        }
    }

    /// The result of one call that is answered like this.
    fn answered(reply: Reply) -> (Result<Value, Error>, usize) {
        let fake = Fake::start(move |_| reply.clone());
        let result = with(&fake.url, patience(), |client| client.call(&metric_data()));
        (result, fake.received().len())
    }

    fn get(service: Service) -> Call {
        Call {
            service,
            action: "x:y",
            resource: String::new(),
            message: Message::Get(String::new()),
        }
    }

    // The signatures are botocore's for the same requests, keys and time.
    #[test]
    fn requests_have_the_signatures_of_another_implementation() {
        let now = Timestamp::from_second(1_440_938_160).unwrap();
        for (call, body, host, target, signature) in [
            (
                metric_data(),
                r#"{"EndTime":60}"#,
                "monitoring",
                "/",
                "ecad63f5c26210de971fa2aa94189661ffd697c6d404793be8729287b2c74f06",
            ),
            (
                get(Service::ApiGatewayV2),
                "",
                "apigateway",
                "/v2/apis/b2/stages/%24default",
                "1949461d7e8ea6725148111cab51a6ff4e402f2c9e810b11a1c89cf1f46cc7aa",
            ),
            (
                get(Service::Lambda),
                "",
                "lambda",
                "/2015-03-31/functions/orders/configuration?Qualifier=%24LATEST",
                "8bc434d8077f2015b6992c069826fc2dbf979233be37167c7efe9f3a896b943f",
            ),
        ] {
            let url = format!("https://{host}.eu-central-1.amazonaws.com{target}");
            let headers = with(&url, patience(), |client| {
                client.headers(&call, &url, body, now).unwrap()
            });
            let found = headers.iter().find(|(name, _)| name == "authorization");
            let found = &found.unwrap().1;
            assert!(found.ends_with(signature), "{found}");
            assert!(found.contains(&format!("/eu-central-1/{host}/aws4_request")));
        }
    }

    #[test]
    fn an_endpoint_is_the_services_own_then_the_common_one() {
        let none = lookup(&[]);
        let metrics = Service::Monitoring;
        let aws = "https://monitoring.eu-central-1.amazonaws.com";
        assert_eq!(metrics.endpoint("eu-central-1", &none), aws);
        let china = "https://logs.cn-north-1.amazonaws.com.cn";
        assert_eq!(Service::Logs.endpoint("cn-north-1", &none), china);
        let set = lookup(&[
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1/"),
            ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "http://127.0.0.1:2"),
        ]);
        assert_eq!(metrics.endpoint("x", &set), "http://127.0.0.1:1");
        assert_eq!(Service::Logs.endpoint("x", &set), "http://127.0.0.1:2");
    }

    #[test]
    fn a_throttled_call_is_tried_again_and_others_are_not() {
        let fake = Fake::start({
            let left = std::sync::atomic::AtomicUsize::new(2);
            move |_| {
                let order = std::sync::atomic::Ordering::Relaxed;
                match left.fetch_update(order, order, |left| left.checked_sub(1)) {
                    Ok(_) => Reply::error(400, "ThrottlingException", "Rate exceeded"),
                    Err(_) => Reply::json("{}"),
                }
            }
        });
        let result: Result<Value, Error> =
            with(&fake.url, patience(), |client| client.call(&metric_data()));
        assert!(result.is_ok() && fake.received().len() == 3, "{result:?}");
        for (reply, tries) in [
            (Reply::error(400, "ThrottlingException", ""), 4),
            (Reply::text(429, ""), 4),
            (Reply::text(503, "<html>"), 4),
            (Reply::error(400, "ValidationError", "no"), 1),
            (Reply::error(403, "AccessDeniedException", "no"), 1),
            (
                Reply::text(307, "").with_header("location", "http://127.0.0.1:1/"),
                1,
            ),
            (Reply::json("{"), 1),
        ] {
            let (result, sent) = answered(reply);
            assert_eq!(sent, tries, "{result:?}");
            assert!(result.is_err());
        }
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        for (reply, message) in [
            (
                Reply::text(403, "").with_header(
                    "x-amzn-ErrorType",
                    "AccessDeniedException:http://internal.amazon.com/coral/",
                ),
                "cloudwatch:GetMetricData was denied; allow it for *",
            ),
            (
                Reply::error(400, "ExpiredTokenException", "token expired"),
                "the AWS credentials expired at 2026-11-24T12:00:00Z; renew them",
            ),
            (
                Reply::error(403, "SignatureDoesNotMatch", "Signature not yet current"),
                "AWS does not accept the credentials (SignatureDoesNotMatch); check them",
            ),
            (
                Reply::text(404, ""),
                "cloudwatch:GetMetricData failed with status 404: the response has no message",
            ),
        ] {
            let error = answered(reply).0.unwrap_err().to_string();
            assert_eq!(error, message);
        }
    }

    #[test]
    fn a_refused_signature_is_put_down_to_the_clock_if_it_is_off() {
        let hour_ago = Timestamp::now() - Duration::from_hours(1);
        let date = hour_ago.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        for code in ["SignatureDoesNotMatch", "RequestTimeTooSkewed"] {
            let error = answered(Reply::error(403, code, "").with_header("date", &date)).0;
            let is_hour = |seconds: i64| (3_600..3_660).contains(&seconds);
            assert!(matches!(error, Err(Error::ClockSkew(seconds)) if is_hour(seconds)));
        }
    }

    #[test]
    fn a_hang_ends_at_the_deadline() {
        let fake = Fake::start(|_| Reply::json("{}").after(Duration::from_secs(20)));
        let start = Instant::now();
        let short = Patience {
            deadline: start + Duration::from_millis(300),
            ..patience()
        };
        let result: Result<Value, Error> =
            with(&fake.url, short, |client| client.call(&metric_data()));
        assert!(matches!(result, Err(Error::TimedOut { .. })), "{result:?}");
        assert!(start.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn a_signal_ends_a_call_that_hangs() {
        let fake = Fake::start(|_| Reply::json("{}").after(Duration::from_secs(20)));
        let start = Instant::now();
        let signalled = Patience {
            sleep: &|_| {
                if start.elapsed() < Duration::from_millis(300) {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            },
            ..patience()
        };
        let result: Result<Value, Error> =
            with(&fake.url, signalled, |client| client.call(&metric_data()));
        assert!(matches!(result, Err(Error::Stopped)), "{result:?}");
        assert!(start.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn an_answer_without_end_is_not_kept() {
        let (result, sent) = answered(Reply::json(&" ".repeat(MOST_BYTES + 1)));
        let error = result.unwrap_err().to_string();
        assert!(
            error.contains("more than 16777216 bytes") && sent == 1,
            "{error}"
        );
    }

    #[test]
    fn no_error_and_no_client_shows_a_secret() {
        let echo = format!(
            "The Canonical String should have been\nx-amz-security-token:{TOKEN}\n\
             Credential={KEY}, key {SECRET}"
        );
        let mut shown = Vec::new();
        for reply in [
            Reply::error(403, "SignatureDoesNotMatch", &echo),
            Reply::error(400, "ValidationError", &echo),
            Reply::error(400, "AccessDeniedException", &echo),
            Reply::error(400, "ExpiredTokenException", &echo),
            Reply::error(500, &echo, &echo),
            Reply::json(&echo),
            Reply::text(302, &echo),
        ] {
            let error = answered(reply).0.unwrap_err();
            shown.push(format!("{error} {error:?}"));
        }
        shown.push(with("http://127.0.0.1:1", patience(), |client| {
            let unreachable = client.call::<Value>(&metric_data()).unwrap_err();
            format!("{client:?} {unreachable} {unreachable:?}")
        }));
        for text in shown {
            for secret in [KEY, SECRET, TOKEN] {
                assert!(!text.contains(secret), "{text}");
            }
            assert!(!text.contains(char::is_control), "{text}");
        }
    }

    #[test]
    fn a_pause_is_between_its_bounds() {
        for longest in PAUSES {
            for _ in 0..100 {
                let pause = jitter(longest);
                assert!(pause >= SHORTEST_PAUSE && pause <= longest);
            }
        }
    }
}
