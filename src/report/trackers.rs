//! The figures of a run in the formats of two services that draw trends: github-action-benchmark and Bencher.
//!
//! Both keep one number per name and job, and compare it with a fixed percentage. They draw; the verdict is loadgate's.

use serde_json::{Map, Value, json};

use crate::measurement::Arm;
use crate::metric::Metric;
use crate::record::quantiles_ms;
use crate::report::text::{Distinct, one_line};
use crate::report::view::{Figures, View};
use crate::units::six_digits;

/// A percentile, and how both formats call it; both know it by milliseconds.
const PERCENTILES: [(Metric, &str, &str); 3] = [
    (Metric::P50, "P50", "p50-ms"),
    (Metric::P95, "P95", "p95-ms"),
    (Metric::P99, "P99", "p99-ms"),
];

/// Latencies and error rates as a list for `tool: customSmallerIsBetter` of github-action-benchmark.
pub fn benchmark_action(view: &View) -> String {
    let mut entries = Vec::new();
    for (name, figures) in series(view) {
        let entry = |what: &str, unit: &str, value: f64| json!({ "name": format!("{name}: {what}"), "unit": unit, "value": value });
        let millis = quantiles_ms(&figures.latencies);
        for (metric, label, _) in PERCENTILES {
            let known = millis.get(&metric);
            entries.extend(known.map(|millis| entry(label, "ms", *millis)));
        }
        let percent = error_percent(&figures);
        entries.extend(percent.map(|percent| entry("error rate", "%", percent)));
    }
    format!("{:#}\n", Value::Array(entries))
}

/// Latencies, error rates and responses per second in the Bencher Metric Format, for its adapter `json`.
pub fn bencher(view: &View) -> String {
    let mut benchmarks = Map::new();
    for (name, figures) in series(view) {
        let millis = quantiles_ms(&figures.latencies);
        let percentiles = PERCENTILES
            .iter()
            .map(|(metric, _, measure)| (*measure, millis.get(metric).copied()));
        let shares = [
            ("error-rate-percent", error_percent(&figures)),
            ("throughput", figures.per_second().map(six_digits)),
        ];
        let measures: Map<String, Value> = percentiles
            .chain(shares)
            .filter_map(|(measure, value)| Some((measure.to_owned(), json!({ "value": value? }))))
            .collect();
        if !measures.is_empty() {
            benchmarks.insert(name, Value::Object(measures));
        }
    }
    format!("{:#}\n", Value::Object(benchmarks))
}

/// All requests together and each name over the measured phases, by a name that begins with the gate's. Names stay
/// distinct, since both services keep one history for each.
fn series(view: &View) -> Vec<(String, Figures)> {
    let all = view.aggregates();
    let gate = one_line(view.gate());
    let mut distinct = Distinct::default();
    let overall = (None, distinct.name(format!("{gate}: overall")));
    let names = all.names.iter().enumerate();
    let names = names.map(|(index, name)| {
        let name = distinct.name(format!("{gate}: {}", one_line(name)));
        (Some(index), name)
    });
    let rows: Vec<(Option<usize>, String)> = std::iter::once(overall).chain(names).collect();
    rows.into_iter()
        .map(|(request, name)| (name, all.figures(request, None, Arm::Target)))
        .filter(|(_, figures)| figures.requests > 0)
        .collect()
}

fn error_percent(figures: &Figures) -> Option<f64> {
    figures.error_ratio().map(|ratio| six_digits(ratio * 1e2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::{saying, story};

    fn read(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn every_name_has_its_percentiles_and_error_rate() {
        let sample = story("passed");
        let story = sample.story();
        let entries = read(&benchmark_action(&story));
        let entries = entries.as_array().unwrap();
        let names = story.aggregates().names.len();
        assert_eq!(entries.len(), 4 * (names + 1));
        let overall = story.overall();
        let entry = entries.iter().find(|it| it["name"] == "shop: overall: P95");
        let p95 = entry.unwrap()["value"].as_f64().unwrap() / 1e3;
        assert!((p95 / overall.latencies.quantile(0.95).unwrap() - 1.0).abs() < 1e-5);
        let rate = entries.iter().find(|it| it["unit"] == "%").unwrap();
        let percent = overall.error_ratio().unwrap() * 1e2;
        assert!((rate["value"].as_f64().unwrap() - percent).abs() < 1e-5);
    }

    #[test]
    fn both_formats_have_the_same_figures() {
        let sample = story("passed");
        let story = sample.story();
        let (entries, benchmarks) = (read(&benchmark_action(&story)), read(&bencher(&story)));
        for (label, measure) in [
            ("P50", "p50-ms"),
            ("P95", "p95-ms"),
            ("P99", "p99-ms"),
            ("error rate", "error-rate-percent"),
        ] {
            for (name, measures) in benchmarks.as_object().unwrap() {
                let entries = entries.as_array().unwrap();
                let own = |it: &&Value| it["name"] == format!("{name}: {label}");
                let entry = entries.iter().find(own).unwrap();
                assert_eq!(entry["value"], measures[measure]["value"], "{name} {label}");
            }
        }
    }

    #[test]
    fn a_name_with_control_characters_stays_on_one_line() {
        let sample = saying("GET /a\n\u{1b}[31m");
        let benchmarks = read(&bencher(&sample.story()));
        let mut names = benchmarks.as_object().unwrap().keys();
        assert!(names.all(|name| !name.contains(char::is_control)));
    }
}
