//! One regression cell, from what was compared to its line.

use super::evidence::{Compared, Evidence};
use super::looks::Remaining;
use super::rule::Rule;
use super::statistics::holm;
use super::{
    ChangeCheck, Check, CheckKind, CheckOutcome, Enforcement, Measure, NotJudged, Reference,
};
use crate::metric::Metric;
use crate::thresholds::Subject;
use crate::units::six_digits;

/// Requests of either side from which on an error cell can pass by its bound: n > z^2 q / (1 - q) at 97.5 % and a share
/// 1 - q of 1 %, by Wilson's upper bound of none of n.
pub(super) const NEEDED_FOR_ERRORS: u64 = 381;

/// How many times as small the level of a strict check against a history is: if a job has fewer than 100 requests beyond
/// the quantile, its error is less normal than the test assumes; and relative to a reference, jobs vary by so little that
/// the tolerance covers less of it.
pub(super) const STRICTNESS: f64 = 3.0;

/// A cell before the family that it belongs to is known.
#[derive(Clone, Debug)]
pub(super) struct CheckInput {
    pub(super) subject: Subject,
    pub(super) phase: Option<String>,
    pub(super) metric: Metric,
    pub(super) enforcement: Enforcement,
    pub(super) reference: Reference,
    pub(super) rule: Rule,
    pub(super) compared: Compared,
}

/// A tested check with what warnings are drawn from.
#[derive(Clone, Debug)]
pub(super) struct TestedCheck {
    pub(super) check: Check,
    pub(super) input: CheckInput,
    /// The change for the worse that would have been caught.
    pub(super) detectable: Option<f64>,
    /// The level that the cell is tested at, in the worst place of Holm's order.
    pub(super) level: f64,
    /// Whether the cell would have passed without its acceptance.
    pub(super) passes_without_acceptance: bool,
    /// Whether the rest of a duet may yet show a change: one that the whole would catch is not ruled out.
    pub(super) is_open: bool,
}

/// A family of cells that are tested together, and the false alarm rate that it is allowed.
#[derive(Clone, Copy, Debug)]
struct Family {
    alpha: f64,
    cells: usize,
    /// What is planned beyond the look that they are judged at.
    remaining: Option<Remaining>,
}

/// Judges cells of one standing by Holm over all of them: their chance of one false alarm is at most `alpha`. More of a duet
/// may be `remaining`.
pub(super) fn judge(
    cells: Vec<CheckInput>,
    alpha: f64,
    remaining: Option<Remaining>,
) -> Vec<TestedCheck> {
    let p: Vec<f64> = cells.iter().filter_map(CheckInput::tested).collect();
    let family = Family {
        alpha,
        cells: p.len(),
        remaining,
    };
    let mut adjusted = holm(&p).into_iter();
    cells
        .into_iter()
        .map(|cell| {
            let adjusted = cell.tested().and_then(|_| adjusted.next());
            cell.judge(adjusted.is_some_and(|p| p <= alpha), family)
        })
        .collect()
}

impl CheckInput {
    /// Its p-value, where it takes part in the test of its family: an error cell without an error does not.
    fn tested(&self) -> Option<f64> {
        let evidence = self.compared.evidence.as_ref().ok()?;
        let tested = !self.rule.off && !evidence.has_no_errors();
        tested.then(|| self.p(evidence, self.rule.null))
    }

    /// The p-value against a change of `null`, raised where the level is stricter.
    fn p(&self, evidence: &Evidence, null: f64) -> f64 {
        (evidence.p(null) * self.strictness()).min(1.0)
    }

    /// How many times as small as that of other checks the level is.
    fn strictness(&self) -> f64 {
        if self.compared.is_strict {
            STRICTNESS
        } else {
            1.0
        }
    }

