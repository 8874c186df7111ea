//! Many cells, one promise.

/// Holm's step-down adjustment: a cell is significant at a family level of `alpha` where its adjusted p is at most
/// `alpha`. In the order of `p`.
///
/// One red cell turns the job red, so the job is what the error rate is promised for: the family-wise rate, under any
/// dependence between the cells. Holm, Scandinavian Journal of Statistics 6 (1979).
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut adjusted = vec![0.0; p.len()];
    let mut largest = 0.0_f64;
    for (rank, index) in order.into_iter().enumerate() {
        let left = (p.len() - rank) as f64;
        // Never below a smaller p's: a cell is only tested when all before it were significant.
        largest = largest.max((p[index] * left).min(1.0));
        adjusted[index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::holm;

    #[test]
    fn an_example_by_hand() {
        // Sorted: .005 x 4, .01 x 3, .03 x 2, and .04 x 1, which may not fall below .06.
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (ours, expected) in adjusted.into_iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((ours - expected).abs() < 1e-15, "{ours}");
        }
    }

    #[test]
    fn one_cell_is_as_it_is_and_none_is_none() {
        assert_eq!(holm(&[0.02]), [0.02]);
        assert!(holm(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn adjusting_never_helps_and_never_exceeds_bonferroni(p in prop::collection::vec(0.0..=1.0, 0..30)) {
            let adjusted = holm(&p);
            for (raw, adjusted) in p.iter().zip(&adjusted) {
                prop_assert!(adjusted >= raw);
                prop_assert!(*adjusted <= 1.0);
            }
            let smallest = p.iter().copied().fold(f64::INFINITY, f64::min);
            let first = adjusted.iter().copied().fold(f64::INFINITY, f64::min);
            prop_assert!(p.is_empty() || (first - (smallest * p.len() as f64).min(1.0)).abs() < 1e-12);
        }
    }
}
