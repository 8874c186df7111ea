//! What `loadgate schema` prints, before a validator that is not ours: it takes what loadgate takes, and refuses what it
//! refuses.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Server, code_blocks, gate, loadgate};

/// Reads a schema and instances from its input, and tells for each instance whether the schema takes it.
const JUDGE: &str = "\
import json, sys, jsonschema
schema, instances = json.load(sys.stdin)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
print(json.dumps([next((e.message[:300] for e in validator.iter_errors(i)), None) for i in instances]))
";

fn schema(kind: &str) -> Value {
    let output = loadgate(Path::new(".")).args(["schema", kind]).output();
    serde_json::from_slice(&output.unwrap().stdout).unwrap()
}

/// What the validator has against each instance; nothing where it takes it.
fn judged(kind: &str, instances: &[Value]) -> Vec<Option<String>> {
    let folder = std::env::var_os("OUTSIDE_TOOLS").expect("tests/outside/run sets OUTSIDE_TOOLS");
    let home = tempfile::tempdir().unwrap();
    let input = home.path().join("input.json");
    std::fs::write(&input, json!([schema(kind), instances]).to_string()).unwrap();
    let output = Command::new(Path::new(&folder).join("venv/bin/python"))
        .args(["-c", JUDGE])
        .stdin(std::fs::File::open(input).unwrap())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

/// The documented code that begins with one of these words.
fn documented(begins: &[&str]) -> Vec<String> {
    let texts = code_blocks().into_iter().map(|block| block.text);
    texts
        .filter(|text| begins.iter().any(|begin| text.starts_with(begin)))
        .collect()
}

#[test]
fn shipped_and_documented_gates_are_taken() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["thresholds", ".github/gates"];
    let gates: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    for (kind, begins) in [
        ("scenario", &["name:"][..]),
        ("thresholds", &["mode:", "limits:", "regression:"]),
    ] {
        let shipped = gates
            .iter()
            .map(|gate| std::fs::read_to_string(gate.join(format!("{kind}.yml"))).unwrap());
        let texts: Vec<String> = shipped.chain(documented(begins)).collect();
        assert!(texts.len() > gates.len(), "the book shows some as well");
        let instances: Vec<Value> = texts.iter().map(|text| yaml(text)).collect();
        for (text, fault) in texts.iter().zip(judged(kind, &instances)) {
            assert_eq!(fault, None, "{text}");
        }
    }
}

