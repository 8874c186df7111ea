//! Results beside each other: which one beats another, their order, and what is missing.

use super::*;
use crate::measurement::FailureKind;
use crate::record::samples::{RecordBuilder, Traffic, record, traffic};

const NAME: &str = "GET /a";

/// Twelve slices whose latency sways a little around a median.
fn swaying(median_ms: f64) -> RecordBuilder {
    let medians = [0.97, 1.02, 1.0].map(|sway| traffic(NAME, 300, median_ms * sway));
    of(&medians)
}

fn of(slices: &[Traffic]) -> RecordBuilder {
    let slices = slices.iter().cycle().take(12);
    slices.fold(record().steady("warm"), |run, slice| {
        run.slice(std::slice::from_ref(slice))
    })
}

/// A run at a memory size: its median latency, and what an invocation is billed.
fn run(memory_mb: u64, median_ms: f64, billed_ms: u64) -> RunRecord {
    let billed_ms = [billed_ms, billed_ms + 1, billed_ms - 1];
    swaying(median_ms).on_lambda(memory_mb, &billed_ms).build()
}

fn beaten(runs: &[(&str, RunRecord)]) -> Vec<(String, Option<bool>)> {
    let runs: Vec<_> = runs.iter().map(|(label, run)| (*label, run)).collect();
    let all = variants(&runs).into_iter();
    all.map(|it| (it.label, it.is_beaten)).collect()
}

fn alone(run: &RunRecord) -> Variant {
    variants(&[("x", run)]).remove(0)
}

#[test]
fn faster_for_more_money_beats_nothing_and_is_not_beaten() {
    let all = [
        ("512", run(512, 100.0, 100)),
        ("1024", run(1024, 60.0, 60)),
        ("1769", run(1769, 60.3, 60)),
    ];
    let expected = [("512", false), ("1024", false), ("1769", true)];
    let expected = expected.map(|(label, is_beaten)| (label.to_owned(), Some(is_beaten)));
    assert_eq!(beaten(&all), expected);
}

#[test]
fn slower_and_dearer_is_beaten() {
    let all = [("a", run(512, 100.0, 100)), ("b", run(512, 60.0, 60))];
    let marks: Vec<_> = beaten(&all).into_iter().map(|(_, it)| it).collect();
    assert_eq!(marks, [Some(true), Some(false)]);
}

#[test]
fn what_is_alike_within_its_intervals_beats_nothing() {
    let all = [("a", run(512, 100.0, 100)), ("b", run(512, 100.4, 100))];
    let marks: Vec<_> = beaten(&all).into_iter().map(|(_, it)| it).collect();
    assert_eq!(marks, [Some(false), Some(false)]);
}

#[test]
fn what_lacks_its_cost_takes_no_part() {
    let all = [
        ("a", swaying(60.0).build()),
        ("b", run(512, 100.0, 100)),
        ("c", run(1024, 120.0, 100)),
    ];
    let marks: Vec<_> = beaten(&all).into_iter().map(|(_, it)| it).collect();
    assert_eq!(marks, [None, Some(false), Some(true)]);
}

#[test]
fn what_fails_takes_no_part_however_fast_it_is() {
    let failing = traffic(NAME, 300, 5.0).failing(FailureKind::Status(502), 100);
    let failing = of(&[failing]).on_lambda(128, &[5]).build();
    let all = [("128", failing), ("512", run(512, 100.0, 100))];
    let marks: Vec<_> = beaten(&all).into_iter().map(|(_, it)| it).collect();
    assert_eq!(marks, [None, None]);
}

#[test]
fn numbers_are_sorted_and_words_stay_in_order() {
    let run = swaying(60.0).build();
    let order = |labels: &[&str]| {
        let runs: Vec<_> = labels.iter().map(|label| (*label, &run)).collect();
        let all = variants(&runs).into_iter();
        all.map(|it| it.label).collect::<Vec<_>>()
    };
    assert_eq!(order(&["1769", "512", "1024"]), ["512", "1024", "1769"]);
    assert_eq!(order(&["x86_64", "arm64", "10"]), ["x86_64", "arm64", "10"]);
    assert_eq!(order(&["1", "NaN", "0"]), ["1", "NaN", "0"]);
}

#[test]
fn a_figure_lies_in_its_interval() {
    let variant = alone(&run(512, 100.0, 100));
    let figures = [variant.p50, variant.p95, variant.billed, variant.cost];
    for (figure, value) in figures.iter().zip([0.1, 0.145, 0.1, 2.033_3]) {
        let figure = figure.unwrap();
        let (lower, upper) = figure.interval().unwrap();
        assert!((figure.value / value - 1.0).abs() < 0.01, "{figure:?}");
        assert!(lower < figure.value && figure.value < upper, "{figure:?}");
        assert!(upper / lower < 1.1, "{figure:?}");
    }
    // The price of a request does not vary.
    let relative = |figure: Option<Figure>| figure.unwrap().estimate.unwrap().standard_error;
    let part = relative(variant.cost) / relative(variant.billed);
    assert!((part - 0.8333 / 2.0333).abs() < 1e-3, "{part}");
    assert_eq!(variant.memory, Some((118, 512)));
}

