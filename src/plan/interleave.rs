//! How the arms of a duet share its time: as asked, or by what the gate judges and how it loads.

use super::{Error, ManagedServers, Options};
use crate::metric::Metric;
use crate::scenario::{Action, Scenario, Shape, UserClass};
use crate::thresholds::Thresholds;

/// How the arms of a duet share its time, as the arguments say it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interleave {
    /// As suits the gate and its targets.
    #[default]
    Auto,
    /// Both are loaded at once: each task goes to one of them.
    Mixed,
    /// In turns, in slices of 1 s.
    OneSecond,
    /// In turns, in slices of 5 s.
    FiveSeconds,
}

impl Interleave {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Mixed, Self::OneSecond, Self::FiveSeconds];

    /// The value of `--interleave`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Mixed => "mixed",
            Self::OneSecond => "1s",
            Self::FiveSeconds => "5s",
        }
    }
}

/// What `auto` chose, and why.
pub(super) type Choice = (Interleave, &'static str);

/// What suits a gate: both arms at once if nothing needs one at a time.
pub(super) fn choose(
    options: &Options,
    serving: &ManagedServers,
    scenario: &Scenario,
    thresholds: &Thresholds,
    is_on_this_machine: bool,
) -> Choice {
    if options.slice.is_some() {
        (Interleave::Auto, "--slice is set")
    } else if options.guard.is_some() {
        (Interleave::FiveSeconds, "--guard is set")
    } else if serving.restarts() {
        let why = "the servers are restarted between pairs";
        (Interleave::FiveSeconds, why)
    } else if judges_rate(thresholds) {
        let why = "requests_per_second is judged, which needs the whole load on one version";
        (Interleave::OneSecond, why)
    } else if is_on_this_machine && is_unpaced(scenario) {
        let why =
            "users without a pause take all of this machine, which one version needs for itself";
        (Interleave::OneSecond, why)
    } else {
        let why = "this is the most sensitive, and nothing needs one version at a time";
        (Interleave::Mixed, why)
    }
}

/// Refuses what does not go with the interleaving that was asked for.
pub(super) fn reject_unfit(
    options: &Options,
    serving: &ManagedServers,
    thresholds: &Thresholds,
) -> Result<(), Error> {
    match options.interleave {
        Interleave::OneSecond | Interleave::FiveSeconds => match options.slice {
            Some(_) => Err(Error::TwoSlices(options.interleave.word())),
            None => Ok(()),
        },
        Interleave::Mixed if serving.restarts() => Err(Error::MixedRestarts),
        Interleave::Mixed if options.guard.is_some() => Err(Error::MixedGuard),
        Interleave::Mixed if judges_rate(thresholds) => Err(Error::MixedRate),
        Interleave::Auto | Interleave::Mixed => Ok(()),
    }
}

/// Whether the requests per second of a version may fail the build.
pub(super) fn judges_rate(thresholds: &Thresholds) -> bool {
    let rate = Metric::RequestsPerSecond;
    let mut limits = thresholds.limits.iter();
    limits.any(|limit| limit.bound.metric() == Some(rate))
        || thresholds.regression.gate.contains(&rate)
}

/// Whether users of the closed model send one request after the other without a pause.
fn is_unpaced(scenario: &Scenario) -> bool {
    let is_closed = |shape: Shape| matches!(shape, Shape::Users { .. }) && !shape.is_idle();
    let has_no_pause = |class: &UserClass| {
        let mut tasks = class.tasks.iter();
        class.wait.to.is_zero()
            && tasks.any(|task| {
                let mut steps = task.steps.iter();
                !steps.any(|step| matches!(step.action, Action::Think(_)))
            })
    };
    scenario.load.iter().any(|phase| is_closed(phase.shape))
        && scenario.user_classes.iter().any(has_no_pause)
}
