//! The gates that are shipped.

use std::path::Path;
use std::time::Duration;

use loadgate::load::{Turns, duet_load};
use loadgate::plan::phase_names;
use loadgate::record::phases;
use loadgate::scenario::{self, Inputs, Scenario};
use loadgate::thresholds::{self, Names, Thresholds};
use loadgate::verdict::{Design, Expected, Forecast, LimitForecast, forecast};

use crate::support::{Ran, loadgate};

const GATES: [&str; 5] = [
    "lambda-auth",
    "lambda-burst",
    "lambda-catalog",
    "lambda-checkout",
    "lambda-mixed",
];

/// What the gates read from the environment.
const SECRETS: [(&str, &str); 2] = [("LOADTEST_PASSWORD", "a"), ("LOADTEST_TOKEN", "b")];

/// The scenario and the thresholds of a gate.
fn read(name: &str) -> (Scenario, Thresholds) {
    let text = |file: &str| std::fs::read_to_string(folder(name).join(file)).unwrap();
    let env = |name: &str| {
        let found = SECRETS.iter().find(|(own, _)| *own == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let inputs = Inputs {
        env: &env,
        ..Inputs::default()
    };
    let scenario = scenario::parse("scenario.yml", &text("scenario.yml"), &inputs).unwrap();
    let names = phase_names(&phases(&scenario.load));
    let names = Names {
        requests: &scenario.requests,
        phases: &names,
        cold_start: scenario.cold_start.is_some(),
    };
    let thresholds = thresholds::parse("thresholds.yml", &text("thresholds.yml"), &names);
    let thresholds = thresholds.unwrap();
    (scenario, thresholds)
}

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("thresholds")
        .join(name)
}

/// What the verdict of a gate could see, where answers take 100 ms.
fn forecast_of(name: &str, design: Design<'_>) -> Forecast {
    let (scenario, thresholds) = read(name);
    let load = match design {
        Design::Jobs(_) => scenario.load.clone(),
        Design::Duet { pairs, slice_s, .. } => duet_load(
            &scenario.load,
            &Turns {
                pairs,
                slice: Duration::from_secs_f64(slice_s),
                guard: Duration::ZERO,
                second_look: true,
            },
        ),
    };
    let counts = scenario.expected_requests(&load, |_| 0.1);
    let phases = phases(&load);
    let expected = Expected {
        phases: &phases,
        requests: &scenario.requests,
        counts: &counts,
    };
    let day = jiff::civil::date(2026, 11, 24);
    forecast(&expected, &thresholds, design, day)
}

#[test]
fn every_shipped_gate_is_listed_here() {
    let mut found: Vec<String> = std::fs::read_dir(folder(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, GATES);
}

#[test]
fn shipped_gates_are_valid() {
    for name in GATES {
        let home = tempfile::tempdir().unwrap();
        let output = loadgate(home.path())
            .arg("validate")
            .arg(folder(name))
            .envs(SECRETS)
            .output();
        Ran::new(&output.unwrap())
            .exits(0)
            .tells(&["Everything that is gated can be judged"]);
    }
}

#[test]
fn a_plain_run_and_a_duet_of_twelve_pairs_judge_every_gated_name() {
    let duet = Design::Duet {
        pairs: 12,
        slice_s: Duration::from_secs(5).as_secs_f64(),
        looks: 2,
    };
    for name in GATES {
        for design in [Design::Jobs(&[]), duet] {
            let told = forecast_of(name, design);
            assert!(!told.cells.is_empty());
            for cell in &told.cells {
                assert!(cell.smallest.is_ok(), "{name}, {design:?}: {cell:?}");
            }
            assert!(told.limits.iter().all(LimitForecast::is_judged), "{told:?}");
        }
    }
}
