//! CloudWatch's metrics of the window of a run, minute by minute.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Call, Client, Message, Service};
use super::error::Error;
use super::pages::Pages;
use super::subject::{Query, Subject, queries};

const ACTION: &str = "cloudwatch:GetMetricData";
/// Seconds of a point, the finest that services publish.
const PERIOD: i64 = 60;
/// Queries that one call may hold.
const MOST_QUERIES: usize = 500;
/// The minutes that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    start: i64,
    end: i64,
}

impl Window {
    /// The whole minutes around a time.
    pub(super) fn around(start: Timestamp, end: Timestamp) -> Self {
        Self {
            start: start.as_second().div_euclid(PERIOD) * PERIOD,
            end: (end.as_millisecond() + PERIOD * 1_000 - 1).div_euclid(PERIOD * 1_000) * PERIOD,
        }
    }
}

/// The body of a call; a query's id is its place.
fn body(queries: &[Query], window: Window, token: Option<&str>) -> Value {
    let query = |(at, query): (usize, &Query)| {
        let dimensions = query.dimensions.iter();
        let dimensions: Vec<Value> = dimensions
            .map(|(name, value)| json!({ "Name": name, "Value": value }))
            .collect();
        json!({ "Id": format!("m{at}"), "MetricStat": {
            "Metric": {
                "Namespace": query.namespace,
                "MetricName": query.metric,
                "Dimensions": dimensions,
            },
            "Period": PERIOD,
            "Stat": query.statistic,
        } })
    };
    let mut body = json!({
        "MetricDataQueries": queries.iter().enumerate().map(query).collect::<Vec<_>>(),
        "StartTime": window.start,
        "EndTime": window.end,
        "ScanBy": "TimestampAscending",
    });
    if let Some(token) = token {
        body["NextToken"] = token.into();
    }
    body
}

/// How much of a series an answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SeriesStatus {
    /// All of it.
    Complete,
    /// A part of it.
    Partial,
    /// CloudWatch failed or refused.
    Failed,
}

/// A metric, minute by minute.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    /// Whose it is.
    pub(super) subject: Subject,
    /// The metric's name.
    pub(super) metric: &'static str,
    /// The statistic's name.
    pub(super) statistic: &'static str,
    /// How much of it there is.
    pub(super) status: SeriesStatus,
    /// The start of each minute, in seconds since the epoch, and its figure; a minute without one is left out.
    pub(super) points: Vec<(i64, f64)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    metric_data_results: Vec<Part>,
    next_token: Option<String>,
}

/// The part of a series that is on a page.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Part {
    id: String,
    #[serde(default)]
    timestamps: Vec<f64>,
    #[serde(default)]
    values: Vec<f64>,
    status_code: Option<String>,
}

/// The series of a window.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Metrics {
    /// One for each subject, metric and statistic.
    pub(super) series: Vec<Series>,
}

impl Metrics {
    /// Reads all series of these subjects.
    pub(super) fn fetch(
        client: &Client<'_>,
        subjects: &[Subject],
        window: Window,
    ) -> Result<Self, Error> {
        fetch(client, &queries(subjects), window)
    }

    /// How many requests reached these subjects, so far as CloudWatch knows.
    pub(super) fn count(
        client: &Client<'_>,
        subjects: &[Subject],
        window: Window,
    ) -> Result<u64, Error> {
        let mut queries = queries(subjects);
        queries.retain(|query| query.subject.anchor() == Some(query.metric));
        let metrics = fetch(client, &queries, window)?;
        let points = metrics.series.iter().flat_map(|series| &series.points);
        Ok(points.map(|(_, value)| whole(*value)).sum())
    }

    pub(super) fn find(&self, subject: &Subject, metric: &str, statistic: &str) -> Option<&Series> {
        self.series.iter().find(|series| {
            series.subject == *subject && series.metric == metric && series.statistic == statistic
        })
    }

    /// The sum over the window. Without points it is zero if the subject had requests at all, else it is not known.
    pub(super) fn sum(&self, subject: &Subject, metric: &str) -> Option<f64> {
        let complete = |metric| {
            let series = self.find(subject, metric, "Sum")?;
            (series.status == SeriesStatus::Complete).then_some(&series.points)
        };
        let points = complete(metric)?;
        if points.is_empty() && complete(subject.anchor()?)?.is_empty() {
            return None;
        }
        // The sum of no floats is a negative zero.
        Some(points.iter().fold(0.0, |sum, (_, value)| sum + value))
    }
}

/// A count that is sent as a float.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count is whole, and a float beyond the bounds becomes the bound"
)]
fn whole(count: f64) -> u64 {
    count.round() as u64
}

fn fetch(client: &Client<'_>, queries: &[Query], window: Window) -> Result<Metrics, Error> {
    let mut metrics = Metrics::default();
    for queries in queries.chunks(MOST_QUERIES) {
        let mut collected = Collected::default();
        let mut pages = Pages::new(ACTION);
        let mut token = None;
        loop {
            let page: Page = client.call(&Call {
                service: Service::Monitoring,
                action: ACTION,
                resource: "*".to_owned(),
                message: Message::Post {
                    content_type: "application/x-amz-json-1.0",
                    target: "GraniteServiceVersion20100801.GetMetricData",
                    body: body(queries, window, token.as_deref()),
                },
            })?;
            collected.add(page.metric_data_results);
            token = pages.next(page.next_token)?;
            if token.is_none() {
                break;
            }
        }
        metrics.series.extend(collected.series(queries));
    }
    Ok(metrics)
}

