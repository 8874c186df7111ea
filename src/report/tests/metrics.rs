//! metrics.txt and load-performance.json: what GitLab's widgets read.

use std::collections::HashSet;
use std::time::Duration;

use super::*;
use crate::measurement::FailureKind;

/// One sample line: name, labels, value.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    name: String,
    labels: Vec<(String, String)>,
    value: String,
}

/// Reads `OpenMetrics` text, or says which line is wrong.
fn read(text: &str) -> Result<Vec<Line>, String> {
    let body = text
        .strip_suffix("# EOF\n")
        .ok_or("it must end with # EOF")?;
    let mut lines = Vec::new();
    for line in body.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let known = ["TYPE ", "UNIT ", "HELP "];
            if !known.iter().any(|keyword| comment.starts_with(keyword)) {
                return Err(format!("no comment: {line}"));
            }
            continue;
        }
        lines.push(sample(line).ok_or_else(|| format!("no sample: {line}"))?);
    }
    Ok(lines)
}

fn sample(line: &str) -> Option<Line> {
    let (name, mut rest) = line.split_once('{')?;
    let mut labels = Vec::new();
    loop {
        let (label, after) = rest.split_once("=\"")?;
        let (value, after) = quoted(after)?;
        labels.push((label.to_owned(), value));
        rest = match after.strip_prefix(',') {
            Some(more) => more,
            None => {
                break after.strip_prefix("} ").map(|value| Line {
                    name: name.to_owned(),
                    labels,
                    value: value.to_owned(),
                });
            }
        };
    }
}

/// The text up to the closing quote, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((index, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[index + 1..])),
            '\\' => value.push(chars.next()?.1),
            _ => value.push(c),
        }
    }
    None
}

/// The words of a line as Ruby's `shellsplit` finds them, which GitLab splits it by; none where a quote is open.
fn shell_words(line: &str) -> Option<Vec<String>> {
    let mut words = vec![String::new()];
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' => words.push(String::new()),
            '\\' => words.last_mut()?.push(chars.next()?),
            '\'' => loop {
                match chars.next()? {
                    '\'' => break,
                    c => words.last_mut()?.push(c),
                }
            },
            '"' => loop {
                match chars.next()? {
                    '"' => break,
                    '\\' => words.last_mut()?.push(chars.next()?),
                    c => words.last_mut()?.push(c),
                }
            },
            c => words.last_mut()?.push(c),
        }
    }
    Some(words)
}

/// Checks what GitLab and `OpenMetrics` ask of a document, and gives its samples.
pub(super) fn assert_read(text: &str) -> Vec<Line> {
    let lines = read(text).unwrap_or_else(|error| panic!("{error}"));
    let mut series = HashSet::new();
    for line in text.lines().filter(|line| !line.starts_with("# ")) {
        assert!(!line.contains('#'), "{line}");
        let words = shell_words(line).unwrap_or_else(|| panic!("an open quote: {line}"));
        let [name, value] = words.as_slice() else {
            panic!("{words:?}");
        };
        assert!(series.insert(name.clone()), "{name} stands twice");
        assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
    }
    lines
}

fn value<'a>(lines: &'a [Line], name: &str, labels: &[(&str, &str)]) -> Option<&'a str> {
    let labels: Vec<(String, String)> = labels
        .iter()
        .map(|(label, value)| ((*label).to_owned(), (*value).to_owned()))
        .collect();
    let mut lines = lines.iter();
    lines
        .find(|line| line.name == name && line.labels == labels)
        .map(|line| line.value.as_str())
}

#[test]
fn every_story_gives_metrics_that_gitlab_reads() {
    for (_, sample) in all() {
        assert_read(&metrics(&sample.story()));
    }
}

#[test]
fn the_families_hold_what_was_measured() {
    let lines = assert_read(&metrics(&story("more errors").story()));
    let overall = [("request", "overall"), ("phase", "all")];
    let orders = [("request", "GET /orders"), ("phase", "warm")];
    let with = |own: (&'static str, &'static str)| [orders[0], orders[1], own];
    for (name, labels, expected) in [
        ("loadgate_requests_total", overall.as_slice(), "7200"),
        ("loadgate_requests_total", &orders, "4800"),
        ("loadgate_errors_total", &with(("kind", "429")), "360"),
        ("loadgate_error_ratio", &orders, "0.075000"),
        ("loadgate_requests_per_second", &orders, "400.000"),
        (
            "loadgate_latency_seconds",
            &with(("quantile", "0.95")),
            "0.058015",
        ),
    ] {
        assert_eq!(
            value(&lines, name, labels),
            Some(expected),
            "{name} {labels:?}"
        );
    }
}

#[test]
fn every_value_of_a_family_has_one_precision() {
    let lines = assert_read(&metrics(&story("phases").story()));
    for line in &lines {
        let decimals = line.value.split_once('.').map_or(0, |(_, d)| d.len());
        let expected = match line.name.as_str() {
            "loadgate_requests_per_second" => 3,
            name if name.ends_with("_total") => 0,
            _ => 6,
        };
        assert_eq!(decimals, expected, "{line:?}");
    }
}

#[test]
fn no_text_breaks_a_line_or_merges_two_series() {
    let count = |text: &str| assert_read(&metrics(&saying(text).story())).len();
    let endless = endless();
    for text in TEXTS
        .into_iter()
        .chain([endless.as_str(), "overall", "all"])
    {
        assert_eq!(count(text), count("GET /plain"), "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_name_gives_lines_that_are_read_back(text in texts()) {
        let lines = assert_read(&metrics(&saying(&text).story()));
        let expected = text::one_line(&text).replace('#', "\u{ff03}");
        let written = lines.iter().any(|line| line.labels[0].1 == expected);
        prop_assert!(written, "{expected:?}");
    }
}

#[test]
fn the_widget_finds_what_it_reads() {
    for (name, sample) in all() {
        let json: serde_json::Value = serde_json::from_str(&performance(&sample.story())).unwrap();
        let metrics = &json["metrics"];
        assert!(metrics["http_reqs"]["rate"].is_number(), "{name}");
        let waiting = &metrics["http_req_waiting"];
        assert_eq!(waiting["p(95)"].is_number(), waiting.is_object(), "{name}");
        let checks = &metrics["checks"];
        if checks.is_object() {
            let sum = checks["passes"].as_u64().unwrap() + checks["fails"].as_u64().unwrap();
            assert!(sum > 0, "{name}: the widget would divide by it");
        }
    }
}

#[test]
fn what_was_never_sent_is_none_of_the_requests_anywhere() {
    let mut sample = story("passed").clone();
    let cell = &mut sample.records[0].slices[0].cells[0].cell;
    for _ in 0..240 {
        cell.record(Duration::ZERO, Some(FailureKind::Unset));
    }
    let written = sample.story();
    let requests: serde_json::Value = serde_json::from_str(&performance(&written)).unwrap();
    let requests = &requests["metrics"]["http_reqs"];
    assert_eq!(requests["count"], 7200);
    assert_eq!(requests["rate"], 600.0);
    let lines = assert_read(&metrics(&written));
    let overall = [("request", "overall"), ("phase", "all")];
    let total = value(&lines, "loadgate_requests_total", &overall);
    assert_eq!(total, Some("7200"));
    let summary = summary(&[written]);
    assert!(summary.contains("7,200 requests in"), "{summary}");
    assert!(summary.contains("240 more never sent"), "{summary}");
}
