//! Two versions loaded at once in one job: what each of them receives.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Gate, NOWHERE, Ran, Received, Server, StandIn, gate, load_slot};

/// 12 pairs of half a second: a steady phase of 6 s.
const SHORT: [&str; 5] = ["--slice", "0.25s", "--pairs", "12", "--interleave"];

const NO_PROMISES: &str = "limits: { overall: { error_rate: off } }\nregression: { gate: [] }\n";

/// A mixed run against two servers, with its result.
fn run(gate: &Gate, target: &Server, base: &Server) -> (Ran, Value) {
    let base = base.url();
    let arguments = [&["--against", &base][..], &SHORT, &["mixed"]].concat();
    let ran = gate.run(&target.url(), &arguments);
    assert_eq!(gate.result()["run"]["ended"], "completed", "{ran:?}");
    (ran, gate.result())
}

/// Requests by path, without those of the unrecorded users that look whether a version responds.
fn by_path(received: &[Received]) -> BTreeMap<&str, usize> {
    let mut paths = BTreeMap::new();
    for request in received {
        *paths.entry(request.path.as_str()).or_default() += 1;
    }
    paths
}

/// The cells of an arm, over all slices of the result.
fn cells<'r>(result: &'r Value, arm: &str) -> impl Iterator<Item = &'r Value> {
    let slices = result["slices"].as_array().unwrap().iter();
    slices
        .filter(move |slice| slice["arm"] == arm)
        .flat_map(|slice| slice["cells"].as_array().unwrap())
}

