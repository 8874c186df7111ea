//! Latencies by rank, for curves that ask for many quantiles.

use crate::measurement::LatencyHistogram;

/// Latencies by rank: asked for many quantiles, they are read once.
pub(super) struct QuantileTable(Vec<(f64, u64)>);

impl QuantileTable {
    /// The latencies in order, each with how many are no longer.
    pub(super) fn of(latencies: &LatencyHistogram) -> Self {
        let mut so_far = 0;
        let ranked = latencies.buckets().map(|(seconds, count)| {
            so_far += count;
            (seconds, so_far)
        });
        Self(ranked.collect())
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.0.last().map_or(0, |(_, count)| *count)
    }

    /// The latency in seconds below which a share `q` lies.
    pub(super) fn quantile(&self, q: f64) -> Option<f64> {
        let rank = (q * self.count() as f64).max(1.0);
        let index = self
            .0
            .partition_point(|(_, count)| (*count as f64) < rank - 1e-9);
        self.0
            .get(index.min(self.0.len().checked_sub(1)?))
            .map(|(seconds, _)| *seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_give_the_histograms_own_quantiles() {
        let mut latencies = LatencyHistogram::new();
        (1..=1000).for_each(|k| latencies.record_micros(k * 1000));
        let ranks = QuantileTable::of(&latencies);
        for q in [0.0, 0.001, 0.5, 0.95, 0.999, 1.0] {
            assert_eq!(ranks.quantile(q), latencies.quantile(q), "{q}");
        }
        assert_eq!(
            QuantileTable::of(&LatencyHistogram::new()).quantile(0.5),
            None
        );
    }
}
