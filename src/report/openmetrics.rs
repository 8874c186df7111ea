//! metrics.txt: `OpenMetrics` text, for GitLab's metrics report and for anything that scrapes.
//!
//! GitLab drops what follows a `#`, splits each line as a shell would and compares values as text: so labels hold no
//! number sign, quotes are balanced, and every value has a fixed precision.

use std::collections::BTreeMap;

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

/// The families of `metrics.txt`, in the order of the file.
pub const FAMILIES: [Family; 7] = [
    Family {
        name: "loadgate_latency_seconds",
        kind: "summary",
        unit: "seconds",
        labels: &["request", "phase", "quantile"],
        help: "Latency from when a request was due to the end of its response.",
    },
    Family {
        name: "loadgate_requests",
        kind: "counter",
        unit: "",
        labels: &["request", "phase"],
        help: "Requests that were sent.",
    },
    Family {
        name: "loadgate_errors",
        kind: "counter",
        unit: "",
        labels: &["request", "phase", "kind"],
        help: "Requests that failed, by kind, including those that could not be sent.",
    },
    RESPONSES,
    RESENT,
    Family {
        name: "loadgate_error_ratio",
        kind: "gauge",
        unit: "ratio",
        labels: &["request", "phase"],
        help: "Share of failed requests among all that were due, 0 to 1.",
    },
    Family {
        name: "loadgate_requests_per_second",
        kind: "gauge",
        unit: "",
        labels: &["request", "phase"],
        help: "Responses per second of the time in which requests were sent.",
    },
];

/// A sample: the value of the label after `request` and `phase`, if the family has one, and the figure.
type Sample = (Option<String>, String);

/// The samples of a series in each of the [`FAMILIES`].
const SAMPLES: [fn(&Series) -> Vec<Sample>; 7] = [
    |series| {
        let quantiles = Metric::QUANTILES.into_iter().filter_map(Metric::quantile);
        let latencies = &series.figures.latencies;
        let known = quantiles.filter_map(|q| Some((q, latencies.quantile(q)?)));
        known
            .map(|(q, seconds)| (Some(q.to_string()), format!("{seconds:.6}")))
            .collect()
    },
    |series| vec![(None, series.figures.sent().to_string())],
    |series| labelled_counts(&series.figures.kinds),
    |series| labelled_counts(&series.responses.statuses),
    |series| {
        let is_counted = !series.responses.statuses.is_empty();
        let resent = is_counted.then(|| series.responses.resent.to_string());
        resent.map(|resent| (None, resent)).into_iter().collect()
    },
    |series| {
        let ratio = series.figures.error_ratio().into_iter();
        ratio.map(|ratio| (None, format!("{ratio:.6}"))).collect()
    },
    |series| {
        let rate = series.figures.per_second().into_iter();
        rate.map(|rate| (None, format!("{rate:.3}"))).collect()
    },
];

fn labelled_counts<K: ToString>(counts: &BTreeMap<K, u64>) -> Vec<Sample> {
    let samples = counts.iter();
    samples
        .map(|(label, count)| (Some(label.to_string()), count.to_string()))
        .collect()
}

/// The figures of one gate as `OpenMetrics` text.
pub fn metrics(view: &View) -> String {
    let series = series(view);
    // Older results do not count responses by status.
    let counts_responses = series.iter().any(|it| !it.responses.statuses.is_empty());
    let mut text = String::new();
    for (family, samples) in FAMILIES.iter().zip(SAMPLES) {
        if !counts_responses && [RESPONSES.name, RESENT.name].contains(&family.name) {
            continue;
        }
        family.head(&mut text);
        for series in &series {
            for (label, value) in samples(series) {
                let mut labels = vec![series.request.as_str(), &series.phase];
                labels.extend(label.as_deref());
                family.sample(&mut text, &labels, &value);
            }
        }
    }
    text + "# EOF\n"
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
            let figures = all.figures(request, *phase, Arm::Target);
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
