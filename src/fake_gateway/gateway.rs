//! The gateway: decides what each request is answered, and when. Given the time, it does no I/O and waits for nothing.

use super::clock::Clock;
use super::config::Config;
use super::environments::{Environments, Start};
use super::functions::{Function, Route};
use super::handlers::{self, Call};
use super::latency::{Draw, Failure, Model};
use super::replies::Reply;
use super::tokens::Tokens;
use hyper::StatusCode;
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The functions, and what stands before them.
#[derive(Debug)]
pub(super) struct Gateway {
    clock: Clock,
    model: Model,
    environments: Mutex<Environments>,
    tokens: Tokens,
}

/// What a request gets.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) reply: Reply,
    /// When it leaves, since the server's start.
    pub(super) due: Duration,
    /// What a function did for it, if it reached one.
    pub(super) run: Option<Run>,
}

/// One invocation.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) function: Function,
    pub(super) start: Start,
    pub(super) draw: Draw,
    /// When the request came, since the server's start.
    pub(super) begin: Duration,
    /// When the function ended, since the server's start.
    pub(super) end: Duration,
}

impl Decision {
    /// How its environment came to serve the request, if it reached a function.
    pub(super) fn start(&self) -> Option<Start> {
        self.run.as_ref().map(|run| run.start)
    }
}

impl Gateway {
    /// A gateway at this address; tokens are good here only.
    pub(super) fn new(config: &Config, address: &str, clock: Clock) -> Self {
        Self {
            clock,
            model: Model::new(config),
            environments: Mutex::new(Environments::new(config)),
            tokens: Tokens::new(config.seed, address, &config.tokens),
        }
    }

    /// What a request that is here now gets. Time must not run backwards from call to call.
    pub(super) fn decide(&self, head: &Parts, body: &[u8], now: Duration) -> Decision {
        let (function, id) = match Route::of(&head.method, head.uri.path()) {
            Route::Health => return self.at_once(now, Reply::message(StatusCode::OK, "Healthy")),
            Route::Unknown => return self.refuse(now, StatusCode::NOT_FOUND, "Not Found"),
            Route::Function(function, id) => (function, id),
        };
        let unix = self.clock.unix(now);
        let holder = bearer(head).and_then(|token| self.tokens.holder(token, unix));
        if function.needs_bearer() && holder.is_none() {
            return self.refuse(now, StatusCode::UNAUTHORIZED, "Unauthorized");
        }
        let call = Call {
            function,
            id,
            query: head.uri.query().unwrap_or_default(),
            body,
            holder: holder.as_deref().unwrap_or_default(),
            unix,
        };
        self.invoke(&call, now)
            .unwrap_or_else(|| self.refuse(now, StatusCode::TOO_MANY_REQUESTS, "Rate Exceeded."))
    }

    /// The gateway's own refusal; no function hears of the request.
    pub(super) fn refuse(&self, now: Duration, status: StatusCode, message: &str) -> Decision {
        self.at_once(now, Reply::message(status, message))
    }

    fn at_once(&self, now: Duration, reply: Reply) -> Decision {
        Decision {
            reply,
            due: self.release(now),
            run: None,
        }
    }

