//! Why AWS gave no answer.

use jiff::Timestamp;

use crate::http_client;

/// Characters of an answer's message that are shown at most.
const LONGEST: usize = 200;

/// Why AWS gave no answer. No message contains a key or a token.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The credentials lack a permission.
    #[error("{action} was denied; allow it for {resource}")]
    Denied {
        /// The action's name in IAM.
        action: &'static str,
        /// The resources that the permission must cover.
        resource: String,
    },
    /// The credentials are no longer valid.
    #[error("the AWS credentials expired{}; renew them", since(.0.as_ref()))]
    Expired(Option<Timestamp>),
    /// The credentials are not those of an identity.
    #[error("AWS does not accept the credentials ({0}); check them")]
    InvalidCredentials(String),
    /// The clock of this machine is off by too much for a signature.
    #[error("the clock of this machine is {}; correct it", skew(*.0))]
    ClockSkew(i64),
    /// Too many calls, even after retries.
    #[error("{action} was throttled; fetch again later")]
    Throttled {
        /// The action's name in IAM.
        action: &'static str,
    },
    /// There was no answer in time.
    #[error("{action} had no response within {seconds:.1} s; fetch again later")]
    TimedOut {
        /// The action's name in IAM.
        action: &'static str,
        /// The limit.
        seconds: f64,
    },
    /// A signal ended the call.
    #[error("reading from AWS was stopped; fetch the figures later with 'loadgate aws RESULT'")]
    Stopped,
    /// There are no credentials.
    #[error(
        "no AWS credentials: {0}; set them as `aws configure export-credentials --format env` prints them"
    )]
    NoCredentials(String),
    /// No region is set.
    #[error("no AWS region; set aws.region or AWS_REGION")]
    NoRegion,
    /// The region is not the name of one.
    #[error("'{0}' is not an AWS region; use one such as eu-central-1")]
    Region(String),
    /// The call was refused for another reason.
    #[error("{action} failed with {code}: {message}")]
    Refused {
        /// The action's name in IAM.
        action: &'static str,
        /// The status of the response.
        status: u16,
        /// AWS's code.
        code: String,
        /// AWS's message.
        message: String,
    },
    /// The answer is not what the service documents.
    #[error("{action} had a response that is not as documented: {why}")]
    Unexpected {
        /// The action's name in IAM.
        action: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The service was not reached.
    #[error(transparent)]
    Network(http_client::Error),
}

impl Error {
    /// The error of an exchange for an action.
    pub(super) fn of(action: &'static str, error: http_client::Error) -> Self {
        match error {
            http_client::Error::TimedOut { seconds, .. } => Self::TimedOut { action, seconds },
            error @ (http_client::Error::Address(_)
            | http_client::Error::Header(_)
            | http_client::Error::Client(_)
            | http_client::Error::Silent { .. }
            | http_client::Error::TooLong { .. }) => Self::Network(error),
        }
    }

    /// Whether another try soon may succeed. A hang is long enough not to wait for a second one.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Throttled { .. } => true,
            Self::Refused { status, .. } => *status >= 500,
            Self::Network(error) => error.may_pass(),
            Self::Denied { .. }
            | Self::Expired(_)
            | Self::InvalidCredentials(_)
            | Self::ClockSkew(_)
            | Self::TimedOut { .. }
            | Self::Stopped
            | Self::NoCredentials(_)
            | Self::NoRegion
            | Self::Region(_)
            | Self::Unexpected { .. } => false,
        }
    }

    /// Whether every other call fails likewise.
    pub(super) fn is_of_all_calls(&self) -> bool {
        matches!(
            self,
            Self::Expired(_)
                | Self::InvalidCredentials(_)
                | Self::ClockSkew(_)
                | Self::TimedOut { .. }
                | Self::Stopped
                | Self::NoCredentials(_)
                | Self::Network(_)
        )
    }
}

/// A text of a response, on one line and of bounded length.
pub(super) fn clean(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().map(plain).take(LONGEST).collect()
}

fn since(time: Option<&Timestamp>) -> String {
    time.map(|time| format!(" at {time:.0}"))
        .unwrap_or_default()
}

fn skew(seconds: i64) -> String {
    let side = if seconds > 0 { "ahead" } else { "behind" };
    format!("{} s {side}", seconds.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_is_one_line_with_the_problem_first() {
        let time = Timestamp::from_second(1_800_000_000).unwrap();
        for (error, message) in [
            (
                Error::Denied {
                    action: "cloudwatch:GetMetricData",
                    resource: "*".to_owned(),
                },
                "cloudwatch:GetMetricData was denied; allow it for *",
            ),
            (
                Error::Expired(Some(time)),
                "the AWS credentials expired at 2027-01-15T08:00:00Z; renew them",
            ),
            (
                Error::Expired(None),
                "the AWS credentials expired; renew them",
            ),
            (
                Error::ClockSkew(-600),
                "the clock of this machine is 600 s behind; correct it",
            ),
            (
                Error::TimedOut {
                    action: "logs:FilterLogEvents",
                    seconds: 20.0,
                },
                "logs:FilterLogEvents had no response within 20.0 s; fetch again later",
            ),
        ] {
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn a_message_loses_control_characters_and_its_end() {
        assert_eq!(clean(" a\n\u{1b}[1m\tb "), "a  [1m b");
        assert_eq!(clean(&"é".repeat(1_000)).chars().count(), LONGEST);
    }
}