    fn judge(self, is_significant: bool, family: Family) -> TestedCheck {
        // The worst place in Holm's order, so that no cell promises more than it holds.
        let level = family.alpha / family.cells.max(1) as f64 / self.strictness();
        let is_open = match &self.compared.evidence {
            Ok(evidence) => !self.rule.off && self.is_open(evidence, family),
            Err(_) => false,
        };
        let (outcome, detectable, passes_unaccepted) = match &self.compared.evidence {
            Err(why) => (CheckOutcome::NotJudged(why.clone()), None, false),
            Ok(evidence) => (
                self.outcome(evidence, is_significant),
                evidence.detectable(self.rule.null, level),
                self.is_equivalent(evidence) && evidence.p(self.rule.default_margin) > family.alpha,
            ),
        };
        let outcome = if self.rule.off {
            CheckOutcome::NotJudged(NotJudged::Off)
        } else {
            outcome
        };
        TestedCheck {
            check: self.to_check(outcome, detectable),
            input: self,
            detectable,
            level,
            passes_without_acceptance: passes_unaccepted,
            is_open,
        }
    }

    /// Whether a change that the whole of a duet would catch is not ruled out yet.
    fn is_open(&self, evidence: &Evidence, family: Family) -> bool {
        let Some(remaining) = family.remaining else {
            return false;
        };
        let level = remaining.alpha / family.cells.max(1) as f64 / self.strictness();
        let caught = evidence.detectable_by_whole(self.rule.null, level, remaining);
        !evidence.has_no_errors()
            && !evidence.upper_bound_is_below_floor(self.before(), self.rule.floor)
            && caught.is_some_and(|caught| evidence.upper_bound() >= caught)
    }

    fn outcome(&self, evidence: &Evidence, is_significant: bool) -> CheckOutcome {
        if is_significant && self.is_seen_in_the_value(evidence) && !self.is_below_floor(evidence) {
            CheckOutcome::Failed
        } else if self.is_equivalent(evidence) || self.rule.accepted.is_some() {
            CheckOutcome::Passed
        } else if let Some(why) = too_few_for_a_pass(evidence) {
            CheckOutcome::NotJudged(why)
        } else {
            CheckOutcome::Inconclusive
        }
    }

    /// Whether the quantile that reports show grew by more than the tolerance too. The test ranks the slowest requests
    /// around it, and must not fail a quantile that hardly moved.
    fn is_seen_in_the_value(&self, evidence: &Evidence) -> bool {
        match (evidence, self.compared.before, self.compared.current) {
            (Evidence::SlowerTail(_), Some(before), Some(current)) => {
                current > before * (1.0 + self.rule.null)
            }
            (Evidence::SlowerTail(_), ..) => false,
            (Evidence::Slower(_) | Evidence::Fewer(_) | Evidence::Errors(_), ..) => true,
        }
    }

    fn is_below_floor(&self, evidence: &Evidence) -> bool {
        evidence.is_below_floor(self.before(), self.rule.floor)
    }

    /// Whether the upper bound of the change is too small to matter.
    fn is_equivalent(&self, evidence: &Evidence) -> bool {
        evidence.has_no_errors()
            || evidence.upper_bound() < self.rule.equivalence_margin
            || evidence.upper_bound_is_below_floor(self.before(), self.rule.floor)
    }

    fn before(&self) -> f64 {
        self.compared.before.unwrap_or(f64::INFINITY)
    }

    fn to_check(&self, outcome: CheckOutcome, detectable: Option<f64>) -> Check {
        let evidence = self.compared.evidence.as_ref().ok();
        Check {
            subject: self.subject.clone(),
            phase: self.phase.clone(),
            measure: Measure::Metric(self.metric),
            enforcement: self.enforcement,
            outcome,
            requests: self.compared.requests,
            current: self.compared.current.map(six_digits),
            kind: CheckKind::Change(ChangeCheck {
                before: self.compared.before.map(six_digits),
                change: evidence.map(|evidence| evidence.change(self.rule.null)),
                tolerance: six_digits(self.rule.tolerance),
                below_floor: evidence.is_some_and(|evidence| self.is_below_floor(evidence)),
                floor: self.metric.quantile().map(|_| six_digits(self.rule.floor)),
                min_detectable: evidence.zip(detectable).map(|(evidence, worse)| {
                    let above_floor =
                        evidence.detectable_above_floor(self.before(), self.rule.floor);
                    six_digits(evidence.in_own_direction(worse.max(above_floor)))
                }),
                acceptance: self.rule.accepted,
                attribution: None,
                reference: self.reference,
            }),
        }
    }
}