    /// Runs the function, or does not where too many run already.
    fn invoke(&self, call: &Call, now: Duration) -> Option<Decision> {
        let mut environments = self
            .environments
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let invocation = environments.admit(call.function, now)?;
        let index = invocation.index;
        let draw = self.model.draw(call.function as u64, index);
        let (start, wait) = match invocation.start {
            Start::Cold if draw.is_proactive => (Start::Preinitialized, Duration::ZERO),
            Start::Cold => (Start::Cold, self.model.config.cold_start),
            start @ (Start::Preinitialized | Start::Warm) => (start, Duration::ZERO),
        };
        let end = now + wait + draw.latency;
        let due = self.release(end);
        environments.occupy(invocation, due);
        drop(environments);
        let reply = match draw.failure {
            None => handlers::run(call, index, &self.tokens),
            Some(Failure::Exception) => {
                Reply::message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
            Some(Failure::BadGateway) => Reply::message(StatusCode::BAD_GATEWAY, "Bad Gateway"),
        };
        Some(Decision {
            reply,
            due,
            run: Some(Run {
                function: call.function,
                start,
                draw,
                begin: now,
                end,
            }),
        })
    }

    fn release(&self, due: Duration) -> Duration {
        let freeze = self.model.config.freeze;
        freeze.map_or(due, |freeze| freeze.release(due))
    }
}

/// The bearer token of a request, if it carries one.
pub(super) fn bearer(head: &Parts) -> Option<&str> {
    let value = head.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    is_bearer.then_some(token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_gateway::Stall;
    use hyper::Request;

    const SECOND: Duration = Duration::from_secs(1);

    fn gateway(config: &Config) -> Gateway {
        Gateway::new(config, "here", Clock::started_now())
    }

    fn head(method: &str, path: &str, authorization: &str) -> Parts {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(AUTHORIZATION, authorization);
        request.body(()).unwrap().into_parts().0
    }

    fn get(gateway: &Gateway, path: &str, now: Duration) -> Decision {
        gateway.decide(&head("GET", path, ""), b"", now)
    }

    #[test]
    fn a_cold_request_takes_the_cold_start_longer() {
        let gateway = gateway(&Config {
            spread: 0.0,
            ..Config::default()
        });
        let cold = get(&gateway, "/prod/catalog/items", SECOND);
        let warm = get(&gateway, "/prod/catalog/items", SECOND * 2);
        assert_eq!(
            (cold.start(), cold.due),
            (Some(Start::Cold), SECOND + Duration::from_millis(420))
        );
        assert_eq!(
            (warm.start(), warm.due),
            (Some(Start::Warm), SECOND * 2 + Duration::from_millis(20))
        );
    }

    #[test]
    fn one_invocation_too_many_is_throttled_at_once() {
        let gateway = gateway(&Config {
            concurrency: 1,
            ..Config::default()
        });
        assert_eq!(
            get(&gateway, "/prod/catalog/items", SECOND).reply.status,
            200
        );
        let throttled = get(&gateway, "/prod/catalog/items/SKU-10458", SECOND);
        assert_eq!(
            (throttled.reply.status.as_u16(), throttled.due),
            (429, SECOND)
        );
        assert_eq!(
            &throttled.reply.body[..],
            br#"{"message":"Rate Exceeded."}"#
        );
    }

    #[test]
    fn what_never_reaches_a_function_is_answered_at_once() {
        let gateway = gateway(&Config::default());
        for (path, status) in [("/health", 200), ("/nowhere", 404), ("/prod/orders", 401)] {
            let decision = get(&gateway, path, SECOND);
            assert_eq!(
                (
                    decision.reply.status.as_u16(),
                    decision.due,
                    decision.start()
                ),
                (status, SECOND, None),
                "{path}"
            );
        }
    }

    #[test]
    fn only_a_good_bearer_token_is_let_through() {
        let gateway = gateway(&Config {
            tokens: vec!["given".to_owned()],
            ..Config::default()
        });
        let issued = gateway.tokens.issue("ann", 0, gateway.clock.unix(SECOND));
        for (authorization, status) in [
            ("Bearer given", 200),
            ("bearer given", 200),
            (&format!("Bearer {issued}")[..], 200),
            ("Bearer other", 401),
            ("Basic given", 401),
            ("given", 401),
            ("Bearer", 401),
            ("Bearer ", 401),
            ("", 401),
        ] {
            let head = head("GET", "/prod/user/profile", authorization);
            assert_eq!(
                gateway.decide(&head, b"", SECOND).reply.status,
                status,
                "{authorization}"
            );
        }
    }

    #[test]
    fn every_answer_waits_for_the_end_of_a_freeze() {
        let freeze = Some(Stall {
            every: SECOND,
            length: SECOND / 2,
        });
        let gateway = gateway(&Config {
            freeze,
            spread: 0.0,
            provisioned: 2,
            ..Config::default()
        });
        let end = SECOND + SECOND / 2;
        for (path, now) in [
            ("/health", 1_001),
            ("/nowhere", 1_002),
            ("/prod/catalog/items", 990),
            ("/prod/catalog/items", 1_400),
        ] {
            assert_eq!(
                get(&gateway, path, Duration::from_millis(now)).due,
                end,
                "{path} at {now} ms"
            );
        }
    }

    #[test]
    fn a_failing_function_answers_500_or_502() {
        let gateway = gateway(&Config {
            error_share: 1.0,
            ..Config::default()
        });
        let mut statuses: Vec<u16> = (0..50)
            .map(|_| {
                get(&gateway, "/prod/catalog/items", SECOND)
                    .reply
                    .status
                    .as_u16()
            })
            .collect();
        statuses.sort_unstable();
        statuses.dedup();
        assert_eq!(statuses, [500, 502]);
    }
}
