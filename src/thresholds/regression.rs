//! How a change is told from noise, and which changes are wanted.

use std::collections::BTreeMap;
use std::time::Duration;

use super::parse::METRICS;
use super::{
    Acceptance, Error, MissingBaseline, Names, Precision, Regression, RequestRule, Subject,
};
use crate::metric::Metric;
use crate::units::{parse_duration, parse_percent, significant};
use crate::yaml::{Cursor, Entry, Fields, Keys, Misplaced, Value};

const SECTION: [&str; 11] = [
    "gate",
    "precision",
    "tolerance",
    "history_tolerance",
    "drift_tolerance",
    "floor",
    "must_detect",
    "requests",
    "accepted",
    "missing_baseline",
    "phases",
];

/// The largest change that a file may name: a hundredfold. Beyond it lies a slip of the pen.
const LARGEST_CHANGE: f64 = 100.0;

/// Reads `regression`.
pub(super) fn read(section: Option<&Entry<'_>>, names: &Names<'_>) -> Result<Regression, Error> {
    let mut regression = Regression::default();
    let Some(Entry {
        key,
        value: section,
        ..
    }) = section
    else {
        return Ok(regression);
    };
    let fields = section.fields(Keys {
        known: &SECTION,
        misplaced: &[Misplaced {
            keys: METRICS,
            instead: "compare it by `gate: [KEY]`, and bound it in 'limits'",
        }],
    })?;
    regression.line = Some(key.line);
    for entry in fields.entries() {
        let value = &entry.value;
        match entry.key.text.as_str() {
            "gate" => regression.gate = gate(value, names)?,
            "precision" => {
                let words = [("usual", Precision::Usual), ("high", Precision::High)];
                regression.precision = value.one_of(&words)?;
            }
            "tolerance" => regression.tolerance = change(value)?,
            "history_tolerance" => regression.history_tolerance = change(value)?,
            "drift_tolerance" => regression.drift_tolerance = change(value)?,
            "floor" => regression.floor = floor(value)?,
            "must_detect" => must_detect(value, &mut regression)?,
            "requests" => regression.requests = requests(value, names)?,
            "accepted" => regression.accepted = accepted(value, names)?,
            "missing_baseline" => regression.missing_baseline = missing_baseline(value)?,
            _ => regression.phases = phases(value, names)?,
        }
    }
    if fields.get("tolerance").is_none() {
        regression.tolerance = regression.precision.tolerance();
    }
    if fields.get("drift_tolerance").is_none() {
        let usual = regression.drift_tolerance;
        regression.drift_tolerance = usual.max(regression.history_tolerance);
    }
    refuse_contradictions(section, &fields, &regression)?;
    Ok(regression)
}

/// Refuses numbers that make no sense beside each other, told where one of them is written.
fn refuse_contradictions(
    section: &Cursor<'_>,
    fields: &Fields<'_>,
    regression: &Regression,
) -> Result<(), Error> {
    let place = |key: &str| {
        let written = fields.get(key).or_else(|| fields.get("must_detect"));
        written.unwrap_or(section).clone()
    };
    let duet = (regression.tolerance, regression.must_detect);
    refuse_unreachable(&place("tolerance"), "duet", duet)?;
    let history = (regression.history_tolerance, regression.history_must_detect);
    refuse_unreachable(&place("history_tolerance"), "history", history)?;
    if regression.drift_tolerance < regression.history_tolerance {
        return Err(place("drift_tolerance").error(format_args!(
            "a drift_tolerance of {}% must not be below history_tolerance, which is {}%: what adds up may be no less than one change",
            significant(regression.drift_tolerance * 100.0),
            significant(regression.history_tolerance * 100.0)
        )));
    }
    if let Some(requests) = fields.get("requests") {
        refuse_unreachable_requests(requests, regression)?;
    }
    let smallest = regression.tolerance.min(regression.history_tolerance);
    let accepted = fields
        .get("accepted")
        .map_or_else(|| Ok(Vec::new()), Cursor::list)?;
    for (cursor, acceptance) in accepted.iter().zip(&regression.accepted) {
        if acceptance.up_to <= smallest {
            return Err(cursor.error(format_args!(
                "accepts no more than the tolerance of {}% does anyway: raise up_to, or remove it",
                significant(smallest * 100.0)
            )));
        }
    }
    Ok(())
}

/// A cell passes when the upper bound of its change is below `must_detect`, and fails when the lower one is above the
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
        "a tolerance of {}% must be below must_detect.{mode}, which is {}%: lower it, or raise must_detect",
        significant(tolerance * 100.0),
        significant(must_detect * 100.0)
    )))
}

fn refuse_unreachable_requests(section: &Cursor<'_>, regression: &Regression) -> Result<(), Error> {
    let (mode, must_detect) = if regression.must_detect <= regression.history_must_detect {
        ("duet", regression.must_detect)
    } else {
        ("history", regression.history_must_detect)
    };
    for entry in section.entries()? {
        if let Some(RequestRule::Adjusted {
            tolerance: Some(tolerance),
            ..
        }) = regression.requests.get(&entry.key.text)
        {
            refuse_unreachable(&entry.value, mode, (*tolerance, must_detect))?;
        }
    }
    Ok(())
}

