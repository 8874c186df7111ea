//! Pages in a real browser: nothing is asked for, nothing is complained of, every point is there, everything can be reached.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::support::{
    EXPIRING, Gate, NOWHERE, Ran, Server, StandIn, eventually, gate, load_slot, signal,
};

/// Enough requests for P95 to be judged.
const BUSY: &str = "name: sample\nuser_classes: [{ name: a, tasks: [{ steps: [{ get: / }] }] }]\n\
                    load: [{ phase: warm, users: 20, for: 3s }]\n";

/// A page in its own folder with the record that it is told from, and the baseline where there is one.
fn keep(pages: &Path, name: &str, gate: &Gate) -> PathBuf {
    let folder = pages.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    for file in ["report.html", "result.json"] {
        std::fs::write(folder.join(file), gate.written(file)).unwrap();
    }
    if let Ok(baseline) = std::fs::read(gate.folder().join("baseline.json")) {
        std::fs::write(folder.join("baseline.json"), baseline).unwrap();
    }
    folder
}

/// Runs that passed, failed, could not tell, and what they are held against.
fn judged(pages: &Path) {
    let [quick, usual, slow] =
        [5, 8, 18].map(|millis| Server::taking(Duration::from_millis(millis)));
    let gate = gate("limits: { overall: { p95: 800ms } }").with_scenario(BUSY);
    gate.run(&quick.url(), &["--record"]).exits(0);
    gate.run(&quick.url(), &[]).exits(0);
    keep(pages, "passed", &gate);
    gate.run(&slow.url(), &[]).exits(1);
    keep(pages, "failed", &gate);
    // Jobs that lie so far apart say little of a run between them.
    let result = gate.out().join("result.json");
    gate.command("record", &["--accept", result.to_str().unwrap()])
        .exits(0);
    gate.run(&usual.url(), &["--strict"]).exits(4);
    keep(pages, "inconclusive", &gate);
}

fn interrupted(pages: &Path) {
    let gate = gate("").with_scenario(&crate::support::SCENARIO.replace("for: 1s", "for: 120s"));
    let server = Server::fast();
    let _slot = load_slot();
    let run = gate.start(&server.url());
    eventually("the load is on", || server.received().len() > 2000);
    signal(&run, Signal::INT);
    Ran::new(&run.wait_with_output().unwrap()).exits(130);
    keep(pages, "interrupted", &gate);
}

/// Runs whose names are many, few or hostile, and one in which nothing happened.
fn named(pages: &Path) {
    let server = Server::taking(Duration::from_millis(3));
    let gate = gate("");
    gate.run(&server.url(), &[]).exits(0);
    keep(pages, "one-name", &gate);
    let mut result: serde_json::Value = serde_json::from_str(&gate.written("result.json")).unwrap();
    for list in ["slices", "parts", "timeline"] {
        result[list] = serde_json::json!([]);
    }
    let file = gate.home().join("empty.json");
    std::fs::write(&file, result.to_string()).unwrap();
    gate.command("judge", &[file.to_str().unwrap()]).exits(3);
    let folder = keep(pages, "empty", &gate);
    std::fs::copy(file, folder.join("result.json")).unwrap();

    let step = |n: u32| {
        format!("{{ get: /items/{n}, name: \"GET /catalog/{n}/of/a/path/that/goes/on/and/on\" }}")
    };
    let steps: Vec<String> = (0..20).map(step).collect();
    let load = "load: [{ phase: warm-up, users: 0..9, for: 1s, measure: false }, { phase: warm, users: 9, for: 2s }, \
                { repeat: 2, phases: [{ phase: burst, users: 20, for: 1s }, { phase: idle, users: 0, for: 1s }] }]\n";
    let twenty = format!(
        "name: twenty\nuser_classes: [{{ name: a, tasks: [{{ steps: [{}] }}] }}]\n{load}",
        steps.join(", ")
    );
    gate.write("scenario.yml", &twenty);
    gate.run(&server.url(), &[]).exits(0);
    keep(pages, "twenty-names", &gate);

    let hostile = r#""</script><script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)> \u202e\u200f ' \" & أمر""#;
    let steps = format!(
        "[{{ get: /a, name: {hostile} }}, {{ get: /b, name: \"{}\" }}]",
        "long ".repeat(199)
    );
    let scenario = format!(
        "name: \"<b>gate</b>\"\nuser_classes: [{{ name: a, tasks: [{{ steps: {steps} }}] }}]\nload: [{{ phase: \"<i>warm</i>\", users: 4, for: 1s }}]\n"
    );
    gate.write("scenario.yml", &scenario);
    gate.write("thresholds.yml", "limits: { overall: { p50: 1us } }");
    gate.run(&server.url(), &[]).exits(1);
    keep(pages, "hostile-names", &gate);
}

