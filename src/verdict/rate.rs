//! A rate of responses with its t interval over slices.

use super::statistics::Distribution;
use crate::record::SliceRecord;

/// The rates of slices, phase by phase.
///
/// Phases differ by design, so the spread is taken within them and a phase weighs as much as it lasts; with one phase
/// this is the plain t interval of the mean.
#[derive(Debug, Default)]
pub(super) struct Rate {
    phases: Vec<Phase>,
    requests: u64,
}

#[derive(Debug)]
struct Phase {
    seconds: f64,
    rates: Vec<f64>,
}

impl Phase {
    fn mean(&self) -> f64 {
        self.rates.iter().sum::<f64>() / self.rates.len() as f64
    }
}

impl Rate {
    /// Adds the slices of one phase, those without a response too.
    pub(super) fn add_phase<'a>(
        &mut self,
        slices: impl Iterator<Item = &'a SliceRecord>,
        request: Option<usize>,
    ) {
        let mut phase = Phase {
            seconds: 0.0,
            rates: Vec::new(),
        };
        for slice in slices.filter(|slice| slice.length_s > 0.0) {
            let completed = slice.throughput(request);
            self.requests += completed.responses;
            phase.seconds += slice.length_s;
            phase.rates.extend(completed.per_second());
        }
        if !phase.rates.is_empty() {
            self.phases.push(phase);
        }
    }

    /// Responses counted.
    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    /// Slices counted.
    pub(super) fn slices(&self) -> u32 {
        let slices: usize = self.phases.iter().map(|phase| phase.rates.len()).sum();
        u32::try_from(slices).unwrap_or(u32::MAX)
    }

    /// Slices without which there is no spread: one more than phases.
    pub(super) fn needed(&self) -> u32 {
        u32::try_from(self.phases.len().max(1) + 1).unwrap_or(u32::MAX)
    }

    /// The mean per second; none without a slice.
    pub(super) fn mean(&self) -> Option<f64> {
        let weighed = self.phases.iter().map(|phase| phase.seconds * phase.mean());
        (!self.phases.is_empty()).then(|| weighed.sum::<f64>() / self.seconds())
    }

    /// The bounds that the true mean lies below and above with these probabilities; none where no phase has two slices.
    pub(super) fn interval(&self, lower_tail: f64, upper_tail: f64) -> Option<(f64, f64)> {
        let (mut squares, mut df, mut draws) = (0.0, 0.0, 0.0);
        for phase in &self.phases {
            let (mean, count) = (phase.mean(), phase.rates.len() as f64);
            squares += phase
                .rates
                .iter()
                .map(|rate| (rate - mean) * (rate - mean))
                .sum::<f64>();
            df += count - 1.0;
            let weight = phase.seconds / self.seconds();
            draws += weight * weight / count;
        }
        if df < 1.0 {
            return None;
        }
        let error = libm::sqrt(squares / df * draws);
        let t = Distribution::StudentT(df);
        let mean = self.mean()?;
        Some((
            mean - t.upper_quantile(lower_tail) * error,
            mean + t.upper_quantile(upper_tail) * error,
        ))
    }

    fn seconds(&self) -> f64 {
        self.phases.iter().map(|phase| phase.seconds).sum()
    }
}
