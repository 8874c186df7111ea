//! The rule of one check: its tolerance and floor, and whether a slow-down of it was accepted.

use jiff::civil::Date;

use super::evidence::SMALLEST_SHARE;
use crate::metric::{Metric, MetricKind};
use crate::thresholds::{Acceptance, Regression, RequestRule, Subject};

/// An error cell passes where the upper bound of the difference is below this share.
const HARMLESS_SHARE: f64 = 0.01;

/// A quantile from here on needs many requests: it may stay unjudged beside a nearer one, and passes by a wider margin.
pub(super) const FAR_QUANTILE: f64 = 0.99;
/// How many times `must_detect` the margin of a far quantile is: with the same requests, its error is about 1.7 times that
/// of P95, and it must not leave most runs undecided.
const FAR_MARGIN: f64 = 1.5;

/// How many times `must_detect` a change of a metric must be that has to be ruled out.
pub fn margin_factor(metric: Metric) -> f64 {
    if metric.quantile().is_some_and(|q| q >= FAR_QUANTILE) {
        FAR_MARGIN
    } else {
        1.0
    }
}

/// The margins of one check.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rule {
    /// The tolerance if nothing is accepted: a fraction, for errors a difference of shares.
    pub(super) default_margin: f64,
    /// Null hypothesis of the test: the tolerance or the accepted change; for errors zero or the accepted change.
    pub(super) null: f64,
    /// The tolerance as reports show it.
    pub(super) tolerance: f64,
    /// Latency changes below this are ignored, in seconds.
    pub(super) floor: f64,
    /// The check passes if the upper bound of the change is below this.
    pub(super) equivalence_margin: f64,
    /// The acceptance that took the tolerance's place.
    pub(super) accepted: Option<usize>,
    /// Whether the file turns the cell off.
    pub(super) off: bool,
}

impl Rule {
    /// The same against the anchor, from which many small changes may add up: what is tolerated is at least
    /// `drift_tolerance`, and what passes is wider by as much. Error rates have a rule of their own.
    pub(super) fn against_the_anchor(self, regression: &Regression, metric: Metric) -> Self {
        if metric.kind() == MetricKind::Share {
            return self;
        }
        let null = self.null.max(regression.drift_tolerance);
        Self {
            default_margin: self.default_margin.max(regression.drift_tolerance),
            null,
            tolerance: null,
            equivalence_margin: self.equivalence_margin + (null - self.null),
            ..self
        }
    }
}

/// The rules of all checks of one verdict.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'a> {
    regression: &'a Regression,
    is_duet: bool,
    /// The day of the run: an acceptance holds by the record's date, so that a stored result is judged alike for ever.
    today: Date,
}

impl<'a> Rules<'a> {
    /// The rules of a day.
    pub(super) fn for_day(today: Date, regression: &'a Regression, is_duet: bool) -> Self {
        Self {
            regression,
            is_duet,
            today,
        }
    }

    /// The rule of one cell; `only` is the one request name that there is, whose rule is overall's too.
    pub(super) fn for_check(&self, subject: &Subject, only: Option<&str>, metric: Metric) -> Rule {
        let name = subject.name().or(only);
        let (mut tolerance, mut floor, mut off) = (None, None, false);
        match name.and_then(|name| self.regression.requests.get(name)) {
            None => {}
            Some(RequestRule::Off) => off = true,
            Some(RequestRule::Adjusted {
                tolerance: own_tolerance,
                floor: own_floor,
            }) => (tolerance, floor) = (*own_tolerance, *own_floor),
        }
        let ordinary = match metric.kind() {
            // An error rate is tested against no change at all, and a failure needs a smallest difference besides.
            MetricKind::Share => 0.0,
            // How much a rate varies between jobs has no figure of its own: the wider tolerance holds in either mode.
            MetricKind::Rate => tolerance.unwrap_or(self.regression.tolerance),
            MetricKind::Quantile(_) => tolerance.unwrap_or(self.tolerance()),
        };
        let accepted = self.accepted(subject, metric);
        let null = accepted.map_or(ordinary, |(_, acceptance)| acceptance.up_to.max(ordinary));
        Rule {
            default_margin: ordinary,
            null,
            tolerance: match metric.kind() {
                MetricKind::Share => null.max(SMALLEST_SHARE),
                MetricKind::Rate | MetricKind::Quantile(_) => null,
            },
            floor: floor.unwrap_or(self.regression.floor).as_secs_f64(),
            equivalence_margin: match metric.kind() {
                MetricKind::Share => HARMLESS_SHARE,
                MetricKind::Rate | MetricKind::Quantile(_) => {
                    self.must_detect() * margin_factor(metric)
                }
            },
            accepted: accepted.map(|(index, _)| index),
            off,
        }
    }

    /// Whether an acceptance still holds; its last day is included.
    pub(super) fn is_in_force(&self, acceptance: &Acceptance) -> bool {
        self.today <= acceptance.until
    }

    /// The most generous acceptance in force of a cell: one of a name holds for overall too, which it moves.
    fn accepted(&self, subject: &Subject, metric: Metric) -> Option<(usize, &'a Acceptance)> {
        let all = self.regression.accepted.iter().enumerate();
        all.filter(|(_, acceptance)| {
            let concerned = acceptance.subject == *subject || *subject == Subject::Overall;
            concerned && acceptance.metric == metric && self.is_in_force(acceptance)
        })
        .max_by(|(_, a), (_, b)| a.up_to.total_cmp(&b.up_to))
    }

    fn tolerance(&self) -> f64 {
        if self.is_duet {
            self.regression.tolerance
        } else {
            self.regression.history_tolerance
        }
    }

    fn must_detect(&self) -> f64 {
        if self.is_duet {
            self.regression.must_detect
        } else {
            self.regression.history_must_detect
        }
    }
}
