//! `comment`: stored results, shown where a change is reviewed.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::Error;
use super::gates::Gates;
use super::stored::one_of;
use crate::exit::{Exit, Strictness};
use crate::gate::{self, Commenting, Console, Source, Verbosity, When};
use crate::plan::{self, BaselineLocation, Options, RecordMode};

#[derive(Debug, Args)]
pub(super) struct Comment {
    #[command(flatten)]
    gates: Gates,
    /// Folder with the results; use the same value as for run
    #[arg(
        long,
        value_name = "DIR",
        default_value = "loadgate-out",
        env = "LOADGATE_OUT"
    )]
    out: PathBuf,
    /// Result of the gate, instead of those in --out; repeatable
    #[arg(long = "result", value_name = "FILE")]
    results: Vec<PathBuf>,
    /// Treat an inconclusive run as failed; use the same value as for run
    #[arg(long, env = "LOADGATE_STRICT", value_parser = BoolishValueParser::new())]
    strict: bool,
    /// Key that identifies the comment on its pull request [default: the job and its gates]
    #[arg(long, value_name = "TEXT", env = "LOADGATE_COMMENT_KEY")]
    key: Option<String>,
    /// Author of the comment, for the token of an app [default: asked of the platform]
    #[arg(long, value_name = "LOGIN", env = "LOADGATE_COMMENT_AUTHOR")]
    author: Option<String>,
    /// When to create the comment; an existing one is always edited
    #[arg(
        long,
        value_parser = one_of([("always", When::Always), ("on-failure", When::OnFailure)]),
        default_value = "always",
        env = "LOADGATE_COMMENT"
    )]
    when: When,
}

impl Comment {
    pub(super) fn run(self) -> Result<Exit, Error> {
        let console = Console::of_process(Verbosity::Full);
        let options = Options {
            // A baseline that is not there is named in the comment.
            record_mode: match self.gates.reading.baseline {
                Some(BaselineLocation::Url(_)) => RecordMode::Off,
                Some(BaselineLocation::File(_)) | None => RecordMode::IfAcceptable,
            },
            baseline: self.gates.reading.baseline,
            set: self.gates.reading.set.concat(),
            environment: self.gates.reading.environment,
            ..Options::default()
        };
        let source = match (self.results.is_empty(), self.gates.gates.len()) {
            (true, _) => Source::Below(self.out),
            (false, 1) => Source::Files(self.results),
            (false, _) => return Err(Error::ResultsOfSeveralGates),
        };
        let gates = self.gates.gates.iter();
        let mut gates = gates
            .map(|folder| plan::Gate::read(folder, &options))
            .collect::<Result<Vec<_>, _>>()?;
        let how = Commenting {
            key: self.key,
            author: self.author,
            when: self.when,
            strictness: if self.strict {
                Strictness::Strict
            } else {
                Strictness::Lenient
            },
        };
        Ok(gate::comment(&mut gates, &source, &how, &console))
    }
}