/// A text, and whether it is a good one.
type Sample = (&'static str, bool);

const SCENARIO: &str =
    "name: a\nuser_classes: [{ name: u, tasks: [{ steps: [STEP] }] }]\nload: [PHASE]\n";
const PHASE: &str = "{ phase: p, users: 1, for: 1s }";

const STEPS: [Sample; 24] = [
    ("{ get: / }", true),
    (
        "{ post: /a, json: { b: [1, null] }, expect: { status: [200, 201], json: { $.a: { exists: true } } } }",
        true,
    ),
    (
        "{ get: /a, expect: { header: { a: { contains: b } }, body: [a, b] }, capture: { c: $.d, e: header:x }, timeout: 1s }",
        true,
    ),
    ("{ think: 1s..2s }, { get: / }", true),
    (
        "{ get: /, query: { a: 1 }, headers: { X-A: b }, redirects: 3, when: \"{{ 1 == 1 }}\" }",
        true,
    ),
    ("{ put: /, form: { a: [b, 2] } }", true),
    ("{ get: /, post: / }", false),
    ("{ name: a }", false),
    ("{ got: / }", false),
    ("{ get: /, name: \"a {{ b }}\" }", false),
    ("{ get: /, name: overall }", false),
    ("{ get: /, json: {}, raw: a }", false),
    ("{ get: /, timeout: 5 }", false),
    ("{ get: /, timeout: 5 parsecs }", false),
    ("{ get: /, redirects: 21 }", false),
    ("{ get: /, expect: {} }", false),
    ("{ get: /, expect: { status: 20 } }", false),
    ("{ get: /, expect: { stat: 200 } }", false),
    (
        "{ get: /, expect: { header: { a: { contains: b, exists: true } } } }",
        false,
    ),
    ("{ get: /, capture: { c: d } }", false),
    ("{ get: /, headers: { \"a b\": c } }", false),
    ("{ get: /, headers: { Content-Length: 3 } }", false),
    ("{ think: 1s, name: a }, { get: / }", false),
    ("{ get: / }, 7", false),
];

const PHASES: [Sample; 18] = [
    ("{ phase: p, users: 0..20, for: 1.5m }", true),
    (
        "{ phase: p, arrivals: 5/s..50/m, for: 1s, spacing: poisson, max_users: 10, measure: true }",
        true,
    ),
    (
        "{ repeat: 3, phases: [{ phase: p, users: 5, for: 1s }, { phase: i, users: 0, for: 1s }] }",
        true,
    ),
    ("{ phase: p, users: 1 }", false),
    ("{ users: 1, for: 1s }", false),
    ("{ phase: p, for: 1s }", false),
    ("{ phase: p, users: 1, arrivals: 1/s, for: 1s }", false),
    ("{ phase: p, users: 1, for: 1s, spacing: even }", false),
    ("{ phase: p, arrivals: 1/s, for: 1s, spacing: odd }", false),
    ("{ phase: p, arrivals: 5, for: 1s }", false),
    ("{ phase: p, users: -1, for: 1s }", false),
    ("{ phase: p, users: many, for: 1s }", false),
    ("{ phase: all, users: 1, for: 1s }", false),
    ("{ phase: p, users: 1, for: 10 }", false),
    ("{ phase: p, users: 1, for: 1s, measure: maybe }", false),
    ("{ phase: p, users: 1, for: 1s, during: 2s }", false),
    (
        "{ repeat: 0, phases: [{ phase: p, users: 5, for: 1s }] }",
        false,
    ),
    ("{ repeat: 2, phases: [] }", false),
];

const REST: [Sample; 12] = [
    ("target: https://a.example/b\n", true),
    ("variables: { a: 1, b: [c] }\n", true),
    (
        "defaults: { timeout: 1s, http: \"2\", cookies: true }\n",
        true,
    ),
    ("environments: { s: { target: https://a.example } }\n", true),
    (
        "cold_start: { header: x-cold-start, equals: \"true\" }\n",
        true,
    ),
    ("target: a.example\n", false),
    ("target: https://a.example?b=c\n", false),
    ("defaults: { http: \"3\" }\n", false),
    ("defaults: { time_out: 1s }\n", false),
    ("cold_start: { header: x-cold-start }\n", false),
    ("environments: { s: { url: https://a.example } }\n", false),
    ("user_class: []\n", false),
];

const THRESHOLDS: [Sample; 30] = [
    ("", true),
    ("mode: observe\n", true),
    (
        "limits: { overall: { p95: 1s, error_rate: off, requests_per_second: 0.5 } }\n",
        true,
    ),
    (
        "limits: { errors: { 429: 2%, 5xx: 0%, timeout: 1% }, phases: { p: { p50: 1ms } } }\n",
        true,
    ),
    (
        "limits: { requests: { GET /: { p99: 1s, phases: { p: { p99: 2s } } } }, warn: { overall: { p99: 500ms } } }\n",
        true,
    ),
    (
        "regression: { gate: [p95], tolerance: 4%, must_detect: { duet: 25% }, requests: { GET /: off } }\n",
        true,
    ),
    (
        "regression: { gate: [], missing_baseline: fail, precision: high, floor: 1ms }\n",
        true,
    ),
    (
        "regression: { accepted: [{ request: GET /, metric: p95, up_to: 40%, until: 2027-01-31, reason: why }] }\n",
        true,
    ),
    ("abort: { error_rate: 50%, after: 5s }\n", true),
    ("mode: off\n", false),
    ("limit: {}\n", false),
    ("limits: { overall: { p95: 100 } }\n", false),
    ("limits: { overall: { p95: 0ms } }\n", false),
    ("limits: { overall: { p96: 1s } }\n", false),
    ("limits: { overall: { error_rate: 1 } }\n", false),
    ("limits: { overall: { requests_per_second: 0 } }\n", false),
    ("limits: { overall: { p95: off } }\n", false),
    ("limits: { errors: { 6xx: 1% } }\n", false),
    ("limits: { errors: { teapot: 1% } }\n", false),
    ("limits: { warn: { warn: {} } }\n", false),
    ("regression: { gate: [p96] }\n", false),
    ("regression: { gate: [p95, p95] }\n", false),
    ("regression: { tolerance: 5 }\n", false),
    ("regression: { requests: { GET /: on } }\n", false),
    ("regression: { requests: { GET /: {} } }\n", false),
    ("regression: { must_detect: { single: 5% } }\n", false),
    ("regression: { missing_baseline: ignore }\n", false),
    (
        "regression: { accepted: [{ request: GET /, metric: p95, up_to: 40%, reason: why }] }\n",
        false,
    ),
    (
        "regression: { accepted: [{ request: GET /, metric: p95, up_to: 40%, until: soon, reason: why }] }\n",
        false,
    ),
    ("abort: { after: 5s }\n", false),
];

/// Holds that loadgate itself and the schema say the same of each text, which is what is written here.
fn agree(kind: &str, samples: &[(String, bool)]) {
    let instances: Vec<Value> = samples.iter().map(|(text, _)| yaml(text)).collect();
    for ((text, is_good), fault) in samples.iter().zip(judged(kind, &instances)) {
        let gate = gate("").with_scenario(
            &SCENARIO
                .replace("STEP", "{ get: / }")
                .replace("PHASE", PHASE),
        );
        gate.write(&format!("{kind}.yml"), text);
        let ran = gate.command("validate", &["--target", "http://127.0.0.1:1"]);
        let is_refused = ran.stderr.contains(&format!("{kind}.yml:"));
        assert_eq!(!is_refused, *is_good, "loadgate, of {text}: {}", ran.stderr);
        assert_eq!(
            fault.is_none(),
            *is_good,
            "the schema, of {text}: {fault:?}"
        );
    }
}

#[test]
fn of_scenarios_loadgate_and_its_schema_say_the_same() {
    let filled = |step: &str, phase: &str| SCENARIO.replace("STEP", step).replace("PHASE", phase);
    let steps = STEPS.map(|(step, is_good)| (filled(step, PHASE), is_good));
    let phases = PHASES.map(|(phase, is_good)| (filled("{ get: / }", phase), is_good));
    let rest = REST.map(|(line, is_good)| (filled("{ get: / }", PHASE) + line, is_good));
    agree("scenario", &[&steps[..], &phases, &rest].concat());
}

#[test]
fn of_thresholds_loadgate_and_its_schema_say_the_same() {
    let samples = THRESHOLDS.map(|(text, is_good)| (text.to_owned(), is_good));
    agree("thresholds", &samples);
}

/// Every place of a value that is a map's, as a JSON pointer.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                found.push(at.clone());
                places(value, &at, found);
            }
        }
        // What stands in a list is alike.
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate().take(1) {
                places(value, &format!("{at}/{index}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The value with something else at a place, or without the place.
fn changed(value: &Value, place: &str, other: Option<Value>) -> Value {
    let mut value = value.clone();
    if let Some(other) = other {
        *value.pointer_mut(place).unwrap() = other;
    } else {
        let (parent, key) = place.rsplit_once('/').unwrap();
        let key = key.replace("~1", "/").replace("~0", "~");
        let parent = value.pointer_mut(parent).unwrap();
        parent.as_object_mut().unwrap().remove(&key);
    }
    value
}

/// Takes a stored file apart, place by place: wherever the schema refuses what is left, loadgate does, and the other way round
/// but for what only the whole tells, such as sums.
fn taken_apart(kind: &str, whole: &Value, reads: impl Fn(&Value) -> Result<(), String>) {
    assert_eq!(judged(kind, std::slice::from_ref(whole)), [None]);
    let mut found = Vec::new();
    places(whole, "", &mut found);
    let wrong = |place: &String| {
        let without = changed(whole, place, None);
        [without, changed(whole, place, Some(json!([["wrong"]])))]
    };
    let all: Vec<Value> = found.iter().flat_map(wrong).collect();
    let faults = judged(kind, &all);
    assert!(faults.iter().filter(|fault| fault.is_some()).count() > found.len() / 2);
    for (index, (instance, fault)) in all.iter().zip(&faults).enumerate() {
        let place = &found[index / 2];
        match (reads(instance), fault) {
            (Ok(()), Some(fault)) => {
                panic!("loadgate reads it and the schema says of {place}: {fault}")
            }
            (Err(error), None)
                if error.contains("missing field") || error.contains("invalid type") =>
            {
                panic!("the schema takes it and loadgate says of {place}: {error}")
            }
            _ => {}
        }
    }
}

#[test]
fn loadgate_and_its_schema_agree_on_results_and_baselines() {
    let gate = gate("");
    gate.run(&Server::fast().url(), &["--record"]).exits(0);
    let result: Value = serde_json::from_str(&gate.written("result.json")).unwrap();
    taken_apart("result", &result, |value| {
        let read = loadgate::record::RunRecord::from_json("r", &value.to_string());
        read.map(|_| ()).map_err(|error| error.to_string())
    });
    let baseline: Value = serde_json::from_str(&gate.read("baseline.json")).unwrap();
    taken_apart("baseline", &baseline, |value| {
        let read = serde_json::from_value::<loadgate::baseline::Baseline>(value.clone());
        read.map(|_| ()).map_err(|error| error.to_string())
    });
}
