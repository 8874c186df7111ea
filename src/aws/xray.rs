//! What X-Ray recorded of single requests: how long the parts of each took.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::client::{Call, Client, Message, Service};
use super::error::{Error, clean};
use crate::record::TraceParts;
use crate::units::six_digits;

/// Traces of one call at most.
const AT_ONCE: usize = 5;
/// Parts that are kept at most.
const MOST_PARTS: usize = 8;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default)]
    traces: Vec<Trace>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Trace {
    id: String,
    #[serde(default)]
    segments: Vec<Segment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Segment {
    document: String,
}

/// A service's part of a trace, or a part of one. Times are seconds of Unix time.
#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    name: String,
    #[serde(default)]
    start_time: f64,
    /// None while it is in progress.
    end_time: Option<f64>,
    #[serde(default)]
    subsegments: Vec<Part>,
}

/// When parts of one name ran.
type Spans = Vec<(f64, f64)>;

/// Reads these traces, each with the time of its request at the client in milliseconds. None if X-Ray has none of them.
pub(super) fn read(
    client: &Client<'_>,
    slowest: &[(String, f64)],
) -> Result<Option<TraceParts>, Error> {
    let mut found: BTreeMap<String, BTreeMap<String, Spans>> = BTreeMap::new();
    for some in slowest.chunks(AT_ONCE) {
        let ids: Vec<&str> = some.iter().map(|(root, _)| root.as_str()).collect();
        let mut token: Option<String> = None;
        loop {
            let page: Page = client.call(&call(&ids, token.as_deref()))?;
            for trace in page.traces {
                let parts = found.entry(trace.id).or_default();
                let documents = trace.segments.iter();
                let segments = documents.filter_map(|one| serde_json::from_str(&one.document).ok());
                segments.for_each(|segment: Part| add(&segment.subsegments, parts));
            }
            match page.next_token.filter(|token| !token.is_empty()) {
                Some(next) => token = Some(next),
                None => break,
            }
        }
    }
    let read = slowest.iter().filter(|(root, _)| found.contains_key(root));
    let times: Vec<f64> = read.map(|(_, millis)| *millis).collect();
    let mean = |sum: f64| six_digits(sum / times.len() as f64);
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    for (name, spans) in found.into_values().flatten() {
        *sums.entry(clean(&name)).or_default() += covered_ms(spans);
    }
    let mut parts: Vec<(String, f64)> = sums.into_iter().collect();
    parts.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    parts.truncate(MOST_PARTS);
    Ok((!times.is_empty()).then(|| TraceParts {
        traces: times.len() as u64,
        service_ms: mean(times.iter().sum()),
        parts: parts
            .into_iter()
            .map(|(name, sum)| (name, mean(sum)))
            .collect(),
    }))
}

fn call(ids: &[&str], token: Option<&str>) -> Call {
    let mut body = json!({ "TraceIds": ids });
    if let Some(token) = token {
        body["NextToken"] = token.into();
    }
    Call {
        service: Service::XRay,
        action: "xray:BatchGetTraces",
        resource: "*".to_owned(),
        message: Message::PostTo {
            path: "/Traces",
            body,
        },
    }
}

fn add(parts: &[Part], to: &mut BTreeMap<String, Spans>) {
    for part in parts {
        if let Some(end) = part.end_time {
            let spans = to.entry(part.name.clone()).or_default();
            spans.push((part.start_time, end));
        }
        add(&part.subsegments, to);
    }
}

/// The time in which at least one of them ran: calls at once do not add up to more than the request took.
fn covered_ms(mut spans: Spans) -> f64 {
    spans.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (mut covered, mut until) = (0.0, f64::NEG_INFINITY);
    for (start, end) in spans {
        covered += (end - start.max(until)).max(0.0);
        until = until.max(end);
    }
    covered * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_at_once_count_once() {
        for (spans, millis) in [
            (vec![], 0.0),
            (vec![(1.0, 1.25)], 250.0),
            (vec![(1.5, 2.0), (1.0, 1.25)], 750.0),
            (vec![(1.0, 2.0), (1.25, 1.5), (1.5, 2.5)], 1_500.0),
            (vec![(2.0, 1.0)], 0.0),
        ] {
            assert!((covered_ms(spans) - millis).abs() < 1e-6);
        }
    }
}