/// Requests of an arm by name.
fn recorded(result: &Value, arm: &str) -> BTreeMap<String, u64> {
    let names: Vec<&str> = result["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    let mut counts = BTreeMap::new();
    for cell in cells(result, arm) {
        let number = |key: &str| cell[key].as_u64().unwrap();
        let name = names[usize::try_from(number("request")).unwrap()];
        *counts.entry(name.to_owned()).or_default() += number("requests");
    }
    counts
}

/// Failed requests of an arm.
fn failures(result: &Value, arm: &str) -> u64 {
    cells(result, arm)
        .map(|cell| cell["failures"].as_u64().unwrap())
        .sum()
}

/// Each arrival goes to one version, and of each name both get as many, of the warm-up too.
#[test]
fn arrivals_of_each_name_are_shared_evenly() {
    let scenario = "\
name: shop
user_classes:
  - name: reader
    weight: 3
    tasks:
      - { weight: 5, steps: [{ get: /list }] }
      - { weight: 2, steps: [{ get: /item }] }
  - name: buyer
    tasks:
      - { steps: [{ get: /cart }, { post: /order }] }
load:
  - { phase: warm-up, arrivals: 20/s..150/s, for: 1s, max_users: 40, measure: false }
  - { phase: steady, arrivals: 150/s, for: 60s, max_users: 40, spacing: poisson }
";
    let gate = gate(NO_PROMISES).with_scenario(scenario);
    let (target, base) = (Server::fast(), Server::fast());
    let (_, result) = run(&gate, &target, &base);
    let (target, base) = (target.received(), base.received());
    let (target, base) = (by_path(&target), by_path(&base));
    assert_eq!(target.len(), 4);
    for (path, count) in &target {
        assert!(
            count.abs_diff(base[path]) <= 1,
            "{path}: {count} and {}",
            base[path]
        );
    }
    // The scenario's rate is that of both together: 6 s of 150/s and 85 in the warm-up, less what chance leaves out.
    let steps = target.values().sum::<usize>() + base.values().sum::<usize>();
    let tasks = steps - target["/order"] - base["/order"];
    assert!((800..1200).contains(&tasks), "{tasks}");
    for (arm, received) in [("target", &target), ("base", &base)] {
        for (name, recorded) in recorded(&result, arm) {
            let path = name.split_whitespace().last().unwrap();
            // The unrecorded user sends what comes first.
            assert!(received[path] as u64 - recorded <= 1, "{arm} {name}");
        }
    }
}

#[test]
fn the_record_has_pairs_in_which_both_arms_were_loaded() {
    let scenario = "\
name: pairs
user_classes:
  - { name: reader, tasks: [{ steps: [{ get: /a }] }] }
load:
  - { phase: warm-up, arrivals: 100/s, for: 1s, max_users: 20, measure: false }
  - { phase: steady, arrivals: 100/s, for: 60s, max_users: 20 }
";
    let gate = gate(NO_PROMISES).with_scenario(scenario);
    let (target, base) = (Server::fast(), Server::fast());
    let (ran, result) = run(&gate, &target, &base);
    assert!(
        ran.stderr.contains("mixed with http://127.0.0.1:"),
        "{}",
        ran.stderr
    );
    assert_eq!(result["turns"]["interleaving"], "mixed");
    assert_eq!(result["turns"]["pairs"], 12);
    let number = |slice: &Value, key: &str| slice[key].as_f64().unwrap();
    let slices: Vec<&Value> = result["slices"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|slice| slice["phase"] == 1)
        .collect();
    for pair in 0..12 {
        let of_pair: Vec<_> = slices
            .iter()
            .filter(|slice| slice["pair"] == pair)
            .collect();
        let [one, other] = of_pair[..] else {
            panic!("pair {pair} has {} slices", of_pair.len());
        };
        assert_ne!(one["arm"], other["arm"]);
        assert!((number(one, "start_s") - number(other, "start_s")).abs() < 1e-6);
        assert!((number(one, "length_s") - 0.5).abs() < 1e-6);
        assert!(one["cells"][0]["requests"].as_u64().unwrap().abs_diff(25) <= 13);
    }
    let summary = gate.written("summary.md");
    assert!(summary.contains("--interleave mixed"), "{summary}");
}

/// A user of the closed model has a session in each version, one login each, and goes through a task in one of them.
#[test]
fn a_user_has_a_session_in_each_arm_and_a_task_stays_in_one() {
    let scenario = "\
name: sessions
user_classes:
  - name: member
    wait: 5ms..15ms
    cookies: true
    on_start: [{ post: /login, capture: { token: $.token } }]
    tasks:
      - weight: 2
        steps:
          - { get: \"/begin/{{ token }}\", name: GET /begin, capture: { flow: $.token } }
          - { think: 3ms }
          - { get: \"/end/{{ token }}/{{ flow }}\", name: GET /end }
      - steps: [{ get: \"/read/{{ token }}\", name: GET /read }]
load:
  - { phase: steady, users: 6, for: 60s }
";
    let gate = gate(NO_PROMISES).with_scenario(scenario);
    let server = |name: &'static str| {
        Server::start(move |request| {
            let token = format!("{name}{}", request.connection);
            let flow = format!("{token}-{}", request.number);
            let known = ["/begin/", "/read/"].map(|path| format!("{path}{token}"));
            match request.path.as_str() {
                "/login" => (200, format!("{{\"token\":\"{token}\"}}")),
                path if known.iter().any(|known| known == path) => {
                    (200, format!("{{\"token\":\"{flow}\"}}"))
                }
                path if path.starts_with(&format!("/end/{token}/{token}-")) => {
                    (200, "{}".to_owned())
                }
                _ => (404, String::new()),
            }
        })
    };
    let (target, base) = (server("t"), server("b"));
    let (_, result) = run(&gate, &target, &base);
    let received = [target.received(), base.received()];
    let mut passes: Vec<BTreeMap<u64, usize>> = Vec::new();
    for received in &received {
        let of = |start: &'static str| {
            received
                .iter()
                .filter(move |request| request.path.starts_with(start))
        };
        // The unrecorded user's, and six: each has one connection and one login.
        assert_eq!(of("/login").count(), 7);
        assert_eq!(
            received.iter().map(|request| request.connection).max(),
            Some(6)
        );
        // Every request came on the connection of its session, and each flow ended where it began.
        let begun = of("/begin").count();
        assert!(
            begun > 20 && begun.abs_diff(of("/end").count()) <= 7,
            "{begun}"
        );
        let mut by_user = BTreeMap::new();
        for request in received
            .iter()
            .filter(|request| !request.path.starts_with("/end") && request.connection > 0)
        {
            *by_user.entry(request.connection).or_default() += 1;
        }
        passes.push(by_user);
    }
    for arm in ["target", "base"] {
        assert_eq!(failures(&result, arm), 0, "{arm}");
    }
    // Connections are numbered as users come, which need not be the same in both: together they have had as many passes.
    let sums: Vec<usize> = passes
        .iter()
        .map(|by_user| by_user.values().sum())
        .collect();
    assert!(sums[0].abs_diff(sums[1]) <= 6, "{passes:?}");
    let most = passes.iter().flat_map(BTreeMap::values).max().unwrap();
    let least = passes.iter().flat_map(BTreeMap::values).min().unwrap();
    assert!(*least * 3 > *most, "{passes:?}");
}

/// Bursts come at both versions at once, each with half of them, in twice as many passes.
#[test]
fn a_burst_is_shared_by_both_arms() {
    let scenario = "\
name: bursts
user_classes:
  - { name: reader, tasks: [{ steps: [{ get: /a }] }] }
load:
  - repeat: 5
    phases:
      - { phase: calm, arrivals: 20/s, for: 200ms, max_users: 4 }
      - { phase: burst, arrivals: 200/s, for: 200ms, max_users: 20 }
";
    let gate = gate(NO_PROMISES).with_scenario(scenario);
    let (target, base) = (Server::fast(), Server::fast());
    let (_, result) = run(&gate, &target, &base);
    assert_eq!(result["phases"][1]["passes"], 10);
    let sums = ["target", "base"].map(|arm| recorded(&result, arm)["GET /a"]);
    assert_eq!(sums[0] + sums[1], 10 * (4 + 40));
    assert!(sums[0].abs_diff(sums[1]) <= 1, "{sums:?}");
}

/// A version that does not respond holds up its own arrivals alone: each version has users of its own.
#[test]
fn a_version_that_hangs_holds_up_its_own_requests_alone() {
    let scenario = "\
name: hang
defaults: { timeout: 1s }
user_classes:
  - { name: reader, tasks: [{ steps: [{ get: /a }] }] }
load:
  - { phase: steady, arrivals: 40/s, for: 60s, max_users: 4 }
";
    let gate = gate(NO_PROMISES).with_scenario(scenario);
    let hang = Duration::from_millis(1500);
    let target = Server::start(move |request| {
        if request.number > 20 {
            std::thread::sleep(hang);
        }
        (200, "{}".to_owned())
    });
    let base = Server::fast();
    let (_, result) = run(&gate, &target, &base);
    let sums = ["target", "base"].map(|arm| recorded(&result, arm)["GET /a"]);
    // What no user was free for is counted as well: nothing that arrived is left out.
    assert_eq!(sums[0] + sums[1], 240);
    assert!(sums[0].abs_diff(sums[1]) <= 1, "{sums:?}");
    let failed = failures(&result, "target");
    assert!(failed > 60, "{failed}");
    assert_eq!(failures(&result, "base"), 0);
}

/// In both models, and with users that go on where they were.
#[test]
fn a_result_that_is_not_clear_takes_every_look() {
    let promises = "limits: { overall: { error_rate: off } }\n\
                    regression: { gate: [p50], must_detect: 6% }\n";
    // Latencies from 2 to 200 ms, so that no median is certain.
    let uneven = || {
        Server::start(|request| {
            let hash = request.number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
            let level = hash as f64 / f64::from(u32::MAX);
            std::thread::sleep(Duration::from_secs_f64(0.002 * 100.0_f64.powf(level)));
            (200, "{}".to_owned())
        })
    };
    for (load, requests) in [
        ("arrivals: 200/s, max_users: 100", Some(1500)),
        ("users: 20", None),
    ] {
        let scenario = format!(
            "name: looks\nuser_classes:\n  - {{ name: reader, wait: 10ms, tasks: [{{ steps: [{{ get: /a }}] }}] }}\n\
             load: [{{ phase: steady, {load}, for: 60s }}]\n"
        );
        let gate = gate(promises).with_scenario(&scenario);
        let (target, base) = (uneven(), uneven());
        let base_url = base.url();
        let arguments = [
            &["--against", &base_url, "--slice", "0.25s", "--pairs", "15"][..],
            &["--interleave", "mixed"],
        ]
        .concat();
        gate.run(&target.url(), &arguments);
        let result = gate.result();
        assert_eq!(result["turns"]["look"], 3, "{load}");
        let slices = result["slices"].as_array().unwrap().iter();
        let pairs = slices.filter_map(|slice| slice["pair"].as_u64()).max();
        assert_eq!(pairs, Some(14), "{load}");
        let received = [target.received().len(), base.received().len()];
        assert!(received[0].abs_diff(received[1]) <= 20, "{received:?}");
        if let Some(requests) = requests {
            // All three looks, and two unrecorded users.
            assert_eq!(received[0] + received[1], 2 + requests);
        }
    }
}

/// A load whose duet has a clear result long before its end if the target takes 400 ms.
const CLEAR: &str = "\
name: clear
user_classes:
  - { name: reader, tasks: [{ steps: [{ get: /a }] }] }
load:
  - { phase: steady, arrivals: 200/s, for: 60s, max_users: 100 }
";

#[test]
fn a_clear_result_ends_a_duet_early_unless_told_otherwise() {
    let gate = gate("regression: { gate: [p95] }\n").with_scenario(CLEAR);
    let (target, base) = (Server::taking(Duration::from_millis(400)), Server::fast());
    let base_url = base.url();
    let run = |more: &[&str]| {
        let arguments = ["--against", &base_url, "--slice", "0.25s", "--pairs", "15"];
        let arguments = [&arguments[..], &["--interleave", "mixed"], more].concat();
        gate.run(&target.url(), &arguments).exits(1);
        let turns = &gate.result()["turns"];
        (
            turns["looks"].as_u64(),
            turns["look"].as_u64(),
            target.received().len(),
        )
    };
    // Each time one request of an unrecorded user, and half of 200 arrivals per second: for a third of 7.5 s, then for all.
    assert_eq!(run(&[]), (Some(3), Some(1), 1 + 250));
    assert!(gate.written("summary.md").contains("ended early"));
    assert_eq!(
        run(&["--no-early-stop"]),
        (Some(1), None, 1 + 250 + 1 + 750)
    );
}

#[test]
fn limits_of_aws_leave_a_clear_duet_its_early_end() {
    let scenario = format!("{CLEAR}aws: {{ region: us-east-1, functions: orders, wait: 0s }}\n");
    let thresholds = "limits: { aws: { throttles: 0 } }\nregression: { gate: [p95] }\n";
    let gate = gate(thresholds).with_scenario(&scenario);
    let (target, base) = (Server::taking(Duration::from_millis(400)), Server::fast());
    let arguments = ["--slice", "0.25s", "--pairs", "15", "--interleave", "mixed"];
    let against = ["--against", &base.url()];
    gate.run(&target.url(), &[&against[..], &arguments].concat());
    assert_eq!(gate.result()["turns"]["look"], 1);
}

/// What is due at the end still ends, on both versions.
#[test]
fn nothing_that_was_due_at_the_end_is_lost() {
    let scenario = "\
name: late
user_classes:
  - { name: reader, tasks: [{ steps: [{ get: /a }] }] }
load:
  - { phase: steady, arrivals: 40/s, for: 60s, max_users: 60 }
";
    let gate = gate(NO_PROMISES).with_scenario(scenario);
    let slow = || Server::taking(Duration::from_millis(600));
    let (target, base) = (slow(), slow());
    let (_, result) = run(&gate, &target, &base);
    for arm in ["target", "base"] {
        assert_eq!(recorded(&result, arm)["GET /a"], 120, "{arm}");
        assert_eq!(failures(&result, arm), 0, "{arm}");
    }
}

/// Each version has cold starts of its own, and marks its own responses.
#[test]
fn cold_starts_are_counted_for_each_arm() {
    let scenario = "\
name: cold
user_classes:
  - name: reader
    tasks:
      - steps: [{ get: /prod/catalog/items, name: GET /catalog/items }]
load:
  - { phase: steady, arrivals: 40/s, for: 60s, max_users: 20 }
cold_start: { header: x-cold-start, equals: \"true\" }
";
    let gate = gate(NO_PROMISES).with_scenario(scenario);
    let stand_in = |provisioned: &str| {
        let arguments = ["--latency", "200ms", "--provisioned", provisioned];
        StandIn::start(gate.home(), &arguments)
    };
    // Requests overlap. The target starts an environment for each that finds none, the base has enough of them.
    let (target, base) = (stand_in("0"), stand_in("60"));
    let arguments = [&["--against", &base.url][..], &SHORT, &["mixed"]].concat();
    let ran = gate.run(&target.url, &arguments);
    let result = gate.result();
    let cold = |arm: &str| -> usize {
        let parts = result["parts"].as_array().unwrap().iter();
        let of_arm = parts.filter(|parts| parts["arm"] == arm);
        of_arm
            .filter(|parts| parts["parts"]["cold"] != Value::Null)
            .count()
    };
    assert_eq!((cold("target"), cold("base")), (1, 0), "{ran:?}");
}

/// Servers run through a mixed duet, and one that dies ends it with its reason.
#[test]
fn a_server_that_dies_in_a_mixed_duet_is_named() {
    let scenario = "\
name: dying
user_classes:
  - name: reader
    tasks:
      - steps: [{ get: /prod/catalog/items, name: GET /catalog/items }]
load:
  - { phase: steady, arrivals: 40/s, for: 60s, max_users: 20 }
";
    let gate = gate(NO_PROMISES).with_scenario(scenario);
    let serve = format!(
        "{} lambda --address 127.0.0.1:$LOADGATE_PORT --latency 5ms",
        env!("CARGO_BIN_EXE_loadgate")
    );
    let dying = format!("{serve} & sleep 3; kill $!; exit 7");
    let serve = format!("exec {serve}");
    let servers = ["--base-cmd", &serve, "--target-cmd", &dying];
    let servers = [&servers[..], &["--restart-every", "0"], &SHORT, &["mixed"]].concat();
    let _slot = load_slot();
    let ran = gate.command("run", &servers).exits(3);
    ran.tells(&["exit status: 7", "target.log"]);
    let ended = &gate.result()["run"]["ended"]["unreachable"];
    assert_eq!(ended["arm"], "target");
}

#[test]
fn what_does_not_go_with_an_interleaving_is_refused() {
    let gate = gate("");
    let address = NOWHERE;
    let duet = ["--target", address, "--against", address, "--interleave"];
    for (arguments, parts) in [
        (
            &["mixed", "--guard", "1s"][..],
            &["--guard", "leave --guard out"][..],
        ),
        (&["1s", "--slice", "2s"], &["--interleave 1s and --slice"]),
    ] {
        let all = [&duet[..], arguments].concat();
        gate.command("run", &all).exits(2).says(parts);
    }
    let servers = [
        "--target-cmd",
        "true",
        "--base-cmd",
        "true",
        "--interleave",
        "mixed",
    ];
    gate.command("run", &servers)
        .exits(2)
        .says(&["restarted between pairs", "--restart-every 0"]);
    let alone = ["--target", address, "--interleave", "mixed"];
    gate.command("run", &alone)
        .exits(2)
        .says(&["--interleave applies only to a duet"]);
    let rate = crate::support::gate("limits: { overall: { requests_per_second: 1 } }\n");
    let mixed = [&duet[..], &["mixed"]].concat();
    rate.command("run", &mixed)
        .exits(2)
        .says(&["requests_per_second", "--interleave 1s"]);
}

/// What `auto` chooses is told with its reason.
#[test]
fn the_interleaving_is_chosen_by_the_gate_and_its_targets() {
    let paced = "\
name: paced
user_classes:
  - { name: reader, wait: 1s, tasks: [{ steps: [{ get: /a }] }] }
load:
  - { phase: steady, users: 5, for: 60s }
";
    let unpaced = paced.replace("wait: 1s, ", "");
    let rate = "limits: { overall: { requests_per_second: 1 } }\n";
    let against = ["--against", "http://127.0.0.1:9"];
    let servers = ["--target-cmd", "true", "--base-cmd", "true"];
    let kept = [&servers[..], &["--restart-every", "0"]].concat();
    let sliced = [&against[..], &["--slice", "3s"]].concat();
    for (promises, scenario, arguments, told) in [
        (
            "",
            paced,
            &against[..],
            "mixed with http://127.0.0.1:9, each with half of the load (auto: this",
        ),
        (
            "",
            &unpaced,
            &against,
            "in slices of 1 s (auto: users without a pause",
        ),
        (
            rate,
            paced,
            &against,
            "in slices of 1 s (auto: requests_per_second is judged",
        ),
        (
            "",
            paced,
            &servers,
            "in slices of 5 s (auto: the servers are restarted between pairs)",
        ),
        ("", paced, &kept, "each with half of the load (auto: this"),
        (
            "",
            paced,
            &sliced,
            "in slices of 3 s (auto: --slice is set)",
        ),
    ] {
        let gate = gate(promises).with_scenario(scenario);
        let target: &[&str] = if arguments.contains(&"--target-cmd") {
            &[]
        } else {
            &["--target", "http://127.0.0.1:9"]
        };
        let ran = gate.command("validate", &[target, arguments].concat());
        let stdout = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(stdout.contains(told), "{told}: {stdout} {}", ran.stderr);
    }
}
