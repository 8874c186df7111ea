//! metrics.txt: `OpenMetrics` text, for GitLab's metrics report and for anything that scrapes.
//!
//! GitLab drops what follows a `#`, splits each line as a shell would and compares values as text: so labels hold no
//! number sign, quotes are balanced, and every value has a fixed precision.

use crate::measurement::Arm;
use crate::metric::Metric;
use crate::report::text::{Distinct, one_line};
use crate::report::view::{Figures, Responses, View};

/// One request name in one phase, by the labels they are written under.
struct Series {
    request: String,
    phase: String,
    figures: Figures,
    responses: Responses,
}

/// One family of metrics.
#[derive(Debug)]
pub struct Family {
    /// Its name; samples of a counter are named with the suffix `_total`.
    pub name: &'static str,
    /// `summary`, `counter` or `gauge`.
    pub kind: &'static str,
    /// Its unit, or nothing.
    pub unit: &'static str,
    /// The labels of its samples.
    pub labels: &'static [&'static str],
    /// What it counts or measures.
    pub help: &'static str,
}

const LATENCY: Family = Family {
    name: "loadgate_latency_seconds",
    kind: "summary",
    unit: "seconds",
    labels: &["request", "phase", "quantile"],
    help: "Latency from when a request was due to the end of its response.",
};

const REQUESTS: Family = Family {
    name: "loadgate_requests",
    kind: "counter",
    unit: "",
    labels: &["request", "phase"],
    help: "Requests that were sent.",
};

const ERRORS: Family = Family {
    name: "loadgate_errors",
    kind: "counter",
    unit: "",
    labels: &["request", "phase", "kind"],
    help: "Requests that failed, by kind, including those that could not be sent.",
};

const RESPONSES: Family = Family {
    name: "loadgate_responses",
    kind: "counter",
    unit: "",
    labels: &["request", "phase", "status"],
    help: "Responses by status; of a request that was redirected, the last one.",
};

const RESENT: Family = Family {
    name: "loadgate_resent",
    kind: "counter",
    unit: "",
    labels: &["request", "phase"],
    help: "Requests that got no response on a reused connection after being written, and were sent again.",
};

const ERROR_RATIO: Family = Family {
    name: "loadgate_error_ratio",
    kind: "gauge",
    unit: "ratio",
    labels: &["request", "phase"],
    help: "Share of failed requests among all that were due, 0 to 1.",
};

const RATE: Family = Family {
    name: "loadgate_requests_per_second",
    kind: "gauge",
    unit: "",
    labels: &["request", "phase"],
    help: "Responses per second of the time in which requests were sent.",
};

/// The families of `metrics.txt`, in the order of the file.
pub const FAMILIES: [Family; 7] = [
    LATENCY,
    REQUESTS,
    ERRORS,
    RESPONSES,
    RESENT,
    ERROR_RATIO,
    RATE,
];

/// The figures of one gate as `OpenMetrics` text.
pub fn metrics(view: &View) -> String {
    let series = series(view);
    let mut text = String::new();
    latency(&mut text, &series);
    counts(&mut text, &series);
    responses(&mut text, &series);
    ratios(&mut text, &series);
    text.push_str("# EOF\n");
    text
}

/// Overall and each name, each over all measured phases and in every one of them.
fn series(view: &View) -> Vec<Series> {
    let all = view.aggregates();
    let phases = all.phases.iter().enumerate();
    let phases = phases.filter(|(_, phase)| phase.is_measured_load());
    let phases = phases.map(|(index, phase)| (index, phase.name.as_str()));
    let phases = labelled("all", phases);
    let mut series = Vec::new();
    for (request, request_label) in labelled("overall", all.names.iter().copied().enumerate()) {
        for (phase, phase_label) in &phases {
            let figures = match phase {
                Some(phase) => all.in_phase(request, Arm::Target, *phase),
                None => all.measured(request, Arm::Target),
            };
            // A name that a phase never sends has no series there; overall has one, even if it is zero.
            if figures.requests > 0 || (request.is_none() && phase.is_none()) {
                series.push(Series {
                    request: request_label.clone(),
                    phase: phase_label.clone(),
                    figures,
                    responses: Responses::new(view, request, *phase),
                });
            }
        }
    }
    series
}

