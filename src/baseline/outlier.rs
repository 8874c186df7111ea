//! Jobs of a ring that lie far from the others: a slow start, a cold cache, a machine that was busy.

use super::model::{Baseline, Job, PhaseScope};
use crate::metric::Metric;
use crate::record::median;

/// Fewer jobs show no usual level.
const FEWEST: usize = 4;
/// Distances from the median in robust standard deviations beyond which a job stands out: the usual bound of Iglewicz and
/// Hoaglin, "How to Detect and Handle Outliers" (1993).
const FAR: f64 = 3.5;
/// A median absolute deviation in standard deviations of a normal distribution.
const MAD_TO_SD: f64 = 1.482_6;
/// A level that differs by less (10 %) is not an outlier, however alike the others are.
const LEAST: f64 = 0.1;

/// The P95 of all requests of a job, over its steady phases or else its first phase.
pub fn p95(job: &Job) -> Option<f64> {
    let mut cells = job.cells.iter().filter(|cell| cell.request.is_none());
    let steady = job.cell(&PhaseScope::Steady, None);
    steady.or_else(|| cells.next())?.value(Metric::P95)
}

/// By job, how far its P95 lies from the median of the jobs, as a ratio less one; none for a job that does not stand out.
pub fn outliers(baseline: &Baseline) -> Vec<Option<f64>> {
    let logs: Vec<Option<f64>> = baseline
        .jobs
        .iter()
        .map(|job| p95(job).map(libm::log))
        .collect();
    let known: Vec<f64> = logs.iter().flatten().copied().collect();
    if known.len() < FEWEST {
        return vec![None; logs.len()];
    }
    let middle = median(&known);
    let distances: Vec<f64> = known.iter().map(|log| (log - middle).abs()).collect();
    let bound = (FAR * MAD_TO_SD * median(&distances)).max(libm::log1p(LEAST));
    logs.into_iter()
        .map(|log| log.map(|log| log - middle))
        .map(|distance| distance.filter(|it| it.abs() > bound).map(libm::expm1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::add;
    use crate::record::samples::{record, traffic};

    fn ring(medians: &[f64]) -> Baseline {
        let job = |median: &f64| {
            let run = record()
                .steady("warm")
                .slices(4, &[traffic("GET /a", 700, *median)]);
            run.build()
        };
        let runs = medians.iter().map(job);
        let ring = runs.fold(None, |ring, run| {
            Some(add(ring, &run.scenario, Job::from_record(&run, false)))
        });
        ring.unwrap()
    }

    fn marked(medians: &[f64]) -> Vec<usize> {
        let found = outliers(&ring(medians));
        (0..found.len())
            .filter(|index| found[*index].is_some())
            .collect()
    }

    #[test]
    fn a_job_that_lies_far_from_the_others_is_marked() {
        assert_eq!(marked(&[100.0, 101.0, 180.0, 99.0, 102.0]), [2]);
        assert_eq!(marked(&[100.0, 101.0, 60.0, 99.0, 102.0]), [2]);
        assert_eq!(marked(&[100.0, 90.0, 110.0, 99.0, 120.0]), [0_usize; 0]);
        assert_eq!(marked(&[100.0, 100.0, 100.0, 100.0, 101.0]), [0_usize; 0]);
        assert_eq!(marked(&[100.0, 300.0]), [0_usize; 0], "too few to know");
    }
}
