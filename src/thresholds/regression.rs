//! Compiles `regression`: how changes are tested, and which are accepted.

use super::source;
use super::values::Change;
use super::{
    Acceptance, BaseSource, Checkout, Error, Names, ReferenceService, ReferenceSource, Regression,
    RequestRule,
};
use crate::metric::{Metric, MetricKind};
use crate::units::significant;
use crate::yaml::{Cursor, Line, Located, Map};

/// Requests per second to a reference service: in a minute, as many as P99 needs.
const USUAL_RATE: f64 = 50.0;
const LEAST_RATE: f64 = 1.0;
/// It is there to be compared with, not to be loaded.
const MOST_RATE: f64 = 1000.0;

/// Compiles `regression`.
pub(super) fn regression(
    section: Option<&Located<'_, source::Regression<'_>>>,
    names: &Names<'_>,
) -> Result<Regression, Error> {
    let mut regression = Regression::default();
    let Some(section) = section else {
        return Ok(regression);
    };
    let source = &section.value;
    if let Some(gate) = &source.gate {
        let metrics = gate.0.0.iter().map(|metric| allowed(metric, names));
        regression.gate = metrics.collect::<Result<_, _>>()?;
    }
    regression.precision = source.precision.unwrap_or_default();
    regression.instances = source.instances.unwrap_or_default();
    let change = |change: &Option<Change>, default| change.as_ref().map_or(default, |it| it.0);
    regression.tolerance = change(&source.tolerance, regression.precision.tolerance());
    regression.history_tolerance = change(&source.history_tolerance, regression.history_tolerance);
    let drift = regression.drift_tolerance.max(regression.history_tolerance);
    regression.drift_tolerance = change(&source.drift_tolerance, drift);
    regression.floor = source.floor.unwrap_or(regression.floor);
    if let Some(must_detect) = &source.must_detect {
        let Located { value, .. } = must_detect;
        regression.must_detect = value.duet.unwrap_or(regression.must_detect);
        regression.history_must_detect = value.history.unwrap_or(regression.history_must_detect);
    }
    for field in &source.requests.0 {
        names.request(&field.entry)?;
        let name = field.entry.name().to_owned();
        regression.requests.insert(name, field.value.clone());
    }
    regression.accepted = accepted(source.accepted.as_deref().unwrap_or_default(), names)?;
    regression.missing_baseline = source.missing_baseline.unwrap_or_default();
    if let Some(phases) = &source.phases {
        let phases = phases.0.iter().map(|phase| names.phase_value(&phase.at));
        regression.phases = phases.collect::<Result<_, _>>()?;
    }
    regression.base = source.base.as_ref().map(base).transpose()?;
    regression.reference = source.reference.as_ref().map(reference).transpose()?;
    refuse_contradictions(section, &regression)?;
    Ok(regression)
}

/// The value of a key, to place an error; the section itself if the key is not written.
fn place<'d>(section: &Cursor<'d>, key: &str) -> Cursor<'d> {
    let entry = section.entry(key);
    entry.map_or_else(|| section.clone(), |entry| entry.value)
}

/// Checks the path that responds once a server of the section is ready.
fn ready(section: &Cursor<'_>, path: Option<String>) -> Result<Option<String>, Error> {
    if path.as_ref().is_some_and(|path| !path.starts_with('/')) {
        return Err(place(section, "ready").error("is not a path; start it with '/'"));
    }
    Ok(path)
}

/// Compiles `base`, which is at an address or in a checkout.
fn base(section: &Located<'_, source::Base>) -> Result<BaseSource, Error> {
    let Located { at, value } = section;
    let text = |line: &Option<Line>| line.as_ref().map(|line| line.0.clone());
    let place = |key: &str| place(at, key);
    match (text(&value.url), text(&value.serve)) {
        (Some(url), None) => {
            let others = [
                ("build", &value.build),
                ("ready", &value.ready),
                ("revision", &value.revision),
            ];
            if let Some((key, _)) = others.iter().find(|(_, given)| given.is_some()) {
                return Err(place(key).error(format_args!(
                    "'{key}' is about a checkout, and 'url' names a version that is there already; remove one of them"
                )));
            }
            Ok(BaseSource::Url(url))
        }
        (None, Some(serve)) => {
            Ok(BaseSource::Checkout(Checkout {
                serve,
                build: text(&value.build),
                ready: ready(at, text(&value.ready))?,
                revision: text(&value.revision),
                line: at.line(),
            }))
        }
        (Some(_), Some(_)) => Err(place("serve").error(
            "'url' and 'serve' both say where the base is; remove one of them",
        )),
        (None, None) => Err(at.error(
            "needs the address of the base, `url: https://…`, or a command that serves a checkout of it, `serve: ./server --port $LOADGATE_PORT`",
        )),
    }
}

