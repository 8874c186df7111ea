//! The files that loadgate keeps and reads: their keys, their schemas, and that files of today and before are still read
//! and judged as they were.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Map, Value};

use super::goldens::is_golden;
use super::samples::{aws_figures, aws_services, recorded, traced};
use super::*;
use crate::baseline::{Baseline, anchor, matching, store};
use crate::measurement::{
    Arm, FailureKind, Interleaving, LatencyHistogram, Parts, Scheduling, UnreachableCause,
};
use crate::metric::Metric;
use crate::plan::phase_names;
use crate::record::samples::{record, traffic};
use crate::record::{
    AwsRecord, DropCount, DuetSettings, Ended, PartsRecord, ReferenceRecord, RunRecord,
    SecondRecord, SilenceRecord, TracedRecord, UnsentRecord,
};
use crate::scenario::{Aws, Front};
use crate::schema::{Kind, schema};
use crate::thresholds::{Names, Subject, parse};
use crate::verdict::{
    CheckKind, CheckOutcome, Comparison, Enforcement, JudgeInput, Measure, Outcome, Reference,
    judge,
};

fn latencies(millis: u64) -> LatencyHistogram {
    let mut latencies = LatencyHistogram::new();
    (0..20).for_each(|more| latencies.record(Duration::from_millis(millis + more)));
    latencies
}

/// All that may be known of where the time went; a new field has to be given here.
fn parts() -> Parts {
    Parts {
        queue: latencies(1),
        late: latencies(1),
        service: latencies(40),
        opened: latencies(50),
        dns: latencies(2),
        connect: latencies(3),
        tls: latencies(4),
        first_byte: latencies(30),
        body: latencies(5),
        cold: latencies(900),
        warm: latencies(40),
        marked: 20,
        connections: 4,
        reopened: 1,
        resent: 2,
        statuses: [(200, 16), (302, 3), (503, 1)].into(),
        unfollowed: 2,
        redirect: Some("https://api.example.com/login".to_owned()),
        bytes: 65_536,
    }
}

/// A run in which everything is present that a record may hold.
fn full() -> RunRecord {
    let second = [
        traffic("GET /orders", 400, 40.0)
            .cold(40, 900.0)
            .failing(FailureKind::Timeout, 3)
            .failing(FailureKind::Status(503), 2),
        traffic("GET /user/profile", 200, 20.0),
    ];
    let run = (0..6).fold(record().steady("warm"), |run, _| run.pair(&second, &second));
    run.with(|run| {
        for deployment in [Some(&mut run.target), run.base.as_mut()]
            .into_iter()
            .flatten()
        {
            deployment.proxy = Some("proxy.example.com:3128".to_owned());
            deployment.proxy_variable = Some("HTTP_PROXY".to_owned());
            deployment.proxy_forwards = true;
            deployment.commit = Some("8d10e7f0a7b6c5d4e3f2a1b0c9d8e7f63f2c9ab4".to_owned());
            deployment.by_thresholds = true;
        }
        run.base_missing = Some("the baseline names no commit yet".to_owned());
        run.reference = Some(ReferenceRecord {
            service: "built-in".to_owned(),
            built_in_s: Some(0.02),
            rate: 50.0,
            requests: 3000,
            failures: 2,
            latencies: BTreeMap::from([(Metric::P95, 0.03)]),
        });
        run.reference_missing = Some("it got no request".to_owned());
        run.duet = Some(DuetSettings {
            interleaving: Interleaving::Mixed,
            pairs: 6,
            slice_s: 1.0,
            guard_s: 0.5,
            looks: 3,
            look: Some(2),
            restart_every: Some(3),
        });
        run.run.attempt = Some(2);
        run.run.commit = Some("3f2c9ab4d8e1f0a7b6c5d4e3f2a1b0c9d8e7f6a5".to_owned());
        run.run.url = Some("https://ci.example.com/shop/runs/1842".to_owned());
        run.run.insecure = true;
        run.run.from_pull_request = true;
        run.run.extra_args = vec!["--timeout".to_owned(), "3s".to_owned()];
        run.labels = [("region".to_owned(), "eu-west-1".to_owned())].into();
        "6.8.0".clone_into(&mut run.environment.kernel);
        run.environment.memory_mb = 7936;
        run.environment.runner = Some("github-hosted".to_owned());
        run.environment.scheduling = Some(Scheduling::PartlyRealTime);
        run.health.core_share = Some(0.5);
        run.health.steal_share = Some(0.01);
        run.health.achieved = Some(0.999);
        run.health.open_files = Some(1024);
        run.health.max_late_s = Some(0.005);
        run.cold_start = Some("x-cold-start".to_owned());
        run.slices[3].late_p99_s = 0.062;
        for slice in &mut run.slices {
            slice.silences = Some(vec![SilenceRecord {
                class: Some("buyers".to_owned()),
                request: Some(1),
                from_s: 0.0,
                to_s: 1.0,
                after_s: 0.2,
                whole_s: 1.2,
            }]);
            for cell in &mut slice.cells {
                cell.completed = Some(cell.requests);
                cell.first_s = Some(0.02);
            }
        }
        run.unsent.push(UnsentRecord {
            request: run.requests.len(),
            expected: 3.5,
        });
        run.requests.push("GET /login".to_owned());
        for arm in [Arm::Base, Arm::Target] {
            run.parts.push(PartsRecord {
                phase: 0,
                arm,
                request: 0,
                parts: parts(),
            });
        }
        run.timeline = vec![SecondRecord {
            users: 20,
            requests: 600,
            errors: 5,
            kinds: [(FailureKind::Timeout, 3), (FailureKind::Status(503), 2)].into(),
            p50_ms: Some(40.0),
            p95_ms: Some(58.0),
            p99_ms: Some(60.0),
        }];
    })
    .build()
}

