//! The whole product in under a minute, on a machine with nothing set up: a stand-in, a baseline of five runs, an
//! unchanged run that passes, and a slower one that fails.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::exit::{Exit, Strictness};
use crate::gate::{self, Acceptance, Change, Console, Loudness};
use crate::lambda::{self, StandIn};
use crate::plan::{self, Options, Plan};
use crate::{files, units};

/// Runs that are recorded: as many as a history needs.
const RECORDINGS: usize = 5;
/// How much slower the second stand-in is.
const SLOWER: f64 = 1.6;
/// Median latency of the stand-in: a busy machine's own noise stays far below the changes worth catching.
const LATENCY: Duration = Duration::from_millis(20);
/// More than are ever busy at once, so that no cold start disturbs the lesson.
const ENVIRONMENTS: usize = 200;

/// Why the demo could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its files cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The stand-in does not start.
    #[error(transparent)]
    StandIn(#[from] lambda::Error),
    /// A run could not be made.
    #[error(transparent)]
    Gate(#[from] gate::Error),
}

/// Shows everything, with all files below `out`; exits 0 where the unchanged run passed and the slower one failed.
pub fn run(out: &Path, console: &Console) -> Result<Exit, Error> {
    let folder = out.join("gate");
    lay_out(&folder)?;
    let silent = console.with(Loudness::Silent);
    let fast = StandIn::start(&config(1.0))?;
    console.print(&format!(
        "loadgate demo: a gate in {}\nand a built-in server whose answers take {}.\n\n\
         1. Record a baseline: {RECORDINGS} runs of 4 s at 1,200 requests/s.",
        folder.display(),
        units::written(LATENCY),
    ));
    for number in 1..=RECORDINGS {
        let to = out.join(format!("recording-{number}"));
        let exit = one_run(&folder, &fast.url(), &to, &silent)?;
        if let Exit::Signal(_) = exit {
            return Ok(exit);
        }
        keep(&folder, &to, &silent)?;
        console.print(&format!("   {number} of {RECORDINGS} recorded"));
    }
    console.print("\n2. Run the gate on the same server. Nothing changed, so it should pass.\n");
    let unchanged = one_run(&folder, &fast.url(), &out.join("unchanged"), console)?;
    drop(fast);
    if let Exit::Signal(_) = unchanged {
        return Ok(unchanged);
    }
    let slow = StandIn::start(&config(SLOWER))?;
    console.print(&format!(
        "\n3. Run it on a server that is {:.0} % slower. It should fail.\n",
        (SLOWER - 1.0) * 100.0
    ));
    let slower = one_run(&folder, &slow.url(), &out.join("slower"), console)?;
    console.print(&conclusion(out, unchanged, slower));
    Ok(match (unchanged, slower) {
        (Exit::Passed, Exit::Failed) => Exit::Passed,
        (_, Exit::Signal(number)) => Exit::Signal(number),
        _ => Exit::Invalid,
    })
}

fn config(slow: f64) -> lambda::Config {
    lambda::Config {
        base_latency: LATENCY,
        provisioned: ENVIRONMENTS,
        slow,
        ..lambda::Config::default()
    }
}

/// Writes the gate, and drops the baseline of an earlier demo.
fn lay_out(folder: &Path) -> Result<(), Error> {
    plan::make_folder(folder).map_err(gate::Error::Plan)?;
    let texts = [
        ("scenario.yml", include_str!("scenario.yml")),
        ("thresholds.yml", include_str!("thresholds.yml")),
    ];
    for (name, text) in texts {
        let path = folder.join(name);
        files::write(&path, text).map_err(|source| Error::Write { path, source })?;
    }
    let path = folder.join("baseline.json");
    match std::fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(Error::Write { path, source })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn options(folder: &Path) -> Options {
    Options {
        gates: vec![folder.to_owned()],
        ..Options::default()
    }
}

fn one_run(
    folder: &Path,
    target: &str,
    out: &Path,
    console: &Console,
) -> Result<Exit, gate::Error> {
    let plan = Plan::read(&Options {
        target: Some(target.to_owned()),
        out: out.to_owned(),
        ..options(folder)
    })?;
    gate::run(&plan, Strictness::Lenient, console)
}

/// Adds a run to the baseline, whatever chance made of it: here it is known that nothing changed.
fn keep(folder: &Path, out: &Path, console: &Console) -> Result<(), gate::Error> {
    let mut plan = Plan::read(&options(folder))?;
    for gate in &mut plan.gates {
        gate::record(
            gate,
            &[out.join("result.json")],
            Acceptance::Worse,
            Change::default(),
            console,
        )?;
    }
    Ok(())
}

fn conclusion(out: &Path, unchanged: Exit, slower: Exit) -> String {
    let out = out.display();
    if (unchanged, slower) != (Exit::Passed, Exit::Failed) {
        return format!(
            "\nThis machine was too busy for the demo: the unchanged run exited {} (0 was\n\
             expected) and the slower one {} (1 was expected). Run it again when less else is\n\
             running. The reports are in {out}.",
            unchanged.code(),
            slower.code()
        );
    }
    format!(
        "\nShown: the unchanged run passed (exit 0) and the slower one failed (exit 1).\n\
         What a pull request would show is in summary.md, what a test view would show in\n\
         junit.xml, each run's in a folder of its own:\n  \
         {out}/unchanged\n  \
         {out}/slower\n\n\
         Next: copy {out}/gate\n\
         into your repository, put your own requests into its scenario.yml, and run it:\n  \
         {} run YOUR-GATE --target https://your-api.example --record\n\
         The limits hold from the first run on; from the first recorded run on changes\n\
         are judged, from the fifth on with confidence.",
        gate::program()
    )
}
