//! Results beside each other, on a terminal and as a page.

use super::goldens::is_golden;
use super::*;
use crate::measurement::FailureKind;
use crate::record::RunRecord;
use crate::record::samples::{RecordBuilder, record, traffic};
use crate::verdict::variants;

/// A run at a memory size: median latency, and what an invocation is billed.
fn run(memory_mb: u64, median_ms: f64, billed_ms: u64) -> RecordBuilder {
    let sways = [0.97, 1.02, 1.0].iter().cycle().take(12);
    let steady = sways.fold(record().steady("warm"), |run, sway| {
        let traffic = traffic("GET /orders", 300, median_ms * sway);
        run.slice(&[traffic.cold(6, 700.0 + 2.0 * median_ms)])
    });
    let billed_ms = [billed_ms - 1, billed_ms + 2, billed_ms, billed_ms + 1];
    steady.on_lambda(memory_mb, &billed_ms)
}

fn memories() -> Vec<(&'static str, RunRecord)> {
    vec![
        ("512", run(512, 102.0, 98).build()),
        ("1024", run(1024, 61.0, 55).build()),
        ("1769", run(1769, 60.0, 54).build()),
        ("3008", run(3008, 48.0, 43).build()),
    ]
}

/// Some of what can be missing.
fn with_gaps() -> Vec<(&'static str, RunRecord)> {
    let failing = traffic("GET /orders", 300, 5.0).failing(FailureKind::Status(502), 90);
    let failing = record().steady("warm").slices(12, &[failing]);
    let no_aws = run(256, 140.0, 130).with(|run| run.aws = None);
    let shared = run(512, 102.0, 98).with(|run| {
        let figures = run.aws.as_mut().and_then(|aws| aws.figures.as_mut());
        figures.unwrap().others = Some(1_200);
    });
    vec![
        ("128", failing.on_lambda(128, &[5]).build()),
        ("256", no_aws.build()),
        ("512", shared.build()),
        ("1024", run(1024, 61.0, 55).build()),
    ]
}

/// The results on two widths of a terminal, and as a page without its style and script.
fn formats(gate: &str, label: &str, runs: &[(&str, RunRecord)]) -> String {
    let runs: Vec<_> = runs.iter().map(|(value, run)| (*value, run)).collect();
    let all = variants(&runs);
    let view = SideBySide {
        gate,
        label,
        variants: &all,
    };
    let [wide, narrow] = [100, 60].map(|columns| side_by_side(&view, columns));
    let page = side_by_side_html(&view)
        .replace(include_str!("../html/style.css"), "[style.css]")
        .replace(include_str!("../html/script.js"), "[script.js]")
        .replace("><", ">\n<");
    format!("=== 100\n{wide}\n=== 60\n{narrow}\n=== page\n{page}")
}

#[test]
fn results_beside_each_other_read_as_they_did() {
    for (name, gate, label, runs) in [
        ("memories", "shop", "memory", memories()),
        ("memories with gaps", "shop", "memory", with_gaps()),
    ] {
        let document = formats(gate, label, &runs);
        assert!(is_golden("beside", name, &document), "{name}");
    }
}

#[test]
fn foreign_text_beside_each_other_is_harmless() {
    let run = run(512, 102.0, 98).with(|run| {
        let figures = run.aws.as_mut().and_then(|aws| aws.figures.as_mut());
        let figures = figures.unwrap();
        figures.missing = vec!["<b>\u{1b}[31m\n::error::no".to_owned()];
        figures.cost = None;
    });
    let run = run.build();
    let hostile = "<script>\u{1b}]0;x\n::error::";
    let document = formats(hostile, hostile, &[(hostile, run.clone()), ("1", run)]);
    assert!(!document.contains('\u{1b}') && !document.contains("\n::error::"));
    let (_, page) = document.split_once("=== page").unwrap();
    assert!(!page.contains("<b>") && !page.contains("]0;x</"), "{page}");
}
