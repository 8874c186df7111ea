//! A run in one line: a letter's height for each stretch of time, and the intervals of changes as small bars.

use super::Story;
use super::numbers;
use super::rows::{Row, must_detect};
use crate::record::SecondRecord;
use crate::units::Latency;

/// Heights of a letter.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Changes beyond these are drawn at the end of a bar.
const SMALLEST: f64 = -0.8;
const LARGEST: f64 = 4.0;

/// Values in at most so many letters, the largest of each stretch; nothing where nothing was measured.
pub(super) fn sparkline(values: &[Option<f64>], columns: usize) -> String {
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

/// Seconds below which a run has no course to draw.
const FEWEST: usize = 5;

/// What a run tells second by second: a word for it, the values, and their range in words.
pub(super) fn courses(story: &Story) -> Vec<(&'static str, Vec<Option<f64>>, String)> {
    let seconds = &story.record.timeline;
    if seconds.len() < FEWEST {
        return Vec::new();
    }
    let values = |of: fn(&SecondRecord) -> Option<f64>| seconds.iter().map(of).collect::<Vec<_>>();
    let p95 = values(|second| second.p95_ms.map(|millis| millis / 1e3));
    let known = || p95.iter().flatten().copied();
    let (low, high) = (
        known().fold(f64::MAX, f64::min),
        known().fold(0.0, f64::max),
    );
    let mut told = Vec::new();
    if known().next().is_some() {
        told.push((
            "P95",
            p95.clone(),
            format!("{} to {}", Latency(low), Latency(high)),
        ));
    }
    let errors: u64 = seconds.iter().map(|second| second.errors).sum();
    if errors > 0 {
        let most = seconds.iter().map(|second| second.errors).max();
        told.push((
            "errors",
            values(|second| Some(second.errors as f64)),
            format!("up to {}/s", numbers::count(most.unwrap_or(0))),
        ));
    }
    let most = seconds.iter().map(|second| second.users).max();
    told.push((
        "users",
        values(|second| Some(f64::from(second.users))),
        format!("up to {}", numbers::count(u64::from(most.unwrap_or(0)))),
    ));
    told
}

/// The scale that all bars of a story are drawn on.
pub(super) struct Bars {
    ratios: (f64, f64),
    shares: (f64, f64),
    must_detect: f64,
    columns: usize,
}

impl Bars {
    /// A scale of so many columns that holds the changes of these rows.
    pub(super) fn of(story: &Story, rows: &[&Row], columns: usize) -> Self {
        let must_detect = must_detect(story);
        let ends = |share: bool, least: f64, most: f64| {
            let own = rows
                .iter()
                .filter(|row| numbers::is_share(row.measure()) == share);
            let changes = own.filter_map(|row| row.estimated());
            changes.fold((least, most), |(low, high), change| {
                (low.min(change.lower), high.max(change.upper))
            })
        };
        let (low, high) = ends(false, -0.05, must_detect * 1.1);
        Self {
            ratios: (
                libm::log1p(low.max(SMALLEST)),
                libm::log1p(high.min(LARGEST)),
            ),
            shares: ends(true, -0.0005, 0.002),
            must_detect,
            columns,
        }
    }

    /// The column of a change.
    fn column(&self, is_share: bool, change: f64) -> usize {
        let ((low, high), at) = if is_share {
            (self.shares, change)
        } else {
            (self.ratios, libm::log1p(change.clamp(SMALLEST, LARGEST)))
        };
        let share = ((at - low) / (high - low)).clamp(0.0, 1.0);
        let column = numbers::whole(share * (self.columns - 1) as f64);
        usize::try_from(column).unwrap_or(0).min(self.columns - 1)
    }

    /// A row's interval: `│    ├──┼──┤`; none where no change was estimated.
    pub(super) fn draw(&self, row: &Row) -> Option<String> {
        let change = row.estimated()?;
        let is_share = numbers::is_share(row.measure());
        let at = |value: f64| self.column(is_share, value);
        let (low, high, estimate) = (at(change.lower), at(change.upper), at(change.estimate));
        let mut bar = vec![' '; self.columns];
        bar[low..=high].fill('─');
        if !is_share {
            bar[at(self.must_detect)] = '┊';
        }
        bar[at(0.0)] = '│';
        (bar[low], bar[high]) = ('├', '┤');
        bar[estimate] = '┼';
        Some(bar.iter().collect())
    }

    /// What the bars show.
    pub(super) fn key(&self) -> String {
        format!(
            "├─┼─┤ change with its 95 % interval, │ none, ┊ +{} must be ruled out",
            numbers::percent(self.must_detect)
        )
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::report::rows::rows;
    use crate::report::samples::{all, story};

    const BAR: usize = 14;

    #[test]
    fn a_line_shows_the_worst_of_each_stretch() {
        let values: Vec<Option<f64>> = [0.0, 1.0, 2.0, 7.0, 3.5].map(Some).to_vec();
        assert_eq!(sparkline(&values, 9), "▁▂▃█▅");
        assert_eq!(sparkline(&values, 3), "▂█▅");
        assert_eq!(sparkline(&[None, Some(1.0), None], 3), " █ ");
        assert_eq!(sparkline(&[Some(0.0)], 3), "▁");
        assert_eq!(sparkline(&[], 3), "");
    }

    #[test]
    fn a_bar_lies_right_of_no_change_where_it_got_worse() {
        let told = story("failed").story();
        let rows = rows(&told);
        let shown: Vec<&Row> = rows.iter().collect();
        let bars = Bars::of(&told, &shown, BAR);
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
            let told = sample.story();
            let rows = rows(&told);
            let shown: Vec<&Row> = rows.iter().collect();
            let bars = Bars::of(&told, &shown, BAR);
            for bar in rows.iter().filter_map(|row| bars.draw(row)) {
                assert_eq!(bar.width(), BAR, "{name}: {bar}");
                assert_eq!(bar.matches('┼').count(), 1, "{name}: {bar}");
            }
        }
    }
}
