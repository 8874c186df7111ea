//! Latency against concurrency: each second, or slice of a duet, as a point, phase by phase.

use crate::report::text::numbers::{self, count, counted};
use crate::report::text::untrusted;
use crate::report::view::{By, Point, View};
use maud::{Markup, html};

use super::plot::{self, Axis, Form, HEIGHT, LEFT, Marker, Numbers, Plot, RIGHT, Series, TOP};
use super::scale::{Spread, around, from_zero};
use super::words::millis_unit;
use crate::measurement::Arm;
use crate::record::median;
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

/// The moments of one phase: users and P95 in seconds.
struct Phase {
    name: String,
    moments: Vec<(f64, f64)>,
}

impl Phase {
    fn middle(&self, of: fn(&(f64, f64)) -> f64) -> f64 {
        median(&self.moments.iter().map(of).collect::<Vec<_>>())
    }
}

/// Latency against concurrency; none where there are too few moments to see anything.
pub(super) fn concurrency(view: &View, id: &str) -> Option<Plot> {
    let (by, phases) = phases(view);
    let point = match by {
        By::Slice => "slice",
        By::Seconds(_) => "second",
    };
    let all = || phases.iter().flat_map(|phase| &phase.moments);
    if all().count() < 2 {
        return None;
    }
    let x = from_zero(all().map(|(users, _)| *users)).between(LEFT, RIGHT);
    let (scale, spread) = around(all().map(|(_, latency)| *latency));
    let y = scale.between(plot::bottom(HEIGHT), TOP);
    let unit = millis_unit(all().map(|(_, latency)| *latency));
    let logarithmic = if spread == Spread::Log {
        " (logarithmic)"
    } else {
        ""
    };
    let series = phases.iter().enumerate().map(|(index, phase)| {
        let (look, marker) = LOOKS[index % LOOKS.len()];
        let every = phase.moments.len().div_ceil(POINTS).max(1);
        let points = phase.moments.iter().step_by(every);
        Series {
            name: phase.name.clone(),
            look,
            marker,
            form: Form::Points,
            runs: vec![
                points
                    .map(|(users, latency)| (x.at(*users), y.at(*latency)))
                    .collect(),
            ],
        }
    });
    let rows = phases.iter().map(|phase| {
        let users = phase.middle(|(users, _)| *users);
        let cells = vec![
            phase.name.clone(),
            count(phase.moments.len() as u64),
            count(numbers::whole(users)),
            Latency(phase.middle(|(_, latency)| *latency)).to_string(),
        ];
        (None, cells)
    });
    Some(Plot {
        id: id.to_owned(),
        title: html! { "Latency against concurrency" },
        see: see(&phases, point),
        height: HEIGHT,
        x: Axis {
            title: format!("users present in that {point}"),
            ticks: plot::ticks(&x, 6, |users| count(numbers::whole(users))),
        },
        y: Axis {
            title: format!("P95 of a {point}, {}{logarithmic}", unit.name),
            ticks: plot::ticks(&y, 5, unit.text()),
        },
        under: html! {},
        series: series.collect(),
        over: html! {},
        keys: Vec::new(),
        numbers: Numbers {
            heads: vec![
                "phase".to_owned(),
                format!("{point}s"),
                "users, median".to_owned(),
                "P95, median".to_owned(),
            ],
            rows: rows.collect(),
        },
    })
}

/// The moments of the deployment under test by phase, in which there were answers, and what a moment is.
fn phases(view: &View) -> (By, Vec<Phase>) {
    let course = view.time_series();
    let phases = view.record.phases.iter().enumerate();
    // What comes in while nobody sends says nothing of the load.
    let phases = phases.filter(|(_, phase)| !phase.idle);
    let phases = phases.map(|(index, phase)| {
        let own = |moment: &&Point| {
            let place = moment.place;
            place.is_some_and(|place| (place.phase, place.arm) == (index, Some(Arm::Target)))
        };
        let own = course.points.iter().filter(own);
        let known = own.filter_map(|moment| Some((f64::from(moment.users), moment.quantiles[1]?)));
        Phase {
            name: untrusted(&phase.name).to_string(),
            moments: known.collect(),
        }
    });
    let known = phases.filter(|phase| !phase.moments.is_empty());
    (course.by, known.collect())
}

fn see(phases: &[Phase], point: &str) -> Markup {
    let users = |phase: &&Phase| phase.middle(|(users, _)| *users);
    let least = phases.iter().min_by(|a, b| users(a).total_cmp(&users(b)));
    let most = phases.iter().max_by(|a, b| users(a).total_cmp(&users(b)));
    let (Some(least), Some(most)) = (least, most) else {
        return html! {};
    };
    let told = |phase: &Phase| {
        let users = counted(numbers::whole(phase.middle(|(users, _)| *users)), "user");
        let latency = Latency(phase.middle(|(_, latency)| *latency));
        html! { (latency) " with " (users) " in " (super::code(&phase.name)) }
    };
    html! {
        "P95 of the median " (point) ": " (told(least))
        @if least.name != most.name { ", " (told(most)) }
        "."
    }
}
