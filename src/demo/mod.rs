//! The whole product in under a minute, on a machine with nothing set up: a stand-in, a baseline of five runs, an
//! unchanged run that passes, and a slower one that fails.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::exit::{Exit, Strictness};
use crate::fake_gateway::{self, FakeGateway};
use crate::files;
use crate::gate::{self, AcceptMode, BaselineEdit, Console, Verbosity};
use crate::plan::{self, Options, Plan};
use crate::units::{self, Latency};

/// Runs that are recorded: as many as a history needs.
const RECORDINGS: usize = 5;
/// How much slower the second stand-in is.
const SLOWER: f64 = 1.6;
/// Median latency of the stand-in: a busy machine's own noise stays far below the changes worth catching.
const LATENCY: Duration = Duration::from_millis(20);
/// More than are ever busy at once, so that no cold start disturbs the lesson.
const ENVIRONMENTS: usize = 200;

/// How long it goes on trying on a machine that is busy with something else. One round takes half a minute.
const PATIENCE: Duration = Duration::from_mins(4);

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
    StandIn(#[from] fake_gateway::Error),
    /// A run could not be made.
    #[error(transparent)]
    Gate(#[from] gate::Error),
}

/// Shows everything, with all files below `out`; exits 0 when the unchanged run passed and the slower one failed.
///
/// Other programs on the machine can make a run invalid, and noise that begins after the baseline was recorded can make
/// the unchanged run look slower. Then the demo says so and tries again, for a bounded time.
pub fn run(out: &Path, console: &Console) -> Result<Exit, Error> {
    let demo = Demo {
        folder: out.join("gate"),
        out,
        console,
        until: Instant::now() + PATIENCE,
    };
    console.print(&format!(
        "loadgate demo: a gate in {}\nand a built-in server whose responses take {}.\n",
        demo.folder.display(),
        units::format_duration(LATENCY),
    ));
    loop {
        let (unchanged, slower) = match demo.round()? {
            Round::Ended(exit) => return Ok(exit),
            Round::Shown(unchanged, slower) => (unchanged, slower),
        };
        let exit = match (unchanged, slower) {
            (Exit::Passed, Exit::Failed) => Exit::Passed,
            _ if demo.may_go_on() => {
                console.print(&format!(
                    "\nThe unchanged run exited {} (0 was expected) and the slower one {} (1 was\n\
                     expected): the machine was not equally busy all the time. Once more from the\n\
                     start.\n",
                    unchanged.code(),
                    slower.code()
                ));
                continue;
            }
            _ => Exit::Invalid,
        };
        console.print(&conclusion(out, unchanged, slower));
        return Ok(exit);
    }
}

/// What one round came to.
enum Round {
    /// A signal ended it.
    Ended(Exit),
    /// The exits of the unchanged run and of the slower one.
    Shown(Exit, Exit),
}

/// Where a demo writes, and until when it may try again.
struct Demo<'d> {
    folder: PathBuf,
    out: &'d Path,
    console: &'d Console,
    until: Instant,
}

impl Demo<'_> {
    fn may_go_on(&self) -> bool {
        Instant::now() < self.until
    }

    /// Records a baseline, then runs the gate on an unchanged server and on a slower one.
    fn round(&self) -> Result<Round, Error> {
        lay_out(&self.folder)?;
        let silent = self.console.with(Verbosity::Silent);
        let fast = FakeGateway::start(&config(1.0))?;
        self.console.print(&format!(
            "1. Record a baseline: {RECORDINGS} runs of 4 s at 1,200 requests/s."
        ));
        for number in 1..=RECORDINGS {
            let to = self.out.join(format!("recording-{number}"));
            let exit = self.judged_run(&fast, &to, &silent)?;
            if let Exit::Signal(_) = exit {
                return Ok(Round::Ended(exit));
            }
            if exit == Exit::Invalid {
                return Ok(Round::Shown(exit, exit));
            }
            keep(&self.folder, &to, &silent)?;
            self.console
                .print(&format!("   {number} of {RECORDINGS} recorded"));
        }
        self.console
            .print("\n2. Run the gate on the same server. Nothing changed, so it should pass.\n");
        let unchanged = self.judged_run(&fast, &self.out.join("unchanged"), self.console)?;
        drop(fast);
        if let Exit::Signal(_) = unchanged {
            return Ok(Round::Ended(unchanged));
        }
        let slow = FakeGateway::start(&config(SLOWER))?;
        self.console.print(&format!(
            "\n3. Run it on a server that is {:.0} % slower. It should fail.\n",
            (SLOWER - 1.0) * 100.0
        ));
        let slower = self.judged_run(&slow, &self.out.join("slower"), self.console)?;
        if let Exit::Signal(_) = slower {
            return Ok(Round::Ended(slower));
        }
        Ok(Round::Shown(unchanged, slower))
    }

    /// Runs the gate until a run can be judged, as long as there is time for it.
    fn judged_run(
        &self,
        server: &FakeGateway,
        to: &Path,
        console: &Console,
    ) -> Result<Exit, Error> {
        loop {
            let exit = one_run(&self.folder, &server.url(), to, console)?;
            if exit != Exit::Invalid || !self.may_go_on() {
                return Ok(exit);
            }
            let records =
                plan::read_results(&[to.join("result.json")]).map_err(gate::Error::Plan)?;
            let late = records
                .first()
                .map_or(0.0, |record| record.health.late_p99_s);
            self.console.print(&format!(
                "   Other programs keep this machine busy: P99 of the generator's own delay was\n   \
                 {}, so this run could not be judged. Trying again.",
                Latency(late)
            ));
        }
    }
}

fn config(slow: f64) -> fake_gateway::Config {
    fake_gateway::Config {
        base_latency: LATENCY,
        provisioned: ENVIRONMENTS,
        slow,
        ..fake_gateway::Config::default()
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
            AcceptMode::Worse,
            BaselineEdit::default(),
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
