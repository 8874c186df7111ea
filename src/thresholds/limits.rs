//! The absolute limits: those that fail a build, and those that only warn.

use super::metrics::MetricLimit;
use super::source::{Cold, Errors, Limits, Phase, Sections};
use super::{Availability, Bound, Error, Limit, Names, Severity, Subject};
use crate::metric::Metric;
use crate::units::Share;
use crate::yaml::{Entry, Map};

/// Lists the limits in the order of the file, and adds the defaults.
pub(super) fn limits(
    source: Option<Limits<'_>>,
    names: &Names<'_>,
) -> Result<(Vec<Limit>, Option<Availability>), Error> {
    let mut limits = Vec::new();
    let mut has_error_rate = false;
    let mut availability = Some(Availability::default());
    if let Some(source) = source {
        let mut failing = List::new(names, Severity::Fail);
        if let Some(overall) = &source.overall {
            let metrics = &overall.metrics.limits;
            has_error_rate = metrics
                .iter()
                .any(|limit| limit.metric == Metric::ErrorRate);
            failing.metrics(metrics, &Scope::default())?;
            if let Some(unavailable) = &overall.unavailable {
                let share = unavailable.value.0.as_ref();
                availability = share.map(|share| Availability {
                    share: share.0,
                    line: Some(unavailable.at.line()),
                });
            }
        }
        failing.sections(&source.sections)?;
        let failing = failing.sorted();
        let mut warning = List::new(names, Severity::Warn);
        if let Some(warn) = &source.warn {
            if let Some(overall) = &warn.overall {
                warning.metrics(&overall.metrics.limits, &Scope::default())?;
            }
            warning.sections(&warn.sections)?;
        }
        let warning = warning.sorted();
        refuse_late_warnings(&failing, &warning)?;
        let all = failing.into_iter().chain(warning);
        limits = all.map(|(limit, _)| limit).collect();
    }
    if !has_error_rate {
        limits.push(Limit {
            subject: Subject::Overall,
            phase: None,
            bound: Bound::ErrorRate(Share::ONE_PERCENT),
            severity: Severity::Fail,
            line: None,
        });
    }
    Ok((limits, availability))
}

/// The requests and the phase that a limit is for.
#[derive(Clone)]
struct Scope {
    subject: Subject,
    phase: Option<String>,
}

/// All requests in all phases.
impl Default for Scope {
    fn default() -> Self {
        Self {
            subject: Subject::Overall,
            phase: None,
        }
    }
}

struct List<'a, 'd> {
    names: &'a Names<'a>,
    severity: Severity,
    limits: Vec<(Limit, Entry<'d>)>,
}

impl<'a, 'd> List<'a, 'd> {
    fn new(names: &'a Names<'a>, severity: Severity) -> Self {
        Self {
            names,
            severity,
            limits: Vec::new(),
        }
    }

    fn sections(&mut self, source: &Sections<'d>) -> Result<(), Error> {
        for request in &source.requests.0 {
            let scope = Scope {
                subject: self.names.request(&request.entry)?,
                phase: None,
            };
            self.phase(&request.value.limits, &scope)?;
            self.phases(&request.value.phases, &scope)?;
        }
        self.phases(&source.phases, &Scope::default())?;
        self.errors(&source.errors, &Scope::default());
        self.cold(source.cold.as_ref(), &Scope::default())
    }

    fn phases(&mut self, source: &Map<'d, Phase<'d>>, scope: &Scope) -> Result<(), Error> {
        for phase in &source.0 {
            let scope = Scope {
                phase: Some(self.names.phase(&phase.entry)?),
                ..scope.clone()
            };
            self.phase(&phase.value, &scope)?;
        }
        Ok(())
    }

    fn phase(&mut self, source: &Phase<'d>, scope: &Scope) -> Result<(), Error> {
        self.metrics(&source.metrics.limits, scope)?;
        self.errors(&source.errors, scope);
        self.cold(source.cold.as_ref(), scope)
    }

    fn cold(&mut self, source: Option<&Cold<'d>>, scope: &Scope) -> Result<(), Error> {
        source.map_or(Ok(()), |cold| self.metrics(&cold.metrics.limits, scope))
    }

    fn errors(&mut self, source: &Errors<'d>, scope: &Scope) {
        for limit in &source.0 {
            self.push(
                Bound::Failures(limit.key, limit.value.0),
                &limit.entry,
                scope,
            );
        }
    }

    fn metrics(&mut self, limits: &[MetricLimit<'d>], scope: &Scope) -> Result<(), Error> {
        for limit in limits {
            self.names
                .allow(limit.metric)
                .map_err(|message| limit.entry.error(message))?;
            if let Some(bound) = limit.bound {
                self.push(bound, &limit.entry, scope);
            }
        }
        Ok(())
    }

    fn push(&mut self, bound: Bound, entry: &Entry<'d>, scope: &Scope) {
        let limit = Limit {
            subject: scope.subject.clone(),
            phase: scope.phase.clone(),
            bound,
            severity: self.severity,
            line: Some(entry.key.at.line),
        };
        self.limits.push((limit, entry.clone()));
    }

    /// The limits in the order of the file.
    fn sorted(mut self) -> Vec<(Limit, Entry<'d>)> {
        self.limits
            .sort_by_key(|(_, entry)| (entry.key.at.line, entry.key.at.column));
        self.limits
    }
}

/// Refuses a warning that comes no sooner than the failure.
fn refuse_late_warnings(
    failing: &[(Limit, Entry<'_>)],
    warning: &[(Limit, Entry<'_>)],
) -> Result<(), Error> {
    for (warning, entry) in warning {
        let late = failing.iter().find(|(limit, _)| {
            limit.subject == warning.subject
                && limit.phase == warning.phase
                && holds_longer(warning.bound, limit.bound)
        });
        if let Some((limit, _)) = late {
            return Err(entry.value.error(format_args!(
                "warns no sooner than the limit in line {} fails; make it stricter or remove it",
                limit.line.unwrap_or_default()
            )));
        }
    }
    Ok(())
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
