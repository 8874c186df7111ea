//! Every HTTP call that is not load: one request at a time, bounded in time and size.
//!
//! An edge, and the only room that knows `reqwest`. It must not know what is asked for. Nothing that it says of a request
//! holds a header, and of an address neither credentials nor query, since that is where tokens stand.

use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;

use crate::error_chain;
use crate::redact::redacted_address;

pub use reqwest::Method;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a response may take from beginning to end, unless the caller needs another limit.
pub const WHOLE: Duration = Duration::from_secs(30);
/// How soon a request ends that is stopped.
const LOOK: Duration = Duration::from_millis(100);
/// Hops from a download's address to the place that holds it, at most.
const MOST_HOPS: usize = 5;

/// The waits between the tries of a download.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];
/// A wait that a server asks for at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is none.
    #[error("'{0}' is not an http or https address")]
    Address(String),
    /// A header that cannot be sent; its value is nobody's to see.
    #[error("the header {0} contains characters that are not allowed in headers")]
    Header(String),
    /// The client cannot be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(String),
    /// The connection failed or broke.
    #[error("{place} did not respond: {why}")]
    Silent {
        /// Where, without credentials and query.
        place: String,
        /// What happened.
        why: String,
    },
    /// The response was not complete in time.
    #[error("{place} did not respond within {seconds:.1} s")]
    TimedOut {
        /// Where, without credentials and query.
        place: String,
        /// The limit.
        seconds: f64,
    },
    /// The response is too long.
    #[error("{place} sent more than {most} bytes")]
    TooLong {
        /// Where, without credentials and query.
        place: String,
        /// The bound.
        most: usize,
    },
}

impl Error {
    /// Whether another try may go better.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Silent { .. } | Self::TimedOut { .. })
    }
}

/// A request.
#[derive(Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// The address.
    pub url: &'a str,
    /// Headers; the values may be secrets.
    pub headers: &'a [(&'a str, &'a str)],
    /// A body; JSON, unless a header says otherwise.
    pub body: Option<String>,
    /// Bytes of a response at most.
    pub most: usize,
    /// How long the response may take from beginning to end.
    pub within: Duration,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body; what is no UTF-8 in it is replaced.
    pub body: String,
    /// How long to wait before another try, where the server says so.
    pub retry_after: Option<Duration>,
    /// Where it says to look instead.
    pub location: Option<String>,
    headers: HeaderMap,
}

impl Answer {
    /// A header's value, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Sends requests, one at a time.
pub struct Client {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
}

impl Client {
    /// A client that trusts the system's certificates and goes through the environment's proxy. It follows no redirect: what
    /// may be sent elsewhere is for the caller to know.
    pub fn new() -> Result<Self, Error> {
        Self::with(reqwest::Client::builder())
    }

    /// The same past any proxy, for addresses that only this machine can reach.
    pub fn direct() -> Result<Self, Error> {
        Self::with(reqwest::Client::builder().no_proxy())
    }

    fn with(builder: reqwest::ClientBuilder) -> Result<Self, Error> {
        let failed = |error: &dyn std::error::Error| Error::Client(error_chain::error_chain(error));
        // The second one to install it is told so, and that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| failed(&error))?;
        let client = builder
            .user_agent(concat!("loadgate/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .referer(false)
            .build()
            .map_err(|error| failed(&error))?;
        Ok(Self { runtime, client })
    }

    /// Sends a request and waits for all of its response.
    pub fn send(&self, request: &Request<'_>) -> Result<Answer, Error> {
        self.runtime.block_on(self.exchange(request))
    }

    /// The same until it is stopped, which is looked for ten times a second; none then.
    pub fn send_until(
        &self,
        request: &Request<'_>,
        is_stopped: &dyn Fn() -> bool,
    ) -> Option<Result<Answer, Error>> {
        let stopped = async {
            while !is_stopped() {
                tokio::time::sleep(LOOK).await;
            }
        };
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = stopped => None,
                answer = self.exchange(request) => Some(answer),
            }
        })
    }

    /// The same, tried again where that may go better.
    fn patient(&self, request: &Request<'_>) -> Result<Answer, Error> {
        for wait in PAUSES {
            let answer = self.send(request);
            let is_passing = match &answer {
                Ok(answer) => answer.status == 429 || answer.status >= 500,
                Err(error) => error.may_pass(),
            };
            if !is_passing {
                return answer;
            }
            let asked = answer.ok().and_then(|answer| answer.retry_after);
            std::thread::sleep(asked.unwrap_or(wait).min(LONGEST_PAUSE));
        }
        self.send(request)
    }

