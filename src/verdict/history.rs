//! Jobs of a baseline against the candidates: is this run a new draw from where those came from?

use super::NotJudged;
use super::duet::too_few_units;
use super::evidence::{Compared, Evidence, Units, counted, pooled, prior_sd, short, too_few};
use super::input::CandidateRun;
use super::reference::{Level, Relative};
use super::statistics::{Count, Dispersion, Estimate};
use crate::baseline::{Job, PhaseScope, RequestSummary};
use crate::metric::{Metric, MetricKind, StartFilter};
use crate::record::{
    Aggregate, ReferenceRecord, Shortage, has_small_tail, level, log_units, needed_in_all,
};
use crate::thresholds::Subject;

/// One candidate's units of a cell, by phase.
type Candidate = Vec<Vec<[Aggregate; 1]>>;

/// A cell in the candidates and in the jobs that know it.
#[derive(Debug)]
pub(super) struct Jobs<'a> {
    candidates: Vec<(Option<ReferenceRecord>, Candidate)>,
    jobs: Vec<(Option<&'a ReferenceRecord>, &'a RequestSummary)>,
}

impl<'a> Jobs<'a> {
    /// One subject in the kept slices of the candidates and in the baseline's jobs.
    pub(super) fn new(
        runs: &[CandidateRun<'_>],
        jobs: &[&'a Job],
        scope: &PhaseScope,
        subject: &Subject,
    ) -> Self {
        let candidate = |run: &CandidateRun<'_>| {
            let request = run.request(subject)?;
            let units = scope.samples(run.record, &run.filter, request);
            Some((run.record.reference.clone(), units))
        };
        Self {
            candidates: runs.iter().filter_map(candidate).collect(),
            jobs: jobs
                .iter()
                .filter_map(|job| Some((job.reference.as_ref(), job.cell(scope, subject.name())?)))
                .collect(),
        }
    }

    /// The change of one metric.
    pub(super) fn compare(&self, metric: Metric) -> Compared {
        let mut compared = match metric.kind() {
            MetricKind::Share => self.shares(metric),
            MetricKind::Quantile(_) | MetricKind::Rate => self.log_ratio(metric),
        };
        if self.jobs.is_empty() {
            compared.evidence = Err(NotJudged::NewRequest);
        }
        compared
    }

    /// The value of one metric with nothing to compare it with. That there are too few cold starts is said all the same.
    pub(super) fn alone(&self, metric: Metric) -> Compared {
        let current = match metric.kind() {
            MetricKind::Share => self.shares(metric),
            MetricKind::Quantile(_) | MetricKind::Rate => self.log_ratio(metric),
        };
        let why = match current.evidence {
            Err(short @ NotJudged::TooFewColdStarts { .. }) => short,
            Ok(_) | Err(_) => NotJudged::NoComparison,
        };
        Compared {
            evidence: Err(why),
            ..current
        }
    }

    /// The change since one job, with the noise that the others show.
    pub(super) fn compare_with_anchor(
        &self,
        anchor: &'a RequestSummary,
        metric: Metric,
    ) -> Compared {
        let only = Self {
            candidates: self.candidates.clone(),
            jobs: vec![(None, anchor)],
        };
        let mut since = only.compare(metric);
        let (MetricKind::Quantile(_) | MetricKind::Rate, Some(before)) =
            (metric.kind(), anchor.value(metric))
        else {
            return since;
        };
        let (base, current) = (self.base(metric), self.levels(metric));
        let estimate = current.ok().and_then(|current| {
            let anchor = libm::log(before);
            let (base, current) = (logs(&base), logs(&current));
            Estimate::from_anchor(anchor, &base, &current, prior_sd(metric))
        });
        if let Some(estimate) = estimate {
            since.evidence = Ok(Evidence::from_log_ratio(metric, estimate, base.len()));
        }
        since
    }

    /// The levels of a metric in the jobs.
    fn base(&self, metric: Metric) -> Vec<Level<'_>> {
        self.jobs
            .iter()
            .filter_map(|(reference, job)| Some((*reference, libm::log(job.value(metric)?))))
            .collect()
    }