/// The full run, and one for each other way in which a run may end.
fn full_records() -> Vec<Value> {
    let ends = [
        Ended::Completed,
        Ended::Interrupted { signal: 2 },
        Ended::Aborted {
            failures: 3,
            requests: 4,
        },
        Ended::BudgetSpent { usd: 0.5 },
        Ended::Unreachable {
            arm: Arm::Base,
            cause: UnreachableCause::NoResponse,
            why: "no response within 3 s".to_owned(),
        },
    ];
    let api = || ("a1b2c3".to_owned(), "prod".to_owned());
    let fronts = [
        Front::FunctionUrl,
        Front::Rest {
            id: api().0,
            stage: api().1,
        },
        Front::Http {
            id: api().0,
            stage: api().1,
        },
        Front::LoadBalancer("app/shop/1".to_owned()),
    ];
    let records = ends
        .into_iter()
        .zip(fronts.into_iter().cycle())
        .map(|(ended, front)| {
            let mut run = full();
            run.run.ended = ended;
            run.aws = Some(full_aws(front));
            serde_json::from_str(&run.to_json()).unwrap()
        });
    records.collect()
}

/// What AWS may say, all of it.
fn full_aws(front: Front) -> AwsRecord {
    let mut figures = aws_figures();
    figures.others = Some(500);
    figures.incomplete = true;
    figures.functions[0].spillover = Some(1.0);
    if let Some(join) = &mut figures.join {
        join.counts_only = Some("it has no REPORT line of these minutes".to_owned());
    }
    figures.traced = Some(TracedRecord {
        join: figures.join.clone(),
        ..traced()
    });
    figures.missing = vec!["cloudwatch:GetMetricData was denied; allow it for *".to_owned()];
    AwsRecord {
        services: Aws {
            front,
            databases: vec!["orders-db".to_owned()],
            ..aws_services()
        },
        figures: Some(figures),
    }
}

/// A baseline in which everything is present that one may hold: a repeated phase as well, and an anchor.
fn full_baseline() -> Baseline {
    let mut run = full();
    run.base = None;
    run.duet = None;
    run.aws = Some(full_aws(Front::FunctionUrl));
    run.slices.retain(|slice| slice.arm == Arm::Target);
    let mut burst = run.phases[0].clone();
    "burst".clone_into(&mut burst.name);
    burst.steady = false;
    run.phases.push(burst);
    let again = run.slices.clone();
    run.slices
        .extend(again.into_iter().enumerate().map(|(pass, mut slice)| {
            slice.phase = 1;
            slice.pass = u32::try_from(pass).unwrap();
            slice.start_s += 60.0;
            slice
        }));
    let mut baseline = recorded((0..2).map(|_| run.clone()));
    for job in &mut baseline.jobs {
        job.accepted_worse = true;
        job.late = DropCount { dropped: 1, of: 6 };
    }
    baseline.anchor = baseline.jobs.last().cloned();
    baseline
}