/// Compiles `reference`, which is built in, at an address, or served by a command.
fn reference(section: &Located<'_, source::ReferenceService>) -> Result<ReferenceService, Error> {
    let Located { at, value } = section;
    let text = |line: &Option<Line>| line.as_ref().map(|line| line.0.clone());
    let place = |key: &str| place(at, key);
    let (url, serve) = (text(&value.url), text(&value.serve));
    if value.ready.is_some() && serve.is_none() {
        return Err(place("ready").error("is about a command; remove it, or add 'serve'"));
    }
    let ready = ready(at, text(&value.ready))?;
    let rate = value.rate.as_ref().map_or(USUAL_RATE, |rate| rate.0);
    if !(LEAST_RATE..=MOST_RATE).contains(&rate) {
        return Err(place("rate").error(format_args!(
            "must be from {LEAST_RATE} to {MOST_RATE} requests per second"
        )));
    }
    let source = match (&value.built_in, url, serve) {
        (Some(latency), None, None) => ReferenceSource::BuiltIn(latency.0),
        (None, Some(url), None) => ReferenceSource::Url(url),
        (None, None, Some(serve)) => ReferenceSource::Command { serve, ready },
        (None, None, None) => {
            return Err(at.error(
                "needs the built-in server, `built_in: auto`, an address, `url: https://…`, or a command, `serve: ./reference --port $LOADGATE_PORT`",
            ));
        }
        (_, _, _) => {
            return Err(
                at.error("has more than one of 'built_in', 'url' and 'serve'; keep one of them")
            );
        }
    };
    Ok(ReferenceService {
        source,
        rate,
        line: at.line(),
    })
}

/// Refuses numbers that contradict each other, with the position of one of them.
fn refuse_contradictions(
    section: &Located<'_, source::Regression<'_>>,
    regression: &Regression,
) -> Result<(), Error> {
    let source = &section.value;
    let place = |key: &str| {
        let entry = section
            .at
            .entry(key)
            .or_else(|| section.at.entry("must_detect"));
        entry.map_or_else(|| section.at.clone(), |entry| entry.value)
    };
    let duet = (regression.tolerance, regression.must_detect);
    refuse_unreachable(&place("tolerance"), "duet", duet)?;
    let history = (regression.history_tolerance, regression.history_must_detect);
    refuse_unreachable(&place("history_tolerance"), "history", history)?;
    if regression.drift_tolerance < regression.history_tolerance {
        return Err(place("drift_tolerance").error(format_args!(
            "a drift_tolerance of {}% is below history_tolerance, which is {}%; raise it",
            significant(regression.drift_tolerance * 100.0),
            significant(regression.history_tolerance * 100.0)
        )));
    }
    refuse_unreachable_requests(&source.requests, regression)?;
    let smallest = regression.tolerance.min(regression.history_tolerance);
    for acceptance in source.accepted.iter().flatten() {
        // A share is tested against no change at all, so any share accepts something.
        let smallest = match acceptance.value.metric.value.kind() {
            MetricKind::Share => 0.0,
            MetricKind::Rate | MetricKind::Quantile(_) => smallest,
        };
        if acceptance.value.up_to.0 <= smallest {
            return Err(acceptance.at.error(format_args!(
                "accepts no more than the tolerance of {}%; raise up_to, or remove it",
                significant(smallest * 100.0)
            )));
        }
    }
    Ok(())
}

/// A check passes when the upper bound of its change is below `must_detect`, and fails when the lower one is above the
/// tolerance: with the tolerance on top of it, a cell could do both.
fn refuse_unreachable(
    cursor: &Cursor<'_>,
    mode: &str,
    (tolerance, must_detect): (f64, f64),
) -> Result<(), Error> {
    if tolerance < must_detect {
        return Ok(());
    }
    Err(cursor.error(format_args!(
        "a tolerance of {}% must be below must_detect.{mode}, which is {}%; lower it, or raise must_detect",
        significant(tolerance * 100.0),
        significant(must_detect * 100.0)
    )))
}

fn refuse_unreachable_requests(
    requests: &Map<'_, RequestRule>,
    regression: &Regression,
) -> Result<(), Error> {
    let (mode, must_detect) = if regression.must_detect <= regression.history_must_detect {
        ("duet", regression.must_detect)
    } else {
        ("history", regression.history_must_detect)
    };
    for field in &requests.0 {
        if let RequestRule::Adjusted {
            tolerance: Some(tolerance),
            ..
        } = field.value
        {
            refuse_unreachable(&field.entry.value, mode, (tolerance, must_detect))?;
        }
    }
    Ok(())
}

fn allowed(metric: &Located<'_, Metric>, names: &Names<'_>) -> Result<Metric, Error> {
    names
        .allow(metric.value)
        .map_err(|message| metric.at.error(message))?;
    Ok(metric.value)
}

fn accepted(
    sources: &[Located<'_, source::Acceptance<'_>>],
    names: &Names<'_>,
) -> Result<Vec<Acceptance>, Error> {
    let mut accepted: Vec<Acceptance> = Vec::new();
    for Located { at, value } in sources {
        let acceptance = Acceptance {
            subject: names.subject(&value.request.at)?,
            metric: allowed(&value.metric, names)?,
            up_to: value.up_to.0,
            until: value.until,
            reason: value.reason.0.clone(),
            line: at.line(),
        };
        let is_same = |other: &&Acceptance| {
            other.subject == acceptance.subject && other.metric == acceptance.metric
        };
        if let Some(other) = accepted.iter().find(is_same) {
            return Err(at.error(format_args!(
                "line {} accepts the same already; remove one of them",
                other.line
            )));
        }
        accepted.push(acceptance);
    }
    Ok(accepted)
}
