//! Latency against concurrency: each second as a point, phase by phase.

use maud::{Markup, html};

use super::plot::{self, Axis, Form, HEIGHT, LEFT, Marker, Numbers, Plot, RIGHT, Series, TOP};
use super::scale::{Spread, around, from_zero};
use super::words::millis_unit;
use crate::measurement::Arm;
use crate::record::{RunRecord, median};
use crate::report::Story;
use crate::report::numbers::{self, count, counted};
use crate::report::words::Medium;
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

/// The seconds of one phase: users and P95 in seconds.
struct Phase {
    name: String,
    seconds: Vec<(f64, f64)>,
}

impl Phase {
    fn middle(&self, of: fn(&(f64, f64)) -> f64) -> f64 {
        median(&self.seconds.iter().map(of).collect::<Vec<_>>())
    }
}

/// Latency against concurrency; none where there are too few seconds to see anything.
pub(super) fn concurrency(story: &Story, id: &str) -> Option<Plot> {
    let phases = phases(story.record);
    let all = || phases.iter().flat_map(|phase| &phase.seconds);
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
        let every = phase.seconds.len().div_ceil(POINTS).max(1);
        let points = phase.seconds.iter().step_by(every);
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
            count(phase.seconds.len() as u64),
            count(numbers::whole(users)),
            Latency(phase.middle(|(_, latency)| *latency)).to_string(),
        ];
        (None, cells)
    });
    Some(Plot {
        id: id.to_owned(),
        title: html! { "Latency against concurrency" },
        see: see(&phases),
        height: HEIGHT,
        x: Axis {
            title: "users present in that second".to_owned(),
            ticks: plot::ticks(&x, 6, |users| count(numbers::whole(users))),
        },
        y: Axis {
            title: format!("P95 of a second, {}{logarithmic}", unit.name),
            ticks: plot::ticks(&y, 5, unit.text()),
        },
        under: html! {},
        series: series.collect(),
        over: html! {},
        keys: Vec::new(),
        numbers: Numbers {
            heads: ["phase", "seconds", "users, median", "P95, median"]
                .map(str::to_owned)
                .to_vec(),
            rows: rows.collect(),
        },
    })
}

/// The seconds of the deployment under test by phase, in which there were answers.
fn phases(record: &RunRecord) -> Vec<Phase> {
    let mut phases: Vec<Phase> = record
        .phases
        .iter()
        .map(|phase| Phase {
            name: Medium::Plain.foreign(&phase.name),
            seconds: Vec::new(),
        })
        .collect();
    for (index, second) in record.timeline.iter().enumerate() {
        let at = index as f64 + 0.5;
        let after = record.slices.partition_point(|slice| slice.start_s <= at);
        let slice = record.slices[..after].last();
        let slice =
            slice.filter(|slice| at < slice.start_s + slice.length_s && slice.arm == Arm::Target);
        if let (Some(slice), Some(millis)) = (slice, second.p95_ms) {
            phases[slice.phase]
                .seconds
                .push((f64::from(second.users), millis / 1e3));
        }
    }
    // What comes in while nobody sends says nothing of the load.
    let is_idle = record.phases.iter().map(|phase| phase.idle);
    let phases = phases.into_iter().zip(is_idle);
    phases
        .filter(|(phase, is_idle)| !phase.seconds.is_empty() && !is_idle)
        .map(|(phase, _)| phase)
        .collect()
}

fn see(phases: &[Phase]) -> Markup {
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
        "P95 of the median second: " (told(least))
        @if least.name != most.name { ", " (told(most)) }
        "."
    }
}
