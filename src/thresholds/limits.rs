//! The limits: absolute promises, those that only warn among them.

use std::time::Duration;

use super::parse::METRICS;
use super::{Availability, Bound, Error, FailureSet, Limit, Names, Severity, Subject};
use crate::measurement::FailureKind;
use crate::metric::{Kind, Metric};
use crate::units::{Share, parse_duration};
use crate::yaml::{Cursor, Entry, Fields, Keys, Misplaced, Value};

const SECTIONS: [&str; 5] = ["overall", "requests", "phases", "errors", "cold"];

/// What may stand beside the metrics of one request or phase.
const BESIDES: [&str; 2] = ["errors", "cold"];

/// The share of time in which nobody is served, beside the metrics of all requests together.
const UNAVAILABLE: &str = "unavailable";

/// Under `cold`, the metrics of cold starts by their names there.
const COLD: [(&str, Metric); 5] = [
    ("share", Metric::ColdShare),
    ("p50", Metric::ColdP50),
    ("p90", Metric::ColdP90),
    ("p95", Metric::ColdP95),
    ("p99", Metric::ColdP99),
];

/// Reads `limits`, and adds what holds where they are silent.
pub(super) fn read(
    section: Option<&Cursor<'_>>,
    names: &Names<'_>,
) -> Result<(Vec<Limit>, Option<Availability>), Error> {
    let mut reader = Reader {
        names,
        limits: Vec::new(),
        has_error_rate: false,
        availability: Some(Availability::default()),
    };
    if let Some(section) = section {
        let known = [&SECTIONS[..], &["warn"]].concat();
        let requests: Vec<&str> = names.requests.iter().map(String::as_str).collect();
        let phases: Vec<&str> = names.phases.iter().map(|it| it.name.as_str()).collect();
        let misplaced = |keys, instead| Misplaced { keys, instead };
        let fields = section.fields(Keys {
            known: &known,
            misplaced: &[
                misplaced(METRICS, "put it into a section: `overall: { KEY: VALUE }`"),
                misplaced(
                    &requests,
                    "put it into 'requests': `requests: { KEY: VALUE }`",
                ),
                misplaced(&phases, "put it into 'phases': `phases: { KEY: VALUE }`"),
                misplaced(
                    &[
                        "gate",
                        "tolerance",
                        "floor",
                        "must_detect",
                        "missing_baseline",
                        "regression",
                    ],
                    "put it at the top of the file, where 'regression' is a section of its own",
                ),
            ],
        })?;
        reader.sections(&fields, Severity::Fail)?;
        if let Some(warn) = fields.get("warn") {
            reader.sections(&warn.fields(keys(&SECTIONS))?, Severity::Warn)?;
        }
        reader.refuse_late_warnings()?;
    }
    let mut limits: Vec<_> = reader.limits.into_iter().map(|(limit, _)| limit).collect();
    if !reader.has_error_rate {
        limits.push(Limit {
            subject: Subject::Overall,
            phase: None,
            bound: Bound::ErrorRate(Share::ONE_PERCENT),
            severity: Severity::Fail,
            line: None,
        });
    }
    Ok((limits, reader.availability))
}

