//! Why a command failed.

use std::io;
use std::path::PathBuf;

use crate::baseline::{DropError, StoreError};
use crate::exit::Exit;
use crate::record::SentError;
use crate::units::Dollars;
use crate::{load, plan};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The plan cannot be made.
    #[error(transparent)]
    Plan(#[from] plan::Error),
    /// The load could not be sent.
    #[error(transparent)]
    Load(#[from] load::Error),
    /// Signals cannot be listened for.
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
    /// A result or report cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What an earlier run left cannot be removed, and would be taken for this run's.
    #[error("cannot remove {}, left by an earlier run", path.display())]
    Remove {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A stored result cannot be rendered into this file.
    #[error("cannot write {}", path.display())]
    Retold {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The scenario of a result names no AWS services.
    #[error("{} has no AWS services; add 'aws: {{ functions: [NAME] }}' to the scenario, and run it again", .0.display())]
    NoAwsServices(PathBuf),
    /// AWS gave no figure.
    #[error("AWS gave no figure, so {} stays as it was; see the reasons above", .0.display())]
    NothingFromAws(PathBuf),
    /// The requests beside a result cannot be read.
    #[error(transparent)]
    Requests(#[from] SentError),
    /// The load costs more than its budget.
    #[error(
        "the load costs {expected}, more than aws.budget of {budget}; send less, or raise the budget"
    )]
    OverBudget {
        /// What it is expected to cost.
        expected: Dollars,
        /// The budget.
        budget: Dollars,
    },
    /// The load runs into limits of AWS.
    #[error(
        "the load runs into limits of AWS: {0}; send less, raise the limit, or remove 'limits: fail' from aws"
    )]
    AwsLimits(String),
    /// What the load costs cannot be known, so that its budget cannot be kept.
    #[error("aws.budget cannot be kept: {0}; mend that, or remove the budget")]
    BudgetUnknown(String),
    /// The baseline cannot be read or written.
    #[error(transparent)]
    Baseline(#[from] StoreError),
    /// A job that cannot be dropped.
    #[error(transparent)]
    Drop(#[from] DropError),
    /// There is no baseline to list or to drop from.
    #[error("there is no baseline {}; record one with 'loadgate record'", .0.display())]
    NoBaseline(PathBuf),
    /// Stored results that do not belong to the gate.
    #[error(
        "{file} is a run of another scenario than that of {gate}:\n{diff}run it again, or judge it with the earlier gate"
    )]
    OtherScenario {
        /// The result.
        file: String,
        /// The gate's folder.
        gate: String,
        /// Unified diff of the two scenarios.
        diff: String,
    },
    /// A result without the label that results are compared by.
    #[error("{} has no label '{label}'; run it again with '--label {label}=VALUE'", file.display())]
    NoLabel {
        /// The result.
        file: PathBuf,
        /// The label.
        label: String,
    },
    /// Two results with one value of the label that results are compared by.
    #[error("{} and {} both have the label {label}; give one result of each value", first.display(), second.display())]
    SameLabel {
        /// A result.
        first: PathBuf,
        /// Another one.
        second: PathBuf,
        /// The label with its value.
        label: String,
    },
    /// Results that no label tells apart.
    #[error(
        "the results differ in no label; run each with a value of its own, such as '--label memory=512'"
    )]
    NoDifferingLabel,
    /// Results that several labels tell apart.
    #[error("the results differ in the labels '{0}' and '{1}'; name one with '--by {0}'")]
    DifferingLabels(String, String),
    /// Stored results that are not of one run.
    #[error(
        "{first} and {second} are not from one CI run ({first_run}, {second_run}); judge each separately"
    )]
    TwoRuns {
        /// A result.
        first: String,
        /// Its run.
        first_run: String,
        /// Another one.
        second: String,
        /// Its run.
        second_run: String,
    },
}

impl Error {
    /// The exit code of the error: 2 where nothing was sent, 3 where a run could not be brought to its end.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Plan(_)
            | Self::Signals(_)
            | Self::Remove { .. }
            | Self::Retold { .. }
            | Self::Baseline(_)
            | Self::Drop(_)
            | Self::OverBudget { .. }
            | Self::BudgetUnknown(_)
            | Self::AwsLimits(_)
            | Self::NoBaseline(_)
            | Self::NoAwsServices(_)
            | Self::Requests(_)
            | Self::OtherScenario { .. }
            | Self::NoLabel { .. }
            | Self::SameLabel { .. }
            | Self::NoDifferingLabel
            | Self::DifferingLabels(..)
            | Self::TwoRuns { .. } => Exit::Usage,
            Self::Load(error) => match error {
                load::Error::NoLoad
                | load::Error::OtherRequests
                | load::Error::OpenFiles(_)
                | load::Error::Tls(_)
                | load::Error::Request(_)
                | load::Error::System(_) => Exit::Usage,
                load::Error::Command(_) | load::Error::Worker => Exit::Invalid,
            },
            Self::Write { .. } | Self::NothingFromAws(_) => Exit::Invalid,
        }
    }
}
