//! Baselines at addresses, and results held against each other.

use crate::replay::Load;
use crate::support::{Gate, NOWHERE, Ran, SCENARIO, Server, gate};

/// A gate with a recorded job, whose baseline then lies at an address alone.
fn recorded() -> (Gate, String) {
    let gate = gate("");
    gate.replay(&Load::taking(2.0), &["--record"]).exits(0);
    let baseline = gate.read("baseline.json");
    std::fs::remove_file(gate.folder().join("baseline.json")).unwrap();
    (gate, baseline)
}

/// A server that holds a baseline, moved once, and other things that are none.
fn store(baseline: String) -> Server {
    let elsewhere = Server::start(move |request| match request.header("job-token") {
        None => (200, baseline.clone()),
        Some(_) => (500, "a secret came along".to_owned()),
    });
    let moved = format!("{}/b.json", elsewhere.url());
    Server::start(move |request| match request.path.as_str() {
        "/moved?token=secret" => (302, moved.clone()),
        "/private" if request.header("job-token") == Some("glcbt-secret") => (302, moved.clone()),
        "/private" => (403, String::new()),
        "/login" => (200, "<html>".to_owned()),
        "/large" => (200, " ".repeat(17 << 20)),
        "/endless" => (302, "/endless".to_owned()),
        _ => (404, String::new()),
    })
}

#[test]
fn a_baseline_is_read_from_an_address_and_compared_with() {
    let (gate, baseline) = recorded();
    let store = store(baseline);
    let address = format!("{}/moved?token=secret", store.url());
    let load = Load::taking(2.0).on_day(1);
    gate.replay(&load, &["--baseline", &address]).exits(0);
    assert_eq!(gate.baseline_status(&["--baseline", &address]), "single");
    assert!(!gate.written("result.json").contains("token=secret"));
    let result = gate.out().join("result.json");
    gate.command("judge", &[result.to_str().unwrap(), "--baseline", &address])
        .exits(0);
    assert_eq!(gate.baseline_status(&["--baseline", &address]), "single");
}

#[test]
fn an_expired_baseline_is_a_missing_one_and_said() {
    let (gate, baseline) = recorded();
    let store = store(baseline);
    let address = format!("{}/gone?token=secret", store.url());
    let ran = gate
        .replay(&Load::taking(2.0), &["--baseline", &address])
        .exits(0)
        .says(&["404"]);
    assert_eq!(gate.baseline_status(&["--baseline", &address]), "missing");
    assert!(!ran.stderr.contains("secret"), "{}", ran.stderr);
    gate.write("thresholds.yml", "regression: { missing_baseline: fail }");
    gate.replay(&Load::taking(2.0), &["--baseline", &address])
        .exits(3);
}

#[test]
fn what_is_no_baseline_is_refused_before_anything_is_sent() {
    let (gate, baseline) = recorded();
    let (store, target) = (store(baseline), Server::fast());
    for (path, why) in [
        ("/login", "is not a loadgate baseline"),
        ("/large", "more than 16777216 bytes"),
        ("/private", "responded 403"),
        ("/endless", "redirects too often"),
    ] {
        let address = format!("{}{path}", store.url());
        gate.run(&target.url(), &["--baseline", &address])
            .exits(2)
            .says(&[why]);
    }
    gate.run(&target.url(), &["--baseline", NOWHERE])
        .exits(2)
        .says(&["did not respond"]);
    let address = store.url();
    gate.run(&target.url(), &["--baseline", &address, "--record"])
        .exits(2)
        .says(&["at an address cannot be written"]);
    assert!(target.received().is_empty());
}

#[test]
fn a_header_for_the_baseline_goes_to_its_host_alone() {
    let (gate, baseline) = recorded();
    let store = store(baseline);
    let run = |address: &str| {
        let output = gate
            .replaying(&Load::taking(2.0).on_day(1))
            .args(["--baseline", address])
            .env("LOADGATE_BASELINE_HEADER", "JOB-TOKEN: glcbt-secret")
            .output();
        Ran::new(&output.unwrap())
    };
    run(&format!("{}/private", store.url())).exits(0);
    assert_eq!(store.received().len(), 1);
    let ran = run("http://192.0.2.1/b.json").exits(2).says(&["https"]);
    assert!(!ran.stderr.contains("glcbt"));
}

#[test]
fn two_results_are_compared_whatever_the_difference() {
    let gate = gate("").with_scenario(&SCENARIO.replace("users: 4", "users: 20"));
    let result = |name: &str, milliseconds: f64| {
        gate.replay(&Load::taking(milliseconds), &[]);
        let path = gate.home().join(name);
        std::fs::copy(gate.out().join("result.json"), &path).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (old, new) = (result("old.json", 5.0), result("new.json", 15.0));
    gate.loadgate(&["compare", &old, &new]).exits(0).tells(&[
        "compared: the old result",
        "P95 overall",
        "→",
        "sample: ",
    ]);
    let same = gate.loadgate(&["compare", &old, &old]).exits(0);
    for gates in ["gate ", "fail", "exit ", "limit", "Wanted", "baseline"] {
        assert!(!same.stdout.contains(gates), "{gates}: {}", same.stdout);
    }
    let same = same.stdout;
    assert!(
        same.contains("nothing slower") || same.contains("no change above its floor"),
        "{same}"
    );
    gate.write("scenario.yml", SCENARIO);
    let other = result("other.json", 5.0);
    gate.loadgate(&["compare", &old, &other])
        .exits(2)
        .says(&["another scenario"]);
}