fn keys<'k>(known: &'k [&'k str]) -> Keys<'k> {
    Keys::known(known)
}

/// Where a limit applies.
#[derive(Clone)]
struct Place {
    subject: Subject,
    phase: Option<String>,
    severity: Severity,
}

struct Reader<'a, 'd> {
    names: &'a Names<'a>,
    limits: Vec<(Limit, Entry<'d>)>,
    /// Whether the file says anything of the overall error rate, be it `off`.
    has_error_rate: bool,
    availability: Option<Availability>,
}

impl<'d> Reader<'_, 'd> {
    fn sections(&mut self, sections: &Fields<'d>, severity: Severity) -> Result<(), Error> {
        let everywhere = Place {
            subject: Subject::Overall,
            phase: None,
            severity,
        };
        for section in sections.entries() {
            match section.key.text.as_str() {
                "overall" => {
                    let besides: &[&str] = match severity {
                        Severity::Fail => &[UNAVAILABLE],
                        Severity::Warn => &[],
                    };
                    let fields = self.metrics(&section.value, &everywhere, besides)?;
                    self.unavailable(&fields)?;
                }
                "requests" => self.requests(&section.value, &everywhere)?,
                "phases" => self.phases(&section.value, &everywhere)?,
                "errors" => self.failures(&section.value, &everywhere)?,
                "cold" => self.cold(&section.value, &everywhere)?,
                // `warn`, which is read after the limits that fail.
                _ => {}
            }
        }
        Ok(())
    }

    fn unavailable(&mut self, fields: &Fields<'d>) -> Result<(), Error> {
        let mut entries = fields.entries().iter();
        let Some(entry) = entries.find(|entry| entry.key.text == UNAVAILABLE) else {
            return Ok(());
        };
        self.availability = match entry.value.written() {
            Ok("off") => None,
            Ok(_) | Err(_) => Some(Availability {
                share: share(&entry.value)?,
                line: Some(entry.key.line),
            }),
        };
        Ok(())
    }

    fn requests(&mut self, section: &Cursor<'d>, everywhere: &Place) -> Result<(), Error> {
        for entry in section.entries()? {
            let place = Place {
                subject: self.names.request(&entry)?,
                ..everywhere.clone()
            };
            let fields =
                self.metrics(&entry.value, &place, &[&BESIDES[..], &["phases"]].concat())?;
            self.besides(&fields, &place)?;
            if let Some(phases) = fields.get("phases") {
                self.phases(phases, &place)?;
            }
        }
        Ok(())
    }

    fn phases(&mut self, section: &Cursor<'d>, place: &Place) -> Result<(), Error> {
        for entry in section.entries()? {
            let place = Place {
                phase: Some(self.names.phase(&entry)?),
                ..place.clone()
            };
            let fields = self.metrics(&entry.value, &place, &BESIDES)?;
            self.besides(&fields, &place)?;
        }
        Ok(())
    }

    /// Reads what stands beside the metrics of one request or phase.
    fn besides(&mut self, fields: &Fields<'d>, place: &Place) -> Result<(), Error> {
        if let Some(errors) = fields.get("errors") {
            self.failures(errors, place)?;
        }
        match fields.get("cold") {
            Some(cold) => self.cold(cold, place),
            None => Ok(()),
        }
    }

    /// Reads the limits of cold starts.
    fn cold(&mut self, section: &Cursor<'d>, place: &Place) -> Result<(), Error> {
        let fields = section.fields(keys(&COLD.map(|(key, _)| key)))?;
        for entry in fields.entries() {
            let named = COLD.iter().find(|(key, _)| *key == entry.key.text);
            if let Some((_, metric)) = named {
                self.metric(*metric, place, entry)?;
            }
        }
        refuse_crossed(&fields, |metric| {
            let named = COLD.iter().find(|(_, cold)| *cold == metric);
            named.map(|(key, _)| *key)
        })
    }

    fn metric(&mut self, metric: Metric, place: &Place, entry: &Entry<'d>) -> Result<(), Error> {
        self.names
            .allow(metric)
            .map_err(|message| entry.error(message))?;
        self.push(bound(metric, &entry.value)?, place, entry);
        Ok(())
    }

    /// Reads a map of metrics, and hands back what else stands in it.
    fn metrics(
        &mut self,
        section: &Cursor<'d>,
        place: &Place,
        besides: &[&'static str],
    ) -> Result<Fields<'d>, Error> {
        // Those of cold starts have a map of their own.
        let metrics = || Metric::ALL.into_iter().filter(|it| !it.is_of_cold_starts());
        let mut known = besides.to_vec();
        known.extend(metrics().map(Metric::key));
        let fields = section.fields(keys(&known))?;
        let is_default = place.subject == Subject::Overall
            && place.phase.is_none()
            && place.severity == Severity::Fail;
        for entry in fields.entries() {
            let Some(metric) = metrics().find(|it| it.key() == entry.key.text) else {
                continue;
            };
            if metric == Metric::ErrorRate && is_default {
                self.has_error_rate = true;
                if matches!(entry.value.written(), Ok("off")) {
                    continue;
                }
            }
            self.metric(metric, place, entry)?;
        }
        refuse_crossed(&fields, |metric| Some(metric.key()))?;
        Ok(fields)
    }

    fn failures(&mut self, section: &Cursor<'d>, place: &Place) -> Result<(), Error> {
        for entry in section.entries()? {
            let set = failure_set(&entry.key.text).map_err(|error| entry.error(error))?;
            self.push(Bound::Failures(set, share(&entry.value)?), place, &entry);
        }
        Ok(())
    }

    fn push(&mut self, bound: Bound, place: &Place, entry: &Entry<'d>) {
        let limit = Limit {
            subject: place.subject.clone(),
            phase: place.phase.clone(),
            bound,
            severity: place.severity,
            line: Some(entry.key.line),
        };
        self.limits.push((limit, entry.clone()));
    }

    /// A warning that comes no sooner than the failure warns of nothing.
    fn refuse_late_warnings(&self) -> Result<(), Error> {
        let of = |severity| {
            let of = move |(limit, _): &&(Limit, Entry<'d>)| limit.severity == severity;
            self.limits.iter().filter(of)
        };
        for (warning, entry) in of(Severity::Warn) {
            let late = of(Severity::Fail).find(|(limit, _)| {
                limit.subject == warning.subject
                    && limit.phase == warning.phase
                    && holds_longer(warning.bound, limit.bound)
            });
            if let Some((limit, _)) = late {
                return Err(entry.value.error(format_args!(
                    "warns no sooner than the limit in line {} fails: make it stricter or remove it",
                    limit.line.unwrap_or_default()
                )));
            }
        }
        Ok(())
    }
}

/// Whether a bound is on the same figure as another and breaks no sooner.
fn holds_longer(bound: Bound, other: Bound) -> bool {
    match (bound, other) {
        (
            Bound::Latency { metric, at_most },
            Bound::Latency {
                metric: of,
                at_most: other,
            },
        ) => metric == of && at_most >= other,
        (Bound::ErrorRate(share), Bound::ErrorRate(other))
        | (Bound::ColdShare(share), Bound::ColdShare(other)) => share >= other,
        (Bound::Failures(set, share), Bound::Failures(of, other)) => set == of && share >= other,
        (Bound::RequestsPerSecond(rate), Bound::RequestsPerSecond(other)) => rate <= other,
        (
            Bound::Latency { .. }
            | Bound::ErrorRate(_)
            | Bound::ColdShare(_)
            | Bound::Failures(..)
            | Bound::RequestsPerSecond(_),
            _,
        ) => false,
    }
}

fn bound(metric: Metric, cursor: &Cursor<'_>) -> Result<Bound, Error> {
    match metric.kind() {
        Kind::Quantile(_) => Ok(Bound::Latency {
            metric,
            at_most: latency(cursor)?,
        }),
        Kind::Share if metric == Metric::ColdShare => share(cursor).map(Bound::ColdShare),
        Kind::Share => share(cursor).map(Bound::ErrorRate),
        Kind::Rate => rate(cursor).map(Bound::RequestsPerSecond),
    }
}

fn latency(cursor: &Cursor<'_>) -> Result<Duration, Error> {
    let latency = cursor.read(parse_duration)?;
    if latency.is_zero() {
        return Err(cursor.error("must be longer than 0s, no answer takes no time"));
    }
    Ok(latency)
}

fn share(cursor: &Cursor<'_>) -> Result<Share, Error> {
    if matches!(cursor.written(), Ok("off")) {
        return Err(cursor.error(
            "'off' removes the default of limits.overall.error_rate only, remove the line instead",
        ));
    }
    let share: Share = cursor.read(str::parse)?;
    if share.fraction() >= 1.0 {
        return Err(cursor.error("a limit of 100% can never be broken, lower it or remove it"));
    }
    Ok(share)
}

fn rate(cursor: &Cursor<'_>) -> Result<f64, Error> {
    let wrong = || cursor.expected("a number of requests per second above 0, such as 90");
    match &cursor.node().value {
        Value::Number { value, .. } => value.as_f64().filter(|rate| *rate > 0.0).ok_or_else(wrong),
        Value::Null | Value::Bool(_) | Value::Text { .. } | Value::List(_) | Value::Map(_) => {
            Err(wrong())
        }
    }
}

/// A higher quantile is never shorter than a lower one, so a longer limit on the lower one can never be what breaks.
fn refuse_crossed(
    fields: &Fields<'_>,
    key: impl Fn(Metric) -> Option<&'static str>,
) -> Result<(), Error> {
    let mut shorter: Option<(Metric, Duration, &str)> = None;
    for metric in Metric::ALL.into_iter().rev() {
        let quantile = metric.quantile().and_then(|_| fields.get(key(metric)?));
        let Some(cursor) = quantile else { continue };
        // Cold and warm answers are different ones, whose quantiles may cross.
        shorter = shorter.filter(|(higher, ..)| higher.starts() == metric.starts());
        let (own, written) = (latency(cursor)?, cursor.written()?);
        if let Some((higher, _, limit)) = shorter.filter(|(_, limit, _)| own > *limit) {
            return Err(cursor.error(format_args!(
                "{written} can never be broken, since {higher} must stay within {limit}: make it stricter or remove it"
            )));
        }
        shorter = Some((metric, own, written));
    }
    Ok(())
}

/// Reads `429`, `5xx` or `timeout`.
fn failure_set(text: &str) -> Result<FailureSet, String> {
    for class in 2..=5 {
        if text.eq_ignore_ascii_case(&format!("{class}xx")) {
            return Ok(FailureSet::StatusClass(class));
        }
    }
    let kind: Result<FailureKind, _> = text.parse();
    kind.map(FailureSet::Kind)
        .map_err(|error| format!("{error}, or a class such as 5xx"))
}