/// The kind of a JSON value.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Every path of keys with the kinds of its values.
fn paths(path: &str, value: &Value, found: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    found
        .entry(path.to_owned())
        .or_default()
        .insert(kind(value));
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                paths(&format!("{path}.{name}"), value, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                paths(&format!("{path}[]"), item, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn paths_of(values: &[Value]) -> String {
    let mut found = BTreeMap::new();
    for value in values {
        paths("$", value, &mut found);
    }
    let lines = found.into_iter().map(|(path, kinds)| {
        let kinds: Vec<&str> = kinds.into_iter().collect();
        format!("{path}: {}\n", kinds.join(" or "))
    });
    lines.collect()
}

/// Adds the properties of a schema that none of the values has.
fn absent(root: &Value, schema: &Value, values: &[&Value], path: &str, missing: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let definition = root.pointer(name.trim_start_matches('#')).unwrap();
        absent(root, definition, values, path, missing);
    }
    for alternatives in ["anyOf", "oneOf"] {
        for schema in schema[alternatives].as_array().into_iter().flatten() {
            absent(root, schema, values, path, missing);
        }
    }
    for (name, schema) in schema["properties"].as_object().unwrap_or(&Map::new()) {
        let own: Vec<&Value> = values.iter().filter_map(|value| value.get(name)).collect();
        let path = format!("{path}.{name}");
        if own.is_empty() {
            missing.push(path);
        } else {
            absent(root, schema, &own, &path, missing);
        }
    }
    let items: Vec<&Value> = values
        .iter()
        .filter_map(|value| value.as_array())
        .flatten()
        .collect();
    if !items.is_empty() {
        absent(
            root,
            &schema["items"],
            &items,
            &format!("{path}[]"),
            missing,
        );
    }
    for (index, schema) in schema["prefixItems"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let own: Vec<&Value> = values.iter().filter_map(|value| value.get(index)).collect();
        absent(root, schema, &own, &format!("{path}[{index}]"), missing);
    }
}

fn absent_from(kind: Kind, values: &[Value]) -> Vec<String> {
    let schema: Value = serde_json::from_str(&schema(kind)).unwrap();
    let mut missing = Vec::new();
    let values: Vec<&Value> = values.iter().collect();
    absent(&schema, &schema, &values, "$", &mut missing);
    missing
}

#[test]
fn every_key_of_a_result_is_as_it_was() {
    let records = full_records();
    assert_eq!(absent_from(Kind::Result, &records), Vec::<String>::new());
    assert!(is_golden("files", "keys of result", &paths_of(&records)));
}

#[test]
fn every_key_of_a_baseline_is_as_it_was() {
    let baseline = serde_json::from_str(&store::to_json(&full_baseline())).unwrap();
    let missing = absent_from(Kind::Baseline, from_ref(&baseline));
    // Cells as schema 1 wrote them are read, and no longer written.
    let missing: Vec<&String> = missing
        .iter()
        .filter(|path| !is_of_schema_1(path))
        .collect();
    assert_eq!(missing, Vec::<&String>::new());
    assert!(is_golden(
        "files",
        "keys of baseline",
        &paths_of(&[baseline])
    ));
}

fn is_of_schema_1(path: &str) -> bool {
    path.contains(".cells[].")
}

#[test]
fn every_schema_is_as_it_was() {
    for (name, kind) in [
        ("schema of result", Kind::Result),
        ("schema of baseline", Kind::Baseline),
        ("schema of scenario", Kind::Scenario),
        ("schema of thresholds", Kind::Thresholds),
    ] {
        assert!(is_golden("files", name, &schema(kind)), "{name}");
    }
}

/// A result of today.
const RESULT: &str = include_str!("fixtures/result.json");
/// The same with no key that is optional: as the first versions wrote it.
const OLDEST_RESULT: &str = include_str!("fixtures/result-oldest.json");
/// A baseline of today.
const BASELINE: &str = include_str!("fixtures/baseline.json");
/// The same as schema 1 wrote it.
const BASELINE_1: &str = include_str!("fixtures/baseline-1.json");

const THRESHOLDS: &str = "\
limits:
  overall: { p95: 800ms, error_rate: 1%, requests_per_second: 500 }
  requests: { GET /orders: { p95: 80ms } }
";

/// A verdict in words that no report changes.
fn judged(result: &str, baseline: &str) -> String {
    let run = RunRecord::from_json("result.json", result).unwrap();
    let baseline = store::parse("baseline.json", baseline).unwrap();
    let phases = phase_names(&run.phases);
    let names = Names {
        requests: &run.requests,
        phases: &phases,
        cold_start: false,
        aws: false,
    };
    let thresholds = parse("thresholds.yml", THRESHOLDS, &names).unwrap();
    let verdict = judge(&JudgeInput {
        thresholds: &thresholds,
        candidates: from_ref(&run),
        matching: matching(Some(&baseline), &RunContext::from(&run)),
        anchor: anchor(Some(&baseline), &RunContext::from(&run)),
    });
    let outcome = match verdict.outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Inconclusive => "inconclusive",
        Outcome::Invalid => "invalid",
    };
    let comparison = match verdict.comparison {
        Comparison::Duet { pairs, .. } => format!("duet of {pairs}"),
        Comparison::History { jobs, .. } => format!("history of {jobs}"),
        Comparison::Provisional { jobs, .. } => format!("single of {jobs}"),
        Comparison::None(_) => "none".to_owned(),
    };
    let (cautions, reasons) = (verdict.warnings.len(), verdict.invalid.len());
    let mut text = format!("{outcome}, {comparison}, {cautions} cautions, {reasons} reasons\n");
    for line in &verdict.checks {
        text += &figures(line);
    }
    text
}

fn figures(line: &Check) -> String {
    let subject = match &line.subject {
        Subject::Overall => "overall",
        Subject::Request(name) => name,
    };
    let measure = match line.measure {
        Measure::Metric(metric) => metric.key().to_owned(),
        Measure::Failures(_) => "failures".to_owned(),
        Measure::Unavailable => "unavailable".to_owned(),
        Measure::Aws(_) => "aws".to_owned(),
    };
    let enforcement = match line.enforcement {
        Enforcement::Gated => "gated",
        Enforcement::Warned => "warned",
        Enforcement::Reported => "reported",
    };
    let outcome = match line.outcome {
        CheckOutcome::Passed => "passed",
        CheckOutcome::Failed => "failed",
        CheckOutcome::Inconclusive => "inconclusive",
        CheckOutcome::NotJudged(_) => "not judged",
    };
    let figure =
        |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let check = match &line.kind {
        CheckKind::Limit(limit) => format!(
            "limit {}, over {}, slices {}, line {}",
            limit.bound,
            figure(limit.over.map(|over| over as f64)),
            limit.slices,
            figure(limit.line.map(f64::from)),
        ),
        CheckKind::Change(check) => {
            let reference = match check.reference {
                Reference::Newest => "newest",
                Reference::Anchor => "anchor",
            };
            let change = check.change.as_ref();
            let change = change.map_or_else(
                || "-".to_owned(),
                |it| {
                    format!(
                        "{} [{}, {}] p {} units {}",
                        it.estimate, it.lower, it.upper, it.p, it.units
                    )
                },
            );
            format!(
                "since {reference} {}: {change}, tolerance {}, would catch {}",
                figure(check.before),
                check.tolerance,
                figure(check.min_detectable),
            )
        }
    };
    format!(
        "{outcome} {enforcement} {measure} {subject} in {}: {} requests, {}; {check}\n",
        line.phase.as_deref().unwrap_or("-"),
        line.requests,
        figure(line.current),
    )
}

#[test]
fn files_of_today_and_before_get_the_verdicts_they_got() {
    let mut text = String::new();
    for (result, of_result) in [("today", RESULT), ("oldest", OLDEST_RESULT)] {
        for (baseline, of_baseline) in [("today", BASELINE), ("schema 1", BASELINE_1)] {
            let verdict = judged(of_result, of_baseline);
            text += &format!("=== result {result}, baseline {baseline}\n{verdict}\n");
        }
    }
    assert!(is_golden("files", "verdicts", &text));
}

#[test]
fn stored_files_of_today_are_written_as_they_were_read() {
    let run = RunRecord::from_json("result.json", RESULT).unwrap();
    assert_eq!(run.to_json(), RESULT);
    let baseline = store::parse("baseline.json", BASELINE).unwrap();
    assert_eq!(store::to_json(&baseline), BASELINE);
}