/// Names with their labels, first the sum under its own; labels that would be equal are told apart.
fn labelled<'a>(
    sum: &str,
    names: impl Iterator<Item = (usize, &'a str)>,
) -> Vec<(Option<usize>, String)> {
    let mut distinct = Distinct::default();
    let mut all = vec![(None, distinct.name(sum.to_owned()))];
    for (index, name) in names {
        let label = distinct.name(one_line(name).replace('#', "＃"));
        all.push((Some(index), label));
    }
    all
}

fn latency(text: &mut String, series: &[Series]) {
    LATENCY.head(text);
    for series in series {
        for q in Metric::QUANTILES.into_iter().filter_map(Metric::quantile) {
            if let Some(seconds) = series.figures.latencies.quantile(q) {
                series.sample(text, &LATENCY, &[&q.to_string()], &format!("{seconds:.6}"));
            }
        }
    }
}

fn counts(text: &mut String, series: &[Series]) {
    REQUESTS.head(text);
    for series in series {
        series.sample(text, &REQUESTS, &[], &series.figures.sent().to_string());
    }
    ERRORS.head(text);
    for series in series {
        for (kind, failures) in &series.figures.kinds {
            series.sample(text, &ERRORS, &[&kind.to_string()], &failures.to_string());
        }
    }
}

/// Counts that results have since responses are counted by status.
fn responses(text: &mut String, series: &[Series]) {
    let has_statuses = |series: &&Series| !series.responses.statuses.is_empty();
    let counted: Vec<&Series> = series.iter().filter(has_statuses).collect();
    if counted.is_empty() {
        return;
    }
    RESPONSES.head(text);
    for series in &counted {
        for (status, count) in &series.responses.statuses {
            series.sample(text, &RESPONSES, &[&status.to_string()], &count.to_string());
        }
    }
    RESENT.head(text);
    for series in &counted {
        series.sample(text, &RESENT, &[], &series.responses.resent.to_string());
    }
}

fn ratios(text: &mut String, series: &[Series]) {
    ERROR_RATIO.head(text);
    for series in series {
        if let Some(ratio) = series.figures.error_ratio() {
            series.sample(text, &ERROR_RATIO, &[], &format!("{ratio:.6}"));
        }
    }
    RATE.head(text);
    for series in series {
        if let Some(rate) = series.figures.per_second() {
            series.sample(text, &RATE, &[], &format!("{rate:.3}"));
        }
    }
}

impl Series {
    /// Appends one sample; `others` are the values of the labels after `request` and `phase`.
    fn sample(&self, text: &mut String, family: &Family, others: &[&str], value: &str) {
        let shared = [self.request.as_str(), self.phase.as_str()];
        family.sample(text, &[&shared, others].concat(), value);
    }
}

impl Family {
    /// Appends the lines that describe the family.
    pub(super) fn head(&self, text: &mut String) {
        let Self {
            name,
            kind,
            unit,
            help,
            ..
        } = self;
        *text += &format!("# TYPE {name} {kind}\n");
        if !unit.is_empty() {
            *text += &format!("# UNIT {name} {unit}\n");
        }
        *text += &format!("# HELP {name} {help}\n");
    }

    /// Appends one sample, with a value for each label.
    pub(super) fn sample(&self, text: &mut String, values: &[&str], value: &str) {
        let Self {
            name, kind, labels, ..
        } = self;
        let suffix = if *kind == "counter" { "_total" } else { "" };
        let labels = labels.iter().zip(values);
        let labels = labels.map(|(label, value)| format!("{label}=\"{}\"", escaped(value)));
        let labels = labels.collect::<Vec<_>>().join(",");
        *text += &format!("{name}{suffix}{{{labels}}} {value}\n");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"")
}
