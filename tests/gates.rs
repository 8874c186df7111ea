//! The gates that are shipped.

use std::path::Path;
use std::time::Duration;

use loadgate::load::{DuetTurns, duet_load};
use loadgate::measurement::Interleaving;
use loadgate::plan::phase_names;
use loadgate::record::{self, phases};
use loadgate::scenario::{self, Inputs, Scenario};
use loadgate::thresholds::{self, Names, RequestRule, Thresholds};
use loadgate::verdict::{Design, Forecast, LimitForecast, PlannedLoad, forecast};

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
        cold_start: scenario.marks_cold_starts(),
        aws: scenario.aws.is_some(),
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
            &DuetTurns {
                interleaving: Interleaving::Turns,
                pairs,
                slice: Duration::from_secs_f64(slice_s),
                guard: Duration::ZERO,
                looks: 1,
            },
        ),
    };
    let counts = scenario.expected_requests(&load, |_| 0.1);
    let phases = phases(&load);
    let expected = PlannedLoad {
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
fn the_book_lists_every_gate_with_what_it_needs() {
    let page = include_str!("../docs/src/reference/starter-gates.md");
    for name in GATES {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `thresholds/{name}` |")));
        let needs = row.unwrap_or_else(|| panic!("{name}")).rsplit('|').nth(1);
        let scenario = std::fs::read_to_string(folder(name).join("scenario.yml")).unwrap();
        let secrets = SECRETS.map(|(secret, _)| scenario.contains(&format!("env.{secret}")));
        let told = match secrets {
            [true, true] => "both",
            [true, false] => "`LOADTEST_PASSWORD`",
            [false, true] => "`LOADTEST_TOKEN`",
            [false, false] => "",
        };
        assert_eq!(needs.map(str::trim), Some(told), "{name}");
    }
}

#[test]
fn gates_are_judged_by_what_the_guide_asks_of_them() {
    for name in ["lambda-auth", "lambda-mixed"] {
        let login = &read(name).1.regression.requests["POST /auth/login"];
        assert!(matches!(login, RequestRule::Off), "{name}: {login:?}");
    }
    let (burst, thresholds) = read("lambda-burst");
    assert_eq!(thresholds.regression.phases, ["burst"]);
    // From nobody to a hundred, a short hold, nobody, and again.
    let phases = phases(&burst.load);
    let told = |load: &str| phases.iter().find(|phase| phase.load == load);
    assert!(told("0 to 100 users").is_some(), "{phases:?}");
    assert!(told("100 users").is_some_and(|phase| phase.passes >= 5));
    assert!(phases.iter().any(|phase| phase.idle));
    let (mixed, _) = read("lambda-mixed");
    let names: Vec<String> = record::phases(&mixed.load)
        .into_iter()
        .filter(|phase| phase.measured)
        .map(|phase| phase.name)
        .collect();
    assert_eq!(
        names,
        ["warm", "ramp", "burst", "calm", "peak", "recovery"],
        "the guide's phases in its order"
    );
}

#[test]
fn a_burst_can_be_made_larger() {
    let home = tempfile::tempdir().unwrap();
    let output = loadgate(home.path())
        .arg("validate")
        .arg(folder("lambda-burst"))
        .args(["--set", "burst_users=500"])
        .envs(SECRETS)
        .output();
    Ran::new(&output.unwrap()).exits(0).tells(&["500 users"]);
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
        Ran::new(&output.unwrap()).exits(0);
    }
}

#[test]
fn a_plain_run_and_a_duet_judge_every_gated_name() {
    let duet = Design::Duet {
        jobs: &[],
        interleaving: Interleaving::Turns,
        pairs: 15,
        slice_s: Duration::from_secs(5).as_secs_f64(),
        looks: 3,
    };
    for name in GATES {
        for design in [Design::Jobs(&[]), duet] {
            let told = forecast_of(name, design);
            assert!(!told.checks.is_empty());
            for cell in &told.checks {
                assert!(cell.smallest.is_ok(), "{name}, {design:?}: {cell:?}");
            }
            assert!(
                told.limits.iter().all(LimitForecast::can_be_judged),
                "{told:?}"
            );
        }
    }
}