    /// The same in the candidates.
    fn levels(&self, metric: Metric) -> Result<Vec<Level<'_>>, Shortage> {
        let levels = self.candidates.iter();
        levels
            .map(|(reference, units)| {
                let level = level(units, metric)?;
                Ok((reference.as_ref(), level.log))
            })
            .collect()
    }

    fn log_ratio(&self, metric: Metric) -> Compared {
        let levels = self.levels(metric);
        let (base, current) = (self.base(metric), levels.as_deref().unwrap_or_default());
        let relative = Relative::new(metric, current, &base);
        let (base, current) = (logs(&base), logs(current));
        let estimate = match &relative {
            Some(relative) => {
                Estimate::from_jobs(&relative.base, &relative.current, relative.prior_sd)
            }
            None => Estimate::from_jobs(&base, &current, prior_sd(metric)),
        };
        let jobs = relative.as_ref().map_or(base.len(), |it| it.base.len());
        let evidence = match levels {
            Err(Shortage { have, need }) => Err(short(metric, have, need)),
            Ok(_) if relative.as_ref().is_some_and(|it| it.is_other_machine) => {
                Err(NotJudged::OtherMachine)
            }
            Ok(_) => estimate
                .map(|estimate| Evidence::from_log_ratio(metric, estimate, jobs))
                .ok_or_else(|| self.too_few_in_jobs(metric)),
        };
        // What the jobs would have shown on a runner on which the reference is as fast as now.
        let before = match &relative {
            Some(relative) => {
                geometric_mean(&relative.base).map(|it| it * libm::exp(relative.level))
            }
            None => geometric_mean(&base),
        };
        let units = self.candidates.iter().flat_map(|(_, units)| units);
        let units = units.flat_map(|phase| log_units(phase, metric));
        let units = units.filter_map(|[log]| Some(log - libm::log(before?)));
        let candidates = self.candidates.iter().map(|(_, phases)| {
            let samples = phases.iter().flatten();
            samples.map(|[sample]| sample.count(metric)).sum()
        });
        let fewest = self.latencies_in_jobs(metric).chain(candidates).min();
        Compared {
            is_strict: relative.is_some() || has_small_tail(metric, fewest.unwrap_or_default()),
            reference_change: relative.map(|relative| relative.change),
            units: Units::from_log_ratios(metric, units),
            requests: self.samples().map(|sample| sample.requests).sum(),
            before,
            current: geometric_mean(&current).or_else(|| pooled(self.samples(), metric)),
            evidence,
        }
    }

    /// Requests of each job that have the latency of a metric.
    fn latencies_in_jobs(&self, metric: Metric) -> impl Iterator<Item = u64> {
        self.jobs.iter().map(move |(_, job)| match metric.starts() {
            StartFilter::Cold => job.cold.unwrap_or_default(),
            StartFilter::All | StartFilter::Warm => job.n.saturating_sub(job.errors),
        })
    }

    /// Why no job has a level: by the job that has the fewest requests, or a phase of each is too short for a unit.
    fn too_few_in_jobs(&self, metric: Metric) -> NotJudged {
        let have = self.latencies_in_jobs(metric).min().unwrap_or_default();
        if have < needed_in_all(metric) {
            too_few(metric, have)
        } else {
            too_few_units(0, 1)
        }
    }

    fn shares(&self, metric: Metric) -> Compared {
        let jobs = self.jobs.iter();
        let jobs = jobs.map(|(_, job)| counted(job.share(metric)));
        let base: Vec<Count> = jobs.collect();
        let slices: Vec<Vec<Count>> = self
            .candidates
            .iter()
            .map(|(_, units)| {
                units
                    .iter()
                    .flatten()
                    .map(|[sample]| counted(sample.share(metric)))
                    .collect()
            })
            .collect();
        let current: Vec<Count> = slices.iter().map(|units| Count::total(units)).collect();
        let between_jobs = Dispersion::estimate(&[&base, &current]);
        // With one job on either side nothing is known of the spread between jobs. The candidate's own bursts are a
        // lower bound of it, and better than taking requests as independent.
        let dispersion = if between_jobs.df < 1.0 {
            Dispersion::estimate(&slices.iter().map(Vec::as_slice).collect::<Vec<_>>())
        } else {
            between_jobs
        };
        let units = slices.into_iter().flatten().collect();
        Compared::from_counts(&base, &current, dispersion, units)
    }

    fn samples(&self) -> impl Iterator<Item = &Aggregate> {
        self.candidates
            .iter()
            .flat_map(|(_, units)| units)
            .flatten()
            .map(|[sample]| sample)
    }
}

fn logs(levels: &[Level<'_>]) -> Vec<f64> {
    levels.iter().map(|(_, log)| *log).collect()
}

fn geometric_mean(logs: &[f64]) -> Option<f64> {
    (!logs.is_empty()).then(|| libm::exp(logs.iter().sum::<f64>() / logs.len() as f64))
}