/// The reason why an error rate that did not fail cannot pass either: with so few requests, even none failing would not
/// meet the bound. A latency's requests were counted before.
fn too_few_for_a_pass(evidence: &Evidence) -> Option<NotJudged> {
    let Evidence::Errors(errors) = evidence else {
        return None;
    };
    let have = errors.estimate.base.of.min(errors.estimate.current.of);
    let need = NEEDED_FOR_ERRORS;
    (have < need).then_some(NotJudged::TooFewRequests { have, need })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::evidence::Units;
    use super::*;
    use crate::verdict::statistics::{Count, Dispersion, Estimate};

    /// The outcome of a gated P95 of 100 ms whose pairs differ by these log-ratios.
    fn outcome(differences: &[f64]) -> CheckOutcome {
        let estimate = Estimate::from_pairs(differences, 0.06).unwrap();
        let units = differences.len();
        let cell = CheckInput {
            subject: Subject::Overall,
            phase: None,
            metric: Metric::P95,
            enforcement: Enforcement::Gated,
            reference: Reference::Newest,
            rule: Rule {
                default_margin: 0.05,
                null: 0.05,
                tolerance: 0.05,
                floor: 0.001,
                equivalence_margin: 0.2,
                accepted: None,
                off: false,
            },
            compared: Compared {
                requests: 7200,
                before: Some(0.1),
                current: Some(0.1),
                evidence: Ok(Evidence::from_log_ratio(Metric::P95, estimate, units)),
                is_strict: false,
                reference_change: None,
                units: Units::Worse(Vec::new()),
            },
        };
        judge(vec![cell], 0.01, None).remove(0).check.outcome
    }

    proptest! {
        #[test]
        fn p1_a_constant_slow_down_never_turns_failed_into_passed(
            d in prop::collection::vec(-0.2..0.5, 5..25), slower in 0.0..0.5) {
            let rank = |outcome: &CheckOutcome| match outcome {
                CheckOutcome::Passed => 0,
                CheckOutcome::Inconclusive => 1,
                CheckOutcome::Failed | CheckOutcome::NotJudged(_) => 2,
            };
            let moved: Vec<f64> = d.iter().map(|x| x + slower).collect();
            prop_assert!(rank(&outcome(&moved)) >= rank(&outcome(&d)));
        }
    }

    #[test]
    fn the_golden_duets_come_to_their_outcomes() {
        let unchanged = [
            0.02, -0.01, 0.03, 0.0, 0.015, -0.02, 0.01, 0.25, -0.005, 0.02, 0.0, -0.01,
        ];
        let slower = [
            0.17, 0.20, 0.15, 0.19, 0.22, 0.16, 0.18, 0.45, 0.14, 0.21, 0.19, 0.17,
        ];
        assert_eq!(outcome(&unchanged), CheckOutcome::Passed);
        assert_eq!(outcome(&slower), CheckOutcome::Failed);
        assert_ne!(
            outcome(&[0.09, 0.12, 0.05, 0.11, 0.10]),
            CheckOutcome::Failed
        );
    }

    #[test]
    fn an_error_cell_needs_what_could_pass_without_an_error() {
        for (of, passes) in [(NEEDED_FOR_ERRORS, true), (NEEDED_FOR_ERRORS - 1, false)] {
            let (_, upper) = Dispersion::NONE.bounds(Count { hits: 0, of }, 0.025, 0.025);
            assert_eq!(upper < 0.01, passes, "{of}");
        }
    }
}
