//! metrics.txt: `OpenMetrics` text, for GitLab's metrics report and for anything that scrapes.
//!
//! GitLab drops what follows a `#`, splits each line as a shell would and compares values as text: so labels hold no
//! number sign, quotes are balanced, and every value has a fixed precision.

use std::collections::BTreeMap;

use super::ReportInput;
use super::figures::{Figures, gather};
use super::responses::Responses;
use super::text::{Distinct, one_line};
use crate::metric::Metric;
use crate::record::{RunRecord, SliceRecord};

/// One request name in one phase, by the labels they are written under.
struct Series {
    request: String,
    phase: String,
    figures: Figures,
    responses: Responses,
}

/// One family: name without suffix, type, unit and help.
struct Family {
    name: &'static str,
    kind: &'static str,
    unit: &'static str,
    help: &'static str,
}

/// The figures of one gate as `OpenMetrics` text.
pub fn metrics(story: &ReportInput) -> String {
    let series = series(story);
    let mut text = String::new();
    latency(&mut text, &series);
    counts(&mut text, &series);
    responses(&mut text, &series);
    ratios(&mut text, &series);
    text.push_str("# EOF\n");
    text
}

/// Overall and each name, each over all measured phases and in every one of them.
fn series(story: &ReportInput) -> Vec<Series> {
    let record = story.record;
    let requests = labelled("overall", record.requests.iter().map(String::as_str));
    let measured = record
        .phases
        .iter()
        .filter(|phase| phase.is_measured_load());
    let phases = labelled("all", measured.map(|phase| phase.name.as_str()));
    let mut all = Vec::new();
    for (request, request_label) in &requests {
        for (phase, phase_label) in &phases {
            let keep = |record: &RunRecord, slice: &SliceRecord| {
                let own = &record.phases[slice.phase].name;
                record.is_measured(slice) && phase.is_none_or(|phase| phase == own)
            };
            let figures = gather(story.records(), *request, keep);
            // A name that a phase never sends has no series there; overall has one, even if it is zero.
            if figures.requests > 0 || (request.is_none() && phase.is_none()) {
                all.push(Series {
                    request: request_label.clone(),
                    phase: phase_label.clone(),
                    figures,
                    responses: Responses::gather(story, *request, *phase),
                });
            }
        }
    }
    all
}

/// Names with their labels, first the sum under its own; labels that would be equal are told apart.
fn labelled<'a>(sum: &str, names: impl Iterator<Item = &'a str>) -> Vec<(Option<&'a str>, String)> {
    let mut distinct = Distinct::default();
    let mut all = vec![(None, distinct.name(sum.to_owned()))];
    for name in names {
        let label = distinct.name(one_line(name).replace('#', "＃"));
        all.push((Some(name), label));
    }
    all
}

fn latency(text: &mut String, series: &[Series]) {
    head(
        text,
        &Family {
            name: "loadgate_latency_seconds",
            kind: "summary",
            unit: "seconds",
            help: "Latency from the instant a request was due to the end of its answer.",
        },
    );
    for series in series {
        for q in Metric::QUANTILES.into_iter().filter_map(Metric::quantile) {
            if let Some(seconds) = series.figures.latencies.quantile(q) {
                let quantile = q.to_string();
                let labels = series.labels(Some(("quantile", &quantile)));
                sample(
                    text,
                    "loadgate_latency_seconds",
                    &labels,
                    &format!("{seconds:.6}"),
                );
            }
        }
    }
}

fn counts(text: &mut String, series: &[Series]) {
    head(
        text,
        &Family {
            name: "loadgate_requests",
            kind: "counter",
            unit: "",
            help: "Requests that were sent.",
        },
    );
    for series in series {
        let figures = &series.figures;
        let requests = figures.sent().to_string();
        sample(
            text,
            "loadgate_requests_total",
            &series.labels(None),
            &requests,
        );
    }
    head(
        text,
        &Family {
            name: "loadgate_errors",
            kind: "counter",
            unit: "",
            help: "Requests that failed, by kind, those that could not be sent among them.",
        },
    );
    for series in series {
        let kinds: &BTreeMap<_, u64> = &series.figures.kinds;
        for (kind, failures) in kinds {
            let kind = kind.to_string();
            let labels = series.labels(Some(("kind", &kind)));
            sample(
                text,
                "loadgate_errors_total",
                &labels,
                &failures.to_string(),
            );
        }
    }
}

/// What results say that were measured since they are counted.
fn responses(text: &mut String, series: &[Series]) {
    let mut told = series
        .iter()
        .filter(|series| !series.responses.statuses.is_empty())
        .peekable();
    if told.peek().is_none() {
        return;
    }
    let told: Vec<&Series> = told.collect();
    head(
        text,
        &Family {
            name: "loadgate_responses",
            kind: "counter",
            unit: "",
            help: "Responses by status; of a request that was redirected, the last one.",
        },
    );
    for series in &told {
        for (status, count) in &series.responses.statuses {
            let status = status.to_string();
            let labels = series.labels(Some(("status", &status)));
            sample(
                text,
                "loadgate_responses_total",
                &labels,
                &count.to_string(),
            );
        }
    }
    head(
        text,
        &Family {
            name: "loadgate_resent",
            kind: "counter",
            unit: "",
            help: "Requests that got no response on a reused connection after being written, and were sent again.",
        },
    );
    for series in &told {
        let resent = series.responses.resent.to_string();
        sample(text, "loadgate_resent_total", &series.labels(None), &resent);
    }
}

fn ratios(text: &mut String, series: &[Series]) {
    head(
        text,
        &Family {
            name: "loadgate_error_ratio",
            kind: "gauge",
            unit: "ratio",
            help: "Failed requests over all that were due, 0 to 1.",
        },
    );
    for series in series {
        if let Some(ratio) = series.figures.error_ratio() {
            sample(
                text,
                "loadgate_error_ratio",
                &series.labels(None),
                &format!("{ratio:.6}"),
            );
        }
    }
    head(
        text,
        &Family {
            name: "loadgate_requests_per_second",
            kind: "gauge",
            unit: "",
            help: "Responses that came, per second of the time that they took.",
        },
    );
    for series in series {
        if let Some(rate) = series.figures.per_second() {
            let rate = format!("{rate:.3}");
            sample(
                text,
                "loadgate_requests_per_second",
                &series.labels(None),
                &rate,
            );
        }
    }
}

impl Series {
    fn labels(&self, own: Option<(&str, &str)>) -> String {
        let shared = [
            ("request", self.request.as_str()),
            ("phase", self.phase.as_str()),
        ];
        let labels: Vec<String> = shared
            .into_iter()
            .chain(own)
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
            .collect();
        labels.join(",")
    }
}

pub(super) fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"")
}

fn head(text: &mut String, family: &Family) {
    let Family {
        name,
        kind,
        unit,
        help,
    } = family;
    *text += &format!("# TYPE {name} {kind}\n");
    if !unit.is_empty() {
        *text += &format!("# UNIT {name} {unit}\n");
    }
    *text += &format!("# HELP {name} {help}\n");
}

fn sample(text: &mut String, name: &str, labels: &str, value: &str) {
    *text += &format!("{name}{{{labels}}} {value}\n");
}
