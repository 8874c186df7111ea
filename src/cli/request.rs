//! One request as flags say it: what `run URL` loads, and what `init` writes.

use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::stored::{Pairs, pairs};
use crate::init;
use crate::units::{parse_duration, parse_rate};

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// The flags beside the URL.
#[derive(Debug, Args)]
pub(super) struct RequestFlags {
    /// HTTP method [default: GET, or POST with --body]
    #[arg(long, value_name = "METHOD", value_parser = PossibleValuesParser::new(METHODS), hide_possible_values = true, ignore_case = true)]
    method: Option<String>,
    /// Header to send; repeatable, and a secret in it is never shown
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Text of the body; JSON is sent as application/json
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    body: Option<String>,
    /// Open model: requests per second [default: 50]
    #[arg(long, value_name = "N", value_parser = rate, allow_hyphen_values = true, conflicts_with = "users")]
    rate: Option<String>,
    /// Closed model: concurrent users, each of which waits for its response
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), allow_hyphen_values = true)]
    users: Option<u32>,
    /// Length of the measured load [default: 20s; 15 pairs in a duet]
    #[arg(long, value_name = "TIME", value_parser = duration, allow_hyphen_values = true)]
    duration: Option<Duration>,
    /// Limit of all requests together, such as p95=300ms; repeatable [default: 1% may fail]
    #[arg(long = "limit", value_name = "METRIC=LIMIT", value_parser = pairs)]
    limits: Vec<Pairs>,
}

impl RequestFlags {
    pub(super) fn to(self, url: String) -> init::Request {
        init::Request {
            url,
            method: self.method.map(|method| method.to_ascii_uppercase()),
            headers: self.headers,
            body: self.body,
            rate: self.rate,
            users: self.users,
            duration: self.duration,
            limits: self.limits.concat(),
        }
    }

    /// Length of the measured load, if it is given.
    pub(super) fn duration(&self) -> Option<Duration> {
        self.duration
    }

    /// A flag that is given.
    pub(super) fn given(&self) -> Option<&'static str> {
        let given = [
            ("--method", self.method.is_some()),
            ("--header", !self.headers.is_empty()),
            ("--body", self.body.is_some()),
            ("--rate", self.rate.is_some()),
            ("--users", self.users.is_some()),
            ("--duration", self.duration.is_some()),
            ("--limit", !self.limits.is_empty()),
        ];
        let mut given = given.into_iter().filter(|(_, is_given)| *is_given);
        given.next().map(|(flag, _)| flag)
    }
}

/// Reads a length in which at least a few requests are sent.
fn duration(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Ok(length) if length < Duration::from_secs(1) => Err("use at least 1s".to_owned()),
        length => length.map_err(|error| error.to_string()),
    }
}

/// Reads a rate per second, such as `50`, or one of another unit, such as `30/m`.
fn rate(text: &str) -> Result<String, String> {
    let rate = if text.contains('/') {
        text.to_owned()
    } else {
        format!("{text}/s")
    };
    match parse_rate(&rate) {
        Ok(number) if number > 0.0 => Ok(rate),
        Ok(_) => Err("must be more than 0".to_owned()),
        Err(_) => Err(format!(
            "'{text}' is not a rate; write requests per second, such as 50"
        )),
    }
}
