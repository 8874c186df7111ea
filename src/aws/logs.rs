//! Log lines of the window of a run, each handed on once.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::account::FunctionConfiguration;
use super::client::{Call, Client, Message, Service};
use super::error::Error;
use super::pages::Pages;
use crate::scenario::LambdaFunction;

const ACTION: &str = "logs:FilterLogEvents";

/// What finds the lines that report an invocation or an initialization, in text and in JSON.
const REPORTS: &str = r#"?"REPORT RequestId" ?"platform.report" ?"INIT_REPORT""#;

/// Reads one log group. It can be read again for lines that were late; what it handed on before is skipped.
pub(super) struct LogReader {
    group: String,
    pattern: Option<&'static str>,
    /// A part of the names of the streams that count.
    stream: Option<String>,
    start: Timestamp,
    end: Timestamp,
    /// Hashes of what was handed on.
    seen: HashSet<u64>,
    hasher: RandomState,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    events: Vec<Event>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(default, rename = "eventId")]
    id: String,
    #[serde(default)]
    log_stream_name: String,
    #[serde(default)]
    timestamp: i64,
    #[serde(default)]
    message: String,
}

impl LogReader {
    /// A reader of the lines that report a function's invocations between two times.
    pub(super) fn of_function(
        function: &LambdaFunction,
        configuration: Option<&FunctionConfiguration>,
        (start, end): (Timestamp, Timestamp),
    ) -> Self {
        let (group, stream) = log_of(function, configuration);
        Self {
            pattern: Some(REPORTS),
            stream,
            ..Self::of_group(group, (start, end))
        }
    }

    /// A reader of all lines of a group between two times.
    pub(super) fn of_group(group: String, (start, end): (Timestamp, Timestamp)) -> Self {
        Self {
            group,
            pattern: None,
            stream: None,
            start,
            end,
            seen: HashSet::new(),
            hasher: RandomState::new(),
        }
    }

    /// Reads all pages, one call at a time, and hands on each new message with its time in milliseconds.
    pub(super) fn read(
        &mut self,
        client: &Client<'_>,
        take: &mut dyn FnMut(&str, i64),
    ) -> Result<(), Error> {
        let mut pages = Pages::new(ACTION);
        let mut token = None;
        loop {
            let page: Page = client.call(&self.call(client, token.as_deref()))?;
            for event in &page.events {
                self.hand_on(event, take);
            }
            token = pages.next(page.next_token)?;
            if token.is_none() {
                return Ok(());
            }
        }
    }

    fn hand_on(&mut self, event: &Event, take: &mut dyn FnMut(&str, i64)) {
        let is_ours = |part: &String| event.log_stream_name.contains(part.as_str());
        if !self.stream.as_ref().is_none_or(is_ours) {
            return;
        }
        let identity = (&event.id, event.timestamp, &event.message);
        if self.seen.insert(self.hasher.hash_one(identity)) {
            take(&event.message, event.timestamp);
        }
    }

    fn call(&self, client: &Client<'_>, token: Option<&str>) -> Call {
        let mut body = json!({
            "logGroupName": self.group,
            "startTime": self.start.as_millisecond(),
            "endTime": self.end.as_millisecond(),
        });
        if let Some(pattern) = self.pattern {
            body["filterPattern"] = pattern.into();
        }
        if let Some(token) = token {
            body["nextToken"] = token.into();
        }
        Call {
            service: Service::Logs,
            action: ACTION,
            resource: client.arn("logs", &format!("*:log-group:{}:*", self.group)),
            message: Message::Post {
                content_type: "application/x-amz-json-1.1",
                target: "Logs_20140328.FilterLogEvents",
                body,
            },
        }
    }
}

/// The log group of a function, and what the names of its own streams contain if others may log there.
pub(super) fn log_of(
    function: &LambdaFunction,
    configuration: Option<&FunctionConfiguration>,
) -> (String, Option<String>) {
    let configured = configuration.and_then(|configuration| configuration.log_group.clone());
    let default = format!("/aws/lambda/{}", function.name);
    let group = configured.unwrap_or_else(|| default.clone());
    let stream = (group != default).then(|| format!("/{}[", function.name));
    (group, stream)
}

/// The log group that a gateway's access log goes to; none if it goes elsewhere.
pub(super) fn access_log_group(destination: &str) -> Option<&str> {
    let (_, group) = destination.split_once(":log-group:")?;
    Some(group.strip_suffix(":*").unwrap_or(group))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(log_group: Option<&str>) -> LogReader {
        let configuration = FunctionConfiguration {
            log_group: log_group.map(str::to_owned),
            ..FunctionConfiguration::default()
        };
        let function = LambdaFunction::parse("orders:live").unwrap();
        let window = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
        LogReader::of_function(&function, Some(&configuration), window)
    }

    /// What a reader hands on of an event of this id, stream and message.
    fn handed_on(reader: &mut LogReader, id: &str, stream: &str, message: &str) -> usize {
        let mut count = 0;
        let event = Event {
            id: id.to_owned(),
            log_stream_name: stream.to_owned(),
            timestamp: 1,
            message: message.to_owned(),
        };
        reader.hand_on(&event, &mut |_, _| count += 1);
        count
    }

    #[test]
    fn a_function_logs_where_it_is_configured_to() {
        assert_eq!(reader(None).group, "/aws/lambda/orders");
        assert_eq!(reader(Some("/shared")).group, "/shared");
    }

    #[test]
    fn an_event_is_handed_on_once_and_its_twin_too() {
        let mut reader = reader(None);
        assert_eq!(handed_on(&mut reader, "1", "s", "a"), 1);
        assert_eq!(handed_on(&mut reader, "1", "s", "a"), 0);
        assert_eq!(handed_on(&mut reader, "2", "s", "a"), 1);
    }

    #[test]
    fn a_shared_group_is_read_for_the_function_alone() {
        let mut reader = reader(Some("/shared"));
        let ours = "2026/11/24/orders[1]0123";
        assert_eq!(handed_on(&mut reader, "1", ours, "a"), 1);
        for other in ["2026/11/24/back-orders[1]01", "2026/11/24/orders2[1]01"] {
            assert_eq!(handed_on(&mut reader, "2", other, "a"), 0);
        }
    }

    #[test]
    fn an_access_log_has_a_group_unless_it_goes_elsewhere() {
        let arn = "arn:aws:logs:eu-central-1:123456789012:log-group:/gateway/prod";
        assert_eq!(access_log_group(arn), Some("/gateway/prod"));
        assert_eq!(access_log_group(&format!("{arn}:*")), Some("/gateway/prod"));
        let firehose =
            "arn:aws:firehose:eu-central-1:123456789012:deliverystream/amazon-apigateway-x";
        assert_eq!(access_log_group(firehose), None);
    }
}