#[test]
fn phases_weigh_the_same_whatever_they_have() {
    let quick = [traffic(NAME, 300, 50.0)];
    let run = record().steady("a").slices(12, &quick);
    let run = run.steady("b").slices(4, &[traffic(NAME, 300, 200.0)]);
    let p50 = alone(&run.build()).p50.unwrap();
    assert!((p50.value - 0.1).abs() < 1e-3, "{p50:?}");
}

#[test]
fn cold_starts_of_all_phases_count_together() {
    let burst = traffic(NAME, 300, 50.0).cold(30, 800.0);
    let run = record().steady("a").slices(2, std::slice::from_ref(&burst));
    let run = run.repeated("b").slices(1, &[burst]).build();
    let cold = alone(&run).cold_p50.unwrap();
    assert!(
        (cold.value - 0.8).abs() < 1e-2 && cold.interval().is_some(),
        "{cold:?}"
    );
}

#[test]
fn every_figure_that_is_missing_has_its_reason() {
    let with = |change: fn(&mut AwsFigures)| {
        let mut run = run(512, 100.0, 100);
        change(run.aws.as_mut().unwrap().figures.as_mut().unwrap());
        run
    };
    let no_cold = Gap::NoColdStart;
    let denied = || "logs:FilterLogEvents was denied".to_owned();
    for (run, gaps) in [
        (run(512, 100.0, 100), vec![]),
        (swaying(50.0).build(), vec![Gap::NotFetched]),
        (with(|it| it.others = Some(500)), vec![Gap::Others(500)]),
        (with(|it| it.incomplete = true), vec![Gap::Incomplete]),
        (with(|it| it.cost = None), vec![Gap::NoCost(None)]),
        (
            with(|it| {
                it.functions.clear();
                it.cost = None;
                it.missing = vec!["logs:FilterLogEvents was denied".to_owned()];
            }),
            vec![Gap::NoLines, Gap::NoCost(Some(denied()))],
        ),
        (
            with(|it| it.functions[0].slices.truncate(1)),
            vec![Gap::TooFewSlices],
        ),
    ] {
        let variant = alone(&run);
        assert_eq!(variant.gaps, [vec![no_cold.clone()], gaps].concat());
        assert_eq!(
            variant.billed.is_none(),
            variant.gaps.iter().any(|gap| matches!(
                gap,
                Gap::NotFetched | Gap::Others(_) | Gap::Incomplete | Gap::NoLines
            ))
        );
    }
}

#[test]
fn what_is_too_little_has_a_value_and_no_interval() {
    let run = record().steady("a").slices(3, &[traffic(NAME, 30, 50.0)]);
    let variant = alone(&run.build());
    assert_eq!(variant.gaps[0], Gap::TooFew(Metric::P95));
    let p95 = variant.p95.unwrap();
    assert!(p95.interval().is_none() && p95.value > 0.07, "{p95:?}");
    assert!(variant.p50.unwrap().interval().is_some());
}

#[test]
fn a_late_generator_leaves_no_latency() {
    let run = run(512, 100.0, 100);
    let mut late = run.clone();
    for slice in &mut late.slices[..6] {
        slice.late_p99_s = 5.0;
    }
    let late = alone(&late);
    assert_eq!(late.gaps, [Gap::Late(DropCount { dropped: 6, of: 12 })]);
    assert!(late.p95.is_none() && late.cost.is_some());
}

#[test]
fn figures_of_a_duet_are_of_two_versions() {
    let mut run = run(512, 100.0, 100);
    run.base = Some(run.target.clone());
    assert_eq!(alone(&run).gaps[1], Gap::TwoVersions);
}

#[test]
fn a_stored_result_may_say_anything() {
    let mut run = run(512, 100.0, 100);
    let figures = run.aws.as_mut().unwrap().figures.as_mut().unwrap();
    figures.functions[0].slices[0].lines = 0;
    figures.functions[0].reports.as_mut().unwrap().memory_mb = Some(0);
    figures.cost.as_mut().unwrap().per_million_usd = f64::INFINITY;
    let variant = alone(&run);
    assert_eq!((variant.cost, variant.memory), (None, None));
    assert_eq!(variant.gaps[1..], [Gap::NoCost(None)]);
    assert!(variant.billed.unwrap().interval().is_some());
}
