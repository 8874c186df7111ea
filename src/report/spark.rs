//! A run in one line: a letter's height for each stretch of time, and the intervals of changes as small bars.

use super::ReportInput;
use super::numbers;
use super::rows::{CheckRow, must_detect};
use super::time_series::{By, Point, course};
use super::wording::unit;
use crate::measurement::Arm;
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

/// Moments below which a run has no course to draw.
const FEWEST: usize = 5;

/// What a run tells in the course of its time.
pub(super) struct Curve {
    /// A word for it.
    pub(super) name: &'static str,
    /// The values of its moments.
    pub(super) values: Vec<Option<f64>>,
    /// Their range in words.
    pub(super) range: String,
}

/// The curves of a run.
pub(super) struct Curves {
    /// How they are told, such as `second by second`.
    pub(super) told: &'static str,
    /// Seconds from their first to their last point.
    pub(super) length: f64,
    /// The curves; none where there is too little to draw.
    pub(super) all: Vec<Curve>,
}

/// The curves of a run, of a duet the target's.
pub(super) fn curves(story: &ReportInput) -> Curves {
    let record = story.record;
    let course = course(record, usize::MAX);
    let told = match course.by {
        By::Seconds(_) => "second by second",
        By::Slice => "slice by slice",
    };
    let length = course.length;
    let moments: Vec<Point> = course
        .moments
        .into_iter()
        .filter(|moment| moment.arm(record) == Some(Arm::Target))
        .collect();
    let mut curves = Curves {
        told,
        length,
        all: Vec::new(),
    };
    if moments.len() < FEWEST {
        return curves;
    }
    let target = record.base.as_ref().map_or("", |_| ", target");
    let curve = |name, range: String, value: fn(&Point) -> Option<f64>| Curve {
        name,
        values: moments.iter().map(value).collect(),
        range: range + target,
    };
    let known = || moments.iter().filter_map(|moment| moment.quantiles[1]);
    let low = known().fold(f64::MAX, f64::min);
    let high = known().fold(0.0, f64::max);
    if known().next().is_some() {
        let range = format!("{} to {}", Latency(low), Latency(high));
        curves
            .all
            .push(curve("P95", range, |moment| moment.quantiles[1]));
    }
    let most = moments.iter().map(Point::errors_per_second);
    let most = numbers::whole(most.fold(0.0, f64::max).ceil());
    if most > 0 {
        let range = format!("up to {}/s", numbers::count(most));
        let errors = |moment: &Point| Some(moment.errors_per_second());
        curves.all.push(curve("errors", range, errors));
    }
    let users = moments.iter().map(|moment| moment.users).max();
    let range = format!("up to {}", numbers::count(u64::from(users.unwrap_or(0))));
    let users = |moment: &Point| Some(f64::from(moment.users));
    curves.all.push(curve("users", range, users));
    curves
}

/// The scale that all bars of a story are drawn on.
pub(super) struct Bars {
    ratios: (f64, f64),
    shares: (f64, f64),
    must_detect: f64,
    columns: usize,
    /// What a check's figures are the middle of.
    unit: &'static str,
}

impl Bars {
    /// A scale of so many columns that holds the changes of these rows.
    pub(super) fn of(story: &ReportInput, rows: &[&CheckRow], columns: usize) -> Self {
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
            unit: unit(story),
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
    pub(super) fn draw(&self, row: &CheckRow) -> Option<String> {
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
            "├─┼─┤ change of the middle {} [95 %], │ none, ┊ +{} must be ruled out",
            self.unit,
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
        let shown: Vec<&CheckRow> = rows.iter().collect();
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
            let shown: Vec<&CheckRow> = rows.iter().collect();
            let bars = Bars::of(&told, &shown, BAR);
            for bar in rows.iter().filter_map(|row| bars.draw(row)) {
                assert_eq!(bar.width(), BAR, "{name}: {bar}");
                assert_eq!(bar.matches('┼').count(), 1, "{name}: {bar}");
            }
        }
    }
}