    async fn exchange(&self, request: &Request<'_>) -> Result<Answer, Error> {
        let url = address(request.url)?;
        let place = shown(&url);
        let silent = |error: reqwest::Error| {
            let place = place.clone();
            // An attempt to connect has a limit of its own.
            if error.is_timeout() && !error.is_connect() {
                let seconds = request.within.as_secs_f64();
                return Error::TimedOut { place, seconds };
            }
            let why = error_chain::root_cause(&error);
            Error::Silent { place, why }
        };
        let mut headers = headers(request.headers)?;
        if request.body.is_some() && !headers.contains_key(CONTENT_TYPE) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let mut builder = self
            .client
            .request(request.method.clone(), url.clone())
            .timeout(request.within)
            .headers(headers);
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        let mut response = builder.send().await.map_err(silent)?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let headers = response.headers().clone();
        let location = headers.get("location");
        let location = location.and_then(|value| Some(value.to_str().ok()?.to_owned()));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(silent)? {
            if body.len() + chunk.len() > request.most {
                return Err(Error::TooLong {
                    place,
                    most: request.most,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status,
            body: String::from_utf8_lossy(&body).into_owned(),
            retry_after,
            location,
            headers,
        })
    }
}

/// Fetches what is at an address, over a few redirects: never from https to http, and without the headers once they lead to
/// another host, since they may be secrets of the first.
pub fn download(address: &str, headers: &[(&str, &str)], most: usize) -> Result<Answer, Error> {
    let client = Client::new()?;
    let mut url = self::address(address)?;
    let mut headers = headers;
    for _ in 0..=MOST_HOPS {
        let mut answer = client.patient(&Request {
            method: Method::GET,
            url: url.as_str(),
            headers,
            body: None,
            most,
            within: WHOLE,
        })?;
        let location = answer.location.take();
        let Some(location) = location.filter(|_| (300..400).contains(&answer.status)) else {
            return Ok(answer);
        };
        let silent = |why: &str| Error::Silent {
            place: shown(&url),
            why: why.to_owned(),
        };
        let next = url
            .join(&location)
            .map_err(|_| silent("it redirects without an address"))?;
        if url.scheme() == "https" && next.scheme() != "https" {
            return Err(silent("it redirects from https to http"));
        }
        if next.origin() != url.origin() {
            headers = &[];
        }
        url = next;
    }
    Err(Error::Silent {
        place: shown(&url),
        why: "it redirects too often".to_owned(),
    })
}

/// An address as it may be shown: without credentials, query and fragment.
pub fn without_secrets(text: &str) -> String {
    address(text).map_or_else(|_| "the address".to_owned(), |url| shown(&url))
}

/// Whether a token may be sent there: nobody on the way reads it.
pub fn is_private(text: &str) -> bool {
    address(text).is_ok_and(|url| {
        let is_here = match url.host() {
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => false,
        };
        url.scheme() == "https" || is_here
    })
}

fn address(text: &str) -> Result<url::Url, Error> {
    let url = url::Url::parse(text).ok();
    url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| Error::Address(redacted_address(text)))
}

fn shown(url: &url::Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Both fail only for addresses that can have no credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

fn headers(pairs: &[(&str, &str)]) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let mut value =
            HeaderValue::from_str(value).map_err(|_| Error::Header((*name).to_owned()))?;
        value.set_sensitive(true);
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Error::Header((*name).to_owned()))?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// In seconds or as the time when a limit is lifted, as GitHub has it.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| -> Option<u64> { headers.get(name)?.to_str().ok()?.parse().ok() };
    if let Some(seconds) = number("retry-after") {
        return Some(Duration::from_secs(seconds));
    }
    let is_used_up = number("x-ratelimit-remaining") == Some(0);
    let reset = number("x-ratelimit-reset").filter(|_| is_used_up)?;
    let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(reset))?;
    Some(at.duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        for (text, safe) in [
            ("https://user:pass@h/p?token=1#x", "https://h/p"),
            ("nonsense", "the address"),
        ] {
            assert_eq!(without_secrets(text), safe);
        }
        let error = address("ftp://h/p?token=1").unwrap_err().to_string();
        assert!(!error.contains("token"), "{error}");
    }

    #[test]
    fn a_server_that_is_not_there_is_one_sentence() {
        let request = Request {
            method: Method::GET,
            url: "http://127.0.0.1:1/x?token=1",
            headers: &[],
            body: None,
            most: 1,
            within: WHOLE,
        };
        let error = Client::direct().unwrap().send(&request).unwrap_err();
        let error = error.to_string();
        let refused = "http://127.0.0.1:1/x did not respond: Connection refused (os error ";
        assert!(error.starts_with(refused), "{error}");
    }

    #[test]
    fn tokens_go_over_https_or_stay_on_this_machine() {
        for (text, is_fine) in [
            ("https://api.example.com", true),
            ("http://127.0.0.1:80", true),
            ("http://[::1]:80", true),
            ("http://api.example.com", false),
            ("http://127.0.0.1.example.com", false),
        ] {
            assert_eq!(is_private(text), is_fine, "{text}");
        }
    }

    #[test]
    fn a_header_that_cannot_be_sent_is_named_without_its_value() {
        let error = headers(&[("authorization", "Bearer sec\nret")]).unwrap_err();
        assert!(!error.to_string().contains("sec"), "{error}");
    }
}
