//! A baseline that an older loadgate wrote.

use serde_json::{Value, json};

use super::samples::{gate, recorded};
use super::*;
use crate::baseline::{Baseline, Job, store, summarize};
use crate::record::RunRecord;
use crate::record::samples::{record, traffic};
use crate::verdict::Outcome;

/// A run whose orders take so long, a few of them after a cold start.
fn run(orders_ms: f64) -> RunRecord {
    let second = [
        traffic("GET /orders", 400, orders_ms).cold(4, 900.0),
        traffic("GET /user/profile", 200, 20.0),
    ];
    let run = record().steady("warm").slices(12, &second);
    run.with(|run| run.cold_start = Some("x-cold-start".to_owned()))
        .build()
}

/// The text of a baseline as schema 1 wrote it: an object for each request name, with a spread for each value.
fn as_schema_1(baseline: &Baseline, runs: &[RunRecord]) -> String {
    let mut text: Value = serde_json::from_str(&store::to_json(baseline)).unwrap();
    text["schema"] = json!(1);
    for ((stored, job), run) in text["jobs"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .zip(&baseline.jobs)
        .zip(runs)
    {
        let mut cells = summarize(run);
        for (cell, kept) in cells.iter_mut().zip(&job.cells) {
            assert_eq!(cell.request, kept.request);
            cell.latencies.clone_from(&kept.latencies);
            cell.breakdown.clone_from(&kept.breakdown);
        }
        for newer in ["metrics", "told"] {
            stored.as_object_mut().unwrap().remove(newer);
        }
        stored["cells"] = json!(cells);
    }
    text.to_string()
}

#[test]
fn a_baseline_of_schema_1_gives_the_same_verdict() {
    let medians = [40.0, 41.6, 38.8, 40.4, 41.2, 39.6, 38.4];
    let runs = medians.map(run);
    let today = recorded(runs.clone());
    let old = as_schema_1(&today, &runs);
    assert!(old.contains("{\"scope\":\"steady\",\"request\":null,\"n\":7200,"));
    let new = store::to_json(&today);
    let [old, new] = [old, new].map(|text| store::parse("baseline.json", &text).unwrap());
    assert_eq!(new, today);
    assert_ne!(new, old, "of old jobs every spread is kept");
    for now in [40.0, 80.0] {
        let written = [&old, &new].map(|baseline| {
            let gate = gate(run(now)).after(baseline);
            let sample = gate.promising("regression: { gate: [p95, warm_p95] }");
            let sample = sample.judged();
            let story = sample.story();
            let written = terminal(&story, 80, Colour::Never) + &summary(&[story]);
            // What the old run told is read from histograms of two digits, which is told to three.
            let (before, written): (Vec<&str>, Vec<&str>) = written
                .lines()
                .partition(|line| line.starts_with("  before") || line.contains(" (before) "));
            assert_eq!(before.len(), 5, "{before:?}");
            (sample.verdict.outcome, written.join("\n"))
        });
        assert_eq!(written[0], written[1]);
        let outcome = if now > 40.0 {
            Outcome::Failed
        } else {
            Outcome::Passed
        };
        assert_eq!(written[0].0, outcome);
    }
    // Written again it is one of today, and says the same.
    let again = store::parse("baseline.json", &store::to_json(&old)).unwrap();
    assert_eq!(again, old);
    assert!(store::to_json(&old).contains("\"schema\": 2"));
}

/// A run of two phases, which is told phase by phase.
fn of_two_phases() -> Baseline {
    let second = [
        traffic("GET /orders", 400, 40.0),
        traffic("GET /user", 200, 20.0),
    ];
    let run = record().steady("warm").slices(4, &second);
    recorded([run.steady("peak").slices(4, &second).build()])
}

/// The baseline with a change to what its one job was told.
fn read_with(baseline: &Baseline, change: impl FnOnce(&mut Value)) -> Baseline {
    let mut text: Value = serde_json::from_str(&store::to_json(baseline)).unwrap();
    change(&mut text["jobs"][0]);
    store::parse("baseline.json", &text.to_string()).unwrap()
}

fn list(value: &mut Value) -> &mut Vec<Value> {
    value.as_array_mut().unwrap()
}

#[test]
fn rows_of_a_newer_loadgate_are_read_for_what_this_one_knows() {
    let baseline = of_two_phases();
    let read = read_with(&baseline, |job| {
        list(&mut job["told"]["columns"]).insert(1, json!("p25"));
        for row in list(&mut job["told"]["rows"]) {
            list(&mut row[5]).insert(1, json!(0.05));
        }
    });
    assert_eq!(read, baseline);
}

#[test]
fn rows_of_an_older_loadgate_are_read_without_newer_figures() {
    let mut baseline = of_two_phases();
    let read = read_with(&baseline, |job| {
        assert_eq!(list(&mut job["told"]["columns"]).remove(5), "p999");
        for row in list(&mut job["told"]["rows"]) {
            list(&mut row[5]).remove(5);
        }
    });
    for row in &mut baseline.jobs[0].reported_rows {
        assert!(row.latencies.quantiles[4].take().is_some());
    }
    assert_eq!(read, baseline);
}

#[test]
fn stored_files_are_read_behind_a_byte_order_mark() {
    let baseline = of_two_phases();
    let marked = format!("\u{feff}{}", store::to_json(&baseline));
    assert_eq!(store::parse("baseline.json", &marked).unwrap(), baseline);
    let text = run(40.0).to_json();
    let marked = RunRecord::from_json("result.json", &format!("\u{feff}{text}"));
    assert_eq!(marked.unwrap().to_json(), text);
}

#[test]
fn a_row_that_does_not_fit_its_metrics_is_no_baseline() {
    let whole = store::to_json(&recorded([run(40.0)]));
    for (old, new) in [
        ("\"metrics\": [\"p50\",", "\"metrics\": ["),
        ("\"cells\": [", "\"cells\": [7, "),
        ("\"cells\": [", "\"cells\": [[], "),
        ("\"spreads\":[", "\"spreads\":[1.0,"),
        ("\"spreads\":[", "\"spreads\":[-1.0,"),
        ("\"rows\": [\n", "\"rows\": [[null, null, 1, 2, 1.0, []],\n"),
        (
            "\"rows\": [\n",
            "\"rows\": [[null, null, 1, 0, -1.0, []],\n",
        ),
        (
            "\"rows\": [\n",
            "\"rows\": [[null, null, 1, 0, 1.0, [-0.1]],\n",
        ),
        ("\"rows\": [\n", "\"rows\": [[null, null],\n"),
    ] {
        let broken = whole.replacen(old, new, 1);
        assert_ne!(broken, whole);
        assert!(store::parse("baseline.json", &broken).is_err(), "{new}");
    }
    let job: Result<Job, _> = serde_json::from_str("{}");
    assert!(job.is_err());
}
