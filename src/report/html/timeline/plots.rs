//! The plots of a timeline, each with what to see in it.

use maud::{Markup, html};

use super::super::plot::{self, Axis, Form, HEIGHT, Marker, Plot, Series, TOP};
use super::super::scale::{Spread, around, from_zero};
use super::super::words::millis_unit;
use super::{Timeline, arm_name, name, numbers_text};
use crate::measurement::Arm;
use crate::record::median;
use crate::report::text::numbers::{self, count, counted};
use crate::report::text::{one_line, shorten};
use crate::report::view::Point;
use crate::units::Latency;

const QUANTILES: [(&str, &str, Marker); 3] = [
    ("P50", "p50", Marker::Square),
    ("P95", "p95", Marker::Circle),
    ("P99", "p99", Marker::Triangle),
];

/// Phases whose planned load is told.
const PLANNED: usize = 6;

impl Timeline<'_> {
    /// Latency.
    pub(in crate::report::html) fn latency(&self, id: &str) -> Plot {
        let values = || self.moments().flat_map(|moment| moment.quantiles).flatten();
        let (scale, spread) = around(values());
        let y = scale.between(plot::bottom(HEIGHT), TOP);
        let unit = millis_unit(values());
        let title = match spread {
            Spread::Log => format!("latency, {} (logarithmic)", unit.name),
            Spread::Linear | Spread::Percentile => format!("latency, {}", unit.name),
        };
        let arms: &[Arm] = if self.is_duet() {
            &[Arm::Target, Arm::Base]
        } else {
            &[Arm::Target]
        };
        let series = arms.iter().flat_map(|arm| {
            let own = |moment: &Point| moment.arm(self.record) == Some(*arm);
            let quantiles = QUANTILES.iter().enumerate();
            quantiles.map(move |(index, (name, look, marker))| Series {
                name: if self.is_duet() {
                    format!("{name}, {}", arm_name(*arm))
                } else {
                    (*name).to_owned()
                },
                look: match (arm, *look) {
                    (Arm::Target, look) => look,
                    (Arm::Base, "p50") => "p50 hollow base-arm",
                    (Arm::Base, "p95") => "p95 hollow base-arm",
                    (Arm::Base, _) => "p99 hollow base-arm",
                },
                marker: *marker,
                form: Form::Line,
                runs: self.runs(|moment| {
                    let value = moment.quantiles[index].filter(|_| own(moment))?;
                    Some(y.at(value))
                }),
            })
        });
        let numbers = self.numbers(&["P50", "P95", "P99"], |moment| {
            moment.quantiles.map(numbers::latency).to_vec()
        });
        self.plot(
            id,
            "Latency",
            self.see_latency(),
            Axis {
                title,
                ticks: plot::ticks(&y, 5, unit.text()),
            },
            series.collect(),
            numbers,
        )
    }

    fn see_latency(&self) -> Markup {
        let p95 = |arm: Arm| {
            let own = self
                .moments()
                .filter(move |moment| moment.arm(self.record) == Some(arm));
            own.filter_map(|moment| Some((moment, moment.quantiles[1]?)))
        };
        let middle = |arm| {
            let values: Vec<f64> = p95(arm).map(|(_, value)| value).collect();
            Latency(median(&values))
        };
        let worst = p95(Arm::Target).max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((moment, worst)) = worst else {
            return html! { "No request got a response." };
        };
        let (point, when) = (self.point(), self.when(moment));
        let shared = self.moments().any(|moment| {
            let place = moment.place;
            place.is_some_and(|place| place.arm.is_none())
        });
        html! {
            @if self.is_duet() && p95(Arm::Base).next().is_some() {
                "P95 of the median " (point) ": " (middle(Arm::Target)) " on the target, " (middle(Arm::Base))
                " on the base. The target's was highest at " (when) ": " (Latency(worst)) "."
            } @else {
                "P95 was " (middle(Arm::Target)) " in the median " (point) ", and highest at " (when) ": " (Latency(worst)) "."
            }
            @if shared { " Seconds in which both were loaded are left out." }
        }
    }

    /// Users.
    pub(in crate::report::html) fn users(&self, id: &str) -> Plot {
        let users = |moment: &Point| f64::from(moment.users);
        let y = from_zero(self.moments().map(users)).between(plot::bottom(HEIGHT), TOP);
        let most = self.moments().map(|moment| moment.users).max();
        let most = counted(u64::from(most.unwrap_or(0)), "user");
        let mut phases: Vec<usize> = self.stretches.iter().map(|own| own.phase).collect();
        phases.dedup();
        let phases = phases.iter().take(PLANNED);
        let phases = phases.filter_map(|phase| self.record.phases.get(*phase));
        let planned: Vec<String> = phases
            .map(|phase| {
                let load = shorten(&one_line(&phase.load), 40);
                format!("{} {load}", name(&phase.name))
            })
            .collect();
        let see = html! { "At most " (most) " at a time. Planned: " (planned.join(", ")) "." };
        let series = self.line("users", "users", |moment| y.at(users(moment)));
        let ticks = plot::ticks(&y, 4, numbers_text);
        let numbers = self.numbers(&["users"], |moment| vec![count(u64::from(moment.users))]);
        let axis = Axis {
            title: "users present".to_owned(),
            ticks,
        };
        self.plot(id, "Users", see, axis, vec![series], numbers)
    }

    /// Requests per second.
    pub(in crate::report::html) fn rate(&self, id: &str) -> Plot {
        let y = from_zero(self.moments().map(Point::per_second));
        let y = y.between(plot::bottom(HEIGHT), TOP);
        let rates: Vec<f64> = self.measured().map(Point::per_second).collect();
        let (low, high) = ends(&rates);
        let see = html! {
            @if rates.is_empty() { "No measured phase had users or arrivals." } @else {
                "In measured phases " (numbers::rate(median(&rates))) " in the median, between " (numbers::rate(low)) " and "
                (numbers::rate(high)) "."
            }
            @if let Some(last) = self.last() { (last) }
        };
        let series = self.line("requests/s", "rate", |moment| y.at(moment.per_second()));
        let ticks = plot::ticks(&y, 4, numbers_text);
        let numbers = self.numbers(&["requests/s"], |moment| {
            vec![numbers_text(moment.per_second())]
        });
        let axis = Axis {
            title: "responses and failures per second".to_owned(),
            ticks,
        };
        self.plot(id, "Requests per second", see, axis, vec![series], numbers)
    }

    /// Errors per second.
    pub(in crate::report::html) fn errors(&self, id: &str) -> Plot {
        let y = from_zero(self.moments().map(Point::errors_per_second));
        let y = y.between(plot::bottom(HEIGHT), TOP);
        let series = Series {
            name: "errors/s".to_owned(),
            look: "errors",
            marker: Marker::Cross,
            form: Form::Bars,
            runs: self.runs(|moment| Some(y.at(moment.errors_per_second()))),
        };
        let ticks = plot::ticks(&y, 4, numbers_text);
        let numbers = self.numbers(&["errors"], |moment| vec![count(moment.errors)]);
        let axis = Axis {
            title: "failures per second".to_owned(),
            ticks,
        };
        let see = self.see_errors();
        self.plot(id, "Errors per second", see, axis, vec![series], numbers)
    }

    fn see_errors(&self) -> Markup {
        let all: u64 = self.moments().map(|moment| moment.errors).sum();
        let worst = self.moments().max_by_key(|moment| moment.errors);
        let Some(worst) = worst.filter(|worst| worst.errors > 0) else {
            return html! { "No request failed." };
        };
        let with = self.moments().filter(|moment| moment.errors > 0).count();
        html! {
            (counted(all, "request")) " failed, in " (count(with as u64)) " of "
            (counted(self.moments().count() as u64, self.point())) "; most at " (self.when(worst)) ": "
            (count(worst.errors)) "." @if let Some(last) = self.last() { (last) }
        }
    }

    fn line(&self, name: &str, look: &'static str, y: impl Fn(&Point) -> f64) -> Series {
        Series {
            name: name.to_owned(),
            look,
            marker: Marker::Circle,
            form: Form::Line,
            runs: self.runs(|moment| Some(y(moment))),
        }
    }
}

fn ends(values: &[f64]) -> (f64, f64) {
    let low = values.iter().copied().fold(f64::MAX, f64::min);
    let high = values.iter().copied().fold(0.0, f64::max);
    (low.min(high), high)
}
