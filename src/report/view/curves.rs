//! A run as curves over time: P95, errors and users, each with its range in words.

use super::{By, Point, View};
use crate::measurement::Arm;
use crate::report::text::numbers;
use crate::report::text::sparkline::sparkline;
use crate::units::Latency;

/// Points below which a run has no curve to draw.
const FEWEST: usize = 5;

/// Columns of a name before its curve.
pub(crate) const NAME_COLUMNS: usize = 8;

/// What a run tells in the course of its time.
#[derive(Debug)]
pub(crate) struct Curve {
    pub(crate) name: &'static str,
    pub(crate) values: Vec<Option<f64>>,
    pub(crate) range: String,
}

#[derive(Debug)]
pub(crate) struct Curves {
    /// What a point is, such as `second by second`.
    pub(crate) by: &'static str,
    /// Seconds from their first to their last point.
    pub(crate) length: f64,
    /// The curves; none where there is too little to draw.
    pub(crate) all: Vec<Curve>,
}

impl Curve {
    /// The curve in so many letters, behind its name and before its range.
    pub(crate) fn line(&self, letters: usize) -> String {
        let letters = sparkline(&self.values, letters);
        format!("{:<NAME_COLUMNS$}{letters}  {}", self.name, self.range)
    }
}

impl Curves {
    pub(super) fn new(view: &View) -> Self {
        let record = view.record;
        let course = view.time_series();
        let by = match course.by {
            By::Seconds(_) => "second by second",
            By::Slice => "slice by slice",
        };
        let length = course.length;
        let is_target = |moment: &&Point| moment.arm(record) == Some(Arm::Target);
        let moments: Vec<&Point> = course.points.iter().filter(is_target).collect();
        let mut curves = Curves {
            by,
            length,
            all: Vec::new(),
        };
        if moments.len() < FEWEST {
            return curves;
        }
        let target = record.base.as_ref().map_or("", |_| ", target");
        let curve = |name, range: String, value: fn(&Point) -> Option<f64>| Curve {
            name,
            values: moments.iter().copied().map(value).collect(),
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
        let most = moments.iter().map(|moment| moment.errors_per_second());
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
}
