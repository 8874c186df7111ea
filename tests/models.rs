//! How much load there is, and when: users, arrivals, repeats, and the end.

use std::time::Duration;

use serde_json::Value;

use crate::support::{Gate, Server, gate};

const LENIENT: &str = "limits: { overall: { error_rate: off, unavailable: off } }\nregression: { gate: [error_rate] }";

fn result(gate: &Gate) -> Value {
    serde_json::from_str(&gate.written("result.json")).unwrap()
}

/// Requests due in each phase.
fn requests_by_phase(result: &Value) -> Vec<u64> {
    let phases = result["phases"].as_array().unwrap().len();
    let mut sums = vec![0; phases];
    for slice in result["slices"].as_array().unwrap() {
        let phase = usize::try_from(slice["phase"].as_u64().unwrap()).unwrap();
        for cell in slice["cells"].as_array().unwrap() {
            sums[phase] += cell["requests"].as_u64().unwrap();
        }
    }
    sums
}

fn users(result: &Value, second: usize) -> u64 {
    result["timeline"][second]["users"].as_u64().unwrap()
}

const READER: &str =
    "user_classes: [{ name: a, wait: 50ms, tasks: [{ steps: [{ get: /, name: GET / }] }] }]";

#[test]
fn users_come_and_go_along_a_ramp_and_rest_in_an_idle_phase() {
    let scenario = format!(
        "name: phases\n{READER}\nload:\n  - {{ phase: up, users: 0..20, for: 2s }}\n  - {{ phase: rest, users: 0, for: 2s }}\n  - {{ phase: again, users: 5, for: 2s }}\n"
    );
    let gate = gate(LENIENT).with_scenario(&scenario);
    let (_, server) = gate.run_on(Server::fast, &[]);
    let result = result(&gate);
    let [up, rest, again] = requests_by_phase(&result)[..] else {
        panic!("three phases");
    };
    // Ten users on average, then none, then five; each sends at most twenty requests a second.
    assert!((150..=420).contains(&up), "{up}");
    assert_eq!(rest, 0, "nobody sends while the load is idle");
    assert!((70..=205).contains(&again), "{again}");
    assert!((5..=12).contains(&users(&result, 0)) && users(&result, 1) >= 14);
    assert_eq!((users(&result, 3), users(&result, 5)), (0, 5));
    // Nothing came while the load was idle, on the server's clock as well.
    let received = server.received();
    let longest = received
        .windows(2)
        .map(|pair| pair[1].at.duration_since(pair[0].at))
        .max()
        .unwrap();
    assert!(longest > Duration::from_secs(1), "{longest:?}");
}

#[test]
fn repeats_pool_their_passes_under_one_name() {
    let scenario = format!(
        "name: bursts\n{READER}\nload:\n  - repeat: 3\n    phases:\n      - {{ phase: burst, users: 10, for: 1s }}\n      - {{ phase: idle, users: 0, for: 0.5s }}\n"
    );
    let gate = gate(LENIENT).with_scenario(&scenario);
    gate.run(&Server::fast().url(), &[]);
    let result = result(&gate);
    let names: Vec<&str> = result["phases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|phase| phase["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["burst", "idle"]);
    let mut passes: Vec<u64> = result["slices"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|slice| slice["phase"] == 0)
        .map(|slice| slice["pass"].as_u64().unwrap())
        .collect();
    passes.dedup();
    assert_eq!(passes, [0, 1, 2]);
    let [burst, idle] = requests_by_phase(&result)[..] else {
        panic!("two phases");
    };
    assert!((200..=620).contains(&burst), "{burst}");
    assert_eq!(idle, 0);
}

#[test]
fn classes_share_the_users_by_weight() {
    let scenario = "name: classes
user_classes:
  - { name: many, weight: 3, wait: 50ms, tasks: [{ steps: [{ get: /many }] }] }
  - { name: few, weight: 1, wait: 50ms, tasks: [{ steps: [{ get: /few }] }] }
load: [{ phase: warm, users: 20, for: 1s }]
";
    let gate = gate(LENIENT).with_scenario(scenario);
    let (_, server) = gate.run_on(Server::fast, &[]);
    let users = |path: &str| {
        let received = server.received();
        let own = received
            .iter()
            .filter(|it| it.path == path && it.connection > 1);
        let users: std::collections::BTreeSet<u64> = own.map(|it| it.connection).collect();
        users.len()
    };
    assert_eq!((users("/many"), users("/few")), (15, 5));
}

#[test]
fn arrivals_keep_their_rate_whatever_the_answers_take() {
    let scenario = |spacing: &str| {
        format!(
            "name: arrivals\nuser_classes: [{{ name: a, tasks: [{{ steps: [{{ get: / }}] }}] }}]\nload: [{{ phase: peak, arrivals: 100/s..300/s, spacing: {spacing}, for: 2s }}]\n"
        )
    };
    for (spacing, bounds) in [("even", 400..=400), ("poisson", 320..=480)] {
        let gate = gate(LENIENT).with_scenario(&scenario(spacing));
        let server = Server::taking(Duration::from_millis(80));
        gate.run(&server.url(), &[]);
        let sent = requests_by_phase(&result(&gate))[0];
        assert!(bounds.contains(&sent), "{spacing}: {sent}");
    }
}