fn duet(pages: &Path) {
    let [base, target] = [5, 9].map(|millis| Server::taking(Duration::from_millis(millis)));
    // P99 would be drawn by groups of pairs.
    let promises = "regression: { gate: [p95, error_rate] }\n";
    let gate = gate(promises).with_scenario(BUSY);
    let base = base.url();
    // On a busy machine pairs are dropped; the page tells of those that are kept.
    let quick = ["--slice", "0.5s", "--pairs", "8", "--guard", "0.1s"];
    gate.run(&target.url(), &[&["--against", &base][..], &quick].concat());
    keep(pages, "duet", &gate);
}

/// Two bursts on a target that says which of its answers come from a cold start.
fn cold_starts(pages: &Path) {
    let scenario = "name: bursts\nuser_classes: [{ name: a, wait: 50ms, tasks: [{ steps: [\
                    { get: /prod/catalog/items, query: { limit: 1 }, name: GET /catalog/items }, \
                    { get: /prod/catalog/items/SKU-10458, name: \"GET /catalog/items/:itemId\" }] }] }]\n\
                    load: [{ phase: warm, users: 5, for: 2s }, { repeat: 2, phases: [\
                    { phase: burst, users: 30, for: 2s }, { phase: idle, users: 0, for: 1.5s }] }]\n\
                    cold_start: { header: x-cold-start, equals: \"true\" }\n";
    let gate = gate("").with_scenario(scenario);
    let target = StandIn::start(gate.home(), &EXPIRING);
    gate.run(&target.url, &[]);
    keep(pages, "cold-starts", &gate);
}

/// A run whose three seconds lie in two minutes of CloudWatch.
fn beside_aws(pages: &Path) {
    let series = |metric: &str, statistic: &str, values: [f64; 2]| {
        json!({
            "resource": "list-items",
            "metric": metric,
            "statistic": statistic,
            "points": [[-58.4, values[0]], [1.6, values[1]]],
        })
    };
    let server = Server::taking(Duration::from_millis(3));
    let gate = gate("").with_scenario(BUSY);
    gate.run(&server.url(), &[]).exits(0);
    let mut result = gate.result();
    result["aws"] = json!({
        "services": { "functions": [{ "name": "list-items" }], "front": "function_url", "tables": [], "databases": [] },
        "figures": { "region": "us-east-1", "series": [
            series("Invocations", "Sum", [2_900.0, 2_400.0]),
            series("Throttles", "Sum", [0.0, 0.0]),
            series("Duration", "p50", [2.1, 2.2]),
            series("Duration", "p95", [4.4, 7.9]),
            series("Duration", "Maximum", [31.0, 8.6]),
        ] },
    });
    let file = gate.out().join("result.json");
    std::fs::write(&file, result.to_string()).unwrap();
    let paths = [&file, &gate.out()].map(|path| path.to_str().unwrap().to_owned());
    gate.command("judge", &[&paths[0], "--out", &paths[1]])
        .exits(0);
    keep(pages, "beside-aws", &gate);
}

#[test]
fn pages_hold_in_a_real_browser() {
    let home = tempfile::tempdir().unwrap();
    let pages = home.path();
    judged(pages);
    interrupted(pages);
    named(pages);
    duet(pages);
    cold_starts(pages);
    beside_aws(pages);
    let gate = gate("");
    gate.run(NOWHERE, &[]).exits(3);
    keep(pages, "invalid", &gate);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let seen = Command::new("node")
        .arg(root.join("tests/outside/pages/look.mjs"))
        .arg(pages)
        .env("NODE_PATH", root.join("target/outside/node_modules"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&seen.stdout);
    assert!(
        seen.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&seen.stderr)
    );
    assert!(said.contains("12 pages, 0 wrong"), "{said}");
}
