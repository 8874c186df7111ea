//! Latency against concurrency: each second, or slice of a duet, as a point, phase by phase.

use maud::{Markup, html};

use super::plot::{Axis, Marker, Numbers, Plot, Series};
use super::scale::Scale;
use crate::measurement::Arm;
use crate::record::median;
use crate::report::text::{count, counted, numbers, untrusted};
use crate::report::view::{By, Point, View};
use crate::units::Latency;

/// Phases that get a look of their own.
const LOOKS: [(&str, Marker); 6] = [
    ("f1", Marker::Circle),
    ("f2", Marker::Square),
    ("f3", Marker::Triangle),
    ("f4", Marker::Diamond),
    ("f5", Marker::Cross),
    ("f6", Marker::Down),
];

/// Points of one phase at most: more of them are a blot.
const POINTS: usize = 300;

/// One phase by its points: users and P95 in seconds.
struct Phase {
    name: String,
    points: Vec<(f64, f64)>,
}

impl Phase {
    fn users(&self) -> f64 {
        self.median(|(users, _)| users)
    }

    fn latency(&self) -> Latency {
        Latency(self.median(|(_, latency)| latency))
    }

    fn median(&self, value: fn((f64, f64)) -> f64) -> f64 {
        median(&self.points.iter().copied().map(value).collect::<Vec<_>>())
    }
}

/// Latency against concurrency; none if there are too few points to see anything.
pub(super) fn concurrency(view: &View) -> Option<Plot> {
    let point = match view.time_series().by {
        By::Slice => "slice",
        By::Seconds(_) => "second",
    };
    let phases = phases(view);
    let all = || phases.iter().flat_map(|phase| &phase.points);
    if all().count() < 2 {
        return None;
    }
    let latencies = || all().map(|(_, latency)| *latency);
    let whole = |users: f64| count(numbers::whole(users));
    let series = phases.iter().zip(LOOKS.iter().cycle());
    let series = series.map(|(phase, (look, marker))| {
        let every = phase.points.len().div_ceil(POINTS).max(1);
        let points = phase.points.iter().step_by(every).copied();
        Series::points(&phase.name, look, *marker, points)
    });
    let rows = phases.iter().map(|phase| {
        let points = count(phase.points.len() as u64);
        let (users, latency) = (whole(phase.users()), phase.latency().to_string());
        (None, vec![phase.name.clone(), points, users, latency])
    });
    let points = format!("{point}s");
    let heads = ["phase", &points, "users, median", "P95, median"].map(str::to_owned);
    let users = Scale::from_zero(all().map(|(users, _)| *users)).across();
    let x = Axis::new(format!("users present in that {point}"), users, 6, whole);
    let y = Scale::around(latencies()).upward();
    let y = Axis::latency(&format!("P95 of a {point}"), y, 5, latencies());
    Some(Plot {
        series: series.collect(),
        ..Plot::new(
            "concurrency",
            html! { "Latency against concurrency" },
            see(&phases, point),
            (x, y),
            Numbers::new(heads, rows),
        )
    })
}

/// The points of the deployment under test by phase, as far as there were answers.
fn phases(view: &View) -> Vec<Phase> {
    let phases = view.record.phases.iter().enumerate();
    // What comes in while nobody sends says nothing of the load.
    let phases = phases.filter(|(_, phase)| !phase.idle);
    let phases = phases.map(|(index, phase)| {
        let is_of_phase = |point: &&Point| {
            let place = point.place;
            place.is_some_and(|place| (place.phase, place.arm) == (index, Some(Arm::Target)))
        };
        let points = view.time_series().points.iter().filter(is_of_phase);
        let points = points.filter_map(|point| Some((f64::from(point.users), point.quantiles[1]?)));
        Phase {
            name: untrusted(&phase.name).to_string(),
            points: points.collect(),
        }
    });
    phases.filter(|phase| !phase.points.is_empty()).collect()
}

fn see(phases: &[Phase], point: &str) -> Markup {
    let by_users = |a: &&Phase, b: &&Phase| a.users().total_cmp(&b.users());
    let least = phases.iter().min_by(by_users);
    let most = phases.iter().max_by(by_users);
    let (Some(least), Some(most)) = (least, most) else {
        return html! {};
    };
    let text = |phase: &Phase| {
        let users = counted(numbers::whole(phase.users()), "user");
        html! { (phase.latency()) " with " (users) " in " (super::code(&phase.name)) }
    };
    html! {
        "P95 of the median " (point) ": " (text(least))
        @if least.name != most.name { ", " (text(most)) }
        "."
    }
}
