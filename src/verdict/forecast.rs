//! A forecast of what a verdict will be able to detect, before anything is sent.

use jiff::civil::Date;

use super::NotJudged;
use super::change::{NEEDED_FOR_ERRORS, STRICTNESS};
use super::duet::{needed_per_arm, process_effect, require_units, too_few_units};
use super::evidence::{Evidence, Weighed, counted, prior_sd, require, too_few};
use super::input::{HISTORY_FROM, JOBS_ALPHA};
use super::limits::requests_needed;
use super::looks;
use super::planned_load::{ArmPlan, PlannedLoad, Traffic, whole};
use super::reference::{Level, Relative};
use super::regression::{GatedScope, gated_metrics, gated_scopes, overall_and};
use super::rule::{Rule, Rules};
use super::statistics::{
    Count, Dispersion, Estimate, ExpectedTailRank, FEWEST_UNITS, ProcessEffect, ShareChange,
    requests_per_unit, steepness, usual_steepness,
};
use crate::baseline::{Job, RequestSummary};
use crate::measurement::Interleaving;
use crate::metric::{Metric, MetricKind, StartFilter};
use crate::record::{has_small_tail, needed_in_all, needed_per_unit};
use crate::thresholds::{Regression, Subject, Thresholds};

/// The comparison that is planned for the run.
#[derive(Clone, Copy, Debug)]
pub enum Design<'a> {
    /// With the matching jobs of a baseline. Where there are none, the forecast is for as many as make a history, with
    /// the spread that the rule expects of them.
    Jobs(&'a [&'a Job]),
    /// With a base arm in the same job, whose spread the rule expects.
    Duet {
        /// Jobs of a baseline, whose percentiles say how steeply the tail falls; else the usual steepness is assumed.
        jobs: &'a [&'a Job],
        /// Pairs per steady phase.
        pairs: u32,
        /// Length of a slice in seconds; of a mixed duet, of a pair.
        slice_s: f64,
        /// Whether the arms take turns.
        interleaving: Interleaving,
        /// How often it is judged.
        looks: u32,
    },
}

/// The changes that a verdict will be able to detect.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Gated cells: overall before names.
    pub checks: Vec<CheckForecast>,
    /// Limits in the order of the file.
    pub limits: Vec<LimitForecast>,
}

/// The forecast of one gated check.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckForecast {
    /// The request name, or all requests together.
    pub subject: Subject,
    /// One phase; all steady ones where none.
    pub phase: Option<String>,
    /// What is measured.
    pub metric: Metric,
    /// Requests expected, in a duet of one arm.
    pub requests: u64,
    /// Requests that the rule needs.
    pub need: u64,
    /// The smallest change that would be caught with 90 % probability, in the direction of a change for the worse: a
    /// ratio less one, for error rates a difference of shares. Or why the cell could not be judged.
    pub smallest: Result<Option<f64>, NotJudged>,
}

impl CheckForecast {
    /// Whether it could be judged, as far as can be known: cold starts cannot be ordered.
    pub fn can_be_judged(&self) -> bool {
        match self.smallest {
            Ok(_) | Err(NotJudged::TooFewColdStarts { .. }) => true,
            Err(_) => false,
        }
    }
}

/// Whether a limit will get what it needs.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitForecast {
    /// Index into the thresholds' list.
    pub limit: usize,
    /// Requests expected.
    pub requests: u64,
    /// Requests without which it cannot be judged; none for a rate.
    pub need: Option<u64>,
}

impl LimitForecast {
    /// Whether it can be judged.
    pub fn can_be_judged(&self) -> bool {
        self.requests >= self.need.unwrap_or(1)
    }
}

impl Forecast {
    /// The smallest change that would be caught by the check that another forecast has; none where it could not be judged.
    pub fn smallest_of(&self, other: &CheckForecast) -> Option<f64> {
        let place =
            |check: &CheckForecast| (check.subject.clone(), check.phase.clone(), check.metric);
        let mut checks = self.checks.iter();
        let same = checks.find(|check| place(check) == place(other))?;
        same.smallest.as_ref().ok().copied().flatten()
    }