/// What the pages of a call have of each series so far.
#[derive(Default)]
struct Collected(BTreeMap<String, (SeriesStatus, BTreeMap<i64, f64>)>);

impl Collected {
    fn add(&mut self, parts: Vec<Part>) {
        for part in parts {
            let status = match part.status_code.as_deref() {
                None | Some("Complete") => SeriesStatus::Complete,
                Some("PartialData") => SeriesStatus::Partial,
                Some(_) => SeriesStatus::Failed,
            };
            let entry = self.0.entry(part.id).or_insert((status, BTreeMap::new()));
            // What is partial on one page may be complete on the next.
            entry.0 = status;
            let seconds = part.timestamps.iter().filter_map(|time| {
                let time = SignedDuration::try_from_secs_f64(*time).ok()?;
                Some(time.as_secs())
            });
            entry.1.extend(seconds.zip(part.values));
        }
    }

    /// The series of these queries, in their order.
    fn series(mut self, queries: &[Query]) -> Vec<Series> {
        let series = |(at, query): (usize, &Query)| {
            let found = self.0.remove(&format!("m{at}"));
            let (status, points) = found.unwrap_or((SeriesStatus::Failed, BTreeMap::new()));
            Series {
                subject: query.subject.clone(),
                metric: query.metric,
                statistic: query.statistic,
                status,
                points: points.into_iter().collect(),
            }
        };
        queries.iter().enumerate().map(series).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scenario::LambdaFunction;

    fn orders(text: &str) -> Subject {
        Subject::Function(LambdaFunction::parse(text).unwrap())
    }

    /// Metrics of one function, with the sums of the series that are named.
    fn metrics(sums: &[(&'static str, &[f64])]) -> Metrics {
        let queries = queries(&[orders("orders")]);
        let mut collected = Collected::default();
        for (at, query) in queries.iter().enumerate() {
            let values = sums.iter().find(|(metric, _)| *metric == query.metric);
            let values = values
                .map(|(_, values)| values.to_vec())
                .unwrap_or_default();
            let minutes = (0_u32..).map(|minute| f64::from(minute * 60));
            collected.add(vec![Part {
                id: format!("m{at}"),
                timestamps: minutes.take(values.len()).collect(),
                values,
                status_code: Some("Complete".to_owned()),
            }]);
        }
        Metrics {
            series: collected.series(&queries),
        }
    }

    #[test]
    fn an_absent_series_is_zero_only_beside_requests() {
        let subject = orders("orders");
        let some = metrics(&[("Invocations", &[40.0, 60.0])]);
        assert_eq!(some.sum(&subject, "Invocations"), Some(100.0));
        let is_plain_zero = |sum: f64| sum == 0.0 && sum.is_sign_positive();
        assert!(some.sum(&subject, "Throttles").is_some_and(is_plain_zero));
        assert_eq!(some.sum(&subject, "Count"), None);
        let none = metrics(&[]);
        assert_eq!(none.sum(&subject, "Throttles"), None);
        assert_eq!(none.sum(&subject, "Invocations"), None);
        let throttled = metrics(&[("Throttles", &[7.0])]);
        assert_eq!(throttled.sum(&subject, "Throttles"), Some(7.0));
    }

    #[test]
    fn what_is_partial_has_no_sum() {
        let mut metrics = metrics(&[("Invocations", &[1.0]), ("Errors", &[1.0])]);
        for series in &mut metrics.series {
            series.status = SeriesStatus::Partial;
        }
        assert_eq!(metrics.sum(&orders("orders"), "Errors"), None);
    }

    #[test]
    fn a_window_has_whole_minutes() {
        let at = |milliseconds| Timestamp::from_millisecond(milliseconds).unwrap();
        for (start, end, window) in [
            (0, 60_000, (0, 60)),
            (59_999, 60_001, (0, 120)),
            (60_000, 60_000, (60, 60)),
        ] {
            let (start, end) = (at(start), at(end));
            let found = Window::around(start, end);
            assert_eq!((found.start, found.end), window);
        }
    }

    #[test]
    fn a_page_without_a_series_makes_it_failed() {
        let queries = queries(&[orders("orders")]);
        let series = Collected::default().series(&queries);
        assert!(
            series
                .iter()
                .all(|series| series.status == SeriesStatus::Failed)
        );
    }

    proptest! {
        #[test]
        fn pages_make_the_series_that_one_page_makes(
            values in proptest::collection::vec(0.0..1e9_f64, 0..30),
            cut in 0_usize..30,
        ) {
            let queries = queries(&[Subject::Database("db".to_owned())]);
            let part = |range: std::ops::Range<usize>, status: &str| Part {
                id: "m0".to_owned(),
                timestamps: range.clone().map(|at| (at * 60) as f64).collect(),
                values: values[range].to_vec(),
                status_code: Some(status.to_owned()),
            };
            let cut = cut.min(values.len());
            let mut one = Collected::default();
            one.add(vec![part(0..values.len(), "Complete")]);
            let mut two = Collected::default();
            two.add(vec![part(0..cut, "PartialData")]);
            two.add(vec![part(cut..values.len(), "Complete")]);
            let one = one.series(&queries);
            prop_assert_eq!(one[0].points.len(), values.len());
            prop_assert_eq!(one, two.series(&queries));
        }
    }
}
