//! The proof that the verdict can be trusted, at length.
//!
//! `cargo bench --bench trust -- simulate [--trials N]` gives synthetic worlds to the production verdict, thousands of
//! trials each; `-- rules` sets it beside the rules in use; `-- replay FILE` does the same with the real duets that
//! `benches/trust/soak.py` kept; `-- judging` says how long one verdict takes.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a command for the project's own machines, which should fail loudly"
)]

mod bars;
mod duet;
mod noise;
mod replay;
mod rules;
mod trials;
mod world;

use std::env;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let words: Vec<String> = env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["simulate"] => simulate(2_000, ""),
        ["simulate", "--trials", trials, only @ ..] => match (trials.parse(), only) {
            (Ok(trials), []) => simulate(trials, ""),
            (Ok(trials), ["--only", part]) => simulate(trials, part),
            _ => usage(),
        },
        ["rules"] => {
            println!("{}", rules::simulated(1_000));
            ExitCode::SUCCESS
        }
        ["replay", file] => match replay::tables(file) {
            Ok(tables) => {
                println!("{tables}");
                ExitCode::SUCCESS
            }
            Err(why) => {
                println!("{why}");
                ExitCode::from(2)
            }
        },
        ["judging"] => judging(),
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    println!("usage: simulate [--trials N [--only WORLD]] | rules | replay FILE | judging");
    ExitCode::from(2)
}

/// Every promise whose world's name has `part` in it, with what its trials came to.
fn simulate(count: u64, part: &str) -> ExitCode {
    println!("| bar | world | trials | failed [95 %] | inconclusive | must be | |");
    println!("|---|---|--:|--:|--:|--:|---|");
    let mut broken = 0;
    let chosen = bars::all().into_iter();
    for promise in chosen.filter(|promise| promise.world.contains(part)) {
        let measured = promise.measure(count);
        println!("{}", measured.row());
        broken += u64::from(measured.is_broken());
    }
    println!("\n{broken} broken");
    ExitCode::from(u8::from(broken > 0))
}

/// How long one verdict takes: 20 names against 20 jobs, the record as it was read from a file.
fn judging() -> ExitCode {
    let history = world::History {
        regime: noise::HOSTED,
        names: 20,
        jobs: 20,
        candidates: 1,
        slower: 1.3,
        reference: None,
    };
    let pool = noise::Pool::new(noise::Memory::Weak);
    let thresholds = world::promises("", history.names);
    let (jobs, mut candidates) = history.draw(&pool, 1);
    let cells = candidates
        .iter_mut()
        .flat_map(|record| &mut record.slices)
        .flat_map(|slice| &mut slice.cells);
    cells.for_each(|cell| cell.cell.compact());
    let mut took: Vec<f64> = (0..21)
        .map(|_| {
            let start = Instant::now();
            world::History::judged(&thresholds, &jobs, &candidates);
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    took.sort_by(f64::total_cmp);
    println!(
        "20 names against 20 jobs: {:.1} ms (median of 21; {:.1} ms at most)",
        took[10], took[20]
    );
    ExitCode::SUCCESS
}