    /// Whether anything that may fail a build could be judged: a gated cell, or a limit where no cell is gated.
    pub fn can_judge_anything(&self) -> bool {
        let mut cells = self.checks.iter().peekable();
        match cells.peek() {
            Some(_) => cells.any(CheckForecast::can_be_judged),
            None => self.limits.iter().any(LimitForecast::can_be_judged),
        }
    }
}

/// Forecasts a verdict of a run on a day.
pub fn forecast(
    expected: &PlannedLoad<'_>,
    thresholds: &Thresholds,
    design: Design<'_>,
    today: Date,
) -> Forecast {
    let drafts = drafts(expected, &thresholds.regression, design, today);
    let tested = |draft: &&Draft| {
        let evidence = draft.evidence.as_ref().ok();
        evidence.is_some_and(|evidence| !evidence.has_no_errors())
    };
    let family = drafts.iter().filter(tested).count().max(1);
    let alpha = match design {
        Design::Jobs(_) => JOBS_ALPHA,
        Design::Duet { looks, .. } => looks::alpha_of(looks, looks),
    } / family as f64;
    let limits = thresholds.limits.iter().enumerate();
    Forecast {
        checks: drafts
            .into_iter()
            .map(|draft| draft.into_forecast(alpha))
            .collect(),
        limits: limits
            .map(|(index, limit)| LimitForecast {
                limit: index,
                requests: whole(expected.requests_for_limit(limit)),
                need: requests_needed(limit.bound),
            })
            .collect(),
    }
}

/// A cell with what would be known of it.
struct Draft {
    cell: CheckForecast,
    rule: Rule,
    evidence: Result<Planned, NotJudged>,
}

/// The evidence that a cell is expected to have.
enum Planned {
    Like(Evidence),
    Strict(Evidence),
    TailRank(ExpectedTailRank, ProcessEffect),
}

impl Planned {
    fn has_no_errors(&self) -> bool {
        match self {
            Self::Like(evidence) | Self::Strict(evidence) => evidence.has_no_errors(),
            Self::TailRank(..) => false,
        }
    }

    /// The smallest change for the worse that would be caught, in its own direction.
    fn smallest(&self, null: f64, alpha: f64) -> Option<f64> {
        let alike = |evidence: &Evidence, alpha| {
            let worse = evidence.detectable(null, alpha)?;
            Some(evidence.in_own_direction(worse))
        };
        match self {
            Self::Like(evidence) => alike(evidence, alpha),
            Self::Strict(evidence) => alike(evidence, alpha / STRICTNESS),
            Self::TailRank(expected, process) => {
                let log_ratio = expected.detectable(libm::log1p(null), alpha, *process);
                Some(libm::expm1(log_ratio))
            }
        }
    }
}

impl Draft {
    fn into_forecast(self, alpha: f64) -> CheckForecast {
        CheckForecast {
            smallest: self
                .evidence
                .map(|planned| planned.smallest(self.rule.null, alpha)),
            ..self.cell
        }
    }
}

fn drafts(
    expected: &PlannedLoad<'_>,
    regression: &Regression,
    design: Design<'_>,
    today: Date,
) -> Vec<Draft> {
    let process = process_effect(regression);
    let rules = Rules::for_day(today, regression, matches!(design, Design::Duet { .. }));
    let mut drafts = Vec::new();
    for scope in gated_scopes(expected.phases, regression) {
        if !scope.is_gated {
            continue;
        }
        let names = expected.names(&scope.phases);
        let only = names.first().filter(|_| names.len() == 1);
        let subjects = names.iter().filter(|_| only.is_none());
        for subject in overall_and(subjects.map(|name| (*name).clone())) {
            let traffic = expected.traffic(&scope.phases, &subject);
            for metric in gated_metrics(regression) {
                let rule = rules.for_check(&subject, only.map(|name| name.as_str()), metric);
                drafts.push(draft(
                    &scope,
                    &subject,
                    metric,
                    rule,
                    &traffic,
                    (design, process),
                ));
            }
        }
    }
    drafts
}