/// The parts of the only request, in the phase of this index.
fn quantile(result: &Value, phase: u64, metric: &str) -> f64 {
    // The last slice's figures are of no matter here: the quantiles of the slowest slice say enough.
    let slices = result["slices"].as_array().unwrap();
    let own = slices.iter().filter(|slice| slice["phase"] == phase);
    let values = own.filter_map(|slice| slice["cells"][0]["quantiles_ms"][metric].as_f64());
    values.fold(0.0, f64::max)
}

#[test]
fn an_arrival_without_an_idle_user_waits_and_the_wait_counts() {
    // Two users of 50 ms each serve 40 arrivals a second; 80 come.
    let scenario = "name: queue\nuser_classes: [{ name: a, tasks: [{ steps: [{ get: / }] }] }]\nload: [{ phase: peak, arrivals: 80/s, max_users: 2, for: 2s }]\n";
    let gate = gate(LENIENT).with_scenario(scenario);
    let (_, server) = gate.run_on(|| Server::taking(Duration::from_millis(50)), &[]);
    let result = result(&gate);
    assert_eq!(requests_by_phase(&result), [160], "none is dropped");
    // The last arrival waits for the 80 that are served late: two seconds.
    let slowest = quantile(&result, 0, "p99");
    assert!((1_700.0..8_000.0).contains(&slowest), "{slowest}");
    let connections = server.received().iter().map(|it| it.connection).max();
    assert_eq!(connections, Some(2), "the unrecorded user's, and two");
    assert!(result["parts"][0]["parts"]["queue"].is_string());
}

#[test]
fn an_unfinished_request_is_a_failure_with_the_time_passed() {
    let scenario = "name: drain\ndefaults: { timeout: 1s }\nuser_classes: [{ name: a, tasks: [{ steps: [{ get: / }, { get: /b }] }] }]\nload: [{ phase: peak, arrivals: 20/s, max_users: 3, for: 1s }]\n";
    let gate = gate(LENIENT).with_scenario(scenario);
    let server = Server::start(|request| {
        // The unrecorded user is answered at once.
        if request.number > 1 {
            std::thread::sleep(Duration::from_secs(20));
        }
        (200, String::new())
    });
    gate.run(&server.url(), &[]);
    let result = result(&gate);
    let lasted = result["run"]["duration_s"].as_f64().unwrap();
    assert!(lasted < 15.0, "the drain is bounded: {lasted}");
    let mut kinds = std::collections::BTreeMap::new();
    for slice in result["slices"].as_array().unwrap() {
        for cell in slice["cells"].as_array().unwrap() {
            for (kind, count) in cell["cell"]["errors"].as_object().unwrap() {
                *kinds.entry(kind.clone()).or_insert(0) += count.as_u64().unwrap();
            }
        }
    }
    // Three users are busy for a second and time out; whoever queued to the end was never served.
    assert!(kinds["timeout"] >= 3, "{kinds:?}");
    assert!(kinds["unserved"] >= 8, "{kinds:?}");
    let sent: u64 = kinds
        .iter()
        .filter(|(kind, _)| *kind != "unserved")
        .map(|(_, n)| n)
        .sum();
    assert_eq!(
        server.received().len() as u64,
        sent + 2,
        "the unrecorded user asks for each once: {kinds:?}"
    );
    assert!(
        gate.written("summary.md")
            .contains(&format!("{sent} requests in "))
    );
    let metrics = gate.written("metrics.txt");
    let total = format!("loadgate_requests_total{{request=\"overall\",phase=\"all\"}} {sent}\n");
    assert!(metrics.contains(&total), "{total}: {metrics}");
    assert!(quantile(&result, 0, "p99") > 900.0);
}

#[test]
fn a_timeout_is_told_from_a_refusal_and_the_run_goes_on() {
    let scenario = "name: faults\ndefaults: { timeout: 200ms }\nuser_classes: [{ name: a, wait: 20ms, tasks: [{ steps: [{ get: / }] }] }]\nload: [{ phase: warm, users: 3, for: 2s }]\n";
    let gate = gate(LENIENT).with_scenario(scenario);
    let server = Server::start(|request| {
        if request.number > 0 && request.number % 5 == 0 {
            std::thread::sleep(Duration::from_millis(500));
        }
        (200, String::new())
    });
    gate.run(&server.url(), &[]);
    let metrics = gate.written("metrics.txt");
    assert!(metrics.contains("kind=\"timeout\""), "{metrics}");
    let sent = requests_by_phase(&result(&gate))[0];
    assert!(sent > 15, "{sent}");
}
