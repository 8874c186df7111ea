//! The interval of a change as a small bar of letters, all of a gate on one scale.

use crate::report::text::numbers;
use crate::report::view::{CheckRow, LARGEST_RATIO, SMALLEST_RATIO, View, margin_factor};
use crate::verdict::EstimatedChange;

/// The scale that all bars of a gate are drawn on.
pub(super) struct Bars {
    ratios: (f64, f64),
    shares: (f64, f64),
    must_detect: f64,
    /// The changes that must be ruled out.
    ruled_out: String,
    columns: usize,
    /// What a check's figures are the middle of.
    unit: &'static str,
}

impl Bars {
    /// A scale of so many columns that holds the changes of these rows.
    pub(super) fn new(view: &View, rows: &[&CheckRow], columns: usize) -> Self {
        let ends = |_: &_, change: EstimatedChange| vec![change.lower, change.upper];
        let [(low, high), shares] = view.change_ranges(rows, ends);
        Self {
            ratios: (libm::log1p(low), libm::log1p(high)),
            shares,
            must_detect: view.must_detect(),
            ruled_out: view.must_be_ruled_out(rows),
            columns,
            unit: if view.is_duet() {
                ""
            } else {
                " of the middle slice"
            },
        }
    }

    fn column(&self, is_share: bool, change: f64) -> usize {
        let ((low, high), at) = if is_share {
            (self.shares, change)
        } else {
            (
                self.ratios,
                libm::log1p(change.clamp(SMALLEST_RATIO, LARGEST_RATIO)),
            )
        };
        let share = ((at - low) / (high - low)).clamp(0.0, 1.0);
        let column = numbers::whole(share * (self.columns - 1) as f64);
        usize::try_from(column).unwrap_or(0).min(self.columns - 1)
    }

    /// A row's interval: `│    ├──┼──┤`; none where no change was estimated.
    pub(super) fn draw(&self, row: &CheckRow) -> Option<String> {
        let change = row.estimated()?;
        let is_share = numbers::is_share(row.measure());
        let at = |value: f64| self.column(is_share, value);
        let (low, high, estimate) = (at(change.lower), at(change.upper), at(change.estimate));
        let mut bar = vec![' '; self.columns];
        bar[low..=high].fill('─');
        if !is_share {
            bar[at(self.must_detect * margin_factor(row.measure()))] = '┊';
        }
        bar[at(0.0)] = '│';
        (bar[low], bar[high]) = ('├', '┤');
        bar[estimate] = '┼';
        Some(bar.iter().collect())
    }

    pub(super) fn key(&self) -> String {
        format!(
            "├─┼─┤ change{} [95 %], │ none, ┊ {} must be ruled out",
            self.unit, self.ruled_out
        )
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::report::samples::{all, story};

    const BAR: usize = 14;

    #[test]
    fn a_bar_lies_right_of_no_change_where_it_got_worse() {
        let view = story("failed").story();
        let rows = view.rows();
        let shown: Vec<&CheckRow> = rows.iter().collect();
        let bars = Bars::new(&view, &shown, BAR);
        let failed = bars.draw(&rows[0]).unwrap();
        let (zero, low) = (failed.find('│').unwrap(), failed.find('├').unwrap());
        assert!(
            zero < failed.find('┊').unwrap() && failed.find('┊').unwrap() < low,
            "{failed}"
        );
    }

    #[test]
    fn every_bar_is_as_wide() {
        for (name, sample) in all() {
            let view = sample.story();
            let rows = view.rows();
            let shown: Vec<&CheckRow> = rows.iter().collect();
            let bars = Bars::new(&view, &shown, BAR);
            for bar in rows.iter().filter_map(|row| bars.draw(row)) {
                assert_eq!(bar.width(), BAR, "{name}: {bar}");
                assert_eq!(bar.matches('┼').count(), 1, "{name}: {bar}");
            }
        }
    }
}