fn draft(
    scope: &GatedScope,
    subject: &Subject,
    metric: Metric,
    rule: Rule,
    traffic: &[Traffic],
    (design, process): (Design<'_>, ProcessEffect),
) -> Draft {
    let (requests, evidence) = match design {
        _ if metric.starts() == StartFilter::Cold => {
            cold_start_evidence(design, scope, subject, metric)
        }
        Design::Jobs(jobs) => {
            let requests = whole(traffic.iter().map(|phase| phase.requests).sum());
            let evidence = require_requests(metric, requests, traffic)
                .and_then(|()| job_evidence(jobs, scope, subject, metric, requests));
            (requests, evidence)
        }
        Design::Duet {
            pairs,
            slice_s,
            interleaving,
            jobs,
            ..
        } => {
            let arms: Vec<ArmPlan> = traffic
                .iter()
                .map(|phase| phase.arm(pairs, slice_s))
                .collect();
            let requests = whole(arms.iter().map(ArmPlan::requests).sum());
            let evidence = match metric.kind() {
                MetricKind::Quantile(q) => {
                    let steepness = tail_steepness(jobs, scope, subject, q);
                    // What disturbs the target meets both arms alike if they are mixed.
                    let apart_s = match interleaving {
                        Interleaving::Turns => slice_s,
                        Interleaving::Mixed => 0.0,
                    };
                    tail_rank(&arms, metric, requests, (q, steepness, apart_s))
                        .map(|expected| Planned::TailRank(expected, process))
                }
                MetricKind::Rate | MetricKind::Share => {
                    pair_evidence(&arms, metric, requests).map(Planned::Like)
                }
            };
            (requests, evidence)
        }
    };
    let need = match (design, metric.kind()) {
        (Design::Duet { .. }, MetricKind::Quantile(q)) => needed_per_arm(q),
        _ => needed(metric),
    };
    Draft {
        cell: CheckForecast {
            subject: subject.clone(),
            phase: scope.phase(),
            metric,
            requests,
            need,
            smallest: Err(NotJudged::Off),
        },
        evidence: if rule.off {
            Err(NotJudged::Off)
        } else {
            evidence
        },
        rule,
    }
}

/// Cold starts come as the target pleases: as many as in the baseline's jobs, or unknown.
fn cold_start_evidence(
    design: Design<'_>,
    scope: &GatedScope,
    subject: &Subject,
    metric: Metric,
) -> (u64, Result<Planned, NotJudged>) {
    let (Design::Jobs(jobs) | Design::Duet { jobs, .. }) = design;
    let cells = jobs
        .iter()
        .filter_map(|job| job.cell(&scope.phases, subject.name()));
    let cold: Vec<f64> = cells
        .map(|cell| cell.cold.unwrap_or_default() as f64)
        .collect();
    let mean = cold.iter().sum::<f64>() / cold.len().max(1) as f64;
    let have = whole(mean);
    let evidence = require(metric, have, needed(metric))
        .and_then(|()| job_evidence(jobs, scope, subject, metric, have));
    (have, evidence)
}

fn needed(metric: Metric) -> u64 {
    match metric.kind() {
        MetricKind::Share => NEEDED_FOR_ERRORS,
        MetricKind::Quantile(_) | MetricKind::Rate => needed_in_all(metric),
    }
}

/// Whether a job, and each of its phases, gets what a level needs.
fn require_requests(metric: Metric, requests: u64, traffic: &[Traffic]) -> Result<(), NotJudged> {
    require(metric, requests, needed(metric))?;
    if metric.kind() == MetricKind::Share {
        return Ok(());
    }
    let sent = traffic.iter().filter(|phase| phase.requests > 0.0);
    for phase in sent {
        require(metric, whole(phase.requests), needed_per_unit(metric))?;
    }
    Ok(())
}

fn job_evidence(
    jobs: &[&Job],
    scope: &GatedScope,
    subject: &Subject,
    metric: Metric,
    requests: u64,
) -> Result<Planned, NotJudged> {
    let held: Vec<(&Job, &RequestSummary)> = jobs
        .iter()
        .filter_map(|job| Some((*job, job.cell(&scope.phases, subject.name())?)))
        .collect();
    let cells: Vec<&RequestSummary> = held.iter().map(|(_, cell)| *cell).collect();
    if !jobs.is_empty() && cells.is_empty() {
        return Err(NotJudged::NewRequest);
    }
    if metric.kind() == MetricKind::Share {
        let base: Vec<Count> = cells
            .iter()
            .map(|cell| counted(cell.share(metric)))
            .collect();
        return Ok(Planned::Like(errors(&base, requests, HISTORY_FROM)));
    }
    let levels: Vec<Level<'_>> = held
        .iter()
        .filter_map(|(job, cell)| Some((job.reference.as_ref(), libm::log(cell.value(metric)?))))
        .collect();
    let logs: Vec<f64> = levels.iter().map(|(_, log)| *log).collect();
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    // The run measures the reference that the newest job did.
    let newest = levels.last().and_then(|(reference, _)| *reference);
    let relative = Relative::new(metric, &[(newest, mean)], &levels);
    let estimate = match &relative {
        _ if jobs.is_empty() => Some(Estimate::expected_of_jobs(HISTORY_FROM, prior_sd(metric))),
        Some(relative) => Estimate::from_jobs(&relative.base, &relative.current, relative.prior_sd),
        None => Estimate::from_jobs(&logs, &[mean], prior_sd(metric)),
    };
    let have = cells.iter().map(|cell| cell.n).min().unwrap_or_default();
    let evidence = estimate
        .map(|estimate| Evidence::from_log_ratio(metric, estimate, logs.len()))
        .ok_or_else(|| too_few(metric, have))?;
    Ok(if relative.is_some() || has_small_tail(metric, requests) {
        Planned::Strict(evidence)
    } else {
        Planned::Like(evidence)
    })
}

/// An unchanged error rate; where there is no base, of so many jobs like this run without an error.
fn errors(base: &[Count], requests: u64, jobs: usize) -> Evidence {
    let dispersion = Dispersion::estimate(&[base]);
    let mut total = Count::total(base);
    if total.of == 0 {
        total.of = requests.saturating_mul(jobs as u64);
    }
    Evidence::Errors(Weighed {
        estimate: ShareChange {
            base: total,
            current: Count {
                hits: whole(total.share() * requests as f64),
                of: requests,
            },
            dispersion,
            stratified_p: None,
        },
        units: base.len(),
    })
}

fn pair_evidence(arms: &[ArmPlan], metric: Metric, requests: u64) -> Result<Evidence, NotJudged> {
    if metric.kind() == MetricKind::Share {
        require(metric, requests, needed(metric))?;
        return Ok(errors(&[], requests, 1));
    }
    let per_unit = needed_per_unit(metric);
    let units: usize = arms.iter().map(|arm| arm.units(per_unit)).sum();
    require_units(metric, requests, units)?;
    let estimate = Estimate::expected_of_pairs(units, prior_sd(metric));
    Ok(Evidence::from_log_ratio(metric, estimate, units))
}

/// The tail-rank test of a quantile, with units as long as the pairs of slices or longer.
fn tail_rank(
    arms: &[ArmPlan],
    metric: Metric,
    requests: u64,
    (q, steepness, slice_s): (f64, f64, f64),
) -> Result<ExpectedTailRank, NotJudged> {
    require(metric, requests, needed_per_arm(q))?;
    let per_unit = whole(libm::ceil(requests_per_unit(q, 2 * requests) / 2.0 - 1e-6));
    let units: usize = arms.iter().map(|arm| arm.units(per_unit)).sum();
    if units < FEWEST_UNITS {
        return Err(too_few_units(units, FEWEST_UNITS));
    }
    Ok(ExpectedTailRank {
        per_arm: requests as f64,
        q,
        steepness,
        slice_s,
        units,
    })
}

/// How steeply the tail of a cell falls: by the mean of the baseline's jobs, or as usual.
fn tail_steepness(jobs: &[&Job], scope: &GatedScope, subject: &Subject, q: f64) -> f64 {
    let cells: Vec<&RequestSummary> = jobs
        .iter()
        .filter_map(|job| job.cell(&scope.phases, subject.name()))
        .collect();
    let log_mean = |metric| {
        let logs: Vec<f64> = cells
            .iter()
            .filter_map(|cell| cell.value(metric))
            .map(libm::log)
            .collect();
        libm::exp(logs.iter().sum::<f64>() / logs.len() as f64)
    };
    let known = steepness([Metric::P50, Metric::P95, Metric::P99].map(log_mean), q);
    // Without a baseline, or with quantiles that are all alike, nothing is known.
    if known.is_finite() && known > 0.0 {
        known
    } else {
        usual_steepness(q)
    }
}
