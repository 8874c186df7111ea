//! The proof that the verdict can be trusted, at length.
//!
//! `cargo bench --bench trust -- simulate [--trials N]` gives synthetic worlds to the production verdict, thousands of
//! trials each; `-- rules` sets it beside the rules in use; `-- replay FILE` does the same with the real duets that
//! `benches/trust/soak.py` kept.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a command for the project's own machines, which should fail loudly"
)]

mod bars;
mod noise;
mod replay;
mod rules;
mod trials;
mod world;

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["simulate"] => simulate(2_000),
        ["simulate", "--trials", trials] => match trials.parse() {
            Ok(trials) => simulate(trials),
            Err(_) => usage(),
        },
        ["rules"] => {
            println!("{}", rules::simulated(1_000));
            ExitCode::SUCCESS
        }
        ["replay", file] => match replay::tell(file) {
            Ok(tables) => {
                println!("{tables}");
                ExitCode::SUCCESS
            }
            Err(why) => {
                println!("{why}");
                ExitCode::from(2)
            }
        },
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    println!("usage: simulate [--trials N] | rules | replay FILE");
    ExitCode::from(2)
}

/// Every promise with what its trials came to.
fn simulate(count: u64) -> ExitCode {
    println!("| bar | world | trials | failed [95 %] | inconclusive | must be | |");
    println!("|---|---|--:|--:|--:|--:|---|");
    let mut broken = 0;
    for promise in bars::all() {
        let told = promise.tell(count);
        println!("{}", told.row());
        broken += u64::from(told.is_broken());
    }
    println!("\n{broken} broken");
    ExitCode::from(u8::from(broken > 0))
}
