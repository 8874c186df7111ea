//! Values as one line of letters of different heights.

use super::numbers;

const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Values in at most so many letters, the largest of each stretch; nothing where nothing was measured.
pub(crate) fn sparkline(values: &[Option<f64>], columns: usize) -> String {
    let width = values.len().div_ceil(columns.max(1)).max(1);
    let stretches: Vec<Option<f64>> = values
        .chunks(width)
        .map(|chunk| chunk.iter().flatten().copied().reduce(f64::max))
        .collect();
    let top = stretches.iter().flatten().copied().fold(0.0, f64::max);
    let letter = |value: f64| {
        let share = if top > 0.0 { value / top } else { 0.0 };
        let step = usize::try_from(numbers::whole(share * 7.0)).unwrap_or(0);
        HEIGHTS[step.min(HEIGHTS.len() - 1)]
    };
    let letters = stretches.iter().map(|value| value.map_or(' ', letter));
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_shows_the_worst_of_each_stretch() {
        let values: Vec<Option<f64>> = [0.0, 1.0, 2.0, 7.0, 3.5].map(Some).to_vec();
        assert_eq!(sparkline(&values, 9), "▁▂▃█▅");
        assert_eq!(sparkline(&values, 3), "▂█▅");
        assert_eq!(sparkline(&[None, Some(1.0), None], 3), " █ ");
        assert_eq!(sparkline(&[Some(0.0)], 3), "▁");
        assert_eq!(sparkline(&[], 3), "");
    }
}