fn gate(cursor: &Cursor<'_>, names: &Names<'_>) -> Result<Vec<Metric>, Error> {
    if cursor.is_null() {
        return Err(cursor.error(
            "nothing is written: list the metrics that may fail a build, or write [] to gate none",
        ));
    }
    let mut gate = Vec::new();
    for item in cursor.list()? {
        let metric = metric(&item, names)?;
        if gate.contains(&metric) {
            return Err(item.error(format_args!("'{metric}' stands twice, remove one of them")));
        }
        gate.push(metric);
    }
    Ok(gate)
}

fn metric(cursor: &Cursor<'_>, names: &Names<'_>) -> Result<Metric, Error> {
    let metric = cursor.one_of(&Metric::ALL.map(|metric| (metric.key(), metric)))?;
    names
        .allow(metric)
        .map_err(|message| cursor.error(message))?;
    Ok(metric)
}

/// Reads a change, such as `5%`.
fn change(cursor: &Cursor<'_>) -> Result<f64, Error> {
    let change = cursor.read(parse_percent)?;
    if change > LARGEST_CHANGE {
        return Err(cursor.error("is more than a hundredfold, which nothing would ever exceed"));
    }
    Ok(change)
}

fn positive_change(cursor: &Cursor<'_>) -> Result<f64, Error> {
    let change = change(cursor)?;
    if change <= 0.0 {
        return Err(cursor.error("must be above 0%"));
    }
    Ok(change)
}

fn floor(cursor: &Cursor<'_>) -> Result<Duration, Error> {
    cursor.read(parse_duration)
}

/// Reads one percentage for both modes, or one for each.
fn must_detect(cursor: &Cursor<'_>, regression: &mut Regression) -> Result<(), Error> {
    if !matches!(cursor.node().value, Value::Map(_)) {
        regression.must_detect = positive_change(cursor)?;
        regression.history_must_detect = regression.must_detect;
        return Ok(());
    }
    let fields = cursor.fields(Keys::known(&["duet", "history"]))?;
    regression.must_detect = fields.read_or("duet", regression.must_detect, positive_change)?;
    regression.history_must_detect =
        fields.read_or("history", regression.history_must_detect, positive_change)?;
    Ok(())
}

fn requests(
    section: &Cursor<'_>,
    names: &Names<'_>,
) -> Result<BTreeMap<String, RequestRule>, Error> {
    let mut rules = BTreeMap::new();
    for entry in section.entries()? {
        names.request(&entry)?;
        rules.insert(entry.key.text.clone(), rule(&entry.value)?);
    }
    Ok(rules)
}

fn rule(cursor: &Cursor<'_>) -> Result<RequestRule, Error> {
    if !matches!(cursor.node().value, Value::Map(_)) {
        return match cursor.written() {
            Ok("off") => Ok(RequestRule::Off),
            _ => Err(cursor.expected("off, or a map with tolerance or floor")),
        };
    }
    let fields = cursor.fields(Keys::known(&["tolerance", "floor"]))?;
    if fields.entries().is_empty() {
        return Err(cursor.error("changes nothing: write off, tolerance or floor, or remove it"));
    }
    Ok(RequestRule::Adjusted {
        tolerance: fields.get("tolerance").map(change).transpose()?,
        floor: fields.get("floor").map(floor).transpose()?,
    })
}

fn accepted(section: &Cursor<'_>, names: &Names<'_>) -> Result<Vec<Acceptance>, Error> {
    let mut accepted: Vec<Acceptance> = Vec::new();
    for cursor in section.list()? {
        let acceptance = acceptance(&cursor, names)?;
        let same = |other: &&Acceptance| {
            other.subject == acceptance.subject && other.metric == acceptance.metric
        };
        if let Some(other) = accepted.iter().find(same) {
            return Err(cursor.error(format_args!(
                "line {} accepts the same already, remove one of them",
                other.line
            )));
        }
        accepted.push(acceptance);
    }
    Ok(accepted)
}

fn acceptance(cursor: &Cursor<'_>, names: &Names<'_>) -> Result<Acceptance, Error> {
    let keys = ["request", "metric", "up_to", "until", "reason"];
    let fields = cursor.fields(Keys::known(&keys))?;
    let subject: Subject = names.subject(fields.require("request")?)?;
    let until = |text: &str| {
        text.parse()
            .map_err(|_| format!("'{text}' is not a date, write it such as 2027-01-31"))
    };
    Ok(Acceptance {
        subject,
        metric: metric(fields.require("metric")?, names)?,
        up_to: positive_change(fields.require("up_to")?)?,
        until: fields.require("until")?.read(until)?,
        reason: fields.require("reason")?.line_of_text()?.to_owned(),
        line: cursor.line(),
    })
}

fn missing_baseline(cursor: &Cursor<'_>) -> Result<MissingBaseline, Error> {
    cursor.one_of(&[
        ("warn", MissingBaseline::Warn),
        ("fail", MissingBaseline::Fail),
    ])
}

fn phases(cursor: &Cursor<'_>, names: &Names<'_>) -> Result<Vec<String>, Error> {
    let mut phases = Vec::new();
    for item in cursor.list()? {
        let phase = names.phase_value(&item)?;
        if phases.contains(&phase) {
            return Err(item.error(format_args!("'{phase}' stands twice, remove one of them")));
        }
        phases.push(phase);
    }
    Ok(phases)
}
